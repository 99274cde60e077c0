"""The pages of webhooks: for admins, what failed and why, sent again, disabled and enabled, all of it noted."""

from __future__ import annotations

import re
import time

import pytest
from flask import Flask

from riskapi.access.audit_log import AuditLog
from riskapi.access.users import Role
from riskapi.api.parts import Parts
from riskapi.console.access_parts import AccessParts
from riskapi.console.pages.webhooks import ERRORS
from riskapi.store.connections import Store
from riskapi.webhooks.deliveries import DeliveryOutcome
from tests.conftest import NOW
from tests.console.visitor import Visitor, signed_in

#: Nobody resolves it, so it may be registered; what it resolves to later is looked at before anything is sent.
URL = "https://hooks.ruiz.example/riskapi?secret=abc"


@pytest.fixture
def admin(session_site: Flask, access_parts: AccessParts) -> Visitor:
    made = signed_in(session_site, access_parts, "ana", "admin", NOW)
    made.get("/console/webhooks")
    return made


@pytest.fixture
def hook(parts: Parts) -> str:
    return parts.webhooks.create(URL, ["tier.changed"], "kim", NOW)["id"]


@pytest.fixture
def failed(parts: Parts, hook: str) -> str:
    """A delivery that was given up."""
    sent = parts.notices.test(hook, "name")["id"]
    now = time.time()  # notices go by the real clock
    [taken] = parts.deliveries.take(hook, now, 30.0, 1)
    parts.deliveries.finish(taken, DeliveryOutcome(503, "status", gone=True), now)
    assert parts.deliveries.get(sent)["status"] == "dead"
    return sent


@pytest.mark.parametrize("role", ["viewer", "reviewer", "growth"])
def test_others_may_not(session_site: Flask, access_parts: AccessParts, hook: str, role: Role) -> None:
    visitor = signed_in(session_site, access_parts, "x", role, NOW)
    for path in ("", f"/{hook}"):
        assert visitor.get(f"/console/webhooks{path}").status_code == 403
    visitor.get("/console/account")
    token = visitor.token()
    for path in ("", f"/{hook}", f"/{hook}/replay", f"/{hook}/deliveries/msg_1"):
        assert visitor.post(f"/console/webhooks{path}", token=token).status_code == 403


def test_without_webhooks_it_says_how_to_register_one(admin: Visitor) -> None:
    assert "Nobody is told of changes" in admin.text and "POST /v1/webhooks" in admin.text


def test_an_endpoint_is_registered_and_its_secret_shown_once(admin: Visitor, hook: str, parts: Parts) -> None:
    admin.post("/console/webhooks", url="https://hooks.bos.example/in", event=["tier.changed", "review.opened"])
    found = re.search(r"<code>(whsec_[^<]+)</code>", admin.text)
    assert found is not None
    admin.get("/console/webhooks")
    assert found[1] not in admin.text and "hooks.bos.example" in admin.text
    assert len(parts.webhooks.list()["webhooks"]) == 2


@pytest.mark.parametrize(
    "form",
    [
        {"url": "https://hooks.bos.example/in"},
        {"url": "https://hooks.bos.example/in", "event": "nothing"},
        {"url": "http://127.0.0.1/in", "event": "tier.changed"},
        {"url": "https://127.0.0.1/in", "event": "tier.changed"},
        {"url": "<script>alert(1)</script>{{7*7}}", "event": "tier.changed"},
    ],
)
def test_what_is_no_endpoint_is_said(admin: Visitor, parts: Parts, form: dict[str, str]) -> None:
    assert admin.post("/console/webhooks", **form).status_code == 422
    assert 'role="alert"' in admin.text and "<script>alert" not in admin.text
    assert parts.webhooks.list()["webhooks"] == []


