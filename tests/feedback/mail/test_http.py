"""Raw mail by POST: believed with a key or an allowed reporter's signature, counted once, always answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from riskapi.access.api_keys import ApiKeys
from riskapi.api.flask_app import build
from riskapi.app import assemble
from riskapi.errors import StoreUnavailable
from riskapi.feedback.intake import Intake
from riskapi.feedback.mail.dkim import KeyUnavailable, Lookup, Signed, signed_by
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.conftest import BOOTSTRAP_KEY, Clock
from tests.feedback.mail.corpus import EXPECTED, mail
from tests.feedback.mail.signing import ALLOWED, lookup, signed

MAIL = "message/rfc822"
KEY = {"Authorization": f"Bearer {BOOTSTRAP_KEY}"}


#: What DNS does; a test may replace it.
DNS: dict[str, Lookup] = {}


@pytest.fixture(scope="module")
def application(session_store: Store, session_settings: Settings, ip_data: object) -> FlaskClient:
    """The application, one for all tests: what it holds is in the store."""
    session_store.execute("FLUSHALL")  # of whoever had another link key
    service = assemble(session_settings, session_store, Clock())

    def signed(raw: bytes, now: float) -> Signed | None:
        return signed_by(raw, ALLOWED, DNS["lookup"], now)

    return build(replace(service.parts, signed=signed)).test_client()


@pytest.fixture
def http(application: FlaskClient, store: Store) -> FlaskClient:
    """The application on the empty store, with two accounts."""
    DNS["lookup"] = lookup()
    for user in ("u_1001", "u_2002"):
        store.execute("HSET", account_key(user), "tier", "allow")
    return application


def post(http: FlaskClient, feed: str, raw: bytes, media: str = MAIL, **headers: str) -> TestResponse:
    return http.post(f"/v1/feedback/{feed}", data=raw, content_type=media, headers=headers)


def told(answer: TestResponse) -> tuple[int, ...]:
    assert answer.status_code == 200 and answer.json is not None, answer.text
    return tuple(
        answer.json[name] for name in ("accepted", "duplicates", "unknown_accounts", "ignored", "not_understood")
    )


COUNTED = {"delivered", "hard_bounce", "soft_bounce", "complaint", "block", "unsubscribe", "spam_trap", "not_spam"}


def names_u_1001(report: dict[str, Any]) -> bool:
    """Whether anything in a report names this account, and nothing before it another."""
    account = report.get("account")
    if account not in (None, []):
        return bool(account == "u_1001")
    return "u_1001" in report.get("return_path", "") or ":u_1001:" in report.get("feedback_id", "")


@pytest.mark.parametrize("name", EXPECTED)
def test_every_mail_of_the_corpus_is_answered_and_counted_once(http: FlaskClient, name: str) -> None:
    row = EXPECTED[name]
    first = told(post(http, row["feed"], mail(name), **KEY))
    again = told(post(http, row["feed"], b"Message-ID: <another@bounce.example>\n" + mail(name), **KEY))
    named = [each for each in row.get("reports", []) if names_u_1001(each) and each["type"] in COUNTED]
    assert first[:2] == (len(named), 0)
    assert again[:2] == (0, len(named))
    assert first[4] == row.get("not_understood", 0)


def test_a_complaint_and_a_bounce_are_in_the_account(http: FlaskClient) -> None:
    assert told(post(http, "arf", mail("jmrp-2026"), **KEY)) == (1, 0, 0, 0, 0)
    assert told(post(http, "dsn", mail("postfix-spamhaus"), **KEY)) == (1, 0, 0, 0, 0)
    assert told(post(http, "dsn", mail("qmail-nomailbox"), **KEY)) == (1, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("feed", "raw", "status", "code"),
    [
        ("arf", b"", 400, "not_this_feed"),
        ("dsn", b'{"events": []}', 400, "not_this_feed"),
        ("arf", mail("postfix-spamhaus"), 400, "not_this_feed"),
        ("dsn", mail("arf-abuse"), 400, "not_this_feed"),
        ("dsn", b"Subject: x\n\n" + b"a" * (5 * 1024 * 1024), 413, "payload_too_large"),
    ],
)
def test_what_is_no_mail_of_the_kind_is_refused(
    http: FlaskClient, feed: str, raw: bytes, status: int, code: str
) -> None:
    answer = post(http, feed, raw, **KEY)
    assert answer.json is not None and (answer.status_code, answer.json["code"]) == (status, code)


def test_a_mail_of_five_mebibytes_is_read(http: FlaskClient) -> None:
    raw = mail("postfix-spamhaus")
    assert told(post(http, "dsn", raw + b"\n" * (5 * 1024 * 1024 - len(raw)), **KEY))[0] == 1


@pytest.mark.parametrize("media", ["application/json", "text/plain", "", "multipart/report"])
def test_it_must_be_announced_as_a_mail(http: FlaskClient, media: str) -> None:
    for feed in ("arf", "dsn"):
        answer = post(http, feed, mail("arf-abuse"), media, **KEY)
        assert answer.json is not None and answer.status_code == 415
        assert answer.json["detail"] == "Send Content-Type: message/rfc822."


def test_without_a_key_only_an_allowed_reporter_is_believed(http: FlaskClient) -> None:
    assert post(http, "arf", mail("arf-abuse")).status_code == 401
    assert post(http, "arf", signed(domain=b"evil.example")).status_code == 401
    assert post(http, "arf", signed(), Authorization="Bearer wrong").status_code == 401
    assert told(post(http, "arf", signed())) == (1, 0, 0, 0, 0)
    assert told(post(http, "arf", signed())) == (0, 1, 0, 0, 0)
    assert told(post(http, "arf", mail("arf-abuse"), **KEY))[:2] == (0, 1)  # the same, by another way


def test_a_key_needs_the_scope(http: FlaskClient, store: Store) -> None:
    other = ApiKeys(store).create("other", ["sends"])
    assert post(http, "arf", mail("arf-abuse"), Authorization=f"Bearer {other}").status_code == 403


def test_silent_dns_has_it_sent_again(http: FlaskClient) -> None:
    def silent(name: str) -> str | None:
        raise KeyUnavailable("DNS does not say")

    DNS["lookup"] = silent
    answer = post(http, "arf", signed())
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    DNS["lookup"] = lookup()
    assert told(post(http, "arf", signed()))[0] == 1


def test_mails_without_a_key_are_few(http: FlaskClient) -> None:
    answers = [post(http, "arf", mail("arf-abuse")).status_code for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2


def test_a_store_that_is_away_has_it_sent_again(http: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*given: Any) -> Any:
        raise StoreUnavailable("away")

    monkeypatch.setattr(Intake, "take_reports", away)
    assert post(http, "dsn", mail("postfix-spamhaus"), **KEY).status_code == 503
