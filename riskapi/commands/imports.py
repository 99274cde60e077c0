"""Bring existing customers in, with their age, proofs, plan and volume. Nothing is decided about them.

FILE has an account a line, as JSON: the body of a signup as far as it is known, and when it signed up. Where you know
them also the plan it is on, what the customer confirmed, and the recipients of a usual day (the largest of a month):

  {"account": {"user_id": "u_77", "name": "Ana Ruiz"}, "email": {"address": "ana@ruiz.example"},
   "created_at": "2023-04-01T09:30:00Z", "plan": "pro", "verified": ["email", "phone"], "daily_volume": 800}

(on one line). A line with a mistake is named with its place and stops none of the others. An account that is there
already is left as it is, so what was stopped is finished by giving the same command again. Try it with --dry-run
first, which checks every line and writes nothing. The exit code is 1 when a line was rejected.

Without --url it writes to the store of the settings, on a host of the service, which may be running meanwhile.
docs/customers.md says more.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import IO

from riskapi import app
from riskapi.commands import author
from riskapi.commands.progress import Progress, bar
from riskapi.commands.remote import Refused, Remote
from riskapi.decisions import imports
from riskapi.decisions.imports import ImportOutcome
from riskapi.errors import ConfigurationError
from riskapi.inputs import json_lines
from riskapi.inputs.json_lines import Rejected, Row
from riskapi.settings import Settings
from riskapi.store.connections import running_store

#: Lines imported at once, and bytes of them. The API takes 1 MiB a request, so no line may have more than half of it.
_LINES, _BYTES = 500, 512 * 1024
Take = Callable[[Sequence[Row]], ImportOutcome]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file and where it goes."""
    parser.add_argument("file", metavar="FILE", help="JSON lines, an account a line; - for standard input")
    parser.add_argument("--dry-run", action="store_true", help="check every line, write nothing; needs no store")
    parser.add_argument("--url", help="send them to the riskapi running there, such as http://127.0.0.1:8000")
    parser.add_argument("--key", help="API key with the scope admin, for --url (default: RISKAPI_BOOTSTRAP_KEY)")
    author.argument(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Import the file; 1 when a line was rejected or the rest could not be sent."""
    total, progress, started = ImportOutcome(), Progress(), time.monotonic()
    stopped: BaseException | None = None
    with _opened(arguments.file) as source, _taker(arguments, settings) as take:
        read = _Reader(source, progress)
        try:
            for batch in _batches(json_lines.lines(read)):
                found = _imported(batch, take)
                _tell(found.rejected, progress)
                total = total.plus(found)
                read.done = total.records
        except (Refused, KeyboardInterrupt) as error:
            stopped = error
    progress.end()
    if stopped is not None:
        print(str(stopped) or "stopped", file=sys.stderr)
        print("Give the same command again to go on: accounts that are there are left as they are.", file=sys.stderr)
    what = "good, nothing is written" if arguments.dry_run else f"imported, {total.existing:,} already there"
    print(f"{total.imported:,} {what}, {len(total.rejected):,} rejected, {time.monotonic() - started:.1f} s")
    if isinstance(stopped, KeyboardInterrupt):
        return 130
    return 1 if stopped or total.rejected else 0


@contextlib.contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        source = open(name, "rb")  # noqa: SIM115 - closed below, where errors are not of the opening
    except OSError as error:
        raise ConfigurationError(name, "file", f"cannot be read: {error.strerror}") from None
    with source:
        yield source


@contextlib.contextmanager
def _taker(arguments: argparse.Namespace, settings: Settings) -> Iterator[Take]:
    """What imports a batch: a mere check, a running service, or this process."""
    if arguments.dry_run:
        yield _check
    elif arguments.url is not None:
        yield _remote(arguments, settings).take
    else:
        who = author.name(arguments)
        with running_store(settings, start=arguments.start_store) as store:
            # Nothing is decided, so no model is needed.
            service = app.assemble(replace(settings, model_mode="off"), store)
            service.decisions.register_schema()
            yield lambda rows: service.parts.imports.take(rows, who, time.time())


def _check(rows: Sequence[Row]) -> ImportOutcome:
    found, rejected = imports.check(rows, time.time())
    return ImportOutcome(len(found), 0, rejected)


def _remote(arguments: argparse.Namespace, settings: Settings) -> Remote:
    bootstrap = settings.bootstrap_key
    key = arguments.key or (bootstrap.get_secret_value() if bootstrap else None)
    if key is None:
        raise ConfigurationError("command line", "--key", "is missing, and RISKAPI_BOOTSTRAP_KEY is not set")
    try:
        return Remote(arguments.url, key)
    except ValueError as error:
        raise ConfigurationError("command line", "--url", str(error)) from None


class _Reader:
    """The lines of the source; shows how far it has come: of a file how much of it, else how many are ``done``."""

    def __init__(self, source: IO[bytes], progress: Progress) -> None:
        self._source, self._progress, self.done = source, progress, 0
        self._size = _size(source)

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for line in self._source:
            read += len(line)
            share = f"{bar(read / self._size)}  " if self._size else ""
            self._progress.tell(f"{share}{self.done:,} accounts")
            yield line


def _size(source: IO[bytes]) -> int:
    """Bytes of a file; 0 for a pipe or a terminal."""
    found = os.fstat(source.fileno())
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in parts that can be imported at once."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        if batch and (len(batch) == _LINES or size + len(row.text) > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += len(row.text) + 1
    if batch:
        yield batch


def _imported(batch: Sequence[Row], take: Take) -> ImportOutcome:
    """Import a batch, without what is too long."""
    fits = [row for row in batch if len(row.text) <= _BYTES]
    long = [row.number for row in batch if len(row.text) > _BYTES]
    refused = [Rejected(number, "", "too_long", f"has more than {_BYTES} bytes") for number in long]
    return (take(fits) if fits else ImportOutcome()).plus(ImportOutcome(rejected=refused))


def _tell(rejected: Sequence[Rejected], progress: Progress) -> None:
    """Name the lines that were rejected, where they are wrong, and what is."""
    if rejected:
        progress.end()
    for each in sorted(rejected, key=lambda each: each.number):
        print(f"line {each.number}: {each.pointer or 'the line'}: {each.detail} ({each.code})", file=sys.stderr)
