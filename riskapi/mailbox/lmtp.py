"""Takes mail by LMTP (RFC 2033) from a mail server on this machine: 250 only once the mail is stored elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final
from weakref import WeakSet

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

from riskapi.feedback.mail.message import MAX_MAIL
from riskapi.mailbox.handover import Outcome
from riskapi.server import socket_files
from riskapi.settings.environment import Bind

#: Seconds of silence after which a connection is closed (RFC 5321, 4.5.3.2.7: at least five minutes).
_IDLE: Final = 300.0
#: Connections at a time; Postfix opens at most 20 to one place (``default_destination_concurrency_limit``).
_MOST: Final = 40
#: Mode of the socket: the owner and its group, because whoever can write to it is believed.
_MODE: Final = 0o660
#: Bytes of a mail: what is put above it has to fit as well.
_LARGEST: Final = MAX_MAIL - 1024
_ANSWERS: Final = {
    Outcome.STORED: "250 2.0.0 Stored",
    Outcome.REFUSED: "554 5.6.0 This is not a mail that riskapi reads",
    Outcome.LATER: "451 4.3.0 riskapi cannot store it now, try again later",
}
#: Turns of the loop in which connections are closed at the end: one is accepted, made and closed in a turn each.
_CYCLES: Final = 10
_PRINTABLE = re.compile(r"[^\x21-\x7e\x80-\U0010ffff]")

#: What aiosmtpd writes of each command and connection is nobody's business here: four lines a mail, with addresses.
logging.getLogger("mail.log").setLevel(logging.WARNING)

#: Hands over one mail; called in a thread of its own.
Give = Callable[[bytes], Outcome]


class _Session(LMTP):
    """One connection. Lines may be as long as a mail: what servers return was not always written by a mail program."""

    line_length_limit = MAX_MAIL

    def eof_received(self) -> bool:
        """Close the connection that the other side closed; the library would keep it until it is collected."""
        super().eof_received()
        return False


class _Handler:
    """What aiosmtpd calls."""

    def __init__(self, give: Give) -> None:
        self._give = give
        self._room = asyncio.Semaphore(_MOST)

    async def handle_RCPT(
        self, server: LMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """One recipient a mail, so that its one answer is about that one (RFC 2033, 4.2); the server sends the rest."""
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: LMTP, session: Session, envelope: Envelope) -> str:
        """Hand the mail over and say what became of it."""
        content = envelope.content
        raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else bytes(content or b"")
        async with self._room:
            outcome = await asyncio.to_thread(self._give, traced(raw, envelope.mail_from, envelope.rcpt_tos[0]))
        return _ANSWERS[outcome]


def traced(raw: bytes, sender: str | None, recipient: str) -> bytes:
    """The mail with the envelope above it, as final delivery adds it (RFC 5321, 4.4): the address may be a VERP."""
    above = f"Return-Path: <{_plain(sender or '')}>\r\nDelivered-To: {_plain(recipient)}\r\n"
    return above.encode("utf-8", "replace") + raw


def _plain(address: str) -> str:
    return _PRINTABLE.sub("", address.strip("<>"))[:320]


@contextlib.asynccontextmanager
async def listening(bind: Bind | Path, give: Give) -> AsyncIterator[None]:
    """Take mail at ``bind`` while the context is open. Raises ``OSError`` where nobody can listen."""
    loop = asyncio.get_running_loop()
    handler = _Handler(give)
    sessions: WeakSet[_Session] = WeakSet()

    def session() -> asyncio.Protocol:
        made = _Session(
            handler,
            data_size_limit=_LARGEST,
            enable_SMTPUTF8=True,
            decode_data=False,
            hostname="riskapi",
            ident="riskapi mailbox",
            timeout=_IDLE,
            loop=loop,
        )
        sessions.add(made)
        return made

    server = await loop.create_server(session, sock=_socket(bind))
    try:
        yield
    finally:
        await _turns()  # a connection that is being accepted when the server closes would stay open
        server.close()
        for _ in range(_CYCLES):
            for each in sessions:
                if each.transport is not None:
                    each.transport.close()
            await asyncio.sleep(0)
        if isinstance(bind, Path):
            bind.unlink(missing_ok=True)


async def _turns() -> None:
    for _ in range(_CYCLES):
        await asyncio.sleep(0)


def _socket(bind: Bind | Path) -> socket.socket:
    if isinstance(bind, Bind):
        family, _, _, _, address = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), int(address[1])), family=family, backlog=_MOST)
    socket_files.clear(bind)
    made = socket.socket(socket.AF_UNIX)
    before = os.umask(0o777 & ~_MODE)
    try:
        made.bind(os.fspath(bind))
    except OSError:
        made.close()
        raise
    finally:
        os.umask(before)
    made.listen(_MOST)
    return made
