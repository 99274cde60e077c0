"""People of a trial before they sign up: strangers have nothing in common but what chance gives people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from training.simulator.countries import Country
from training.simulator.devices import device_id
from training.simulator.mailboxes import company_domain, personal, staff
from training.simulator.names import invent
from training.simulator.networks import Networks
from training.simulator.phones import mobile
from training.simulator.signups import Draft, World, ordinary, somewhere
from training.simulator.timeline import Window

#: Signs that are exchanged for each other, and how many of a name: few enough that it still looks like the person's.
_VOWELS, _CONSONANTS, _DIGITS = "aeiou", "bcdfghjklmnpqrstvwxz", "0123456789"
_CHANGES = 3
#: Largest number put behind a mailbox that somebody else has already.
_NUMBERS = 10_000


class Applicants:
    """Draws people. No two of one ``Applicants`` have the same mailbox or firm."""

    def __init__(self, networks: Networks) -> None:
        self.networks = networks
        self._mailboxes: set[str] = set()
        self._domains: set[str] = set()

    def person(self, random: Random, at: float, country: Country | None = None) -> Draft:
        """An ordinary person at home who signs up at that Unix time."""
        draft = ordinary(World(self.networks, Window(at, 1.0)), random, country, at)
        draft.address = self.distinct(random, draft.address)
        return draft

    def employ(self, random: Random, draft: Draft, domain: str) -> None:
        """Give a person a mailbox at a firm's domain."""
        draft.address = self.distinct(random, staff(random, draft.person, domain))
        draft.organization = domain.partition(".")[0].title()

    def site(self, draft: Draft, user_id: str) -> str:
        """The domain that a person's mail links to: of the firm they have a mailbox at, or else one of their own."""
        domain = draft.address.rpartition("@")[2]
        return domain if domain in self._domains else f"{user_id}.example"

    def twin(self, random: Random, draft: Draft, later: float) -> Draft:
        """The same person with other values, who signs up ``later`` by that many seconds.

        Only what accounts are linked by differs: mailbox, firm, address, number, device. What else is judged is alike.
        """
        local, _, domain = draft.address.rpartition("@")
        home = draft.country
        if domain in self._domains:
            domain = self._other_domain(random, domain)
        return replace(
            draft,
            at=draft.at + later,
            address=self.distinct(random, f"{_other(random, local)}@{domain}"),
            ip=self.networks.address(random, home.consumer, home.code, float(":" in (draft.ip or ""))),
            phone=draft.phone and mobile(random, home.code),
            device=draft.device and device_id(random),
        )

    def domain(self, random: Random, country: Country | None = None) -> str:
        """A firm's domain that nobody else has."""
        home = country or somewhere(random)
        while True:
            domain = company_domain(random, invent(random, home.tongue), home)
            if domain not in self._domains:
                self._domains.add(domain)
                return domain

    def gmail(self, random: Random, draft: Draft) -> None:
        """Give a person a mailbox at Gmail, where dots and tags change nothing."""
        local = personal(random, draft.person, draft.country).partition("@")[0]
        draft.address = self.distinct(random, f"{local}@gmail.com")

    def phone(self, random: Random, draft: Draft) -> None:
        """Give a person a mobile number in the international form, which a stranger abroad can type as well."""
        draft.phone = mobile(random, draft.country.code) or draft.phone

    def distinct(self, random: Random, address: str) -> str:
        """The address, with a number behind its name where somebody has its mailbox already."""
        local, _, domain = address.partition("@")
        plain = tried = local.partition("+")[0].replace(".", "").lower()
        while f"{tried}@{domain}" in self._mailboxes:
            tried = f"{plain}{random.randrange(_NUMBERS)}"
        self._mailboxes.add(f"{tried}@{domain}")
        return address if tried == plain else f"{tried}@{domain}"

    def _other_domain(self, random: Random, domain: str) -> str:
        """A firm's domain that looks like this one."""
        stem, _, ending = domain.partition(".")
        while domain in self._domains:
            domain = f"{_other(random, stem)}.{ending}"
        self._domains.add(domain)
        return domain


def _other(random: Random, text: str) -> str:
    """A text of the same make: vowels for vowels, consonants for consonants, digits for digits, in three places."""
    places = [place for place, sign in enumerate(text) if sign in _VOWELS + _CONSONANTS + _DIGITS]
    signs = list(text)
    for place in random.sample(places, min(_CHANGES, len(places))):
        alike = next(kind for kind in (_VOWELS, _CONSONANTS, _DIGITS) if signs[place] in kind)
        signs[place] = random.choice(alike)
    return "".join(signs)


def shared(together: bool, draw: Callable[[], str]) -> Callable[[], str]:
    """What gives everybody the same value, or, not ``together``, everybody one of their own of the same sort."""
    if not together:
        return draw
    one = draw()
    return lambda: one
