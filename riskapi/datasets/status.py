"""What is in use for a data set just now, how much of it there is, and how old it is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from riskapi.datasets import installed as data
from riskapi.datasets.dataset import Checked, DataSet, day, days
from riskapi.datasets.manifest import Manifest
from riskapi.errors import ConfigurationError
from riskapi.settings import Settings


class Held(NamedTuple):
    """What is in use for a data set.

    ``checked`` is what it holds, ``source`` in words where it came from. ``fetched_at`` is the Unix time it was fetched
    at, ``own`` the setting that names a file of the operator's own.
    """

    data_set: DataSet
    checked: Checked
    source: str
    fetched_at: float | None = None
    own: str | None = None

    def age(self, now: float) -> int | None:
        """Days since it was made, or fetched where it does not say; None where neither is known."""
        since = self.checked.built or self.fetched_at
        return None if since is None else days(since, now)

    def is_stale(self, now: float) -> bool:
        """Whether it is older than data of its sort should be."""
        age = self.age(now)
        return age is not None and age > self.data_set.stale_days

    def said(self, now: float) -> str:
        """A line of what, how old, and from where."""
        checked, age = self.checked, self.age(now)
        if checked.built is not None:
            when = f"made {day(checked.built)}, {_days(age or 0)}"
        elif self.fetched_at is not None:
            when = f"as of {day(self.fetched_at)}, {_days(age or 0)}"
        else:
            at = None if self.own else self.data_set.packaged.installed_at()
            ago = "" if at is None else f" (installed {day(at)}, {_days(days(at, now))})"
            when = f"does not say when it was made{ago}"
        return f"{checked.entries:,} {self.data_set.unit}, {when}, from {self.source}"


def held(settings: Settings, data_set: DataSet, current: Manifest) -> Held:
    """What is in use. Raises :class:`ConfigurationError` where that cannot be used."""
    own, entry = data.own(settings, data_set.name), current.entry(data_set.name)
    if own is not None:
        path, name = own
        return Held(data_set, data_set.check(path, str(path)), f"{name}={path}", None, name)
    if entry is not None:
        checked = Checked(entry.bytes, entry.entries, entry.built, entry.sha256)
        return Held(data_set, checked, entry.source, entry.fetched_at)
    return installed(settings, data_set)


def installed(settings: Settings, data_set: DataSet, *, again: bool = False) -> Held:
    """What the installed package has; its databases are unpacked anew with ``again``."""
    where = data_set.packaged.label()
    if data_set.name in ("asn", "country"):
        path = data.unpacked(settings, data_set.name, again=again)
        return Held(data_set, data_set.check(path, where), where)
    with tempfile.TemporaryDirectory(prefix="riskapi-") as folder:
        path = Path(folder, f"{data_set.name}.{data_set.ending}")
        try:
            path.write_bytes(data_set.packaged.installed())
        except OSError as error:
            raise ConfigurationError(where, data_set.name, f"cannot be read: {error.strerror}") from None
        return Held(data_set, data_set.check(path, where), where)


def _days(age: int) -> str:
    return "today" if age <= 0 else "a day old" if age == 1 else f"{age} days old"
