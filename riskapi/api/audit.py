"""``/v1/audit``: what people and rules did."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from riskapi.access.audit_log import PLACE, AuditNote, Wanted
from riskapi.api.routes import Call, Reply, Route
from riskapi.contract import Time
from riskapi.store.pages import cursor_of, position

_Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class AuditQuery(BaseModel):
    """Which notes to list: of one actor, one action, one subject, from `since` and before `until`.

    ``cursor`` is the ``next_cursor`` of the page before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: _Word | None = None
    action: _Word | None = None
    subject: _Word | None = None
    since: Time | None = None
    until: Time | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None


class AuditPage(TypedDict):
    """A page of notes, newest first. With filters a page may be short, or empty, and still have a next."""

    notes: list[AuditNote]
    next_cursor: str | None


def list_page(call: Call[AuditQuery]) -> Reply:
    """A page of the notes."""
    body = call.body
    wanted = Wanted(
        actor=body.actor,
        action=body.action,
        subject=body.subject,
        since=None if body.since is None else body.since.timestamp(),
        until=None if body.until is None else body.until.timestamp(),
    )
    after = None if body.cursor is None else position(body.cursor, PLACE)
    found = call.parts.audit.page(wanted, body.limit, after)
    page: AuditPage = {
        "notes": [note.view() for note in found.notes],
        "next_cursor": None if found.after is None else cursor_of(found.after.encode()),
    }
    return Reply(page)


ROUTES = (
    Route(
        method="GET",
        path="/v1/audit",
        handler=list_page,
        summary="What people, keys and rules did",
        tag="Audit",
        description=(
            "Newest first; the newest 100,000 are kept. Each note carries the hash of the one before: "
            "`python -m riskapi audit verify` says whether one was changed. No values of applicants are in it."
        ),
        scopes=("admin",),
        query=AuditQuery,
        response=AuditPage,
    ),
)
