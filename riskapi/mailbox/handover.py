"""Hands mail to a running riskapi; what it acknowledged is stored."""

from __future__ import annotations

import enum
import logging
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from riskapi import logs
from riskapi.feedback.mail import complaint
from riskapi.feedback.mail.message import NotThisKind, open_mail

#: Seconds to connect and to wait for an answer; Postfix waits 600 for its own (``lmtp_data_done_timeout``).
PATIENCE: Final = 30.0
#: Bytes of an answer that are read; one has some hundred.
_LARGEST: Final = 65_536
#: Statuses that say that this very mail will never be taken: it is no such mail, or too large. Others may pass: a key
#: that is renewed, a service that comes back.
_NEVER: Final = frozenset({400, 413, 422})


class Outcome(enum.Enum):
    """What became of a mail: stored, refused for what it is, or to be handed over again."""

    STORED = "stored"
    REFUSED = "refused"
    LATER = "later"


class Handover:
    """Posts mail to the riskapi at ``url`` with an API key of the scope ``feedback``; any thread may."""

    def __init__(self, url: str, key: str, patience: float = PATIENCE) -> None:
        parts = urlsplit(url)
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._base = parts.hostname or "", parts.port, parts.path.rstrip("/")
        self._patience = patience
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "message/rfc822",
            "X-Riskapi-Mailbox": "1",  # a feed of its own, whose silence is noticed
        }

    def give(self, raw: bytes) -> Outcome:
        """Hand over one mail: a complaint or a bounce, which its form tells. Given twice, it counts once."""
        try:
            feed = "arf" if complaint.is_complaint(open_mail(raw)) else "dsn"
        except NotThisKind:
            return Outcome.REFUSED
        try:
            status = self._post(f"/v1/feedback/{feed}", raw)
        except (OSError, HTTPException) as error:
            logs.note(logging.WARNING, "mailbox_cannot_hand_over", cause=type(error).__name__)
            return Outcome.LATER
        if status == 200:
            return Outcome.STORED
        if status in _NEVER:
            return Outcome.REFUSED
        logs.note(logging.WARNING, "mailbox_cannot_hand_over", cause=str(status))
        return Outcome.LATER

    def probe(self) -> int:
        """The status of what is not a mail: 400 when riskapi takes the key. Raises ``OSError``, ``HTTPException``."""
        return self._post("/v1/feedback/dsn", b"")

    def _post(self, path: str, raw: bytes) -> int:
        connection = self._kind(self._host, self._port, timeout=self._patience)
        try:
            connection.request("POST", f"{self._base}{path}", raw, self._headers)
            answer = connection.getresponse()
            answer.read(_LARGEST)
            return answer.status
        finally:
            connection.close()
