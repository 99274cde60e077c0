"""What stands on the agenda."""

from __future__ import annotations

from riskapi.accounts.agenda import agenda_key
from riskapi.store.connections import Store
from riskapi.store.streams import shard


def due_at(store: Store, user_id: str) -> float | None:
    """When an account is due, as a Unix time; None when it is not on the agenda."""
    found = store.execute("ZSCORE", agenda_key(shard(user_id)), user_id)
    return None if found is None else float(found)
