"""Sources that lie convict nobody: what they say of a domain or sender is unknown, whatever the kind of lie."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from riskapi.enrichment.blocklists import count_listings
from riskapi.enrichment.mail_domain import look_up_mail_domain
from riskapi.enrichment.probes import probe
from riskapi.enrichment.rdap_servers import Servers
from riskapi.enrichment.registration import look_up_registration
from riskapi.enrichment.registry_client import RegistryClient, server_of
from riskapi.enrichment.registry_trust import RegistryTrust
from riskapi.enrichment.resolver import Resolver
from riskapi.enrichment.resolver_trust import ResolverTrust
from riskapi.enrichment.sender import look_up_sender
from riskapi.enrichment.upstream import UpstreamDoubted, UpstreamError
from riskapi.outgoing.destinations import DestinationGuard
from riskapi.settings.environment import Bind, Blocklist
from signals.facts import MailDomain, Registration, Sender
from tests.active_readers import shipped
from tests.conftest import NOW, Clock
from tests.upstreams import KNOWN, DnsServer, RdapServer

LISTS = shipped()
DBL = Blocklist("domain", "dbl.example")
FIRM: dict[str, dict[str, list[str]]] = {
    "firm.example": {"MX": ["10 mx.firm.example"], "TXT": ["v=spf1 include:spf.saas.example -all"]},
    "_dmarc.firm.example": {"TXT": ["v=DMARC1; p=reject"]},
    "s1._domainkey.firm.example": {"TXT": ["v=DKIM1; p=TUlHZk1BMEc="]},
    "address.example": {"A": ["192.0.2.1"]},
    "inside.example": {"A": ["10.0.0.1"]},
    "empty.example": {"TXT": ["x"]},
    "null.example": {"MX": ["0 ."]},
}
#: Every kind of lie, as the server of the tests tells it.
LIES: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing exists": ("missing", {}),
    "everything is empty": ("empty", {}),
    "one address for everything": ("everywhere", {}),
    "an inside address for everything": ("everywhere", {"address": "192.168.1.1"}),
    "it is on every list": ("everywhere", {"address": "127.0.0.2"}),
    "it fails": ("servfail", {}),
    "it refuses": ("refused", {}),
    "it says nothing": ("dead", {}),
}


@pytest.fixture(scope="module")
def shared() -> Iterator[DnsServer]:
    with DnsServer({**KNOWN, **FIRM}) as server:
        yield server


@pytest.fixture
def world(shared: DnsServer) -> DnsServer:
    """A resolver to believe, until it is told to lie."""
    shared.forget()
    return shared


def patience(world: DnsServer) -> float:
    """Seconds a question may take: long for a machine that is busy, and short where nobody answers at all."""
    return 0.2 if world.mode(".") == "dead" else 20.0


def trust_in(world: DnsServer) -> ResolverTrust:
    plain = Resolver(Bind(*world.address), total=patience(world))
    return ResolverTrust(lambda wide: probe(plain, wide), time.monotonic)


def look_up(world: DnsServer, domain: str, trust: ResolverTrust | None = None) -> MailDomain:
    resolver = Resolver(Bind(*world.address), total=patience(world))
    return asyncio.run(look_up_mail_domain(domain, resolver, [DBL], LISTS, NOW, trust or trust_in(world)))


def sender(world: DnsServer, domain: str = "firm.example") -> Sender:
    resolver = Resolver(Bind(*world.address), total=patience(world))
    asked = look_up_sender(domain, resolver, ["spf.saas.example"], ["s1"], NOW, trust_in(world))
    return asyncio.run(asked)


#: What an honest resolver says against somebody, which is believed.
HONEST: dict[str, tuple[bool | None, bool | None, bool | None]] = {
    "firm.example": (True, True, False),
    "gone.example": (False, False, False),
    "empty.example": (True, False, False),
    "null.example": (True, False, True),
    "address.example": (True, True, False),
    "inside.example": (True, None, False),  # an inside address takes nobody's mail, nor does it convict
}


@pytest.mark.parametrize(("domain", "expected"), HONEST.items(), ids=HONEST)
def test_a_resolver_that_knows_what_exists_is_believed(world: DnsServer, domain: str, expected: Any) -> None:
    found = look_up(world, domain)
    assert (found.exists, found.accepts_mail, found.null_mx) == expected


@pytest.mark.parametrize("domain", ["firm.example", "gone.example", "empty.example", "address.example"])
@pytest.mark.parametrize(("mode", "how"), LIES.values(), ids=LIES)
def test_a_resolver_that_lies_says_nothing_of_anybody(
    world: DnsServer, mode: str, how: dict[str, Any], domain: str
) -> None:
    world.behave(".", mode, **how)
    with pytest.raises(UpstreamError):
        look_up(world, domain)
    with pytest.raises(UpstreamError):
        sender(world, domain)


@pytest.mark.parametrize(("mode", "how"), list(LIES.values())[:5], ids=list(LIES)[:5])
def test_one_that_lies_for_a_moment_and_is_sound_when_it_is_looked_at(
    world: DnsServer, mode: str, how: dict[str, Any]
) -> None:
    """The probe comes after the lie, finds nothing, and the question is asked once more."""
    world.behave("firm.example", mode, **how)
    trust = trust_in(world)
    probes, probed = trust._probe, []

    async def then_sound(wide: bool) -> Any:
        world.behave("firm.example", "good")
        probed.append(wide)
        return await probes(wide)

    trust._probe = then_sound
    try:
        found = look_up(world, "firm.example", trust)
    except UpstreamDoubted:
        found = None
    assert probed
    assert found is None or False not in (found.exists, found.accepts_mail)


def test_what_one_said_that_stops_lying_just_then_is_asked_again(
    world: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It invented the domain, and was sound by the time it was looked at: else that would stand for hours."""
    monkeypatch.setattr("riskapi.enrichment.resolver_trust.DOUBTED", 0.0)
    world.behave(".", "everywhere")
    trust = trust_in(world)
    with pytest.raises(UpstreamDoubted):
        look_up(world, "gone.example", trust)
    lying = trust._probe

    async def then_sound(wide: bool) -> Any:
        world.forget()
        return await lying(wide)

    trust._probe = then_sound
    with pytest.raises(UpstreamDoubted):
        look_up(world, "gone.example", trust)
    assert look_up(world, "gone.example", trust).exists is False


