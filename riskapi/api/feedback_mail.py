"""``/v1/feedback/arf`` and ``/v1/feedback/dsn``: raw mail that says what became of other mail."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from pydantic import RootModel

from riskapi.api.feeds import FeedTaken
from riskapi.api.routes import Call, Raw, Reply, Route
from riskapi.errors import Problem
from riskapi.feedback.mail import bounce, complaint
from riskapi.feedback.mail.dkim import KeyUnavailable, Signed
from riskapi.feedback.mail.message import NotThisKind
from riskapi.feedback.platform.feed_activity import MAILBOX
from riskapi.feedback.reports import Channel, Feed, Received

MAIL: Final = "message/rfc822"
#: Header of what ``python -m riskapi mailbox`` hands over, as PEP 3333 names it.
HANDED_OVER: Final = "HTTP_X_RISKAPI_MAILBOX"
#: Mails without a key that are looked at in a second, of all callers together: each may cost a question to DNS. Large
#: senders get some thousand reports a day.
_KEYLESS: Final = 10.0

_COMPLAINT: Final = """From: feedback@arf.example
To: fbl@mail.saas.example
Subject: FW: Spring news
Date: Sun, 22 Nov 2026 09:30:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Example/1.0
Version: 1

--b
Content-Type: text/rfc822-headers

Message-ID: <spring-1@mail.saas.example>
X-Account-Id: u_1001

--b--
"""
_BOUNCE: Final = """From: MAILER-DAEMON@mail.saas.example
To: bounces@mail.saas.example
Subject: Undelivered Mail Returned to Sender
Date: Sun, 22 Nov 2026 09:05:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.saas.example

Final-Recipient: rfc822; bo@example.net
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: text/rfc822-headers

Message-ID: <spring-1@mail.saas.example>
X-Account-Id: u_1001

--b--
"""


class MailBody(RootModel[str]):
    """A mail, as it came."""


def take_complaint(call: Call[Raw]) -> Reply:
    """A report of abuse."""
    header = call.parts.account_header
    return _take(call, "arf", lambda raw, reporter: complaint.read(raw, call.now, header, reporter))


def take_bounce(call: Call[Raw]) -> Reply:
    """A bounce."""
    header = call.parts.account_header
    return _take(call, "dsn", lambda raw, reporter: bounce.read(raw, call.now, header))


def _take(call: Call[Raw], feed: Feed, read: Callable[[bytes, str | None], Received]) -> Reply:
    """Believe, read, store; only then is anything acknowledged."""
    if call.body.media != MAIL:
        raise Problem("unsupported_media_type", f"Send Content-Type: {MAIL}.")
    raw, reporter, hearing = call.body.content, None, call.parts.monitor.hearing
    channel: Channel = "key"
    heard_as = MAILBOX if call.principal.id and HANDED_OVER in call.environ else feed
    try:
        # A mail server hands over what anybody sent it: where that is not enough, a signature may still be there.
        if call.principal.id:
            signed = _signed(call, raw, feed)
        else:
            with hearing.proving(feed, call.now):
                signed = _proved(call, raw)
        if signed is not None:
            channel, reporter, raw = "reporter", signed.reporter, signed.content
        with hearing.reading(heard_as, call.now) if raw else contextlib.nullcontext():  # nothing: a probe
            received = read(raw, reporter)
    except NotThisKind as error:
        raise Problem("not_this_feed", f"Not taken: {error}.") from None
    taken = call.parts.intake.take_reports(feed, received, call.body.content, call.now, channel)
    hearing.took(heard_as, received, call.now)
    return Reply(
        {
            "accepted": taken.accepted,
            "duplicates": taken.duplicates,
            "unknown_accounts": taken.unknown_accounts,
            "ignored": taken.ignored,
            "not_understood": taken.not_understood,
            "actions": list(taken.actions),
        }
    )


def _signed(call: Call[Raw], raw: bytes, feed: Feed) -> Signed | None:
    """What an allowed reporter signed of a complaint that came with a key, where that is asked for; None without.

    Raises ``unavailable`` where it cannot be checked now.
    """
    if feed != "arf" or not call.parts.intake.needs_proof:
        return None
    try:
        return call.parts.signed(raw, call.now)
    except KeyUnavailable as error:
        raise Problem("unavailable", str(error), headers={"Retry-After": "60"}) from None


def _proved(call: Call[Raw], raw: bytes) -> Signed:
    """What the reporter signed of a mail that came without a key.

    Raises ``bad_signature``; ``unavailable`` where it cannot be checked now, so that it is sent again.
    """
    state = call.parts.ratelimits.take("feedback-mail", _KEYLESS, call.parts.clock())
    if not state.allowed:
        raise Problem("rate_limited", "Too many mails without an API key.", headers=state.headers())
    try:
        found = call.parts.signed(raw, call.now)
    except KeyUnavailable as error:
        raise Problem("unavailable", str(error), headers={"Retry-After": "60"}) from None
    if found is None:
        raise Problem(
            "bad_signature",
            "No API key, and no allowed reporter's signature (DKIM) on it.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return found


def _route(feed: str, handler: Callable[[Call[Raw]], Reply], summary: str, what: str, example: str) -> Route:
    return Route(
        method="POST",
        path=f"/v1/feedback/{feed}",
        handler=handler,
        summary=summary,
        tag="Feedback",
        description=(
            f"{what} Up to 5 MiB. Believed with a key, or without one when DKIM shows that an allowed reporter signed "
            "it; otherwise 401, and 503 when DNS does not say. What is there twice counts once. What is not understood "
            "is acknowledged and counted as such."
        ),
        scopes=("feedback",),
        keyless=True,
        body=MailBody,
        verbatim=True,
        raw={MAIL: example},
        response=FeedTaken,
        problems=("bad_signature", "not_this_feed"),
    )


ROUTES = (
    _route(
        "arf",
        take_complaint,
        "Take a complaint as mail",
        "A report of abuse (RFC 5965) as a feedback loop sends it.",
        _COMPLAINT,
    ),
    _route(
        "dsn",
        take_bounce,
        "Take a bounce as mail",
        "A delivery status notification (RFC 3464), or a bounce that a person was meant to read.",
        _BOUNCE,
    ),
)
