"""Random histories through the real parts, every answer compared with a plain-Python reference of the rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from riskapi import policy
from riskapi.app import Service
from riskapi.budgets.budgets import Budgets, remaining
from riskapi.budgets.caps import Allowed, unused
from riskapi.budgets.grant_records import GrantBasis, GrantRequest, StoredGrant, Unrecorded
from riskapi.budgets.keys import budget_key
from riskapi.budgets.limits import Counts
from riskapi.policy.tables import Caps
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.consistency import check
from tests.histories import (
    CARDS,
    DEVICES,
    FIRM,
    LINES,
    OFFER,
    PHONES,
    PILLS,
    SALE,
    SPRING,
    History,
    Newcomer,
    rules,
)  # fmt: skip
from tests.reference import WINDOWS, Reference, Spend

HOUR, DAY, MONTH = 3600, 86_400, 30 * 86_400


@pytest.fixture
def prepare() -> Callable[[Service], object]:
    """The policy of :func:`rules`."""
    return lambda made: made.active.use(made.active.basis.under(rules()))


numbers = st.integers(0, 6)
recipients = st.one_of(st.integers(1, 16), st.just(10**6))
lags = st.sampled_from([0.0, 0.0, 0.0, 0.0, 1.0, 61.0, 1000.0, 4000.0, 100_000.0])
times = st.one_of(
    st.sampled_from([0.25, 59.0, 60.0, 899.5, 3599.75, 3600.0, 3660.0, 21_600.0, 86_399.75, 87_300.0]),
    st.sampled_from([3.0 * DAY, 7.0 * DAY, 15.0 * DAY, 30.0 * DAY, 30.0 * DAY + 21_600]),
    st.integers(1, 4 * HOUR).map(float),
)
newcomers = st.builds(
    Newcomer,
    device=st.sampled_from([None, None, *DEVICES]),
    phone=st.sampled_from([None, None, *PHONES]),
    proves=st.booleans(),
    mail=st.sampled_from(["own", "own", "spelt", "numbered", "firm"]),
    verified=st.sampled_from([None, None, True, False]),
    line=st.sampled_from([None, *LINES]),
    typed=st.sampled_from([True, True, False]),
    card=st.sampled_from([None, None, None, *CARDS]),
    plan=st.sampled_from([None, None, None, "pro"]),
).map(lambda found: replace(found, phone=None) if found.mail == "firm" else found)
bursts = st.builds(
    Newcomer,
    mail=st.sampled_from(["own", "numbered", "firm"]),
    line=st.sampled_from(LINES),
    typed=st.booleans(),
)
customers = st.builds(
    Newcomer,
    device=st.sampled_from([None, *DEVICES]),
    phone=st.sampled_from([None, *PHONES]),
    proves=st.booleans(),
    mail=st.sampled_from(["own", "spelt", "firm"]),
    verified=st.booleans(),
    card=st.sampled_from([None, *CARDS]),
).map(lambda found: replace(found, phone=None) if found.mail == "firm" else found)
said = st.sampled_from(
    [(), (), (SPRING,), (SPRING,), (FIRM,), (SPRING, PILLS), (PILLS, FIRM), (SALE,), (SALE, FIRM), (OFFER,)]
)
sends = st.tuples(
    st.just("send"), numbers, recipients, st.booleans(), said, st.sampled_from([None, None, "k1", "k2"]), lags
)
steps = st.one_of(
    st.tuples(st.just("signup"), newcomers),
    st.tuples(st.just("burst"), bursts, st.sampled_from([2, 3, 5]), st.sampled_from([0.5, 2.0, 7.0, 200.0])),
    st.tuples(st.just("customer"), customers, st.sampled_from([20, 100, 400])),
    sends,
    sends,
    st.tuples(st.just("send"), numbers, recipients, st.booleans(), said, st.none(), st.just(0.0)),
    st.tuples(st.just("send"), numbers, recipients, st.booleans(), said, st.none(), st.just(0.0)),
    st.tuples(st.just("again"), st.booleans()),
    st.tuples(st.just("wait"), times),
    st.tuples(st.just("release"), numbers, st.integers(1, 12), lags),
    st.tuples(st.just("repeat"), st.sampled_from(["k1", "k2"])),
    st.tuples(
        st.just("event"),
        numbers,
        st.sampled_from(["phone_verified", "email_verified", "payment_verified", "domain_authenticated"]),
    ),
    st.tuples(st.just("look"), numbers),
    st.tuples(st.just("label"), st.sampled_from(["abuse", "legitimate", "legitimate"])),
    st.tuples(st.just("cut"), numbers, st.one_of(st.none(), st.integers(0, 4))),
    st.tuples(st.just("undo"), numbers),
)
#: Every history begins with a few accounts, so that there is something to spend.
beginnings = st.lists(
    st.one_of(
        st.tuples(st.just("signup"), newcomers),
        st.tuples(st.just("customer"), customers, st.sampled_from([20, 100, 400])),
    ),
    min_size=2,
    max_size=4,
)
QUICK = profile(
    max_examples=150,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MANY = profile(QUICK, max_examples=200)


@MANY
@given(beginning=beginnings, history=st.lists(steps, min_size=25, max_size=40))
def test_every_answer_is_that_of_the_reference(
    service: Service, beginning: Sequence[tuple[Any, ...]], history: Sequence[tuple[Any, ...]]
) -> None:
    play(service, *beginning, *history)


def play(service: Service, *history: tuple[Any, ...]) -> History:
    played = History(service)
    for step in history:
        played.do(step)
    check(service)
    return played


def asks(number: int, recipients: int = 1, *said: str, lag: float = 0.0) -> tuple[Any, ...]:
    return ("send", number, recipients, True, said, None, lag)


ON_0, ON_1 = Newcomer(device="d:dev-0"), Newcomer(device="d:dev-1")
CARD, BOTH = Newcomer(card="t:card-0"), Newcomer(device="d:dev-0", card="t:card-0")
TYPES, SPELLS, CONFIRMS = Newcomer(phone=PHONES[0]), Newcomer(mail="spelt"), Newcomer(mail="spelt", verified=True)
HERS = Newcomer(phone=PHONES[0], proves=True, mail="spelt")
PROGRAM, PERSON = Newcomer(line=LINES[0], typed=False), Newcomer(line=LINES[0])
#: Histories in which the two once differed, or that are rare among random ones.
HISTORIES: dict[str, list[tuple[Any, ...]]] = {
    "a cut takes apart what was spent": [
        ("signup", ON_0), ("signup", ON_0), asks(0, 5), ("wait", 600.0), asks(1, 4), asks(0, 5, lag=500.0),
        ("release", 2, 5, 0.0), ("cut", 0, None), asks(1, 16),
    ],
    "claimants of one holder are one, whoever else holds one of its things": [
        ("customer", CARD, 20), ("customer", BOTH, 20), ("signup", ON_0), ("signup", CARD), asks(2, 6), asks(3, 6),
        asks(1, 10),
    ],
    "who claims nothing any more but what was cut is no claimant": [
        ("customer", BOTH, 20), ("signup", ON_0), ("signup", BOTH), ("cut", 0, 0), ("signup", CARD), asks(1, 10),
    ],
    "a claimant who proved it is none of the claimants": [
        ("customer", SPELLS, 20), ("signup", SPELLS), ("signup", SPELLS), ("event", 1, "email_verified"),
        ("signup", SPELLS), asks(1, 10), asks(2, 6), asks(3, 6),
    ],
    "who holds a thing by now is let go by those who claim it": [
        ("signup", ON_0), ("signup", ON_0), ("event", 0, "payment_verified"), ("wait", 15 * DAY), ("signup", ON_0),
        ("look", 0), asks(0, 10), asks(1, 6), asks(2, 6),
    ],
    "who held it together stays so, apart from who claims it": [
        ("signup", ON_0), ("signup", ON_0), ("event", 0, "payment_verified"), ("event", 1, "payment_verified"),
        ("wait", 15 * DAY), ("signup", ON_0), ("signup", ON_0), ("look", 0), asks(0, 10), asks(1, 10), asks(2, 10),
    ],
    "the same template says nothing of who sent it first": [
        ("signup", TYPES), ("signup", Newcomer(plan="pro")), ("signup", TYPES), asks(1, 1, SALE), asks(0, 1, SALE),
        asks(2, 1, SALE), asks(0, 7), asks(2, 7),
    ],
    "an abuser who pays holds no domain": [
        ("label", "abuse"), ("signup", Newcomer(plan="pro")), asks(0, 1, PILLS), ("signup", Newcomer()),
        asks(1, 1, PILLS), ("label", "legitimate"), asks(0, 9), asks(1, 9),
    ],
    "a domain of one's own is no claim on who holds it": [
        ("customer", Newcomer(), 20), asks(0, 1, SPRING, PILLS), ("signup", Newcomer()), asks(1, 1, SPRING),
        ("event", 1, "domain_authenticated"), ("signup", Newcomer()), asks(2, 1, PILLS), asks(1, 9), asks(2, 9),
    ],
    "a proof of what is cut counts once the cut is undone": [
        ("customer", SPELLS, 20), ("signup", SPELLS), ("signup", SPELLS), ("cut", 0, 1), ("customer", CONFIRMS, 100),
        ("undo", 0), asks(1, 6), asks(2, 6), asks(3, 10),
    ],
    "who was cut off a holder is none of its claimants once the cut is undone": [
        ("customer", Newcomer(device="d:dev-1", card="t:card-0"), 20), ("signup", CARD), ("signup", ON_1),
        ("cut", 1, None), ("signup", ON_1), ("cut", 1, 0), ("undo", 0),
    ],
    "a wave that was cut binds nobody who was in it": [
        ("burst", PROGRAM, 2, 0.5), ("cut", 0, 0), ("burst", PROGRAM, 3, 0.5), asks(0, 10), asks(1, 10), asks(2, 9),
        asks(3, 9), ("undo", 0), ("signup", PROGRAM),
    ],
    "who was cut out of a wave is bound by nobody who comes next": [
        ("burst", PROGRAM, 2, 0.5), ("cut", 0, None), ("burst", PROGRAM, 5, 0.5), asks(0, 10), asks(1, 9),
    ],
    "of two waves one is meant": [
        ("signup", PERSON), ("burst", PROGRAM, 2, 0.5), ("burst", PROGRAM, 4, 200.0), ("wait", 3 * DAY - 900),
        asks(0, 9), asks(1, 9), asks(6, 9),
    ],
    "a wave is over unless more come": [
        ("burst", PROGRAM, 2, 0.5), asks(0, 8), ("wait", 600.0), ("signup", PROGRAM), asks(1, 8),
        ("wait", 3 * DAY - 300), asks(2, 10), ("wait", 300.0), asks(0, 10), asks(1, 10), asks(2, 10),
    ],
    "three in five seconds are bound for a quarter of an hour": [
        ("burst", PERSON, 3, 2.0), asks(0, 9), asks(1, 9), ("wait", 897.75), asks(1, 9), ("wait", 0.25), asks(1, 9),
    ],
    "five in half a minute are bound for a quarter of an hour": [
        ("burst", PERSON, 5, 7.0), asks(0, 9), asks(1, 9), ("wait", 893.0), asks(1, 9),
    ],
    "ten in two minutes are bound for days": [
        ("burst", PERSON, 10, 12.0), asks(0, 9), asks(1, 9), ("wait", 2 * DAY), asks(1, 9), asks(2, 9), ("wait", DAY),
        asks(1, 9),
    ],
    "a place with a past is no evidence": [
        ("burst", PROGRAM, 3, 1000.0), ("wait", 8 * DAY), ("burst", PROGRAM, 3, 200.0), asks(3, 9), asks(4, 9),
    ],
    "proof ends a wave, and what the prover spent goes along": [
        ("burst", replace(PROGRAM, phone=PHONES[0]), 3, 20.0), asks(0, 6), asks(1, 6), ("event", 0, "phone_verified"),
        asks(0, 10), asks(1, 10), asks(2, 10), ("event", 1, "phone_verified"), asks(1, 10), asks(2, 10),
    ],
    "who proves what others claim is told at once what is left to its family": [
        ("label", "abuse"), ("customer", HERS, 20), ("signup", SPELLS), ("signup", replace(HERS, verified=True)),
        ("label", "legitimate"), asks(2, 10),
    ],
    "time does not run backwards when a cluster is taken apart": [
        ("burst", PROGRAM, 2, 0.5), ("signup", replace(PROGRAM, device="d:dev-0")), ("wait", 600.0),
        ("signup", PROGRAM), ("wait", 3 * DAY - 100), ("signup", ON_0), asks(0, 5, lag=61.0), asks(1, 10),
        ("send", 4, 4, False, (), None, 0.0),
    ],
    "a firm's domain binds while most there are abusive": [
        ("label", "abuse"), ("burst", Newcomer(mail="firm"), 4, 4000.0), asks(0, 1), ("label", "legitimate"),
        ("look", 0), asks(0, 9), asks(1, 9),
    ],
    "evidence decays": [
        ("signup", ON_0), ("signup", ON_0), asks(0, 9), ("wait", 15 * DAY), ("signup", ON_0), ("wait", 15 * DAY),
        asks(1, 9), asks(2, 9), ("wait", 15 * DAY), asks(0, 9), asks(1, 9), asks(2, 9), ("signup", ON_0),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history(service: Service, name: str) -> None:
    play(service, *HISTORIES[name])


# The windows alone: one account, no cluster


class Budget:
    """One account's budget asked directly, beside the reference."""

    def __init__(self, store: Store, caps: tuple[int, int, int]) -> None:
        store.execute("DEL", budget_key("u"))
        self.store, self.budgets, self.rules = store, Budgets(store), policy.load(policy.DEFAULT)
        self.allowed = Allowed(Caps(hourly=caps[0], daily=caps[1], monthly=caps[2]), None, None, None, 0)
        self.reference = Reference(caps={"u": caps})
        self.granted: list[tuple[str, Spend]] = []

    def send(self, recipients: int, at: float, *, partial: bool = True) -> StoredGrant:
        usage = self.budgets.read("u", at)
        request = GrantRequest("u", recipients, partial, f"rsv_{id(self)}_{len(self.granted)}", "")
        self.store.execute("DEL", f"risk:v:{{b}}:{request.reservation_id}")
        found = self.budgets.grant(request, GrantBasis("allow", 0, usage, self.allowed), self.rules, at)
        assert found is not None
        expected, spend = self.reference.send("u", recipients, at, partial=partial)
        self.granted.append((request.reservation_id, spend))
        assert (found.granted, found.denied_by, found.retry_after, found.remaining) == (
            expected.granted,
            expected.denied_by,
            expected.retry_after,
            expected.remaining,
        )
        for (seconds, _), cap in zip(WINDOWS.values(), self.reference.caps["u"], strict=True):
            assert not spend.granted or self.reference.granted_within(["u"], seconds, spend.at) <= cap
        return found

    def release(self, number: int, recipients: int, at: float) -> None:
        reservation, spend = self.granted[number]
        assert self.reference.release(spend, recipients, at) is None
        usage = self.budgets.release(reservation, "u", recipients, f"{number}-{at}-{spend.released}", self.rules, at)
        self.left(at, remaining(usage, self.allowed))

    def left(self, at: float, found: Counts | None = None) -> None:
        found = found or remaining(self.budgets.read("u", at), self.allowed)
        assert found == self.reference.remaining("u", at)


