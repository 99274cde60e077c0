"""The service as an operator runs it: real processes, real signals. What is refused before anything is started, and
commands beside it, are given in this process.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from riskapi.access.api_keys import SCOPES, ApiKeys
from riskapi.commands.serve import first_key, greeting
from riskapi.server import http_server
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.embedded import Embedded
from tests import commanding
from tests.commanding import Done, environment
from tests.conftest import BOOTSTRAP_KEY, ROOT, Service
from tests.waiting import await_text, until

Serve = Callable[..., Service]
Here = Callable[..., Done]
SIGNUP = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """``here("keys", "list", RISKAPI_DATA_DIR="…")`` gives a command in this process, with these settings alone.

    A service that is not refused serves nobody here, and fails the test.
    """
    run = commanding.within(capsys)

    def serve_nobody(settings: Settings) -> None:
        raise AssertionError("it would have served")

    def given(*words: str, **settings: str) -> Done:
        with monkeypatch.context() as patch:
            patch.setattr(http_server, "serve", serve_nobody)
            for name in os.environ.keys() - environment().keys():
                patch.delenv(name)
            for name, value in settings.items():
                patch.setenv(name, value)
            return run(*words)

    return given


def test_the_line_a_first_start_prints_works_when_pasted_and_a_second_start_finds_it(serve: Serve) -> None:
    service = serve()
    line = await_text(service.output, r"curl .*")
    words = shlex.split(line)
    key = words[words.index("-H") + 1].removeprefix("Authorization: Bearer ")
    assert f"API key, shown this once: {key}" in service.output.read_text()
    pasted = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=30, check=True)
    assert '"object":"assessment"' in pasted.stdout
    assert service.stop(signal.SIGINT, group=True) == 0

    again = serve()
    status, account = again.request("GET", "/v1/accounts/u_1001", key=key)
    assert (status, account["user_id"]) == (200, "u_1001")
    assert "shown this once" not in await_text(again.output, r"(?s).*curl .*")


@pytest.mark.parametrize("worker", ["off", "on"])
@pytest.mark.parametrize("group", [False, True], ids=["to the service", "to all, as a terminal does"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_order(serve: Serve, how: signal.Signals, group: bool, worker: str) -> None:
    service = serve(RISKAPI_WORKERS="2", RISKAPI_SERVE_WORKER=worker)
    ended_in_order(service, how, group=group)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_workers_that_are_told_to_end_while_they_start_end_in_order(serve: Serve, how: signal.Signals) -> None:
    service = serve(wait=False, RISKAPI_WORKERS="2")
    until(lambda: len(service.workers()) == 2)
    ended_in_order(service, how, group=True)


def ended_in_order(service: Service, how: signal.Signals, *, group: bool) -> None:
    assert service.stop(how, group=group) == 0
    assert not Embedded(service.data_dir).alive()
    assert "Traceback" not in service.errors.read_text()
    assert '"level":"error"' not in service.errors.read_text()


def test_a_service_that_is_killed_outright_leaves_nothing_behind_that_stops_the_next(serve: Serve) -> None:
    service = serve()
    assert service.request("POST", "/v1/signups", SIGNUP)[0] == 200
    service.stop(signal.SIGKILL)
    again = serve(wait=False)
    await_text(again.errors, "http_worker_started")  # until then workers of the one that was killed may answer
    again.wait_until_ready()
    status, account = again.request("GET", "/v1/accounts/u_1")
    assert (status, account["user_id"]) == (200, "u_1")
    assert again.stop() == 0
    assert not Embedded(again.data_dir).alive()


def test_a_store_that_ends_is_started_again_with_all_data(serve: Serve) -> None:
    service = serve(RISKAPI_STORE_FSYNC="always")
    assert service.request("POST", "/v1/signups", SIGNUP)[0] == 200
    pid = Embedded(service.data_dir).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await_text(service.errors, "embedded_store_ended")
    service.wait_until_ready()
    assert service.request("GET", "/v1/accounts/u_1")[0] == 200


def test_commands_work_beside_the_service_and_leave_its_store_alone(serve: Serve, here: Here) -> None:
    service = serve()

    def beside(*words: str) -> Done:
        return here(*words, RISKAPI_DATA_DIR=str(service.data_dir))

    made = service.command("keys", "create", "--name", "flow", "--scope", "signups", "--scope", "reviews")
    assert made.returncode == 0, made.stderr
    assert re.fullmatch(r"rk_\S+\n", made.stdout)
    assert service.request("POST", "/v1/signups", SIGNUP, made.stdout.strip())[0] == 200

    exported = beside("export", "decisions")
    assert exported.code == 0, exported.err
    assert exported.out.count("\n") == 1 and '"user_id":"u_1"' in exported.out
    file = service.data_dir / "decisions.jsonl"
    file.write_text(exported.out)
    replayed = beside("replay", str(file))
    assert replayed.code == 0, replayed.out + replayed.err
    assert "1 the same, 0 different" in replayed.err
    file.write_text(re.sub(r'"risk_score":[0-9.]+', '"risk_score":99.5', exported.out) + "{}\n")
    replayed = beside("replay", str(file))
    assert replayed.code == 1
    assert "line 1" in replayed.out and "line 2: not a decision: 'versions' is missing" in replayed.out

    doctor = service.command("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "keeps an append-only file" in doctor.stdout and "FAIL" not in doctor.stdout

    listed = beside("keys", "list").out.splitlines()
    key_id = next(line for line in listed if line.endswith("\tflow")).split("\t")[0]
    assert beside("keys", "revoke", key_id).code == 0
    assert beside("keys", "revoke", key_id).code == 1
    assert service.request("GET", "/readyz")[0] == 200


def test_a_store_given_by_url_is_used(serve: Serve, embedded_store: Embedded, store: Store) -> None:
    service = serve(REDIS_URL=f"unix://{embedded_store.socket}")
    assert service.request("POST", "/v1/signups", SIGNUP)[0] == 200
    assert store.execute("DBSIZE") > 0
    assert service.stop() == 0
    assert embedded_store.alive()
    assert not (service.data_dir / "store").exists()
    assert "RISKAPI_LINK_KEY is not set" in service.errors.read_text()


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "a wrong value": ({"RISKAPI_WORKERS": "none"}, "RISKAPI_WORKERS: expected a whole number"),
    "a misspelt name": ({"RISKAPI_WORKER": "1"}, "did you mean RISKAPI_WORKERS"),
    "a policy that is broken": ({"RISKAPI_POLICY_FILE": str(ROOT / "pyproject.toml")}, "pyproject.toml: "),
    "a database that is none": ({"RISKAPI_ASN_DATABASE": str(ROOT / "pyproject.toml")}, "RISKAPI_ASN_DATABASE"),
    "a directory without a model": ({"RISKAPI_MODEL_DIR": "/nowhere"}, "/nowhere: RISKAPI_MODEL_DIR: "),
}


@pytest.mark.parametrize(("environment", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_started_is_said_in_one_sentence(
    here: Here, tmp_path: Path, free_port: int, environment: dict[str, str], said: str
) -> None:
    ours = {"RISKAPI_DATA_DIR": str(tmp_path), "RISKAPI_BIND": f"127.0.0.1:{free_port}"}
    refused = here("serve", **{**ours, **environment})
    assert refused.code == 2
    assert said in refused.err
    assert "Traceback" not in refused.err
    assert not Embedded(tmp_path).alive()


def test_a_store_that_is_away_is_said_in_one_sentence(serve: Serve) -> None:
    service = serve(wait=False, REDIS_URL="redis://127.0.0.1:1")
    assert service.process.wait(60) == 1
    errors = service.errors.read_text()
    assert "the store did not answer" in errors
    assert "Traceback" not in errors
    assert not Embedded(service.data_dir).alive()


def test_a_port_in_use_is_said(here: Here, tmp_path: Path, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        refused = here("serve", RISKAPI_DATA_DIR=str(tmp_path), RISKAPI_BIND=f"127.0.0.1:{free_port}")
    assert refused.code == 2
    assert f"RISKAPI_BIND: 127.0.0.1:{free_port} is in use" in refused.err


def test_a_second_start_on_a_port_says_who_is_there_and_ends(serve: Serve, here: Here, tmp_path: Path) -> None:
    service = serve()
    bind = service.url.removeprefix("http://")
    for data_dir in (service.data_dir, tmp_path / "another"):
        second = here("serve", RISKAPI_DATA_DIR=str(data_dir), RISKAPI_BIND=bind)
        assert second.code == 2
        said = f"is served by another riskapi (process {service.process.pid}, data in {service.data_dir})"
        assert said in second.err
    assert service.request("GET", "/readyz")[0] == 200
    assert service.stop() == 0
    serve()


def test_of_two_starts_at_once_one_serves_and_the_other_ends(serve: Serve, tmp_path: Path) -> None:
    both = [serve(wait=False, RISKAPI_DATA_DIR=str(tmp_path / name)) for name in ("one", "other")]
    ended = until(lambda: [each for each in both if each.process.poll() is not None], 60)
    assert [each.process.returncode for each in ended] == [2]
    (left,) = (each for each in both if each not in ended)
    assert f"is served by another riskapi (process {left.process.pid}" in ended[0].errors.read_text()
    left.wait_until_ready()


def test_the_first_key_is_made_once(store: Store) -> None:
    keys = ApiKeys(store)
    key = first_key(keys)
    assert key is not None
    found = keys.find(key)
    assert found is not None and found.scopes == frozenset(SCOPES)
    assert first_key(keys) is None


def test_the_greeting_shows_the_key_only_when_it_is_new(settings: Settings) -> None:
    assert "rk_new" in greeting(settings, "rk_new")
    assert "YOUR_KEY" in greeting(settings, None)
    assert BOOTSTRAP_KEY not in greeting(settings, None)


def test_the_greeting_shows_the_link_to_the_first_admin_while_there_is_no_user(settings: Settings) -> None:
    assert "/console/welcome/abc" in greeting(settings, None, "http://127.0.0.1:8000/console/welcome/abc")
    assert "first admin" not in greeting(settings, None)


def test_help_names_every_command() -> None:
    shown: Any = subprocess.run(
        [sys.executable, "-m", "riskapi", "--help"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in ("serve", "keys", "export", "replay", "policy", "data", "doctor"):
        assert re.search(rf"^│ {name} ", shown, re.MULTILINE)
