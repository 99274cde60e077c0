"""Nothing that is sent stops a reader: bombs, broken charsets, cut mails and mutations of the corpus."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from riskapi.feedback.mail import bounce, complaint
from riskapi.feedback.mail.message import MAX_MAIL, NotThisKind, open_mail
from riskapi.feedback.reports import Received
from tests.conftest import NOW
from tests.feedback.mail.corpus import EXPECTED, mail

READERS = (bounce.read, complaint.read)
NAMES = sorted(EXPECTED)
HEAD = b"From: mailer-daemon@example.net\nTo: x@mail.saas.example\nSubject: Undelivered mail\n"


def read(raw: bytes) -> list[Received]:
    """What both readers make of it; the one error that they declare is an answer."""
    found = []
    for reader in READERS:
        try:
            found.append(reader(raw, NOW, "X-Account-Id"))
        except NotThisKind as error:
            assert str(error)
    return found


def nested(levels: int, inner: bytes = b"bo@example.net: 550 5.1.1 user unknown") -> bytes:
    made = b"Content-Type: text/plain\n\n" + inner
    for level in range(levels):
        edge = b"b%d" % level
        made = b"Content-Type: multipart/mixed; boundary=%s\n\n--%s\n%s\n--%s--\n" % (edge, edge, made, edge)
    return HEAD + made


BOMBS: dict[str, Callable[[], bytes]] = {
    "nested": lambda: nested(2000),
    "parts": lambda: (
        HEAD + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n" + b"--b\n\n" * 900_000
    ),
    "boundaries that nobody closes": lambda: nested(200) + b"\n" * 4_000_000,
    "fields": lambda: b"X-A: b\n" * 700_000,
    "one long field": lambda: b"X-A: " + b"b" * 5_000_000,
    "folded": lambda: b"X-A: b\n" + b" c\n" * 1_500_000,
    "parameters": lambda: HEAD + b"Content-Type: multipart/mixed; " + b'a="b;";' * 500_000 + b"\n\nx",
    "continued parameters": lambda: (
        HEAD + b"Content-Type: multipart/mixed" + b"".join(b"; boundary*%d*=a" % n for n in range(200_000)) + b"\n\nx"
    ),
    "base64": lambda: (
        HEAD + b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"<" * 3_500_000)
    ),
    "recipients": lambda: (
        HEAD
        + b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\n"
        + b"Final-Recipient: rfc822; bo@example.net\nAction: failed\nStatus: 5.1.1\n\n" * 60_000
    ),
    "distinct recipients": lambda: (
        HEAD
        + b"\nReporting-MTA: dns; a.example\n\n"
        + b"".join(
            b"Final-Recipient: rfc822; b%d@example.net\nAction: failed\nStatus: 5.0.0\n\n" % n for n in range(60_000)
        )
    ),
    "failed recipients": lambda: (
        HEAD + b"".join(b"X-Failed-Recipients: b%d@example.net\n" % n for n in range(100_000)) + b"\nno"
    ),
    "addresses": lambda: HEAD + b"\n" + b"bo@example.net cy@example.net\n" * 160_000,
    "at signs": lambda: HEAD + b"\n" + b"a@" * 2_500_000,
    "tags": lambda: HEAD + b"Content-Type: text/html\n\n" + b"<" * 2_500_000 + b"<style" * 400_000,
    "encoded words": lambda: b"Subject: " + b"=?punycode?b?YWFh?= " * 200_000 + b"\n\nx",
    "idna": lambda: b"Subject: =?idna?q?" + b"a" * 4_000_000 + b"?=\n\nx",
    "charset that is none": lambda: HEAD + b"Content-Type: text/plain; charset=zlib_codec\n\n" + b"\xff" * 1000,
    "dashes": lambda: HEAD + b"\n" + b"-" * 5_000_000,
    "dashed lines": lambda: HEAD + b"\n" + b"---------- x\n" * 350_000,
    "spaces": lambda: HEAD + b"\n" + b" " * 5_000_000,
    "colons": lambda: HEAD + b"\n" + b"a:" * 2_000_000,
    "incidents": lambda: mail("arf-incidents").replace(b"Incidents: 3", b"Incidents: 999999999"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_read_in_bounded_time_and_space(name: str) -> None:
    raw = BOMBS[name]()[:MAX_MAIL]
    read(mail("postfix-spamhaus"))  # tables are loaded
    started = process_time()
    found = read(raw)
    assert process_time() - started < 5.0  # a fraction of a second, unless something is quadratic
    assert all(len(received.reports) <= 200 for received in found)
    with suppress(NotThisKind):
        parts = list(open_mail(raw).walk())
        assert len(parts) <= 60 and all(len(part.content) <= 262_144 for part in parts)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"\0",
        b"{}",
        b'{"events": []}',
        b"\xff\xfe",
        b"no header at all",
        b" folded: first",
        b":",
        b"\r",
        b"\n\nbody only",
        b"a" * (MAX_MAIL + 1),
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_what_is_no_mail_is_told_so(raw: bytes) -> None:
    with pytest.raises(NotThisKind):
        open_mail(raw)
    assert read(raw) == []


@pytest.mark.parametrize("name", ["postfix-spamhaus", "qmail-nomailbox", "arf-abuse", "qq-exmail"])
def test_half_a_mail_is_read_as_far_as_it_goes(name: str) -> None:
    raw = mail(name)
    for end in range(0, len(raw), 7):
        read(raw[:end])


def test_nuls_mixed_line_ends_and_an_mbox_line_change_nothing() -> None:
    raw = mail("postfix-spamhaus")
    wanted = read(raw)[0].reports
    lines = raw.split(b"\n")
    mixed = b"".join(line + (b"\r", b"\n", b"\r\n")[at % 3] for at, line in enumerate(lines))
    for changed in (
        raw.replace(b"a", b"\0a"),
        mixed,
        b"From bounces Sun Nov 22 09:00:00 2026\n" + raw,
        b"\xef\xbb\xbf" + raw,
    ):
        assert read(changed)[0].reports == wanted


def test_a_bounce_of_a_bounce_reports_the_outer_one_alone() -> None:
    inner = mail("postfix-gmail-unknown")
    outer = mail("postfix-timeout-expired")
    head, _, _ = outer.partition(b"Content-Type: message/rfc822\n\n")
    edge = outer.rstrip().splitlines()[-1]
    found = read(head + b"Content-Type: message/rfc822\n\n" + inner + b"\n" + edge + b"\n")[0]
    assert [report.diagnosis for report in found.reports] == ["soft"]


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
@pytest.mark.parametrize("name", ["postfix-spamhaus", "arf-abuse"])
def test_a_returned_mail_that_hides_nuls_in_its_encoding_is_read(name: str, kind: str) -> None:
    lines = (
        b"X-Account-Id: =?utf-8\0?q?u=5F1?=",
        b"Subject: =?iso-8859-1\0?b?aGk=?=",
        b"Message-ID: <\0a@b.example>",
        b"",
    )
    inner = b"\r\n".join((*lines, b"hi\r\n"))
    edge = mail(name).rstrip().splitlines()[-1].removesuffix(b"--")
    made = b"\nContent-Type: %s\nContent-Transfer-Encoding: base64\n\n" % kind.encode() + base64.encodebytes(inner)
    outer = mail(name)
    for at in [place for place in range(len(outer)) if outer.startswith(edge + b"\n", place)]:
        for received in read(outer[:at] + edge + made + outer[at:]):
            assert "\0" not in repr(received)


CHUNKS = st.sampled_from(
    [
        b"",
        b"\0",
        b"\r",
        b"\n",
        b"\n\n",
        b"--",
        b"=?",
        b"\xff",
        b"\xe2\x80",
        b";",
        b":",
        b"@",
        b"<",
        b"Content-Type: multipart/mixed; boundary=x\n",
        b"Content-Transfer-Encoding: base64\n",
        b"\x1b$B",
        b"x" * 2000,
        b"Final-Recipient: ",
        b"5.1.1",
    ]
)


@effort(max_examples=400)
@given(st.sampled_from(NAMES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 200), CHUNKS), max_size=8))
def test_mutations_of_the_corpus_get_an_answer(name: str, edits: list[tuple[float, int, bytes]]) -> None:
    raw = mail(name)
    for place, cut, put in edits:
        at = int(place * len(raw))
        raw = raw[:at] + put + raw[at + cut :]
    read(raw)


@effort(max_examples=200)
@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.floats(0, 1), st.floats(0, 1))
def test_two_mails_cut_and_joined_get_an_answer(one: str, other: str, end: float, start: float) -> None:
    first, second = mail(one), mail(other)
    read(first[: int(end * len(first))] + second[int(start * len(second)) :])


@effort(max_examples=200)
@given(st.binary(max_size=3000))
def test_any_bytes_get_an_answer(raw: bytes) -> None:
    read(raw)
    read(HEAD + raw)
