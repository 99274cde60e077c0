"""``/v1/policy/proposals``: policies that wait for a second person."""

from __future__ import annotations

from riskapi.api.bodies import NothingBody
from riskapi.api.policy import pointed, tagged
from riskapi.api.routes import Call, Reply, Route
from riskapi.errors import ConfigurationError
from riskapi.policy.proposals import PolicyProposal, PolicyProposals
from riskapi.policy.versions import PolicyVersion


def list_all(call: Call[None]) -> Reply:
    """What waits."""
    return Reply({"proposals": [each.view() for each in call.parts.policy.proposals.waiting(call.now)]})


def approve(call: Call[NothingBody]) -> Reply:
    """Put a proposal into force."""
    try:
        made = call.parts.policy.proposals.approve(call.path["proposal_id"], call.principal.name, call.now)
    except ConfigurationError as error:
        raise pointed(error, {}) from None
    return tagged(made.body(live=True))


def withdraw(call: Call[None]) -> Reply:
    """Take a proposal away."""
    return Reply(call.parts.policy.proposals.withdraw(call.path["proposal_id"], call.now).view())


ROUTES = (
    Route(
        method="GET",
        path="/v1/policy/proposals",
        handler=list_all,
        summary="List policies that wait for a second person",
        tag="Policy",
        scopes=("policy",),
        response=PolicyProposals,
    ),
    Route(
        method="POST",
        path="/v1/policy/proposals/{proposal_id}/approve",
        handler=approve,
        audited="policy approved",
        summary="Approve a policy as a second person",
        tag="Policy",
        description=(
            "It comes into force as a new version, whose author is who proposed it and whose `approved_by` is the "
            "key's name. `same_person` for the proposer, `precondition_failed` where another version came into "
            "force since, or somebody else decides about it just now."
        ),
        scopes=("policy",),
        body=NothingBody,
        optional_body=True,
        response=PolicyVersion,
        problems=("not_found", "same_person", "precondition_failed"),
        idempotent=True,
        tagged=True,
    ),
    Route(
        method="DELETE",
        path="/v1/policy/proposals/{proposal_id}",
        handler=withdraw,
        audited="policy withdrawn",
        summary="Withdraw or turn down a policy that waits",
        tag="Policy",
        scopes=("policy",),
        response=PolicyProposal,
        problems=("not_found", "precondition_failed"),
    ),
)
