"""``/v1/caps/hits``: who ran into caps."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from riskapi.api.routes import Call, Reply, Route
from riskapi.contract import Time
from riskapi.errors import invalid
from riskapi.sending.cap_hits import CapHits
from riskapi.times import DAY

#: How far back is looked by default, seconds.
_USUAL = 7 * DAY


class CapHitsQuery(BaseModel):
    """Since when, by default seven days ago, and how many accounts are named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Time | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


def show(call: Call[CapHitsQuery]) -> Reply:
    """Hits by tier, plan and cap, and the accounts with most."""
    since = call.now - _USUAL if call.body.since is None else call.body.since.timestamp()
    if since >= call.now:
        raise invalid("/since", "does not lie in the past")
    return Reply(call.parts.policy.cap_hits(since, call.now, call.body.limit))


ROUTES = (
    Route(
        method="GET",
        path="/v1/caps/hits",
        handler=show,
        summary="Who ran into caps, by tier and plan",
        tag="Policy",
        scopes=("policy", "reviews"),
        query=CapHitsQuery,
        response=CapHits,
    ),
)
