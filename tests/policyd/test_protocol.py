"""What Postfix says and is told: requests in bytes, answers in bytes."""

from __future__ import annotations

import contextlib
import io
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.budgets.grant_records import Grant
from riskapi.policyd import protocol
from riskapi.policyd.protocol import MalformedRequest, Request
from riskapi.policyd.responder import key_of, reason
from tests.conftest import NOW

#: As SMTPD_POLICY_README shows it, with documentation names.
REQUEST = b"""request=smtpd_access_policy
protocol_state=RCPT
protocol_name=SMTP
helo_name=mail.ruiz.example
queue_id=8045F2AB23
sender=ana@ruiz.example
recipient=bo@customer.example
recipient_count=0
client_address=192.0.2.4
instance=123.456.7
sasl_method=plain
sasl_username=u_1001
size=12345
ccert_subject=a=b
encryption_protocol=
"""


def one(content: bytes) -> Request | None:
    return protocol.read(io.BufferedReader(io.BytesIO(content)))


def test_a_request_is_read() -> None:
    assert one(REQUEST + b"\n") == Request(
        stage="RCPT",
        recipients=1,
        instance="123.456.7",
        login="u_1001",
        sender="ana@ruiz.example",
        recipient="bo@customer.example",
        client="192.0.2.4",
    )


def test_requests_come_one_after_the_other_until_the_peer_ends() -> None:
    stream = io.BufferedReader(io.BytesIO((REQUEST + b"\n") * 3))
    found = [protocol.read(stream) for _ in range(4)]
    assert found[0] == found[1] == found[2] != found[3] is None


RECIPIENTS = {
    "RCPT is about one": ("RCPT", b"0", 1),
    "RCPT whatever it counts": ("RCPT", b"17", 1),
    "DATA": ("DATA", b"17", 17),
    "END-OF-MESSAGE": ("END-OF-MESSAGE", b"2147483647", 2_147_483_647),
    "DATA of an old Postfix": ("DATA", b"0", 1),
    "DATA without a count": ("DATA", b"", 1),
    "MAIL": ("MAIL", b"0", 0),
    "CONNECT": ("CONNECT", b"0", 0),
    "VRFY": ("VRFY", b"5", 0),
    "no stage": ("", b"5", 0),
    "a stage of the future": ("DATA2", b"5", 0),
}


@pytest.mark.parametrize(("stage", "count", "expected"), RECIPIENTS.values(), ids=RECIPIENTS)
def test_recipients_are_those_about_to_get_mail(stage: str, count: bytes, expected: int) -> None:
    content = b"request=smtpd_access_policy\nprotocol_state=%s\nrecipient_count=%s\n\n" % (stage.encode(), count)
    found = one(content)
    assert found is not None and (found.stage, found.recipients) == (stage, expected)


def test_a_request_may_be_bare_and_may_come_with_carriage_returns() -> None:
    assert one(b"request=smtpd_access_policy\n\n") == Request(stage="", recipients=0)
    assert one((REQUEST + b"\n").replace(b"\n", b"\r\n")) == one(REQUEST + b"\n")


def test_names_in_any_character_set_are_read() -> None:
    found = one(REQUEST.replace(b"u_1001", b"\xff\xfe") + b"\n")
    assert found is not None and found.login == "\udcff\udcfe"
    assert key_of(found)


BUSTED = {
    "empty line": (b"\n", "not_an_access_request"),
    "no request": (b"protocol_state=RCPT\n\n", "not_an_access_request"),
    "another request": (b"request=junk\nprotocol_state=RCPT\n\n", "not_an_access_request"),
    "SMTP": (b"EHLO mail.example\r\n", "not_name_value"),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: x=y\r\n\r\n", "not_name_value"),
    "no name": (b"=RCPT\n\n", "not_name_value"),
    "NUL": (b"request=smtpd_access_policy\nsender=a\0b\n\n", "not_name_value"),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", "not_name_value"),
    "cut off in a line": (REQUEST[:40], "cut_off"),
    "cut off in the first word": (b"req", "cut_off"),
    "cut off between lines": (REQUEST, "cut_off"),
    "one endless line": (b"a" * (protocol.LONGEST + 2), "too_long"),
    "one line too long": (b"a=" + b"b" * protocol.LONGEST + b"\n\n", "too_long"),
    "lines without end": (b"a=b\n" * protocol.LONGEST, "too_long"),
    "negative count": (REQUEST.replace(b"RCPT", b"DATA").replace(b"=0", b"=-1") + b"\n", "not_a_count"),
    "count that is no number": (REQUEST.replace(b"RCPT", b"DATA").replace(b"=0", b"=many") + b"\n", "not_a_count"),
    "huge count": (REQUEST.replace(b"RCPT", b"DATA").replace(b"=0", b"=" + b"9" * 4000) + b"\n", "not_a_count"),
    "count in Arabic digits": (
        REQUEST.replace(b"RCPT", b"DATA").replace(b"=0", "=٣".encode()) + b"\n",
        "not_a_count",
    ),
}


