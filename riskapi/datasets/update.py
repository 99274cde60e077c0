"""Bringing data sets up to date: fetch, check, compare with what is in use, and swap, or leave everything as it was."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from riskapi.datasets import installed as data
from riskapi.datasets import manifest
from riskapi.datasets.dataset import Checked, DataSet, day, days
from riskapi.datasets.download import Progress
from riskapi.datasets.fetch import Fetched, fetch
from riskapi.datasets.manifest import ManifestEntry, Slot
from riskapi.datasets.status import Held, held, installed
from riskapi.errors import ConfigurationError
from riskapi.settings import Settings
from riskapi.settings.environment import Source
from riskapi.times import DAY

#: A file with less than this share of the bytes or entries in use is taken for a broken one.
HALF = 0.5
#: Seconds by which another clock may be ahead of ours before "made in the future" is not a slip.
_AHEAD = 2 * DAY
#: Seconds after which what an update that was killed left behind is taken away.
_LEFT_BEHIND = DAY


class UpdateOutcome(NamedTuple):
    """What became of a data set: what was in use (None where that could not be read), what is now, whether it moved.

    ``note`` is what else a person should know.
    """

    before: Held | None
    after: Held
    changed: bool
    note: str | None = None


class Updates:
    """Updates data sets, one by one; :func:`updating` makes it. ``folder`` is for files on the way."""

    def __init__(self, settings: Settings, folder: Path, progress: Progress) -> None:
        self._settings, self._folder, self._progress = settings, folder, progress

    def update(self, data_set: DataSet, now: float, *, force: bool = False, dry: bool = False) -> UpdateOutcome:
        """Bring a data set up to date at Unix time ``now``.

        ``force`` takes what is much smaller or older than what is in use; what fails a check is never taken. ``dry``
        does everything but the swap. Safe beside another update and beside running services.
        Raises :class:`ConfigurationError` with where it came from, the data set and the reason; nothing changed then.
        """
        own = data.own(self._settings, data_set.name)
        source: Source = getattr(self._settings, f"data_{data_set.name}")
        if own is not None:
            found = held(self._settings, data_set, manifest.Manifest())
            return UpdateOutcome(found, found, False, f"{own[1]} names a file of your own, which is used as it is")
        if source.kind == "installed":
            return self._installed(data_set, now, force, dry)
        entry = manifest.read(self._settings.data_dir).entry(data_set.name)
        if entry is not None and not _is_there(self._settings, data_set, entry):
            entry = None
        got = fetch(data_set, source, self._folder, entry, self._progress)
        if got is None:
            found = held(self._settings, data_set, manifest.read(self._settings.data_dir))
            return UpdateOutcome(found, found, False, "the server has no newer one")
        checked = data_set.check(got.path, got.source)
        checked = checked._replace(built=checked.built or got.built)
        return self._swap(data_set, _entry(data_set, got, checked, now), got.path, now, force, dry)

    def _installed(self, data_set: DataSet, now: float, force: bool, dry: bool) -> UpdateOutcome:
        """Go back to the installed package's data, where it is newer than what was fetched or with ``force``."""
        found = installed(self._settings, data_set, again=True)
        with manifest.held(self._settings.data_dir):
            current = manifest.read(self._settings.data_dir)
            slot = current.slots.get(data_set.name)
            if slot is None or slot.current is None:
                return UpdateOutcome(found, found, False)
            before = held(self._settings, data_set, current)
            built = found.checked.built
            if not force and not (built and built > (before.checked.built or before.fetched_at or now)):
                note = f"fetched earlier and kept; --force goes back to {found.source}"
                return UpdateOutcome(before, before, False, note)
            if not dry:
                slots = {**current.slots, data_set.name: Slot(current=None, previous=slot.current)}
                manifest.write(self._settings.data_dir, slots)
            return UpdateOutcome(before, found, True)

    def _is_same(self, before: Held, entry: ManifestEntry) -> bool:
        """Whether a file is the one in use, and that still is what it was.

        What is installed and does not say when it was made is taken anew from where that is known.
        """
        if before.checked.sha256 != entry.sha256:
            return False
        if before.fetched_at is None:
            return before.checked.built is not None or entry.built is None
        return _is_there(self._settings, before.data_set, entry)

    def _swap(
        self, data_set: DataSet, entry: ManifestEntry, path: Path, now: float, force: bool, dry: bool
    ) -> UpdateOutcome:
        data_dir = self._settings.data_dir
        after = Held(data_set, Checked(entry.bytes, entry.entries, entry.built, entry.sha256), entry.source, now)
        with manifest.held(data_dir):
            current = manifest.read(data_dir)
            before = _before(self._settings, data_set, current)
            if before is not None:
                if self._is_same(before, entry):
                    return UpdateOutcome(before, before, False, "the same as in use")
                if not force:
                    _compare(before, after)
            if not force:
                _judge_age(after, now)
            if not dry:
                to = manifest.folder(data_dir) / entry.file
                to.parent.mkdir(exist_ok=True)
                with path.open("rb") as file:
                    os.fchmod(file.fileno(), 0o644)  # who updates need not be who serves
                    os.fsync(file.fileno())
                os.replace(path, to)
                manifest.flush(to.parent)
                previous = current.entry(data_set.name)
                if previous is not None and previous.file == entry.file:
                    previous = current.slots[data_set.name].previous
                slots = {**current.slots, data_set.name: Slot(current=entry, previous=previous)}
                manifest.write(data_dir, slots)
        same = before is not None and before.checked.sha256 == entry.sha256
        return UpdateOutcome(before, after, True, "the same content, fetched anew" if same else None)


