"""Search in the console: the box, pivots, many decided at once, lists, files, and who may see what."""

from __future__ import annotations

import csv
import html
import io
import re
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask

from riskapi.accounts.accounts import Accounts
from riskapi.api.parts import Parts
from riskapi.console import spreadsheet
from riskapi.console.access_parts import AccessParts
from riskapi.errors import StoreUnavailable
from riskapi.reviews.decided_accounts import DecidedAccounts
from riskapi.reviews.selections import SelectionDecision, SelectionDecisions, new_selection
from riskapi.store.connections import Store
from tests.conftest import Clock
from tests.console.casework import Api
from tests.console.visitor import EVIL, Visitor, signed_in
from tests.signups import home

DEVICE = "device-of-a-ring-0001"
SEARCH = "/console/search"


@pytest.fixture
def viewer(site: Flask, access_parts: AccessParts, clock: Clock) -> Visitor:
    return signed_in(site, access_parts, "vi", "viewer", clock.now)


def sign_up(api: Api, user: str, device: str | None = DEVICE, **account: Any) -> None:
    """A signup that a person has to look at: its mail domain is throw-away."""
    body = {
        "account": {"user_id": user, "name": f"Nora {user.title()}", **account},
        "email": {"address": f"{user}.box@mailinator.com"},
        "device": {"ip_address": home(user), **({"id": device} if device else {})},
        "phone": {"number": "+34600123123"},
    }
    api("POST", "/v1/signups", body)


@pytest.fixture
def ring(api: Api) -> list[str]:
    """Three accounts with one device."""
    names = [f"ring{number}" for number in range(3)]
    for name in names:
        sign_up(api, name)
    return names


def tiers(api: Api, names: list[str]) -> list[str]:
    return [api("GET", f"/v1/accounts/{name}")["tier"] for name in names]


def labels(api: Api, name: str) -> list[str]:
    return [each["label"] for each in api("GET", f"/v1/accounts/{name}")["labels"]]


def find(visitor: Visitor, text: str, **more: str) -> str:
    return html.unescape(visitor.get(f"{SEARCH}?{urlencode({'q': text, **more})}").text)


def select(visitor: Visitor, names: list[str], **more: str) -> str:
    asked = [("q", DEVICE), *(("user", name) for name in names), *more.items()]
    return html.unescape(visitor.get(f"{SEARCH}/selection?{urlencode(asked)}").text)


def decide(visitor: Visitor, names: list[str], tier: str = "limit", **more: str) -> str:
    """Select, look, and decide; the id of the action."""
    select(visitor, names, **more)
    action = visitor.hidden("id")
    visitor.post(f"{SEARCH}/decide", id=action, user=names, do=tier, code="spam", q=DEVICE, **more)
    return action


