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
    CARD,
    DAY,
    DEVICE,
    RING,
    TIES,
    came_to,
    changes,
    cut,
    linked,
    met,
    settled,
    state,
    trigger,
    triggers,
)
from tests.signups import body, post, together
from tests.working import Work


class Killed(BaseException):
    """The worker is gone."""


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring of these tests is a large one."""
    monkeypatch.setattr(cluster_consequences, "MOST", 3)


def ringed(service: Service, clock: Clock, *given: Any) -> Work:
    """All of the ring share a device under these triggers, and the worker knows of it."""
    return linked(service, clock, *given, others=RING[2:])


def awaited(service: Service, clock: Clock) -> Work:
    """The mail of `bad` met what limits the ring, and a look at that is asked for."""
    work = ringed(service, clock, trigger("limit"))
    met(service, "bad", clock())
    work.read()
    return work


def asked(service: Service) -> list[str]:
    """The account because of which a look is asked for."""
    return [ask.user_id for ask in service.parts.consequences.others.agenda.asked()]


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
        monkeypatch.setattr(cluster_consequences, "MOST", most)
        return came_to(service, clock, ties, action)

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
    service: Service, clock: Clock, place: int, killed: bool
) -> None:
    work, seen = awaited(service, clock), list[str]()

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
    assert asked(service) == ["bad"]
    work.do()
    assert told(service) == sorted(RING) and asked(service) == []
    assert limited(service, clock) == set(RING)
    assert all(len(changes(service, clock(), user)) == 1 for user in RING)


def test_what_is_asked_while_a_cluster_is_looked_at_is_a_look_more(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, others = awaited(service, clock), service.parts.consequences.others
    with monkeypatch.context() as patched:
        before(patched, lambda each: others.agenda.ask(["bad"], clock()) if each.user_id == "u_1" else None)
        assert work.large_clusters.step() == 1
    assert asked(service) == ["bad"]
    assert work.large_clusters.step() == 0, "it rests"
    rested(service)
    assert (work.large_clusters.step(), asked(service)) == (1, [])


def test_many_at_once_look_at_it_once(service: Service, clock: Clock) -> None:
    awaited(service, clock)
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
    work, left = awaited(service, clock), list[int]()
    key = cluster_agenda.lease_key(service.parts.clusters.of("bad"))

    def aged(_: Consequence) -> None:
        left.append(service.store.execute("TTL", key))
        service.store.execute("EXPIRE", key, 7)

    before(monkeypatch, aged)
    assert work.large_clusters.step() == 1
    assert [seconds > 7 for seconds in left] == [True, False] * 6
    assert 0 < service.store.execute("TTL", key) <= cluster_agenda.REST


def test_nothing_of_a_cluster_that_came_apart_meanwhile_waits_for_ever(service: Service, clock: Clock) -> None:
    work = awaited(service, clock)
    cut(service, "bad", clock())
    work.do()
    assert asked(service) == []
    assert limited(service, clock) == {"bad"}


def test_an_account_that_is_erased_is_asked_for_no_more(service: Service, clock: Clock) -> None:
    awaited(service, clock)
    assert asked(service) == ["bad"]
    service.parts.erasures.erase("bad", 0, clock())
    assert asked(service) == []


def test_one_account_that_cannot_be_read_does_not_hold_up_the_others(
    service: Service, store: Store, clock: Clock
) -> None:
    work = awaited(service, clock)
    store.execute("SET", account_key("u_3"), "no hash")
    with captured() as lines:
        assert work.large_clusters.step() == 1
    assert told(service) == sorted({*RING} - {"u_3"})
    failed = [line for line in lines() if line["event"] == "linked_restriction_failed"]
    assert [line["trigger"] for line in failed] == ["spam_trap_limit"] and "u_3" not in str(failed)


def test_a_cluster_that_cannot_be_looked_at_is_tried_again(service: Service, store: Store, clock: Clock) -> None:
    """Not all the time: after twice as long each time, up to an hour."""
    work = awaited(service, clock)
    lease = cluster_agenda.lease_key(service.parts.clusters.of("u_3"))
    store.execute("SET", counts_key("u_3"), "no hash")
    pauses = []
    with captured() as lines:
        for _ in range(9):
            assert [work.large_clusters.step() for _ in range(2)] == [0, 0]
            pauses.append(store.execute("TTL", lease))
            rested(service)
    assert [line["tries"] for line in lines() if line["event"] == "cluster_look_failed"] == list(range(1, 10))
    assert pauses == pytest.approx([30, 60, 120, 240, 480, 960, 1920, 3600, 3600], abs=5)
    assert work.large_clusters.waiting() == 1
    store.execute("DEL", counts_key("u_3"))
    work.do()
    assert limited(service, clock) == set(RING) and asked(service) == []


def test_rings_that_become_one_while_another_is_looked_at_are_looked_at_as_one(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes first: both wait, and somebody who joins both comes while the first is looked at."""
    work = ringed(service, clock, trigger("limit"))
    others = [f"b_{number}" for number in range(5)]
    for user in others:
        post(service, body(user, device={"id": "dev-2"}, payment=CARD), clock())
    work.do()
    for user in ("bad", "b_0"):
        met(service, user, clock())
    work.read()

    def joined(_: Consequence) -> None:
        post(service, body("both", device=DEVICE, payment=CARD), clock())

    with monkeypatch.context() as patched:
        before(patched, joined)
        work.large_clusters.step()
    assert len({service.parts.clusters.of(user) for user in ("bad", "b_1", "both")}) == 1
    rested(service)
    work.do()
    assert asked(service) == []
    assert {state(service, clock(), user) for user in (*RING, *others, "both")} == {BOUND["limit"]}


