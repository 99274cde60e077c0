"""The versions of the policy that were published: numbered, in the store, kept for ever.

They are one hash: each version under its number, and under ``current`` the mark of the one in force, which is its
number and the random id of its publication. The id tells two versions of one number apart, as a store leaves behind
that was restored from a copy. While nothing was published the policy of the file is in force; it is kept as a version
of its own, under its own number, together with the first one that replaces it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import orjson
from typing_extensions import TypedDict

from riskapi.contract import Instant
from riskapi.errors import ConfigurationError, Problem
from riskapi.policy import Policy
from riskapi.policy.changes import changes
from riskapi.policy.told_changes import ToldChange, told
from riskapi.store import damaged

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: Every version (number → JSON, ``current`` → mark). No TTL: decisions name the version they were made under.
TABLE = "risk:policies"
_CURRENT = "current"
#: Field of the same hash: attack mode, see :mod:`riskapi.policy.attacks`.
ATTACK = "attack"


class PolicySummary(TypedDict):
    """One version: who published it when and why. ``restores`` is the version it brought back, if it did, and
    ``approved_by`` the second person, where one was asked for.

    ``source`` is ``file`` for the policy of the file, which has no note and no time.
    """

    version: int
    note: str | None
    author: str
    at: Instant | None
    simulation_id: str | None
    restores: int | None
    approved_by: str | None
    source: Literal["store", "file"]
    live: bool


class PolicyVersion(PolicySummary):
    """One version with the policy itself, whose tables `policy.toml` explains."""

    policy: Mapping[str, Any]


class PolicyPage(TypedDict):
    """A page of versions, newest first; ``next_cursor`` is null on the last one."""

    versions: list[PolicySummary]
    next_cursor: str | None


class PolicyChanges(TypedDict):
    """What is different in a version from another, each in a sentence too. Rules are compared by their names."""

    version: int
    since: int
    changes: list[ToldChange]


@dataclass(frozen=True, slots=True)
class Version:
    """One version: the policy as JSON, and who published it when (RFC 3339) and why.

    ``source`` is ``file`` for the policy of the file; nobody published that, so it has no note and no time.
    ``restores`` is the version it brought back, for one that was made by going back; ``approved_by`` the second person.
    """

    version: int
    policy: Mapping[str, Any]
    note: str | None = None
    author: str = "file"
    at: str | None = None
    simulation_id: str | None = None
    restores: int | None = None
    approved_by: str | None = None
    source: Literal["file", "store"] = "file"

    def body(self, *, live: bool) -> PolicyVersion:
        """The version as callers get it."""
        return {**self.summary(live=live), "policy": self.policy}

    def summary(self, *, live: bool) -> PolicySummary:
        """The same without the policy itself."""
        return {
            "version": self.version,
            "note": self.note,
            "author": self.author,
            "at": self.at,
            "simulation_id": self.simulation_id,
            "restores": self.restores,
            "approved_by": self.approved_by,
            "source": self.source,
            "live": live,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Why and by whom a version is published, and when (RFC 3339); ``approved_by`` is the second person, if any."""

    note: str
    author: str
    at: str
    simulation_id: str | None = None
    restores: int | None = None
    approved_by: str | None = None


