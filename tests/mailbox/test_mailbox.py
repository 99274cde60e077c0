"""``python -m riskapi mailbox`` as an operator runs it, before the real service, and behind a real Postfix."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from riskapi.mailbox.handover import Handover, Outcome
from tests import postfix
from tests.conftest import BOOTSTRAP_KEY, ROOT, Service
from tests.feedback.mail.corpus import mail
from tests.ports import free_ports
from tests.waiting import until

pytestmark = pytest.mark.slow
SIGNUP = {"account": {"user_id": "u_1001"}, "email": {"address": "ana@ruiz.example"}}


def signed_up(service: Service) -> Service:
    """The service, with Ana in it."""
    assert service.request("POST", "/v1/signups", SIGNUP)[0] == 200
    return service


@pytest.fixture
def riskapi(served_anew: Service) -> Service:
    return signed_up(served_anew)


def counted(service: Service) -> dict[str, int]:
    feedback = service.request("GET", "/v1/accounts/u_1001")[1]["feedback"]
    return {name: feedback[name] for name in ("hard_bounces", "soft_bounces", "complaints", "blocks") if feedback[name]}


class Mailbox:
    """The command; its output is read when it has ended, its errors as well."""

    def __init__(self, tmp_path: Path, url: str, *arguments: str, **environment: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RISKAPI_", "REDIS_"))}
        ours = {
            "RISKAPI_DATA_DIR": str(tmp_path / "var"),
            "RISKAPI_MAILBOX_API_KEY": BOOTSTRAP_KEY,
            "RISKAPI_MAILBOX_URL": url,
        }
        self._errors = tmp_path / "mailbox.err"
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "riskapi", "mailbox", *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env={**inherited, **ours, **environment},
            )

    def ready(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.errors
        return line

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Callable[..., Mailbox]]:
    started: list[Mailbox] = []

    def start(url: str, *arguments: str, **environment: str) -> Mailbox:
        started.append(Mailbox(tmp_path, url, *arguments, **environment))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.stop(signal.SIGKILL)
        if each.process.stdout is not None:
            each.process.stdout.close()


def made_maildir(path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (path / name).mkdir(parents=True)
    return path


def test_mail_by_lmtp_is_in_the_account_and_waits_while_riskapi_is_away(
    served: Service, mailbox: Callable[..., Mailbox], tmp_path: Path
) -> None:
    riskapi = signed_up(served)  # one of its own, which ends
    path = tmp_path / "mailbox.sock"
    running = mailbox(riskapi.url, RISKAPI_MAILBOX_BIND=f"unix:{path}")
    assert f"lmtp:unix:{path}" in running.ready()
    with smtplib.LMTP(str(path), local_hostname="mail.saas.example") as client:
        for name in ("postfix-gmail-unknown", "jmrp-2026", "exim-unknown", "vacation-german", "postfix-gmail-unknown"):
            assert client.sendmail("", ["bounces@mail.saas.example"], mail(name)) == {}
        assert counted(riskapi) == {
            "hard_bounces": 1,
            "complaints": 1,
        }  # two bounces of one mail, one recipient, one code
        riskapi.stop()
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("", ["bounces@mail.saas.example"], mail("postfix-spamhaus"))
    assert refused.value.smtp_code == 451
    assert running.stop() == 0
    assert not path.exists()
    assert "ana@" not in running.errors and "Traceback" not in running.errors


def test_a_maildir_is_read(riskapi: Service, mailbox: Callable[..., Mailbox], tmp_path: Path) -> None:
    directory = made_maildir(tmp_path / "feedback")
    (directory / "new" / "1").write_bytes(mail("postfix-spamhaus"))
    once = mailbox(riskapi.url, "--maildir", str(directory), "--once")
    assert once.process.wait(30) == 0 and once.process.stdout is not None
    assert "1 stored, 0 refused, 0 have to wait" in once.process.stdout.read()
    running = mailbox("http://127.0.0.1:1", "--maildir", str(directory), "--delete", "--url", riskapi.url)
    running.ready()
    (directory / "tmp" / "2").write_bytes(mail("arf-abuse"))
    (directory / "tmp" / "2").rename(directory / "new" / "2")
    until(lambda: counted(riskapi) == {"blocks": 1, "complaints": 1})
    until(lambda: not list((directory / "new").iterdir()))
    assert running.stop(signal.SIGINT) == 0


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ((), {"RISKAPI_MAILBOX_API_KEY": ""}, "RISKAPI_MAILBOX_API_KEY: is not set"),
        (
            (),
            {"RISKAPI_MAILBOX_BIND": "0.0.0.0:10024"},
            "RISKAPI_MAILBOX_BIND: expected unix:/path, or a port of 127.0.0.1",
        ),
        ((), {"RISKAPI_MAILBOX_BIND": "unix:/nowhere/at/all.sock"}, "RISKAPI_MAILBOX_BIND: /nowhere/at/all.sock "),
        (("--maildir", "/nowhere"), {}, "--maildir: /nowhere has no new/, cur/ and tmp/"),
        (("--once",), {}, "--once: goes with --maildir"),
        (("--url", "ftp://x"), {}, "--url: expected a URL"),
    ],
)
def test_what_is_wrong_is_told_at_the_start(
    mailbox: Callable[..., Mailbox], arguments: tuple[str, ...], environment: dict[str, Any], said: str
) -> None:
    running = mailbox("http://127.0.0.1:1", *arguments, **environment)
    assert running.process.wait(30) == 2
    assert said in running.errors


def test_what_is_handed_over_is_a_complaint_or_a_bounce_by_its_form(
    riskapi: Service, mailbox: Callable[..., Mailbox]
) -> None:
    running = mailbox(riskapi.url, RISKAPI_MAILBOX_API_KEY="x" * 32)
    assert running.process.wait(30) == 2
    assert "RISKAPI_MAILBOX_API_KEY: is not a valid key" in running.errors
    handover = Handover(riskapi.url, BOOTSTRAP_KEY)
    assert handover.give(mail("jmrp-old")) is Outcome.STORED
    assert handover.give(mail("qmail-nomailbox")) is Outcome.STORED
    assert handover.give(mail("qmail-nomailbox") + b"\n" * 4_000_000) is Outcome.STORED  # raw mail may have 5 MiB
    assert handover.give(b"{}") is Outcome.REFUSED
    assert counted(riskapi) == {"complaints": 1, "hard_bounces": 1}
    assert Handover(riskapi.url, "wrong").give(mail("jmrp-old")) is Outcome.LATER
    assert Handover("http://127.0.0.1:1", BOOTSTRAP_KEY).give(mail("jmrp-old")) is Outcome.LATER


@pytest.mark.skipif(postfix.missing() is not None, reason=postfix.missing() or "")
def test_a_real_postfix_delivers_and_keeps_what_is_not_taken(riskapi: Service, mailbox: Callable[..., Mailbox]) -> None:
    [port] = free_ports(1)
    running = mailbox(riskapi.url, RISKAPI_MAILBOX_BIND=f"127.0.0.1:{port}")
    running.ready()
    with postfix.running({"in": f"content_filter = lmtp:inet:127.0.0.1:{port}"}) as server:
        with server.session("in") as session:
            assert session.sendmail("", ["bounces+u_1001@mail.saas.example"], mail("postfix-spamhaus")) == {}
        until(lambda: counted(riskapi) == {"blocks": 1})
        running.stop()
        with server.session("in") as session:
            assert session.sendmail("", ["bounces+u_1001@mail.saas.example"], mail("qmail-nomailbox")) == {}
        until(lambda: "status=deferred" in (server.home / "data/log").read_text())
    assert counted(riskapi) == {"blocks": 1}
