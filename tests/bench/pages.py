"""How long pages of the console take: ``python -m tests.bench pages``.

A store is filled with accounts and open reviews, and served. Each page is asked for again and again over one
connection, first alone, then beside signups; and signups are timed with and without somebody who looks at pages.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from riskapi.console.page import ROOT
from riskapi.console.page_list import PAGES
from riskapi.reviews.backlog import backlog
from tests.bench import in_process, load, loading, servers
from tests.bench.bodies import bodies
from tests.bench.feedback import percentile
from tests.bench.loading import Job
from tests.bench.person import Person, first_link
from tests.bench.processes import grown, spent
from tests.bench.progress import Steps
from tests.bench.servers import KEY
from tests.ports import free_port

#: Accounts, and reviews that wait for somebody, as issue and design ask.
ACCOUNTS, REVIEWS = 100_000, 2_000
#: Times each page is asked for, and milliseconds that 95 of 100 answers may take.
_TIMES, AIM = 40, 150.0
#: Connections that sign up, each with one request under way, and the pause between two signups of one in seconds: a
#: service that is used, not one that is at its limit.
_CONNECTIONS, _PAUSE = 2, 0.02
#: Signups that are timed with and without pages beside them, and the seed of the first.
_SIGNUPS, _SEED = 1500, 17
#: Seconds between two pages of those who look beside them: ten people who each open one every four seconds, and one who
#: waits for nothing.
_LOOKING: Final = {"beside ten people who open a page every four seconds": 0.4, "beside one page after the other": 0.0}
#: Cases that are opened, one after the other; notes of the audit log, and how many are written in a trip.
_CASES, _NOTES, _TRIP = 10, 10_000, 500
#: Seconds a simulation of all that was loaded may take.
_SIMULATION = 300.0


@dataclass(frozen=True, slots=True)
class Timed:
    """A page and how long its answers took, milliseconds.

    ``processor`` are the milliseconds of processor time that one answer took on average, by process: ``server`` and
    ``store``; empty where the system does not tell them. They depend less on what else the machine does.
    """

    page: str
    milliseconds: Sequence[float]
    processor: Mapping[str, float] = field(default_factory=dict)

    @property
    def p95(self) -> float:
        """What 95 of 100 answers did not pass."""
        return percentile(self.milliseconds, 0.95)


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured: pages, and signups with and without them, milliseconds."""

    accounts: int
    reviews: int
    pages: Sequence[Timed]
    signups: Mapping[str, Sequence[float]]


