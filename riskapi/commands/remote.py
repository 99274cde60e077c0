"""A running riskapi that a command sends accounts to over HTTP, patiently: it may be restarted meanwhile."""

from __future__ import annotations

import hashlib
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import orjson

from riskapi.decisions.imports import ImportOutcome
from riskapi.inputs.json_lines import Rejected, Row

#: Seconds an answer is waited for: some hundred accounts are written in less than one.
_PATIENCE = 60.0
#: Times a request is sent, and the longest pause before the next; a minute in all.
_TRIES, _LONGEST = 7, 30.0
#: Statuses of a service or a proxy that may take the same request in a moment.
_AGAIN = frozenset({409, 429, 500, 502, 503, 504})


class Refused(Exception):
    """The service does not take what was sent, or cannot be reached. The text says why, and what to do."""


class Remote:
    """Sends accounts to the riskapi at ``url`` with an API key of scope ``admin``."""

    def __init__(self, url: str, key: str, pause: Callable[[float], None] = time.sleep) -> None:
        """Raises ``ValueError`` for what is not a URL of a web server."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not a URL such as http://127.0.0.1:8000")
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._url = parts.hostname, parts.port, url
        self._path = parts.path.rstrip("/") + "/v1/accounts/import"
        self._pause = pause
        # The same batch sent again by this run gets the answer it got; another run is told what is there by then.
        self._run = secrets.token_hex(8)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}

    def take(self, rows: Sequence[Row]) -> ImportOutcome:
        """Import records; a request that fails is repeated for a minute. Raises :class:`Refused`."""
        content = b"\n".join(row.text for row in rows) + b"\n"
        name = f"import-{self._run}-{hashlib.sha256(content).hexdigest()}"
        cause = ""
        for attempt in range(_TRIES):
            if attempt == 1:
                print(f"{self._url}: {cause}; it is asked again for a minute", file=sys.stderr)
            if attempt:
                self._pause(min(2.0 ** (attempt - 1), _LONGEST))
            try:
                status, answer = self._post(content, {**self._headers, "Idempotency-Key": name})
            except (OSError, HTTPException) as error:
                cause = f"{type(error).__name__}: {error}"
                continue
            if status == 200:
                return _outcome(orjson.loads(answer), rows)
            cause = _said(status, answer)
            if status not in _AGAIN:
                break
        raise Refused(f"{self._url}: {cause}")

    def _post(self, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = self._kind(self._host, self._port, timeout=_PATIENCE)
        try:
            connection.request("POST", self._path, content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _said(status: int, content: bytes) -> str:
    try:
        detail = orjson.loads(content)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = "is this a riskapi that imports accounts?"
    return f"it answered {status}: {detail}"


def _outcome(answer: dict[str, Any], rows: Sequence[Row]) -> ImportOutcome:
    rejected = [
        Rejected(rows[each["line"] - 1].number, each["pointer"], each["code"], each["detail"])
        for each in answer["rejected"]
    ]
    return ImportOutcome(answer["imported"], answer["existing"], rejected)
