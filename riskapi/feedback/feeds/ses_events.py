"""Events of Amazon SES, in both forms: ``notificationType`` of feedback notifications, ``eventType`` of publishing.

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html and
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html. Where both are turned on, a
bounce comes twice and has one ``feedbackId``. A loop may hide who complained: SES then lists every recipient at the
domain, so a complaint is one of the message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from riskapi.feedback.feeds.feed import NotUnderstood, Outcome
from riskapi.feedback.feeds.naming import Naming, pairs
from riskapi.feedback.feeds.payload import (
    LONGEST_DIAGNOSTIC,
    diagnostic,
    digest,
    domain_of,
    enhanced,
    mapping,
    moment,
    sequence,
    text,
)
from riskapi.feedback.feeds.ses_words import COMPLAINTS, DELAYS, bounced
from riskapi.feedback.reports import Report
from signals.records import record

Part = Mapping[str, Any]


@record
class _Kind:
    """One kind of event: which ``member`` tells of it, what it means, whom it is about, and what makes its id."""

    member: str
    outcome: Callable[[Part], Outcome]
    people: Callable[[Part, Part], Sequence[Part]]
    own: Callable[[Part, str | None, str | None], Sequence[str | None]]


def reports(event: Part, naming: Naming, now: float) -> Sequence[Report]:
    """The reports of an event; none for one that says nothing that counts (sends, opens, clicks, failed templates).

    Raises :class:`NotUnderstood`.
    """
    word = event.get("eventType") or event.get("notificationType")
    if not isinstance(word, str):
        raise NotUnderstood
    kind = _KINDS.get(word)
    if kind is None:
        return []
    part, mail = mapping(event.get(kind.member)), mapping(event.get("mail"))
    people = kind.people(part, mail)
    if not part or not people:
        raise NotUnderstood
    outcome, message, common = kind.outcome(part), text(mail.get("messageId")), mapping(mail.get("commonHeaders"))
    if outcome is None:
        return []
    whole = Report(
        feed="ses",
        id="",
        type=outcome[0],
        at=moment(part.get("timestamp") or mail.get("timestamp"), now),
        clues=naming.clues(
            metadata=[mail.get("tags")],
            headers=pairs(mail.get("headers")),
            message_ids=[common.get("messageId"), message],
            return_path=text(common.get("returnPath")) or text(mail.get("source")),
        ),
        message=message if word == "Complaint" else None,
        diagnostic=diagnostic(part.get("smtpResponse") or part.get("reason")),
        diagnosis=outcome[1],
    )
    return [_about(person, whole, (word, *_own(kind, part, message, person))) for person in people]


def _own(kind: _Kind, part: Part, message: str | None, person: Part) -> Sequence[str | None]:
    """What tells this report from others of its kind. Raises :class:`NotUnderstood` where nothing does."""
    found = kind.own(part, message, text(person.get("emailAddress")))
    if not any(found):
        raise NotUnderstood
    return found


def _about(person: Part, whole: Report, own: Sequence[str | None]) -> Report:
    """The report of an event about one person, whose id is made of ``own``."""
    address, said = text(person.get("emailAddress")), text(person.get("diagnosticCode"), LONGEST_DIAGNOSTIC)
    return replace(
        whole,
        id=digest(whole.type, *own),
        recipient=address,
        reporter=domain_of(address),
        diagnostic=diagnostic(said) or whole.diagnostic,
        enhanced=enhanced(person.get("status")),
    )


def _complaint(part: Part) -> Outcome:
    if part.get("complaintSubType") == "OnAccountSuppressionList":
        return None  # nothing was sent: the address complained before, which counted then
    return COMPLAINTS.get(text(part.get("complaintFeedbackType")))


def _unsubscribed(part: Part) -> Outcome:
    wanted = mapping(part.get("newTopicPreferences"))
    statuses = [mapping(each).get("subscriptionStatus") for each in sequence(wanted.get("topicSubscriptionStatus"))]
    return ("unsubscribe", None) if wanted.get("unsubscribeAll") is True or "OptOut" in statuses else None


def _objects(member: str) -> Callable[[Part, Part], Sequence[Part]]:
    return lambda part, _: [mapping(each) for each in sequence(part.get(member))]


def _complainers(part: Part, _: Part) -> Sequence[Part]:
    """Who complained, where that is one person."""
    found = [mapping(each) for each in sequence(part.get("complainedRecipients"))]
    return found if len(found) == 1 else [{}]


def _delivered(part: Part, _: Part) -> Sequence[Part]:
    return [{"emailAddress": each} for each in sequence(part.get("recipients"))]


def _everybody(_: Part, mail: Part) -> Sequence[Part]:
    """The recipient of a message where it has one, else nobody in particular."""
    found = sequence(mail.get("destination"))
    return [{"emailAddress": found[0]}] if len(found) == 1 else [{}]


def _by_feedback(part: Part, message: str | None, address: str | None) -> Sequence[str | None]:
    return text(part.get("feedbackId")) or message, address


def _by_time(part: Part, message: str | None, address: str | None) -> Sequence[str | None]:
    return message, address, text(part.get("timestamp"))


def _by_message(part: Part, message: str | None, _: str | None) -> Sequence[str | None]:
    return (message or text(part.get("feedbackId")),)


def _bounced(part: Part) -> Outcome:
    return bounced(text(part.get("bounceType")), text(part.get("bounceSubType")))


_KINDS: Final[Mapping[str, _Kind]] = {
    "Bounce": _Kind("bounce", _bounced, _objects("bouncedRecipients"), _by_feedback),
    "Complaint": _Kind("complaint", _complaint, _complainers, _by_message),
    "Delivery": _Kind("delivery", lambda _: ("delivered", None), _delivered, lambda _, *own: own),
    "DeliveryDelay": _Kind(
        "deliveryDelay",
        lambda part: DELAYS.get(text(part.get("delayType")) or "", ("soft_bounce", "unknown")),
        _objects("delayedRecipients"),
        _by_time,
    ),
    # SES took the message and found a virus in it ("Bad content"); nobody received it.
    "Reject": _Kind("reject", lambda _: ("block", "block_content"), _everybody, _by_message),
    "Subscription": _Kind("subscription", _unsubscribed, _everybody, _by_time),
}