class TestTheBox:
    def test_the_box_teaches_while_it_is_empty_and_when_nothing_is_found(self, viewer: Visitor) -> None:
        assert "What they share leads on to others" in find(viewer, "")
        assert 'data-key="g s"' in viewer.text and 'data-key="/"' in viewer.text
        text = find(viewer, "+34 600 123 123")
        assert "Read as: phone number." in text and "Nobody has this" in text and "plus sign" in text
        assert "the queue" in find(viewer, "Nora Nobody")
        assert "It can also be: device (0)" in " ".join(re.sub(r"<[^>]+>", "", find(viewer, "dev-7f")).split())
        assert "No account can have this" in find(viewer, "a" * 3000)

    def test_the_box_says_what_was_found_and_leads_on(self, viewer: Visitor, ring: list[str], api: Api) -> None:
        api("POST", "/v1/accounts/ring0/labels", {"label": "abuse", "source": "manual_review"})
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", find(viewer, DEVICE)))
        for said in ("Read as: device.", "3 accounts", "1 labelled abuse", "1 limited", "0 established", "on no list"):
            assert said in text, said
        links = re.findall(rf'mail domain: <a href="({SEARCH}\?q=o%3A[^"]+)">mailinator.com</a>', viewer.text)
        assert len(links) == 1
        assert "mailinator.com" in viewer.get(links[0]).text and "Read as: mail domain." in viewer.text

    def test_the_box_says_that_nobody_has_the_value_where_it_shows_what_it_is_part_of(
        self, viewer: Visitor, ring: list[str]
    ) -> None:
        network = ip_network((home("ring0"), 48), strict=False)
        unused = str(network[-1])
        said = "No account has this mailbox. The accounts below only have the same mail domain."
        assert said in find(viewer, "nobody.here@mailinator.com")
        assert "No account has this IP address. The accounts below only have the same network." in find(viewer, unused)
        for known in ("mailinator.com", str(network), home("ring0"), "ring0.box@mailinator.com", "+34 600 1"):
            assert "No account has this" not in find(viewer, known), known

    def test_the_box_keeps_everything_in_its_address(self, viewer: Visitor, api: Api) -> None:
        for number in range(52):
            sign_up(api, f"ring{number}")
        assert viewer.get(f"{SEARCH}?{urlencode({'q': DEVICE})}").text.count("data-row>") == 50
        after = html.unescape(re.findall(rf'href="({SEARCH}\?[^"]+)">Next page', viewer.text)[0])
        assert viewer.get(after).text.count("data-row>") == 2
        assert viewer.get(f"{after}x").text.count("data-row>") == 50  # a cursor that was cut: the first page

    @pytest.mark.parametrize("query", ["q=%00", "q=%F0%9F%92%A9", "as=tld&q=a", "q[]=a", "q=a&cursor=%FF", "q=%25s"])
    def test_the_box_takes_whatever_is_typed(self, viewer: Visitor, query: str) -> None:
        assert viewer.get(f"{SEARCH}?{query}").status_code == 200


class TestPersonalData:
    SECRETS = ("ring0.box@", "+34600123123", "Nora", "203.0.113.9", DEVICE)

    def test_personal_data_is_masked_until_a_reviewer_asks_and_that_is_noted(
        self, ana: Visitor, viewer: Visitor, ring: list[str], access_parts: AccessParts
    ) -> None:
        thing = re.findall(r"q=(d%3A[^\"&]+)", find(ana, "ring0"))[0].replace("%3A", ":")
        for visitor in (ana, viewer):
            text = find(visitor, thing)
            assert [secret for secret in self.SECRETS if secret in text] == []
            assert "r…@mailinator.com" in text and "N… R…" in text
        assert "/show" not in viewer.text
        find(ana, thing)
        text = html.unescape(ana.post(f"{SEARCH}/show", q=thing).text)
        assert "ring0.box@" in text and "Nora" in text and DEVICE in text
        note = access_parts.audit.latest(1)[0]
        assert (note.actor, note.action, note.subject) == ("ana", "personal data shown", thing)
        assert "ring0.box@" not in find(ana, "mailinator.com")  # another search: not asked for

    def test_personal_data_is_in_no_note_of_the_audit_log(self, ana: Visitor, ring: list[str], store: Store) -> None:
        for text in ("ring0.box@mailinator.com", "Nora Ring0", "+34600123123", DEVICE):
            find(ana, text)
            ana.post(f"{SEARCH}/show", q=text)
            find(ana, text)
            ana.post(f"{SEARCH}/export", q=text)
            find(ana, text)
            ana.post(f"{SEARCH}/list", q=text, list="deny", lasts="24 hours", reason="ring0.box@mailinator.com")
        kept = repr(store.execute("XRANGE", "risk:audit", "-", "+"))
        assert [each for each in ("box@", "Nora", "600123", DEVICE) if each in kept] == []

    def test_roles(self, viewer: Visitor, ring: list[str]) -> None:
        text = find(viewer, DEVICE)
        assert 'type="checkbox"' not in text and f"{SEARCH}/list" not in text
        for path in ("show", "decide", "list", f"actions/{new_selection()}/undo"):
            find(viewer, DEVICE)
            assert viewer.post(f"{SEARCH}/{path}", q=DEVICE).status_code == 403, path
        assert viewer.get(f"{SEARCH}/selection?user=ring0").status_code == 403

    def test_forms_need_their_token(self, ana: Visitor, ring: list[str], api: Api) -> None:
        for path in ("show", "decide", "list", "export", f"actions/{new_selection()}/undo"):
            assert ana.post(f"{SEARCH}/{path}", token="forged", q=DEVICE).status_code == 422, path
        assert tiers(api, ring) == ["review"] * 3