def test_one_that_begins_to_lie_after_it_was_looked_at_is_looked_at_again(world: DnsServer) -> None:
    trust = trust_in(world)
    assert look_up(world, "gone.example", trust).exists is False
    world.behave(".", "missing")
    with pytest.raises(UpstreamDoubted):
        look_up(world, "firm.example", trust)


def test_split_dns_is_believed_in_what_it_has_and_in_nothing_that_it_has_not() -> None:
    with DnsServer(FIRM) as inside:  # it knows names of its own, and none that everybody knows
        found = look_up(inside, "null.example")
        assert (found.exists, found.null_mx, found.accepts_mail) == (True, True, False)
        assert (found.spf, found.dmarc, found.parked, found.listed) == (None, None, None, None)
        found = look_up(inside, "firm.example")
        assert (found.exists, found.accepts_mail, found.spf, found.dmarc) == (True, True, "fail", "reject")
        for domain in ("gone.example", "empty.example"):
            with pytest.raises(UpstreamDoubted):
                look_up(inside, domain)


def test_where_txt_records_are_filtered_only_they_are_unknown(world: DnsServer) -> None:
    world.behave(".", "empty", rdtype="TXT")
    found = look_up(world, "firm.example")
    assert (found.exists, found.accepts_mail, found.spf, found.dmarc) == (True, True, None, None)
    assert look_up(world, "gone.example").exists is False
    with pytest.raises(UpstreamDoubted):
        sender(world)


def test_what_a_sender_lacks_is_believed_of_a_sound_resolver(world: DnsServer) -> None:
    assert sender(world) == Sender(NOW, spf=True, dkim=True, dmarc="reject", aligned=True)
    found = sender(world, "null.example")
    assert (found.spf, found.dkim, found.dmarc, found.aligned) == (False, False, "missing", False)


