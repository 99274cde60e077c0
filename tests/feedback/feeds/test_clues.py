"""Whose mail an event is about, in every way a provider can be told it, and by which id an event is known again."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.feedback.feeds.feed import ProviderFeed
from riskapi.feedback.feeds.naming import Naming
from riskapi.feedback.feeds.payload import moment
from riskapi.feedback.reports import Report
from riskapi.times import rfc3339
from tests.conftest import NOW
from tests.feedback.feeds.conftest import ProviderClient
from tests.feedback.feeds.payloads import (
    brevo,
    mailgun,
    mailjet,
    postmark,
    read,
    refused,
    resend,
    sendgrid,
    sparkpost,
)
from tests.feedback.feeds.senders import SENDERS, mail

UNNAMED: dict[str, Any] = {"account_id": None}
ACCOUNT = [{"name": "x-account-id", "value": "u_1"}]


def complained(**more: Any) -> Any:
    """A complaint of SES about a mail that has nothing but what is given."""
    found = {"complainedRecipients": [{"emailAddress": "bo@ruiz.example"}], "feedbackId": "f_1"}
    return {"eventType": "Complaint", "complaint": found, "mail": mail("m_1", None, **more)}


NAMED: dict[str, tuple[str, Any]] = {
    "SES: a message tag": ("ses", complained(tags={"ses:source-ip": ["192.0.2.1"], "account_id": ["u_1"]})),
    "SES: a header": ("ses", complained(headers=ACCOUNT)),
    "SendGrid: a custom argument": ("sendgrid", sendgrid("spamreport")),
    "SendGrid: unique arguments": ("sendgrid", sendgrid("spamreport", **UNNAMED, unique_args={"account_id": "u_1"})),
    "SendGrid: a category": ("sendgrid", sendgrid("spamreport", **UNNAMED, category="account_id:u_1")),
    "SendGrid: a category of two": (
        "sendgrid",
        sendgrid("spamreport", **UNNAMED, category=["x", "account_id=u_1"]),
    ),
    "Mailgun: a variable": ("mailgun", mailgun("complained")),
    "Mailgun: a tag": ("mailgun", mailgun("complained", tags=["x", "account_id:u_1"], **{"user-variables": []})),
    "Postmark: metadata": ("postmark", postmark("SpamComplaint")),
    "Postmark: the tag": ("postmark", postmark("SpamComplaint", Metadata={}, Tag="account_id:u_1")),
    "SparkPost: metadata": ("sparkpost", sparkpost("spam_complaint")),
    "SparkPost: a tag": ("sparkpost", sparkpost("spam_complaint", rcpt_meta={}, rcpt_tags=["account_id=u_1"])),
    "Resend: tags in an array": ("resend", resend("email.complained")),
    "Resend: tags in an object": ("resend", resend("email.complained", tags={"account_id": "u_1"})),
    "Resend: a header": ("resend", resend("email.complained", tags=None, headers=ACCOUNT)),
    "Brevo: a tag": ("brevo", brevo("spam")),
    "Brevo: a tag that is the account": ("brevo", brevo("spam", tags=["u_1"])),
    "Brevo: the one tag of SMTP": ("brevo", brevo("spam", tags=None, tag="account_id:u_1")),
    "Brevo: the custom header": ("brevo", brevo("spam", tags=[], **{"X-Mailin-custom": "u_1"})),
    "Brevo: the custom header, in pieces": (
        "brevo",
        brevo("spam", tags=["x"], **{"X-Mailin-custom": "campaign:spring|account_id:u_1"}),
    ),
    "Brevo: the custom header, in JSON": (
        "brevo",
        brevo("spam", tags=["x"], **{"X-Mailin-custom": '{"account_id": "u_1"}'}),
    ),
    "Mailjet: the payload": ("mailjet", mailjet("spam")),
    "Mailjet: the payload as text": ("mailjet", mailjet("spam", Payload="account_id:u_1")),
    "Mailjet: the custom id": ("mailjet", mailjet("spam", Payload="", CustomID="u_1")),
    "Mailjet: the custom id with its key": ("mailjet", mailjet("spam", Payload="x", CustomID="account_id=u_1")),
}


@pytest.mark.parametrize(("feed", "payload"), NAMED.values(), ids=NAMED)
def test_the_account_is_named_by(providers: dict[str, ProviderFeed], feed: str, payload: Any) -> None:
    assert [report.clues.named for report in read(providers, feed, payload)] == [("u_1",)]


class TestNaming:
    def test_metadata_is_believed_before_tags_and_these_before_headers(self) -> None:
        """What stands in a header, the account's own user may have written."""
        levels: dict[str, Any] = {
            "metadata": [{"account_id": "u_1"}],
            "tags": ["account_id:u_2"],
            "headers": [("X-Account-Id", "u_3")],
            "bare": ["u_4"],
        }
        for expected in ("u_1", "u_2", "u_3", "u_4"):
            assert Naming().clues(**levels).named == (expected,)
            levels.pop(next(iter(levels)))

    def test_a_plain_number_without_a_key_names_nobody(self) -> None:
        """It may be an order, a campaign, a variant: no account is blamed for it."""
        for value in ("42", 42, " 7 "):
            assert Naming().clues(bare=[value]).named == ()
            assert Naming().clues(metadata=[{"account_id": value}]).named == (str(value).strip(),)

    def test_what_cannot_be_an_account_is_no_clue(self) -> None:
        values: list[Any] = [None, True, 1.5, {}, [], "", "a b", "ü", "x" * 129, "u_1\n\nu_2"]
        for value in values:
            assert Naming().clues(metadata=[{"account_id": value}]).named == ()

    def test_key_and_header_are_settings(self) -> None:
        naming = Naming("customer", "X-Customer")
        assert naming.clues(metadata=[{"customer": "u_1", "account_id": "u_2"}]).named == ("u_1",)
        assert naming.clues(headers=[("x-customer", "u_1"), ("X-Account-Id", "u_2")]).named == ("u_1",)

    def test_the_other_clues_are_kept(self, providers: dict[str, ProviderFeed]) -> None:
        (report,) = read(providers, "ses", SENDERS["ses"].complaint("m_1"))
        assert report.clues.feedback_id == "a:b:c:saas"
        assert report.clues.return_path == "bounces+u_1@saas.example"
        assert report.clues.message_ids == ("m_1@saas.example", "m_1")

    def test_an_event_that_names_two_accounts_counts_for_neither(self, provider: ProviderClient) -> None:
        tags = {"account_id": ["u_1", "u_2"]}
        answer = provider.post("ses", SENDERS["ses"].sent(complained(tags=tags)))
        assert answer.json["unknown_accounts"] == 1
        tags = {"account_id": ["u_1", "u_404"]}
        assert provider.post("ses", SENDERS["ses"].sent(complained(tags=tags))).json["accepted"] == 1


