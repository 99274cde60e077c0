"""Where budgets are kept: what accounts and clusters spent, who is in which cluster, and what was reserved.

All of it lives in one hash slot, ``{b}``. A grant has to look at an account and its cluster at the same moment, and any
two clusters can merge: only one slot makes that one atomic step on a cluster of nodes too.
"""

from __future__ import annotations

from riskapi.policy import Policy
from riskapi.store.streams import stream
from riskapi.times import DAY

#: The stream of what happens to clusters, as those of accounts are in :mod:`riskapi.store.streams`.
EVENTS = stream("b")


def budget_key(user_id: str) -> str:
    """Key of what an account spent, its cluster, what binds it there, and its hold; expires after :func:`kept`."""
    return f"risk:b:{{b}}:{user_id}"


def cluster_key(cluster_id: str) -> str:
    """Key of what a cluster spent and of the things that bind it; expires after :func:`kept`."""
    return f"risk:c:{{b}}:{cluster_id}"


def members_key(cluster_id: str) -> str:
    """Key of the accounts of a cluster; expires after :func:`kept`."""
    return f"risk:cm:{{b}}:{cluster_id}"


def reservation_key(reservation_id: str) -> str:
    """Key of a reservation; it expires ``sends.reservation_days`` after the grant."""
    return f"risk:v:{{b}}:{reservation_id}"


def repeat_key(name: str) -> str:
    """Key of the grant under an ``Idempotency-Key``, by its SHA-256; expires after 24 hours."""
    return f"risk:vi:{{b}}:{name}"


def kept(policy: Policy) -> int:
    """Seconds budgets and clusters are kept after their last use: as long as entities, and no less than a month."""
    return max(policy.retention.entities_days, 32) * DAY
