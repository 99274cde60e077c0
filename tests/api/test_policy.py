"""``/v1/policy`` as callers use it: read, change from what was read, list, compare, go back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi import policy
from riskapi.access.api_keys import ApiKeys
from riskapi.api.flask_app import build
from riskapi.api.policy import pointer
from riskapi.app import Service
from riskapi.errors import ConfigurationError
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.answers import conforms, is_problem
from tests.conftest import Clock, keyed
from tests.signups import together

SHIPPED = policy.load(policy.DEFAULT).model_dump(mode="json")
FIRST = SHIPPED["version"]


def changed(**tables: Any) -> dict[str, Any]:
    """The shipped policy with some keys of some tables replaced; a table given as a list replaces it."""
    found = copy.deepcopy(SHIPPED)
    for name, table in tables.items():
        found[name] = {**found[name], **table} if isinstance(table, dict) else table
    return found


def review(daily: int) -> dict[str, Any]:
    return changed(tiers={"review": {"hourly": 20, "daily": daily, "monthly": 200, "steps": []}})


def put(http: FlaskClient, given: Any, tag: str | None = f'"{FIRST}"', **body: Any) -> Any:
    headers = {} if tag is None else {"If-Match": tag}
    return http.put("/v1/policy", json={"policy": given, "note": "why", **body}, headers=headers)


@pytest.fixture
def worker(
    store: Store, settings: Settings, assemble: Callable[..., Service], clock: Clock
) -> Callable[[], tuple[Service, FlaskClient]]:
    """``worker()`` is one more worker process's parts, and a client of it; nothing watches but when told to."""

    def make() -> tuple[Service, FlaskClient]:
        service = assemble(replace(settings, model_mode="off"), store, clock)
        found = keyed(build(service.parts))
        return service, found

    return make


def test_the_policy_is_read_changed_and_read_again(client: FlaskClient) -> None:
    document: Any = client.get("/openapi.json").json
    first = client.get("/v1/policy")
    body = conforms(document, "GET", "/v1/policy", first)
    assert (body["version"], body["source"], body["author"], body["note"]) == (FIRST, "file", "file", None)
    assert body["policy"] == SHIPPED
    assert first.headers["ETag"] == f'"{FIRST}"'

    simulated: Any = client.post("/v1/policy/simulations", json={"policy": review(60)}).json
    answer = put(client, review(60), first.headers["ETag"], simulation_id=simulated["simulation_id"])
    made = conforms(document, "PUT", "/v1/policy", answer)
    assert answer.headers["ETag"] == f'"{FIRST + 1}"'
    assert {key: value for key, value in made.items() if key != "policy"} == {
        "version": FIRST + 1,
        "note": "why",
        "author": "bootstrap",
        "at": "2026-11-22T10:00:00.000Z",
        "simulation_id": simulated["simulation_id"],
        "restores": None,
        "approved_by": None,
        "source": "store",
        "live": True,
    }
    again = client.get("/v1/policy")
    assert again.json == made
    assert again.headers["ETag"] == answer.headers["ETag"]
    assert client.get("/readyz").json["versions"]["policy"] == FIRST + 1  # type: ignore[index]
    assert client.get(f"/v1/policy/versions/{FIRST}").json == {**body, "live": False}

    listed = conforms(document, "GET", "/v1/policy/versions", client.get("/v1/policy/versions"))
    assert [(row["version"], row["live"]) for row in listed["versions"]] == [(FIRST + 1, True), (FIRST, False)]
    path = "/v1/policy/versions/{version}/changes"
    found = client.get(f"/v1/policy/versions/{FIRST + 1}/changes?since={FIRST}")
    change = {"key": "tiers.review.daily", "from": 50, "to": 60, "text": "review: a cap of 50 a day becomes 60"}
    assert conforms(document, "GET", path, found)["changes"] == [change]

    back = client.post("/v1/policy/rollback", json={"version": FIRST})
    restored = conforms(document, "POST", "/v1/policy/rollback", back)
    assert (restored["version"], restored["restores"]) == (FIRST + 2, FIRST)
    assert restored["note"] == f"Back to version {FIRST}"
    assert client.get(f"/v1/policy/versions/{FIRST + 2}/changes?since={FIRST}").json["changes"] == []  # type: ignore[index]


