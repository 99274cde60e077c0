"""``GET /v1/audit``, and what callers leave in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi.access.audit_chain import verify
from riskapi.access.audit_log import STREAM, AuditLog
from riskapi.api.flask_app import ROUTES
from riskapi.errors import StoreUnavailable
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.requests import GOOD

Ask = Callable[..., tuple[int, dict[str, Any]]]


def notes(ask: Ask, query: str = "") -> list[dict[str, Any]]:
    status, page = ask("GET", "/v1/audit", f"/v1/audit{query}")
    assert status == 200
    return list(page["notes"])


def test_what_a_caller_does_is_noted_with_its_ids_and_without_values(
    ask: Ask, client: FlaskClient, store: Store
) -> None:
    entry = {"kind": "email", "value": "ana@ruiz.example", "reason": "Ana Ruiz asked"}
    made = client.post("/v1/lists/deny", json=entry).get_json()
    client.delete(f"/v1/lists/deny/{made['id']}")
    client.post("/v1/signups", data=GOOD, content_type="application/json")
    client.post("/v1/accounts/u/labels", json={"label": "abuse", "source": "manual_review", "note": "Ana Ruiz"})
    hook = client.post("/v1/webhooks", json={"url": "https://hooks.ruiz.example/x", "events": ["tier.changed"]})
    client.get("/v1/lists/deny/export.csv")
    found = notes(ask)
    assert [(note["action"], note["subject"]) for note in reversed(found)] == [
        ("list entry put", made["id"]),
        ("list entry removed", made["id"]),
        ("labelled", "u"),
        *([("webhook made", hook.get_json()["id"])] if hook.status_code == 201 else []),
        ("list exported", "deny"),
    ]
    assert {note["actor"] for note in found} == {"key bootstrap"}
    assert found[-1]["details"] == {"kind": "email", "list": "deny"} and found[-1]["number"] == 1
    assert b"ruiz" not in repr(store.execute("XRANGE", STREAM, "-", "+")).encode().lower()
    assert verify(store).fault is None


def test_a_policy_that_waits_is_noted_by_its_id_and_does_not_wait_once_withdrawn(ask: Ask, client: FlaskClient) -> None:
    found = client.get("/v1/policy").get_json()["policy"]
    found["publishing"]["loosening_needs_second"] = True
    client.put("/v1/policy", json={"policy": found, "note": "two"}, headers={"If-Match": "*"})
    found["tiers"]["review"]["daily"] += 1
    made = client.put("/v1/policy", json={"policy": found, "note": "more"}, headers={"If-Match": "*"})
    assert made.status_code == 202
    waits = made.get_json()["proposal_id"]
    assert client.delete(f"/v1/policy/proposals/{waits}").status_code == 200
    assert [(note["action"], note["subject"], note["details"]) for note in notes(ask)[:2]] == [
        ("policy withdrawn", waits, {}),
        ("policy published", waits, {"state": "waits for a second person"}),
    ]


def test_what_was_not_done_is_not_noted(ask: Ask, client: FlaskClient) -> None:
    assert client.post("/v1/lists/deny", json={"kind": "email", "value": "no address"}).status_code == 422
    assert client.delete("/v1/lists/deny/ent_1").status_code == 404
    client.post("/v1/lists/deny/bulk", json={"entries": [{"kind": "asn", "value": "64500"}], "dry_run": True})
    client.post("/v1/signups", data=GOOD, content_type="application/json")
    assert notes(ask) == []


def test_a_repeated_request_is_noted_once(ask: Ask, client: FlaskClient) -> None:
    for _ in range(2):
        body, headers = {"kind": "asn", "value": "64500"}, {"Idempotency-Key": "once"}
        assert client.post("/v1/lists/watch", json=body, headers=headers).status_code == 201
    assert len(notes(ask)) == 1


def test_what_cannot_be_noted_is_not_answered_as_done(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(AuditLog, "note", refuse)
    answer = client.post("/v1/lists/watch", json={"kind": "asn", "value": "64500"})
    assert answer.status_code == 503


def test_pages_go_on_where_the_one_before_ended(ask: Ask, store: Store) -> None:
    audit = AuditLog(store)
    for number in range(7):
        audit.note("rule calm" if number % 2 else "ana", "decided", f"rev_{number}", NOW + number)
    _, first = ask("GET", "/v1/audit", "/v1/audit?actor=ana&limit=3")
    _, rest = ask("GET", "/v1/audit", f"/v1/audit?actor=ana&limit=3&cursor={first['next_cursor']}")
    assert [note["subject"] for note in (*first["notes"], *rest["notes"])] == ["rev_6", "rev_4", "rev_2", "rev_0"]
    assert rest["next_cursor"] is None
    day = "2026-01-01T00:00:00Z"
    assert len(notes(ask, f"?since={day}")) == 7 and notes(ask, f"?until={day}") == []


def test_every_route_that_changes_what_is_decided_is_audited() -> None:
    found = {(route.method, route.path) for route in ROUTES if route.method != "GET" and route.audited is None}
    # What happens to accounts, what only asks, and what reviewers do before they decide.
    assert {path for _, path in found if "/v1/feedback" not in path} == {
        "/v1/signups",
        "/v1/accounts/{user_id}/sends",
        "/v1/reservations/{reservation_id}/release",
        "/v1/reservations/{reservation_id}/messages",
        "/v1/accounts/{user_id}/events",
        "/v1/reviews/{review_id}/claim",
        "/v1/reviews/{review_id}/release",
        "/v1/policy/simulations",
        "/v1/policy/suggestions",
        "/v1/webhooks/{webhook_id}/test",
    }


@pytest.mark.parametrize("query", ["cursor=x", "limit=0", "limit=201", "who=ana", "since=yesterday", "actor="])
def test_a_query_that_is_none_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/v1/audit?{query}").status_code == 422
