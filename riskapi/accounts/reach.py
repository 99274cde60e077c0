"""Reach: which accounts abuse of one would touch, found out before it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from typing_extensions import TypedDict

from riskapi.clusters.clusters import Clusters
from riskapi.contract import Count, Tier
from riskapi.links.entities import Links
from riskapi.links.kinds import OBSERVED
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from signals.records import record

#: What abuse is held against others by. Places, mail domains and the make of addresses are reputation, which moves with
#: every label, whatever becomes of the spread.
ARROWS = frozenset({"mailbox", "phone", "device", "payment"})
#: Accounts that an answer names; all are counted.
_NAMED = 50


class ReachedAccount(TypedDict):
    """An account that abuse of another touches. ``standing``: by what both were seen with or proved, or by what one of
    them only claims. An established customer is only looked at.
    """

    user_id: str
    tier: Tier
    standing: Literal["proved", "claimed"]
    established: bool


class ReachView(TypedDict):
    """Whom abuse of an account touches: at most how many are decided again, how many of these are established
    customers, and how many share something that is proved. At most 50 are named, those who share what is proved first.
    """

    accounts: Count
    established: Count
    proved: Count
    user_ids: list[ReachedAccount]


@record
class Reach:
    """The accounts that abuse of one touches."""

    rows: tuple[ReachedAccount, ...]

    @property
    def established(self) -> int:
        """How many of them are established customers."""
        return sum(row["established"] for row in self.rows)

    def view(self) -> ReachView:
        """As answers show it."""
        proved = sum(row["standing"] == "proved" for row in self.rows)
        named = sorted(self.rows, key=lambda row: (row["standing"] != "proved", row["user_id"]))[:_NAMED]
        return {
            "accounts": len(self.rows),
            "established": self.established,
            "proved": proved,
            "user_ids": named,
        }


class Reaches:
    """Finds out whom abuse touches. Changes nothing; raises :class:`riskapi.errors.StoreUnavailable`."""

    def __init__(self, store: Store, links: Links, clusters: Clusters) -> None:
        self._store, self._links, self._clusters = store, links, clusters

    def of(self, user_id: str, entities: Mapping[str, str], now: float) -> Reach:
        """Whom abuse of an account with these ``entities`` touches, at Unix time ``now``.

        Those who share its budget, or a mailbox, number, device or card, three trips whatever their number. Who proved
        that a thing is their own is not touched by one who only claims it. An account that was labelled abusive, or is
        limited, stays as it is and is left out.
        """
        cluster = self._clusters.of(user_id)
        found = dict.fromkeys(self._clusters.accounts(cluster) if cluster else (), False)
        for name, proved in self._sharing(user_id, entities):
            found[name] = found.get(name, False) or proved
        found.pop(user_id, None)
        pipe = self._store.pipeline()
        for name in found:
            pipe.execute_command("HMGET", account_key(name), "tier", "label", "established")
        replies = self._store.run(pipe) if found else []
        rows = [_row(name, found[name], fields, now) for name, fields in zip(found, replies, strict=True)]
        return Reach(tuple(row for row in rows if row is not None))

    def _sharing(self, user_id: str, entities: Mapping[str, str]) -> list[tuple[str, bool]]:
        """Who shares one of these things, and whether that is seen or proved."""
        kinds = {key: name.partition(":")[0] for name, key in entities.items()}
        keys = [key for key, kind in kinds.items() if kind in ARROWS]
        pipe = self._store.pipeline()
        users = [self._links.queue_accounts(pipe, key) for key in keys]
        marks = [self._links.queue_provers(pipe, key) for key in keys]
        if keys:
            self._store.run(pipe)
        found: list[tuple[str, bool]] = []
        for key, names, told in zip(keys, users, marks, strict=True):
            provers = told()
            for name in names():
                if name in provers and user_id not in provers:
                    continue  # it is theirs, and the other one claims it
                both = name in provers and user_id in provers
                seen = kinds[key] in OBSERVED and name not in provers and user_id not in provers
                found.append((name, both or seen))
        return found


def _row(user_id: str, proved: bool, fields: Sequence[Any], now: float) -> ReachedAccount | None:
    tier, label, since = fields
    if tier is None or tier == b"limit" or label == b"abuse":
        return None
    established = bool(since) and float(since) <= now
    standing: Literal["proved", "claimed"] = "proved" if proved else "claimed"
    return {
        "user_id": user_id,
        "tier": cast("Tier", tier.decode()),
        "standing": standing,
        "established": established,
    }
