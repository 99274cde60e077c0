"""What every test may ask for: a real store, the IP data, settings, a clock, an HTTP client, the running service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from riskapi import data
from riskapi.settings import Settings
from riskapi.store.connections import Store, open_store
from riskapi.store.embedded import Embedded

#: An instant that no test depends on: 2026-11-22T10:00:00Z.
NOW = 1_795_341_600.0
BOOTSTRAP_KEY = "test-key-0123456789-0123456789-0123456789"


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> float:
        self.now += seconds
        return self.now


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
        {"RISKAPI_DATA_DIR": str(data_dir), "RISKAPI_BOOTSTRAP_KEY": BOOTSTRAP_KEY, "RISKAPI_WORKERS": "1"}
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
def ip_data(session_settings: Settings) -> data.DataPaths:
    """The packaged IP databases, unpacked."""
    return data.ensure(session_settings)


@pytest.fixture
def make_app(store: Store, settings: Settings, ip_data: data.DataPaths, clock: Clock) -> Callable[..., Any]:
    """``make_app(replay=True, …)``: the application on the empty store, with some settings changed."""
    from riskapi.app import create_app

    return lambda **changes: create_app(replace(settings, **changes), store, clock)


@pytest.fixture
def client(make_app: Callable[..., Any]) -> Any:
    """An HTTP client of the application that sends the bootstrap key."""
    client = make_app().test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {BOOTSTRAP_KEY}"
    return client
