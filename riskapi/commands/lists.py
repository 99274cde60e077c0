"""Put many entries on a list, write them out, find those that match a value, and undo.

`lists import deny bans.csv` takes CSV, whose first line names the columns (kind and value, and any of expires_at,
reason, silences_feedback, hashed, replace), or JSON lines, an entry a line. All of a file is one batch: `lists undo
lsb_…` takes it back, with what it replaced. What is there already is left as it is, so the same file can be given
again.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import get_args

import orjson

from riskapi import app
from riskapi.commands import author
from riskapi.errors import ConfigurationError, Problem
from riskapi.lists.batches import MOST_ROWS, Batches
from riskapi.lists.lists import Lists
from riskapi.lists.matching import KINDS, ListName
from riskapi.lists.rows import Format, rows, written
from riskapi.settings import Settings
from riskapi.store.connections import running_store

#: Bytes of a file (ours): some 500,000 lines. More is a log named by mistake.
LARGEST = 64 * 1024 * 1024
#: Entries read in one page of an export.
_PAGE = 10_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    names, formats = get_args(ListName), get_args(Format)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    taken = actions.add_parser("import", help="put the entries of a file on a list")
    taken.add_argument("list", choices=names)
    taken.add_argument("file", metavar="FILE", help="CSV or JSON lines; - for standard input")
    taken.add_argument("--format", choices=formats, help="what it is (default: by the end of its name, else csv)")
    taken.add_argument("--replace", action="store_true", help="let entries that never end get an end")
    taken.add_argument("--dry-run", action="store_true", help="check every row, put nothing")
    author.argument(taken)
    written_out = actions.add_parser("export", help="write the entries of a list, or of all, to standard output")
    written_out.add_argument("list", choices=names, nargs="?")
    written_out.add_argument("--format", choices=formats, default="csv")
    found = actions.add_parser("find", help="print the entries that match a value, the most specific first")
    found.add_argument("value")
    found.add_argument("--kind", choices=KINDS, help="what the value is (default: whatever it can be)")
    undone = actions.add_parser("undo", help="take a batch back, with what it replaced")
    undone.add_argument("batch_id")
    author.argument(undone)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do one of them; 1 when a row was rejected or there is no such batch."""
    with running_store(settings, start=arguments.start_store) as store:
        # Nothing is decided, so no model is needed.
        service = app.assemble(replace(settings, model_mode="off"), store)
        entries = service.parts.lists
        batches = Batches(store, service.active, entries)
        try:
            match arguments.action:
                case "import":
                    return _take(batches, arguments)
                case "export":
                    return _export(entries, arguments)
                case "find":
                    page = entries.of_value(None, arguments.kind, arguments.value, time.time())
                    for entry in page["entries"]:
                        print(orjson.dumps(entry).decode())
                    return 0 if page["entries"] else 1
                case _:
                    done = batches.undo(arguments.batch_id, author.name(arguments), time.time())
                    print("{removed} removed, {restored} as they were, {left} left".format(**done))
                    return 0
        except Problem as problem:
            details = "; ".join(f"{each['pointer']}: {each['detail']}" for each in problem.errors)
            print(details or problem.detail, file=sys.stderr)
            return 1


def _take(batches: Batches, arguments: argparse.Namespace) -> int:
    """Put the file on the list, as one batch however many requests it would be."""
    form: Format = arguments.format or ("jsonl" if arguments.file.endswith((".jsonl", ".ndjson", ".json")) else "csv")
    who, found, rejected = author.name(arguments), rows(_content(arguments.file), form), 0
    counts = {"put": 0, "replaced": 0, "unchanged": 0}
    batch_id: str | None = None
    while some := list(islice(found, MOST_ROWS)):
        taken = batches.take(
            arguments.list, some, author=who, now=time.time(),
            batch_id=batch_id, replace=arguments.replace, dry_run=arguments.dry_run,
        )  # fmt: skip
        batch_id = taken.id or batch_id
        for each in taken.rejected:
            print(f"line {each.number}: {each.pointer or 'the row'}: {each.detail} ({each.code})", file=sys.stderr)
        rejected += len(taken.rejected)
        for what in counts:
            counts[what] += getattr(taken, what)
    if arguments.dry_run:
        print(f"{counts['put']} good, nothing is put, {rejected} rejected")
    else:
        print("{put} put, {replaced} replaced, {unchanged} unchanged, ".format(**counts) + f"{rejected} rejected")
    if batch_id is not None:
        print(f"python -m riskapi lists undo {batch_id}", file=sys.stderr)
    return 1 if rejected else 0


def _content(name: str) -> bytes:
    try:
        if name == "-":
            content = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(name).open("rb") as source:
                content = source.read(LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(name, "file", f"cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise ConfigurationError(name, "file", f"is larger than {LARGEST} bytes")
    return content


def _export(lists: Lists, arguments: argparse.Namespace) -> int:
    cursor, count = None, 0
    while True:
        entries, cursor = lists.some(arguments.list, None, _PAGE, cursor, time.time())
        for line in written(entries, arguments.format, header=not count):
            sys.stdout.buffer.write(line)
        count += len(entries)
        if cursor is None:
            break
    sys.stdout.buffer.flush()
    print(f"{count} entries", file=sys.stderr)
    return 0
