"""LMTP: 250 only for what was stored, 451 for what has to come again, one answer a recipient, a private socket."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from riskapi.mailbox import lmtp
from riskapi.mailbox.handover import Outcome
from riskapi.settings.environment import Bind
from tests.feedback.mail.corpus import mail

VERP = "bounces+u_1001=bo=example.net@mail.saas.example"


class Mailbox:
    """The listener, in a loop of its own; ``given`` is what it handed over, ``outcome`` what becomes of that."""

    def __init__(self, bind: Bind | Path) -> None:
        self.given: list[bytes] = []
        self.outcome: Callable[[bytes], Outcome] = lambda raw: Outcome.STORED
        self._bind, self._up, self._loop = bind, threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Mailbox:
        self._thread.start()
        assert self._up.wait(60)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        async def serve() -> None:
            self._stop = asyncio.Event()
            async with lmtp.listening(self._bind, self._give):
                self._up.set()
                await self._stop.wait()

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve())

    def _give(self, raw: bytes) -> Outcome:
        self.given.append(raw)
        return self.outcome(raw)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mailbox.sock"


@pytest.fixture
def mailbox(path: Path) -> Iterator[Mailbox]:
    with Mailbox(path) as running:
        yield running


def connect(path: Path) -> smtplib.LMTP:
    client = smtplib.LMTP(str(path), local_hostname="mail.saas.example")
    assert client.ehlo()[0] == 250
    return client


def test_a_mail_is_acknowledged_once_it_is_stored(mailbox: Mailbox, path: Path) -> None:
    with connect(path) as client:
        assert client.sendmail("<>", [VERP], mail("postfix-spamhaus")) == {}
    [raw] = mailbox.given
    assert raw.startswith(b"Return-Path: <>\r\nDelivered-To: bounces+u_1001=bo=example.net@mail.saas.example\r\n")
    assert raw.replace(b"\r\n", b"\n").rstrip(b"\n").endswith(mail("postfix-spamhaus").rstrip(b"\n"))


@pytest.mark.parametrize(("outcome", "code"), [(Outcome.LATER, 451), (Outcome.REFUSED, 554)])
def test_what_is_not_stored_is_not_acknowledged(mailbox: Mailbox, path: Path, outcome: Outcome, code: int) -> None:
    mailbox.outcome = lambda raw: outcome
    with connect(path) as client, pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("", [VERP], mail("postfix-spamhaus"))
    assert refused.value.smtp_code == code


def test_each_recipient_has_a_mail_of_its_own(mailbox: Mailbox, path: Path) -> None:
    with connect(path) as client:
        client.mail("")
        assert client.rcpt(VERP)[0] == 250
        assert client.rcpt("other@mail.saas.example") == (452, b"4.5.3 One recipient at a time")
        assert client.data(mail("postfix-spamhaus"))[0] == 250
        assert client.sendmail("", ["other@mail.saas.example"], mail("postfix-spamhaus")) == {}
    assert len(mailbox.given) == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b".",
        b"Subject: x\n\n" + b"a" * 100_000,
        "Subject: ü\n\nÜ".encode(),
        b"\xff\xfe",
        mail("qq-exmail"),
        mail("au-ezweb"),
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_long_lines_and_other_bytes_come_as_they_are(mailbox: Mailbox, path: Path, raw: bytes) -> None:
    with connect(path) as client:
        assert client.sendmail("", [VERP], raw) == {}
    assert mailbox.given[0].split(b"\r\n", 2)[2].rstrip(b"\r\n").replace(b"\r\n", b"\n") == raw.rstrip(b"\n")


def test_what_is_too_large_is_refused_and_the_next_one_taken(mailbox: Mailbox, path: Path) -> None:
    with connect(path) as client:
        with pytest.raises(smtplib.SMTPException):
            client.sendmail("", [VERP], b"Subject: x\n\n" + b"a\n" * 3_000_000)
        client.rset()
        assert client.sendmail("", [VERP], mail("postfix-spamhaus")) == {}
    assert len(mailbox.given) == 1


def test_the_socket_is_for_its_owner_and_group_and_goes_away(path: Path) -> None:
    with Mailbox(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with pytest.raises(OSError):
            asyncio.run(_listen(path))
    assert not path.exists()


def test_a_socket_that_a_killed_one_left_is_taken_over_and_a_file_is_not(path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with Mailbox(path), connect(path) as client:
        assert client.noop()[0] == 250
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        asyncio.run(_listen(path))
    assert path.read_text() == "mine"


def test_half_a_mail_is_handed_to_nobody(mailbox: Mailbox, path: Path) -> None:
    client = connect(path)
    client.mail("")
    client.rcpt(VERP)
    assert client.docmd("DATA")[0] == 354
    client.send(mail("postfix-spamhaus")[:500])
    client.close()
    with connect(path) as other:
        assert other.sendmail("", [VERP], mail("postfix-spamhaus")) == {}
    assert len(mailbox.given) == 1


def test_an_address_cannot_write_header_fields() -> None:
    raw = lmtp.traced(b"x", "a\r\nX-Evil: 1", "b\nX-Evil: 2")
    assert raw == b"Return-Path: <aX-Evil:1>\r\nDelivered-To: bX-Evil:2\r\nx"


async def _listen(path: Path) -> None:
    async with lmtp.listening(path, lambda raw: Outcome.STORED):
        pass


def test_a_mail_writes_nothing_to_the_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with Mailbox(path), smtplib.LMTP(str(path)) as client:
        client.sendmail("", [VERP], mail("postfix-spamhaus"))
    assert [record.name for record in caplog.records if record.name == "mail.log"] == []
