"""Mailgun's webhooks: an event a request, signed with a token.

Payloads: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads; signature:
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks (HMAC-SHA256 over timestamp and
token, in the body); resending: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-retries.
Forms are legacy webhooks: https://help.mailgun.com/hc/en-us/articles/14048832145051-Legacy-Webhooks.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs

from pydantic import SecretStr

from riskapi.feedback.feeds.feed import (
    JSON,
    NotUnderstood,
    Outcome,
    Posted,
    ProviderFeed,
    bad_signature,
    not_this_feed,
    received,
)
from riskapi.feedback.feeds.naming import Naming
from riskapi.feedback.feeds.payload import (
    diagnostic,
    digest,
    domain_of,
    enhanced,
    mapping,
    moment,
    parsed,
    sequence,
    text,
)
from riskapi.feedback.feeds.tokens import Tokens
from riskapi.feedback.reports import Received, Report
from riskapi.store.connections import Store
from riskapi.times import DAY

#: Seconds after which a signature is not believed any more: as long as feedback counts. Mailgun sends again for 8
#: hours.
OLDEST: Final = 31 * DAY
#: Seconds that a signature may lie ahead.
_AHEAD: Final = DAY
FORM: Final = "application/x-www-form-urlencoded"
#: Fields of a form that are read; Mailgun's largest has some 40 and the user's variables.
_FIELDS: Final = 500

#: ``event``. Failures go by their severity and reason, see :func:`_failed`; ``rejected`` is Mailgun's refusal to take
#: a message and says nothing that counts, as everything that is not here.
EVENTS: Final[Mapping[str, Outcome]] = {
    "delivered": ("delivered", None),
    "complained": ("complaint", None),
    "unsubscribed": ("unsubscribe", None),
}
#: ``event`` of failures; the last two are legacy webhooks' words for permanent ones.
_FAILURES: Final = ("failed", "bounced", "dropped")
#: ``reason`` of a failure that says more than its severity. What Mailgun did not try to send because of an earlier
#: event counted then.
REASONS: Final[Mapping[str, Outcome]] = {
    "suppress-bounce": None,
    "suppress-complaint": None,
    "suppress-unsubscribe": None,
    "espblock": ("block", None),
    "old": ("soft_bounce", "soft"),
}
#: ``delivery-status.code`` that Mailgun gives for the same.
CODES: Final[Mapping[int, Outcome]] = {605: None, 606: None, 607: None}


class Mailgun(ProviderFeed):
    """Reads what Mailgun posts. ``keys`` are signing keys, more than one while they change."""

    name = "mailgun"
    media = frozenset({JSON, FORM})

    def __init__(self, keys: Sequence[SecretStr], store: Store, naming: Naming) -> None:
        self._keys = [key.get_secret_value().encode() for key in keys]
        self._tokens = Tokens(store, OLDEST + _AHEAD)
        self._naming = naming

    def verify(self, posted: Posted) -> None:
        """Check signature and age, and take the token for this body."""
        found = _body(posted)
        token, timestamp, given = _signature(found)
        signed, shown = f"{timestamp}{token}".encode("utf-8", "replace"), given.encode("utf-8", "replace")
        right = [hmac.new(key, signed, hashlib.sha256).hexdigest().encode() for key in self._keys]
        if not any(hmac.compare_digest(shown, each) for each in right):
            raise bad_signature("The signature is not of the signing key that is set.")
        at = int(timestamp) if timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12 else 0
        if not posted.now - OLDEST <= at <= posted.now + _AHEAD:
            raise bad_signature("The signature is older than 31 days, or lies ahead.")
        self._tokens.take(token, posted.body)

    def read(self, posted: Posted) -> Received:
        """One event."""
        found = _body(posted)
        return received([found], _is_ours, lambda body: self._reports(mapping(body["event-data"]), posted.now))

    def finish(self, posted: Posted) -> None:
        """Let the token be used up, now that the event is stored."""
        self._tokens.spend(_signature(_body(posted))[0])

    def _reports(self, event: Mapping[str, Any], now: float) -> Sequence[Report]:
        outcome = _outcome(event)
        if outcome is None:
            return []
        kind, diagnosis = outcome
        recipient, status = text(event.get("recipient")), mapping(event.get("delivery-status"))
        headers = mapping(mapping(event.get("message")).get("headers"))
        own, at = text(event.get("id")), event.get("timestamp")
        if own is None and recipient is None:
            raise NotUnderstood
        report = Report(
            feed=self.name,
            # "The id is guaranteed to be unique within a day", so the second belongs to it.
            id=digest(event["event"], own, recipient, str(at)),
            type=kind,
            at=moment(at, now),
            recipient=recipient,
            clues=self._naming.clues(
                metadata=[event.get("user-variables")],
                tags=sequence(event.get("tags")),
                headers=[(name, value) for name, value in headers.items() if isinstance(value, str)],
                message_ids=[headers.get("message-id")],
                return_path=text(mapping(event.get("envelope")).get("sender")),
            ),
            reporter=domain_of(recipient),
            diagnostic=diagnostic(status.get("message")) or diagnostic(status.get("description")),
            enhanced=enhanced(status.get("enhanced-code")),
            diagnosis=diagnosis,
        )
        return [report]


def _body(posted: Posted) -> Mapping[str, Any]:
    """The body as Mailgun's JSON has it. Raises ``not_json`` and ``not_this_feed``."""
    if posted.media != FORM:
        return mapping(parsed(posted.body))
    try:
        form = parse_qs(posted.body.decode(), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise not_this_feed("The form cannot be read.") from None
    # User variables are merged into the form. The last value of the signature is Mailgun's, the first of all others.
    first, last = ({name: values[place] for name, values in form.items()} for place in (0, -1))
    if "event" not in first:
        return {}
    return {
        "signature": {name: last.get(name) for name in ("token", "timestamp", "signature")},
        "event-data": {
            "event": first["event"],
            "id": last.get("token"),
            "timestamp": last.get("timestamp"),
            "recipient": first.get("recipient"),
            "reason": first.get("reason"),
            "delivery-status": {
                "code": first.get("code"),
                "message": first.get("error") or first.get("notification") or first.get("description"),
            },
            "message": {"headers": {"message-id": first.get("Message-Id") or first.get("message-id")}},
            "user-variables": last,
            "tags": form.get("tag", []),
        },
    }


def _is_ours(body: Any) -> bool:
    return isinstance(mapping(mapping(body).get("event-data")).get("event"), str)


def _signature(found: Mapping[str, Any]) -> tuple[str, str, str]:
    """Token, timestamp and signature. Raises ``bad_signature``, and ``not_this_feed`` for what is not Mailgun's."""
    if "signature" not in found and not _is_ours(found):
        raise not_this_feed("The body is not an event of Mailgun.")
    given = mapping(found.get("signature"))
    token, timestamp, signature = (text(given.get(name)) for name in ("token", "timestamp", "signature"))
    if token is None or timestamp is None or signature is None:
        raise bad_signature("The body has no signature.")
    return token, timestamp, signature


def _outcome(event: Mapping[str, Any]) -> Outcome:
    word = event["event"]
    return _failed(event) if word in _FAILURES else EVENTS.get(word)


def _failed(event: Mapping[str, Any]) -> Outcome:
    """What a failure means, by reason and code, then by severity. Raises :class:`NotUnderstood` without one."""
    reason, code = text(event.get("reason")) or "", text(mapping(event.get("delivery-status")).get("code")) or ""
    if reason in REASONS:
        return REASONS[reason]
    if code.isascii() and code.isdigit() and len(code) < 5 and int(code) in CODES:
        return CODES[int(code)]
    severity = event.get("severity") if event["event"] == "failed" else "permanent"
    if severity not in ("permanent", "temporary"):
        raise NotUnderstood
    return ("hard_bounce" if severity == "permanent" else "soft_bounce"), None