#: The edges of every grain and window, and a hair to both sides.
edges = st.builds(
    lambda grain, count, hair: grain * count + hair,
    st.sampled_from([60, 900, 3600, 21_600, 86_400, 2_592_000]),
    st.integers(0, 5),
    st.sampled_from([-1.0, -0.25, 0.0, 0.25, 1.0]),
)
caps = st.tuples(*[st.one_of(st.integers(0, 20), st.just(0), st.sampled_from([10**6, 10**12]))] * 3).map(
    lambda found: (min(found), sorted(found)[1], max(found))
)
spending = st.lists(
    st.one_of(
        st.tuples(st.just("send"), edges, st.one_of(st.integers(1, 12), st.just(10**6)), st.booleans()),
        st.tuples(st.just("send"), st.just(0.0), st.integers(1, 5), st.just(True)),
        st.tuples(st.just("release"), edges, st.integers(0, 30), st.floats(0, 1)),
        st.tuples(st.just("read"), edges),
    ),
    max_size=60,
)


@QUICK
@given(caps=caps, history=spending)
def test_windows_to_the_edge_of_every_grain(
    store: Store, caps: tuple[int, int, int], history: Sequence[tuple[Any, ...]]
) -> None:
    budget, at = Budget(store, caps), float(NOW)
    for name, seconds, *rest in history:
        at += max(seconds, 0.0)
        if name == "send":
            budget.send(rest[0], at, partial=rest[1])
        elif name == "read":
            budget.left(at)
        elif budget.granted:
            number = rest[0] % len(budget.granted)
            count = int(budget.granted[number][1].net * rest[1])
            if count:
                budget.release(number, count, at)


