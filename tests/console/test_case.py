"""The queue and the case: what stands there, what buttons do, what is masked, who was faster."""

from __future__ import annotations

import html
import re

import orjson
import pytest
from flask import Flask

from riskapi.accounts.accounts import history_key
from riskapi.accounts.history import history_entry
from riskapi.api.parts import Parts
from riskapi.console.access_parts import AccessParts
from riskapi.console.sentences import effect
from riskapi.errors import StoreUnavailable
from riskapi.reviews.decisions import Touched
from riskapi.store.connections import Store
from riskapi.times import rfc3339
from tests.conftest import NOW, Clock
from tests.console.casework import DEVICE, Api, rows, sign_up, tier
from tests.console.visitor import EVIL, Visitor, signed_in


def test_what_a_decision_does_is_said_with_one_and_with_many() -> None:
    one = Touched(user_id="u_1", before="limit", after="limit", established=False, left_out=False)
    moved = Touched(user_id="u_2", before="review", after="limit", established=False, left_out=False)
    assert effect([one]) == "1 account: 1 stays limit."
    assert effect([one, one, moved]) == "3 accounts: 2 stay limit, 1 review → limit."


class TestTheQueue:
    def test_the_queue_says_what_fills_it_while_it_is_empty(self, ana: Visitor) -> None:
        assert "Nothing waits for a decision" in ana.get("/console/queue").text

    def test_the_queue_has_one_row_for_a_ring(self, ana: Visitor, api: Api) -> None:
        for number in range(3):
            sign_up(api, f"ring{number}", DEVICE)
        alone = sign_up(api, "alone", "another-device-000002")
        found = rows(ana)
        assert len(found) == 2 and alone in found
        assert "3 accounts" in ana.text and "1 account<" in ana.text
        assert "r…@mailinator.com" in ana.text and "ring0.box" not in ana.text
        assert "could send" in ana.text and "unclaimed" in ana.text

    def test_the_queue_is_found_filtered_and_sorted_by_its_address(self, ana: Visitor, api: Api, clock: Clock) -> None:
        old = sign_up(api, "old")
        clock.advance(60)
        ring = {sign_up(api, f"ring{number}", DEVICE) for number in range(2)}
        assert set(rows(ana, "?size=2")) <= ring
        assert rows(ana, "?sort=age")[0] == old
        assert rows(ana, "?sort=size")[0] in ring
        assert rows(ana, "?q=NAME of old") == rows(ana, "?q=old.box@") == [old]
        assert rows(ana, "?score=101") == rows(ana, "?reason=NOTHING") == []
        assert len(rows(ana, "?score=x&size=-1&sort=no&from=-5&tab=no")) == 2

    def test_the_queue_is_for_viewers_to_read(
        self, site: Flask, access_parts: AccessParts, clock: Clock, api: Api
    ) -> None:
        review = sign_up(api, "u_1")
        viewer = signed_in(site, access_parts, "vi", "viewer", clock.now)
        assert rows(viewer) == [review]
        text = viewer.get(f"/console/cases/{review}").text
        assert "/decide" not in text and "/show" not in text


