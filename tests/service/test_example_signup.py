"""The signup call in docs/examples, run as it stands: an account comes out whatever riskapi does."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from tests.conftest import BOOTSTRAP_KEY, Service
from tests.examples import NODE, node, programs, python
from tests.grants_stand_in import KEY, Answer, Question, grants

PROGRAMS = programs("signup")
SIGNUP = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}
ASSESSED: Answer = (
    200,
    {"decision": "review", "limits": {"hourly": 20, "daily": 50, "monthly": 200, "scope": "account"}},
)
OPENED = {
    "user_id": "u_1",
    "decision": "review",
    "limits": {"hourly": 20, "daily": 50, "monthly": 200},
    "ask_again": False,
}
UNANSWERED = {
    "user_id": "u_1",
    "decision": None,
    "limits": {"hourly": 10, "daily": 20, "monthly": 60},
    "ask_again": True,
}
LOST: Answer = (200, None)
AWAY: Answer = (503, {"code": "unavailable"})


def opened(program: list[str], url: str, key: str = KEY) -> tuple[Any, str]:
    """The account that the program would create, and what it said of trouble."""
    environment = {**os.environ, "RISK_API_URL": url, "RISK_API_KEY": key}
    done = subprocess.run(
        program, input=json.dumps(SIGNUP), capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("answers", "account", "said"),
    [
        pytest.param([ASSESSED], OPENED, "", id="answered"),
        pytest.param([LOST, ASSESSED], OPENED, "", id="answered-the-second-time"),
        pytest.param([AWAY, ASSESSED], OPENED, "", id="away-the-first-time"),
        pytest.param([LOST, AWAY], UNANSWERED, "did not answer", id="away-twice"),
        pytest.param([(200, b"<html>"), (200, b"<html>")], UNANSWERED, "did not answer", id="not-json-twice"),
        pytest.param([(200, {})], UNANSWERED, "did not answer", id="without-limits"),
        pytest.param([(401, {"code": "unauthorized"})], UNANSWERED, "refused the signup: 401", id="wrong-key"),
        pytest.param([(409, {"code": "signup_conflict"})], UNANSWERED, "refused the signup: 409", id="conflict"),
        pytest.param([(422, {"code": "invalid"})], UNANSWERED, "refused the signup: 422", id="invalid"),
    ],
)
def test_an_account_comes_out_whatever_is_answered(
    program: list[str], answers: list[Answer], account: Any, said: str
) -> None:
    left = list(answers)

    def answer(asked: Question) -> Answer:
        return left.pop(0)

    with grants() as riskapi:
        riskapi.answer = answer
        found, trouble = opened(program, riskapi.url)
    assert (found, left) == (account, [])
    assert said in trouble and bool(said) == bool(trouble)
    assert [(asked.path, asked.body) for asked in riskapi.questions] == [("/v1/signups", SIGNUP)] * len(answers)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_an_account_comes_out_when_nothing_answers(program: list[str], free_port: int) -> None:
    assert opened(program, f"http://127.0.0.1:{free_port}")[0] == UNANSWERED  # nobody listens
    with grants() as riskapi:
        riskapi.answering.clear()  # somebody listens, and says nothing for longer than the program waits
        assert opened(program, riskapi.url)[0] == UNANSWERED
        assert len(riskapi.questions) == 2


@pytest.mark.slow
def test_the_real_service_answers_every_program_the_same(served: Service) -> None:
    for program in (python("signup"), *([node("signup")] if NODE else [])):
        found, trouble = opened(program, served.url, BOOTSTRAP_KEY)
        assert found["limits"] == {"hourly": 200, "daily": 500, "monthly": 5000}, trouble
        assert (found["decision"], found["ask_again"], trouble) == ("allow", False, "")
