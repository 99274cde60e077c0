"""What a case says in sentences: reasons, what a decision would do, readings, history, and what is left unsaid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from riskapi.contract import Reason
from riskapi.reviews.decisions import GivenBack, Touched
from riskapi.reviews.deniable_values import Denied
from signals import registered

#: Kinds of shared things as people call them.
THINGS: Mapping[str, str] = {
    "mailbox": "mailbox", "phone": "phone number", "device": "device", "payment": "means of payment",
    "domain": "mail domain", "ip": "IP address", "holder": "something that another account holds",
    "wave": "wave of signups", "network": "network", "fingerprint": "browser", "phone_block": "block of numbers",
    "link_domain": "linked domain", "content": "message", "referrer": "referrer",
}  # fmt: skip


#: What can be searched for, as people call it.
SEARCHED: Mapping[str, str] = {
    **THINGS, "mail_domain": "mail domain", "pattern": "shape of a mail address", "asn": "AS", "user": "user id",
    "cluster": "cluster", "name": "name of a person or organization", "fingerprint": "fingerprint of a browser",
    "link_domain": "domain that mail links to", "content": "fingerprint of a message",
}  # fmt: skip


class Said(TypedDict):
    """A reading as a sentence, with the name of the signal behind it."""

    text: str
    signal: str


def reasons(found: Sequence[Reason]) -> tuple[list[str], list[str]]:
    """The sentences that speak against an account and those that speak for it, the heaviest first."""
    against = [row["text"] for row in found if row["contribution"] is None or row["contribution"] > 0]
    return against, [row["text"] for row in found if row["contribution"] is not None and row["contribution"] < 0]


def effect(rows: Sequence[Touched]) -> str:
    """What a decision would do: ``12 accounts: 9 allow → limit, 3 review → limit. 1 established customer is left
    out.``
    """
    touched = [row for row in rows if not row["left_out"]]
    spared = len(rows) - len(touched)
    moves = Counter(
        f"{row['before']} → {row['after']}" if row["before"] != row["after"] else f"stays {row['after']}"
        for row in touched
    )
    said = f"{many(len(touched), 'account')}: {', '.join(f'{count} {move}' for move, count in moves.most_common())}."
    if spared:
        said += f" {many(spared, 'established customer')} {'is' if spared == 1 else 'are'} left out."
    return said


def undone(rows: Sequence[GivenBack]) -> str:
    """What an undo did."""
    back = [row for row in rows if row["left"] is None]
    left = len(rows) - len(back)
    said = f"Undone: {many(len(back), 'account')} as before."
    return f"{said} {left} not: somebody decided since." if left else said


def denials(rows: Sequence[Denied]) -> dict[str, str]:
    """For each kind of value what would go on the deny list: ``3, and 1 skipped``."""
    taken = Counter(row["kind"] for row in rows if row["skipped"] is None)
    skipped = Counter(row["kind"] for row in rows if row["skipped"] not in (None, "not_given"))
    found: dict[str, str] = {}
    for kind in taken.keys() | skipped.keys():
        found[kind] = f"{taken[kind]}" + (f", {skipped[kind]} skipped" if skipped[kind] else "")
    return found


def readings(found: Mapping[str, Any]) -> dict[str, list[Said]]:
    """Every known reading by family. What nothing is known of is left out."""
    families: dict[str, list[Said]] = {}
    for name, value in found.items():
        signal = registered().get(name)
        if signal is not None and value is not None:
            families.setdefault(signal.family, []).append({"text": signal.text(value), "signal": name})
    return families


def many(number: int, word: str) -> str:
    """A number with its word: ``1 account``, ``12 accounts``."""
    return f"{number} {word}{'' if number == 1 else 's'}"
