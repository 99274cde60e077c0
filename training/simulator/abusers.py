"""Kinds of abusers who work in bulk. Each function makes the signups of one campaign."""

from __future__ import annotations

from random import Random

from training.simulator.behaviors import copying, managing, scripting, typing
from training.simulator.devices import accepted, browser, device_id, headless, language_header, script
from training.simulator.mailboxes import alias, bought, bulk, disposable_domains, personal, pick, sprayed_domain, staff
from training.simulator.names import fold, invent
from training.simulator.organisations import HOSTING, VPN
from training.simulator.phones import following, mobile, voip
from training.simulator.signups import Draft, World, ordinary, somewhere
from training.simulator.timeline import DAY, HOUR, burst
from training.simulator.words import brand, trade


def bulk_bot(world: World, random: Random) -> list[Draft]:
    """A script on rented servers with throw-away mailboxes, some of them at domains no list knows yet."""
    size = random.randint(8, 45)
    domains = [random.choice(disposable_domains()) for _ in range(random.randint(1, 4))]
    if random.random() < 0.35:
        domains = [sprayed_domain(random) for _ in domains]
    server = world.networks.address(random, HOSTING)
    servers = [server, *(world.networks.neighbour(random, server) for _ in range(random.randint(0, 8)))]
    skill = random.random() * 0.7
    start = world.window.anytime(random, 12 * HOUR)
    client = script(random) if skill < 0.1 else headless(random, start) if skill < 0.2 else None
    client = client or browser(random, start, handset=False, lag=random.uniform(0, 14))
    drafts: list[Draft] = []
    for at in burst(random, start, size, random.choice((6.0, 45.0, 400.0))):
        draft = ordinary(world, random, at=at)
        draft.ip, draft.browser = random.choice(servers), client
        draft.address = bulk(random, draft.person, random.choice(domains))
        draft.behavior = scripting(random, skill)
        draft.organization = draft.website = None
        draft.device = draft.device if skill > 0.3 else None
        draft.languages = language_header(random, "en-US") if random.random() < 0.7 else draft.languages
        drafts.append(draft)
    return drafts


def alias_farm(world: World, random: Random) -> list[Draft]:
    """One or a few Gmail mailboxes spelled in many ways, patiently, over weeks, through a VPN or from home."""
    start = world.window.anytime(random, 12 * DAY)
    owner = ordinary(world, random, at=start)
    locals_ = [f"{fold(owner.person.given)}{fold(owner.person.family)}{random.choice(('', random.randrange(99)))}"[:24]
               for _ in range(random.randint(1, 3))]  # fmt: skip
    hidden = random.random() < 0.5
    drafts: list[Draft] = []
    for at in burst(random, start, random.randint(5, 30), random.choice((3 * HOUR, 9 * HOUR, DAY))):
        draft = ordinary(world, random, owner.country, at)
        draft.address = alias(random, random.choice(locals_), "gmail.com")
        draft.ip = world.networks.address(random, VPN) if hidden else world.networks.neighbour(random, owner.ip or "")
        if random.random() < 0.5:
            draft.browser, draft.device = owner.browser, owner.device
        draft.languages, draft.zone = owner.languages, owner.zone
        draft.phone = None
        draft.behavior = random.choice((copying, managing))(random) if random.random() < 0.6 else draft.behavior
        drafts.append(draft)
    return drafts


def aged_mailbox(world: World, random: Random) -> list[Draft]:
    """Mailboxes bought in bulk: years old, with names that read well. The rest varies from crude to careful."""
    country = somewhere(random)
    care = random.random()
    provider = pick(random, country.mail)
    start = world.window.anytime(random, 10 * DAY)
    agent = browser(random, start, handset=False, family="chrome-windows", lag=random.uniform(0, 7))
    drafts: list[Draft] = []
    for at in burst(random, start, random.randint(6, 40), random.choice((200.0, 2 * HOUR, 8 * HOUR))):
        draft = ordinary(world, random, country, at)
        draft.address = bought(random, draft.person, country)
        if random.random() < 0.6:
            draft.address = f"{draft.address.partition('@')[0]}@{provider}"
        if random.random() < 0.4:
            draft.name = invent(random, country.tongue).shown
        if care < 0.5:
            draft.ip = world.networks.address(random, VPN if care < 0.3 else HOSTING)
            draft.browser = agent
        draft.behavior = copying(random) if random.random() < 0.6 else scripting(random, 0.5 + care / 2)
        drafts.append(draft)
    return drafts


