"""Whatever is sent, the answer is the right problem in RFC 9457 form, and never a 500."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi.api import problems
from riskapi.errors import CODES, Problem, StoreUnavailable
from riskapi.store.connections import Store
from tests.answers import is_problem
from tests.conftest import BOOTSTRAP_KEY
from tests.failing import FailingAssessor
from tests.requests import GOOD, SIGNUP

MIB = 1024 * 1024


@pytest.fixture
def http(make_http: Callable[..., FlaskClient]) -> FlaskClient:
    return make_http()


def signup(**changes: Any) -> bytes:
    return json.dumps({**json.loads(GOOD), **changes}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{'a':1}",
        b'{"a":1,}',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"account":{"user_id":"\xff"}}',
        b'{"email":{"address":"a\x00b"}}',
        GOOD + b"{}",
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"behavior":{"form_fill_ms":01}}',
        b"user_id=u",
    ],
    ids=[
        "empty",
        "blank",
        "unfinished",
        "single quotes",
        "trailing comma",
        "utf-16",
        "byte order mark",
        "not utf-8",
        "raw NUL",
        "two texts",
        "open brackets",
        "deep nesting",
        "leading zero",
        "a form",
    ],
)
def test_what_is_not_json_is_not_json(http: FlaskClient, body: bytes) -> None:
    is_problem(http.post(SIGNUP, data=body, content_type="application/json"), 400, "not_json")


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b"[]", "", "model_type"),
        (b"null", "", "model_type"),
        (b'"text"', "", "model_type"),
        (b"NaN", "", "model_type"),
        (b"{}", "/account", "missing"),
        (signup(account={}), "/account/user_id", "missing"),
        (signup(account={"user_id": ""}), "/account/user_id", "string_pattern_mismatch"),
        (signup(account={"user_id": "a b"}), "/account/user_id", "string_pattern_mismatch"),
        (signup(account={"user_id": "a\n"}), "/account/user_id", "string_pattern_mismatch"),
        (signup(account={"user_id": "a\x00"}), "/account/user_id", "string_pattern_mismatch"),
        (signup(account={"user_id": "é"}), "/account/user_id", "string_pattern_mismatch"),
        (signup(account={"user_id": "x" * 129}), "/account/user_id", "string_too_long"),
        (signup(account={"user_id": 7}), "/account/user_id", "string_type"),
        (signup(account=[]), "/account", "model_type"),
        (signup(email=None), "/email", "model_type"),
        (signup(email={"address": None}), "/email/address", "string_type"),
        (signup(email={"address": "a@b.example", "x/y~z": 1}), "/email/x~1y~0z", "extra_forbidden"),
        (signup(surprise=1), "/surprise", "extra_forbidden"),
        (signup(device={"ip_address": ["203.0.113.9"]}), "/device/ip_address", "string_type"),
        (signup(behavior={"form_fill_ms": "1"}), "/behavior/form_fill_ms", "int_type"),
        (signup(behavior={"form_fill_ms": True}), "/behavior/form_fill_ms", "int_type"),
        (signup(behavior={"honeypot_filled": 1}), "/behavior/honeypot_filled", "bool_type"),
        (signup(behavior={"pasted_fields": ["a", 2]}), "/behavior/pasted_fields/1", "string_type"),
        (signup(custom_inputs={"UPPER": 1}), "/custom_inputs/UPPER", "string_pattern_mismatch"),
        (signup(custom_inputs={"a": {}}), "/custom_inputs/a", None),
        (signup(custom_inputs={f"k{n}": n for n in range(26)}), "/custom_inputs", "too_long"),
        (signup(event={"time": 1_795_341_600}), "/event/time", "value_error"),
        (signup(event={"time": "yesterday"}), "/event/time", None),
        (signup(event={"time": "2026-11-22T10:00:00"}), "/event/time", "value_error"),
    ],
)
def test_what_is_json_but_wrong_says_where(http: FlaskClient, body: bytes, pointer: str, code: str | None) -> None:
    found = is_problem(http.post(SIGNUP, data=body, content_type="application/json"), 422, "invalid")
    assert pointer in [error["pointer"] for error in found["errors"]]
    assert found["detail"].split(", at ")[0] == (
        "1 error" if len(found["errors"]) == 1 else f"{len(found['errors'])} errors"
    )
    error = next(error for error in found["errors"] if error["pointer"] == pointer)
    assert code is None or error["code"] == code


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        b" \n" + GOOD + b"\n",
        signup(email={"address": "a\x00b@x.example"}),
        signup(email={"address": ""}),
        signup(email={"address": "‮moc.elpmaxe@ana"}),
        signup(phone=None, device=None, behavior=None, payment=None, event=None, custom_inputs=None),
        signup(event={"time": "0001-01-01T00:00:00+14:00"}),
        signup(event={"time": "1969-07-20T20:17:40Z"}),
        signup(event={"time": "2026-11-22T10:04:59Z"}),
        signup(custom_inputs={"a": None, "b": True, "c": 1.5, "d": "x", "e": 2**60}),
        b'{"account":{"user_id":"first","user_id":"u"},"email":{"address":"ana@ruiz.example"}}',
    ],
    ids=[
        "least",
        "spaced",
        "NUL",
        "no address",
        "right to left",
        "nulls",
        "year 1",
        "1969",
        "ahead",
        "custom",
        "twice",
    ],
)
def test_odd_but_acceptable_signups_are_assessed(http: FlaskClient, body: bytes) -> None:
    response = http.post(SIGNUP, data=body, content_type="application/json")
    assert response.status_code == 200, response.data


@pytest.mark.parametrize(
    "media",
    ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.ours+json"],
)
def test_json_media_types_are_taken(http: FlaskClient, media: str) -> None:
    assert http.post(SIGNUP, data=GOOD, content_type=media).status_code == 200


@pytest.mark.parametrize("media", ["", "text/plain", "application/x-www-form-urlencoded", "json", "text/x+json", ";"])
def test_other_media_types_are_not(http: FlaskClient, media: str) -> None:
    is_problem(http.post(SIGNUP, data=GOOD, content_type=media), 415, "unsupported_media_type")


@pytest.mark.parametrize("size", [MIB + 1, 10 * MIB])
def test_a_big_body_is_refused(http: FlaskClient, size: int) -> None:
    is_problem(http.post(SIGNUP, data=b" " * size, content_type="application/json"), 413, "payload_too_large")


def test_a_big_body_of_no_announced_length_is_refused(http: FlaskClient) -> None:
    import io

    response = http.post(
        SIGNUP,
        input_stream=io.BytesIO(b" " * (2 * MIB)),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    is_problem(response, 413, "payload_too_large")


def test_a_body_of_exactly_one_mebibyte_is_read(http: FlaskClient) -> None:
    body = GOOD + b" " * (MIB - len(GOOD))
    assert http.post(SIGNUP, data=body, content_type="application/json").status_code == 200


def test_a_hundred_thousand_errors_make_a_small_answer(http: FlaskClient) -> None:
    body = json.dumps({f"k{number}": 0 for number in range(50_000)}).encode()
    response = http.post(SIGNUP, data=body, content_type="application/json")
    is_problem(response, 422, "invalid")
    assert len(response.data) < 10_000


def test_no_error_repeats_what_was_sent(http: FlaskClient) -> None:
    secret = "ana.ruiz@private.example"
    body = signup(
        account={"user_id": secret + " ", "name": [secret], "plan": {"a": secret}},
        email={"address": [secret]},
        event={"time": secret},
        behavior={"form_fill_ms": secret},
        custom_inputs={"a": [secret]},
    )
    response = http.post(SIGNUP, data=body, content_type="application/json")
    is_problem(response, 422, "invalid")
    assert secret not in response.text
    said = {each["pointer"]: each["detail"] for each in (response.json or {})["errors"]}
    assert said["/event/time"].startswith("expected an RFC 3339 time")  # our own words alone


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"custom_inputs": {"a": []}}, "Input should be a valid string or boolean or integer or number"),
        ({"behavior": {"keystrokes": "7"}}, "Input should be a valid integer or number"),
        ({"account": {"user_id": 7}}, "Input should be a valid string"),
    ],
)
def test_all_that_a_field_takes_is_named(http: FlaskClient, changes: dict[str, Any], detail: str) -> None:
    found = http.post(SIGNUP, data=signup(**changes), content_type="application/json").json or {}
    assert [row["detail"] for row in found["errors"]] == [detail]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("POST", "/v1/signups/", 404, "not_found"),
        ("POST", "//v1/signups", 404, "not_found"),
        ("GET", "/v1/accounts/", 404, "not_found"),
        ("GET", "/v1/accounts/a%00b", 404, "not_found"),
        ("GET", "/v1/accounts/%ff", 404, "not_found"),
        ("GET", "/v1/accounts/a%0a", 404, "not_found"),
        ("GET", "/v1/accounts/" + "a" * 129, 404, "not_found"),
        ("GET", "/v1/accounts/unknown", 404, "not_found"),
        ("GET", "/v1/accounts/a/b", 404, "not_found"),
        ("GET", "/docs/..%2f__init__.py", 404, "not_found"),
        ("GET", "/docs/nothing.js", 404, "not_found"),
        ("GET", "/v1/signups", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/signups", 405, "method_not_allowed"),
        ("BREW", "/v1/signups", 405, "method_not_allowed"),
        ("DELETE", "/v1/accounts/a", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_there_is_a_problem_too(http: FlaskClient, method: str, path: str, status: int, code: str) -> None:
    response = http.open(path, method=method)
    is_problem(response, status, code)
    assert status != 405 or response.headers["Allow"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("status=waiting", "/status"),
        ("limit=0", "/limit"),
        ("limit=201", "/limit"),
        ("limit=many", "/limit"),
        ("limit=" + "9" * 5000, "/limit"),
        ("cursor=" + "x" * 257, "/cursor"),
        ("stauts=open", "/stauts"),
    ],
)
def test_a_wrong_query_says_which_parameter(http: FlaskClient, query: str, pointer: str) -> None:
    found = is_problem(http.get(f"/v1/reviews?{query}"), 422, "invalid")
    assert [error["pointer"] for error in found["errors"]] == [pointer]


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer x", BOOTSTRAP_KEY, f"Basic {BOOTSTRAP_KEY}", "Bearer é", "Bearer \xff"],
)
def test_no_key_or_a_wrong_one_is_401(http: FlaskClient, authorization: str | None) -> None:
    http.environ_base.pop("HTTP_AUTHORIZATION")
    environ = {} if authorization is None else {"HTTP_AUTHORIZATION": authorization}
    response = http.post(SIGNUP, data=GOOD, content_type="application/json", environ_overrides=environ)
    is_problem(response, 401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_the_scheme_is_read_in_any_case(http: FlaskClient) -> None:
    for scheme in ("bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {BOOTSTRAP_KEY}"}
        assert http.get("/v1/reviews", headers=headers).status_code == 200


def test_a_key_without_the_scope_is_told_which_one(http: FlaskClient, store: Store) -> None:
    from riskapi.access.api_keys import ApiKeys

    headers = {"Authorization": f"Bearer {ApiKeys(store).create('sender', ['sends'])}"}
    response = http.post(SIGNUP, data=GOOD, content_type="application/json", headers=headers)
    assert "signups" in is_problem(response, 403, "forbidden")["detail"]
    assert 'scope="signups"' in response.headers["WWW-Authenticate"]
    assert "signups or reviews" in is_problem(http.get("/v1/accounts/u", headers=headers), 403, "forbidden")["detail"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [("req-1.a:B_2", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("é", False), ("", False)],
)
def test_a_sane_request_id_is_kept_and_another_replaced(http: FlaskClient, given: str, kept: bool) -> None:
    for path in ("/healthz", "/nowhere", "/v1/reviews"):
        found = http.get(path, environ_overrides={"HTTP_X_REQUEST_ID": given}).headers["X-Request-Id"]
        assert (found == given) is kept
        assert 0 < len(found) <= 128


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreUnavailable("redis at secret:6379"), 503, "unavailable"),
        (Problem("signup_conflict", "Taken."), 409, "signup_conflict"),
        (ZeroDivisionError("ana@ruiz.example"), 500, "internal"),
        (RecursionError(), 500, "internal"),
    ],
)
def test_failures_become_problems_without_a_trace(
    make_http: Callable[..., FlaskClient], error: Exception, status: int, code: str
) -> None:
    client = make_http(assessor=FailingAssessor(error))
    response = client.post(SIGNUP, data=GOOD, content_type="application/json")
    is_problem(response, status, code)
    for secret in ("ana@", "Traceback", "secret:6379", "ZeroDivision"):
        assert secret not in response.text
    assert status != 503 or response.headers["Retry-After"] == "1"


def test_every_code_is_explained_and_the_page_is_current() -> None:
    assert set(problems.ADVICE) == set(CODES)
    written = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
    assert written == problems.page()


def test_the_type_of_a_problem_leads_to_its_explanation(http: FlaskClient) -> None:
    page = http.get("/docs/errors")
    assert page.mimetype == "text/html"
    assert all(f'id="{code}"' in page.text for code in CODES)
