"""Sites: the domains that an account's mail links to, as reputation.

Anybody can link to any domain, so a site binds nobody and limits nobody: it is counted how many accounts use one, in
mail or as the website of their signup, and how many of these were labelled abusive. What an account linked to is kept
with the account, so that a label moves all of it, and moves it back. Where an established customer uses a site, what
others do there says nothing (``store/lua/entity_touch.lua``).
"""

from __future__ import annotations

from typing import Final

from riskapi.links.keys import key_of, mac_of
from riskapi.links.kinds import MessageEntities
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, ReplyReader
from riskapi.store.redis_socket import Argument
from riskapi.store.streams import shard
from riskapi.times import DAY

#: Sites of one account that are kept, those linked to last. Honest mail links to a handful; a key is some 60 bytes.
MOST: Final = 200


class Sites:
    """Keeps which sites accounts link to. Safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._note = store.script("account_sites")

    def queue(self, pipe: Pipeline, said: MessageEntities, policy: Policy) -> ReplyReader[list[str]]:
        """Note, in a pipeline, the sites of a message; to be read are keys of sites that are too many by now, which the
        account has to leave. Has to stand before the touch of the sites, so that a label misses none.
        """
        args: list[Argument] = [repr(said.at), policy.retention.entities_days * DAY, MOST, *map(mac_of, said.sites)]
        return self._note.ask(pipe, [_key(said.user_id)], args, read=_keys)

    def of(self, user_id: str) -> list[str]:
        """The keys of the sites that an account links to. Raises :class:`riskapi.errors.StoreUnavailable`."""
        return _keys(self._store.execute("ZRANGE", _key(user_id), 0, -1))

    def forget(self, user_id: str) -> None:
        """Forget what an account links to. Safe to repeat."""
        self._store.execute("DEL", _key(user_id))


def _keys(macs: list[bytes]) -> list[str]:
    return [key_of("site", mac.decode()) for mac in macs]


def _key(user_id: str) -> str:
    """Key of the sites of an account; it expires ``retention.entities_days`` after its last message with a link."""
    return f"risk:aw:{{{shard(user_id)}}}:{user_id}"
