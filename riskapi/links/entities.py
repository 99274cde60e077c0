"""What accounts share: the entities a signup touches, who else touched them, and what that is worth.

Every entity (a mailbox, a phone, a network …) is one sorted set of accounts under a keyed HMAC, so the
store holds no address. Touching is atomic for each entity and safe to repeat: an account is in a set or it
is not, so a retry counts nothing twice. The layout is described in ``store/lua/entity_touch.lua``. A set of few is
packed in a string, which only ``store/lua/parts/entities.lua`` knows: nothing here reads or writes an entity but by a
script.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

from riskapi.inputs import device
from riskapi.inputs.readers import ActiveReaders
from riskapi.links import kinds, touch_replies
from riskapi.links.keys import KIND_OF, LETTERS, key_of, mac_of
from riskapi.links.kinds import CLOSE, COUNTED, PROVABLE, MessageEntities, Touch
from riskapi.links.macs import Macs
from riskapi.links.touches import KEEP, OF_ENTITY, TouchRules, asked_of, numbers, packed_crowds, told
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, ReplyReader, as_it_is
from riskapi.store.replies import scored
from riskapi.store.scripts import Script
from riskapi.times import DAY, unix_text
from signals.facts import Entity, Facts

_UNLINKED_KEYS = tuple(f"risk:e:{LETTERS[kind]}:" for kind in (*COUNTED, *CLOSE))
#: As many members as there are.
_ALL = 1_000_000
_HUB_MARKS = {"=h": 1, "=n": -1}
#: Kinds whose values recur from signup to signup, so that their keys are worth remembering.
_COMMON = frozenset(
    {
        "asn", "tld", "service", "mail_domain", "network", "link_domain", "site", "behavior", "wave", "pattern",
        "fingerprint",
    }
)  # fmt: skip
#: Longest fingerprint of a content: what is longer is the content itself, and none.
_FINGERPRINT = 256


class Links:
    """Reads and writes the entities. ``key`` is the secret of the HMAC (16 bytes or more).

    What mail links to is read with the ``active_readers``.
    """

    def __init__(self, store: Store, key: bytes, active_readers: ActiveReaders) -> None:
        self._store = store
        self._mac = Macs(key).of
        self._told: TouchRules | None = None
        self._active_readers = active_readers
        self._touch = store.script("entity_touch")
        self._mark = store.script("entity_mark")
        self._prove = store.script("entity_prove")
        self._spend = store.script("entity_spend")
        self._bind = store.script("entity_bind")
        self._cut = store.script("entity_cut")
        self._renew = store.script("entity_renew")
        self._members = store.script("entity_members")
        self._leave = store.script("entity_leave")
        self._found = store.script("entity_found")
        self._common_key = lru_cache(maxsize=16384)(self._key)

    def mac(self, kind: str, value: str) -> str:
        """The HMAC of a value, see :class:`riskapi.links.macs.Macs`."""
        return mac_of(self._common_key(kind, value)) if kind in _COMMON else self._mac(kind, value)

    def _key(self, kind: str, value: str) -> str:
        return key_of(kind, self._mac(kind, value))

    def touched(self, user_id: str, facts: Facts) -> Touch:
        """The entities of a signup. What is missing or invalid touches nothing."""
        common, single = self._common_key, self._key
        keys = {
            kind: (common if kind in _COMMON else single)(kind, value)
            for kind, value in kinds.values(facts).items()
            if value
        }
        website = facts.account.website
        site = self._active_readers.readers.links.read([website]) if website else ()
        if site:
            keys["site"] = self.entity_key("site", site[0])
        return Touch(
            user_id,
            facts.at,
            keys,
            frozenset(kinds.hubs(facts)),
            frozenset(kinds.shared(facts)),
            kinds.is_desk(facts),
            facts.proved & PROVABLE,
            facts.network_kind == "hosting",
        )

    def entity_key(self, kind: str, value: str) -> str:
        """Key of an entity; ``value`` is in the form :func:`riskapi.links.kinds.values` gives it."""
        return self._common_key(kind, value) if kind in _COMMON else key_of(kind, self._mac(kind, value))

    def said(self, user_id: str, at: float, link_domains: Iterable[str], fingerprint: str | None) -> MessageEntities:
        """The entities of a message sent at Unix time ``at``: the domains it links to and what it says.

        ``fingerprint`` is whatever the caller made of the content, up to 256 characters. What is garbage, and domains
        that everybody links to (:class:`riskapi.inputs.urls.LinkDomains`), touch nothing.
        """
        domains = self._active_readers.readers.links.read(link_domains)
        keys = [("link_domain", self.entity_key("link_domain", domain)) for domain in domains]
        content = device.identifier(fingerprint)
        if content is not None and len(content) <= _FINGERPRINT:
            keys.append(("content", self.entity_key("content", content)))
        return MessageEntities(user_id, at, tuple(keys), tuple(self.entity_key("site", domain) for domain in domains))

    def own_link(self, domain: str, *, listed: bool) -> str | None:
        """The key that links to an account's own mail domain (registrable) have, None where :meth:`said` gives none.

        ``listed``: lists were asked about this very domain, and it is nobody else's; they are not asked again.
        """
        links = self._active_readers.readers.links
        found = links.private(domain) if listed else next(iter(links.read([domain])), None)
        return None if found is None else self.entity_key("link_domain", found)

    def sender(self, domain: str) -> str | None:
        """The domain that mail comes from, see :meth:`riskapi.inputs.urls.LinkDomains.sender`."""
        return self._active_readers.readers.links.sender(domain)

    def hosts(self, links: Iterable[str]) -> list[tuple[str, ...]]:
        """The names of each different host of links, see :meth:`riskapi.inputs.urls.LinkDomains.names`."""
        read = self._active_readers.readers.links.names
        return list(dict.fromkeys(names for link in links if (names := read(link))))

    @staticmethod
    def kind_of(key: str) -> str:
        """The kind of the entity with this key; ``risk:e:`` before it may be left out. A capital letter stands for
        those who proved that the thing is their own.
        """
        return KIND_OF[key.removeprefix("risk:e:").partition(":")[0].lower()]

    def cut(self, user_id: str | None, keys: Sequence[str], on: bool) -> None:
        """Cut an account from entities, or the entities from everybody (None); with ``on`` false take that back."""
        self._on_each(self._cut, keys, (user_id or "", int(on)))

    def find_hub(self, key: str, at: float, policy: Policy, *, hub: bool) -> None:
        """Note at Unix time ``at`` whether an entity was found to be a hub."""
        self._found.call([key], (repr(at), int(hub), policy.retention.entities_days * DAY))

    def hub_found_at(self, key: str) -> float:
        """When an entity was last looked at for being a hub, as a Unix time: negative where it was not one, 0 where
        nobody looked.
        """
        for mark, score in self._between(key, 5e12, "(59e11"):
            if mark in _HUB_MARKS:
                return _HUB_MARKS[mark] * (score - 5e12)
        return 0.0

    def queue(self, pipe: Pipeline, touch: Touch, policy: Policy, *, add: bool = True) -> Callable[[], Sequence[Any]]:
        """Add the touch (or, without ``add``, only the look) to a pipeline: what it finds, for :meth:`entities`.

        The first touch of an account stands, so that a signup posted again counts nothing twice.
        """
        asked, keys = asked_of(touch, self._rules(policy)), touch.keys
        in_order = [keys[kind] for kind in asked.order]
        return self._queue(
            pipe, touch.user_id, touch.at, "first" if add else "look", in_order, asked.crowds, asked.sorts, policy
        )

    def _rules(self, policy: Policy) -> TouchRules:
        """What the script is told of a policy; that of the last touch is kept."""
        rules = self._told
        if rules is None or rules.policy is not policy:
            self._told = rules = told(policy)
        return rules

    def queue_said(
        self, pipe: Pipeline, said: MessageEntities, policy: Policy, account: str
    ) -> Callable[[], list[Entity]]:
        """As :meth:`queue`, for a message: its entities in the order of ``said.keys``, but for the account's own.

        The latest touch of an account stands: what two accounts keep sending links them until both stop. ``account`` is
        the key of the account: things of its own, which its field ``things`` names, are not touched. On a cluster of
        nodes that field lies elsewhere; there the caller leaves them out
        (:meth:`riskapi.accounts.accounts.Accounts.things`).
        """
        if not said.keys:
            return list
        limits = self._rules(policy).crowds
        keys, crowds = said.touched, [limits[kind] for kind, _ in said.keys]
        crowds += [limits["site"]] * len(said.sites)
        packed, sorts = packed_crowds(crowds), "o" * len(keys)
        asked = self._queue(pipe, said.user_id, said.at, "latest", keys, packed, sorts, policy, account)
        return lambda: touch_replies.of_message(said, asked(), policy, self._rules(policy).sharings)

    def _queue(
        self, pipe: Pipeline, user_id: str, at: float, adds: Literal["look", "first", "latest"], keys: Sequence[str],
        crowds: bytes, sorts: str, policy: Policy, account: str | None = None,
    ) -> Callable[[], Sequence[Any]]:  # fmt: skip
        rules, text = self._rules(policy), unix_text(at)

        def ask(keys: Sequence[str], crowds: bytes, sorts: str) -> ReplyReader[Any]:
            args = (user_id, text, adds, sorts, numbers(at, rules, crowds))
            return self._touch.ask(pipe, keys, args, read=as_it_is)

        if self._store.is_cluster:
            limits = [crowds[start : start + OF_ENTITY] for start in range(0, len(crowds), OF_ENTITY)]
            replies = [ask([key], limit, sort) for key, limit, sort in zip(keys, limits, sorts, strict=True)]
            return lambda: [told for reply in replies for told in reply()]
        return ask(keys if account is None else [*keys, account], crowds, sorts)

    def entities(
        self, touch: Touch, found: Sequence[Any], policy: Policy, voucher: str | None = None
    ) -> dict[str, Entity]:
        """The entities from what :meth:`queue` found, by kind: linking ones, counted ones, and those of
        :data:`riskapi.links.kinds.CLOSE`. ``voucher`` is the referrer, where it says that those it refers belong to it.
        """
        return touch_replies.of_touch(touch, found, policy, self._rules(policy), voucher)

    def mark(
        self, user_id: str, keys: Sequence[str], *, abusive: bool, limited: bool, established: float | None = None
    ) -> None:
        """Let an account's standing be felt by all it shares something with. Safe to repeat.

        ``established``: the Unix time since when it is an established customer, None for one that is not.
        """
        pipe = self._store.pipeline()
        self.queue_mark(pipe, user_id, keys, abusive=abusive, limited=limited, established=established)
        self._store.run(pipe)

    def queue_mark(
        self, pipe: Any, user_id: str, keys: Sequence[str], *, abusive: bool, limited: bool, established: float | None
    ) -> None:
        """As :meth:`mark`, in a pipeline."""
        since = "" if established is None else repr(established)
        self._queue_each(pipe, self._mark, keys, (user_id, int(abusive), int(limited), since))

    def prove(self, user_id: str, keys: Sequence[str], at: float, *, proved: bool = True) -> None:
        """Note that an account proved at Unix time ``at`` that these things are its own, or no longer has them.

        Entities the account is not in stay as they are. Safe to repeat.
        """
        self._on_each(self._prove, keys, (user_id, repr(at) if proved else ""))

    def proved_at(self, user_id: str, key: str) -> float:
        """When an account proved that an entity is its own, as a Unix time; 0 where it did not."""
        return dict(self._between(key, 59e11, "(69e11")).get(f"%{user_id}", 6e12) - 6e12

    def renew(self, user_id: str, keys: Sequence[str], at: float, policy: Policy) -> None:
        """Remember for longer that an account uses entities; where it was forgotten, from Unix time ``at`` on."""
        pipe = self._store.pipeline()
        self.queue_renew(pipe, user_id, keys, at, policy)
        self._store.run(pipe)

    def queue_renew(self, pipe: Pipeline, user_id: str, keys: Sequence[str], at: float, policy: Policy) -> None:
        """As :meth:`renew`, in a pipeline."""
        self._queue_each(pipe, self._renew, keys, (user_id, repr(at), policy.retention.entities_days * DAY))

    def mark_spent(self, user_id: str, keys: Sequence[str], at: float, *, out: bool, near: bool) -> None:
        """Note on what an account touched that it ran out of a cap, or came near one, at Unix time ``at``.

        The latest time stands. An account that ran out counts as such for a week, not as one that keeps just under its
        caps. Kinds that are only counted and entities the account is not in stay as they are. Safe to repeat.
        """
        linking = [key for key in keys if not key.startswith(_UNLINKED_KEYS)]
        self._on_each(self._spend, linking, (user_id, repr(at), int(out), int(near)))

    def queue_bind_mark(self, pipe: Any, keys: Sequence[str], on: bool) -> None:
        """Note, in a pipeline, that entities bind their accounts into a cluster now, or no longer do. Safe to repeat.

        An entity that nobody touched, or that is forgotten, stays unknown.
        """
        self._queue_each(pipe, self._bind, keys, (int(on),))

    def _on_each(self, script: Script, keys: Sequence[str], args: tuple[str | int, ...]) -> None:
        """Run a script on entities."""
        pipe = self._store.pipeline()
        self._queue_each(pipe, script, keys, args)
        self._store.run(pipe)

    def _queue_each(self, pipe: Any, script: Script, keys: Sequence[str], args: tuple[str | int, ...]) -> None:
        """Queue a script on entities: one call on one node, one a key on a cluster."""
        groups = [[key] for key in keys] if self._store.is_cluster else [list(keys)]
        for group in groups:
            if group:
                script.queue(pipe, group, args)

    def accounts(self, key: str) -> list[str]:
        """Everybody who touched an entity and is remembered for it, newest first, 2,100 at most."""
        pipe = self._store.pipeline()
        names = self.queue_accounts(pipe, key)
        self._store.run(pipe)
        return names()

    def uses(self, key: str) -> list[tuple[str, float]]:
        """Everybody who is remembered for an entity, with the Unix time of the first use, oldest first."""
        pipe = self._store.pipeline()
        latest = self._members.ask(pipe, [key], ("-inf", "(5e11", _ALL, "oldest", "scores"), read=scored)
        first = self._members.ask(pipe, [key], (79e11, "(89e11", _ALL, "oldest", "scores"), read=scored)
        self._store.run(pipe)
        found = dict(latest()) | {name[1:]: at - 8e12 for name, at in first()}
        return sorted(found.items(), key=lambda pair: pair[1])

    def queue_accounts(self, pipe: Pipeline, key: str) -> ReplyReader[list[str]]:
        """Ask, in a pipeline, for the accounts of an entity."""
        return self._members.ask(pipe, [key], ("-inf", "(5e11", KEEP, "newest", "names"), read=_names)

    def queue_provers(self, pipe: Pipeline, key: str) -> ReplyReader[frozenset[str]]:
        """Ask, in a pipeline, who proved that an entity is his."""
        return self._members.ask(pipe, [key], (59e11, "(69e11", _ALL, "oldest", "names"), read=_provers)

    def queue_holders(self, pipe: Pipeline, key: str) -> ReplyReader[Sequence[Any]]:
        """Ask, in a pipeline, who proved that an entity is his, or is an established customer, for :meth:`holders`."""
        return self._members.ask(pipe, [key], ("(59e11", "(8e12", _ALL, "oldest", "scores"), read=as_it_is)

    def _between(self, key: str, low: float | str, high: float | str) -> list[tuple[str, float]]:
        """The members of an entity between two scores, with them."""
        return scored(self._members.call([key], (low, high, _ALL, "oldest", "scores")))

    @staticmethod
    def holders(reply: Sequence[Any], now: float) -> set[str]:
        """The accounts in a reply to :meth:`queue_holders`, those left out that are established only after ``now``."""
        return {mark[1:] for mark, score in scored(reply) if mark[0] == "%" or score - 7e12 <= now}

    def leave(self, user_id: str, keys: Sequence[str]) -> None:
        """Take an account out of entities, as if it had never touched them."""
        pipe = self._store.pipeline()
        self.queue_leave(pipe, user_id, keys)
        self._store.run(pipe)

    def queue_leave(self, pipe: Pipeline, user_ids: str | Collection[str], keys: Sequence[str]) -> None:
        """As :meth:`leave`, in a pipeline, for one account or several."""
        self._queue_each(pipe, self._leave, keys, (user_ids,) if isinstance(user_ids, str) else tuple(user_ids))


def _names(reply: Sequence[bytes]) -> list[str]:
    return [name.decode() for name in reply]


def _provers(reply: Sequence[bytes]) -> frozenset[str]:
    return frozenset(mark[1:].decode() for mark in reply)
