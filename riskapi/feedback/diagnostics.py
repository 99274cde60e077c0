"""What the words of a receiving server say: a full mailbox, an address that is not there, a sender it does not want.

The knowledge is data in ``tables/``: ``diagnostics.csv`` has patterns in the order in which they are tried,
``blocklists.csv`` the DNS blocklists that are known by name, ``enhanced.csv`` the status codes (RFC 3463 and those
registered since). Each row has its source and an example, which a test reads.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Final, NamedTuple, cast, get_args

from riskapi.feedback.reports import BLOCKS, Diagnosis

TABLES: Final = Path(__file__).parent / "tables"
#: Characters of a diagnostic that are read: real ones have some hundred.
_MOST: Final = 2000
#: Rows that hold for every provider are tried after the status codes whose meaning is certain.
_ANYBODY: Final = "any"
#: What a reply code says where nothing else does (RFC 5321, 4.2; RFC 7504 for 521 and 556; RFC 4954 for 53x).
_REPLIES: Final[Mapping[int, Diagnosis]] = {
    452: "soft",
    521: "hard",
    530: "policy",
    534: "policy",
    535: "policy",
    538: "policy",
    541: "block_content",
    550: "hard",
    551: "hard",
    552: "mailbox_full",
    553: "hard",
    556: "hard",
    571: "policy",
}
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d]|\.\d)")
_REPLY = re.compile(r"(?:^|[\s:;(<])([245]\d\d)(?=[\s\-:#,])")
#: Addresses are cut out: a name such as ``spamhaus`` or ``nobody`` in one says nothing. A host's name stays.
_ADDRESS = re.compile(r"<[^<>\s@]{0,200}@[^<>\s]{0,250}>|[^\s<>@\"',;:()]{1,64}@[\w.-]{1,250}")
#: The refusal came after the text, where the address was good.
_AFTER_DATA = re.compile(r"(?:in reply to|reply to|after|response to) (?:the )?(?:end of )?(?:data|message|bdat)")


class _Row(NamedTuple):
    """A row of ``diagnostics.csv``."""

    provider: str
    diagnosis: Diagnosis
    pattern: re.Pattern[str]


class _Tables(NamedTuple):
    """What the files hold, ready for use. ``first`` rows are tried before blocklists, ``general`` ones at the end."""

    first: Sequence[_Row]
    blocklists: Sequence[tuple[str, re.Pattern[str]]]
    providers: Sequence[_Row]
    general: Sequence[_Row]
    certain: Mapping[str, Diagnosis]
    uncertain: Mapping[str, Diagnosis]


def classify(
    diagnostic: str, enhanced: str | None = None, reply_code: int | None = None
) -> tuple[Diagnosis, str | None, str | None]:
    """What ``diagnostic`` says, the DNS blocklist it names, and the status code that fits best.

    ``enhanced`` (``5.1.1``) and ``reply_code`` (``550``) are what is known besides the text, which may have them too.
    A block is one whatever its class; anything else of class 4 is soft, because the server says itself that it may pass
    (RFC 3463, 2). Nothing is certain about 5.7.1 and the codes that end with 0: there the text decides.
    """
    text = _ADDRESS.sub("<>", diagnostic[:_MOST].replace("\0", " "))
    text = " ".join(text.split()).lower()
    enhanced, reply_code = _enhanced(text, enhanced), reply_code or _reply(text)
    text = _once(text)
    text = " ".join(str(code) for code in (reply_code, enhanced) if code and str(code) not in text) + f" {text}"
    found, blocklist = _read(text.strip(), enhanced, reply_code)
    passing = enhanced[0] == "4" if enhanced else reply_code is not None and reply_code // 100 == 4
    if passing and found not in BLOCKS and found != "mailbox_full":
        found = "soft"
    return found, blocklist, enhanced


def _read(text: str, enhanced: str | None, reply: int | None) -> tuple[Diagnosis, str | None]:
    tables = _tables()
    if (found := _match(tables.first, text)) is not None:
        return found, None
    for name, pattern in tables.blocklists:
        if pattern.search(text):
            return "block_blocklist", name
    code = enhanced[2:] if enhanced else ""
    found = _match(tables.providers, text) or tables.certain.get(code) or _match(tables.general, text)
    return found or _by_code(text, code, reply), None


def _by_code(text: str, code: str, reply: int | None) -> Diagnosis:
    found = _tables().uncertain.get(code)
    if found is not None and found != "unknown":
        return found
    if reply is None:
        return "unknown"
    if reply // 100 == 4:
        return "soft"
    return "unknown" if _AFTER_DATA.search(text) else _REPLIES.get(reply, "unknown")


def _match(rows: Sequence[_Row], text: str) -> Diagnosis | None:
    return next((row.diagnosis for row in rows if row.pattern.search(text)), None)


def _enhanced(text: str, given: str | None) -> str | None:
    """The given code, or the one of the text where that is more precise: ``5.0.0`` beside ``550 5.1.1``."""
    known = _ENHANCED.fullmatch(given.strip()) if given else None
    said = _ENHANCED.search(text)
    if known is None or (said is not None and _is_vague(known) and not _is_vague(said)):
        known = said or known
    return ".".join(str(int(part)) for part in known.groups()) if known else None


def _once(text: str) -> str:
    """The text of a reply of many lines, which repeats its codes: ``550-5.1.1 one 550 5.1.1 two`` (RFC 5321, 4.2.1)."""
    first = _REPLY.search(text)
    if first is None:
        return text
    again = rf"\s{first[1]}[- ](?:[245]\.\d{{1,3}}\.\d{{1,3}}\s)?"
    return text[: first.end()] + re.sub(again, " ", text[first.end() :])


def _is_vague(code: re.Match[str]) -> bool:
    return code[3].strip("0") == ""


def _reply(text: str) -> int | None:
    found = _REPLY.search(text)
    return int(found[1]) if found else None


@cache
def _tables() -> _Tables:
    rows = [
        _Row(row["provider"], _diagnosis(row["diagnosis"]), re.compile(row["pattern"], re.IGNORECASE))
        for row in rows_of("diagnostics")
    ]
    first = list(takewhile(_is_first, rows))
    others = list(dropwhile(_is_first, rows))
    codes = list(rows_of("enhanced"))
    known = {
        certain: {row["code"][2:]: _diagnosis(row["diagnosis"]) for row in codes if row["certain"] == certain}
        for certain in ("yes", "no")
    }
    return _Tables(
        first,
        [(row["name"], re.compile(row["pattern"], re.IGNORECASE)) for row in rows_of("blocklists")],
        [row for row in others if row.provider != _ANYBODY],
        [row for row in others if row.provider == _ANYBODY],
        known["yes"],
        known["no"],
    )


def _is_first(row: _Row) -> bool:
    """Whether a row is one of those at the head of the table, which say that nobody is to blame."""
    return row.diagnosis in ("soft", "mailbox_full")


def _diagnosis(text: str) -> Diagnosis:
    if text not in get_args(Diagnosis):
        raise ValueError(f"{text!r} is no diagnosis")
    return cast(Diagnosis, text)


def rows_of(table: str) -> Iterator[dict[str, str]]:
    """The rows of a table of this package, by the names of its columns."""
    with (TABLES / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
