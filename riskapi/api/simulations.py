"""``/v1/policy/simulations`` and ``/v1/policy/suggestions``: a policy is tried, or proposed, before it is published."""

from __future__ import annotations

import tomllib
from typing import Annotated, Any

from pydantic import Field

from riskapi.api.bodies import StrictBody
from riskapi.api.policy import pointed
from riskapi.api.routes import Call, Reply, Route
from riskapi.contract import Time
from riskapi.errors import ConfigurationError
from riskapi.policy import DEFAULT
from riskapi.simulations.runs import Kind, Run, Simulation, SimulationState, Suggestion, SuggestionState


class SimulationBody(StrictBody):
    """The policy to try, on signups since when; by default those of the last seven days."""

    policy: Annotated[
        dict[str, Any],
        Field(description="As `GET /v1/policy` answers it; its `version` does not matter. Checked as at the start."),
    ]
    since: Time | None = None


class SuggestionBody(StrictBody):
    """The budget: reviews a day at most, and the share of labelled legitimate accounts that may be limited."""

    reviews_per_day: Annotated[float, Field(ge=0, le=10**6, allow_inf_nan=False)]
    legitimate_limited: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.01
    since: Time | None = None


def simulate(call: Call[SimulationBody]) -> Reply:
    """Try a policy on recorded signups."""
    runs, body = call.parts.policy.runs, call.body
    try:
        run = runs.simulation(body.policy, _since(body.since), call.principal.name, call.now)
    except ConfigurationError as error:
        raise pointed(error, body.policy) from None
    return _started(call, run)


def suggest(call: Call[SuggestionBody]) -> Reply:
    """Propose thresholds for a budget."""
    body = call.body
    asked = {"reviews_per_day": body.reviews_per_day, "legitimate_limited": body.legitimate_limited}
    run = call.parts.policy.runs.suggestion(asked, _since(body.since), call.principal.name, call.now)  # type: ignore[arg-type]
    return _started(call, run)


def show_simulation(call: Call[None]) -> Reply:
    """A simulation, or how far it has come."""
    return _shown(call, "simulation")


def show_suggestion(call: Call[None]) -> Reply:
    """A suggestion, or how far it has come."""
    return _shown(call, "suggestion")


def _since(time: Any) -> float | None:
    return None if time is None else float(time.timestamp())


def _started(call: Call[Any], run: Run) -> Reply:
    found = call.parts.policy.runs.start(run)
    return Reply(found, 200 if found["status"] == "done" else 202)


def _shown(call: Call[None], kind: Kind) -> Reply:
    found = call.parts.policy.runs.get(kind, call.path[f"{kind}_id"])
    return Reply(found, 200 if found["status"] == "done" else 202)


_LATER = (
    "What takes longer than two seconds goes on beside requests: the answer is 202, and `GET` tells how far it has "
    "come. It is kept for a week."
)

ROUTES = (
    Route(
        method="POST",
        path="/v1/policy/simulations",
        handler=simulate,
        summary="Try a policy on recorded signups",
        tag="Policy",
        description=(
            "The signups since a time are decided anew, on the readings they were recorded with, by the policy in "
            "force and by the one given. The answer says who would move, why, and what that would cost; nothing is "
            f"changed. At most 20,000 signups, the newest; `foundation` says what the figures rest on. {_LATER}"
        ),
        scopes=("policy",),
        body=SimulationBody,
        example={"policy": tomllib.loads(DEFAULT.read_text())},
        response=Simulation,
        others={202: SimulationState},
        problems=("run_failed", "not_found"),
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/v1/policy/simulations/{simulation_id}",
        handler=show_simulation,
        summary="What a simulation found",
        tag="Policy",
        scopes=("policy",),
        response=Simulation,
        others={202: SimulationState},
        problems=("not_found", "run_failed"),
    ),
    Route(
        method="POST",
        path="/v1/policy/suggestions",
        handler=suggest,
        summary="Have thresholds proposed for a budget",
        tag="Policy",
        description=(
            "From the signups since a time and their labels: the lowest thresholds that keep to the reviews there may "
            "be a day and to the share of labelled legitimate accounts that may be limited. `policy` is the policy in "
            f"force with them, to be simulated and published; nothing is applied by itself. {_LATER}"
        ),
        scopes=("policy",),
        body=SuggestionBody,
        example={"reviews_per_day": 40, "legitimate_limited": 0.01},
        response=Suggestion,
        others={202: SuggestionState},
        problems=("run_failed", "not_found"),
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/v1/policy/suggestions/{suggestion_id}",
        handler=show_suggestion,
        summary="What a suggestion came to",
        tag="Policy",
        scopes=("policy",),
        response=Suggestion,
        others={202: SuggestionState},
        problems=("not_found", "run_failed"),
    ),
)
