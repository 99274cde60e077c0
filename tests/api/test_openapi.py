"""The OpenAPI document is valid, says what is served and nothing else, and the answers are what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient

from riskapi.access.api_keys import ApiKeys
from riskapi.api import openapi
from riskapi.api.flask_app import ROUTES
from riskapi.errors import CODES
from riskapi.store.connections import Store
from tests.answers import TOLD, conforms, operations
from tests.conftest import NOW, keyed

#: A signup that is sent to review by the shipped policy: a throw-away mailbox.
SUSPECT = {"account": {"user_id": "u1", "name": "Ana Ruiz"}, "email": {"address": "ana.ruiz@mailinator.com"}}
PLAIN = {
    "account": {
        "user_id": "u2",
        "name": "Ana Ruiz",
        "organization": "Ruiz Ceramics",
        "website": "https://ruiz.example",
    },
    "email": {"address": "ana@ruiz.example"},
    "phone": {"number": "+34600123123"},
    "device": {"ip_address": "203.0.113.9", "accept_language": "es-ES", "time_zone": "Europe/Madrid"},
}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()


@pytest.fixture
def http(app: Flask) -> FlaskClient:
    return keyed(app)


@pytest.fixture
def document(http: FlaskClient) -> dict[str, Any]:
    found: Any = http.get("/openapi.json").json
    return dict(found)


def test_every_schema_is_a_valid_json_schema(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_what_problems_say_in_headers_is_documented(http: FlaskClient, document: dict[str, Any], store: Store) -> None:
    path, keys = "/v1/accounts/{user_id}", ApiKeys(store)

    def refused(key: str) -> tuple[int, set[str]]:
        answer = http.get("/v1/accounts/u1", headers={"Authorization": f"Bearer {key}"})
        conforms(document, "GET", path, answer)
        return answer.status_code, TOLD & set(answer.headers.keys())

    limited = keys.create("flow", ["signups"], rate_limit=1)
    assert refused("wrong") == (401, {"WWW-Authenticate"})
    assert refused(keys.create("mail", ["feedback"])) == (403, {"WWW-Authenticate"})
    assert refused(limited) == (404, {"RateLimit", "RateLimit-Policy"})
    assert refused(limited) == (429, {"RateLimit", "RateLimit-Policy", "Retry-After"})


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references
    assert references <= set(document["components"]["schemas"])


def test_every_schema_has_a_plain_name_and_says_what_it_is(document: dict[str, Any]) -> None:
    """Two shapes of one name would be told apart by their modules."""
    for name, schema in document["components"]["schemas"].items():
        assert re.fullmatch("[A-Z][A-Za-z]+", name)
        assert schema["description"]


def test_an_answer_has_the_fields_of_its_shape_and_no_others(document: dict[str, Any]) -> None:
    bodies = {route.body.__name__ for route in ROUTES if route.body is not None}
    answers = {
        shape.__name__ for route in ROUTES for shape in (route.response, *route.others.values()) if shape is not None
    }
    assert answers
    for name in answers:
        schema = document["components"]["schemas"][name]
        assert (schema["type"], schema["additionalProperties"]) == ("object", False), name
    assert not answers & bodies


def test_every_route_is_documented_and_every_documented_route_is_served(app: Flask, document: dict[str, Any]) -> None:
    declared = {(route.method, route.path) for route in ROUTES if route.documented}
    assert set(operations(document)) == declared
    served = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] != "console"  # pages for people
        for method in (rule.methods or set()) - {"HEAD"}
    }
    assert served == {(route.method, route.path) for route in ROUTES}


def test_operations_are_named_once_and_say_what_they_need(document: dict[str, Any]) -> None:
    found = operations(document)
    assert len({each["operationId"] for each in found.values()}) == len(found)
    for route in ROUTES:
        if not route.documented:
            continue
        each = found[route.method, route.path]
        assert each["summary"]
        assert bool(each["security"]) is bool(route.scopes)
        assert all(f"`{scope}`" in each["description"] for scope in route.scopes)
        assert {str(CODES[code][0]) for code in route.codes()} <= set(each["responses"])


def test_the_examples_of_the_contract_are_what_is_answered(http: FlaskClient, document: dict[str, Any]) -> None:
    def ask(method: str, path: str, template: str, **given: Any) -> dict[str, Any]:
        return conforms(document, method, template, http.open(path, method=method, **given))

    first = ask("POST", "/v1/signups", "/v1/signups", json=SUSPECT)
    assert ask("POST", "/v1/signups", "/v1/signups", json=SUSPECT) == first
    ask("POST", "/v1/signups", "/v1/signups", json=PLAIN)
    ask("POST", "/v1/signups", "/v1/signups", json={**SUSPECT, "email": {"address": "other@ruiz.example"}})
    ask("POST", "/v1/signups", "/v1/signups", json=[])
    ask("POST", "/v1/signups", "/v1/signups", data=b"x", content_type="application/json")
    ask("POST", "/v1/signups", "/v1/signups", data=b"x", content_type="text/plain")

    review = first["review_id"]
    assert review
    template = "/v1/reviews/{review_id}"
    page = ask("GET", "/v1/reviews?limit=1", "/v1/reviews")
    assert [each["id"] for each in page["reviews"]] == [review]
    assert ask("GET", f"/v1/reviews/{review}", template)["status"] == "open"
    held = ask("POST", f"/v1/reviews/{review}/claim", template + "/claim", json={"reviewer": "ana"})
    assert (held["status"], held["reviewer"]) == ("claimed", "ana")
    ask("POST", f"/v1/reviews/{review}/claim", template + "/claim", json={"reviewer": "bo"})
    ask("POST", f"/v1/reviews/{review}/release", template + "/release")
    ask("POST", f"/v1/reviews/{review}/escalate", template + "/escalate", json={"reason": "unsure"})
    body = {"decision": "limit", "label": "abuse", "apply_to": "account", "reason": "throw-away"}
    headers = {"Idempotency-Key": "k1"}
    closed = ask("POST", f"/v1/reviews/{review}/decide", template + "/decide", json=body, headers=headers)
    assert closed["accounts"] == [
        {"user_id": "u1", "before": "review", "after": "limit", "established": False, "left_out": False}
    ]
    assert ask("POST", f"/v1/reviews/{review}/decide", template + "/decide", json=body, headers=headers) == closed
    ask("POST", f"/v1/reviews/{review}/decide", template + "/decide", json=body)
    undone = ask("POST", f"/v1/reviews/{review}/undo", template + "/undo", json={"reason": "the wrong one"})
    assert undone["accounts"] == [{"user_id": "u1", "before": "limit", "after": "review", "left": None}]
    ask("POST", f"/v1/reviews/{review}/undo", template + "/undo")
    banned = {**body, "deny": ["mailbox", "phone", "domain"]}
    tried = ask("POST", f"/v1/reviews/{review}/decide", template + "/decide", json={**banned, "dry_run": True})
    assert [(row["kind"], row["skipped"]) for row in tried["deny"]] == [
        ("mailbox", None),
        ("phone", "not_given"),
        ("domain", "shared_domain"),
    ]
    ask("POST", f"/v1/reviews/{review}/decide", template + "/decide", json=banned)
    assert [row["kind"] for row in ask("GET", f"/v1/reviews/{review}", template)["denied"]] == ["mailbox"]
    assert len(ask("POST", f"/v1/reviews/{review}/undo", template + "/undo")["removed_entries"]) == 1

    label = {"label": "legitimate", "source": "appeal", "note": None}
    labelled = ask("POST", "/v1/accounts/u1/labels", "/v1/accounts/{user_id}/labels", json=label)
    assert [each["label"] for each in labelled["labels"]] == ["abuse", "unknown", "abuse", "unknown", "legitimate"]
    login = {"type": "login", "device": {"ip_address": "203.0.113.9"}}
    template = "/v1/accounts/{user_id}/events"
    assert ask("POST", "/v1/accounts/u1/events", template, json=login)["tier"] == "allow"
    ask("POST", "/v1/accounts/nobody/events", template, json=login)
    feedback = [{"id": each, "type": "complaint", "user_id": "u1"} for each in ("e1", "e2", "e1", 7)]
    counted = ask("POST", "/v1/feedback", "/v1/feedback", json={"events": feedback})
    assert (counted["accepted"], counted["duplicates"], len(counted["rejected"])) == (2, 1, 1)
    assert counted["actions"] == [
        {"user_id": "u1", "action": "steps_lost", "rule": "complaint_rate"},
        {"user_id": "u1", "action": "tightened", "rule": "first_complaint"},
    ]
    account = ask("GET", "/v1/accounts/u1", "/v1/accounts/{user_id}")
    assert (account["tier"], account["assessment"]) == ("review", first)  # a complaint, too, is heard at once
    ask("GET", "/v1/accounts/u2", "/v1/accounts/{user_id}")
    for path, status in (("/v1/accounts/nobody", 404), ("/v1/accounts/%20", 404)):
        response = http.get(path)
        assert response.status_code == status
        conforms(document, "GET", "/v1/accounts/{user_id}", response)
    ask("GET", "/healthz", "/healthz")
    ask("GET", "/readyz", "/readyz")
    ask("GET", "/openapi.json", "/openapi.json")
    http.environ_base["HTTP_AUTHORIZATION"] = ""
    for route in ROUTES:
        if route.scopes:
            path = route.path.replace("{user_id}", "u1").replace("{review_id}", review)
            response = http.open(path, method=route.method)
            assert response.status_code == 401
            conforms(document, route.method, route.path, response)


def test_every_example_is_a_body_that_works_and_what_is_remembered_has_one() -> None:
    """Under an ``Idempotency-Key`` the body is what tells one request from another."""
    for route in ROUTES:
        assert route.body is not None or not route.idempotent, route.path
        if route.body is not None:
            assert route.example or route.optional_body or route.raw
        if route.body is not None and (route.example or route.optional_body):
            route.body.model_validate_json(openapi.written(route.example, NOW))


def test_a_time_is_answered_as_it_is_documented(http: FlaskClient) -> None:
    found = http.post("/v1/signups", json=PLAIN).json
    assert found is not None
    assert found["created_at"].startswith("2026-11-22T10:00:00")
    assert found["created_at"].endswith("Z")
    assert NOW == 1_795_341_600.0
