"""Signups ask for kinds of which there are entries: the first entry of a kind counts at once, whoever put it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from riskapi.app import Service
from riskapi.errors import StoreUnavailable
from riskapi.inputs.json_lines import Row
from riskapi.inputs.signup import Signup
from riskapi.lists.lists import Lists
from riskapi.lists.matching import Listed, candidates, found
from riskapi.lists.signup_entries import SignupEntries
from riskapi.reviews.decided_accounts import DecisionPlan
from riskapi.server.side_threads import watch
from riskapi.store.connections import Store
from signals.facts import Facts
from signals.records import changed
from tests.conftest import NOW
from tests.lists.kept import Put, table
from tests.racing import beside, raised
from tests.reviewing import decide, undo
from tests.signups import body, post, together
from tests.waiting import until

DAY = 86400.0
TABLE, FIELD, INDEX = "risk:l:{b}", b"kinds", "risk:li:{b}"
#: A value of each kind that names :func:`ana`.
VALUES = {
    "email": "ana@mail.ruiz.example",
    "mailbox": "ana@mail.ruiz.example",
    "email_domain": "ruiz.example",
    "ip": "203.0.113.9",
    "cidr": "203.0.113.0/24",
    "asn": "64500",
    "phone": "+34600123123",
    "phone_prefix": "+34600",
    "device": "dev-7f",
    "payment": "card-1",
    "user": "u_1",
}
#: Kinds that can do without their value, by the kind of entity that decisions deny.
HASHED = {
    "mailbox": "mailbox",
    "phone": "phone",
    "device": "device",
    "payment": "payment",
    "mail_domain": "email_domain",
}


def once_read(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> list[bool]:
    """Do some work as soon as entries were read for their kinds, once; what is returned says that it was done."""
    execute, done = Store.execute, list[bool]()

    def between(self: Store, *given: Any) -> Any:
        replied = execute(self, *given)
        if given[0] == "ZREVRANGEBYLEX" and not done:
            done.append(True)
            work()
        return replied

    monkeypatch.setattr(Store, "execute", between)
    return done


def ana(user: str = "u_1", address: str = VALUES["email"], ip: str = VALUES["ip"]) -> Signup:
    return body(
        user,
        email={"address": address},
        phone={"number": VALUES["phone"]},
        device={"ip_address": ip, "id": VALUES["device"]},
        payment={"fingerprint": VALUES["payment"]},
    )


def facts_of(service: Service, signup: Signup) -> Facts:
    """What is read of a signup, as if the databases knew the autonomous system of its address."""
    facts = service.gatherer.parse(signup, NOW).facts
    assert facts.network is not None
    return changed(facts, network=changed(facts.network, asn=64500))


def named(service: Service, user: str = "u_1", **parts: Any) -> list[str]:
    """The entries that name a signup, by what this process asks for; it is held against all there are."""
    facts = facts_of(service, ana(user, **parts))
    gathered = service.gatherer.gather(user, facts, service.active.policy, add=False)
    names = candidates(user, facts, gathered.touch.keys)
    assert gathered.listed == found(names, service.store.execute("HMGET", TABLE, *names), NOW)
    return [each.id for each in gathered.listed]


def kinds(store: Store) -> tuple[set[str], bool]:
    """The kinds that the table tells of, and whether these are all; the number of its fields is held against it."""
    said = table(store)[FIELD].decode()
    _, fields, *rest = said.split(" ")
    assert int(fields) == len(table(store)) - 1
    return set(rest[:-1]), rest[-1] == "+"


def asked_for(service: Service) -> bool:
    """Whether this process asks for everything."""
    return service.gatherer.entries._known is None


@pytest.fixture
def looked(service: Service) -> Service:
    """The service once it has looked at an empty table, and a signup was asked about."""
    service.gatherer.entries.look()
    assert named(service) == [] and kinds(service.store) == (set(), True)
    return service


def by_hand(service: Service, kind: str, *, hashed: bool = False) -> None:
    lists: Lists = service.parts.lists
    terms: dict[str, Any] = {"expires_at": None, "reason": None, "author": "kim", "silences_feedback": False}
    draft = lists.draft("deny", kind, VALUES[kind], now=NOW, hashed=hashed, **terms)  # type: ignore[arg-type]
    lists.put(draft, NOW)


def in_a_batch(service: Service, kind: str, *, hashed: bool = False) -> None:
    row = orjson.dumps({"kind": kind, "value": VALUES[kind], "hashed": hashed})
    assert service.parts.list_batches.take("watch", [Row(1, row)], author="kim", now=NOW).put == 1


def by_a_decision(service: Service, kind: str, *, hashed: bool = True) -> None:
    facts = service.gatherer.parse(ana(), NOW).facts
    keys = service.gatherer.gather("u_1", facts, service.active.policy, add=False).touch.keys
    entity = next((entity for entity, of in HASHED.items() if of == kind), kind)
    mac = keys[entity].rpartition(":")[2]
    plan = DecisionPlan("rev_0.1", "u_1", "limit", "abuse", "account", None, "kim", NOW, deny=((entity, mac),))
    assert service.parts.review_decisions._denials.put(plan)


WAYS: dict[str, tuple[Callable[..., None], str, bool]] = {
    **{f"by hand, {kind}": (by_hand, kind, False) for kind in VALUES},
    **{f"in a batch, {kind}": (in_a_batch, kind, False) for kind in VALUES},
    **{f"by hand, {kind} without its value": (by_hand, kind, True) for kind in HASHED.values()},
    **{f"in a batch, {kind} without its value": (in_a_batch, kind, True) for kind in HASHED.values()},
    **{f"by a decision, {kind}": (by_a_decision, kind, True) for kind in (*HASHED.values(), "ip")},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_first_of_its_kind_counts_for_the_very_next_signup(looked: Service, way: str) -> None:
    put, kind, hashed = WAYS[way]
    put(looked, kind, hashed=hashed)
    assert len(named(looked)) == 1
    assert kinds(looked.store) == ({kind}, True)
    assert len(named(looked)) == 1, "once more"


@pytest.mark.parametrize("first", ["user", "cidr"])
@pytest.mark.parametrize("kind", VALUES)
def test_so_does_that_of_another_kind(looked: Service, first: str, kind: str) -> None:
    by_hand(looked, first)
    before = named(looked)
    in_a_batch(looked, kind)
    assert set(before) < set(named(looked)) if kind != first else len(named(looked)) == 2


def test_an_ipv6_address_is_looked_for_in_its_networks(looked: Service, put: Put) -> None:
    made = put("deny", "cidr", "2001:db8::/32")
    assert named(looked, ip="2001:db8:1:2::9") == [made.id]
    assert named(looked, ip="2001:db9:1:2::9") == []


def test_entries_of_all_kinds_at_once(looked: Service) -> None:
    for kind in VALUES:
        by_hand(looked, kind)
    for kind in HASHED.values():
        in_a_batch(looked, kind, hashed=True)
    assert len(named(looked)) == len(VALUES) + len(HASHED)


class TestTold:
    """What the table tells stays true, whatever writes it."""

    @pytest.fixture(autouse=True)
    def _told(self, looked: Service) -> Iterator[None]:
        generation = table(looked.store)[FIELD].split()[0]
        yield
        _, all = kinds(looked.store)
        assert all and table(looked.store)[FIELD].split()[0] == generation, "begun anew"

    def test_an_entry_that_is_written_anew_removed_and_put_again(self, entries: Lists, put: Put, store: Store) -> None:
        made = put("deny", "user", "u_1")
        put("allow", "user", "u_1")
        put("deny", "user", "u_1", reason="b")
        entries.remove("deny", made.id, "kim", NOW)
        assert len(table(store)) == 2
        entries.remove(
            "allow", next(iter(entries.page("allow", None, 1, None, NOW)["entries"]))["id"] or "", "kim", NOW
        )
        assert list(table(store)) == [FIELD]
        assert kinds(store) == ({"user"}, True), "a kind stays: there may be others"
        put("deny", "user", "u_1")

    def test_one_that_expires(self, entries: Lists, put: Put, store: Store) -> None:
        put("deny", "user", "u_1", expires_at=NOW + 1)
        assert entries.expire(NOW + 2) == 1
        assert list(table(store)) == [FIELD]

    def test_a_batch_that_is_undone(self, service: Service, put: Put, store: Store) -> None:
        put("deny", "user", "u_1", reason="a")
        rows = [{"kind": "user", "value": "u_1"}, {"kind": "user", "value": "u_2"}, {"kind": "asn", "value": 64500}]
        given = [Row(number, orjson.dumps(row)) for number, row in enumerate(rows, 1)]
        taken = service.parts.list_batches.take("deny", given, author="kim", now=NOW)
        assert len(table(store)) == 4
        service.parts.list_batches.undo(str(taken.id), "kim", NOW)
        assert len(table(store)) == 2

    def test_a_decision_that_is_undone(self, looked: Service, put: Put, store: Store) -> None:
        put("watch", "user", "u_1")
        review = str(post(looked, ana())["review_id"])
        decide(looked, review, deny=("phone", "device"), deny_expires_at=NOW + DAY)
        assert kinds(store) == ({"user", "phone", "device"}, True)
        assert len(named(looked)) == 3
        undo(looked, review)
        assert len(table(store)) == 2


def test_an_entry_counts_for_every_signup_after_it_was_put_whatever_is_done_at_once(service: Service) -> None:
    lists, terms = service.parts.lists, {"expires_at": None, "reason": None, "author": "k", "silences_feedback": False}

    def work(number: int) -> None:
        user = f"u_{number}"
        own: list[tuple[str, str]] = [("user", user), ("email", f"{user}@x{number}.example")]
        own += [("mailbox", own[1][1]), ("email_domain", f"x{number}.example"), ("ip", f"198.51.100.{number}")]
        own += [("cidr", f"198.51.100.{number}/32")]
        own = own[number % len(own) :] + own[: number % len(own)]  # each thread is the first of another kind
        facts = service.gatherer.parse(ana(user, own_address(number), f"198.51.100.{number}"), NOW).facts
        put = set[str]()
        for kind, value in own:
            draft = lists.draft("deny", kind, value, now=NOW, **terms)  # type: ignore[arg-type]
            put.add(lists.put(draft, NOW).entry.id)
            rows: tuple[Listed, ...] = service.gatherer.gather(user, facts, service.active.policy, add=False).listed
            assert {each.id for each in rows} == put, kind
        for entry_id in put:
            lists.remove("deny", entry_id, "kim", NOW)

    def own_address(number: int) -> str:
        return f"u_{number}@x{number}.example"

    for _ in range(6):
        service.store.execute("DEL", TABLE, INDEX)
        with beside(service.gatherer.entries.look, 2) as wrong:
            said = together(12, work)
        assert raised(said) == [] and wrong == []
        assert kinds(service.store) == ({"user", "email", "mailbox", "email_domain", "ip", "cidr"}, True)
        assert not asked_for(service)


def write_as_earlier(store: Store, field: str = "asn:64500", kind: str = "asn", entry: str = "lst_0") -> None:
    """As a script of an earlier release does: the table and the index, in one step."""
    script = "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]); redis.call('ZADD', KEYS[2], 0, ARGV[3])"
    place = f"{NOW:019.6f}:{entry}:deny:{kind}"
    store.execute("EVAL", script, 2, TABLE, INDEX, field, f"d{entry}|0|", place)


class TestEarlier:
    """Entries of an earlier release, which does not tell of kinds."""

    def test_a_table_that_does_not_tell_is_asked_for_everything(self, service: Service, put: Put) -> None:
        made = {put("deny", kind, value).id for kind, value in VALUES.items()}
        assert FIELD not in table(service.store)
        assert set(named(service)) == made
        assert asked_for(service)

    def test_it_tells_once_a_process_has_read_it(self, service: Service, put: Put) -> None:
        made = {put("deny", kind, VALUES[kind]).id for kind in ("email", "user")}
        in_a_batch(service, "mailbox", hashed=True)
        put("deny", "user", "u_2")
        service.gatherer.entries.look()
        assert kinds(service.store) == ({"email", "user", "mailbox"}, True)
        assert not asked_for(service)
        assert made < set(named(service))

    def test_of_more_than_a_page_all_kinds_are_read(self, service: Service, store: Store, put: Put) -> None:
        put("deny", "cidr", VALUES["cidr"], now=NOW - DAY)
        for number in range(2100):
            write_as_earlier(store, f"user:x{number}", "user", f"lst_{number:020x}")
        put("deny", "ip", VALUES["ip"], now=NOW + DAY)
        service.gatherer.entries.look()
        assert kinds(store) == ({"cidr", "ip", "user"}, True)
        assert len(named(service)) == 2

    def test_what_one_writes_beside_us_counts_once_somebody_looked(self, looked: Service, store: Store) -> None:
        write_as_earlier(store)
        looked.gatherer.entries.look()
        assert kinds(store) == ({"asn"}, True)
        looked.gatherer.entries.look()
        assert named(looked) == ["lst_0"]

    def test_an_earlier_release_that_wrote_after_this_one_is_noticed(
        self, looked: Service, store: Store, put: Put
    ) -> None:
        write_as_earlier(store)
        put("deny", "user", "u_9")
        assert FIELD not in table(store)
        assert named(looked) == ["lst_0"]
        assert asked_for(looked)

    def test_a_process_that_starts_sees_what_was_written_in_the_place_of_another(
        self, looked: Service, store: Store, put: Put
    ) -> None:
        """By an earlier release that was gone back to: there are as many fields as before."""
        made = put("deny", "user", "u_9")
        write_as_earlier(store)
        store.execute("HDEL", TABLE, made.field)
        store.execute("ZREM", INDEX, made.place)
        SignupEntries(store).look()
        assert kinds(store) == ({"asn", "user"}, True)
        assert named(looked) == ["lst_0"]

    def test_an_earlier_release_that_writes_while_the_kinds_are_read_is_noticed(
        self, service: Service, store: Store, put: Put, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put("deny", "user", "u_1")
        written = once_read(monkeypatch, lambda: write_as_earlier(store))
        service.gatherer.entries.look()
        assert written and asked_for(service) and not kinds(store)[1]
        assert named(service)[-1] == "lst_0"
        service.gatherer.entries.look()
        assert kinds(store) == ({"asn", "user"}, True) and not asked_for(service)

    def test_entries_of_ours_meanwhile_are_told_of(
        self, service: Service, store: Store, put: Put, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put("deny", "user", "u_1")
        once_read(monkeypatch, lambda: put("deny", "cidr", VALUES["cidr"], now=NOW + 1))
        service.gatherer.entries.look()
        assert kinds(store) == ({"cidr", "user"}, True)
        assert len(named(service)) == 2

    def test_nothing_is_believed_while_nobody_can_look(
        self, looked: Service, store: Store, outage: Callable[[bool], None]
    ) -> None:
        outage(True)
        with pytest.raises(StoreUnavailable):
            looked.gatherer.entries.look()
        outage(False)
        write_as_earlier(store)
        assert named(looked) == ["lst_0"]


def test_a_process_looks_by_itself(service: Service, put: Put) -> None:
    put("deny", "user", "u_1")
    stop = threading.Event()
    watch(service, stop)
    try:
        until(lambda: not asked_for(service))
    finally:
        stop.set()
    assert kinds(service.store) == ({"user"}, True)


DAMAGED = ["", "x", "0", "kinds", "+", "x 99 user +", "x 1 +user", "\x00\xff", "x -1 user +", "x 1 user ?"]


@pytest.mark.parametrize("said", DAMAGED, ids=repr)
def test_a_field_that_cannot_be_read_tells_nothing_until_somebody_looks(looked: Service, put: Put, said: str) -> None:
    by_hand(looked, "user")
    assert len(named(looked)) == 1
    looked.store.execute("HSET", TABLE, FIELD, said)
    assert len(named(looked)) == 1
    looked.gatherer.entries.look()
    assert kinds(looked.store) == ({"user"}, True)
    looked.store.execute("HSET", TABLE, FIELD, said)
    by_hand(looked, "cidr")
    assert len(named(looked)) == 2
    looked.gatherer.entries.look()
    assert kinds(looked.store) == ({"user", "cidr"}, True)


def test_nor_does_one_that_was_cut(looked: Service) -> None:
    by_hand(looked, "user")
    by_hand(looked, "cidr")
    whole = table(looked.store)[FIELD]
    for length in range(len(whole)):
        looked.gatherer.entries.look()
        looked.store.execute("HSET", TABLE, FIELD, whole[:length])
        assert len(named(looked)) == 2 and asked_for(looked), length
