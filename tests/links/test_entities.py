"""Links on the real store: counting is exact and repeatable, hubs bind nobody, marks follow the account."""

from __future__ import annotations

import base64
import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskapi.inputs.domains import DomainLists
from riskapi.links import touch_replies
from riskapi.links.entities import Links
from riskapi.links.kinds import CLOSE, COUNTED, KINDS, MessageEntities, evidence_weight
from riskapi.links.linkage import linkage, reputation
from riskapi.links.touches import asked_of, told
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from riskapi.times import rfc3339
from signals.facts import Account, Behavior, Device, Email, Entity, Facts, Network, Phone, Recent
from tests.active_readers import readers_of
from tests.conftest import LINK_SECRET
from tests.joining import bind

NOW = 1_795_341_600.0
HOUR, DAY = 3600.0, 86400.0


def facts(at: float = NOW, **changes: object) -> Facts:
    """A signup that shares its device with nobody unless told to."""
    parts: dict[str, object] = {
        "account": Account(),
        "email": Email(
            given="a@ruiz.example", valid=True, domain="ruiz.example", free=False, relay=False, disposable=False
        ),
    }
    return Facts(at=at, **{**parts, **changes})  # type: ignore[arg-type]


def touch(
    links: Links, store: Store, rules: Policy, user: str, found: Facts, *, add: bool = True
) -> Mapping[str, Entity]:
    touched = links.touched(user, found)
    pipe = store.pipeline()
    told = links.queue(pipe, touched, rules, add=add)
    store.run(pipe)
    return links.entities(touched, told(), rules)


def device(at: float = NOW, name: str = "dev-1") -> Facts:
    return facts(at, device=Device(id=name))


@pytest.mark.parametrize("length", [16, 64, 65, 200])
def test_a_value_is_known_by_its_hmac(store: Store, lists: DomainLists, length: int) -> None:
    key = bytes(range(length))
    links = Links(store, key, readers_of(lists))
    for value in ("a@ruiz.example", "\ud800", ""):
        text = f"mailbox\0{value}".encode("utf-8", "surrogatepass")
        assert links.mac("mailbox", value) == base64.urlsafe_b64encode(hmac.digest(key, text, "sha256")[:12]).decode()


def test_first_account_is_alone(links: Links, store: Store, rules: Policy) -> None:
    found = touch(links, store, rules, "u1", device())["device"]
    assert (found.accounts, found.accounts_1h, found.abusive, found.others, found.weight) == (1, 1, 0, (), 0.0)


def test_a_second_account_sees_the_first(links: Links, store: Store, rules: Policy) -> None:
    touch(links, store, rules, "u1", device(NOW - 60))
    found = touch(links, store, rules, "u2", device())["device"]
    assert (found.accounts, found.others, found.last_seen) == (2, ("u1",), NOW - 60)
    assert found.weight == pytest.approx(1.0, abs=1e-3)


def test_touching_again_counts_nothing_twice(links: Links, store: Store, rules: Policy) -> None:
    for _ in range(3):
        found = touch(links, store, rules, "u1", device())["device"]
    assert (found.accounts, found.accounts_30d) == (1, 1)


def test_looking_leaves_no_trace(links: Links, store: Store, rules: Policy) -> None:
    touch(links, store, rules, "u1", device(), add=False)
    assert store.execute("DBSIZE") == 0


def test_windows_count_backwards_from_the_signup(links: Links, store: Store, rules: Policy) -> None:
    for user, age in (("a", 29 * DAY), ("b", 2 * DAY), ("c", 23 * HOUR), ("d", 0.5 * HOUR)):
        touch(links, store, rules, user, device(NOW - age))
    found = touch(links, store, rules, "e", device())["device"]
    assert (found.accounts_1h, found.accounts_24h, found.accounts_30d, found.accounts) == (2, 3, 5, 5)


def test_a_signup_posted_late_does_not_see_what_came_after_it(links: Links, store: Store, rules: Policy) -> None:
    touch(links, store, rules, "later", device(NOW))
    found = touch(links, store, rules, "earlier", device(NOW - DAY))["device"]
    assert (found.accounts_1h, found.accounts_24h, found.others) == (1, 1, ())


@pytest.mark.parametrize("at", [-62135596800.0, 0.0, 253402300799.0], ids=["year 1", "1970", "year 9999"])
def test_no_time_is_mistaken_for_a_mark(links: Links, store: Store, rules: Policy, at: float) -> None:
    touch(links, store, rules, "old", device(at))
    found = touch(links, store, rules, "new", device(at))["device"]
    assert (found.accounts, found.abusive, found.limited) == (2, 0, 0)


