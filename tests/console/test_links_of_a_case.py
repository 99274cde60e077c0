"""Links of a case: cut and taken back, two accounts told apart, notes, questions, the time line and similar cases."""

from __future__ import annotations

import html
import re

from flask import Flask

from riskapi.console.access_parts import AccessParts
from riskapi.reviews.notes import pairs
from riskapi.store.connections import Store
from tests.conftest import Clock
from tests.console.casework import DEVICE, Api, rows, sign_up, tier
from tests.console.visitor import EVIL, Visitor, signed_in


def edge(visitor: Visitor) -> str:
    """The edge of the first link that is no wave."""
    found = [html.unescape(each) for each in re.findall(r'name="edge" value="([^"]+)"', visitor.text)]
    return next(each for each in found if not each.startswith("w:"))


def cluster(api: Api, user: str) -> list[str]:
    """Who is in one cluster with an account."""
    found = api("GET", f"/v1/accounts/{user}")["linkage"]
    return sorted({name for row in found["edges"] or () for name in row["user_ids"]})


class TestCuts:
    def test_one_account_is_cut_and_the_cut_taken_back(self, ana: Visitor, api: Api, access_parts: AccessParts) -> None:
        ring = [sign_up(api, f"ring{number}", DEVICE) for number in range(3)]
        ana.get(f"/console/cases/{ring[0]}")
        ana.post(f"/console/cases/{ring[0]}/cut", edge=edge(ana), user_id="ring2")
        assert "Cut: device for ring2" in ana.text and "ring2" not in cluster(api, "ring0")[2:]
        note = access_parts.audit.latest(1)[0]
        assert (note.actor, note.action, note.subject) == ("ana", "link cut", ring[0])
        cut_id = ana.hidden("cut_id")
        made = api("GET", f"/v1/cuts/{cut_id}")
        assert (made["user_id"], made["actor"], made["undone_at"]) == ("ring2", "ana", None)
        ana.post(f"/console/cases/{ring[0]}/uncut", cut_id=cut_id)
        assert "Taken back: device for ring2" in ana.text and ana.hidden("cut_id") == ""
        assert api("GET", f"/v1/cuts/{cut_id}")["undone_by"] == "ana"
        ana.post(f"/console/cases/{ring[0]}/uncut", cut_id=cut_id)
        assert "taken back already" in ana.text

    def test_a_thing_is_cut_for_everybody(self, ana: Visitor, api: Api) -> None:
        ring = [sign_up(api, f"ring{number}", DEVICE) for number in range(3)]
        ana.get(f"/console/cases/{ring[0]}")
        cut = edge(ana)
        ana.post(f"/console/cases/{ring[0]}/cut", edge=cut, user_id="")
        assert "Cut: device for everybody" in ana.text
        ana.post(f"/console/cases/{ring[0]}/cut", edge=cut, user_id="")
        assert "not there any more" in ana.text

    def test_what_is_no_link_of_the_case_is_not_cut(self, ana: Visitor, api: Api) -> None:
        ring = [sign_up(api, f"ring{number}", DEVICE) for number in range(2)]
        other = sign_up(api, "other")
        ana.get(f"/console/cases/{ring[0]}")
        found = edge(ana)
        for review, fields in (
            (other, {"edge": found, "user_id": ""}),
            (ring[0], {"edge": "d:nothing", "user_id": ""}),
            (ring[0], {"edge": found, "user_id": "other"}),
            (ring[0], {"edge": "", "user_id": ""}),
        ):
            ana.get(f"/console/cases/{review}")
            assert "Nothing was cut" in ana.post(f"/console/cases/{review}/cut", **fields).text


class TestPairs:
    def test_pairs_are_kept_and_exported_with_the_last_word(
        self, ana: Visitor, api: Api, store: Store, clock: Clock
    ) -> None:
        ring = [sign_up(api, f"ring{number}", DEVICE) for number in range(3)]
        for other, word in (("ring1", "same"), ("ring2", "apart"), ("ring1", "apart")):
            clock.advance(1)
            ana.get(f"/console/cases/{ring[0]}")
            ana.post(f"/console/cases/{ring[0]}/pair", user_id=other, do=word)
            assert f"Kept: {other} is" in ana.text
        assert ana.text.count('aria-pressed="true"') == 2
        for fields in ({"user_id": "ring0", "do": "same"}, {"user_id": "nobody", "do": "same"}, {"user_id": "ring1"}):
            ana.get(f"/console/cases/{ring[0]}")
            assert ana.post(f"/console/cases/{ring[0]}/pair", **fields).status_code == 422
        found = [(row["user_ids"], row["same"]) for row in pairs(store)]
        assert found == [(["ring0", "ring1"], True), (["ring0", "ring2"], False), (["ring0", "ring1"], False)]
        assert list(pairs(store, clock.now + 1)) == []
        assert tier(api, "ring1") == "review", "nothing else changes"


