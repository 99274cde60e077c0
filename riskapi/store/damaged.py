"""Rows that cannot be read: set aside one by one, counted, and named to the operator, so that one stops nothing.

A row is damaged when a disk or a person damaged it, or when another release wrote it. What this process met is a tally
of the process, like its log; :func:`publish` brings it into the store, where ``doctor`` and ``/readyz`` read it.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from riskapi import logs
from riskapi.times import DAY

if TYPE_CHECKING:
    from riskapi.store.connections import Store

T = TypeVar("T")
#: Rows that any process met and could not read: ``kind:name`` to the type of the error. Expires a week after the
#: latest.
TABLE = "risk:damaged"
_KEPT = 7 * DAY
#: Rows one process names; more are not more telling.
_MOST = 1000
#: What reading raises: invalid text, invalid JSON, a field that is missing, a value of another type.
FAULTS = (ValueError, LookupError, TypeError, AttributeError, OverflowError)

_lock = threading.Lock()
_met: dict[tuple[str, str], str] = {}
_told: set[tuple[str, str]] = set()


def read(kind: str, name: str, reader: Callable[[], T], otherwise: T) -> T:
    """What ``reader`` makes of a row, ``otherwise`` where it cannot; ``kind`` and ``name`` say which row.

    A name may be an account's: it is never logged.
    """
    try:
        found = reader()
    except FAULTS as error:
        note(kind, name, error)
        return otherwise
    if _met:
        _forget(kind, name)
    return found


def loads(kind: str, name: str, raw: bytes | None, otherwise: T) -> T:
    """The JSON of a row, or part of one, that is of the same type as ``otherwise``; that where there is none."""

    def reader() -> T:
        found = orjson.loads(raw or b"")
        if not isinstance(found, type(otherwise)):
            raise TypeError(f"not a {type(otherwise).__name__}")
        return found

    return otherwise if raw is None else read(kind, name, reader, otherwise)


class Unreadable(ValueError):
    """Something is stored of what was asked for, and it cannot be read."""


def whole(raw: bytes | None, needs: Iterable[str] = ()) -> dict[str, Any]:
    """The JSON object in a field without which there is no answer. Raises :class:`Unreadable` where it is not one, or
    does not say what is needed.
    """
    try:
        found = orjson.loads(raw or b"")
    except ValueError:
        raise Unreadable("no JSON") from None
    if not isinstance(found, dict) or not found.keys() >= set(needs):
        raise Unreadable("not what it should be")
    return found


def rows(kind: str, name: str, raws: Iterable[bytes], needs: Iterable[str]) -> list[Any]:
    """The objects in rows of JSON that say what is needed; those that cannot be read are left out."""
    found = (read(kind, f"{name} {number}", partial(whole, raw, needs), None) for number, raw in enumerate(raws))
    return [row for row in found if row is not None]


def note(kind: str, name: str, error: Exception) -> None:
    """Note that a row cannot be read; said once in the log."""
    with _lock:
        if (kind, name) in _met or len(_met) >= _MOST:
            return
        _met[kind, name] = type(error).__name__
    logs.note(logging.ERROR, "row_damaged", error, kind=kind)


def _forget(kind: str, name: str) -> None:
    """A row can be read again: somebody mended it."""
    with _lock:
        _met.pop((kind, name), None)


def publish(store: Store) -> None:
    """Tell the store what this process cannot read, and can again. Raises :class:`StoreUnavailable`."""
    with _lock:
        fresh = {key: _met[key] for key in _met.keys() - _told}
        mended = _told - _met.keys()
    if not fresh and not mended:
        return
    pipe = store.pipeline()
    for (kind, name), error in fresh.items():
        pipe.execute_command("HSET", TABLE, f"{kind}:{name}", error)
    for kind, name in mended:
        pipe.execute_command("HDEL", TABLE, f"{kind}:{name}")
    pipe.execute_command("EXPIRE", TABLE, _KEPT)
    store.run(pipe)
    with _lock:
        _told.difference_update(mended)
        _told.update(fresh)


def published(store: Store) -> list[str]:
    """The rows that any process told of, ``kind:name`` each, in order. Raises :class:`StoreUnavailable`."""
    return sorted(name.decode("utf-8", "replace") for name in store.execute("HKEYS", TABLE))


def by_kind(rows: list[str]) -> Mapping[str, int]:
    """How many rows there are of each kind."""
    return Counter(row.partition(":")[0] for row in rows)


def said(rows: list[str]) -> str:
    """How many rows of which kind, naming nobody: ``1 account, 2 webhook cannot be read``; empty for none."""
    kinds = by_kind(rows)
    return f"{', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))} cannot be read" if kinds else ""


def known(kind: type, row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row that this release knows, for the dataclass ``kind``; a newer one may have written more."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in row.items() if name in names}
