"""From the HTTP server to the application: a request is read whole, under a deadline, before a thread is taken.

granian reads heads and sends answers by itself (in its own runtime, without Python), and small bodies too; larger ones
are read here in an event loop (https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md). So a body
that comes slowly, or never, holds a connection and nothing else. Of larger ones some are read at once and others wait:
who shows no key that is needed is answered before, and who needs none waits only for others like it.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from riskapi.api.request_loop import IN_LOOP, BodyWait, Threads, Turn, WaitingRequests
from riskapi.api.routes import LARGER, MAX_BODY
from riskapi.errors import Problem

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from riskapi.api.admission import Admitted

T = TypeVar("T")

#: Bytes up to which a body is read beside any number of others. Of larger ones so many are read at once from callers
#: with a key, and as many from those who need none. With every connection in use (`serve` allows 4096 a worker) bodies
#: take some 330 MB at worst, and 590 MB where all are mails.
_SMALL, _LARGE_AT_ONCE = 65_536, 32
#: Bytes of a body that are read and dropped beyond what it may have, for its caller to see why (RFC 9112, 9.6).
_DROPPED = 32 * MAX_BODY
#: Answered where granian hands it over, so that it is answered also while every thread waits for something.
_HEALTH = "/healthz"
#: What WSGI's environ says of every request.
_ALWAYS: Mapping[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.input_terminated": True,  # werkzeug: the body ends by itself
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


class Scope(Protocol):
    """What granian tells of a request."""

    method: str
    path: str
    query_string: str
    scheme: str
    server: str
    client: str
    http_version: str
    headers: Any


class HttpProtocol(Protocol):
    """The body of a request, and the way to answer it, as granian gives them."""

    def __call__(self) -> Any:
        """The whole body, awaited."""

    def __aiter__(self) -> Any:
        """The body in parts."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer."""


class Unread:
    """Stands for a body that was not read: the application meets the problem where it would have read it."""

    def __init__(self, code: str, detail: str) -> None:
        self._code, self._detail = code, detail

    def read(self, size: int = -1) -> bytes:
        """Raise the problem, made anew: one that is kept would keep all that was called when it was raised."""
        raise Problem(self._code, self._detail)


class Gateway:
    """Runs a WSGI application in ``threads`` threads, for requests that were read whole within ``patience`` seconds."""

    def __init__(
        self, app: WSGIApplication, admitted: Callable[[Mapping[str, Any]], Admitted], threads: int, patience: float
    ) -> None:
        """``admitted`` says what is known of a request before its body is read."""
        self._app, self._admitted, self._patience = app, admitted, patience
        self._threads = Threads(threads)
        self._waiting = WaitingRequests(self._threads, patience)
        self._large = {admitted: asyncio.Semaphore(_LARGE_AT_ONCE) for admitted in ("known", "unknown")}

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to watch over bodies that do not come, as the server begins."""
        loop.call_soon(self._waiting.end_late, loop)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Finish the requests in hand, as the server ends: their callers may be gone, what they began is not."""
        self._threads.end()

    async def __rsgi__(self, scope: Scope, protocol: HttpProtocol) -> None:
        """Answer one request, as RSGI calls an application; see :class:`riskapi.api.request_loop.RequestLoop`."""
        environ = environ_of(scope)
        length = _length(environ)
        limit = LARGER.get(environ["PATH_INFO"], MAX_BODY)
        if scope.path == _HEALTH:
            environ["wsgi.input"] = io.BytesIO()
        elif length is None or length > _SMALL or (length and "HTTP_AUTHORIZATION" not in environ):
            await IN_LOOP
            await self._answer_in_loop(environ, protocol, length, limit)
            return
        elif length:
            environ["wsgi.input"] = await _input(BodyWait(protocol(), self._waiting), self._patience)
        else:
            environ["wsgi.input"] = io.BytesIO()
            await Turn(self._threads)
        self._answer(environ, protocol)

    def _answer(self, environ: dict[str, Any], protocol: HttpProtocol) -> None:
        protocol.response_bytes(*_answered(self._app, environ))

    async def _answer_in_loop(
        self, environ: dict[str, Any], protocol: HttpProtocol, length: int | None, limit: int
    ) -> None:
        """Answer from within the event loop a request whose body is large, or comes without a key."""
        admitted = await self._in_thread(lambda: self._admitted(environ), "unknown")
        too_long = length is not None and length > limit
        if admitted == "refused" or too_long:  # whatever it says
            # It would be read after all where the store is back that a moment ago could not tell whose key it is.
            environ["wsgi.input"] = io.BytesIO() if too_long else Unread("unavailable", "The store did not answer.")
            await self._in_thread(lambda: self._answer(environ, protocol), None)
            await _drop(protocol, self._patience)
            return
        is_small = length is not None and length <= _SMALL
        turn = contextlib.nullcontext() if is_small else self._large[admitted]
        environ["wsgi.input"] = await _input(self._read(protocol, limit, turn), self._patience)
        await self._in_thread(lambda: self._answer(environ, protocol), None)

    async def _in_thread(self, work: Callable[[], T], otherwise: T) -> T:
        """What work in a thread comes to, awaited in the event loop; ``otherwise`` where it fails: that is logged."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        async def do() -> None:
            found = otherwise
            try:
                found = work()
            finally:
                loop.call_soon_threadsafe(_set, done, found)

        self._threads.go_on(do())
        return await done

    async def _read(self, protocol: HttpProtocol, limit: int, turn: AbstractAsyncContextManager[None]) -> bytes:
        async with asyncio.timeout(self._patience), turn:
            return await _most(protocol, limit)


def _set(done: asyncio.Future[T], found: T) -> None:
    if not done.done():  # a caller that is gone may have ended the wait
        done.set_result(found)


def _length(environ: Mapping[str, Any]) -> int | None:
    """Bytes of the body, by what is announced; None where that is not said."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    announced = environ.get("CONTENT_LENGTH", "")
    return int(announced) if announced.isascii() and announced.isdigit() else 0


