"""The application with every feed on, one for all tests: what it holds is in the store, which each test has empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from riskapi.api.flask_app import build
from riskapi.app import assemble
from riskapi.datasets import installed
from riskapi.feedback.feeds.feed import ProviderFeed
from riskapi.feedback.feeds.providers import feeds
from riskapi.settings import Settings
from riskapi.settings.feeds import FeedSettings
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.conftest import BOOTSTRAP_KEY, NOW, Clock
from tests.feedback.feeds.senders import SENDERS, Sent

JSON = "application/json"


@dataclass
class ProviderClient:
    """Posts to the service as providers do."""

    http: FlaskClient
    clock: Clock

    def post(self, feed: str, sent: Sent, media: str | None = None) -> Any:
        return self.http.post(
            f"/v1/feedback/{feed}",
            data=sent.body,
            headers=dict(sent.headers),
            content_type=media if media is not None else sent.media,
            query_string=dict(sent.query),
        )

    def counts(self, user: str = "u_1") -> dict[str, Any]:
        """What is counted of an account, as the contract shows it."""
        found = self.http.get(f"/v1/accounts/{user}", headers={"Authorization": f"Bearer {BOOTSTRAP_KEY}"})
        feedback: dict[str, Any] = found.json["feedback"] if found.json else {}
        return feedback


@pytest.fixture(scope="session")
def feed_settings(session_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with every feed on."""
    environ: dict[str, str] = {}
    for sender in SENDERS.values():
        environ |= sender.settings(tmp_path_factory.mktemp(sender.name))
    loaded = Settings.load(environ)
    return replace(session_settings, **{each.name: getattr(loaded, each.name) for each in fields(FeedSettings)})


@pytest.fixture(scope="session")
def shared(session_store: Store, feed_settings: Settings, ip_data: installed.DataPaths) -> Callable[[], ProviderClient]:
    clock = Clock()
    assembled = assemble(feed_settings, session_store, clock)
    http = build(assembled.parts).test_client()

    def begin() -> ProviderClient:
        clock.now = NOW
        assembled.recover(NOW)  # the store is another one now
        return ProviderClient(http, clock)

    return begin


@pytest.fixture
def provider(store: Store, shared: Callable[[], ProviderClient]) -> ProviderClient:
    """The service on the empty store, knowing u_1 and u_2, who wrote to more than fifty."""
    begun = shared()
    for user in ("u_1", "u_2"):
        body = {"account": {"user_id": user, "name": "Ana Ruiz"}, "email": {"address": f"{user}@ruiz.example"}}
        headers = {"Authorization": f"Bearer {BOOTSTRAP_KEY}"}
        assert begun.http.post("/v1/signups", json=body, headers=headers).status_code == 200
        assert store.execute("EXISTS", account_key(user)) == 1
        granted = begun.http.post(f"/v1/accounts/{user}/sends", json={"recipients": 60}, headers=headers)
        assert (granted.json or {})["granted"] == 60
    return begun


@pytest.fixture
def away(feed_settings: Settings, free_port: int, ip_data: installed.DataPaths, tmp_path: Path) -> ProviderClient:
    """The service while its store is away: nothing listens where it should be."""
    url = SecretStr(f"redis://127.0.0.1:{free_port}/0")
    clock = Clock()
    link_key = SecretStr("0123456789abcdef0123456789abcdef")
    settings = replace(feed_settings, redis_url=url, link_key=link_key, data_dir=tmp_path)
    return ProviderClient(build(assemble(settings, None, clock).parts).test_client(), clock)


@pytest.fixture
def providers(store: Store, feed_settings: Settings) -> dict[str, ProviderFeed]:
    """The feeds alone."""
    return dict(feeds(feed_settings, store))
