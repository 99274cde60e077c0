"""Words by which people and programs know a bounce: subjects, first lines, and where the returned mail begins.

They are data, in ``tables/wording.csv``, by language.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, Literal

from riskapi.feedback.diagnostics import rows_of
from riskapi.feedback.mail.message import Fields, fields_of

#: What a word can tell: a bounce, one that says that the mail may still arrive or that it never will, the line before a
#: returned mail, and answers of machines that are not bounces.
What = Literal["bounce", "delay", "final", "returned", "vacation", "challenge", "receipt"]
_FIELD = re.compile(r"^[ \t>|]{0,4}([A-Za-z][A-Za-z0-9-]{1,60}):(?:[ \t]|$)")
_OF_MAIL: Final = frozenset(
    {
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "received",
        "return-path",
        "mime-version",
        "content-type",
        "dkim-signature",
    }
)
#: How many fields in a row make a header, and which fields must be among them, since every mail has them.
_ROW, _KNOWN = 3, 3


@cache
def of(what: What) -> re.Pattern[str]:
    """The words that tell this, of every language."""
    patterns = [row["pattern"] for row in rows_of("wording") if row["what"] == what]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE | re.MULTILINE)


def parted(text: str) -> tuple[str, Fields]:
    """What a mail system wrote, and the header of the mail it returns, as far as the text has both."""
    lines = text.split("\n")
    at = _header_at(lines)
    mark = of("returned").search(text)
    if mark is None and at is None:
        return text, Fields()
    line = text.count("\n", 0, mark.start()) if mark is not None else len(lines)
    end = min(line, at if at is not None else len(lines))
    return "\n".join(lines[:end]), _fields(lines[at if at is not None else line + 1 :])


def _fields(lines: list[str]) -> Fields:
    """The header in the lines; quoted (``> From: …``) and indented ones are taken for what they are."""
    first = next((line for line in lines if line.strip()), "")
    indent = re.match(r"[ \t>|]*", first)
    cut = len(indent[0]) if indent is not None else 0
    return fields_of("\n".join(line[cut:] if line[:cut].strip(" \t>|") == "" else line for line in lines[:400]))


def _header_at(lines: list[str]) -> int | None:
    """The line at which a mail's header begins."""
    start, known, rows = None, set[str](), 0
    for at, line in enumerate(lines):
        found = _FIELD.match(line)
        if found is not None:
            start = at if start is None else start
            rows += 1
            known |= {found[1].lower()} & _OF_MAIL
            if rows >= _ROW and len(known) >= _KNOWN:
                return start
        elif not (line[:1] in (" ", "\t") and line.strip() and start is not None):
            start, known, rows = None, set(), 0
    return None
