"""A small HTTP server in the place of riskapi, for what the real one does not do on demand: hang, lie, go away."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.threaded import running

KEY = "rk_stand-in-0123456789-0123456789"
Answer = tuple[int, Any]


@dataclass(frozen=True)
class Question:
    """What was asked: ``connection`` tells connections apart."""

    path: str
    body: dict[str, Any]
    key: str
    authorization: str
    connection: int


@dataclass
class Grants:
    """``answer`` makes status and body of a question; a body of bytes is sent as it is, None drops the connection."""

    url: str = ""
    questions: list[Question] = field(default_factory=list)
    answer: Callable[[Question], Answer] = lambda question: granted(question.body["recipients"])
    #: Close the connection after each answer, without having said so.
    closes: bool = False
    #: Set while questions are to be answered; cleared, they wait.
    answering: threading.Event = field(default_factory=threading.Event)


def granted(recipients: int) -> Answer:
    return 200, {"reservation_id": "rsv_1", "granted": recipients, "denied": 0, "denied_by": None, "retry_after": None}


def denied(by: str = "account_hourly", retry_after: object = 90) -> Answer:
    return 200, {"reservation_id": None, "granted": 0, "denied": 1, "denied_by": by, "retry_after": retry_after}


def never(largest: object) -> Answer:
    """More than can ever be granted at once."""
    return 200, {"granted": 0, "denied": 1, "denied_by": "account_hourly", "retry_after": None, "largest": largest}


UNKNOWN: Answer = (404, {"code": "not_found", "detail": "No such account."})


@contextlib.contextmanager
def grants() -> Iterator[Grants]:
    """Serve on a free port of loopback."""
    found = Grants()
    found.answering.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = Question(
                self.path,
                body,
                self.headers.get("Idempotency-Key", ""),
                self.headers.get("Authorization", ""),
                self.client_address[1],
            )
            found.questions.append(asked)
            found.answering.wait(10)
            status, answer = found.answer(asked)
            if answer is None:
                self.close_connection = True
                return
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = found.closes

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """A peer that waited long enough is meant."""

    server = Server(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    with running(server):
        try:
            yield found
        finally:
            found.answering.set()
