"""Kinds of people who sign up alone. Each function makes the signups of one person."""

from __future__ import annotations

from random import Random

from training.simulator.behaviors import copying, managing, scripting, typing
from training.simulator.countries import COUNTRIES
from training.simulator.devices import browser, language_header, script
from training.simulator.mailboxes import (
    bulk,
    company_domain,
    disposable_domains,
    numbered,
    personal,
    pick,
    relayed,
    role,
    small_provider,
    staff,
    tagged,
)
from training.simulator.names import invent
from training.simulator.organisations import CLOUD_DESKTOP, GATEWAY, HOSTING, VPN
from training.simulator.phones import landline, mobile
from training.simulator.signups import Draft, World, ordinary, somewhere
from training.simulator.timeline import DAY
from training.simulator.words import brand, nick, trade


def consumer(world: World, random: Random) -> list[Draft]:
    """At home, on their provider's network, with their own mailbox."""
    draft = ordinary(world, random)
    if random.random() < 0.08:
        draft.address = small_provider(random, draft.person)
    return [draft]


def carrier_nat(world: World, random: Random) -> list[Draft]:
    """On a phone behind the carrier's shared addresses."""
    draft = ordinary(world, random)
    if random.random() < 0.35:
        draft.ip = world.networks.address(random, draft.country.mobile, draft.country.code, 1.0)
    else:
        draft.ip = world.networks.gateway(random, draft.country.mobile, draft.country.code)
    draft.browser = browser(random, draft.at, handset=True)
    return [draft]


def founder(world: World, random: Random) -> list[Draft]:
    """With an address at their own small company's domain."""
    draft = ordinary(world, random)
    domain = company_domain(random, draft.person, draft.country)
    draft.address = staff(random, draft.person, domain)
    draft.organization = domain.partition(".")[0].replace("-", " ").title()
    draft.website = f"https://{random.choice(('', 'www.'))}{domain}" if random.random() < 0.7 else None
    return [draft]


def role_address(world: World, random: Random) -> list[Draft]:
    """A small company that registers as info@ or newsletter@, often with a landline."""
    draft = founder(world, random)[0]
    draft.address = role(random, draft.address.rpartition("@")[2])
    draft.phone = landline(random, draft.country.code) if random.random() < 0.5 else draft.phone
    if random.random() < 0.4:
        draft.name = draft.organization
    return [draft]


def vpn_user(world: World, random: Random) -> list[Draft]:
    """Privacy-minded, behind a commercial VPN; the address is often in another country than the person."""
    draft = ordinary(world, random)
    draft.ip = world.networks.address(random, VPN, draft.country.code if random.random() < 0.5 else None)
    return [draft]


def private_relay(world: World, random: Random) -> list[Draft]:
    """On an Apple device with iCloud Private Relay, some with Hide My Email."""
    draft = ordinary(world, random)
    draft.ip = world.networks.relay(random)
    draft.browser = browser(random, draft.at, family=random.choice(("safari-ios", "safari-mac")))
    if random.random() < 0.3:
        draft.address = (
            f"{nick(random)}_{brand(random)}.{random.randrange(10)}{random.choice('abcdefgh')}@privaterelay.appleid.com"
        )
    return [draft]


def tor_user(world: World, random: Random) -> list[Draft]:
    """Behind Tor, with the uniform agent, zone and language of its browser."""
    draft = ordinary(world, random)
    draft.ip = world.networks.tor(random)
    draft.browser = browser(random, draft.at, family="firefox", lag=4)
    draft.zone, draft.languages, draft.device, draft.phone = "UTC", "en-US,en;q=0.5", None, None
    return [draft]


def expat(world: World, random: Random) -> list[Draft]:
    """Lives abroad: language and mailbox of home, network, zone and phone of where they are now."""
    draft = ordinary(world, random)
    there = somewhere(random)
    draft.ip = world.networks.address(random, there.consumer, there.code, 0.25)
    draft.zone = pick(random, there.zones)
    draft.phone = mobile(random, there.code) if draft.phone else None
    return [draft]


def traveller(world: World, random: Random) -> list[Draft]:
    """On the road: network of where they are; phone, language and often the clock of home."""
    draft = ordinary(world, random)
    there = somewhere(random)
    draft.ip = world.networks.address(random, (*there.mobile, *there.consumer), there.code, 0.2)
    if random.random() < 0.5:
        draft.zone = pick(random, there.zones)
    return [draft]