@contextlib.contextmanager
def updating(settings: Settings, progress: Progress) -> Iterator[Updates]:
    """Updates with a folder for what is on the way, beside the files in use so that a swap is a rename.

    ``progress`` is told of downloads.
    """
    at = manifest.folder(settings.data_dir)
    try:
        at.mkdir(parents=True, exist_ok=True)
        for left in at.glob(".new-*"):
            if left.stat().st_mtime < time.time() - _LEFT_BEHIND:
                shutil.rmtree(left, ignore_errors=True)
        folder = tempfile.TemporaryDirectory(dir=at, prefix=".new-")
    except OSError as error:
        why = f"cannot use {error.filename or at}: {error.strerror}"
        raise ConfigurationError("environment", "RISKAPI_DATA_DIR", why) from None
    with folder as name:
        yield Updates(settings, Path(name), progress)


def rollback(settings: Settings, data_set: DataSet) -> UpdateOutcome:
    """Use again what was in use before the last swap; once more undoes it.

    Raises :class:`ConfigurationError` where nothing was swapped, or the file is not what it was.
    """
    data_dir = settings.data_dir
    if data_set.name not in manifest.read(data_dir).slots:
        raise ConfigurationError(str(manifest.folder(data_dir)), data_set.name, "there is nothing to go back to")
    with manifest.held(data_dir):
        current = manifest.read(data_dir)
        slot = current.slots[data_set.name]
        if slot.previous is not None:
            manifest.verified(data_dir, data_set.name, slot.previous)
        before = _before(settings, data_set, current)
        slots = {**current.slots, data_set.name: Slot(current=slot.previous, previous=slot.current)}
        after = held(settings, data_set, manifest.Manifest(slots))
        manifest.write(data_dir, slots)
    return UpdateOutcome(before, after, True)


def _entry(data_set: DataSet, got: Fetched, checked: Checked, now: float) -> ManifestEntry:
    return ManifestEntry(
        file=f"{data_set.name}/{checked.sha256[:16]}.{data_set.ending}",
        sha256=checked.sha256,
        bytes=checked.bytes,
        entries=checked.entries,
        built=checked.built,
        source=got.source,
        fetched_at=now,
        etag=got.validators.etag,
        modified=got.validators.modified,
    )


def _before(settings: Settings, data_set: DataSet, current: manifest.Manifest) -> Held | None:
    try:
        return held(settings, data_set, current)
    except ConfigurationError:
        return None  # what cannot be used is nothing to compare with


def _is_there(settings: Settings, data_set: DataSet, entry: ManifestEntry) -> bool:
    try:
        manifest.verified(settings.data_dir, data_set.name, entry)
    except ConfigurationError:
        return False
    return True


def _compare(before: Held, after: Held) -> None:
    """Refuse what is suddenly half as long, or older, than what is in use."""
    data_set, old, new = before.data_set, before.checked, after.checked
    for name, had, has in ((data_set.unit, old.entries, new.entries), ("bytes", old.bytes, new.bytes)):
        if has < had * HALF:
            reason = f"it is suddenly less than half as long: {has:,} {name}, and {had:,} are in use"
            raise data_set.refused(after.source, f"{reason}; --force takes it")
    if old.built is not None and new.built is not None and day(new.built) < day(old.built):
        reason = f"it was made {day(new.built)}, before what is in use ({day(old.built)})"
        raise data_set.refused(after.source, f"{reason}; --force takes it")


def _judge_age(after: Held, now: float) -> None:
    data_set, built = after.data_set, after.checked.built
    if built is None:
        return
    if built > now + _AHEAD:
        raise data_set.refused(after.source, f"it says that it was made {day(built)}, in the future; --force takes it")
    if days(built, now) > data_set.oldest_days:
        reason = f"it was made {day(built)}, {days(built, now)} days ago; {data_set.oldest_days} at most are expected"
        raise data_set.refused(after.source, f"{reason}; --force takes it")
