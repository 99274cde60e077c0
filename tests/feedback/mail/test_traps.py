"""What is often read wrongly, each with the mail that shows it."""

from __future__ import annotations

import re

import pytest

from riskapi.feedback.mail import bounce, complaint
from riskapi.feedback.reports import Received
from tests.conftest import NOW
from tests.feedback.mail.corpus import EXPECTED, mail

ABUSE = mail("arf-abuse")


def read(name: str) -> Received:
    reader = complaint.read if EXPECTED[name]["feed"] == "arf" else bounce.read
    return reader(mail(name), NOW, "X-Account-Id")


def of_type(said: str) -> Received:
    """A report of abuse with another feedback type."""
    raw, changed = re.subn(rb"(?im)^Feedback-Type:.*$", f"Feedback-Type: {said}".encode(), ABUSE)
    assert changed == 1
    return complaint.read(raw, NOW, "X-Account-Id")


@pytest.mark.parametrize("said", ["abuse", "fraud", "virus", "Abuse", '"abuse"', "fraud (phishing)", "virus; v=1"])
def test_abuse_fraud_and_virus_are_complaints(said: str) -> None:
    assert [report.type for report in of_type(said).reports] == ["complaint"]


@pytest.mark.parametrize("said", ["other", "auth-failure", "miscategorized", "dmarc", "dislike", "abusive", "no-abuse"])
def test_no_other_type_of_a_report_is_a_complaint(said: str) -> None:
    received = of_type(said)
    assert (received.reports, received.ignored) == ((), 1)


@pytest.mark.parametrize("said", ["not-spam", "Not-Spam"])
def test_not_spam_is_the_opposite_of_a_complaint(said: str) -> None:
    assert [report.type for report in of_type(said).reports] == ["not_spam"]


@pytest.mark.parametrize("name", ["jmrp-2026", "jmrp-2026-minimal", "jmrp-2026-headers"])
def test_jmrp_with_headers_only_is_attributed_by_our_own_header(name: str) -> None:
    (report,) = read(name).reports
    assert report.type == "complaint" and report.clues.named == ("u_1001",)


def test_yahoos_loop_says_the_domain_that_signed_and_is_the_authors() -> None:
    (report,) = read("yahoo-headers-only-dkim").reports
    assert report.clues.named == () and report.clues.dkim_domain == "ruiz.example"  # the second signature of two


ANSWERS = [name for name in EXPECTED if name.startswith(("vacation-", "challenge-", "receipt-", "mdn-"))]


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_a_machine_is_no_bounce(name: str) -> None:
    assert read(name) == Received(ignored=1)


@pytest.mark.parametrize("name", ["person", "person-quotes-bounce", "newsletter", "quota-warning-own", "list-welcome"])
def test_a_mail_about_something_else_is_kept_as_not_understood(name: str) -> None:
    assert read(name) == Received(not_understood=(0,))


DELAYED = [name for name in EXPECTED if "delay" in name or ("warning" in name and "quota" not in name)]


@pytest.mark.parametrize("name", DELAYED)
def test_a_delay_is_soft_whatever_was_said(name: str) -> None:
    assert {report.type for report in read(name).reports} == {"soft_bounce"}


FULL = [
    name for name, row in EXPECTED.items() if any(r.get("diagnosis") == "mailbox_full" for r in row.get("reports", []))
]


@pytest.mark.parametrize("name", FULL)
def test_a_full_mailbox_is_soft(name: str) -> None:
    assert {report.type for report in read(name).reports if report.diagnosis == "mailbox_full"} == {"soft_bounce"}


def test_delivered_and_passed_on_is_no_bounce() -> None:
    assert [report.type for report in read("success-exchange").reports] == ["delivered"]
    assert read("relayed-exchange") == Received(ignored=1)


def test_each_recipient_of_one_notification_has_its_own_reading() -> None:
    received = read("mixed-five-actions")
    assert [report.type for report in received.reports] == ["hard_bounce", "soft_bounce", "delivered"]
    assert received.ignored == 2


@pytest.mark.parametrize(("recipients", "counted", "missed"), [(200, 200, ()), (201, 200, (200,)), (999, 200, (200,))])
def test_recipients_that_are_too_many_to_be_read_are_told_of(
    recipients: int, counted: int, missed: tuple[int, ...]
) -> None:
    said = (f"Final-Recipient: rfc822; bo{at}@example.net\nAction: failed\nStatus: 5.1.1" for at in range(recipients))
    raw = "\n\n".join(["Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net", *said])
    received = bounce.read(raw.encode(), NOW, "X-Account-Id")
    assert (len(received.reports), received.not_understood) == (counted, missed)
