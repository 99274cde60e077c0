"""What many accounts of one ring do, or meet, at once: it costs a worker as much as one, and comes to the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest

from riskapi.accounts.history import PUT_LATER, history_entry
from riskapi.accounts.tiers import Tiers
from riskapi.app import Service
from riskapi.clusters import aliases
from riskapi.contract import Tier
from riskapi.store import consumer
from riskapi.worker import reactions
from tests.agendas import due_at
from tests.bench.counters import counters
from tests.conftest import NOW, Clock
from tests.grants import under
from tests.restrictions import (
    CARD,
    DEVICE,
    RING,
    TIES,
    came_to,
    met,
    settled,
    sharing,
    state,
    tied,
    trapped,
    trigger,
    triggers,
    waiting,
)
from tests.signups import body, post
from tests.working import SETTLED, Work


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No reader looks for what others left unfinished, so that what is asked of the store can be counted; and a ring of
    these tests is a large one.
    """
    monkeypatch.setattr(consumer, "_LOOK", 3_600_000)
    monkeypatch.setattr(aliases, "_LARGE", len(RING))


def asked(service: Service, command: str, work: Callable[[], object]) -> int:
    """How often a command is asked of the store by some work."""
    before = counters(service.store)
    work()
    return int((counters(service.store) - before).calls[command])


def ringed(service: Service, clock: Clock, *, apart: bool = False) -> Work:
    """All of the ring sign up on one device, and a worker knows of none of it."""
    work = Work(service, clock, apart=apart)
    work.read()
    sharing(service, *RING[2:], device=DEVICE)
    clock.advance(60)
    return work


def soon(service: Service, clock: Clock) -> set[str]:
    """Those of the ring who are decided again in the next seconds."""
    return {user for user in RING if (due_at(service.store, user) or math.inf) < clock() + SETTLED}


@pytest.mark.parametrize(("apart", "put"), [(False, 12), (True, 11 * 12)], ids=["together", "one by one"])
def test_those_whose_cluster_many_join_at_once_are_put_on_the_agenda_once(
    service: Service, clock: Clock, apart: bool, put: int
) -> None:
    work = ringed(service, clock, apart=apart)
    assert asked(service, "zscore", work.read) == put  # each time, it is looked whether an account is due earlier
    assert soon(service, clock) == set(RING)


def test_of_a_large_cluster_all_who_joined_are_decided_again_and_about_as_many_others_as_are_looked_at(
    service: Service, clock: Clock
) -> None:
    under(service, rescoring={"linked": 3})
    ringed(service, clock).read()
    assert soon(service, clock) >= set(RING[1:])


def put(service: Service, user: str, tier: Tier, now: float) -> None:
    entry = history_entry(now, PUT_LATER, tier, "reviewer", None, {"policy": 1})
    Tiers(service.store).change(user, entry, now, service.active.policy)


#: How often it is asked when each of the ring is marked as limited: three times for each.
MARKS = 3 * len(RING)


@pytest.mark.parametrize(
    ("apart", "times"), [(False, MARKS + 12), (True, MARKS + 12 * 11)], ids=["together", "one by one"]
)
def test_those_linked_to_many_who_are_limited_at_once_are_put_on_the_agenda_once(
    service: Service, clock: Clock, apart: bool, times: int
) -> None:
    work = ringed(service, clock, apart=apart)
    work.do()
    clock.advance(60)
    for user in RING:
        put(service, user, "limit", clock())
    assert asked(service, "zscore", work.read) == times
    assert soon(service, clock) == set(RING)


