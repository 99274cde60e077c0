"""The DMARC policy of a domain, found by the DNS tree walk (RFC 9989, 4.10, which replaced RFC 7489 in May 2026).

No library: checkdmarc 6 asks through a blocking resolver of its own, and brings cryptography, httpx, requests and six
more packages for what is a page of rules.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from riskapi.enrichment.resolver import Resolver

Dmarc = Literal["missing", "none", "quarantine", "reject", "broken"]

#: Names that one walk asks about at most; a longer domain skips to its last seven labels (RFC 9989, 4.10).
QUERIES: Final = 8
_VERSION: Final = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")  # RFC 9989, 4.8
_POLICIES: Final[dict[str, Dmarc]] = {"none": "none", "quarantine": "quarantine", "reject": "reject"}
#: The tags that ask for a policy: for the domain itself, for what is below it, and for what is not there.
_ASKED: Final = ("p", "sp", "np")
#: What a policy counts as while its owner tests it: one level less (RFC 9989, 4.7, ``t``).
_TESTED: Final[dict[Dmarc, Dmarc]] = {"reject": "quarantine", "quarantine": "none"}
#: A mailto URI, with the size limit that older records may have after it (RFC 9989, 4.8, obs-dmarc-uri).
_REPORTS: Final = re.compile(r"mailto:[^\s@,;]+@[^\s@,;]+", re.IGNORECASE)


class _Record(NamedTuple):
    """One record: the domain it speaks for, and its tags by name in lower case. If a tag comes twice, the first
    counts.
    """

    domain: str
    tags: dict[str, str]

    @property
    def psd(self) -> str:
        """Whether the domain is a public suffix: ``y``, ``n``, or ``u`` where that is not said."""
        found = self.tags.get("psd", "u").lower()
        return found if found in ("y", "n") else "u"


async def policy_of(domain: str, resolver: Resolver) -> Dmarc:
    """The policy for mail from ``domain``: its own, else that of its organisational domain, else that of its public
    suffix (RFC 9989, 4.10.1).

    ``broken`` where the record that applies has no policy, or where none applies and a name has several: those are
    discarded, and the walk goes on (4.10, steps 2 and 6). Raises
    :class:`~riskapi.enrichment.upstream.UpstreamError` when a question stays without an answer.
    """
    walked: list[_Record] = []
    several = False
    for name in _names(domain):
        found = [text for text in (await resolver.ask(f"_dmarc.{name}", "TXT")).texts() if _VERSION.match(text)]
        several = several or len(found) > 1
        if len(found) != 1:
            continue
        record = _Record(name, _tags(found[0]))
        if name == domain:
            return _policy(record.tags)
        walked.append(record)
        if record.psd != "u":
            break
    if not walked:
        return "broken" if several else "missing"
    tags = _applicable(domain, walked).tags
    existing, absent = _policy(tags, "sp"), _policy(tags, "np", "sp")
    return existing if existing == absent or await _exists(domain, resolver) else absent


def _names(domain: str) -> list[str]:
    """The names to ask about, from the domain up to its last label."""
    labels = domain.split(".")
    above = range(max(1, len(labels) - QUERIES + 1), len(labels))
    return [domain, *(".".join(labels[at:]) for at in above)]


def _applicable(domain: str, walked: list[_Record]) -> _Record:
    """The record of a domain's organisational domain (RFC 9989, 4.10.2), among those found above it, else of its public
    suffix. A record that says either comes last, because the walk stops there.
    """
    last = walked[-1]
    if last.psd != "y":
        return last
    below = ".".join(domain.split(".")[-last.domain.count(".") - 2 :])
    return next((record for record in walked if record.domain == below), last)


def _tags(record: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    for part in record.split(";"):
        name, sign, value = part.partition("=")
        if sign:
            tags.setdefault(name.strip().lower(), value.strip())
    return tags


def _policy(tags: dict[str, str], *names: str) -> Dmarc:
    """The policy that the first tag of ``names`` gives which is there, else ``p``.

    One that cannot be read stands for ``none`` where the record says who gets reports (RFC 9989, 4.10.1).
    """
    given: dict[str, Dmarc | None] = {each: _POLICIES.get(tags[each].lower()) for each in _ASKED if each in tags}
    policies = [policy for name in (*names, "p") if (policy := given.get(name)) is not None]
    if given.get("p") is None or None in given.values():
        reports = any(_REPORTS.fullmatch(uri.strip()) for uri in tags.get("rua", "").split(","))
        return "none" if reports else "broken"
    return _TESTED.get(policies[0], policies[0]) if tags.get("t", "n").lower() == "y" else policies[0]


async def _exists(domain: str, resolver: Resolver) -> bool:
    """Whether a domain has a mail server or an address (RFC 9989, 3.2.13)."""
    for rdtype in ("MX", "A", "AAAA"):
        found = await resolver.ask(domain, rdtype)
        if found.missing or found.records:
            return not found.missing
    return False
