"""Events: what an account did after its signup. Each is an entry of its shard's stream; a login also has an effect.

Where logins came from is one sorted set an account (``risk:an:{n}:<user_id>``): HMACs of networks (/24, /48) and of
the AS numbers that announce them, by the time of the latest login from there.
"""

from __future__ import annotations

import json
import secrets
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, StringConstraints
from typing_extensions import TypedDict

from riskapi.access.idempotency import REMEMBERED
from riskapi.accounts.accounts import Accounts, history_key, labels_key
from riskapi.accounts.activity import ESTABLISHING, TYPES
from riskapi.accounts.labels import Labels
from riskapi.budgets import terms
from riskapi.budgets.budgets import Budgets
from riskapi.contract import Tier
from riskapi.decisions.identifiers import Identifiers
from riskapi.decisions.rescoring import Rescorer
from riskapi.errors import StoreUnavailable, no_account
from riskapi.inputs.input_warnings import InputWarning, counted, missing, one_each, unreadable, usable
from riskapi.inputs.readers import ActiveReaders
from riskapi.inputs.signup import CustomInputs, DevicePart, EmailPart, PhonePart
from riskapi.inputs.visitor_values import VisitorCount, VisitorText, VisitorTime
from riskapi.links.entities import Links
from riskapi.links.keys import packed_mac
from riskapi.links.kinds import is_inside
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import DAY

#: Places remembered for an account; two a login from somewhere new.
_PLACES = 50
#: For how long an event without an Idempotency-Key is known again, seconds: it is sent again at once, when a connection
#: was lost, or never.
_KNOWN = 60
#: Events that carry a value: another one, or one that the person has confirmed.
_VALUES = frozenset({"email_verified", "phone_verified", "email_changed", "phone_changed"})
#: Events that say nothing without one value: where that is, and what it is called.
_ABOUT = {
    "email_changed": ("/email/address", "new e-mail address"),
    "phone_changed": ("/phone/number", "new phone number"),
    "device_seen": ("/device/id", "id of a device"),
    "plan_changed": ("/plan", "plan"),
    "contacts_imported": ("/count", "count of contacts"),
}


class Event(BaseModel):
    """Body of ``POST /v1/accounts/{user_id}/events``: what the account did. ``count`` is of contacts and the like;
    ``email`` and ``phone`` carry what was changed or verified, ``device`` where the account was seen, ``plan`` the one
    that a ``plan_changed`` moved it to.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,63}$")]
    time: VisitorTime | None = None
    device: DevicePart | None = None
    email: EmailPart | None = None
    phone: PhonePart | None = None
    plan: VisitorText | None = None
    count: VisitorCount | None = None
    custom_inputs: CustomInputs | None = None

    def at(self, now: float) -> float:
        """Unix time of the event: ``time``, or ``now`` where it is missing or not used (see :func:`counted`)."""
        return now if self.time is None else counted(self.time.timestamp(), now)


class EventTaken(TypedDict):
    """An event of an account that was recorded, and the account's tier after it."""

    user_id: str
    type: str
    tier: Tier
    warnings: list[InputWarning]


