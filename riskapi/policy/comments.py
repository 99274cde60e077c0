"""What the comments of a policy's text say of its tables and keys. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

#: A line of a title (``# --- What plans may send ---``), a table, and a key.
_TITLE = re.compile(r"#\s*-{3,}\s*(.*?)\s*-*\s*\Z")
_TABLE = re.compile(r"\[\[?([\w.-]+)\]\]?")
_KEY = re.compile(r"([\w-]+)\s*=\s*(.*)\Z")
#: A comment behind a value; a ``#`` within quotes does not begin one.
_BEHIND = re.compile(r'(?:[^"#]|"[^"]*")*#\s*(.*)\Z')


@lru_cache(maxsize=4)
def explained(text: str) -> Mapping[str, str]:
    """Explanations by dotted key, as ``tiers.allow`` or ``outage.recipients``: the comments before a table or key, and
    behind a key. Rows (``[[rules]]``) are left out.
    """
    found: dict[str, str] = {}
    for key, comment in _comments(text):
        if comment:
            found[key] = f"{found[key]} {comment}" if key in found else comment
    return found


def _comments(text: str) -> Iterator[tuple[str, str]]:
    table, rows, waiting = "", False, list[str]()
    for line in map(str.strip, text.splitlines()):
        if _TITLE.match(line):
            waiting = []
        elif line.startswith("#"):
            waiting.append(line.lstrip("# "))
        elif found := _TABLE.match(line):
            table, rows = found[1], line.startswith("[[")
            if not rows:
                yield table, " ".join(waiting)
            waiting = []
        elif found := _KEY.match(line):
            key = f"{table}.{found[1]}" if table else found[1]
            behind = _BEHIND.match(found[2])
            if not rows:
                yield key, " ".join([*waiting, *([behind[1]] if behind else [])])
            waiting = []
