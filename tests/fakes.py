"""Stand-ins for the parts behind the HTTP layer, for tests whose subject is the HTTP layer itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from riskapi.access.idempotency import Idempotency
from riskapi.access.keys import Keys
from riskapi.api.parts import Parts
from riskapi.decisions.imports import ImportOutcome
from riskapi.errors import Problem
from riskapi.feedback.counts import Tally
from riskapi.inputs.json_lines import Row
from riskapi.inputs.signup import Signup
from riskapi.lists.batches import Taken
from riskapi.lists.entries import StoredEntry
from riskapi.lists.puts import Put
from riskapi.metrics import Metrics
from riskapi.policy.versions import Version
from riskapi.store.connections import Store
from riskapi.store.rates import RateLimits

REVIEW_ID = "rev_0"


def assessment(user_id: str) -> dict[str, Any]:
    """A whole, valid assessment."""
    counts = {"hourly": 200, "daily": 500, "monthly": 5000}
    return {
        "object": "assessment",
        "id": "asm_1",
        "user_id": user_id,
        "created_at": "2026-11-22T10:00:00Z",
        "decision": "allow",
        "risk_score": 3.2,
        "limits": {**counts, "scope": "account", "remaining": counts, "next_step": None},
        "disposition": {"source": "model", "rule": None},
        "reasons": [],
        "linkage": {"cluster_id": None, "size": 1, "abusive": 0, "evidence": []},
        "degraded": [],
        "not_provided": [],
        "warnings": [],
        "review_id": None,
        "shadow": [],
        "versions": {"policy": 1, "model": None, "asn": None, "lists": None},
    }


@dataclass
class Answered:
    """The answer of the fake assessor."""

    body: bytes
    replay: bool = False
    tier: str | None = "allow"


@dataclass
class Assessors:
    """Remembers what it was asked; ``fails`` is raised instead of an answer."""

    asked: list[tuple[Signup, float]] = field(default_factory=list)
    fails: Exception | None = None

    def signup(self, signup: Signup, now: float) -> Answered:
        self.asked.append((signup, now))
        if self.fails is not None:
            raise self.fails
        return Answered(orjson.dumps(assessment(signup.account.user_id)), replay=len(self.asked) > 1)

    def awaits(self, user_id: str) -> bool:
        return False


class Accounts:
    """Knows nobody."""

    def view(self, user_id: str, now: float) -> dict[str, Any]:
        raise Problem("not_found", "No such account.")


class AccountCaps:
    """Knows nobody."""

    def put(self, user_id: str, *_: Any) -> dict[str, Any]:
        raise Problem("not_found", "No such account.")

    def remove(self, user_id: str, *_: Any) -> dict[str, Any]:
        raise Problem("not_found", "No such account.")


@dataclass
class Imports:
    """Remembers the records it was given, and says that all are new."""

    taken: list[Row] = field(default_factory=list)

    def take(self, rows: Iterable[Row], actor: str, now: float) -> ImportOutcome:
        self.taken += rows
        return ImportOutcome(len(self.taken))


@dataclass
class Labels:
    """Counts labels; ``fails`` is raised instead."""

    given: int = 0
    fails: Exception | None = None

    def add(self, user_id: str, label: Any, source: Any, note: str | None, actor: str, now: float) -> dict[str, Any]:
        self.given += 1
        if self.fails is not None:
            raise self.fails
        return {"user_id": user_id, "label": label, "labels": [], "count": self.given}


@dataclass
class Reviews:
    """One review, held by ``holder``."""

    holder: str | None = "ana"
    actors: list[str] = field(default_factory=list)

    def list(self, status: Any, limit: int, cursor: str | None) -> dict[str, Any]:
        return {"reviews": [], "next_cursor": None, "asked": [status, limit, cursor]}

    def get(self, review_id: str) -> dict[str, Any]:
        return {"id": review_id, "reviewer": self.holder}

    def claim(self, review_id: str, reviewer: str, now: float) -> dict[str, Any]:
        if self.holder not in (None, reviewer):
            raise Problem("review_held", f"{self.holder} holds this review.")
        return self.get(review_id)

    def release(self, review_id: str, reviewer: str, now: float) -> dict[str, Any]:
        self.actors.append(reviewer)
        return self.get(review_id)

    def escalate(self, review_id: str, reviewer: str, reason: str | None, now: float, *, actor: str) -> dict[str, Any]:
        self.actors += (reviewer, actor)
        return self.get(review_id)


@dataclass
class ReviewDecisions:
    """Decides and undoes everything."""

    actors: list[str | None] = field(default_factory=list)

    def decide(self, review_id: str, decision: Any, actor: str, now: float, *, dry_run: bool = False) -> dict[str, Any]:
        self.actors += (decision.reviewer, actor)
        return {"id": review_id, "accounts": [], "deny": [], "dry_run": dry_run}

    def undo(
        self, review_id: str, reason: str | None, actor: str, now: float, reviewer: str | None = None
    ) -> dict[str, Any]:
        self.actors += (reviewer, actor)
        return {"id": review_id, "accounts": [], "removed_entries": []}

    def denied(self, review_id: str, now: float) -> list[dict[str, Any]]:
        return []


class Feedback:
    """Counts nothing."""

    def count(self, events: Any, now: float) -> Tally:
        return Tally(len(events), 0, 0, [])


class Events:
    """Knows nobody."""

    def record(self, user_id: str, event: Any, now: float) -> dict[str, Any]:
        raise Problem("not_found", "No such account.")


class Policies:
    """Only the policy of the file, which says nothing."""

    def show(self, number: int | None = None) -> dict[str, Any]:
        return Version(1, {}).body(live=True)

    def page(self, limit: int, cursor: str | None = None) -> dict[str, Any]:
        return {"versions": [], "next_cursor": None}

    def compare(self, number: int, since: int | None = None) -> dict[str, Any]:
        raise Problem("not_found", "No such version.")


class Publisher:
    """Takes everything and does nothing."""

    def publish(self, given: Any, publication: Any, allowed: Any) -> Version:
        return Version(2, given)

    def rollback(self, number: int, publication: Any) -> Version:
        return Version(2, {})


class Senders:
    """Grants everything once."""

    def send(
        self,
        user_id: str,
        recipients: int,
        message: Any,
        now: float,
        *,
        partial: bool = True,
        digest: str = "",
        repeat: str | None = None,
        any_case: bool = False,
    ) -> Granted:
        return Granted(
            {
                "reservation_id": "rsv_0",
                "granted": recipients,
                "denied": 0,
                "denied_by": None,
                "retry_after": None,
                "tier": "allow",
                "remaining": {"hourly": 0, "daily": 0, "monthly": 0},
                "largest": 2000,
            }
        )

    def release(self, reservation_id: str, recipients: int, now: float, repeat: str | None = None) -> dict[str, Any]:
        return {"reservation_id": reservation_id, "released": recipients}


@dataclass
class Granted:
    """The answer of the fake sender."""

    body: dict[str, Any]
    replay: bool = False


class Clusters:
    """Knows no cluster."""

    def view(self, cluster_id: str, now: float) -> dict[str, Any]:
        raise Problem("not_found", "No such cluster.")


class Cuts:
    """Knows no cluster and no cut."""

    def cut(
        self, cluster_id: str, user_id: str | None, edge: str | None, reason: str, actor: str, now: float
    ) -> dict[str, Any]:
        raise Problem("not_found", "No such cluster.")

    def undo(self, cut_id: str, actor: str, now: float) -> dict[str, Any]:
        raise Problem("not_found", "No such cut.")

    def get(self, cut_id: str) -> dict[str, Any]:
        raise Problem("not_found", "No such cut.")


class Lists:
    """Takes everything and keeps nothing."""

    def draft(self, name: Any, kind: Any, value: str, *, now: float, **more: Any) -> StoredEntry:
        return StoredEntry("", name, kind, value, value, created_at=now, updated_at=now, **more)

    def would_match(self, entry: StoredEntry) -> dict[str, Any]:
        return {"would_match": [], "would_match_count": 0, "would_match_complete": True}

    def put(self, entry: StoredEntry, now: float, *, replace: bool = False) -> Put:
        return Put(dataclasses.replace(entry, id="lst_0"), None)

    def standing(self, draft: StoredEntry) -> StoredEntry | None:
        return None

    def some(
        self, name: Any, kind: Any, limit: int, cursor: str | None, now: float
    ) -> tuple[list[dict[str, Any]], str | None]:
        return [], None

    def of_value(self, name: Any, kind: Any, value: str, now: float) -> dict[str, Any]:
        return {"entries": [], "next_cursor": None}

    def get(self, name: Any, entry_id: str) -> StoredEntry:
        raise Problem("not_found", "No such entry.")

    def remove(self, name: Any, entry_id: str, actor: str, now: float) -> StoredEntry:
        raise Problem("not_found", "No such entry.")

    def page(self, name: Any, kind: Any, limit: int, cursor: str | None, now: float) -> dict[str, Any]:
        return {"entries": [], "next_cursor": None}

    def stale(self, now: float, days: int) -> dict[str, Any]:
        return {"days": days, "entries": [], "complete": True}


class ListBatches:
    """Takes everything and keeps nothing."""

    def take(self, name: Any, rows: Any, *, author: str, now: float, **more: Any) -> Taken:
        return Taken(None, len(list(rows)), 0, 0, [])

    def get(self, batch_id: str) -> dict[str, Any]:
        raise Problem("not_found", "No such batch.")

    def undo(self, batch_id: str, actor: str, now: float) -> dict[str, Any]:
        raise Problem("not_found", "No such batch.")


class Webhooks:
    """Knows no webhook."""

    def create(self, url: str, events: Any, actor: str, now: float) -> dict[str, Any]:
        raise Problem("destination_refused", "No such place.")

    def list(self) -> dict[str, Any]:
        return {"webhooks": []}

    def get(self, endpoint_id: str) -> dict[str, Any]:
        raise Problem("not_found", "No such webhook.")

    def delete(self, endpoint_id: str) -> dict[str, Any]:
        raise Problem("not_found", "No such webhook.")

    def rotate(self, endpoint_id: str, now: float) -> dict[str, Any]:
        raise Problem("not_found", "No such webhook.")

    def enable(self, endpoint_id: str) -> dict[str, Any]:
        raise Problem("not_found", "No such webhook.")


class Deliveries:
    """Has nothing on its way."""

    def page(self, endpoint_id: str, status: Any, limit: int, cursor: str | None = None) -> dict[str, Any]:
        return {"deliveries": [], "next_cursor": None}

    def redeliver(self, endpoint_id: str, delivery_id: str, now: float) -> dict[str, Any]:
        raise Problem("not_found", "No such delivery.")

    def redeliver_dead(self, endpoint_id: str, now: float) -> int:
        return 0

    def forget(self, endpoint_id: str) -> None:
        pass


class Recovery:
    """Tells nobody again."""

    def replay(self, endpoint_id: str, since: float, cursor: str | None, *, delivered: bool) -> dict[str, Any]:
        raise Problem("not_found", "No such webhook.")


class Notices:
    """Tells nobody."""

    def test(self, endpoint_id: str, name: str) -> dict[str, Any]:
        raise Problem("not_found", "No such webhook.")


def parts(store: Store, clock: Callable[[], float], bootstrap: str, **changes: Any) -> Parts:
    """Parts that work, with ``changes`` in place of some."""
    given: dict[str, Any] = {
        "assessor": Assessors(),
        "accounts": Accounts(),
        "account_caps": AccountCaps(),
        "imports": Imports(),
        "labels": Labels(),
        "reviews": Reviews(),
        "review_decisions": ReviewDecisions(),
        "sender": Senders(),
        "clusters": Clusters(),
        "cuts": Cuts(),
        "feedback": Feedback(),
        "feeds": {},
        "intake": None,  # asked by feeds only
        "events": Events(),
        "policies": Policies(),
        "lists": Lists(),
        "list_batches": ListBatches(),
        "publisher": Publisher(),
        "webhooks": Webhooks(),
        "deliveries": Deliveries(),
        "notices": Notices(),
        "recovery": Recovery(),
        "keys": Keys(store, bootstrap, monotonic=clock),
        "idempotency": Idempotency(store, pause=lambda seconds: None),
        "ratelimits": RateLimits(store),
        "metrics": Metrics(),
        "clock": clock,
        "readiness": lambda: {"store": "ok", "model": "ok", "data": "ok"},
        "versions": lambda: {"policy": 1},
    }
    return Parts(**{**given, **changes})
