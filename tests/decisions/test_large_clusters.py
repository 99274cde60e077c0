"""Feedback about clusters that are too large to be dealt with where it is read: it comes to the same as for small ones,
a little later, whoever is stopped or killed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from riskapi.app import Service
from riskapi.decisions import cluster_agenda, cluster_consequences
from riskapi.decisions.cluster_consequences import ClusterConsequences, Consequence
from riskapi.feedback.counts import counts_key
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from riskapi.worker.large_clusters import LargeClusters
from tests import streams
from tests.conftest import NOW, Clock
from tests.grants import ask
from tests.logged import captured
from tests.restrictions import (
    BOUND,
    DEVICE,
    RING,
    TIES,
    changes,
    cut,
    met,
    settled,
    sharing,
    state,
    tied,
    trigger,
    triggers,
    waiting,
)
from tests.signups import together
from tests.working import Work


class Killed(BaseException):
    """The worker is gone."""


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring of these tests is a large one."""
    monkeypatch.setattr(cluster_consequences, "MOST", 3)


def ringed(service: Service, clock: Clock, *given: Any) -> Work:
    """All of the ring share a device under these triggers, and the worker knows of it."""
    triggers(service, *given)
    sharing(service, *RING[2:], device=DEVICE)
    return settled(service, clock)


def asked(service: Service) -> dict[str, int]:
    return service.parts.consequences.others.agenda.asked()


def rested(service: Service) -> None:
    """Nobody looks at any cluster, or did just now."""
    for key in service.store.execute("KEYS", cluster_agenda.lease_key("*")):
        service.store.execute("DEL", key)


def told(service: Service) -> list[str]:
    """Accounts about which it was told that the trigger did something, as often as it was."""
    rows = streams.told(service.store, "feedback")
    return sorted(row["user_id"] for row in rows if row.get("rule") == "spam_trap_limit")


def limited(service: Service, clock: Clock) -> set[str]:
    return {user for user in RING if state(service, clock(), user) == BOUND["limit"]}


def before(monkeypatch: pytest.MonkeyPatch, work: Callable[[Consequence], object]) -> None:
    """Have some work done before anything is done about an account."""
    do = ClusterConsequences.do

    def done(self: ClusterConsequences, each: Consequence, now: float) -> Any:
        work(each)
        return do(self, each, now)

    monkeypatch.setattr(ClusterConsequences, "do", done)


@pytest.mark.parametrize("action", ["warn", "tighten", "limit", "pause"])
@pytest.mark.parametrize("ties", TIES)
def test_it_comes_to_the_same_as_for_a_small_cluster(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch, ties: str, action: str
) -> None:
    def found(most: int) -> list[Any]:
        service.store.execute("FLUSHALL")
        clock.now = NOW
        monkeypatch.setattr(cluster_consequences, "MOST", most)
        triggers(service, trigger(action))
        tied(service, ties)
        work = settled(service, clock)
        for user in RING[:3]:
            met(service, user, clock())
            met(service, user, clock(), id="e2")
        work.do()
        now = clock()
        return [(state(service, now, user), waiting(service, user), changes(service, now, user)) for user in RING]

    assert found(3) == found(len(RING))


def test_what_every_account_met_counts_though_none_met_much(service: Service, clock: Clock) -> None:
    work = ringed(service, clock, trigger("limit", least=len(RING)))
    for user in RING:
        assert limited(service, clock) == set()
        rested(service)
        met(service, user, clock(), id=user)
        work.do()
    assert limited(service, clock) == set(RING)


def test_whoever_sends_most_comes_first(service: Service, clock: Clock) -> None:
    ringed(service, clock, trigger("limit"))
    for user, count in (("u_4", 3), ("u_2", 7), ("mate", 1)):
        assert ask(service, user, count, clock())["granted"] == count
    met(service, "bad", clock())
    others = service.parts.consequences.others
    found = others.following(service.parts.clusters.of("bad"), ["bad"], clock())
    assert [each.user_id for each in found][:4] == ["u_2", "u_4", "mate", "bad"]


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("place", [0, 1, 5, 11])
def test_what_somebody_leaves_in_the_middle_is_done_by_the_next(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch, place: int, killed: bool
) -> None:
    work, seen = ringed(service, clock, trigger("limit")), list[str]()
    met(service, "bad", clock())
    work.read()

    def stopping() -> bool:
        seen.append("")
        if len(seen) <= place:
            return False
        if killed:
            raise Killed
        return True

    if killed:
        with pytest.raises(Killed):
            work.large_clusters.step(stopping)
        assert work.large_clusters.step() == 0, "another waits for a sign of life"
        rested(service)
    else:
        assert work.large_clusters.step(stopping) == 0
    assert len(told(service)) == max(place, 1), "bad's own, and those until then"
    assert asked(service) == {"bad": 1}
    work.do()
    assert told(service) == sorted(RING) and asked(service) == {}
    assert limited(service, clock) == set(RING)
    assert all(len(changes(service, clock(), user)) == 1 for user in RING)


