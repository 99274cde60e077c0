"""What a file of each format says: how much, of when, and what it answers to a few questions.

Every reader takes a file and questions, and raises :class:`ValueError` with what is wrong with the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NamedTuple

import maxminddb
from publicsuffixlist import PublicSuffixList

from riskapi.datasets import domain_lines
from riskapi.datasets.address_ranges import HostingRanges
from riskapi.datasets.ip_records import country_of, origin_of
from riskapi.datasets.mail_tables import AccessTable, ProviderTable, RegistryTable, Table, parse
from riskapi.datasets.network_kinds import NetworkKinds
from riskapi.datasets.numbering import Numbering

#: IPv4 addresses that a database is asked about, spread evenly below 224.0.0.0 where multicast begins (RFC 5771).
_SPREAD: Final = 4096
#: Share of them that it must know. Measured in November 2026: 84 % in iptoasn and DB-IP, 94 to 98 % in origin-asn.
_KNOWN: Final = 0.5
#: When the Public Suffix List was made: a comment at its head, such as ``// VERSION: 2026-10-22_08-36-41_UTC``.
_SUFFIX_TIME = re.compile(rb"^// VERSION: (\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)_UTC\s*$", re.MULTILINE)
#: The marks around the two parts of the Public Suffix List (https://github.com/publicsuffix/list/wiki/Format).
_SUFFIX_PARTS: Final = (b"===BEGIN ICANN DOMAINS===", b"===END PRIVATE DOMAINS===")


class Contents(NamedTuple):
    """What a file holds: entries, the Unix time it says it was made at, and the answer to each question."""

    entries: int
    built: float | None
    answers: Mapping[str, object]


Reader = Callable[[Path, Iterable[str]], Contents]


def asn(path: Path, asked: Iterable[str]) -> Contents:
    """An MMDB of AS numbers. Entries are nodes of its tree, answers the AS number of an address."""
    return _database(path, asked, lambda record: origin_of(record)[0])


def country(path: Path, asked: Iterable[str]) -> Contents:
    """An MMDB of countries. Entries are nodes of its tree, answers the country code of an address (ISO 3166-1)."""
    return _database(path, asked, country_of)


def _database(path: Path, asked: Iterable[str], field: Callable[[Any], object]) -> Contents:
    try:
        with maxminddb.open_database(path) as database:
            about = database.metadata()
            step = (224 << 24) // _SPREAD
            known = sum(field(database.get(ip_address(at * step + 77))) is not None for at in range(_SPREAD))
            if known < _SPREAD * _KNOWN:
                raise ValueError(f"it knows {known / _SPREAD:.0%} of IPv4 addresses, and {_KNOWN:.0%} are expected")
            answers = {question: field(database.get(question)) for question in asked}
            return Contents(about.node_count, float(about.build_epoch) or None, answers)
    except (OSError, maxminddb.InvalidDatabaseError, UnicodeDecodeError):
        raise ValueError("it is not an MMDB database, or not all of it is whole") from None


def hosting(path: Path, asked: Iterable[str]) -> Contents:
    """A table of iporigin. Entries are ranges, answers the kind of an address or None."""
    content = path.read_bytes()
    ranges = HostingRanges(content)
    ranges.check(content)
    answers: dict[str, object] = {}
    for question in asked:
        address = ip_address(question)
        found = ranges.find(int(address), address.version)
        answers[question] = found.kind if found else None
    return Contents(len(ranges), ranges.built, answers)


def networks(path: Path, asked: Iterable[str]) -> Contents:
    """A table of kinds of networks. Entries are rows, answers the kind of a number and a name with a space between."""
    found = NetworkKinds(path.read_bytes())
    answers: dict[str, object] = {}
    for question in asked:
        number, _, name = question.partition(" ")
        answers[question] = found.kind_of(int(number), name)
    return Contents(len(found), found.as_of, answers)


def numbering(path: Path, asked: Iterable[str]) -> Contents:
    """A table of spellings of numbers. Entries are rows, answers what an old number (a calling code, a space, the
    national number) became.
    """
    found = Numbering(path.read_bytes())
    answers: dict[str, object] = {}
    for question in asked:
        code, _, national = question.partition(" ")
        read = found.read(int(code), national, "old")
        answers[question] = read[0] if read else None
    return Contents(len(found), found.as_of, answers)


def domains(path: Path, asked: Iterable[str]) -> Contents:
    """A list of domains. Entries are domains, answers whether a domain is listed."""
    found = domain_lines.parse(_text(path))
    if found.removed:
        raise ValueError(f"it takes {len(found.removed)} domains off, which only an operator's own file does")
    return Contents(len(found.added), None, {question: question in found.added for question in asked})


def providers(path: Path, asked: Iterable[str]) -> Contents:
    """Our table of mailbox providers or alias services. Entries are domains, answers the provider's name or None."""
    table = _table(ProviderTable, path)
    of = table.provider_of
    return _listed(table, {question: of[question].name if question in of else None for question in asked})


def access(path: Path, asked: Iterable[str]) -> Contents:
    """Our table of access providers' mail. Entries are domains, answers whether a domain is there."""
    table = _table(AccessTable, path)
    return _listed(table, {question: question in set(table.domains()) for question in asked})


def registries(path: Path, asked: Iterable[str]) -> Contents:
    """Our table of registries that share domains out. Entries are domains, answers whether a domain is there."""
    table = _table(RegistryTable, path)
    return _listed(table, {question: question in set(table.domains()) for question in asked})


def _table(kind: type[Table], path: Path) -> Table:
    return parse(kind, _text(path))


def _listed(table: AccessTable | ProviderTable | RegistryTable, answers: Mapping[str, object]) -> Contents:
    made = datetime.combine(table.as_of, time(), UTC).timestamp()
    return Contents(sum(1 for _ in table.domains()), made, answers)


def suffixes(path: Path, asked: Iterable[str]) -> Contents:
    """The Public Suffix List. Entries are its rules, answers the public suffix of a domain."""
    content = _text(path)
    for part in _SUFFIX_PARTS:
        if part not in content:
            raise ValueError(f"it has no line {part.decode()}, so it is not the Public Suffix List, or not all of it")
    found = suffix_list(content)
    rules = sum(bool(line.strip()) and not line.startswith(b"//") for line in content.splitlines())
    made = _SUFFIX_TIME.search(content)
    built = datetime.strptime(made[1].decode(), "%Y-%m-%d_%H-%M-%S").replace(tzinfo=UTC).timestamp() if made else None
    return Contents(rules, built, {question: found.publicsuffix(question) for question in asked})


def suffix_list(content: bytes) -> PublicSuffixList:
    """The Public Suffix List, private part included. Raises :class:`ValueError`."""
    try:
        return PublicSuffixList(content.decode())
    except UnicodeError as error:
        raise ValueError(f"it has a rule that is not a domain: {error}") from None


def _text(path: Path) -> bytes:
    content = path.read_bytes()
    if content.lstrip()[:1] == b"<":
        raise ValueError("it is a web page, not a list")
    return content
