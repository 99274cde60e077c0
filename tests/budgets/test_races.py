"""Budgets while everything happens at once, on the real store: what was answered is counted, and never too much."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from riskapi import policy
from riskapi.app import Service
from riskapi.budgets.budgets import Budgets
from riskapi.budgets.keys import budget_key
from riskapi.clusters.joins import ban_key
from riskapi.clusters.splits import Splits
from riskapi.errors import Problem
from riskapi.links.bonds import edge_of
from riskapi.sending.grants import Message
from tests import consistency
from tests.conftest import NOW
from tests.grants import ask, opened, under, view
from tests.joining import STEPS, meanwhile
from tests.members import members
from tests.racing import beside, raised
from tests.signups import body, post, together

HOURLY, CLUSTER = 200, 300
LEFT, RIGHT, BRIDGE = "dev-left", "dev-right", "+34600123123"


@pytest.fixture
def prepare() -> Callable[[Service], object]:
    """Without rules: many accounts on one device stay in the tier of others, so that sums are easily told."""

    def without_rules(made: Service) -> None:
        basis = made.active.basis
        found = basis.policy.model_dump(mode="json")
        made.active.use(basis.under(policy.check({**found, "rules": []}, where="test")))

    return without_rules


def joined(service: Service, user: str, device: str | None = None, phone: str | None = None) -> str:
    """An account on a device, with a phone number, or both."""
    parts: dict[str, Any] = {"email": {"address": f"{user}@{user}.example"}}
    parts["device"] = {"id": device} if device else None
    parts["phone"] = {"number": phone} if phone else None
    post(service, body(user, **parts))
    return user


class Books:
    """What was acknowledged to each account, with what had been said before each request was sent."""

    def __init__(self, service: Service) -> None:
        self.service, self.granted, self._lock = service, Counter(), threading.Lock()  # type: ignore[var-annotated]
        self.rows: list[tuple[bool, str, int]] = []
        self.told = threading.Event()

    def send(self, user: str, recipients: int, now: float = NOW) -> None:
        """Send, and note whether the event was told before."""
        after = self.told.is_set()
        granted = ask(self.service, user, recipients, now)["granted"]
        with self._lock:
            self.granted[user] += granted
            self.rows.append((after, user, granted))

    def total(self, *, after: bool) -> int:
        return sum(granted for told, _, granted in self.rows if told == after)

    def settled(self) -> None:
        """Every account's log is what was acknowledged to it, and every cluster's that of its members."""
        consistency.check(self.service)
        for user, granted in self.granted.items():
            assert consistency.recorded(self.service.store, budget_key(user)) == granted


def test_sixty_four_threads_spend_one_account_to_its_cap(service: Service) -> None:
    opened(service, "u1")
    found = together(64, lambda _: ask(service, "u1", 7))
    assert not raised(found)
    assert sum(each["granted"] for each in found) == HOURLY
    assert view(service, "u1")["limits"]["remaining"]["hourly"] == 0
    assert len({each["reservation_id"] for each in found}) == 64
    assert all(each["denied"] == 7 - each["granted"] for each in found)


def test_sixty_four_threads_spend_one_cluster_to_its_cap(service: Service) -> None:
    users = [opened(service, f"u{number}", "ring") for number in range(8)]
    books = Books(service)
    assert not raised(together(64, lambda number: books.send(users[number % 8], 7)))
    assert sum(books.granted.values()) == CLUSTER
    books.settled()


@pytest.mark.parametrize("partial", [True, False])
def test_all_or_nothing_never_passes_the_cap(service: Service, partial: bool) -> None:
    opened(service, "u1")
    found = together(32, lambda _: ask(service, "u1", 9, partial=partial)["granted"])
    assert sum(found) == (HOURLY if partial else HOURLY // 9 * 9)


@pytest.mark.parametrize("turn", range(6))
def test_two_clusters_merge_while_they_spend(service: Service, turn: int) -> None:
    users = [
        joined(service, f"{side}{number}", device)
        for side, device in (("a", LEFT), ("b", RIGHT))
        for number in range(3)
    ]
    joined(service, "b9", RIGHT, BRIDGE)
    books, turns = Books(service), iter(range(10**6))

    def spend() -> None:
        books.send(users[next(turns) % len(users)], 1 + turn)

    with beside(spend, 8) as wrong:
        while sum(books.granted.values()) < 30 * (1 + turn):
            pass
        joined(service, "bridge", LEFT, BRIDGE)
        books.told.set()
    assert not raised(wrong)
    assert len({view(service, user)["linkage"]["cluster_id"] for user in [*users, "bridge"]}) == 1
    books.settled()
    before, total = books.total(after=False), sum(books.granted.values())
    # Each side kept to its cap until they were one; from then on nothing was granted that the one cap did not hold.
    assert all(sum(books.granted[user] for user in users if user[0] == side) <= CLUSTER for side in "ab")
    assert total <= max(CLUSTER, before)
    for user in users:
        books.send(user, 200)
    assert sum(books.granted.values()) == max(CLUSTER, total)
    books.settled()


@pytest.mark.parametrize("turn", range(4))
def test_a_cluster_is_cut_while_it_spends(service: Service, turn: int) -> None:
    left = [joined(service, f"a{number}", LEFT) for number in range(3)]
    right = [joined(service, f"b{number}", RIGHT) for number in range(3)]
    joined(service, "a9", LEFT, BRIDGE)
    joined(service, "b9", RIGHT, BRIDGE)
    seen = view(service, "a0")["linkage"]
    assert seen["size"] == 8
    edge = next(row["edge"] for row in seen["edges"] if row["kind"] == "phone")
    books, turns, users = Books(service), iter(range(10**6)), [*left, *right]
    with beside(lambda: books.send(users[next(turns) % len(users)], 2), 8) as wrong:
        while sum(books.granted.values()) < 60:
            pass
        after = service.parts.cuts.cut(seen["cluster_id"], None, edge, "a shared phone", "ana", NOW)["accounts"]
        service.parts.cuts.cut(after["b0"] or "", "b0", None, "a tester", "ana", NOW)
    assert not raised(wrong)
    books.settled()
    found = {user: view(service, user)["linkage"]["cluster_id"] for user in users}
    assert found["a0"] == found["a2"] != found["b1"] == found["b2"]
    assert found["b0"] is None
    for user in users:
        books.send(user, 200)
    assert sum(books.granted[user] for user in left) == sum(books.granted[user] for user in ("b1", "b2")) == CLUSTER
    assert books.granted["b0"] == HOURLY
    books.settled()


@pytest.mark.parametrize("turn", range(3))
def test_signups_cuts_and_sends_all_at_once(service: Service, turn: int) -> None:
    """Things come and go under the accounts that spend; a reviewer's word about a thing stands."""
    users = [joined(service, f"u{number}", f"dev-{number % 3}") for number in range(9)]
    books, clusters = Books(service), service.parts.clusters

    def spend(number: int) -> None:
        for each in range(6):
            books.send(users[(number + each) % 9], 3)

    def sign(number: int) -> None:
        user = joined(service, f"n{number}", f"dev-{number % 3}", BRIDGE if number % 2 else None)
        ask(service, user, 1, said=Message((), f"offer-{number % 4}"))
        books.granted[user] += 1

    def cut(number: int) -> None:
        user = users[number % 9]
        for _ in range(3):
            cluster = consistency.cluster_of(service, user)
            with contextlib.suppress(Problem):
                edges = clusters.view(cluster, NOW)["edges"]
                thing = number % 2 and edges[number % len(edges)]["edge"]
                service.parts.cuts.cut(cluster, None if thing else user, thing or None, "both", "ana", NOW)

    kinds = (spend, sign, cut)
    assert not raised(together(36, lambda number: kinds[number % 3](number)))
    granted = Counter({user: consistency.recorded(service.store, budget_key(user)) for user in books.granted})
    assert {user: granted[user] for user in users} == {user: books.granted[user] for user in users}
    consistency.check(service)


