"""The agenda: which accounts are to be decided again, when, and why.

One sorted set a shard, in which an account stands once, by the time it is due: whatever happens to it meanwhile brings
it forward, so that a thousand causes at once are one decision. Whoever takes an account moves it into the future for as
long as that may last; a worker that is killed with it loses it to the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.due_sets import DueSets
from riskapi.store.streams import SHARDS, shard
from signals.records import record

#: Seconds between two accounts that are added for one cause: a worker decides more in that time.
_APART = 0.01


@record
class Item:
    """An account that is due since Unix time ``due``. ``cause`` says what brought it here; ``token`` proves that it is
    still ours.
    """

    user_id: str
    cause: str
    token: float
    due: float


def agenda_key(number: int) -> str:
    """Key of a shard's agenda. No TTL: accounts leave it when they were looked at for the last time."""
    return f"risk:w:{{{number}}}"


def causes_key(number: int) -> str:
    """Key of why the accounts of a shard's agenda stand in it. No TTL: they leave it with the agenda."""
    return f"risk:wc:{{{number}}}"


def next_due(policy: Policy, signed_up_at: float, now: float) -> float | None:
    """When an account that signed up then is decided again after Unix time ``now``, whatever happens; or None."""
    for hours in policy.rescoring.schedule_hours:
        due = signed_up_at + hours * 3600
        if due > now:
            return due
    return None


class Agenda:
    """Reads and writes the agenda."""

    def __init__(self, store: Store) -> None:
        self._store, self._sets = store, DueSets(store, [agenda_key(number) for number in range(SHARDS)])
        self._add = store.script("agenda_add")
        self._take = store.script("agenda_take")
        self._done = store.script("agenda_done")

    def add(self, user_ids: Sequence[str], due: float, cause: str) -> None:
        """Add accounts that are due at Unix time ``due``, those left as they are that are due earlier; one trip.

        Many are due one after another, so that what happens to somebody else meanwhile waits for few of them.
        """
        told: dict[int, list[str]] = {}
        for place, user_id in enumerate(user_ids):
            told.setdefault(shard(user_id), []).append(f"{user_id} {due + place * _APART!r}")
        pipe = self._store.pipeline()
        for number, each in told.items():
            self._add.queue(pipe, [agenda_key(number), causes_key(number)], [" ".join(each), cause])
        self._store.run(pipe)

    def take(self, number: int, now: float, lease: float, most: int) -> list[Item]:
        """Accounts of a shard that are due at Unix time ``now``, ours for ``lease`` seconds."""
        until = now + lease
        reply = self._take.call([agenda_key(number), causes_key(number)], [repr(now), repr(until), most])
        rows = zip(reply[::3], reply[1::3], reply[2::3], strict=True)
        return [Item(name.decode(), cause.decode(), until, float(due)) for name, cause, due in rows]

    def done(self, item: Item, due: float | None) -> bool:
        """Take an account off the agenda, or put it to the next time it is ``due``.

        False when it is no longer ours: something else brought it forward meanwhile, or it was taken over.
        """
        number = shard(item.user_id)
        args = [item.user_id, repr(item.token), "" if due is None else repr(due)]
        return bool(self._done.call([agenda_key(number), causes_key(number)], args))

    def due(self, now: float) -> list[int]:
        """Shards in which an account is due at Unix time ``now``, in one trip."""
        return self._sets.due(now)

    def overdue(self, now: float) -> int:
        """Accounts that were due before Unix time ``now``."""
        return sum(self._sets.counts(now))
