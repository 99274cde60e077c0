"""Events: what an account did after its signup. Each is an entry of its shard's stream; a login also has an effect.

Where logins came from is one sorted set an account (``risk:an:{n}:<user_id>``): HMACs of networks (/24, /48) and of
the AS numbers that announce them, by the time of the latest login from there.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from riskapi.accounts import account_key, history_key, labels_key
from riskapi.entities import is_inside
from riskapi.errors import Problem
from riskapi.gather import unreadable
from riskapi.judge import Court
from riskapi.links import Links
from riskapi.metrics import Metrics
from riskapi.networks import NetworkReader
from riskapi.outbox import oldest, shard, stream
from riskapi.signup import Count, DevicePart, Key, Scalar, Time
from riskapi.store.connections import Store

#: The types the contract names. Others are taken too, and counted together.
TYPES = frozenset({
    "email_verified", "phone_verified", "login", "contacts_imported", "profile_changed", "plan_changed",
    "domain_authenticated",
})  # fmt: skip
#: Places remembered for an account; two a login from somewhere new. Ours.
_PLACES = 50
#: For how long an event is known again, seconds: it is sent again at once, when a connection was lost, or never.
_KNOWN = 60
_DAY = 86400


class Event(BaseModel):
    """Body of ``POST /v1/accounts/{user_id}/events``: what the account did. ``count`` is of contacts and the like."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,63}$")]
    time: Time | None = None
    device: DevicePart | None = None
    count: Count | None = None
    custom_inputs: Annotated[dict[Key, Scalar], Field(max_length=25)] | None = None

    def at(self, now: float) -> float:
        """Unix time of the event: ``time``, or ``now`` where it is missing."""
        return now if self.time is None else self.time.timestamp()


class Events:
    """Records events of accounts."""

    def __init__(self, store: Store, court: Court, links: Links, networks: NetworkReader, metrics: Metrics) -> None:
        self._store = store
        self._court = court
        self._links = links
        self._networks = networks
        self._metrics = metrics
        self._record = store.script("event_record")

    def record(self, user_id: str, event: Event, now: float) -> dict[str, Any]:
        """Record an event at Unix time ``now``; returns the account's tier after it, and what could not be read.

        A login from where the account was never seen sets ``moved_at`` of the account to its time, unless that is
        later already. Raises ``not_found`` and :class:`StoreUnavailable`.
        """
        policy, at = self._court.policy, event.at(now)
        places, warnings = self._places(event)
        entry: dict[str, Any] = {"id": f"evt_{secrets.token_hex(12)}", "user_id": user_id, "type": event.type, "at": at}
        if event.count is not None:
            entry["count"] = event.count
        if event.custom_inputs:
            entry["custom_inputs"] = event.custom_inputs
        keys = [account_key(user_id), history_key(user_id), labels_key(user_id), _places_key(user_id)]
        keys += (stream(shard(user_id)), f"risk:ae:{{{shard(user_id)}}}:{entry['id']}")
        args: list[Any] = [policy.retention.accounts_days * _DAY, repr(at), orjson.dumps(entry)]
        args += (oldest(policy.retention.decisions_days), _KNOWN, _PLACES, *places)
        found = self._record.call(keys, args)
        if not found:
            raise Problem("not_found", "No account with this user_id was ever assessed.")
        self._metrics.event(event.type if event.type in TYPES else "other")
        return {"user_id": user_id, "type": event.type, "tier": found[0].decode(), "warnings": warnings}

    def _places(self, event: Event) -> tuple[list[str], list[dict[str, str]]]:
        """HMACs of where a login came from, its network and AS, and what could not be read of any event.

        The AS counts as a place too: a phone changes its prefix with every cell and a home line with every night, while
        the AS stays their carrier's. A thief at the same carrier passes for the owner; his volume still gives him away.
        """
        text = event.device.ip_address if event.device else None
        if not text:
            return [], []
        network = self._networks.read(text)
        if network.ip is None:
            return [], [unreadable("/device/ip_address", "The IP address")]
        if event.type != "login" or network.prefix is None or is_inside(network):
            return [], []
        places = [self._links.mac("network", network.prefix)]
        if network.asn is not None:
            places.append(self._links.mac("asn", str(network.asn)))
        return places, []


def _places_key(user_id: str) -> str:
    """Key of where an account's logins came from; it expires ``retention.accounts_days`` after its last event."""
    return f"risk:an:{{{shard(user_id)}}}:{user_id}"
