"""An HTTP server on loopback that webhooks are sent to, which answers as its paths say, well and badly."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.threaded import running

#: Certificate and key of ``localhost``.
PEM = Path(__file__).parent / "tls" / "localhost.pem"


class Receiver(ThreadingHTTPServer):
    """Remembers what it got, as (path, headers in lower case, body).

    ``/status/<code>`` answers that; ``/later`` 503 with ``Retry-After: 7``; ``/moved`` redirects to ``/status/200``;
    ``/gone`` answers 410 once it is released;
    ``/hang`` answers nothing, ``/drip`` a header that never ends, ``/endless`` 200 and a body that never does and
    ``/flood`` the same at full speed, ``/large`` 200 and a megabyte, ``/close`` closes, ``/broken`` is no HTTP;
    ``/flaky`` fails the first time, ``/stalls`` hangs then.
    """

    daemon_threads = True

    def __init__(self, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), _Handler)
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.arrived = threading.Condition()
        self.released = threading.Event()
        self.under_way = self.most_under_way = 0

    def url(self, path: str, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.server_address[1]}{path}"

    def wait_for(self, count: int, path: str | None = None) -> list[tuple[str, dict[str, str], bytes]]:
        """The requests (for a path) once there are so many."""

        def found() -> list[tuple[str, dict[str, str], bytes]]:
            return [row for row in self.seen if path is None or row[0] == path]

        with self.arrived:
            assert self.arrived.wait_for(lambda: len(found()) >= count, 60), f"{len(found())} of {count} arrived"
            return found()

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that give up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = {name.lower(): value for name, value in self.headers.items()}
        server = self.server
        with server.arrived:
            server.under_way += 1
            server.most_under_way = max(server.most_under_way, server.under_way)
            server.seen.append((self.path, told, body))
            first = sum(path == self.path for path, _, _ in server.seen) == 1
            server.arrived.notify_all()
        try:
            self._answer(first)
        finally:
            with server.arrived:
                server.under_way -= 1

    def _answer(self, first: bool) -> None:
        what, _, code = self.path.removeprefix("/").partition("/")
        match what:
            case "status":
                self._plain(int(code))
            case "flaky":
                self._plain(500 if first else 200)
            case "later":
                self._plain(503, ("Retry-After", "7"))
            case "moved":
                self._plain(302, ("Location", "/status/200"))
            case "large":
                self._plain(200, body=b"x" * 1_000_000)
            case "stalls" if not first:
                self._plain(200)
            case "hang" | "stalls":
                self.server.released.wait(120)
                self.close_connection = True
            case "gone":
                self.server.released.wait(120)
                self._plain(410)
            case "drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not self.server.released.wait(0.01):
                    self.wfile.write(b"x")
                self.close_connection = True
            case "endless":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not self.server.released.wait(0.01):
                    self.wfile.write(b"x")
                self.close_connection = True
            case "flood":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
                while not self.server.released.is_set():
                    self.wfile.write(b"x" * 10_000)
                self.close_connection = True
            case "broken":
                self.wfile.write(b"220 mail.ruiz.example ESMTP\r\n")
                self.close_connection = True
            case "close":
                self.close_connection = True

    def _plain(self, status: int, *headers: tuple[str, str], body: bytes = b"ok") -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if status != 204 else b"")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to say."""


@contextlib.contextmanager
def receiver(*, tls: bool = False) -> Iterator[Receiver]:
    """A receiver that runs; with ``tls`` it shows the certificate of ``localhost``."""
    server = Receiver()
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PEM)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server):
        try:
            yield server
        finally:
            server.released.set()
