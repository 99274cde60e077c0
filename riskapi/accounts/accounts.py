"""Accounts: what was decided about each, when, by whom, and where it stands now.

One hash an account, one list for its history and one for its labels, all in the slot of its shard:
``risk:a:{n}:<user_id>``, ``risk:ah:…``, ``risk:al:…``. Every change is one script that also writes the event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from riskapi.accounts.first_record import SIGNUP_FIELDS, first_answer, replied_signup
from riskapi.accounts.history import LabelEntry
from riskapi.accounts.sending_account import SENDING_FIELDS, SendingAccount, sending_account
from riskapi.accounts.spreads import spread_of
from riskapi.accounts.stored import StoredAccount
from riskapi.errors import no_account
from riskapi.links import spellings
from riskapi.links.keys import entities_of
from riskapi.policy import Policy
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, ReplyReader, as_it_is
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import DAY
from signals.records import record

#: What a row of history, and a label, says at least.
_HISTORY, LABEL = ("at", "from", "to", "source"), ("at", "label", "source")


def history_key(user_id: str) -> str:
    """Key of the account's history, oldest first; expires like the account."""
    return f"risk:ah:{{{shard(user_id)}}}:{user_id}"


def labels_key(user_id: str) -> str:
    """Key of the account's labels, oldest first; expires like the account."""
    return f"risk:al:{{{shard(user_id)}}}:{user_id}"


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account that was assessed before: the HMAC of its mail address, its first answer (JSON, as it was given), its
    entity keys by kind.
    """

    mail: str
    answer: bytes
    entities: dict[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account stands after a change: what its entities must be marked with.

    ``established`` is the Unix time since when it counts as an established customer, None while it does not.
    ``spread`` is the state of what its label means for others (:mod:`riskapi.accounts.spreads`), ``""`` where nobody
    began that yet, or it was not read. ``restrictions`` is the field of what others brought to it
    (:mod:`riskapi.accounts.linked_restrictions`), None where there is none, or it was not read.
    """

    label: str
    tier: str
    entities: dict[str, str]
    revision: int
    established: float | None = None
    before: str | None = None
    spread: str = ""
    restrictions: bytes | None = None

    @property
    def restricted(self) -> bool:
        """Whether others brought anything to it, as far as that was read."""
        return self.restrictions is not None


@record
class ReviewOpening:
    """A review that is opened with a decision: its id and its account, its place in the index, the Unix time of its
    opening and its score as they are kept, its key and the index's.

    ``reasons`` are packed JSON, None where the first answer of the account says them. ``event`` is what the stream is
    told of it.
    """

    id: str
    user_id: str
    place: str
    opened_at: str
    risk_score: str
    reasons: bytes | None
    event: str
    key: str
    index: str

    @property
    def fields(self) -> dict[str, str | bytes]:
        """The fields of its hash."""
        found: dict[str, str | bytes] = {
            "id": self.id,
            "user_id": self.user_id,
            "status": "open",
            "place": self.place,
            "opened_at": self.opened_at,
            "risk_score": self.risk_score,
        }
        return found if self.reasons is None else {**found, "reasons": self.reasons}


def known_account(reply: Sequence[Any]) -> KnownAccount | None:
    """The account in a reply to :meth:`Accounts.queue_known`, or None."""
    mail, answer, entities = reply
    return None if mail is None else KnownAccount(mail.decode(), first_answer(answer), entities_of(entities))


def standing(reply: Sequence[Any], user_id: str = "?") -> Standing:
    """Where an account stands, from the reply of a script. Raises ``not_found`` for an empty one."""
    if not reply:
        raise no_account()
    label, tier, entities, revision, established, *before = reply
    return Standing(
        label.decode(),
        tier.decode(),
        entities_of(entities, user_id),
        int(revision),
        float(established) if established else None,
        before[0].decode() if before else None,
    )


def _queue_there(pipe: Pipeline, user_id: str) -> ReplyReader[bool]:
    """Ask, in a pipeline, whether an account is there under just this id."""
    return pipe.ask("HEXISTS", account_key(user_id), "tier", read=bool)