def test_sixteen_threads_with_one_key_get_one_grant(service: Service) -> None:
    opened(service, "u1")
    found = together(16, lambda _: ask(service, "u1", 30, repeat="k", digest="d"))
    assert not raised(found)
    assert all(each == found[0] for each in found)
    assert view(service, "u1")["limits"]["remaining"]["hourly"] == HOURLY - 30


def test_releases_at_once_give_back_no_more_than_was_granted(service: Service) -> None:
    for number in range(3):
        opened(service, f"u{number}", "ring")
    reservation = ask(service, "u0", 100)["reservation_id"]
    ask(service, "u1", 50)
    found = together(32, lambda number: service.parts.grants.release(reservation, 7, NOW, repeat=f"r{number % 16}"))
    assert not raised(found)
    # Sixteen releases, each asked for twice: fourteen of them find seven to give back.
    assert sum(isinstance(each, Problem) for each in found) == 4
    assert consistency.recorded(service.store, budget_key("u0")) == 2
    consistency.check(service)
    assert view(service, "u2")["limits"]["remaining"]["hourly"] == HOURLY
    with pytest.raises(Problem):
        service.parts.grants.release(reservation, 3, NOW)


def test_releases_while_clusters_merge_and_part(service: Service) -> None:
    users = [joined(service, f"a{number}", LEFT) for number in range(4)]
    joined(service, "b0", RIGHT, BRIDGE)
    held = {user: [ask(service, user, 5)["reservation_id"] for _ in range(8)] for user in users}

    def release(number: int) -> None:
        if number == 0:
            joined(service, "bridge", LEFT, BRIDGE)
        elif number == 1:
            service.parts.cuts.cut(consistency.cluster_of(service, "a3"), "a3", None, "a tester", "ana", NOW)
        else:
            for reservation in held[users[number % 4]]:
                with contextlib.suppress(Problem):
                    service.parts.grants.release(reservation, 1, NOW)

    assert not raised(together(14, release))
    # Three threads an account, each gives back one of every reservation.
    assert [consistency.recorded(service.store, budget_key(user)) for user in users] == [16] * 4
    consistency.check(service)


