"""``/v1/feedback/unattributed`` and ``/v1/feedback/reports``: what has no account, and reports as they came."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from riskapi.api.routes import Call, Reply, Route
from riskapi.contract import UserId
from riskapi.feedback.raw_reports import RawReport, ReportList
from riskapi.feedback.reports import Origin, Unattributed
from riskapi.feedback.unattributed import UnattributedPage


class UnattributedQuery(BaseModel):
    """Which unattributed reports to list. ``cursor`` is the ``next_cursor`` of the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Unattributed | None = None
    feed: Origin | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None


class ReportQuery(BaseModel):
    """The account whose reports to list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_id: UserId


def list_unattributed(call: Call[UnattributedQuery]) -> Reply:
    """A page of what has no account."""
    body = call.body
    return Reply(
        call.parts.intake.unattributed.page(body.limit, body.cursor, call.now, reason=body.reason, feed=body.feed)
    )


def list_reports(call: Call[ReportQuery]) -> Reply:
    """The reports about an account."""
    return Reply(call.parts.intake.kept.of_account(call.body.user_id))


def show_report(call: Call[None]) -> Reply:
    """One report, as it came."""
    return Reply(call.parts.intake.kept.get(call.path["report_id"]))


ROUTES = (
    Route(
        method="GET",
        path="/v1/feedback/unattributed",
        handler=list_unattributed,
        summary="List reports that have no account, newest first",
        tag="Feedback",
        description=(
            "Kept for 31 days, the newest 20,000 of each sort: deliveries, what only strangers say, JSON events, "
            "others. `reason`: `no_clue` (nothing names an account), `unknown_account` (what is named is "
            "not an account), `ambiguous` (two are named), `not_believed` (only a stranger says so), "
            "`not_understood`. A report is counted for its account as soon as its message id is told "
            "(`POST /v1/reservations/{reservation_id}/messages`), or the account that your own code "
            "named is known. `feed` is `json` for events of `POST /v1/feedback`."
        ),
        scopes=("feedback", "reviews"),
        query=UnattributedQuery,
        response=UnattributedPage,
    ),
    Route(
        method="GET",
        path="/v1/feedback/reports",
        handler=list_reports,
        summary="List the reports that are kept about an account",
        tag="Feedback",
        description="Bounces, complaints and blocks by mail or webhook, for `RISKAPI_FEEDBACK_REPORT_DAYS`.",
        scopes=("reviews", "privacy"),
        query=ReportQuery,
        response=ReportList,
    ),
    Route(
        method="GET",
        path="/v1/feedback/reports/{report_id}",
        handler=show_report,
        audited="report read",
        summary="One report as it came",
        tag="Feedback",
        description=(
            "The mail or the webhook's body, up to 256 KiB, kept encrypted for `RISKAPI_FEEDBACK_REPORT_DAYS`. It has "
            "addresses of recipients in it, so it takes a key with the scope `privacy`."
        ),
        scopes=("privacy",),
        response=RawReport,
        problems=("not_found",),
    ),
)
