"""A grant of recipients: what is asked for, what comes of it, and how a grant is kept and answered.

:class:`Grant` is the answer of HTTP, which the policy server reads too. :class:`StoredGrant` is what the store says. It
also has what no caller is told: news for reviewers and neighbours, and when it was. It is kept under its reservation
and its Idempotency-Key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import orjson
from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes that of typing from Python 3.12 on

from riskapi.budgets.caps import Allowed, Usage
from riskapi.budgets.limits import Counts
from riskapi.contract import Tier
from signals.records import record

#: What denies a grant whatever the caps leave.
DeniedBy = Literal["list_link_domain", "paused"]
#: What denies a grant, by the number the script gives it.
LIMITS = (
    None,
    "account_hourly",
    "account_daily",
    "account_monthly",
    "cluster_hourly",
    "cluster_daily",
    "cluster_monthly",
    "account_hold",
    "outage",
    "list_link_domain",
    "paused",
)


class Grant(TypedDict):
    """What was granted. ``denied_by`` is the limit that denied the rest; of several, the one that does so longest.

    ``retry_after`` are the seconds after which it does so no more: as many as were denied are granted then, or as many
    of them as the caps ever grant at once, if nobody else takes them; null where that is never, or unknown. It is later
    where asking sooner would be a sudden jump.
    """

    reservation_id: str
    granted: Annotated[int, Field(ge=0)]
    denied: Annotated[int, Field(ge=0)]
    denied_by: str | None
    retry_after: Annotated[int, Field(ge=1)] | None
    tier: Tier
    remaining: Counts
    largest: Annotated[int, Field(ge=0)] | None


def least(left: Counts) -> int:
    """The recipients that may be written to now: the least of the three windows."""
    return min(left["hourly"], left["daily"], left["monthly"])


class Unrecorded(NamedTuple):
    """Recipients granted while the store was away and not recorded yet: to the account, and to anybody."""

    account: int = 0
    anybody: int = 0


@record
class GrantRequest:
    """One request for a grant.

    ``repeat`` is the SHA-256 of what its Idempotency-Key stands for, where it has one, ``digest`` that of its body.
    """

    user_id: str
    recipients: int
    partial: bool
    reservation_id: str
    digest: str
    repeat: str | None = None


@record
class GrantBasis:
    """What a grant rests on, as it was read: tier and ``revision`` of the account, what was used, what is allowed, and
    what of it is ``unrecorded`` yet.

    ``hit`` is the event of an entry of a list that names what the message links to; it is written once a grant, in the
    same step. ``denied_by`` is why nothing is granted, whatever the caps leave, and until Unix time ``denied_until``
    where that is known. ``tells``: the stream is told of a cap that denied recipients, once a window, and of a hold
    that began.
    """

    tier: Tier
    revision: int
    usage: Usage
    allowed: Allowed
    unrecorded: Unrecorded = Unrecorded()
    hit: bytes = b""
    denied_by: DeniedBy | None = None
    denied_until: float | None = None
    tells: bool = True


@record
class StoredGrant:
    """A grant. ``retry_after`` in seconds, None where nothing was denied or it would never be granted.

    ``near``, ``out`` and ``held`` are true where it is news that the account came near a cap, was denied, or jumped.
    ``at`` is a Unix time. ``largest`` are the most recipients it can ever be granted at once
    (:func:`riskapi.budgets.caps.largest`).
    """

    reservation_id: str
    granted: int
    denied_by: str | None
    retry_after: int | None
    remaining: Counts
    near: bool
    out: bool
    held: bool
    at: float
    tier: Tier
    largest: int | None

    def answer(self, wanted: int) -> Grant:
        """What a caller is told who wanted so many recipients."""
        return {
            "reservation_id": self.reservation_id,
            "granted": self.granted,
            "denied": wanted - self.granted,
            "denied_by": self.denied_by,
            "retry_after": self.retry_after,
            "tier": self.tier,
            "remaining": self.remaining,
            "largest": self.largest,
        }

    def kept(self) -> str:
        """As the store keeps it: the answer of ``store/lua/budget_grant.lua``, where the form is described."""
        return compact(
            {
                "reservation_id": self.reservation_id,
                "granted": self.granted,
                "limit": LIMITS.index(self.denied_by),
                "retry_after": self.retry_after,
                "remaining": [self.remaining["hourly"], self.remaining["daily"], self.remaining["monthly"]],
                "near": self.near,
                "out": self.out,
                "held": self.held,
                "at": repr(self.at),
                "tier": self.tier,
                "largest": self.largest,
            }
        ).decode()


def stored(kept: bytes) -> StoredGrant:
    """The grant that :meth:`StoredGrant.kept` or ``budget_grant.lua`` wrote so."""
    found = orjson.loads(kept)
    hourly, daily, monthly = found["remaining"]
    return StoredGrant(
        reservation_id=found["reservation_id"],
        granted=found["granted"],
        denied_by=LIMITS[found["limit"]],
        retry_after=found.get("retry_after"),
        remaining={"hourly": hourly, "daily": daily, "monthly": monthly},
        near=found["near"],
        out=found["out"],
        held=found["held"],
        at=float(found["at"]),
        tier=found["tier"],
        largest=found.get("largest"),
    )


@record
class LocalGrant:
    """A grant made while the store was away, at Unix time ``at``; ``left`` is what it said would remain."""

    user_id: str
    reservation_id: str
    granted: int
    denied: int
    left: int
    tier: Tier
    digest: str
    repeat: str | None
    at: float

    def stored(self) -> StoredGrant:
        """The same as the store would have made it; what nobody could know is left out."""
        return StoredGrant(
            reservation_id=self.reservation_id,
            granted=self.granted,
            denied_by="outage" if self.denied else None,
            retry_after=None,
            remaining={"hourly": self.left, "daily": self.left, "monthly": self.left},
            near=False,
            out=False,
            held=False,
            at=self.at,
            tier=self.tier,
            largest=None,
        )


def compact(fields: Mapping[str, Any]) -> bytes:
    """Fields as JSON for a script, without those that are None: what cjson makes of null is true in Lua."""
    return orjson.dumps({name: value for name, value in fields.items() if value is not None})
