"""Policies as TOML with the comments that people wrote: kept beside what was published, and edited value by value.

A version says what a policy is. Its text is kept under what it says, so one that comes back later, or waits for a
second person first, has its comments again. A policy that was published without a text gets the latest text there is,
with its own values in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from riskapi import policy
from riskapi.errors import ConfigurationError, WriteRefused
from riskapi.store import damaged

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: Texts, compressed, under the SHA-256 of what they say, and the latest under ``last``. No TTL: as the versions.
TABLE = "risk:policytexts"
_LAST = "last"
_VERSION = re.compile(r"(?m)^version\s*=\s*\d+")


class PolicyTexts:
    """Keeps and gives texts. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, file: Path) -> None:
        """``file`` is the policy of the settings, whose comments serve until another text was published."""
        self._store, self._file = store, file.read_text()

    def of(self, said: Mapping[str, Any]) -> str:
        """The text of a policy; what has none yet is given one, which is kept where the store takes writes."""
        kept, latest = self._read(said)
        if kept is None:
            kept = self._file if self._is_file(said) else written(latest, said)
            with contextlib.suppress(WriteRefused):  # it can be read all the same
                self._store.execute("HSET", TABLE, _name(said), zlib.compress(kept.encode()))
        return numbered(kept, said["version"])

    def commented(self, said: Mapping[str, Any]) -> str:
        """A text whose comments explain a policy; its values may be another one's. Cheaper than :meth:`of`."""
        kept, latest = self._read(said)
        return latest if kept is None else kept

    def keep(self, said: Mapping[str, Any], text: str) -> None:
        """Keep the text of a policy that is published, or proposed."""
        packed = zlib.compress(text.encode())
        self._store.execute("HSET", TABLE, _name(said), packed, _LAST, packed)

    def _is_file(self, said: Mapping[str, Any]) -> bool:
        return _same(policy.load(self._file).model_dump(mode="json"), said)

    def _read(self, said: Mapping[str, Any]) -> tuple[str | None, str]:
        kept, latest = self._store.execute("HMGET", TABLE, _name(said), _LAST)
        return _unpacked(kept), _unpacked(latest) or self._file


def written(text: str, said: Mapping[str, Any]) -> str:
    """A text with the values of a policy in it; comments stay where their keys do.

    Only what differs is touched. A text that cannot be edited so is written anew, without comments.
    """
    try:
        was = policy.load(text).model_dump(mode="json")
        if not _same(was, said):
            document = tomlkit.parse(text)
            _write(document, was, {**said, "version": was["version"]})
            text = tomlkit.dumps(document)
            if not _same(policy.load(text).model_dump(mode="json"), said):
                text = _anew(said)
    except (ConfigurationError, TOMLKitError, ValueError, LookupError, TypeError):
        text = _anew(said)
    return numbered(text, said["version"])


def numbered(text: str, version: int) -> str:
    """A text with the number of its version, which it gets when it is published."""
    return _VERSION.sub(f"version = {version}", text, count=1)


def _write(table: Any, was: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Write what differs into a table of the document."""
    for key in dict.fromkeys([*was, *wanted]):
        before, after = was.get(key), wanted.get(key)
        if before == after and isinstance(before, bool) == isinstance(after, bool):
            continue
        if after is None:
            table.pop(key, None)
        elif isinstance(before, Mapping) and isinstance(after, Mapping) and key in table:
            _write(table[key], before, after)
        elif isinstance(before, list) and isinstance(after, list) and _are_rows(before + after) and key in table:
            _write_rows(table[key], before, after)
        else:
            table[key] = _plain(after)


def _write_rows(rows: Any, was: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]) -> None:
    """The same for rows: those with a name are recognized by it, others by their place. New ones go to the end; the
    comment behind a row goes with it.
    """
    named = all("name" in row for row in (*was, *wanted))
    kept = {row["name"] for row in wanted} if named else set[str]()
    left = list(was)
    for at in reversed(range(len(was))):
        if was[at]["name"] not in kept if named else at >= len(wanted):
            del rows[at]
            del left[at]
    for at, row in enumerate(wanted):
        if at < len(left):
            _write(rows[at], left[at], row)
        else:
            made: Any = tomlkit.table() if isinstance(rows, AoT) else tomlkit.inline_table()
            made.update(_plain(row))
            rows.append(made)


def _are_rows(values: list[Any]) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def _plain(value: Any) -> Any:
    """A value as TOML can have it, which knows no null."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _anew(said: Mapping[str, Any]) -> str:
    return tomlkit.dumps(_plain(said))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _name(one) == _name(other)


def _name(said: Mapping[str, Any]) -> str:
    """What stands for what a policy says, whatever its version is."""
    content = {key: value for key, value in said.items() if key != "version"}
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _unpacked(row: bytes | None) -> str | None:
    if row is None:
        return None
    return damaged.read("policy", "text", lambda: _text(row), None)


def _text(row: bytes) -> str:
    try:
        return zlib.decompress(row).decode()
    except zlib.error as error:
        raise ValueError("not a text") from error
