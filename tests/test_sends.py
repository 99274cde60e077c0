"""Sends through the whole line on the real store: caps, windows, releases, repeats, clusters, steps, holds, outages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from riskapi.app import Service, assemble
from riskapi.sends import Message
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.conftest import NOW, Clock
from tests.signups import body, post

HOUR, DAY = 3600.0, 86400.0


@pytest.fixture
def service(store: Store, settings: Settings, ip_data: Any, clock: Clock) -> Service:
    """By rules only, so that what these tests post is decided the same whatever the model learns."""
    made = assemble(replace(settings, model_mode="off"), store, clock)
    made.decisions.register_schema()
    return made


def opened(service: Service, user: str, device: str | None = None, now: float = NOW) -> str:
    """An account of a customer at a domain of their own; those with the same device belong together."""
    post(service, body(user, email={"address": f"{user}@{user}.example"}, device={"id": device or f"dev-{user}"}), now)
    return user


def ask(service: Service, user: str, recipients: int, now: float = NOW, **more: Any) -> dict[str, Any]:
    """Ask for a grant; ``said`` is the message."""
    message = more.pop("said", Message())
    return dict(service.sender.send(user, recipients, message, now, **more).body)


def test_grants_up_to_the_hourly_cap_and_says_when_more(service: Service) -> None:
    user = opened(service, "u1")
    first = ask(service, user, 150)
    assert (first["granted"], first["denied"], first["denied_by"], first["retry_after"]) == (150, 0, None, None)
    assert first["remaining"] == {"hourly": 50, "daily": 350, "monthly": 4850}
    second = ask(service, user, 150)
    assert (second["granted"], second["denied"], second["denied_by"]) == (50, 100, "account_hourly")
    assert 0 < second["retry_after"] <= 3660
    assert ask(service, user, 100, NOW + second["retry_after"] - 61)["granted"] == 0
    assert ask(service, user, 100, NOW + second["retry_after"])["granted"] == 100


def test_accounts_on_one_device_share_a_budget(service: Service) -> None:
    users = [opened(service, f"r{number}", "ring") for number in range(5)]
    found = [ask(service, user, 200) for user in users]
    assert [each["granted"] for each in found] == [200, 100, 0, 0, 0]
    assert found[2]["denied_by"] == "cluster_hourly"
    view = service.parts.accounts.view(users[0], NOW)
    assert view["linkage"]["size"] == 5
    assert view["limits"]["scope"] == "cluster"
    assert view["limits"]["remaining"]["hourly"] == 0
    assert view["linkage"]["edges"][0]["kind"] == "device"
