"""The service as it runs: the embedded store (without REDIS_URL), an HTTP server, and a worker that keeps looking."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from riskapi import app, logs, metrics
from riskapi.access.api_keys import SCOPES, ApiKeys
from riskapi.commands.worker import beside_server
from riskapi.console.access_parts import first_link, open_access_parts
from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.links.secret import LinkKey
from riskapi.policy.publisher import Publisher
from riskapi.policy.versions import Policies
from riskapi.server import fault_log, granian_server, http_server, listening, metrics_directory
from riskapi.settings import Settings
from riskapi.store import consumer
from riskapi.store.connections import Store, open_store
from riskapi.store.embedded import Embedded
from riskapi.store.supervisor import Supervisor
from riskapi.times import Backoff

#: Seconds the worker is given to end when the service stops; then it is killed.
_GRACE = 10
#: Seconds between two looks at the worker, whether it is still there.
_LOOK = 1.0
#: A worker that ended within these seconds is taken to have failed at its start. The second figure is the longest
#: pause, in seconds, before a worker that keeps ending is started again.
_STEADY, _LONGEST_PAUSE = 10.0, 30.0
_EXAMPLE = (
    '{"account": {"user_id": "u_1001", "name": "Ana Ruiz", "organization": "Ruiz Ceramics"}, '
    '"email": {"address": "ana@ruiz.example"}, "phone": {"number": "+34600123123"}, '
    '"device": {"ip_address": "203.0.113.9", "accept_language": "es-ES", "time_zone": "Europe/Madrid"}}'
)


def run(settings: Settings) -> int:
    """Check everything, start everything, and stay until told to stop."""
    logs.configure(settings.log_level)
    with contextlib.ExitStack() as stack:
        stack.enter_context(listening.held(settings.bind, settings.data_dir))
        sources = app.check(settings)
        _stop_on_sigterm()
        if settings.redis_url is None:
            embedded = stack.enter_context(Embedded(settings.data_dir, settings.store_fsync))
            stack.enter_context(Supervisor(embedded))
        store = open_store(settings)
        stack.callback(store.close)
        _ready_store(store, settings)
        LinkKey(settings, store)  # before anything is kept under a wrong one
        consumer.found(store)
        _say_policy(app.follow_policy(settings, store, sources.file, sources.basis))
        key = first_key(ApiKeys(store))
        _announce(settings, key, first_link(open_access_parts(settings, store), time.time()))
        stack.enter_context(_processes(settings))
        stack.enter_context(_watched(store, settings))
        if settings.serve_worker:
            stack.enter_context(_working())
        http_server.serve(settings)
    return 0


def first_key(keys: ApiKeys) -> str | None:
    """Make a key with every scope when there is none yet: the key of a first start."""
    return None if keys.list() else keys.create("first-start", SCOPES)


def greeting(settings: Settings, key: str | None, admin: str | None = None) -> str:
    """What a person reads when the service is there; ``key`` only at the first start.

    ``admin`` is the link that makes the first admin of the console, as long as there is no user.
    """
    url = settings.bind.url
    lines = [f"riskapi listens on {url}   (what it can do: {url}/docs)"]
    if key is not None:
        lines += ["", f"API key, shown this once: {key}"]
    lines += ["", f"Console: {settings.console_address}/console/"]
    if admin is not None:
        lines += [f"Become its first admin, once, within 24 hours: {admin}"]
    lines += [
        "",
        "Score a signup:" if key else f"Score a signup (another key: {_python()} -m riskapi keys create --help):",
        f"curl -sS {url}/v1/signups -H 'Authorization: Bearer {key or 'YOUR_KEY'}' "
        f"-H 'Content-Type: application/json' -d '{_EXAMPLE}'",
        "",
    ]
    return "\n".join(lines)


def _python() -> str:
    """How a person here calls this interpreter: the virtual environment of ``make run`` need not be activated."""
    path = Path(sys.executable)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _ready_store(store: Store, settings: Settings) -> None:
    """The store must answer before anybody is served; say what it does not promise."""
    store.ping()
    if settings.redis_url is None or store.is_cluster:
        return
    from riskapi.commands.doctor import persistence  # only here: it takes a tenth of a second

    with contextlib.suppress(StoreUnavailable):
        for grade, text in persistence(store):
            if grade != "ok":
                print(f"the store at REDIS_URL: {text}", file=sys.stderr)
    if settings.link_key is None:
        print("RISKAPI_LINK_KEY is not set: give every host of this store the same one", file=sys.stderr)


def _say_policy(parts: tuple[Policies, Publisher]) -> None:
    """Refuse a published policy that cannot be used; say that it is one, and not the file's, that decides."""
    policies, publisher = parts
    try:
        publisher.follow()
    except ConfigurationError:
        print(f"publish another policy: {_python()} -m riskapi policy publish --help", file=sys.stderr)
        raise
    live = policies.live()
    if live.source == "store":
        said = f"policy {live.version}, published {live.at} by {live.author}"
        print(f"{said}; the policy file is ignored", file=sys.stderr)


def _stop_on_sigterm() -> None:
    """End in order when told to before the HTTP server, which has its own handlers, is there."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def _announce(settings: Settings, key: str | None, admin: str | None) -> None:
    """Greet as soon as the service answers, from a thread of its own."""

    def greet() -> None:
        while not _is_ready(settings.bind.reached, settings.bind.port):
            time.sleep(0.05)
        print(greeting(settings, key, admin), flush=True)

    threading.Thread(target=greet, name="greeting", daemon=True).start()


def _is_ready(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def _processes(settings: Settings) -> Iterator[None]:
    """See to it that the processes to be started count into one place, and begin with nothing of ours."""
    # Those for HTTP, a worker, and this one.
    counts = metrics_directory.make(settings.data_dir, settings.bind.port, settings.workers + 2)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(counts)
    # A forked process would inherit threads' locks (LightGBM's among them) and the hold on the store.
    multiprocessing.set_start_method("spawn", force=True)
    try:
        yield
    finally:
        shutil.rmtree(counts, ignore_errors=True)


@contextlib.contextmanager
def _watched(store: Store, settings: Settings) -> Iterator[None]:
    """Say what is wrong with store and disk, once for all processes."""
    metrics.count_as("serve")
    stop = threading.Event()
    fault_log.watch(store, settings, metrics.Metrics(), stop)
    try:
        yield
    finally:
        stop.set()


@contextlib.contextmanager
def _working() -> Iterator[None]:
    """Run a worker in a process of its own, and start another should it end by itself."""
    stopping = threading.Event()
    worker = _begun()

    def keep() -> None:
        nonlocal worker
        begun, backoff = time.monotonic(), Backoff(_LOOK, _LONGEST_PAUSE, _STEADY)
        while not stopping.wait(_LOOK):
            if worker.is_alive():
                continue
            logs.note(logging.ERROR, "worker_ended", code=worker.exitcode)
            if stopping.wait(backoff.after(time.monotonic() - begun)):
                return
            begun = time.monotonic()
            with contextlib.suppress(OSError):  # no process to be had now: the next look asks again
                worker = _begun()

    thread = threading.Thread(target=keep, name="worker-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        worker.terminate()
        worker.join(_GRACE)
        if worker.is_alive():
            worker.kill()


def _begun() -> multiprocessing.Process:
    with granian_server.blocked(signal.SIGINT):
        process = multiprocessing.Process(target=beside_server, name="worker")
        process.start()
    return process
