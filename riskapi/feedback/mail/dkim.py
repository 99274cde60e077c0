"""Whether a reporter that is allowed signed a mail (DKIM, RFC 6376): then, and only then, it is believed without a key.

Anybody can sign with a domain of their own, so the signature of a stranger says nothing. What a signature does not
cover is not believed either: the reader gets the signed header fields and the signed body, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from email.utils import formatdate
from functools import cache
from typing import Final, NamedTuple

import dkim
from dkim import DKIMException

from riskapi.feedback.diagnostics import rows_of
from riskapi.feedback.mail import addresses
from riskapi.feedback.mail.clues import is_within
from riskapi.feedback.mail.message import MAX_MAIL, open_mail
from riskapi.times import DAY

#: Signatures of one mail that are looked at; each may ask DNS.
_MOST: Final = 4
#: RFC 8301, 3.1, forbids SHA-1; RFC 8463 adds Ed25519.
_ALGORITHMS: Final = frozenset({"rsa-sha256", "ed25519-sha256"})
#: Bits of an RSA key: RFC 8301, 3.2, has verifiers believe none below.
_KEY_BITS: Final = 1024
#: Seconds for which a report without another date counts from its signing; what is older is a replay. As long as an
#: event is recognized.
_AGE: Final = 30 * DAY
_TAG = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\s*=\s*([^;]*)")

#: The TXT record at a name, None where there is none. Raises :class:`KeyUnavailable` where nobody answers.
Lookup = Callable[[str], str | None]


class KeyUnavailable(Exception):
    """DNS did not answer, so that nobody can say whether the signature is good."""


class Signed(NamedTuple):
    """A mail as far as an allowed reporter signed it, and that reporter's domain."""

    reporter: str
    content: bytes


@cache
def reporters() -> frozenset[str]:
    """Who sends the reports of large receivers, as shipped (``tables/reporters.csv``).

    A domain that only machines write from, or one address: at a domain where people have mailboxes, everybody's mail is
    signed.
    """
    return frozenset(row["reporter"] for row in rows_of("reporters"))


def signed_by(raw: bytes, allowed: Collection[str], lookup: Lookup, now: float) -> Signed | None:
    """The part of a mail that an ``allowed`` domain or address signed as its author; None without one.

    The address in From must be the allowed one, or at the allowed domain or below it. The signature must be of that
    domain or one below, and cover From, the type and the whole body (no ``l=``). It must be made with SHA-256, by a key
    that is not in test mode, and be neither expired nor older than 30 days at Unix time ``now``. Raises
    :class:`KeyUnavailable`, and :class:`riskapi.feedback.mail.message.NotThisKind` for what is not a mail.
    """
    open_mail(raw)
    message = _plain(raw)
    try:
        verifier = dkim.DKIM(message, minkey=_KEY_BITS)
    except DKIMException:
        return None
    headers = [(name.decode("latin-1").lower(), value) for name, value in verifier.headers]
    authors = [value for name, value in headers if name == "from"]
    if len(authors) != 1:  # RFC 6376, 8.15: which of them is shown, and which is signed?
        return None
    author = addresses.found(authors[0].decode("utf-8", "replace"))
    owners = [each for each in allowed if len(author) == 1 and _is_of(author[0], each)]
    signatures = [value for name, value in headers if name == "dkim-signature"]
    for place, value in enumerate(signatures[:_MOST]):
        tags = _tags(value.decode("latin-1"))
        domain = tags.get("d", "").lower()
        if not any(is_within(domain, addresses.domain_of(each)) for each in owners) or not _is_sound(tags, now):
            continue
        record = _Record(lookup)
        if _verified(verifier, place, record) and not record.is_test:
            return Signed(domain, _covered(headers, tags, verifier.body))
    return None


def _is_of(author: str, reporter: str) -> bool:
    """Whether an author is the reporter: that address, or one of that domain."""
    return author.lower() == reporter if "@" in reporter else is_within(addresses.domain_of(author), reporter)


class _Record:
    """A key's record, asked for by the library, and remembered for what the library does not look at."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.is_test = False

    def __call__(self, name: bytes | str, timeout: int = 5) -> bytes | None:
        """The record, as the library wants it."""
        del timeout  # the look-up has its own
        text = self._lookup(name.decode("ascii", "replace") if isinstance(name, bytes) else name)
        if text is None:
            return None
        tags = _tags(text)
        flags = {flag.strip() for flag in tags.get("t", "").split(":")}
        services = {service.strip() for service in tags.get("s", "*").split(":")}
        # RFC 6376, 3.6.1: a domain in test mode counts as unsigned; a key may be for other services than mail.
        self.is_test = "y" in flags or not services & {"*", "email"}
        return text.encode("utf-8", "replace")


def _verified(verifier: dkim.DKIM, place: int, record: _Record) -> bool:
    try:
        return bool(verifier.verify(place, dnsfunc=record))
    except KeyUnavailable:
        raise
    except Exception:  # the library raises errors of many kinds for what is not a key or signature
        return False


def _is_sound(tags: dict[str, str], now: float) -> bool:
    """Whether a signature is of the kind that is believed, before anything is asked for."""
    covered = {name.strip().lower() for name in tags.get("h", "").split(":")}
    made, ends = _number(tags.get("t")), _number(tags.get("x"))
    return (
        tags.get("a", "").lower() in _ALGORITHMS
        and "l" not in tags
        and {"from", "content-type"} <= covered
        and (ends is None or now <= ends)
        and (made is None or now - _AGE <= made)
        and (made is not None or "date" in covered)
    )


def _covered(headers: list[tuple[str, bytes]], tags: dict[str, str], body: bytes) -> bytes:
    """The fields that are signed, with the body. If a field is there twice, the lower one is (RFC 6376, 5.4.2)."""
    left = list(headers)
    kept: list[bytes] = []
    for name in (each.strip().lower() for each in tags["h"].split(":")):
        place = next((at for at in range(len(left) - 1, -1, -1) if left[at][0] == name), None)
        if place is not None:
            _, value = left.pop(place)
            kept.append(name.encode("latin-1") + b":" + value.rstrip(b"\r\n") + b"\r\n")
    if "date" not in {name.strip().lower() for name in tags["h"].split(":")}:
        kept.append(b"date: " + formatdate(int(tags["t"])).encode() + b"\r\n")
    return b"".join(kept) + b"\r\n" + body


def _plain(raw: bytes) -> bytes:
    """The mail as it was sent: with the line ends of SMTP, and without what an mbox puts before it."""
    text = raw[:MAX_MAIL].lstrip(b"\r\n")
    if text.startswith((b"From ", b">From ")):
        text = text.partition(b"\n")[2]
    return re.sub(rb"\r\n|\r|\n", b"\r\n", text)


def _tags(text: str) -> dict[str, str]:
    """Tags of a signature or a record (RFC 6376, 3.2); white space in values means nothing where they are used."""
    return {name: re.sub(r"\s+", "", value) for name, value in _TAG.findall(text[:16_384])}


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\d{1,12}", text) else None
