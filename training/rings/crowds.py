"""Crowds: honest people who share a place, a firm or a machine, and honest actors with several accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from training.rings.applicants import Applicants, shared
from training.simulator.countries import BY_CODE, COUNTRIES
from training.simulator.devices import browser, device_id
from training.simulator.mailboxes import role
from training.simulator.phones import landline
from training.simulator.signups import Draft, somewhere
from training.simulator.timeline import DAY, HOUR
from training.simulator.words import brand

#: Shared addresses that the subscribers of the carrier are seen at. RFC 6888 lets a carrier put thousands on one.
_GATES = 4
#: Shares of colleagues with a mailbox at the firm's domain, and of those who give the telephone at the desk; of
#: students with one at the university's. As in the simulator.
_STAFF, _DESK, _STUDENTS = 0.6, 0.15, 0.35


@dataclass(frozen=True, slots=True)
class Person:
    """One account of a crowd. Its mail may be made of the product's own ``template``.

    Who is ``referred`` names the first of the crowd as the one who brought them.
    """

    draft: Draft
    template: bool = False
    referred: bool = False


#: Draws the people who sign up at these times, Unix seconds. Not ``together``, they share nothing.
Make = Callable[[Applicants, Random, Sequence[float], bool], list[Person]]


@dataclass(frozen=True, slots=True)
class Crowd:
    """A crowd of ``size`` that signs up within ``days``. A crowd that is not ``judged`` is one actor with several
    accounts.
    """

    name: str
    size: int
    days: float
    make: Make
    judged: bool = True


def _office(applicants: Applicants, random: Random, times: Sequence[float], together: bool) -> list[Person]:
    """Colleagues on one address, with their firm's mailbox or their own; some give the telephone at the desk."""
    place = Random(random.random())
    country = somewhere(place)
    address = shared(together, lambda: applicants.networks.address(place, country.consumer, country.code))
    domain = shared(together, lambda: applicants.domain(place, country))
    desk = shared(together, lambda: landline(place, country.code) or "")
    people = []
    for at in times:
        draft = applicants.person(random, at, country)
        draft.ip = address()
        draft.browser = browser(
            random, at, handset=False, family=random.choice(("edge", "chrome-windows", "chrome-mac"))
        )
        if random.random() < _STAFF:
            applicants.employ(random, draft, domain())
        if random.random() < _DESK:
            draft.phone = desk()
        people.append(Person(draft))
    return people


def _carrier(applicants: Applicants, random: Random, times: Sequence[float], together: bool) -> list[Person]:
    """Subscribers of one mobile carrier, on phones, behind a few addresses."""
    place = Random(random.random())
    country = BY_CODE["ID"]
    gates = [
        shared(together, lambda: applicants.networks.address(place, country.mobile, country.code))
        for _ in range(_GATES)
    ]
    people = []
    for at in times:
        draft = applicants.person(random, at, country)
        draft.ip, draft.browser = random.choice(gates)(), browser(random, at, handset=True)
        people.append(Person(draft))
    return people


def _campus(applicants: Applicants, random: Random, times: Sequence[float], together: bool) -> list[Person]:
    """Students on their university's network, some with its mailbox."""
    place = Random(random.random())
    country = place.choice([country for country in COUNTRIES if country.education])
    address = shared(together, lambda: applicants.networks.address(place, country.education, country.code))
    school = shared(together, lambda: f"{brand(place)}{brand(place)}-uni.{country.domains[0]}")
    people = []
    for at in times:
        draft = applicants.person(random, at, country if random.random() < 0.7 else None)
        draft.ip = address()
        if random.random() < _STUDENTS:
            local = f"{draft.person.family[:5].lower() or 'st'}{random.randrange(100, 9999)}"
            draft.address = applicants.distinct(random, f"{local}@{school()}")
        people.append(Person(draft))
    return people


