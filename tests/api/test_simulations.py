"""What stands behind the growth team's pages: simulate, suggest, publish with four eyes, attack mode, workers, caps."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi import policy
from riskapi.access.api_keys import ApiKeys
from riskapi.policy.deciding_processes import GONE, DecidingWorker, deciding
from riskapi.policy.publisher import Publisher
from riskapi.store.connections import Store
from tests.answers import conforms, is_problem
from tests.conftest import NOW

SHIPPED = policy.load(policy.DEFAULT).model_dump(mode="json")
FIRST = SHIPPED["version"]
LATER = "2026-11-22T18:00:00Z"


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: Any = client.get("/openapi.json").json
    return dict(found)


def signs_up(client: FlaskClient, user: str, address: str) -> Any:
    body = {"account": {"user_id": user}, "email": {"address": address}, "event": {"time": "2026-11-21T10:00:00Z"}}
    return client.post("/v1/signups", json=body).json


def with_factor(factor: float, **tables: Any) -> dict[str, Any]:
    return {**SHIPPED, "attack": {**SHIPPED["attack"], "factor": factor}, **tables}


def put(client: FlaskClient, given: dict[str, Any], **more: Any) -> Any:
    return client.put("/v1/policy", json={"policy": given, "note": "why", **more}, headers={"If-Match": "*"})


def test_a_policy_is_simulated_and_just_that_is_published(client: FlaskClient, document: dict[str, Any]) -> None:
    signs_up(client, "u_1", "a@mailinator.com")
    path = "/v1/policy/simulations"
    answer = client.post(path, json={"policy": with_factor(0.4), "since": "2026-11-20T00:00:00Z"})
    made = conforms(document, "POST", path, answer)
    assert (made["status"], made["base_version"], made["foundation"]["decisions"]) == ("done", FIRST, 1)
    again = client.get(f"{path}/{made['simulation_id']}")
    assert conforms(document, "GET", path + "/{simulation_id}", again) == made
    is_problem(put(client, with_factor(0.3), simulation_id=made["simulation_id"]), 409, "simulation_unfit")
    is_problem(put(client, with_factor(0.4), simulation_id="sim_x"), 409, "simulation_unfit")
    found = put(client, with_factor(0.4), simulation_id=made["simulation_id"]).json
    assert (found["version"], found["simulation_id"]) == (FIRST + 1, made["simulation_id"])
    is_problem(put(client, with_factor(0.4), simulation_id=made["simulation_id"]), 409, "simulation_unfit")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"policy": {**SHIPPED, "attack": {"factor": 2}}}, "/policy/attack/factor"),
        ({"policy": SHIPPED, "since": "2026-11-23T00:00:00Z"}, "/since"),
        ({}, "/policy"),
    ],
)
def test_a_simulation_that_cannot_be_run_is_refused(client: FlaskClient, body: dict[str, Any], pointer: str) -> None:
    found = is_problem(client.post("/v1/policy/simulations", json=body), 422, "invalid")
    assert [each["pointer"] for each in found["errors"]] == [pointer]
    is_problem(client.get("/v1/policy/simulations/sim_x"), 404, "not_found")


def test_thresholds_are_proposed(client: FlaskClient, document: dict[str, Any]) -> None:
    signs_up(client, "u_1", "ana@ruiz.example")
    path = "/v1/policy/suggestions"
    made = conforms(document, "POST", path, client.post(path, json={"reviews_per_day": 40, "legitimate_limited": 0.01}))
    assert made["thresholds"]["review"] < made["thresholds"]["limit"] and made["reasons"]
    again = client.get(f"{path}/{made['suggestion_id']}")
    assert conforms(document, "GET", path + "/{suggestion_id}", again) == made
    assert client.get("/v1/policy").json["version"] == FIRST  # type: ignore[index]
    # What is proposed is a policy that can be tried.
    assert client.post("/v1/policy/simulations", json={"policy": made["policy"]}).status_code == 200
    asked: tuple[dict[str, Any], ...] = (
        {"reviews_per_day": -1},
        {"reviews_per_day": "40"},
        {"reviews_per_day": True},
        {"reviews_per_day": 1, "legitimate_limited": 2},
        {},
    )
    for body in asked:
        is_problem(client.post(path, json=body), 422, "invalid")


def test_what_loosens_waits_for_another_key(client: FlaskClient, document: dict[str, Any], store: Store) -> None:
    second = {"Authorization": f"Bearer {ApiKeys(store).create('sam', ['policy'])}"}
    careful = {"loosening_needs_second": True, "proposal_hours": 72}
    assert put(client, with_factor(0.5, publishing=careful)).status_code == 200
    waiting = put(client, with_factor(0.6, publishing=careful))
    found = conforms(document, "PUT", "/v1/policy", waiting)
    assert (waiting.status_code, found["author"], found["loosens"]) == (
        202,
        "bootstrap",
        ["attack.factor: 0.5 becomes 0.6"],
    )
    path = "/v1/policy/proposals"
    assert conforms(document, "GET", path, client.get(path)) == {"proposals": [found]}
    approve = f"{path}/{found['proposal_id']}/approve"
    is_problem(client.post(approve), 409, "same_person")
    made = conforms(document, "POST", path + "/{proposal_id}/approve", client.post(approve, headers=second))
    assert (made["version"], made["author"], made["approved_by"]) == (FIRST + 2, "bootstrap", "sam")
    is_problem(client.post(approve, headers=second), 404, "not_found")
    other: Any = put(client, with_factor(0.7, publishing=careful)).json
    gone = client.delete(f"{path}/{other['proposal_id']}")
    assert conforms(document, "DELETE", path + "/{proposal_id}", gone) == other
    back = client.post("/v1/policy/rollback", json={"version": FIRST})
    assert (back.status_code, conforms(document, "POST", "/v1/policy/rollback", back)["restores"]) == (202, FIRST)


def test_attack_mode_is_one_switch(client: FlaskClient, document: dict[str, Any]) -> None:
    path = "/v1/policy/attack"
    assert conforms(document, "GET", path, client.get(path))["attack"] is None
    on = conforms(document, "POST", path, client.post(path, json={"until": LATER, "note": "a wave"}))
    assert (on["attack"]["until"], on["attack"]["author"]) == ("2026-11-22T18:00:00.000Z", "bootstrap")
    assert "The score asks for a review from 15 on" in on["changes"][0]["text"]
    assert signs_up(client, "u_1", "ana@ruiz.example")["versions"]["attack"] == "2026-11-22T18:00:00.000Z"
    off = conforms(document, "DELETE", path, client.delete(path))
    assert off["attack"] is None and [each["on"] for each in off["switched"]] == [False, True]
    assert "attack" not in signs_up(client, "u_2", "sam@bos.example")["versions"]
    is_problem(client.post(path, json={"until": "2026-11-22T09:00:00Z", "note": "late"}), 422, "invalid")


def test_workers_say_what_they_decide_by(client: FlaskClient, document: dict[str, Any], store: Store) -> None:
    found = conforms(document, "GET", "/v1/policy/workers", client.get("/v1/policy/workers"))
    assert (found["version"], found["workers"]) == (FIRST, [])


def test_a_worker_says_it_at_once_and_is_forgotten_when_it_is_silent(
    client: FlaskClient, store: Store, parts: Any
) -> None:
    publisher: Publisher = parts.publisher
    now = [NOW]
    worker = DecidingWorker(store, publisher, lambda: now[0])
    worker.say()
    version = publisher.active.policy.version
    (found,) = deciding(store, version, None, NOW)["workers"]
    assert (found["version"], found["since"], found["current"]) == (version, "2026-11-22T10:00:00.000Z", True)
    assert deciding(store, version + 1, None, NOW)["current"] == 0
    now[0] += 4
    worker.say()  # nothing new
    assert deciding(store, version, None, NOW)["workers"] == [found]
    now[0] += 1
    worker.say()
    assert deciding(store, version, None, NOW)["workers"][0]["seen_at"] == "2026-11-22T10:00:05.000Z"
    assert deciding(store, version, None, NOW + 6 + GONE)["workers"] == []
    assert store.execute("HLEN", "risk:deciders") == 0


def test_who_runs_into_caps_is_counted_by_tier_and_plan(client: FlaskClient, document: dict[str, Any]) -> None:
    for user, plan in (("u_1", "pro"), ("u_2", None)):
        body = {"account": {"user_id": user, "plan": plan}, "email": {"address": f"{user}@ruiz.example"}}
        daily = client.post("/v1/signups", json=body).json["limits"]["hourly"]  # type: ignore[index]
        for _ in range(2):  # told once a window
            client.post(f"/v1/accounts/{user}/sends", json={"recipients": daily + 7})
    found = conforms(document, "GET", "/v1/caps/hits", client.get("/v1/caps/hits"))
    assert (found["hits"], found["accounts"], found["recipients_denied"], found["whole"]) == (2, 2, 14, True)
    assert {(each["plan"], each["limit"], each["hits"]) for each in found["groups"]} == {
        ("pro", "account_hourly", 1),
        (None, "account_hourly", 1),
    }
    few = conforms(document, "GET", "/v1/caps/hits", client.get("/v1/caps/hits?limit=1"))
    assert len(few["most"]) == 1 and few["most"][0]["established"] is False
    is_problem(client.get("/v1/caps/hits?since=2026-11-23T00:00:00Z"), 422, "invalid")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/policy/simulations"),
        ("GET", "/v1/policy/simulations/sim_1"),
        ("POST", "/v1/policy/suggestions"),
        ("GET", "/v1/policy/proposals"),
        ("POST", "/v1/policy/proposals/prp_1/approve"),
        ("POST", "/v1/policy/attack"),
        ("DELETE", "/v1/policy/attack"),
        ("GET", "/v1/policy/workers"),
        ("GET", "/v1/caps/hits"),
    ],
)
def test_it_needs_the_scope(client: FlaskClient, store: Store, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {ApiKeys(store).create('flow', ['signups'])}"}
    is_problem(client.open(path, method=method, json={}, headers=headers), 403, "forbidden")
