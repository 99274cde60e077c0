"""Policies that loosen something and wait for a second person, where the policy in force asks for one.

The one who proposes and the one who approves are told apart by name: of the key, or of the person signed in.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from typing_extensions import TypedDict

from riskapi import policy
from riskapi.contract import Instant
from riskapi.errors import ConfigurationError, Problem, StoreUnavailable
from riskapi.policy.changes import changes
from riskapi.policy.loosening import loosening
from riskapi.policy.publisher import Publisher
from riskapi.policy.told_changes import ToldChange, told
from riskapi.policy.versions import Policies, Publication, Version
from riskapi.store import damaged
from riskapi.times import instant, rfc3339

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: What waits (id → JSON). No TTL: entries leave it when they are decided, or when somebody looks and they are over.
TABLE = "risk:proposals"
#: Seconds for which a decision about a proposal keeps other decisions out (key ``risk:proposals:<id>``) if it is never
#: finished. Far more than the store takes to answer or to be away.
_DECIDING = 60


class PolicyProposal(TypedDict):
    """A policy that waits for a second person: who proposed it when and why, the version it was made from, what is
    different, and which of that loosens.
    """

    proposal_id: str
    author: str
    note: str
    at: Instant
    expires_at: Instant
    base_version: int
    simulation_id: str | None
    restores: int | None
    changes: list[ToldChange]
    loosens: list[str]


class PolicyProposals(TypedDict):
    """What waits, the newest first."""

    proposals: list[PolicyProposal]


@dataclass(frozen=True, slots=True)
class StoredProposal:
    """A proposal as it is kept. ``at`` and ``until`` are RFC 3339."""

    id: str
    policy: Mapping[str, Any]
    note: str
    author: str
    at: str
    until: str
    base: int
    simulation_id: str | None
    restores: int | None
    changes: list[ToldChange]
    loosens: list[str]

    def view(self) -> PolicyProposal:
        """As answers show it."""
        return {
            "proposal_id": self.id,
            "author": self.author,
            "note": self.note,
            "at": self.at,
            "expires_at": self.until,
            "base_version": self.base,
            "simulation_id": self.simulation_id,
            "restores": self.restores,
            "changes": self.changes,
            "loosens": self.loosens,
        }


class Proposals:
    """Publishes what may be published by one person, and keeps the rest for a second one.

    Every method raises :class:`StoreUnavailable` while the store is away.
    """

    def __init__(self, store: Store, policies: Policies, publisher: Publisher) -> None:
        self._store, self._policies, self._publisher = store, policies, publisher

    def submit(
        self, given: Mapping[str, Any], publication: Publication, allowed: Callable[[int], bool], where: str = "policy"
    ) -> Version | StoredProposal:
        """Publish a policy, or keep it where it loosens something and the one in force asks for a second person.

        See :meth:`Publisher.publish` for what is given and raised.
        """
        checked = self._publisher.checked(given, where)
        while True:
            live = self._policies.live()
            if not allowed(live.version):
                raise Problem("precondition_failed", f"Version {live.version} of the policy is in force now.")
            before, after = _whole(live), checked.model_dump(mode="json")
            loosens = loosening(before, after) if _needs_second(before) else []
            if loosens:
                return self._wait(live.version, before, after, publication, [told(each)["text"] for each in loosens])
            try:
                return self._publisher.publish(given, publication, live.version.__eq__)
            except Problem as problem:  # another one came between: it is compared with that
                if problem.code != "precondition_failed":
                    raise

    def restore(self, number: int, publication: Publication) -> Version | StoredProposal:
        """Put what an earlier version says into force again, or keep that for a second person. Raises ``not_found``,
        and :class:`ConfigurationError` for one that would not be taken today.
        """
        earlier = self._policies.get(number)
        return self.submit(earlier.policy, replace(publication, restores=number), lambda _: True, f"version {number}")

    def approve(self, id: str, approver: str, at: float) -> Version:
        """Put a proposal into force as another person than proposed it, at Unix time ``at``.

        Raises ``not_found``, ``same_person``, ``precondition_failed`` where another version came into force since it
        was proposed or somebody else decides about it just now, and :class:`ConfigurationError` for what is no longer
        good.
        """
        with self._deciding(id, at) as found:
            if found.author == approver:
                raise Problem("same_person", "A second person has to approve it, not the one who proposed it.")
            publication = Publication(
                note=found.note,
                author=found.author,
                at=rfc3339(at),
                simulation_id=found.simulation_id,
                restores=found.restores,
                approved_by=approver,
            )
            made = self._publisher.publish(found.policy, publication, lambda number: number == found.base)
            self._store.execute("HDEL", TABLE, id)
            return made

    def withdraw(self, id: str, now: float) -> StoredProposal:
        """Take a proposal away unpublished, whoever does. Raises ``not_found``, and ``precondition_failed`` where
        somebody else decides about it just now.
        """
        with self._deciding(id, now) as found:
            self._store.execute("HDEL", TABLE, id)
            return found

    def waiting(self, now: float) -> list[StoredProposal]:
        """What waits at Unix time ``now``, the newest first; what is over is forgotten."""
        rows = self._store.execute("HGETALL", TABLE)
        found = [_read(name.decode(), row) for name, row in rows.items()]
        over = [each.id for each in found if each is not None and _ends(each) <= now]
        if over:
            self._store.execute("HDEL", TABLE, *over)
        left = [each for each in found if each is not None and each.id not in over]
        return sorted(left, key=lambda each: each.at, reverse=True)

    @contextlib.contextmanager
    def _deciding(self, id: str, now: float) -> Iterator[StoredProposal]:
        """A proposal, for one decision about it at a time: what was withdrawn is not published."""
        key, mine = f"{TABLE}:{id}", secrets.token_hex(8)
        taken = self._store.execute("SET", key, mine, "NX", "EX", _DECIDING)
        # A command whose answer was lost is sent again, and finds its own.
        if not taken and self._store.execute("GET", key) != mine.encode():
            raise Problem("precondition_failed", "Somebody else decides about this proposal just now.")
        try:
            yield self._get(id, now)
        finally:
            with contextlib.suppress(StoreUnavailable):  # it ends by itself
                self._store.execute("DEL", key)

    def _get(self, id: str, now: float) -> StoredProposal:
        row = self._store.execute("HGET", TABLE, id)
        found = None if row is None else _read(id, row)
        if found is None or _ends(found) <= now:
            raise Problem("not_found", "No proposal with this id is waiting.")
        return found

    def _wait(
        self, base: int, before: Mapping[str, Any], after: dict[str, Any], publication: Publication, loosens: list[str]
    ) -> StoredProposal:
        hours = before["publishing"]["proposal_hours"]
        made = StoredProposal(
            id=f"prp_{secrets.token_hex(12)}",
            policy=after,
            note=publication.note,
            author=publication.author,
            at=publication.at,
            until=rfc3339(instant(publication.at).timestamp() + hours * 3600),
            base=base,
            simulation_id=publication.simulation_id,
            restores=publication.restores,
            changes=[told(change) for change in changes(before, after)],
            loosens=loosens,
        )
        self._store.execute("HSET", TABLE, made.id, orjson.dumps(asdict(made)))
        return made


def _whole(live: Version) -> Mapping[str, Any]:
    """A version with the tables that came after it, so that they are no difference; as it is where it is of no use."""
    try:
        return policy.check(live.policy, where="store").model_dump(mode="json")
    except ConfigurationError:
        return live.policy


def _needs_second(live: Mapping[str, Any]) -> bool:
    return bool(live.get("publishing", {}).get("loosening_needs_second"))


def _ends(found: StoredProposal) -> float:
    return instant(found.until).timestamp()


def _read(id: str, row: bytes) -> StoredProposal | None:
    return damaged.read("proposal", id, partial(_waiting, row), None)


def _waiting(row: bytes) -> StoredProposal:
    found = StoredProposal(**damaged.known(StoredProposal, orjson.loads(row)))
    instant(found.until)
    return found
