"""Chores on the real store: done by whoever finds them due, again when due again, and none stops the others."""

from __future__ import annotations

import pytest

from riskapi.errors import StoreUnavailable
from riskapi.store.connections import Store
from riskapi.worker.chores import Chore, Chores
from tests.conftest import NOW
from tests.signups import together


def test_of_many_who_find_a_chore_due_one_does_it(store: Store) -> None:
    done: list[float] = []

    def work(now: float) -> int:
        done.append(now)
        return 1

    chores = Chores(store, {"sweep": Chore(60, work)})
    assert sorted(together(8, lambda _: chores.step(NOW))) == [0] * 7 + [1]
    assert done == [NOW]
    store.execute("DEL", "risk:chore:sweep")  # it is due again
    assert chores.step(NOW + 60) == 1


def test_a_chore_is_due_again_after_its_time(store: Store) -> None:
    Chores(store, {"sweep": Chore(60, lambda _: 0)}).step(NOW)
    assert 0 < store.execute("TTL", "risk:chore:sweep") <= 60


def test_a_defect_of_one_does_not_keep_the_others_from_being_done(store: Store) -> None:
    done = []

    def broken(_: float) -> int:
        raise KeyError

    def work(_: float) -> int:
        done.append(1)
        return 3

    chores = Chores(store, {"broken": Chore(60, broken), "sweep": Chore(60, work)})
    assert chores.step(NOW) == 2
    assert done == [1]


def test_a_store_that_goes_away_is_tried_again_by_whoever_steps(store: Store) -> None:
    def away(_: float) -> int:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        Chores(store, {"sweep": Chore(60, away)}).step(NOW)


def test_all_of_them_can_be_asked_for(store: Store) -> None:
    chores = Chores(store, {"one": Chore(60, lambda _: 1), "two": Chore(60, lambda _: 0)})
    chores.step(NOW)
    assert chores.all(NOW) == {"one": 1, "two": 0}
