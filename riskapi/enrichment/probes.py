"""Probes: questions to a resolver whose right answers are known. Wrong answers show what its other answers are worth.

A resolver in a closed network, behind a captive portal or of a provider that rewrites answers is wrong in few ways:
nothing exists, everything exists, names have inside addresses, or it does not answer (ICANN SSAC, SAC 032, "DNS
Response Modification", 2008; RFC 8952 on captive portals).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from riskapi.datasets.mail_tables import ProviderTable, parse
from riskapi.datasets.packages import own_table
from riskapi.enrichment.resolver import DnsAnswer, Resolver
from riskapi.enrichment.sources import INVENTING, ResolverDoubt
from riskapi.enrichment.upstream import UpstreamError, UpstreamSilent
from riskapi.outgoing.special_ranges import special_purpose
from signals.records import record

#: Question: name and type.
Question = tuple[str, str]
Answers = Mapping[Question, DnsAnswer | UpstreamError]
#: Mail domains that always have mail servers, of four providers. Two must be known: a filter may hide one or the
#: other.
_LARGE: Final = ("gmail.com", "outlook.com", "yahoo.com", "qq.com")
_ENOUGH: Final = 2
#: Of these, those that have an address, an SPF record and a DMARC policy, all published for many years.
_FULL: Final = ("gmail.com", "outlook.com")
#: The root's name servers: the one thing that every resolver must know (RFC 9609).
_ROOT: Final = (".", "NS")
#: Domains of large providers for the second look, and the share of them that must exist. One may be given up.
_MORE: Final = ("163.com", "aol.com", "daum.net", "gmx.net", "mail.ru", "naver.com", "proton.me", "web.de", "zoho.com")
_IMITATED: Final = parse(ProviderTable, own_table("mailbox_providers.toml").installed()).imitated
WIDE: Final = tuple(sorted({*_LARGE, *_MORE, *_IMITATED}))
_SHARE: Final = 0.75


@record
class ProbeResult:
    """What the answers of a resolver are worth. ``doubt`` is ``None`` where they are believed."""

    doubt: ResolverDoubt | None = None

    @property
    def records(self) -> bool:
        """Whether records that it gives are believed."""
        return self.doubt not in INVENTING

    @property
    def absence(self) -> bool:
        """Whether it is believed that something does not exist."""
        return self.doubt in (None, "texts_missing")

    @property
    def absence_of_texts(self) -> bool:
        """Whether it is believed that a name has no TXT record."""
        return self.doubt is None


async def probe(resolver: Resolver, wide: bool = False) -> ProbeResult:
    """Ask, all at once, and judge. With ``wide`` also about some dozens of large mail domains. Never raises."""
    invented = f"{secrets.token_hex(12)}.com"  # 96 bits: nobody has registered it
    questions: list[Question] = [_ROOT, (invented, "A"), (invented, "MX")]
    questions += [(name, "MX") for name in _LARGE]
    questions += [(name, rdtype) for name in _FULL for rdtype in ("A", "TXT")]
    questions += [(f"_dmarc.{name}", "TXT") for name in _FULL]
    sample = [(name, "MX") for name in WIDE if name not in _LARGE] if wide else []
    asked = [*questions, *sample]
    answers = dict(zip(asked, await asyncio.gather(*(_answer(resolver, each) for each in asked)), strict=True))
    return ProbeResult(judged(answers, invented, sample))


def judged(answers: Answers, invented: str, sample: Sequence[Question] = ()) -> ResolverDoubt | None:
    """What is wrong with a resolver that gave these answers. ``invented`` is the name that does not exist. Pure."""
    failures = [each for each in answers.values() if isinstance(each, UpstreamError)]
    if len(failures) == len(answers):
        return "silent" if all(isinstance(each, UpstreamSilent) for each in failures) else "failing"
    if any(_has(answers, (invented, rdtype)) for rdtype in ("A", "MX")):
        return "everything_exists"
    if _is_inside(answers):
        return "inside_addresses"
    must = [(name, "MX") for name in _LARGE]
    if _lacks(answers, _ROOT):  # forwarders that do not answer about the root at all are not liars
        return "nothing_exists"
    if sum(_has(answers, each) for each in must) < _ENOUGH:
        return "nothing_exists" if any(_lacks(answers, each) for each in must) else "failing"
    there = [isinstance(found := answers.get(each), DnsAnswer) and not found.missing for each in sample]
    if sum(there) < _SHARE * len(there):
        return "names_missing"
    texts = (((name, "TXT") for name in _FULL), ((f"_dmarc.{name}", "TXT") for name in _FULL))
    return None if all(any(_has(answers, each) for each in one) for one in texts) else "texts_missing"


async def _answer(resolver: Resolver, question: Question) -> DnsAnswer | UpstreamError:
    try:
        return await (resolver.root() if question == _ROOT else resolver.ask(*question))
    except UpstreamError as error:
        return error


def _has(answers: Answers, question: Question) -> bool:
    found = answers.get(question)
    return isinstance(found, DnsAnswer) and bool(found.records)


def _lacks(answers: Answers, question: Question) -> bool:
    found = answers.get(question)
    return isinstance(found, DnsAnswer) and not found.records


def _is_inside(answers: Answers) -> bool:
    """Whether all addresses of public names are such as no public name has; documentation is for tests."""
    found = [answers.get((name, "A")) for name in _FULL]
    return is_inside(one for each in found if isinstance(each, DnsAnswer) for one in each.addresses())


def is_inside(addresses: Iterable[object]) -> bool:
    """Whether there are addresses, and all lie in ranges that are not of the public Internet (RFC 6890). Those for
    documentation do not count as such: names in examples have them.
    """
    ranges = [special_purpose(each) for each in addresses]  # type: ignore[arg-type]
    return bool(ranges) and all(each not in (None, "documentation") for each in ranges)