def test_a_large_ring_in_which_something_happens_all_the_time_is_decided_again_now_and_then(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seconds later at first, then eleven seconds apart, and after all that happened. Accounts that fall due
    together do so a hundredth of a second after each other.
    """
    monkeypatch.setattr(reactions, "_APART", 1.0)
    work = ringed(service, clock)
    work.do()
    clock.advance(60)
    looked = list[int]()
    for second in range(40):
        if second < 20:
            put(service, "mate", "review" if second % 2 else "limit", clock())
        work.read()
        due = due_at(service.store, "u_3")
        assert due is not None and (second >= 20 or due < clock() + 13)
        if due <= clock():
            looked.append(second)
            work.do(ahead=0.0)
        clock.advance(1)
    assert looked == [3, 14, 25]


@pytest.mark.parametrize(("back", "after"), [(0, 10), (5, -1), (86_400, 2 - 86_400)])
def test_a_clock_that_is_set_back_makes_nobody_wait(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch, back: int, after: int
) -> None:
    monkeypatch.setattr(reactions, "_APART", 1.0)
    work = ringed(service, clock)
    work.do()
    clock.advance(60)
    put(service, "mate", "limit", clock())
    work.do()
    clock.advance(3)
    put(service, "mate", "review", clock())
    began = clock()
    clock.advance(-back)
    work.read()
    due = due_at(service.store, "u_3")
    assert due is not None and 0 <= due - began - after < 0.2


@pytest.mark.parametrize("most", [0, 1, 5, 500])
def test_whom_several_are_linked_to_are_those_whom_each_is(service: Service, clock: Clock, most: int) -> None:
    ties = {user: [DEVICE, {"id": "dev-1"}, {"id": user}][place % 3] for place, user in enumerate(RING)}
    for at, user in enumerate(RING):
        post(service, body(user, device=ties[user], payment=CARD if at in (0, 1, 2) else {}), NOW + at)
    things = {user: list(service.accounts.standing(user).entities.values()) for user in RING[:4]}
    company = service.parts.clusters.company
    found = company(things, most)
    each = [company({user: keys}, most) for user, keys in things.items()]
    assert {name for names in found.values() for name in names} == {
        name for one in each for names in one.values() for name in names
    }
    assert found.keys() == {service.parts.clusters.of(user) for user in things}
    assert all(len(names) <= most for one in each for names in one.values())


def test_nobody_is_decided_again_because_of_others_where_the_policy_says_so(service: Service, clock: Clock) -> None:
    under(service, rescoring={"linked": 0})
    ringed(service, clock).read()
    assert soon(service, clock) == set()


@pytest.mark.parametrize("most", [1, 3, 11, 12, 13])
def test_some_of_a_cluster_are_of_it_and_all_where_it_has_no_more(service: Service, clock: Clock, most: int) -> None:
    ringed(service, clock)
    clusters = service.parts.clusters
    found = clusters.some(clusters.of("bad"), most)
    assert set(found) <= set(RING) and len(found) >= min(most, len(RING))
    assert most < len(RING) or found == sorted(RING)


@pytest.mark.parametrize("action", ["warn", "tighten", "limit", "pause"])
@pytest.mark.parametrize("ties", TIES)
def test_what_the_mail_of_many_met_at_once_comes_to_the_same_as_one_by_one(
    service: Service, clock: Clock, ties: str, action: str
) -> None:
    together, apart = (came_to(service, clock, ties, action, apart=apart) for apart in (False, True))
    assert together == apart


@pytest.mark.parametrize(("apart", "read"), [(False, 2), (True, 6 * 2)], ids=["together", "one by one"])
def test_a_cluster_is_read_once_for_all_whose_mail_met_something(
    service: Service, clock: Clock, apart: bool, read: int
) -> None:
    triggers(service, trigger("warn"))
    work = ringed(service, clock, apart=apart)
    work.do()
    for user in RING[:6]:
        met(service, user, clock())
    assert asked(service, "smembers", work.read) == read  # whose mail met what, and what binds them
    assert all("SPAM_TRAP_WARN" in waiting(service, user) for user in RING)


@pytest.mark.parametrize("ties", ["one device", "a number that is claimed", "an address, as a wave"])
def test_a_ring_is_not_read_for_each_of_its_accounts_that_bears_what_others_met(
    service: Service, clock: Clock, ties: str
) -> None:
    triggers(service, trigger("limit"))
    tied(service, ties)
    trapped(service, clock, settled(service, clock))
    tiers = {user: state(service, clock(), user)[0] for user in RING}
    assert set(tiers.values()) >= {"limit"} and "allow" not in tiers.values()
    for user in RING[1:]:
        assert asked(service, "smembers", partial(service.rescorer.again, user, "linkage", clock())) == 0
    assert tiers == {user: state(service, clock(), user)[0] for user in RING}


@pytest.mark.parametrize(("large", "most", "read"), [(12, 24, 0), (13, 24, 2), (12, 23, 2)])
def test_aliases_are_kept_of_large_clusters_and_of_so_many_accounts_at_most(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch, large: int, most: int, read: int
) -> None:
    monkeypatch.setattr(aliases, "_LARGE", large)
    monkeypatch.setattr(aliases, "_MOST", most)
    ringed(service, clock)
    for number in range(12):
        post(service, body(f"else_{number}", device={"id": "dev-else"}), clock())
    clusters, found = service.parts.clusters, service.parts.clusters.aliases
    rings = [clusters.of("bad"), clusters.of("else_0")]
    named = [found.accounts(ring) for ring in rings]
    assert [sorted(each.values()) for each in named] == [sorted(RING), sorted(f"else_{number}" for number in range(12))]
    assert asked(service, "smembers", lambda: [found.accounts(ring) for ring in rings]) == read


def test_aliases_of_a_large_cluster_are_known_as_it_grows(service: Service, clock: Clock) -> None:
    ringed(service, clock)
    clusters = service.parts.clusters
    cluster = clusters.of("bad")
    known = clusters.aliases.accounts(cluster)
    assert known == {clusters.aliases.of(user): user for user in RING}
    post(service, body("new", device=DEVICE), clock())
    assert clusters.aliases.accounts(cluster)[clusters.aliases.of("new")] == "new"