def test_what_is_asked_while_others_look_is_not_taken_for_what_was_asked_before(service: Service, clock: Clock) -> None:
    """A worker read what was asked for, and looks when another has done that and more is asked for meanwhile."""
    work, agenda = awaited(service, clock), service.parts.consequences.others.agenda
    cluster, read = service.parts.clusters.of("bad"), agenda.asked()
    work.do()
    met(service, "bad", clock(), id="e2")
    work.read()
    agenda.done(cluster, read)
    assert asked(service) == ["bad"]


def test_a_look_after_midnight_counts_the_day_on_which_it_was_asked_for(service: Service, clock: Clock) -> None:
    work = ringed(service, clock, trigger("limit", days=1))
    clock.now = (NOW // DAY + 1) * DAY - 3
    met(service, "bad", clock())
    work.read()
    clock.advance(5)
    met(service, "mate", clock(), of="hard_bounce")
    work.do()
    assert limited(service, clock) == set(RING)


def test_a_worker_whose_clock_stands_at_the_beginning_looks_by_the_time_of_the_feedback(
    service: Service, clock: Clock
) -> None:
    """Where callers set the clock, a worker that starts has seen nothing yet."""
    awaited(service, clock)
    parts = service.parts
    assert LargeClusters(parts.clusters, parts.consequences.others, lambda: 0.0).step() == 1
    assert limited(service, clock) == set(RING)


def test_what_a_trigger_does_ends_with_the_trigger(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, seen = awaited(service, clock), list[str]()

    def withdrawn(each: Consequence) -> None:
        seen.append(each.user_id)
        if len(seen) == 4:
            triggers(service, trigger("limit", mode="shadow"))

    before(monkeypatch, withdrawn)
    work.do()
    assert len(seen) == 12 and limited(service, clock) == {*seen[:3], "bad"}


def test_accounts_that_many_pairs_are_linked_to_are_looked_at_once(service: Service, clock: Clock) -> None:
    """A wave of pairs, each with a device of its own; the mail of one of each pair met something."""
    triggers(service, trigger("limit"))
    users = [f"p_{number}" for number in range(20)]
    for at, user in enumerate(users):
        parts = {"device": {"id": f"dev-{at // 2}", "ip_address": "203.0.113.77"}}
        post(service, body(user, **parts), NOW + at)
    settled(service, clock)
    cluster = service.parts.clusters.of("p_1")
    for user in users[::2]:
        met(service, user, clock())
    found = list(service.parts.consequences.others.following(cluster, users[::2], clock()))
    by_others = [(user, True) for user in users]
    by_the_one_beside = [(user, False) for user in users[1::2]]
    assert sorted((each.user_id, each.claimed) for each in found) == sorted(by_others + by_the_one_beside)
    asked_first, asked_later = ([each.claimed for each in found if each.user_id == user] for user in ("p_1", "p_3"))
    assert (asked_first, asked_later) == ([False, True], [True, False]), "as if it was done for one after the other"