class Policies:
    """Reads and publishes versions. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, file: Policy) -> None:
        """``file`` is the policy in force while nothing was published."""
        self._store = store
        self._file = Version(file.version, file.model_dump(mode="json"))
        self._publish = store.script("policy_publish")

    def mark(self) -> str:
        """What is in force, to be compared with what it was before; empty while nothing was published."""
        return self.marks()[0]

    def marks(self) -> tuple[str, bytes | None]:
        """What is in force, as :meth:`mark` says it, and what is kept of attack mode, in one trip."""
        found, attack = self._store.execute("HMGET", TABLE, _CURRENT, ATTACK)
        return found.decode() if found else "", attack

    def live(self, mark: str | None = None) -> Version:
        """The version in force, or the one with this ``mark``, which :meth:`mark` gave.

        Raises :class:`ConfigurationError` when the store names a version that it does not hold.
        """
        mark = self.mark() if mark is None else mark
        if not mark:
            return self._file
        number = int(mark.partition(":")[0])
        found = self._read([number])[0]
        if found is None:
            raise ConfigurationError("store", f"policy version {number}", "is in force, but is not there")
        return found

    def get(self, number: int) -> Version:
        """One version. Raises ``not_found``."""
        found = self._read([number])[0]
        if found is None and number == self._file.version and not self.mark():
            found = self._file
        if found is None:
            raise Problem("not_found", f"There is no version {number} of the policy.")
        return found

    def publish(self, policy: Policy, publication: Publication, allowed: Callable[[int], bool]) -> Version:
        """Put ``policy`` into force under the number after the one in force, whatever its own says.

        ``allowed`` is asked whether the number in force may be replaced; raises ``precondition_failed`` when not.
        When several callers saw the same version in force and allow no other, exactly one publishes.
        """
        while True:
            mark = self.mark()
            live = self.live(mark)
            if not allowed(live.version):
                raise Problem("precondition_failed", f"Version {live.version} of the policy is in force now.")
            number = live.version + 1
            content = policy.model_copy(update={"version": number}).model_dump(mode="json")
            made = Version(number, content, **asdict(publication), source="store")
            unique = secrets.token_hex(8)
            entry = orjson.dumps({"id": unique, **asdict(made)})
            file = orjson.dumps(asdict(self._file))
            if self._publish.call([TABLE], [mark, number, f"{number}:{unique}", entry, self._file.version, file]):
                return made

    def show(self, number: int | None = None) -> PolicyVersion:
        """A version, by default the one in force, as callers get it. Raises ``not_found``."""
        live = self.live()
        found = live if number is None else self.get(number)
        return found.body(live=found.version == live.version)

    def page(self, limit: int, cursor: str | None = None) -> PolicyPage:
        """Versions without their policies, newest first; ``cursor`` is the number the page before ended with."""
        live = self.live()
        top = live.version if cursor is None else min(int(cursor) - 1, live.version)
        if live.source == "file":
            found = [live] if top == live.version else []
        else:
            # Numbers follow one another, so a page is known by its first.
            numbers = range(top, max(top - limit - 1, 0), -1)
            found = [version for version in self._read(numbers) if version is not None]
        rows = [version.summary(live=version.version == live.version) for version in found[:limit]]
        return {"versions": rows, "next_cursor": str(rows[-1]["version"]) if len(found) > limit else None}

    def newest(self, most: int) -> list[Version]:
        """The newest versions, at most ``most``, the one in force first."""
        live = self.live()
        if live.source == "file":
            return [live]
        found = self._read(range(live.version, max(live.version - most, 0), -1))
        return [version for version in found if version is not None]

    def compare(self, number: int, since: int | None = None) -> PolicyChanges:
        """What is different in a version from ``since``, by default the one before it. Raises ``not_found``."""
        after = self.get(number)
        try:
            before = self.get(number - 1 if since is None else since)
        except Problem:
            if since is not None:
                raise
            raise Problem("not_found", f"There is no version before {number}, the first one.") from None
        found = [told(change) for change in changes(before.policy, after.policy)]
        return {"version": after.version, "since": before.version, "changes": found}

    def _read(self, numbers: Sequence[int]) -> list[Version | None]:
        """The versions with these numbers, None for what is not there."""
        if not numbers:
            return []
        rows = zip(numbers, self._store.execute("HMGET", TABLE, *numbers), strict=True)
        return [
            damaged.read("policy", str(number), partial(_version, row), None) if row else None for number, row in rows
        ]


def _version(row: bytes) -> Version:
    made = Version(**damaged.known(Version, orjson.loads(row)))
    if not isinstance(made.version, int) or not isinstance(made.policy, dict):
        raise TypeError("not a version")
    return made
