"""A queue cleared by keyboard in a real browser: ``python -m tests.bench reviewing``.

Thirty cases wait, ten of them rings. A script presses what a reviewer would, and never uses a pointer: it opens the
first case, and decides each by what the page shows, limit for a ring and allow for one account. Printed are the keys
pressed and the server's time for each case.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Response, sync_playwright

from tests.bench import servers
from tests.bench.feedback import percentile
from tests.bench.person import first_link
from tests.bench.progress import Steps
from tests.bench.servers import KEY
from tests.browser import become_admin, launched
from tests.ports import free_port

#: Cases, how many of them are rings, and accounts of a ring. Keys a case that are aimed at.
CASES, RINGS, _SIZES, AIM = 30, 10, (3, 5, 12, 40), 4
#: Seconds until every ring is bound together, and milliseconds a page may take.
_BINDS, _PATIENCE = 60.0, 20_000


@dataclass(frozen=True, slots=True)
class Cleared:
    """One case: accounts it touched, what was decided, keys pressed, and milliseconds the server took for them."""

    size: int
    decided: str
    keys: int
    milliseconds: float


class _Keyboard:
    """Presses keys and counts them, and adds up how long the server took to answer."""

    def __init__(self, page: Page) -> None:
        self._page, self.pressed, self.milliseconds = page, 0, 0.0
        page.on("response", self._answered)

    def press(self, key: str) -> None:
        """Press a key that stays on the page."""
        self.pressed += 1
        self._page.keyboard.press(key)

    def follow(self, key: str) -> None:
        """Press a key and wait for the page that it leads to."""
        with self._page.expect_navigation(timeout=_PATIENCE):
            self.press(key)

    def _answered(self, response: Response) -> None:
        timing = response.request.timing
        if timing["responseStart"] > 0:
            self.milliseconds += timing["responseStart"] - max(timing["requestStart"], 0)


def measure(cases: int, rings: int, steps: Steps) -> list[Cleared]:
    """Fill a queue, serve it and clear it. SystemExit without a Chromium, or where the queue does not become empty."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="riskapi-bench-") as name, sync_playwright() as playwright:
        environment = {
            "RISKAPI_BIND": f"127.0.0.1:{port}", "RISKAPI_DATA_DIR": name, "RISKAPI_BOOTSTRAP_KEY": KEY,
            "RISKAPI_WORKERS": "1", "RISKAPI_ENRICHMENT": "off", "RISKAPI_SERVE_WORKER": "on",
            "RISKAPI_LOG_LEVEL": "warning", "RISKAPI_CONSOLE_SECOND_FACTOR": "off",
        }  # fmt: skip
        log = Path(name) / "serve.log"
        with servers.running([sys.executable, "-m", "riskapi", "serve"], port, environment, log):
            _fill(port, cases, rings)
            browser = launched(playwright)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(_PATIENCE)
            become_admin(page, f"http://127.0.0.1:{port}{first_link(log)}", "ana")
            with steps.step("cases", cases) as advance:
                return list(_clear(page, cases, advance))


def _clear(page: Page, cases: int, advance: Any) -> Iterator[Cleared]:
    keyboard = _Keyboard(page)
    keyboard.press("j")
    keyboard.follow("Enter")
    for _ in range(cases):
        size = page.locator("[data-member]").count() or 1
        decided = "limit" if size > 1 else "allow"
        keyboard.follow(decided[0])
        yield Cleared(size, decided, keyboard.pressed, keyboard.milliseconds)
        keyboard.pressed, keyboard.milliseconds = 0, 0.0
        advance(1)
    if page.locator("[data-row]").count() or "/cases/" in page.url:
        raise SystemExit(f"the queue is not empty: {page.url}")


def _fill(port: int, cases: int, rings: int) -> None:
    """Cases: rings on one device each, the others alone. SystemExit where a ring is not bound together."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {found}")
        return found

    last = []
    for case in range(cases):
        size = _SIZES[case % len(_SIZES)] if case < rings else 1
        for number in range(size):
            user = f"case_{case}_{number}"
            body = {
                "account": {"user_id": user, "name": f"Person {case} {number}"},
                "email": {"address": f"{user.replace('_', '.')}@mailinator.com"},
                "device": {"id": f"device-of-case-{case:04}", "ip_address": f"198.18.{case}.{number + 1}"},
            }
            ask("POST", "/v1/signups", body)
        if size > 1:
            last.append((user, size))
    deadline = time.monotonic() + _BINDS
    for user, size in last:
        while ask("GET", f"/v1/accounts/{user}")["linkage"]["size"] < size:
            if time.monotonic() > deadline:
                raise SystemExit(f"the ring of {user} is not bound together")
            time.sleep(0.05)


def lines(found: Sequence[Cleared]) -> Iterator[str]:
    """The figures as lines to print."""
    yield "A queue cleared by keyboard"
    yield "  case  accounts  decided  keys  server ms"
    for number, case in enumerate(found, 1):
        yield f"  {number:4}  {case.size:8}  {case.decided:7}  {case.keys:4}  {case.milliseconds:9.0f}"
    keys, took = sum(case.keys for case in found), [case.milliseconds for case in found]
    yield (
        f"  {keys} keys for {len(found)} cases: {keys / len(found):.2f} a case, aim {AIM}; "
        f"server p50 {percentile(took, 0.5):.0f} ms, p95 {percentile(took, 0.95):.0f} ms a case"
    )


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where more keys were needed than is aimed at."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench reviewing", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help=f"cases that wait ({CASES})")
    parser.add_argument("--rings", type=int, default=RINGS, help=f"how many of them are rings ({RINGS})")
    options = parser.parse_args(words)
    servers.end_in_order()
    found = measure(options.cases, options.rings, Steps())
    for line in lines(found):
        print(line)
    return int(sum(case.keys for case in found) > AIM * len(found))
