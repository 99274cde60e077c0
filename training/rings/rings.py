"""Rings: many accounts of one spammer. Each kind has a few things in common; all else is drawn like people's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from random import Random

from training.rings.applicants import Applicants
from training.simulator.behaviors import typing
from training.simulator.devices import device_id
from training.simulator.mailboxes import staff
from training.simulator.names import fold, invent
from training.simulator.organisations import HOSTING
from training.simulator.phones import mobile
from training.simulator.signups import Draft, somewhere
from training.simulator.timeline import DAY, HOUR
from training.simulator.words import letters

#: Bits of an IPv6 address that a home chooses itself (RFC 4291, 2.5.4).
_HOST = 64
#: Accounts that make a link domain common before those who send link to it, of all of that ring.
_DECOYS, _DECOYS_OF = 201, 221


@dataclass(slots=True)
class Member:
    """One account of a ring. ``links`` are what its mail links to, a site of its own where there are none.

    A ``decoy`` asks for one recipient only; a ``clean`` account mails like a customer until the ring begins to send.
    """

    draft: Draft
    links: tuple[str, ...] = ()
    decoy: bool = False
    clean: bool = False


#: Makes the members who sign up at these times, Unix seconds. One member is one such account alone.
Make = Callable[[Applicants, Random, Sequence[float]], list[Member]]


@dataclass(frozen=True, slots=True)
class Ring:
    """A kind of ring: ``size`` accounts that sign up ``gap`` seconds apart, ``age`` days before they begin to send.

    A ring that is not ``judged`` is known to get more than was promised.
    """

    name: str
    size: int
    gap: float
    make: Make
    age: float = 0.0
    judged: bool = True


def _people(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    return [Member(applicants.person(random, at)) for at in times]


def _script(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    """One address, one private domain, one agent, and no device."""
    first = applicants.person(random, times[0])
    domain = applicants.domain(random, first.country)
    members = []
    for at in times:
        draft = applicants.person(random, at, first.country)
        applicants.employ(random, draft, domain)
        draft.ip, draft.browser, draft.device = first.ip, first.browser, None
        members.append(Member(draft))
    return members


def _numbered(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    """name1, name2, … at Gmail, from servers, by a script that types nothing."""
    owner = invent(random, "english")
    members = []
    for number, at in enumerate(times, 1):
        draft = applicants.person(random, at)
        draft.address = f"{fold(owner.given)}{fold(owner.family)}{number}@gmail.com"
        draft.ip = applicants.networks.address(random, HOSTING)
        draft.behavior = typing(random, 50) | {"keystrokes": 0}
        members.append(Member(draft))
    return members


def _home(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    """Addresses of one /64, the IPv6 network of one home."""
    network = 0
    while not network:  # some providers have no IPv6
        home = somewhere(random)
        address = ip_address(applicants.networks.address(random, home.consumer, home.code, 1.0))
        network = int(address) >> _HOST << _HOST
    members = []
    for at in times:
        draft = applicants.person(random, at, home)
        draft.ip = str(IPv6Address(network | random.getrandbits(_HOST)))
        members.append(Member(draft))
    return members


def _servers(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    """Addresses of one /24 of a host."""
    first = applicants.networks.address(random, HOSTING)
    members = []
    for at in times:
        draft = applicants.person(random, at)
        draft.ip = applicants.networks.neighbour(random, first)
        members.append(Member(draft))
    return members


def _phones(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    """Five accounts a device, one private domain, one block of a hundred numbers."""
    first = applicants.person(random, times[0])
    domain = applicants.domain(random, first.country)
    number = mobile(random, first.country.code) or ""
    members = []
    device = ""
    for place, at in enumerate(times):
        draft = applicants.person(random, at, first.country)
        applicants.employ(random, draft, domain)
        device = draft.device = device if place % 5 else device_id(random)
        draft.phone = f"{number[:-2]}{place % 100:02d}"
        members.append(Member(draft))
    return members


def _linked(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    """Nothing in common but the domain that all link to."""
    site = f"{letters(random, 10, 10)}.example"
    return [Member(applicants.person(random, at), (site,)) for at in times]


def _decoyed(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    """The same, after throw-away accounts have made the domain a common one."""
    members = _linked(applicants, random, times)
    for member in members[: len(members) * _DECOYS // _DECOYS_OF]:
        member.decoy = True
    return members


def _device(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    """One device."""
    device = device_id(random)
    members = _people(applicants, random, times)
    for member in members:
        member.draft.device = device
    return members


def _aged(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    """One device, on which the first account has mailed like a customer."""
    members = _device(applicants, random, times)
    members[0].clean = True
    return members


def _aliased(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    """Anything at the sub-domain that an alias service gives one of its users."""
    user = letters(random, 8, 8)
    members = _people(applicants, random, times)
    for member in members:
        member.draft.address = applicants.distinct(random, f"{letters(random, 6, 10)}@{user}.anonaddy.me")
    return members


def _company(applicants: Applicants, random: Random, times: Sequence[float]) -> list[Member]:
    """One private domain, all else people's."""
    domain = applicants.domain(random)
    members = _people(applicants, random, times)
    for member in members:
        member.draft.address = applicants.distinct(random, staff(random, member.draft.person, domain))
    return members


#: Rings that must get no more than is promised.
RINGS = (
    Ring("one address, one domain, one agent", 100, 0.1, _script),
    Ring("name1, name2 … at Gmail, no keys", 100, 6.0, _numbered),
    Ring("one /64, one a second", 60, 1.0, _home),
    Ring("one /24 of a host, one a second", 60, 1.0, _servers),
    Ring("20 devices, one domain, one number block", 100, 10.0, _phones),
    Ring("one link domain", 260, 5.0, _linked),
    Ring("one device in 10 seconds", 520, 0.02, _device),
    Ring("one link domain that decoys made common", 221, 2.0, _decoyed),
    Ring("one user's alias sub-domain", 20, 30.0, _aliased),
    Ring("one device, a month old, one clean", 20, DAY / 2, _aged, age=32.0),
)

#: What still works, as far as we know: shown with its figure, so that nobody takes links for more than they are.
OPEN = (
    Ring("one /64, one in 10 seconds", 60, 10.0, _home, judged=False),
    Ring("one /64, one a minute", 60, 60.0, _home, judged=False),
    Ring("one domain, one an hour", 24, HOUR, _company, judged=False),
    Ring("nothing shared, one in 10 minutes", 20, 600.0, _people, judged=False),
)