@pytest.mark.parametrize("turn", range(3))
def test_a_tier_that_is_lowered_while_spending_holds_from_then_on(service: Service, turn: int) -> None:
    opened(service, "u1")
    books = Books(service)
    with beside(lambda: books.send("u1", 1), 8) as wrong:
        while books.granted["u1"] < 10:
            pass
        service.parts.labels.add("u1", "abuse", "manual_review", None, "ana", NOW)
        books.told.set()
    assert not raised(wrong)
    assert books.total(after=True) == 0
    assert sum(after for after, _, _ in books.rows) >= 8
    books.settled()


def test_sixty_four_signups_on_one_device_are_one_cluster(service: Service) -> None:
    assert not raised(together(64, lambda number: joined(service, f"u{number}", "ring")))
    assert [len(members) for members in consistency.check(service).values()] == [64]


@pytest.mark.parametrize("turn", range(3))
def test_two_devices_bridged_while_both_sides_sign_up_are_one_cluster(service: Service, turn: int) -> None:
    joined(service, "a", LEFT)
    joined(service, "b", RIGHT, BRIDGE)

    def sign(number: int) -> None:
        phone = BRIDGE if number == 7 else None
        joined(service, f"u{number}", (LEFT, RIGHT)[number % 2 if number != 7 else 0], phone)

    assert not raised(together(24, sign))
    assert [len(members) for members in consistency.check(service).values()] == [26]


@pytest.mark.parametrize("turn", range(3))
def test_what_is_let_go_while_all_sign_up_leaves_nobody_half_bound(service: Service, turn: int) -> None:
    """Who comes after it is bound to those who came after it, too; let go once more, it binds nobody."""
    joined(service, "first", "kiosk")
    device = service.parts.assessor._accounts.standing("first").entities["device"]

    def work(number: int) -> None:
        if number % 5 == turn:
            let_go(service, device)
        else:
            ask(service, joined(service, f"u{number}", "kiosk"), 5)

    assert not raised(together(25, work))
    assert len(consistency.check(service)) < 2
    let_go(service, device)
    assert consistency.check(service) == {}
    assert all(
        consistency.recorded(service.store, budget_key(f"u{number}")) == 5 for number in range(5) if number != turn
    )
    joined(service, "last", "kiosk")
    assert [len(members) for members in consistency.check(service).values()] == [22]


@pytest.mark.parametrize("turn", range(3))
def test_a_crowd_on_one_device_in_one_moment_is_one_cluster_however_many(service: Service, turn: int) -> None:
    kinds = service.active.policy.links.kinds
    under(service, links={"kinds": {**kinds, "device": kinds["device"].model_copy(update={"hub_over": 10})}})
    assert not raised(together(20, lambda number: joined(service, f"u{number}", "kiosk")))
    joined(service, "last", "kiosk")
    assert [len(members) for members in consistency.check(service).values()] == [21]


