"""``/v1/platform``: how the platform itself fares."""

from __future__ import annotations

from riskapi.api.routes import Call, Reply, Route
from riskapi.feedback.platform.monitor import PlatformView


def show(call: Call[None]) -> Reply:
    """What is watched, and which alarms there are."""
    return Reply(call.parts.monitor.view(call.now))


ROUTES = (
    Route(
        method="GET",
        path="/v1/platform",
        handler=show,
        summary="How the platform fares",
        tag="Feedback",
        description=(
            "Which receiving domains block how much of all mail, which DNS blocklists have your own senders, when each "
            "feed of feedback was heard of last, and which alarms there are. Levels are in `[feedback.platform]` of "
            "the policy; `threshold.crossed` tells of an alarm when it begins and when it ends. Domains are named once "
            "they get ten recipients in an hour."
        ),
        scopes=("feedback", "reviews", "admin"),
        response=PlatformView,
    ),
)
