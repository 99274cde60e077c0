"""The accounts with linked restrictions (:mod:`riskapi.accounts.linked_restrictions`), so that each is looked at again
once a day, whatever happens.

What happens to links is told at once, but not everything arrives: a release older than 2026-11-28 that runs beside this
one neither writes nor reads these events, and in a large cluster only some accounts are told.
"""

from __future__ import annotations

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.agenda import Agenda
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS
from riskapi.times import DAY, unix_text

#: Seconds until the first look: longer than two releases run beside each other while hosts are started again.
FIRST = 900.0
#: Accounts of a shard that are put on the agenda at once, five seconds of work for a worker.
_MOST = 500


def restricted_key(number: int) -> str:
    """Key of a shard's accounts with linked restrictions, by when they are looked at again. No TTL: they leave it when
    they are erased, or were found gone.
    """
    return f"risk:ar:{{{number}}}"


class RestrictedAccounts:
    """Has accounts with linked restrictions looked at."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store, self._accounts, self._agenda = store, accounts, Agenda(store)

    def look(self, now: float) -> int:
        """Put those that are due at Unix time ``now`` on the agenda. Returns how many there were. Safe to repeat, and
        to stop in the middle. Raises :class:`riskapi.errors.StoreUnavailable`.
        """
        looked = 0
        for number in range(SHARDS):
            key, due = restricted_key(number), ("-inf", unix_text(now), "LIMIT", 0, _MOST)
            names = [name.decode() for name in self._store.execute("ZRANGEBYSCORE", key, *due)]
            if names:
                found = self._accounts.restricted(names)
                self._agenda.add(found, now, "linkage")
                pipe = self._store.pipeline()
                for name in names:
                    if name in found:
                        pipe.execute_command("ZADD", key, "XX", unix_text(now + DAY), name)
                    else:
                        pipe.execute_command("ZREM", key, name)
                self._store.run(pipe)
                looked += len(found)
        return looked
