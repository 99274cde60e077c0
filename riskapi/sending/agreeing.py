"""Content that is shared with others says nothing by itself: many use the same template. With a second thing it does.

That is a mailbox of the same make, or a number of the same block: what colleagues, and strangers on a vendor's
template, do not have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from riskapi.links.entities import Links
from riskapi.links.keys import entities_of
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from signals.facts import Entity

#: Things of which one must agree, too, for the same content to bind. A firm's domain and address are its template's.
_SECOND = ("stem", "phone_block")


class Agreeing:
    """Keeps of what a message says what binds its sender."""

    def __init__(self, store: Store, links: Links) -> None:
        self._store, self._links = store, links
        # Things of an account never change: what it signed up with. Remembered, because templates are sent by many
        # often.
        self._things = lru_cache(maxsize=20_000)(self._read)

    def kept(self, user_id: str, entities: Sequence[Entity]) -> list[Entity]:
        """The same entities, where in place of a content stands what it is together with each second thing of this
        account: with the others that agree in both. Nobody holds a content: who sends it claims nothing of who did
        first.
        """
        found = []
        for entity in entities:
            if entity.kind != "content":
                found.append(entity)
                continue
            for second in self._things(user_id) if entity.others else ():
                others = tuple(name for name in entity.others if second in self._things(name))
                if others:
                    key = self._links.entity_key("content", f"{entity.key} {second}")
                    found.append(replace(entity, key=key, others=others, bound=False, holders=()))
        return found

    def _read(self, user_id: str) -> tuple[str, ...]:
        """The keys of what can agree."""
        stored = self._store.execute("HGET", account_key(user_id), "entities")
        entities = entities_of(stored, user_id)
        return tuple(entities[kind] for kind in _SECOND if kind in entities)
