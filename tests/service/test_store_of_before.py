"""Stores that the releases of 26 (7c94204) and 27 November 2026 (683292a) wrote: they open, say what they said, and go
on.

``store_of_2026_11_26.json.zst`` and ``…_27`` each have the keys of a store with 23 accounts as DUMP gives them, what
callers were answered, what the accounts looked like, and the decisions that were exported; the second its open reviews,
too. All of them are invented. Accounts of the first are JSON, of the second packed, in several fields each.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
import zstandard

from riskapi.accounts.migration import DONE, migrate
from riskapi.app import Service, Sources, assemble
from riskapi.inputs.signup import PhonePart, Signup
from riskapi.links.keys import entities_of, packed_entities
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.conftest import Clock
from tests.holders import happens
from tests.members import members


def _kept(name: str) -> dict[str, Any]:
    text = Path(__file__).with_name(f"store_of_{name}.json.zst").read_bytes()
    return cast("dict[str, Any]", orjson.loads(zstandard.ZstdDecompressor().decompress(text)))


KEPT, PACKED = _kept("2026_11_26"), _kept("2026_11_27")
#: Of an account's page, what depends on the policy, the data and the code of today.
OF_TODAY = {"limits", "linkage", "latest", "assessment"}


def opened(
    kept: dict[str, Any],
    store: Store,
    settings: Settings,
    sources: Callable[[Settings], Sources],
    clock: Clock,
    directory: Path,
) -> Service:
    """The service of today on a store of before."""
    (directory / "link.key").write_bytes(base64.b64decode(kept["link_key"]))
    for key, ttl, dumped in kept["rows"]:
        store.execute("RESTORE", key, max(ttl, 0), base64.b64decode(dumped))
    clock.now = kept["now"]
    made = assemble(replace(settings, data_dir=directory), store, clock, sources(settings))
    made.recover(clock())
    return made


@pytest.fixture
def packed(
    store: Store, settings: Settings, sources: Callable[[Settings], Sources], clock: Clock, tmp_path: Path
) -> Service:
    """The service of today on the store of 27 November."""
    return opened(PACKED, store, settings, sources, clock, tmp_path)


@pytest.fixture(params=["as it was", "migrated"])
def service(
    store: Store,
    settings: Settings,
    sources: Callable[[Settings], Sources],
    clock: Clock,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Service:
    made = opened(KEPT, store, settings, sources, clock, tmp_path)
    if request.param == "migrated":
        assert migrate(store) == len(KEPT["views"])
        assert migrate(store) == 0
    return made


def view(service: Service, user: str, kept: dict[str, Any] = KEPT) -> Any:
    found = service.parts.profiles.view(user, kept["now"])
    return found


def unlike(found: dict[str, Any], before: dict[str, Any]) -> set[str]:
    """What of an account's page is not what it was, but for what may differ."""
    return {name for name in before if name not in OF_TODAY and found[name] != before[name]} | {
        name
        for name in ("latest", "assessment")
        if {**found[name], "reasons": None} != {**before[name], "reasons": None}
    }


@pytest.mark.parametrize("user", KEPT["answers"])
def test_a_signup_posted_again_gets_its_first_answer_to_the_letter(service: Service, user: str) -> None:
    body = KEPT["bodies"][user]
    signup = Signup.model_validate_json(body if isinstance(body, str) else orjson.dumps(body))
    again = service.parts.assessor.signup(signup, KEPT["now"])
    assert again.replay
    assert again.body.decode() == KEPT["answers"][user]


@pytest.mark.parametrize("user", KEPT["views"])
def test_an_account_is_what_it_was(service: Service, user: str) -> None:
    assert unlike(view(service, user), KEPT["views"][user]) == set()


def test_a_store_of_packed_accounts_says_what_it_said(packed: Service) -> None:
    """Answers, accounts, reviews and decisions, all at once: they are in one form each."""
    for user, before in PACKED["views"].items():
        assert unlike(view(packed, user, PACKED), before) == set()
    for user, answer in PACKED["answers"].items():
        signup = Signup.model_validate_json(orjson.dumps(PACKED["bodies"][user]))
        again = packed.parts.assessor.signup(signup, PACKED["now"])
        assert (again.replay, again.body.decode()) == (True, answer)
    assert list(packed.decisions.export()) == PACKED["export"]
    assert packed.parts.reviews.list("open", 20, None) == PACKED["reviews"]


