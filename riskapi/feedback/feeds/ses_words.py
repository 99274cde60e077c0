"""Amazon SES's words for bounces, delays and complaints, and ours.

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html (types of bounces and of complaints) and
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html (delays).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from riskapi.feedback.feeds.feed import Outcome

#: ``bounceType`` and ``bounceSubType``. The account's own suppression list holds addresses that bounced or complained
#: before, which counted then and, as Amazon says, do not count towards the bounce rate. The global one (``Suppressed``)
#: is of what bounced for others: an address the list of recipients should not have had.
BOUNCES: Final[Mapping[tuple[str, str], Outcome]] = {
    ("Undetermined", "Undetermined"): ("soft_bounce", "unknown"),
    ("Permanent", "General"): ("hard_bounce", None),
    ("Permanent", "NoEmail"): ("hard_bounce", "hard"),
    ("Permanent", "Suppressed"): ("hard_bounce", "hard"),
    ("Permanent", "OnAccountSuppressionList"): None,
    ("Permanent", "UnsubscribedRecipient"): None,
    ("Transient", "General"): ("soft_bounce", None),
    ("Transient", "MailboxFull"): ("soft_bounce", "mailbox_full"),
    ("Transient", "MessageTooLarge"): ("block", "policy"),
    ("Transient", "ContentRejected"): ("block", "block_content"),
    ("Transient", "AttachmentRejected"): ("block", "block_content"),
    ("Transient", "CustomTimeoutExceeded"): ("soft_bounce", "soft"),
}
#: ``delayType``. What Amazon itself was the cause of says nothing about an account.
DELAYS: Final[Mapping[str, Outcome]] = {
    "InternalFailure": None,
    "SendingDeferral": None,
    "General": ("soft_bounce", "soft"),
    "MailboxFull": ("soft_bounce", "mailbox_full"),
    "SpamDetected": ("block", "block_reputation"),
    "RecipientServerError": ("soft_bounce", "soft"),
    "IPFailure": ("block", "block_reputation"),
    "TransientCommunicationFailure": ("soft_bounce", "soft"),
    "BYOIPHostNameLookupUnavailable": None,
    "Undetermined": ("soft_bounce", "unknown"),
}
#: ``complaintFeedbackType``, the feedback types that IANA lists (RFC 5965, 7.3). A complaint without one counts: some
#: loops have none.
COMPLAINTS: Final[Mapping[str | None, Outcome]] = {
    None: ("complaint", None),
    "abuse": ("complaint", None),
    "fraud": ("complaint", None),
    "virus": ("complaint", None),
    "not-spam": ("not_spam", None),
    "auth-failure": None,
    "opt-out": ("unsubscribe", None),
    "other": None,
}


def bounced(kind: str | None, subtype: str | None) -> Outcome:
    """What a bounce means; a subtype that is not known counts as the ``General`` one of its type."""
    known = (kind or "", subtype or "")
    return BOUNCES[known] if known in BOUNCES else BOUNCES.get((kind or "", "General"), ("soft_bounce", "unknown"))