def test_deliveries_say_what_failed_and_are_sent_again(admin: Visitor, parts: Parts, hook: str, failed: str) -> None:
    admin.get("/console/webhooks")
    assert re.search(rf"/console/webhooks/{hook}", admin.text)
    admin.get(f"/console/webhooks/{hook}")
    assert "it answered 503" in admin.text and failed in admin.text and "given up 1" in admin.text
    admin.post(f"/console/webhooks/{hook}/deliveries/{failed}")
    assert "It is sent again" in admin.text and "waiting 1" in admin.text
    assert parts.deliveries.get(failed)["status"] == "pending"


def test_all_that_was_given_up_is_sent_again(admin: Visitor, parts: Parts, hook: str, failed: str) -> None:
    parts.deliveries.redeliver(hook, failed, parts.clock())
    [taken] = parts.deliveries.take(hook, parts.clock(), 30.0, 1)
    parts.deliveries.finish(taken, DeliveryOutcome(410, "status", gone=True), parts.clock())
    admin.get(f"/console/webhooks/{hook}")
    admin.post(f"/console/webhooks/{hook}", do="redeliver")
    assert "Sent again: 1 deliveries" in admin.text


def test_nothing_is_said_to_be_sent_again_while_it_is_disabled(
    admin: Visitor, parts: Parts, hook: str, failed: str
) -> None:
    page = f"/console/webhooks/{hook}"
    parts.webhooks.disable(hook, "person")
    for path, form in ((page, {"do": "redeliver"}), (f"{page}/deliveries/{failed}", {})):
        admin.get(page)
        assert admin.post(path, **form).status_code == 409
        assert "Enable it first" in admin.text and parts.deliveries.get(failed)["status"] == "dead"
    admin.get(page)
    assert "once enabled" in admin.text and "given up again" not in admin.text


def test_it_is_disabled_enabled_tested_rotated_and_deleted(
    admin: Visitor, parts: Parts, hook: str, store: Store
) -> None:
    page = f"/console/webhooks/{hook}"
    admin.get(page)
    admin.post(page, do="disable")
    assert "by somebody here" in admin.text and parts.webhooks.get(hook)["disabled_reason"] == "person"
    assert "Send again from a time on" not in admin.text
    admin.post(page, do="enable")
    assert parts.webhooks.get(hook)["enabled"]
    admin.post(page, do="test")
    assert "waiting 1" in admin.text
    admin.post(page, do="rotate")
    assert "whsec_" in admin.text and "secret=abc" not in str(AuditLog(store).latest(10))
    admin.post(page, do="nonsense")
    assert "expected enable" in admin.text
    admin.get(page)
    admin.post(page, do="delete")
    assert parts.webhooks.list()["webhooks"] == [] and admin.path == "/console/webhooks"
    done = ["delete", "rotate", "test", "enable", "disable"]
    assert [note.action for note in AuditLog(store).latest(5)] == [f"webhook {each}" for each in done]


@pytest.mark.parametrize(
    ("since", "status"), [("2020-01-01T00:00", 200), ("yesterday", 422), ("2026-02-31T00:00", 422)]
)
def test_it_is_sent_again_from_a_time_on(admin: Visitor, hook: str, since: str, status: int) -> None:
    admin.get(f"/console/webhooks/{hook}")
    answer = admin.post(f"/console/webhooks/{hook}/replay", since=since)
    assert answer.status_code == status
    assert ("0 events are sent again" in admin.text) == (status == 200) != ('role="alert"' in admin.text)


def test_an_unknown_webhook_or_delivery_is_not_found(admin: Visitor, hook: str) -> None:
    token = admin.token()
    assert admin.get("/console/webhooks/whk_0").status_code == 404
    assert admin.post(f"/console/webhooks/{hook}/deliveries/msg_0", token=token).status_code == 404
    admin.get(f"/console/webhooks/{hook}?cursor=nonsense&status=nothing")
    assert admin.page is not None and admin.page.status_code == 422


def test_every_error_of_a_delivery_has_words() -> None:
    assert set(ERRORS) == {"timeout", "connect", "tls", "broken", "refused", "queue_full", "defect"}
