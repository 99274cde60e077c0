"""One request and its answer: the checks every route shares, in order, and what is counted and logged.

Key (401), scope (403), rate (429), media type (415), size (413), JSON (400), shape (422), idempotency (409), handler.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from flask import Response
from flask.globals import request_ctx
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Request
from werkzeug.wsgi import get_content_length, get_input_stream

from riskapi import logs
from riskapi.access.api_keys import Principal
from riskapi.api import audit_notes, auth, problems, repeats
from riskapi.api.broken_json import mended
from riskapi.api.parts import Parts
from riskapi.api.routes import JSON, LINES, LINES_TOO, PATHS, Call, Raw, Reply, Route
from riskapi.errors import Problem, StoreUnavailable, not_recorded
from riskapi.inputs.invalid import from_validation, is_no_json, refuse_wide
from riskapi.store import damaged
from riskapi.times import instant

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: What werkzeug says on its own, in our codes; anything else of the kind is a request nobody can read.
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "payload_too_large", 415: "unsupported_media_type"}


#: The first moment of the year 9000: caps and steps that look ahead from before it stay within the years there are.
_LAST_REPLAY = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


class HttpAnswer(NamedTuple):
    """A finished answer, ready for the server."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


#: Answers one request, given WSGI's environ and the names in the path.
Answerer = Callable[[dict[str, Any], Mapping[str, str]], HttpAnswer]


class _Block(Response):
    """An answer as Flask wants it. Handed to the server as one block, which granian sends faster than an iterator."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        if environ["REQUEST_METHOD"] == "HEAD" or not isinstance(self.response, list):
            return super().__call__(environ, start_response)
        start_response(self.status, self.headers.to_wsgi_list())
        return self.response


def request_id_of(environ: Mapping[str, Any]) -> str:
    """The caller's ``X-Request-Id`` when it is a plain token of 1 to 128 characters, else a new one."""
    given = environ.get("HTTP_X_REQUEST_ID")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return str(given)
    return os.urandom(12).hex()


def answerer(route: Route, parts: Parts) -> Answerer:
    """What answers the requests of a route."""
    checked = [PATHS[name][0] for name in re.findall(r"\{(\w+)\}", route.path)]

    def answer(environ: WSGIEnvironment, path: Mapping[str, str]) -> HttpAnswer:
        started = perf_counter()
        request_id = request_id_of(environ)
        headers: dict[str, str] = {}
        caller = ""
        code = None
        try:
            principal = auth.authenticate(route, parts, environ)
            caller = principal.id
            auth.limit(parts, principal, headers)
            for pattern, value in zip(checked, path.values(), strict=True):
                if not pattern.match(value):
                    raise Problem("not_found", "Nothing has this id.")
            reply = _serve(route, parts, principal, environ, path, request_id)
        except Exception as error:
            asked, user_id = Request(environ).path, path.get("user_id")
            code, reply = _refused(error, route.path, parts, asked, request_id, user_id)
        headers.update(reply.headers)
        return _finish(parts, environ["REQUEST_METHOD"], route.path, request_id, started, reply, headers, caller, code)

    return answer


def _refused(
    error: Exception, route: str, parts: Parts, asked: str, request_id: str, user_id: str | None = None
) -> tuple[str, Reply]:
    """The code of what stopped a request to the path ``asked``, and the answer.

    Apart, so that the problem is gone with it: kept by a function in its own traceback, it would keep the connection of
    a body that never came open until garbage is collected.
    """
    problem = _explain(error, route, request_id, parts, user_id)
    return problem.code, problems.reply(problem, asked, request_id)


def view(route: Route, answer: Answerer) -> Callable[..., Response]:
    """The Flask view of a route."""

    def respond(**path: str) -> Response:
        return _response(answer(request_ctx.request.environ, path))

    respond.__name__ = route.name
    return respond


class FixedPaths:
    """Flask, and past it the way to routes whose path is fixed: they are found by method and path alone.

    Flask's routing, contexts and response cost more than it takes to read a signup, and these routes need none of it.
    """

    def __init__(self, otherwise: WSGIApplication, answerers: Mapping[tuple[str, str], Answerer]) -> None:
        """``answerers`` by method and path; every other request goes to ``otherwise``."""
        self._otherwise, self._answerers = otherwise, answerers

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        answer = self._answerers.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if answer is None:
            return self._otherwise(environ, start_response)
        status, headers, body = answer(environ, {})
        start_response(f"{status} {HTTP_STATUS_CODES[status]}", headers)
        return [body]


def refuse(parts: Parts, error: HTTPException) -> Response:
    """The answer to a request that no route takes."""
    started = perf_counter()
    request = request_ctx.request
    request_id = request_id_of(request.environ)
    code, reply = _refused(error, "unmatched", parts, request.path, request_id)
    method = request.method if request.method in _METHODS else "other"
    return _response(_finish(parts, method, "unmatched", request_id, started, reply, reply.headers, "", code))


def _response(answer: HttpAnswer) -> Response:
    return _Block([answer.body], answer.status, answer.headers)


