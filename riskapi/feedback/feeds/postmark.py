"""Postmark's webhooks: bounces, spam complaints, deliveries, changes of subscriptions, one a request.

Payloads: https://postmarkapp.com/developer/webhooks/webhooks-overview and its page for each record; types of bounces:
https://postmarkapp.com/developer/api/bounce-api#bounce-types. Postmark signs nothing; it sends the user and password
that its address has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from riskapi.feedback.feeds.basic import PasswordFeed
from riskapi.feedback.feeds.feed import NotUnderstood, Outcome, Posted, received
from riskapi.feedback.feeds.payload import diagnostic, digest, domain_of, mapping, moment, parsed, text
from riskapi.feedback.reports import Received, Report

#: ``Type`` of a bounce. Automatic answers and challenges are not bounces. ``ManuallyDeactivated`` and ``Unconfirmed``
#: are addresses that Postmark did not write to; ``SMTPApiError``, ``InboundError`` and ``TemplateRenderingFailed`` are
#: failures before anything was sent.
BOUNCES: Final[Mapping[str, Outcome]] = {
    "HardBounce": ("hard_bounce", "hard"),
    "Transient": ("soft_bounce", "soft"),
    "Unsubscribe": ("unsubscribe", None),
    "Subscribe": None,
    "AutoResponder": None,
    "AddressChange": None,
    "DnsError": ("soft_bounce", "soft"),
    "SpamNotification": ("block", "block_content"),
    "OpenRelayTest": None,
    "Unknown": ("soft_bounce", "unknown"),
    "SoftBounce": ("soft_bounce", None),
    "VirusNotification": ("block", "block_content"),
    "ChallengeVerification": None,
    "BadEmailAddress": ("hard_bounce", "hard"),
    "SpamComplaint": ("complaint", None),
    "ManuallyDeactivated": None,
    "Unconfirmed": None,
    "Blocked": ("block", None),
    "SMTPApiError": None,
    "InboundError": None,
    "DMARCPolicy": ("block", "policy"),
    "TemplateRenderingFailed": None,
}


class Postmark(PasswordFeed):
    """Reads what Postmark posts."""

    name = "postmark"

    def read(self, posted: Posted) -> Received:
        """One record; nothing is read of opens, clicks and types that we do not know."""
        return received([parsed(posted.body)], _is_ours, lambda record: self._reports(record, posted.now))

    def _reports(self, event: Mapping[str, Any], now: float) -> Sequence[Report]:
        outcome = _outcome(event)
        if outcome is None:
            return []
        kind, diagnosis = outcome
        message, recipient = text(event.get("MessageID")), text(event.get("Email") or event.get("Recipient"))
        if message is None and event.get("ID") is None:
            raise NotUnderstood
        at = next((event[key] for key in ("BouncedAt", "DeliveredAt", "ChangedAt") if key in event), None)
        # Only bounces and complaints have an id; a message is delivered to a recipient once. A complaint may also be
        # told as a bounce of that type and id.
        own, record = text(event.get("ID")), "SpamComplaint" if kind == "complaint" else event["RecordType"]
        report = Report(
            feed=self.name,
            id=f"{record}:{own}" if own else digest(record, message, recipient, text(at)),
            type=kind,
            at=moment(at, now),
            recipient=recipient,
            clues=self._naming.clues(
                metadata=[event.get("Metadata")], tags=[event.get("Tag")], message_ids=[event.get("MessageID")]
            ),
            reporter=domain_of(recipient),
            diagnostic=diagnostic(event.get("Details")),
            diagnosis=diagnosis,
        )
        return [report]


def _is_ours(record: Any) -> bool:
    return isinstance(mapping(record).get("RecordType"), str)


def _outcome(event: Mapping[str, Any]) -> Outcome:
    """What a record means. Raises :class:`NotUnderstood` for a bounce without a type."""
    match event["RecordType"]:
        case "Bounce":
            kind = event.get("Type")
            if not isinstance(kind, str):
                raise NotUnderstood
            return BOUNCES.get(kind, ("soft_bounce", "unknown"))
        case "SpamComplaint":
            return "complaint", None
        case "Delivery":
            return "delivered", None
        case "SubscriptionChange":
            # HardBounce and SpamComplaint are told by records of their own, and an operator's click says nothing.
            asked = event.get("SuppressionReason") == "ManualSuppression" and event.get("Origin") == "Recipient"
            return ("unsubscribe", None) if asked and event.get("SuppressSending") is True else None
        case _:
            return None
