"""Recorded decisions as JSON lines."""

from __future__ import annotations

import sys

import orjson

from riskapi.accounts.log import Decisions
from riskapi.commands.progress import LongWork
from riskapi.store.connections import Store


def run(store: Store, since: float | None, until: float | None) -> int:
    """Write the decisions with ``since <= at < until`` (Unix times), and to standard error how many there were."""
    count = 0
    with LongWork("exporting", shown=not sys.stdout.isatty()) as work:
        for decision in Decisions(store).export(since, until):
            sys.stdout.buffer.write(orjson.dumps(decision, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
            work.reach(count, f"{count:,} decisions")
        sys.stdout.buffer.flush()
    print(f"{count} decisions", file=sys.stderr)
    return 0
