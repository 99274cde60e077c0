"""Entries of lists as a command puts many of them, writes them out, finds them, and takes a batch back."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import replace as changed
from itertools import islice

import orjson
import typer

from riskapi import app
from riskapi.access.audit_log import AuditLog
from riskapi.commands import arguments, author, output
from riskapi.commands.audit import COMMAND_LINE
from riskapi.commands.input_files import opened
from riskapi.commands.invocation import Invocation
from riskapi.commands.progress import LongWork
from riskapi.errors import ConfigurationError, Problem
from riskapi.lists.batches import MOST_ROWS, Batches
from riskapi.lists.entry_rows import Format, rows, written
from riskapi.lists.list_names import ListName
from riskapi.lists.lists import Lists
from riskapi.lists.matching import KINDS

#: Bytes of a file: some 500,000 lines. More is a log named by mistake.
LARGEST = 64 * 1024 * 1024
#: Entries read in one page of an export.
_PAGE = 10_000


def take(
    call: Invocation,
    list_name: ListName,
    file: str,
    form: Format | None,
    *,
    replace: bool,
    dry_run: bool,
    given_author: str | None,
) -> int:
    """Put the file on the list, as one batch however many requests it would be; 1 when a row was rejected."""
    form = form or ("jsonl" if file.endswith((".jsonl", ".ndjson", ".json")) else "csv")
    counts, batch_id, rejected, done = {"put": 0, "replaced": 0, "unchanged": 0}, None, 0, 0
    with _lists(call) as (_, batches, audit):
        who, content = author.name(given_author), _content(file)
        found = rows(content, form)
        with LongWork("importing", content.count(b"\n")) as work:
            while some := list(islice(found, MOST_ROWS)):
                taken = batches.take(
                    list_name, some, author=who, now=time.time(), batch_id=batch_id, replace=replace, dry_run=dry_run
                )
                batch_id = taken.id or batch_id
                for each in taken.rejected:
                    said = f"{each.pointer or 'the row'}: {each.detail} ({each.code})"
                    print(f"line {each.number}: {said}", file=sys.stderr)
                rejected += len(taken.rejected)
                for what in counts:
                    counts[what] += getattr(taken, what)
                done += len(some)
                work.reach(done, f"{done:,} entries")
        if batch_id is not None and not dry_run:
            audit.note(COMMAND_LINE, "list batch put", batch_id, time.time(), author=who, list=list_name)
    if dry_run:
        print(f"{counts['put']} good, nothing is put, {rejected} rejected")
    else:
        print("{put} put, {replaced} replaced, {unchanged} unchanged, ".format(**counts) + f"{rejected} rejected")
    if batch_id is not None:
        print(f"python -m riskapi lists undo {batch_id}", file=sys.stderr)
    return 1 if rejected else 0


def export(call: Invocation, list_name: ListName | None, form: Format) -> int:
    """Write the entries of a list, or of all, to standard output."""
    cursor, count = None, 0
    with _lists(call) as (entries, *_), LongWork("exporting", shown=not sys.stdout.isatty()) as work:
        while True:
            some, cursor = entries.some(list_name, None, _PAGE, cursor, time.time())
            for line in written(some, form, header=not count):
                sys.stdout.buffer.write(line)
            count += len(some)
            work.reach(count, f"{count:,} entries")
            if cursor is None:
                break
        sys.stdout.buffer.flush()
    print(f"{count} entries", file=sys.stderr)
    return 0


def find(call: Invocation, value: str, kind: str | None) -> int:
    """Print the entries that match a value: a table on a terminal, else JSON lines; 1 when there are none."""
    known = arguments.choice(kind, KINDS, "--kind") if kind is not None else None
    with _lists(call) as (entries, *_):
        found = entries.of_value(None, known, value, time.time())["entries"]
    if sys.stdout.isatty():
        columns = ("list", "kind", "value", "expires_at", "author", "reason")
        output.show(columns, [[str(dict[str, object](entry)[name] or "-") for name in columns] for entry in found])
    else:
        for entry in found:
            print(orjson.dumps(entry).decode())
    return 0 if found else 1


def undo(call: Invocation, batch_id: str, given_author: str | None) -> int:
    """Take a batch back."""
    with _lists(call) as (_, batches, audit):
        who = author.name(given_author)
        done = batches.undo(batch_id, who, time.time())
        audit.note(COMMAND_LINE, "list batch undone", batch_id, time.time(), author=who)
    print("{removed} removed, {restored} as they were, {left} left".format(**done))
    return 0


@contextlib.contextmanager
def _lists(call: Invocation) -> Iterator[tuple[Lists, Batches, AuditLog]]:
    """The lists of the store, and where it is noted what was done.

    What cannot be done is said, and ends the command with 1.
    """
    with call.store() as store:
        # Nothing is decided, so no model is needed.
        service = app.assemble(changed(call.settings, model_mode="off"), store)
        entries = service.parts.lists
        try:
            yield entries, service.parts.list_batches, service.parts.audit
        except Problem as problem:
            details = "; ".join(f"{each['pointer'] or 'the file'}: {each['detail']}" for each in problem.errors)
            print(details or problem.detail, file=sys.stderr)
            raise typer.Exit(1) from None


def _content(name: str) -> bytes:
    with opened(name) as source:
        content = source.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ConfigurationError(name, "file", f"is larger than {LARGEST} bytes")
    return content
