"""A client of riskapi that asks for grants over HTTP, on connections that are kept open."""

from __future__ import annotations

import math
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, cast
from urllib.parse import quote, urlsplit

import orjson

from riskapi.budgets.grant_records import Grant

#: Seconds to connect, and to wait for an answer (docs/sending.md: two; Postfix waits 100).
PATIENCE = 2.0
#: Bytes of an answer; a grant has some 300.
LARGEST = 65_536
#: Connections kept open while nobody uses them.
KEPT = 16


class CannotAsk(Exception):
    """riskapi gave no grant that can be understood. ``cause`` is a constant or a status: safe to log."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class GrantClient:
    """Asks the riskapi at ``url`` with an API key of scope ``sends``; any thread may ask."""

    def __init__(self, url: str, key: str, patience: float = PATIENCE) -> None:
        parts = urlsplit(url)
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._base = parts.hostname or "", parts.port, parts.path.rstrip("/")
        self._patience = patience
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._kept: list[HTTPConnection] = []

    def ask(self, user_id: str, recipients: int, key: str) -> Grant | None:
        """A grant for all of the recipients or none; None when no account has this id, in whatever capitals.

        Only what can be understood of riskapi's answer is taken: another release may say more, or less. The same
        question under the same ``key`` (an Idempotency-Key) counts once. Raises :class:`CannotAsk`.
        """
        body = {"recipients": recipients, "partial": False, "any_case": True}
        status, content = self._post(user_id, body, {"Idempotency-Key": key})
        document = _document(content)
        if status == 200:
            return _grant(document)
        if status == 422 and _names_recipients(document):
            return _grant({"granted": 0, "largest": 0})  # more than anybody may ask for
        if status == 404 and document.get("code") == "not_found":
            return None
        raise CannotAsk(str(status))

    def probe(self) -> int:
        """The status of a question that asks for nothing: 422 when riskapi takes the key. Raises :class:`CannotAsk`."""
        return self._post("policyd", {}, {})[0]

    def close(self) -> None:
        """Close what is kept open."""
        while self._kept:
            self._kept.pop().close()

    def _post(self, user_id: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        path = f"{self._base}/v1/accounts/{quote(user_id, safe='')}/sends"
        sent = (path, orjson.dumps(body), self._headers | headers)
        while True:
            connection = self._take()
            kept = connection.sock is not None
            try:
                return self._exchange(connection, *sent)
            except TimeoutError:
                connection.close()
                raise CannotAsk("timeout") from None
            except (OSError, HTTPException) as error:
                connection.close()
                # A kept connection may have been closed meanwhile. Asking again is safe: the key is the same.
                if not kept:
                    raise CannotAsk(type(error).__name__) from None

    def _exchange(
        self, connection: HTTPConnection, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read(LARGEST)
        if answer.will_close or not answer.isclosed() or len(self._kept) >= KEPT:
            connection.close()
        else:
            self._kept.append(connection)
        return answer.status, content

    def _take(self) -> HTTPConnection:
        try:
            return self._kept.pop()
        except IndexError:
            return self._kind(self._host, self._port, timeout=self._patience)


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _names_recipients(document: dict[str, Any]) -> bool:
    """Whether an error is about the number of recipients: it is more than can be asked for."""
    errors = document.get("errors")
    return isinstance(errors, list) and any(
        isinstance(each, dict) and each.get("pointer") == "/recipients" for each in errors
    )


def _grant(document: dict[str, Any]) -> Grant:
    """The grant in an answer. ``retry_after`` may not be a whole number: another server may stand between."""
    granted, retry_after, denied_by = (document.get(name) for name in ("granted", "retry_after", "denied_by"))
    if type(granted) is not int or granted < 0:
        raise CannotAsk("not_a_grant")
    if not isinstance(retry_after, int | float) or isinstance(retry_after, bool) or not math.isfinite(retry_after):
        retry_after = None
    largest = document.get("largest")
    understood = {
        "granted": granted,
        "denied_by": denied_by if isinstance(denied_by, str) else None,
        "retry_after": retry_after,
        "largest": largest if type(largest) is int else None,
    }
    return cast("Grant", document | understood)