@pytest.mark.parametrize("turn", range(3))
def test_what_was_found_to_be_a_hub_binds_none_of_those_who_sign_up_at_once(service: Service, turn: int) -> None:
    joined(service, "first", "kiosk")
    joined(service, "second", "kiosk")
    device = service.parts.assessor._accounts.standing("first").entities["device"]
    service.parts.assessor._links.find_hub(device, NOW - 3600, service.active.policy, hub=True)
    # As many a day as came until now, and a few: three. The rest are a burst, and bound to each other.
    assert not raised(together(12, lambda number: joined(service, f"u{number}", "kiosk")))
    sizes = [len(members) for members in consistency.check(service).values()]
    assert len(sizes) == 1 and 11 <= sizes[0] <= 14


def test_an_account_forgotten_long_ago_is_no_reason_not_to_merge(service: Service) -> None:
    """Budgets expire one by one; what is bound by something still in use lives on without them."""
    for user, device in (("a1", LEFT), ("a2", LEFT), ("a3", LEFT), ("b1", RIGHT), ("b2", RIGHT)):
        joined(service, user, device)
    ask(service, "a1", 50)
    service.store.execute("DEL", budget_key("a2"), budget_key("b2"))
    joined(service, "b3", RIGHT, BRIDGE)
    joined(service, "bridge", LEFT, BRIDGE)
    found = view(service, "bridge")
    assert (found["linkage"]["size"], found["limits"]["remaining"]["hourly"]) == (5, 200)
    assert ask(service, "b1", 200)["granted"] + ask(service, "b3", 200)["granted"] == CLUSTER - 50


def test_a_stranger_changes_nothing_by_asking(service: Service) -> None:
    opened(service, "u1")
    before = service.store.execute("DBSIZE")
    with pytest.raises(Problem, match="ever assessed"):
        ask(service, "nobody", 1, said=Message(("pills.example",), "offer"))
    assert service.store.execute("DBSIZE") == before
    ask(service, "u1", 1, said=Message(("pills.example",), "offer"))
    assert consistency.check(service) == {}


Meanwhile = Callable[[Service], object]


def cut(service: Service, user: str, kind: str | None = None) -> None:
    """A reviewer cuts an account, or the thing of a kind that it shares, out of its cluster."""
    edges = view(service, user)["linkage"]["edges"]
    edge = next((row["edge"] for row in edges if row["kind"] == kind), None)
    cluster = consistency.cluster_of(service, user)
    service.parts.cuts.cut(cluster, None if kind else user, edge, "a mistake", "ana", NOW)


MEANWHILE: dict[str, tuple[Meanwhile, list[set[str]], list[set[str]]]] = {
    "nothing": (lambda _: None, [{"a1", "a2", "a3", "ab", "b1", "b2"}], [{"a1", "a2", "a3"}]),
    "one joins those who stay": (
        lambda service: joined(service, "a4", LEFT),
        [{"a1", "a2", "a3", "a4", "ab", "b1", "b2"}],
        [{"a1", "a2", "a3", "a4"}],
    ),
    "one joins those who come along": (
        lambda service: joined(service, "b3", RIGHT),
        [{"a1", "a2", "a3", "ab", "b1", "b2", "b3"}],
        [{"a1", "a2", "a3"}, {"b1", "b3"}],
    ),
    "one of them spends": (
        lambda service: [ask(service, user, 30) for user in ("a1", "b1", "b2")],
        [{"a1", "a2", "a3", "ab", "b1", "b2"}],
        [{"a1", "a2", "a3"}],
    ),
    "one is cut out": (
        lambda service: cut(service, "a1"),
        [{"a2", "a3", "ab", "b1", "b2"}],
        [{"a2", "a3"}],
    ),
    "the device is cut": (lambda service: cut(service, "a1", "device"), [{"ab", "b1", "b2"}], []),
    "they merge with others": (
        lambda service: [joined(service, "c1", "dev-c", "+34711234234"), joined(service, "c2", LEFT, "+34711234234")],
        [{"a1", "a2", "a3", "ab", "b1", "b2", "c1", "c2"}],
        [{"a1", "a2", "a3", "c1", "c2"}],
    ),
}


def clusters(service: Service) -> list[set[str]]:
    return sorted(consistency.check(service).values(), key=sorted)


