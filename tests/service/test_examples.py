"""The senders in docs/examples, run as they stand."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BOOTSTRAP_KEY, Service
from tests.examples import programs, python
from tests.grants_stand_in import KEY, Question, grants
from tests.threaded import running

PROGRAMS = programs("send")


class Sink(socketserver.StreamRequestHandler):
    """Takes mail for whoever has a domain, and goes away when it is asked about ``stop@``."""

    def handle(self) -> None:
        self.wfile.write(b"220 sink.example\r\n")
        while line := self.rfile.readline().upper():
            if b"<STOP@" in line:
                return
            if line.startswith(b"RCPT"):
                self.wfile.write(b"250 yes\r\n" if b"@" in line else b"550 no such address\r\n")
            elif line.startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() != b".\r\n":
                    pass
                self.wfile.write(b"250 taken\r\n")
            elif line.startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
            else:
                self.wfile.write(b"250 yes\r\n")


@pytest.fixture
def sink() -> Iterator[str]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sink)
    server.daemon_threads = True
    with running(server):
        yield f"127.0.0.1:{server.server_address[1]}"


def run(program: list[str], recipients: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    letter = tmp_path / "letter.eml"
    letter.write_text("From: ana@ruiz.example\nSubject: Spring\n\nHello\n")
    arguments = ["u_1", str(letter)] if program[1].endswith(".py") else ["u_1"]
    everything = {**os.environ, **environment}
    return subprocess.run(
        [*program, *arguments], input=recipients, capture_output=True, text=True, env=everything, timeout=60
    )


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_granted_is_sent_and_what_is_not_used_given_back(
    program: list[str], served_anew: Service, sink: str, tmp_path: Path
) -> None:
    served = served_anew
    served.request("POST", "/v1/signups", {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}})
    label = {"label": "abuse", "source": "manual_review"}
    assert served.request("POST", "/v1/accounts/u_1/labels", label)[1]["tier"] == "limit"  # 5 recipients an hour

    def sent(recipients: str) -> Any:
        environment = {"RISK_API_URL": served.url, "RISK_API_KEY": BOOTSTRAP_KEY, "SMTP_HOST": sink}
        done = run(program, recipients, tmp_path, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert sent("a@one.example nowhere c@one.example") == {
        "left": [],
        "retry_after": None,
        "refused": ["nowhere"],
        "unknown": [],
    }
    said = sent("d@one.example e@one.example f@one.example g@one.example")
    assert (said["left"], said["refused"]) == (["g@one.example"], [])
    assert 3500 < said["retry_after"] <= 3660
    assert sent("g@one.example")["left"] == ["g@one.example"]


def test_a_mail_server_that_goes_away_loses_nobody(sink: str, tmp_path: Path) -> None:
    people = ["a@one.example", "b@one.example", "stop@one.example", "d@one.example", "e@one.example"]
    with grants() as riskapi:
        answers = [(200, {"reservation_id": "rsv_1", "granted": 4, "retry_after": 9}), (200, {})]
        riskapi.answer = lambda asked: answers.pop(0)
        environment = {"RISK_API_URL": riskapi.url, "RISK_API_KEY": KEY, "SMTP_HOST": sink}
        done = run(python("send"), " ".join(people), tmp_path, **environment)
        assert json.loads(done.stdout) == {
            "left": ["d@one.example", "e@one.example"],
            "retry_after": 9,
            "refused": [],
            "unknown": ["stop@one.example"],
        }
        assert [asked.body["recipients"] for asked in riskapi.questions] == [5, 1]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_question_without_an_answer_is_repeated_and_a_wrong_one_is_not(
    program: list[str], sink: str, tmp_path: Path
) -> None:
    answers: list[tuple[int, Any]] = [(200, None), (503, {}), (200, {"granted": 0, "retry_after": 9})]
    with grants() as riskapi:

        def answer(asked: Question) -> tuple[int, Any]:
            return answers.pop(0)

        riskapi.answer = answer
        environment = {"RISK_API_URL": riskapi.url, "RISK_API_KEY": KEY, "SMTP_HOST": sink}
        done = run(program, "a@one.example", tmp_path, **environment)
        assert json.loads(done.stdout) == {
            "left": ["a@one.example"],
            "retry_after": 9,
            "refused": [],
            "unknown": [],
        }
        assert len(riskapi.questions) == 3 and len({asked.key for asked in riskapi.questions}) == 1
        answers = [(404, {"code": "not_found"})]
        refused = run(program, "a@one.example", tmp_path, **environment)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.splitlines() == ['riskapi answered 404: {"code": "not_found"}']
        assert len(riskapi.questions) == 4
        assert riskapi.questions[3].key != riskapi.questions[2].key
