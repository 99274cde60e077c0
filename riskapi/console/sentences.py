"""What queue and case say in sentences: rings, reasons, what a decision would do, and what was undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from riskapi.contract import Reason
from riskapi.reviews.decisions import GivenBack, Touched
from riskapi.reviews.deniable_values import DeniableKind, Denied
from riskapi.times import DAY, HOUR
from signals import registered

#: Kinds of shared things as people call them.
THINGS: Mapping[str, str] = {
    "mailbox": "mailbox", "phone": "phone number", "device": "device", "payment": "means of payment",
    "mail_domain": "mail domain", "ip": "IP address", "holder": "something that another account holds",
    "wave": "wave of signups", "network": "network", "fingerprint": "browser", "phone_block": "block of numbers",
    "link_domain": "linked domain", "content": "message", "referrer": "referrer",
    "pattern": "shape of a mail address",
}  # fmt: skip


#: What can be searched for, as people call it.
SEARCHED: Mapping[str, str] = {
    **THINGS, "asn": "AS", "user": "user id",
    "cluster": "cluster", "name": "name of a person or organization", "fingerprint": "fingerprint of a browser",
    "link_domain": "domain that mail links to", "content": "fingerprint of a message",
}  # fmt: skip


#: What a limit can deny, as people call it; an address ends by itself, see :mod:`riskapi.reviews.denials`.
DENIABLE: Mapping[DeniableKind, str] = {
    "mailbox": "mailbox", "phone": "phone number", "device": "device", "payment": "means of payment",
    "domain": "mail domain", "ip": "address",
}  # fmt: skip


#: Numbers that people write as words.
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")
#: Families of signals, what people see at once first: an account shares things and acts before its letters are counted.
_PLAIN = ("links", "velocity", "sending", "events", "behavior", "domain", "sender", "account", "reputation", "phone",
          "network", "device", "email")  # fmt: skip


def plain(reviews: Sequence[Sequence[Reason]], most: int) -> list[str]:
    """What speaks against the accounts of a case, each with its reasons, in sentences, the plainest first: what rules
    and lists say, then by what is easily seen. Where several accounts have a reason, how many of them.
    """
    counts, said = Counter[str](), dict[str, Reason]()
    for found in reviews:
        against = [row for row in found if row["contribution"] is None or row["contribution"] > 0]
        counts.update({row["code"] for row in against})
        for row in against:
            said.setdefault(row["code"], row)
    rows = sorted(said.values(), key=lambda row: (_place(row), -counts[row["code"]], -(row["contribution"] or 0.0)))
    many_of = len(reviews)
    return [
        row["text"] if many_of == 1 else f"{row['text']} ({counts[row['code']]} of {many_of})" for row in rows[:most]
    ]


def ring(size: int, seconds: float, kinds: Mapping[str, int]) -> str:
    """A ring in a sentence: ``Twelve accounts in 40 minutes, bound by one IP address``."""
    number = _NUMBERS[size] if size < len(_NUMBERS) else str(size)
    return f"{number} accounts in {_period(seconds)}, bound by {shared(kinds)}" if kinds else f"{number} accounts"


def shared(kinds: Mapping[str, int]) -> str:
    """What accounts share in words, three kinds at most: ``one device and 2 mail domains``. A wave, and what somebody
    else holds, are named where there is nothing else.
    """
    named = [kind for kind in THINGS if kind in kinds and kind not in ("wave", "holder")]
    words = [_counted(kinds[kind], THINGS[kind]) for kind in (named or list(kinds))[:3]]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _counted(count: int, word: str) -> str:
    if word.startswith("something"):
        return word
    return f"one {word}" if count == 1 else f"{count} {word if word.startswith('means') else _plural(word)}"


def _plural(word: str) -> str:
    first, of, rest = word.partition(" of ")
    ending = "es" if first.endswith(("x", "ss")) else "s"
    return f"{first}{ending}{of}{rest}"


def _period(seconds: float) -> str:
    if seconds < 90:
        return "a minute"
    if seconds < 7200:
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / HOUR)} hours" if seconds < 2 * DAY else f"{round(seconds / DAY)} days"


def _place(row: Reason) -> int:
    signal = registered().get(row["signal"] or "")
    if signal is None:
        return -1
    return _PLAIN.index(signal.family) if signal.family in _PLAIN else len(_PLAIN)


def effect(rows: Sequence[Touched]) -> str:
    """What a decision would do: ``12 accounts: 9 allow → limit, 3 review → limit. 1 established customer is left
    out.``
    """
    touched = [row for row in rows if not row["left_out"]]
    spared = len(rows) - len(touched)
    moves = Counter((row["before"], row["after"]) for row in touched)
    told = (
        f"{count} {before} → {after}" if before != after else f"{count} {'stays' if count == 1 else 'stay'} {after}"
        for (before, after), count in moves.most_common()
    )
    said = f"{many(len(touched), 'account')}: {', '.join(told)}."
    if spared:
        said += f" {many(spared, 'established customer')} {'is' if spared == 1 else 'are'} left out."
    return said


#: What can limit an account without a person, in words; see :class:`riskapi.accounts.history.HistoryEntry`.
_LIMITERS: Mapping[str, str] = {
    "model": "the score", "rule": "a rule", "list": "an entry of a list", "feedback": "what its mail met",
    "outage": "an outage of the store", "import": "an import",
}  # fmt: skip


def limited_by(source: str, reason: str) -> str:
    """What limited an account that has no reasons: ``Limited by what its mail met: complaints_limit``."""
    word = _LIMITERS.get(source, "the service itself")
    return f"Limited by {word}: {reason}" if reason else f"Limited by {word}"


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
    for kind in DENIABLE:  # always in the same order: a key presses the first
        if not taken[kind] and not skipped[kind]:
            continue
        found[kind] = f"{taken[kind]}" + (f", {skipped[kind]} skipped" if skipped[kind] else "")
    return found


def many(number: int, word: str) -> str:
    """A number with its word: ``1 account``, ``12 accounts``."""
    return f"{number} {word}{'' if number == 1 else 's'}"
