"""Resend's webhooks, and those of any sender that signs as Standard Webhooks (or Svix, where they come from) do.

Payloads: https://resend.com/docs/webhooks/emails/bounced and the other pages there. Signature:
https://www.standardwebhooks.com and https://docs.svix.com/receiving/verifying-payloads/how-manual: HMAC-SHA256 over id,
timestamp and body, in ``webhook-…`` or ``svix-…`` headers, with several signatures while a secret changes. A timestamp
more than 5 minutes off is refused: what is sent again is signed again, and has the same id.

Resend sends by Amazon SES and uses its words for bounces (:mod:`riskapi.feedback.feeds.ses_words`), and like SES it
cannot say which of several recipients complained, so a complaint is of the message.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import SecretStr
from standardwebhooks import Webhook

from riskapi.feedback.feeds.feed import NotUnderstood, Outcome, Posted, ProviderFeed, bad_signature, received
from riskapi.feedback.feeds.naming import Naming, pairs
from riskapi.feedback.feeds.payload import diagnostic, domain_of, mapping, moment, parsed, sequence, text
from riskapi.feedback.feeds.ses_words import bounced
from riskapi.feedback.reports import Received, Report

#: Seconds that a timestamp may be off, before or after (Standard Webhooks 1.0.0, and Svix's libraries).
TOLERANCE: Final = 300
_SENDERS: Final = ("webhook", "svix")

#: What follows the dot of ``type`` (``email.bounced``). Bounces go by their type; ``failed`` is a failure at Resend and
#: ``suppressed`` an address that an earlier event put on its list; what is not here says nothing that counts.
EVENTS: Final[Mapping[str, Outcome]] = {
    "delivered": ("delivered", None),
    "delivery_delayed": ("soft_bounce", None),
    "complained": ("complaint", None),
    "bounced": ("hard_bounce", None),
    "failed": None,
    "suppressed": None,
}


class Resend(ProviderFeed):
    """Reads what Resend posts. ``secrets`` are those that sign, more than one while they change."""

    name = "resend"

    def __init__(self, secrets: Sequence[SecretStr], naming: Naming) -> None:
        self._signers = [Webhook(secret.get_secret_value()) for secret in secrets]
        self._naming = naming

    def verify(self, posted: Posted) -> None:
        """Check the signatures in the headers, of which one has to be right, and the timestamp."""
        own, timestamp, signatures = _signed(posted)
        if not own or not signatures:
            raise bad_signature("The request has no signature.")
        if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 11:
            raise bad_signature("The signature has no timestamp.")
        if abs(posted.now - int(timestamp)) > TOLERANCE:
            raise bad_signature("The signature is more than 5 minutes off; are the clocks right?")
        given = [each.encode("utf-8", "replace") for each in signatures.split()]
        if not any(hmac.compare_digest(each, right) for right in self._right(posted, own, timestamp) for each in given):
            raise bad_signature("No signature is of the secret that is set.")

    def read(self, posted: Posted) -> Received:
        """One event."""
        own = _signed(posted)[0]
        return received([parsed(posted.body)], _is_ours, lambda event: self._reports(event, own, posted.now))

    def _right(self, posted: Posted, own: str, timestamp: str) -> list[bytes]:
        """The signatures that would be right; none for a body that is not text."""
        at = datetime.fromtimestamp(int(timestamp), UTC)
        try:
            body = posted.body.decode()
            return [signer.sign(own, at, body).encode() for signer in self._signers]
        except UnicodeError:
            return []

    def _reports(self, event: Mapping[str, Any], own: str, now: float) -> Sequence[Report]:
        word, data = event["type"].rpartition(".")[2], event["data"]
        outcome = EVENTS.get(word)
        bounce = mapping(data.get("bounce"))
        if word == "bounced" and bounce:
            outcome = bounced(text(bounce.get("type")), text(bounce.get("subType")))
        if outcome is None:
            return []
        if not own:
            raise NotUnderstood
        kind, diagnosis = outcome
        recipients = [*sequence(data.get("to")), data.get("recipient")]
        known = [found for each in recipients if (found := text(each)) is not None]
        recipient = known[0] if len(known) == 1 else None
        tags, message = data.get("tags"), text(data.get("email_id"))
        report = Report(
            feed=self.name,
            id=own,
            type=kind,
            at=moment(event.get("created_at") or event.get("timestamp"), now),
            recipient=recipient,
            clues=self._naming.clues(
                metadata=[tags, dict(pairs(tags)), data.get("metadata")],
                headers=pairs(data.get("headers")),
                message_ids=[data.get("message_id"), message],
            ),
            message=message if kind == "complaint" else None,
            reporter=domain_of(recipient),
            diagnostic=diagnostic(bounce.get("diagnosticCode") or bounce.get("message")),
            diagnosis=diagnosis,
        )
        return [report]


def _signed(posted: Posted) -> tuple[str, str, str]:
    """Id, timestamp and signatures of the headers; empty where they are missing."""
    for sender in _SENDERS:
        own, timestamp, signatures = (
            posted.headers.get(f"{sender}-{part}", "") for part in ("id", "timestamp", "signature")
        )
        if own:
            return own, timestamp, signatures
    return "", "", ""


def _is_ours(event: Any) -> bool:
    found = mapping(event)
    kind = found.get("type")
    return isinstance(kind, str) and "." in kind and isinstance(found.get("data"), dict)