def measure(accounts: int, reviews: int, times: int, steps: Steps) -> Found:
    """Fill a store, serve it and time every page."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="riskapi-bench-") as name:
        folder = Path(name)
        waiting = _fill(folder, accounts, reviews, steps)
        environment = {
            "RISKAPI_BIND": f"127.0.0.1:{port}", "RISKAPI_DATA_DIR": name, "RISKAPI_BOOTSTRAP_KEY": KEY,
            "RISKAPI_ENRICHMENT": "off", "RISKAPI_SERVE_WORKER": "on", "RISKAPI_LOG_LEVEL": "warning",
            "RISKAPI_STORE_FSYNC": "everysec", "RISKAPI_CONSOLE_SECOND_FACTOR": "off",
            "RISKAPI_STORE_TIMEOUT_MS": "20000",
        }  # fmt: skip
        log = folder / "serve.log"
        with servers.running([sys.executable, "-m", "riskapi", "serve"], port, environment, log) as pid:
            person = Person(port)
            person.sign_in(first_link(log))
            paths = _paths(person)
            with steps.step("pages", len(paths)) as advance:
                timed = []
                for word, addresses in paths.items():
                    timed.append(_time(person, pid, word, addresses, times))
                    advance(1)
            signups = _signups(port, person, paths, steps)
    return Found(accounts, waiting, timed, signups)


def _fill(folder: Path, accounts: int, reviews: int, steps: Steps) -> int:
    """Accounts, and reviews until there are so many; returns how many wait."""
    with in_process.serving(in_process.settings_of(folder, KEY)) as service:
        with loading.unwritten(service.store), steps.step(f"{accounts:,} accounts", accounts) as advance:
            loading.load(Job(folder, KEY, "acc", 3, accounts, copies=True), loading.workers(), advance)
        waiting = backlog(service.store, time.time()).by_status["open"]
        more = max(reviews - waiting, 0)
        with steps.step(f"{reviews:,} reviews", more or 1) as advance:
            for number in range(more):
                in_process.sign_up(service, json.dumps(_suspect(number)).encode())
                advance(1)
        for first in range(0, _NOTES, _TRIP):
            pipe = service.store.pipeline()
            for number in range(first, first + _TRIP):
                note = (f"person-{number % 9}", "decided", f"rev_{number}", time.time())
                service.parts.audit.queue_once(pipe, f"{number:012d}", *note)
            service.store.run(pipe)
        return max(waiting, reviews)


def _suspect(number: int) -> dict[str, Any]:
    """Somebody with a disposable address, who comes to a review."""
    return {
        "account": {"user_id": f"rev_{number}", "name": f"Rev Iew {number}"},
        "email": {"address": f"rev{number}@mailinator.com"},
        "device": {"ip_address": f"198.18.{number // 250}.{number % 250 + 1}"},
    }


def _paths(person: Person) -> dict[str, list[str]]:
    """What is asked for, by a name for it: pages without a part that varies, and some cases."""
    found = {
        page.path: [ROOT + page.path]
        for page in PAGES
        if page.method == "GET" and page.role is not None and "{" not in page.path and page.path != "/"
    }
    queue = person.get(f"{ROOT}/queue")[0]
    cases = list(dict.fromkeys(re.findall(rf'href="({ROOT}/cases/[^"/?]+)"', queue)))[:_CASES]
    asked = {
        "/queue by words": f"{ROOT}/queue?q=rev+iew",
        "/queue by age": f"{ROOT}/queue?sort=age&from=50",
        "/queue by reason": f"{ROOT}/queue?reason=EMAIL_IS_DISPOSABLE",
        "/audit by who": f"{ROOT}/audit?actor=person-3",
        "/audit by who, of nobody": f"{ROOT}/audit?actor=person-99",
        "/limits with a draft": _drafted(person),
        **{f"/search {word}": f"{ROOT}/search?q={word}" for word in _SEARCHED if "/search" in found},
    }
    return found | {word: [path] for word, path in asked.items()} | ({"/cases/{review_id}": cases} if cases else {})


def _drafted(person: Person) -> str:
    """The address of a changed policy that was tried on all that was loaded."""
    place = person.post(f"{ROOT}/limits", {"base": "1", "tiers.review.daily": "60"}).partition("#")[0]
    deadline = time.monotonic() + _SIMULATION
    while "data-refresh" in person.get(place)[0]:
        if time.monotonic() > deadline:
            raise SystemExit(f"the simulation took longer than {_SIMULATION:.0f} s")
        time.sleep(0.5)
    return place


#: What is searched for: few accounts, and very many behind one domain.
_SEARCHED = ("rev_1", "rev1@mailinator.com", "mailinator.com", "198.18.0.2")


def _time(person: Person, pid: int, word: str, addresses: Sequence[str], times: int) -> Timed:
    person.get(addresses[0])  # what is compiled and cached once
    before = spent(pid)
    taken = [1000 * person.get(path)[1] for path in itertools.islice(itertools.cycle(addresses), times)]
    used = {name: 1000 * seconds / times for name, seconds in grown(spent(pid), before).items() if name != "client"}
    store = used.pop("store", 0.0)
    return Timed(word, taken, {"server": sum(used.values()), "store": store} if used else {})


def _signups(port: int, person: Person, paths: Mapping[str, Sequence[str]], steps: Steps) -> dict[str, list[float]]:
    """Signups alone, and beside those who look at pages."""
    with steps.step("signups", 1 + len(_LOOKING)) as advance:
        found = {"alone": _sign_up(port, _SEED, "alone")}
        advance(1)
        for seed, (word, pause) in enumerate(_LOOKING.items(), _SEED + 1):
            done = threading.Event()
            looker = threading.Thread(target=_look, args=(person, paths, pause, done), daemon=True)
            looker.start()
            found[word] = _sign_up(port, seed, word.replace(" ", "_"))
            done.set()
            looker.join(60)
            advance(1)
    return found


def _look(person: Person, paths: Mapping[str, Sequence[str]], pause: float, done: threading.Event) -> None:
    for path in itertools.cycle(path for addresses in paths.values() for path in addresses):
        person.get(path)
        if done.wait(pause):
            return


def _sign_up(port: int, seed: int, label: str) -> list[float]:
    """Milliseconds of signups over some connections, in a steady stream. Another seed is other people: who shares what
    somebody had before takes longer.
    """
    taken: list[float] = []
    source = bodies(seed, label)
    lock = threading.Lock()

    def post(count: int) -> None:
        for _ in range(count):
            with lock:
                body = next(source)
            found = load.run(load.web(port), iter([load.request("/v1/signups", body, KEY)]), seconds=60, connections=1)
            if found.errors:
                raise SystemExit("a signup was not answered with 200")
            taken.append(found.p50)
            time.sleep(_PAUSE)

    threads = [threading.Thread(target=post, args=(_SIGNUPS // _CONNECTIONS,)) for _ in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def lines(found: Found) -> Iterator[str]:
    """The figures as lines to print."""
    yield f"Pages with {found.accounts:,} accounts and {found.reviews:,} open reviews, milliseconds"
    yield "  answered in (p50, p95), and processor time of server and store"
    for each in sorted(found.pages, key=lambda timed: -timed.p95):
        word = "" if each.p95 < AIM else f"   OVER {AIM:.0f}"
        used = "".join(f"   {name} {value:5.1f}" for name, value in sorted(each.processor.items()))
        yield f"  {each.page:34} p50 {percentile(each.milliseconds, 0.5):6.1f}   p95 {each.p95:6.1f}{used}{word}"
    yield "Signups, milliseconds"
    for name, values in found.signups.items():
        yield f"  {name:58} p50 {percentile(values, 0.5):6.1f}   p99 {percentile(values, 0.99):6.1f}"


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a page takes longer than is aimed at."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench pages", description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help=f"accounts in the store ({ACCOUNTS})")
    parser.add_argument("--reviews", type=int, default=REVIEWS, help=f"reviews that wait, at least ({REVIEWS})")
    parser.add_argument("--times", type=int, default=_TIMES, help=f"times each page is asked for ({_TIMES})")
    options = parser.parse_args(words)
    servers.end_in_order()
    found = measure(options.accounts, options.reviews, options.times, Steps())
    for line in lines(found):
        print(line)
    return int(any(each.p95 >= AIM for each in found.pages))