def _serve(
    route: Route, parts: Parts, principal: Principal, environ: WSGIEnvironment, path: Mapping[str, str], request_id: str
) -> Reply:
    now = parts.clock()
    if parts.replay and "HTTP_X_REPLAY_TIME" in environ:
        now = _replayed(environ["HTTP_X_REPLAY_TIME"])
    body: Any = None
    if route.body is not None:
        media, raw = _read(environ, route)
        is_read = media == JSON and not route.verbatim
        body = _body(route.body, raw, mends=route.mends) if is_read else Raw(media=media, content=raw)
    elif route.query is not None:
        try:
            body = route.query.model_validate(Request(environ).args.to_dict())
        except ValidationError as error:
            raise from_validation(error, None) from None
    call = Call(parts, principal, now, body, path, environ)
    if route.idempotent and "HTTP_IDEMPOTENCY_KEY" in environ:
        return repeats.answer(route, call, Request(environ).path, request_id)
    return audit_notes.handled(route, call)


def _body(model: type[BaseModel], raw: bytes, *, mends: bool) -> BaseModel:
    """A body from JSON; with ``mends``, also from JSON that a visitor broke. Raises ``not_json`` and ``invalid``."""
    refuse_wide(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        whole = mended(raw) if mends and is_no_json(error) else None
        if whole is None:
            raise from_validation(error, raw) from None
    return _body(model, whole, mends=False)


def _read(environ: WSGIEnvironment, route: Route) -> tuple[str, bytes]:
    """The type of the body and the body, which must be announced as JSON or as one of the route's own types.

    Where the route says so, an empty one stands for ``{}``.
    """
    given = environ.get("CONTENT_TYPE", "")
    if given != JSON:
        media = given.partition(";")[0].strip().lower()
        media = LINES if media in LINES_TOO else media
        if media in route.raw or (route.verbatim and not _is_json(media)):  # whose handler says what it takes
            return media, _content(environ, route.most_bytes)
        if not _is_json(media):
            if route.optional_body and not media and not _content(environ, route.most_bytes):
                return JSON, b"{}"
            raise Problem("unsupported_media_type", f"Send Content-Type: {' or '.join([JSON, *route.raw])}.")
    raw = _content(environ, route.most_bytes)
    return JSON, b"{}" if route.optional_body and not raw else raw


def _is_json(media: str) -> bool:
    """Whether a type in small letters is that of JSON (RFC 8259), or of a format made of it (RFC 6839)."""
    return media == JSON or (media.startswith("application/") and media.endswith("+json"))


def _content(environ: WSGIEnvironment, most: int) -> bytes:
    """What was sent, at most ``most`` bytes of it, whether its length was announced or not."""
    length, raw = get_content_length(environ), b""
    if length is None or length <= most:
        # One byte more than is taken: a body of no announced length is cut there in silence, and is then too long.
        # As the gateway hands it over, it is there and ends by itself.
        is_whole = "wsgi.input_terminated" in environ
        found = environ["wsgi.input"] if is_whole else get_input_stream(environ, max_content_length=most + 1)
        raw = found.read(most + 1) if is_whole else found.read()
        length = len(raw)
    if length > most:
        raise Problem("payload_too_large", f"The body may have {most} bytes.")
    return raw


def _replayed(text: str) -> float:
    try:
        found = instant(text).timestamp()
    except ValueError as error:
        raise Problem("invalid", f"X-Replay-Time: {error}.") from None
    if not 0 < found < _LAST_REPLAY:
        raise Problem("invalid", "X-Replay-Time: expected a time from 1970 to 8999.")
    return found


def _explain(error: Exception, route: str, request_id: str, parts: Parts, user_id: str | None = None) -> Problem:
    """The problem for whatever stopped a request. Only a defect is logged with its stack, never with its message.

    An account that this host acknowledged and has not recorded yet is not unknown: it is asked for again in a moment.
    """
    if isinstance(error, Problem):
        if error.code == "not_found" and user_id is not None and parts.assessor.awaits(user_id):
            return not_recorded()
        return error
    if isinstance(
        error, damaged.Unreadable | orjson.JSONDecodeError | ValidationError
    ):  # what is sent was checked: it is what is stored
        damaged.note("account" if user_id else "row", user_id or route, error)
        return Problem("unavailable", "What is stored of it cannot be read.", headers={"Retry-After": "60"})
    if isinstance(error, StoreUnavailable):
        parts.metrics.store_failure("request")
        return Problem("unavailable", "The store does not answer.", headers={"Retry-After": "1"})
    if isinstance(error, HTTPException):
        status = error.code or 500
        headers = {"Allow": ", ".join(sorted(getattr(error, "valid_methods", None) or ()))} if status == 405 else {}
        if status in _HTTP_CODES:
            return Problem(_HTTP_CODES[status], error.description or "", headers=headers)
        if 400 <= status < 500:
            return Problem("not_json", "The request could not be read.")
    logs.note(logging.ERROR, "defect", error, request_id=request_id, route=route)
    return Problem("internal", "The request id leads to the log.")


def _finish(
    parts: Parts,
    method: str,
    route: str,
    request_id: str,
    started: float,
    reply: Reply,
    headers: Mapping[str, str],
    caller: str,
    code: str | None,
) -> HttpAnswer:
    body = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
    found = [("Content-Type", reply.media), ("Content-Length", str(len(body))), ("X-Request-Id", request_id)]
    found += headers.items()
    seconds = perf_counter() - started
    parts.metrics.request(route, method, reply.status, seconds)
    if code is not None:
        parts.metrics.problem(code)
    logs.write(
        logging.INFO,
        "request",
        {
            "request_id": request_id,
            "method": method,
            "route": route,
            "status": reply.status,
            "duration_ms": round(seconds * 1e6) / 1000,
            "key": caller,
            "tier": reply.tier,
            "code": code,
        },
    )
    return HttpAnswer(reply.status, found, body)
