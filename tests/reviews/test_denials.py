"""What decisions put on the deny list: it holds no values, meets nobody else, and goes with its last cause."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from riskapi.app import Service
from riskapi.errors import Problem
from riskapi.lists.entries import ListEntry, StoredEntry
from riskapi.reviews import deniable_values
from riskapi.reviews.decided_accounts import DecisionPlan
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.reviewing import decide, establish, prove, undo
from tests.signups import body, post, together

DAY = 86400.0
ALL = ("mailbox", "phone", "device", "payment", "domain")
#: What the accounts of these tests sign up with; the number is a mobile one.
ABUSER: dict[str, Any] = {
    "email": {"address": "A.Spam.Mer+1@spam-shop.example"},
    "phone": {"number": "+34 600 123 123"},
    "device": {"ip_address": "203.0.113.9", "id": "dev-7f"},
    "payment": {"fingerprint": "card-1"},
}
#: What a stranger shares with the abuser, by the kind that is denied.
SHARES: dict[str, dict[str, Any]] = {
    "mailbox": {"email": {"address": "a.spam.mer+2@spam-shop.example"}},
    "phone": {"phone": {"number": "+34600123123"}},
    "device": {"device": {"ip_address": "198.51.100.7", "id": "dev-7f"}},
    "payment": {"payment": {"fingerprint": "card-1"}},
    "domain": {"email": {"address": "other@mail.spam-shop.example"}},
}


def reviewed(service: Service, user: str = "u_1", **parts: Any) -> str:
    """A review of an account that signed up as :data:`ABUSER`, with some parts replaced: its user_id is watched."""
    draft(service, "watch", "user", user)
    return str(post(service, body(user, **{**ABUSER, **parts}))["review_id"])


def draft(service: Service, name: Any, kind: Any, value: str, now: float = NOW, **more: Any) -> StoredEntry:
    """Put something on a list by hand."""
    lists = service.parts.lists
    given = {"expires_at": None, "reason": None, "author": "ana", "silences_feedback": False, **more}
    return lists.put(lists.draft(name, kind, value, now=now, **given), now, replace=True).entry


def denied(service: Service, kind: Any = None) -> list[Any]:
    """The deny list, newest first."""
    entries: list[Any] = [*service.parts.lists.page("deny", kind, 200, None, NOW)["entries"]]
    return entries


def skipped(found: dict[str, Any]) -> dict[str, str | None]:
    """Why each kind was not denied, None where it was."""
    return {row["kind"]: row["skipped"] for row in found["deny"]}


class TestBans:
    """A ban lasts: whoever comes back with what is denied is limited."""

    @pytest.mark.parametrize("kind", ALL)
    def test_whoever_comes_with_it_is_limited(self, service: Service, kind: Any) -> None:
        found = decide(service, reviewed(service), deny=(kind,))
        (row,) = found["deny"]
        assert (row["kind"], row["skipped"], row["already"], row["user_ids"]) == (kind, None, False, ["u_1"])
        ordinary = {"email": {"address": "b@ruiz.example"}, "device": {"ip_address": "198.51.100.7", "id": "dev-8"}}
        answer = post(service, body("u_2", **{**ordinary, **SHARES[kind]}))
        assert (answer["decision"], answer["disposition"]) == ("limit", {"source": "list", "rule": row["entry_id"]})
        assert post(service, body("u_3", **ordinary))["disposition"]["source"] != "list"

    def test_it_outlasts_what_accounts_are_linked_by(self, service: Service) -> None:
        decide(service, reviewed(service), deny=("phone",))
        service.store.execute("DEL", *service.store.execute("KEYS", "risk:e:*"))
        answer = post(service, body("u_2", **SHARES["phone"]), NOW + 5 * 365 * DAY)
        assert answer["disposition"]["source"] == "list"

    def test_it_ends_when_it_is_said_to(self, service: Service) -> None:
        decide(service, reviewed(service), deny=("phone",), deny_expires_at=NOW + 30 * DAY)
        assert post(service, body("u_2", **SHARES["phone"]), NOW + 30 * DAY - 1)["disposition"]["source"] == "list"
        assert post(service, body("u_3", **SHARES["phone"]), NOW + 30 * DAY)["disposition"]["source"] != "list"

    @pytest.mark.parametrize(("asked", "ends"), [(None, DAY), (30 * DAY, DAY), (3600.0, 3600.0)])
    def test_an_address_is_denied_for_a_day_at_most(self, service: Service, asked: float | None, ends: float) -> None:
        until = None if asked is None else NOW + asked
        review = reviewed(service)
        found = decide(service, review, deny=("ip", "phone"), deny_expires_at=until)
        assert skipped(found) == {"ip": None, "phone": None}
        stranger = {"email": {"address": "b@ruiz.example"}, "device": {"ip_address": ABUSER["device"]["ip_address"]}}
        before, after = (post(service, body(f"u_{at}", **stranger), NOW + at) for at in (ends - 1, ends))
        assert before["disposition"]["source"] == "list" and after["disposition"]["source"] != "list"
        assert [row["value"] for row in denied(service, "ip")] == [None]
        undo(service, review)
        assert denied(service) == []

    def test_an_address_of_an_established_customer_is_not_denied(self, service: Service) -> None:
        post(service, body("u_9", email={"address": "b@ruiz.example"}, device={"ip_address": "203.0.113.9"}))
        establish(service, "u_9", NOW - DAY)
        assert skipped(decide(service, reviewed(service), deny=("ip",))) == {"ip": "held_by_another"}
        assert denied(service) == []

    def test_of_an_ipv6_address_its_network_is_denied_and_found(self, service: Service) -> None:
        decide(service, reviewed(service, device={"ip_address": "2001:db8:1:2::3"}), deny=("ip",))
        stranger = body("u_2", email={"address": "b@ruiz.example"}, device={"ip_address": "2001:db8:1:2:9::1"})
        assert post(service, stranger)["disposition"]["source"] == "list"
        found = service.parts.lists.of_value("deny", "ip", "2001:db8:1:2::ffff", NOW)
        assert [row["kind"] for row in found["entries"]] == ["ip"]

    def test_its_entries_say_whence_they_are_and_hold_no_values(self, service: Service, store: Store) -> None:
        review = reviewed(service)
        decide(service, review, deny=ALL, reason="a ring", actor="kim", now=NOW + 60)
        entries = denied(service)
        assert [row["kind"] for row in entries] == [row["kind"] for row in service_denied(service, review)]
        assert {row["kind"] for row in entries} == {"mailbox", "phone", "device", "payment", "email_domain"}
        for row in entries:
            assert (row["author"], row["reason"], row["review_ids"], row["value"]) == ("kim", "a ring", [review], None)
            assert (row["hashed"], row["expires_at"], row["created_at"]) == (True, None, "2026-11-22T10:01:00.000Z")
        for key in store.execute("KEYS", "risk:[lr]*"):
            kept = store.execute("DUMP", key).lower()
            assert not [word for word in (b"spam-shop", b"600123123", b"dev-7f", b"card-1") if word in kept], key

    def test_all_that_a_cluster_has_is_denied_what_most_have_first(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in (2, 3):
            post(service, body(f"u_{number}", **{**ABUSER, "email": {"address": f"u{number}@ruiz{number}.example"}}))
        review = reviewed(service, payment={})
        monkeypatch.setattr(deniable_values, "MOST", 4)
        found = decide(service, review, apply_to="cluster", deny=("mailbox", "phone", "payment"))
        assert [(row["kind"], row["user_ids"], row["skipped"]) for row in found["deny"]] == [
            ("phone", ["u_1", "u_2", "u_3"], None),
            ("mailbox", ["u_1"], None),
            ("payment", ["u_2", "u_3"], None),
            ("mailbox", ["u_2"], None),
            ("mailbox", ["u_3"], "too_many"),
        ]
        assert len(denied(service)) == 4
        assert [row["would_match_count"] for row in found["deny"]][:3] == [3, 1, 2]

    def test_accounts_that_are_left_out_give_nothing(self, service: Service) -> None:
        post(service, body("u_2", **{**ABUSER, "email": {"address": "a@ruiz.example"}}))
        establish(service, "u_2", NOW - DAY)
        found = decide(service, reviewed(service), apply_to="cluster", deny=("mailbox",))
        assert [row["user_ids"] for row in found["deny"]] == [["u_1"]]


def service_denied(service: Service, review: str) -> list[ListEntry]:
    found = service.parts.review_decisions.denied(review, NOW)
    return sorted(found, key=lambda row: [each["id"] for each in denied(service)].index(row["id"]))


class TestOthers:
    """Nobody else is banned: not for what is everybody's, and not for what a stranger merely claimed to have."""

    @pytest.mark.parametrize(
        ("address", "why"),
        [
            ("ana@gmail.com", "shared_domain"),
            ("ana@web.de", "shared_domain"),
            ("ana@mailinator.com", "shared_domain"),
            ("ana@duck.com", "shared_domain"),
            ("ana@co.uk", "shared_domain"),
            ("not an address", "not_given"),
            ("ana@mail.spam-shop.example", None),
        ],
    )
    def test_a_domain_where_strangers_have_their_mail(self, service: Service, address: str, why: str | None) -> None:
        found = decide(service, reviewed(service, email={"address": address}), deny=("domain",))
        assert skipped(found) == {"domain": why}
        assert len(denied(service)) == (why is None)

    def test_what_the_account_did_not_give(self, service: Service) -> None:
        found = decide(service, reviewed(service, phone={}, device={}, payment={}), deny=ALL)
        assert skipped(found) == {
            "mailbox": None, "domain": None, "phone": "not_given", "device": "not_given", "payment": "not_given",
        }  # fmt: skip

    def test_what_is_a_crowd_s(self, service: Service) -> None:
        post(service, body("s_0", device=ABUSER["device"]))
        links = service.parts.assessor._links
        links.find_hub(links.entity_key("device", ABUSER["device"]["id"]), NOW - 60, service.active.policy, hub=True)
        found = decide(service, reviewed(service), deny=("device", "phone"))
        assert skipped(found) == {"device": "hub", "phone": None}

    @pytest.mark.parametrize("kind", ALL)
    def test_what_an_established_customer_has(self, service: Service, kind: Any) -> None:
        mine = {"email": {"address": "ana@ruiz.example"}, "device": {"ip_address": "198.51.100.7"}, **SHARES[kind]}
        post(service, body("u_old", **mine))
        establish(service, "u_old", NOW - 400 * DAY)
        found = decide(service, reviewed(service), deny=(kind,))
        assert skipped(found) == {kind: "held_by_another"}
        assert denied(service) == []

    def test_what_somebody_proved_to_be_theirs(self, service: Service) -> None:
        post(service, body("u_new", **SHARES["phone"]))
        prove(service, "u_new", "phone")
        assert skipped(decide(service, reviewed(service), deny=("phone",))) == {"phone": "held_by_another"}

    def test_of_those_decided_themselves_nobody_is_another(self, service: Service) -> None:
        post(service, body("u_2", **{**ABUSER, "email": {"address": "ana@ruiz.example"}}))
        review = reviewed(service)
        for user in ("u_1", "u_2"):
            prove(service, user, "phone")
        assert skipped(decide(service, review, deny=("phone",), dry_run=True)) == {"phone": "held_by_another"}
        assert skipped(decide(service, review, apply_to="cluster", deny=("phone",))) == {"phone": None}

    def test_an_accomplice_who_was_caught_is_no_other(self, service: Service) -> None:
        review = reviewed(service)
        post(service, body("u_2", **SHARES["phone"]))
        prove(service, "u_2", "phone")
        service.parts.labels.add("u_2", "abuse", "external", None, "ana", NOW)
        assert skipped(decide(service, review, deny=("phone",))) == {"phone": None}

    def test_one_who_will_be_established_later_is_not_yet(self, service: Service) -> None:
        post(service, body("u_2", **SHARES["phone"]))
        establish(service, "u_2", NOW + 1)
        review = reviewed(service)
        assert skipped(decide(service, review, deny=("phone",), dry_run=True)) == {"phone": None}
        assert skipped(decide(service, review, deny=("phone",), now=NOW + 1)) == {"phone": "held_by_another"}


