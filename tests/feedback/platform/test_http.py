"""Feeds over HTTP are heard and refused as they should be, and ``GET /v1/platform`` shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi.access.api_keys import ApiKeys
from riskapi.api.health import _is_fine
from riskapi.api.readiness_notes import NOTED, noted
from riskapi.app import Service
from riskapi.mailbox.handover import Handover
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.feedback.receiving import receive

MAIL = "message/rfc822"
BOUNCE = """From: MAILER-DAEMON@mail.saas.example
To: bounces@mail.saas.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.saas.example

Final-Recipient: rfc822; bo@example.net
Action: failed
Status: 5.1.1

--b--
"""
Ask = Callable[..., tuple[int, dict[str, Any]]]


def rows(view: dict[str, Any], name: str = "feed") -> dict[str, dict[str, Any]]:
    return {row[name]: row for row in view["feeds" if name == "feed" else "receivers"]}


def seen(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(row[name] for name in ("bodies", "understood", "not_understood", "refused"))


@pytest.fixture
def make_app(make_app: Callable[..., Any]) -> Callable[..., Any]:
    """The application with Postmark's feed on."""
    from pydantic import SecretStr

    return lambda **more: make_app(feedback_postmark_auth=SecretStr("riskapi:password"), **more)


def test_bodies_of_every_sort_are_seen(client: FlaskClient, ask: Ask) -> None:
    key = client.environ_base["HTTP_AUTHORIZATION"]
    complaint = {
        "RecordType": "SpamComplaint",
        "ID": 1,
        "Email": "bo@ruiz.example",
        "BouncedAt": "2026-11-22T10:00:00Z",
    }
    good = {"Authorization": "Basic cmlza2FwaTpwYXNzd29yZA=="}

    def post(feed: str, **given: Any) -> int:
        return client.post(f"/v1/feedback/{feed}", **given).status_code

    assert post("postmark", json=complaint, headers=good) == 200
    assert post("postmark", json={"RecordType": "SpamComplaint"}, headers=good) == 200
    assert post("postmark", json=[1], headers=good) == 400
    assert post("postmark", json=complaint, headers={"Authorization": "Basic eDp5"}) == 401
    assert post("mailgun", json=complaint) == 404
    assert post("dsn", data=BOUNCE, content_type=MAIL) == 200
    assert post("dsn", data=b"", content_type=MAIL) == 400  # what `mailbox` asks when it starts
    assert post("dsn", data=BOUNCE, content_type=MAIL, headers={"X-Riskapi-Mailbox": "1"}) == 200
    client.environ_base.pop("HTTP_AUTHORIZATION")
    assert post("arf", data=BOUNCE, content_type=MAIL) == 401
    assert post("arf", data=BOUNCE, content_type=MAIL, headers={"X-Riskapi-Mailbox": "1"}) == 401
    client.environ_base["HTTP_AUTHORIZATION"] = key
    events = [{"id": "1", "type": "delivered", "user_id": "u", "source": "mta"}, {"id": "2"}, 3]
    assert client.post("/v1/feedback", json={"events": events}).status_code == 200
    status, view = ask("GET", "/v1/platform", "/v1/platform")
    assert status == 200
    feeds = rows(view)
    assert seen(feeds["postmark"]) == (3, 1, 2, 1)
    assert seen(feeds["dsn"]) == seen(feeds["mailbox"]) == (1, 1, 0, 0)
    assert seen(feeds["arf"]) == (0, 0, 0, 2)
    assert seen(feeds["json:mta"]) == (1, 1, 2, 0)
    states = {name: feeds[name]["state"] for name in ("postmark", "mailgun", "arf", "json")}
    assert states == {"postmark": "learning", "mailgun": "off", "arf": "never_heard", "json": "never_heard"}


def test_events_are_counted_by_receiving_domain_once(client: FlaskClient, ask: Ask) -> None:
    client.post("/v1/signups", json={"account": {"user_id": "u_1"}, "email": {"address": "a@ruiz.example"}})
    kinds = ["delivered"] * 15 + ["block"] * 5
    events = [
        {"id": f"{number}", "type": kind, "user_id": "u_1", "recipient": "x@Gmail.com"}
        for number, kind in enumerate(kinds)
    ]
    for _ in range(3):
        client.post("/v1/feedback", json={"events": events})
    client.post("/v1/feedback", json={"events": [{**events[-1], "id": "s", "user_id": "stranger"}]})
    _, view = ask("GET", "/v1/platform", "/v1/platform")
    assert rows(view, "domain") == {"gmail.com": {"domain": "gmail.com", "attempted": 20, "blocked": 5, "share": 0.25}}


@pytest.mark.parametrize(("scope", "status"), [("feedback", 200), ("reviews", 200), ("admin", 200), ("sends", 403)])
def test_who_may_look(client: FlaskClient, store: Store, scope: str, status: int) -> None:
    key = ApiKeys(store).create("looks", [scope])
    assert client.get("/v1/platform", headers={"Authorization": f"Bearer {key}"}).status_code == status


def test_an_alarm_is_told_by_readyz_and_makes_nobody_unready(service: Service) -> None:
    receive(service.store, [("block", "a@gmail.com")] * 100 + [("delivered", "a@gmail.com")], NOW)
    service.parts.monitor.step(NOW)
    assert noted(service.store, None, 0)["platform"] == "blocks" and "platform" in NOTED
    assert service.parts.readiness()["platform"] == "blocks"
    assert not _is_fine("blocks"), "else it would prove nothing that it is among those told only"


def test_the_mailbox_says_who_it_is() -> None:
    assert Handover("http://127.0.0.1:1", "key")._headers["X-Riskapi-Mailbox"] == "1"
