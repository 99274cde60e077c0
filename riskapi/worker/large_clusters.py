"""Looks at the large clusters that feedback is about: what follows for all of their accounts is done, however many.

It is a thread of its own, so that what follows from other feedback does not wait for a ring of thousands. Whoever is
stopped in the middle leaves the rest to the next: what was done is marked, and not done again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import groupby

from riskapi import logs
from riskapi.clusters.clusters import Clusters
from riskapi.decisions.cluster_agenda import LEASE, Ask
from riskapi.decisions.cluster_consequences import ClusterConsequences, Consequence
from riskapi.errors import StoreUnavailable
from riskapi.store import damaged
from riskapi.times import DAY

#: Accounts after which a lease is renewed: a second of work.
_RENEW = 50
#: Seconds until a look that failed is tried again, at most: the first time as many as a lease has, then twice as many
#: each time.
_LONGEST = 3600


class LargeClusters:
    """Works off the agenda of large clusters. Safe to share between threads: each looks at clusters of its own."""

    def __init__(
        self,
        clusters: Clusters,
        consequences: ClusterConsequences,
        clock: Callable[[], float],
    ) -> None:
        """``clock`` gives Unix time."""
        self._clusters, self._consequences, self._agenda = clusters, consequences, consequences.agenda
        self._clock = clock
        #: How often the look at a cluster failed in this process.
        self._failed: dict[str, int] = {}

    def waiting(self) -> int:
        """Clusters whose look waits. Raises :class:`StoreUnavailable`."""
        return len(self._by_cluster(self._agenda.asked()))

    def step(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Look at the clusters that a look was asked for, except those that somebody else looks at or just did. Returns
        how many were looked at. ``stopping`` says whether that is to end before it is done. Raises
        :class:`StoreUnavailable`.
        """
        looked = 0
        for cluster in self._by_cluster(self._agenda.asked()):
            if not self._agenda.lease(cluster):
                continue
            try:
                asks = self._asked(cluster)
                if not self._look(cluster, asks, stopping):
                    self._agenda.release(cluster)
                    break
            except StoreUnavailable:
                raise
            except Exception as error:  # a defect is mended by people, not by haste
                tries = self._failed[cluster] = self._failed.get(cluster, 0) + 1
                logs.note(logging.ERROR, "cluster_look_failed", error, tries=tries)
                self._agenda.renew(cluster, min(LEASE * 2 ** (tries - 1), _LONGEST))
                continue
            self._failed.pop(cluster, None)
            self._agenda.done(cluster, asks)
            looked += 1
        return looked

    def _asked(self, cluster: str) -> list[Ask]:
        """The look that a cluster still needs, read once nobody else looks at it: until then it may have become part of
        another, or have been looked at.
        """
        asks = self._agenda.asked()
        users = set(self._by_cluster(asks).get(cluster, ()))
        return [ask for ask in asks if ask.user_id in users]

    def _by_cluster(self, asks: Sequence[Ask]) -> dict[str, list[str]]:
        """The accounts because of which a look was asked for, by the cluster that each is in now."""
        return self._clusters.by_cluster({ask.user_id for ask in asks})

    def _look(self, cluster: str, asks: Sequence[Ask], stopping: Callable[[], bool]) -> bool:
        """Do what follows for a cluster, for each day by what was met by the last time that it was asked for; False
        where that ended before it was done.
        """
        for _, of_day in groupby(asks, lambda ask: ask.at // DAY):
            some = list(of_day)
            at, users = some[-1].at, list(dict.fromkeys(ask.user_id for ask in some))
            for place, each in enumerate(self._consequences.following(cluster, users, at)):
                if stopping():
                    return False
                if place % _RENEW == 0:
                    self._agenda.renew(cluster)
                self._do(each, max(self._clock(), at))
        return True

    def _do(self, each: Consequence, now: float) -> None:
        try:
            self._consequences.do(each, now)
        except StoreUnavailable:
            raise
        except Exception as error:  # one account must not hold up the others
            damaged.note("account", each.user_id, error)
            logs.note(logging.ERROR, "linked_restriction_failed", error, trigger=each.trigger.name)
