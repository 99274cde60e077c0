"""``/v1/lists``: what people want allowed, denied or watched, whatever model and rules say of it."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from riskapi.api.routes import Call, Reply, Route
from riskapi.lists.entries import ListEntry, StoredEntry
from riskapi.lists.entry_rows import EntryRow
from riskapi.lists.list_names import ListName
from riskapi.lists.lists import ListPage, StaleReport, WouldMatch
from riskapi.lists.matching import ListKind


class EntryBody(EntryRow):
    """What to put on the list. The author is the key's name.

    An `email` is one address, a `mailbox` all addresses of it; domains name those below them too. With
    `silences_feedback`, on the allow list only, complaints and bounces do not cost the account its steps. `hashed`
    keeps a keyed HMAC in place of the value: of a mailbox, phone, device, payment or registrable mail domain.
    `replace` lets an entry with `expires_at` stand in place of one that never ends. `dry_run` saves nothing and tells
    what it would match.
    """

    dry_run: bool = False


class ListQuery(BaseModel):
    """Which entries of a list to show. ``cursor`` is the ``next_cursor`` of the page before.

    ``value`` shows those that match it, the most specific first, on one page: an address those of the networks it is
    in, a mail address those of its mailbox and the domains above it, a number those of its prefixes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ListKind | None = None
    value: Annotated[str, StringConstraints(min_length=1, max_length=2048)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None


class ValueQuery(BaseModel):
    """The value of the entry, as it was put or in another spelling; others that match it are not meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ListKind
    value: Annotated[str, StringConstraints(min_length=1, max_length=2048)]


class ListsQuery(ListQuery):
    """Which entries to show, of one list or of all."""

    list: ListName | None = None


class StaleQuery(BaseModel):
    """For how many days an entry may name nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Annotated[int, Field(ge=1, le=3650)] = 90


class MatchedEntry(ListEntry, WouldMatch):
    """An entry with what it was before (`replaced`; null for a new one), and the accounts there are that it names.

    A hundred of them are named, and how many were found. ``would_match_complete`` is false where there may be more:
    only a part of the accounts could be looked at.
    """

    replaced: ListEntry | None


def put(call: Call[EntryBody]) -> Reply:
    """Put something on a list."""
    body, lists = call.body, call.parts.lists
    draft = lists.draft(
        cast("ListName", call.path["list"]),
        body.kind,
        str(body.value),
        expires_at=None if body.expires_at is None else body.expires_at.timestamp(),
        reason=body.reason,
        author=call.principal.name,
        silences_feedback=body.silences_feedback,
        hashed=body.hashed,
        now=call.now,
    )
    matches = lists.would_match(draft)
    if body.dry_run:
        return Reply(_matched(draft, lists.standing(draft), matches, call.now), 200)
    made = lists.put(draft, call.now, replace=body.replace)
    call.parts.metrics.list_change(draft.list, "put")
    return Reply(_matched(made.entry, made.replaced, matches, call.now), 201 if made.replaced is None else 200)


def _matched(entry: StoredEntry, before: StoredEntry | None, matches: WouldMatch, now: float) -> MatchedEntry:
    return {**entry.view(now), "replaced": None if before is None else before.view(now), **matches}


def list_all(call: Call[ListsQuery]) -> Reply:
    """A page of the entries."""
    return _page(call, call.body.list)


def list_one(call: Call[ListQuery]) -> Reply:
    """A page of the entries of one list."""
    return _page(call, cast("ListName", call.path["list"]))


def _page(call: Call[Any], name: ListName | None) -> Reply:
    query, lists = call.body, call.parts.lists
    if query.value is not None:
        return Reply(lists.of_value(name, query.kind, query.value, call.now))
    return Reply(lists.page(name, query.kind, query.limit, query.cursor, call.now))


def stale(call: Call[StaleQuery]) -> Reply:
    """Entries that somebody should look at again."""
    return Reply(call.parts.lists.stale(call.now, call.body.days))


def show(call: Call[None]) -> Reply:
    """One entry."""
    return Reply(call.parts.lists.get(cast("ListName", call.path["list"]), call.path["entry_id"]).view(call.now))


def remove(call: Call[None]) -> Reply:
    """Take an entry off its list."""
    return _removed(call, cast("ListName", call.path["list"]), call.path["entry_id"])


def remove_value(call: Call[ValueQuery]) -> Reply:
    """Take the entry of a value off its list."""
    name = cast("ListName", call.path["list"])
    return _removed(call, name, call.parts.lists.of(name, call.body.kind, call.body.value, call.now).id)


def _removed(call: Call[Any], name: ListName, entry_id: str) -> Reply:
    gone = call.parts.lists.remove(name, entry_id, call.principal.name, call.now)
    call.parts.metrics.list_change(name, "removed")
    return Reply(gone.view(call.now))


ROUTES = (
    Route(
        method="POST",
        path="/v1/lists/{list}",
        handler=put,
        audited="list entry put",
        summary="Put something on a list",
        tag="Lists",
        description=(
            "From the next signup on, `deny` gives it the tier `limit` and `allow` the tier `allow`, whatever model "
            "and rules say; `watch` asks for a review at least. The most specific entry decides: user, email, "
            "mailbox, phone, device, payment, ip, email_domain, phone_prefix, cidr, asn; of domains, prefixes and "
            "networks the longest; of what is alike `deny` before `watch` before `allow`. A `link_domain` is looked "
            "at when mail is sent: denied, nothing is granted (`denied_by`: `list_link_domain`). What the list has "
            "for the kind and value already is written anew under the same id: 200, and `replaced` says what it was. "
            "One that never ends gets no end without `replace` (409). `would_match` are the accounts there are that "
            "it names; `dry_run` is answered with 200. With `hashed` the value itself is neither kept nor "
            "shown; such an entry counts like any other of its kind. Networks are taken from /8 (IPv4) and from /16 "
            "to /64 or as /128 (IPv6), without bits beyond their length; phone numbers and prefixes with their plus "
            "sign."
        ),
        scopes=("lists",),
        body=EntryBody,
        example={
            "kind": "email_domain",
            "value": "spam.example",
            "expires_at": "2999-01-01T00:00:00Z",
            "reason": "Sends phishing",
        },
        response=MatchedEntry,
        status=201,
        others={200: MatchedEntry},
        problems=("not_found", "entry_permanent"),
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/v1/lists",
        handler=list_all,
        summary="List the entries of all lists, newest first",
        tag="Lists",
        scopes=("lists",),
        query=ListsQuery,
        response=ListPage,
    ),
    Route(
        method="GET",
        path="/v1/lists/stale",
        handler=stale,
        summary="Entries that somebody should look at again",
        tag="Lists",
        description=(
            "`expired`; `never_hit` and `not_hit_lately`: it named nobody for so many days; `never_expires`: it has no "
            "expiry and nobody wrote it anew for a year."
        ),
        scopes=("lists",),
        query=StaleQuery,
        response=StaleReport,
    ),
    Route(
        method="GET",
        path="/v1/lists/{list}",
        handler=list_one,
        summary="List the entries of a list, newest first",
        tag="Lists",
        scopes=("lists",),
        query=ListQuery,
        response=ListPage,
        problems=("not_found",),
    ),
    Route(
        method="DELETE",
        path="/v1/lists/{list}",
        handler=remove_value,
        audited="list entry removed",
        summary="Take the entry of a value off a list",
        tag="Lists",
        description="As with the id of the entry. Only the entry of just this value, not those that match it.",
        scopes=("lists",),
        query=ValueQuery,
        response=ListEntry,
        problems=("not_found",),
    ),
    Route(
        method="GET",
        path="/v1/lists/{list}/{entry_id}",
        handler=show,
        summary="One entry",
        tag="Lists",
        scopes=("lists",),
        response=ListEntry,
        problems=("not_found",),
    ),
    Route(
        method="DELETE",
        path="/v1/lists/{list}/{entry_id}",
        handler=remove,
        audited="list entry removed",
        summary="Take an entry off its list",
        tag="Lists",
        description="The answer is what it was. It names nobody from the next signup on.",
        scopes=("lists",),
        response=ListEntry,
        problems=("not_found",),
    ),
)
