"""Recorded decisions, and what people said of two accounts, as JSON lines."""

from __future__ import annotations

import sys
from typing import Literal

import orjson

from riskapi.accounts.log import Decisions
from riskapi.commands.progress import LongWork
from riskapi.reviews.notes import pairs
from riskapi.store.connections import Store

What = Literal["decisions", "pairs"]


def run(store: Store, what: What, since: float | None, until: float | None) -> int:
    """Write what is recorded with ``since <= at < until`` (Unix times), and to standard error how many there were."""
    count = 0
    rows = Decisions(store).export(since, until) if what == "decisions" else pairs(store, since, until)
    with LongWork("exporting", shown=not sys.stdout.isatty()) as work:
        for row in rows:
            sys.stdout.buffer.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
            work.reach(count, f"{count:,} {what}")
        sys.stdout.buffer.flush()
    print(f"{count} {what}", file=sys.stderr)
    return 0
