"""Reports: what a mail provider says became of one mail for one recipient, in one form whoever says it.

A feed (:mod:`riskapi.feedback.feeds` for webhooks, :mod:`riskapi.feedback.mail` for mail) makes reports of what it
received. Whose account a report is about is told by its :class:`Clues`; a report that cannot be attributed is kept and
counted by the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final, Literal

from signals.records import record

#: What happened to a mail, as the contract calls it. ``not_spam`` takes a complaint back, ``not_mine`` is the word of
#: the owner of an address that somebody else signed up with it, the others befall mail that an account sent.
ReportType = Literal[
    "delivered",
    "hard_bounce",
    "soft_bounce",
    "complaint",
    "block",
    "unsubscribe",
    "spam_trap",
    "not_spam",
    "not_mine",
]
#: Providers whose own webhook is taken, and raw mail.
Feed = Literal["ses", "sendgrid", "mailgun", "postmark", "sparkpost", "resend", "brevo", "mailjet", "arf", "dsn"]
#: Where a report that is kept came from: one of these, or ``json``, an event posted by the caller's own code.
Origin = Literal[Feed, "json"]
#: How a report came: as a webhook proved to be its provider's, as mail that an allowed reporter signed, or as mail that
#: somebody with an API key handed over, as a mail server does with whatever comes to an address.
Channel = Literal["provider", "reporter", "key"]
#: Why nobody can say whose account a report is about: nothing names one, what is named is not an account, two are
#: named, only a stranger says so, or the report itself was not understood.
Unattributed = Literal["no_clue", "unknown_account", "ambiguous", "not_believed", "not_understood"]

#: What a diagnostic says, as :func:`riskapi.feedback.diagnostics.classify` reads it. ``hard`` means the list of
#: recipients, ``block_…`` and ``policy`` mean the sender, the others nobody yet.
Diagnosis = Literal[
    "hard",
    "soft",
    "block_reputation",
    "block_blocklist",
    "block_content",
    "block_rate",
    "policy",
    "mailbox_full",
    "unknown",
]
BLOCKS: Final = frozenset({"block_reputation", "block_blocklist", "block_content", "block_rate"})


@record
class Clues:
    """What may tell whose account a report is about; :mod:`riskapi.feedback.attribution` weighs it.

    ``named`` are values under the configured key of metadata or tags. With ``is_header`` they are of the header in the
    sent message, which the account's own user may have written. ``feedback_id`` is the message's Feedback-ID header
    (``a:b:c:sender``), ``return_path`` the envelope sender, which may say it by VERP. ``message_ids`` are the message's
    and the provider's own ids, by which the caller said at send time whose it is. ``dkim_domain`` is the domain that
    signed the message: nothing weighs it yet, it is kept for attribution by domains that accounts proved.
    """

    named: tuple[str, ...] = ()
    feedback_id: str | None = None
    return_path: str | None = None
    message_ids: tuple[str, ...] = ()
    dkim_domain: str | None = None
    is_header: bool = False


@record
class Report:
    """One thing that became of one mail for one recipient.

    ``id`` is unique in its ``feed`` and the same when the provider sends it again. ``message`` is what makes two
    reports of one message one complaint (SES infers recipients), None where each counts by itself. ``at`` is a Unix
    time. ``recipient`` may be empty or redacted. ``reporter`` is the domain that speaks: whose loop, whose receiving
    server. ``diagnosis`` is of ``diagnostic``, the words of the receiving server, and ``enhanced`` its status code
    (RFC 3463). ``blocklist`` is the DNS blocklist that the diagnostic names. ``source`` is the feed that the caller
    named of an event posted as JSON.
    """

    feed: Origin
    id: str
    type: ReportType
    at: float
    recipient: str | None = None
    clues: Clues = field(default_factory=Clues)
    message: str | None = None
    reporter: str | None = None
    diagnostic: str | None = None
    enhanced: str | None = None
    diagnosis: Diagnosis | None = None
    blocklist: str | None = None
    source: str | None = None


@record
class Received:
    """What was understood of one body: its reports, how many parts of it say nothing that counts (opens, clicks, types
    of events that we do not know), and those that were not understood, by their place.

    ``answer`` are headers or a body that the provider expects beside 200.
    """

    reports: tuple[Report, ...] = ()
    ignored: int = 0
    not_understood: tuple[int, ...] = ()
    answer: Mapping[str, str] = field(default_factory=dict)