@pytest.mark.parametrize(
    ("after", "hourly", "daily", "monthly"),
    [
        (HOUR - 0.25, 4, 4, 4),
        (HOUR + 59.75, 4, 4, 4),
        (HOUR + 60, 10, 4, 4),
        (DAY + 899.75, 10, 4, 4),
        (DAY + 900, 10, 10, 4),
        (MONTH + 21_599.75, 10, 10, 4),
        (MONTH + 21_600, 10, 10, 10),
    ],
)
def test_a_spend_leaves_each_window_with_the_end_of_its_grain(
    store: Store, after: float, hourly: int, daily: int, monthly: int
) -> None:
    budget, start = Budget(store, (10, 10, 10)), float(NOW // 21_600 * 21_600)
    budget.send(6, start)
    assert remaining(budget.budgets.read("u", start + after), budget.allowed) == {
        "hourly": hourly,
        "daily": daily,
        "monthly": monthly,
    }


@pytest.mark.parametrize("later", [0, 2 * HOUR, 2 * DAY], ids=["at once", "kept by 15 minutes", "kept by 6 hours"])
def test_what_is_given_back_after_it_was_packed_is_that_very_spend(store: Store, later: float) -> None:
    budget, start = Budget(store, (100, 1000, 10_000)), float(NOW // 21_600 * 21_600)
    for minute in (0, 7, 14, 15, 100, 359, 360):  # in one quarter, in the next, in one bucket of six hours, in the next
        budget.send(10, start + 60 * minute)
    at = start + 360 * 60 + later
    for number in (1, 6, 3, 0, 5, 2, 4):
        budget.release(number, 4, at)
        budget.release(number, 6, at + 1)
        budget.left(start + MONTH + 22_000)
    budget.send(1, at + 1)


def test_huge_numbers_stay_exact(store: Store) -> None:
    budget = Budget(store, (10**12, 10**12, 10**12))
    for number in range(20):
        budget.send(10**6, NOW + number * 600)
    budget.release(3, 999_999, NOW + 20_000)
    assert budget.send(10**12, NOW + 20_001).granted == 10**12 - 20 * 10**6 + 999_999


def test_the_log_stays_small_however_much_is_sent(store: Store) -> None:
    budget = Budget(store, (10**9, 10**10, 10**11))
    for minute in range(0, 31 * 24 * 60, 61):
        request, at = GrantRequest("u", 5, True, f"rsv_small_{minute}", ""), NOW + 60.0 * minute
        budget.budgets.grant(request, GrantBasis("allow", 0, unused(at), budget.allowed), budget.rules, at)
    packed = store.execute("HGET", budget_key("u"), "spends")
    # A bucket a minute of the hour, a quarter of the day, six hours of the month; nine bytes or fewer each.
    assert len(packed) < 10 * (61 + 97 + 122)


def test_when_room_is_taken_by_what_waits_to_be_settled_nobody_knows_when_it_is_free(store: Store) -> None:
    budget = Budget(store, (10, 10, 10))
    usage = budget.budgets.read("u", NOW)
    request = GrantRequest("u", 10, True, "rsv_waiting", "")
    basis = GrantBasis("allow", 0, usage, budget.allowed, Unrecorded(4, 4))
    found = budget.budgets.grant(request, basis, budget.rules, NOW)
    assert found is not None
    assert (found.granted, found.denied_by, found.retry_after) == (6, "account_hourly", None)
