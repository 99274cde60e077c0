"""``/v1/lists/…/bulk``, ``/v1/lists/batches`` and exports: many entries at once, in, out, and back."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import to_json

from riskapi.api.bodies import StrictBody
from riskapi.api.routes import LINES, Call, Raw, Reply, Route
from riskapi.inputs.json_lines import Row
from riskapi.lists.batches import MOST, MOST_ROWS, Batch, Bulk
from riskapi.lists.entry_rows import Format, ListedRow, rows, written
from riskapi.lists.list_names import ListName
from riskapi.lists.matching import ListKind

#: RFC 4180, section 3.
CSV = "text/csv"
_FORMS: dict[str, Format] = {CSV: "csv", LINES: "jsonl"}
#: Entries of one export; the rest follow by cursor. Some 2 MB.
MOST_EXPORTED = 10_000
_ROW = {"kind": "email_domain", "value": "spam.example", "expires_at": "2999-01-01T00:00:00Z", "reason": "Phishing"}


class BulkBody(StrictBody):
    """Entries to put on a list. What is not an entry is left as it is, for the answer to say so without failing the
    others.

    `batch_id` adds them to a batch that is there, so that one undo takes all back; `replace` gives entries an end that
    never end; `dry_run` puts nothing.
    """

    entries: Annotated[
        list[Annotated[ListedRow | Any, Field(union_mode="left_to_right")]],
        Field(min_length=1, max_length=MOST_ROWS),
    ]
    batch_id: Annotated[str, StringConstraints(pattern=r"^lsb_[0-9a-f]{20}$")] | None = None
    replace: bool = False
    dry_run: bool = False


class ExportQuery(BaseModel):
    """What to write. ``cursor`` is the ``X-Next-Cursor`` of the export before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ListKind | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_EXPORTED)] = MOST_EXPORTED
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None


def take(call: Call[BulkBody | Raw]) -> Reply:
    """Put many entries on a list."""
    body, name = call.body, cast("ListName", call.path["list"])
    if isinstance(body, Raw):
        found, given = rows(body.content, _FORMS[body.media]), BulkBody.model_construct()
    else:
        found, given = (Row(number, to_json(each)) for number, each in enumerate(body.entries, 1)), body
    taken = call.parts.list_batches.take(
        name,
        found,
        author=call.principal.name,
        now=call.now,
        batch_id=given.batch_id,
        replace=given.replace,
        dry_run=given.dry_run,
    )
    for _ in range(taken.put + taken.replaced if not given.dry_run else 0):
        call.parts.metrics.list_change(name, "put")
    return Reply(taken.view())


def show(call: Call[None]) -> Reply:
    """One batch."""
    return Reply(call.parts.list_batches.get(call.path["batch_id"]))


def undo(call: Call[None]) -> Reply:
    """Undo a batch."""
    return Reply(call.parts.list_batches.undo(call.path["batch_id"], call.principal.name, call.now))


def export(call: Call[ExportQuery], media: str) -> Reply:
    """Entries of a list, as a file of this type."""
    query, name = call.body, cast("ListName", call.path["list"])
    entries, cursor = call.parts.lists.some(name, query.kind, query.limit, query.cursor, call.now)
    headers = {} if cursor is None else {"X-Next-Cursor": cursor}
    return Reply(b"".join(written(entries, _FORMS[media])), 200, media, headers)


def _export_route(ending: str, media: str, name: str) -> Route:
    return Route(
        method="GET",
        path=f"/v1/lists/{{list}}/export.{ending}",
        handler=partial(export, media=media),
        audited="list exported",
        summary=f"The entries of a list as {name}",
        tag="Lists",
        description=(
            f"Up to {MOST_EXPORTED:,} entries, newest first, in the columns that `bulk` takes; where there are more "
            "the header `X-Next-Cursor` has the cursor of the next ones. Entries without their value have none here "
            "either, and cannot be put again from it."
        ),
        scopes=("lists",),
        query=ExportQuery,
        media=media,
        problems=("not_found",),
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/lists/{list}/bulk",
        handler=take,
        audited="list batch put",
        summary="Put many entries on a list",
        tag="Lists",
        description=(
            "As CSV (`text/csv`, its first line names the columns: `kind` and `value`, and any of `expires_at`, "
            "`reason`, `silences_feedback`, `hashed`, `replace`, `list`), as JSON lines (`application/x-ndjson`, an "
            f"entry a line) or as `entries`; {MOST_ROWS:,} rows a request, {MOST:,} a batch. A row that cannot be "
            "read, or would end an entry that never ends without `replace`, is `rejected` with its line and stops "
            "none of the others. What is there already with the same content is `unchanged` and not part of the batch, "
            "so the same can be sent again. `DELETE /v1/lists/batches/{batch_id}` undoes all of it, for 30 days."
        ),
        scopes=("lists",),
        body=BulkBody,
        raw={
            LINES: to_json(_ROW).decode() + "\n",
            CSV: "kind,value,expires_at,reason\nemail_domain,spam.example,2999-01-01T00:00:00Z,Phishing\n",
        },
        example={"entries": [_ROW], "dry_run": True},
        response=Bulk,
        problems=("not_found", "batch_undone"),
        idempotent=True,
    ),
    _export_route("csv", CSV, "CSV"),
    _export_route("jsonl", LINES, "JSON lines"),
    Route(
        method="GET",
        path="/v1/lists/batches/{batch_id}",
        handler=show,
        summary="One batch of entries",
        tag="Lists",
        scopes=("lists",),
        response=Batch,
        problems=("not_found",),
    ),
    Route(
        method="DELETE",
        path="/v1/lists/batches/{batch_id}",
        handler=undo,
        audited="list batch undone",
        summary="Undo a batch of entries",
        tag="Lists",
        description=(
            "Entries it put are gone, entries it replaced are what they were; what somebody wrote anew or removed "
            "since stays so. From now on the batch puts nothing more. Asked again, it finishes what was cut off."
        ),
        scopes=("lists",),
        response=Batch,
        problems=("not_found",),
    ),
)
