"""However much is wrong with a body, its errors are few and cost little."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from riskapi.api.routes import MAX_BODY
from riskapi.errors import Problem
from riskapi.inputs.invalid import MOST_ERRORS, refuse_wide
from tests.answers import is_problem

SIGNUP = {"account": {"user_id": "u"}, "email": {"address": "a@mail.example"}}


def full(make: Callable[[int], Any]) -> bytes:
    """The largest body that ``make`` gives for a number of wrong things."""
    each = (len(orjson.dumps(make(2000))) - len(orjson.dumps(make(1000)))) / 1000
    return orjson.dumps(make(int(0.95 * MAX_BODY / each)))


def wrong(count: int) -> dict[str, Any]:
    return {f"K{number:06d}": [] for number in range(count)}


#: Where bodies are sent, and how they can be wrong in very many ways.
WRONG: dict[str, tuple[str, Callable[[int], Any]]] = {
    "custom inputs": ("/v1/signups", lambda count: {**SIGNUP, "custom_inputs": wrong(count)}),
    "unknown keys": ("/v1/signups", lambda count: {**SIGNUP, **wrong(count)}),
    "unknown keys of a part": ("/v1/signups", lambda count: {**SIGNUP, "device": wrong(count)}),
    "items of a list": ("/v1/signups", lambda count: {**SIGNUP, "behavior": {"pasted_fields": [1] * count}}),
    "links": ("/v1/accounts/u/sends", lambda count: {"recipients": 1, "message": {"link_domains": [1] * count}}),
    "an event": ("/v1/accounts/u/events", lambda count: {"type": "login", "custom_inputs": wrong(count)}),
    "feedback": ("/v1/feedback", lambda count: {"events": [wrong(15) for _ in range(count // 15)]}),
    "one of feedback": ("/v1/feedback", lambda count: {"events": [wrong(count)]}),
    "accounts": ("/v1/accounts/import", lambda count: {"accounts": [wrong(15) for _ in range(count // 15)]}),
    "one account": ("/v1/accounts/import", lambda count: {"accounts": [wrong(count)]}),
    "a policy": ("/v1/policy/simulations", lambda count: {"policy": wrong(count)}),
    "events of a webhook": ("/v1/webhooks", lambda count: {"url": "https://hooks.example", "events": [1] * count}),
}


@pytest.mark.parametrize(("path", "make"), WRONG.values(), ids=WRONG)
def test_a_body_that_is_wrong_all_over_is_answered_shortly(client: Any, path: str, make: Callable[[int], Any]) -> None:
    body = full(make)
    assert len(body) > 0.8 * MAX_BODY
    tracemalloc.start()
    try:
        answer = client.post(path, data=body, content_type="application/json")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code in (200, 404, 422)
    if answer.status_code == 422:
        assert 1 <= len(is_problem(answer, 422, "invalid")["errors"]) <= MOST_ERRORS
    assert most < 64 * MAX_BODY  # it was 650 MB


def test_a_key_that_is_repeated_counts_each_time() -> None:
    with pytest.raises(Problem) as problem:
        refuse_wide(b'{"custom_inputs": {' + b'"a": 1, ' * 5000 + b'"a": 1}}')
    assert problem.value.errors[0]["code"] == "too_long"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"a": wrong(600)}, "/a"),
        ({"a": [{}, {"b/c": wrong(600)}]}, "/a/1/b~1c"),
        (wrong(600), ""),
        ({"a": wrong(300), "b": wrong(301)}, "/b"),
    ],
)
def test_the_widest_object_is_pointed_at(body: Any, pointer: str) -> None:
    with pytest.raises(Problem) as problem:
        refuse_wide(orjson.dumps(body))
    assert [each["pointer"] for each in problem.value.errors] == [pointer]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff" + b":" * 1000,
        json.dumps({"events": [wrong(14)] * 1000}).encode(),
        json.dumps({"text": ":" * 5000}).encode(),
    ],
)
def test_what_is_not_wide_is_left_to_whoever_validates_it(body: bytes) -> None:
    refuse_wide(body)


def test_the_policy_that_is_shipped_is_not_too_wide(client: Any) -> None:
    policy = client.get("/v1/policy").get_json()["policy"]
    refuse_wide(orjson.dumps({"policy": policy, "note": "x"}))