def domain_sprayer(world: World, random: Random) -> list[Draft]:
    """Fresh domains with catch-all mail: a handful of accounts a domain, names that read well."""
    start = world.window.anytime(random, 8 * DAY)
    hidden = random.choice((HOSTING, VPN, VPN))
    agent = browser(random, start, handset=False, lag=random.uniform(0, 6))
    domains = [sprayed_domain(random) for _ in range(random.randint(1, 8))]
    drafts: list[Draft] = []
    for at in burst(random, start, random.randint(6, 35), random.choice((120.0, HOUR, 5 * HOUR))):
        draft = ordinary(world, random, at=at)
        draft.ip = world.networks.address(random, hidden)
        domain = random.choice(domains)
        draft.address = staff(random, draft.person, domain)
        draft.browser = agent if random.random() < 0.7 else draft.browser
        if random.random() < 0.5:
            draft.organization, draft.website = domain.partition(".")[0].title(), f"https://{domain}"
        draft.behavior = copying(random) if random.random() < 0.5 else scripting(random, 0.8)
        drafts.append(draft)
    return drafts


def phone_farm(world: World, random: Random) -> list[Draft]:
    """A rack of SIM cards bought in a row, on the carrier's own shared addresses."""
    country = somewhere(random)
    number = (voip if random.random() < 0.4 else mobile)(random, country.code)
    start = world.window.anytime(random, 6 * DAY)
    gates = [world.networks.gateway(random, country.mobile, country.code) for _ in range(random.randint(1, 5))]
    drafts: list[Draft] = []
    for at in burst(random, start, random.randint(6, 35), random.choice((600.0, 2 * HOUR, 4 * HOUR))):
        draft = ordinary(world, random, country, at)
        draft.phone, draft.ip = number, random.choice(gates)
        number = following(number, random.randint(1, 4)) if number else None
        draft.browser = browser(random, at, handset=True, family="chrome-android", lag=random.uniform(0, 8))
        draft.address = bought(random, draft.person, country)
        draft.behavior = scripting(random, 0.8) if random.random() < 0.5 else typing(random, 50, 0.6)
        drafts.append(draft)
    return drafts


def residential_proxy(world: World, random: Random) -> list[Draft]:
    """Anti-detect browsers behind other people's home connections: everything agrees but the details."""
    country = somewhere(random)
    start = world.window.anytime(random, 10 * DAY)
    drafts: list[Draft] = []
    domains = [sprayed_domain(random) for _ in range(3)]
    own_domain, dated = random.random() < 0.3, random.random() < 0.5
    for at in burst(random, start, random.randint(5, 30), random.choice((900.0, 3 * HOUR, 10 * HOUR))):
        draft = ordinary(world, random, country, at)
        draft.browser = browser(
            random, at, handset=False, family="chrome-windows", lag=random.uniform(0, 6) if dated else None
        )
        draft.device = device_id(random)
        draft.address = (
            staff(random, draft.person, random.choice(domains)) if own_domain else bought(random, draft.person, country)
        )
        if random.random() < 0.25:
            draft.zone = pick(random, somewhere(random).zones)
        if random.random() < 0.2:
            draft.languages = "en-US,en;q=0.9"
        draft.behavior = copying(random) if random.random() < 0.65 else typing(random, 55, 0.7)
        draft.phone = voip(random, country.code) if random.random() < 0.4 else None
        drafts.append(draft)
    return drafts


def click_farm(world: World, random: Random) -> list[Draft]:
    """Paid people in one hall who copy from a sheet, on a few handsets and one connection."""
    country = somewhere(random)
    gates = [world.networks.address(random, country.consumer, country.code) for _ in range(random.randint(1, 2))]
    start = world.window.anytime(random, 5 * DAY)
    stations = [
        (browser(random, start, handset=random.random() < 0.6), device_id(random)) for _ in range(random.randint(3, 10))
    ]
    languages = accepted(random, country)
    drafts: list[Draft] = []
    for at in burst(random, start, random.randint(10, 45), random.choice((90.0, 500.0, HOUR))):
        draft = ordinary(world, random, somewhere(random), at)
        draft.ip = random.choice(gates)
        client, device = random.choice(stations)
        draft.browser = client
        draft.device = device if random.random() < 0.5 else device_id(random)
        draft.languages, draft.zone = languages, pick(random, country.zones)
        draft.address = (
            bought(random, draft.person, draft.country)
            if random.random() < 0.7
            else personal(random, draft.person, country)
        )
        draft.behavior = copying(random)
        drafts.append(draft)
    return drafts


def vpn_abuser(world: World, random: Random) -> list[Draft]:
    """One spammer behind a VPN who opens a few accounts a week, by hand."""
    start = world.window.anytime(random, 5 * DAY)
    owner = ordinary(world, random, at=start)
    drafts: list[Draft] = []
    for at in burst(random, start, random.randint(3, 14), DAY):
        draft = ordinary(world, random, owner.country, at)
        draft.ip = world.networks.address(random, VPN)
        draft.browser, draft.languages, draft.zone = owner.browser, owner.languages, owner.zone
        draft.phone = voip(random, owner.country.code) if random.random() < 0.4 else None
        draft.organization = f"{brand(random).title()} {trade(random).title()}" if random.random() < 0.4 else None
        draft.behavior = managing(random) if random.random() < 0.4 else draft.behavior
        drafts.append(draft)
    return drafts
