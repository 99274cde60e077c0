"""People who share something honest: an address, a phone, a device, a domain."""

from __future__ import annotations

from random import Random

from training.simulator.countries import COUNTRIES
from training.simulator.devices import browser
from training.simulator.mailboxes import company_domain, personal, pick, role, staff, tagged
from training.simulator.organisations import GATEWAY
from training.simulator.phones import landline
from training.simulator.signups import Draft, World, ordinary, somewhere
from training.simulator.timeline import DAY, HOUR, burst
from training.simulator.words import brand, trade


def office(world: World, random: Random) -> list[Draft]:
    """5 to 300 colleagues on one address; some with the company's domain, some with their own mailbox."""
    country = somewhere(random)
    size = min(300, 5 + int(random.lognormvariate(2.2, 1.1)))
    shared = world.networks.address(random, GATEWAY if random.random() < 0.15 else country.consumer, country.code)
    desk = landline(random, country.code)
    start = world.window.anytime(random, 40 * DAY)
    drafts: list[Draft] = []
    domain = ""
    for index in range(size):
        draft = ordinary(world, random, country, start + random.random() * min(40 * DAY, size * DAY))
        if not index:
            domain = company_domain(random, draft.person, country)
        draft.ip = shared
        draft.browser = browser(
            random, draft.at, handset=False, family=random.choice(("edge", "chrome-windows", "chrome-mac"))
        )
        if random.random() < 0.6:
            draft.address = staff(random, draft.person, domain)
            draft.organization = domain.partition(".")[0].title()
        if desk and random.random() < 0.15:
            draft.phone = desk
        drafts.append(draft)
    return drafts


def campus(world: World, random: Random) -> list[Draft]:
    """Students on their university's network over a term: a few addresses for hundreds of people."""
    country = random.choice([country for country in COUNTRIES if country.education])
    gates = [world.networks.address(random, country.education, country.code)]
    gates += [world.networks.neighbour(random, gates[0]) for _ in range(random.randint(0, 5))]
    school = f"{brand(random)}-uni.{country.domains[0]}"
    drafts: list[Draft] = []
    for _ in range(random.randint(15, 90)):
        draft = ordinary(world, random, country if random.random() < 0.7 else None)
        draft.ip, draft.zone = random.choice(gates), pick(random, country.zones)
        if random.random() < 0.35:
            draft.address = f"{draft.person.family[:5].lower() or 'st'}{random.randrange(100, 9999)}@{school}"
        drafts.append(draft)
    return drafts


def conference(world: World, random: Random) -> list[Draft]:
    """A talk ends and a hall of people from everywhere tries the product on the same Wi-Fi."""
    place = somewhere(random)
    gates = [world.networks.address(random, place.consumer, place.code) for _ in range(random.randint(1, 2))]
    start = world.window.anytime(random, 8 * HOUR)
    drafts: list[Draft] = []
    for at in burst(random, start, random.randint(15, 90), random.uniform(20, 240)):
        draft = ordinary(world, random, place if random.random() < 0.5 else None, at)
        draft.ip, draft.zone = random.choice(gates), pick(random, place.zones)
        if random.random() < 0.3:
            draft.address = staff(random, draft.person, company_domain(random, draft.person, draft.country))
        drafts.append(draft)
    return drafts


def agency(world: World, random: Random) -> list[Draft]:
    """A marketing agency opens accounts for its clients: one phone, one device, one address, often one domain."""
    first = ordinary(world, random)
    domain = company_domain(random, first.person, first.country)
    first.phone = landline(random, first.country.code)
    drafts: list[Draft] = []
    at = first.at
    for _ in range(random.randint(3, 12)):
        draft = ordinary(world, random, first.country, at)
        at += random.expovariate(1 / (4 * DAY))
        draft.phone, draft.device, draft.ip, draft.browser = first.phone, first.device, first.ip, first.browser
        draft.languages, draft.zone = first.languages, first.zone
        client = company_domain(random, draft.person, draft.country)
        choice = random.random()
        if choice < 0.45:
            draft.address = tagged(random, staff(random, first.person, domain))
        elif choice < 0.7:
            draft.address = f"{client.partition('.')[0]}@{domain}"
        else:
            draft.address = role(random, client)
        draft.organization, draft.website = client.partition(".")[0].title(), f"https://{client}"
        drafts.append(draft)
    return drafts


def family(world: World, random: Random) -> list[Draft]:
    """A household: two to four people with one connection, sometimes one computer."""
    first = ordinary(world, random)
    drafts = [first]
    for _ in range(random.randint(1, 3)):
        draft = ordinary(world, random, first.country, first.at + random.expovariate(1 / (6 * DAY)))
        draft.ip, draft.zone = first.ip, first.zone
        if random.random() < 0.5:
            draft.device, draft.browser, draft.languages = first.device, first.browser, first.languages
        draft.address = personal(random, draft.person, first.country)
        drafts.append(draft)
    return drafts


def shared_desk(world: World, random: Random) -> list[Draft]:
    """A library, an internet café, a co-working space: one address and a few computers, many strangers."""
    country = somewhere(random)
    shared = world.networks.address(random, country.consumer, country.code)
    clients = [browser(random, world.window.start, handset=False, family="chrome-windows") for _ in range(3)]
    drafts: list[Draft] = []
    for _ in range(random.randint(4, 20)):
        draft = ordinary(world, random, country)
        draft.ip = shared
        if random.random() < 0.4:
            draft.browser, draft.device = random.choice(clients), None
        if random.random() < 0.2:
            draft.organization = f"{brand(random).title()} {trade(random).title()}"
        drafts.append(draft)
    return drafts
