"""What a text may mean that somebody typed into the search box: every kind it can be, the likeliest first.

Nothing is asked of the store here. Values are read as signups are, so that what is found is what a signup with that
value would share.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal, get_args
from urllib.parse import urlsplit

from riskapi.contract import USER_ID
from riskapi.inputs import device as devices
from riskapi.inputs.readers import ActiveReaders
from riskapi.inputs.visitor_values import LONGEST
from riskapi.links.entities import Links
from riskapi.links.keys import LETTERS, key_of
from riskapi.links.kinds import is_inside, line
from riskapi.links.networks import BITS, entity_networks
from signals.records import record

#: What can be searched for. All but the last three are kinds of entities.
SearchKind = Literal[
    "mailbox",
    "phone",
    "payment",
    "device",
    "mail_domain",
    "ip",
    "fingerprint",
    "phone_block",
    "pattern",
    "network",
    "referrer",
    "link_domain",
    "content",
    "asn",
    "user",
    "cluster",
    "name",
]
KINDS: tuple[SearchKind, ...] = get_args(SearchKind)
#: Kinds of entities that can be searched for, by the letter of their keys.
_OF_LETTER = {letter: kind for kind, letter in LETTERS.items() if kind in KINDS}
#: A thing by its HMAC, as answers name edges: a letter for the kind (a capital one stands for who proved it), 96 bits.
_THING = re.compile(r"([A-Za-z]):([A-Za-z0-9_-]{16})")
_CLUSTER = re.compile(r"clu_[0-9a-f]{20,24}")
#: ``AS64500``, ``asn 64500`` or the number alone (RFC 5396: asplain).
_ASN = re.compile(r"(?:ASN?\s*)?([0-9]{1,10})", re.IGNORECASE)
#: The numbers that an AS can have: 0 and the last one are reserved (RFC 7607, RFC 7300).
_ASNS = range(1, 2**32 - 1)
#: What people write of numbers: digits and what stands between them, and an extension.
_NUMBER = re.compile(r"\+?[0-9][0-9\s().\-/]{5,}(?:\s*(?:ext\.?|x|;ext=)\s*[0-9]{1,7})?|\(\+?[0-9][0-9\s().\-/]{5,}")
#: Names have letters, and between them marks, blanks, apostrophes, dots and hyphens; no digits.
_NAME = re.compile(r"[^\W\d_][^\d_@/|:+<>\\]{1,99}")
_TOO_WIDE = "Too wide to look through: search a /16 or a /40 of it or less, or its AS."
_INSIDE = "An address from inside networks, which everybody behind a proxy has: no accounts are remembered for it."
_USER = re.compile(USER_ID.removesuffix("$"))


@record
class Meaning:
    """One way to read a text. ``value`` is it as signups are looked up by; None where only the HMAC is known.

    ``keys`` are the entities that stand for it; none for users, clusters and names. ``within`` is the network that is
    meant where the entity is a wider one. ``note`` says what to know of this way to read it.
    """

    kind: SearchKind
    value: str | None
    keys: tuple[str, ...] = ()
    within: str | None = None
    note: str | None = None


class Meanings:
    """Reads what people type, with what signups are read with."""

    def __init__(self, links: Links, active_readers: ActiveReaders) -> None:
        self._links, self._active_readers = links, active_readers
        self._ways: tuple[Callable[[str], Iterator[Meaning]], ...] = (
            _thing, _cluster, self._address, self._network, self._mail, self._number, self._link, self._domain,
            self._asn, self._identifier, _name,
        )  # fmt: skip

    def read(self, text: str) -> list[Meaning]:
        """Every way to read a text, the likeliest first, one of each kind. Never raises.

        None for what is blank, has signs that cannot be shown, or is longer than any value that a signup keeps.
        """
        text = text.strip()
        if not text or len(text) > LONGEST or not text.isprintable():
            return []
        found: dict[SearchKind, Meaning] = {}
        for way in self._ways:
            for meaning in way(text):
                found.setdefault(meaning.kind, meaning)
        return list(found.values())

    def _of(self, kind: SearchKind, value: str, note: str | None = None) -> Meaning:
        return Meaning(kind, value, (self._links.entity_key(kind, value),), note=note)

    def _address(self, text: str) -> Iterator[Meaning]:
        found = self._active_readers.readers.networks.read(text)
        if found.ip is None:
            return
        if is_inside(found):
            yield Meaning("ip", found.ip, note=_INSIDE)
            return
        subnet = line(found.ip)
        note = "Counted by its /64, in which a device changes its address." if ":" in subnet else None
        yield Meaning("ip", found.ip, (self._links.entity_key("ip", subnet),), note=note)
        if found.prefix is not None:
            yield self._of("network", found.prefix)
        if found.asn is not None:
            yield self._of("asn", str(found.asn), found.organization)

    def _network(self, text: str) -> Iterator[Meaning]:
        if "/" not in text:
            return
        try:
            network = ip_network(re.sub(r"\s", "", text), strict=False)
        except ValueError:
            return
        parts, given = entity_networks(network), str(network)
        ends = (self._active_readers.readers.networks.read(str(network[at])) for at in (0, -1))
        if all(is_inside(end) for end in ends):
            yield Meaning("network", given, note=_INSIDE)
        elif parts is None:
            yield Meaning("network", given, note=_TOO_WIDE)
        elif network.prefixlen > BITS[network.version]:
            note = f"Looked for among the newest accounts of {parts[0]}."
            yield Meaning("network", given, self._keys(parts), given, note)
        else:
            yield Meaning("network", given, self._keys(parts))

    def _keys(self, networks: list[IPv4Network | IPv6Network]) -> tuple[str, ...]:
        read = self._active_readers.readers.networks.read
        prefixes = (read(str(network.network_address)).prefix for network in networks)
        return tuple(self._links.entity_key("network", prefix) for prefix in prefixes if prefix is not None)

    def _mail(self, text: str) -> Iterator[Meaning]:
        text = text.removeprefix("mailto:")
        if "@" not in text.lstrip("@"):
            return
        found = self._active_readers.readers.mail.read(text)
        if found.canonical is not None:
            same = found.canonical == f"{found.local}@{found.domain}"
            note = None if same else f"All addresses of the mailbox {found.canonical} count as one."
            yield Meaning(
                "mailbox", f"{found.local}@{found.domain}", (self._links.entity_key("mailbox", found.canonical),),
                note=note,
            )  # fmt: skip
        if found.pattern is not None:
            yield self._of("pattern", found.pattern)
        if found.registrable is not None:
            yield self._of("mail_domain", found.registrable)

    def _number(self, text: str) -> Iterator[Meaning]:
        text = text.removeprefix("tel:")
        if not _NUMBER.fullmatch(text):
            return
        found = self._active_readers.readers.phones.read(text)
        if found.line is not None:
            yield self._of("phone", found.line)
        elif text.startswith("+"):
            yield Meaning("phone", text, note="No number that anybody can have: it links nobody.")
        if found.block is not None:
            yield self._of("phone_block", found.block)

    def _link(self, text: str) -> Iterator[Meaning]:
        """A whole link: the domain it leads to."""
        if "://" in text:
            yield from self._linked(text)
            try:
                host = urlsplit(text).hostname
            except ValueError:
                return
            if host:
                yield from self._address(host)
                yield from self._domain(host)

    def _domain(self, text: str) -> Iterator[Meaning]:
        text = text.removeprefix("@").rstrip(".")
        if "." not in text or re.search(r"[\s@/|:]", text):
            return
        found = self._active_readers.readers.mail.read(f"a@{text}")
        if found.registrable is None or self._active_readers.readers.networks.read(text).ip is not None:
            return
        note = None if found.registrable == found.domain else f"Known by its registrable part, {found.registrable}."
        yield self._of("mail_domain", found.registrable, note)
        yield from self._linked(text)

    def _linked(self, text: str) -> Iterator[Meaning]:
        links = self._active_readers.readers.links
        for domain in links.read([text]):
            yield self._of("link_domain", domain)
        names = links.names(text)
        if names:
            yield Meaning("link_domain", names[-1], note="Everybody links to it: no accounts are remembered for it.")

    def _asn(self, text: str) -> Iterator[Meaning]:
        found = _ASN.fullmatch(text)
        if found is not None and int(found[1]) in _ASNS:
            yield self._of("asn", str(int(found[1])))

    def _identifier(self, text: str) -> Iterator[Meaning]:
        if "|" in text:
            tls, _, agent = text.partition("|")
            yield self._of("fingerprint", f"{tls.lower()}|{agent}")
        if re.search(r"\s", text):
            return
        if _USER.fullmatch(text):
            yield Meaning("user", text)
        given = devices.identifier(text)
        if given is None or "://" in text:
            return
        yield self._of("device", given)
        yield self._of("payment", given)
        if _USER.fullmatch(text):
            yield self._of("referrer", text)
        yield self._of("content", given)
        if "|" not in text:
            yield self._of(
                "fingerprint",
                f"{given.lower()}|||",
                "Of browsers that told no name; others: TLS|browser|version|system.",
            )


def _thing(text: str) -> Iterator[Meaning]:
    found = _THING.fullmatch(text)
    kind = _OF_LETTER.get(found[1].lower()) if found is not None else None
    for each in KINDS:
        if found is not None and each == kind:
            yield Meaning(each, None, (key_of(each, found[2]),))


def _cluster(text: str) -> Iterator[Meaning]:
    if _CLUSTER.fullmatch(text):
        yield Meaning("cluster", text)


def _name(text: str) -> Iterator[Meaning]:
    if _NAME.fullmatch(text) and "." not in text.strip(".").replace(". ", " "):
        yield Meaning("name", " ".join(text.split()))