def test_the_next_signup_is_judged_by_it(client: FlaskClient) -> None:
    put(client, review(60))
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "a@mailinator.com"}}
    found: Any = client.post("/v1/signups", json=signup).json
    assert (found["decision"], found["limits"]["daily"], found["versions"]["policy"]) == ("review", 60, FIRST + 1)


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        (f'"{FIRST}"', 200),
        (f'W/"{FIRST}"', 200),
        (f'"9", "{FIRST}"', 200),
        (f'"x" , W/"{FIRST}","y"', 200),
        ("*", 200),
        ('"9"', 412),
        (f'"{FIRST}0"', 412),
        (f'" {FIRST}"', 412),
        ("**", 412),
        (",", 412),
        ('"', 412),
        ("é", 412),
        ("", 428),
        ("  ", 428),
        (None, 428),
    ],
)
def test_a_change_says_what_it_was_made_from(client: FlaskClient, tag: str | None, status: int) -> None:
    environ = {} if tag is None else {"HTTP_IF_MATCH": tag}
    body = {"policy": review(60), "note": "why"}
    answer = client.put("/v1/policy", json=body, environ_overrides=environ)
    if status == 200:
        assert answer.status_code == 200, answer.data
    else:
        is_problem(answer, status, {412: "precondition_failed", 428: "precondition_required"}[status])
    assert client.get("/v1/policy").json["version"] == FIRST + (status == 200)  # type: ignore[index]


STEP = {"days": 7, "hourly": 400, "daily": 1000, "monthly": 10_000}
RULE = SHIPPED["rules"][0]
BUSTED: list[tuple[str, Any, str, str]] = [
    ("nothing", {}, "/policy/tiers", "missing"),
    ("day above month", review(201), "/policy/tiers/review/daily", "value_error"),
    ("text", review("60"), "/policy/tiers/review/daily", "int_type"),  # type: ignore[arg-type]
    ("fraction", review(60.5), "/policy/tiers/review/daily", "int_type"),  # type: ignore[arg-type]
    ("negative", review(-1), "/policy/tiers/review/daily", "greater_than_equal"),
    ("huge", review(10**400), "/policy/tiers/review/daily", "less_than_equal"),
    (
        "huge without a bound",
        changed(clean={"least_complaints": 2**64}),
        "/policy/clean/least_complaints",
        "value_error",
    ),
    ("null", review(None), "/policy/tiers/review/daily", "int_type"),  # type: ignore[arg-type]
    ("unknown key", changed(tiers={"a/b~c": 1}), "/policy/tiers/a~1b~0c", "extra_forbidden"),
    ("unknown key with dots", changed(tiers={"a.b": 1}), "/policy/tiers/a.b", "extra_forbidden"),
    ("unknown table", {**SHIPPED, "": 1}, "/policy", "extra_forbidden"),
    ("table is a list", {**SHIPPED, "tiers": []}, "/policy/tiers", "model_type"),
    ("mode", changed(model={"mode": "on"}), "/policy/model/mode", "literal_error"),
    ("NaN", changed(model={"prior": float("nan")}), "/policy/model/prior", "finite_number"),
    ("glob", changed(guard={"signals": ["network_*", "x"]}), "/policy/guard/signals/1", "value_error"),
    (
        "step",
        changed(tiers={"allow": {**SHIPPED["tiers"]["allow"], "steps": [STEP, STEP]}}),
        "/policy/tiers/allow/steps/1/days",
        "value_error",
    ),
    ("rule twice", {**SHIPPED, "rules": [RULE, RULE]}, "/policy/rules/1/name", "value_error"),
    (
        "signal",
        {**SHIPPED, "rules": [{**RULE, "when": {"no.such": {"ge": 1}}}]},
        "/policy/rules/0/when/no.such",
        "value_error",
    ),
    (
        "huge operand",
        {**SHIPPED, "rules": [{**RULE, "when": {"links_phone_abusive": {"ge": 10**400}}}]},
        "/policy/rules/0/when/links_phone_abusive/ge",
        "value_error",
    ),
    (
        "operand",
        {**SHIPPED, "rules": [{**RULE, "when": {"links_phone_abusive": {"ge": "x"}}}]},
        "/policy/rules/0/when/links_phone_abusive/ge",
        "value_error",
    ),
    (
        "operator",
        {**SHIPPED, "rules": [{**RULE, "when": {"links_phone_abusive": {"is": 1}}}]},
        "/policy/rules/0/when/links_phone_abusive/is",
        "literal_error",
    ),
    ("a mebibyte", changed(model={"mode": "x" * 900_000}), "/policy/model/mode", "literal_error"),
]


