"""Clues: what a returned message, or the report about it, says of the account that sent it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from publicsuffixlist import PublicSuffixList

from riskapi.feedback.mail import addresses
from riskapi.feedback.mail.message import Fields, Part, decoded
from riskapi.feedback.reports import Clues
from riskapi.times import DAY, written

#: Characters of a clue that are kept, and values of the account's header.
_LONGEST, _MOST = 300, 5
#: Where the address that a bounce was delivered to stands, the most original first: Postfix, then qmail and others.
_DELIVERED: Final = ("x-original-to", "delivered-to", "x-envelope-to", "envelope-to", "x-delivered-to")


def of(returned: Fields, mail: Part, header: str, *, sender: str = "", ids: Sequence[str] = ()) -> Clues:
    """The clues in the header of a ``returned`` message and in the ``mail`` about it.

    ``header`` is the one that names the account; it is believed in the returned message alone, for anybody can write
    it above a bounce. ``sender`` is the envelope sender as the report says it, ``ids`` are other names of the message.
    """
    named = [decoded(value).strip().strip("<>\"'") for value in returned.all(header.lower())]
    message_id = message_id_of(returned)
    found = [message_id, *ids] if message_id else list(ids)
    return Clues(
        named=tuple(dict.fromkeys(value[:_LONGEST] for value in named if value))[:_MOST],
        feedback_id=decoded(returned.get("feedback-id"))[:_LONGEST] or None,
        return_path=_return_path(returned, mail, sender),
        message_ids=tuple(dict.fromkeys(value[:_LONGEST] for value in found if value)),
        dkim_domain=dkim_domain(returned),
        is_header=True,
    )


def message_id_of(fields: Fields) -> str:
    """The Message-ID without its brackets; empty without one."""
    return fields.get("message-id").strip().strip("<>").strip()


def dkim_domain(fields: Fields) -> str | None:
    """The domain that signed the message: the one that is its author's, else the first (RFC 6376, 3.5)."""
    signed = []
    for value in fields.all("dkim-signature"):
        found = re.search(r"(?:^|;)\s*d\s*=\s*([A-Za-z0-9._-]{1,253})", value)
        if found is not None:
            signed.append(found[1].lower())
    author = addresses.domain_of(next(iter(addresses.found(fields.get("from"))), ""))
    own = [domain for domain in signed if author and is_within(author, domain)]
    return next(iter(own or signed), None)


def is_within(domain: str, parent: str) -> bool:
    """Whether ``domain`` is ``parent`` or below it."""
    return domain == parent or domain.endswith(f".{parent}")


def registrable(host: str) -> str | None:
    """The registrable domain of a host; None for none."""
    return _suffixes().privatesuffix(host.lower().rstrip(".")) if "." in host else None


def instant(values: Iterable[str], now: float) -> float:
    """The first date among header values, as Unix time and never after ``now``; ``now`` where none is a date."""
    for value in values:
        try:
            found = written(value) if value else None
        except ValueError:
            continue
        if found is not None and found > 0:
            return min(found, now)
    return now


def report_id(at: float, *parts: str | None) -> str:
    """The id of a report: the same whenever the same thing is told again on the same UTC day, whatever its own id."""
    text = "\0".join([str(int(at // DAY)), *(part or "" for part in parts)])
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def fingerprint(fields: Fields) -> str:
    """What stands for the Message-ID of a message that has none: a hash of the fields its author wrote."""
    written = [fields.get(name) for name in ("date", "from", "to", "subject", "feedback-id")]
    return hashlib.sha256("\0".join(written).encode("utf-8", "replace")).hexdigest() if any(written) else ""


def _return_path(returned: Fields, mail: Part, sender: str) -> str | None:
    """The envelope sender: the first of several with a tag, because receivers rewrite it and aliases lead elsewhere."""
    places = [
        returned.get("return-path"),
        sender,
        *(mail.fields.get(name) for name in _DELIVERED),
        mail.fields.get("to"),
    ]
    known = [found for place in places if (found := addresses.clean(place))]
    tagged = [address for address in known if re.search(r"[+=]|\w[-_]\w", address.partition("@")[0])]
    return next(iter(tagged or known), None)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=False)
