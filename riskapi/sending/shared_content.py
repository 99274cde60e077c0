"""Content that is shared with others says nothing by itself: many use the same template. With a second thing it does.

That is a mailbox of the same make, or a number of the same block: what colleagues, and strangers on a vendor's
template, do not have in common.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

from riskapi.links.entities import Links
from riskapi.links.keys import entities_of
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from signals.facts import Entity

#: Things of which one must agree, too, for the same content to bind. A firm's domain and address are its template's.
_SECOND = ("stem", "phone_block")
#: Accounts whose things are remembered by a process.
_REMEMBERED = 20_000


class SharedContent:
    """Keeps of what a message says what binds its sender."""

    def __init__(self, store: Store, links: Links) -> None:
        self._store, self._links = store, links
        # What an account signed up with is remembered, because templates are sent by many often.
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def kept(self, user_id: str, entities: Sequence[Entity]) -> list[Entity]:
        """The same entities, but for a content: in its place stands the pair of it and each second thing of this
        account, with the other accounts that agree in both. Nobody holds a content: who sends it claims nothing of who
        did first. One trip at most.
        """
        contents = [entity for entity in entities if entity.kind == "content" and entity.others]
        things = self._things({user_id, *(name for entity in contents for name in entity.others)} if contents else ())
        found = [entity for entity in entities if entity.kind != "content"]
        for entity in contents:
            for second in things[user_id]:
                others = tuple(name for name in entity.others if second in things[name])
                if others:
                    key = self._links.entity_key("content", f"{entity.key} {second}")
                    found.append(replace(entity, key=key, others=others, bound=False, holders=()))
        return found

    def _things(self, user_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The keys of what can agree, of each account."""
        found = {name: self._known.get(name) for name in user_ids}
        pipe = self._store.pipeline()
        asked = {
            name: pipe.ask("HGET", account_key(name), "entities", read=partial(_seconds, name))
            for name, things in found.items()
            if things is None
        }
        if asked:
            self._store.run(pipe)
        read = {name: things() for name, things in asked.items()}
        self._known.update(read)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return {**{name: things for name, things in found.items() if things is not None}, **read}


def _seconds(user_id: str, stored: bytes | None) -> tuple[str, ...]:
    entities = entities_of(stored, user_id)
    return tuple(entities[kind] for kind in _SECOND if kind in entities)
