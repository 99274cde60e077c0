"""The members of an entity with their scores, in whichever form it is kept."""

from __future__ import annotations

from riskapi.store.connections import Store
from riskapi.store.replies import scored


def members(store: Store, key: str | bytes) -> dict[str, float]:
    """What is noted on the entity with this key, the oldest first; see ``riskapi/store/lua/entity_touch.lua``."""
    return dict(scored(store.script("entity_members").call([key], ("-inf", "+inf", 1_000_000, "oldest", "scores"))))
