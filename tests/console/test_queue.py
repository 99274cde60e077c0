"""The queue: tabs and their counts, what a row says, filters, claims by hand, and who was drawn for the audit."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from flask import Flask

from riskapi.accounts.accounts import Accounts
from riskapi.api.parts import Parts
from riskapi.console import sentences
from riskapi.console.access_parts import AccessParts
from riskapi.policy.tables import Kind
from riskapi.reviews.random_audit import RandomAudit
from riskapi.reviews.rings import MOST
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.conftest import Clock
from tests.console.casework import DEVICE, Api, rows, sign_up, tier
from tests.console.visitor import Visitor, made, signed_in
from tests.signups import home, together


def tabs(visitor: Visitor) -> dict[str, int]:
    """The tabs with their counts."""
    found = re.findall(r'queue\?tab=(\w+)"[^>]*>[a-z ]+ (\d+)</a>', visitor.get("/console/queue").text)
    return {name: int(count) for name, count in found}


def limited(api: Api, user: str, device: str) -> None:
    """Somebody who is limited by a list at once."""
    address = f"ana@{user}-ceramics.example"
    api("POST", "/v1/lists/deny", {"kind": "email", "value": address, "reason": "spam"})
    body = {
        "account": {"user_id": user, "name": "Greta Bos"},
        "email": {"address": address},
        "device": {"ip_address": home(user), "id": device},
    }
    assert api("POST", "/v1/signups", body)["decision"] == "limit"


class TestARow:
    def test_a_row_says_of_a_ring_who_came_first_what_they_share_and_what_was_sent(
        self, ana: Visitor, api: Api, store: Store, clock: Clock
    ) -> None:
        for number in range(3):
            sign_up(api, f"ring{number}", DEVICE)
            clock.advance(1200)
        store.execute("HSET", account_key("ring2"), "established", repr(clock.now))
        api("POST", "/v1/accounts/ring1/sends", {"recipients": 7})
        text = ana.get("/console/queue").text
        assert "first came Name of ring0" in text and "sent 7<" in text and "★ 1 established" in text
        assert "Three accounts in 40 minutes, bound by one device" in text
        assert "(3 of 3)" in text, "how many of the accounts a reason is about"

    def test_of_a_large_ring_nobody_is_called_the_first(self, parts: Parts, api: Api, ana: Visitor) -> None:
        for number in range(MOST + 1):
            sign_up(api, f"ring{number}", DEVICE)
        (row,) = rows(ana)
        assert f"{MOST + 1} accounts" in ana.text and "first came" not in ana.text and row

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("x" * 2048, "x" * 79 + "…"),
            ("x" * 80, "x" * 80),
            ("Greta\n  Bos", "Greta Bos"),
            ("Greta \u202eSob\u2069", "Greta Sob"),
            (" \t ", "u_1"),
            ("محمد بن سلمان", "محمد بن سلمان"),
        ],
        ids=ascii,
    )
    def test_whatever_somebody_writes_as_a_name_takes_one_line(
        self, ana: Visitor, api: Api, name: str, shown: str
    ) -> None:
        account = {"user_id": "u_1", "name": name}
        body = {"account": account, "email": {"address": "no address"}, "device": {"id": DEVICE}}
        review = api("POST", "/v1/signups", body)["review_id"]
        assert f">{shown} (n…)</a>" in ana.get("/console/queue").text
        assert f"<h1>{shown} <" in ana.get(f"/console/cases/{review}").text
        ana.get(f"/console/search?q={DEVICE}")
        ana.post("/console/search/show", q=DEVICE)
        assert f">{shown}</a>" in ana.text

    def test_a_case_that_is_decided_is_decided_whatever_its_reviews_were_opened_for(
        self, ana: Visitor, api: Api, parts: Parts, clock: Clock
    ) -> None:
        review, policy = sign_up(api, "u_1"), parts.publisher.active.policy
        parts.holds.review("u_1", clock.now, "FIRST_COMPLAINT", "Somebody complained", "again", policy)
        assert len(rows(ana)) == 1
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/decide", do="limit", code="spam")
        assert rows(ana) == [] and tabs(ana)["open"] == 0

    def test_a_row_names_people_to_reviewers_alone(
        self, site: Flask, access_parts: AccessParts, clock: Clock, api: Api
    ) -> None:
        review = sign_up(api, "u_1")
        sign_up(api, "u_2")
        for role in ("viewer", "growth"):
            visitor = signed_in(site, access_parts, role, role, clock.now)
            for path in ("/console/queue", f"/console/cases/{review}"):
                text = visitor.get(path).text
                assert "Name of u_1" not in text and "N… o… u…" in text, (role, path)
            assert rows(visitor, "?q=Name of u_1") == [] and rows(visitor, "?q=u_1") == [review]
            assert "/claim" not in visitor.text and "/skip" not in visitor.text

    def test_a_row_counts_the_reasons_of_an_account_once_however_many_reviews_it_has(
        self, ana: Visitor, api: Api, parts: Parts, clock: Clock
    ) -> None:
        sign_up(api, "u_1")
        policy = parts.publisher.active.policy
        parts.holds.review("u_1", clock.now, "PERSON_ASKED", "Somebody wants to look", "u_1\0person\0again", policy)
        assert len(rows(ana)) == 1 and "1 account<" in ana.text
        assert "Somebody wants to look" in ana.text and " of 2)" not in ana.text

    @pytest.mark.parametrize("kind", [*get_args(Kind), "holder", "wave"])
    def test_a_row_has_a_word_for_whatever_can_bind(self, kind: str) -> None:
        assert "_" not in sentences.shared({kind: 2})


class TestTabs:
    def test_tabs_count_what_is_in_them(
        self, ana: Visitor, api: Api, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        reviews = [sign_up(api, f"u_{number}", f"a-device-of-ones-own-{number}") for number in range(4)]
        limited(api, "bad1", "device-of-a-bad-ring")
        ana.get(f"/console/cases/{reviews[0]}")
        ana.post(f"/console/cases/{reviews[0]}/claim")
        ana.post(f"/console/cases/{reviews[1]}/escalate", note="unsure")
        ana.post(f"/console/cases/{reviews[2]}/ask", question="Who are your readers?", days="3")
        clock.advance(10)  # so old may the count of those limited be
        assert tabs(ana) == {"open": 2, "limited": 1, "mine": 1, "waiting": 1, "escalated": 1}
        assert rows(ana, "?tab=waiting") == [reviews[2]] and "Who are your readers?" in ana.text
        assert rows(ana, "?tab=mine") == [reviews[0]]
        clock.advance(590)
        ana.get(f"/console/cases/{reviews[3]}")
        ana.post(f"/console/cases/{reviews[3]}/decide", do="allow", code="other")
        assert "1 decided today, median 10 min to decide" in ana.get("/console/queue").text
        clock.advance(86400)
        ana.sign_in("ana")
        assert "nothing decided today" in ana.get("/console/queue").text

    def test_tabs_show_those_limited_without_a_person_once_a_cluster(self, ana: Visitor, api: Api) -> None:
        for number in range(2):
            limited(api, f"bad{number}", "device-of-a-bad-ring")
        limited(api, "other", "device-of-another")
        text = ana.get("/console/queue?tab=limited").text
        assert text.count("Look at it") == 2 and "2 accounts limited" in text and "deny list" in text
        for _ in range(2):  # a form that is sent twice opens one case
            ana.get("/console/queue?tab=limited")
            ana.post("/console/queue/look", user_id="other")
            assert "somebody wants to look" in ana.text and "/decide" in ana.text
        assert len(rows(ana)) == 1
        ana.get(ana.path)
        ana.get(f"/console/cases/{rows(ana)[0]}")
        ana.post(f"{ana.path}/decide", do="allow", code="framed")
        assert tier(api, "other") == "allow"
        assert ana.get("/console/queue?tab=limited").text.count("Look at it") == 1
        ana.get("/console/queue")
        assert ana.post("/console/queue/look", user_id="nobody").status_code == 404

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("?tab=mine", "You hold no case."),
            ("?tab=escalated", "No case is handed on."),
            ("?tab=waiting", "No case waits for an answer."),
            ("?tab=limited", "No account was limited without a person lately."),
            ("?q=nobody", "No case of this tab fits the filters."),
            ("?score=99&tab=open", "Show all 1"),
        ],
    )
    def test_tabs_without_a_row_say_what_would_be_here_and_what_to_do(
        self, ana: Visitor, api: Api, query: str, said: str
    ) -> None:
        sign_up(api, "u_1")
        assert said in ana.get(f"/console/queue{query}").text

    def test_whose_cases_are_all_skipped_say_so(self, ana: Visitor, api: Api) -> None:
        review = sign_up(api, "u_1")
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/skip")
        assert "You skipped all that waits here." in ana.get("/console/queue").text

    def test_tabs_filter_by_signal_age_and_week(self, ana: Visitor, api: Api, clock: Clock) -> None:
        old = sign_up(api, "old")
        clock.advance(8 * 86400)
        ana.sign_in("ana")
        new = sign_up(api, "new")
        assert rows(ana, "?age=24") == [old] and set(rows(ana, "?age=")) == {old, new}
        assert rows(ana, "?cohort=2026-W47") == [old] and rows(ana, "?cohort=2026-W49") == [new]
        signal = re.findall(r"<option>(email_[a-z_]+)</option>", ana.get("/console/queue").text)[0]
        assert set(rows(ana, f"?signal={signal}")) <= {old, new} and rows(ana, f"?signal={signal}")
        assert rows(ana, "?signal=nothing") == []


class TestHolding:
    def test_a_case_is_claimed_released_and_skipped_from_the_queue(self, ana: Visitor, api: Api) -> None:
        review, other = (sign_up(api, f"u_{each}", f"a-device-of-ones-own-{each}") for each in range(2))
        ana.get("/console/queue")
        ana.post(f"/console/cases/{review}/claim", back="tab=open&sort=age&evil=//x.example")
        assert ana.path == "/console/queue" and "held by you" in ana.text
        ana.post(f"/console/cases/{other}/skip", back="")
        assert ana.path == "/console/queue" and rows(ana) == [review]
        ana.post(f"/console/cases/{review}/release", back="")
        assert ana.path == "/console/queue" and "held by you" not in ana.text

    def test_a_claim_is_extended_by_who_holds_it(self, ana: Visitor, api: Api, clock: Clock, parts: Parts) -> None:
        review = sign_up(api, "u_1")
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/claim")
        clock.advance(30 * 60)
        assert "30 min left" in ana.get(f"/console/cases/{review}").text
        ana.post(f"/console/cases/{review}/claim")
        assert "60 min left" in ana.text

    def test_a_case_is_handed_to_a_named_person(
        self, ana: Visitor, site: Flask, access_parts: AccessParts, clock: Clock, api: Api
    ) -> None:
        review = sign_up(api, "u_1")
        bo = signed_in(site, access_parts, "bo", "reviewer", clock.now)
        made(access_parts, "vi", "viewer", clock.now)
        text = ana.get(f"/console/cases/{review}").text
        assert "<option>bo</option>" in text and "<option>vi</option>" not in text
        for nobody in ("vi", "nobody", "", "ana'; --"):
            ana.get(f"/console/cases/{review}")
            assert ana.post(f"/console/cases/{review}/hand", to=nobody).status_code == 422
        ana.get(f"/console/cases/{review}")
        ana.post(f"/console/cases/{review}/hand", to="bo")
        assert rows(bo, "?tab=mine") == [review]
        bo.get(f"/console/cases/{review}")
        assert "ana handed the case to bo" in bo.text
        assert ana.get(f"/console/cases/{review}").status_code == 200
        assert ana.post(f"/console/cases/{review}/hand", to="bo").status_code == 409, "bo holds it"

    def test_of_many_who_claim_at_once_one_holds_it(
        self, site: Flask, access_parts: AccessParts, clock: Clock, api: Api, parts: Parts
    ) -> None:
        review = sign_up(api, "u_1")
        racers = [signed_in(site, access_parts, f"racer{number}", "reviewer", clock.now) for number in range(4)]
        for each in racers:
            each.get(f"/console/cases/{review}")
        found = together(4, lambda number: racers[number].post(f"/console/cases/{review}/claim").status_code)
        assert sorted(found) == [200, 409, 409, 409]
        assert parts.reviews.get(review)["reviewer"] == f"racer{found.index(200)}"

    @pytest.mark.parametrize("button", ["note", "ask", "hand", "cut", "uncut", "pair"])
    def test_viewers_press_no_button(
        self, site: Flask, access_parts: AccessParts, clock: Clock, api: Api, button: str
    ) -> None:
        review = sign_up(api, "u_1")
        viewer = signed_in(site, access_parts, "vi", "viewer", clock.now)
        viewer.get("/console/account")
        assert viewer.post(f"/console/cases/{review}/{button}", note="x").status_code == 403
        assert viewer.post(f"/console/cases/{review}/{button}", token="no").status_code == 422


def test_the_random_audit_is_shown_to_those_who_do_not_review(
    ana: Visitor, site: Flask, access_parts: AccessParts, clock: Clock, api: Api, parts: Parts, store: Store
) -> None:
    body = {"account": {"user_id": "good"}, "email": {"address": "ana@ruiz.example"}}
    assert api("POST", "/v1/signups", body)["decision"] == "allow"
    RandomAudit(store, Accounts(store), parts.publisher.active).open("good", "dec_1", 3.0, [], clock.now)
    assert len(rows(ana)) == 1 and "audit" not in ana.text
    ana.get(f"/console/cases/{rows(ana)[0]}")
    assert "audit" not in ana.text.casefold()
    boss = signed_in(site, access_parts, "boss", "growth", clock.now)
    assert "random audit: 0 of 1 decided, 0 limited" in boss.get("/console/queue").text


def test_the_page_of_keys_says_them_all(ana: Visitor) -> None:
    text = ana.get("/console/shortcuts").text
    for key in (
        "g q",
        "g s",
        "j k",
        "enter",
        "/",
        "a",
        "l",
        "1",
        "d",
        "n",
        "x",
        "q",
        "c",
        "r",
        "s",
        "e",
        "v",
        "u",
        "?",
    ):
        assert f"<kbd>{key}</kbd>" in text, key


@pytest.mark.parametrize(
    ("source", "reason", "said"),
    [
        ("feedback", "complaints_limit", "Limited by what its mail met: complaints_limit"),
        ("model", "", "Limited by the score"),
        ("", "", "Limited by the service itself"),
    ],
)
def test_an_account_without_reasons_says_what_limited_it(source: str, reason: str, said: str) -> None:
    assert sentences.limited_by(source, reason) == said
