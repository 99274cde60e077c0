"""The agenda on the real store: brought forward, taken once, taken over, and never lost by what happens meanwhile."""

from __future__ import annotations

import pytest

from riskapi.accounts.agenda import Agenda, Item, agenda_key, next_due
from riskapi.policy import DEFAULT, load
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS, shard
from tests.agendas import due_at
from tests.conftest import NOW
from tests.signups import together

LEASE = 30.0


@pytest.fixture
def agenda(store: Store) -> Agenda:
    return Agenda(store)


def taken(agenda: Agenda, now: float = NOW) -> list[Item]:
    return [item for number in range(SHARDS) for item in agenda.take(number, now, LEASE, 100)]


def test_an_account_is_due_when_it_was_said_and_why(agenda: Agenda) -> None:
    agenda.add(["u_1"], NOW + 10, "event.login")
    assert taken(agenda, NOW + 9) == []
    assert taken(agenda, NOW + 10) == [Item("u_1", "event.login", NOW + 10 + LEASE, due=NOW + 10)]


def test_what_happens_brings_it_forward_and_never_back(agenda: Agenda, store: Store) -> None:
    agenda.add(["u_1"], NOW + 3600, "schedule")
    agenda.add(["u_1"], NOW + 1, "finding.mail_domain")
    agenda.add(["u_1"], NOW + 2, "linkage")
    assert due_at(store, "u_1") == NOW + 1
    assert [item.cause for item in taken(agenda, NOW + 5)] == ["finding.mail_domain"]


@pytest.mark.parametrize(("first", "then"), [(1, 0), (0, 1), (0, 0)], ids=["before it", "after it", "at once"])
@pytest.mark.parametrize("other", ["event.login", "linkage"])
def test_a_cut_is_told_whatever_else_an_account_is_looked_at_for(
    agenda: Agenda, store: Store, first: float, then: float, other: str
) -> None:
    """It is judged afresh after a cut; other causes are only told."""
    for causes in (["cut", other], [other, "cut"]):
        for cause, after in zip(causes, (first, then), strict=True):
            agenda.add(["u_1"], NOW + after, cause)
        (item,) = taken(agenda, NOW + 1)
        assert item.cause == "cut"
        assert agenda.done(item, NOW + 100)
        assert [again.cause for again in taken(agenda, NOW + 100)] == ["schedule"], "once"
        assert due_at(store, "u_1") is not None


@pytest.mark.parametrize(
    ("causes", "told"),
    [
        (["finding.retracted", "event.login"], "finding.retracted"),
        (["event.login", "finding.retracted"], "finding.retracted"),
        (["finding.mail_domain", "finding.retracted"], "finding.retracted"),
        (["finding.retracted", "cut"], "cut"),
        (["cut", "finding.retracted"], "cut"),
    ],
)
@pytest.mark.parametrize(("first", "then"), [(1, 0), (0, 1), (0, 0)], ids=["before it", "after it", "at once"])
def test_a_finding_that_was_taken_back_is_told_unless_a_cut_is(
    agenda: Agenda, causes: list[str], told: str, first: float, then: float
) -> None:
    for cause, after in zip(causes, (first, then), strict=True):
        agenda.add(["u_1"], NOW + after, cause)
    (item,) = taken(agenda, NOW + 1)
    assert item.cause == told


def test_a_cut_while_it_is_looked_at_is_told_after_it(agenda: Agenda) -> None:
    agenda.add(["u_1"], NOW, "schedule")
    (item,) = taken(agenda)
    for after, cause in ((LEASE + 2, "event.login"), (LEASE + 3, "cut"), (LEASE + 1, "linkage")):
        agenda.add(["u_1"], NOW + after, cause)
    assert agenda.done(item, NOW + 86400)
    assert [again.cause for again in taken(agenda, NOW + LEASE + 1)] == ["cut"]


def test_of_many_who_take_at_once_one_gets_each(agenda: Agenda) -> None:
    agenda.add([f"u_{number}" for number in range(40)], NOW, "event.login")
    found = [item.user_id for items in together(8, lambda _: taken(agenda, NOW + 1)) for item in items]
    assert sorted(found) == sorted(f"u_{number}" for number in range(40))


def test_whoever_was_killed_loses_it_to_the_next(agenda: Agenda, store: Store) -> None:
    agenda.add(["u_1"], NOW, "event.login")
    (dead,) = taken(agenda)
    assert taken(agenda, NOW + LEASE - 1) == []
    (heir,) = taken(agenda, NOW + LEASE)
    assert (heir.user_id, heir.cause) == ("u_1", "event.login")
    assert not agenda.done(dead, None)
    assert agenda.done(heir, None)
    assert due_at(store, "u_1") is None


def test_what_happens_while_it_is_looked_at_is_looked_at_after_it(agenda: Agenda, store: Store) -> None:
    agenda.add(["u_1"], NOW, "schedule")
    (item,) = taken(agenda)
    agenda.add(["u_1"], NOW + 1, "event.contacts_imported")
    assert not agenda.done(item, NOW + 86400)
    assert [again.cause for again in taken(agenda, NOW + 1)] == ["event.contacts_imported"]


def test_what_happens_after_its_lease_is_looked_at_all_the_same(agenda: Agenda, store: Store) -> None:
    """A look that takes longer than it may, and nobody else there to take over: what happened is not forgotten."""
    agenda.add(["u_1"], NOW, "schedule")
    (item,) = taken(agenda)
    agenda.add(["u_1"], NOW + LEASE + 1, "finding.mail_domain")
    assert agenda.done(item, None)
    assert due_at(store, "u_1") == NOW + LEASE + 1
    assert [again.cause for again in taken(agenda, NOW + LEASE + 1)] == ["finding.mail_domain"]


def test_what_happened_before_a_look_is_seen_by_it(agenda: Agenda, store: Store) -> None:
    agenda.add(["u_1"], NOW, "linkage")
    agenda.add(["u_1"], NOW + 1, "event.login")
    (item,) = taken(agenda, NOW + 2)
    assert agenda.done(item, None)
    assert due_at(store, "u_1") is None
    assert store.execute("KEYS", "*") == []


def test_many_are_due_one_after_another(agenda: Agenda) -> None:
    agenda.add([f"u_{number}" for number in range(300)], NOW, "list")
    agenda.add(["u_else"], NOW + 0.5, "event.login")
    found = [item.user_id for item in taken(agenda, NOW + 0.5)]
    assert "u_else" in found and len(found) < 60, "it need not wait for all of them"


def test_what_is_done_is_put_to_its_next_time(agenda: Agenda, store: Store) -> None:
    agenda.add(["u_1"], NOW, "event.login")
    assert agenda.done(taken(agenda)[0], NOW + 100)
    assert agenda.overdue(NOW + 99) == 0 and agenda.overdue(NOW + 100) == 1
    assert [item.cause for item in taken(agenda, NOW + 100)] == ["schedule"]
    assert store.execute("ZCARD", agenda_key(shard("u_1"))) == 1


LOOKS = {"at once": (0.0, 3600), "after the first": (3600.0, 24 * 3600), "on the third day": (3 * 86400.0, 7 * 86400)}


@pytest.mark.parametrize(("age", "expected"), LOOKS.values(), ids=LOOKS)
def test_the_schedule_of_the_first_days(age: float, expected: float) -> None:
    assert next_due(load(DEFAULT), NOW, NOW + age) == NOW + expected


def test_after_the_first_week_nobody_looks_by_the_schedule() -> None:
    assert next_due(load(DEFAULT), NOW, NOW + 7 * 86400) is None
