"""Accounts: what was decided about each, when, by whom, and where it stands now.

One hash an account, one list for its history and one for its labels, all in the slot of its shard:
``risk:a:{n}:<user_id>``, ``risk:ah:…``, ``risk:al:…``. Every change is one script that also writes the event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from riskapi.accounts.agenda import agenda_key
from riskapi.accounts.history import HistoryEntry, LabelEntry
from riskapi.budgets import terms
from riskapi.errors import Problem
from riskapi.links import spellings
from riskapi.links.kinds import entities_of
from riskapi.policy import Policy
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import rfc3339

_DAY = 86400
#: What a row of history, and a label, says at least.
_HISTORY, _LABEL = ("at", "from", "to", "source"), ("at", "label", "source")


def history_key(user_id: str) -> str:
    """Key of the account's history, oldest first; expires like the account."""
    return f"risk:ah:{{{shard(user_id)}}}:{user_id}"


def labels_key(user_id: str) -> str:
    """Key of the account's labels, oldest first; expires like the account."""
    return f"risk:al:{{{shard(user_id)}}}:{user_id}"


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account that was assessed before: the HMAC of its mail address, its first answer, its entity keys by kind."""

    mail: str
    assessment: bytes
    entities: dict[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account stands after a change: what its entities must be marked with.

    ``established`` is the Unix time since when it counts as an established customer, None while it does not.
    """

    label: str
    tier: str
    entities: dict[str, str]
    revision: int
    established: float | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewOpening:
    """A review that is opened with a decision: its id, its place in the index, its fields, its key and the index's.

    ``event`` is what the stream is told of it.
    """

    id: str
    place: str
    fields: Mapping[str, bytes | str | float]
    event: bytes
    key: str
    index: str


def standing(reply: Sequence[Any], user_id: str = "?") -> Standing:
    """Where an account stands, from the reply of a script. Raises ``not_found`` for an empty one."""
    if not reply:
        raise Problem("not_found", "No account with this user_id was ever assessed.")
    label, tier, entities, revision, established, *before = reply
    return Standing(
        label.decode(),
        tier.decode(),
        entities_of(entities, user_id),
        int(revision),
        float(established) if established else None,
        before[0].decode() if before else None,
    )


def latest(fields: Mapping[str, bytes]) -> dict[str, Any]:
    """The latest answer in the fields of :meth:`Accounts.load`; it is kept apart only where it is not the first."""
    return damaged.whole(fields.get("latest", fields["assessment"]), ("id", "decision", "reasons", "review_id"))


def is_established(fields: Mapping[str, bytes], now: float) -> bool:
    """Whether an account is an established customer at Unix time ``now``: nobody who was found abusive is."""
    since = fields.get("established")
    return since is not None and float(since) <= now and fields.get("label") != b"abuse"


def proved(fields: Mapping[str, bytes]) -> dict[str, str]:
    """What an account proved to be its own: the key of the entity by kind."""
    return damaged.loads("account", "?", fields.get("proved"), dict[str, str]())


def by_reviewer(
    tier: str, reason: str | None, actor: str, now: float, policy: Policy, reviewer: str | None = None
) -> dict[str, Any]:
    """The history entry of a tier that a person set; the script that writes it puts the tier before into ``from``.

    ``actor`` is who called, ``reviewer`` whom the caller says it is from, if anybody.
    """
    return {
        "at": rfc3339(now),
        "from": "?",
        "to": tier,
        "source": "reviewer",
        "actor": actor,
        "reason": reason,
        "versions": {"policy": policy.version},
        "expires_at": None,
        **({"reviewer": reviewer} if reviewer else {}),
    }


def tier_event(user_id: str, history: Mapping[str, Any], now: float) -> bytes:
    """What the stream is told of a change of tier; like in its history entry the tier before is ``?`` until written."""
    told = {name: history.get(name) for name in ("from", "to", "source", "actor", "reason", "cause")}
    return orjson.dumps({"user_id": user_id, "at": now, **told})