def ids(providers: dict[str, ProviderFeed], feed: str, *payloads: Any) -> list[str]:
    found: list[Report] = []
    for payload in payloads:
        found += read(providers, feed, payload)
    return [report.id for report in found]


class TestOnce:
    def test_a_complaint_of_ses_counts_once_a_message(self, provider: ProviderClient) -> None:
        """SES infers who complained: it lists every recipient at the domain, and may tell of the message again."""
        sender: Any = SENDERS["ses"]
        several = sender.complaint("m_1")
        several["complaint"]["complainedRecipients"] = [{"emailAddress": f"{name}@ruiz.example"} for name in "abc"]
        again = sender.complaint("m_1")
        again["complaint"]["feedbackId"] = "another"
        assert provider.post("ses", sender.sent(several, id="sns_1")).json["accepted"] == 1
        assert provider.post("ses", sender.sent(again, id="sns_2")).json["duplicates"] == 1
        assert provider.counts()["complaints"] == 1

    def test_whom_ses_infers_is_nobody_in_particular(self, providers: dict[str, ProviderFeed]) -> None:
        several = SENDERS["ses"].complaint("m_1")
        several["complaint"]["complainedRecipients"] *= 2
        (report,) = read(providers, "ses", several)
        assert (report.recipient, report.message) == (None, "m_1")

    def test_a_bounce_in_both_forms_of_ses_is_one(self, providers: dict[str, ProviderFeed]) -> None:
        bounce = {"bounceType": "Permanent", "bounceSubType": "General", "feedbackId": "f_1"}
        people = [{"emailAddress": f"{name}@ruiz.example"} for name in "ab"]
        found = [
            {form: "Bounce", "bounce": {**bounce, "bouncedRecipients": people}, "mail": mail("m_1")}
            for form in ("eventType", "notificationType")
        ]
        sender: Any = SENDERS["ses"]
        reports = [
            providers["ses"].read(sender.sent(payload, id=f"sns_{number}").posted()).reports
            for number, payload in enumerate(found)
        ]
        first, second = ([report.id for report in each] for each in reports)
        assert first == second
        assert len(set(first)) == 2

    def test_brevos_id_is_the_webhooks_and_not_the_events(self, providers: dict[str, ProviderFeed]) -> None:
        known = ids(
            providers,
            "brevo",
            brevo("soft_bounce"),
            brevo("hard_bounce"),
            brevo("soft_bounce", ts_event=int(NOW) - 60),
            brevo("soft_bounce", email="ana@ruiz.example"),
            brevo("soft_bounce", **{"message-id": "<m_2@x.example>"}),
            brevo("soft_bounce", reason="told in other words"),
        )
        assert len(set(known)) == 5
        assert known[0] == known[5]

    def test_mailguns_id_is_unique_for_a_day_only(self, providers: dict[str, ProviderFeed]) -> None:
        known = ids(providers, "mailgun", mailgun("complained"), mailgun("complained", timestamp=NOW - 2 * 86_400))
        assert len(set(known)) == 2

    def test_no_id_holds_an_address(self, providers: dict[str, ProviderFeed]) -> None:
        for name, sender in SENDERS.items():
            assert all("ruiz" not in id for id in ids(providers, name, sender.complaint("m_1"))), name