class TestCauses:
    """An entry stays as long as anything wants it, and no longer."""

    def test_undo_takes_off_what_the_decision_made(self, service: Service) -> None:
        review = reviewed(service)
        made = decide(service, review, deny=ALL)
        found = undo(service, review)
        assert sorted(found["removed_entries"]) == sorted(row["entry_id"] for row in made["deny"])
        assert denied(service) == service.parts.review_decisions.denied(review, NOW) == []
        assert post(service, body("u_2", **SHARES["phone"]))["disposition"]["source"] != "list"
        assert skipped(decide(service, review, deny=ALL)) == dict.fromkeys(ALL)
        assert len(denied(service)) == len(ALL)

    def test_what_was_there_before_stays(self, service: Service) -> None:
        before = draft(service, "deny", "phone", "+34600123123", hashed=True, reason="by hand")
        review = reviewed(service)
        (row,) = decide(service, review, deny=("phone",))["deny"]
        assert (row["already"], row["entry_id"]) == (True, before.id)
        assert service.parts.lists.get("deny", before.id).reason == "by hand"
        assert undo(service, review)["removed_entries"] == []
        found = service.parts.lists.get("deny", before.id)
        assert (found.expires_at, found.decisions) == (None, ())

    def test_one_that_would_end_sooner_lasts_as_long_as_the_decision_wants(self, service: Service) -> None:
        before = draft(service, "deny", "phone", "+34600123123", hashed=True, expires_at=NOW + DAY)
        review = reviewed(service)
        decide(service, review, deny=("phone",))
        assert service.parts.lists.get("deny", before.id).expires_at is None
        assert service.parts.lists.expire(NOW + 2 * DAY) == 0
        undo(service, review)
        assert service.parts.lists.get("deny", before.id).expires_at == NOW + DAY
        assert service.parts.lists.expire(NOW + 2 * DAY) == 1

    def test_two_decisions_keep_one_entry(self, service: Service) -> None:
        first, second = reviewed(service, "u_1"), reviewed(service, "u_2")
        (made,) = decide(service, first, deny=("phone",))["deny"]
        (again,) = decide(service, second, deny=("phone",))["deny"]
        assert (again["entry_id"], again["already"]) == (made["entry_id"], True)
        assert [row["id"] for row in service.parts.review_decisions.denied(second, NOW)] == [made["entry_id"]]
        assert undo(service, first)["removed_entries"] == []
        assert len(denied(service, "phone")) == 1
        assert undo(service, second)["removed_entries"] == [made["entry_id"]]
        assert denied(service) == []

    def test_what_a_person_put_there_since_is_theirs(self, service: Service) -> None:
        review = reviewed(service)
        (made,) = decide(service, review, deny=("phone",))["deny"]
        draft(service, "deny", "phone", "+34600123123", NOW + 1, hashed=True)
        assert undo(service, review)["removed_entries"] == []
        assert [row["id"] for row in denied(service)] == [made["entry_id"]]

    def test_what_a_person_took_off_is_not_put_there_again(self, service: Service) -> None:
        review = reviewed(service)
        (made,) = decide(service, review, deny=("phone",))["deny"]
        service.parts.lists.remove("deny", made["entry_id"], "ana", NOW)
        service.parts.review_decisions.finish(decision_of(service, review))
        assert denied(service) == service.parts.review_decisions.denied(review, NOW) == []
        assert undo(service, review)["removed_entries"] == []

    def test_of_many_who_carry_it_out_one_makes_the_entries(self, service: Service) -> None:
        review = reviewed(service)
        decide(service, review, deny=ALL)
        before = denied(service)
        together(8, lambda _: service.parts.review_decisions.finish(decision_of(service, review)))
        assert denied(service) == before

    def test_whoever_carries_it_out_while_it_is_undone_leaves_nothing(self, service: Service) -> None:
        denials = service.parts.review_decisions._denials
        for number in range(20):
            plan = planned(service, number)
            work = [lambda plan=plan: denials.put(plan), lambda plan=plan: denials.take_back(plan, "lee", NOW)]
            together(6, lambda place, work=work: work[place % 2]())  # type: ignore[misc]
            assert denied(service) == [], number
            assert denials.put(plan) == {}

    def test_racing_decisions_about_one_value_make_one_entry(self, service: Service) -> None:
        denials = service.parts.review_decisions._denials
        plans = [planned(service, number) for number in range(8)]
        together(8, lambda number: denials.put(plans[number]))
        (entry,) = denied(service)
        assert len(entry["review_ids"]) == 8
        together(8, lambda number: denials.take_back(plans[number], "lee", NOW))
        assert denied(service) == []
        assert service.store.execute("HLEN", "risk:l:{b}") == 0