def relay_mail(world: World, random: Random) -> list[Draft]:
    """Keeps their mailbox private with an alias service."""
    draft = ordinary(world, random)
    draft.address = relayed(random)
    return [draft]


def plus_tag(world: World, random: Random) -> list[Draft]:
    """Tags their mailbox to see who passes it on."""
    draft = ordinary(world, random)
    draft.address = tagged(random, draft.address)
    return [draft]


def digit_lover(world: World, random: Random) -> list[Draft]:
    """Has a birthday or a phone number in the address."""
    draft = ordinary(world, random)
    draft.address = numbered(random, draft.person, draft.country)
    return [draft]


def odd_address(world: World, random: Random) -> list[Draft]:
    """Chose an address that looks generated: initials, leetspeak, a game handle, random letters."""
    draft = ordinary(world, random)
    draft.address = bulk(random, draft.person, pick(random, draft.country.mail))
    return [draft]


def disposable_user(world: World, random: Random) -> list[Draft]:
    """A real prospect who tries the product with a throw-away mailbox."""
    draft = ordinary(world, random)
    draft.address = bulk(random, draft.person, random.choice(disposable_domains()))
    return [draft]


def password_manager(world: World, random: Random) -> list[Draft]:
    """Lets a password manager fill or pastes everything."""
    draft = ordinary(world, random)
    draft.behavior = managing(random) if random.random() < 0.7 else copying(random)
    return [draft]


def slow_typist(world: World, random: Random) -> list[Draft]:
    """Takes many minutes, on an older browser."""
    draft = ordinary(world, random)
    draft.browser = browser(random, draft.at, handset=False, lag=random.uniform(0, 20))
    draft.behavior = typing(random, 60, pace=random.uniform(3, 9))
    return [draft]


def developer(world: World, random: Random) -> list[Draft]:
    """Signs up by script or from their own server, now and then several times while trying the API."""
    draft = ordinary(world, random)
    if random.random() < 0.6:
        draft.browser = script(random)
        draft.languages = draft.zone = draft.device = None
        draft.behavior = scripting(random, 0.1) if random.random() < 0.3 else {}
    if random.random() < 0.5:
        draft.ip = world.networks.address(random, HOSTING)
    if random.random() < 0.5:
        draft.address = tagged(random, draft.address)
    return [draft]


def gateway_user(world: World, random: Random) -> list[Draft]:
    """Staff behind a company web gateway or on a cloud desktop: a hosting network, an honest company."""
    draft = founder(world, random)[0]
    draft.ip = world.networks.address(random, GATEWAY if random.random() < 0.6 else CLOUD_DESKTOP)
    draft.browser = browser(random, draft.at, handset=False, family=random.choice(("edge", "chrome-windows")))
    return [draft]


def migrant_name(world: World, random: Random) -> list[Draft]:
    """Lives in one country with a name from another part of the world."""
    draft = ordinary(world, random)
    draft.person = invent(random, random.choice(COUNTRIES).tongue)
    draft.name = draft.person.shown
    draft.address = personal(random, draft.person, draft.country)
    if random.random() < 0.3:
        draft.languages = language_header(random, "en-US")
    return [draft]


def returning(world: World, random: Random) -> list[Draft]:
    """Lost access, or starts a second project: signs up again from the same device, days or weeks later."""
    first = ordinary(world, random)
    drafts = [first]
    for _ in range(random.choice((1, 1, 1, 2))):
        again = ordinary(world, random, first.country, drafts[-1].at + random.uniform(0.01, 25) * DAY)
        again.person, again.name, again.phone, again.device = first.person, first.name, first.phone, first.device
        again.browser, again.languages, again.zone = first.browser, first.languages, first.zone
        again.ip = first.ip if random.random() < 0.5 else world.networks.neighbour(random, first.ip or again.ip or "")
        choice = random.random()
        if choice < 0.4:
            again.address = personal(random, first.person, first.country)
        elif choice < 0.8:
            again.address = tagged(random, first.address)
        else:
            again.address = f"{trade(random)}@{company_domain(random, first.person, first.country)}"
        drafts.append(again)
    return drafts
