"""Random histories through the real parts, every answer compared with a plain-Python reference of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from riskapi import policy
from riskapi.app import Service, assemble
from riskapi.budgets import budget_key, members_key
from riskapi.caps import Allowed, unused
from riskapi.errors import Problem
from riskapi.policy import Policy
from riskapi.quotas import Grant, Pending, Quotas, Request, remaining
from riskapi.sections import Caps
from riskapi.sends import Message
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.conftest import NOW, Clock
from tests.consistency import check, cluster_of
from tests.reference import WINDOWS, Reference, Spend
from tests.signups import body, post

HOUR, DAY, MONTH = 3600, 86_400, 30 * 86_400
FACTOR = 1.5
CAPS = {"allow": (10, 25, 60), "review": (8, 20, 50), "limit": (0, 3, 5)}
#: Things that nobody holds: whoever uses one is bound to all who do, however many.
DEVICES, PHONES = ("d:0", "d:1", "d:2"), ("p:+34600123123", "p:+34711234234")
LINKED = ("l:spring.example", "l:pills.example")
NOTHING = Message()
#: Longer than the caps somebody asked with are remembered, by a clock that lags as far as any here.
DAYS_APART = 3.0 * DAY
KINDS = {"d": "device", "p": "phone", "l": "link_domain"}


def rules() -> Policy:
    """Small caps, nothing that fades, nobody who gets established, and no tier but by a person's word."""
    found = policy.load(policy.DEFAULT).model_dump(mode="json")
    for tier, caps in CAPS.items():
        found["tiers"][tier] = dict(zip(WINDOWS, caps, strict=True))
    found["outage"] |= {"hourly": 1, "daily": 1, "monthly": 1}
    found["links"] |= {"half_life_days": 3650, "ring_share": 1.0}
    found["clean"]["least_recipients"] = 10**6
    found["retention"]["entities_days"] = 3650
    found["takeover"]["mode"] = found["model"]["mode"] = "off"
    found["clusters"]["factor"] = FACTOR
    return policy.check({**found, "rules": []}, where="test")


@pytest.fixture
def service(store: Store, settings: Settings, ip_data: Any, clock: Clock) -> Service:
    made = assemble(replace(settings, model_mode="off"), store, clock)
    made.court.seat(made.court.judge.under(rules()))
    return made


