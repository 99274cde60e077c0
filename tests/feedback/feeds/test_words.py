"""The providers' words, each in a payload as its provider documents it, and what we call them."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.feedback.feeds.feed import ProviderFeed
from riskapi.times import rfc3339
from tests.conftest import NOW
from tests.feedback.feeds.payloads import brevo, mailgun, mailjet, postmark, read, refused, resend, sendgrid, sparkpost
from tests.feedback.feeds.senders import mail

Row = tuple[dict[str, Any], tuple[str, str | None] | None]
IGNORED = None

SES: dict[str, Row] = {
    **{
        f"{form} {kind} {subtype}": (
            {
                form: "Bounce",
                "bounce": {
                    "bounceType": kind,
                    "bounceSubType": subtype,
                    "bouncedRecipients": [
                        {
                            "emailAddress": "bo@ruiz.example",
                            "action": "failed",
                            "status": "5.1.1",
                            "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                        }
                    ],
                    "timestamp": rfc3339(NOW),
                    "feedbackId": "f_1",
                    "reportingMTA": "dsn; a8-70.smtp-out.amazonses.example",
                },
                "mail": mail("m_1"),
            },
            expected,
        )
        for form in ("notificationType", "eventType")
        for kind, subtype, expected in (
            ("Permanent", "General", ("hard_bounce", None)),
            ("Permanent", "NoEmail", ("hard_bounce", "hard")),
            ("Permanent", "Suppressed", ("hard_bounce", "hard")),
            ("Permanent", "OnAccountSuppressionList", IGNORED),
            ("Permanent", "ANewOne", ("hard_bounce", None)),
            ("Transient", "General", ("soft_bounce", None)),
            ("Transient", "MailboxFull", ("soft_bounce", "mailbox_full")),
            ("Transient", "MessageTooLarge", ("block", "policy")),
            ("Transient", "ContentRejected", ("block", "block_content")),
            ("Transient", "AttachmentRejected", ("block", "block_content")),
            ("Undetermined", "Undetermined", ("soft_bounce", "unknown")),
            ("ANewOne", "ANewOne", ("soft_bounce", "unknown")),
        )
    },
    **{
        f"complaint {kind}": (
            {
                "eventType": "Complaint",
                "complaint": {
                    "complainedRecipients": [{"emailAddress": "bo@ruiz.example"}],
                    "complaintFeedbackType": kind,
                    "timestamp": rfc3339(NOW),
                    "feedbackId": "f_1",
                },
                "mail": mail("m_1"),
            },
            expected,
        )
        for kind, expected in (
            ("abuse", ("complaint", None)),
            ("fraud", ("complaint", None)),
            ("virus", ("complaint", None)),
            (None, ("complaint", None)),
            ("not-spam", ("not_spam", None)),
            ("auth-failure", IGNORED),
            ("other", IGNORED),
        )
    },
    "a complaint of an address on the account's list": (
        {
            "eventType": "Complaint",
            "complaint": {
                "complainedRecipients": [{"emailAddress": "bo@ruiz.example"}],
                "complaintSubType": "OnAccountSuppressionList",
                "timestamp": rfc3339(NOW),
                "feedbackId": "f_1",
            },
            "mail": mail("m_1"),
        },
        IGNORED,
    ),
    "delivery": (
        {
            "notificationType": "Delivery",
            "delivery": {
                "timestamp": rfc3339(NOW),
                "recipients": ["bo@ruiz.example"],
                "processingTimeMillis": 546,
                "smtpResponse": "250 ok:  Message 64111812 accepted",
            },
            "mail": mail("m_1"),
        },
        ("delivered", None),
    ),
    **{
        f"delay {kind}": (
            {
                "eventType": "DeliveryDelay",
                "deliveryDelay": {
                    "timestamp": rfc3339(NOW),
                    "delayType": kind,
                    "expirationTime": rfc3339(NOW),
                    "delayedRecipients": [{"emailAddress": "bo@ruiz.example", "status": "4.4.1"}],
                },
                "mail": mail("m_1"),
            },
            expected,
        )
        for kind, expected in (
            ("TransientCommunicationFailure", ("soft_bounce", "soft")),
            ("MailboxFull", ("soft_bounce", "mailbox_full")),
            ("SpamDetected", ("block", "block_reputation")),
            ("IPFailure", ("block", "block_reputation")),
            ("InternalFailure", IGNORED),
        )
    },
    "reject": (
        {"eventType": "Reject", "mail": mail("m_1"), "reject": {"reason": "Bad content"}},
        ("block", "block_content"),
    ),
    "subscription": (
        {
            "eventType": "Subscription",
            "mail": mail("m_1"),
            "subscription": {
                "contactList": "ContactListName",
                "timestamp": rfc3339(NOW),
                "source": "UnsubscribeHeader",
                "newTopicPreferences": {
                    "unsubscribeAll": True,
                    "topicSubscriptionStatus": [{"topicName": "T", "subscriptionStatus": "OptOut"}],
                },
                "oldTopicPreferences": {"unsubscribeAll": False},
            },
        },
        ("unsubscribe", None),
    ),
    "rendering failure": (
        {"eventType": "Rendering Failure", "mail": mail("m_1"), "failure": {"errorMessage": "Attribute missing"}},
        IGNORED,
    ),
    "send": ({"eventType": "Send", "mail": mail("m_1"), "send": {}}, IGNORED),
    "open": ({"eventType": "Open", "mail": mail("m_1"), "open": {"ipAddress": "192.0.2.1"}}, IGNORED),
    "set up": ({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have subscribed"}, IGNORED),
}


SENDGRID: dict[str, Row] = {
    "processed": (sendgrid("processed"), IGNORED),
    "delivered": (sendgrid("delivered", response="250 OK"), ("delivered", None)),
    "deferred": (sendgrid("deferred", response="400 try again later", attempt="5"), ("soft_bounce", None)),
    "bounce": (sendgrid("bounce", type="bounce", status="5.0.0", reason="500 unknown"), ("hard_bounce", None)),
    "blocked": (sendgrid("bounce", type="blocked", reason="550 5.7.1 blocked"), ("block", None)),
    "expired": (sendgrid("bounce", type="expired"), ("soft_bounce", "soft")),
    "no such address": (
        sendgrid("bounce", type="bounce", bounce_classification="Invalid Address"),
        ("hard_bounce", "hard"),
    ),
    "reputation": (
        sendgrid("bounce", type="blocked", bounce_classification="Reputation"),
        ("block", "block_reputation"),
    ),
    "no server": (
        sendgrid("bounce", type="blocked", bounce_classification="Technical Failure"),
        ("soft_bounce", "soft"),
    ),
    "dropped spam": (sendgrid("dropped", reason="Spam Content"), ("block", "block_content")),
    "dropped invalid": (sendgrid("dropped", reason="Invalid"), ("hard_bounce", "hard")),
    "dropped, bounced before": (sendgrid("dropped", reason="Bounced Address", status="5.0.0"), IGNORED),
    "dropped, complained before": (sendgrid("dropped", reason="Spam Reporting Address"), IGNORED),
    "dropped, unsubscribed before": (sendgrid("dropped", reason="Unsubscribed Address"), IGNORED),
    "spam report": (sendgrid("spamreport"), ("complaint", None)),
    "unsubscribe": (sendgrid("unsubscribe"), ("unsubscribe", None)),
    "group unsubscribe": (sendgrid("group_unsubscribe", asm_group_id=10), ("unsubscribe", None)),
    "group resubscribe": (sendgrid("group_resubscribe", asm_group_id=10), IGNORED),
    "open": (sendgrid("open", useragent="Mozilla/4.0"), IGNORED),
}


MAILGUN: dict[str, Row] = {
    "accepted": (mailgun("accepted"), IGNORED),
    "delivered": (mailgun("delivered", **refused(250, "OK")), ("delivered", None)),
    "failed for good": (mailgun("failed", **refused(550, "5.1.1 no such user")), ("hard_bounce", None)),
    "failed for now": (
        mailgun("failed", **refused(452, "4.2.2 over quota", severity="temporary")),
        ("soft_bounce", None),
    ),
    "bounced before": (mailgun("failed", **refused(605, "Not delivering", reason="suppress-bounce")), IGNORED),
    "complained before": (mailgun("failed", **refused(607, "Not delivering", reason="suppress-complaint")), IGNORED),
    "bounced before, by code": (mailgun("failed", **refused(605, "Not delivering")), IGNORED),
    "too old": (mailgun("failed", **refused(602, "Too old", reason="old")), ("soft_bounce", "soft")),
    "blocked": (mailgun("failed", **refused(550, "5.7.1 blocked", reason="espblock")), ("block", None)),
    "rejected by Mailgun": (mailgun("rejected", reject={"reason": "Sandbox subdomains"}), IGNORED),
    "complained": (mailgun("complained"), ("complaint", None)),
    "unsubscribed": (mailgun("unsubscribed"), ("unsubscribe", None)),
    "opened": (mailgun("opened"), IGNORED),
}


POSTMARK: dict[str, Row] = {
    **{
        f"bounce {kind}": (postmark("Bounce", Type=kind, Details="smtp;550 5.1.1 no such user"), expected)
        for kind, expected in (
            ("HardBounce", ("hard_bounce", "hard")),
            ("Transient", ("soft_bounce", "soft")),
            ("Unsubscribe", ("unsubscribe", None)),
            ("Subscribe", IGNORED),
            ("AutoResponder", IGNORED),
            ("AddressChange", IGNORED),
            ("DnsError", ("soft_bounce", "soft")),
            ("SpamNotification", ("block", "block_content")),
            ("OpenRelayTest", IGNORED),
            ("Unknown", ("soft_bounce", "unknown")),
            ("SoftBounce", ("soft_bounce", None)),
            ("VirusNotification", ("block", "block_content")),
            ("ChallengeVerification", IGNORED),
            ("BadEmailAddress", ("hard_bounce", "hard")),
            ("SpamComplaint", ("complaint", None)),
            ("ManuallyDeactivated", IGNORED),
            ("Unconfirmed", IGNORED),
            ("Blocked", ("block", None)),
            ("SMTPApiError", IGNORED),
            ("InboundError", IGNORED),
            ("DMARCPolicy", ("block", "policy")),
            ("TemplateRenderingFailed", IGNORED),
            ("ANewOne", ("soft_bounce", "unknown")),
        )
    },
    "spam complaint": (postmark("SpamComplaint", Type="SpamComplaint"), ("complaint", None)),
    "delivery": (
        {
            "RecordType": "Delivery",
            "MessageID": "m_1",
            "Recipient": "bo@ruiz.example",
            "DeliveredAt": "2026-11-22T09:00:00Z",
            "Details": "Test delivery webhook details",
            "Metadata": {"account_id": "u_1"},
        },
        ("delivered", None),
    ),
    **{
        f"subscription {why} by {who}": (
            {
                "RecordType": "SubscriptionChange",
                "MessageID": "m_1",
                "Recipient": "bo@ruiz.example",
                "Origin": who,
                "SuppressSending": suppressed,
                "SuppressionReason": why,
                "ChangedAt": "2026-11-22T09:00:00Z",
                "Metadata": {"account_id": "u_1"},
            },
            expected,
        )
        for why, who, suppressed, expected in (
            ("ManualSuppression", "Recipient", True, ("unsubscribe", None)),
            ("ManualSuppression", "Customer", True, IGNORED),
            ("HardBounce", "Recipient", True, IGNORED),
            ("SpamComplaint", "Recipient", True, IGNORED),
            (None, "Recipient", False, IGNORED),
        )
    },
    "open": ({"RecordType": "Open", "MessageID": "m_1", "Recipient": "bo@ruiz.example", "FirstOpen": True}, IGNORED),
}


SPARKPOST: dict[str, Row] = {
    "ping": ([{"msys": {}}], IGNORED),  # type: ignore[dict-item]
    "injection": (sparkpost("injection"), IGNORED),
    "delivery": (sparkpost("delivery"), ("delivered", None)),
    "delay": (sparkpost("delay", bounce_class="20"), ("soft_bounce", None)),
    **{
        f"{kind} of class {number}": (sparkpost(kind, bounce_class=number, raw_reason="550 said"), expected)
        for kind in ("bounce", "out_of_band")
        for number, expected in (
            ("1", ("soft_bounce", "unknown")),
            ("10", ("hard_bounce", "hard")),
            ("20", ("soft_bounce", "soft")),
            ("21", ("soft_bounce", "soft")),
            ("22", ("soft_bounce", "mailbox_full")),
            ("24", ("soft_bounce", "soft")),
            ("25", ("block", "policy")),
            ("30", ("hard_bounce", "hard")),
            ("40", ("soft_bounce", None)),
            ("50", ("block", None)),
            ("51", ("block", "block_reputation")),
            ("52", ("block", "block_content")),
            ("54", ("block", "policy")),
            ("60", IGNORED),
            ("80", IGNORED),
            ("90", ("unsubscribe", None)),
            ("100", IGNORED),
            ("999", ("soft_bounce", "unknown")),
        )
    },
    "complaint": (sparkpost("spam_complaint", fbtype="abuse"), ("complaint", None)),
    "not spam": (sparkpost("spam_complaint", fbtype="not-spam"), ("not_spam", None)),
    "complaint without a type": (sparkpost("spam_complaint"), ("complaint", None)),
    "policy": (sparkpost("policy_rejection", raw_reason="550 5.6.0 rejected"), ("block", "policy")),
    "suppressed": (
        sparkpost("policy_rejection", bounce_class="25", reason="5.7.1 recipient address suppressed due to policy"),
        IGNORED,
    ),
    "not generated": (sparkpost("generation_rejection", "gen_event", raw_reason="blocked"), ("block", "policy")),
    "list unsubscribe": (sparkpost("list_unsubscribe", "unsubscribe_event"), ("unsubscribe", None)),
    "link unsubscribe": (sparkpost("link_unsubscribe", "unsubscribe_event"), ("unsubscribe", None)),
    "open": (sparkpost("open", "track_event"), IGNORED),
}


RESEND: dict[str, Row] = {
    "sent": (resend("email.sent"), IGNORED),
    "delivered": (resend("email.delivered"), ("delivered", None)),
    "delayed": (resend("email.delivery_delayed"), ("soft_bounce", None)),
    "complained": (resend("email.complained"), ("complaint", None)),
    "bounced": (
        resend("email.bounced", bounce={"message": "no", "subType": "General", "type": "Permanent"}),
        ("hard_bounce", None),
    ),
    "full": (
        resend("email.bounced", bounce={"message": "no", "subType": "MailboxFull", "type": "Transient"}),
        ("soft_bounce", "mailbox_full"),
    ),
    "bounced before": (
        resend("email.bounced", bounce={"message": "no", "subType": "OnAccountSuppressionList", "type": "Permanent"}),
        IGNORED,
    ),
    "bounced without a type": (resend("email.bounced"), ("hard_bounce", None)),
    "failed": (resend("email.failed", failed={"reason": "reached_daily_quota"}), IGNORED),
    "suppressed": (resend("email.suppressed", suppressed={"type": "OnAccountSuppressionList"}), IGNORED),
    "another sender's": (resend("message.bounced"), ("hard_bounce", None)),
    "contact": (resend("contact.created"), IGNORED),
}


BREVO: dict[str, Row] = {
    "request": (brevo("request"), IGNORED),
    "delivered": (brevo("delivered"), ("delivered", None)),
    "hard bounce": (brevo("hard_bounce", reason=" RecipientError: 550 5.5.0 unavailable"), ("hard_bounce", None)),
    "soft bounce": (brevo("soft_bounce", reason="unable to find MX"), ("soft_bounce", None)),
    "deferred": (brevo("deferred", reason="spam"), ("soft_bounce", None)),
    "blocked": (brevo("blocked"), ("block", None)),
    "blocked for what was before": (brevo("blocked", reason="blocked : due to blacklist user"), IGNORED),
    "spam": (brevo("spam"), ("complaint", None)),
    "complaint": (brevo("complaint"), ("complaint", None)),
    "invalid": (brevo("invalid_email"), ("hard_bounce", "hard")),
    "error": (brevo("error", reason="error"), IGNORED),
    "unsubscribed": (brevo("unsubscribed"), ("unsubscribe", None)),
    "opened": (brevo("unique_opened"), IGNORED),
}


MAILJET: dict[str, Row] = {
    "sent": (mailjet("sent", smtp_reply="sent (250 2.0.0 OK)"), ("delivered", None)),
    "hard": (mailjet("bounce", "", "", hard_bounce=True, blocked=False), ("hard_bounce", None)),
    "soft": (mailjet("bounce", "", "", hard_bounce=False, blocked=False), ("soft_bounce", None)),
    "no user": (mailjet("bounce", "user unknown", "recipient", hard_bounce=True), ("hard_bounce", "hard")),
    "full": (mailjet("bounce", "quota exceeded", "recipient", hard_bounce=False), ("soft_bounce", "mailbox_full")),
    "greylisted": (mailjet("bounce", "greylisted", "domain", hard_bounce=False), ("soft_bounce", "soft")),
    "sender blocked": (mailjet("bounce", "sender blocked", "spam"), ("block", "block_reputation")),
    "content blocked": (mailjet("blocked", "content blocked", "spam"), ("block", "block_content")),
    "blocked for a new reason of spam": (mailjet("blocked", "a new one", "spam"), ("block", "policy")),
    "bounced before": (mailjet("blocked", "preblocked", "mailjet"), IGNORED),
    "complained before": (mailjet("blocked", "spam reporter", "recipient"), IGNORED),
    "listed": (mailjet("blocked", "blacklisted", "recipient"), IGNORED),
    "twice": (mailjet("blocked", "duplicate in campaign", "mailjet"), IGNORED),
    "spam": (mailjet("spam", source="JMRPP"), ("complaint", None)),
    "unsub": (mailjet("unsub", mj_list_id=1), ("unsubscribe", None)),
    "open": (mailjet("open"), IGNORED),
}

TABLES = {
    "ses": SES,
    "sendgrid": SENDGRID,
    "mailgun": MAILGUN,
    "postmark": POSTMARK,
    "sparkpost": SPARKPOST,
    "resend": RESEND,
    "brevo": BREVO,
    "mailjet": MAILJET,
}
ROWS = [(feed, name, *row) for feed, rows in TABLES.items() for name, row in rows.items()]


@pytest.mark.parametrize(
    ("feed", "name", "payload", "expected"), ROWS, ids=[f"{feed}: {name}" for feed, name, _, _ in ROWS]
)
def test_a_providers_word_means(
    providers: dict[str, ProviderFeed], feed: str, name: str, payload: Any, expected: tuple[str, str | None] | None
) -> None:
    reports = read(providers, feed, payload)
    assert [(report.type, report.diagnosis) for report in reports] == ([expected] if expected else [])
    for report in reports:
        assert report.feed == feed
        assert report.clues.named == ("u_1",)
        assert report.recipient == "bo@ruiz.example"
        assert report.reporter in ("ruiz.example", "JMRPP")
        assert NOW - 86_400 < report.at <= NOW


def test_a_complaint_that_postmark_tells_as_a_bounce_too_is_one(providers: dict[str, ProviderFeed]) -> None:
    told = [postmark(record, Type="SpamComplaint") for record in ("SpamComplaint", "Bounce")]
    assert len({report.id for each in told for report in read(providers, "postmark", each)}) == 1
    bounced = read(providers, "postmark", postmark("Bounce", Type="HardBounce"))
    assert bounced[0].id != read(providers, "postmark", told[0])[0].id, "ids may be the same in examples"