def decision_of(service: Service, review: str) -> str:
    number = review[4]
    return str(service.store.execute("HGET", f"risk:r:{{{number}}}:{review}", "decision_id").decode())


def planned(service: Service, number: int, expires_at: float | None = None) -> DecisionPlan:
    """A decision that denies one number."""
    mac = service.parts.labels._links.mac("phone", "+34600123123")
    name = f"rev_0{number:020}.1"
    return DecisionPlan(
        name, "u_1", "limit", "abuse", "account", None, "kim", NOW, deny=(("phone", mac),), deny_expires_at=expires_at
    )


ENDS = st.sampled_from([None, NOW + DAY, NOW + 2 * DAY])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("deny"), st.integers(0, 3), ENDS),
        st.tuples(st.just("undo"), st.integers(0, 3), st.none()),
        st.tuples(st.just("put"), st.none(), ENDS),
        st.tuples(st.just("remove"), st.none(), st.none()),
    ),
    max_size=14,
)


@given(steps=STEPS)
@hypothesis_settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], derandomize=True
)
def test_whatever_the_order_an_entry_is_there_as_long_as_its_last_cause(service: Service, steps: Any) -> None:
    """Against a plain model: causes by name, each until a time."""
    service.store.execute("FLUSHALL")
    denials, lists = service.parts.review_decisions._denials, service.parts.lists
    causes: dict[int | None, float | None] = {}
    done: set[int] = set()
    undone: set[int] = set()
    for step, number, ends in steps:
        if step == "deny":
            denials.put(planned(service, number, ends))
            if number not in done | undone:
                causes[number] = ends
            done.add(number)
        elif step == "undo":
            denials.take_back(planned(service, number), "lee", NOW)
            causes.pop(number, None)
            undone.add(number)
        elif step == "put":
            draft(service, "deny", "phone", "+34600123123", hashed=True, expires_at=ends)
            causes = {None: ends}
        else:
            for row in denied(service):
                lists.remove("deny", row["id"], "ana", NOW)
            causes = {}
        found = [lists.get("deny", row["id"]) for row in denied(service)]
        last = None if None in causes.values() else max((each for each in causes.values() if each), default=None)
        assert [entry.expires_at for entry in found] == ([last] if causes else [])
        standing = service.store.execute("HGETALL", "risk:l:{b}")
        assert len(standing) == len(found)
        for entry in found:
            assert standing[entry.field.encode()] == f"d{entry.id}|{last or 0}|".encode()
            assert service.store.execute("ZSCORE", "risk:lx:{b}", entry.id) == last


def test_an_unknown_review_has_denied_nothing_and_is_not_found(service: Service) -> None:
    for review in ("rev_", "x", "rev_0" + "0" * 20):
        with pytest.raises(Problem) as problem:
            service.parts.review_decisions.denied(review, NOW)
        assert problem.value.code == "not_found"
