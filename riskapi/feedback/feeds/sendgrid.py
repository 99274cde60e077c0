"""SendGrid's event webhook: batches of events, signed with ECDSA.

Payloads: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event. Signature:
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features:
ECDSA on P-256 with SHA-256 over the timestamp of the header and the body as it came.

A signature is not refused for its age. SendGrid sends what was not taken again for a day, and may do so with the first
timestamp, so an age that stops a replay would stop that too. A replay is a body that SendGrid did send: its events are
known by ``sg_event_id`` and count no second time.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from riskapi.feedback.feeds.feed import (
    NotUnderstood,
    Outcome,
    Posted,
    ProviderFeed,
    bad_signature,
    not_this_feed,
    received,
)
from riskapi.feedback.feeds.naming import Naming
from riskapi.feedback.feeds.payload import diagnostic, digest, domain_of, enhanced, mapping, moment, parsed, text
from riskapi.feedback.reports import Received, Report

_SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
_TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"

#: ``event``. Bounces and drops go by what is said beside it; what is not here says nothing that counts.
EVENTS: Final[Mapping[str, Outcome]] = {
    "delivered": ("delivered", None),
    "deferred": ("soft_bounce", None),
    "spamreport": ("complaint", None),
    "unsubscribe": ("unsubscribe", None),
    "group_unsubscribe": ("unsubscribe", None),
}
#: ``type`` of a bounce.
BOUNCES: Final[Mapping[str, Outcome]] = {
    "bounce": ("hard_bounce", None),
    "blocked": ("block", None),
    "expired": ("soft_bounce", "soft"),
}
#: ``bounce_classification``, where it says more than the type: SendGrid calls every refusal ``blocked`` that does not
#: end the address, also where the receiving server could not be reached.
#: https://www.twilio.com/docs/sendgrid/ui/sending-email/bounce-and-block-classifications
CLASSIFIED: Final[Mapping[tuple[str, str], Outcome]] = {
    ("bounce", "invalid address"): ("hard_bounce", "hard"),
    ("blocked", "invalid address"): ("hard_bounce", "hard"),
    ("blocked", "technical failure"): ("soft_bounce", "soft"),
    ("blocked", "mailbox unavailable"): ("soft_bounce", None),
    ("blocked", "content"): ("block", "block_content"),
    ("blocked", "reputation"): ("block", "block_reputation"),
    ("blocked", "frequency or volume too high"): ("block", "block_rate"),
    ("bounce", "content"): ("block", "block_content"),
    ("bounce", "reputation"): ("block", "block_reputation"),
}
#: ``reason`` of a drop: what SendGrid did not even try to send. An address that is on one of its lists came there by an
#: earlier event, which counted then.
DROPS: Final[Mapping[str, Outcome]] = {
    "bounced address": None,
    "spam reporting address": None,
    "unsubscribed address": None,
    "invalid": ("hard_bounce", "hard"),
    "spam content": ("block", "block_content"),
    "invalid smtpapi header": None,
    "recipient list over package quota": None,
}


class SendGrid(ProviderFeed):
    """Reads what SendGrid posts. ``keys`` are the public keys that it shows, more than one while they change."""

    name = "sendgrid"

    def __init__(self, keys: Sequence[ec.EllipticCurvePublicKey], naming: Naming) -> None:
        self._keys, self._naming = keys, naming

    def verify(self, posted: Posted) -> None:
        """Check the signature over timestamp and body."""
        given, timestamp = posted.headers.get(_SIGNATURE, ""), posted.headers.get(_TIMESTAMP, "")
        if not given or not timestamp:
            raise bad_signature("The request has no signature; turn on the signed event webhook.")
        try:
            signature = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            raise bad_signature("The signature is not base64.") from None
        signed = timestamp.encode("utf-8", "replace") + posted.body
        if not any(_signs(key, signature, signed) for key in self._keys):
            raise bad_signature("The signature is not of the public key that is set.")

    def read(self, posted: Posted) -> Received:
        """A batch of events."""
        batch = parsed(posted.body)
        if not isinstance(batch, list):
            raise not_this_feed("SendGrid sends an array of events.")
        return received(batch, _is_ours, lambda event: self._reports(event, posted.now))

    def _reports(self, event: Mapping[str, Any], now: float) -> Sequence[Report]:
        outcome = _outcome(event)
        if outcome is None:
            return []
        kind, diagnosis = outcome
        recipient, message = text(event.get("email")), text(event.get("sg_message_id"))
        own = text(event.get("sg_event_id"))
        categories = event.get("category")
        report = Report(
            feed=self.name,
            id=own or digest(event["event"], message, recipient, text(event.get("timestamp"))),
            type=kind,
            at=moment(event.get("timestamp"), now),
            recipient=recipient,
            clues=self._naming.clues(
                # Custom arguments are documented as `unique_args` and come as members of the event itself.
                metadata=[event, event.get("unique_args"), event.get("custom_args")],
                tags=categories if isinstance(categories, list) else [categories],
                message_ids=[event.get("smtp-id"), message],
            ),
            reporter=domain_of(recipient),
            diagnostic=diagnostic(event.get("reason") or event.get("response")),
            enhanced=enhanced(event.get("status")),
            diagnosis=diagnosis,
        )
        return [report]


def _signs(key: ec.EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _is_ours(event: Any) -> bool:
    found = mapping(event)
    ids = (found.get(key) for key in ("sg_event_id", "sg_message_id"))
    return isinstance(found.get("event"), str) and any(isinstance(each, str) for each in ids)


def _outcome(event: Mapping[str, Any]) -> Outcome:
    """What an event means. Raises :class:`NotUnderstood` for a drop without its reason."""
    word = event["event"]
    if word == "bounce":
        kind = (text(event.get("type")) or "bounce").lower()
        known = BOUNCES.get(kind, ("soft_bounce", "unknown"))
        return CLASSIFIED.get((kind, (text(event.get("bounce_classification")) or "").lower()), known)
    if word == "dropped":
        reason = text(event.get("reason")) or text(event.get("type"))
        if reason is None:
            raise NotUnderstood
        return DROPS.get(reason.lower())
    return EVENTS.get(word)
