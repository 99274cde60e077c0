"""Erasing an account: what goes at once, what stays as evidence until a day, and what is done when that day comes.

What was posted, decided, read, labelled, reported and counted of it goes at once, with its reviews and what the streams
tell of it. What stays until the day is which things it shared, as keyed HMACs beside its ``user_id``, how it stood
(limited, abusive, established), and what it spent. So those who share these things with it are decided as if it were
still there. When the day comes all of that goes, clusters that hung on it are taken apart, and those who shared
something with it are decided again.

Whoever is killed in between leaves an erasure that a worker finishes; and a worker looks a minute later for what was
being written about the account while it was erased.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final, Literal

from typing_extensions import TypedDict

from riskapi.accounts.accounts import Accounts, history_key, labels_key
from riskapi.accounts.agenda import Agenda, agenda_key, causes_key
from riskapi.accounts.first_record import SIGNUP_FIELDS, replied_signup
from riskapi.accounts.labels import Labels
from riskapi.accounts.restricted_accounts import restricted_key
from riskapi.budgets.keys import budget_key
from riskapi.clusters.claims import Claims
from riskapi.clusters.clusters import Clusters
from riskapi.contract import Count, Instant
from riskapi.decisions.cluster_agenda import ClusterAgenda
from riskapi.decisions.events import places_key
from riskapi.decisions.gather import Gatherer
from riskapi.decisions.trigger_marks import done_keys
from riskapi.errors import Problem, StoreUnavailable
from riskapi.feedback.counts import counts_key
from riskapi.feedback.intake import Intake
from riskapi.inputs.signup import Signup
from riskapi.links.bonds import entity_of
from riskapi.links.entities import Links
from riskapi.links.keys import entities_of
from riskapi.links.sites import Sites
from riskapi.links.spellings import spellings_key
from riskapi.lists.entries import ListEntry
from riskapi.lists.lists import Lists
from riskapi.policy.active import ActiveBasis
from riskapi.privacy.kept_evidence import EvidenceStore, StoredEvidence, mark_of
from riskapi.privacy.stream_entries import drop_entries
from riskapi.reviews.account_reviews import AccountReviews
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, shard
from riskapi.times import DAY, rfc3339

#: Seconds after which a worker looks again: what was in hand when the account was erased is written by then.
_AGAIN: Final = 60.0
#: Erasures that are looked at in one go, and accounts decided again when one is let go of.
_MOST, _COMPANY = 100, 2000
#: Times an account is read anew because it was written in another form meanwhile.
_TRIES = 5


class KeptEntry(TypedDict):
    """An entry of a list that names the account; `DELETE /v1/lists/{list}/{id}` removes it."""

    list: str
    id: str
    kind: str


class Erased(TypedDict):
    """What was erased: whether the account was there, and how many of the others. ``entries`` are those of streams."""

    account: bool
    reviews: Count
    reports: Count
    entries: Count


class Erasure(TypedDict):
    """An account that was erased at `erased_at`. What it shared with others is kept until `evidence_until`, null where
    that is gone too. `kept_elsewhere` are entries of lists that name it: your people's words, which they take back.
    """

    object: Literal["erasure"]
    user_id: str
    erased_at: Instant
    evidence_until: Instant | None
    erased: Erased
    kept_elsewhere: list[KeptEntry]


class Erasures:
    """Erases accounts. Every method raises :class:`StoreUnavailable` while the store is away, and is safe to repeat."""

    def __init__(
        self, store: Store, active: ActiveBasis, accounts: Accounts, labels: Labels, links: Links, clusters: Clusters,
        claims: Claims, gatherer: Gatherer, lists: Lists, intake: Intake,
    ) -> None:  # fmt: skip
        self._store, self._active, self._accounts, self._labels = store, active, accounts, labels
        self._links, self._clusters, self._claims, self._gatherer = links, clusters, claims, gatherer
        self._lists, self._intake = lists, intake
        self._sites, self._agenda, self._reviews = Sites(store), Agenda(store), AccountReviews(store)
        self._evidence, self._erase = EvidenceStore(store), store.script("account_erase")
        self._large_clusters = ClusterAgenda(store)

    def erase(self, user_id: str, keep_days: int, now: float) -> Erasure:
        """Erase an account at Unix time ``now``; what it shared is kept for ``keep_days``.

        Asked again, for fewer days, what was kept goes sooner. Raises ``not_found`` for an account of which nothing is
        held.
        """
        for _ in range(_TRIES):
            first, entities = self._store.execute("HMGET", account_key(user_id), "assessment", "entities")
            if first is None and self._evidence.of(user_id) is None and not self._is_held(user_id):
                raise Problem("not_found", "Nothing is held of this account.")
            keys = [*entities_of(entities, user_id).values(), *self._sites.of(user_id)]
            until = now + keep_days * DAY
            kept = self._evidence.keep(user_id, mark_of(first), dict.fromkeys(keys), until, now, due=now + _AGAIN)
            if first is not None:
                with suppress(Problem, *damaged.FAULTS):  # it cannot be read, or somebody else has just erased it
                    self._labels.mark_latest(user_id, self._accounts.standing(user_id))
            named = self._named(user_id, now)
            erased = self._purge(user_id, first, named)
            if erased is not None:
                break
        else:
            raise StoreUnavailable("an account changed too often to erase it")
        if kept.until <= now:
            self._let_go(user_id, kept, now)
        return {
            "object": "erasure",
            "user_id": user_id,
            "erased_at": rfc3339(kept.at),
            "evidence_until": None if kept.until <= now else rfc3339(kept.until),
            "erased": erased,
            "kept_elsewhere": [_shown(entry) for entry in named],
        }

    def finish(self, now: float) -> int:
        """Do what is due of erasures at Unix time ``now``. Returns how many erasures were looked at."""
        due = self._evidence.due(now, _MOST)
        for user_id, at in due:
            kept = self._evidence.of(user_id)
            again = None if kept is None else self._looked(user_id, kept, now)
            self._evidence.done(user_id, at, again)
        return len(due)

    def clean_disk(self, _: float) -> int:
        """Have the embedded store write its file without what was erased. Returns how many files are written anew."""
        return int(self._evidence.clean_disk())

    def _looked(self, user_id: str, kept: StoredEvidence, now: float) -> float | None:
        """Erase what is there of an account again; when to look next."""
        first = self._store.execute("HGET", account_key(user_id), "assessment")
        if first is not None and mark_of(first) != kept.meant:
            return None  # it signed up again: what there is now belongs to the new account
        self._purge(user_id, first, self._named(user_id, now) if first is not None else [])
        if kept.until > now:
            return float(kept.until)
        self._let_go(user_id, kept, now)
        return None

    def _purge(self, user_id: str, first: bytes | None, named: list[ListEntry]) -> Erased | None:
        """Erase everything but the evidence; None where the account is not the one whose first record is ``first``.

        The account goes last: while it is there nobody can sign up with its id, whose traces would be taken for it.
        """
        number, policy = shard(user_id), self._active.policy
        waiting = self._intake.unattributed.waiting((), [user_id])
        self._intake.unattributed.forget({name: report for name, (report, _) in waiting.items()})
        reports = self._intake.kept.erase(user_id) + len(waiting)
        found = self._reviews.of(user_id)
        reviews, entries = self._reviews.erase(user_id, found), drop_entries(self._store, user_id, found)
        self._lists.forget_hits([str(entry["id"]) for entry in named], user_id)
        self._sites.forget(user_id)
        self._store.execute("ZREM", spellings_key(user_id.lower()), user_id)
        self._large_clusters.forget(user_id)
        keys = [account_key(user_id), agenda_key(number), causes_key(number), restricted_key(number)]
        keys += (
            history_key(user_id),
            labels_key(user_id),
            places_key(user_id),
            counts_key(user_id),
            *done_keys(user_id, policy),
        )
        deleted = self._erase.call(keys, [user_id, first or b""])
        if deleted < 0:
            return None
        return {
            "account": first is not None and deleted > 0,
            "reviews": reviews,
            "reports": reports,
            "entries": entries,
        }

    def _let_go(self, user_id: str, kept: StoredEvidence, now: float) -> None:
        """Take an account out of all that it shared, and have those decided again who shared it."""
        policy, keys = self._active.policy, list(kept.keys)
        company = [name for names in self._clusters.company({user_id: keys}, _COMPANY).values() for name in names]
        self._claims.drop([user_id], keys, policy, now, "erased")
        edges = self._clusters.edges(user_id)
        # What binds it by its mail is known by its edges alone; waves are not things; what is held is dropped above.
        said = [entity_of(edge) for edge in edges if edge[0] not in "hw"]
        self._links.leave(user_id, list(dict.fromkeys([*keys, *said])))
        self._clusters.splits.loosen([user_id], edges, policy, now, reason="erased")
        self._store.execute("DEL", budget_key(user_id))
        # Like a cut: what the account did speaks against nobody any more, and they are judged afresh.
        self._agenda.add(company, now, "cut")

    def _named(self, user_id: str, now: float) -> list[ListEntry]:
        """The entries of lists that name the account, by what it signed up with or by its id."""
        by_id = self._lists.of_value(None, "user", user_id, now)["entries"]

        def read() -> list[ListEntry]:
            signup = replied_signup(self._store.execute("HMGET", account_key(user_id), *SIGNUP_FIELDS))
            if signup is None:
                return by_id
            return self._lists.naming(user_id, self._gatherer.parse(Signup.stored(signup), now).facts, now)

        return damaged.read("account", user_id, read, by_id)

    def _is_held(self, user_id: str) -> bool:
        """Whether anything is held of an account that was never assessed, or is gone."""
        reports: Any = self._intake.kept.of_account(user_id)["kept"]
        waiting = self._intake.unattributed.waiting((), [user_id])
        return bool(reports or waiting or self._store.execute("EXISTS", budget_key(user_id)))


def _shown(entry: ListEntry) -> KeptEntry:
    return {"list": entry["list"], "id": str(entry["id"]), "kind": entry["kind"]}
