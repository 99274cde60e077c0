"""How soon a complaint is in the answers: ``python -m tests.bench feedback``, and a part of ``make bench``.

A service runs with its worker, and is loaded with grants of other accounts. A complaint about one account of a pair on
one device is posted, and each of the two asks to send again and again until the answer shows it: from the moment the
complaint was posted to the moment such an answer has come.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.bench import load, servers
from tests.bench.servers import KEY
from tests.ports import free_port

#: Seconds within which 99 of 100 complaints are to be in the answers; what is aimed at; and when one is given up.
BOUND, AIM, _PATIENCE = 2.0, 0.25, 10.0
#: Accounts that send meanwhile, and their connections.
_OTHERS, _CONNECTIONS = 500, 2
#: Seconds between two questions of one account, and until a pair is bound at the latest.
_PAUSE, _BINDS = 0.005, 30.0


#: Complaints that are posted, and seconds of load at most.
COMPLAINTS, SECONDS = 100, 120.0


class _Client:
    """Asks the service over one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {found}")
        return found


def measure(complaints: int, seconds: float) -> dict[str, list[float]]:
    """Seconds from each complaint to the answer that shows it: for ``the account``, and for the one ``bound to it``.

    One that was not shown within ten seconds is infinite.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="riskapi-bench-") as name:
        environment = {
            "RISKAPI_BIND": f"127.0.0.1:{port}", "RISKAPI_DATA_DIR": name, "RISKAPI_BOOTSTRAP_KEY": KEY,
            "RISKAPI_WORKERS": "1", "RISKAPI_ENRICHMENT": "off", "RISKAPI_SERVE_WORKER": "on",
            "RISKAPI_LOG_LEVEL": "warning", "RISKAPI_STORE_TIMEOUT_MS": "20000",
        }  # fmt: skip
        command = [sys.executable, "-m", "riskapi", "serve"]
        with servers.running(command, port, environment, Path(name) / "serve.log"):
            client = _Client(port)
            for number in range(_OTHERS):
                client.ask("POST", "/v1/signups", _signup(f"other_{number}", f"dev-{number}"))
            pairs = [(f"ana_{number}", f"cy_{number}") for number in range(complaints)]
            for number, pair in enumerate(pairs):
                for user in pair:
                    client.ask("POST", "/v1/signups", _signup(user, f"pair-{number}"))
                    client.ask("POST", f"/v1/accounts/{user}/sends", {"recipients": 10})
            _await_bound(client, pairs)
            loading = threading.Thread(target=_load, args=(port, seconds), daemon=True)
            loading.start()
            return _times(port, pairs)


def _times(port: int, pairs: Sequence[tuple[str, str]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"the account": [], "bound to it": []}
    poster = _Client(port)
    for number, pair in enumerate(pairs):
        before = [_answer(poster, user) for user in pair]
        taken = [float("inf"), float("inf")]
        begun = threading.Event()
        posted = [0.0]
        asking = [
            threading.Thread(target=_until_changed, args=(port, user, before[at], begun, posted, taken, at))
            for at, user in enumerate(pair)
        ]
        for thread in asking:
            thread.start()
        event = {"id": f"evt_{number}", "type": "complaint", "user_id": pair[0], "recipient": "bo@example.net"}
        posted[0] = time.perf_counter()
        begun.set()
        poster.ask("POST", "/v1/feedback", {"events": [event]})
        for thread in asking:
            thread.join()
        found["the account"].append(taken[0])
        found["bound to it"].append(taken[1])
    return found


def _until_changed(
    port: int, user: str, before: object, begun: threading.Event, posted: list[float], taken: list[float], at: int
) -> None:
    client = _Client(port)
    begun.wait()
    while time.perf_counter() < posted[0] + _PATIENCE:
        if _answer(client, user) != before:
            taken[at] = time.perf_counter() - posted[0]
            return
        time.sleep(_PAUSE)


def _answer(client: _Client, user: str) -> object:
    """What a grant of one recipient says of the account: its tier, and why nothing was granted."""
    found = client.ask("POST", f"/v1/accounts/{user}/sends", {"recipients": 1, "partial": True})
    return {name: found.get(name) for name in ("tier", "paused")}


def _await_bound(client: _Client, pairs: Sequence[tuple[str, str]]) -> None:
    deadline = time.monotonic() + _BINDS
    for pair in pairs:
        while client.ask("GET", f"/v1/accounts/{pair[1]}")["linkage"]["cluster_id"] is None:
            if time.monotonic() > deadline:
                raise SystemExit(f"{pair[1]} was bound to nobody")
            time.sleep(_PAUSE)


def _load(port: int, seconds: float) -> None:
    with suppress(ConnectionError):  # the service ends before the load does
        load.run(load.web(port), _requests(), seconds=seconds, connections=_CONNECTIONS)


def _requests() -> Iterator[bytes]:
    rng = random.Random(1)
    for number in itertools.count():
        user = f"other_{rng.randrange(_OTHERS)}"
        yield load.request(f"/v1/accounts/{user}/sends", b'{"recipients": 1}', KEY, f"load-{number}")


def _signup(user: str, device: str) -> dict[str, Any]:
    mail = {"address": f"{user.replace('_', '.')}@{user.replace('_', '-')}.example"}
    return {"account": {"user_id": user}, "email": mail, "device": {"id": device}}


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of the values does not pass."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def lines(found: dict[str, list[float]]) -> Iterator[str]:
    """The figures as lines to print, and whether they are as promised."""
    yield "From a complaint posted until it is in the next answer to POST …/sends, under load"
    for name, values in found.items():
        p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
        word = "as aimed at" if p99 <= AIM else "within the bound" if p99 < BOUND else "TOO LATE"
        yield (
            f"  {name:12} {len(values):4} complaints   p50 {1000 * p50:6.0f} ms   p99 {1000 * p99:6.0f} ms   "
            f"aim {1000 * AIM:.0f} ms, bound {1000 * BOUND:.0f} ms: {word}"
        )


def is_late(found: dict[str, list[float]]) -> bool:
    """Whether the bound does not hold for one of the accounts."""
    return any(percentile(values, 0.99) >= BOUND for values in found.values())


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where the bound does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench feedback", description=__doc__)
    parser.add_argument(
        "--complaints", type=int, default=COMPLAINTS, help="complaints, each about another account (100)"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for how long the load lasts at most (120)")
    options = parser.parse_args(words)
    servers.end_in_order()
    found = measure(options.complaints, options.seconds)
    for line in lines(found):
        print(line)
    return int(is_late(found))


if __name__ == "__main__":
    sys.exit(main())
