"""A service whose upstreams are servers of the tests, and workers beside it, at the real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from riskapi.app import Service
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.embedded import Embedded
from riskapi.worker.worker import Worker
from tests.upstreams.dns_server import DnsServer
from tests.upstreams.rdap_server import RdapServer

LINK_KEY = "link-key-0123456789-0123456789-0123456789"


def environment(dns: DnsServer, rdap: RdapServer) -> dict[str, str]:
    """Settings with which nobody but these two is asked."""
    return {
        "RISKAPI_DNS_RESOLVER": dns.bind,
        "RISKAPI_RDAP_BASE": rdap.base,
        "RISKAPI_ENRICHMENT": "on",
        "RISKAPI_DNS_RATE": "10000",
        "RISKAPI_RDAP_RATE": "1000",
        "RISKAPI_LINK_KEY": LINK_KEY,
    }


@pytest.fixture
def asking(settings: Settings, dns: DnsServer, rdap: RdapServer, embedded_store: Embedded) -> Settings:
    """Settings whose upstreams are ``dns`` and ``rdap`` of the file, on the store of this test process."""
    ours = {"RISKAPI_DATA_DIR": str(settings.data_dir), "RISKAPI_MODEL_MODE": "off"}
    return Settings.load({**ours, **environment(dns, rdap), "REDIS_URL": f"unix://{embedded_store.socket}"})


@pytest.fixture
def service(store: Store, asking: Settings, assemble: Callable[..., Service]) -> Iterator[Service]:
    """The service at the real time, which workers go by."""
    made = assemble(asking, store)
    made.recover(time.time())
    yield made
    made.close()


@pytest.fixture
def begin(service: Service, asking: Settings) -> Iterator[Callable[[], Worker]]:
    """``begin()`` starts a worker in this process. All are stopped when the test is over."""
    stop, threads = threading.Event(), list[threading.Thread]()

    def started() -> Worker:
        made = Worker(service, asking)
        threads.extend(made.start(stop))
        return made

    yield started
    stop.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), thread.name
