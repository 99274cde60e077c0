"""What every test may ask for: a real store, the IP data, settings, a clock, an HTTP client, the running service."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Map, Rule, RuleFactory

from riskapi import app, policy
from riskapi.api.flask_app import build
from riskapi.console.application import application
from riskapi.datasets import installed
from riskapi.errors import StoreUnavailable
from riskapi.inputs.domains import DomainLists
from riskapi.links.entities import Links
from riskapi.policy import Policy
from riskapi.settings import Settings
from riskapi.store import consumer
from riskapi.store.connections import Store, open_store
from riskapi.store.embedded import Embedded
from tests import commanding, logged, ports, store_servers
from tests.active_readers import readers_of, shipped
from tests.answers import conforms
from tests.commanding import Command
from tests.logged import Lines

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from riskapi.api.parts import Parts

ROOT = Path(__file__).resolve().parents[1]
#: An instant that no test depends on: 2026-11-22T10:00:00Z.
NOW = 1_795_341_600.0
LINK_SECRET = b"0123456789abcdef0123456789abcdef"
BOOTSTRAP_KEY = "test-key-0123456789-0123456789-0123456789"

# Other programs may keep the machine busy: how long an example takes says nothing.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


def keyed(application: Flask) -> FlaskClient:
    """An HTTP client of an application that sends the bootstrap key."""
    client = application.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {BOOTSTRAP_KEY}"
    return client


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> float:
        self.now += seconds
        return self.now


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: they are kept out of every garbage collection to come, as in the service."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def logs_put_back() -> Iterator[None]:
    """No test leaves its log behind for the next one."""
    with logged.put_back():
        yield


@pytest.fixture(scope="session", autouse=True)
def routes_laid_out_once() -> Iterator[None]:
    """An application is made in a twentieth of the time: most of it is werkzeug's, which parses and compiles routes.

    What it makes of them depends on nothing but what was said of each, and names views by their endpoints. The first
    application with some routes has it made; those with the same ones look them up in the same table.
    """
    laid_out: dict[Any, Any] = {}
    add, update, lock = Map.add, Map.update, threading.Lock()

    def wait(self: Map, rulefactory: RuleFactory) -> None:
        self.__dict__.setdefault("waiting", []).extend(rulefactory.get_rules(self))
        self._remap = True

    def once(self: Map) -> None:
        if not self._remap:
            return
        with lock:
            waiting = self.__dict__.pop("waiting", [])
            assert not (waiting and self._rules_by_endpoint), "no route comes after the first look"
            key = (self.merge_slashes, self.strict_slashes, *map(said_of, waiting))
            if waiting and key in laid_out:
                self._rules_by_endpoint, self._matcher = laid_out[key]
                self._remap = False
                return
            for rule in waiting:
                add(self, rule)
            update(self)
            laid_out[key] = self._rules_by_endpoint, self._matcher

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Map, "add", wait)
        patch.setattr(Map, "update", once)
        yield


#: What a route is made from, besides its methods.
said = attrgetter(
    "rule", "endpoint", "strict_slashes", "merge_slashes", "subdomain", "host", "build_only", "alias", "websocket",
    "redirect_to", "provide_automatic_options",
)  # fmt: skip


def said_of(rule: Rule) -> tuple[object, ...]:
    """All that a route is made from; routes with defaults are none of ours."""
    assert not rule.defaults, "what a route without defaults is compiled to is kept"
    return frozenset(rule.methods or ()), *said(rule)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of this test process, with an embedded store of its own."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def embedded_store(data_dir: Path) -> Iterator[Embedded]:
    """The real server. A test that needs it fails without it; it is never skipped."""
    with Embedded(data_dir, fsync="everysec") as server:
        yield server


@pytest.fixture(scope="session")
def session_settings(data_dir: Path) -> Settings:
    return Settings.load(
        {
            "RISKAPI_DATA_DIR": str(data_dir),
            "RISKAPI_BOOTSTRAP_KEY": BOOTSTRAP_KEY,
            "RISKAPI_WORKERS": "1",
            "RISKAPI_STORE_TIMEOUT_MS": "10000",  # a disk that others write to can stop the store for a second
        }
    )


@pytest.fixture
def settings(session_settings: Settings) -> Settings:
    """Settings that point at the store of this test process; change them with ``dataclasses.replace``."""
    return session_settings


@pytest.fixture(scope="session")
def session_store(embedded_store: Embedded, session_settings: Settings) -> Iterator[Store]:
    store = open_store(session_settings)
    yield store
    store.close()


@pytest.fixture
def store(session_store: Store) -> Store:
    """The store, empty."""
    session_store.execute("FLUSHALL")
    return session_store


@pytest.fixture(scope="session")
def rules() -> Policy:
    """The policy as it is shipped."""
    return policy.load(policy.DEFAULT)


@pytest.fixture(scope="session")
def lists() -> DomainLists:
    """The lists of domains as they are shipped."""
    return shipped()


@pytest.fixture
def links(store: Store, lists: DomainLists) -> Links:
    """What accounts share, on the empty store."""
    return Links(store, LINK_SECRET, readers_of(lists))


@pytest.fixture(scope="session")
def ip_data(session_settings: Settings) -> installed.DataPaths:
    """The packaged IP databases, unpacked."""
    return installed.ensure(session_settings)


@pytest.fixture(scope="session")
def sources(session_settings: Settings, ip_data: installed.DataPaths) -> Callable[[Settings], app.Sources]:
    """``sources(settings)``: the policy, the model and the data that settings name.

    Those of this test process are read once for each mode of the model: a service spends a sixth of a second on them,
    ten times what the rest of it takes. What a test put elsewhere is read anew.
    """
    found: dict[str | None, app.Sources] = {}
    files = ("policy_file", "model_dir", "data_dir", "asn_database", "country_database")

    def read(settings: Settings) -> app.Sources:
        if any(getattr(settings, name) != getattr(session_settings, name) for name in files):
            return app.check(settings)
        if settings.model_mode not in found:
            found[settings.model_mode] = app.check(settings)
        return found[settings.model_mode]

    return read


@pytest.fixture(scope="session")
def assemble(sources: Callable[[Settings], app.Sources]) -> Callable[..., app.Service]:
    """``assemble(settings, store, clock)`` as :func:`riskapi.app.assemble`, from sources that were read already."""

    def made(settings: Settings, store: Store | None = None, clock: Callable[[], float] = time.time) -> app.Service:
        return app.assemble(settings, store, clock, sources(settings))

    return made


@pytest.fixture
def make_app(
    store: Store, settings: Settings, assemble: Callable[..., app.Service], clock: Clock
) -> Callable[..., Flask]:
    """``make_app(replay=True, …)``: API and console on the empty store, with some settings changed.

    The names of its readings are stored if the store is there.
    """

    def made(**changes: Any) -> Flask:
        ours = replace(settings, **changes)
        service = assemble(ours, store, clock)
        with contextlib.suppress(StoreUnavailable):
            service.decisions.register_schema()
            consumer.found(store)
        return application(service.parts, ours, store)

    return made


@pytest.fixture(scope="session")
def session_parts(session_store: Store, session_settings: Settings, assemble: Callable[..., app.Service]) -> Parts:
    session_store.execute("FLUSHALL")
    return assemble(session_settings, session_store, Clock()).parts


@pytest.fixture
def parts(session_parts: Parts, store: Store) -> Parts:
    """What the HTTP layer calls, on the empty store and at ``NOW``; change it with ``dataclasses.replace``."""
    return session_parts


@pytest.fixture
def make_http(parts: Parts) -> Callable[..., FlaskClient]:
    """``make_http(api_rate_limit=2.0, …)``: as ``client``, with some of the parts replaced."""

    def make(**changes: Any) -> FlaskClient:
        return keyed(build(replace(parts, **changes)))

    return make


@dataclass
class Service:
    """``python -m riskapi serve`` as an operator runs it, in a session of its own."""

    process: subprocess.Popen[str]
    url: str
    data_dir: Path
    output: Path
    errors: Path

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def request(
        self, method: str, path: str, body: object = None, key: str = BOOTSTRAP_KEY, **more: str
    ) -> tuple[int, Any]:
        """Status and JSON of an answer; ``more`` are headers."""
        connection = HTTPConnection(*self.address, timeout=10)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **more}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def read(self, path: str) -> str:
        """The text of a page that needs no key."""
        with urlopen(f"{self.url}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def ask_store(self, *words: str) -> Any:
        """The answer of the service's own store."""
        with contextlib.closing(open_store(Settings.load({"RISKAPI_DATA_DIR": str(self.data_dir)}))) as store:
            return store.execute(*words)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command given beside the service, with the service's data directory."""
        return subprocess.run(
            [sys.executable, "-m", "riskapi", *words],
            env={**os.environ, "RISKAPI_DATA_DIR": str(self.data_dir)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def workers(self) -> list[int]:
        """Ids of the HTTP worker processes there are; Linux only."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended meanwhile
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.process.pid and b"spawn_main" in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
        return found

    def logged(self, event: str | None = None) -> list[dict[str, Any]]:
        """The whole lines of the log so far, or those of one event; a line that is being written is not read yet."""
        lines = self.errors.read_text().split("\n")[:-1]
        found: list[dict[str, Any]] = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in found if event in (None, line["event"])]

    def wait_until_ready(self, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.errors.read_text()
            with contextlib.suppress(OSError, HTTPException):
                if self.request("GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"not ready: {self.errors.read_text()}")

    def stop(self, how: signal.Signals = signal.SIGTERM, *, group: bool = False) -> int:
        """Send the signal, to the whole process group as a terminal does if asked to; the exit code."""
        (os.killpg if group else os.kill)(self.process.pid, how)
        return self.process.wait(30)


@contextlib.contextmanager
def serving(folder: Path, port: int) -> Iterator[Callable[..., Service]]:
    """Yields what starts the real service on a port, on a data directory of its own; ends what was started."""
    started: list[Service] = []

    def start(*, wait: bool = True, **environment: str) -> Service:
        output, errors = folder / f"out{len(started)}", folder / f"err{len(started)}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RISKAPI_", "REDIS_"))}
        ours = {
            "RISKAPI_DATA_DIR": str(folder / "var"),
            "RISKAPI_BIND": f"127.0.0.1:{port}",
            "RISKAPI_WORKERS": "1",
            "RISKAPI_BOOTSTRAP_KEY": BOOTSTRAP_KEY,
            "RISKAPI_STORE_FSYNC": "everysec",
            # Nobody outside is asked by tests; those that are about it bring upstreams of their own.
            "RISKAPI_ENRICHMENT": "off",
            "RISKAPI_SERVE_WORKER": "off",
        }
        with output.open("w") as out, errors.open("w") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "riskapi", "serve"],
                stdout=out,
                stderr=err,
                text=True,
                cwd=ROOT,
                env={**inherited, **ours, **environment},
                start_new_session=True,
            )
        service = Service(process, f"http://127.0.0.1:{port}", folder / "var", output, errors)
        started.append(service)
        if wait:
            service.wait_until_ready()
        return service

    try:
        yield start
    finally:
        for service in started:
            if service.process.poll() is None:
                service.stop()


@pytest.fixture
def serve(tmp_path: Path, free_port: int) -> Iterator[Callable[..., Service]]:
    """``serve(RISKAPI_WORKERS="2", …)`` starts the real service on a data directory of its own."""
    with serving(tmp_path, free_port) as start:
        yield start


@pytest.fixture
def served(serve: Callable[..., Service]) -> Service:
    """The real service, ready."""
    return serve()


@pytest.fixture(scope="module")
def served_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real service, ready, for all tests of a file that leave it as it was."""
    with serving(tmp_path_factory.mktemp("service"), ports.free_port()) as start:
        yield start()


@pytest.fixture
def served_anew(served_to_all: Service) -> Service:
    """That service, with nothing in its store, for tests of a file that leave it running."""
    served_to_all.ask_store("FLUSHALL")
    served_to_all.wait_until_ready()
    return served_to_all


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


@pytest.fixture
def command(
    store: Store,
    embedded_store: Embedded,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """``command("policy", "show")`` runs a command on the empty store of the test, as ana and without a model."""
    monkeypatch.setenv("REDIS_URL", f"unix://{embedded_store.socket}")
    monkeypatch.setenv("RISKAPI_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("RISKAPI_MODEL_MODE", "off")
    monkeypatch.setenv("LOGNAME", "ana")
    return commanding.within(capsys)


@pytest.fixture
def client(make_app: Callable[..., Any]) -> Any:
    """An HTTP client of the application that sends the bootstrap key."""
    return keyed(make_app())


@pytest.fixture
def service_settings(settings: Settings) -> Settings:
    """Settings of :func:`service`, which a room or a file may override.

    By rules only, so that what these tests post is decided the same whatever the model learns.
    """
    return replace(settings, model_mode="off")


@pytest.fixture
def prepare() -> Callable[[app.Service], object]:
    """What is done to :func:`service` before a test has it, which a room or a file may override."""
    return lambda made: None


@pytest.fixture
def service(
    store: Store,
    service_settings: Settings,
    assemble: Callable[..., app.Service],
    clock: Clock,
    prepare: Callable[[app.Service], object],
) -> Iterator[app.Service]:
    """The service put together in this process, on the empty store, at a clock that stands still."""
    made = assemble(service_settings, store, clock)
    made.decisions.register_schema()
    prepare(made)
    yield made
    made.close()
    (service_settings.data_dir / "journal/sends/hourly").unlink(missing_ok=True)  # an hour of no other test


@pytest.fixture
def outage(service: app.Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], None]]:
    """``outage(True)`` takes the store away, ``outage(False)`` brings it back. Nothing is left for other tests."""
    run, execute = service.store.run, service.store.execute

    def away(on: bool) -> None:
        def refuse(*_: Any) -> Any:
            raise StoreUnavailable("away")

        monkeypatch.setattr(service.store, "run", refuse if on else run)
        monkeypatch.setattr(service.store, "execute", refuse if on else execute)

    yield away
    away(False)
    service.parts.grants.record()


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    """The OpenAPI document."""
    return dict(client.get("/openapi.json").json or {})


@pytest.fixture
def ask(client: FlaskClient, document: dict[str, Any]) -> Callable[..., Any]:
    """``ask("GET", template, path, …)`` asks and holds the answer to the document; gives status and body."""

    def made(method: str, template: str, path: str, **given: Any) -> tuple[int, dict[str, Any]]:
        response = client.open(path, method=method, **given)
        return response.status_code, conforms(document, method, template, response)

    return made


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[int]]:
    """The ports of three nodes that share the slots."""
    with store_servers.cluster(tmp_path) as ports:
        yield ports


@pytest.fixture(scope="module")
def cluster_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store of three nodes that the tests of a file share."""
    with store_servers.cluster(tmp_path_factory.mktemp("cluster")) as ports:
        settings = Settings.load({"REDIS_URL": store_servers.url(ports), "RISKAPI_STORE_TIMEOUT_MS": "10000"})
        with contextlib.closing(open_store(settings)) as store:
            yield store


@pytest.fixture
def three_nodes(cluster_of_module: Store) -> Store:
    """The store of three nodes, empty."""
    for node in cluster_of_module.primaries():
        node.flushall()
    return cluster_of_module


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What was logged since the start of the test."""
    with logged.captured() as lines:
        yield lines