class Events:
    """Records events of accounts."""

    def __init__(
        self,
        store: Store,
        active: ActiveBasis,
        links: Links,
        active_readers: ActiveReaders,
        rescorer: Rescorer,
        identifiers: Identifiers,
        budgets: Budgets,
        labels: Labels,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._accounts = Accounts(store)
        self._identifiers = identifiers
        self._rescorer = rescorer
        self._budgets, self._labels = budgets, labels
        self._active = active
        self._links = links
        self._active_readers = active_readers
        self._metrics = metrics
        self._record = store.script("event_record")

    def record(self, user_id: str, event: Event, now: float, repeat: str | None = None) -> EventTaken:
        """Record an event at Unix time ``now``; returns the account's tier after it, and what could not be read.

        ``repeat``, hexadecimal digits that stand for its Idempotency-Key, has it counted once, however often it is
        tried.
        A login from where the account was never seen sets ``moved_at`` of the account to its time, unless that is
        later already. A change of plan counts for the very next grant, and a paid plan or a payment makes the account
        an established customer. Raises ``not_found`` and :class:`StoreUnavailable`.
        """
        policy, at = self._active.policy, event.at(now)
        lacks = _lacks(event)
        event, warnings = usable(event, at, "/time")
        warnings += lacks
        places = self._places(event, warnings)
        domain = self._sender(event, warnings)
        entry: dict[str, Any] = {"id": _id(repeat), "user_id": user_id, "type": event.type, "at": at}
        if event.count is not None:
            entry["count"] = event.count
        if event.type == "plan_changed" and event.plan is not None:
            entry["plan"] = terms.plan_name(event.plan)
        if event.custom_inputs:
            entry["custom_inputs"] = event.custom_inputs
        keys = [account_key(user_id), history_key(user_id), labels_key(user_id), places_key(user_id)]
        keys += (stream(shard(user_id)), f"risk:ae:{{{shard(user_id)}}}:{entry['id']}")
        # Not with orjson, which takes no integer of more than 64 bits; callers may have some.
        plan, by = _terms(event, policy)
        given = {
            "ttl": policy.retention.accounts_days * DAY,
            "at": repr(at),
            "event": json.dumps(entry),
            "oldest": oldest(policy.retention.decisions_days),
            "remembered": _KNOWN if repeat is None else REMEMBERED,
            "places": _PLACES,
            "type": event.type if event.type in TYPES else "",
            "count": "" if event.count is None else str(event.count),
            "domain": domain or "",
            "plan": plan,
            "by": by,
        }
        words = [word for mac in places for word in (mac, packed_mac(mac))]
        found = self._record.call(keys, [orjson.dumps(given), *words])
        if not found:
            raise no_account()
        self._metrics.event(event.type if event.type in TYPES else "other")
        self._follow(user_id, event, domain, at, now, warnings)
        if event.type in ESTABLISHING:
            self._mark_latest(user_id, policy)
        tier = self._tier(user_id, event, now) or found[0].decode()
        return {"user_id": user_id, "type": event.type, "tier": tier, "warnings": one_each(warnings)}

    def _follow(
        self, user_id: str, event: Event, domain: str | None, at: float, now: float, warnings: list[InputWarning]
    ) -> None:
        """Follow what the event says of the account's address, number, devices and domain."""
        has = self._identifiers
        given = {"email": event.email.address if event.email else None}
        given["phone"] = event.phone.number if event.phone else None
        part = event.type.partition("_")[0]
        if event.type in _VALUES:
            value = given[part]
            if value and not has.change(user_id, part, value, now):
                name, what = ("address", "e-mail address") if part == "email" else ("number", "phone number")
                warnings.append(unreadable(f"/{part}/{name}", f"The {what}"))
            elif event.type.endswith("_verified"):
                has.prove(user_id, part, at, now)
        elif domain is not None:
            has.authenticate(user_id, domain, now)
        elif event.type == "payment_verified":
            has.pay(user_id, now)
        elif event.type in ("vouching_started", "vouching_ended"):
            has.vouch(user_id, now, on=event.type == "vouching_started")
        if event.type in ("device_seen", "login") and event.device is not None and event.device.id:
            has.see(user_id, event.device.id, now)

    def _mark_latest(self, user_id: str, policy: Policy) -> None:
        """Have grants in flight read the terms again, and let the standing be felt; where that fails, a worker does."""
        try:
            standing = self._accounts.standing(user_id)
            self._budgets.revise(user_id, standing.revision, policy)
            self._labels.mark_latest(user_id, standing)
        except StoreUnavailable:
            self._metrics.store_failure("event")

    def _tier(self, user_id: str, event: Event, now: float) -> Tier | None:
        """The tier after deciding the account again; where that fails just now, a worker does it in a moment."""
        if event.type not in TYPES:
            return None  # nothing reads it
        try:
            return self._rescorer.again(user_id, f"event.{event.type}", now).tier
        except StoreUnavailable:
            self._metrics.store_failure("event")
            return None

    def _sender(self, event: Event, warnings: list[InputWarning]) -> str | None:
        """The domain that was authenticated, where the caller names it (``custom_inputs.domain``)."""
        given = (event.custom_inputs or {}).get("domain")
        if event.type != "domain_authenticated" or given is None:
            return None
        domain = self._links.sender(given) if isinstance(given, str) else None
        if domain is None:
            warnings.append(unreadable("/custom_inputs/domain", "The domain"))
        return domain

    def _places(self, event: Event, warnings: list[InputWarning]) -> list[str]:
        """HMACs of where a login came from, its network and AS; an address that cannot be read is a warning.

        The AS counts as a place too: a phone changes its prefix with every cell and a home line with every night, while
        the AS stays their carrier's. A thief at the same carrier passes for the owner; his volume still gives him away.
        """
        text = event.device.ip_address if event.device else None
        if not text:
            return []
        network = self._active_readers.readers.networks.read(text)
        if network.ip is None:
            warnings.append(unreadable("/device/ip_address", "The IP address"))
            return []
        if event.type != "login" or network.prefix is None or is_inside(network):
            return []
        places = [self._links.mac("network", network.prefix)]
        if network.asn is not None:
            places.append(self._links.mac("asn", str(network.asn)))
        return places


def _lacks(event: Event) -> list[InputWarning]:
    """What a posted event is about and does not carry. It is taken all the same, since it did happen."""
    pointer, what = _ABOUT.get(event.type, ("", ""))
    found: object = event
    for name in pointer.split("/")[1:]:
        found = getattr(found, name, None)
    return [missing(pointer, what)] if found in (None, "") else []


def _terms(event: Event, policy: Policy) -> tuple[str, str]:
    """For the script: what an event says of the account's plan, and what of it makes the account an established
    customer.
    """
    if event.type == "payment_verified":
        return "", "payment"
    if event.type != "plan_changed" or event.plan is None:
        return "", ""
    plan = terms.plan_name(event.plan)
    return f"={plan or ''}", "plan" if terms.is_paid(plan, policy) else ""


def _id(repeat: str | None) -> str:
    """The id of an event: always the same under one Idempotency-Key."""
    return f"evt_{repeat[:24] if repeat is not None else secrets.token_hex(12)}"


def places_key(user_id: str) -> str:
    """Key of where an account's logins came from; it expires ``retention.accounts_days`` after its last event."""
    return f"risk:an:{{{shard(user_id)}}}:{user_id}"
