"""``/v1/policy``: the policy in force, its versions, and how another one comes into force."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from werkzeug.http import parse_etags

from riskapi.api.bodies import ChangesQuery, PolicyBody, RollbackBody, VersionsQuery
from riskapi.api.routes import Call, Reply, Route
from riskapi.errors import ConfigurationError, Problem
from riskapi.policy import DEFAULT
from riskapi.policy.deciding_processes import PolicyWorkers
from riskapi.policy.proposals import PolicyProposal, StoredProposal
from riskapi.policy.versions import PolicyChanges, PolicyPage, PolicyVersion, Publication, Version
from riskapi.times import rfc3339

#: Characters of a reason that repeats what it found; a policy may hold a value of a mebibyte.
_MOST_REASON = 500


def show(call: Call[None]) -> Reply:
    """The policy in force."""
    return tagged(call.parts.policies.show())


def publish(call: Call[PolicyBody]) -> Reply:
    """Put a policy into force, if the one in force is the one the change was made from."""
    given = call.environ.get("HTTP_IF_MATCH", "").strip()
    if not given:
        raise Problem("precondition_required", "Send If-Match with the ETag of GET /v1/policy.")
    # RFC 9110, section 13.1.1, with one exception: a weak tag counts as well. A proxy that compresses an answer
    # weakens its tag, and the number in it names the version all the same.
    tags = parse_etags(given)
    body = call.body
    publication = Publication(
        note=body.note, author=call.principal.name, at=rfc3339(call.now), simulation_id=body.simulation_id
    )
    try:
        simulated: int | None = None
        if body.simulation_id is not None:
            simulated = call.parts.policies.live().version
            call.parts.policy.runs.fits(body.simulation_id, call.parts.publisher.checked(body.policy), simulated)
        made = call.parts.policy.proposals.submit(
            body.policy,
            publication,
            lambda number: simulated in (None, number) and (tags.star_tag or tags.contains_weak(str(number))),
        )
    except ConfigurationError as error:
        raise pointed(error, body.policy) from None
    return _made(made)


def list_page(call: Call[VersionsQuery]) -> Reply:
    """A page of the versions."""
    return Reply(call.parts.policies.page(call.body.limit, call.body.cursor))


def show_version(call: Call[None]) -> Reply:
    """One version."""
    return tagged(call.parts.policies.show(int(call.path["version"])))


def compare(call: Call[ChangesQuery]) -> Reply:
    """What is different in a version from another."""
    return Reply(call.parts.policies.compare(int(call.path["version"]), call.body.since))


def rollback(call: Call[RollbackBody]) -> Reply:
    """Put what an earlier version says into force again."""
    number = call.body.version
    note = call.body.note or f"Back to version {number}"
    publication = Publication(note=note, author=call.principal.name, at=rfc3339(call.now))
    try:
        made = call.parts.policy.proposals.restore(number, publication)
    except ConfigurationError as error:
        raise _invalid("/version", error, f"{error.where}: {error.key}: ") from None
    return _made(made)


def show_workers(call: Call[None]) -> Reply:
    """Which worker runs which version."""
    return Reply(call.parts.policy.workers())


def _made(found: Version | StoredProposal) -> Reply:
    """What became of a policy: it is in force, or waits for a second person."""
    return tagged(found.body(live=True)) if isinstance(found, Version) else Reply(found.view(), 202)


def pointed(error: ConfigurationError, given: Mapping[str, Any]) -> Problem:
    """What is wrong with a policy that was given under ``/policy``, and where."""
    return _invalid("/policy" + pointer(error.key, given), error)


def tagged(found: PolicyVersion) -> Reply:
    """A version with its number as ``ETag``."""
    return Reply(found, headers={"ETag": f'"{found["version"]}"'})


def _invalid(where: str, error: ConfigurationError, before: str = "") -> Problem:
    detail = before + error.reason
    cut = detail if len(detail) <= _MOST_REASON else f"{detail[:_MOST_REASON]}…"
    return Problem("invalid", f"1 error, at {where}.", [{"pointer": where, "code": error.code, "detail": cut}])


def pointer(key: str, table: Any) -> str:
    """A JSON pointer (RFC 6901) for a key as errors name it (``tiers.allow.steps[0].days``) in what was given."""
    if not key:
        return ""
    for name in table if isinstance(table, Mapping) else ():
        rest = key.removeprefix(name)
        if key.startswith(name) and rest[:1] in ("", ".", "["):
            return f"/{_escaped(name)}{pointer(rest.removeprefix('.'), table[name])}"
    number, _, rest = key.removeprefix("[").partition("]")
    if key.startswith("[") and isinstance(table, list) and number.isdecimal() and int(number) < len(table):
        return f"/{number}{pointer(rest.removeprefix('.'), table[int(number)])}"
    # What is missing; a fault of the whole is said of "file".
    return "" if key == "file" else "".join(f"/{_escaped(name)}" for name in key.split("."))


def _escaped(name: str) -> str:
    return name[:200].replace("~", "~0").replace("/", "~1")


ROUTES = (
    Route(
        method="GET",
        path="/v1/policy",
        handler=show,
        summary="The policy in force",
        tag="Policy",
        description="Where a worker has the setting `RISKAPI_MODEL_MODE`, that overrides `model.mode`.",
        scopes=("policy",),
        response=PolicyVersion,
        tagged=True,
    ),
    Route(
        method="PUT",
        path="/v1/policy",
        handler=publish,
        audited="policy published",
        summary="Put another policy into force",
        tag="Policy",
        description=(
            "The whole policy, checked as at the start; a fault is `invalid` with its place, and changes nothing. It "
            "gets the next number, is kept for ever and decides on every worker within a second. When several people "
            "changed the same version, one gets through, the others get `precondition_failed`. The author is the key's "
            "name. With `simulation_id` only what was simulated is published, over the version it was compared with; "
            "else it is `simulation_unfit`. Where `publishing.loosening_needs_second` is on, a policy that loosens "
            "anything waits for a second person: 202."
        ),
        scopes=("policy",),
        body=PolicyBody,
        example={"policy": tomllib.loads(DEFAULT.read_text()), "note": "Twice as many for new customers"},
        response=PolicyVersion,
        others={202: PolicyProposal},
        problems=("simulation_unfit",),
        tagged=True,
        conditional=True,
    ),
    Route(
        method="GET",
        path="/v1/policy/workers",
        handler=show_workers,
        summary="Which worker decides by which version",
        tag="Policy",
        description="The processes of all hosts, heard of within 15 seconds. They say at once what they take up.",
        scopes=("policy",),
        response=PolicyWorkers,
    ),
    Route(
        method="GET",
        path="/v1/policy/versions",
        handler=list_page,
        summary="List the versions, newest first",
        tag="Policy",
        scopes=("policy",),
        query=VersionsQuery,
        response=PolicyPage,
    ),
    Route(
        method="GET",
        path="/v1/policy/versions/{version}",
        handler=show_version,
        summary="One version",
        tag="Policy",
        scopes=("policy",),
        response=PolicyVersion,
        problems=("not_found",),
        tagged=True,
    ),
    Route(
        method="GET",
        path="/v1/policy/versions/{version}/changes",
        handler=compare,
        summary="What is different in a version",
        tag="Policy",
        scopes=("policy",),
        query=ChangesQuery,
        response=PolicyChanges,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/policy/rollback",
        handler=rollback,
        audited="policy rolled back",
        summary="Bring back an earlier version",
        tag="Policy",
        description=(
            "What it says comes into force as a new version; one that would not be taken today is `invalid`. One that "
            "loosens anything may wait for a second person, as with `PUT`."
        ),
        scopes=("policy",),
        body=RollbackBody,
        example={"version": 1, "note": "Too many reviews"},
        response=PolicyVersion,
        others={202: PolicyProposal},
        problems=("not_found",),
        idempotent=True,
        tagged=True,
    ),
)
