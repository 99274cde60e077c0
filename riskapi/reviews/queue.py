"""Reviews: decisions that wait for a person. One reviewer holds a review at a time.

How one is decided, and a decision undone, is in :mod:`riskapi.reviews.decisions`. A review is one hash
(``risk:r:{n}:<review_id>``); each status of a shard has an index (``risk:ri:{n}:<status>``) in which reviews stand in
the order of their opening, and which they leave as they move on. The shard is part of the id.
"""

from __future__ import annotations

import heapq
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, cast

import orjson
from typing_extensions import TypedDict

from riskapi.accounts.accounts import ReviewOpening
from riskapi.accounts.history import LabelName
from riskapi.accounts.packing import pack
from riskapi.contract import Instant, Reason
from riskapi.errors import Problem
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.kept_reasons import FIELDS, kept_reasons, reasons_of
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pages import cursor_of, position
from riskapi.store.streams import SHARDS, oldest, shard, stream
from riskapi.times import rfc3339, unix_text

STATUSES = ("open", "claimed", "escalated", "decided")
ReviewStatus = Literal["open", "claimed", "escalated", "decided"]
#: The tiers that a person can decide on, and whom a decision is about: the account of the review, or its cluster too.
ReviewTier = Literal["allow", "limit"]
ReviewScope = Literal["account", "cluster"]
#: Places of an index read in one trip where all are looked at.
_PAGE = 500
_PLACE = re.compile(r"\d{12}\.\d{6}:rev_[0-9a-f]{21}")


class Review(TypedDict):
    """A decision that waits, or waited, for a person.

    ``question`` is the last one that the customer was to be asked, at ``asked_at``; until ``waits_until`` nobody needs
    to look unless something happens.
    """

    id: str
    user_id: str
    status: ReviewStatus
    opened_at: Instant
    risk_score: float
    reasons: list[Reason]
    reviewer: str | None
    claimed_at: Instant | None
    escalated_by: str | None
    escalation_reason: str | None
    decided_at: Instant | None
    decided_by: str | None
    decision: ReviewTier | None
    label: LabelName | None
    apply_to: ReviewScope | None
    reason: str | None
    question: str | None
    asked_at: Instant | None
    waits_until: Instant | None


class ReviewPage(TypedDict):
    """A page of reviews; ``next_cursor`` is null on the last one."""

    reviews: list[Review]
    next_cursor: str | None


def review_key(review_id: str) -> str:
    """Key of a review's hash; it expires with the account it is about (``retention.accounts_days``)."""
    return _key(_shard(review_id), review_id)


def _key(number: int, review_id: str) -> str:
    return f"risk:r:{{{number}}}:{review_id}"


def index_key(number: int, status: str) -> str:
    """Key of a shard's index of reviews in one status. No TTL: entries leave it as reviews move on."""
    return f"risk:ri:{{{number}}}:{status}"


def _shard(review_id: str) -> int:
    """The shard a review id names; raises ``not_found`` for what is not an id of ours."""
    if review_id.startswith("rev_") and review_id[4:5].isdecimal() and review_id[4:5].isascii():
        number = int(review_id[4])
        if number < SHARDS:
            return number
    raise Problem("not_found", "No review has this id.")


def place_of(at: float, review_id: str) -> str:
    """Where a review stands in its index: places sort as text by time, then by id."""
    return f"{max(at, 0.0):019.6f}:{review_id}"


def place_pages(store: Store, number: int, status: str) -> Iterator[Sequence[bytes]]:
    """The places of a shard's reviews in one status, in their order, 500 in a trip. Raises
    :class:`riskapi.errors.StoreUnavailable`.
    """
    start = "-"
    while found := store.execute("ZRANGEBYLEX", index_key(number, status), start, "+", "LIMIT", 0, _PAGE):
        yield found
        start = f"({found[-1].decode()}"


def named(user_id: str, name: str) -> str:
    """The id of a review of an account; ``name`` (20 hexadecimal digits) tells it from others."""
    return f"rev_{shard(user_id)}{name}"


