"""Terms of an account: its plan, the caps a person set for it, and its volume as its owner's company tells it.

They are fields of the account (``plan``, ``caps``, ``daily_volume``), read in the same trip as its tier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Annotated

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from riskapi.budgets.limits import Counts
from riskapi.contract import Instant
from riskapi.policy import Policy
from riskapi.policy.tables import PLAN_NAME, Caps
from riskapi.store import damaged
from riskapi.times import rfc3339
from signals.records import record

#: Fields of the account that :func:`read` takes, in this order.
FIELDS = ("plan", "caps", "daily_volume")
_NAME = re.compile(PLAN_NAME.removesuffix("$") + r"\Z")


class OwnCapsView(Counts):
    """Caps that a person set for one account: why, who, when, and until when; for good where that is null."""

    reason: str
    author: str
    set_at: Instant
    expires_at: Instant | None


class Established(TypedDict):
    """Since when an account is an established customer, and what made it one."""

    since: Instant
    by: Annotated[str | None, Field(description="`import`, `plan`, `payment` or `mail`.")]


class TermsView(TypedDict):
    """What an account's page shows of its terms. ``caps`` are those that a person set for it, while they hold."""

    plan: str | None
    caps: OwnCapsView | None
    established: Established | None


@record
class OwnCaps:
    """Caps that a person set for one account, why, who and when; ``expires_at`` is None where they hold for good.

    Times are Unix times.
    """

    caps: Caps
    reason: str
    author: str
    set_at: float
    expires_at: float | None

    def json(self) -> bytes:
        """As the account keeps them."""
        said = {"reason": self.reason, "author": self.author, "set_at": self.set_at, "expires_at": self.expires_at}
        return orjson.dumps({**self.caps.model_dump(), **said})

    def view(self) -> OwnCapsView:
        """As answers show them."""
        return {
            "hourly": self.caps.hourly,
            "daily": self.caps.daily,
            "monthly": self.caps.monthly,
            "reason": self.reason,
            "author": self.author,
            "set_at": rfc3339(self.set_at),
            "expires_at": None if self.expires_at is None else rfc3339(self.expires_at),
        }


@record
class Terms:
    """What an account has of its own. ``daily_volume`` are the recipients of a usual day before it came, 0: unknown."""

    plan: str | None = None
    caps: OwnCaps | None = None
    daily_volume: int = 0

    def caps_at(self, now: float) -> OwnCaps | None:
        """The caps of its own that hold at Unix time ``now``; from their expiry on there are none."""
        caps = self.caps
        return None if caps is None or (caps.expires_at is not None and caps.expires_at <= now) else caps


#: The terms of an account that has none of its own.
NONE = Terms()


def plan_name(text: str | None) -> str | None:
    """What a caller calls a plan, as policies name it: without white space around it and in lower case.

    None for nothing, and for what no policy can name.
    """
    name = "" if text is None else text.strip().casefold()
    return name if _NAME.match(name) else None


def is_paid(plan: str | None, policy: Policy) -> bool:
    """Whether whoever is on this plan is an established customer."""
    found = policy.plans.get(plan or "")
    return found is not None and found.paid


@lru_cache(maxsize=256)  # signups name few plans
def told(plan: str | None) -> Terms:
    """The terms of an account whose signup called its plan so."""
    name = plan_name(plan)
    return NONE if name is None else Terms(name)


def signed_up(own: Terms, policy: Policy, at: float) -> dict[str, str]:
    """What an account keeps of the terms that its signup at Unix time ``at`` told, as fields of the account."""
    if own.plan is None:
        return {}
    paid = {"established": repr(at), "established_by": "plan"} if is_paid(own.plan, policy) else {}
    return {"plan": own.plan, **paid}


def read(values: Sequence[bytes | None]) -> Terms:
    """The terms in the values of :data:`FIELDS`."""
    plan, caps, volume = values
    if not plan and not caps and not volume:
        return NONE
    own = damaged.read("caps", "?", partial(_own, caps), None) if caps else None
    return Terms(plan.decode() if plan else None, own, damaged.read("caps", "?", lambda: int(volume or 0), 0))


def of(fields: Mapping[str, bytes]) -> Terms:
    """The terms in the fields of an account."""
    return read([fields.get(name) for name in FIELDS])


def view(fields: Mapping[str, bytes], now: float) -> TermsView:
    """What an account's page shows of its terms at Unix time ``now``, and since when it is an established customer."""
    found = of(fields)
    caps, since = found.caps_at(now), fields.get("established")
    by = fields.get("established_by", b"").decode() or None
    return {
        "plan": found.plan,
        "caps": None if caps is None else caps.view(),
        "established": None if since is None else {"since": rfc3339(float(since)), "by": by},
    }


def _own(stored: bytes) -> OwnCaps:
    found = orjson.loads(stored)
    caps = Caps(hourly=found["hourly"], daily=found["daily"], monthly=found["monthly"])
    return OwnCaps(caps, found["reason"], found["author"], found["set_at"], found["expires_at"])