class History:
    """Does the same to the service and to the reference, and compares what both say after every step."""

    def __init__(self, service: Service) -> None:
        service.store.execute("FLUSHALL")
        self.service, self.reference = service, Reference(FACTOR)
        self.now, self.keys = NOW, {}  # type: float, dict[str, str]
        self.reservations: list[tuple[str, Spend]] = []
        self.repeats: dict[str, tuple[str, int, bool, dict[str, Any]]] = {}
        self.refused: tuple[str, int, float] | None = None
        self.word = "legitimate"

    def pick(self, number: int) -> str | None:
        users = list(self.reference.caps)
        return users[number % len(users)] if users else None

    def do(self, step: tuple[Any, ...]) -> None:
        refused, self.refused = self.refused, None
        name, *rest = step
        getattr(self, name)(*rest, **({"refused": refused} if name == "again" else {}))
        self.compare_clusters()

    def compare_clusters(self) -> None:
        found: dict[str, set[str]] = {}
        for user in self.reference.caps:
            if cluster := cluster_of(self.service, user):
                found.setdefault(cluster, set()).add(user)
        assert {frozenset(users) for users in found.values()} == self.reference.clusters()
        for cluster, users in found.items():
            members = self.service.store.execute("SMEMBERS", members_key(cluster))
            assert {name.decode() for name in members} == users

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def signup(self, device: str | None, phone: str | None) -> None:
        user = f"u{len(self.reference.caps)}"
        parts: dict[str, Any] = {"email": {"address": f"{user}@{user}-mail.example"}}
        parts["device"] = {"id": device} if device else None
        parts["phone"] = {"number": phone[2:]} if phone else None
        answer = post(self.service, body(user, **parts), self.now)
        assert answer["decision"] == "allow"
        self.reference.caps[user] = CAPS["allow"]
        for thing in (device, phone):
            if thing:
                self.reference.touch(user, [thing], self.now)
        group = self.reference.group(user)
        assert answer["linkage"]["size"] == len(group)
        assert answer["limits"]["scope"] == ("cluster" if len(group) > 1 else "account")
        assert answer["limits"]["remaining"] == self.reference.remaining(user, self.now)
        if self.word != "legitimate":
            self.labelled(user)

    def send(
        self, number: int, recipients: int, partial: bool, linked: str | None, key: str | None, lag: float
    ) -> None:
        user = self.pick(number)
        if user is None or key in self.repeats:
            return
        if linked and not lag:
            self.reference.touch(user, [linked], self.now, again=True)
        said = Message((linked[2:],)) if linked and not lag else NOTHING
        self.asked(user, recipients, self.now - lag, partial, said, key)

    def asked(
        self, user: str, recipients: int, at: float, partial: bool, said: Message = NOTHING, key: str | None = None
    ) -> int:
        answer = dict(
            self.service.sender.send(
                user, recipients, said, at, partial=partial, repeat=key, digest=f"{recipients}"
            ).body
        )
        expected, spend = self.reference.send(user, recipients, at, partial=partial)
        told = {name: answer[name] for name in ("granted", "denied", "denied_by", "retry_after", "remaining")}
        assert told == {name: getattr(expected, name) for name in told}
        self.reservations.append((answer["reservation_id"], spend))
        if key:
            self.repeats[key] = (user, recipients, partial, answer)
        self.refused = None
        if expected.retry_after is not None:
            most = min(limit.cap for limit in self.reference.limits(user)) if partial else expected.denied
            self.refused = user, min(expected.denied, most), at + expected.retry_after
        self.within_caps(user, spend)
        return expected.granted

    def within_caps(self, user: str, spend: Spend) -> None:
        """Over any window, summed up plainly, no grant passes a cap."""
        group, caps = self.reference.group(user), self.reference.caps[user]
        for (seconds, _), cap in zip(WINDOWS.values(), caps, strict=True):
            if spend.granted:
                assert self.reference.granted_within([user], seconds, spend.at) <= cap
                assert len(group) == 1 or self.reference.granted_within(group, seconds, spend.at) <= int(cap * FACTOR)

    def again(self, early: bool, *, refused: tuple[str, int, float] | None) -> None:
        """Ask again when it was said that it will be granted; a second before, it is not."""
        if refused is None:
            return
        user, need, at = refused
        if early and at - 1 > self.reference.clock(user):
            self.asked(user, need, at - 1, False)
        assert self.asked(user, need, at, False) == need
        self.now = max(self.now, at)

    def repeat(self, key: str) -> None:
        if key not in self.repeats:
            return
        user, recipients, partial, first = self.repeats[key]
        found = self.service.sender.send(
            user, recipients, NOTHING, self.now, partial=partial, repeat=key, digest=f"{recipients}"
        )
        assert (dict(found.body), found.replay) == (first, True)

    def release(self, number: int, recipients: int, lag: float) -> None:
        if not self.reservations:
            return
        reservation, spend = self.reservations[number % len(self.reservations)]
        left = self.reference.release(spend, recipients, self.now - lag)
        if left is not None:
            with pytest.raises(Problem) as problem:
                self.service.sender.release(reservation, recipients, self.now - lag)
            assert problem.value.errors[0]["detail"] == f"{left} can still be released"
            return
        answer = self.service.sender.release(reservation, recipients, self.now - lag)
        assert answer["remaining"] == self.reference.remaining(spend.user, self.now - lag)

    def label(self, label: str) -> None:
        """A person labels everybody, and days go by: in a cluster of several tiers, caps are another test's matter."""
        self.now += DAYS_APART
        self.word = label
        for user in self.reference.caps:
            self.labelled(user)

    def labelled(self, user: str) -> None:
        found = self.service.parts.labels.add(user, self.word, "manual_review", None, "ana", self.now)  # type: ignore[arg-type]
        self.reference.caps[user] = CAPS[found["tier"]]

    def cut(self, number: int, thing: bool) -> None:
        """A reviewer cuts an account, or something it shares, out of its cluster."""
        user = self.pick(number)
        cluster = cluster_of(self.service, user) if user else ""
        if not user or not cluster:
            return
        mine = sorted(name for holder, name in self.reference.edges if holder == user)
        if not all(self.reference.holders(name) > 1 for name in mine):
            return  # what nobody shares any more may be forgotten or not: both are right
        if thing:
            edge = self.edge(mine[0])
            self.reference.cut_thing(mine[0], self.now)
            after = self.service.parts.cuts.cut(cluster, None, edge, "shared", "ana", self.now)["accounts"]
        else:
            self.reference.cut_account(user, self.now)
            after = self.service.parts.cuts.cut(cluster, user, None, "a tester", "ana", self.now)["accounts"]
        assert {name for name, found in after.items() if found is None} == {
            name for name in after if len(self.reference.group(name)) == 1
        }

    def edge(self, thing: str) -> str:
        kind, _, value = thing.partition(":")
        given = thing if kind == "d" else value
        links = self.service.assessor.gatherer._links
        key: str = links.entity_key(KINDS[kind], given)
        return key.removeprefix("risk:e:")


