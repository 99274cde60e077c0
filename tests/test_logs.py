"""Logs are JSON lines that say what happened and never to whom."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi import logs
from riskapi.store.connections import Store
from tests.failing import FailingAssessor
from tests.logged import Lines, captured, put_back
from tests.requests import SIGNUP

#: Every one of these is personal data, or leads to it.
SECRETS = {
    "user_id": "u_7a31c9",
    "name": "Ana Quintana",
    "address": "ana.quintana@ruiz.example",
    "number": "+34600123123",
    "ip_address": "203.0.113.77",
    "device": "dev-55aa",
}
BODY = {
    "account": {"user_id": SECRETS["user_id"], "name": SECRETS["name"]},
    "email": {"address": SECRETS["address"]},
    "phone": {"number": SECRETS["number"]},
    "device": {"ip_address": SECRETS["ip_address"], "id": SECRETS["device"]},
}


def ask_everything(client: FlaskClient) -> None:
    """Requests of every kind, each with personal data where it may be."""
    environ = {"REMOTE_ADDR": SECRETS["ip_address"]}
    client.post(SIGNUP, json=BODY, environ_overrides=environ)
    client.post(SIGNUP, json={**BODY, "phone": SECRETS["number"]}, environ_overrides=environ)
    client.post(SIGNUP, data=SECRETS["address"], content_type="application/json", environ_overrides=environ)
    client.get(f"/v1/accounts/{SECRETS['user_id']}?mail={SECRETS['address']}", environ_overrides=environ)
    client.get(f"/v1/people/{SECRETS['address']}", environ_overrides=environ)
    client.delete(f"/v1/accounts/{SECRETS['user_id']}", environ_overrides=environ)
    client.get(f"/v1/reviews?cursor={SECRETS['address']}", environ_overrides=environ)
    client.post(
        f"/v1/accounts/{SECRETS['user_id']}/labels",
        json={"label": "abuse", "source": "appeal", "note": SECRETS["name"]},
        headers={"Idempotency-Key": SECRETS["address"]},
    )
    client.get("/metrics", environ_overrides=environ)


def holds_no_secret(found: list[dict[str, Any]]) -> None:
    text = json.dumps(found, ensure_ascii=False)
    assert found
    assert [name for name, secret in SECRETS.items() if secret in text] == []


def test_the_http_layer_logs_no_personal_data(make_http: Callable[..., FlaskClient], lines: Lines) -> None:
    ask_everything(make_http())
    assert [line["event"] for line in lines()].count("request") == 9
    holds_no_secret(lines())


def test_the_whole_service_logs_no_personal_data(client: FlaskClient, lines: Lines) -> None:
    ask_everything(client)
    holds_no_secret(lines())


def test_a_request_is_one_line(make_http: Callable[..., FlaskClient], lines: Lines) -> None:
    make_http().post(SIGNUP, json=BODY, headers={"X-Request-Id": "r-1"})
    [line] = lines()
    assert line.pop("duration_ms") > 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "event": "request",
        "request_id": "r-1",
        "method": "POST",
        "route": "/v1/signups",
        "status": 200,
        "key": "bootstrap",
        "tier": "allow",
        "code": None,
    }


def test_a_defect_is_logged_with_its_stack_and_without_its_message(
    make_http: Callable[..., FlaskClient],
    lines: Lines,
) -> None:
    failing = FailingAssessor(KeyError(SECRETS["address"]))
    make_http(assessor=failing).post(SIGNUP, json=BODY, headers={"X-Request-Id": "r-1"})
    defect, request = lines()
    assert (defect["event"], defect["level"], defect["request_id"]) == ("defect", "error", "r-1")
    assert defect["error"] == "builtins.KeyError"
    assert any(frame.endswith(" signup") for frame in defect["stack"])
    assert (request["status"], request["code"]) == (500, "internal")
    holds_no_secret([defect, request])


def test_lines_of_libraries_lose_their_arguments_and_exceptions_their_message(lines: Lines) -> None:
    try:
        raise ValueError(SECRETS["address"])
    except ValueError:
        logging.getLogger("some.library").exception("could not read %s", SECRETS["address"])
    [line] = lines()
    assert (line["logger"], line["message"], line["error"]) == (
        "some.library",
        "could not read %s",
        "builtins.ValueError",
    )
    holds_no_secret([line])


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1795824000.123, "2026-11-28T00:00:00.123Z"),
        (1795823999.9994, "2026-11-27T23:59:59.999Z"),
        (1795823999.9999999, "2026-11-28T00:00:00.000Z"),
    ],
)
def test_a_line_says_when_to_the_millisecond(at: float, expected: str) -> None:
    record = logging.makeLogRecord({"msg": "said", "levelno": logging.INFO, "created": at})
    said = json.loads(logs.JsonLines().format(record))
    assert (said["time"], said["level"]) == (expected, "info")


def test_quiet_levels_are_not_written(lines: Lines) -> None:
    logs.note(logging.DEBUG, "detail")
    assert lines() == []


def test_a_field_that_json_does_not_know_does_not_stop_the_line(lines: Lines, store: Store) -> None:
    logs.note(logging.INFO, "odd", things={1}, nested={1: "x"})
    assert lines()[0]["things"] == "{1}"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_line_that_finds_no_room_is_lost_and_nothing_else() -> None:
    with open("/dev/full", "wb", buffering=0) as full:
        stream = io.TextIOWrapper(full, write_through=True)
        logs.configure("info", stream)
        try:
            for _ in range(3):
                logs.note(logging.ERROR, "something")
        finally:
            logs.configure()
            stream.detach()  # which closes with ``full``, not a second time by itself


def test_lines_go_to_what_standard_error_is_at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with captured():
        monkeypatch.setattr("sys.stderr", closed := io.StringIO())
        logs.configure()
        closed.close()  # as a test runner does with the stream of a command that it ran
        monkeypatch.setattr("sys.stderr", now := io.StringIO())
        logs.note(logging.INFO, "something")
        logging.getLogger("some.library").warning("odd")
    assert [json.loads(line)["event"] for line in now.getvalue().splitlines()] == ["something", "message"]


def test_a_line_to_a_closed_stream_is_lost_and_nothing_else() -> None:
    closed = io.StringIO()
    with put_back():
        logs.configure("info", closed)
        closed.close()
        logs.note(logging.ERROR, "something")
