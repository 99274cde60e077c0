"""Points in time as callers write and read them (RFC 3339, between the years 1 and 9999 in UTC), and pauses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

import orjson

# Section 5.6; datetime.fromisoformat alone takes much more, and fractions of up to six digits only.
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)")
#: Seconds of an hour and of a day: Unix time has no leap seconds.
HOUR, DAY = 3600, 86_400
#: Unix times of 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what can be written down as RFC 3339.
EARLIEST, LATEST = -62_135_596_800.0, 253_402_300_799.0
#: How a time ends, by its milliseconds: to write three digits takes longer than all the rest.
_MILLIS = [f".{millis:03}Z" for millis in range(1000)]


def instant(text: str) -> datetime:
    """The point in time of an RFC 3339 text, to the microsecond. Raises :class:`ValueError`.

    An offset can carry the first and last day out of the years there are; such a time is cut to them. A leap second
    (section 5.7) is the second after it, as Unix time has it.
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError("expected an RFC 3339 time with its offset, such as 2026-11-22T10:00:00Z")
    day, time, fraction, offset = found.groups()
    leap = time.endswith(":60")
    made = datetime.fromisoformat(
        f"{day}T{time[:-2] + '59' if leap else time}.{(fraction or '0')[:6].ljust(6, '0')}{offset.upper()}"
    )
    return datetime.fromtimestamp(min(max(made.timestamp() + leap, EARLIEST), LATEST), UTC)


def instant_of(value: object) -> datetime:
    """The point in time of a value in a body: only RFC 3339 text is a time, numbers and other spellings are refused
    instead of guessed at. Raises :class:`ValueError`.
    """
    if not isinstance(value, str):
        raise ValueError("expected an RFC 3339 time as text")
    return instant(value)


def written(text: str) -> float:
    """Unix time of a date as mail (RFC 5322, 3.3) and HTTP (RFC 9110, 5.6.7) write it. One that says no zone, or
    ``-0000``, is in UTC, wherever this machine is. Raises :class:`ValueError` for anything else.
    """
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (TypeError, IndexError, OverflowError) as error:  # the library's own stumbling over odd texts
        raise ValueError("not a date") from error


def rfc3339(at: float) -> str:
    """A Unix time as RFC 3339 in UTC, to the millisecond; what lies outside the years 1 to 9999 is cut to them."""
    if not EARLIEST <= at <= LATEST:
        at = min(max(at, EARLIEST), LATEST)
    # To the microsecond first, half to even, as ``datetime.fromtimestamp`` does.
    second = int(at)
    micros = round((at - second) * 1e6)
    if not 0 <= micros < 1_000_000:
        whole, micros = divmod(micros, 1_000_000)
        second += whole
    return _second(second) + _MILLIS[micros // 1000]


@lru_cache(maxsize=256)
def _second(at: int) -> str:
    """A whole Unix time without the zone. Signups of one second are told it again and again."""
    # Python's own isoformat takes three times as long as this.
    return orjson.dumps(datetime.fromtimestamp(at, UTC))[1:20].decode()


def unix_text(at: float) -> str:
    """A Unix time as scripts of the store are given it: the shortest text that is read as the very same time.

    It is what ``repr`` gives, for 7,000 instructions less.
    """
    return orjson.dumps(at).decode()


@dataclass
class Backoff:
    """Pauses, in seconds, before what ended is started again: none where it lived for ``steady`` seconds, else
    ``first``, and twice the pause before each further time, up to ``longest``.
    """

    first: float
    longest: float
    steady: float
    _pause: float = 0.0

    def after(self, lived: float) -> float:
        """The pause before the next start of what lived so many seconds."""
        self._pause = 0.0 if lived >= self.steady else min(max(self._pause * 2, self.first), self.longest)
        return self._pause
