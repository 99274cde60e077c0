"""Bring the data that inputs are looked up in up to date: IP addresses, hosting ranges, mail domains, public suffixes.

`update` takes each data set from where its setting RISKAPI_DATA_… says (the installed package, a URL or a file), checks
size, format, age and some well-known facts, and swaps it; running services use it within two seconds. A file that fails
a check, or is suddenly half as long, changes nothing. `rollback` uses again what was in use before; `status` says what
is in use, and how old it is.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from riskapi.commands.progress import Progress
from riskapi.datasets import manifest
from riskapi.datasets.declared import FEEDS
from riskapi.datasets.feed import Feed
from riskapi.datasets.status import held
from riskapi.datasets.update import UpdateOutcome, rollback, updating
from riskapi.errors import ConfigurationError
from riskapi.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    update = actions.add_parser("update", help="fetch, check and swap")
    update.add_argument("--only", nargs="+", metavar="NAME", choices=FEEDS, help=f"some of {', '.join(FEEDS)}")
    update.add_argument(
        "--force", action="store_true", help="take what is much smaller or older than what is in use; checks stay"
    )
    update.add_argument("--dry-run", action="store_true", help="fetch and check, but change nothing")
    actions.add_parser("status", help="say what is in use, and how old it is")
    back = actions.add_parser(
        "rollback", help="use again what was in use before the last swap; twice is where you began"
    )
    back.add_argument("name", metavar="NAME", choices=FEEDS, help=f"one of {', '.join(FEEDS)}")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do one of them; 1 when a data set could not be brought up to date or cannot be used."""
    if arguments.action == "status":
        grades = []
        for grade, text in findings(settings, time.time()):
            print(f"{grade:<4}  {text}")
            grades.append(grade)
        return 1 if "FAIL" in grades else 0
    if arguments.action == "rollback":
        _say(rollback(settings, FEEDS[arguments.name]), time.time(), dry=False)
        return 0
    feeds = [feed for feed in FEEDS.values() if arguments.only is None or feed.name in arguments.only]
    return _update(feeds, settings, arguments.force, arguments.dry_run)


def _update(feeds: list[Feed], settings: Settings, force: bool, dry: bool) -> int:
    failed = False
    shown = _Downloads()
    with updating(settings, shown.come) as updates:
        for feed in feeds:
            shown.begin(feed.name)
            now = time.time()
            try:
                outcome = updates.update(feed, now, force=force, dry=dry)
            except ConfigurationError as error:
                shown.end()
                print(f"{feed.name:<11}NOT UPDATED  {error}", file=sys.stderr)
                failed = True
            else:
                shown.end()
                _say(outcome, now, dry=dry)
    return 1 if failed else 0


def _say(outcome: UpdateOutcome, now: float, *, dry: bool) -> None:
    before, after = outcome.before, outcome.after
    what = "unchanged"
    if outcome.changed:
        had = f"{before.checked.entries:,}" if before else "unusable"
        what = f"{'would be swapped' if dry else 'swapped'} ({had} → {after.checked.entries:,})"
    note = f"; {outcome.note}" if outcome.note else ""
    print(f"{after.feed.name:<11}{what}: {after.said(now)}{note}")


def findings(settings: Settings, now: float) -> Iterator[tuple[str, str]]:
    """What is in use for each feed at Unix time ``now``: its grade (ok, warn or FAIL), and a line."""
    try:
        current = manifest.read(settings.data_dir)
    except ConfigurationError as error:
        yield "FAIL", str(error)
        return
    for feed in FEEDS.values():
        try:
            found, entry = held(settings, feed, current), current.entry(feed.name)
            if entry is not None and found.own is None:
                manifest.verified(settings.data_dir, feed.name, entry)
        except ConfigurationError as error:
            yield "FAIL", str(error)
            continue
        stale = found.is_stale(now)
        advice = f"; older than {feed.stale_days} days" if stale else ""
        yield "warn" if stale else "ok", f"{feed.name}: {found.said(now)}{advice}"


class _Downloads(Progress):
    """How far the download of a data set has come."""

    _name = ""

    def begin(self, name: str) -> None:
        self._name = name
        self.renew()

    def come(self, bytes_: int, size: int | None) -> None:
        of = f" of {size / 1e6:.1f} MB, {bytes_ / size:.0%}" if size else " MB"
        self.tell(f"{self._name:<11}{bytes_ / 1e6:.1f}{of}")
