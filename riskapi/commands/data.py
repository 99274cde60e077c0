"""Data sets as a command updates, shows and rolls them back, and how good what is in use is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

from riskapi.commands import arguments, output
from riskapi.commands.progress import LongWork
from riskapi.datasets import manifest
from riskapi.datasets.declared import DATA_SETS
from riskapi.datasets.status import held
from riskapi.datasets.update import UpdateOutcome, rollback, updating
from riskapi.errors import ConfigurationError
from riskapi.settings import Settings


def update(settings: Settings, names: Sequence[str], *, force: bool, dry_run: bool) -> int:
    """Bring the data sets named up to date, or all; 1 when one could not be.

    ``force`` and ``dry_run``: see :meth:`riskapi.datasets.update.Updates.update`.
    """
    chosen = {arguments.choice(name, DATA_SETS, "NAME") for name in names}
    data_sets = [data_set for data_set in DATA_SETS.values() if not chosen or data_set.name in chosen]
    failed, name = False, ""

    def come(bytes_: int, size: int | None) -> None:
        work.total = size
        work.reach(bytes_, f"{name}, {bytes_ / 1e6:.1f} MB")

    with LongWork("fetching") as work, updating(settings, come) as updates:
        for data_set in data_sets:
            name, now = data_set.name, time.time()
            try:
                outcome = updates.update(data_set, now, force=force, dry=dry_run)
            except ConfigurationError as error:
                print(f"{name:<11}NOT UPDATED  {error}", file=sys.stderr)
                failed = True
            else:
                _say(outcome, now, dry=dry_run)
    return 1 if failed else 0


def status(settings: Settings) -> int:
    """Say what is in use; 1 when something cannot be used."""
    failed = False
    for grade, text in findings(settings, time.time()):
        output.grade(grade, text)
        failed |= grade == "FAIL"
    return 1 if failed else 0


def back(settings: Settings, name: str) -> int:
    """Use again what was in use before."""
    _say(rollback(settings, DATA_SETS[arguments.choice(name, DATA_SETS, "NAME")]), time.time(), dry=False)
    return 0


def _say(outcome: UpdateOutcome, now: float, *, dry: bool) -> None:
    before, after = outcome.before, outcome.after
    what = "unchanged"
    if outcome.changed:
        had = f"{before.checked.entries:,}" if before else "unusable"
        what = f"{'would be swapped' if dry else 'swapped'} ({had} → {after.checked.entries:,})"
    note = f"; {outcome.note}" if outcome.note else ""
    print(f"{after.data_set.name:<11}{what}: {after.said(now)}{note}")


def findings(settings: Settings, now: float) -> Iterator[tuple[str, str]]:
    """What is in use for each data set at Unix time ``now``: its grade (ok, warn or FAIL), and a line."""
    try:
        current = manifest.read(settings.data_dir)
    except ConfigurationError as error:
        yield "FAIL", str(error)
        return
    for data_set in DATA_SETS.values():
        try:
            found, entry = held(settings, data_set, current), current.entry(data_set.name)
            if entry is not None and found.own is None:
                manifest.verified(settings.data_dir, data_set.name, entry)
        except ConfigurationError as error:
            yield "FAIL", str(error)
            continue
        stale = found.is_stale(now)
        advice = f"; older than {data_set.stale_days} days" if stale else ""
        yield "warn" if stale else "ok", f"{data_set.name}: {found.said(now)}{advice}"
