"""SparkPost's (Bird's) webhooks: batches of message, generation and unsubscribe events.

Payloads and batches: https://developers.sparkpost.com/api/webhooks/ and https://docs.bird.com/api/email-api/webhooks;
classes of bounces: https://support.sparkpost.com/docs/deliverability/bounce-classification-codes. SparkPost signs
nothing; it sends the user and password that were set. A batch that is not answered with 200 comes again for 8 hours,
with the same ``X-MessageSystems-Batch-ID``; ``event_id`` is unique for each event, so the batch needs no memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from riskapi.feedback.feeds.basic import PasswordFeed
from riskapi.feedback.feeds.feed import NotUnderstood, Outcome, Posted, not_this_feed, received
from riskapi.feedback.feeds.payload import diagnostic, domain_of, mapping, moment, parsed, sequence, text
from riskapi.feedback.reports import Received, Report

#: ``type`` of an event. Bounces go by their class, complaints by the type of their report; what is not here says
#: nothing that counts.
EVENTS: Final[Mapping[str, Outcome]] = {
    "delivery": ("delivered", None),
    "delay": ("soft_bounce", None),
    "bounce": ("soft_bounce", "unknown"),
    "out_of_band": ("soft_bounce", "unknown"),
    "spam_complaint": ("complaint", None),
    "policy_rejection": ("block", "policy"),
    "generation_rejection": ("block", "policy"),
    "list_unsubscribe": ("unsubscribe", None),
    "link_unsubscribe": ("unsubscribe", None),
}
#: ``bounce_class``. Automatic answers, challenges and requests to subscribe are not bounces; 26 is a suppression.
BOUNCE_CLASSES: Final[Mapping[str, Outcome]] = {
    "1": ("soft_bounce", "unknown"),
    "10": ("hard_bounce", "hard"),
    "20": ("soft_bounce", "soft"),
    "21": ("soft_bounce", "soft"),
    "22": ("soft_bounce", "mailbox_full"),
    "23": ("soft_bounce", "soft"),
    "24": ("soft_bounce", "soft"),
    "25": ("block", "policy"),
    "26": None,
    "30": ("hard_bounce", "hard"),
    "40": ("soft_bounce", None),
    "50": ("block", None),
    "51": ("block", "block_reputation"),
    "52": ("block", "block_content"),
    "53": ("block", "block_content"),
    "54": ("block", "policy"),
    "60": None,
    "70": ("soft_bounce", "soft"),
    "80": None,
    "90": ("unsubscribe", None),
    "100": None,
}
#: ``fbtype`` of a complaint: the feedback types of RFC 5965, 7.3. Only these count, and a missing one, which loops
#: without ARF have.
COMPLAINTS: Final[Mapping[str, Outcome]] = {
    "abuse": ("complaint", None),
    "fraud": ("complaint", None),
    "virus": ("complaint", None),
    "not-spam": ("not_spam", None),
    "auth-failure": None,
    "opt-out": ("unsubscribe", None),
    "other": None,
}
#: What SparkPost does not send because of an earlier bounce or complaint says so in its reason, and counted then.
_SUPPRESSED: Final = "suppress"


class SparkPost(PasswordFeed):
    """Reads what SparkPost posts."""

    name = "sparkpost"

    def read(self, posted: Posted) -> Received:
        """A batch. ``[{"msys": {}}]`` is how SparkPost tries whether a webhook answers."""
        batch = parsed(posted.body)
        if not isinstance(batch, list):
            raise not_this_feed("SparkPost sends an array of events.")
        return received(batch, _is_ours, lambda part: self._reports(part, posted.now))

    def _reports(self, part: Mapping[str, Any], now: float) -> Sequence[Report]:
        event = next(map(mapping, part["msys"].values()), {})
        outcome = _outcome(event) if part["msys"] else None
        if outcome is None:
            return []
        own, recipient = text(event.get("event_id")), text(event.get("raw_rcpt_to") or event.get("rcpt_to"))
        if own is None:
            raise NotUnderstood
        kind, diagnosis = outcome
        report = Report(
            feed=self.name,
            id=own,
            type=kind,
            at=moment(event.get("timestamp"), now),
            recipient=recipient,
            clues=self._naming.clues(
                metadata=[event.get("rcpt_meta")],
                tags=sequence(event.get("rcpt_tags")),
                message_ids=[event.get("message_id"), event.get("transmission_id")],
                return_path=text(event.get("msg_from")),
            ),
            reporter=text(event.get("report_by")) or domain_of(recipient),
            diagnostic=diagnostic(event.get("raw_reason") or event.get("reason")),
            diagnosis=diagnosis,
        )
        return [report]


def _is_ours(part: Any) -> bool:
    return isinstance(mapping(part).get("msys"), dict)


def _outcome(event: Mapping[str, Any]) -> Outcome:
    """What an event means. Raises :class:`NotUnderstood` for one without a type."""
    kind = event.get("type")
    if not isinstance(kind, str):
        raise NotUnderstood
    known = EVENTS.get(kind)
    if kind in ("bounce", "out_of_band"):
        known = BOUNCE_CLASSES.get(text(event.get("bounce_class")) or "", known)
    if kind == "spam_complaint":
        given = text(event.get("fbtype"))
        return known if given is None else COMPLAINTS.get(given.lower(), None)
    if known == ("block", "policy"):
        said = f"{event.get('raw_reason')} {event.get('reason')}".lower()
        return None if _SUPPRESSED in said else known
    return known
