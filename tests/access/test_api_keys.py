"""API keys: made once, found quickly, revoked everywhere, and believed for a while when the store is away."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.access.api_keys import SCOPES, ApiKeys
from riskapi.errors import StoreUnavailable
from riskapi.store.connections import Store
from riskapi.store.scripts import Script
from tests.conftest import BOOTSTRAP_KEY, Clock


class Away:
    """A store that can be taken away, and that counts trips."""

    def __init__(self, store: Store) -> None:
        self.store, self.away, self.trips = store, False, 0

    def execute(self, *command: Any) -> Any:
        self.trips += 1
        if self.away:
            raise StoreUnavailable("away")
        return self.store.execute(*command)

    def script(self, name: str) -> Script:
        return self.store.script(name)


@pytest.fixture
def away(store: Store) -> Away:
    return Away(store)


@pytest.fixture
def keys(away: Away, clock: Clock) -> ApiKeys:
    return ApiKeys(away, BOOTSTRAP_KEY, monotonic=clock)  # type: ignore[arg-type]


def test_a_new_key_is_found_with_its_scopes_and_limit(keys: ApiKeys) -> None:
    found = keys.find(keys.create("signup-flow", ["signups", "sends"], 50.0))
    assert found is not None
    assert (found.name, found.scopes, found.rate_limit, found.limited) == (
        "signup-flow",
        frozenset({"signups", "sends"}),
        50.0,
        True,
    )


def test_a_key_has_256_random_bits_and_is_not_stored(keys: ApiKeys, store: Store) -> None:
    plain = keys.create("one", ["signups"])
    assert plain.startswith("rk_")
    assert len(plain) == 3 + 43
    assert plain != keys.create("two", ["signups"])
    assert plain.encode() not in b"".join(store.execute("HGETALL", "risk:keys").values())


def test_a_key_made_after_the_table_was_read_works_at_once(keys: ApiKeys, store: Store) -> None:
    keys.find("rk_nobody")
    assert keys.find(ApiKeys(store).create("late", ["signups"])) is not None


def test_a_known_key_costs_no_trip_while_the_table_is_fresh(keys: ApiKeys, away: Away) -> None:
    plain = keys.create("busy", ["signups"])
    keys.find(plain)
    before = away.trips
    for _ in range(5):
        assert keys.find(plain) is not None
    assert away.trips == before


def test_a_revoked_key_stops_in_other_processes_within_two_seconds(keys: ApiKeys, store: Store, clock: Clock) -> None:
    plain = keys.create("leaked", ["signups"])
    assert keys.find(plain) is not None
    elsewhere = ApiKeys(store)
    assert elsewhere.revoke(elsewhere.list()[0]["id"])
    clock.advance(2.0)
    assert keys.find(plain) is None


def test_revoking_what_is_not_there_says_so(keys: ApiKeys) -> None:
    assert keys.revoke("0123456789abcdef") is False


def test_keys_are_listed_oldest_first_without_their_secret(keys: ApiKeys) -> None:
    plain = [keys.create(name, ["reviews"]) for name in ("a", "b")]
    listed = keys.list()
    assert {key["name"] for key in listed} == {"a", "b"}
    assert set(listed[0]) == {"id", "name", "scopes", "rate_limit", "created_at"}
    assert not any(secret in str(listed) for secret in plain)


def test_an_outage_believes_the_last_table_for_a_day(keys: ApiKeys, away: Away, clock: Clock) -> None:
    plain = keys.create("flow", ["signups"])
    assert keys.find(plain) is not None
    away.away = True
    clock.advance(86_399)
    assert keys.find(plain) is not None
    clock.advance(2)
    with pytest.raises(StoreUnavailable):
        keys.find(plain)
    away.away = False
    assert keys.find(plain) is not None


def test_a_stranger_during_an_outage_is_not_told_that_the_key_is_wrong(keys: ApiKeys, away: Away) -> None:
    keys.find("rk_nobody")
    away.away = True
    with pytest.raises(StoreUnavailable):
        keys.find("rk_somebody")


def test_the_bootstrap_key_has_every_scope_needs_no_store_and_has_no_limit(keys: ApiKeys, away: Away) -> None:
    away.away = True
    found = keys.find(BOOTSTRAP_KEY)
    assert found is not None
    assert found.scopes == frozenset(SCOPES)
    assert not found.limited


@pytest.mark.parametrize("presented", ["", "rk_", "é", "\udcff", BOOTSTRAP_KEY[:-1], BOOTSTRAP_KEY + "x", "x" * 70_000])
def test_what_is_no_key_finds_nobody(keys: ApiKeys, presented: str) -> None:
    assert keys.find(presented) is None


@pytest.mark.parametrize(
    ("name", "scopes", "limit", "says"),
    [
        ("n", ["everything"], None, "everything"),
        ("n", [], None, "scope"),
        (" ", ["signups"], None, "name"),
        ("a\nb", ["signups"], None, "name"),
        ("\x1b[2J", ["signups"], None, "name"),
        ("n" * 101, ["signups"], None, "name"),
        ("n", ["signups"], 0.0, "positive"),
        ("n", ["signups"], float("nan"), "positive"),
        ("n", ["signups"], float("inf"), "positive"),
    ],
    ids=["unknown scope", "no scope", "no name", "two lines", "control characters", "long", "zero", "nan", "infinite"],
)
def test_a_key_that_makes_no_sense_is_refused(
    keys: ApiKeys, name: str, scopes: list[str], limit: float | None, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        keys.create(name, scopes, limit)
