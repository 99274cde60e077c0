"""The dictionary that accounts are packed with: what simulated accounts say alike, found by Zstandard.

A dictionary that was released is never changed: give the new one the next number, write with it, and keep reading with
the others (:mod:`riskapi.accounts.packing`).

    python -m tests.dictionary 3 riskapi/accounts/accounts_3.dict      some two minutes
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import zstandard
from rich.console import Console

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.packing import unpack
from riskapi.datasets import installed
from riskapi.settings import Settings
from riskapi.store.connections import open_store
from training.collect import schedule
from training.progress import counting
from training.server import Service
from training.simulator import Event, Networks, Window, World, simulate

#: Bytes of a dictionary: what ``zstd --train`` makes by itself. 65,536 cost 3 % more, 131,072 have level 3 search in
#: another way, which costs 3 % more, too (measured on 500 simulated accounts that it was not made from).
SIZE = 112_640
#: Accounts that are asked, and when they signed up: from Unix time, for days.
_ACCOUNTS, _START, _DAYS = 3000, 1_790_812_800.0, 30.0


def make(events: Sequence[Event], databases: tuple[Path, Path | None], number: int, console: Console) -> bytes:
    """A dictionary with this number, from accounts whose domains nobody looks up and from ones that wait for that."""
    half = len(events) // 2
    samples: list[bytes | bytearray | memoryview[int]] = []
    for some, enrichment in ((events[:half], "off"), (events[half:], "on")):
        samples += _records(some, databases, enrichment, console)
    return zstandard.train_dictionary(SIZE, samples, dict_id=number).as_bytes()


def _records(
    events: Sequence[Event], databases: tuple[Path, Path | None], enrichment: str, console: Console
) -> Iterator[bytes]:
    """The first records of accounts (:mod:`riskapi.accounts.first_record`)."""
    settings = {"RISKAPI_ENRICHMENT": enrichment}
    with (
        tempfile.TemporaryDirectory(prefix="riskapi-dictionary-") as scratch,
        Service(Path(scratch), databases, settings) as service,
    ):
        with counting(console) as progress:
            posts = schedule(events)
            task = progress.add_task("posting", total=len(posts), rate=0.0)
            for number, (at, path, body) in enumerate(posts, 1):
                service.post(path, body, at)
                progress.update(task, completed=number)
        store = open_store(Settings.load({"RISKAPI_DATA_DIR": scratch}))
        try:
            accounts = Accounts(store)
            for event in events:
                yield unpack(accounts.load(event.user_id).fields["assessment"])
        finally:
            store.close()


def main() -> int:
    """Write a dictionary; returns the exit code."""
    if len(sys.argv) != 3 or not sys.argv[1].isdecimal():
        print(__doc__, file=sys.stderr)
        return 2
    console = Console(stderr=True)
    found = installed.ensure(Settings.load({}))
    world = World(Networks.load(found.asn, found.country), Window(_START, _DAYS))
    made = make(simulate(world, _ACCOUNTS, seed=1), (found.asn, found.country), int(sys.argv[1]), console)
    Path(sys.argv[2]).write_bytes(made)
    console.print(f"{len(made):,} bytes in {sys.argv[2]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
