"""The page Lists: who may change what, values masked, an entry with what it would name, an import and its undo."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from markupsafe import escape

from riskapi.access.audit_log import AuditLog
from riskapi.access.users import Role
from riskapi.api.parts import Parts
from riskapi.console.access_parts import AccessParts
from riskapi.lists.list_names import ListName
from riskapi.lists.matching import ListKind
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.console.visitor import Visitor, signed_in
from tests.signups import body

DAY = 86400.0
CSV = "kind,value,reason\nemail_domain,spam.example,Phishing\nip,203.0.113.9,\nasn,none,\n"


@pytest.fixture
def reviewer(session_site: Flask, access_parts: AccessParts) -> Visitor:
    made = signed_in(session_site, access_parts, "rea", "reviewer", NOW)
    made.get("/console/lists")
    return made


def put(parts: Parts, kind: ListKind, value: str, *, name: ListName = "deny", at: float = NOW, **more: Any) -> str:
    given: dict[str, Any] = {"expires_at": None, "reason": None, "silences_feedback": False, **more}
    draft = parts.lists.draft(name, kind, value, author="kim", now=at, **given)
    return parts.lists.put(draft, at).entry.id


def listed(parts: Parts) -> list[tuple[str, str, str | None]]:
    page = parts.lists.page(None, None, 50, None, NOW)
    return [(row["list"], row["kind"], row["value"]) for row in page["entries"]]


@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("growth", False), ("reviewer", True), ("admin", True)])
def test_a_role_sees_buttons_it_may_press_and_no_others(
    session_site: Flask, access_parts: AccessParts, parts: Parts, role: Role, may: bool
) -> None:
    entry = put(parts, "email_domain", "spam.example")
    visitor = signed_in(session_site, access_parts, "x", role, NOW)
    visitor.get("/console/lists")
    assert "spam.example" in visitor.text
    assert ("Remove" in visitor.text) == may == ('id="rows"' in visitor.text)
    for path in ("", "/import", "/show", f"/deny/{entry}/remove", "/batches/lsb_00000000000000000000/undo"):
        answer = visitor.post(f"/console/lists{path}", token=visitor_token(visitor))
        assert (answer.status_code == 403) == (not may), path


def visitor_token(visitor: Visitor) -> str:
    visitor.get("/console/account")
    return visitor.token()


def test_a_form_without_its_token_changes_nothing(reviewer: Visitor, parts: Parts) -> None:
    entry = put(parts, "email_domain", "spam.example")
    for path in (f"/deny/{entry}/remove", "", "/import"):
        answer = reviewer.post(f"/console/lists{path}", token="wrong", do="put", list="deny", kind="asn", value="64496")
        assert answer.status_code == 422
    assert listed(parts) == [("deny", "email_domain", "spam.example")]


def test_empty_lists_say_how_to_fill_them(reviewer: Visitor) -> None:
    assert "python -m riskapi lists" in reviewer.text and "The lists are empty" in reviewer.text
    reviewer.get("/console/lists?value=nobody.example")
    assert "No entry is like this" in reviewer.text
    reviewer.get("/console/lists?tab=stale")
    assert "No entry has to be looked at again" in reviewer.text


def test_an_entry_is_checked_put_and_removed(reviewer: Visitor, parts: Parts, store: Store) -> None:
    parts.assessor.signup(body("u_1"), NOW)
    fields = {"list": "watch", "kind": "email_domain", "value": "ruiz.example", "days": "30", "reason": "Look"}
    reviewer.post("/console/lists", do="check", **fields)
    assert "It would name 1 account there are (u_1). Nothing was changed." in reviewer.text
    assert 'value="ruiz.example"' in reviewer.text and listed(parts) == []
    reviewer.post("/console/lists", do="put", **fields)
    assert "It is on the list now." in reviewer.text
    [row] = parts.lists.page(None, None, 50, None, NOW)["entries"]
    assert (row["author"], row["reason"], row["expires_at"] is None) == ("rea", "Look", False)
    reviewer.post(f"/console/lists/watch/{row['id']}/remove")
    assert "The entry is off the list" in reviewer.text and listed(parts) == []
    assert [note.action for note in AuditLog(store).latest(2)] == ["list entry removed", "list entry put"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"value": ""}, "The value is missing"),
        ({"list": "other"}, "Choose a list"),
        ({"kind": "country"}, "Choose a list"),
        ({"days": "-1"}, "from 1 to 9999"),
        ({"kind": "ip", "value": "nowhere"}, 'role="alert"'),
        ({"silences": "1"}, "only an entry of the allow list"),
    ],
)
def test_what_is_no_entry_is_said_and_kept_in_the_form(
    reviewer: Visitor, parts: Parts, changed: dict[str, str], said: str
) -> None:
    fields = {"list": "deny", "kind": "email_domain", "value": "spam.example", "reason": "Kept", "do": "put"}
    answer = reviewer.post("/console/lists", **{**fields, **changed})
    assert answer.status_code == 422 and said.lower() in reviewer.text.lower() and 'value="Kept"' in reviewer.text
    assert listed(parts) == []


def test_an_import_is_checked_done_and_undone(reviewer: Visitor, parts: Parts, store: Store) -> None:
    put(parts, "ip", "203.0.113.9", reason="Before")
    form = {"list": "deny", "format": "csv", "rows": CSV}
    reviewer.post("/console/lists/import", do="check", **form)
    assert "2 rows can be read, 1 cannot" in reviewer.text and len(listed(parts)) == 1
    reviewer.post("/console/lists/import", do="put", **form)
    assert "1 new, 1 written anew, 0 there already, 1 rejected" in reviewer.text and "line 4, value" in reviewer.text
    found = re.search(r"/console/lists/batches/lsb_\w+/undo", reviewer.text)
    assert found is not None
    reviewer.post(found[0])
    assert "Undone: 1 removed, 1 as before, 0 left" in reviewer.text
    [row] = parts.lists.page(None, None, 50, None, NOW)["entries"]
    assert (row["value"], row["reason"]) == ("203.0.113.9", "Before")
    assert [note.action for note in AuditLog(store).latest(2)] == ["list import undone", "list import"]


def test_json_lines_are_taken_too_and_broken_files_are_said(reviewer: Visitor, parts: Parts) -> None:
    reviewer.post("/console/lists/import", do="put", list="watch", format="jsonl", rows='{"kind":"asn","value":64496}')
    assert listed(parts) == [("watch", "asn", "64496")]
    for rows in ("", "no,columns\n1,2"):
        answer = reviewer.post("/console/lists/import", do="put", list="deny", format="csv", rows=rows)
        assert answer.status_code == 422 and 'role="alert"' in reviewer.text


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("email", "marta.ruiz@ruiz.example", "m…@ruiz.example"),
        ("phone", "+34600123123", "+34 … 23"),
        ("ip", "203.0.113.9", "203.0.113.0/24"),
        ("device", "device-of-marta", "devi…"),
        ("email_domain", "ruiz.example", "ruiz.example"),
    ],
)
def test_values_are_masked_until_a_reviewer_asks_which_is_noted(
    reviewer: Visitor,
    session_site: Flask,
    access_parts: AccessParts,
    parts: Parts,
    store: Store,
    kind: ListKind,
    value: str,
    masked: str,
) -> None:
    put(parts, kind, value, reason="Wrote to jo.bos@bos.example")
    reviewer.get("/console/lists")
    assert f"<td>{masked}" in reviewer.text and "jo.bos" not in reviewer.text
    assert value == masked or value not in reviewer.text
    reviewer.post("/console/lists/show")
    assert f"<td>{value}" in reviewer.text and "jo.bos" in reviewer.text
    assert AuditLog(store).latest(1)[0].action == "list values shown"
    viewer = signed_in(session_site, access_parts, "vic", "viewer", NOW)
    viewer.get("/console/lists")
    assert "Show values" not in viewer.text and f"<td>{masked}" in viewer.text


def test_a_hashed_entry_shows_no_value(reviewer: Visitor, parts: Parts) -> None:
    put(parts, "mailbox", "marta@ruiz.example", hashed=True)
    reviewer.post("/console/lists/show")
    assert "(hashed)" in reviewer.text and "marta" not in reviewer.text


def test_entries_are_found_by_value_list_and_kind_and_paged(reviewer: Visitor, parts: Parts) -> None:
    put(parts, "email_domain", "spam.example")
    put(parts, "cidr", "203.0.113.0/24", name="watch")
    reviewer.get("/console/lists?value=203.0.113.77")
    assert "203.0.113.0/24" in reviewer.text and "spam.example</td>" not in reviewer.text
    reviewer.get("/console/lists?list=deny")
    assert "spam.example" in reviewer.text and "203.0.113.0/24" not in reviewer.text
    for number in range(51):
        put(parts, "asn", str(64496 + number), name="allow")
    reviewer.get("/console/lists?list=allow")
    assert reviewer.text.count("<td>allow</td>") == 50
    found = re.search(r'href="([^"]*cursor=[^"]*)">Next page', reviewer.text)
    assert found is not None
    reviewer.get(found[1].replace("&amp;", "&"))
    assert reviewer.text.count("<td>allow</td>") == 1
    reviewer.get("/console/lists?cursor=nonsense")
    assert 'role="alert"' in reviewer.text


def test_stale_entries_say_why(reviewer: Visitor, parts: Parts) -> None:
    put(parts, "email_domain", "old.example", at=NOW - 400 * DAY)
    reviewer.get("/console/lists?tab=stale")
    assert "it never named anybody; it never expires" in reviewer.text and "old.example" in reviewer.text


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{7*7}}", "=cmd|' /C calc'!A0"])
def test_what_somebody_typed_is_text(reviewer: Visitor, parts: Parts, text: str) -> None:
    put(parts, "device", f"dev {text}", reason=text)
    reviewer.post("/console/lists/show")
    reviewer.post("/console/lists", do="put", list="deny", kind="ip", value=text, reason=text)
    assert "<script>alert" not in reviewer.text and str(escape(text)) in reviewer.text
    reviewer.post("/console/lists/import", do="put", list="deny", format="csv", rows=f"kind,value\nip,{text}\n{text}")
    assert "<script>alert" not in reviewer.text
    reviewer.get("/console/lists")
    assert "<script>alert" not in reviewer.text
