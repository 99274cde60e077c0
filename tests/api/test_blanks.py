"""Blanks alone name nobody and say nothing: a name of them is refused, a note of them is none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.answers import is_problem

BLANKS = ["", " ", "   ", "\u00a0", "\u2003 \u3000"]


@pytest.fixture
def review(client: Any) -> str:
    body = {"account": {"user_id": "u_1"}, "email": {"address": "ana@mailinator.com"}}
    return str(client.post("/v1/signups", json=body).json["review_id"])


@pytest.mark.parametrize("name", BLANKS)
@pytest.mark.parametrize("step", ["claim", "release", "escalate", "decide", "undo"])
def test_blanks_are_no_reviewer(client: Any, review: str, step: str, name: str) -> None:
    more = {"decision": "allow", "label": "legitimate"} if step == "decide" else {}
    found = client.post(f"/v1/reviews/{review}/{step}", json={**more, "reviewer": name})
    assert is_problem(found, 422, "invalid")["errors"][0]["pointer"] == "/reviewer"
    assert client.get(f"/v1/reviews/{review}").json["status"] == "open"


@pytest.mark.parametrize("name", ["ana", " ana", "Ana Ruiz ", "阿娜", "."])
def test_anything_else_on_a_line_is(client: Any, review: str, name: str) -> None:
    assert client.post(f"/v1/reviews/{review}/claim", json={"reviewer": name}).json["reviewer"] == name


@pytest.mark.parametrize("note", BLANKS)
def test_blanks_are_no_reason(client: Any, review: str, note: str) -> None:
    path = f"/v1/reviews/{review}"
    client.post(f"{path}/escalate", json={"reason": "unsure"})
    assert client.post(f"{path}/escalate", json={"reason": note}).json["escalation_reason"] == "unsure"
    body = {"decision": "limit", "label": "abuse", "reason": note}
    assert client.post(f"{path}/decide", json=body, headers={"Idempotency-Key": "k"}).status_code == 200
    # What was understood is the same.
    again = client.post(f"{path}/decide", json={**body, "reason": None}, headers={"Idempotency-Key": "k"})
    assert again.headers["Idempotent-Replay"] == "true"
    assert client.get(path).json["reason"] is None
    assert client.post(f"{path}/undo", json={"reason": note}).status_code == 200
    label = {"label": "abuse", "source": "appeal", "note": note}
    assert client.post("/v1/accounts/u_1/labels", json=label).json["labels"][-1]["note"] is None
    reasons = [row["reason"] for row in client.get("/v1/accounts/u_1").json["history"]]
    assert not [each for each in reasons if each is not None and not each.strip()]


@pytest.mark.parametrize("note", BLANKS)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/accounts/u_1/caps", {"hourly": 1, "reason": None}),
        ("POST", "/v1/policy/attack", {"until": "2026-11-23T00:00:00Z", "note": None}),
        ("POST", "/v1/policy/rollback", {"version": 1, "note": None}),
        ("POST", "/v1/lists/deny", {"kind": "email_domain", "value": "spam.example", "reason": None}),
        ("POST", "/v1/clusters/clu_1/cut", {"user_id": "u_1", "reason": None}),
    ],
)
def test_a_reason_that_is_kept_for_those_who_come_after_says_something(
    client: Any, method: str, path: str, body: dict[str, Any], note: str
) -> None:
    said = {name: note if name in ("reason", "note") else value for name, value in body.items()}
    assert is_problem(client.open(path, method=method, json=said, headers={"If-Match": "*"}), 422, "invalid")
