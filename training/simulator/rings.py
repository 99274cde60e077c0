"""Abusers who hide among people: lone fraudsters, and rings held together by one thing only."""

from __future__ import annotations

from random import Random

from training.simulator.behaviors import copying, managing
from training.simulator.devices import browser, device_id
from training.simulator.mailboxes import bought, company_domain, sprayed_domain, staff
from training.simulator.organisations import VPN
from training.simulator.phones import voip
from training.simulator.signups import Draft, World, ordinary
from training.simulator.timeline import DAY, HOUR, burst
from training.simulator.words import letters


def lone_fraudster(world: World, random: Random) -> list[Draft]:
    """One account, made with care, low and slow. Many cannot be told from people at signup, and should not be."""
    draft = ordinary(world, random)
    choice = random.random()
    if choice < 0.35:
        draft.address = staff(random, draft.person, company_domain(random, draft.person, draft.country))
    elif choice < 0.6:
        draft.address = bought(random, draft.person, draft.country)
    elif choice < 0.75:
        draft.address = staff(random, draft.person, sprayed_domain(random))
    if random.random() < 0.3:
        draft.ip = world.networks.address(random, VPN)
    if random.random() < 0.2:
        draft.phone = voip(random, draft.country.code)
    if random.random() < 0.3:
        draft.behavior = random.choice((managing, copying))(random)
    return [draft]


def snowshoe(world: World, random: Random) -> list[Draft]:
    """10 to 100 accounts that share one thing (device, card, fingerprint, referrals) and little else."""
    held_by = random.choice(("device", "payment", "fingerprint", "referrals"))
    start = world.window.anytime(random, 20 * DAY)
    device, card = device_id(random), letters(random, 20, 20, 0.5)
    client = browser(random, start, handset=False, family="firefox", lag=random.uniform(3, 12))
    drafts: list[Draft] = []
    for at in burst(
        random, start, min(100, 10 + int(random.expovariate(1 / 14))), random.choice((2 * HOUR, 10 * HOUR, DAY))
    ):
        draft = ordinary(world, random, at=at)
        if held_by == "device":
            draft.device = device
        elif held_by == "payment":
            draft.payment, draft.plan = card, "starter"
        elif held_by == "fingerprint":
            draft.browser = client
        else:
            draft.refers = "group"
        draft.ip = world.networks.address(random, VPN) if random.random() < 0.4 else draft.ip
        draft.address = bought(random, draft.person, draft.country)
        if random.random() < 0.3:
            draft.address = staff(random, draft.person, sprayed_domain(random))
        draft.behavior = copying(random) if random.random() < 0.35 else draft.behavior
        drafts.append(draft)
    return drafts