def test_marks_are_felt_reversed_and_leave_the_account_itself_out(links: Links, store: Store, rules: Policy) -> None:
    touch(links, store, rules, "bad", device())
    keys = list(links.touched("bad", device()).keys.values())
    links.mark("bad", keys, abusive=True, limited=True)
    links.mark("bad", keys, abusive=True, limited=True)
    found = touch(links, store, rules, "new", device())["device"]
    assert (found.abusive, found.limited, found.accounts) == (1, 1, 2)
    assert touch(links, store, rules, "bad", device())["device"].abusive == 0
    links.mark("bad", keys, abusive=False, limited=False)
    assert touch(links, store, rules, "new", device())["device"].abusive == 0


def test_an_account_that_never_touched_cannot_be_marked(links: Links, store: Store, rules: Policy) -> None:
    touch(links, store, rules, "u1", device())
    links.mark("stranger", list(links.touched("u1", device()).keys.values()), abusive=True, limited=True)
    assert touch(links, store, rules, "u2", device())["device"].abusive == 0


def test_leaving_takes_an_account_out(links: Links, store: Store, rules: Policy) -> None:
    touch(links, store, rules, "u1", device())
    keys = list(links.touched("u1", device()).keys.values())
    links.mark("u1", keys, abusive=True, limited=False)
    links.leave("u1", keys)
    assert touch(links, store, rules, "u2", device())["device"].accounts == 1


def test_what_grows_common_stops_binding(links: Links, store: Store, rules: Policy) -> None:
    office = facts(network=Network(given="203.0.113.9", ip="203.0.113.9", version=4, prefix="203.0.113.0/24"))
    limit = rules.links.kinds["ip"].hub_over
    for number in range(limit):
        found = touch(links, store, rules, f"u{number}", office)["ip"]
    assert not found.hub
    assert found.weight > 0
    found = touch(links, store, rules, "one more", office)["ip"]
    assert (found.hub, found.weight, found.others) == (True, 0.0, ())


def test_a_strong_thing_binds_however_many_share_it(links: Links, store: Store, rules: Policy) -> None:
    """Or whoever opens enough accounts at once would be free."""
    kinds = rules.links.kinds
    small = kinds["device"].model_copy(update={"hub_over": 10})
    rules = rules.model_copy(update={"links": rules.links.model_copy(update={"kinds": {**kinds, "device": small}})})
    for number in range(12):
        found = touch(links, store, rules, f"u{number}", device())["device"]
    assert (found.hub, len(found.others), found.accounts_30d) == (False, 11, 12)
    assert found.weight == pytest.approx(rules.links.strengths["strong"])


def grown(links: Links, store: Store, rules: Policy, count: int) -> Entity:
    """A device on which somebody signed up on each of so many days."""
    for number in range(count):
        found = touch(links, store, rules, f"u{number}", device(NOW - (count - number) * DAY))["device"]
    return found


def test_a_crowd_that_was_found_to_be_a_hub_is_one_for_a_while(links: Links, store: Store, rules: Policy) -> None:
    key = grown(links, store, rules, 40).key

    def seen(at: float = NOW + HOUR) -> Entity:
        return touch(links, store, rules, "last", device(at), add=False)["device"]

    assert (seen().hub, len(seen().others), seen().hub_found_at) == (False, 8, 0.0)
    links.find_hub(key, NOW, rules, hub=True)
    assert (seen().hub, seen().weight, seen().others, seen().hub_found_at) == (True, 0.0, (), NOW)
    assert seen(NOW + 2 * rules.hubs.hours * HOUR - 1).hub
    assert not seen(NOW + 2 * rules.hubs.hours * HOUR).hub, "nobody looked again"
    links.find_hub(key, NOW + HOUR, rules, hub=False)
    found = seen(NOW + 2 * HOUR)
    assert (found.hub, len(found.others), found.hub_found_at) == (False, 8, -NOW - HOUR)


def test_a_burst_inside_a_hub_binds(links: Links, store: Store, rules: Policy) -> None:
    links.find_hub(grown(links, store, rules, 40).key, NOW, rules, hub=True)
    found = [touch(links, store, rules, f"n{number}", device(NOW + 1 + number))["device"] for number in range(12)]
    # Twenty-nine came in the month before: as many a day as four times that, and a few more.
    assert [entity.hub for entity in found] == [entity.accounts_24h <= 4 * entity.accounts_30d / 30 for entity in found]
    assert found[0].hub and not found[-1].hub and len(found[-1].others) == 11


