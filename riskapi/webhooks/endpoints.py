"""Webhook endpoints: where the operator's own systems are told of changes, of which ones, and signed with what.

All endpoints are one hash (``risk:hooks:{h}``), in the slot of their deliveries, so that nothing is queued for one that
is gone. What reads and then writes one compares it with what was read, in one script.
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, field, replace
from functools import partial
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from riskapi.contract import Instant
from riskapi.errors import Problem
from riskapi.outgoing.destinations import Address, DestinationGuard, DestinationRefused, system_addresses
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.times import DAY, rfc3339
from signals.records import record

#: What an endpoint can be told of (by the HTTP contract; `account.resumed` and `review.question` are ours).
EventType = Literal[
    "tier.changed",
    "account.paused",
    "account.resumed",
    "account.held",
    "account.capped",
    "review.opened",
    "review.decided",
    "review.question",
    "threshold.crossed",
    "cluster.merged",
]
#: Why an endpoint is told nothing: it answered 410, or somebody disabled it.
Disabled = Literal["gone", "person"]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
#: Every endpoint by its id. No TTL: it holds until it is deleted, like an API key.
TABLE = "risk:hooks:{h}"
#: Endpoints there may be: all are read for each event and each look at the queues.
MOST = 50
#: Bytes of a secret; Standard Webhooks 1.0.0, "Signature scheme", wants 24 to 64.
_SECRET_BYTES = 32
#: Seconds the secret before the last rotation signs too. A day to change it on every host.
_OVERLAP = DAY
#: Seconds a name is given to resolve when it is registered. A person waits.
_PATIENCE = 2.0
#: Characters of a URI (RFC 3986, section 2). Backslashes and blanks, on which parsers disagree, are not taken.
_URI = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{1,2048}")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_.])?|[0-9a-f:.]{2,45}")

LookUp = Callable[[str], Awaitable[list[str]]]

_PLAIN = "expected https://…; plain HTTP is for what RISKAPI_WEBHOOK_INTERNAL names"


class NamedOnly(DestinationGuard):
    """Lets only what the operator named pass: for plain HTTP, which anybody on the way can read and change."""

    def refuses(self, address: Address) -> str | None:
        """Why the address is refused, None where it was named."""
        return None if self._named(address) else "not_named"


def guards(internal: Sequence[str], look_up: LookUp = system_addresses) -> dict[str, DestinationGuard]:
    """Who says what may be connected to, by scheme; ``internal`` is what the operator names."""
    return {"https": DestinationGuard(internal, look_up), "http": NamedOnly(internal, look_up)}


class Webhook(TypedDict):
    """An endpoint of the operator's that is told of changes. ``disabled_reason`` is ``gone`` after it answered 410,
    ``person`` where somebody disabled it.
    """

    id: str
    url: str
    events: list[EventType]
    enabled: bool
    disabled_reason: Disabled | None
    created_at: Instant
    created_by: str
    previous_secret_until: Annotated[
        Instant | None, Field(description="Until when the secret before the last change signs, or signed, too.")
    ]


class NewWebhook(Webhook):
    """An endpoint with its new secret, which is shown only here."""

    secret: str


class WebhookList(TypedDict):
    """Every endpoint, oldest first."""

    webhooks: list[Webhook]


@record
class Destination:
    """The parts of a URL that a request needs: what was checked is what is connected to, with no second reading."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as the header ``Host`` has them (RFC 9110, section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"


@record
class Endpoint:
    """One endpoint. The first of two ``secrets`` is the current one, the other signs too until ``overlap_until``.

    ``disabled`` says why it is told nothing: ``gone`` after it answered 410, ``person`` where somebody disabled it.
    ``more`` are fields that a newer release wrote: they are kept.
    """

    id: str
    url: str
    events: list[EventType]
    secrets: list[str]
    created_at: float
    created_by: str
    overlap_until: float = 0.0
    disabled: Disabled | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def signing(self, now: float) -> list[str]:
        """The secrets to sign with at Unix time ``now``."""
        return self.secrets if now < self.overlap_until else self.secrets[:1]

    def view(self) -> Webhook:
        """The endpoint as callers see it, without its secrets."""
        return {
            "id": self.id,
            "url": self.url,
            "events": self.events,
            "enabled": self.disabled is None,
            "disabled_reason": self.disabled,
            "created_at": rfc3339(self.created_at),
            "created_by": self.created_by,
            "previous_secret_until": rfc3339(self.overlap_until) if self.overlap_until else None,
        }


