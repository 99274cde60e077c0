"""Mailjet's Event API: an event, or an array of them where events are grouped.

Payloads and the table of errors: https://dev.mailjet.com/email/guides/webhooks/. Mailjet signs nothing; the secret is
the user and password of its address, or ``?key=`` in it. What is not answered with 200 comes again for 24 hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from riskapi.feedback.feeds.basic import BasicAuthFeed
from riskapi.feedback.feeds.feed import NotUnderstood, Outcome
from riskapi.feedback.feeds.naming import json_metadata
from riskapi.feedback.feeds.payload import diagnostic, digest, domain_of, mapping, moment, text
from riskapi.feedback.reports import Report

#: ``event``. Bounces and blocks go by their error; what is not here says nothing that counts.
EVENTS: Final[Mapping[str, Outcome]] = {
    "sent": ("delivered", None),
    "spam": ("complaint", None),
    "unsub": ("unsubscribe", None),
}
#: ``error`` of a bounce or block. What Mailjet did not try to send because of an earlier event counted then.
ERRORS: Final[Mapping[str, Outcome]] = {
    "user unknown": ("hard_bounce", "hard"),
    "mailbox inactive": ("hard_bounce", "hard"),
    "quota exceeded": ("soft_bounce", "mailbox_full"),
    "blacklisted": None,
    "spam reporter": None,
    "invalid domain": ("hard_bounce", "hard"),
    "no mail host": ("hard_bounce", "hard"),
    "relay/access denied": ("block", "policy"),
    "greylisted": ("soft_bounce", "soft"),
    "typofix": ("hard_bounce", "hard"),
    "bad or empty template": None,
    "error in template language": None,
    "sender blocked": ("block", "block_reputation"),
    "content blocked": ("block", "block_content"),
    "policy issue": ("block", "policy"),
    "system issue": ("soft_bounce", "soft"),
    "protocol issue": ("soft_bounce", "soft"),
    "connection issue": ("soft_bounce", "soft"),
    "preblocked": None,
    "duplicate in campaign": None,
    "spam preblocked": ("block", "block_content"),
}


class Mailjet(BasicAuthFeed):
    """Reads what Mailjet posts."""

    name = "mailjet"

    def _is_ours(self, event: Any) -> bool:
        found = mapping(event)
        return (
            isinstance(found.get("event"), str) and "time" in found and not found.keys() & {"sg_event_id", "ts_event"}
        )

    def _reports(self, event: Mapping[str, Any], now: float) -> Sequence[Report]:
        outcome = _outcome(event)
        if outcome is None:
            return []
        kind, diagnosis = outcome
        recipient, message = text(event.get("email")), text(event.get("MessageID"))
        if recipient is None and message is None:
            raise NotUnderstood
        report = Report(
            feed=self.name,
            id=digest(event["event"], message, recipient, text(event.get("time"))),  # Mailjet gives events no id
            type=kind,
            at=moment(event.get("time"), now),
            recipient=recipient,
            clues=self._naming.clues(
                metadata=[json_metadata(event.get("Payload"))],
                tags=[event.get("Payload"), event.get("CustomID")],
                bare=[event.get("CustomID")],
                message_ids=[message, event.get("Message_GUID")],
            ),
            # `source` of a complaint is the loop it came by (JMRPP is Microsoft's).
            reporter=(text(event.get("source")) if event["event"] == "spam" else None) or domain_of(recipient),
            diagnostic=diagnostic(event.get("comment") or event.get("smtp_reply") or event.get("error")),
            diagnosis=diagnosis,
        )
        return [report]


def _outcome(event: Mapping[str, Any]) -> Outcome:
    word = event["event"]
    if word not in ("bounce", "blocked"):
        return EVENTS.get(word)
    error = (text(event.get("error")) or "").lower()
    if error in ERRORS:
        return ERRORS[error]
    if word == "blocked":
        return ("block", "policy") if event.get("error_related_to") == "spam" else None
    return ("hard_bounce", None) if event.get("hard_bounce") is True else ("soft_bounce", None)
