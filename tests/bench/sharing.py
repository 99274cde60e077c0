"""Signups that have one thing in common and are else like all others: the worst cases of a store."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.bench.bodies import bodies

#: First names of four letters and last names of five, whose addresses with four digits all have one pattern.
_FOUR = ("chen", "dara", "femi", "gita", "hugo", "ines", "kofi", "lena", "mara", "nils", "rosa", "sami", "tara")
_FIVE = ("okoye", "novak", "silva", "meyer", "rossi", "lopez", "weber")
#: Of the networks that signups come from, see :mod:`tests.bench.bodies`.
_ADDRESS = "81.93.17.5"
_DEVICE = "dev-5ba7ed5ba7ed"
_DOMAIN = "shared.example"
_PROVIDER = "gmail.com"
Change = Callable[[dict[str, Any], random.Random], None]


def _address(told: dict[str, Any], _: random.Random) -> None:
    told["device"]["ip_address"] = _ADDRESS


def _domain(told: dict[str, Any], _: random.Random) -> None:
    told["email"]["address"] = f"{told['email']['address'].partition('@')[0]}@{_DOMAIN}"


def _pattern(told: dict[str, Any], rng: random.Random) -> None:
    first, last = rng.choice(_FOUR), rng.choice(_FIVE)
    told["account"]["name"] = f"{first.title()} {last.title()}"
    told["email"]["address"] = f"{first}.{last}{rng.randrange(1000, 10000)}@{_PROVIDER}"


def _device(told: dict[str, Any], _: random.Random) -> None:
    told["device"]["id"] = _DEVICE


#: What is shared, and the kind of entity it is.
SHARED: dict[str, tuple[str, Change]] = {
    "an address": ("ip", _address),
    "a domain": ("mail_domain", _domain),
    "a pattern": ("pattern", _pattern),
    "a device": ("device", _device),
}


def sharing(what: str, seed: int, label: str) -> Iterator[bytes]:
    """Endless signups that share one of :data:`SHARED`; the same ones for the same seed and label."""
    _, change = SHARED[what]
    rng = random.Random(seed)
    for body in bodies(seed, label):
        told = json.loads(body)
        change(told, rng)
        yield json.dumps(told).encode()
