"""Looks at the large clusters that feedback is about: what follows for all of their accounts is done, however many.

It is a thread of its own, so that what follows from other feedback does not wait for a ring of thousands. Whoever is
stopped in the middle leaves the rest to the next: what was done is marked, and not done again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from riskapi import logs
from riskapi.clusters.clusters import Clusters
from riskapi.decisions.cluster_consequences import ClusterConsequences
from riskapi.errors import StoreUnavailable
from riskapi.store import damaged

#: Accounts after which a lease is renewed: a second of work.
_RENEW = 50


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

    def step(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Look at the clusters that a look was asked for, other than those that somebody else looks at, or did just
        now; how many. ``stopping`` says whether that is to end before it is done. Raises :class:`StoreUnavailable`.
        """
        looked, asked = 0, self._agenda.asked()
        for cluster, user_ids in self._clusters.by_cluster(asked).items():
            if not self._agenda.lease(cluster):
                continue
            try:
                if not self._look(cluster, user_ids, stopping):
                    self._agenda.release(cluster)
                    break
            except StoreUnavailable:
                raise
            except Exception as error:  # the next feedback has it looked at again
                logs.note(logging.ERROR, "cluster_look_failed", error)
            self._agenda.done(cluster, {user_id: asked[user_id] for user_id in user_ids})
            looked += 1
        return looked

    def _look(self, cluster: str, user_ids: Sequence[str], stopping: Callable[[], bool]) -> bool:
        """Do what follows for a cluster; False where that ended before it was done."""
        now = self._clock()
        for place, each in enumerate(self._consequences.following(cluster, user_ids, now)):
            if stopping():
                return False
            if place % _RENEW == 0:
                self._agenda.renew(cluster)
            try:
                self._consequences.do(each, now)
            except StoreUnavailable:
                raise
            except Exception as error:  # one account must not hold up the others
                damaged.note("account", each.user_id, error)
                logs.note(logging.ERROR, "linked_restriction_failed", error, trigger=each.trigger.name)
        return True
