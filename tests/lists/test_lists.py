"""Lists on the real store: entries come, match, count, expire and go; what they do to signups, mail and feedback."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
import pytest

from riskapi.app import Service
from riskapi.budgets.keys import EVENTS
from riskapi.commands.replay import replay
from riskapi.errors import Problem, StoreUnavailable
from riskapi.feedback.counts import FeedbackAction
from riskapi.feedback.event import FeedbackEvent
from riskapi.inputs.signup import Signup
from riskapi.lists import lists, named_accounts
from riskapi.lists.entries import StoredEntry
from riskapi.lists.lists import Lists
from riskapi.sending.grants import Message
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, shard, stream
from tests.conftest import NOW
from tests.lists.kept import Put, table, told
from tests.signups import body, post, together

DAY = 86400.0
DISPOSABLE = "mailinator.com"


def names(page: Mapping[str, Any]) -> list[str]:
    return [row["id"] for row in page["entries"]]


class TestEntries:
    """Put, read, written anew, removed."""

    def test_an_entry_is_read_as_it_was_put(self, entries: Lists, put: Put, store: Store) -> None:
        made = put("deny", "email_domain", " Spam.Example", expires_at=NOW + DAY, reason="phishing")
        found = entries.get("deny", made.id)
        assert found.view(NOW) == {
            "id": made.id,
            "list": "deny",
            "kind": "email_domain",
            "value": " Spam.Example",
            "normalized": "spam.example",
            "hashed": False,
            "reason": "phishing",
            "author": "kim",
            "created_at": "2026-11-22T10:00:00.000Z",
            "updated_at": "2026-11-22T10:00:00.000Z",
            "expires_at": "2026-11-23T10:00:00.000Z",
            "expired": False,
            "silences_feedback": False,
            "review_ids": [],
            "hits": 0,
            "last_hit_at": None,
        }
        assert told(store) == [
            {"id": made.id, "list": "deny", "kind": "email_domain", "change": "put", "actor": "kim", "at": NOW}
        ]

    def test_the_same_value_again_writes_the_entry_anew(self, entries: Lists, put: Put, store: Store) -> None:
        first = put("deny", "email", "Ana@Ruiz.example", expires_at=NOW + DAY, reason="a")
        entries.count_hit(first.id, "u_1", NOW)
        again = put("deny", "email", "ana@ruiz.example", NOW + 60, reason="b", author="lee")
        assert (again.id, again.created_at, again.updated_at) == (first.id, NOW, NOW + 60)
        assert (again.reason, again.author, again.expires_at, again.hits) == ("b", "lee", None, 1)
        assert names(entries.page(None, None, 10, None, NOW)) == [first.id]
        assert entries.expire(NOW + 2 * DAY) == store.execute("ZCARD", "risk:lx:{b}") == 0

    def test_an_entry_can_do_without_its_value(self, entries: Lists, put: Put, store: Store) -> None:
        made = put("deny", "mailbox", "Ana.Ruiz+x@gmail.com", hashed=True, reason="a ring")
        view = entries.get("deny", made.id).view(NOW)
        assert (view["value"], view["hashed"], view["normalized"]) == (None, True, f"#{made.normal[:6]}…")
        for key in store.execute("KEYS", "risk:*"):
            assert b"ruiz" not in store.execute("DUMP", key).lower()
        again = put("deny", "mailbox", "anaruiz@googlemail.com", NOW + 1, hashed=True)
        plain = put("deny", "mailbox", "anaruiz@gmail.com", NOW + 2)
        assert again.id == made.id != plain.id
        entries.remove("deny", made.id, "kim", NOW + 3)
        assert list(table(store)) == [b"mailbox:anaruiz@gmail.com"]

    @pytest.mark.parametrize(
        ("kind", "value", "pointer"),
        [
            ("email", "ana@ruiz.example", "/hashed"),
            ("ip", "203.0.113.9", "/hashed"),
            ("phone_prefix", "+34", "/hashed"),
            ("user", "u_1", "/hashed"),
            ("email_domain", "mail.ruiz.example", "/value"),
            ("email_domain", "gmail.com", "/value"),
            ("phone", "600123123", "/value"),
            ("payment", "null", "/value"),
        ],
    )
    def test_what_cannot_do_without_its_value_is_refused(
        self, put: Put, store: Store, kind: Any, value: str, pointer: str
    ) -> None:
        with pytest.raises(Problem) as problem:
            put("deny", kind, value, hashed=True)
        assert [error["pointer"] for error in problem.value.errors] == [pointer]
        assert table(store) == {}

    def test_one_value_can_be_on_every_list(self, entries: Lists, put: Put, store: Store) -> None:
        made = [put(name, "ip", "203.0.113.9") for name in ("deny", "allow", "watch")]
        assert len(table(store)) == 1
        entries.remove("allow", made[1].id, "kim", NOW)
        assert [put(name, "ip", "203.0.113.9").id for name in ("deny", "watch")] == [made[0].id, made[2].id]

    def test_what_is_removed_is_gone_but_known_for_a_week(self, entries: Lists, put: Put, store: Store) -> None:
        made = put("deny", "ip", "203.0.113.9")
        entries.count_hit(made.id, "u_1", NOW)
        assert entries.remove("deny", made.id, "lee", NOW + 1).hits == 1
        with pytest.raises(Problem):
            entries.get("deny", made.id)
        with pytest.raises(Problem) as problem:
            entries.remove("deny", made.id, "lee", NOW + 1)
        assert problem.value.code == "not_found"
        assert table(store) == {}
        assert names(entries.page(None, None, 10, None, NOW)) == []
        assert (told(store)[-1]["change"], told(store)[-1]["actor"]) == ("removed", "lee")
        known = entries.load(made.id)
        assert known is not None
        assert (known.normal, known.removed) == ("203.0.113.9", True)
        for key in (f"risk:le:{{b}}:{made.id}", f"risk:lh:{{b}}:{made.id}"):
            assert 0 < store.execute("TTL", key) <= 7 * DAY
        assert put("deny", "ip", "203.0.113.9").id != made.id

    def test_an_entry_is_found_on_its_own_list_only(self, entries: Lists, put: Put) -> None:
        made = put("deny", "ip", "203.0.113.9")
        with pytest.raises(Problem):
            entries.get("allow", made.id)
        with pytest.raises(Problem):
            entries.remove("watch", made.id, "kim", NOW)
        assert entries.load("lst_nobody") is None

    @pytest.mark.parametrize(
        ("name", "more", "pointer"),
        [
            ("deny", {"expires_at": NOW}, "/expires_at"),
            ("deny", {"expires_at": NOW - 1}, "/expires_at"),
            ("deny", {"silences_feedback": True}, "/silences_feedback"),
            ("watch", {"silences_feedback": True}, "/silences_feedback"),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, put: Put, store: Store, name: Any, more: dict[str, Any], pointer: str
    ) -> None:
        with pytest.raises(Problem) as problem:
            put(name, "ip", "203.0.113.9", **more)
        assert [error["pointer"] for error in problem.value.errors] == [pointer]
        assert table(store) == {}

    def test_pages_lose_nothing_and_are_filtered(self, entries: Lists, put: Put) -> None:
        made = [
            put(("deny", "allow")[number % 2], "user", f"u_{number}", NOW + number // 3).id for number in range(7)
        ] + [put("deny", "asn", "64500", NOW + 9).id]
        seen, cursor = [], None
        while True:
            page = entries.page(None, None, 3, cursor, NOW)
            seen += names(page)
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert sorted(seen) == sorted(made)
        assert seen[0] == made[-1]
        assert set(names(entries.page("allow", None, 50, None, NOW))) == set(made[1:7:2])
        assert names(entries.page("deny", "asn", 50, None, NOW)) == made[-1:]
        assert names(entries.page("allow", "asn", 50, None, NOW)) == []

    @pytest.mark.parametrize("cursor", ["x", "=", "é", "bHN0Xw==", "MDAwMDAwMDAwMDAwLjAwMDAwMDpsc3RfMQ=="])
    def test_a_cursor_nobody_gave_is_refused(self, entries: Lists, cursor: str) -> None:
        with pytest.raises(Problem) as problem:
            entries.page(None, None, 10, cursor, NOW)
        assert problem.value.errors[0]["pointer"] == "/cursor"


class TestRaces:
    """Many at once, and the same twice."""

    def test_racing_puts_of_one_value_make_one_entry(self, put: Put, store: Store) -> None:
        made = together(20, lambda number: put("deny", "ip", "203.0.113.9", reason=str(number)))
        assert len({entry.id for entry in made}) == 1
        assert len(table(store)) == store.execute("ZCARD", "risk:li:{b}") == 1
        assert len(told(store)) == 20

    def test_racing_puts_on_different_lists_lose_none(self, put: Put, store: Store) -> None:
        made = together(12, lambda number: put(("deny", "allow", "watch")[number % 3], "ip", "203.0.113.9"))
        assert len({entry.id for entry in made}) == 3
        assert {segment[:1] for segment in table(store)[b"ip:203.0.113.9"].split()} == {b"d", b"a", b"w"}

    def test_put_and_remove_leave_it_whole_whoever_wins(self, entries: Lists, put: Put, store: Store) -> None:
        for round_ in range(20):
            first = put("deny", "ip", "203.0.113.9", NOW + round_)
            work = [partial(put, "deny", "ip", "203.0.113.9"), partial(entries.remove, "deny", first.id, "kim", NOW)]
            together(2, lambda number, work=work: work[number]())  # type: ignore[misc]
            listed = names(entries.page(None, None, 10, None, NOW))
            held = [segment.split(b"|")[0][1:].decode() for value in table(store).values() for segment in value.split()]
            assert listed == held
            for id in listed:
                entries.remove("deny", id, "kim", NOW)

    def test_racing_removals_remove_once(self, entries: Lists, put: Put, store: Store) -> None:
        made = put("deny", "ip", "203.0.113.9")
        found = together(10, lambda _: entries.remove("deny", made.id, "kim", NOW))
        assert len([each for each in found if isinstance(each, StoredEntry)]) == 1
        assert [row["change"] for row in told(store)] == ["put", "removed"]

    def test_commands_that_are_executed_twice_are_told_once(
        self, service: Service, entries: Lists, put: Put, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        execute = store.execute

        def twice(*args: Any) -> Any:
            execute(*args)
            return execute(*args)

        monkeypatch.setattr(store, "execute", twice)
        made = put("deny", "ip", "203.0.113.9", expires_at=NOW + 1)
        put("deny", "ip", "203.0.113.9", expires_at=NOW + 2)
        assert entries.count_hit(made.id, "u_1", NOW) == 1
        other = put("allow", "ip", "203.0.113.9")
        entries.remove("allow", other.id, "kim", NOW)
        entries.expire(NOW + 3)
        monkeypatch.undo()
        assert [row["change"] for row in told(store)] == ["put", "put", "put", "removed", "expired"]
        assert table(store) == {}

    def test_racing_sweeps_tell_of_an_expiry_once(self, entries: Lists, put: Put, store: Store) -> None:
        for number in range(20):
            put("deny", "user", f"u_{number}", expires_at=NOW + 1)
        assert sum(together(4, lambda _: entries.expire(NOW + 1))) == 20
        assert [row["change"] for row in told(store)].count("expired") == 20


class TestExpiry:
    """Entries end by the clock, are told of, shown for a while, and forgotten."""

    def test_an_expired_entry_is_told_of_shown_and_forgotten(self, entries: Lists, put: Put, store: Store) -> None:
        made = put("deny", "ip", "203.0.113.9", expires_at=NOW + DAY)
        entries.count_hit(made.id, "u_1", NOW)
        assert entries.expire(NOW + DAY - 1) == 0
        assert entries.expire(NOW + DAY) == 1
        assert table(store) == {}
        assert told(store)[-1] == {
            "id": made.id, "list": "deny", "kind": "ip", "change": "expired", "actor": None, "at": NOW + DAY,
        }  # fmt: skip
        assert entries.get("deny", made.id).view(NOW + DAY)["expired"]
        assert entries.expire(NOW + 30 * DAY) == 0
        assert entries.load(made.id) is not None
        entries.expire(NOW + 31 * DAY)
        assert [key for key in store.execute("KEYS", "risk:l[^i]*")] == []

    def test_one_that_is_written_anew_in_time_goes_on(self, entries: Lists, put: Put, store: Store) -> None:
        first = put("deny", "ip", "203.0.113.9", expires_at=NOW + DAY)
        assert put("deny", "ip", "203.0.113.9", NOW + 2 * DAY, expires_at=NOW + 9 * DAY).id == first.id
        assert entries.expire(NOW + 3 * DAY) == 0
        assert len(table(store)) == 1

    def test_an_expiry_of_nothing_is_let_go(self, entries: Lists, store: Store) -> None:
        store.execute("ZADD", "risk:lx:{b}", NOW, "lst_lost")
        assert entries.expire(NOW) == store.execute("ZCARD", "risk:lx:{b}") == 0

    def test_one_that_is_put_after_it_expired_is_another(self, entries: Lists, put: Put) -> None:
        first = put("deny", "ip", "203.0.113.9", expires_at=NOW + DAY)
        entries.expire(NOW + DAY)
        second = put("deny", "ip", "203.0.113.9", NOW + DAY)
        assert second.id != first.id
        entries.expire(NOW + 40 * DAY)
        assert names(entries.page(None, None, 10, None, NOW)) == [second.id]

    def test_an_expired_entry_can_be_removed(self, entries: Lists, put: Put, store: Store) -> None:
        made = put("deny", "ip", "203.0.113.9", expires_at=NOW + DAY)
        entries.expire(NOW + DAY)
        again = put("deny", "ip", "203.0.113.9", NOW + DAY)
        entries.remove("deny", made.id, "kim", NOW + DAY)
        assert again.id.encode() in table(store)[b"ip:203.0.113.9"]


class TestHits:
    """An account counts once; what nobody hits is reported."""

    def test_an_account_counts_once_and_the_latest_time_stands(self, entries: Lists, put: Put) -> None:
        made = put("deny", "ip", "203.0.113.9")
        told_of = (("a", NOW), ("b", NOW + 5), ("a", NOW + 2), ("a", NOW))
        counts = [entries.count_hit(made.id, user, at) for user, at in told_of]
        assert counts == [1, 2, 2, 2]
        found = entries.get("deny", made.id)
        assert (found.hits, found.last_hit_at) == (2, NOW + 5)

    def test_racing_counts_lose_none(self, entries: Lists, put: Put) -> None:
        made = put("deny", "ip", "203.0.113.9")
        together(20, lambda number: entries.count_hit(made.id, f"u_{number % 10}", NOW + number))
        assert entries.get("deny", made.id).hits == 10

    def test_only_the_newest_are_remembered(
        self, entries: Lists, put: Put, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lists, "MOST_HITS", 3)
        made = put("deny", "ip", "203.0.113.9")
        assert [entries.count_hit(made.id, f"u_{number}", NOW + number) for number in range(5)] == [1, 2, 3, 3, 3]
        entries.count_hit(made.id, "u_4", NOW)
        assert store.execute("ZRANGE", f"risk:lh:{{b}}:{made.id}", 0, -1) == [b"u_2", b"u_3", b"u_4"]

    def test_an_entry_that_is_not_there_hits_nobody(self, entries: Lists, store: Store) -> None:
        assert entries.count_hit("lst_nobody", "u_1", NOW) == 0
        assert store.execute("KEYS", "risk:l[^i]*") == []

    def test_what_nobody_needs_is_reported_oldest_first(self, entries: Lists, put: Put) -> None:
        later = NOW + 100 * DAY
        put("deny", "user", "u_young", later - DAY)
        never = put("deny", "user", "u_never", NOW)
        long_ago, lately = put("deny", "user", "u_old", NOW + 1), put("allow", "user", "u_new", NOW + 2)
        over = put("watch", "user", "u_over", later - 2 * DAY, expires_at=later - DAY)
        entries.count_hit(long_ago.id, "u_old", NOW + 5 * DAY)
        entries.count_hit(lately.id, "u_new", later - DAY)
        report = entries.stale(later, 90)
        assert [(row["id"], row["why"]) for row in report["entries"]] == [
            (never.id, ["never_hit"]),
            (long_ago.id, ["not_hit_lately"]),
            (over.id, ["expired"]),
        ]
        assert (report["days"], report["complete"]) == (90, True)
        year = entries.stale(NOW + 366 * DAY, 3650)
        assert [(row["id"], row["why"]) for row in year["entries"] if row["id"] != over.id] == [
            (each.id, ["never_expires"]) for each in (never, long_ago, lately)
        ]

    def test_a_long_report_says_that_it_is_cut(self, entries: Lists, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lists, "_MOST_REPORTED", 2)
        monkeypatch.setattr(lists, "_TRIP", 2)
        made = [put("deny", "user", f"u_{number}", NOW + number) for number in range(5)]
        report = entries.stale(NOW + 100 * DAY, 90)
        assert (names(report), report["complete"]) == ([made[0].id, made[1].id], False)


PEOPLE = {
    "u_plain": {"email": {"address": "Ana.Ruiz+a@gmail.com"}, "device": {"ip_address": "203.0.113.9", "id": "dev-1"}},
    "u_alias": {"email": {"address": "anaruiz@gmail.com"}, "device": {"ip_address": "203.0.113.200", "id": "dev-2"}},
    "u_firm": {
        "email": {"address": "kim@mail.firm.example"},
        "device": {"ip_address": "203.0.114.1"},
        "phone": {"number": "+34 600 123 123"},
    },
    "u_shop": {
        "email": {"address": "lee@firm.example"},
        "device": {"ip_address": "2001:db8:1:2::9"},
        "phone": {"number": "+34600999999"},
    },
    "u_inside": {"email": {"address": "in@inside.example"}, "device": {"ip_address": "10.1.2.3"}},
    "u_google": {
        "email": {"address": "x@other.example"},
        "device": {"ip_address": "8.8.8.8"},
        "payment": {"fingerprint": " card-1 "},
    },
}


class TestMatches:
    """Which accounts that are there already an entry names."""

    @pytest.mark.parametrize(
        ("kind", "value", "users"),
        [
            ("user", "u_firm", {"u_firm"}),
            ("user", "u_nobody", set()),
            ("email", "ana.ruiz+a@gmail.com", {"u_plain"}),
            ("email", "anaruiz@gmail.com", {"u_alias"}),
            ("mailbox", "ana.ruiz@googlemail.com", {"u_plain", "u_alias"}),
            ("email_domain", "firm.example", {"u_firm", "u_shop"}),
            ("email_domain", "mail.firm.example", {"u_firm"}),
            ("email_domain", "gmail.com", {"u_plain", "u_alias"}),
            ("ip", "203.0.113.9", {"u_plain"}),
            ("ip", "2001:db8:1:2::9", {"u_shop"}),
            ("ip", "2001:db8:1:2::8", set()),
            ("ip", "10.1.2.3", {"u_inside"}),
            ("cidr", "203.0.113.0/24", {"u_plain", "u_alias"}),
            ("cidr", "203.0.113.0/25", {"u_plain"}),
            ("cidr", "203.0.113.9/32", {"u_plain"}),
            ("cidr", "203.0.112.0/22", {"u_plain", "u_alias", "u_firm"}),
            ("cidr", "203.0.0.0/16", {"u_plain", "u_alias", "u_firm"}),
            ("cidr", "203.0.0.0/15", {"u_plain", "u_alias", "u_firm"}),
            ("cidr", "2001:db8:1:2::/64", {"u_shop"}),
            ("cidr", "2001:db8:1:3::/64", set()),
            ("cidr", "2001:db8::/40", {"u_shop"}),
            ("cidr", "2001:db8::/32", {"u_shop"}),
            ("cidr", "10.0.0.0/8", {"u_inside"}),
            ("asn", "15169", {"u_google"}),
            ("phone", "+34600123123", {"u_firm"}),
            ("phone_prefix", "+34600", {"u_firm", "u_shop"}),
            ("phone_prefix", "+346009", {"u_shop"}),
            ("device", "dev-2", {"u_alias"}),
            ("payment", "card-1", {"u_google"}),
            ("payment", "card-2", set()),
            ("link_domain", "shop.example", {"u_shop"}),
        ],
    )
    def test_those_are_named_whom_the_entry_would_name_now(
        self, service: Service, entries: Lists, put: Put, kind: Any, value: str, users: set[str]
    ) -> None:
        for user, parts in PEOPLE.items():
            post(service, body(user, **parts))
        service.parts.grants.send("u_shop", 1, Message(("https://www.shop.example/a",)), NOW)
        entry = put("watch", kind, value)
        assert entries.would_match(entry)["would_match_count"] == len(users)
        found, complete = entries.matching(entry, 100)
        assert (set(found), complete) == (users, True)
        assert len(found) == len(users)

    @pytest.mark.parametrize(
        ("kind", "value", "users"),
        [
            ("mailbox", "ana.ruiz@googlemail.com", {"u_plain", "u_alias"}),
            ("phone", "+34 600 123 123", {"u_firm"}),
            ("device", "dev-2", {"u_alias"}),
            ("payment", "card-1", {"u_google"}),
            ("email_domain", "firm.example", {"u_firm", "u_shop"}),
            ("email_domain", "nobody.example", set()),
        ],
    )
    def test_an_entry_without_its_value_names_the_same(
        self, service: Service, entries: Lists, put: Put, kind: Any, value: str, users: set[str]
    ) -> None:
        for user, parts in PEOPLE.items():
            post(service, body(user, **parts))
        found, complete = entries.matching(put("watch", kind, value, hashed=True), 100)
        assert (set(found), len(found), complete) == (users, len(users), True)

    def test_accounts_that_are_gone_are_not_named(
        self, service: Service, entries: Lists, put: Put, store: Store
    ) -> None:
        post(service, body("u_1"))
        store.execute("DEL", account_key("u_1"))
        assert entries.matching(put("deny", "ip", "203.0.113.9"), 10) == ([], True)
        assert entries.matching(put("deny", "user", "u_1"), 10) == ([], True)
        assert entries.matching(put("deny", "email_domain", "ruiz.example", hashed=True), 10) == ([], True)

    def test_no_more_are_named_than_wanted(self, service: Service, entries: Lists, put: Put) -> None:
        for number in range(5):
            post(service, body(f"u_{number}", email={"address": f"u_{number}@ruiz.example"}), NOW + number)
        entry = put("deny", "email_domain", "ruiz.example")
        assert entries.matching(entry, 3) == (["u_4", "u_3", "u_2"], False)
        assert entries.matching(entry, 5)[1]

    def test_a_sample_is_told_as_one(
        self, service: Service, entries: Lists, put: Put, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(named_accounts, "MOST", 8)
        monkeypatch.setattr("riskapi.accounts.log._PAGE", 1)
        users = [f"u_{number}" for number in range(30)]
        for number, user in enumerate(users):
            post(service, body(user, phone={"number": f"+346001231{number:02}"}), NOW + number)
        found, complete = entries.matching(put("deny", "phone_prefix", "+34600"), 100)
        assert (complete, 8 <= len(found) < 16) == (False, True)
        for number in range(8):
            here = [user for user in users if shard(user) == number]
            seen = [user for user in here if user in found]
            assert seen == here[len(here) - len(seen) :]

    def test_below_a_linked_domain_and_for_everybody_s_nobody_can_be_named(
        self, service: Service, entries: Lists, put: Put
    ) -> None:
        post(service, body("u_1"))
        service.parts.grants.send("u_1", 1, Message(("a.shop.example", "bit.ly")), NOW)
        for value in ("a.shop.example", "bit.ly"):
            assert entries.matching(put("deny", "link_domain", value), 10) == ([], False)

    def test_at_most_a_hundred_are_named_in_an_answer(
        self, service: Service, entries: Lists, put: Put, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lists, "_NAMED", 2)
        for number in range(3):
            post(service, body(f"u_{number}", device={"ip_address": "203.0.113.9"}), NOW + number)
        assert entries.would_match(put("deny", "ip", "203.0.113.9")) == {
            "would_match": ["u_2", "u_1"],
            "would_match_count": 3,
            "would_match_complete": True,
        }


class TestSignups:
    """Whole signups that lists have a say in."""

    def test_a_denied_domain_limits_its_signups_and_those_below_it(self, service: Service, put: Put) -> None:
        made = put("deny", "email_domain", "spam.example", expires_at=NOW + DAY)
        answer = post(service, body("u_1", email={"address": "a@mail.spam.example"}))
        assert answer["decision"] == "limit"
        assert answer["disposition"] == {"source": "list", "rule": made.id}
        assert answer["reasons"][0] == {
            "code": "LIST_DENY", "signal": None, "text": "Its mail domain is on the deny list", "contribution": None,
        }  # fmt: skip
        seen = service.parts.profiles.view("u_1", NOW)
        first = seen["history"][0]
        assert (first["source"], first["reason"], first["expires_at"]) == ("list", made.id, "2026-11-23T10:00:00.000Z")
        assert post(service, body("u_2"))["decision"] == "allow"

    @pytest.mark.parametrize(
        ("kind", "value", "said"),
        [
            ("mailbox", "anaruiz@gmail.com", "mailbox"),
            ("phone", "+34600123123", "phone number"),
            ("device", "dev-1", "device"),
            ("payment", "card-1", "means of payment"),
            ("email_domain", "spam.example", "mail domain"),
        ],
    )
    @pytest.mark.parametrize("hashed", [True, False], ids=["without its value", "with it"])
    def test_every_kind_without_its_value_limits_like_one_with_it(
        self, service: Service, put: Put, kind: Any, value: str, said: str, hashed: bool
    ) -> None:
        parts: dict[str, Any] = {
            "email": {"address": "a.naruiz+7@gmail.com" if kind == "mailbox" else "a@mail.spam.example"},
            "phone": {"number": "+34 600 123 123"},
            "device": {"ip_address": "203.0.113.9", "id": " dev-1"},
            "payment": {"fingerprint": "card-1 "},
        }
        made = put("deny", kind, value, hashed=hashed)
        answer = post(service, body("u_1", **parts))
        assert (answer["decision"], answer["disposition"]) == ("limit", {"source": "list", "rule": made.id})
        assert answer["reasons"][0]["text"] == f"Its {said} is on the deny list"
        assert post(service, body("u_2", email={"address": "b@other.example"}))["decision"] == "allow"

    def test_an_identifier_that_looks_like_an_hmac_is_not_taken_for_one(self, service: Service, put: Put) -> None:
        made = put("deny", "device", "dev-1", hashed=True)
        forged = f"#{made.normal}"
        device = {"ip_address": "203.0.113.9", "id": forged}
        assert post(service, body("u_1", device=device))["decision"] == "allow"
        plain = put("watch", "device", forged)
        assert post(service, body("u_2", device=device))["disposition"]["rule"] == plain.id

    @pytest.mark.parametrize("domain", ["spam.example", "spam.co.uk"])
    def test_a_domain_without_its_value_is_as_specific_as_it_would_be_with_it(
        self, service: Service, put: Put, domain: str
    ) -> None:
        denied = put("deny", "email_domain", domain, hashed=True)
        put("allow", "email_domain", domain)
        below = put("allow", "email_domain", f"good.{domain}")
        answer = post(service, body("u_1", email={"address": f"a@{domain}"}))
        assert answer["disposition"] == {"source": "list", "rule": denied.id}
        answer = post(service, body("u_2", email={"address": f"a@x.good.{domain}"}))
        assert answer["disposition"] == {"source": "list", "rule": below.id}

    def test_allow_beats_a_live_rule_and_says_so(self, service: Service, put: Put) -> None:
        address = {"address": f"ana@{DISPOSABLE}"}
        assert post(service, body("u_0", email=address))["disposition"]["source"] == "rule"
        made = put("allow", "user", "u_1")
        answer = post(service, body("u_1", email=address))
        assert (answer["decision"], answer["review_id"]) == ("allow", None)
        assert answer["disposition"] == {"source": "list", "rule": made.id}
        reasons = service.parts.profiles.view("u_1", NOW)["latest"]["reasons"]
        assert reasons[0]["code"] == "LIST_ALLOW"
        assert len(reasons) > 1

    def test_watch_asks_for_a_review_that_names_it(self, service: Service, put: Put) -> None:
        made = put("watch", "cidr", "203.0.113.0/24")
        answer = post(service, body("u_1"))
        assert (answer["decision"], answer["disposition"]) == ("review", {"source": "list", "rule": made.id})
        review = service.parts.reviews.get(answer["review_id"])
        assert [reason["code"] for reason in review["reasons"]] == ["LIST_WATCH"]

    def test_an_exception_is_made_below_what_is_denied(self, service: Service, put: Put) -> None:
        put("deny", "email_domain", "spam.example")
        put("allow", "email", "kim@good.spam.example")
        assert post(service, body("u_1", email={"address": "Kim@good.spam.example"}))["decision"] == "allow"
        assert post(service, body("u_2", email={"address": "lee@good.spam.example"}))["decision"] == "limit"

    def test_an_entry_ends_by_the_clock_before_anybody_cleans_up(self, service: Service, put: Put) -> None:
        put("deny", "ip", "203.0.113.9", expires_at=NOW + 60)
        device = {"ip_address": "203.0.113.9"}
        assert post(service, body("u_1", device=device), NOW + 59)["decision"] == "limit"
        assert post(service, body("u_2", device=device), NOW + 60)["decision"] == "allow"

    def test_the_clock_is_that_of_the_request_whenever_the_signup_was(self, service: Service, put: Put) -> None:
        put("deny", "ip", "203.0.113.9", expires_at=NOW + 60)
        late = body("u_1", event={"time": "2026-11-01T00:00:00Z"})
        assert post(service, late, NOW + 61)["decision"] == "allow"

    def test_a_removed_entry_names_nobody(self, service: Service, entries: Lists, put: Put) -> None:
        made = put("deny", "ip", "203.0.113.9")
        entries.remove("deny", made.id, "kim", NOW)
        assert post(service, body("u_1"))["disposition"]["source"] != "list"

    def test_what_named_a_signup_is_recorded_and_replayed(
        self, service: Service, put: Put, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wide, narrow = put("deny", "cidr", "203.0.113.0/24"), put("allow", "ip", "203.0.113.9", silences_feedback=True)
        post(service, body("u_1"))
        post(service, body("u_2", device={"ip_address": "203.0.113.10"}))
        put("watch", "user", "u_3")
        post(service, body("u_3", device={}))
        rows = {row["user_id"]: row for row in service.decisions.export()}
        assert rows["u_1"]["listing"] == {
            "list": "allow", "kind": "ip", "id": narrow.id, "expires_at": None, "silences_feedback": True, "depth": 0,
        }  # fmt: skip
        assert rows["u_1"]["listed"] == [narrow.id, wide.id]
        assert [rows[user]["tier"] for user in ("u_1", "u_2", "u_3")] == ["allow", "limit", "review"]
        lines = [orjson.dumps(row) for row in rows.values()]
        assert replay(lines, service.active.basis)["same"] == 3
        old = {name: value for name, value in rows["u_1"].items() if name not in ("listing", "listed")}
        assert replay([orjson.dumps(old)], service.active.basis)["different"] == 1
        assert "source was 'list'" in capsys.readouterr().out

    def test_while_the_store_is_away_lists_have_no_say(
        self, service: Service, put: Put, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put("allow", "user", "u_1")

        def refuse(*_: Any) -> Any:
            raise StoreUnavailable("away")

        with monkeypatch.context() as away:
            away.setattr(store, "run", refuse)
            away.setattr(store, "execute", refuse)
            assert post(service, body("u_1"))["disposition"] == {"source": "outage", "rule": None}
        service.parts.assessor.replay_journal(NOW + 1)
        assert service.parts.profiles.view("u_1", NOW + 1)["latest"]["disposition"]["source"] == "list"


class TestFeedback:
    """An allow entry silences feedback only where it says so."""

    def _grown(self, service: Service) -> float:
        post(service, body("u_1"))
        for day in range(7):
            service.parts.grants.send("u_1", 20, Message(), NOW + day * DAY)
        later = NOW + 7 * DAY
        assert self._daily(service, later) == 1000
        return later

    def _daily(self, service: Service, now: float) -> int:
        return int(service.parts.profiles.view("u_1", now)["limits"]["daily"])

    def _complain(self, service: Service, now: float, name: str = "c") -> list[FeedbackAction]:
        events = [FeedbackEvent(id=f"{name}{number}", type="complaint", user_id="u_1") for number in range(2)]
        return service.parts.feedback.count(events, now).actions

    def test_an_entry_that_does_not_say_so_changes_nothing_about_feedback(self, service: Service, put: Put) -> None:
        put("allow", "user", "u_1")
        later = self._grown(service)
        assert [row["action"] for row in self._complain(service, later)] == ["steps_lost"]
        assert self._daily(service, later) == 500

    def test_one_that_says_so_keeps_the_steps_and_the_counts(self, service: Service, put: Put) -> None:
        put("allow", "user", "u_1", silences_feedback=True)
        later = self._grown(service)
        assert self._complain(service, later) == []
        assert self._daily(service, later) == 1000
        assert service.parts.profiles.view("u_1", later)["feedback"]["complaints"] == 2

    def test_when_it_is_over_what_happened_counts_again(self, service: Service, put: Put) -> None:
        put("allow", "user", "u_1", silences_feedback=True, expires_at=NOW + 8 * DAY)
        later = self._grown(service)
        self._complain(service, later)
        assert self._daily(service, NOW + 8 * DAY - 1) == 1000
        assert self._daily(service, NOW + 8 * DAY) == 500
        assert self._complain(service, NOW + 8 * DAY, "d") == []  # they were lost before

    def test_an_entry_that_did_not_decide_silences_nothing(self, service: Service, put: Put) -> None:
        put("allow", "cidr", "203.0.113.0/24", silences_feedback=True)
        put("allow", "ip", "203.0.113.9")
        later = self._grown(service)
        self._complain(service, later)
        assert self._daily(service, later) == 500


class TestLinks:
    """What mail links to."""

    def _ask(self, service: Service, *links: str, now: float = NOW, **more: Any) -> Any:
        return service.parts.grants.send("u_1", 10, Message(links), now, **more)

    def test_a_denied_link_is_granted_nothing_and_told(self, service: Service, put: Put, store: Store) -> None:
        made = put("deny", "link_domain", "spam.example")
        post(service, body("u_1"))
        found = self._ask(service, "https://good.example/", "https://x.spam.example/a").body
        assert (found["granted"], found["denied"], found["denied_by"]) == (0, 10, "list_link_domain")
        assert (found["retry_after"], found["remaining"]["hourly"]) == (None, 200)
        assert told(store, "hit") == [{"user_id": "u_1", "entry": made.id, "list": "deny", "at": NOW}]
        assert self._ask(service, "https://good.example/").body["granted"] == 10

    def test_it_is_denied_without_partial_and_past_caps_too(self, service: Service, put: Put) -> None:
        put("deny", "link_domain", "bit.ly")
        post(service, body("u_1"))
        assert self._ask(service, "bit.ly", partial=False).body["denied_by"] == "list_link_domain"
        service.parts.grants.send("u_1", 1000, Message(), NOW)
        found = self._ask(service, "bit.ly").body
        assert (found["denied_by"], found["retry_after"], found["remaining"]["hourly"]) == ("list_link_domain", None, 0)

    def test_a_watched_link_is_granted_and_told(self, service: Service, put: Put, store: Store) -> None:
        made = put("watch", "link_domain", "spam.example")
        post(service, body("u_1"))
        assert self._ask(service, "spam.example").body["granted"] == 10
        assert [(row["entry"], row["list"]) for row in told(store, "hit")] == [(made.id, "watch")]

    def test_an_allowed_one_below_a_denied_one_passes(self, service: Service, put: Put, store: Store) -> None:
        put("deny", "link_domain", "shop.example")
        put("allow", "link_domain", "good.shop.example")
        post(service, body("u_1"))
        assert self._ask(service, "good.shop.example").body["granted"] == 10
        assert self._ask(service, "good.shop.example", "shop.example").body["granted"] == 0
        assert len(told(store, "hit")) == 1

    def test_an_expired_entry_denies_nothing(self, service: Service, put: Put) -> None:
        put("deny", "link_domain", "spam.example", expires_at=NOW + 60)
        post(service, body("u_1"))
        assert self._ask(service, "spam.example", now=NOW + 59).body["granted"] == 0
        assert self._ask(service, "spam.example", now=NOW + 60).body["granted"] == 10

    def test_a_repeated_request_gets_its_first_answer_and_is_told_once(
        self, service: Service, entries: Lists, put: Put, store: Store
    ) -> None:
        made = put("deny", "link_domain", "spam.example")
        post(service, body("u_1"))
        first = self._ask(service, "spam.example", repeat="k1", digest="d")
        entries.remove("deny", made.id, "kim", NOW)
        again = self._ask(service, "spam.example", repeat="k1", digest="d")
        assert (again.body, again.replay) == (first.body, True)
        granted = self._ask(service, "spam.example", repeat="k2", digest="d")
        put("deny", "link_domain", "spam.example")
        assert self._ask(service, "spam.example", repeat="k2", digest="d").body == granted.body
        assert len(told(store, "hit")) == 1

    def test_a_stranger_is_denied_but_not_told_of(self, service: Service, put: Put, store: Store) -> None:
        put("deny", "link_domain", "spam.example")
        basis = service.active.basis
        sends = basis.policy.sends.model_copy(update={"strangers": "limit"})
        service.active.use(basis.under(basis.policy.model_copy(update={"sends": sends})))
        assert self._ask(service, "spam.example").body["denied_by"] == "list_link_domain"
        assert told(store, "hit") == []

    def test_racing_sends_are_all_denied(self, service: Service, put: Put, store: Store) -> None:
        put("deny", "link_domain", "spam.example")
        post(service, body("u_1"))
        answers = together(12, lambda _: self._ask(service, "spam.example"))
        assert [answer.body["granted"] for answer in answers] == [0] * 12
        assert len(told(store, "hit")) == 12


def test_the_account_s_stream_knows_nothing_of_values(service: Service, put: Put, store: Store) -> None:
    put("deny", "email", "ana@ruiz.example")
    signup: Signup = body("u_1", email={"address": "ana@ruiz.example"})
    assert post(service, signup)["decision"] == "limit"
    for key in (EVENTS, stream(shard("u_1"))):
        assert b"ana@ruiz" not in b"".join(
            part for _, fields in store.execute("XRANGE", key, "-", "+") for part in fields.values()
        )


def test_whom_an_entry_hit_is_known_however_long_ago_that_was(service: Service, put: Put) -> None:
    """Finding them anew looks at the newest decisions only; letting them go must not depend on it."""
    entry = put("deny", "phone_prefix", "+3906")
    service.parts.lists.count_hit(entry.id, "u_old", NOW)
    service.parts.lists.count_hit(entry.id, "u_new", NOW + 1)
    service.parts.lists.remove("deny", entry.id, "kim", NOW + 2)
    assert service.parts.lists.hit(entry.id) == ["u_new", "u_old"]
