"""Look-ups: whom the settings say to ask about what, by one resolver and the RDAP servers of the registries."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from riskapi.enrichment.blocklists import TellOfList
from riskapi.enrichment.findings import Finding
from riskapi.enrichment.mail_domain import look_up_mail_domain
from riskapi.enrichment.pace import QueryPace
from riskapi.enrichment.probes import ProbeResult, probe
from riskapi.enrichment.rdap_servers import Servers
from riskapi.enrichment.registrant import look_up_registrant
from riskapi.enrichment.registration import look_up_registration
from riskapi.enrichment.registry_client import Alive, RegistryClient
from riskapi.enrichment.registry_trust import RegistryTrust
from riskapi.enrichment.resolver import Resolver
from riskapi.enrichment.resolver_trust import DOUBTED, ResolverTrust
from riskapi.enrichment.sender import look_up_sender
from riskapi.enrichment.sources import BlocklistDoubt, ResolverDoubt, Tell
from riskapi.enrichment.subjects import Family, FindingKind
from riskapi.enrichment.upstream import Upstream, UpstreamClosed, UpstreamDoubted, UpstreamError
from riskapi.inputs.domains import DomainLists
from riskapi.outgoing.destinations import DestinationGuard
from riskapi.settings import Settings
from riskapi.store.rates import RateLimits
from signals.facts import MailDomain, Registrant, Registration, Sender
from signals.records import record

T = TypeVar("T")

Ask = Callable[[str, float], Awaitable[Finding]]
#: Questions one look-up of a mail domain asks DNS: MX, A, AAAA, NS, SPF, DMARC at each of its labels (three here, eight
#: at most), and a blocklist.
_QUESTIONS = 9
#: Look-ups a worker has under way at most in each family: enough to wait for many, few enough for one process.
_MOST = 16
#: Seconds that a question of a probe may take. Its names are in every cache.
_PROBE = 3.0
#: RDAP servers whose circuits are remembered: there are some hundred registries; more are redirects to anywhere.
_SERVERS = 512


@record
class Lookups:
    """What asks about a subject of each kind (:class:`riskapi.enrichment.findings.Subject`), at a Unix time, how many
    look-ups of each family are under way ``at_once``, who is the ``owner`` of a name, what closes the connections, and
    what looks whether the resolver is believed.

    Asking raises :class:`riskapi.enrichment.upstream.UpstreamError`.
    """

    about: Mapping[FindingKind, Ask]
    at_once: Mapping[Family, int]
    owner: Callable[[str], str]
    close: Callable[[], Awaitable[None]]
    watch: Callable[[], Awaitable[ProbeResult]] | None = None


def asking(
    settings: Settings,
    limits: RateLimits,
    lists: Callable[[], DomainLists],
    tell: Tell = lambda source, doubt, seconds: None,
) -> Lookups:
    """Whom the settings say to ask, within the limits they set. ``lists`` gives the domain lists of now; ``tell`` hears
    which sources are doubted.
    """
    resolver = paced_resolver(settings, limits)
    client = _client(settings, limits)
    servers = Servers(client, time.monotonic, settings.rdap_base)
    blocklists = settings.dns_blocklists
    trust, listing = resolver_trust(settings, tell), _listing(tell)
    registry = RegistryTrust(
        client, servers, lambda name: lists().standing(name).suffix, time.monotonic, lambda why: tell("rdap", why, 0.0)
    )

    async def mail_domain(domain: str, now: float) -> MailDomain:
        asked = look_up_mail_domain(domain, resolver, blocklists, lists(), now, trust, listing)
        return await _unless_doubted(asked, trust)

    async def sender(domain: str, now: float) -> Sender:
        includes, selectors = settings.sender_spf_includes, settings.sender_dkim_selectors
        asked = look_up_sender(domain, resolver, includes, selectors, now, trust)
        return await _unless_doubted(asked, trust)

    async def registration(domain: str, now: float) -> Registration:
        return await look_up_registration(domain, client, servers, now, registry)

    async def registrant(address: str, now: float) -> Registrant:
        return await look_up_registrant(address, client, servers, resolver, blocklists, now, listing)

    about: dict[FindingKind, Ask] = {
        "mail_domain": mail_domain,
        "registration": registration,
        "registrant": registrant,
        "sender": sender,
    }
    # No more at once than can be asked within two seconds: what waits longer for its questions would never be through.
    dns = max(1, min(_MOST, int(2 * _dns_rate(settings) / _QUESTIONS)))

    def owner(name: str) -> str:
        return lists().standing(name).registrable or name

    return Lookups(about, {"dns": dns, "rdap": _MOST}, owner, client.aclose, trust.verdict)


def resolver_trust(settings: Settings, tell: Tell) -> ResolverTrust:
    """Whether the resolver of the settings is believed. Its probes wait for nothing and are not counted."""
    plain = Resolver(settings.dns_resolver, total=_PROBE)
    return ResolverTrust(
        lambda wide: probe(plain, wide), time.monotonic, lambda why, seconds: tell("dns", why, seconds)
    )


async def probed(settings: Settings) -> ResolverDoubt | None:
    """What is wrong with the resolver of the settings, asked now; within some seconds."""
    return (await probe(Resolver(settings.dns_resolver, total=_PROBE))).doubt


async def _unless_doubted(asked: Awaitable[T], trust: ResolverTrust) -> T:
    """What was said. Where nothing was, and the resolver is out of order, that is no fault of what was asked about."""
    try:
        return await asked
    except (UpstreamClosed, UpstreamDoubted):
        raise
    except UpstreamError:
        if not (await trust.verdict(DOUBTED)).absence:
            raise UpstreamDoubted from None
        raise


def _listing(tell: Tell) -> TellOfList:
    """Tells of all blocklists together: zones may hold the operator's key, and are not told."""
    doubts: dict[str, BlocklistDoubt] = {}

    def listed(zone: str, doubt: BlocklistDoubt | None) -> None:
        before = next(iter(doubts.values()), None)
        doubts.pop(zone, None)
        if doubt is not None:
            doubts[zone] = doubt
        now = next(iter(doubts.values()), None)
        if now != before:
            tell("blocklists", now, 0.0)

    return listed


def _dns_rate(settings: Settings) -> float:
    """Questions a second: a resolver that was named for us can take more than the one that all share."""
    return settings.dns_rate or (100.0 if settings.dns_resolver is None else 500.0)


def paced_resolver(settings: Settings, limits: RateLimits) -> Resolver:
    """The resolver of the settings, asked no faster than all workers together may."""
    pace = QueryPace(limits, "dns", _dns_rate(settings), time.time)
    upstream = Upstream(time.monotonic, random.random, Resolver(settings.dns_resolver).alive)
    return Resolver(settings.dns_resolver, upstream, pace)


def _client(settings: Settings, limits: RateLimits) -> RegistryClient:
    # Registries ask for few questions; the operator decides about a base of its own.
    rate = settings.rdap_rate or (2.0 if settings.rdap_base is None else 50.0)
    upstreams: dict[str, Upstream] = {}

    def upstream(server: str, alive: Alive) -> Upstream:
        if server not in upstreams and len(upstreams) >= _SERVERS:
            upstreams.pop(next(iter(upstreams)))
        return upstreams.setdefault(server, Upstream(time.monotonic, random.random, alive))

    async def admit(server: str) -> None:
        await QueryPace(limits, f"rdap:{server}", rate, time.time)()

    base = urlsplit(settings.rdap_base).hostname if settings.rdap_base else None
    return RegistryClient(DestinationGuard([base] if base else []), time.time, upstream, admit)
