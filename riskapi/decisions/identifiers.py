"""What an account has: its mailbox, its number, its devices, its domain. Events tell when they change or are proved.

What is new is touched like at a signup, so that links and lists follow it. What it had before stays linked to it, as it
was claimed or proved, or changing a number would shake off a past: one number could be proved and given up by account
after account. An established customer leaves the old one behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.first_record import kept_signup
from riskapi.accounts.labels import Labels
from riskapi.accounts.packing import pack
from riskapi.clusters.claims import Claims
from riskapi.clusters.clusters import Clusters
from riskapi.clusters.proofs import Proofs
from riskapi.decisions.gather import Gatherer
from riskapi.errors import StoreUnavailable, no_account
from riskapi.inputs import device as devices
from riskapi.inputs.signup import Signup
from riskapi.links.entities import Links
from riskapi.links.keys import entities_of, packed_entities
from riskapi.links.kinds import Touch, own_domain
from riskapi.policy.active import ActiveBasis
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from riskapi.times import DAY

#: Times an account is read anew because somebody changed it meanwhile; far more than any race measured.
_TRIES = 20
#: Fields that are written together, see account_follow.lua, and those that are read for it.
_FOLLOWED = ("signup", "entities", "proved", "things")
_READ = (*_FOLLOWED, "assessment")
#: What a changed address and a changed number change of what an account touches.
_KINDS: Mapping[str, tuple[str, ...]] = {
    "email": ("mailbox", "pattern", "stem", "mail_domain", "tld"),
    "phone": ("phone", "phone_block"),
}
#: What a changed part is proved by, and what proof keeps an account out of waves: a mailbox costs nothing.
_PROVED = {"email": "mailbox", "phone": "phone"}
#: Devices remembered for an account besides that of its signup.
_DEVICES = 20


class Identifiers:
    """Follows what events tell of an account's identifiers. Each method is safe to repeat and raises ``not_found``."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        links: Links,
        clusters: Clusters,
        claims: Claims,
        labels: Labels,
        proofs: Proofs,
        gatherer: Gatherer,
        active: ActiveBasis,
    ) -> None:
        self._store, self._accounts, self._links, self._clusters = store, accounts, links, clusters
        self._claims, self._labels, self._proofs = claims, labels, proofs
        self._gatherer, self._active = gatherer, active
        self._follow = store.script("account_follow")

    def change(self, user_id: str, part: str, value: str, now: float) -> bool:
        """Follow an address (``part`` is ``email``) or number (``phone``) to another value.

        False where the value cannot be read: then nothing changes. Raises :class:`StoreUnavailable`.
        """
        policy = self._active.policy
        for read in self._readings(user_id):
            signup = _changed(damaged.whole(kept_signup(read)), part, value)
            parsed = self._gatherer.parse(signup, now)
            kind = _PROVED[part]
            touch = self._links.touched(user_id, replace(parsed.facts, proved=frozenset()))
            if kind not in touch.keys:
                return False
            before = entities_of(read["entities"], user_id)
            proved = entities_of(read["proved"] or b"{}", user_id)
            if before.get(kind) == touch.keys[kind]:
                break
            fresh = {name: touch.keys[name] for name in _KINDS[part] if name in touch.keys}
            old = {name: key for name, key in before.items() if name in _KINDS[part] and key not in fresh.values()}
            held = self._is_held(user_id)
            kept = {name: key for name, key in before.items() if name not in _KINDS[part]}
            if not held:
                kept |= {f"{name}:{key[-6:]}": key for name, key in old.items()}
            proved.pop(kind, None)
            domain = own_domain(parsed.facts, verified=signup.email.verified)
            things = self._things([domain] if domain else [], read["things"] if part != "email" else b"")
            self._touch(user_id, touch, fresh, now)
            written = self._written(
                user_id, read, pack(signup.json_to_store()),
                packed_entities({**kept, **fresh}), orjson.dumps(proved) if proved else b"", things,
            )  # fmt: skip
            if not written:
                continue
            if held and kind in old:
                self._proofs.take(user_id, [old[kind]], now, policy)
                self._leave(user_id, list(old.values()), now)
            self._mark(user_id)
            break
        return True

    def prove(self, user_id: str, part: str, at: float, now: float) -> None:
        """Note that the account proved its address (``email``) or number (``phone``) at Unix time ``at``."""
        kind = _PROVED[part]
        for read in self._readings(user_id):
            key = entities_of(read["entities"], user_id).get(kind)
            if key is None:
                return  # it gave none that could be read
            proved = entities_of(read["proved"] or b"{}", user_id)
            if self._written(
                user_id, read, read["signup"], read["entities"], orjson.dumps({**proved, kind: key}), read["things"]
            ):
                self._proofs.give(user_id, [key], at, self._active.policy, now, aside=kind == "phone")
                return

    def disown(self, user_id: str, address: str | None, at: float, now: float) -> None:
        """Note that the owner of an address said at Unix time ``at`` that the account signed up with it and is not his.

        What the account proved of the address before that does not count any more: it no longer holds the mailbox,
        and only claims it, as all who typed it do. An ``address`` that the account never proved changes nothing.
        """
        for read in self._readings(user_id):
            before = entities_of(read["proved"] or b"{}", user_id)
            key = self._mailbox(user_id, read, address, now) if address else before.get("mailbox")
            if key is None or not 0 < self._links.proved_at(user_id, key) <= at:
                return  # it never was, or it was confirmed since
            proved = {kind: own for kind, own in before.items() if own != key}
            kept = orjson.dumps(proved) if proved else b""
            if self._written(user_id, read, read["signup"], read["entities"], kept, read["things"]):
                self._proofs.take(user_id, [key], now, self._active.policy)
                self._mark(user_id)
                return

    def _mailbox(self, user_id: str, read: dict[str, bytes], address: str, now: float) -> str | None:
        """The key of the mailbox of an address."""
        signup = _changed(damaged.whole(kept_signup(read)), "email", address)
        return self._links.touched(user_id, self._gatherer.parse(signup, now).facts).keys.get("mailbox")

    def authenticate(self, user_id: str, domain: str, now: float) -> None:
        """Note a domain that the account proved to be its own: mail may link to it without claiming anything."""
        for read in self._readings(user_id):
            things = self._things([domain], read["things"])
            if self._written(user_id, read, read["signup"], read["entities"], read["proved"], things):
                keys = [key for _, key in self._links.said(user_id, now, [domain], None).keys]
                self._proofs.give(user_id, (), now, self._active.policy, now, aside=True)
                self._leave(user_id, keys, now)
                return

    def pay(self, user_id: str, now: float) -> None:
        """Note that the account paid: no wave does."""
        self._proofs.give(user_id, (), now, self._active.policy, now, aside=True)

    def see(self, user_id: str, device_id: str, now: float) -> None:
        """Note a device that the account was seen on, and join it to those who share that."""
        device = devices.identifier(device_id)
        if device is None:
            return
        key = self._links.entity_key("device", device)
        for _ in range(_TRIES):
            read = self._read(user_id)
            before = entities_of(read["entities"], user_id)
            if key in before.values() or sum(name.startswith("device:") for name in before) >= _DEVICES:
                break
            entities = packed_entities({**before, f"device:{key[-6:]}": key})
            if self._written(user_id, read, read["signup"], entities, read["proved"], read["things"]):
                break
        self._touch(user_id, Touch(user_id, now, {}, frozenset()), {"device": key}, now)
        self._mark(user_id)

    def vouch(self, user_id: str, now: float, *, on: bool) -> None:
        """Note whether the account vouches for those it refers: they then share its budget, and no suspicion."""
        key = self._links.entity_key("referrer", user_id)
        if on:
            self._store.execute("HSET", account_key(user_id), "vouches", 1)
            self._touch(user_id, Touch(user_id, now, {}, frozenset()), {"referrer": key}, now)
        else:
            self._store.execute("HDEL", account_key(user_id), "vouches")

    def _leave(self, user_id: str, keys: list[str], now: float) -> None:
        """Take the account out of things that it has no longer, or does not claim."""
        policy = self._active.policy
        self._claims.drop([user_id], keys, policy, now, "left")
        self._links.leave(user_id, keys)
        self._clusters.leave(user_id, policy, now, keys=keys)

    def _touch(self, user_id: str, touch: Touch, keys: dict[str, str], now: float) -> None:
        """Touch things, and join the account to those who share them."""
        policy = self._active.policy
        touch = replace(touch, at=now, keys=keys)
        pipe = self._store.pipeline()
        touched = self._links.queue(pipe, touch, policy)
        self._store.run(pipe)
        found = self._links.entities(touch, touched(), policy)
        self._clusters.join(user_id, list(found.values()), policy, now)

    def _mark(self, user_id: str) -> None:
        """Let what it has by now know what it is: an abuser's next machine, or a customer's."""
        self._labels.mark_latest(user_id, self._accounts.standing(user_id))

    def _is_held(self, user_id: str) -> bool:
        return self._accounts.standing(user_id).established is not None

    def _things(self, domains: list[str], before: bytes) -> bytes:
        keys = [key for _, key in self._links.said("", 0.0, domains, None).keys] if domains else []
        return " ".join(dict.fromkeys([*before.decode().split(), *keys])).encode()

    def _readings(self, user_id: str) -> Iterator[dict[str, bytes]]:
        """What the account has, read anew as long as somebody changes it before what follows from it is written.

        Raises :class:`StoreUnavailable` where that happens too often.
        """
        for _ in range(_TRIES):
            yield self._read(user_id)
        raise StoreUnavailable("an account changed too often to follow it")

    def _read(self, user_id: str) -> dict[str, bytes]:
        found: Any = self._store.execute("HMGET", account_key(user_id), *_READ)
        if not any(found):
            raise no_account()
        return {name: value or b"" for name, value in zip(_READ, found, strict=True)}

    def _written(self, user_id: str, read: dict[str, bytes], *values: bytes) -> bool:
        """Write what an account has; False when it changed since it was read."""
        before = [read[name] for name in _FOLLOWED]
        args: list[Any] = [self._active.policy.retention.accounts_days * DAY, *before, *values]
        found = self._follow.call([account_key(user_id)], args)
        if not found:
            raise no_account()
        return bool(found[0] == b"written")


def _changed(signup: dict[str, Any], part: str, value: str) -> Signup:
    """A stored signup with another address or number, which nobody has confirmed yet."""
    field = "address" if part == "email" else "number"
    return Signup.stored(orjson.dumps({**signup, part: {field: value}}))
