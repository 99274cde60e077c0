"""Requests that come again: what is answered under an ``Idempotency-Key``."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import orjson

from riskapi.access.idempotency import Attempt, Remembered
from riskapi.api import audit_notes, problems
from riskapi.api.parts import Parts
from riskapi.api.routes import Call, Reply, Route
from riskapi.errors import Problem, StoreUnavailable

_KEY = re.compile(r"[ -~]{1,255}")


def name(call: Call[Any]) -> str | None:
    """What the request's ``Idempotency-Key`` stands for, here and for this caller, as a SHA-256; None without one."""
    key = call.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    path = "\0".join(call.path.values())
    return hashlib.sha256("\0".join((call.principal.id, path, _checked(key))).encode()).hexdigest()


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise Problem("invalid", "Idempotency-Key must be 1 to 255 printable ASCII characters.")
    return key


def answer(route: Route, call: Call[Any], path: str, request_id: str) -> Reply:
    """Answer under an ``Idempotency-Key`` at ``path``: the first time by the handler, then from memory."""
    key = _checked(call.environ["HTTP_IDEMPOTENCY_KEY"])
    memory = call.parts.idempotency
    # What was understood, not the bytes: the same request in other white space is the same request.
    attempt = memory.begin(call.principal.id, path, key, call.body.model_dump_json().encode(), call.now)
    if isinstance(attempt, Remembered):
        return _again(attempt, request_id)
    try:
        reply = audit_notes.handled(route, call)
    except Problem as problem:
        _remember(call.parts, attempt, problems.reply(problem, path, request_id))
        raise
    except Exception:
        _forget(call.parts, attempt)
        raise
    reply.body = orjson.dumps(reply.body)
    _remember(call.parts, attempt, reply)
    return reply


def _again(answer: Remembered, request_id: str) -> Reply:
    body = answer.body
    if answer.media == problems.MEDIA:
        body = orjson.dumps({**orjson.loads(body), "request_id": request_id})
    return Reply(body, answer.status, answer.media, {**answer.headers, "Idempotent-Replay": "true"})


def _remember(parts: Parts, attempt: Attempt, reply: Reply) -> None:
    # A 404 is true for a moment only: what was asked for may be recorded in the next.
    if reply.status >= 500 or reply.status == 404:
        _forget(parts, attempt)
        return
    try:
        parts.idempotency.finish(attempt, Remembered(reply.status, reply.media, reply.body, reply.headers))
    except StoreUnavailable:
        # It was done, and saying otherwise would have it done twice. The attempt lapses by itself.
        parts.metrics.store_failure("idempotency")


def _forget(parts: Parts, attempt: Attempt) -> None:
    try:
        parts.idempotency.abandon(attempt)
    except StoreUnavailable:
        parts.metrics.store_failure("idempotency")
