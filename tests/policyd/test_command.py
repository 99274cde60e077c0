"""``python -m riskapi policyd`` as an operator runs it."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from riskapi.commands.policyd import greeting
from riskapi.settings import Settings
from tests.conftest import ROOT
from tests.grants_stand_in import KEY, Answer, Grants, denied, grants
from tests.policyd.process import Policyd
from tests.policyd.smtpd import FREE, WAIT, Postfix

REFUSED: Answer = (422, {"code": "invalid"})


@pytest.fixture
def riskapi() -> Iterator[Grants]:
    with grants() as found:
        found.answer = lambda asked: denied() if asked.body else REFUSED
        yield found


@pytest.fixture
def policyd(tmp_path: Path, riskapi: Grants, free_port: int) -> Iterator[Callable[..., Policyd]]:
    """``policyd(RISKAPI_POLICYD_AWAY="dunno", …)`` starts it, asking the stand-in."""
    started: list[Policyd] = []

    def start(**environment: str) -> Policyd:
        ours = {
            "RISKAPI_POLICYD_BIND": f"127.0.0.1:{free_port}",
            "RISKAPI_POLICYD_URL": riskapi.url,
            "RISKAPI_POLICYD_API_KEY": KEY,
        }
        started.append(Policyd(tmp_path, **{**ours, **environment}))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.stop(signal.SIGKILL)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_says_what_to_tell_postfix_answers_and_stops_in_order(
    how: signal.Signals, policyd: Callable[..., Policyd], free_port: int, riskapi: Grants, tmp_path: Path
) -> None:
    running = policyd().ready()
    rule = f"smtpd_end_of_data_restrictions = check_policy_service inet:127.0.0.1:{free_port}"
    assert f"submission inet n - y - - smtpd\n  -o smtpd_sasl_auth_enable=yes\n  -o {{ {rule} }}\n" in running.output
    assert riskapi.url in running.output and KEY not in running.output
    postfix = Postfix(("127.0.0.1", free_port))
    said = postfix.ask()
    assert said is not None and said.startswith(WAIT)
    assert running.stop(how) == 0
    assert postfix.answer() is None
    postfix.close()
    assert "Traceback" not in running.errors and KEY not in running.errors
    assert not (tmp_path / "var").exists()


def test_a_socket_path_is_listened_on(policyd: Callable[..., Policyd], tmp_path: Path) -> None:
    path = tmp_path / "socket"
    running = policyd(RISKAPI_POLICYD_BIND=f"unix:{path}").ready()
    assert f"check_policy_service unix:{path} }}\n" in running.output
    postfix = Postfix(str(path))
    assert postfix.ask("MAIL") == FREE
    postfix.close()
    assert running.stop() == 0
    assert not path.exists()


def test_a_riskapi_that_is_away_is_waited_for(policyd: Callable[..., Policyd], riskapi: Grants, free_port: int) -> None:
    riskapi.answer = lambda asked: (503, {})
    running = policyd(RISKAPI_POLICYD_AWAY="dunno").ready()
    assert f"{riskapi.url} cannot be asked now (503); mail goes out uncounted until it can" in running.errors
    postfix = Postfix(("127.0.0.1", free_port))
    assert postfix.ask() == FREE
    postfix.close()


WRONG: dict[str, tuple[dict[str, str], Answer, str]] = {
    "no key": (
        {"RISKAPI_POLICYD_API_KEY": ""},
        REFUSED,
        "RISKAPI_POLICYD_API_KEY: is not set; make one with `python -m riskapi keys create",
    ),
    "wrong key": ({}, (401, {}), "RISKAPI_POLICYD_API_KEY: is not a valid key, says http://127.0.0.1:"),
    "key without the scope": ({}, (403, {}), "RISKAPI_POLICYD_API_KEY: lacks the scope sends, says http://127.0.0.1:"),
    "another server": ({}, (404, {}), "is not a riskapi that grants sends (it answered 404)"),
    "no such host": ({"RISKAPI_POLICYD_BIND": "192.0.2.1:10040"}, REFUSED, "RISKAPI_POLICYD_BIND: 192.0.2.1:10040 "),
    "networks that are none": (
        {"RISKAPI_POLICYD_NETWORKS": "10.0.0.1/8"},
        REFUSED,
        "RISKAPI_POLICYD_NETWORKS: expected addresses or networks without bits beyond their length",
    ),
    "no such directory": (
        {"RISKAPI_POLICYD_BIND": "unix:/nowhere/socket"},
        REFUSED,
        "RISKAPI_POLICYD_BIND: /nowhere/socket No such file",
    ),
}


@pytest.mark.parametrize(("environment", "answer", "why"), WRONG.values(), ids=WRONG)
def test_it_refuses_to_start_and_says_why(
    environment: dict[str, str], answer: Answer, why: str, policyd: Callable[..., Policyd], riskapi: Grants
) -> None:
    riskapi.answer = lambda asked: answer
    running = policyd(**environment)
    assert running.process.wait(30) == 2
    assert why in running.errors and len(running.errors.splitlines()) == 1
    assert KEY not in running.errors


def test_a_busted_map_and_a_port_in_use_are_refused(
    policyd: Callable[..., Policyd], tmp_path: Path, free_port: int
) -> None:
    path = tmp_path / "senders"
    path.write_text("# ours\nana@ruiz.example\n")
    running = policyd(RISKAPI_POLICYD_MAP_FILE=str(path))
    assert running.process.wait(30) == 2
    assert running.errors == f"{path}: line 2: expected a login, address or @domain, and a user id\n"
    with contextlib.closing(socket.create_server(("127.0.0.1", free_port))):
        running = policyd()
        assert running.process.wait(30) == 2
    assert running.errors.endswith(f"RISKAPI_POLICYD_BIND: 127.0.0.1:{free_port} is in use by another program\n")


@pytest.mark.parametrize(
    ("bind", "named"),
    [
        ("127.0.0.1:10040", "inet:127.0.0.1:10040"),
        ("0.0.0.0:10040", "inet:127.0.0.1:10040"),
        ("[::1]:10040", "inet:[::1]:10040"),
        ("unix:/run/policyd.sock", "unix:/run/policyd.sock"),
        ("unix:/var/spool/postfix/riskapi/policyd.sock", "unix:riskapi/policyd.sock"),
    ],
)
def test_postfix_is_told_the_address_as_it_sees_it(bind: str, named: str) -> None:
    said = greeting(Settings.load({"RISKAPI_POLICYD_BIND": bind}))
    assert f"smtpd_end_of_data_restrictions = check_policy_service {named} }}\n" in said


def test_help_says_what_it_needs() -> None:
    done = subprocess.run([sys.executable, "-m", "riskapi", "policyd", "--help"], capture_output=True, cwd=ROOT)
    assert done.returncode == 0
    assert b"RISKAPI_POLICYD_API_KEY" in done.stdout and b"docs/postfix.md" in done.stdout
