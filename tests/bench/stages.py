"""Where the time of a signup goes, stage by stage, in one process and one signup at a time."""

from __future__ import annotations

import io
import itertools
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

import signals
from riskapi.api.flask_app import build
from riskapi.app import Service
from riskapi.decisions import decide
from riskapi.inputs.signup import Signup
from tests.bench import in_process
from tests.bench.bodies import bodies
from tests.bench.counters import counters
from tests.bench.figures import Stage

_PATH = "/v1/signups"
_VALIDATE = "validate: JSON to Signup"
_Timed = Callable[[str, Callable[[], Any]], Any]


def measure(directory: Path, key: str, count: int, advance: Callable[[int], None]) -> list[Stage]:
    """Mean microseconds of each stage over ``count`` signups."""
    spent: dict[str, tuple[float, float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begin, busy = time.perf_counter(), time.process_time()
        result = work()
        busy, passed = time.process_time() - busy, time.perf_counter() - begin
        before = spent.get(name, (0.0, 0.0))
        spent[name] = (before[0] + 1e6 * busy / count, before[1] + 1e6 * passed / count)
        return result

    with in_process.serving(in_process.settings_of(directory, key, enrichment="on")) as service:
        served = build(service.parts)
        in_process.warm(service)
        begin = counters(service.store).busy
        for apart, whole, posted in itertools.islice(
            zip(bodies(2, "a"), bodies(3, "b"), bodies(4, "c"), strict=True), count
        ):
            _one(service, apart, timed)
            signup = Signup.model_validate_json(whole)
            timed("line", partial(service.parts.assessor.signup, signup, time.time()))
            timed("http", partial(serve, served, environ(posted, key)))
            advance(1)
        busy = 1e6 * (counters(service.store).busy - begin) / (3 * count)
    line, http = spent.pop("line"), spent.pop("http")
    whole_line = [sum(each[kind] for name, each in spent.items() if name != _VALIDATE) for kind in (0, 1)]
    stages = [(name, *each) for name, each in spent.items()]
    stages.append(("record: answer, second trip to the store", line[0] - whole_line[0], line[1] - whole_line[1]))
    around = [http[kind] - line[kind] - spent[_VALIDATE][kind] for kind in (0, 1)]
    stages.append(("HTTP, key, metrics and log line", around[0], around[1]))
    stages.append(("sum, without the server and the client", *http))
    stages.append(("the store, within the time of the trips", busy, busy))
    return [Stage(name=name, busy=busy, passed=passed) for name, busy, passed in stages]


def serve(application: Flask, request: dict[str, Any]) -> bytes:
    """The body of the answer to a request, as a WSGI server asks for it."""
    return b"".join(application.wsgi_app(request, lambda *_: lambda _: None))


def environ(body: bytes, key: str) -> dict[str, Any]:
    """A request as the gateway hands it over."""
    return {
        "REQUEST_METHOD": "POST", "PATH_INFO": _PATH, "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)), "HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": f"Bearer {key}",
        "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr, "wsgi.version": (1, 0),
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False, "wsgi.input_terminated": True,
    }  # fmt: skip


def _one(service: Service, body: bytes, timed: _Timed) -> None:
    basis, gatherer = service.active.basis, service.parts.assessor.gatherer
    now = time.time()
    signup = timed(_VALIDATE, lambda: Signup.model_validate_json(body))
    parsed = timed("parse: mail, phone, network, device", lambda: gatherer.parse(signup, now))
    user = signup.account.user_id
    gathered = timed("gather: first trip to the store", lambda: gatherer.gather(user, parsed.facts, basis.policy))
    readings = timed(f"read: {len(signals.registered())} signals", lambda: signals.read(gathered.facts))
    timed("score and decide", lambda: decide.decide(readings, basis.scorer, basis.policy))