@pytest.mark.parametrize(("given", "where", "code"), [row[1:] for row in BUSTED], ids=[row[0] for row in BUSTED])
def test_a_broken_policy_is_refused_with_its_place_and_changes_nothing(
    client: FlaskClient, given: Any, where: str, code: str
) -> None:
    answer = put(client, given)
    (error,) = is_problem(answer, 422, "invalid")["errors"]
    assert (error["pointer"], error["code"]) == (where, code)
    assert error["detail"]
    assert len(answer.data) < 5000
    assert client.get("/v1/policy").json["source"] == "file"  # type: ignore[index]


def test_a_number_nobody_can_print_is_no_defect(client: FlaskClient) -> None:
    body = b'{"note": "why", "policy": {"tiers": ' + b"9" * 5000 + b"}}"
    for tag in ("*", '"77"'):
        answer = client.put("/v1/policy", data=body, content_type="application/json", headers={"If-Match": tag})
        assert answer.status_code in (400, 422), answer.data


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"note": "why"}, "/policy"),
        ({"policy": None, "note": "why"}, "/policy"),
        ({"policy": [], "note": "why"}, "/policy"),
        ({"policy": "x", "note": "why"}, "/policy"),
        ({"policy": SHIPPED}, "/note"),
        ({"policy": SHIPPED, "note": ""}, "/note"),
        ({"policy": SHIPPED, "note": " \n"}, "/note"),
        ({"policy": SHIPPED, "note": "x" * 2001}, "/note"),
        ({"policy": SHIPPED, "note": 1}, "/note"),
        ({"policy": SHIPPED, "note": "why", "simulation_id": "a b"}, "/simulation_id"),
        ({"policy": SHIPPED, "note": "why", "author": "ana"}, "/author"),
    ],
)
def test_a_body_that_is_none_says_where(client: FlaskClient, body: Any, where: str) -> None:
    answer = client.put("/v1/policy", json=body, headers={"If-Match": "*"})
    assert [error["pointer"] for error in is_problem(answer, 422, "invalid")["errors"]] == [where]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/policy/versions/0", 404),
        ("GET", "/v1/policy/versions/01", 404),
        ("GET", "/v1/policy/versions/-1", 404),
        ("GET", "/v1/policy/versions/1000000000", 404),
        ("GET", "/v1/policy/versions/999999999", 404),
        ("GET", "/v1/policy/versions/x", 404),
        ("GET", f"/v1/policy/versions/{FIRST}/changes?since=77", 404),
        ("GET", f"/v1/policy/versions/{FIRST}/changes", 404),
        ("GET", f"/v1/policy/versions/{FIRST}/changes?since=0", 422),
        ("GET", f"/v1/policy/versions/{FIRST}/changes?since=x", 422),
        ("GET", "/v1/policy/versions?limit=0", 422),
        ("GET", "/v1/policy/versions?cursor=x", 422),
        ("POST", "/v1/policy", 405),
        ("DELETE", "/v1/policy", 405),
    ],
)
def test_what_is_not_there_is_said(client: FlaskClient, method: str, path: str, status: int) -> None:
    code = {404: "not_found", 405: "method_not_allowed", 422: "invalid"}[status]
    is_problem(client.open(path, method=method), status, code)


