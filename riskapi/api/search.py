"""``/v1/search``: accounts by anything they have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from riskapi.api.routes import Call, Reply, Route
from riskapi.inputs.visitor_values import LONGEST
from riskapi.search.meanings import SearchKind
from riskapi.search.results import SearchAnswer
from riskapi.search.search import MOST


class SearchQuery(BaseModel):
    """What to search for, read as ``kind`` where it can be. ``cursor`` is the ``next_cursor`` of the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]
    kind: SearchKind | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = MOST
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None


def search(call: Call[SearchQuery]) -> Reply:
    """Search."""
    query = call.body
    return Reply(call.parts.search.find(query.q, query.kind, call.now, cursor=query.cursor, most=query.limit))


ROUTES = (
    Route(
        method="GET",
        path="/v1/search",
        handler=search,
        summary="Find accounts by anything they have",
        tag="Reviews",
        description=(
            "A mailbox, name, mail domain, phone number, address or network, AS, device, means of payment, "
            "fingerprint, referrer, linked domain, fingerprint of a content, user or cluster. `read_as` says how the "
            "text was read and `others` how else it can be; `kind` chooses. `shared` is what the accounts have "
            "besides: each `thing` can be searched for in turn. A thing remembers its newest 2,000 to 2,100 accounts. "
            "Names are looked for among the newest accounts and in mail addresses: `complete` is false then."
        ),
        scopes=("reviews",),
        query=SearchQuery,
        response=SearchAnswer,
    ),
)