def test_a_crowd_is_a_ring_once_enough_of_it_is_limited(links: Links, store: Store, rules: Policy) -> None:
    key = grown(links, store, rules, 41).key
    links.find_hub(key, NOW, rules, hub=True)

    def last() -> Entity:
        return touch(links, store, rules, "last", device(NOW + HOUR), add=False)["device"]

    assert (last().hub, last().others) == (True, ())
    least = int(41 * rules.links.ring_share)
    for number in range(least):
        links.mark(f"u{number}", [key], abusive=False, limited=True)
    assert last().hub
    for number in range(least, least + 3):
        links.mark(f"u{number}", [key], abusive=False, limited=True)
    assert (last().hub, len(last().others)) == (False, 8)
    assert last().weight == pytest.approx(rules.links.strengths["strong"], rel=0.05)


def test_a_firm_is_no_ring_because_strangers_sign_up_with_its_addresses(
    links: Links, store: Store, rules: Policy
) -> None:
    """Anybody can link to a domain; it binds only where people found more than half of its accounts abusive."""
    for number in range(10):
        found = touch(links, store, rules, f"u{number}", facts())["mail_domain"]
    for number in range(10):
        links.mark(f"u{number}", [found.key], abusive=number < 5, limited=True)
    seen = touch(links, store, rules, "u9", facts(), add=False)["mail_domain"]
    assert seen.weight < rules.links.bind_weight
    links.mark("u5", [found.key], abusive=True, limited=True)
    seen = touch(links, store, rules, "u9", facts(), add=False)["mail_domain"]
    assert seen.weight == pytest.approx(rules.links.strengths["strong"])


@pytest.mark.parametrize(
    ("kind", "strength", "binds"),
    [
        ("mobile", "strong", True), ("fixed_line_or_mobile", "strong", True), ("voip", "strong", True),
        ("fixed_line", "medium", False), ("toll_free", "medium", False), ("shared_cost", "medium", False),
        ("premium_rate", "medium", False), ("uan", "medium", False), ("voicemail", "medium", False),
    ],
)  # fmt: skip
def test_a_number_that_families_and_firms_share_does_not_bind_alone(
    links: Links, store: Store, rules: Policy, kind: str, strength: str, binds: bool
) -> None:
    number = facts(
        phone=Phone(given="", valid=True, e164="+34910123123", line="+34910123123", block="+349101231", kind=kind)
    )
    touch(links, store, rules, "a", number)
    found = touch(links, store, rules, "b", number)["phone"]
    assert (found.strength, found.weight >= rules.links.bind_weight) == (strength, binds)
    assert (found.accounts, found.hub, found.others) == (2, False, ("a",))


def test_a_number_on_a_desk_binds_nobody_and_one_of_a_ring_does(links: Links, store: Store, rules: Policy) -> None:
    """Where most who come from an address do not give the number, it is the office's."""
    number = Phone(
        given="", valid=True, e164="+12125550123", line="+12125550123", block="+121255501", kind="fixed_line_or_mobile"
    )
    office = Network(given="", ip="203.0.113.9", prefix="203.0.113.0/24")
    for each in range(12):
        touch(links, store, rules, f"colleague{each}", facts(network=office))
    for each in range(3):
        found = touch(links, store, rules, f"desk{each}", facts(network=office, phone=number))["phone"]
    assert (found.strength, found.weight >= rules.links.bind_weight) == ("medium", False)
    elsewhere = Network(given="", ip="198.51.100.7", prefix="198.51.100.0/24")
    own = Email(given="b@b.example", valid=True, domain="b.example", free=False, relay=False, disposable=False)
    found = touch(links, store, rules, "ring", facts(network=elsewhere, phone=number, email=own))["phone"]
    assert (found.strength, found.weight >= rules.links.bind_weight) == ("strong", True)


def test_a_note_that_an_entity_binds_counts_as_nobody_and_can_be_taken_back(
    links: Links, store: Store, rules: Policy
) -> None:
    touch(links, store, rules, "a", device())
    key = links.entity_key("device", "dev-1")
    store.execute("EXPIRE", key, 1000)
    for _ in range(2):
        bind(links, [key], on=True)
    assert 0 < store.execute("TTL", key) <= 1000
    found = touch(links, store, rules, "b", device())["device"]
    assert (found.bound, found.accounts, found.accounts_1h, found.abusive, found.limited) == (True, 2, 2, 0, 0)
    assert (found.exhausted_7d, found.exhausted_at, found.near_7d, found.others) == (0, None, 0, ("a",))
    assert links.accounts(key) == ["b", "a"]
    links.leave("a", [key])
    links.leave("b", [key])
    assert links.accounts(key) == []
    assert touch(links, store, rules, "c", device())["device"].accounts == 1
    for _ in range(2):
        bind(links, [key], on=False)
    assert not touch(links, store, rules, "c", device())["device"].bound


