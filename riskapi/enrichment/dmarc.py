"""The DMARC policy of a domain (RFC 7489)."""

from __future__ import annotations

import re
from typing import Final, Literal

from riskapi.enrichment.resolver import Resolver
from riskapi.inputs.domains import DomainLists

Dmarc = Literal["missing", "none", "quarantine", "reject", "broken"]

_VERSION: Final = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")  # RFC 7489, 6.4
_POLICIES: Final[dict[str, Dmarc]] = {"none": "none", "quarantine": "quarantine", "reject": "reject"}
_REPORTS: Final = re.compile(r"mailto:[^\s@,;]+@[^\s@,;]+", re.IGNORECASE)


async def policy_of(domain: str, resolver: Resolver, lists: DomainLists) -> Dmarc:
    """The policy for mail from ``domain``: its own, else the one its organisational domain has for what is below it
    (RFC 7489, 6.6.3). ``broken`` where there are several records or one without a policy.

    Raises :class:`~riskapi.enrichment.upstream.UpstreamError`.
    """
    for name in dict.fromkeys((domain, lists.standing(domain).registrable or domain)):
        found = [text for text in (await resolver.ask(f"_dmarc.{name}", "TXT")).texts() if _VERSION.match(text)]
        if found:
            return "broken" if len(found) > 1 else _policy(found[0], below=name != domain)
    return "missing"


def _policy(record: str, below: bool) -> Dmarc:
    """The policy of a record, for names below its own or for that one. Without a valid one it stands for ``none``
    where it says who gets reports (RFC 7489, 6.6.3, step 6).
    """
    pairs = (part.partition("=") for part in record.split(";"))
    tags: dict[str, str] = {}
    for name, sign, value in pairs:
        if sign:
            tags.setdefault(name.strip().lower(), value.strip())
    own = _POLICIES.get(tags.get("p", "").lower())
    others = _POLICIES.get(tags.get("sp", tags.get("p", "")).lower())
    if own is None or others is None:
        reports = any(_REPORTS.fullmatch(uri.strip()) for uri in tags.get("rua", "").split(","))
        return "none" if reports else "broken"
    return others if below else own