class TestQuestions:
    def test_questions_wait_until_the_customer_does_something(self, ana: Visitor, api: Api, clock: Clock) -> None:
        review = sign_up(api, "u_1")
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/ask", question=f"Who reads this? {EVIL}", days="3")
        assert rows(ana) == [] and rows(ana, "?tab=waiting") == [review] and "<script>" not in ana.text
        api("POST", "/v1/accounts/u_1/events", {"type": "email_verified"})
        assert rows(ana) == [review] and rows(ana, "?tab=waiting") == []
        ana.get(f"/console/cases/{review}")
        assert "The customer was asked: Who reads this?" in ana.text and "<script>" not in ana.text

    def test_questions_wait_for_a_label_or_a_time_at_most(self, ana: Visitor, api: Api, clock: Clock) -> None:
        first, second = (sign_up(api, f"u_{each}", f"a-device-of-ones-own-{each}") for each in range(2))
        for review, days in ((first, "1"), (second, "7")):
            ana.get(f"/console/cases/{review}")
            ana.post(f"/console/cases/{review}/ask", question="Who reads this?", days=days)
        assert rows(ana) == []
        clock.advance(86400 + 1)
        ana.sign_in("ana")
        assert rows(ana) == [first]
        api("POST", "/v1/accounts/u_1/labels", {"label": "unknown", "source": "external"})
        assert set(rows(ana)) == {first, second}

    def test_a_claim_ends_the_wait(self, ana: Visitor, api: Api) -> None:
        review = sign_up(api, "u_1")
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/ask", question="Who reads this?", days="3")
        assert rows(ana) == []
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/claim")
        assert rows(ana) == [review]

    def test_questions_that_make_no_sense_are_not_put(self, ana: Visitor, api: Api) -> None:
        review = sign_up(api, "u_1")
        ana.get(f"/console/cases/{review}")
        assert "Nothing was asked" in ana.post(f"/console/cases/{review}/ask", question=" ", days="3").text
        assert ana.post(f"/console/cases/{review}/ask", question="?", days="0").status_code == 422
        ana.get("/console/queue")
        assert ana.post("/console/cases/rev_0" + "0" * 20 + "/ask", question="?", days="1").status_code == 404


class TestWhatACaseTells:
    def test_notes_are_kept_without_a_decision(
        self, ana: Visitor, api: Api, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        review = sign_up(api, "u_1")
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/note", note=f"wrote from me@home.example {EVIL}")
        assert "The note is kept" in ana.text and "ana wrote: wrote from me@home.example" in ana.text
        assert "<script>" not in ana.text
        assert "Nothing was written" in ana.post(f"/console/cases/{review}/note", note="  ").text
        viewer = signed_in(site, access_parts, "vi", "viewer", clock.now)
        text = viewer.get(f"/console/cases/{review}").text
        assert "m…@home.example" in text and "me@home" not in text

    def test_the_time_line_goes_from_the_signup_to_what_people_did(self, ana: Visitor, api: Api, clock: Clock) -> None:
        review = sign_up(api, "u_1")
        api("POST", "/v1/accounts/u_1/sends", {"recipients": 5})
        api("POST", "/v1/accounts/u_1/events", {"type": "login"})
        api("POST", "/v1/feedback", {"events": [{"id": "f1", "type": "complaint", "user_id": "u_1"}]})
        clock.advance(86400 * 2)
        ana.sign_in("ana")
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/claim")
        text = re.sub(r"<[^>]+>|\s+", " ", ana.text[ana.text.index("Time line") :])
        places = [
            text.index(word) for word in ("Signed up", "Login", "Sent to 5 recipients", "1 complaint", "ana claimed")
        ]
        assert places == sorted(places), text
        assert "5 of" in ana.text and "Used by the account" in ana.text

    def test_each_reading_says_what_it_would_do_alone(self, ana: Visitor, api: Api) -> None:
        review = sign_up(api, "u_1")
        text = ana.get(f"/console/cases/{review}").text
        assert text.count('<svg class="bar"') > 10 and "Before anything is known the score is" in text
        readings = text[text.index("Every reading") : text.index("History of its tiers")]
        assert 'class="tier tier-' in readings and "What it is" in readings and "no part of the score" in readings

    def test_similar_cases_say_how_they_ended(self, ana: Visitor, api: Api, clock: Clock) -> None:
        past = sign_up(api, "past", DEVICE)
        alike = sign_up(api, "alike", "another-device-000002")
        review = sign_up(api, "u_1", DEVICE)
        ana.get(f"/console/cases/{past}")
        assert "None among the latest decided" in ana.text
        for each, do in ((past, "limit"), (alike, "allow")):
            ana.get(f"/console/cases/{each}")
            ana.post(f"/console/cases/{each}/decide", do=do, code="spam", alone="1")
        text = re.sub(r"<[^>]+>|\s+", " ", ana.get(f"/console/cases/{review}").text)
        text = re.sub(" +", " ", text[text.index("Similar cases") :])
        assert "1 limited, " in text and "past : shares something with this account" in text

    def test_the_picture_names_tier_and_label_of_forty_and_masks_for_viewers(
        self, ana: Visitor, api: Api, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        ring = [sign_up(api, f"ring{number}", DEVICE) for number in range(40)]
        text = ana.get(f"/console/cases/{ring[0]}").text
        picture = text[text.index('<svg class="graph"') : text.index("</svg>", text.index('<svg class="graph"'))]
        assert len(re.findall(r'<tspan class="tier-review">▲ review</tspan>', picture)) == 40
        assert "device (40)" in picture and "Not drawn" not in text


def test_a_ring_of_forty_is_cleared_in_one_decision_and_undone(ana: Visitor, api: Api) -> None:
    ring = [sign_up(api, f"ring{number}", DEVICE) for number in range(40)]
    (row,) = rows(ana)
    assert "40 accounts: 40 review → limit." in ana.get(f"/console/cases/{row}").text
    ana.post(f"/console/cases/{row}/decide", do="limit", code="spam", deny="device")
    assert "Limit: 40 accounts: 40 review → limit." in ana.text and rows(ana) == []
    assert {tier(api, f"ring{number}") for number in range(0, 40, 13)} == {"limit"}
    ana.get("/console/queue")
    ana.post(f"/console/cases/{row}/undo")
    assert "Undone: 40 accounts as before." in ana.text
    assert rows(ana) == [row] and {tier(api, f"ring{number}") for number in range(0, 40, 13)} == {"review"}
    assert {api("GET", f"/v1/reviews/{review}")["status"] for review in ring[::13]} == {"open"}
