"""A store that the release of 26 November 2026 (7c94204) wrote: it opens, says what it said, and goes on.

``store_of_2026_11_26.json.zst`` has the keys of a store with 23 accounts as DUMP gives them, what callers were
answered, what the accounts looked like, and the decisions that were exported. All of them are invented.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard

from riskapi.accounts.migration import DONE, migrate
from riskapi.app import Service, Sources, assemble
from riskapi.inputs.signup import Signup
from riskapi.links.keys import entities_of, entities_text
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.conftest import Clock

KEPT = orjson.loads(
    zstandard.ZstdDecompressor().decompress(Path(__file__).with_name("store_of_2026_11_26.json.zst").read_bytes())
)
#: Of an account's page, what depends on the policy, the data and the code of today.
OF_TODAY = {"limits", "linkage", "latest", "assessment"}


@pytest.fixture(params=["as it was", "migrated"])
def service(
    store: Store,
    settings: Settings,
    sources: Callable[[Settings], Sources],
    clock: Clock,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Service:
    (tmp_path / "link.key").write_bytes(base64.b64decode(KEPT["link_key"]))
    for key, ttl, dumped in KEPT["rows"]:
        store.execute("RESTORE", key, max(ttl, 0), base64.b64decode(dumped))
    clock.now = KEPT["now"]
    made = assemble(replace(settings, data_dir=tmp_path), store, clock, sources(settings))
    made.recover(clock())
    if request.param == "migrated":
        assert migrate(store) == len(KEPT["views"])
        assert migrate(store) == 0
    return made


def view(service: Service, user: str) -> Any:
    found = service.parts.profiles.view(user, KEPT["now"])
    return found


@pytest.mark.parametrize("user", KEPT["answers"])
def test_a_signup_posted_again_gets_its_first_answer_to_the_letter(service: Service, user: str) -> None:
    body = KEPT["bodies"][user]
    signup = Signup.model_validate_json(body if isinstance(body, str) else orjson.dumps(body))
    again = service.parts.assessor.signup(signup, KEPT["now"])
    assert again.replay
    assert again.body.decode() == KEPT["answers"][user]


@pytest.mark.parametrize("user", KEPT["views"])
def test_an_account_is_what_it_was(service: Service, user: str) -> None:
    found, before = view(service, user), KEPT["views"][user]
    assert {name: found[name] for name in before if name not in OF_TODAY} == {
        name: before[name] for name in before if name not in OF_TODAY
    }
    for answer in ("latest", "assessment"):
        assert {**found[answer], "reasons": None} == {**before[answer], "reasons": None}


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
        assert stored == entities_text(found) if done else stored.startswith(b"{")
        assert all(store.execute("ZSCORE", key, user) is not None for key in found.values())


def test_an_entity_of_before_goes_on(service: Service, store: Store) -> None:
    """What another touches that was kept by the release of then is found, and bound, as if today's had kept it."""
    user = "u_1"
    kept = entities_of(store.execute("HGET", account_key(user), "entities"))
    told = KEPT["bodies"][user]
    told = orjson.loads(told) if isinstance(told, str) else dict(told)
    told["account"] = {**told["account"], "user_id": "u_of_today"}
    answer = service.parts.assessor.signup(Signup.model_validate_json(orjson.dumps(told)), KEPT["now"])
    assert not answer.replay
    assert store.execute("ZSCORE", kept["mailbox"], "u_of_today") is not None
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
