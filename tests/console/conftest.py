"""The console over the parts of this process, on the empty store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask

from riskapi.access import passwords
from riskapi.accounts.log import Decisions
from riskapi.api.parts import Parts
from riskapi.console.access_parts import AccessParts, open_access_parts
from riskapi.console.application import application
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.conftest import BOOTSTRAP_KEY, Clock
from tests.console.casework import Api
from tests.console.visitor import Visitor, signed_in


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Hashes that cost little: each of the real ones takes 64 MiB and a tenth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture
def settings(session_settings: Settings) -> Settings:
    """Without the second factor, which a few tests are about."""
    return replace(session_settings, console_second_factor=False)


@pytest.fixture
def parts(session_parts: Parts, store: Store, clock: Clock) -> Parts:
    """The parts at a clock that tests move, on a store that knows the names of readings."""
    Decisions(store).register_schema()
    return replace(session_parts, clock=clock)


@pytest.fixture
def access_parts(store: Store, settings: Settings) -> AccessParts:
    return open_access_parts(settings, store)


@pytest.fixture
def make_site(parts: Parts, store: Store, settings: Settings) -> Callable[..., Flask]:
    """``make_site(console_url="…")``: API and console, with some settings changed."""

    def make(**changes: object) -> Flask:
        return application(parts, replace(settings, **changes), store)  # type: ignore[arg-type]

    return make


@pytest.fixture
def site(make_site: Callable[..., Flask]) -> Flask:
    return make_site()


@pytest.fixture(scope="session")
def site_made_once(session_parts: Parts, session_store: Store, session_settings: Settings) -> Flask:
    """API and console made once, for tests that move no clock: making them takes a third of a second."""
    parts, settings = replace(session_parts, clock=Clock()), replace(session_settings, console_second_factor=False)
    return application(parts, settings, session_store)


@pytest.fixture
def session_site(site_made_once: Flask, store: Store) -> Flask:
    """That site, on the empty store."""
    return site_made_once


@pytest.fixture
def visitor(site: Flask) -> Visitor:
    return Visitor(site.test_client())


@pytest.fixture
def api(site: Flask) -> Api:
    """``api("GET", path, json)``: what the API answers to the bootstrap key."""

    def ask(method: str, path: str, json: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {BOOTSTRAP_KEY}"}
        answer = site.test_client().open(path, method=method, json=json, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json

    return ask


@pytest.fixture
def ana(site: Flask, access_parts: AccessParts, clock: Clock) -> Visitor:
    """A reviewer at her browser."""
    return signed_in(site, access_parts, "ana", "reviewer", clock.now)