async def _input(body: Awaitable[bytes], patience: float) -> io.BytesIO | Unread:
    """The body, or what is wrong with it."""
    try:
        return io.BytesIO(await body)
    except TimeoutError:
        return Unread("request_timeout", f"The body did not arrive within {patience:g} seconds.")
    except Exception:  # it broke off: nobody is there to be answered
        return Unread("not_json", "The body could not be read.")


async def _drop(protocol: HttpProtocol, patience: float) -> None:
    """Read a body that was refused: a caller that still writes when the connection ends may never see the answer."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(patience):
            await _most(protocol, 0)


async def _most(protocol: HttpProtocol, limit: int) -> bytes:
    """The body, or as much of one that is too long as shows that it is; of what follows, some is read and dropped."""
    parts, size = [], 0
    async for part in protocol:
        if size <= limit:
            parts.append(bytes(part))
        size += len(part)
        if size > limit + _DROPPED:
            break
    return b"".join(parts)


def _answered(app: WSGIApplication, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    """What the application answers: status, headers, body (PEP 3333)."""
    status, headers = 500, []

    def start(line: str, found: list[tuple[str, str]], fault: Any = None) -> Any:
        nonlocal status, headers
        status, headers = int(line[:3]), found

    blocks = app(environ, start)
    try:
        body = b"".join(blocks)
    finally:
        close = getattr(blocks, "close", None)
        if close is not None:
            close()
    return status, headers, body


def environ_of(scope: Scope) -> dict[str, Any]:
    """WSGI's environ of a request (PEP 3333), its body aside."""
    name, port = _bound(scope.server)
    return {
        **_ALWAYS,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        **_headers(scope),
    }


def _headers(scope: Scope) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in scope.headers.items():
        key = _variable(name)
        before = found.get(key)
        found[key] = f"{before},{value}" if before else value
    names = scope.headers.keys()
    if len(found) < len(names):
        # A value that is not ASCII is not an item. It is empty, not missing: what must be a plain token is then
        # refused, not passed over.
        for name in names:
            found.setdefault(_variable(name), "")
    found.pop("", None)
    return found


@lru_cache(maxsize=16)
def _bound(address: str) -> tuple[str, str]:
    """Host and port of an address that the server is bound to."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port


@lru_cache(maxsize=1024)
def _variable(name: str) -> str:
    """What PEP 3333 calls a header; nothing for one with ``_`` in its name, which would be taken for the one with ``-``
    that a proxy vouches for, such as ``X-Forwarded-For``.
    """
    if "_" in name:
        return ""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
