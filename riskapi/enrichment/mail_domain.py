"""What DNS says of a mail domain: is it there, who takes its mail, what does it say of mail in its name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from riskapi.domains import DomainLists
from riskapi.enrichment import dmarc, spf
from riskapi.enrichment.blocklists import count_listings
from riskapi.enrichment.parking import is_parked
from riskapi.enrichment.partial import Partial
from riskapi.enrichment.resolver import Answer, Resolver
from riskapi.environment import Blocklist
from signals.facts import MailDomain


async def look_up_mail_domain(
    domain: str, resolver: Resolver, blocklists: Sequence[Blocklist], lists: DomainLists, now: float
) -> MailDomain:
    """Ask about a domain (lower-case A-labels), all at once. ``now`` is Unix time.

    What nobody answered is ``None``. Raises :class:`~riskapi.enrichment.upstream.UpstreamError` when that is
    everything, or when somebody was left alone and not asked.
    """
    owner = lists.standing(domain).registrable or domain
    partial = Partial()
    mail, policy, requests, servers, listed = await asyncio.gather(
        _mail(domain, resolver, lists, partial),
        partial.known(spf.default_of(domain, resolver)),
        partial.known(dmarc.policy_of(domain, resolver, lists)),
        partial.known(resolver.ask(owner, "NS")),
        partial.known(count_listings("domain", owner, resolver, blocklists)),
    )
    partial.check(mail.exists, policy, requests, servers, listed)
    return MailDomain(
        checked_at=now,
        exists=mail.exists,
        null_mx=mail.null_mx,
        accepts_mail=mail.accepts,
        mx_count=mail.servers,
        mx_provider=mail.provider,
        mx_disposable=mail.disposable,
        spf=policy,
        dmarc=requests,
        parked=None if servers is None else is_parked(servers.servers(), lists),
        listed=listed,
        whole=partial.whole,
    )


class _Mail(NamedTuple):
    """Where mail to a domain goes; as in :class:`signals.facts.MailDomain`."""

    exists: bool | None = None
    null_mx: bool | None = None
    accepts: bool | None = None
    servers: int | None = None
    provider: str | None = None
    disposable: bool | None = None


async def _mail(domain: str, resolver: Resolver, lists: DomainLists, partial: Partial) -> _Mail:
    found = await partial.known(resolver.ask(domain, "MX"))
    if found is None and partial.silent:
        return _Mail()  # whoever says nothing to one question is not asked another
    if found is None:
        return _Mail(exists=await _exists(domain, resolver, partial))
    if found.missing:
        return _Mail(exists=False, null_mx=False, accepts=False, servers=0)
    exchanges = found.exchanges()
    if not exchanges:
        return _Mail(True, False, await _takes_mail_itself(domain, resolver, partial), 0)
    if exchanges == [(0, "")]:
        return _Mail(True, True, False, 0)  # RFC 7505, 3
    hosts = [host for _, host in exchanges if host]
    if not hosts:
        return _Mail(True, False, False, 0)
    provider = lists.standing(hosts[0]).registrable or hosts[0]
    return _Mail(True, False, True, len(set(hosts)), provider, lists.standing(hosts[0]).disposable)


async def _takes_mail_itself(domain: str, resolver: Resolver, partial: Partial) -> bool | None:
    """Whether a domain without mail servers has an address, which mail then goes to (RFC 5321, 5.1)."""
    answers = await asyncio.gather(*(partial.known(resolver.ask(domain, rdtype)) for rdtype in ("A", "AAAA")))
    if any(answer is not None and answer.records for answer in answers):
        return True
    return None if None in answers else False


async def _exists(domain: str, resolver: Resolver, partial: Partial) -> bool | None:
    """Whether the domain is there, where that cannot be told from its mail servers."""
    found: Answer | None = await partial.known(resolver.ask(domain, "SOA"))
    return None if found is None else not found.missing
