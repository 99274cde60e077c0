"""What holds a ring together: one thing its accounts share, at signup or in what they send, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any, Literal

from training.simulator.devices import device_id
from training.simulator.mailboxes import alias
from training.simulator.names import fold, invent
from training.simulator.phones import mobile
from training.simulator.signups import Draft
from training.simulator.words import letters

#: Makes a draft one of the ring.
Tie = Callable[[Draft], None]
#: Fields of the message that take the place of an account's own, for each thing it sends; ``user_id`` is who sends.
Says = Callable[[str, Random], dict[str, Any]]
#: ``first``: all sign up, then they send. ``aged``: they signed up a month before. ``growing``: one after the other,
#: each while those before it send.
Order = Literal["first", "aged", "growing"]


@dataclass(frozen=True, slots=True)
class Bond:
    """One way to hold a ring together. ``tie`` and ``says`` are asked once a ring, for what its accounts share."""

    name: str
    tie: Callable[[Random], Tie]
    says: Callable[[Random], Says]
    order: Order = "first"


def _nothing(random: Random) -> Tie:
    return lambda draft: None


def _silence(random: Random) -> Says:
    return lambda user_id, chance: {}


def _device(random: Random) -> Tie:
    shared = device_id(random)

    def tie(draft: Draft) -> None:
        draft.device = shared

    return tie


def _payment(random: Random) -> Tie:
    shared = letters(random, 20, 20, 0.5)

    def tie(draft: Draft) -> None:
        draft.payment, draft.plan = shared, "starter"

    return tie


def _phone(region: str) -> Callable[[Random], Tie]:
    def choose(random: Random) -> Tie:
        shared = mobile(random, region)

        def tie(draft: Draft) -> None:
            draft.phone = shared

        return tie

    return choose


def _mailbox(random: Random) -> Tie:
    owner = invent(random, "english")
    local = f"{fold(owner.given)}{fold(owner.family)}{random.randrange(100, 999)}"
    spelled: set[str] = set()

    def tie(draft: Draft) -> None:
        while (address := alias(random, local, "gmail.com")) in spelled:
            pass
        spelled.add(address)
        draft.address = address

    return tie


def _link(random: Random) -> Says:
    shared = _domain(random)
    return lambda user_id, chance: {"link_domains": [shared]}


def _thinned(random: Random) -> Says:
    shared = _domain(random)
    return lambda user_id, chance: {"link_domains": [shared, *(f"{number}-{user_id}.example" for number in range(9))]}


def _rotated(random: Random) -> Says:
    shared = [_domain(random) for _ in range(10)]
    return lambda user_id, chance: {"link_domains": [chance.choice(shared)]}


def _content(random: Random) -> Says:
    shared = sha256(letters(random, 20, 20).encode()).hexdigest()
    return lambda user_id, chance: {"fingerprint": shared}


def _domain(random: Random) -> str:
    return f"{letters(random, 10, 10)}.example"


#: Every ring that must get no more than is promised. In the United States mobiles and offices have the same numbers.
BONDS = (
    Bond("a device", _device, _silence),
    Bond("a payment instrument", _payment, _silence),
    Bond("a phone number (DE)", _phone("DE"), _silence),
    Bond("a phone number (US)", _phone("US"), _silence),
    Bond("one mailbox's aliases", _mailbox, _silence),
    Bond("a link domain", _nothing, _link),
    Bond("a content fingerprint", _nothing, _content),
    Bond("a device, a month old", _device, _silence, "aged"),
    Bond("a device, one by one", _device, _silence, "growing"),
    Bond("a link, one by one", _nothing, _link, "growing"),
)

#: Known ways round clusters, with the size of the ring: shown, so that nobody takes clusters for more than they
#: are. The first has more accounts than the shipped policy's ``hub_over``, from which on a thing binds nobody.
EVASIONS = (
    (Bond("a device of very many", _device, _silence), 250),
    (Bond("a link among 9 own", _nothing, _thinned), 100),
    (Bond("10 links at random", _nothing, _rotated), 100),
)
