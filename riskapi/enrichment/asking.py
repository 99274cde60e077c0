"""Whom to ask about what, put together from the settings: one resolver, and the RDAP servers of the registries."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from riskapi.destinations import Guard
from riskapi.domains import DomainLists
from riskapi.enrichment.fetch import Fetcher
from riskapi.enrichment.mail_domain import look_up_mail_domain
from riskapi.enrichment.pace import Pace
from riskapi.enrichment.registrant import look_up_registrant
from riskapi.enrichment.registration import look_up_registration
from riskapi.enrichment.resolver import Resolver
from riskapi.enrichment.sender import look_up_sender
from riskapi.enrichment.servers import Servers
from riskapi.enrichment.upstream import Upstream
from riskapi.findings import Family, Finding, FindingKind
from riskapi.ratelimits import RateLimits
from riskapi.settings import Settings
from signals.facts import MailDomain, Registrant, Registration, Sender
from signals.records import record

Ask = Callable[[str, float], Awaitable[Finding]]


#: Questions one look-up of a mail domain asks DNS: MX, A, AAAA, NS, SPF, DMARC twice, and a blocklist or two.
_QUESTIONS = 8
#: Look-ups a worker has under way at most in each family: enough to wait for many, few enough for one process. Ours.
_MOST = 16
#: RDAP servers whose circuits are remembered: there are some hundred registries; more are redirects to anywhere.
_SERVERS = 512


@record
class Asking:
    """What asks about a subject of each kind (:class:`riskapi.findings.Subject`), at a Unix time, how many look-ups of
    each family are under way ``at_once``, and what closes the connections to those asked.

    Asking raises :class:`riskapi.enrichment.upstream.UpstreamError`.
    """

    about: Mapping[FindingKind, Ask]
    at_once: Mapping[Family, int]
    close: Callable[[], Awaitable[None]]


def asking(settings: Settings, limits: RateLimits, lists: Callable[[], DomainLists]) -> Asking:
    """Whom the settings say to ask, within the limits they set. ``lists`` gives the domain lists of now."""
    resolver = _resolver(settings, limits)
    fetcher = _fetcher(settings, limits)
    servers = Servers(fetcher, time.monotonic, settings.rdap_base)
    blocklists = settings.dns_blocklists

    async def mail_domain(domain: str, now: float) -> MailDomain:
        return await look_up_mail_domain(domain, resolver, blocklists, lists(), now)

    async def sender(domain: str, now: float) -> Sender:
        includes, selectors = settings.sender_spf_includes, settings.sender_dkim_selectors
        return await look_up_sender(domain, resolver, includes, selectors, lists(), now)

    async def registration(domain: str, now: float) -> Registration:
        return await look_up_registration(domain, fetcher, servers, now)

    async def registrant(address: str, now: float) -> Registrant:
        return await look_up_registrant(address, fetcher, servers, resolver, blocklists, now)

    about: dict[FindingKind, Ask] = {
        "mail_domain": mail_domain,
        "registration": registration,
        "registrant": registrant,
        "sender": sender,
    }
    # No more at once than can be asked within two seconds: what waits longer for its questions would never be through.
    dns = max(1, min(_MOST, int(2 * settings.dns_rate / _QUESTIONS)))
    return Asking(about, {"dns": dns, "rdap": _MOST}, fetcher.aclose)


def _resolver(settings: Settings, limits: RateLimits) -> Resolver:
    pace = Pace(limits, "dns", settings.dns_rate, time.time)
    made: list[Resolver] = []
    upstream = Upstream(time.monotonic, random.random, alive=lambda: made[0].alive())
    made.append(Resolver(settings.dns_resolver, upstream, pace))
    return made[0]


def _fetcher(settings: Settings, limits: RateLimits) -> Fetcher:
    upstreams: dict[str, Upstream] = {}

    def upstream(server: str) -> Upstream:
        if server not in upstreams and len(upstreams) >= _SERVERS:
            upstreams.pop(next(iter(upstreams)))
        return upstreams.setdefault(server, Upstream(time.monotonic, random.random))

    async def admit(server: str) -> None:
        await Pace(limits, f"rdap:{server}", settings.rdap_rate, time.time)()

    base = urlsplit(settings.rdap_base).hostname if settings.rdap_base else None
    return Fetcher(Guard([base] if base else []), time.time, upstream, admit)
