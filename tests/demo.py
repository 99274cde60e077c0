"""Posts the cases of tests/cases to a service and prints what it decided, for a person to read.

With RISKAPI_URL and RISKAPI_KEY set it asks that service (which keeps the accounts); otherwise it starts one of its
own in a temporary directory and stops it in the end. Exit code 1 when a case did not get what it expects.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from tests.demo_table import Reader, summary_of, table_of
from tests.ports import free_port
from tests.signup_cases import Outcome, Send, load, post

#: Seconds the service may take to start: unpacking the IP data and loading the model on a slow machine.
_PATIENCE = 60.0
_NARROW = 150
#: Columns where the output is no terminal and COLUMNS is not set.
_PLAIN_WIDTH = 180


def main() -> int:
    """Run the demonstration; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__.partition("\n\n")[0])
    parser.epilog = __doc__.partition("\n\n")[2]
    parser.add_argument("--group", help="show only the cases of groups that have this in their name (all are posted)")
    parser.add_argument("--reasons", type=int, default=3, metavar="N", help="reasons shown for a case (default 3)")
    chosen = parser.parse_args()
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PLAIN_WIDTH
    console = Console(width=width, highlight=False)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="riskapi-demo-")))
        reader = Reader(folder)
        url, key = os.environ.get("RISKAPI_URL"), os.environ.get("RISKAPI_KEY")
        if not url or not key:
            key = secrets.token_urlsafe(32)
            with console.status("Starting a service in a temporary directory"):
                url = stack.enter_context(_service(folder, key))
        send = stack.enter_context(_sender(url, key))
        cases = load()
        progress = track(cases, "Posting signups", console=Console(stderr=True), transient=True)
        outcomes = [post(case, send) for case in progress]
        shown = [found for found in outcomes if (chosen.group or "").lower() in found.case.group.lower()]
        for group in dict.fromkeys(found.case.group for found in shown):
            console.print(table_of(group, shown, reader, chosen.reasons, narrow=console.width < _NARROW))
        console.print(summary_of(outcomes))
        return _verdict(console, outcomes)


def _verdict(console: Console, outcomes: list[Outcome]) -> int:
    wrong = [found for found in outcomes if found.failures]
    for found in wrong:
        console.print(f"[red]{found.case.name}[/]: {escape('; '.join(found.failures))}")
    versions = next(found.answer["versions"] for found in outcomes if found.status == 200)
    console.print(
        f"{len(outcomes)} signups, {len(wrong)} not as expected. Model {versions['model'] or 'off (rules only)'}, "
        f"policy {versions['policy']}, networks of {versions['asn']}, mail lists of {versions['lists']}.\n"
        "Scores come from a model trained on simulated signups: they show how decisions are made, not how often "
        "they are right."
    )
    return 1 if wrong else 0


@contextlib.contextmanager
def _service(folder: Path, key: str) -> Iterator[str]:
    """A service of our own, with an empty store; gives its address and ends it, and nothing else, afterwards."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RISKAPI_", "REDIS_"))}
    kept |= {name: os.environ[name] for name in ("RISKAPI_MODEL_MODE", "RISKAPI_POLICY_FILE") if name in os.environ}
    environment = kept | {
        "RISKAPI_BIND": f"127.0.0.1:{port}",
        "RISKAPI_DATA_DIR": str(folder),
        "RISKAPI_ENRICHMENT": "off",  # nobody outside need know of invented people
        "RISKAPI_BOOTSTRAP_KEY": key,
        "RISKAPI_REPLAY": "on",
        "RISKAPI_WORKERS": "1",
        "RISKAPI_STORE_FSYNC": "everysec",
        "RISKAPI_LOG_LEVEL": "error",
    }
    log = folder / "service.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "riskapi", "serve"]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _is_ready(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"The service did not start:\n{log.read_text()}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def _sender(url: str, key: str) -> Iterator[Send]:
    """Sends to the service at ``url`` over one connection."""
    parts = urlsplit(url)
    made = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = made(parts.hostname or "127.0.0.1", parts.port, timeout=30)

    def send(method: str, path: str, body: bytes | None, at: datetime) -> tuple[int, dict[str, Any]]:
        headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "X-Replay-Time": at.isoformat(),
        }
        connection.request(method, parts.path.rstrip("/") + path, body, headers)
        answer = connection.getresponse()
        found = answer.read()
        if answer.status in (401, 403):
            sys.exit(f"{url} does not accept the key: it needs the scopes signups and reviews")
        return answer.status, json.loads(found)

    try:
        yield send
    except (OSError, HTTPException, ValueError) as error:
        sys.exit(f"{url}: {error!r}")
    finally:
        connection.close()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