@pytest.mark.parametrize("what", MEANWHILE)
def test_what_happens_while_a_join_is_planned_counts(
    service: Service, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    for user, device, phone in (("a1", LEFT, None), ("a2", LEFT, None), ("a3", LEFT, None), ("b1", RIGHT, None)):
        joined(service, user, device, phone)
    joined(service, "b2", RIGHT, BRIDGE)
    ask(service, "a2", 20)
    deed, expected, _ = MEANWHILE[what]
    meanwhile(monkeypatch, "before the join", lambda: deed(service))
    joined(service, "ab", LEFT, BRIDGE)
    assert clusters(service) == expected


@pytest.mark.parametrize("what", MEANWHILE)
def test_what_happens_while_a_cluster_is_taken_apart_counts(
    service: Service, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    for user, device, phone in (("a1", LEFT, None), ("a2", LEFT, None), ("a3", LEFT, BRIDGE), ("b1", RIGHT, None)):
        joined(service, user, device, phone)
    joined(service, "b2", None, BRIDGE)
    ask(service, "a2", 20)
    deed, _, expected = MEANWHILE[what]
    loosen, first = Splits.loosen, iter([True])  # whether there is such an edge was found out before

    def late(found: Splits, *given: Any, **named: Any) -> None:
        if next(first, False):
            deed(service)
        loosen(found, *given, **named)

    cluster = consistency.cluster_of(service, "b2")
    edge = next(row["edge"] for row in view(service, "b2")["linkage"]["edges"] if row["kind"] == "phone")
    monkeypatch.setattr(Splits, "loosen", late)
    service.parts.cuts.cut(cluster, None, edge, "a shared phone", "ana", NOW)
    monkeypatch.undo()
    assert clusters(service) == expected


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("how", ["cut", "found to be a hub"])
def test_a_thing_that_binds_nobody_any_more_joins_nobody_who_was_about_to(
    service: Service, monkeypatch: pytest.MonkeyPatch, step: str, how: str
) -> None:
    """The others stay together by something else, so that their cluster alone does not tell."""
    for user in ("a1", "a2"):
        joined(service, user, LEFT, BRIDGE)
    edge = next(row["edge"] for row in view(service, "a1")["linkage"]["edges"] if row["kind"] == "device")

    def between() -> None:
        if how == "cut":
            cut(service, "a1", "device")
        else:
            let_go(service, f"risk:e:{edge}")

    meanwhile(monkeypatch, step, between)
    joined(service, "late", LEFT)
    found = clusters(service)
    if how == "cut" or step == "after the join":
        assert found == [{"a1", "a2"}]
    else:  # it was no hub when the last one came
        assert found == [{"a1", "a2", "late"}]
        assert "=" in members(service.store, f"risk:e:{edge}")


def test_a_word_about_a_thing_that_comes_while_it_is_about_to_bind_counts(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined(service, "a1", LEFT)
    edge = edge_of(service.parts.assessor._accounts.standing("a1").entities["device"])
    meanwhile(monkeypatch, "before the join", lambda: service.store.execute("SET", ban_key(edge), "{}"))
    joined(service, "late", LEFT)
    assert clusters(service) == []


def test_a_tier_that_others_saw_lowered_is_not_read_from_before(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(service, "u1")
    grant, first = Budgets.grant, iter([True])

    def late(budgets: Budgets, *given: Any, **more: Any) -> Any:
        if next(first, False):
            service.parts.labels.add("u1", "abuse", "manual_review", None, "ana", NOW)
            assert ask(service, "u1", 3)["tier"] == "limit"
        return grant(budgets, *given, **more)

    monkeypatch.setattr(Budgets, "grant", late)
    found = ask(service, "u1", 100)
    assert (found["tier"], found["granted"]) == ("limit", 2)


def test_whoever_is_bound_once_a_hub_was_let_go_is_let_go_by_the_next(service: Service) -> None:
    opened(service, "a1", LEFT)
    device = service.parts.assessor._accounts.standing("a1").entities["device"]
    let_go(service, device)
    joined(service, "a2", LEFT)
    assert clusters(service) == [{"a1", "a2"}]
    assert "=" in members(service.store, device)
    let_go(service, device)
    assert clusters(service) == []
    assert "=" not in members(service.store, device)


def let_go(service: Service, key: str) -> None:
    """Let a thing bind nobody, as a signup does that finds that it does no more."""
    pipe = service.store.pipeline()
    service.parts.assessor._clusters.splits.queue_let_go(pipe, key, service.active.policy, NOW)
    service.store.run(pipe)
