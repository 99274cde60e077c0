"""Existing customers as a command brings them in: from a file, in batches, here or at a service that runs."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from riskapi import app
from riskapi.commands import author, input_files
from riskapi.commands.invocation import Invocation
from riskapi.commands.progress import LongWork
from riskapi.commands.remote import Refused, Remote
from riskapi.decisions import imports
from riskapi.decisions.imports import ImportOutcome
from riskapi.errors import ConfigurationError
from riskapi.inputs import json_lines
from riskapi.inputs.json_lines import Rejected, Row
from riskapi.settings import Settings

#: Lines imported at once, and bytes of them. The API takes 1 MiB a request, so no line may have more than half of it.
_LINES, _BYTES = 500, 512 * 1024
Take = Callable[[Sequence[Row]], ImportOutcome]


def run(
    call: Invocation, file: str, *, dry_run: bool, url: str | None, key: str | None, given_author: str | None
) -> int:
    """Import the file; 1 when a line was rejected or the rest could not be sent, 130 when it was stopped."""
    total, started = ImportOutcome(), time.monotonic()
    stopped: BaseException | None = None
    with (
        input_files.opened(file) as source,
        _taker(call, dry_run, url, key, given_author) as take,
        LongWork("importing", input_files.size(source)) as work,
    ):
        read = work.lines(source, lambda: f"{total.records:,} accounts")
        try:
            for batch in _batches(json_lines.lines(read)):
                found = _imported(batch, take)
                _tell(found.rejected)
                total = total.plus(found)
        except (Refused, KeyboardInterrupt) as error:
            stopped = error
    if stopped is not None:
        print(str(stopped) or "stopped", file=sys.stderr)
        print("Give the same command again to go on: accounts that are there are left as they are.", file=sys.stderr)
    what = "good, nothing is written" if dry_run else f"imported, {total.existing:,} already there"
    print(f"{total.imported:,} {what}, {len(total.rejected):,} rejected, {time.monotonic() - started:.1f} s")
    if isinstance(stopped, KeyboardInterrupt):
        return 130
    return 1 if stopped or total.rejected else 0


@contextlib.contextmanager
def _taker(
    call: Invocation, dry_run: bool, url: str | None, key: str | None, given_author: str | None
) -> Iterator[Take]:
    """What imports a batch: a mere check, a running service, or this process."""
    if dry_run:
        yield _check
    elif url is not None:
        yield _remote(call.settings, url, key).take
    else:
        who = author.name(given_author)
        with call.store() as store:
            # Nothing is decided, so no model is needed.
            service = app.assemble(replace(call.settings, model_mode="off"), store)
            service.decisions.register_schema()
            yield lambda rows: service.parts.imports.take(rows, who, time.time())


def _check(rows: Sequence[Row]) -> ImportOutcome:
    found, rejected = imports.check(rows, time.time())
    return ImportOutcome(len(found), 0, rejected)


def _remote(settings: Settings, url: str, key: str | None) -> Remote:
    bootstrap = settings.bootstrap_key
    key = key or (bootstrap.get_secret_value() if bootstrap else None)
    if key is None:
        raise ConfigurationError("command line", "--key", "is missing, and RISKAPI_BOOTSTRAP_KEY is not set")
    try:
        return Remote(url, key)
    except ValueError as error:
        raise ConfigurationError("command line", "--url", str(error)) from None


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


def _tell(rejected: Sequence[Rejected]) -> None:
    """Name the lines that were rejected, where they are wrong, and what is."""
    for each in sorted(rejected, key=lambda each: each.number):
        print(f"line {each.number}: {each.pointer or 'the line'}: {each.detail} ({each.code})", file=sys.stderr)