numbers = st.integers(0, 9)
recipients = st.one_of(st.integers(1, 16), st.just(10**6))
lags = st.sampled_from([0.0, 0.0, 0.0, 0.0, 1.0, 61.0, 1000.0, 4000.0, 100_000.0])
times = st.one_of(
    st.sampled_from([0.25, 59.0, 60.0, 900.0, 3599.75, 3600.0, 3660.0, 21_600.0, 86_400.0, 87_300.0]),
    st.sampled_from([7.0 * DAY, 15.0 * DAY, 30.0 * DAY, 30.0 * DAY + 21_600]),
    st.integers(1, 4 * HOUR).map(float),
)
steps = st.one_of(
    st.tuples(st.just("signup"), st.sampled_from([None, *DEVICES]), st.sampled_from([None, None, None, *PHONES])),
    st.tuples(
        st.just("send"),
        numbers,
        recipients,
        st.booleans(),
        st.sampled_from([None, None, None, None, *LINKED]),
        st.sampled_from([None, None, "k1", "k2"]),
        lags,
    ),
    st.tuples(st.just("send"), numbers, recipients, st.booleans(), st.none(), st.none(), st.just(0.0)),
    st.tuples(st.just("again"), st.booleans()),
    st.tuples(st.just("wait"), times),
    st.tuples(st.just("release"), numbers, st.integers(1, 12), lags),
    st.tuples(st.just("repeat"), st.sampled_from(["k1", "k2"])),
    st.tuples(st.just("label"), st.sampled_from(["abuse", "legitimate", "legitimate"])),
    st.tuples(st.just("cut"), numbers, st.booleans()),
)
#: Every history begins with a few accounts, so that there is something to spend.
beginnings = st.lists(
    st.tuples(st.just("signup"), st.sampled_from([None, *DEVICES]), st.sampled_from([None, *PHONES])),
    min_size=2,
    max_size=4,
)
QUICK = profile(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@QUICK
@given(beginning=beginnings, history=st.lists(steps, min_size=5, max_size=40))
@example(
    beginning=[("signup", "d:0", None), ("signup", "d:0", None)],
    history=[
        ("send", 0, 5, True, None, None, 0.0),
        ("wait", 600.0),
        ("send", 1, 4, True, None, None, 0.0),
        ("send", 0, 5, True, None, None, 500.0),
        ("release", 2, 5, 0.0),
        ("cut", 0, False),
        ("send", 1, 16, True, None, None, 0.0),
    ],
)
def test_every_answer_is_that_of_the_reference(
    service: Service, beginning: Sequence[tuple[Any, ...]], history: Sequence[tuple[Any, ...]]
) -> None:
    played = History(service)
    for step in (*beginning, *history):
        played.do(step)
    check(service)


# The windows alone: one account, no cluster


class Budget:
    """One account's budget asked directly, beside the reference."""

    def __init__(self, store: Store, caps: tuple[int, int, int]) -> None:
        store.execute("DEL", budget_key("u"))
        self.store, self.quotas, self.rules = store, Quotas(store), policy.load(policy.DEFAULT)
        self.allowed = Allowed(Caps(hourly=caps[0], daily=caps[1], monthly=caps[2]), None, None, None, 0)
        self.reference = Reference(caps={"u": caps})
        self.granted: list[tuple[str, Spend]] = []

    def send(self, recipients: int, at: float, *, partial: bool = True) -> Grant:
        usage = self.quotas.read("u", at)
        request = Request("u", recipients, partial, f"rsv_{id(self)}_{len(self.granted)}", "")
        self.store.execute("DEL", f"risk:v:{{b}}:{request.reservation_id}")
        found = self.quotas.grant(request, "allow", 0, usage, self.allowed, Pending(), self.rules, at)
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
        usage = self.quotas.release(reservation, "u", recipients, f"{number}-{at}-{spend.released}", self.rules, at)
        self.left(at, remaining(usage, self.allowed))

    def left(self, at: float, found: dict[str, int] | None = None) -> None:
        found = found or remaining(self.quotas.read("u", at), self.allowed)
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
    assert remaining(budget.quotas.read("u", start + after), budget.allowed) == {
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
        request, at = Request("u", 5, True, f"rsv_small_{minute}", ""), NOW + 60.0 * minute
        budget.quotas.grant(request, "allow", 0, unused(at), budget.allowed, Pending(), budget.rules, at)
    packed = store.execute("HGET", budget_key("u"), "spends")
    # A bucket a minute of the hour, a quarter of the day, six hours of the month; nine bytes or fewer each.
    assert len(packed) < 10 * (61 + 97 + 122)


def test_when_room_is_taken_by_what_waits_to_be_settled_nobody_knows_when_it_is_free(store: Store) -> None:
    budget = Budget(store, (10, 10, 10))
    usage = budget.quotas.read("u", NOW)
    request = Request("u", 10, True, "rsv_waiting", "")
    found = budget.quotas.grant(request, "allow", 0, usage, budget.allowed, Pending(4, 4), budget.rules, NOW)
    assert found is not None
    assert (found.granted, found.denied_by, found.retry_after) == (6, "account_hourly", None)