def test_packed_accounts_are_decided_again_and_followed(packed: Service) -> None:
    user, now = "demo.carrier_nat_strangers_2", PACKED["now"]
    happens(packed, user, "phone_changed", now + 1, phone=PhonePart(number="+34600000009"))
    for number, name in enumerate(PACKED["views"]):
        before = view(packed, name, PACKED)
        again = packed.rescorer.again(name, "event.login", now + 60 + number)
        after = view(packed, name, PACKED)
        assert after["history"][: len(before["history"])] == before["history"]
        assert after["tier"] == again.tier
        assert {**after["assessment"], "reasons": None} == {**before["assessment"], "reasons": None}
    assert b"+34600000009" in (packed.accounts.signup(user) or b"")


def test_every_decision_is_exported_as_before(service: Service) -> None:
    assert list(service.decisions.export()) == KEPT["export"]


def test_accounts_are_decided_again_and_their_history_goes_on(service: Service) -> None:
    count = len(KEPT["export"])
    for number, user in enumerate(KEPT["views"]):
        before = view(service, user)
        again = service.rescorer.again(user, "event.login", KEPT["now"] + 60 + number)
        after = view(service, user)
        assert after["history"][: len(before["history"])] == before["history"]
        assert (after["tier"], after["assessment"]) == (again.tier, before["assessment"])
        assert after["history"][-1]["to"] == after["tier"]
    assert len(list(service.decisions.export())) >= count


def test_what_accounts_have_to_do_with_is_read_in_either_form(service: Service, store: Store) -> None:
    done = store.execute("EXISTS", DONE) == 1
    for user in KEPT["views"]:
        stored = store.execute("HGET", account_key(user), "entities")
        found = entities_of(stored)
        assert found
        assert stored == packed_entities(found) if done else stored.startswith(b"{")
        assert all(user in members(store, key) for key in found.values())


def test_an_entity_of_before_goes_on(service: Service, store: Store) -> None:
    """What another touches that was kept by the release of then is found, and bound, as if today's had kept it."""
    user = "u_1"
    kept = entities_of(store.execute("HGET", account_key(user), "entities"))
    told = KEPT["bodies"][user]
    told = orjson.loads(told) if isinstance(told, str) else dict(told)
    told["account"] = {**told["account"], "user_id": "u_of_today"}
    answer = service.parts.assessor.signup(Signup.model_validate_json(orjson.dumps(told)), KEPT["now"])
    assert not answer.replay
    assert "u_of_today" in members(store, kept["mailbox"])
    assert user in service.parts.assessor._links.accounts(kept["mailbox"])


def test_what_is_migrated_takes_half_the_room(service: Service, store: Store) -> None:
    before = sum(store.execute("MEMORY", "USAGE", account_key(user)) for user in KEPT["views"])
    migrate(store)
    after = sum(store.execute("MEMORY", "USAGE", account_key(user)) for user in KEPT["views"])
    assert after <= before
    assert after < 3_000 * len(KEPT["views"])


def test_an_account_that_changes_while_it_is_migrated_stays_as_it_was_changed(service: Service, store: Store) -> None:
    script, key = store.script("account_migrate"), account_key("u_1")
    before = store.execute("HGETALL", key)
    assert script.call([key], ["tier", "another", "limit", "own", before[b"own"], "limit"]) == 0
    assert script.call([account_key("nobody")], ["tier", "allow", "limit"]) == 0
    assert store.execute("HGETALL", key) == before
    assert store.execute("EXISTS", account_key("nobody")) == 0


def test_one_account_that_is_damaged_stops_none_of_the_others(service: Service, store: Store) -> None:
    store.execute("DEL", DONE)
    store.execute("HSET", account_key("u_1"), "assessment", b'{"id": "cut')
    store.execute("HSET", account_key("u_2"), "assessment", store.execute("HGET", account_key("u_2"), "assessment"))
    migrate(store)
    assert store.execute("HGET", account_key("u_1"), "assessment") == b'{"id": "cut'
    assert store.execute("HGET", account_key("u_3"), "assessment")[:1] != b"{"