class TestParts:
    def test_what_is_not_understood_stops_none_of_the_others(self, provider: ProviderClient) -> None:
        batch = [*sendgrid("spamreport"), "rubbish", *sendgrid("dropped"), *sendgrid("open"), {"event": 7}]
        answer = provider.post("sendgrid", SENDERS["sendgrid"].sent(batch))
        assert answer.status_code == 200
        assert (answer.json["accepted"], answer.json["not_understood"], answer.json["ignored"]) == (1, 3, 1)

    @pytest.mark.parametrize(
        "message",
        [
            "not JSON",
            "{}",
            '{"eventType": 7}',
            '{"eventType": "Bounce"}',
            '{"eventType": "Bounce", "bounce": {"a": 1}}',
        ],
    )
    def test_what_amazon_signed_and_nobody_understands_is_taken_and_counted_as_that(
        self, provider: ProviderClient, message: str
    ) -> None:
        answer = provider.post("ses", SENDERS["ses"].sent(message))
        assert (answer.status_code, answer.json["not_understood"]) == (200, 1)

    def test_the_words_that_ses_may_publish_are_ignored(self, provider: ProviderClient) -> None:
        said = "Successfully validated SNS topic for Amazon SES event publishing."
        assert provider.post("ses", SENDERS["ses"].sent(said)).json["ignored"] == 1

    def test_a_complaint_taken_back_is_no_complaint(self, provider: ProviderClient) -> None:
        sender = SENDERS["sparkpost"]
        payload = sender.complaint("e_1")
        payload[0]["msys"]["message_event"]["fbtype"] = "not-spam"
        assert provider.post("sparkpost", sender.sent(payload)).status_code == 200
        assert provider.counts()["complaints"] == 0

    def test_what_a_receiving_server_said_is_kept(self, providers: dict[str, ProviderFeed]) -> None:
        bounce = {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {"emailAddress": "b@x.example", "status": "5.7.1", "diagnosticCode": "smtp; 550 5.7.1 listed"}
            ],
            "feedbackId": "f_1",
        }
        (report,) = read(providers, "ses", {"eventType": "Bounce", "bounce": bounce, "mail": mail("m_1")})
        assert (report.diagnostic, report.enhanced) == ("550 5.7.1 listed", "5.7.1")
        status = refused(550, "550 5.1.1 unknown")
        status["delivery-status"]["enhanced-code"] = "5.1.1"
        (report,) = read(providers, "mailgun", mailgun("failed", **status))
        assert (report.diagnostic, report.enhanced) == ("550 5.1.1 unknown", "5.1.1")
        (report,) = read(providers, "sendgrid", sendgrid("bounce", type="bounce", status="5.1.1", reason="550 no"))
        assert (report.diagnostic, report.enhanced) == ("550 no", "5.1.1")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (int(NOW) - 5, NOW - 5),
        (str(int(NOW) - 5), NOW - 5),
        ((NOW - 5) * 1000, NOW - 5),
        (rfc3339(NOW - 5), NOW - 5),
        ("2026-11-22T09:59:55.0000000Z", NOW - 5),
        ("2026-11-22 09:59:55+00", NOW - 5),
        ("2026-11-22 09:59:55", NOW - 5),
        ("2026-11-22T11:59:55+02:00", NOW - 5),
        (NOW + 86_400, NOW),
        (0, NOW),
        (-1, NOW),
        (True, NOW),
        ("yesterday", NOW),
        ("1" * 400, NOW),
        (1e300, NOW),
        (None, NOW),
        ({}, NOW),
    ],
)
def test_a_moment_is_read_in_every_form_and_never_lies_ahead(value: Any, expected: float) -> None:
    assert moment(value, NOW) == pytest.approx(expected)