class Accounts:
    """Reads and writes accounts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._label = store.script("account_label")
        self._sender = store.script("account_sender")
        self._establish = store.script("account_establish")
        self._renewed = store.script("account_renewed")
        self._revise = store.script("account_revise")

    @staticmethod
    def queue_known(pipe: Pipeline, user_id: str) -> ReplyReader[KnownAccount | None]:
        """Ask, in a pipeline, for the account, None where there is none."""
        return pipe.ask("HMGET", account_key(user_id), "mail", "assessment", "entities", read=known_account)

    @staticmethod
    def queue_voucher(pipe: Pipeline, user_id: str) -> ReplyReader[bool]:
        """Ask, in a pipeline, whether an account vouches for those it refers: an established customer who said so."""
        asked = ("vouches", "established", "label", "tier")
        return pipe.ask("HMGET", account_key(user_id), *asked, read=Accounts.vouches)

    @staticmethod
    def vouches(reply: Any) -> bool:
        """Whether the account in a reply to :meth:`queue_voucher` vouches."""
        vouches, established, label, tier = reply
        return bool(vouches) and bool(established) and label != b"abuse" and tier != b"limit"

    @staticmethod
    def queue_sending(pipe: Pipeline, user_id: str) -> ReplyReader[SendingAccount | None]:
        """Ask, in a pipeline, for what an account's sending is granted by; None for one never assessed."""
        return pipe.ask("HMGET", account_key(user_id), *SENDING_FIELDS, read=sending_account)

    def meant(self, user_id: str) -> str:
        """The account that is meant by an id in whatever capitals: the one with just this id, else the one in small
        letters, else the first of those in other capitals. Where there is none, the id in small letters: all spellings
        stand for one stranger.
        """
        small = user_id.lower()
        pipe = self._store.pipeline()
        asked = [(name, _queue_there(pipe, name)) for name in (user_id, small)]
        found = pipe.ask("ZRANGE", spellings.spellings_key(small), 0, spellings.MOST - 1, read=as_it_is)
        self._store.run(pipe)
        for name, there in asked:
            if there():
                return name
        pipe = self._store.pipeline()
        asked = [(name, _queue_there(pipe, name)) for name in map(bytes.decode, found())]
        self._store.run(pipe)
        return next((name for name, there in asked if there()), small)

    def add_label(
        self, user_id: str, label: LabelEntry, event: bytes, policy: Policy, *, unlabelled: bool = False
    ) -> Standing:
        """Append a label; the latest stands. With ``unlabelled`` only where none stands but ``unknown``. Raises
        ``not_found``.
        """
        keys = [account_key(user_id), labels_key(user_id), stream(shard(user_id))]
        args: list[Any] = [policy.retention.accounts_days * DAY, label["label"], orjson.dumps(label), event]
        args += (oldest(policy.retention.decisions_days), int(unlabelled))
        return standing(self._label.call(keys, args))

    def standing(self, user_id: str) -> Standing:
        """Where the account stands now. Raises ``not_found``."""
        pipe = self._store.pipeline()
        found = self.queue_standing(pipe, user_id)
        self._store.run(pipe)
        return found()

    @staticmethod
    def queue_standing(pipe: Pipeline, user_id: str) -> ReplyReader[Standing]:
        """As :meth:`standing`, in a pipeline; the reader raises ``not_found``."""

        def read(reply: Sequence[Any]) -> Standing:
            label, tier, entities, revision, established, kept, restrictions = reply
            given = [label or b"", tier, entities, revision or 0, established or b""] if tier else []
            spread = spread_of(kept, user_id)
            state = spread.state if spread is not None else ""
            return replace(standing(given, user_id), spread=state, restrictions=restrictions)

        asked = ("label", "tier", "entities", "revision", "established", "spread", "restrictions")
        return pipe.ask("HMGET", account_key(user_id), *asked, read=read)

    def restricted(self, user_ids: Sequence[str]) -> list[str]:
        """Those of these accounts that bear something because of what the mail of others met."""
        pipe = self._store.pipeline()
        asked = [(name, pipe.ask("HEXISTS", account_key(name), "restrictions", read=bool)) for name in user_ids]
        if asked:
            self._store.run(pipe)
        return [name for name, found in asked if found()]

    def send_from(self, user_id: str, domain: str, now: float, policy: Policy) -> None:
        """Note the domain an account's mail comes from; another one than before is an event. Safe to repeat."""
        number = shard(user_id)
        event = orjson.dumps({"user_id": user_id, "at": now})
        args: list[str | bytes] = [domain, event, oldest(policy.retention.decisions_days)]
        self._sender.call([account_key(user_id), stream(number)], args)

    def establish(self, user_id: str, since: float | None, by: str, policy: Policy) -> None:
        """Note that an account is an established customer from Unix time ``since`` on, and ``by`` what; with None that
        it is not one any more by that. Safe to repeat.
        """
        args: list[str | int] = [policy.retention.accounts_days * DAY, "" if since is None else repr(since), by]
        self._establish.call([account_key(user_id)], args)

    def proofs(self, user_id: str) -> dict[str, str]:
        """What an account proved to be its own: the key of the entity by kind."""
        found = self._store.execute("HGET", account_key(user_id), "proved")
        return damaged.loads("account", user_id, found, dict[str, str]())

    def note_renewed(self, user_id: str, now: float) -> None:
        """Note that what an account uses was renewed at Unix time ``now``; nothing of an account that is gone."""
        self._renewed.call([account_key(user_id)], [repr(now)])

    def revise(self, user_id: str, revision: int) -> None:
        """Have the revisions of an account go on from one that its budget knows of an account that had its id before
        and was erased. Safe to repeat; nothing of an account that is gone.
        """
        self._revise.call([account_key(user_id)], [revision])

    def things(self, user_id: str) -> frozenset[str]:
        """The keys of the things that are an account's own."""
        found = self._store.execute("HGET", account_key(user_id), "things")
        return frozenset(found.decode().split()) if found else frozenset()

    def signup(self, user_id: str) -> bytes | None:
        """The signup as posted, as JSON; None for an account never assessed."""
        return replied_signup(self._store.execute("HMGET", account_key(user_id), *SIGNUP_FIELDS))

    def abusive(self, user_ids: Sequence[str]) -> int:
        """How many of these accounts are labelled abusive."""
        pipe = self._store.pipeline()
        for name in user_ids:
            pipe.execute_command("HGET", account_key(name), "label")
        return self._store.run(pipe).count(b"abuse")

    def signups(self, user_ids: Sequence[str]) -> list[bytes | None]:
        """What these accounts signed up with, as JSON; None for an account that is not there, or cannot be read."""
        pipe = self._store.pipeline()
        for name in user_ids:
            pipe.execute_command("HMGET", account_key(name), *SIGNUP_FIELDS)
        found = zip(user_ids, self._store.run(pipe), strict=True)
        return [damaged.read("account", name, partial(replied_signup, kept), None) for name, kept in found]

    def labels(self, user_id: str) -> list[LabelEntry]:
        """All labels ever given, oldest first."""
        return damaged.rows("label", user_id, self._store.execute("LRANGE", labels_key(user_id), 0, -1), LABEL)

    def load(self, user_id: str) -> StoredAccount:
        """The account with its history and labels, in one trip. Raises ``not_found``."""
        pipe = self._store.pipeline()
        fields = pipe.ask("HGETALL", account_key(user_id), read=as_it_is)
        history = pipe.ask("LRANGE", history_key(user_id), 0, -1, read=as_it_is)
        labels = pipe.ask("LRANGE", labels_key(user_id), 0, -1, read=as_it_is)
        self._store.run(pipe)
        if not fields():
            raise no_account()
        return StoredAccount(
            {name.decode(): value for name, value in fields().items()},
            damaged.rows("history", user_id, history(), _HISTORY),
            damaged.rows("label", user_id, labels(), LABEL),
        )
