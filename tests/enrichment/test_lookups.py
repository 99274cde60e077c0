"""Whom the settings say to ask, with real upstreams: nobody can have them left alone by what they sign up with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from riskapi.enrichment.lookups import asking
from riskapi.enrichment.upstream import UpstreamClosed, UpstreamError
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.rates import RateLimits
from tests.active_readers import shipped
from tests.conftest import NOW
from tests.upstreams.dns_server import DnsServer
from tests.upstreams.rdap_server import RdapServer

LISTS = shipped()


@pytest.fixture(scope="module")
def rdap() -> Iterator[RdapServer]:
    with RdapServer() as server:
        server.domain("firm.example")
        yield server


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsServer]:
    with DnsServer({"firm.example": {"MX": ["10 mx.firm.example"]}}) as server:
        yield server


Asked = Callable[..., list[Any]]


@pytest.fixture
def ask(store: Store, rdap: RdapServer, dns: DnsServer) -> Asked:
    """``ask("registration", "a.example", …)``: what is said of each, or the error, one after another."""
    rdap.forget()
    dns.forget()
    rates = {"RISKAPI_RDAP_RATE": "10000", "RISKAPI_DNS_RATE": "10000"}
    settings = Settings.load({"RISKAPI_DNS_RESOLVER": dns.bind, "RISKAPI_RDAP_BASE": rdap.base, **rates})

    def asked(kind: Any, *names: str) -> list[Any]:
        async def all_of_them() -> list[Any]:
            made = asking(settings, RateLimits(store), lambda: LISTS)
            found: list[Any] = []
            for name in names:
                try:
                    found.append(await made.about[kind](name, NOW))
                except UpstreamError as error:
                    found.append(error)
            await made.close()
            return found

        return asyncio.run(all_of_them())

    return asked


BAD = [f"bad{number}.example" for number in range(8)]


@pytest.mark.parametrize("status", [400, 422, 500, 503], ids=str)
def test_a_registry_that_fails_for_some_names_is_asked_about_others(ask: Asked, rdap: RdapServer, status: int) -> None:
    rdap.behave("/domain/bad", "error", status=status)
    *failed, good = ask("registration", *BAD, "firm.example")
    assert all(isinstance(found, UpstreamError) and not isinstance(found, UpstreamClosed) for found in failed)
    assert good.found is True


def test_a_registry_that_fails_for_everything_is_left_alone(ask: Asked, rdap: RdapServer) -> None:
    rdap.behave("/", "error", status=500)
    found = ask("registration", *BAD)
    assert isinstance(found[-1], UpstreamClosed)
    assert rdap.count("/domain/bad7.example") == 0


def test_a_resolver_that_says_nothing_of_some_names_is_asked_about_others(ask: Asked, dns: DnsServer) -> None:
    for name in BAD:
        dns.behave(name, "servfail")
    *failed, good = ask("mail_domain", *BAD, "firm.example")
    assert all(isinstance(found, UpstreamError) for found in failed)
    assert good.mx_count == 1


def test_who_owns_a_name_is_the_registrable_domain(store: Store, rdap: RdapServer, dns: DnsServer) -> None:
    settings = Settings.load({"RISKAPI_DNS_RESOLVER": dns.bind, "RISKAPI_RDAP_BASE": rdap.base})
    made = asking(settings, RateLimits(store), lambda: LISTS)
    assert {made.owner(name) for name in ("a.firm.co.uk", "b.c.firm.co.uk", "firm.co.uk")} == {"firm.co.uk"}
    assert made.at_once == {"dns": 16, "rdap": 16}
    slow = Settings.load({"RISKAPI_DNS_RATE": "1"})
    assert asking(slow, RateLimits(store), lambda: LISTS).at_once["dns"] == 1
