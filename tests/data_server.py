"""A web server on loopback that data is fetched from, which answers as its paths say, well and badly."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.threaded import running

CHANGED = "Thu, 19 Nov 2026 10:00:00 GMT"
PAGE = b"<!doctype html><title>502</title><h1>Bad gateway</h1>\n"


class DataServer(ThreadingHTTPServer):
    """Remembers what it was asked, as (path, headers in lower case).

    ``/list`` is ``content`` with its validators, or 304; ``/unsized`` it without a length; ``/page`` an error page
    with 200; ``/missing`` 404; ``/moved`` leads to ``/list``, ``/circle`` to itself, ``/away`` to another server;
    ``/drip`` a byte and then nothing; ``/cut`` half of what it announces; ``/endless`` never stops; ``/close`` closes.
    """

    daemon_threads = True

    def __init__(self, content: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.released = threading.Event()
        self.elsewhere = ""

    def url(self, path: str, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.server_address[1]}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that give up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: DataServer

    def do_GET(self) -> None:
        server = self.server
        server.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        content, etag = server.content, f'"{hash(server.content):x}"'
        match self.path.partition("?")[0]:
            case "/list" if self.headers.get("If-None-Match") == etag:
                self._answer(304)
            case "/list":
                self._answer(200, content, ETag=etag, Last_Modified=CHANGED, Content_Length=str(len(content)))
            case "/unsized":
                self._answer(200, content)
            case "/page":
                self._answer(200, PAGE, Content_Length=str(len(PAGE)))
            case "/moved":
                self._answer(302, Location="/list")
            case "/circle":
                self._answer(302, Location="/circle")
            case "/away":
                self._answer(302, Location=server.elsewhere)
            case "/drip":
                self._answer(200, b"a", Content_Length="1000")
                server.released.wait(30)
            case "/cut":
                self._answer(200, content[: len(content) // 2], Content_Length=str(len(content)))
            case "/huge":
                self._answer(200, b"", Content_Length=str(10**12))
            case "/endless":
                self._answer(200)
                with contextlib.suppress(OSError):
                    while not server.released.is_set():
                        self.wfile.write(b"endless.example\n" * 65_536)
            case "/close":
                self.close_connection = True
            case _:
                self._answer(404, PAGE)

    def _answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def data_server(content: bytes = b"") -> Iterator[DataServer]:
    """A server that runs until the end."""
    with running(DataServer(content)) as server:
        try:
            yield server
        finally:
            server.released.set()
