"""What lists say of a signup or a link: which entries could name it, which do, and which of them decides. Pure.

Entries for matching stand in one table, under ``<kind>:<normalised value>``, or ``<kind>:#<HMAC>`` where an entry was
made without its value. What stands there is a text that the three lists share: for each that has the value
``<letter><entry id>|<Unix time it expires, or 0>|<flags>``, parted by spaces.
Everything a signup could be listed under is asked for at once, as far as there are entries of its kind
(:mod:`riskapi.lists.signup_entries`); of wide kinds (domains, networks, prefixes of numbers) every width it lies in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal, cast, get_args

from riskapi.inputs.domains import parents
from riskapi.links.keys import mac_of
from riskapi.lists.list_names import ListName
from riskapi.lists.prefixes import framed, networks
from riskapi.store import damaged
from riskapi.store.redis_socket import Framed
from signals.facts import Email, Facts
from signals.records import record

ListKind = Literal[
    "email",
    "mailbox",
    "email_domain",
    "ip",
    "cidr",
    "asn",
    "phone",
    "phone_prefix",
    "device",
    "payment",
    "link_domain",
    "user",
]
KINDS: tuple[ListKind, ...] = get_args(ListKind)
_EVERY: frozenset[str] = frozenset(KINDS)
#: Kinds whose entries can do without their value, by the kind of entity (:mod:`riskapi.links.kinds`) whose HMAC they
#: keep. A domain is known there by its registrable part alone.
HASHED: dict[str, ListKind] = {
    "mailbox": "mailbox",
    "phone": "phone",
    "device": "device",
    "payment": "payment",
    "mail_domain": "email_domain",
}
#: The same with what decisions can deny besides: the line of an address, which is the address, of IPv6 its /64.
KEYED: dict[str, ListKind] = {**HASHED, "ip": "ip"}
#: Lists by the letter that stands for each in the table, in the order in which they win over each other.
LETTERS: dict[str, ListName] = {"d": "deny", "w": "watch", "a": "allow"}
#: Digits of the shortest prefix of numbers that can be listed: most country codes have two or three (ITU-T E.164).
LEAST_DIGITS = 2
#: Kinds that are read from a mail address, and what stands for one where none is needed.
OF_EMAIL = frozenset({"email", "mailbox", "email_domain"})
NO_EMAIL = Email("", valid=False)
#: Flag of an allow entry that also keeps feedback from counting against the account.
_SILENCES = "s"
#: Kinds from the most to the least that a listing means just this account; among the same kind the narrower wins.
_SPECIFIC: tuple[ListKind, ...] = (
    "user", "email", "mailbox", "phone", "device", "payment", "ip", "email_domain", "phone_prefix", "cidr", "asn",
    "link_domain",
)  # fmt: skip
_RANK = {kind: place for place, kind in enumerate(_SPECIFIC)}
_STRICT = {name: place for place, name in enumerate(LETTERS.values())}


@record
class Listed:
    """An entry that names what was looked up. ``expires_at`` is a Unix time, ``None`` for never.

    ``silences_feedback``: an allow entry says so. ``depth`` is how narrow it is among its kind: labels of a domain,
    bits of a network, digits of a prefix, 1 for an extension; 0 for kinds that mean one thing.
    """

    list: ListName
    kind: ListKind
    id: str
    expires_at: float | None = None
    silences_feedback: bool = False
    depth: int = 0


def field(kind: ListKind, normal: str) -> str:
    """Where entries of this kind and normalised value stand in the table."""
    # One ``#`` before an HMAC, two for a value that begins with one: nobody can send a value that passes for an HMAC.
    return f"{kind}:#{normal}" if normal.startswith("#") else f"{kind}:{normal}"


def hashed_field(kind: ListKind, mac: str) -> str:
    """Where entries of this kind that keep only the HMAC of their value stand in the table."""
    return f"{kind}:#{mac}"


@record
class AskedFields:
    """Where a signup is looked for: the fields of the table, and behind them those of the networks of its address,
    where :func:`riskapi.lists.prefixes.framed` has them.
    """

    fields: list[str]
    networks: Framed | None = None

    @property
    def names(self) -> list[str]:
        """All fields, in the order in which they are asked for."""
        return self.fields if self.networks is None else [*self.fields, *self.networks.arguments()]


def candidates(user_id: str, facts: Facts, keys: Mapping[str, str]) -> list[str]:
    """Every field of the table that could name a signup. What is missing or cannot be read is under none.

    ``keys`` are those of what it touches, by the kind of entity; kinds without hashed entries are passed over.
    """
    return asked(user_id, facts, keys).names


def asked(user_id: str, facts: Facts, keys: Mapping[str, str], kinds: Collection[str] = _EVERY) -> AskedFields:
    """As :func:`candidates`, of entries of these ``kinds``, with and without their values."""
    if not kinds:  # as in most stores
        return AskedFields([])
    email, phone, network = facts.email, facts.phone, facts.network
    fields: list[str] = []
    ours = None
    if "user" in kinds:
        fields.append(f"user:{user_id}")
    if email.local is not None:
        if "email" in kinds:
            fields.append(f"email:{email.local}@{email.domain}")
        if "mailbox" in kinds:
            fields.append(f"mailbox:{email.canonical}")
    if "email_domain" in kinds and email.domain is not None and email.registrable is not None:
        if email.domain == email.registrable:  # as most are
            fields.append(f"email_domain:{email.domain}")
        else:
            fields += [f"email_domain:{name}" for name in parents(email.domain, email.registrable)]
    if network is not None and network.ip is not None:
        if "ip" in kinds:
            fields.append(f"ip:{network.ip}")
        if "cidr" in kinds:
            ours = framed(network.ip)
            if ours is None:
                fields += networks(network.ip)
        if "asn" in kinds and network.asn is not None:
            fields.append(f"asn:{network.asn}")
    if phone is not None and phone.e164 is not None and phone.line is not None:
        if "phone" in kinds:
            fields += _lines(phone.line)
        if "phone_prefix" in kinds:
            fields += _prefixes(phone.e164, phone.line)
    if "device" in kinds and facts.device.id is not None:
        fields.append(field("device", facts.device.id))
    if "payment" in kinds and facts.payment_fingerprint is not None:
        fields.append(field("payment", facts.payment_fingerprint))
    fields += [
        hashed_field(kind, mac_of(keys[entity])) for entity, kind in KEYED.items() if kind in kinds and entity in keys
    ]
    return AskedFields(fields, ours)


def _lines(line: str) -> list[str]:
    """The fields of a line, and of the switchboard it is behind."""
    number = line.partition(";")[0]
    return [f"phone:{line}"] if line == number else [f"phone:{line}", f"phone:{number}"]


def _prefixes(e164: str, line: str) -> list[str]:
    """The fields of the prefixes of both spellings of the number of a line."""
    number = line.partition(";")[0]
    found: list[str] = []
    for each in (e164,) if number == e164 else (e164, number):
        whole = f"phone_prefix:{each}"
        # The plus sign comes before the digits.
        least = len(whole) - len(each) + 1 + LEAST_DIGITS
        found += [whole[:end] for end in range(least, len(whole) + 1)]
    return found


def packed(name: ListName, entry_id: str, expires_at: float | None, silences_feedback: bool) -> str:
    """What stands for an entry in the table."""
    return f"{name[0]}{entry_id}|{expires_at or 0}|{_SILENCES if silences_feedback else ''}"


def found(asked: AskedFields | Sequence[str], values: Sequence[bytes | None], now: float) -> tuple[Listed, ...]:
    """The entries that stand under the fields asked for and have not expired at Unix time ``now``, whichever decides
    first.
    """
    if not any(values):  # as of nearly every signup
        return ()
    fields = asked.names if isinstance(asked, AskedFields) else asked
    rows = [
        row for name, value in zip(fields, values, strict=True) if value for row in _read(name, value.decode(), fields)
    ]
    return tuple(sorted((row for row in rows if row.expires_at is None or row.expires_at > now), key=_precedence))


def _read(field: str, value: str, fields: Sequence[str]) -> Iterator[Listed]:
    kind, _, normal = field.partition(":")
    depth = _registrable(fields) if field.startswith("email_domain:#") else _depth(kind, normal)
    for segment in value.split():
        found = damaged.read("list entry", segment[1:].split("|")[0], partial(_listed, kind, segment, depth), None)
        if found is not None:
            yield found


def _listed(kind: str, segment: str, depth: int) -> Listed:
    entry_id, expires, flags, *_ = segment[1:].split("|")  # a newer release may say more
    name = LETTERS[segment[0]]
    return Listed(name, cast("ListKind", kind), entry_id, float(expires) or None, _SILENCES in flags, depth)


def _depth(kind: str, normal: str) -> int:
    if kind in ("email_domain", "link_domain"):
        return normal.count(".") + 1
    if kind == "cidr":
        return int(normal.rpartition("/")[2])
    if kind == "phone":
        return int(";" in normal)  # one desk before the switchboard
    return len(normal) if kind == "phone_prefix" else 0


def _registrable(fields: Sequence[str]) -> int:
    """How deep the registrable domain is of whose names ``fields`` are, which an HMAC does not say."""
    names = [name for name in fields if name.startswith("email_domain:") and not name.startswith("email_domain:#")]
    return min((_depth("email_domain", name) for name in names), default=0)


def _precedence(listed: Listed) -> tuple[int, int, int]:
    return _RANK[listed.kind], -listed.depth, _STRICT[listed.list]


def verdict(listed: Iterable[Listed]) -> Listed | None:
    """The entry that decides: the most specific, and of those that are alike deny before watch before allow."""
    return min(listed, key=_precedence, default=None)


def strictest(listed: Iterable[Listed]) -> Listed | None:
    """The one that asks for most among entries about different things: deny before watch before allow."""
    return min(listed, key=lambda each: (_STRICT[each.list], *_precedence(each)), default=None)


def linked(hosts: Iterable[Sequence[str]]) -> list[str]:
    """Every field of the table that could name hosts, given by the names of each."""
    return list(dict.fromkeys(field("link_domain", name) for names in hosts for name in names))


def of_links(
    hosts: Iterable[Sequence[str]], fields: Sequence[str], values: Sequence[bytes | None], now: float
) -> Listed | None:
    """The entry that decides about a message which links to ``hosts``, from what stands under :func:`linked` fields.

    Each host is judged by itself, so that a link to what is allowed takes nothing from one to what is denied.
    """
    if not any(values):
        return None
    known = dict(zip(fields, values, strict=True))
    named = (linked([names]) for names in hosts)
    verdicts = (verdict(found(own, [known[name] for name in own], now)) for own in named)
    return strictest(each for each in verdicts if each is not None)


def silenced(listing: Listed | None) -> str:
    """Until when feedback does not count against an account with this verdict, as its hash keeps it.

    A Unix time, ``inf``, or empty for what changes nothing about feedback, as every entry that does not say so.
    """
    if listing is None or listing.list != "allow" or not listing.silences_feedback:
        return ""
    return "inf" if listing.expires_at is None else repr(listing.expires_at)