@pytest.mark.parametrize("on", [True, False])
def test_a_note_makes_no_entity(links: Links, store: Store, on: bool) -> None:
    bind(links, ["risk:e:d:nobody", "risk:e:p:nobody"], on=on)
    bind(links, [], on=on)
    assert store.execute("DBSIZE") == 0
    assert links.accounts("risk:e:d:nobody") == []


def test_accounts_are_given_newest_first_and_without_marks(links: Links, store: Store, rules: Policy) -> None:
    for number, user in enumerate("abc"):
        touch(links, store, rules, user, device(NOW + number))
        key = links.entity_key("device", "dev-1")
    links.mark("b", [key], abusive=True, limited=True)
    assert links.accounts(key) == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"kind": "mobile"}, {"ip", "network"}),
        ({"kind": "education"}, {"ip", "network"}),
        ({"anonymizer": "private_relay"}, {"ip", "network"}),
        ({"kind": "consumer"}, set()),
    ],
    ids=["carrier NAT", "campus", "private relay", "household"],
)
def test_crowds_bind_nobody_from_the_start(links: Links, changes: dict[str, object], kinds: set[str]) -> None:
    network = Network(given="", ip="203.0.113.9", version=4, prefix="203.0.113.0/24", **changes)  # type: ignore[arg-type]
    assert links.touched("u", facts(network=network)).hubs >= kinds
    assert bool(links.touched("u", facts(network=network)).hubs & {"ip", "network"}) == bool(kinds)


@pytest.mark.parametrize("name", ["private_use", "shared_address_space", "loopback"])
def test_addresses_from_inside_are_not_touched(links: Links, name: str) -> None:
    network = Network(given="", ip="10.0.0.1", version=4, prefix="10.0.0.0/24", reserved=name)
    assert not {"ip", "network"} & set(links.touched("u", facts(network=network)).keys)


def test_a_block_of_numbers_leaves_out_those_with_the_same_number(links: Links, store: Store, rules: Policy) -> None:
    def call(user: str, number: str) -> Mapping[str, Entity]:
        phone = Phone(given="", valid=True, e164=number, line=number, block=number[:-2])
        return touch(links, store, rules, user, facts(email=Email(given="", valid=True), phone=phone))

    call("a", "+34600123123")
    found = call("b", "+34600123123")
    assert (found["phone"].accounts, found["phone_block"].accounts, found["phone_block"].weight) == (2, 1, 0.0)
    found = call("c", "+34600123199")
    assert (found["phone"].accounts, found["phone_block"].accounts_24h) == (1, 3)


def test_a_block_of_numbers_leaves_out_colleagues_as_a_firm_dials_directly(
    links: Links, store: Store, rules: Policy
) -> None:
    name, not_public = "ruiz.example", {"free": False, "relay": False, "disposable": False}
    firm = Email(given="", valid=True, domain=name, registrable=name, **not_public)  # type: ignore[arg-type]
    for place in range(4):
        number = f"+3491012312{place}"
        phone = Phone(given="", valid=True, e164=number, line=number, block=number[:-2])
        found = touch(links, store, rules, f"u{place}", facts(email=firm, phone=phone))
    assert (found["mail_domain"].accounts, found["phone_block"].accounts) == (4, 1)
    stranger = facts(email=Email(given="", valid=True), phone=phone)
    assert touch(links, store, rules, "u9", stranger)["phone_block"].accounts == 4


def test_of_a_crowd_by_nature_only_the_count_is_read(links: Links, store: Store, rules: Policy) -> None:
    email = Email(given="", valid=True, domain="mail.example", free=True, relay=False, disposable=False)
    for place in range(3):
        found = touch(links, store, rules, f"u{place}", facts(NOW + place, email=email))["mail_domain"]
    assert (found.accounts, found.hub, found.recent, found.others, found.last_seen) == (3, True, Recent(), (), NOW + 1)


#: A free mail provider's domain; a pattern, of which 50 make a crowd; an address, whose crowd may be a wave; a device.
SORTS = {"mail_domain": 1, "pattern": 1, "ip": 32, "device": 32}


