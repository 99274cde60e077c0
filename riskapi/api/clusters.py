"""``/v1/clusters/{cluster_id}``: why accounts belong together, and a reviewer's word that they do not."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints, model_validator

from riskapi.accounts.cuts import Cut, WrittenCut
from riskapi.api.bodies import NothingBody, Reason, StrictBody
from riskapi.api.routes import Call, Reply, Route
from riskapi.clusters.memberships import Cluster
from riskapi.contract import UserId


class CutBody(StrictBody):
    """What to take out: one account with all that binds it, or one thing that is to bind nobody (`edge`)."""

    user_id: UserId | None = None
    edge: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]:[A-Za-z0-9_-]{16}$")] | None = None
    reason: Reason

    @model_validator(mode="after")
    def one(self) -> CutBody:
        """Exactly one of the two is named."""
        if (self.user_id is None) == (self.edge is None):
            raise ValueError("name either user_id or edge")
        return self


def show(call: Call[None]) -> Reply:
    """A cluster as the list of its edges."""
    return Reply(call.parts.clusters.view(call.path["cluster_id"], call.now))


def cut(call: Call[CutBody]) -> Reply:
    """Cut an account or a thing out of a cluster, for good."""
    body = call.body
    found = call.parts.cuts.cut(
        call.path["cluster_id"], body.user_id, body.edge, body.reason, call.principal.name, call.now
    )
    return Reply(found)


def show_cut(call: Call[None]) -> Reply:
    """A cut as it was written down."""
    return Reply(call.parts.cuts.get(call.path["cut_id"]))


def undo(call: Call[NothingBody]) -> Reply:
    """Take a cut back."""
    return Reply(call.parts.cuts.undo(call.path["cut_id"], call.principal.name, call.now))


ROUTES = (
    Route(
        method="GET",
        path="/v1/clusters/{cluster_id}",
        handler=show,
        summary="Why accounts belong together",
        tag="Clusters",
        scopes=("reviews",),
        response=Cluster,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/clusters/{cluster_id}/cut",
        handler=cut,
        audited="link cut",
        summary="Say that accounts do not belong together",
        tag="Clusters",
        description=(
            "What only the cut bound leaves the cluster and takes along what it spent. A cut lasts: the account is "
            "not bound by these things again, or the thing binds nobody again."
        ),
        scopes=("reviews",),
        body=CutBody,
        example={"user_id": "u_1001", "reason": "a customer on a shared test phone"},
        response=Cut,
        problems=("not_found",),
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/v1/cuts/{cut_id}",
        handler=show_cut,
        summary="One cut",
        tag="Clusters",
        scopes=("reviews",),
        response=WrittenCut,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/cuts/{cut_id}/undo",
        handler=undo,
        audited="cut undone",
        summary="Take a cut back",
        tag="Clusters",
        description="Accounts that share the things may be bound by them again, from the next look on.",
        scopes=("reviews",),
        body=NothingBody,
        optional_body=True,
        response=WrittenCut,
        problems=("not_found",),
        idempotent=True,
    ),
)