def opening(
    user_id: str,
    at: float,
    risk_score: float,
    reasons: Sequence[Reason],
    name: str | None = None,
    *,
    answered: bool = False,
) -> ReviewOpening:
    """A new review, to be written with what it is about. ``name`` (20 hexadecimal digits) makes it one and the same.

    With ``answered`` the first answer of the account names it and says its reasons, so they are not kept with it.
    """
    number = shard(user_id)
    review_id = f"rev_{number}{name or secrets.token_hex(10)}"
    codes = [reason["code"] for reason in reasons]
    told = {"id": review_id, "user_id": user_id, "to": "open", "at": at, "opened": True, "reasons": codes}
    return ReviewOpening(
        review_id,
        user_id,
        place_of(at, review_id),
        unix_text(at),
        repr(risk_score),
        None if answered else pack(orjson.dumps(reasons)),
        orjson.dumps(told).decode(),
        _key(number, review_id),
        index_key(number, "open"),
    )


class Reviews:
    """The queue of reviews: list, claim, release, escalate."""

    def __init__(self, store: Store, active: ActiveBasis) -> None:
        self._store, self._active = store, active
        self._move = store.script("review_move")

    def list(self, status: ReviewStatus, limit: int, cursor: str | None) -> ReviewPage:
        """Reviews in a status, oldest first (decided ones by the time of the decision), ``limit`` a page.

        ``cursor`` is the ``next_cursor`` of the page before; one that cannot be read raises ``invalid``.
        """
        start = f"({position(cursor, _PLACE)}" if cursor else "-"
        pipe = self._store.pipeline()
        for number in range(SHARDS):
            pipe.execute_command("ZRANGEBYLEX", index_key(number, status), start, "+", "LIMIT", 0, limit + 1)
        found = list(heapq.merge(*self._store.run(pipe)))[: limit + 1]
        more, found = len(found) > limit, found[:limit]
        pipe = self._store.pipeline()
        for place in found:
            pipe.execute_command("HGETALL", review_key(place.decode().partition(":")[2]))
        ids = [place.decode().partition(":")[2] for place in found]
        read = {name: fields for name, fields in zip(ids, self._store.run(pipe), strict=True) if fields}
        reviews = [*self._bodies(read)]
        return {"reviews": reviews, "next_cursor": cursor_of(found[-1]) if more else None}

    def get(self, review_id: str) -> Review:
        """One review with the account it is about. Raises ``not_found``."""
        fields = self._store.execute("HGETALL", review_key(review_id))
        if not fields:
            raise Problem("not_found", "No review has this id.")
        found = self._bodies({review_id: fields})
        if not found:
            raise Problem("not_found", "This review cannot be read.")
        return found[0]

    def _bodies(self, read: Mapping[str, Mapping[bytes, bytes]]) -> Sequence[Review]:
        """The reviews with these fields, by id; those that are damaged are left out."""
        said = {name: [row.get(field.encode()) for field in FIELDS] for name, row in read.items()}
        kept = kept_reasons(self._store, said)
        rows = [damaged.read("review", name, partial(_body, row, kept[name]), None) for name, row in read.items()]
        return [row for row in rows if row is not None]

    def sweep(self) -> int:
        """Take reviews that expired with their accounts out of the indexes; returns how many. Safe to repeat."""
        gone = 0
        for number in range(SHARDS):
            for status in STATUSES:
                for found in place_pages(self._store, number, status):
                    gone += self._dropped(index_key(number, status), found)
        return gone

    def _dropped(self, index: str, places: Sequence[bytes]) -> int:
        pipe = self._store.pipeline()
        for place in places:
            pipe.execute_command("EXISTS", review_key(place.decode().partition(":")[2]))
        gone = [place for place, there in zip(places, self._store.run(pipe), strict=True) if not there]
        return int(self._store.execute("ZREM", index, *gone)) if gone else 0

    def claim(self, review_id: str, reviewer: str, now: float) -> Review:
        """Let a reviewer hold a review. Raises ``review_held`` while another does, ``review_closed`` once decided."""
        self._to("claimed", review_id, reviewer, now, {"reviewer": reviewer, "claimed_at": now, "waits_until": 0})
        return self.get(review_id)

    def hand_over(self, review_id: str, reviewer: str, to: str, now: float) -> Review:
        """Let somebody else hold a review from now on: ``to`` by name. Raises as :meth:`claim`."""
        self._to("claimed", review_id, reviewer, now, {"reviewer": to, "claimed_at": now, "waits_until": 0})
        return self.get(review_id)

    def ask(self, review_id: str, question: str, until: float, seen: str, reviewer: str, now: float) -> Review:
        """Have the customer asked (webhooks tell of it); nobody holds the review, which waits until Unix time ``until``
        or until what has happened to the account is not ``seen`` any more. Raises as :meth:`claim`.
        """
        fields = {"reviewer": "", "claimed_at": 0, "question": question, "asked_at": now, "waits_until": until}
        told = {"to": "asked", "reviewer": reviewer, "user_id": self.get(review_id)["user_id"]}
        self._to("open", review_id, reviewer, now, {**fields, "asked_seen": seen}, told)
        return self.get(review_id)

    def release(self, review_id: str, reviewer: str, now: float) -> Review:
        """Put a review back into the queue, as one that was not handed on."""
        fields = {"reviewer": "", "claimed_at": 0, "escalated_by": "", "escalation_reason": ""}
        self._to("open", review_id, reviewer, now, fields)
        return self.get(review_id)

    def escalate(self, review_id: str, reviewer: str, reason: str | None, now: float, *, actor: str) -> Review:
        """Hand a review to somebody more senior: it leaves the ordinary queue and nobody holds it.

        ``actor`` is who called, ``reviewer`` for whom. Without a ``reason`` the one that was given before stands.
        """
        fields = {"reviewer": "", "claimed_at": 0, "escalated_by": actor}
        if reason:
            fields["escalation_reason"] = reason
        self._to("escalated", review_id, reviewer, now, fields)
        return self.get(review_id)

    def check(self, review_id: str, reviewer: str, now: float) -> None:
        """Raise as :meth:`claim` where the review could not be moved by ``reviewer`` now; changes nothing."""
        names = ("status", "reviewer", "claimed_at")
        status, holder, since = self._store.execute("HMGET", review_key(review_id), *names)
        held = holder and holder.decode() != reviewer
        if status in (None, b"decided") or (held and now < float(since or 0) + self._claim_seconds()):
            raise refusal(*((text or b"").decode() for text in (status, holder)))

    def _claim_seconds(self) -> int:
        return self._active.policy.reviews.claim_minutes * 60

    def _to(
        self,
        status: Literal["open", "claimed", "escalated"],
        review_id: str,
        reviewer: str,
        now: float,
        fields: Mapping[str, Any],
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Move a review to another status and set ``fields`` of it; ``more`` is what the stream is told besides."""
        number = _shard(review_id)
        keys = [review_key(review_id), stream(number)]
        keys += [index_key(number, each) for each in ("open", "claimed", "escalated")]
        told = {"id": review_id, "user_id": None, "to": status, "reviewer": reviewer, "at": now, **fields}
        told |= more or {}
        args: list[Any] = [status, reviewer, repr(now), self._claim_seconds(), orjson.dumps(told)]
        args.append(oldest(self._active.policy.retention.decisions_days))
        for name, value in fields.items():
            args += (name, value)
        moved, *bar = self._move.call(keys, args)
        if not moved:
            raise refusal(*(text.decode() for text in bar))


def refusal(status: str, holder: str) -> Problem:
    """Why a review in this status, held by ``holder``, is moved by nobody else; without a status it is unknown."""
    if not status:
        return Problem("not_found", "No review has this id.")
    if status == "decided":
        return Problem("review_closed", "This review is decided; undo the decision, or label the account.")
    return Problem("review_held", f"{holder} holds this review.")


def _body(fields: Mapping[bytes, bytes], reasons: bytes | None) -> Review:
    found = {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items() if name != b"reasons"}

    def when(name: str) -> str | None:
        value = float(found.get(name) or 0)
        return rfc3339(value) if value else None

    return {
        "id": found["id"],
        "user_id": found["user_id"],
        "status": cast("ReviewStatus", found["status"]),
        "opened_at": rfc3339(float(found["opened_at"])),
        "risk_score": float(found["risk_score"]),
        "reasons": reasons_of(reasons),
        "reviewer": found.get("reviewer") or None,
        "claimed_at": when("claimed_at"),
        "escalated_by": found.get("escalated_by") or None,
        "escalation_reason": found.get("escalation_reason") or None,
        "decided_at": when("decided_at"),
        "decided_by": found.get("decided_by") or None,
        "decision": cast("ReviewTier | None", found.get("decision") or None),
        "label": cast("LabelName | None", found.get("label") or None),
        "apply_to": cast("ReviewScope | None", found.get("apply_to") or None),
        "reason": found.get("reason") or None,
        "question": found.get("question") or None,
        "asked_at": when("asked_at"),
        "waits_until": when("waits_until"),
    }
