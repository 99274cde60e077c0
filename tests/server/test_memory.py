"""A process keeps nothing of a request that is over: its memory is as large after very many as after some."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import BOOTSTRAP_KEY, Service

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads the memory of processes in /proc")

_KEY = f"Authorization: Bearer {BOOTSTRAP_KEY}\r\n"
_POST = "POST /v1/signups HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_SMALL, _LARGE = b"x" * 60_000, b"x" * 1_000_000


def _sized(head: str, body: bytes, key: str = _KEY) -> bytes:
    return f"{head}{key}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _in_parts(head: str, body: bytes) -> bytes:
    half = len(body) // 2
    parts = [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:], b"")]
    return f"{head}{_KEY}Transfer-Encoding: chunked\r\n\r\n".encode() + b"".join(parts)


#: A request whole, and how often it is sent. What is wrong with most of them is found once they were read.
KINDS: dict[str, tuple[bytes, int]] = {
    "a small body": (_sized(_POST, _SMALL), 2500),
    "a small body without a key": (_sized(_POST, _SMALL, ""), 2500),
    "a large body": (_sized(_POST, _LARGE), 150),
    "a large body without a key": (_sized(_POST, _LARGE, ""), 150),
    "a body of more than 1 MiB": (_sized(_POST, _LARGE * 2), 75),
    "a body of no length, in parts": (_in_parts(_POST, _SMALL), 2500),
    "a body for no route": (_sized(_POST.replace("signups", "nothing"), _SMALL), 2500),
    "a body that a page does not read": (_sized(_POST.replace("POST /v1/signups", "GET /docs"), _SMALL), 2500),
    "no body": (f"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n{_KEY}\r\n".encode(), 1000),
}
#: Bytes that a worker may have gained: the C library keeps up to 60 MB of what was freed, and each kind brings 150 MB.
_ALLOWED = 90_000_000


def send(service: Service, request: bytes, times: int) -> None:
    """Send a request so many times, on new connections as old ones are ended, and read each answer."""
    while times:
        with (
            socket.create_connection(service.address, timeout=10) as connection,
            connection.makefile("rb") as answers,
        ):
            while times:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it was answered before it was read
                    connection.sendall(request)
                times -= 1
                if not (head := list(iter(answers.readline, b"\r\n"))) or head[0] == b"":
                    break
                fields = dict(line.strip().lower().split(b": ", 1) for line in head[1:])
                answers.read(int(fields[b"content-length"]))
                if fields.get(b"connection") == b"close":
                    break


def break_off(service: Service, times: int) -> None:
    """Send a body half, and end the connection."""
    for _ in range(times):
        with socket.create_connection(service.address, timeout=10) as connection:
            connection.sendall(_sized(_POST, _SMALL)[:-1000])


def memory(service: Service) -> int:
    """Bytes that the HTTP workers have in memory."""
    fields = [Path(f"/proc/{pid}/statm").read_text().split() for pid in service.workers()]
    return sum(int(pages) for _, pages, *_ in fields) * 4096


def test_nothing_is_kept_of_a_request_that_is_over(serve: Callable[..., Service]) -> None:
    service = serve(RISKAPI_THREADS="2", RISKAPI_BODY_SECONDS="2")
    ways: dict[str, Callable[[int], None]] = {"a body that breaks off": partial(break_off, service)}
    ways |= {kind: partial(send, service, request) for kind, (request, _) in KINDS.items()}
    gained = {}
    for kind, way in ways.items():
        times = KINDS[kind][1] if kind in KINDS else 2500
        way(times // 4)
        before = memory(service)
        way(times)
        gained[kind] = memory(service) - before
    assert {kind: size for kind, size in gained.items() if size > _ALLOWED} == {}
