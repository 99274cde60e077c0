"""What DNS says of a domain that mail is sent from through the operator's servers: is that its owner's wish."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence

from riskapi.enrichment import dmarc, spf
from riskapi.enrichment.partial import Partial
from riskapi.enrichment.resolver import Resolver
from riskapi.enrichment.resolver_trust import ResolverTrust
from riskapi.enrichment.upstream import UpstreamDoubted
from signals.facts import Sender


async def look_up_sender(
    domain: str,
    resolver: Resolver,
    includes: Sequence[str],
    selectors: Sequence[str],
    now: float,
    trust: ResolverTrust | None = None,
) -> Sender:
    """Ask about a domain (in A-labels). ``includes`` are the domains of the operator's SPF records, ``selectors``
    those of its DKIM keys; without them that part is ``None`` and not asked for. ``now`` is Unix time; ``trust`` says
    whether the resolver is believed, which it always is without: what is not believed is ``None`` as well.

    Raises :class:`~riskapi.enrichment.upstream.UpstreamError` when nobody answered anything, or when somebody was left
    alone and not asked.
    """
    partial = Partial()
    names = (f"{selector}._domainkey.{domain}" for selector in selectors)
    policy, passes, keys = await asyncio.gather(
        partial.known(dmarc.policy_of(domain, resolver)),
        partial.known(spf.names_any(domain, frozenset(includes), resolver)) if includes else _nothing(),
        asyncio.gather(*(partial.known(_has_key(name, resolver)) for name in names)),
    )
    signs = _any(keys)
    partial.check(policy, passes, signs)
    if trust is not None and (not passes or not signs or policy == "missing"):
        verdict = await trust.verdict()
        if not verdict.absence_of_texts:
            passes, signs, policy = passes or None, signs or None, None if policy == "missing" else policy
        if not verdict.records or (not verdict.absence_of_texts and (passes, signs, policy) == (None,) * 3):
            raise UpstreamDoubted
    asked = ([passes] if includes else []) + ([signs] if selectors else [])
    aligned = _aligned(policy, _any(asked))
    return Sender(checked_at=now, spf=passes, dkim=signs, dmarc=policy, aligned=aligned, whole=partial.whole)


async def _nothing() -> None:
    return None


def _any(answers: Sequence[bool | None]) -> bool | None:
    """True as soon as one is; false when there is one and all are; else nobody knows."""
    if True in answers:
        return True
    return None if None in answers or not answers else False


def _aligned(policy: dmarc.Dmarc | None, passes: bool | None) -> bool | None:
    """Both must hold, so either can rule it out (RFC 9989, 4.4 and 5.3.5)."""
    if policy in ("missing", "broken") or passes is False:
        return False
    return None if policy is None or passes is None else True


async def _has_key(name: str, resolver: Resolver) -> bool:
    return any(_is_key(text) for text in (await resolver.ask(name, "TXT")).texts())


def _is_key(record: str) -> bool:
    """Whether a record is a key for signing mail (RFC 6376, 3.6.1). An empty one was revoked."""
    tags: dict[str, str] = {}
    for part in record.split(";"):
        name, sign, value = part.partition("=")
        if sign:
            tags.setdefault(name.strip(), "".join(value.split()))
    services = tags.get("s", "*").split(":")
    if tags.get("v", "DKIM1") != "DKIM1" or not {"*", "email"} & set(services):
        return False
    try:
        return bool(base64.b64decode(tags.get("p", ""), validate=True))
    except (binascii.Error, ValueError):
        return False