class TestACase:
    def test_a_case_says_before_and_after_of_each_button(self, ana: Visitor, api: Api) -> None:
        for number in range(3):
            review = sign_up(api, f"ring{number}", DEVICE)
        text = ana.get(f"/console/cases/{review}").text
        assert "3 accounts: 3 review → allow." in text and "3 accounts: 3 review → limit." in text
        assert "device: 1" in text and "<svg" in text and "ring0" in text

    def test_a_case_says_what_each_other_button_does_to_who_may_press_it(
        self, ana: Visitor, api: Api, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        for number in range(2):
            review = sign_up(api, f"ring{number}", DEVICE)
        said = [
            "both can be undone",
            "for somebody more senior",
            "for 60 minutes",
            "hides it from you",
            "the link never binds them again",
            "kept for training",
        ]
        text = ana.get(f"/console/cases/{review}").text
        assert [words for words in said if words not in text] == []
        text = signed_in(site, access_parts, "vi", "viewer", clock.now).get(f"/console/cases/{review}").text
        assert [words for words in said if words in text] == []

    def test_a_case_says_where_a_pause_began_or_ended(self, ana: Visitor, api: Api, store: Store) -> None:
        review = sign_up(api, "u_1")
        for word in ("begun", "ended"):
            entry = history_entry(NOW, "review", "review", "feedback", "trap_pause", {"policy": 1}, cause="linkage")
            store.execute("RPUSH", history_key("u_1"), orjson.dumps({**entry, "pause": word}))
        text = html.unescape(ana.get(f"/console/cases/{review}").text)
        for word in ("begun", "ended"):
            assert f"still review, pause {word}, by feedback: trap_pause" in text

    def test_a_case_is_decided_for_all_or_for_one(self, ana: Visitor, api: Api) -> None:
        ring = [sign_up(api, f"ring{number}", DEVICE) for number in range(3)]
        ana.get(f"/console/cases/{ring[0]}")
        ana.post(f"/console/cases/{ring[0]}/decide", do="allow", code="other", alone="1")
        assert [tier(api, f"ring{number}") for number in range(3)] == ["allow", "review", "review"]
        assert "Allow: 1 account: 1 review → allow." in ana.text
        ana.get(f"/console/cases/{ring[1]}")
        ana.post(f"/console/cases/{ring[1]}/decide", do="limit", code="spam", note="a ring", deny="device")
        assert [tier(api, f"ring{number}") for number in range(1, 3)] == ["limit", "limit"]
        history = api("GET", "/v1/accounts/ring1")["history"][-1]
        assert (history["actor"], history["reason"]) == ("ana", "spam: a ring")
        assert api("GET", f"/v1/reviews/{ring[1]}")["denied"][0]["kind"] == "device"

    def test_a_case_is_followed_by_the_next_and_undone(self, ana: Visitor, api: Api) -> None:
        reviews = {sign_up(api, f"u_{number}", f"a-device-of-ones-own-{number}") for number in range(2)}
        first = rows(ana)[0]
        ana.get(f"/console/cases/{first}")
        ana.post(f"/console/cases/{first}/decide", do="limit", code="spam")
        assert {ana.path} == {f"/console/cases/{review}" for review in reviews - {first}}
        assert "Undo the last decision" in ana.text
        ana.post(f"/console/cases/{first}/undo")
        assert "Undone: 1 account as before." in ana.text and "Undo the last decision" not in ana.text
        assert first in rows(ana)

    def test_a_label_that_was_taken_back_speaks_for_nobody(self, ana: Visitor, api: Api) -> None:
        review = sign_up(api, "u_1")
        api("POST", f"/v1/reviews/{review}/decide", json={"decision": "allow", "label": "legitimate"})
        assert "Labelled legitimate by bootstrap</span>" in ana.get(f"/console/cases/{review}").text
        api("POST", f"/v1/reviews/{review}/undo")
        assert "Labelled legitimate by bootstrap</span>" not in ana.get(f"/console/cases/{review}").text

    def test_a_decision_of_somebody_else_since_is_not_undone_with_the_case(
        self, ana: Visitor, api: Api, clock: Clock
    ) -> None:
        review = sign_up(api, "u_1")
        sign_up(api, "u_2", "a-device-of-ones-own-2")
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/decide", do="limit", code="spam")
        mine = ana.hidden("of")
        clock.advance(60)
        api("POST", f"/v1/reviews/{review}/undo")
        api("POST", f"/v1/reviews/{review}/decide", json={"decision": "allow", "label": "legitimate"})
        assert ana.post(f"/console/cases/{review}/undo", of=mine).status_code == 409
        assert "the review was decided again since" in ana.text and tier(api, "u_1") == "allow"
        ana.get(f"/console/cases/{review}")
        again = re.findall(r'name="of" value="([^"]+)"[^>]*><button>Undo this', ana.text)[0]
        assert ana.post(f"/console/cases/{review}/undo", of=again).status_code == 200
        assert tier(api, "u_1") == "review"

    def test_a_case_is_not_said_to_be_undone_when_the_store_goes_away_after_it(
        self, ana: Visitor, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(_: object) -> str:
            raise StoreUnavailable("away")

        review = sign_up(api, "u_1")
        ana.get(f"/console/cases/{review}")
        monkeypatch.setattr("riskapi.console.pages.queue.next_case", away)
        answer = ana.post(f"/console/cases/{review}/decide", do="limit", code="spam")
        assert answer.status_code == 503 and tier(api, "u_1") == "limit"
        assert "It is not known whether this was done" in answer.text and "Nothing was changed" not in answer.text

    def test_a_limit_denies_the_address_for_a_day_and_undo_gives_it_back(
        self, ana: Visitor, api: Api, clock: Clock
    ) -> None:
        review = sign_up(api, "u_1", "a-device-of-ones-own-1")
        ana.get(f"/console/cases/{review}")
        assert re.findall(r'name="deny" value="(\w+)"', ana.text) == ["mailbox", "device", "domain", "ip"]
        ana.post(f"/console/cases/{review}/decide", do="limit", code="spam", deny="ip")
        (entry,) = api("GET", f"/v1/reviews/{review}")["denied"]
        assert (entry["kind"], entry["value"], entry["expires_at"]) == ("ip", None, rfc3339(clock.now + 86400))
        ana.post(f"/console/cases/{review}/undo")
        assert api("GET", "/v1/lists/deny")["entries"] == []

    def test_a_case_is_held_by_one_reviewer_at_a_time(
        self, ana: Visitor, site: Flask, access_parts: AccessParts, clock: Clock, api: Api
    ) -> None:
        review = sign_up(api, "u_1")
        bo = signed_in(site, access_parts, "bo", "reviewer", clock.now)
        for who in (ana, bo):
            who.get(f"/console/cases/{review}")
        assert "held by you" in ana.post(f"/console/cases/{review}/claim").text
        for button in ("claim", "decide", "release", "escalate"):
            answer = bo.post(f"/console/cases/{review}/{button}", do="limit", code="spam")
            assert answer.status_code == 409 and "ana holds this review" in answer.text, button
        assert rows(bo) == [review] and "held by ana" in bo.text
        assert rows(ana, "?tab=mine") == [review] and rows(bo, "?tab=mine") == []
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/release")
        bo.get(f"/console/cases/{review}")
        assert "held by you" in bo.post(f"/console/cases/{review}/claim").text

    def test_a_case_tells_who_was_faster(
        self, ana: Visitor, site: Flask, access_parts: AccessParts, clock: Clock, api: Api
    ) -> None:
        review = sign_up(api, "u_1")
        bo = signed_in(site, access_parts, "bo", "reviewer", clock.now)
        for who in (ana, bo):
            who.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/decide", do="allow", code="other")
        bo.post(f"/console/cases/{review}/decide", do="limit", code="spam")
        assert "decided by ana: allow" in bo.text and tier(api, "u_1") == "allow"

    def test_a_case_is_skipped_and_handed_on(self, ana: Visitor, api: Api) -> None:
        review, other = (sign_up(api, f"u_{each}", f"a-device-of-ones-own-{each}") for each in range(2))
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/skip")
        assert ana.path == f"/console/cases/{other}" and rows(ana) == [other]
        ana.get(f"/console/cases/{other}")
        ana.post(f"/console/cases/{other}/escalate", note="not sure")
        assert ana.path == "/console/queue" and rows(ana, "?tab=escalated") == [other]
        assert "Handed on: not sure" in ana.text

    def test_a_case_takes_no_other_words(self, ana: Visitor, api: Api) -> None:
        review = sign_up(api, "u_1")
        ana.get(f"/console/cases/{review}")
        for fields in ({"do": "ban", "code": "spam"}, {"do": "limit", "code": "revenge"}, {}):
            ana.get(f"/console/cases/{review}")
            assert ana.post(f"/console/cases/{review}/decide", **fields).status_code == 422
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/decide", do="allow", code="other", deny=["phone", "soul"])
        assert tier(api, "u_1") == "allow"


class TestPersonalData:
    def test_personal_data_is_masked_until_somebody_asks_and_that_is_noted(
        self, ana: Visitor, api: Api, access_parts: AccessParts, site: Flask, clock: Clock
    ) -> None:
        notes = {"note": "call +34 600 123 123 or mail me@home.example"}
        review = sign_up(api, "u_1", phone=True, custom_inputs=notes)
        secrets = ("u_1.box@", "+34600123123", "203.0.113.9", "600 123 123", "me@home.example")
        text = ana.get(f"/console/cases/{review}").text
        assert [secret for secret in secrets if secret in text] == []
        assert "203.0.113.0/24" in text and "u…@mailinator.com" in text
        text = ana.post(f"/console/cases/{review}/show").text
        assert [secret for secret in secrets if secret not in text] == []
        note = access_parts.audit.latest(1)[0]
        assert (note.actor, note.action, note.subject) == ("ana", "personal data shown", review)
        viewer = signed_in(site, access_parts, "vi", "viewer", clock.now)
        viewer.get("/console/account")
        assert viewer.post(f"/console/cases/{review}/show").status_code == 403
        assert "me@home.example" not in viewer.get(f"/console/cases/{review}").text

    def test_personal_data_is_in_no_note_of_the_audit_log(self, ana: Visitor, api: Api, store: Store) -> None:
        review = sign_up(api, "u_1")
        for button in ("show", "decide", "undo"):
            ana.get(f"/console/cases/{review}")
            ana.post(f"/console/cases/{review}/{button}", do="limit", code="spam", note="u_1.box@mailinator.com")
        assert b"mailinator" not in repr(store.execute("XRANGE", "risk:audit", "-", "+")).encode()


def test_what_applicants_write_is_text_and_nothing_else(ana: Visitor, api: Api) -> None:
    evil = {"name": EVIL, "organization": EVIL, "website": EVIL, "plan": EVIL, "referrer_id": EVIL}
    review = sign_up(api, "u_1", account=evil, custom_inputs={"word": EVIL})
    for path in (f"/console/cases/{review}", "/console/queue", "/console/queue?q=%22%3E%3Cscript%3E"):
        text = ana.get(path).text
        assert "<script>" not in text and "49" not in re.findall(r"script&gt;(..)", text), path


def test_an_account_that_is_gone_leaves_no_row(ana: Visitor, api: Api, store: Store, parts: Parts) -> None:
    review = sign_up(api, "u_1")
    for key in store.execute("KEYS", "risk:a:*:u_1"):
        store.execute("DEL", key)
    assert rows(ana) == []
    assert ana.get(f"/console/cases/{review}").status_code == 404
