"""Signatures: an allowed reporter's is believed, and only as far as it goes; an attacker's own says nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from riskapi.feedback.diagnostics import rows_of
from riskapi.feedback.mail import complaint
from riskapi.feedback.mail.dkim import KeyUnavailable, Signed, reporters, signed_by
from riskapi.feedback.mail.message import NotThisKind
from tests.conftest import NOW
from tests.feedback.mail.signing import ALLOWED, RECORD, REPORT, lookup, made_key, signed


def test_an_allowed_reporter_is_believed() -> None:
    found = signed_by(signed(), ALLOWED, lookup(), NOW)
    assert found is not None and found.reporter == "arf.example"
    reports = complaint.read(found.content, NOW, "X-Account-Id", found.reporter).reports
    assert [(report.type, report.clues.named, report.reporter) for report in reports] == [
        ("complaint", ("u_1001",), "arf.example")
    ]
    assert signed_by(signed(domain=b"mail.arf.example"), ALLOWED, lookup(), NOW)


FROM_STAFF = REPORT.replace(b"From: FBL <feedback@arf.example>", b"From: <staff@hotmail.example>")
FORGED: dict[str, Callable[[], bytes]] = {
    "not signed": lambda: REPORT,
    "an attacker's own domain": lambda: signed(domain=b"evil.example"),
    "an attacker's own, with From of the reporter": lambda: signed(domain=b"arf.example.evil.example"),
    "signed by another than the author": lambda: signed(
        REPORT.replace(b"feedback@arf.example>\r\nTo", b"feedback@evil.example>\r\nTo")
    ),
    "a user at the domain of an address": lambda: signed(FROM_STAFF.replace(b"<staff@", b"<eve@"), b"hotmail.example"),
    "the body changed": lambda: signed().replace(b"Original-Rcpt-To: <bo@", b"Original-Rcpt-To: <cy@"),
    "content appended": lambda: signed() + b"more\r\n",
    "content appended past l=": lambda: signed(length=True) + b"more\r\n",
    "l= that covers all": lambda: signed(length=True),
    "From not covered": lambda: signed().replace(b"from : ", b"").replace(b" from;", b";"),
    "type not covered": lambda: signed(include_headers=[b"from", b"date", b"subject"]),
    "a second From": lambda: signed().replace(b"To: fbl@", b"From: eve@evil.example\r\nTo: fbl@"),
    "two authors": lambda: signed(
        REPORT.replace(b"From: FBL <feedback@arf.example>", b"From: feedback@arf.example, eve@evil.example")
    ),
    "SHA-1": lambda: signed().replace(b"a=rsa-sha256", b"a=rsa-sha1"),
    "another key": lambda: signed(key=made_key()[0]),
    "expired": lambda: signed().replace(b"DKIM-Signature: ", b"DKIM-Signature: x=1; "),
    "made long ago": lambda: re.sub(rb"t=\d+;", b"t=1000000000;", signed()),
}


@pytest.mark.parametrize("how", FORGED)
def test_what_an_allowed_reporter_did_not_sign_is_not_believed(how: str) -> None:
    assert signed_by(FORGED[how](), ALLOWED, lookup(), NOW) is None


def test_an_address_that_is_allowed_is_believed_and_nobody_else_there() -> None:
    found = signed_by(signed(FROM_STAFF, b"hotmail.example"), ALLOWED, lookup(), NOW)
    assert found is not None and found.reporter == "hotmail.example"


def test_what_the_signature_does_not_cover_is_not_read() -> None:
    raw = b"X-Original-To: bounces+u_9@mail.saas.example\r\nX-Failed-Recipients: x@example.net\r\n" + signed()
    found = signed_by(raw, ALLOWED, lookup(), NOW)
    assert found is not None and b"u_9" not in found.content and b"X-Failed" not in found.content
    later = signed_by(signed().replace(b"Subject: FW", b"Comments: x\r\nSubject: FW"), ALLOWED, lookup(), NOW)
    assert later is not None and b"omments" not in later.content


@pytest.mark.parametrize(
    "record",
    ["", "v=DKIM1; p=", f"t=y; {RECORD}", f"s=other; {RECORD}", "v=DKIM1; p=!!!", "k=rsa; p=AAAA"],
)
def test_a_key_that_is_none_is_not_believed(record: str) -> None:
    assert signed_by(signed(), ALLOWED, lookup(s1__domainkey_arf_example=record), NOW) is None


def test_nobody_is_asked_about_strangers_and_silence_is_no_answer() -> None:
    asked: list[str] = []

    def silent(name: str) -> str | None:
        asked.append(name)
        raise KeyUnavailable

    assert signed_by(signed(domain=b"evil.example"), ALLOWED, silent, NOW) is None
    assert asked == []
    with pytest.raises(KeyUnavailable):
        signed_by(signed(), ALLOWED, silent, NOW)
    assert asked == ["s1._domainkey.arf.example."]
    assert signed_by(signed(), ALLOWED, lambda name: None, NOW) is None


def test_a_bad_signature_beside_a_good_one_does_no_harm() -> None:
    raw = signed()
    both = b"DKIM-Signature: v=1; a=rsa-sha256; d=arf.example; s=s1; h=from:date:content-type; bh=x; b=y\r\n" + raw
    assert isinstance(signed_by(both, ALLOWED, lookup(), NOW), Signed)
    many = b"DKIM-Signature: v=1; a=rsa-sha256; d=arf.example; s=s1; h=from; bh=x; b=y\r\n" * 500 + raw
    assert signed_by(many, ALLOWED, lookup(), NOW) is None  # four are looked at


def test_shipped_reporters_have_a_source() -> None:
    assert "arf.mail.yahoo.com" in reporters()
    assert all(row["reporter"] == row["reporter"].lower() and row["source"] for row in rows_of("reporters"))


GOOD = signed()


@effort(max_examples=150)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 60), st.binary(max_size=40))
def test_a_signed_mail_that_was_changed_is_read_as_it_was_or_not_at_all(at: int, cut: int, put: bytes) -> None:
    wanted = signed_by(GOOD, ALLOWED, lookup(), NOW)
    changed = GOOD[:at] + put + GOOD[at + cut :]
    assert wanted is not None
    try:
        found = signed_by(changed, ALLOWED, lookup(), NOW)
    except NotThisKind:
        return
    if found is not None:  # an unsigned field, white space, or a field that is not the first of its name
        assert (
            complaint.read(found.content, NOW, "X-Account-Id").reports
            == complaint.read(wanted.content, NOW, "X-Account-Id").reports
        )
