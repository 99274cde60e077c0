"""A closed-loop load of a server on this machine: some connections, each sending when its answer has come."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Answers, answers a second, latencies in milliseconds, and how many answers were not 200."""

    answers: int
    rate: float
    p50: float
    p99: float
    errors: int


def request(path: str, body: bytes, key: str, repeat: str | None = None) -> bytes:
    """One HTTP/1.1 request as bytes, made ahead so that sending costs the client little."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    if repeat is not None:
        head += f"Idempotency-Key: {repeat}\r\n"
    return f"{head}\r\n".encode() + body


def web(port: int) -> Callable[[], socket.socket]:
    """Connects to a web server on this machine."""

    def connect() -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    return connect


def local(path: str) -> Callable[[], socket.socket]:
    """Connects to a server on a unix socket."""

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        return connection

    return connect


def _complete(data: bytes) -> bool:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    start = data.lower().find(b"content-length: ", 0, end)
    length = int(data[start + 16 : data.index(b"\r\n", start)]) if start >= 0 else 0
    return len(data) >= end + 4 + length


def run(
    connect: Callable[[], socket.socket],
    requests: Iterator[bytes],
    *,
    seconds: float,
    connections: int,
    complete: Callable[[bytes], bool] = _complete,
    good: bytes = b"HTTP/1.1 200",
) -> Figures:
    """Load a server for so many seconds, or until the requests run out.

    ``complete`` tells whether the bytes read so far are a whole answer, ``good`` is how one begins that is no error.
    """
    selector = selectors.DefaultSelector()
    started: dict[socket.socket, float] = {}
    partial: dict[socket.socket, bytes] = {}
    latencies: list[float] = []
    errors = 0
    for _ in range(connections):
        connection = connect()
        selector.register(connection, selectors.EVENT_READ)
        partial[connection] = b""
        started[connection] = time.perf_counter()
        connection.sendall(next(requests))
    begin = time.perf_counter()
    end = begin + seconds
    waiting = connections
    while waiting and (now := time.perf_counter()) < end:
        for found, _ in selector.select(end - now):
            connection = found.fileobj  # type: ignore[assignment]
            data = partial[connection] + connection.recv(65536)
            if not data:
                raise ConnectionError("the server closed a connection")
            if not complete(data):
                partial[connection] = data
                continue
            now = time.perf_counter()
            latencies.append(now - started[connection])
            errors += not data.startswith(good)
            partial[connection] = b""
            started[connection] = now
            following = next(requests, None)
            if following is None:
                waiting -= 1
                continue
            connection.sendall(following)
    elapsed = time.perf_counter() - begin
    for connection in partial:
        connection.close()
    latencies.sort()
    count = len(latencies)
    return Figures(
        answers=count,
        rate=count / elapsed,
        p50=1000 * latencies[count // 2],
        p99=1000 * latencies[min(count - 1, count * 99 // 100)],
        errors=errors,
    )