@pytest.mark.parametrize(("kind", "most"), SORTS.items())
def test_of_a_crowd_who_came_last_is_told_and_more_where_that_is_read(
    links: Links, store: Store, rules: Policy, kind: str, most: int
) -> None:
    shared = facts(
        email=Email(given="a", valid=True, domain="gmail.com", free=True, relay=False, disposable=False, pattern="a9"),
        network=Network(given="81.93.17.5", ip="81.93.17.5"),
        device=Device(id="dev-1"),
    )
    for number in range(9):  # so many are kept as a sorted set
        touch(links, store, rules, f"u{number}", shared)
    touched = links.touched("new", shared)
    pipe = store.pipeline()
    for number in range(9, 109):
        pipe.execute_command("ZADD", touched.keys[kind], NOW - number, f"u{number}")
    reply = links.queue(pipe, touched, rules, add=False)
    store.run(pipe)
    row = touch_replies.row(reply()[asked_of(touched, told(rules)).order.index(kind)])
    assert (row[0], row[6].split()[:2]) == (109, [b"u8", str(int(NOW)).encode()])
    assert len(row[6].split()) == 2 * most


def test_few_who_share_a_pattern_are_told_whatever_a_crowd_would_be(links: Links, store: Store, rules: Policy) -> None:
    shared = facts(email=Email(given="a", valid=True, domain="gmail.com", free=True, relay=False, pattern="a9"))
    for number in range(20):
        touch(links, store, rules, f"u{number}", shared)
    assert len(touch(links, store, rules, "new", shared)["pattern"].others) == 20


def test_kinds_of_which_a_crowd_tells_only_who_came_last(rules: Policy) -> None:
    sorts = told(rules).sorts
    assert {kind for kind, sort in sorts.items() if sort == "f"} == {"pattern", "fingerprint"}
    assert {kind for kind, sort in sorts.items() if sort == "o"} >= {"mailbox", "phone", "device", "payment"}


@pytest.mark.parametrize("marked", [2, 45], ids=["among the newest", "more than are read at once"])
def test_marks_of_a_crowd_are_counted_however_many(links: Links, store: Store, rules: Policy, marked: int) -> None:
    for number in range(60):
        touch(links, store, rules, f"u{number}", device(NOW - 60 + number))
    key = links.touched("", device()).keys["device"]
    bind(links, [key], on=True)
    for number in range(marked):
        links.mark(f"u{number}", [key], abusive=number % 2 == 0, limited=True)
    found = touch(links, store, rules, "new", device())["device"]
    assert (found.abusive, found.limited, found.accounts, found.bound) == ((marked + 1) // 2, marked, 61, True)
    assert (len(found.recent.times), found.recent.names[0], found.earlier) == (32, "u59", 60)


def test_what_is_told_of_a_policy_is_that_of_the_policy_in_force(links: Links, store: Store, rules: Policy) -> None:
    """It is worked out once a policy: an address shared by two is a crowd's where policy says so, and only there."""
    kinds = {**rules.links.kinds, "ip": rules.links.kinds["ip"].model_copy(update={"hub_over": 1})}
    other = rules.model_copy(update={"links": rules.links.model_copy(update={"kinds": kinds})})
    line = facts(network=Network(given="192.0.2.1", ip="192.0.2.1"), email=Email(given="", valid=False))
    touch(links, store, rules, "u0", line)
    hubs = [touch(links, store, each, "u1", line)["ip"].hub for each in (rules, other, rules)]
    assert hubs == [False, True, False]


@pytest.mark.parametrize("sort", ["free", "relay", "disposable"])
def test_public_mail_domains_bind_nobody(links: Links, sort: str) -> None:
    sorts = {"free": False, "relay": False, "disposable": False, sort: True}
    email = Email(given="", valid=True, domain="mail.example", canonical="a@mail.example", **sorts)  # type: ignore[arg-type]
    assert "mail_domain" in links.touched("u", facts(email=email)).hubs


def test_every_kind_is_touched_once_and_keys_hold_no_address(links: Links) -> None:
    email = Email(
        given="ana@ruiz.example", valid=True, domain="ruiz.example", registrable="ruiz.example", suffix="example",
        canonical="ana@ruiz.example", pattern="aaa@ruiz.example", stem="ana@ruiz.example",
        free=False, relay=False, disposable=False,
    )  # fmt: skip
    full = Facts(
        at=NOW, account=Account(website="ruiz.example", referrer_id="friend"), email=email, payment_fingerprint="card",
        phone=Phone(given="", valid=True, e164="+34600123123", line="+34600123123", block="+346001231"),
        network=Network(given="", ip="203.0.113.9", prefix="203.0.113.0/24", asn=64500),
        device=Device(id="dev", fingerprint="ja4|chrome"), behavior=Behavior(keystrokes=0),
    )  # fmt: skip
    touched = links.touched("u1", full)
    assert set(touched.keys) == {*KINDS, *COUNTED, *CLOSE} - {"link_domain", "content"}
    assert len(set(touched.keys.values())) == len(touched.keys)
    assert not any(word in key for key in touched.keys.values() for word in ("ruiz", "600123", "203.0", "dev", "64500"))


def test_keys_change_with_the_secret(links: Links, store: Store, lists: DomainLists) -> None:
    assert links.mac("phone", "+34600123123") != Links(store, b"x" * 32, readers_of(lists)).mac("phone", "+34600123123")


def test_of_two_racing_signups_one_at_least_sees_the_other_and_then_both_do(
    links: Links, store: Store, rules: Policy
) -> None:
    for round_ in range(50):
        found: dict[str, Mapping[str, Entity]] = {}
        gate = threading.Barrier(2)
        shared = device(name=f"dev-{round_}")

        def signup(user: str, shared: Facts = shared, found: dict[str, Mapping[str, Entity]] = found,
                   gate: threading.Barrier = gate) -> None:  # fmt: skip
            gate.wait()
            found[user] = touch(links, store, rules, user, shared)

        threads = [threading.Thread(target=signup, args=(user,)) for user in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert max(found["a"]["device"].accounts, found["b"]["device"].accounts) == 2
        for user in ("a", "b"):
            assert touch(links, store, rules, user, shared, add=False)["device"].accounts == 2


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.integers(0, 40),
        st.sampled_from(
            [
                *("touch", "touch", "say", "bad", "good", "leave", "out", "near", "bind", "unbind", "prove", "unprove"),
                *("stay", "go", "cut", "undo", "cut all", "undo all", "hub", "no hub"),
            ]
        ),
    ),
    max_size=25,
)


