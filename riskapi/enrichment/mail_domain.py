"""What DNS says of a mail domain: is it there, who takes its mail, what does it say of mail in its name.

What speaks against a domain is kept only where the resolver was seen, just afterwards, to know what exists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from riskapi.enrichment import dmarc, spf
from riskapi.enrichment.blocklists import TellOfList, count_listings
from riskapi.enrichment.parking import is_parked
from riskapi.enrichment.partial import Partial
from riskapi.enrichment.probes import ProbeResult, is_inside
from riskapi.enrichment.resolver import DnsAnswer, Resolver
from riskapi.enrichment.resolver_trust import RECENT, ResolverTrust
from riskapi.enrichment.upstream import UpstreamDoubted
from riskapi.inputs.domains import DomainLists
from riskapi.settings.environment import Blocklist
from signals.facts import MailDomain


async def look_up_mail_domain(
    domain: str,
    resolver: Resolver,
    blocklists: Sequence[Blocklist],
    lists: DomainLists,
    now: float,
    trust: ResolverTrust | None = None,
    tell: TellOfList | None = None,
) -> MailDomain:
    """Ask about a domain (lower-case A-labels), all at once. ``now`` is Unix time; ``trust`` says whether the resolver
    is believed, which it always is without. ``tell`` hears of blocklists.

    What nobody answered, or is not believed, is ``None``. Raises
    :class:`~riskapi.enrichment.upstream.UpstreamError` when that is everything, or when somebody was left alone and not
    asked.
    """
    owner = lists.standing(domain).registrable or domain
    partial, invented = Partial(), trust is not None and not trust.last.records
    mail, policy, requests, servers, listed = await asyncio.gather(
        _mail(domain, resolver, lists, partial),
        partial.known(spf.default_of(domain, resolver)),
        partial.known(dmarc.policy_of(domain, resolver)),
        partial.known(resolver.ask(owner, "NS")),
        partial.known(count_listings("domain", owner, resolver, blocklists, tell)),
    )
    partial.check(mail.exists, policy, requests, servers, listed)
    said = MailDomain(
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
    if trust is None:
        return said
    believed = await _as_believed(domain, owner, said, resolver, trust)
    if invented:  # when it was asked it made up records: that it has stopped since says nothing of these
        raise UpstreamDoubted
    return believed


async def _as_believed(
    domain: str, owner: str, said: MailDomain, resolver: Resolver, trust: ResolverTrust
) -> MailDomain:
    """What was said, as far as the resolver is believed; :class:`UpstreamDoubted` where nothing of it is."""
    missing = said.accepts_mail is False and not said.null_mx
    if said.exists is not None:
        trust.saw(owner, missing)
    verdict = await trust.verdict(0.0 if missing else RECENT)
    if not verdict.records:
        raise UpstreamDoubted
    if missing and verdict.absence and not await _is_still_missing(domain, said, resolver):
        raise UpstreamDoubted  # it lied a moment ago, or knows it now
    return _without_doubtful(said, verdict)


async def _is_still_missing(domain: str, said: MailDomain, resolver: Resolver) -> bool:
    """Whether the same is said once more, after the resolver was found to know what exists."""
    found = await resolver.ask(domain, "MX")
    return found.missing if said.exists is False else not found.missing and not any(map(_named, found.exchanges()))


def _named(exchange: tuple[int, str]) -> bool:
    return bool(exchange[1])


def _without_doubtful(said: MailDomain, verdict: ProbeResult) -> MailDomain:
    """Only records, where it is not believed that there are none. What was said is whole all the same: asking again
    would be in vain.
    """
    kept = said
    if not verdict.absence_of_texts:
        policy, requests = said.spf, said.dmarc
        kept = replace(
            kept, spf=None if policy == "missing" else policy, dmarc=None if requests == "missing" else requests
        )
    if not verdict.absence:
        kept = replace(kept, parked=said.parked or None, listed=said.listed or None)
        if not said.accepts_mail and not said.null_mx:
            kept = replace(kept, exists=None, null_mx=None, accepts_mail=None, mx_count=None)
    parts = (kept.exists, kept.spf, kept.dmarc, kept.parked, kept.listed)
    if not verdict.absence and all(part is None for part in parts):
        raise UpstreamDoubted
    return kept


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
    addresses = [each for answer in answers if answer is not None for each in answer.addresses()]
    if addresses:
        return None if is_inside(addresses) else True  # an inside address is for those inside, and says nothing here
    return None if None in answers else False


async def _exists(domain: str, resolver: Resolver, partial: Partial) -> bool | None:
    """Whether the domain is there, where that cannot be told from its mail servers."""
    found: DnsAnswer | None = await partial.known(resolver.ask(domain, "SOA"))
    return None if found is None else not found.missing
