"""Everything that happens in a trial: the rings, the crowds among them, their signups, and what each asks to send."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Literal

from training.rings.bonds import BONDS, EVASIONS, Bond, Says
from training.rings.crowds import CROWDS, Crowd
from training.rings.groups import Account, Group, Send
from training.rings.policy import Caps
from training.simulator.networks import Networks
from training.simulator.signups import Draft, World, ordinary
from training.simulator.timeline import DAY, HOUR, Window

#: Sizes of the rings: one account alone is what the others are compared with.
SIZES = (1, 10, 100)
#: Days over which people and rings sign up before anybody sends, and how much longer ago the aged rings did.
_OPENING, _AGING = 7.0, 30.0
#: Share of an account's own cap that it asks for: a ring as much as goes unnoticed, people what is left of a busy day.
_GREED, _NEED = 0.9, 0.6
#: An account asks again after this long, and starts every day so much later than the day before: caps slide, and what
#: was sent counts for up to a quarter of an hour more than a day.
_GAP, _DRIFT = 1.5 * HOUR, 0.5 * HOUR
#: Sites that people of all sorts link to.
_POPULAR = ("youtube.com", "facebook.com", "instagram.com", "linkedin.com", "x.com")


@dataclass(frozen=True, slots=True)
class Scene:
    """The groups of a trial, and when all have signed up (``opened``) and all is over (``end``), in Unix seconds."""

    groups: tuple[Group, ...]
    opened: float
    end: float


def stage(
    networks: Networks, caps: Caps, start: float, days: int, seed: int, *, sizes: Sequence[int] = SIZES,
    bonds: Sequence[Bond] = BONDS, evasions: Sequence[tuple[Bond, int]] = EVASIONS, crowds: Sequence[Crowd] = CROWDS,
) -> Scene:  # fmt: skip
    """Rings of these sizes, one for each bond, evasions and crowds; they send for ``days``, 1 to 30.

    The same arguments give the same scene.
    """
    caller = _Caller(networks, caps, start, days, seed)
    rings = [caller.ring(bond, size) for bond in bonds for size in sizes]
    rings += [caller.ring(bond, size, "evasion") for bond, size in evasions]
    return Scene((*rings, *map(caller.crowd, crowds)), caller.opened, caller.end)


class _Caller:
    """Calls groups onto the stage: draws them one after the other, and keeps strangers from having the same mailbox."""

    def __init__(self, networks: Networks, caps: Caps, start: float, days: int, seed: int) -> None:
        self._world = World(networks, Window(start, _OPENING))
        self._aged = World(networks, Window(start - _AGING * DAY, 1.0))
        self._caps = caps
        self._days = days
        self._seed = seed
        self._owners: dict[str, str] = {}
        self._groups = 0
        self.opened = self._world.window.end
        self.end = self.opened + days * DAY

    def ring(self, bond: Bond, size: int, kind: Literal["ring", "evasion"] = "ring") -> Group:
        """A ring of that many accounts."""
        random = Random(f"{self._seed}:{bond.name}:{size}")
        tie, says = bond.tie(random), bond.says(random)
        world = self._aged if bond.order == "aged" else self._world
        self._groups += 1
        accounts = []
        for number in range(size):
            draft = ordinary(world, random)
            first = self.opened + random.random() * self._slack(_GREED)
            if bond.order == "growing":
                draft.at = self.opened + 0.9 * self._days * DAY * number / size
                first = draft.at + HOUR
            user_id = self._name(number)
            draft.address = self._own(draft.address, user_id)
            tie(draft)
            accounts.append(self._account(random, draft, user_id, f"{self._groups}: ring", first, _GREED, says))
        return Group(kind, bond.name, tuple(accounts))

    def crowd(self, crowd: Crowd) -> Group:
        """A crowd, of several households or firms where one is not enough."""
        random = Random(f"{self._seed}:{crowd.what}")
        self._groups += 1
        accounts: list[Account] = []
        actors = 0
        while len(accounts) < crowd.size:
            drafts = crowd.make(self._world, random, crowd.size - len(accounts))
            self._settle(drafts)
            actors += 1
            for draft in drafts:
                user_id = self._name(len(accounts))
                firm = f"firm{self._groups}-{actors}"
                actor = firm if crowd.kind == "firm" else user_id
                draft.address = self._own(draft.address, actor)
                first = self.opened + random.random() * self._slack(_NEED)
                says = _links(_site(firm if crowd.site else user_id))
                accounts.append(self._account(random, draft, user_id, actor, first, _NEED, says))
        return Group(crowd.kind, crowd.what, tuple(accounts))

    def _account(
        self, random: Random, draft: Draft, user_id: str, actor: str, first: float, share: float, says: Says
    ) -> Account:
        own = {"from_domain": draft.address.rpartition("@")[2], "link_domains": [_site(user_id)]}
        sends = []
        for at, recipients in self._asks(first, share):
            fingerprint = sha256(f"{user_id}:{at}".encode()).hexdigest()
            message = {"fingerprint": fingerprint} | own | says(user_id, random)
            sends.append(Send(round(at, 3), recipients, message))
        return Account(user_id, round(draft.at, 3), draft.body(user_id, None), actor, tuple(sends))

    def _name(self, number: int) -> str:
        return f"g{self._groups:02d}-{number:03d}"

    def _batches(self, share: float) -> tuple[int, int]:
        """How often an account asks in a day and for how many, so that it stays under that share of all its caps."""
        daily = share * min(self._caps.daily, self._caps.monthly / self._days)
        batches = math.ceil(daily / (_GREED * self._caps.hourly))
        return batches, int(daily / batches)

    def _slack(self, share: float) -> float:
        """Latest time of the first day at which an account can start and still ask for everything before the end."""
        return DAY - self._batches(share)[0] * _GAP - self._days * _DRIFT

    def _asks(self, first: float, share: float) -> Iterator[tuple[float, int]]:
        batches, recipients = self._batches(share)
        for day in range(self._days):
            for batch in range(batches):
                at = first + day * (DAY + _DRIFT) + batch * _GAP
                if at < self.end:
                    yield at, recipients

    def _own(self, address: str, actor: str) -> str:
        """The address, changed until nobody else has its mailbox: two people never have the same."""
        local, _, domain = address.partition("@")
        plain = local.partition("+")[0].replace(".", "").lower()
        number, tried = 1, plain
        while self._owners.setdefault(f"{tried}@{domain}", actor) != actor:
            number += 1
            tried = f"{plain}{number}"
        return address if tried == plain else f"{tried}@{domain}"

    def _settle(self, drafts: Sequence[Draft]) -> None:
        """Move a group that signs up outside the window into it, faster where it must be."""
        window = self._world.window
        low, high = min(draft.at for draft in drafts), max(draft.at for draft in drafts)
        if low >= window.start and high < window.end:
            return
        pace = min(1.0, 0.99 * (window.end - window.start) / max(high - low, 1.0))
        for draft in drafts:
            draft.at = window.start + (draft.at - low) * pace


def _site(owner: str) -> str:
    return f"{owner}.example"


def _links(site: str) -> Says:
    """Their own site in every message, in half of them a popular one too."""
    return lambda user_id, chance: {"link_domains": [site, *chance.sample(_POPULAR, chance.randrange(2))]}