@dataclass
class Remembered:
    """What one entity must know, in plain Python."""

    times: dict[str, float] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    out: dict[str, float] = field(default_factory=dict)
    near: dict[str, float] = field(default_factory=dict)
    proofs: dict[str, float] = field(default_factory=dict)
    established: dict[str, float] = field(default_factory=dict)
    cuts: dict[str, float] = field(default_factory=dict)
    hub: float = 0.0
    bound: bool = False
    cut_all: bool = False

    @property
    def there(self) -> bool:
        """Whether anything is remembered at all."""
        return bool(self.times or self.cuts or self.cut_all or self.bound or self.hub)

    def touch(self, user: str, at: float) -> None:
        if user not in self.cuts:
            self.times.setdefault(user, at)

    def say(self, user: str, at: float) -> None:
        if user not in self.cuts:
            self.times[user] = max(at, self.times.get(user, at))
            self.first.setdefault(user, at)

    def spend(self, user: str, at: float, *, out: bool) -> None:
        if user in self.times:
            spent = self.out if out else self.near
            spent[user] = max(at, spent.get(user, at))
            if user in self.near and self.near[user] <= self.out.get(user, float("-inf")) + 7 * DAY:
                del self.near[user]

    def mark(self, user: str, *, bad: bool | None = None, since: float | None = None) -> None:
        """Standing of an account: whether it is abusive (None: as before), since when it is established."""
        if user not in self.times:
            return
        if bad is not None:
            (self.bad.add if bad else self.bad.discard)(user)
        self.established.pop(user, None)
        if since is not None:
            self.established[user] = since

    def prove(self, user: str, at: float | None) -> None:
        if user in self.times and at is not None:
            self.proofs.setdefault(user, at)
        elif user in self.times:
            self.proofs.pop(user, None)

    def leave(self, user: str) -> None:
        for kept in (self.times, self.first, self.out, self.near, self.proofs, self.established):
            kept.pop(user, None)
        self.bad.discard(user)

    def cut(self, user: str) -> None:
        if user in self.times:
            self.cuts[user] = self.times[user]
        self.leave(user)

    def undo(self, user: str) -> None:
        if user in self.cuts:
            self.times.setdefault(user, self.cuts.pop(user))

    def holders(self, at: float) -> tuple[str, tuple[str, ...]]:
        """Who holds it and how: who proved it; else the oldest, if established before the next came, and others who
        are established and have used it for fourteen days.
        """
        if self.proofs:
            return "proved", tuple(sorted(self.proofs, key=lambda name: (self.proofs[name], name)))
        early = sorted((time, name) for name, time in (self.first or self.times).items())
        found = []
        for place, (time, name) in enumerate(early):
            since = self.established.get(name)
            if since is None or since > at:
                continue
            before = place == 0 and (len(early) == 1 or early[1][0] >= since)
            if before or time <= at - 14 * DAY:
                found.append(name)
        return ("held" if found else ""), tuple(found)

    def seen(self, user: str, at: float) -> tuple[object, ...]:
        def counted(times: Mapping[str, float], age: float) -> list[float]:
            return [time for name, time in times.items() if name != user and at - age <= time <= at + 300]

        if user in self.cuts or self.cut_all:
            return (1, 1, 0, (0, 0, None, 0), False, "observed", (), (), 0, 0, 0.0)
        everybody = [time for time in self.times.values() if time <= at + 300]
        month = len([time for time in everybody if time > at - 30 * DAY])
        day = len([time for time in everybody if time > at - DAY])
        abusive = len(counted({name: self.times[name] for name in self.bad}, 90 * DAY))
        spent = (
            len(counted(self.out, DAY)),
            len(counted(self.out, 7 * DAY)),
            max(counted(self.out, 90 * DAY), default=None),
            len(counted(self.near, 7 * DAY)),
        )
        newest = sorted(((time, name) for name, time in self.times.items() if name != user), reverse=True)
        others = tuple(name for time, name in newest if at - 90 * DAY < time <= at + 300)
        order = sorted(self.times, key=lambda name: (self.times[name], name))
        earlier = 0 if len(order) < 2 else order.index(user) if user in order else len(order)
        how, holders = self.holders(at)
        if user in holders:  # what claimants do is theirs, and who holds it by use is bound to nobody by it
            month, day, earlier = min(month, len(holders)), min(day, len(holders)), 0
            abusive = len([name for name in holders if name != user and name in self.bad])
            spent, others = (0, 0, None, 0), tuple(name for name in holders if name != user and how == "proved")
        elif holders:
            claimants = max(len(self.times) - len(holders), 1)
            month, day, how = min(month, claimants), min(day, claimants), ""
            earlier = max(earlier - len(holders), 0)
            others = tuple(name for name in others if name not in holders)
        past = len([time for time in self.times.values() if time < at - 7 * DAY]) if len(self.times) > 1 else 0
        apart = tuple(name for name in holders if name != user)
        return (month, day, abusive, spent, self.bound, how or "observed", others, apart, past, earlier, self.hub)