def test_going_back_to_what_never_was_or_no_longer_stands(client: FlaskClient, store: Store) -> None:
    is_problem(client.post("/v1/policy/rollback", json={"version": 77}), 404, "not_found")
    for body in ({}, {"version": 0}, {"version": "1"}, {"version": 10**9}, {"version": FIRST, "note": ""}):
        is_problem(client.post("/v1/policy/rollback", json=body), 422, "invalid")
    put(client, review(60))
    broken = b'{"version": 5, "policy": {"version": 5, "rules": []}, "author": "x", "source": "store"}'
    store.execute("HSET", "risk:policies", FIRST + 5, broken)
    found = is_problem(client.post("/v1/policy/rollback", json={"version": FIRST + 5}), 422, "invalid")
    assert found["errors"] == [
        {"pointer": "/version", "code": "missing", "detail": f"version {FIRST + 5}: tiers: is missing"}
    ]
    assert client.get("/v1/policy").json["version"] == FIRST + 1  # type: ignore[index]


def test_a_repeated_rollback_is_answered_again_and_done_once(client: FlaskClient) -> None:
    put(client, review(60))
    ask = {"json": {"version": FIRST}, "headers": {"Idempotency-Key": "k"}}
    first, second = (client.post("/v1/policy/rollback", **ask) for _ in range(2))
    assert first.json == second.json
    assert second.headers["Idempotent-Replay"] == "true"
    assert first.headers["ETag"] == second.headers["ETag"] == f'"{FIRST + 2}"'
    assert client.get("/v1/policy").json["version"] == FIRST + 2  # type: ignore[index]


def test_the_author_is_the_key_and_needs_the_scope(client: FlaskClient, store: Store) -> None:
    keys = ApiKeys(store)
    growth = {"Authorization": f"Bearer {keys.create('growth', ['policy'])}", "If-Match": "*"}
    other = {"Authorization": f"Bearer {keys.create('flow', ['signups', 'reviews'])}", "If-Match": "*"}
    body = {"policy": review(60), "note": "why"}
    found: Any = client.put("/v1/policy", json=body, headers=growth).json
    assert found["author"] == "growth"
    for method, path in (("GET", "/v1/policy"), ("PUT", "/v1/policy"), ("POST", "/v1/policy/rollback")):
        is_problem(client.open(path, method=method, json=body, headers=other), 403, "forbidden")


def test_of_sixteen_workers_that_change_the_same_version_one_does(worker: Any) -> None:
    clients = [worker()[1] for _ in range(4)]
    answers = together(16, lambda number: put(clients[number % 4], review(60 + number)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 15
    (won,) = (number for number, answer in enumerate(answers) if answer.status_code == 200)
    found = clients[0].get("/v1/policy").json
    assert (found["version"], found["policy"]["tiers"]["review"]["daily"]) == (FIRST + 1, 60 + won)


def test_another_worker_judges_by_it_once_it_looked(worker: Any) -> None:
    (_, here), (other, there) = worker(), worker()
    put(here, review(60))
    assert there.get("/v1/policy").json["version"] == FIRST + 1  # what is in force is asked of the store
    assert there.get("/readyz").json["versions"]["policy"] == FIRST
    other.parts.publisher.follow()
    assert there.get("/readyz").json["versions"]["policy"] == FIRST + 1
    (again, _) = worker()
    assert again.active.policy.tiers.review.daily == 60


def test_a_version_that_cannot_be_used_here_shows_in_readyz(worker: Any, store: Store) -> None:
    service, http = worker()
    content = b'{"version": 9, "policy": {"version": 9}, "author": "x", "source": "store"}'
    store.execute("HSET", "risk:policies", 9, content, "current", "9:x")
    with pytest.raises(ConfigurationError):
        service.parts.publisher.follow()
    answer = http.get("/readyz")
    said = "version 9 cannot be used: store, policy version 9: tiers: is missing"
    assert (answer.status_code, answer.json["checks"]["policy"]) == (503, said)
    with pytest.raises(ConfigurationError, match="store, policy version 9: tiers: is missing"):
        worker()


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("file", ""),
        ("a", "/a"),
        ("a.b", "/a/b"),
        ("a[0].b", "/a/0/b"),
        ("a.b.c", "/a/b.c"),
        ("new.key", "/new/key"),
        ("a[0].new", "/a/0/new"),
    ],
)
def test_a_key_becomes_a_pointer_by_what_was_given(key: str, expected: str) -> None:
    given = {"a": [{"b": 1}]} if "[" in key else {"a": {"b.c": 1, "b": 2}}
    assert pointer(key, given) == expected