@pytest.mark.parametrize(("content", "code"), BUSTED.values(), ids=BUSTED)
def test_what_is_no_request_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        one(content)
    assert refused.value.code == code


class Counted(io.BytesIO):
    """Says how much of it was taken."""

    taken = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.taken += len(line)
        return line


@pytest.mark.parametrize("content", [b"a", b"a=b\n"])
def test_no_more_is_taken_of_an_endless_request_than_one_may_have(content: bytes) -> None:
    peer = Counted(content * 4 * protocol.LONGEST)
    with pytest.raises(MalformedRequest, match="too_long"):
        protocol.read(peer)
    assert peer.taken == protocol.LONGEST + 1


@given(st.binary(max_size=400))
def test_any_bytes_are_a_request_or_malformed(content: bytes) -> None:
    with contextlib.suppress(MalformedRequest):
        one(content)


@given(st.text(max_size=400))
def test_no_text_can_end_the_line_or_begin_another(text: str) -> None:
    said = protocol.reply("DEFER_IF_PERMIT", text)
    assert said.startswith(b"action=DEFER_IF_PERMIT")
    assert said.endswith(b"\n\n") and said.count(b"\n") == 2 and b"\r" not in said and b"\0" not in said
    assert len(said) < 250 and said.isascii()


def test_an_answer_without_a_text() -> None:
    assert protocol.reply("DUNNO") == b"action=DUNNO\n\n"


def asked(**changes: object) -> Request:
    first = {"stage": "RCPT", "recipients": 1, "instance": "1.2.3", "login": "u", "sender": "s", "recipient": "r"}
    return Request(**{**first, **changes})  # type: ignore[arg-type]


KEYS = {
    "the same question": ({}, {}, True),
    "another recipient": ({}, {"recipient": "q"}, False),
    "another delivery": ({}, {"instance": "1.2.4"}, False),
    "another login": ({}, {"login": "v"}, False),
    "another sender": ({}, {"sender": "t"}, False),
    "words that run together": ({"login": "ab", "sender": "c"}, {"login": "a", "sender": "bc"}, False),
    "a message asked about at both stages": ({"stage": "DATA"}, {"stage": "END-OF-MESSAGE"}, True),
    "a message whose one recipient is named": ({"stage": "DATA"}, {"stage": "DATA", "recipient": ""}, True),
    "a message and its recipient": ({"stage": "DATA", "recipients": 1}, {"recipient": "1"}, False),
    "another count": ({"stage": "DATA"}, {"stage": "DATA", "recipients": 2}, False),
    "no name of the delivery": ({"instance": ""}, {"instance": ""}, False),
}


@pytest.mark.parametrize(("first", "second", "same"), KEYS.values(), ids=KEYS)
def test_the_same_question_has_the_same_key(first: dict[str, object], second: dict[str, object], same: bool) -> None:
    keys = key_of(asked(**first)), key_of(asked(**second))
    assert (keys[0] == keys[1]) is same
    assert all(len(key) < 256 and key.isascii() and key.isprintable() for key in keys)


def denied(by: str | None, retry_after: float | None) -> Grant:
    return cast("Grant", {"granted": 0, "denied_by": by, "retry_after": retry_after, "largest": None})


REASONS = {
    "hour": (
        denied("account_hourly", 90),
        "the hourly sending limit is reached, try again after 2026-11-22T10:01:30Z",
    ),
    "cluster's day": (
        denied("cluster_daily", 3600.2),
        "the daily sending limit is reached, try again after 2026-11-22T11:00:01Z",
    ),
    "never": (
        denied("account_monthly", None),
        "the monthly sending limit does not allow this many recipients, send to fewer",
    ),
    "hold": (denied("account_hold", None), "sending is held for this account"),
    "hold with an end": (
        denied("account_hold", 0),
        "sending is held for this account, try again after 2026-11-22T10:00:00Z",
    ),
    "a limit of the future": (denied("moon\nphase", None), "the present sending limit is reached"),
    "store away": (denied("outage", None), "the present sending limit is reached"),
    "no word why": (denied(None, None), "the present sending limit is reached"),
    "before now": (denied("paused", -5), "sending is held for this account"),
    "after the end of time": (denied("paused", 1e300), "sending is held for this account"),
}


@pytest.mark.parametrize(("grant", "expected"), REASONS.values(), ids=REASONS)
def test_the_reason_says_what_and_until_when_and_nothing_of_other_accounts(grant: Grant, expected: str) -> None:
    assert reason(grant, NOW) == expected
    assert "cluster" not in expected
