"""``/healthz``, ``/readyz`` and ``/metrics``: what operators and their machines ask."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import Any, Literal

from typing_extensions import TypedDict

from riskapi.api.readiness_notes import NOTED
from riskapi.api.routes import Call, Reply, Route
from riskapi.enrichment.sources import DOUBTS
from riskapi.errors import Problem
from riskapi.metrics import MEDIA
from riskapi.store.faults import MINOR


class Health(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class Readiness(TypedDict):
    """Whether signups get full answers. ``checks`` says of each part ``ok`` or what is wrong: a word, a colon, why.

    ``dns``, ``rdap`` and ``blocklists`` are asked after the answer, which loses nothing where they are not believed.
    ``clock``, ``rows``, ``journal`` and ``platform`` say what a person should look at. None of these makes it unready.
    """

    ready: bool
    checks: dict[str, str]
    versions: dict[str, Any]
    replay: bool


def live(call: Call[None]) -> Reply:
    """The process answers; nothing else is asked."""
    answer: Health = {"status": "ok"}
    return Reply(answer)


def ready(call: Call[None]) -> Reply:
    """Whether signups get full answers."""
    checks = dict(call.parts.readiness())
    # What is asked after the answer, or wants a person, takes nothing from it: a balancer need not hear of it.
    told = DOUBTS.keys() | NOTED
    fine = all(_is_fine(found) for name, found in checks.items() if name not in told)
    versions = dict(call.parts.versions())
    body: Readiness = {"ready": fine, "checks": checks, "versions": versions, "replay": call.parts.replay}
    return Reply(body, 200 if fine else 503)


def _is_fine(found: str) -> bool:
    return found in ("ok", "off") or all(fault.partition(":")[0] in MINOR for fault in found.split("; "))


def measure(call: Call[None]) -> Reply:
    """What was counted, to loopback or with the token."""
    token = call.parts.metrics_token
    scheme, _, presented = call.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    shown = token is not None and hmac.compare_digest(presented.strip().encode(), token.encode())
    if not (shown and scheme.lower() == "bearer") and not _is_local(call):
        raise Problem("forbidden", "Metrics are for loopback, or for RISKAPI_METRICS_TOKEN as a bearer token.")
    return Reply(call.parts.metrics.render(), media=MEDIA)


def _is_local(call: Call[None]) -> bool:
    # A proxy on this machine is loopback, those it speaks for are not.
    if "HTTP_FORWARDED" in call.environ or "HTTP_X_FORWARDED_FOR" in call.environ:
        return False
    try:
        return ip_address(call.environ.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


ROUTES = (
    Route(
        method="GET",
        path="/healthz",
        handler=live,
        summary="Whether the process answers",
        tag="Operation",
        response=Health,
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=ready,
        summary="Whether signups get full answers",
        tag="Operation",
        description=(
            "503 while the store, the model or the data is away, or store or disk take no writes; `checks` says which "
            "and why (`away`, `loading`, `busy`, `full`, `read_only`, `disk`, `replicas`, `refused`, `data_disk`). A "
            "store that is only `slow` is ready. Signups are answered all the same, with the small budget of the "
            "policy's outage section: a balancer that should keep sending them must ask `/healthz`."
        ),
        response=Readiness,
        others={503: Readiness},
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=measure,
        summary="Counters for Prometheus",
        tag="Operation",
        description="For loopback callers, or with `RISKAPI_METRICS_TOKEN` as a bearer token.",
        media=MEDIA,
        problems=("forbidden",),
    ),
)