class TestManyAtOnce:
    def test_many_are_shown_before_and_after_and_then_decided(self, ana: Visitor, ring: list[str], api: Api) -> None:
        text = select(ana, ring[:2])
        assert "2 accounts: 2 review → limit." in text and "2 accounts: 2 review → allow." in text
        assert tiers(api, ring) == ["review"] * 3
        decide(ana, ring[:2])
        assert ana.path == SEARCH and "Limit: 2 accounts: 2 review → limit." in html.unescape(ana.text)
        assert tiers(api, ring) == ["limit", "limit", "review"]
        assert [labels(api, name) for name in ring] == [["abuse"], ["abuse"], []]
        waiting = {each["user_id"] for each in api("GET", "/v1/reviews")["reviews"]}
        assert waiting == {"ring2"}
        history = api("GET", "/v1/accounts/ring0")["history"][-1]
        assert (history["source"], history["actor"], history["reason"]) == ("reviewer", "ana", "spam")

    def test_many_at_once_are_all_of_the_page_where_asked(self, ana: Visitor, ring: list[str]) -> None:
        page = [("q", DEVICE), ("all", "1"), ("user", "ring0"), *(("on_page", name) for name in ring)]
        assert "Decide 3 accounts" in ana.get(f"{SEARCH}/selection?{urlencode(page)}").text
        assert ana.get(f"{SEARCH}/selection?{urlencode({'q': DEVICE})}").status_code == 422
        assert "Nothing is selected" in ana.text and "Read as: device" in ana.text
        assert ana.get(f"{SEARCH}/selection").status_code == 200 and "Nothing is selected" in ana.text
        assert "None of these accounts" in select(ana, ["nobody"])

    def test_many_at_once_are_undone_with_their_reviews(self, ana: Visitor, ring: list[str], api: Api) -> None:
        action = decide(ana, ring)
        assert "ana decided 3 accounts: limit." in find(ana, action) and "Undo it" in ana.text
        find(ana, DEVICE)
        assert f"/console/search/actions/{action}/undo" in ana.text
        ana.post(f"{SEARCH}/actions/{action}/undo")
        assert "Undone: 3 accounts as before." in ana.text and "Undo the last decision" not in ana.text
        assert tiers(api, ring) == ["review"] * 3 and labels(api, "ring0") == ["abuse", "unknown"]
        assert {each["user_id"] for each in api("GET", "/v1/reviews")["reviews"]} == set(ring)
        assert "It was undone." in find(ana, action) and ana.path == f"{SEARCH}/actions/{action}"
        find(ana, DEVICE)
        ana.post(f"{SEARCH}/actions/{action}/undo")  # again changes nothing
        assert tiers(api, ring) == ["review"] * 3

    def test_many_at_once_leave_reviews_that_can_be_decided_afterwards(
        self, ana: Visitor, ring: list[str], api: Api
    ) -> None:
        reviews = {each["user_id"]: each["id"] for each in api("GET", "/v1/reviews")["reviews"]}
        action = decide(ana, ring)
        case = f"/console/cases/{reviews['ring0']}"
        ana.get(case)
        assert ana.post(f"{case}/undo").status_code == 409 and f"closed by the decision of {action}" in ana.text
        find(ana, DEVICE)
        ana.post(f"{SEARCH}/actions/{action}/undo")
        ana.get(case)
        ana.post(f"{case}/decide", do="allow", code="other")
        assert "3 review → allow." in html.unescape(ana.text) and tiers(api, ring) == ["allow"] * 3

    def test_many_at_once_that_somebody_decided_since_stay_so(
        self, ana: Visitor, ring: list[str], api: Api, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        action = decide(ana, ring)
        api("POST", "/v1/accounts/ring1/labels", {"label": "legitimate", "source": "appeal"})
        find(ana, DEVICE)
        ana.post(f"{SEARCH}/actions/{action}/undo")
        assert "1 not: somebody decided since." in ana.text
        assert tiers(api, ring) == ["review", "allow", "review"]

    def test_many_at_once_leave_established_customers_out_unless_included(
        self, ana: Visitor, ring: list[str], parts: Parts, api: Api, clock: Clock, store: Store
    ) -> None:
        policy = parts.publisher.active.policy
        Accounts(store).establish("ring0", clock.now - 86400, "pays", policy)
        assert "1 established customer is left out" in select(ana, ring)
        decide(ana, ring)
        assert tiers(api, ring) == ["review", "limit", "limit"]
        decide(ana, ["ring0"], established="1")
        assert tiers(api, ring) == ["limit"] * 3

    def test_many_at_once_that_were_cut_off_are_finished_by_the_same_id(
        self, parts: Parts, store: Store, ring: list[str], api: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        action, decision, others = (
            new_selection(),
            SelectionDecision("limit", "abuse", "spam"),
            DecidedAccounts.decide_others,
        )
        decisions = SelectionDecisions(store, parts.review_decisions, parts.publisher.active)

        def cut(*_: Any) -> Any:
            raise StoreUnavailable("away")

        monkeypatch.setattr(DecidedAccounts, "decide_others", cut)
        with pytest.raises(StoreUnavailable):
            decisions.decide(action, ring, decision, "ana", clock.now)
        monkeypatch.setattr(DecidedAccounts, "decide_others", others)
        for _ in range(2):
            rows = decisions.decide(action, ring, decision, "ana", clock.now)
            assert [(row["before"], row["after"]) for row in rows] == [("review", "limit")] * 3
        decisions.decide(
            action, ring[:1], SelectionDecision("allow", "legitimate"), "bo", clock.now
        )  # the first stands
        made = decisions.get(action)
        assert (made["actor"], made["tier"], made["accounts"]) == ("ana", "limit", 3)
        assert labels(api, "ring0") == ["abuse"] and tiers(api, ring) == ["limit"] * 3

    def test_many_at_once_take_no_other_words(self, ana: Visitor, ring: list[str], api: Api) -> None:
        good: dict[str, Any] = {"id": new_selection(), "user": ring, "do": "limit", "code": "spam", "q": DEVICE}
        for wrong in ({"do": "ban"}, {"code": "revenge"}, {"id": "sel_x"}, {"id": "rev_1"}):
            find(ana, DEVICE)
            assert ana.post(f"{SEARCH}/decide", **{**good, **wrong}).status_code == 422, wrong
        find(ana, DEVICE)
        assert ana.post(f"{SEARCH}/actions/{new_selection()}/undo").status_code == 404
        assert tiers(api, ring) == ["review"] * 3


class TestLists:
    def test_lists_take_the_thing_and_give_it_back(
        self, ana: Visitor, ring: list[str], api: Api, access_parts: AccessParts
    ) -> None:
        find(ana, "ring0")
        thing = re.findall(r"q=(d%3A[^\"&]+)", ana.text)[0].replace("%3A", ":")  # by its HMAC alone
        find(ana, thing)
        ana.post(f"{SEARCH}/list", q=thing, list="deny", lasts="30 days", reason="a ring")
        assert "on the deny list, 30 days" in ana.text and "by ana: a ring" in ana.text
        [entry] = api("GET", "/v1/lists/deny")["entries"]
        assert (entry["kind"], entry["author"], entry["hashed"]) == ("device", "ana", True)
        assert api("GET", f"/v1/lists?value={DEVICE}")["entries"] == [entry]
        note = access_parts.audit.latest(1)[0]
        assert (note.action, note.subject, note.details["list"]) == ("put on a list", thing, "deny")
        batch = re.findall(r"lsb_\w+", ana.text)[0]
        assert "ana put 1 value on the deny list." in find(ana, batch)
        find(ana, thing)
        undo = re.findall(rf'action="({SEARCH}/actions/lsb_\w+/undo)"', ana.text)[0]
        ana.post(undo)
        assert "the deny list is as before" in ana.text and api("GET", "/v1/lists/deny")["entries"] == []

    def test_lists_refuse_what_would_name_half_the_world(self, ana: Visitor, api: Api) -> None:
        for text, wrong in (("gmail.com", "large mail provider"), ("Nora Ring0", "cannot be put on a list")):
            find(ana, text)
            assert ana.post(f"{SEARCH}/list", q=text, list="deny", lasts="for good").status_code == 422
            assert wrong in ana.text
        for fields in ({"list": "grey", "lasts": "for good"}, {"list": "deny", "lasts": "forever"}):
            find(ana, "gmail.com")
            assert ana.post(f"{SEARCH}/list", q="gmail.com", **fields).status_code == 422
        assert api("GET", "/v1/lists")["entries"] == []


class TestTheFile:
    def test_the_file_has_all_accounts_in_plain_for_reviewers_and_that_is_noted(
        self, ana: Visitor, viewer: Visitor, ring: list[str], access_parts: AccessParts
    ) -> None:
        for visitor, name, mail in (
            (ana, "Nora Ring0", "ring0.box@mailinator.com"),
            (viewer, "N… R…", "r…@mailinator.com"),
        ):
            find(visitor, DEVICE)
            answer = visitor.post(f"{SEARCH}/export", q=DEVICE)
            assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
            assert answer.headers["Content-Disposition"] == 'attachment; filename="accounts.csv"'
            rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
            assert {row["user_id"] for row in rows} == set(ring)
            [first] = [row for row in rows if row["user_id"] == "ring0"]
            assert (first["name"], first["email"], first["tier"]) == (name, mail, "review")
            note = access_parts.audit.latest(1)[0]
            told = "in plain" if visitor is ana else "masked"
            assert (note.action, note.details) == ("accounts exported", {"accounts": 3, "personal_data": told})

    @pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝", "＋", "－", "＠"])
    def test_the_file_has_no_cell_that_is_a_formula(self, sign: str) -> None:
        text = spreadsheet.written(["name"], [[f'{sign}HYPERLINK("x")'], ["a,b"], ['"'], [None], [-1]]).decode(
            "utf-8-sig"
        )
        assert text.startswith("name\r\n")
        cells = [row[0] for row in csv.reader(io.StringIO(text, newline="")) if row]
        assert cells[1] == f'\'{sign}HYPERLINK("x")' and cells[2:4] == ["a,b", '"'] and cells[-1] == "'-1"

    def test_the_file_guards_what_applicants_wrote(self, ana: Visitor, api: Api) -> None:
        sign_up(api, "u_1", name="=cmd|' /C calc'!A0", organization="@SUM(1+1)*cmd|' /C calc'!A0")
        find(ana, DEVICE)
        text = ana.post(f"{SEARCH}/export", q=DEVICE).data.decode("utf-8-sig")
        [row] = csv.DictReader(io.StringIO(text, newline=""))
        assert row["name"].startswith("'=cmd") and row["organization"].startswith("'@SUM")


def test_what_applicants_and_searchers_write_is_text_and_nothing_else(ana: Visitor, api: Api) -> None:
    evil = {"name": EVIL, "organization": EVIL, "website": EVIL, "plan": EVIL, "referrer_id": EVIL}
    sign_up(api, "u_1", **evil)
    paths = [
        f"{SEARCH}?{urlencode({'q': DEVICE})}",
        f"{SEARCH}?{urlencode({'q': EVIL, 'as': EVIL, 'cursor': EVIL})}",
        f"{SEARCH}/selection?{urlencode({'q': EVIL, 'user': 'u_1'})}",
        f"{SEARCH}/selection?{urlencode({'q': DEVICE, 'user': EVIL})}",
    ]
    for path in paths:
        text = ana.get(path).text
        assert ana.page is not None and ana.page.status_code == 200
        assert "<script>" not in text and "49" not in re.findall(r"script&gt;(..)", text), path
    ana.get(paths[0])
    assert "<script>" not in ana.post(f"{SEARCH}/show", q=DEVICE).text
    assert "alert(1)" in ana.text  # in plain, and escaped