def destination(url: str) -> Destination:
    """The parts of a URL. Raises ``ValueError``, saying why webhooks cannot be sent to it."""
    if not _URI.fullmatch(url):
        raise ValueError("expected a URL of at most 2048 characters; write names in ASCII and others as %XX")
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.netloc:
        raise ValueError("expected https://…")
    if "@" in parts.netloc:
        raise ValueError("a URL with a user name or password is not taken: deliveries are signed instead")
    if "#" in url:
        raise ValueError("a URL with a fragment is not taken: nothing after # is sent")
    host, port = parts.hostname or "", parts.port  # which raises for what is not a port
    if port == 0 or not _HOST.fullmatch(host):
        raise ValueError("expected a host and a port from 1 to 65535")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), target)


class Webhooks:
    """Makes, lists, changes and deletes endpoints; every method raises :class:`StoreUnavailable`."""

    def __init__(self, store: Store, guards: Mapping[str, DestinationGuard]) -> None:
        """``guards`` say what may be connected to, by scheme."""
        self._store, self.guards = store, guards
        self._put = store.script("webhook_put")

    def create(self, url: str, events: Sequence[EventType], actor: str, now: float) -> NewWebhook:
        """Register an endpoint at Unix time ``now``; its ``secret`` is shown this once (and after :meth:`rotate`).

        Raises ``destination_refused`` for what may not be connected to, ``invalid`` for a bad URL or one too many.
        """
        self._admit(url)
        made = Endpoint(f"whk_{secrets.token_hex(12)}", url, list(dict.fromkeys(events)), [_secret()], now, actor)
        if self._written(made.id, b"", made) == b"full":
            raise Problem("invalid", f"There are {MOST} webhooks already; delete one.")
        return {**made.view(), "secret": made.secrets[0]}

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint, oldest first."""
        rows = self._store.execute("HGETALL", TABLE).items()
        found = [damaged.read("webhook", name.decode(), partial(_endpoint, raw), None) for name, raw in rows]
        return sorted(filter(None, found), key=lambda each: (each.created_at, each.id))

    def list(self) -> WebhookList:
        """Every endpoint as callers see them, oldest first."""
        return {"webhooks": [each.view() for each in self.endpoints()]}

    def get(self, endpoint_id: str) -> Webhook:
        """One endpoint as callers see it. Raises ``not_found``."""
        return self._read(endpoint_id)[1].view()

    def enabled(self, endpoint_id: str) -> Webhook:
        """One endpoint that something is to be sent to. Raises ``not_found`` and ``webhook_disabled``."""
        found = self.get(endpoint_id)
        if not found["enabled"]:
            raise Problem("webhook_disabled", "Enable it first: nothing is sent to a webhook that is disabled.")
        return found

    def delete(self, endpoint_id: str) -> Webhook:
        """Delete an endpoint; returns what it was. Raises ``not_found``, also for one whose row cannot be read: it is
        deleted all the same.
        """
        raw = self._store.execute("HGET", TABLE, endpoint_id)
        if raw is not None and damaged.read("webhook", endpoint_id, partial(_endpoint, raw), None) is None:
            self._written(endpoint_id, raw, None)
        return self._changed(endpoint_id, lambda each: None).view()

    def rotate(self, endpoint_id: str, now: float) -> NewWebhook:
        """Give an endpoint another secret, shown in the answer; the one before signs too for a day from ``now``.

        Raises ``not_found``.
        """
        secret = _secret()
        found = self._changed(
            endpoint_id,
            lambda each: replace(each, secrets=[secret, each.secrets[0]], overlap_until=now + _OVERLAP),
        )
        return {**found.view(), "secret": secret}

    def enable(self, endpoint_id: str) -> Webhook:
        """Tell an endpoint of changes again. Raises ``not_found``, and ``destination_refused`` as :meth:`create`."""
        self._admit(self._read(endpoint_id)[1].url)
        return self._changed(endpoint_id, lambda each: replace(each, disabled=None)).view()

    def disable(self, endpoint_id: str, reason: Disabled) -> None:
        """Tell an endpoint of nothing more until it is enabled. One that was deleted stays so, and one that is disabled
        keeps its reason: what was sent before that may still be answered.
        """
        try:
            self._changed(endpoint_id, lambda each: replace(each, disabled=each.disabled or reason))
        except Problem:
            return

    def _changed(self, endpoint_id: str, change: Callable[[Endpoint], Endpoint | None]) -> Endpoint:
        """Change an endpoint however many do so at once; returns it afterwards, or as it was where it is deleted."""
        while True:
            raw, found = self._read(endpoint_id)
            made = change(found)
            if self._written(endpoint_id, raw, made) == b"put":
                return made or found

    def _read(self, endpoint_id: str) -> tuple[bytes, Endpoint]:
        raw = self._store.execute("HGET", TABLE, endpoint_id)
        if raw is None:
            raise Problem("not_found", "No webhook has this id.")
        found = damaged.read("webhook", endpoint_id, partial(_endpoint, raw), None)
        if found is None:
            raise Problem("not_found", "This webhook cannot be read. Delete it, and register it again.")
        return raw, found

    def _written(self, endpoint_id: str, before: bytes, after: Endpoint | None) -> bytes:
        text = b"" if after is None else _row(after)
        found: bytes = self._put.call([TABLE], [endpoint_id, before, text, MOST])
        return found

    def _admit(self, url: str) -> None:
        """Let a URL pass that may be connected to as things are now; it is checked again at every connection."""
        try:
            to = destination(url)
        except ValueError as error:
            raise _bad_url("invalid", "value_error", str(error)) from None
        guard, loop = self.guards[to.scheme], asyncio.new_event_loop()
        try:
            loop.run_until_complete(asyncio.wait_for(guard.resolve(to.host), _PATIENCE))
        except DestinationRefused as error:
            detail = f"the host has an address that is not public ({error.range}); RISKAPI_WEBHOOK_INTERNAL can name it"
            if to.scheme == "http":
                detail = _PLAIN
            raise _bad_url("destination_refused", error.range, detail) from None
        except (TimeoutError, OSError):
            # It may be in DNS later; what it resolves to then is looked at before anything is sent.
            if to.scheme == "http" and not guard.allows(to.host):
                raise _bad_url("destination_refused", "unresolved", _PLAIN) from None
        finally:
            loop.close()  # without waiting for a resolver that hangs


def _bad_url(code: str, sort: str, detail: str) -> Problem:
    return Problem(code, f"1 error, at /url: {detail}.", [{"pointer": "/url", "code": sort, "detail": detail}])


def _secret() -> str:
    """A new secret as Standard Webhooks 1.0.0 writes it ("Signature scheme")."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def _endpoint(raw: bytes) -> Endpoint:
    """An endpoint as its row says it. Raises one of :data:`riskapi.store.damaged.FAULTS` for a row that says none."""
    row = orjson.loads(raw)
    found = damaged.known(Endpoint, row)
    made = Endpoint(**{**found, "more": {name: value for name, value in row.items() if name not in found}})
    texts = [made.id, made.url, made.created_by, *made.events, *made.secrets]
    numbers = (made.created_at, made.overlap_until)
    if not all(isinstance(each, str) for each in texts) or not all(isinstance(each, int | float) for each in numbers):
        raise TypeError("not an endpoint")
    if not made.secrets:
        raise ValueError("no secret")
    return made


def _row(endpoint: Endpoint) -> bytes:
    row = asdict(endpoint)
    return orjson.dumps({**row.pop("more"), **row})
