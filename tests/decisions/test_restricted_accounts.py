"""Linked restrictions beside an earlier release, which neither knows them nor tells of links that end; and what is put
right within a day, whatever got lost.
"""

from __future__ import annotations

import orjson
import pytest

from riskapi.accounts.accounts import history_key
from riskapi.accounts.agenda import Agenda
from riskapi.accounts.history import PUT_LATER, history_entry
from riskapi.accounts.pauses import Pause
from riskapi.accounts.restricted_accounts import FIRST, RestrictedAccounts, restricted_key
from riskapi.app import Service
from riskapi.decisions.trigger_marks import done_key
from riskapi.store.connections import Store
from riskapi.store.consumer import Consumer
from riskapi.store.streams import SHARDS, account_key, shard
from tests.conftest import Clock
from tests.grants import view
from tests.restrictions import (
    BOUND,
    DAY,
    FREE,
    HOUR,
    changes,
    cut,
    linked,
    met,
    review_of,
    ring,
    state,
    trigger,
    waiting,
)
from tests.reviewing import decide, undo
from tests.working import SETTLED


@pytest.fixture
def restricted(service: Service) -> RestrictedAccounts:
    return RestrictedAccounts(service.store, service.accounts)


def older_release_works(service: Service, now: float) -> None:
    """It is told what there is to be told, and takes everybody off the agenda who is due."""
    reader, agenda = Consumer(service.store, "reactions", "an older one", lambda entry: None), Agenda(service.store)
    while reader.step():
        pass
    for number in range(SHARDS):
        for item in agenda.take(number, now + SETTLED, 10.0, 50):
            agenda.done(item, None)


def older_release_frees(service: Service, now: float, user: str = "mate") -> None:
    """It decides an account again: by what it knows nothing speaks against it."""
    before = view(service, user, now)["tier"]
    entry = history_entry(now, before, "allow", "rule", None, {"policy": 1}, cause="linkage")
    service.store.execute("HSET", account_key(user), "tier", "allow")
    service.store.execute("HINCRBY", account_key(user), "revision", 1)
    service.store.execute("RPUSH", history_key(user), orjson.dumps(entry))


@pytest.mark.parametrize("action", ["tighten", "limit"])
def test_whom_an_older_release_freed_bears_it_again_soon(
    service: Service, restricted: RestrictedAccounts, clock: Clock, action: str
) -> None:
    work = linked(service, clock, trigger(action))
    met(service, "bad", clock())
    service.parts.consequences.others.of(["bad"], clock())
    assert state(service, clock()) == BOUND[action]
    older_release_works(service, clock())
    older_release_frees(service, clock())
    clock.advance(60)
    work.do()
    assert (restricted.look(clock()), state(service, clock())) == (0, FREE)
    clock.advance(FIRST)
    assert restricted.look(clock()) == 1
    work.do()
    assert state(service, clock()) == BOUND[action]
    tier = BOUND[action][0]
    assert [row[:2] for row in changes(service, clock())] == [("allow", tier), (tier, "allow"), ("allow", tier)]


@pytest.mark.parametrize("action", ["warn", "tighten", "limit", "pause"])
def test_a_link_whose_end_only_an_older_release_was_told_of_ends_within_a_day(
    service: Service, restricted: RestrictedAccounts, clock: Clock, action: str
) -> None:
    work = ring(service, clock, trigger(action))
    clock.advance(FIRST)
    restricted.look(clock())
    work.do()
    cut(service, "bad", clock())
    older_release_works(service, clock())
    work.do()
    assert (state(service, clock()), waiting(service)) == (BOUND[action], [f"SPAM_TRAP_{action.upper()}"])
    clock.advance(DAY)
    assert restricted.look(clock()) == 1
    work.do()
    assert (state(service, clock()), waiting(service)) == (FREE, [])