class Accounts:
    """Reads and writes accounts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._record = store.script("account_record")
        self._tier = store.script("account_tier")
        self._label = store.script("account_label")
        self._sender = store.script("account_sender")
        self._establish = store.script("account_establish")
        self._renewed = store.script("account_renewed")

    @staticmethod
    def queue_known(pipe: Any, user_id: str) -> None:
        """Ask, in a pipeline, whether the account is known; :meth:`known` reads the reply."""
        pipe.execute_command("HMGET", account_key(user_id), "mail", "assessment", "entities")

    @staticmethod
    def known(reply: Any) -> KnownAccount | None:
        """The account in a reply to :meth:`queue_known`, or None."""
        mail, assessment, entities = reply
        return None if mail is None else KnownAccount(mail.decode(), assessment, entities_of(entities))

    @staticmethod
    def queue_voucher(pipe: Any, user_id: str) -> None:
        """Ask, in a pipeline, whether an account vouches for those it refers; :meth:`vouches` reads the reply."""
        pipe.execute_command("HMGET", account_key(user_id), "vouches", "established", "label", "tier")

    @staticmethod
    def vouches(reply: Any) -> bool:
        """Whether the account in a reply to :meth:`queue_voucher` vouches: an established customer who said so."""
        vouches, established, label, tier = reply
        return bool(vouches) and bool(established) and label != b"abuse" and tier != b"limit"

    @staticmethod
    def queue_tier(pipe: Any, user_id: str) -> None:
        """Ask, in a pipeline, for the tier, the revision, the time of the last login from a new network, until when
        feedback does not count against the account (see :func:`riskapi.lists.matching.silenced`), whether its identity
        is checked, the domain its mail comes from, when it signed up, since when and by what it is established, and its
        terms (:func:`riskapi.budgets.terms.read`).
        """
        asked = ["tier", "revision", "moved_at", "silenced", "identity", "from_domain", "at", "established"]
        asked += ["established_by", "renewed", *terms.FIELDS]
        pipe.execute_command("HMGET", account_key(user_id), *asked)

    def record(
        self,
        user_id: str,
        fields: Mapping[str, bytes | str | float],
        *,
        history: bytes,
        decision: bytes,
        review: ReviewOpening | None,
        due: float | None,
        moved: bytes | None,
        policy: Policy,
    ) -> KnownAccount | None:
        """Write a first decision with its history, event and review, all or nothing; once an account.

        ``decision`` is the event and a field of the account too. ``fields`` has the answer as ``assessment``, and as
        ``latest`` only where the decision is not the one that was answered. ``due`` is the Unix time at which it is
        decided again, whatever happens; ``moved`` the event of a tier that is another than was answered.
        Returns None when it was written, else the account that was there already.
        """
        number = shard(user_id)
        keys = [account_key(user_id), history_key(user_id), stream(number), agenda_key(number)]
        args: list[Any] = [policy.retention.accounts_days * _DAY, history, decision]
        args += [oldest(policy.retention.decisions_days), "", "", user_id, "" if due is None else repr(due)]
        args += (moved or "", 2 * len(fields))
        for name, value in fields.items():
            args += (name, value)
        if review is not None:
            keys += (review.key, review.index)
            args[4:6] = review.event, review.place
            for name, value in review.fields.items():
                args += (name, value)
        written, *found = self._record.call(keys, args)
        if written:
            return None
        known = self.known(found)
        # A lost connection has the script run twice; what stands there is then this very answer.
        return None if known is None or known.assessment == fields["assessment"] else known

    def meant(self, user_id: str) -> str:
        """The account that is meant by an id in whatever capitals: the one with just this id, else the one in small
        letters, else the first of those in other capitals. Where there is none, the id in small letters: all spellings
        stand for one stranger.
        """
        small = user_id.lower()
        pipe = self._store.pipeline()
        for name in (user_id, small):
            pipe.execute_command("HEXISTS", account_key(name), "tier")
        pipe.execute_command("ZRANGE", spellings.spellings_key(small), 0, spellings.MOST - 1)
        as_written, in_small, found = self._store.run(pipe)
        if as_written or in_small:
            return user_id if as_written else small
        names = [name.decode() for name in found]
        pipe = self._store.pipeline()
        for name in names:
            pipe.execute_command("HEXISTS", account_key(name), "tier")
        return next((name for name, there in zip(names, self._store.run(pipe), strict=True) if there), small)

    def change_tier(self, user_id: str, history: Mapping[str, Any], now: float, policy: Policy) -> Standing:
        """Set the tier that ``history`` names in ``to`` at Unix time ``now``; a change is a history entry and an event.

        ``from`` of the entry is ``?``: the tier before is put there in the same step. Raises ``not_found``.
        """
        keys = [account_key(user_id), history_key(user_id), stream(shard(user_id))]
        args: list[Any] = [policy.retention.accounts_days * _DAY, history["to"], orjson.dumps(history)]
        args.append(tier_event(user_id, history, now))
        return standing(self._tier.call(keys, [*args, oldest(policy.retention.decisions_days)]))

    def add_label(self, user_id: str, label: LabelEntry, event: bytes, policy: Policy) -> Standing:
        """Append a label; the latest stands. Raises ``not_found``."""
        keys = [account_key(user_id), labels_key(user_id), stream(shard(user_id))]
        args = [policy.retention.accounts_days * _DAY, label["label"], orjson.dumps(label), event]
        return standing(self._label.call(keys, [*args, oldest(policy.retention.decisions_days)]))

    def standing(self, user_id: str) -> Standing:
        """Where the account stands now. Raises ``not_found``."""
        label, tier, entities, revision, established = self._store.execute(
            "HMGET", account_key(user_id), "label", "tier", "entities", "revision", "established"
        )
        reply = [label or b"", tier, entities, revision or 0, established or b""] if tier else []
        return standing(reply, user_id)

    def send_from(self, user_id: str, domain: str, now: float, policy: Policy) -> None:
        """Note the domain an account's mail comes from; another one than before is an event. Safe to repeat."""
        number = shard(user_id)
        event = orjson.dumps({"user_id": user_id, "at": now})
        args: list[str | bytes] = [domain, event, oldest(policy.retention.decisions_days)]
        self._sender.call([account_key(user_id), stream(number)], args)

    def establish(self, user_id: str, since: float | None, by: str, policy: Policy) -> None:
        """Note that an account is an established customer from Unix time ``since`` on, and ``by`` what; with None that
        it is none any more by that. Safe to repeat.
        """
        args: list[str | int] = [policy.retention.accounts_days * _DAY, "" if since is None else repr(since), by]
        self._establish.call([account_key(user_id)], args)

    def proofs(self, user_id: str) -> dict[str, str]:
        """What an account proved to be its own: the key of the entity by kind."""
        found = self._store.execute("HGET", account_key(user_id), "proved")
        return proved({"proved": found}) if found else {}

    def note_renewed(self, user_id: str, now: float) -> None:
        """Note that what an account uses was renewed at Unix time ``now``; nothing of an account that is gone."""
        self._renewed.call([account_key(user_id)], [repr(now)])

    def things(self, user_id: str) -> frozenset[str]:
        """The keys of the things that are an account's own."""
        found = self._store.execute("HGET", account_key(user_id), "things")
        return frozenset(found.decode().split()) if found else frozenset()

    def signup(self, user_id: str) -> bytes | None:
        """The signup as posted, as JSON; None for an account never assessed."""
        found: bytes | None = self._store.execute("HGET", account_key(user_id), "signup")
        return found

    def abusive(self, user_ids: Sequence[str]) -> int:
        """How many of these accounts are labelled abusive."""
        pipe = self._store.pipeline()
        for name in user_ids:
            pipe.execute_command("HGET", account_key(name), "label")
        return self._store.run(pipe).count(b"abuse")

    def signups(self, user_ids: Sequence[str]) -> list[bytes | None]:
        """What these accounts signed up with, as JSON; None for an account that is not there."""
        pipe = self._store.pipeline()
        for name in user_ids:
            pipe.execute_command("HGET", account_key(name), "signup")
        return self._store.run(pipe)

    def labels(self, user_id: str) -> list[LabelEntry]:
        """All labels ever given, oldest first."""
        return damaged.rows("label", user_id, self._store.execute("LRANGE", labels_key(user_id), 0, -1), _LABEL)

    def load(self, user_id: str) -> tuple[dict[str, bytes], list[HistoryEntry], list[LabelEntry]]:
        """The account's fields, history and labels in one trip. Raises ``not_found``."""
        pipe = self._store.pipeline()
        pipe.execute_command("HGETALL", account_key(user_id))
        pipe.execute_command("LRANGE", history_key(user_id), 0, -1)
        pipe.execute_command("LRANGE", labels_key(user_id), 0, -1)
        fields, history, labels = self._store.run(pipe)
        if not fields:
            raise Problem("not_found", "No account with this user_id was ever assessed.")
        return (
            {name.decode(): value for name, value in fields.items()},
            damaged.rows("history", user_id, history, _HISTORY),
            damaged.rows("label", user_id, labels, _LABEL),
        )
