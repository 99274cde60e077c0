"""The audit page: filters, pages, links, and what can be undone from it."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from riskapi.access.audit_log import AuditLog
from riskapi.api.parts import Parts
from riskapi.console.access_parts import AccessParts
from riskapi.store.connections import Store
from tests.conftest import NOW, Clock
from tests.console.casework import Api, sign_up, tier
from tests.console.visitor import Visitor, signed_in


@pytest.fixture
def kim(site: Flask, access_parts: AccessParts, clock: Clock) -> Visitor:
    return signed_in(site, access_parts, "kim", "admin", clock.now)


def rows(visitor: Visitor) -> list[str]:
    return re.findall(r"<tr>\s*<td.*?</tr>", visitor.text, re.DOTALL)


def test_it_is_filtered_by_its_address_and_goes_on(kim: Visitor, store: Store) -> None:
    audit = AuditLog(store)
    for number in range(60):
        audit.note("rule <b>calm</b>", "account limited", f"u_{number}", NOW + number)
    kim.get("/console/audit")
    assert len(rows(kim)) == 50 and "<b>calm" not in kim.text
    older = re.findall(r'href="(/console/audit\?[^"]*after[^"]*)"', kim.text)[0].replace("&amp;", "&")
    kim.get(older)
    assert len(rows(kim)) == 11 and "signed in" in kim.text
    kim.get("/console/audit?subject=u_7")
    assert len(rows(kim)) == 1
    kim.get("/console/audit?actor=kim")
    assert len(rows(kim)) == 1 and "account limited</a>" not in kim.text
    assert "No note fits" in kim.get("/console/audit?action=eaten").text


@pytest.mark.parametrize(
    ("query", "count"), [("from=2026-11-22&to=2026-11-22", 2), ("from=2026-11-23", 0), ("to=2026-11-21", 0)]
)
def test_it_is_filtered_by_days(kim: Visitor, store: Store, query: str, count: int) -> None:
    store.execute("DEL", "risk:audit", "risk:audit:chain:{risk:audit}")
    for at in (1795305600.0, 1795391999.0):  # the first and last second of 2026-11-22
        AuditLog(store).note("ana", "decided", "rev_1", at)
    kim.get(f"/console/audit?{query}")
    assert len(rows(kim)) == count


@pytest.mark.parametrize("query", ["from=yesterday", "to=2026-99-99", "after=x", "actor=" + "x" * 500, "subject=%00"])
def test_nonsense_is_answered(kim: Visitor, query: str) -> None:
    assert kim.get(f"/console/audit?{query}").status_code == 200


def test_an_entry_of_a_list_is_taken_off_again(kim: Visitor, parts: Parts, site: Flask) -> None:
    from tests.conftest import BOOTSTRAP_KEY

    api, headers = site.test_client(), {"Authorization": f"Bearer {BOOTSTRAP_KEY}"}
    made = api.post("/v1/lists/deny", json={"kind": "asn", "value": "64500"}, headers=headers).get_json()
    kim.get("/console/audit")
    kim.post("/console/audit/undo", note=kim.hidden("note"), back=kim.hidden("back"))
    assert "The entry is off the list deny." in kim.text and kim.path == "/console/audit"
    assert api.get(f"/v1/lists/deny/{made['id']}", headers=headers).status_code == 404
    assert [note.action for note in parts.audit.latest(2)] == ["list entry removed", "list entry put"]
    kim.get("/console/audit?action=list+entry+put")
    assert kim.post("/console/audit/undo", note=kim.hidden("note"), back="https://evil.example").status_code == 404


def test_a_note_undoes_its_own_decision_and_no_later_one(kim: Visitor, api: Api, clock: Clock, parts: Parts) -> None:
    review = sign_up(api, "u_1")
    api("POST", f"/v1/reviews/{review}/decide", json={"decision": "limit", "label": "abuse"})
    (earlier,) = (note.id for note in parts.audit.latest(10) if note.action == "decided")
    clock.advance(60)
    api("POST", f"/v1/reviews/{review}/undo")
    api("POST", f"/v1/reviews/{review}/decide", json={"decision": "allow", "label": "legitimate"})
    kim.get("/console/audit?action=decided")
    (later,) = re.findall(r'name="note" value="([^"]+)"', kim.text)
    assert kim.post("/console/audit/undo", note=earlier, back="").status_code == 409
    assert "the review was decided again since" in kim.text and tier(api, "u_1") == "allow"
    kim.get("/console/audit?action=decided")
    kim.post("/console/audit/undo", note=later, back="")
    assert "The decision is undone, for 1 account." in kim.text and tier(api, "u_1") == "review"


class TestWhatWasUndone:
    """The row says who did, and when, and has no button."""

    def test_a_decision(self, kim: Visitor, api: Api, clock: Clock) -> None:
        review = sign_up(api, "u_1")
        kim.get(f"/console/cases/{review}")
        for _ in range(2):
            clock.advance(60)
            assert kim.post(f"/console/cases/{review}/decide", do="limit", code="spam").status_code == 200, kim.text
            clock.advance(60)
            kim.get("/console/audit?action=decided")
            if len(rows(kim)) == 1:
                kim.post("/console/audit/undo", note=kim.hidden("note"), back="/console/audit?action=decided")
        later, earlier = rows(kim)
        assert "undone by kim, 2026-11-22 10:02" in earlier and "<button" not in earlier
        assert "undone" not in later and "<button" in later

    def test_what_the_api_undid_is_shown_with_the_reviewer_it_names(self, kim: Visitor, api: Api) -> None:
        review = sign_up(api, "u_1")
        api("POST", f"/v1/reviews/{review}/decide", json={"decision": "limit", "label": "abuse"})
        api("POST", f"/v1/reviews/{review}/undo", json={"reviewer": "sam"})
        kim.get("/console/audit?action=decided")
        assert "undone by sam" in kim.text and 'action="/console/audit/undo"' not in kim.text

    def test_an_entry_and_a_batch_of_a_list_and_a_cut(self, kim: Visitor, api: Api, clock: Clock) -> None:
        for number in range(2):
            sign_up(api, f"u_{number}", "device-of-a-ring-0001")
        cluster = api("GET", "/v1/accounts/u_0")["linkage"]["cluster_id"]
        kim.get("/console/audit")
        entry = api("POST", "/v1/lists/deny", json={"kind": "asn", "value": "64500"})["id"]
        stands = api("POST", "/v1/lists/deny", json={"kind": "asn", "value": "64502"})["id"]
        batch = api("POST", "/v1/lists/deny/bulk", json={"entries": [{"kind": "asn", "value": "64501"}]})["batch_id"]
        cut = api("POST", f"/v1/clusters/{cluster}/cut", json={"user_id": "u_1", "reason": "a shop"})["cut_id"]
        clock.advance(60)
        kim.get("/console/audit")
        buttons = kim.text.count('action="/console/audit/undo"')
        api("DELETE", f"/v1/lists/deny/{entry}")
        api("DELETE", f"/v1/lists/batches/{batch}")
        api("POST", f"/v1/cuts/{cut}/undo")
        kim.get("/console/audit")
        assert (buttons, kim.text.count('action="/console/audit/undo"')) == (4, 1)
        undone = [each for each in rows(kim) if re.search("<td>undone by (key )?bootstrap, 2026-11-22 10:01", each)]
        assert len(undone) == 3
        assert "<button" in next(each for each in rows(kim) if stands in each)

    def test_nobody_knows_any_more_by_whom(self, kim: Visitor, api: Api, store: Store) -> None:
        entry = api("POST", "/v1/lists/deny", json={"kind": "asn", "value": "64500"})["id"]
        api("DELETE", f"/v1/lists/deny/{entry}")
        store.execute("DEL", "risk:audit", "risk:audit:chain:{risk:audit}")
        AuditLog(store).note("key a", "list entry put", entry, NOW, list="deny")
        kim.get("/console/audit")
        assert "<td>undone</td>" in rows(kim)[0]


@pytest.mark.parametrize("note", ["", "x", "1-1", "9" * 400])
def test_what_is_no_note_is_not_undone(kim: Visitor, note: str) -> None:
    kim.get("/console/audit")
    kim.page = kim.client.get("/console/account")
    assert kim.post("/console/audit/undo", note=note).status_code == 404


@pytest.mark.parametrize(
    ("actor", "action", "subject", "details", "leads", "undoable"),
    [
        ("ana", "decided", "rev_1", {}, "/console/cases/rev_1", True),
        ("ana", "decided", "sel_1", {}, "/console/search?q=sel_1", False),
        ("rule calm", "account paused", "u@x.example", {}, "/console/search?q=u%40x.example", False),
        ("key a", "labelled", "u_1", {}, "/console/search?q=u_1", False),
        ("key a", "link cut", "clu_1", {"made": "cut_1"}, "/console/search?q=clu_1", True),
        ("ana", "link cut", "clu_1", {}, "/console/search?q=clu_1", False),
        ("ana", "list entry put", "deny asn", {}, None, False),
        ("key a", "list entry put", "ent_1", {"list": "deny"}, None, True),
    ],
)
def test_a_row_leads_to_what_it_is_about_and_is_undone_where_it_can_be(
    kim: Visitor,
    store: Store,
    actor: str,
    action: str,
    subject: str,
    details: dict[str, str],
    leads: str | None,
    undoable: bool,
) -> None:
    AuditLog(store).note(actor, action, subject, NOW + 1, **details)
    kim.get("/console/audit")
    row = rows(kim)[0]
    assert ("<button" in row) == undoable
    assert (f'href="{leads}"' in row) if leads else (">look<" not in row and ">case<" not in row)
