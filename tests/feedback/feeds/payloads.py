"""Payloads of one event of each provider, as documented, about one recipient of the account u_1."""

from __future__ import annotations

from typing import Any

from riskapi.feedback.feeds.feed import ProviderFeed
from riskapi.feedback.reports import Report
from riskapi.times import rfc3339
from tests.conftest import NOW
from tests.feedback.feeds.senders import SENDERS


def sendgrid(event: str, **more: Any) -> Any:
    found = {"email": "bo@ruiz.example", "timestamp": int(NOW), "sg_event_id": "e_1", "sg_message_id": "m_1"}
    return [{**found, "event": event, "account_id": "u_1", **more}]


def mailgun(event: str, **more: Any) -> Any:
    found = {"id": "e_1", "timestamp": NOW, "event": event, "recipient": "bo@ruiz.example"}
    return {**found, "user-variables": {"account_id": "u_1"}, "message": {"headers": {"message-id": "m_1"}}, **more}


def refused(code: int, said: str, **more: Any) -> Any:
    status = {"attempt-no": 1, "message": said, "code": code, "description": "", "session-seconds": 0.4}
    return {"severity": "permanent", "reason": "bounce", "delivery-status": status, **more}


def postmark(record: str, **more: Any) -> Any:
    found = {"RecordType": record, "MessageID": "m_1", "Tag": "Test", "Metadata": {"account_id": "u_1"}}
    return {**found, "Email": "bo@ruiz.example", "ID": 42, "BouncedAt": "2026-11-22T09:00:00.0000000Z", **more}


def sparkpost(kind: str, family: str = "message_event", **more: Any) -> Any:
    found = {"type": kind, "event_id": "e_1", "timestamp": str(int(NOW)), "rcpt_to": "bo@ruiz.example"}
    return [{"msys": {family: {**found, "rcpt_meta": {"account_id": "u_1"}, "message_id": "m_1", **more}}}]


def resend(kind: str, **more: Any) -> Any:
    data = {"email_id": "m_1", "to": ["bo@ruiz.example"], "tags": [{"name": "account_id", "value": "u_1"}]}
    return {"type": kind, "created_at": rfc3339(NOW), "data": {**data, **more}}


def brevo(event: str, **more: Any) -> Any:
    found = {"event": event, "email": "bo@ruiz.example", "id": 26224, "message-id": "<m_1@x.example>"}
    return {**found, "ts_event": int(NOW), "ts_epoch": int(NOW * 1000), "tags": ["account_id:u_1"], **more}


def mailjet(event: str, error: str = "", about: str = "", **more: Any) -> Any:
    found = {"event": event, "time": int(NOW), "MessageID": 19421777836302490, "email": "bo@ruiz.example"}
    told = {"error": error, "error_related_to": about} if error or about else {}
    return {**found, "CustomID": "", "Payload": '{"account_id": "u_1"}', **told, **more}


def read(providers: dict[str, ProviderFeed], feed: str, payload: Any) -> list[Report]:
    """The reports of a payload; one that makes none must be ignored, not missed."""
    received = providers[feed].read(SENDERS[feed].sent(payload).posted())
    assert received.not_understood == ()
    assert len(received.reports) + received.ignored == 1
    return list(received.reports)