def _conference(applicants: Applicants, random: Random, times: Sequence[float], together: bool) -> list[Person]:
    """People from everywhere on one address."""
    place = Random(random.random())
    country = somewhere(place)
    address = shared(together, lambda: applicants.networks.address(place, country.consumer, country.code))
    people = []
    for at in times:
        draft = applicants.person(random, at, country if random.random() < 0.5 else None)
        draft.ip = address()
        if random.random() < 0.3:
            applicants.employ(random, draft, applicants.domain(random, draft.country))
        people.append(Person(draft))
    return people


def _classroom(applicants: Applicants, random: Random, times: Sequence[float], together: bool) -> list[Person]:
    """Machines of one image on one address; of every machine its own identifier."""
    place = Random(random.random())
    country = somewhere(place)
    address = shared(together, lambda: applicants.networks.address(place, country.consumer, country.code))
    image = browser(place, times[0], handset=False, family="chrome-windows")
    people = []
    for at in times:
        draft = applicants.person(random, at, country)
        draft.ip, draft.browser, draft.device = address(), image, device_id(random)
        people.append(Person(draft))
    return people


def _family(applicants: Applicants, random: Random, times: Sequence[float], together: bool) -> list[Person]:
    """One connection and one machine."""
    place = Random(random.random())
    country = somewhere(place)
    address = shared(together, lambda: applicants.networks.address(place, country.consumer, country.code))
    device = shared(together, lambda: device_id(place))
    people = []
    for at in times:
        draft = applicants.person(random, at, country)
        draft.ip, draft.device = address(), device()
        people.append(Person(draft))
    return people


def _agency(applicants: Applicants, random: Random, times: Sequence[float], together: bool) -> list[Person]:
    """One machine, from which an agency opens accounts for its clients and names itself as who brought them."""
    people = _family(applicants, random, times, together)
    for person in people[1:]:
        client = applicants.domain(random, person.draft.country)
        person.draft.address = applicants.distinct(random, role(random, client))
        person.draft.organization, person.draft.website = client.partition(".")[0].title(), f"https://{client}"
    return [Person(person.draft, referred=together and place > 0) for place, person in enumerate(people)]


def _switchboard(applicants: Applicants, random: Random, times: Sequence[float], together: bool) -> list[Person]:
    """Colleagues at one firm's domain who all give the number of its switchboard."""
    place = Random(random.random())
    country = somewhere(place)
    people = _colleagues(applicants, random, times, together)
    number = shared(together, lambda: landline(place, country.code) or "")
    for person in people:
        person.draft.phone = number()
    return people


def _colleagues(applicants: Applicants, random: Random, times: Sequence[float], together: bool) -> list[Person]:
    """Colleagues with mailboxes at their firm's domain, on one address, whose mail links to the firm's site."""
    place = Random(random.random())
    country = somewhere(place)
    address = shared(together, lambda: applicants.networks.address(place, country.consumer, country.code))
    domain = shared(together, lambda: applicants.domain(place, country))
    people = []
    for at in times:
        draft = applicants.person(random, at, country)
        draft.ip = address()
        applicants.employ(random, draft, domain())
        people.append(Person(draft))
    return people


def _template(applicants: Applicants, random: Random, times: Sequence[float], together: bool) -> list[Person]:
    """Strangers who send what the product's own template says."""
    return [Person(applicants.person(random, at), template=together) for at in times]


#: Everybody who must lose nothing, and for information those who are one actor.
CROWDS = (
    Crowd("office", 300, 60, _office),
    Crowd("mobile carrier", 500, 3, _carrier),
    Crowd("campus", 120, 14, _campus),
    Crowd("conference in two hours", 60, 2 * HOUR / DAY, _conference),
    Crowd("classroom on one image", 30, 40 * 60 / DAY, _classroom),
    Crowd("firm behind one switchboard", 12, 5, _switchboard),
    Crowd("colleagues, one firm's site", 40, 40, _colleagues),
    Crowd("customers on one template", 20, 20, _template),
    Crowd("family on one machine", 4, 20, _family, judged=False),
    Crowd("agency with 8 clients", 9, 30, _agency, judged=False),
    Crowd("agency with 40 clients", 41, 40, _agency, judged=False),
)
