"""Write what is recorded as JSON lines.

``export decisions`` writes one decision a line, with its readings and the labels the account has by now.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

import orjson

from riskapi.accounts.log import Decisions
from riskapi.settings import Settings
from riskapi.store.connections import running_store


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is exported, and from when to when."""
    parser.add_argument("what", choices=["decisions"], help="what to write")
    parser.add_argument("--since", type=instant, metavar="TIME", help="first instant, RFC 3339 or a date (UTC)")
    parser.add_argument("--until", type=instant, metavar="TIME", help="the instant before which to stop")


def instant(text: str) -> float:
    """Unix time of an RFC 3339 time or date; one without an offset is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-11-22T10:00:00Z") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the decisions to standard output, and how many there were to standard error."""
    count = 0
    with running_store(settings, start=arguments.start_store) as store:
        for decision in Decisions(store).export(arguments.since, arguments.until):
            sys.stdout.buffer.write(orjson.dumps(decision, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
        sys.stdout.buffer.flush()
    print(f"{count} decisions", file=sys.stderr)
    return 0
