"""A signup in the making, and the event it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from training.simulator.behaviors import Measures, copying, managing, typing
from training.simulator.countries import COUNTRIES, Country
from training.simulator.devices import Browser, accepted, browser, device_id
from training.simulator.mailboxes import personal, pick
from training.simulator.names import Name, invent
from training.simulator.networks import Networks
from training.simulator.phones import mobile, typed
from training.simulator.timeline import Window
from training.simulator.words import brand, trade

Truth = Literal["abuse", "legitimate"]
Refers = Literal["nobody", "someone", "group"]

#: Share of home connections with IPv6 in front (our choice; national shares run from a few per cent to two thirds).
SIX = 0.25


@dataclass(frozen=True, slots=True)
class World:
    """What every simulated signup is made in: the networks and the time."""

    networks: Networks
    window: Window


@dataclass(slots=True)
class Draft:
    """One signup before it has a user id. Kinds of people and abusers start from :func:`ordinary` and change it."""

    at: float
    country: Country
    person: Name
    address: str
    ip: str | None
    browser: Browser
    languages: str | None
    zone: str | None
    device: str | None
    phone: str | None
    behavior: Measures
    name: str | None = None
    organization: str | None = None
    website: str | None = None
    payment: str | None = None
    plan: str = "free"
    refers: Refers = "nobody"

    def body(self, user_id: str, referrer: str | None) -> dict[str, Any]:
        """The JSON body of ``POST /v1/signups``; parts that are unknown are left out."""
        account = {
            "user_id": user_id,
            "name": self.name,
            "organization": self.organization,
            "website": self.website,
            "plan": self.plan,
            "referrer_id": referrer,
        }
        device = {
            "ip_address": self.ip,
            "id": self.device,
            "user_agent": self.browser.agent,
            "accept_language": self.languages,
            "time_zone": self.zone,
            "tls_fingerprint": self.browser.tls,
        }
        body: dict[str, Any] = {
            "account": _given(account),
            "email": {"address": self.address},
            "device": _given(device),
        }
        if self.phone is not None:
            body["phone"] = {"number": self.phone}
        if self.behavior:
            body["behavior"] = dict(self.behavior)
        if self.payment is not None:
            body["payment"] = {"fingerprint": self.payment}
        return body


@dataclass(frozen=True, slots=True)
class Event:
    """One simulated signup with what is really so (``truth``), its ``kind``, and what its operator learns and when.

    ``group`` names the office, campaign or family it belongs to; ``country`` and ``tongue`` serve fairness tables only.
    """

    at: float
    signup: dict[str, Any]
    truth: Truth
    kind: str
    group: str
    country: str
    tongue: str
    outcome: str
    label: str | None
    label_at: float | None

    @property
    def user_id(self) -> str:
        """The caller's identifier of this signup."""
        return str(self.signup["account"]["user_id"])


def _given(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if value is not None}


def somewhere(random: Random) -> Country:
    """A country by its share."""
    return random.choices(COUNTRIES, [country.share for country in COUNTRIES])[0]


def ordinary(world: World, random: Random, country: Country | None = None, at: float | None = None) -> Draft:
    """An ordinary person at home, at the time given or one of their own: the base every kind starts from.

    Abusers start from it too, so whatever a kind does not change on purpose carries no information about it.
    """
    home = country or somewhere(random)
    person = invent(random, home.tongue)
    zone = pick(random, home.zones)
    at = world.window.moment(random, zone) if at is None else at
    client = browser(random, at)
    draft = Draft(
        at=at,
        country=home,
        person=person,
        address=personal(random, person, home),
        ip=world.networks.address(random, home.consumer, home.code, SIX),
        browser=client,
        languages=accepted(random, home) if random.random() < 0.98 else None,
        zone=zone if random.random() < 0.94 else None,
        device=device_id(random) if random.random() < 0.92 else None,
        phone=None,
        behavior={},
    )
    number = mobile(random, home.code) if random.random() < 0.55 else None
    draft.phone = typed(random, number) if number else None
    if random.random() < 0.95:
        draft.name = random.choices((person.shown, person.given, person.shown.lower()), (90, 6, 4))[0]
    if random.random() < 0.3:
        draft.organization = f"{brand(random).capitalize()} {trade(random).capitalize()}"
    draft.website = (
        f"https://{brand(random)}{trade(random)}.{random.choice(home.domains)}" if random.random() < 0.2 else None
    )
    draft.refers = "someone" if random.random() < 0.05 else "nobody"
    habit = random.random()
    if habit < 0.07:
        draft.behavior = managing(random)
    elif habit < 0.10:
        draft.behavior = copying(random)
    else:
        draft.behavior = typing(random, _characters(draft))
    return draft


def _characters(draft: Draft) -> int:
    """How much there is to type: mailbox, names, site and a password of ten."""
    return (
        sum(len(text or "") for text in (draft.address, draft.name, draft.organization, draft.website, draft.phone))
        + 10
    )
