"""The page Keys: for admins, each secret shown once, rotated with a day of both, revoked at once, all of it noted."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from riskapi.access.api_keys import OVERLAP, ApiKeys
from riskapi.access.audit_log import AuditLog
from riskapi.access.users import Role
from riskapi.api.parts import Parts
from riskapi.console.access_parts import AccessParts
from riskapi.store.connections import Store
from tests.conftest import NOW, Clock
from tests.console.visitor import Visitor, signed_in


@pytest.fixture
def admin(session_site: Flask, access_parts: AccessParts) -> Visitor:
    made = signed_in(session_site, access_parts, "ana", "admin", NOW)
    made.get("/console/keys")
    return made


def secret(visitor: Visitor) -> str:
    found = re.search(r"<code>(rk_[\w-]+)</code>", visitor.text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("role", ["viewer", "reviewer", "growth"])
def test_others_may_not(session_site: Flask, access_parts: AccessParts, role: Role) -> None:
    visitor = signed_in(session_site, access_parts, "x", role, NOW)
    assert visitor.get("/console/keys").status_code == 403
    visitor.get("/console/account")
    token = visitor.token()
    for path in ("", "/0123456789abcdef/rotate", "/0123456789abcdef/revoke"):
        assert visitor.post(f"/console/keys{path}", token=token).status_code == 403


def test_without_keys_it_says_how_to_make_one(admin: Visitor) -> None:
    assert "python -m riskapi keys create" in admin.text and "RISKAPI_BOOTSTRAP_KEY" in admin.text


def test_a_key_is_made_shown_once_rotated_and_revoked(admin: Visitor, parts: Parts, store: Store) -> None:
    admin.post("/console/keys", name="signup-flow", scope=["signups", "sends"], rate="50")
    first = secret(admin)
    found = parts.keys.find(first)
    assert found is not None and (found.scopes, found.rate_limit) == (frozenset({"signups", "sends"}), 50.0)
    admin.get("/console/keys")
    assert first not in admin.text and "sends, signups" in admin.text
    admin.post(f"/console/keys/{found.id}/rotate")
    second = secret(admin)
    assert second != first and "(ends " in admin.text
    assert parts.keys.find(first) is not None and parts.keys.find(second) is not None
    admin.post(f"/console/keys/{found.id}/revoke")
    assert "is revoked" in admin.text
    assert parts.keys.find(first) is None and parts.keys.find(second) is not None
    assert [note.action for note in AuditLog(store).latest(3)] == ["key revoked", "key rotated", "key made"]
    assert first not in str(AuditLog(store).latest(10))


@pytest.mark.parametrize(
    "form",
    [
        {"name": "", "scope": "signups"},
        {"name": "x"},
        {"name": "x", "scope": "root"},
        {"name": "x", "scope": "signups", "rate": "many"},
        {"name": "x", "scope": "signups", "rate": "-1"},
        {"name": "x", "scope": "signups", "rate": "nan"},
    ],
)
def test_what_is_no_key_is_said(admin: Visitor, parts: Parts, form: dict[str, str]) -> None:
    assert admin.post("/console/keys", **form).status_code == 422
    assert 'role="alert"' in admin.text and parts.keys.list() == []


def test_a_form_without_its_token_changes_nothing(admin: Visitor, parts: Parts) -> None:
    assert admin.post("/console/keys", token="wrong", name="x", scope="signups").status_code == 422
    assert parts.keys.list() == []


def test_an_unknown_key_is_not_found(admin: Visitor) -> None:
    token = admin.token()
    for word in ("rotate", "revoke"):
        assert admin.post(f"/console/keys/0123456789abcdef/{word}", token=token).status_code == 404


def test_a_name_is_text(admin: Visitor) -> None:
    admin.post("/console/keys", name="<script>alert(1)</script>{{7*7}}", scope="signups")
    assert "<script>alert" not in admin.text and "{{7*7}}" in admin.text


def test_the_key_before_ends_a_day_after_it_was_rotated(store: Store) -> None:
    clock = Clock()
    keys = ApiKeys(store, clock=clock, fresh=0.0)
    first = keys.create("flow", ["signups"])
    [row] = keys.list()
    second = keys.rotate(row["id"])
    assert second is not None
    clock.now += OVERLAP - 1
    keys.rotate(row["id"])  # does not put its end off
    assert keys.find(first) is not None
    clock.now += 2
    assert keys.find(first) is None and keys.find(second) is not None
    assert len(keys.list()) == 2


@pytest.mark.parametrize("meanwhile", ["revoked", "rotated"])
def test_of_two_who_change_a_key_at_the_same_time_neither_undoes_the_other(store: Store, meanwhile: str) -> None:
    first = ApiKeys(store)
    plain = first.create("flow", ["signups"])
    (row,) = first.list()
    came = list[str | None]()

    def clock() -> float:  # asked as the first has read the table
        if not came:
            came.append(None)
            other = ApiKeys(store, clock=lambda: 0.0)
            came.append(other.rotate(row["id"]) if meanwhile == "rotated" else str(other.revoke(row["id"])))
        return 0.0

    made = ApiKeys(store, clock=clock).rotate(row["id"])
    keys = ApiKeys(store, clock=lambda: OVERLAP + 1)
    assert keys.find(plain) is None
    if meanwhile == "revoked":
        assert made is None and keys.list() == [] and ApiKeys(store, clock=lambda: 0.0).find(plain) is None
    else:
        assert made is not None and keys.find(made) is not None and keys.find(str(came[1])) is not None
