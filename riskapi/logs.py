"""Structured logs: one JSON object a line on standard error, without personal data.

A line names an event and carries fields that are safe by construction: codes, counts, durations, route templates,
request ids. Never addresses, IPs, user ids, bodies, query strings or raw paths. Lines of libraries keep their message
template without its arguments, and exceptions their type and stack without their message, because both may hold input.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TextIO

import orjson

from riskapi.times import rfc3339

_ROOT = logging.getLogger()


class JsonLines(logging.Formatter):
    """Formats a library's record as one JSON object: ``time`` (RFC 3339 UTC), ``level``, ``event``, ``logger`` …"""

    def format(self, record: logging.LogRecord) -> str:
        """The line for this record."""
        fields: dict[str, Any] = {"logger": record.name, "message": str(record.msg)}
        if record.exc_info and record.exc_info[1] is not None:
            fields |= describe(record.exc_info[1])
        return _line(record.created, record.levelno, "message", fields)


class Output(logging.Handler):
    """Where lines go. Takes records of libraries like any handler, and our own lines as they are."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Writes to ``stream``, or to what standard error is when a line is written, as it may be replaced."""
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a library's record."""
        self.write(self.format(record))

    def write(self, line: str) -> None:
        """Write one line, whole, whatever other threads write.

        A line that finds no room (a full disk, a pipe that nobody reads any more, a stream that is closed) is lost:
        what it tells of goes on.
        """
        self.acquire()
        try:
            stream = sys.stderr if self._stream is None else self._stream
            stream.write(f"{line}\n")
            stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            pass
        finally:
            self.release()


@lru_cache(maxsize=1024)  # there are some two hundred events
def _named(level: int, event: str) -> str:
    """What a line says of its level and event, as JSON without its braces."""
    return orjson.dumps({"level": logging.getLevelName(level).lower(), "event": event})[1:-1].decode()


def _line(at: float, level: int, event: str, fields: Mapping[str, Any]) -> str:
    rest = orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    return f'{{"time":"{rfc3339(at)}",{_named(level, event)}{"," if fields else ""}{rest[1:]}'


def describe(error: BaseException) -> dict[str, Any]:
    """Type and stack of an exception, innermost call last, without its message, which may hold input."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-30:]],
    }


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line of this process to ``stream`` (standard error) as JSON, from ``level`` up.

    ``level`` is one of debug, info, warning, error, critical; anything else raises ``ValueError``.
    """
    output = Output(stream)
    output.setFormatter(JsonLines())
    _ROOT.setLevel(level.upper())
    _ROOT.handlers[:] = [output]


def note(level: int, event: str, error: BaseException | None = None, **fields: Any) -> None:
    """Write one line: ``level`` as in :mod:`logging`, the event's name, and fields that are safe to keep.

    Goes past :class:`logging.LogRecord`, which finds out much that no line shows and costs more than the line.
    """
    write(level, event, fields if error is None else fields | describe(error))


def write(level: int, event: str, fields: Mapping[str, Any]) -> None:
    """As :func:`note`, for what is written all the time: naming many fields costs as much as writing them."""
    if not _ROOT.isEnabledFor(level):
        return
    line = _line(time.time(), level, event, fields)
    for handler in _ROOT.handlers:
        if isinstance(handler, Output):
            handler.write(line)