#: Lists, how one behaves, how many have the domain, and what is told of them.
LISTINGS: dict[str, tuple[dict[str, list[str]], int | None, list[str | None]]] = {
    "it has the domain": ({"firm.example.dbl.example": ["127.0.1.2"]}, 1, [None]),
    "it does not": ({"other.example.dbl.example": ["127.0.1.2"]}, 0, [None]),
    "it lists everything": ({"*.dbl.example": ["127.0.1.2"]}, None, ["lists_everything"]),
    "it says that it was asked wrongly": ({"firm.example.dbl.example": ["127.255.255.252"]}, None, ["refuses"]),
    "that the resolver is public": ({"*.dbl.example": ["127.255.255.254"]}, None, ["refuses"]),
    "that it was asked too often": ({"*.dbl.example": ["127.255.255.255"]}, None, ["refuses"]),
    "that it refuses, as URIBL does": ({"*.dbl.example": ["127.0.0.1"]}, None, ["refuses"]),
    "its domain is for sale": ({"*.dbl.example": ["198.51.100.80"]}, None, []),
}


@pytest.mark.parametrize(("records", "expected", "told"), LISTINGS.values(), ids=LISTINGS)
def test_a_list_that_cannot_be_believed_has_nobody(
    records: dict[str, list[str]], expected: int | None, told: list[str | None]
) -> None:
    heard: list[str | None] = []
    with DnsServer({name: {"A": addresses} for name, addresses in records.items()}) as server:
        resolver = Resolver(Bind(*server.address), total=20.0)
        asked = count_listings("domain", "firm.example", resolver, [DBL], lambda _, doubt: heard.append(doubt))
        assert asyncio.run(asked) == expected
    assert heard == told


@pytest.mark.parametrize(("never", "expected"), [({}, 1), ({"1.0.0.127.zen.example": {"A": ["127.0.0.2"]}}, None)])
def test_a_list_of_addresses_that_has_loopback_has_everybody(never: dict[str, Any], expected: int | None) -> None:
    with DnsServer({"9.2.0.192.zen.example": {"A": ["127.0.0.4"]}, **never}) as server:
        resolver = Resolver(Bind(*server.address), total=20.0)
        assert asyncio.run(count_listings("ip", "192.0.2.9", resolver, [Blocklist("ip", "zen.example")])) == expected


@pytest.fixture
def rdap() -> Iterator[RdapServer]:
    with RdapServer() as server:
        yield server


def registry(
    rdap: RdapServer, asked: Callable[[RegistryClient, Servers, RegistryTrust], Any], clock: Clock
) -> tuple[Any, list[str | None]]:
    told: list[str | None] = []

    async def run() -> Any:
        client = RegistryClient(DestinationGuard(["127.0.0.1"]), lambda: NOW)
        servers = Servers(client, clock, rdap.base)
        trust = RegistryTrust(client, servers, lambda name: LISTS.standing(name).suffix, clock, told.append)
        try:
            return await asked(client, servers, trust)
        finally:
            await client.aclose()

    return asyncio.run(run()), told


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ([], None),  # 404 for everything
        (["google.co.uk"], False),
        (["nic.uk"], False),
        (["google.uk"], False),
        (["google.com"], None),  # of another ending, which says nothing of this one
    ],
)
def test_a_registry_that_knows_no_domain_at_all_convicts_nobody(
    rdap: RdapServer, clock: Clock, known: list[str], found: bool | None
) -> None:
    for name in known:
        rdap.domain(name)

    async def asked(client: RegistryClient, servers: Servers, trust: RegistryTrust) -> list[Registration]:
        return [await look_up_registration(f"firm{n}.co.uk", client, servers, NOW, trust) for n in range(3)]

    said, told = registry(rdap, asked, clock)
    assert said == [Registration(NOW, found=found)] * 3
    assert told == ([] if known and found is False else ["knows_nothing"])
    assert rdap.count("/domain/google.co.uk") == 1, "it is not asked every time"


def test_a_registry_is_believed_when_it_has_known_a_domain_of_late(rdap: RdapServer, clock: Clock) -> None:
    rdap.domain("firm.example")

    async def asked(client: RegistryClient, servers: Servers, trust: RegistryTrust) -> list[bool | None]:
        found = []
        for name, after in (("gone", 0.0), ("gone", 10.0), ("firm", 0.0), ("gone", 10.0), ("gone", 120.0)):
            clock.advance(after)
            said = await look_up_registration(f"{name}.example", client, servers, NOW, trust)
            found.append(said.found)
        assert server_of(rdap.base) in trust._known
        return found

    said, told = registry(rdap, asked, clock)
    assert said == [None, None, True, False, None]
    assert told == ["knows_nothing", None, "knows_nothing"]