def test_whoever_bears_something_is_looked_at_once_a_day(
    service: Service, restricted: RestrictedAccounts, clock: Clock
) -> None:
    ring(service, clock, trigger("limit"))
    clock.advance(FIRST)
    assert [restricted.look(clock()) for _ in range(2)] == [1, 0]
    clock.advance(DAY)
    assert [restricted.look(clock()) for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("how", ["erased", "expired"])
def test_nobody_looks_for_who_is_gone(
    service: Service, restricted: RestrictedAccounts, store: Store, clock: Clock, how: str
) -> None:
    ring(service, clock, trigger("limit"))
    key = restricted_key(shard("mate"))
    assert store.execute("ZRANGE", key, 0, -1) == [b"mate"]
    if how == "erased":
        service.parts.erasures.erase("mate", 0, clock())
        assert store.execute("ZRANGE", key, 0, -1) == []
    else:
        store.execute("DEL", account_key("mate"))
    clock.advance(FIRST)
    assert restricted.look(clock()) == 0
    assert store.execute("ZRANGE", key, 0, -1) == []


@pytest.mark.parametrize("action", ["tighten", "limit", "pause"])
def test_what_the_release_before_did_stays_until_a_person_ends_it(
    service: Service, store: Store, clock: Clock, action: str
) -> None:
    """It wrote a mark as if the account's own mail had met it, its own tier and its history or its pause, and nothing
    else.
    """
    given, (tier, paused) = trigger(action), BOUND[action]
    work = linked(service, clock, given)
    consequences = service.parts.consequences
    if paused:
        row = orjson.loads(orjson.dumps(Pause("feedback", given.name, None, clock(), None)))
        del row["linked"]
        store.execute("HSET", account_key("mate"), "paused", orjson.dumps(row), "paused_until", "")
    else:
        entry = history_entry(clock(), PUT_LATER, tier, "feedback", given.name, {"policy": 1}, cause="feedback")
        consequences._tiers.change("mate", entry, clock(), service.active.policy)
    store.execute("SET", done_key("mate", given), f"done {action}ed 0123456789ab", "EX", int(DAY))
    met(service, "bad", clock())
    work.do()
    assert (state(service, clock()), waiting(service)) == (BOUND[action], []), "it is not done once more"
    cut(service, "mate", clock())
    work.do()
    assert state(service, clock()) == BOUND[action]
    assert view(service, "mate", clock())["linked_restrictions"] == []
    review = service.holds.review("mate", clock(), "ASKED", "They asked.", "asked", service.active.policy)
    decide(service, review, "allow", None, now=clock())
    work.do()
    assert state(service, clock()) == FREE


def test_an_allowed_account_is_not_paused_again_by_a_pause_of_its_own_that_waited(
    service: Service, clock: Clock
) -> None:
    """Its own was over before that of others, and came back when that ended; a release of before leaves it there."""
    own, later = trigger("pause", "complaint", least=1, hours=24), trigger("pause", "hard_bounce", hours=48)
    work = ring(service, clock, trigger("pause"), own, later)
    met(service, "mate", clock(), "complaint")
    review = review_of(service)
    decide(service, review, "allow", None, now=clock())
    clock.advance(60)
    work.do()
    service.rescorer.again("mate", "event.login", clock())
    assert state(service, clock()) == FREE
    assert [each["in_force"] for each in view(service, "mate", clock())["linked_restrictions"]] == [False]
    met(service, "bad", clock(), "hard_bounce")
    work.do()
    assert state(service, clock()) == BOUND["pause"]
    cut(service, "mate", clock())
    work.do()
    assert state(service, clock()) == FREE


@pytest.mark.parametrize("ends", [False, True])
def test_a_pause_comes_back_with_the_undoing_of_what_ended_it_for_as_long_as_the_link(
    service: Service, clock: Clock, ends: bool
) -> None:
    work = ring(service, clock, trigger("pause", hours=48))
    review = review_of(service)
    decide(service, review, "allow", None, now=clock())
    clock.advance(HOUR)
    work.do()
    undo(service, review, now=clock())
    work.do()
    assert state(service, clock()) == BOUND["pause"]
    if ends:
        cut(service, "mate", clock())
        work.do()
    else:
        clock.advance(48 * HOUR)
    assert state(service, clock()) == FREE