def test_what_is_asked_while_a_cluster_is_looked_at_is_a_look_more(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, others = ringed(service, clock, trigger("limit")), service.parts.consequences.others
    met(service, "bad", clock())
    work.read()
    with monkeypatch.context() as patched:
        before(patched, lambda each: others.agenda.ask(["bad"] if each.user_id == "u_1" else []))
        assert work.large_clusters.step() == 1
    assert asked(service) == {"bad": 2}
    assert work.large_clusters.step() == 0, "it rests"
    rested(service)
    assert (work.large_clusters.step(), asked(service)) == (1, {})


def test_many_at_once_look_at_it_once(service: Service, clock: Clock) -> None:
    work = ringed(service, clock, trigger("limit"))
    met(service, "bad", clock())
    work.read()
    parts = service.parts
    found = together(8, lambda _: LargeClusters(parts.clusters, parts.consequences.others, clock).step())
    assert sorted(found) == [0] * 7 + [1]
    assert told(service) == sorted(RING)


def test_two_whose_leases_ran_out_do_it_once(service: Service, clock: Clock) -> None:
    ringed(service, clock, trigger("limit"))
    met(service, "bad", clock())
    others, cluster = service.parts.consequences.others, service.parts.clusters.of("bad")

    def look(_: int) -> None:
        for each in others.following(cluster, ["bad"], clock()):
            others.do(each, clock())

    assert together(4, look) == [None] * 4
    assert told(service) == sorted(RING)
    assert all(len(changes(service, clock(), user)) == 1 for user in RING)


def test_a_lease_lasts_while_a_look_does(service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskapi.worker.large_clusters._RENEW", 2)
    work, left = ringed(service, clock, trigger("limit")), list[int]()
    met(service, "bad", clock())
    work.read()
    key = cluster_agenda.lease_key(service.parts.clusters.of("bad"))

    def aged(_: Consequence) -> None:
        left.append(service.store.execute("TTL", key))
        service.store.execute("EXPIRE", key, 7)

    before(monkeypatch, aged)
    assert work.large_clusters.step() == 1
    assert [seconds > 7 for seconds in left] == [True, False] * 6
    assert 0 < service.store.execute("TTL", key) <= cluster_agenda.REST


def test_nothing_of_a_cluster_that_came_apart_meanwhile_waits_for_ever(service: Service, clock: Clock) -> None:
    work = ringed(service, clock, trigger("limit"))
    met(service, "bad", clock())
    work.read()
    cut(service, "bad", clock())
    work.do()
    assert asked(service) == {}
    assert limited(service, clock) == {"bad"}


def test_an_account_that_is_erased_is_asked_for_no_more(service: Service, clock: Clock) -> None:
    work = ringed(service, clock, trigger("limit"))
    met(service, "bad", clock())
    work.read()
    assert asked(service) == {"bad": 1}
    service.parts.erasures.erase("bad", 0, clock())
    assert asked(service) == {}


def test_one_account_that_cannot_be_read_does_not_hold_up_the_others(
    service: Service, store: Store, clock: Clock
) -> None:
    work = ringed(service, clock, trigger("limit"))
    met(service, "bad", clock())
    work.read()
    store.execute("SET", account_key("u_3"), "no hash")
    with captured() as lines:
        assert work.large_clusters.step() == 1
    assert told(service) == sorted({*RING} - {"u_3"})
    failed = [line for line in lines() if line["event"] == "linked_restriction_failed"]
    assert [line["trigger"] for line in failed] == ["spam_trap_limit"] and "u_3" not in str(failed)


def test_a_cluster_that_cannot_be_looked_at_waits_for_the_next_feedback(
    service: Service, store: Store, clock: Clock
) -> None:
    work = ringed(service, clock, trigger("limit"))
    met(service, "bad", clock())
    work.read()
    store.execute("SET", counts_key("u_3"), "no hash")
    with captured() as lines:
        assert work.large_clusters.step() == 1
    assert "cluster_look_failed" in [line["event"] for line in lines()]
    assert asked(service) == {}
    store.execute("DEL", counts_key("u_3"))
    rested(service)
    met(service, "mate", clock())
    work.do()
    assert limited(service, clock) == set(RING)