@settings(max_examples=300)
@given(_EVENTS)
def test_counts_agree_with_a_plain_reference(
    session_store: Store, lists: DomainLists, rules: Policy, events: list[tuple[str, int, str]]
) -> None:
    """Random histories against sets in plain Python, each event at its day and in any order."""
    session_store.execute("FLUSHALL")
    links = Links(session_store, LINK_SECRET, readers_of(lists))
    known = Remembered()
    key = links.touched("", device()).keys["device"]
    for user, day, what in events:
        at = NOW + day * DAY
        match what:
            case "touch":
                touch(links, session_store, rules, user, device(at))
                known.touch(user, at)
            case "say":
                pipe = session_store.pipeline()
                links.queue_said(pipe, MessageEntities(user, at, (("device", key),)), rules, account_key(user))
                session_store.run(pipe)
                known.say(user, at)
            case "leave":
                links.leave(user, [key])
                known.leave(user)
            case "out" | "near":
                links.mark_spent(user, [key], at, out=what == "out", near=what == "near")
                known.spend(user, at, out=what == "out")
            case "bind" | "unbind":
                bind(links, [key], on=what == "bind")
                known.bound = what == "bind" and known.there
            case "prove" | "unprove":
                links.prove(user, [key], at, proved=what == "prove")
                known.prove(user, at if what == "prove" else None)
            case "stay" | "go":
                since = at if what == "stay" else None
                links.mark(user, [key], abusive=user in known.bad, limited=False, established=since)
                known.mark(user, since=since)
            case "cut" | "undo":
                links.cut(user, [key], on=what == "cut")
                (known.cut if what == "cut" else known.undo)(user)
            case "cut all" | "undo all":
                links.cut(None, [key], on=what == "cut all")
                known.cut_all = what == "cut all" and known.there
            case "hub" | "no hub" if known.there:
                links.find_hub(key, at, rules, hub=what == "hub")
                known.hub = at if what == "hub" else -at
            case "bad" | "good":
                links.mark(user, [key], abusive=what == "bad", limited=False)
                known.mark(user, bad=what == "bad")
        found = touch(links, session_store, rules, user, device(at), add=False)["device"]
        expected = known.seen(user, at)
        assert expected == (
            found.accounts_30d,
            found.accounts_24h,
            found.abusive,
            (found.exhausted_24h, found.exhausted_7d, found.exhausted_at, found.near_7d),
            found.bound,
            found.standing,
            expected[6] if found.hub else found.others,
            found.holders,
            found.past,
            found.earlier,
            found.hub_found_at,
        )
        assert set(links.accounts(key)) == set(known.times)
        uses = links.uses(key)
        assert (dict(uses), [at for _, at in uses]) == ({**known.times, **known.first}, sorted(at for _, at in uses))


