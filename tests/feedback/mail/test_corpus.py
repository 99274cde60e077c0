"""Every mail of the corpus is read as its table says; once with bare line ends and once as it comes over SMTP."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.feedback.mail import bounce, complaint
from riskapi.feedback.mail.message import NotThisKind
from riskapi.feedback.reports import Received, Report
from tests.conftest import NOW
from tests.feedback.mail.corpus import EXPECTED, HERE, mail

READ = {"dsn": bounce.read, "arf": complaint.read}


def shown(report: Report, wanted: dict[str, Any]) -> dict[str, Any]:
    """What a report says of the things that are wanted."""
    named = list(report.clues.named)
    known = {
        "type": report.type,
        "diagnosis": report.diagnosis,
        "recipient": report.recipient,
        "enhanced": report.enhanced,
        "blocklist": report.blocklist,
        "reporter": report.reporter,
        "account": named[0] if len(named) == 1 else named,
        "return_path": report.clues.return_path,
        "feedback_id": report.clues.feedback_id,
        "dkim": report.clues.dkim_domain,
    }
    return {name: known[name] for name in wanted}


def check(received: Received, expected: dict[str, Any]) -> None:
    wanted = expected.get("reports", [])
    found = [shown(report, want) for report, want in zip(received.reports, wanted, strict=False)]
    assert found == wanted
    assert len(received.reports) == len(wanted)
    assert received.ignored == expected.get("ignored", 0)
    assert len(received.not_understood) == expected.get("not_understood", 0)
    assert len({report.id for report in received.reports}) == len(wanted)


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("ends", ["bare", "smtp"])
def test_a_mail_is_read_as_the_table_says(name: str, ends: str) -> None:
    raw = mail(name) if ends == "bare" else mail(name).replace(b"\n", b"\r\n")
    check(READ[EXPECTED[name]["feed"]](raw, NOW, "X-Account-Id"), EXPECTED[name])


def test_there_are_as_many_mails_as_the_table_has_and_enough() -> None:
    assert {path.stem for path in (HERE / "corpus").iterdir()} == set(EXPECTED)
    bounces = [name for name, row in EXPECTED.items() if row["feed"] == "dsn" and row.get("reports")]
    assert len(bounces) >= 60 and sum(row["feed"] == "arf" for row in EXPECTED.values()) >= 20


@pytest.mark.parametrize("name", [name for name, row in EXPECTED.items() if row["feed"] == "arf"])
def test_a_complaint_is_no_bounce(name: str) -> None:
    with pytest.raises(NotThisKind):
        bounce.read(mail(name), NOW, "X-Account-Id")


@pytest.mark.parametrize("name", [name for name, row in EXPECTED.items() if row["feed"] == "dsn"])
def test_a_bounce_is_no_complaint(name: str) -> None:
    with pytest.raises(NotThisKind):
        complaint.read(mail(name), NOW, "X-Account-Id")


@pytest.mark.parametrize("name", [name for name, row in EXPECTED.items() if row.get("reports")])
def test_a_mail_that_comes_again_under_another_id_has_the_same_reports(name: str) -> None:
    read, raw = READ[EXPECTED[name]["feed"]], mail(name)
    again = b"Message-ID: <another@bounce.example>\nReceived: by another.example; again\n" + raw
    first, second = (read(each, now, "X-Account-Id").reports for each, now in ((raw, NOW), (again, NOW + 3600)))
    assert [report.id for report in first] == [report.id for report in second]
