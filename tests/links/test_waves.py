"""Waves: who came together, as tables of the pure part; who is bound by it and for how long, on the real store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.app import Service
from riskapi.decisions.events import Event
from riskapi.links.kinds import Touch
from riskapi.links.waves import FAMILIES, Match, matches, packed, unpacked
from riskapi.policy import DEFAULT, Policy, load
from riskapi.policy.tables import Pace
from signals.facts import Account, Behavior, Email, Entity, Facts, Recent, Registration, Wave
from tests import consistency
from tests.bench.counters import counters
from tests.conftest import NOW
from tests.grants import ask, under, view
from tests.signups import body, post, together

POLICY = load(DEFAULT)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
NEAR, LONG = 15 * MINUTE, 72 * HOUR
FACTS = Facts(at=NOW, account=Account(), email=Email("ana@ruiz.example", valid=True))


def recent_of(came: Iterable[tuple[str, float]]) -> Recent:
    """Who came, and when, as an entity tells of them."""
    told = list(came)
    return Recent(tuple(name for name, _ in told), tuple(at for _, at in told))


def thing(kind: str, *ages: float, **changes: Any) -> Entity:
    """A thing that others touched so many seconds ago: ``u0`` the first named, ``u1`` the next. A block of numbers,
    which says nothing before five came, was touched by three others as well. The newest come first, as in all entities.
    """
    came = [(f"u{number}", NOW - age) for number, age in enumerate(ages)]
    if kind == "phone_block":
        came += [(f"n{number}", NOW - ages[0]) for number in range(3)]
    recent = tuple(sorted(came, key=lambda each: -each[1]))
    here = len(ages) + 1
    found = Entity(kind, here, here, here, here, 0, 0, False, recent=recent_of(recent))
    return replace(found, **changes)


def came(
    *things: Entity, hubs: Iterable[str] = (), hosting: bool = False, policy: Policy = POLICY, facts: Facts = FACTS
) -> tuple[Wave, list[Match]]:
    """With whom a signup came that shares these things."""
    found = {each.kind: each for each in things}
    touch = Touch("new", NOW, {kind: kind for kind in found}, frozenset(hubs), hosting=hosting)
    return matches(facts, touch, found, policy)


def under_waves(**changes: Any) -> Policy:
    return POLICY.model_copy(update={"waves": POLICY.waves.model_copy(update=changes)})


PAIRS = list(combinations(FAMILIES, 2))
#: A class and a firm have one place, or one domain, and computers that somebody set up for all.
COMMON = ({"network", "agent"}, {"domain", "agent"})
#: Enough accounts to say what is rare.
EVERYBODY = thing("service", accounts=10_000)


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=["+".join(pair) for pair in PAIRS])
def test_two_things_of_different_families_bind_and_two_of_one_do_not(one: str, other: str) -> None:
    wave, told = came(EVERYBODY, thing(one, 60), thing(other, 60), hosting=True)
    families = {FAMILIES[one], FAMILIES[other]}
    if len(families) == 1 or families in COMMON:
        assert (wave.accounts, wave.families, told) == (0, frozenset(), [])
    else:
        assert (wave.accounts, wave.families, told) == (1, frozenset(families), [Match(("u0",), LONG)])


def test_what_a_class_has_in_common_and_a_third_thing_is_a_wave() -> None:
    wave, told = came(EVERYBODY, thing("ip", 60), thing("fingerprint", 60), thing("phone_block", 60))
    assert (wave.families, told) == (frozenset({"network", "agent", "phone"}), [Match(("u0",), LONG)])


@pytest.mark.parametrize("kind", FAMILIES)
def test_one_thing_alone_binds_nobody(kind: str) -> None:
    assert came(thing(kind, 60, 70, 80), hosting=True)[1] == []


@pytest.mark.parametrize("kind", ["pattern", "tld", "referrer", "device", "payment"])
def test_what_is_no_family_is_no_second_thing(kind: str) -> None:
    """Chance gives one make of address; a device binds by itself."""
    assert came(thing("ip", 60), thing(kind, 60))[1] == []


@given(ages=st.lists(st.floats(0, 2 * NEAR) | st.sampled_from([60.0, 5.0, 30.0, 120.0, NEAR]), max_size=32))
def test_paces_on_one_line_are_those_of_counting_everybody(ages: list[float]) -> None:
    def within(seconds: float) -> tuple[str, ...]:
        return tuple(name for name, at in zip(*line.recent, strict=True) if at >= NOW - seconds)

    line, expected, quick = thing("ip", *ages), list[Match](), POLICY.waves.quick
    for pace in quick:
        names = within(pace.seconds)
        if names and len(names) + 1 >= pace.accounts:
            expected = [Match(names, LONG if pace == quick[-1] else NEAR)]
    wave, told = came(line)
    assert told == expected
    assert wave.line_minute == len(within(60)) + 1
    assert wave.accounts == len({name for match in expected for name in match.accounts})


@given(
    st.dictionaries(st.sampled_from([f"u{number}" for number in range(9)]), st.floats(0, 2 * NEAR)),
    st.dictionaries(st.sampled_from(["stem", "mail_domain", "phone", "behavior"]), st.sets(st.integers(0, 8))),
)
def test_who_agrees_in_two_families_is_who_stands_in_two_of_them(
    ages: dict[str, float], shared: dict[str, set[int]]
) -> None:
    recent = {
        kind: tuple(
            sorted(((n, NOW - ages[n]) for n in (f"u{i}" for i in who) if n in ages), key=lambda each: -each[1])
        )
        for kind, who in shared.items()
    }
    families = {
        name: {FAMILIES[kind] for kind, each in recent.items() if name in dict(each)}
        for name, age in ages.items()
        if NOW - age >= NOW - NEAR
    }
    alike = sorted(
        (name for name in families if len(families[name]) > 1), key=lambda n: (NOW - ages[n], n), reverse=True
    )
    wave, told = came(*[replace(thing(kind), recent=recent_of(each)) for kind, each in recent.items()])
    assert told == ([Match(tuple(alike), LONG)] if alike else [])
    assert wave.families == {family for name in alike for family in families[name]}


def test_it_is_one_account_that_has_to_agree_in_both() -> None:
    ip, phone = thing("ip", 60, 70, 80), replace(thing("phone", 60), recent=Recent(("u9", "u2"), (NOW - 5, NOW - 80)))
    wave, told = came(ip, phone)
    assert (wave.accounts, told) == (1, [Match(("u2",), LONG)])


@pytest.mark.parametrize(
    ("ages", "tells"),
    [
        ((1,), False),  # a couple who bought their cards together, at home
        ((1, 1, 1), False),
        ((1, 1, 1, NEAR + 1), False),
        ((1, 1, 1, NEAR), True),
    ],
)
def test_a_block_of_numbers_tells_when_it_is_many_and_quick(ages: tuple[float, ...], tells: bool) -> None:
    block = Entity("phone_block", 9, 9, 9, 9, 0, 0, False, recent=thing("ip", *ages).recent)
    assert bool(came(thing("ip", 1), block)[1]) is tells
    assert came(thing("ip", 1), replace(block, kind="phone"))[1], "the same number needs no more than one"
    automatic = replace(FACTS, behavior=Behavior(keystrokes=0))
    assert came(thing("ip", 1), block, facts=automatic)[1], "families and firms fill forms by hand"


@pytest.mark.parametrize(
    ("ip", "domain", "together"),
    [
        (0, 0, True), (NEAR, 0, True), (NEAR, NEAR, True), (NEAR + 1, 0, False), (60, NEAR + 1, False),
        (-200, -200, True),
    ],
    ids=["at once", "the last moment", "both of it", "too long ago", "one of them", "a clock that is ahead"],
)  # fmt: skip
def test_close_in_time(ip: float, domain: float, together: bool) -> None:
    assert bool(came(thing("ip", ip), thing("mail_domain", domain))[1]) is together


OLD = {"past": 3}
EVIDENCE: dict[str, tuple[dict[str, Any], bool]] = {
    "new": ({}, True),
    "two were here before": ({"past": 2}, True),
    "three were": (OLD, False),
    "one of them bad": ({**OLD, "abusive": 1}, True),
    "one of them limited": ({**OLD, "limited": 1}, True),
    "as many now as were here": ({**OLD, "accounts_1h": 3}, False),
    "twice as many": ({**OLD, "accounts_1h": 6}, False),
    "more": ({**OLD, "accounts_1h": 7}, True),
}


@pytest.mark.parametrize("kind", ["ip", "network", "mail_domain", "phone", "phone_block"])
@pytest.mark.parametrize(("changes", "tells"), EVIDENCE.values(), ids=EVIDENCE)
def test_what_has_a_good_past_is_no_evidence(kind: str, changes: dict[str, Any], tells: bool) -> None:
    """A firm that has been here for a while hires; a burst over an old address is one all the same."""
    told = came(thing(kind, 60, **changes), thing("behavior", 60))[1]
    assert bool(told) is tells


@pytest.mark.parametrize("kind", ["asn", "stem", "behavior"])
def test_what_everybody_s_past_says_nothing_of(kind: str) -> None:
    second = thing("phone_block", 60)
    assert came(thing(kind, 60, past=900), second, hosting=True)[1] == [Match(("u0",), LONG)]


@pytest.mark.parametrize(
    ("hubs", "hosting", "expected"),
    [
        ((), False, {"ip", "network", "mail_domain"}),
        ((), True, {"ip", "network", "mail_domain", "asn"}),
        (("ip", "network"), False, {"mail_domain"}),
        (("ip", "network"), True, {"mail_domain"}),
        (("mail_domain",), False, {"ip", "network"}),
    ],
    ids=["at home", "a host", "a carrier or a campus", "an anonymizer at a host", "free mail"],
)
def test_places_of_crowds_are_no_evidence(hubs: tuple[str, ...], hosting: bool, expected: set[str]) -> None:
    kinds = ("ip", "network", "mail_domain", "asn")
    assert {
        kind for kind in kinds if came(thing(kind, 60), thing("behavior", 60), hubs=hubs, hosting=hosting)[1]
    } == expected


@pytest.mark.parametrize(
    ("registered", "tells"),
    [(None, True), (NOW - 89 * DAY, True), (NOW - 90 * DAY, True), (NOW - 91 * DAY, False), (NOW - 9000 * DAY, False)],
    ids=["unknown", "89 days", "90 days", "91 days", "for ever"],
)
def test_a_domain_that_has_long_been_somebodys_is_no_evidence(registered: float | None, tells: bool) -> None:
    facts = replace(FACTS, registration=Registration(NOW, True, registered))
    assert bool(came(thing("mail_domain", 60), thing("ip", 60), facts=facts)[1]) is tells
    assert came(thing("phone_block", 60), thing("ip", 60), facts=facts)[1], "of other things it says nothing"


@pytest.mark.parametrize(
    ("everybody", "automatic", "tells"),
    [
        (None, 400, True),
        (2, 2, True),
        (499, 499, True),
        (500, 100, True),
        (500, 101, False),
        (10_000, 2_000, True),
        (10_000, 9_000, False),
    ],
)
def test_a_form_that_no_hand_filled_tells_where_that_is_rare(
    everybody: int | None, automatic: int, tells: bool
) -> None:
    things = [thing("behavior", 60, accounts=automatic), thing("phone_block", 60)]
    if everybody is not None:
        things.append(thing("service", accounts=everybody))
    assert bool(came(*things)[1]) is tells


@pytest.mark.parametrize(
    ("everybody", "automatic", "lately", "tells"),
    [
        (1300, 730, 700, True),  # a ring among 600 people, of whom 30 have a program fill their forms
        (1300, 730, 70, False),
        (1150, 480, 300, False),  # 180 of 850 came before: over a fifth
        (1100, 700, 700, False),  # too few came before to say what is rare
        (2000, 2000, 100, False),  # a caller that never counts keys
        (2000, 2000, 2000, False),
    ],
)
def test_a_ring_does_not_make_common_what_it_is_known_by(
    everybody: int, automatic: int, lately: int, tells: bool
) -> None:
    here = thing("behavior", 60, accounts=automatic, accounts_24h=lately)
    assert bool(came(here, thing("phone_block", 60), thing("service", accounts=everybody))[1]) is tells


@pytest.mark.parametrize(
    ("everybody", "same", "tells"),
    [(None, 2, False), (499, 2, False), (500, 5, True), (500, 6, False), (10_000, 100, True), (10_000, 101, False)],
)
def test_a_build_of_a_browser_tells_where_it_is_known_to_be_rare(everybody: int | None, same: int, tells: bool) -> None:
    things = [thing("fingerprint", 60, accounts=same), thing("phone_block", 60)]
    if everybody is not None:
        things.append(thing("service", accounts=everybody))
    assert bool(came(*things)[1]) is tells


#: Ages of those who came on one line, and for how long each pace binds whom; 3 in 5 s, 5 in 30 s, 10 in 2 minutes.
PACES: dict[str, tuple[list[float], list[Match]]] = {
    "two at once": ([0], []),
    "three in five seconds": ([5, 5], [Match(("u0", "u1"), NEAR)]),
    "three in six": ([1, 6], []),
    "five in thirty": ([10, 20, 30, 30], [Match(("u0", "u1", "u2", "u3"), NEAR)]),
    "four in thirty": ([10, 20, 30], []),
    "three in five of five in thirty": (
        [1, 2, 20, 30],
        [Match(("u0", "u1", "u2", "u3"), NEAR)],
    ),
    "nine in two minutes": ([40, 45, 50, 60, 70, 80, 90, 120], []),
    "ten in two minutes": (
        [40, 45, 50, 60, 70, 80, 90, 110, 120],
        [Match(tuple(f"u{number}" for number in range(9)), LONG)],
    ),
    "a queue at a desk": ([100.0 * number for number in range(1, 20)], []),
}


@pytest.mark.parametrize(("ages", "told"), PACES.values(), ids=PACES)
def test_faster_than_people(ages: list[float], told: list[Match]) -> None:
    wave, found = came(thing("ip", *ages))
    assert found == told
    names = {name for match in told for name in match.accounts}
    assert (wave.accounts, wave.quick) == (len(names), bool(told))
    assert wave.families == (frozenset({"network", "pace"}) if told else frozenset())


#: From a host's machines few people sign up: 2 in 5 s, 3 in 30 s, 5 in 2 minutes.
HOSTED: dict[str, tuple[list[float], list[float]]] = {
    "one": ([], []),
    "two at once": ([5], [NEAR]),
    "two in six seconds": ([6], []),
    "three in thirty": ([20, 30], [NEAR]),
    "two in thirty": ([30], []),
    "five in two minutes": ([31, 60, 90, 120], [LONG]),
    "four in two minutes": ([31, 60, 120], []),
    "five at once": ([0, 1, 2, 3], [LONG]),
}


@pytest.mark.parametrize("kind", ["ip", "network"])
@pytest.mark.parametrize(("ages", "seconds"), HOSTED.values(), ids=HOSTED)
def test_from_a_host_half_the_pace_is_telling(kind: str, ages: list[float], seconds: list[float]) -> None:
    assert [match.seconds for match in came(thing(kind, *ages), hosting=True)[1]] == seconds


def test_who_came_at_several_paces_is_told_once_for_the_longest() -> None:
    ages = [1.0] * 9
    names = tuple(f"u{number}" for number in range(9))
    assert came(thing("ip", *ages), thing("network", *ages))[1] == [Match(names, LONG)]


@pytest.mark.parametrize("kind", ["ip", "network"])
def test_nobody_is_no_wave_however_small_the_pace(kind: str) -> None:
    policy = under_waves(quick=(Pace(accounts=2, seconds=5),))
    assert came(thing(kind), hosting=True, policy=policy)[1] == []
    assert came(thing(kind, 6), hosting=True, policy=policy)[1] == []
    assert came(thing(kind, 1), hosting=True, policy=policy)[1] == [Match(("u0",), LONG)]


@pytest.mark.parametrize(("ages", "told"), PACES.values(), ids=PACES)
def test_neighbours_of_a_home_are_held_to_the_longest_pace_alone(ages: list[float], told: list[Match]) -> None:
    found = came(thing("network", *ages))[1]
    assert found == [match for match in told if match.seconds == LONG]


@pytest.mark.parametrize("kind", ["ip", "network"])
def test_a_line_of_a_crowd_has_no_pace(kind: str) -> None:
    wave, told = came(thing(kind, *[1] * 32), hubs=[kind], hosting=True)
    assert (wave.accounts, wave.quick, told) == (0, False, [])


def test_a_pace_and_two_families_are_one_wave() -> None:
    wave, told = came(thing("ip", 1, 2), thing("mail_domain", 1))
    assert (wave.accounts, wave.quick, wave.families) == (2, True, frozenset({"network", "domain", "pace"}))
    assert told == [Match(("u0",), LONG), Match(("u0", "u1"), NEAR)]


@pytest.mark.parametrize(
    ("things", "hubs", "line_minute", "domain_quarter"),
    [
        ([], (), None, None),
        ([thing("ip"), thing("mail_domain")], (), 1, 1),
        ([thing("ip", 0, 59, 60, 61), thing("mail_domain", 0, 61, 900, 901)], (), 4, 4),
        ([thing("ip", 0), thing("mail_domain", 0)], ("ip",), None, 2),
        ([thing("ip", 0), thing("mail_domain", 0)], ("mail_domain",), 2, None),
        ([thing("ip", 0, past=9), thing("mail_domain", 0, past=9)], (), 2, None),
        ([thing("mail_domain", 0, past=9, abusive=1)], (), None, 2),
    ],
    ids=["unknown", "alone", "windows", "a carrier", "free mail", "a firm of old", "one that has turned bad"],
)
def test_rates_for_rules(
    things: list[Entity], hubs: tuple[str, ...], line_minute: int | None, domain_quarter: int | None
) -> None:
    wave = came(*things, hubs=hubs)[0]
    assert (wave.line_minute, wave.domain_quarter) == (line_minute, domain_quarter)


@pytest.mark.parametrize(("mode", "accounts", "binds"), [("live", 9, True), ("shadow", 9, False), ("off", 0, False)])
def test_modes(mode: str, accounts: int, binds: bool) -> None:
    ages = [1.0] * 9
    wave, told = came(thing("ip", *ages), thing("mail_domain", *ages), policy=under_waves(mode=mode))
    assert (wave.accounts, wave.quick, bool(wave.families)) == (accounts, accounts > 0, accounts > 0)
    assert bool(told) is binds
    assert (wave.line_minute, wave.domain_quarter) == (10, 10), "how many come is counted whatever they are"


@pytest.mark.parametrize(
    ("changes", "age", "told"),
    [
        ({"near_minutes": 5}, 301, []),
        ({"near_minutes": 60, "hours": 5}, 3600, [Match(("u0",), 5 * HOUR)]),
        ({"hours": 1}, 60, [Match(("u0",), HOUR)]),
        ({"quick": ()}, 1, [Match(("u0",), LONG)]),
    ],
    ids=["nearer", "farther", "shorter", "no pace is too quick"],
)
def test_policy_says_how_close_and_how_long(changes: dict[str, Any], age: float, told: list[Match]) -> None:
    assert came(thing("ip", age), thing("behavior", age), policy=under_waves(**changes))[1] == told


@pytest.mark.parametrize(
    "wave", [Wave(), Wave(7, frozenset({"mail", "network"}), True, 12, None), Wave(domain_quarter=3)]
)
def test_an_account_keeps_the_wave_it_came_in(wave: Wave) -> None:
    assert unpacked(packed(wave)) == wave


def test_an_account_of_before_came_alone() -> None:
    assert unpacked(None) == Wave()


# On the real store: the signups of a ring, and of a firm on its first day


def arrive(service: Service, user: str, after: float = 0.0, **parts: Any) -> dict[str, Any]:
    """One of those who come from one line, at one private domain, ``after`` seconds."""
    given = {"email": {"address": f"{user}@offers.example"}, "device": {"ip_address": "203.0.113.9"}}
    return post(service, body(user, **{**given, **parts}), NOW + after)


def members(service: Service, user: str, after: float) -> int:
    found = view(service, user, NOW + after)["linkage"]["size"]
    return int(found)


def test_who_came_together_share_a_budget(service: Service) -> None:
    found = [arrive(service, f"r{number}", number * 4 * MINUTE) for number in range(4)]
    assert [answer["linkage"]["size"] for answer in found] == [1, 2, 3, 4]
    granted = [ask(service, f"r{number}", 200, NOW + 13 * MINUTE)["granted"] for number in range(4)]
    assert granted == [200, 100, 0, 0]
    (edge,) = view(service, "r0", NOW + HOUR)["linkage"]["edges"]
    assert (edge["kind"], edge["standing"], edge["accounts"]) == ("wave", "wave", 4)
    rows = [row for row in view(service, "r3", NOW + HOUR)["linkage"]["evidence"] if row["binds"]]
    assert [(row["kind"], row["accounts"]) for row in rows] == [("wave", 4)]
    consistency.check(service)


def test_in_a_large_wave_only_the_newest_are_read(service: Service) -> None:
    def read(user: str, after: float) -> int:
        """How many budgets were read at an arrival."""
        before = counters(service.store)
        assert arrive(service, user, after)["linkage"]["cluster_id"] == cluster
        return (counters(service.store) - before).calls["hgetall"]

    answers = [arrive(service, f"r{number}", number * 10) for number in range(33)]
    cluster = answers[-1]["linkage"]["cluster_id"]
    assert read("s1", 340) == 1 + 1, "itself and the newest, which stands for those before it"
    service.parts.clusters.leave("s1", service.active.policy, NOW + 341)
    assert read("s2", 350) > 1 + 4, "the newest is in no wave, so the others are asked"
    assert members(service, "s2", 360) == 35, "and it is bound again, for it came with them"
    consistency.check(service)


def test_what_was_spent_before_they_were_noticed_counts(service: Service) -> None:
    arrive(service, "r0")
    assert ask(service, "r0", 200, NOW + 1)["granted"] == 200
    assert arrive(service, "r1", 60)["limits"]["remaining"]["hourly"] == 100
    consistency.check(service)


def test_it_lapses_unless_more_come(service: Service) -> None:
    for number in range(3):
        arrive(service, f"r{number}", number * MINUTE)
    ask(service, "r0", 100, NOW + 80 * HOUR - 1)
    consistency.check(service)
    assert members(service, "r0", LONG + MINUTE) == 1
    assert ask(service, "r1", 200, NOW + 80 * HOUR)["granted"] == 200, "each has its own again"


def test_it_lasts_longer_while_more_come(service: Service) -> None:
    for number in range(3):
        arrive(service, f"r{number}", number * MINUTE)
    for after in (60 * HOUR, 60 * HOUR + MINUTE):
        arrive(service, f"s{after:.0f}", after)
    # They came together, and are no wave with those of days ago.
    assert members(service, f"s{60 * HOUR:.0f}", 61 * HOUR) == 2
    assert members(service, "r0", 61 * HOUR) == 3
    arrive(service, "late", 10 * MINUTE)
    assert members(service, "late", LONG + 10 * MINUTE) == 4
    consistency.check(service)


def test_two_waves_that_meet_are_one_budget(service: Service) -> None:
    def elsewhere(user: str, after: float, **parts: Any) -> None:
        place = {"email": {"address": f"{user}@elsewhere.example"}, "device": {"ip_address": "198.51.100.7"}}
        arrive(service, user, after, **{**place, **parts})

    for number in range(2):
        arrive(service, f"a{number}", phone={"number": f"+3460012311{number}"})
        elsewhere(f"b{number}", 0, phone={"number": f"+3460012312{number}"})
    assert [members(service, user, 1) for user in ("a0", "b0")] == [2, 2]
    bridge: dict[str, Any] = {"behavior": {"keystrokes": 0}}
    arrive(service, "a2", MINUTE, phone={"number": "+34600123101"}, **bridge)
    elsewhere("b2", MINUTE, phone={"number": "+34600123102"}, **bridge)
    assert {members(service, user, HOUR) for user in ("a0", "a1", "a2", "b0", "b1", "b2")} == {6}
    consistency.check(service)


PROOFS: dict[str, tuple[dict[str, Any], bool]] = {
    "a number": ({"type": "phone_verified"}, True),
    "a card": ({"type": "payment_verified"}, True),
    "a domain": ({"type": "domain_authenticated", "custom_inputs": {"domain": "offers.example"}}, True),
    "a mailbox, which costs nothing": ({"type": "email_verified"}, False),
    "nothing": ({"type": "login"}, False),
}


@pytest.mark.parametrize(("event", "leaves"), PROOFS.values(), ids=PROOFS)
def test_proof_ends_it_at_once_and_for_good(service: Service, event: Mapping[str, Any], leaves: bool) -> None:
    for number in range(3):
        arrive(service, f"r{number}", number, phone={"number": f"+3460{number}123123"})
    ask(service, "r0", 150, NOW + 5)
    service.parts.events.record("r0", Event.model_validate(event), NOW + 10)
    assert [members(service, user, 20) for user in ("r0", "r1")] == ([1, 2] if leaves else [3, 3])
    # Who leaves takes along what it spent itself.
    left = [view(service, user, NOW + 20)["limits"]["remaining"]["hourly"] for user in ("r0", "r1")]
    assert left == [50, 200 if leaves else 150]
    arrive(service, "r3", 30)
    assert members(service, "r3", 40) == (3 if leaves else 4)
    consistency.check(service)


@pytest.mark.parametrize(
    ("parts", "bound"),
    [
        ({"phone": {"number": "+34600123123", "verified": True}}, False),
        ({"payment": {"fingerprint": "card-9"}}, False),
        ({"phone": {"number": "+34600123123"}}, True),
        ({"email": {"address": "r9@offers.example", "verified": True}}, True),
    ],
    ids=["a number confirmed", "a card", "a number typed", "a mailbox confirmed"],
)
def test_who_comes_with_proof_is_in_no_wave(service: Service, parts: dict[str, Any], bound: bool) -> None:
    arrive(service, "r0")
    arrive(service, "r1")
    assert arrive(service, "r9", 10, **parts)["linkage"]["size"] == (3 if bound else 1)
    assert arrive(service, "r3", 20)["linkage"]["size"] == (4 if bound else 3), "nor do those who come after it bind it"
    consistency.check(service)


def test_a_signup_posted_again_is_no_wave_with_itself_and_later_looks_bind_nobody(service: Service) -> None:
    for after in (0, 1, 2, 3, 60):
        assert arrive(service, "r0", after)["linkage"]["size"] == 1
    arrive(service, "r1", 30 * MINUTE)
    for user in ("r0", "r1"):
        service.rescorer.again(user, "schedule", NOW + 31 * MINUTE)
    assert consistency.check(service) == {}


@pytest.mark.parametrize(
    "parts",
    [
        {"email": {"address": "{user}@{user}.example"}, "device": {"ip_address": "203.0.113.9", "user_agent": "A/1"}},
        {"email": {"address": "{user}@gmail.com"}},
        {"device": {}},
    ],
    ids=["a class: one line and one agent", "a conference: one line, free mail", "one domain from everywhere"],
)  # fmt: skip
def test_people_who_agree_in_one_family_share_nothing(service: Service, parts: dict[str, Any]) -> None:
    for number in range(9):
        user = f"p{number}"
        given = {name: {key: text.format(user=user) for key, text in part.items()} for name, part in parts.items()}
        assert arrive(service, user, number * 3 * MINUTE, **given)["linkage"]["size"] == 1
    assert consistency.check(service) == {}


def test_in_shadow_it_is_told_and_binds_nobody(service: Service) -> None:
    under(service, waves={"mode": "shadow"})
    for number in range(3):
        arrive(service, f"r{number}", number)
    assert consistency.check(service) == {}
    assert view(service, "r2")["readings"]["velocity_wave"] == 2


def test_how_it_came_is_known_when_it_is_decided_again(service: Service) -> None:
    found = [arrive(service, f"r{number}", number) for number in range(10)]
    assert [answer["decision"] for answer in found] == ["allow"] * 9 + ["review"]
    service.rescorer.again("r9", "event.login", NOW + 30 * DAY)
    readings = view(service, "r9", NOW + 30 * DAY)["readings"]
    assert (readings["velocity_ip_1m"], readings["velocity_domain_15m"], readings["velocity_wave"]) == (10, 10, 9)


def test_all_at_once_is_one_budget(service: Service) -> None:
    def work(number: int) -> int:
        arrive(service, f"r{number}", 0.0)
        return int(ask(service, f"r{number}", 200, NOW + 1)["granted"])

    found = together(24, work)
    assert all(isinstance(each, int) for each in found), found
    assert max(len(users) for users in consistency.check(service).values()) == 24
    assert sum(found) <= 24 * 200
    assert sum(ask(service, f"r{number}", 200, NOW + 2)["granted"] for number in range(24)) == 0


def test_a_wave_may_be_cut_by_a_person_and_is_no_more_then(service: Service) -> None:
    for number in range(3):
        arrive(service, f"r{number}", number)
    ask(service, "r0", 100, NOW + 5)
    seen = view(service, "r0", NOW + 5)["linkage"]
    cuts = service.parts.cuts
    found = cuts.cut(seen["cluster_id"], None, seen["edges"][0]["edge"], "a training day", "ana", NOW + 5)
    assert found["accounts"] == {"r0": None, "r1": None, "r2": None}
    assert consistency.check(service) == {}
    answers = [arrive(service, f"s{number}", 30 + number) for number in range(2)]
    # Who comes after it is no wave with those who were in it, but with each other.
    assert [answer["linkage"]["size"] for answer in answers] == [1, 2]
    assert {answer["disposition"]["source"] for answer in answers} == {"rule"}, (
        "it does not wait for what will never be"
    )
    told = cuts.get(found["cut_id"])
    assert (told["user_id"], told["edges"], told["undone_at"]) == (None, [seen["edges"][0]["edge"]], None)
    for _ in range(2):
        assert cuts.undo(found["cut_id"], "kim", NOW + 40)["undone_by"] == "kim"
    assert arrive(service, "t0", 50)["linkage"]["size"] == 6, "with those that nothing keeps apart any more"
    consistency.check(service)


def test_one_may_be_cut_out_of_a_wave_by_a_person(service: Service) -> None:
    for number in range(3):
        arrive(service, f"r{number}", number)
    cluster = view(service, "r0", NOW + 5)["linkage"]["cluster_id"]
    found = service.parts.cuts.cut(cluster, "r0", None, "the teacher", "ana", NOW + 5)
    assert [members(service, f"r{number}", 10) for number in range(3)] == [1, 2, 2]
    assert arrive(service, "r3", 30)["linkage"]["size"] == 3
    assert members(service, "r0", 40) == 1
    service.parts.cuts.undo(found["cut_id"], "kim", NOW + 40)
    assert arrive(service, "r4", 50)["linkage"]["size"] == 5
    consistency.check(service)
