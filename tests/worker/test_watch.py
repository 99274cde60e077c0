"""The worker watches the platform: an own sender on a blocklist is told soon after the worker starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from riskapi.app import Service
from riskapi.feedback.platform import alarms
from riskapi.settings import Settings
from riskapi.settings.environment import Blocklist
from riskapi.worker.worker import Worker
from tests.streams import told
from tests.upstreams import KNOWN, DnsServer, RdapServer
from tests.waiting import until

ZONE = {
    "bl.example.net": {"TXT": ["a blocklist"]},
    "2.0.0.127.bl.example.net": {"A": ["127.0.0.2"]},
    "1.2.0.192.bl.example.net": {"A": ["127.0.0.2"]},
}


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer({**KNOWN, **ZONE}) as server:
        yield server


@pytest.fixture(scope="module")
def rdap() -> Iterator[RdapServer]:
    with RdapServer() as server:
        yield server


@pytest.fixture
def asking(asking: Settings) -> Settings:
    """Settings with an own sender and a list."""
    return replace(asking, dns_blocklists=(Blocklist("ip", "bl.example.net"),), sender_addresses=("192.0.2.1",))


def test_of_two_workers_one_tells_of_a_listing(service: Service, begin: Callable[[], Worker]) -> None:
    begin()
    begin()
    (alarm,) = until(lambda: alarms.read(service.store).live())
    assert (alarm.rule, alarm.subject) == ("listing", "192.0.2.1 on bl.example.net")
    assert [row["action"] for row in told(service.store, "platform", "risk:d:{b}")] == ["crossed"]
    shown = b'riskapi_platform_alarms{rule="listing"} 1.0'
    assert until(lambda: shown in service.parts.metrics.render())
