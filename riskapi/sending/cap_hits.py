"""Who ran into caps, by tier and plan: read from what the stream was told when a cap denied recipients."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from typing_extensions import TypedDict

from riskapi.budgets.grant_records import LIMITS
from riskapi.budgets.keys import EVENTS
from riskapi.contract import Count, Instant
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from riskapi.times import rfc3339

#: Entries of the stream that are read at most, and in one trip. They are half a second's work.
MOST, _PAGE = 20_000, 500


class CapHitGroup(TypedDict):
    """Hits of one cap by accounts of one tier and plan. ``limit`` is as `denied_by` of a send says it."""

    tier: str
    plan: str | None
    limit: str
    hits: Count
    accounts: Count
    recipients_denied: Count


class CapHitAccount(TypedDict):
    """One account that ran into caps: how often, how many recipients it was denied then, and when it last was."""

    user_id: str
    tier: str
    plan: str | None
    established: bool
    hits: Count
    recipients_denied: Count
    last_at: Instant


class CapHits(TypedDict):
    """Hits of caps since a time. ``whole`` is false where only the newest were read: ``since`` then says how far back.

    A hit is told once for each cap and window (hour, day, month), so what an account was denied at its first try counts
    and what it asked for after that does not: ``recipients_denied`` are at least so many.
    """

    since: Instant
    until: Instant
    whole: bool
    hits: Count
    accounts: Count
    recipients_denied: Count
    groups: list[CapHitGroup]
    most: list[CapHitAccount]


def cap_hits(store: Store, since: float, now: float, limit: int, most: int = MOST) -> CapHits:
    """The hits with ``since <= at <= now`` (Unix times) among the newest ``most`` entries, and the ``limit`` accounts
    with most. Raises :class:`StoreUnavailable`.
    """
    found, reached = _hits(store, since, now, most)
    standing = _standing(store, list(dict.fromkeys(each["user_id"] for each in found)))
    groups: defaultdict[tuple[str, str | None, str], list[dict[str, Any]]] = defaultdict(list)
    accounts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in found:
        groups[each["tier"], standing[each["user_id"]][0], str(LIMITS[each["number"]])].append(each)
        accounts[each["user_id"]].append(each)
    first = Counter({user_id: len(rows) for user_id, rows in accounts.items()}).most_common(limit)
    return {
        "since": rfc3339(since if reached is None else reached),
        "until": rfc3339(now),
        "whole": reached is None,
        "hits": len(found),
        "accounts": len(accounts),
        "recipients_denied": _denied(found),
        "groups": [
            {
                "tier": tier,
                "plan": plan,
                "limit": name,
                "hits": len(rows),
                "accounts": len({row["user_id"] for row in rows}),
                "recipients_denied": _denied(rows),
            }
            for (tier, plan, name), rows in sorted(groups.items(), key=lambda item: -len(item[1]))
        ],
        "most": [
            {
                "user_id": user_id,
                "tier": accounts[user_id][0]["tier"],
                "plan": standing[user_id][0],
                "established": standing[user_id][1],
                "hits": count,
                "recipients_denied": _denied(accounts[user_id]),
                "last_at": rfc3339(max(row["at"] for row in accounts[user_id])),
            }
            for user_id, count in first
        ],
    }


def _hits(store: Store, since: float, now: float, most: int) -> tuple[list[dict[str, Any]], float | None]:
    """The hits, the newest first, and how far back they were read, None where all were."""
    found, position, read, oldest = list[dict[str, Any]](), "+", 0, now
    while read < most:
        entries = store.execute("XREVRANGE", EVENTS, position, "-", "COUNT", _PAGE)
        read += len(entries)
        told = [
            damaged.loads("capped", id.decode(), fields.get(b"data"), dict[str, Any]())
            for id, fields in entries
            if fields.get(b"type") == b"capped"
        ]
        told = [each for each in told if each.keys() >= {"user_id", "number", "wanted", "granted", "tier", "at"}]
        found += [each for each in told if since <= each["at"] <= now]
        oldest = min([oldest, *(each["at"] for each in told)])
        if len(entries) < _PAGE or (told and max(each["at"] for each in told) < since):
            return found, None
        position = f"({entries[-1][0].decode()}"
    return found, oldest


def _standing(store: Store, user_ids: list[str]) -> dict[str, tuple[str | None, bool]]:
    """The plan of each account, and whether it is an established customer."""
    found: dict[str, tuple[str | None, bool]] = {}
    for at in range(0, len(user_ids), _PAGE):
        some, pipe = user_ids[at : at + _PAGE], store.pipeline()
        for name in some:
            pipe.execute_command("HMGET", account_key(name), "plan", "established")
        for name, (plan, established) in zip(some, store.run(pipe), strict=True):
            found[name] = (plan.decode() if plan else None, established is not None)
    return found


def _denied(rows: list[dict[str, Any]]) -> int:
    return sum(row["wanted"] - row["granted"] for row in rows)
