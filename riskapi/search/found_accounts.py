"""Accounts as a search shows them, read in one trip for as many as are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

from typing_extensions import TypedDict

from riskapi.accounts.first_record import kept_signup
from riskapi.accounts.history import LabelName
from riskapi.accounts.stored import latest_answer
from riskapi.budgets.budgets import Budgets
from riskapi.contract import Count, Instant, Tier
from riskapi.links.keys import entities_of
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.store.streams import account_key
from riskapi.times import rfc3339
from signals.records import record

_FIELDS = ("tier", "label", "at", "established", "signup", "entities", "proved", "latest", "assessment")


class SearchedAccount(TypedDict):
    """An account that was found. ``proved`` are the kinds of things it proved to be its own; ``sent_30d`` the
    recipients that it was granted in 30 days; ``review_id`` the latest review of it, whatever became of that.
    """

    user_id: str
    name: str | None
    organization: str | None
    email: str
    created_at: Instant
    tier: Tier
    label: LabelName | None
    established: bool
    proved: list[str]
    sent_30d: Count
    cluster_id: str | None
    review_id: str | None


@record
class FoundAccount:
    """An account that was found, with the keys of what it has by kind, and its signup as JSON."""

    shown: SearchedAccount
    entities: Mapping[str, str]
    signup: bytes


def read_accounts(store: Store, budgets: Budgets, user_ids: Sequence[str], now: float) -> list[FoundAccount]:
    """What is known of accounts at Unix time ``now``; those erased, expired or unreadable are left out. One trip.

    Raises :class:`StoreUnavailable`.
    """
    pipe = store.pipeline()
    asked = [
        (
            name,
            pipe.ask("HMGET", account_key(name), *_FIELDS, read=as_it_is),
            budgets.queue_read(pipe, name, now),
        )
        for name in user_ids
    ]
    store.run(pipe)
    found = [
        damaged.read("account", name, partial(_row, name, fields(), usage().spent[2], usage().cluster, now), None)
        for name, fields, usage in asked
        if fields()[0] is not None
    ]
    return [row for row in found if row is not None]


def _row(user_id: str, fields: Sequence[bytes | None], sent: int, cluster: str, now: float) -> FoundAccount:
    kept = {name: value for name, value in zip(_FIELDS, fields, strict=True) if value is not None}
    text = kept_signup(kept)
    signup = damaged.whole(text)
    label = kept.get("label", b"").decode()
    since = kept.get("established")
    account = signup["account"]
    shown: SearchedAccount = {
        "user_id": user_id,
        "name": account.get("name") or None,
        "organization": account.get("organization") or None,
        "email": str(signup["email"]["address"]),
        "created_at": rfc3339(float(kept["at"])),
        "tier": cast("Tier", kept["tier"].decode()),
        "label": cast("LabelName", label) if label else None,
        "established": bool(since) and float(since or 0) <= now and label != "abuse",
        "proved": sorted(damaged.loads("account", user_id, kept.get("proved"), dict[str, str]())),
        "sent_30d": sent,
        "cluster_id": cluster or None,
        "review_id": latest_answer(kept)["review_id"],
    }
    return FoundAccount(shown, entities_of(kept.get("entities"), user_id), text)
