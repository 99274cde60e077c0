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
#: ``first``: all sign up, then they send. ``aged``: they signed up a month before. ``growing``: one after the other,
#: each while those before it send.
Order = Literal["first", "aged", "growing"]


@dataclass(frozen=True, slots=True)
class Bond:
    """One way to hold a ring together. ``tie`` and ``says`` are asked once a ring, for what its accounts share.

    ``says`` gives fields of the message that take the place of an account's own.
    """

    name: str
    tie: Callable[[Random], Tie]
    says: Callable[[Random], dict[str, Any]]
    order: Order = "first"


def _nothing(random: Random) -> Tie:
    return lambda draft: None


def _silence(random: Random) -> dict[str, Any]:
    return {}


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


def _link(random: Random) -> dict[str, Any]:
    return {"link_domains": [f"{letters(random, 10, 10)}.example"]}


def _content(random: Random) -> dict[str, Any]:
    return {"fingerprint": sha256(letters(random, 20, 20).encode()).hexdigest()}


#: Every ring that is tried. In the United States numbers of mobiles and of offices cannot be told apart.
BONDS = (
    Bond("a device", _device, _silence),
    Bond("a payment fingerprint", _payment, _silence),
    Bond("a phone number (DE)", _phone("DE"), _silence),
    Bond("a phone number (US)", _phone("US"), _silence),
    Bond("aliases of one mailbox", _mailbox, _silence),
    Bond("a link domain", _nothing, _link),
    Bond("a content fingerprint", _nothing, _content),
    Bond("a device, signed up a month before", _device, _silence, "aged"),
    Bond("a device, opened one after another", _device, _silence, "growing"),
    Bond("a link domain, opened one after another", _nothing, _link, "growing"),
)