def test_old_touches_are_forgotten_and_an_entity_keeps_a_bounded_number(
    links: Links, store: Store, rules: Policy
) -> None:
    touch(links, store, rules, "old", device(NOW - 100 * DAY))
    assert touch(links, store, rules, "new", device())["device"].accounts == 1
    key = links.touched("x", device()).keys["device"]
    assert 0 < store.execute("TTL", key) <= rules.retention.entities_days * 86400
    for number in range(10):  # so many are kept as a sorted set
        touch(links, store, rules, f"v{number}", device(NOW - 2101 + number / 10))
    pipe = store.pipeline()
    for number in range(2100):
        pipe.execute_command("ZADD", key, NOW - 2100 + number, f"u{number}")
    store.run(pipe)
    assert touch(links, store, rules, "last", device())["device"].accounts == 2000


@pytest.mark.parametrize(
    ("accounts", "age_days", "expected"),
    [(2, 0, 1.0), (4, 0, 0.5), (256, 0, 0.125), (2, 30, 0.5), (2, -1, 1.0), (1, 0, 1.0)],
    ids=["pair", "four", "crowd", "a half-life", "clocks differ", "lone"],
)
def test_weight_falls_with_crowd_and_age(accounts: int, age_days: float, expected: float) -> None:
    assert evidence_weight(1.0, accounts, age_days * DAY, 30) == pytest.approx(expected)


def entity(kind: str, accounts: int, abusive: int) -> Entity:
    return Entity(kind, 1, 1, accounts, accounts, abusive, 0, hub=kind in COUNTED)


@pytest.mark.parametrize(
    ("accounts", "abusive", "low", "high"),
    [(4, 3, 0.02, 0.10), (2000, 1500, 0.6, 0.75), (2000, 0, 0.0, 0.002), (1, 0, 0.019, 0.021)],
    ids=["three convict nobody", "a notorious network", "a clean one", "never seen"],
)
def test_reputation_is_shrunk_towards_the_base(
    rules: Policy, accounts: int, abusive: int, low: float, high: float
) -> None:
    found = reputation({"asn": entity("asn", accounts, abusive), "service": entity("service", 5000, 100)}, rules)
    assert found.asn is not None
    assert low <= found.asn <= high
    assert found.network is None


def test_linkage_names_the_strongest_first_and_no_hubs(rules: Policy) -> None:
    phone = Entity("phone", 2, 2, 2, 2, 1, 0, hub=False, weight=0.9, strength="strong", last_seen=NOW, others=("u1",))
    ip = Entity("ip", 3, 3, 3, 3, 0, 0, hub=False, weight=0.1, last_seen=NOW, others=("u2", "u3"))
    crowd = Entity("network", 90, 90, 90, 90, 40, 0, hub=True)
    found = linkage({"ip": ip, "phone": phone, "network": crowd}, rules, "clu_1", 2)
    assert [(row["kind"], row["binds"]) for row in found["evidence"]] == [("phone", True), ("ip", False)]
    assert (found["cluster_id"], found["size"], found["abusive"]) == ("clu_1", 2, 1)
    assert linkage(None, rules) == {"cluster_id": None, "size": 1, "abusive": 0, "evidence": []}


@pytest.mark.parametrize(
    ("recent", "told"),
    [(Recent(("u1",), (NOW,)), rfc3339(NOW)), (Recent(), None)],
    ids=["the holder came", "nobody is told of"],
)
def test_what_a_holder_alone_has_was_not_seen_in_1970(rules: Policy, recent: Recent, told: str | None) -> None:
    device = Entity("device", 1, 1, 1, 1, 0, 0, hub=False, strength="strong", holders=("u1",), recent=recent)
    assert [row["last_seen"] for row in linkage({"device": device}, rules)["evidence"]] == [told]
