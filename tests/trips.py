"""Kinds of signups, by what was there before them: how many trips to the store each takes is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from riskapi.app import Service
from riskapi.decisions.events import Event
from riskapi.sending.grants import Message
from signals.records import record
from tests.conftest import NOW, Clock
from tests.grants import under
from tests.signups import body, post
from tests.working import Work

NUMBER, OTHER, CARD, HERS = "+34600123123", "+34711234234", "card-1", "ana.ruiz@gmail.com"
HOUR, DAY = 3600.0, 86_400.0
Trips = Callable[[Callable[[], Any]], int]


@record
class Kind:
    """A kind of signup: what was there before it, what it comes with, and with how many it is one cluster then."""

    before: Callable[[Service], object]
    parts: dict[str, Any]
    size: int
    at: float = NOW


def on(device: str) -> dict[str, Any]:
    return {"device": {"id": device}}


def calls(number: str, **more: Any) -> dict[str, Any]:
    return {"phone": {"number": number, **more}}


def there(*signups: dict[str, Any], gap: float = HOUR) -> Callable[[Service], object]:
    """Accounts that came before, one after another."""

    def come(service: Service) -> None:
        for number, parts in enumerate(signups):
            user = f"u{number}"
            account = {"account": {"user_id": user, **parts.get("account", {})}}
            post(service, body(user, **{**parts, **account}), NOW - (len(signups) - number) * gap)

    return come


def customer(service: Service, user: str, **parts: Any) -> None:
    """An established customer, here for a month."""
    post(service, body(user, **parts), NOW - 30 * DAY)
    accounts = service.accounts
    accounts.establish(user, NOW - DAY, "import", service.active.policy)
    service.parts.labels.mark_latest(user, accounts.standing(user))


def held(service: Service, *claims: dict[str, Any]) -> None:
    """A customer's number, machine and card, and those who claim them."""
    customer(service, "her", **calls(NUMBER), device={"id": "hers"}, payment={"fingerprint": CARD})
    there(*claims)(service)


def colleagues(service: Service, count: int) -> None:
    there(*[{"email": {"address": f"w{number}@firm.example"}, **calls(NUMBER)} for number in range(count)])(service)


def kiosk(service: Service) -> None:
    """A device that grew over a month until so many share it that somebody has to look whether it is a hub."""
    kinds = service.active.policy.links.kinds
    small = kinds["device"].model_copy(update={"hub_over": 4})
    under(service, links={"kinds": {**kinds, "device": small}}, hubs={"networks": 3, "mail_domains": 3})
    users = [{"device": {"id": "kiosk", "ip_address": f"203.0.{number}.9"}} for number in range(5)]
    there(*users, gap=6 * DAY)(service)


def hub(service: Service) -> None:
    """The same once somebody looked."""
    kiosk(service)
    Work(service, Clock(NOW - HOUR)).do()


def agency(service: Service) -> None:
    """One that vouches for those it refers."""
    customer(service, "agency", **calls(NUMBER))
    service.parts.events.record("agency", Event(type="vouching_started"), NOW - HOUR)


def ring(service: Service) -> None:
    """One account that a person found abusive."""
    there(on("dev-1"))(service)
    service.parts.labels.add("u0", "abuse", "manual_review", None, "ana", NOW - HOUR)


def stranger(service: Service) -> None:
    """The account sent mail before it signed up, and so did another with the same links."""
    under(service, sends={"strangers": "review"})
    for user in ("other", "late"):
        service.parts.grants.send(user, 1, Message(("pills.example",)), NOW - HOUR)


REFERRED = {"account": {"user_id": "late", "referrer_id": "agency"}}
KINDS: dict[str, Kind] = {
    "a mailbox": Kind(there({"email": {"address": HERS}}), {"email": {"address": "a.n.a.ruiz+1@gmail.com"}}, 2),
    "a number": Kind(there(calls(NUMBER)), calls(NUMBER), 2),
    "a device": Kind(there(on("dev-1")), on("dev-1"), 2),
    "a device of three": Kind(there(*[on("dev-1")] * 2), on("dev-1"), 3),
    "a device of thirty-one": Kind(there(*[on("dev-1")] * 30, gap=60.0), on("dev-1"), 31),
    "a card": Kind(there({"payment": {"fingerprint": CARD}}), {"payment": {"fingerprint": CARD}}, 2),
    "several at once": Kind(
        there(on("dev-1"), calls(NUMBER), {"payment": {"fingerprint": CARD}}),
        {**on("dev-1"), **calls(NUMBER), "payment": {"fingerprint": CARD}},
        4,
    ),
    "two clusters that become one": Kind(
        there(*[on("dev-1")] * 3, *[calls(NUMBER)] * 2), {**on("dev-1"), **calls(NUMBER)}, 6
    ),
    "the first claimant": Kind(held, calls(NUMBER), 1),
    "a claimant": Kind(lambda service: held(service, calls(NUMBER)), calls(NUMBER), 2),
    "a claimant of all": Kind(
        lambda service: held(service, calls(NUMBER), on("hers")),
        {**calls(NUMBER), **on("hers"), "payment": {"fingerprint": CARD}},
        3,
    ),
    "who proves what others claim": Kind(there(*[calls(NUMBER)] * 3), calls(NUMBER, verified=True), 1),
    "two who prove it": Kind(there(calls(NUMBER, verified=True)), calls(NUMBER, verified=True), 2),
    "a wave": Kind(
        there({"email": {"address": "a@pills.example"}, "device": {"ip_address": "203.0.113.9"}}, gap=5.0),
        {"email": {"address": "b@pills.example"}, "device": {"ip_address": "203.0.113.9"}},
        2,
    ),
    "at a pace that people have not": Kind(
        there(*[{"device": {"ip_address": "203.0.113.9"}}] * 12, gap=1.0), {"device": {"ip_address": "203.0.113.9"}}, 13
    ),
    "a thing that may be a hub": Kind(kiosk, on("kiosk"), 6),
    "a hub": Kind(hub, on("kiosk"), 1),
    "two colleagues at a number": Kind(
        lambda service: colleagues(service, 1), {"email": {"address": "a@firm.example"}, **calls(NUMBER)}, 2
    ),
    "the third, which makes it a switchboard": Kind(
        lambda service: colleagues(service, 2), {"email": {"address": "a@firm.example"}, **calls(NUMBER)}, 1
    ),
    "a known switchboard": Kind(
        lambda service: colleagues(service, 9), {"email": {"address": "a@firm.example"}, **calls(NUMBER)}, 1
    ),
    "one that is vouched for": Kind(agency, REFERRED, 2),
    "one that shares what its voucher holds": Kind(agency, {**REFERRED, **calls(NUMBER)}, 2),
    "the device of an abuser": Kind(ring, on("dev-1"), 2),
    "one that pays": Kind(there(on("dev-1")), {**on("dev-1"), "account": {"user_id": "late", "plan": "pro"}}, 2),
    "a stranger that sent before": Kind(stranger, {}, 2),
}
