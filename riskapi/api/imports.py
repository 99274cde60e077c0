"""``/v1/accounts/import``: existing customers come in."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

import orjson
from pydantic import Field
from pydantic_core import to_json
from typing_extensions import TypedDict

from riskapi.api.bodies import StrictBody
from riskapi.api.routes import LINES, Call, Raw, Reply, Route
from riskapi.contract import Count
from riskapi.errors import Problem
from riskapi.inputs.customers import Customer
from riskapi.inputs.json_lines import Rejected, Row, lines

_EXAMPLE = {
    "account": {"user_id": "u_77", "name": "Ana Ruiz", "organization": "Ruiz Ceramics"},
    "email": {"address": "ana@ruiz.example"},
    "phone": {"number": "+34600123123"},
    "created_at": "2023-04-01T09:30:00Z",
    "plan": "pro",
    "verified": ["email", "phone"],
    "daily_volume": 800,
}


class ImportBody(StrictBody):
    """Accounts to import. What is not an account is left as it is, for the answer to say so without failing the
    others.
    """

    accounts: Annotated[list[Annotated[Customer | Any, Field(union_mode="left_to_right")]], Field(min_length=1)]


class RejectedAccount(TypedDict):
    """An account that was not imported: its place in `accounts` or its line, where it is wrong, and what is."""

    index: NotRequired[Count]
    line: NotRequired[Annotated[int, Field(ge=1)]]
    pointer: str
    code: str
    detail: str


class Imported(TypedDict):
    """What became of the accounts; the numbers add up to what was sent. Those `existing` were left as they are."""

    imported: Count
    existing: Count
    rejected: list[RejectedAccount]


def take(call: Call[ImportBody | Raw]) -> Reply:
    """Import the accounts that can be read; the others are listed with what is wrong about them."""
    body = call.body
    if isinstance(body, Raw):
        rows = list(lines(body.content.splitlines()))
        if not rows:
            raise Problem("invalid", "There is no line.", [{"pointer": "", "code": "too_short", "detail": "is empty"}])
    else:
        rows = [Row(number, to_json(given)) for number, given in enumerate(body.accounts)]
    found = call.parts.imports.take(rows, call.principal.name, call.now)
    call.parts.metrics.imported(found.imported, found.existing, len(found.rejected))
    rejected = [_rejected(each, by_line=isinstance(body, Raw)) for each in found.rejected]
    answer: Imported = {"imported": found.imported, "existing": found.existing, "rejected": rejected}
    return Reply(answer)


def _rejected(record: Rejected, *, by_line: bool) -> RejectedAccount:
    fault: RejectedAccount = {"pointer": record.pointer, "code": record.code, "detail": record.detail}
    return {"line": record.number, **fault} if by_line else {"index": record.number, **fault}


ROUTES = (
    Route(
        method="POST",
        path="/v1/accounts/import",
        handler=take,
        audited="accounts imported",
        summary="Bring existing customers in",
        tag="Accounts",
        description=(
            "As JSON lines (`application/x-ndjson`, an account a line) or as `accounts`. An account is the body of a "
            "signup with `created_at` (when it signed up), and, where you know them, `plan`, `verified` (what the "
            "customer confirmed) and `daily_volume` (recipients of a usual day, the largest of a month where days "
            "differ). It is recorded as an established customer in the tier `allow`; nothing is decided, no review is "
            "opened, no webhook called. An account that is known already is left as it is, so that the same can be "
            "sent again. One that cannot be read is `rejected` with its place and stops none of the others. Lists "
            "count from the next time the account is decided."
        ),
        scopes=("admin",),
        body=ImportBody,
        raw={LINES: orjson.dumps(_EXAMPLE).decode() + "\n"},
        example={"accounts": [_EXAMPLE]},
        response=Imported,
        idempotent=True,
    ),
)
