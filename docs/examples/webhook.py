"""Receive riskapi's webhooks: check the signature, answer at once, handle each event once. Standard library only.

    WEBHOOK_SECRET=whsec_… python webhook.py inbox

Listens on LISTEN (127.0.0.1:9000). Every event is kept as a file of the directory ``inbox``, named after its
webhook-id, before it is answered. So an event that is sent again is known by its name, and one that was answered but
not handled, because the process ended, is handled at the next start. Files can go once they are older than any replay.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import queue
import re
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

#: Seconds a timestamp may lie in the past or future. Older requests may have been recorded by somebody and sent again.
TOLERANCE = 300
#: Bytes of a body; events of riskapi are far smaller.
MOST = 1 << 20


class Untrue(Exception):
    """The request was not signed by riskapi, was changed on its way, or is old."""


def verify(secret: str, headers: Any, body: bytes, now: float) -> str:
    """The webhook-id of a request that riskapi signed. See https://www.standardwebhooks.com."""
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", name) or not re.fullmatch(r"[0-9]{1,12}", at):
        raise Untrue("no webhook-id or webhook-timestamp")
    if abs(now - int(at)) > TOLERANCE:
        raise Untrue("the timestamp is too old or too new")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    wanted = f"v1,{base64.b64encode(signed).decode()}".encode()
    # There are two signatures for a day after the secret was changed; one of them has to fit.
    given = headers.get("webhook-signature", "").encode("latin-1", "replace").split(b" ")
    if not any([hmac.compare_digest(each, wanted) for each in given]):
        raise Untrue("the signature does not fit")
    return str(name)


class Inbox:
    """Events on the disk: ``<webhook-id>.json`` is one that arrived, ``<webhook-id>.done`` says it was handled."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        directory.mkdir(parents=True, exist_ok=True)
        for path in sorted(directory.glob("*.json")):
            if not path.with_suffix(".done").exists():
                self._waiting.put(path.stem)

    def keep(self, name: str, body: bytes) -> None:
        """Keep an event. Nothing happens if it is there already."""
        with tempfile.NamedTemporaryFile(dir=self._directory) as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(file.name, self._directory / f"{name}.json")
                self._waiting.put(name)

    def work(self) -> None:
        """Handle what arrives, one event after the other, for ever."""
        while True:
            name = self._waiting.get()
            handle(json.loads((self._directory / f"{name}.json").read_bytes()))
            (self._directory / f"{name}.done").touch()


def handle(event: dict[str, Any]) -> None:
    """What you do about an event goes here. It may take its time: riskapi was answered already.

    It runs a second time if the process ends just before it is noted as done, so make it safe to repeat.
    """
    print(json.dumps(event), flush=True)


def serve(secret: str, inbox: Inbox, address: tuple[str, int]) -> None:
    """Take requests until the process is ended."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds a caller may be silent

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > MOST:
                self.send_error(413)
                return
            body = self.rfile.read(int(length))
            try:
                inbox.keep(verify(secret, self.headers, body, time.time()), body)
            except Untrue as error:
                self.send_error(401, str(error))
            except OSError:
                self.send_error(503)  # it is not kept: riskapi tries again later
            else:
                self.send_response(204)
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: what a caller sends does not belong into a log."""

    with ThreadingHTTPServer(address, Handler) as server:
        print(f"listens on {server.server_address[0]}:{server.server_address[1]}", file=sys.stderr, flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        inbox.work()  # here, so that an error of yours ends the process, which is then started again


if __name__ == "__main__":
    if len(sys.argv) != 2 or not os.environ.get("WEBHOOK_SECRET"):
        sys.exit(__doc__)
    host, _, port = os.environ.get("LISTEN", "127.0.0.1:9000").rpartition(":")
    serve(os.environ["WEBHOOK_SECRET"], Inbox(Path(sys.argv[1])), (host, int(port)))
