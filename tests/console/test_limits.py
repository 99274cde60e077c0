"""Limits: change, simulate, publish, compare, roll back; two people; who was faster; attack mode; who hits caps."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from flask import Flask

from riskapi import policy
from riskapi.api.parts import Parts
from riskapi.console.access_parts import AccessParts
from riskapi.policy.deciding_processes import DecidingWorker
from riskapi.policy.versions import Publication
from riskapi.simulations.runs import LATEST
from riskapi.store.connections import Store
from riskapi.store.tallies import Happened, Tallies
from riskapi.times import rfc3339
from tests.conftest import NOW, Clock
from tests.console.casework import Api
from tests.console.visitor import EVIL, Visitor, signed_in
from tests.signups import home, mailbox
from tests.waiting import until

HERE = "/console/limits"


@pytest.fixture
def parts(parts: Parts, store: Store) -> Iterator[Parts]:
    """The parts, which others use after; what is published here goes with the store."""
    yield parts
    store.execute("FLUSHALL")
    parts.publisher.follow()


@pytest.fixture
def gil(site: Flask, access_parts: AccessParts, clock: Clock) -> Visitor:
    return signed_in(site, access_parts, "gil", "growth", clock.now)


@pytest.fixture
def kim(site: Flask, access_parts: AccessParts, clock: Clock) -> Visitor:
    return signed_in(site, access_parts, "kim", "admin", clock.now)


def sign_up(api: Api, user: str, mail: str = "", **account: Any) -> None:
    """A signup that nothing speaks against, unless ``mail`` does."""
    body = {
        "account": {"user_id": user, "name": f"Name of {user}", **account},
        "email": {"address": mail or mailbox(user)},
        "device": {"ip_address": home(user), "user_agent": "Mozilla/5.0", "accept_language": "es-ES"},
    }
    api("POST", "/v1/signups", body)


def tried(visitor: Visitor, path: str = HERE, **typed: str) -> str:
    """The draft that comes of what was typed, once its simulation is done."""
    visitor.get(path)
    base = visitor.hidden("base")
    visitor.post(path, base=base, **typed)
    found = re.search(r"/limits/drafts/(drf_[0-9a-f]{24})", visitor.text)
    assert found is not None, visitor.text
    until(lambda: "Now</th>" in visitor.get(f"{HERE}/drafts/{found[1]}").text or "No signups are" in visitor.text)
    return found[1]


def published(visitor: Visitor, note: str = "why not", **typed: str) -> None:
    draft = tried(visitor, **typed)
    visitor.post(f"{HERE}/drafts/{draft}/publish", note=note)


def by_another(parts: Parts, clock: Clock, **tables: Any) -> None:
    """Somebody publishes while others look at a page."""
    live = parts.policies.live()
    publication = Publication(note="meanwhile", author="bo", at=rfc3339(clock.now))
    parts.publisher.publish({**live.policy, **tables}, publication, lambda _: True)


class TestTheForms:
    def test_the_forms_show_every_cap_with_unit_explanation_and_who_changed_it(self, gil: Visitor) -> None:
        text = gil.get(HERE).text
        for tier in ("allow", "review", "limit"):
            for window in ("hourly", "daily", "monthly"):
                assert f'name="tiers.{tier}.{window}"' in text
        assert 'aria-label="review, recipients in any day"' in text
        assert "Customers a person should look at first" in text  # the comment of the policy
        assert 'name="thresholds.review"' in text and "score, 0 to 100" in text
        published(gil, **{"tiers.review.daily": "60"})
        assert "version 2, gil</small>" in gil.get(HERE).text

    def test_the_forms_are_read_by_viewers_and_changed_by_growth(
        self, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        viewer = signed_in(site, access_parts, "vi", "viewer", clock.now)
        assert "<fieldset disabled>" in viewer.get(HERE).text and "Simulate</button>" not in viewer.text
        for path in (HERE, f"{HERE}/text", f"{HERE}/rules", f"{HERE}/attack", f"{HERE}/suggestions"):
            viewer.get("/console/account")
            assert viewer.post(path).status_code == 403, path

    @pytest.mark.parametrize(
        ("typed", "field", "said"),
        [
            ({"tiers.allow.daily": "many"}, "tiers.allow.daily", "expected a whole number"),
            ({"tiers.allow.daily": "-1"}, "tiers.allow.daily", "expected"),
            ({"tiers.allow.daily": ""}, "tiers.allow.daily", "expected a whole number"),
            ({"tiers.review.daily": "9000"}, "tiers.review.daily", "is above tiers.review.monthly"),
            ({"thresholds.review": "90"}, "thresholds.review", "must be below thresholds.limit"),
            ({"thresholds.review": "1e999"}, "thresholds.review", "expected"),
            ({"model.mode": "fast"}, "model.mode", "expected off, shadow, live"),
            ({"tiers.allow.steps[3].days": "28"}, "tiers.allow.steps[3].hourly", "needs all of its numbers"),
            ({"new_plan": "Pro!", "new_plan.daily": "9"}, "new_plan", "expected up to 64 letters"),
            ({"new_plan": "pro", "new_plan.daily": "9"}, "new_plan.hourly", "fill in all three"),
            ({"new_plan.daily": "9"}, "new_plan", "needs a name"),
        ],
    )
    def test_the_forms_keep_what_was_typed_and_name_the_field(
        self, gil: Visitor, typed: dict[str, str], field: str, said: str
    ) -> None:
        gil.get(HERE)
        answer = gil.post(HERE, base="1", **{"outage.daily": "21", **typed})
        assert answer.status_code == 422
        text = html.unescape(answer.text)
        assert f">{field}</a>: " in text and said in text
        assert re.search(r'id="outage.daily"[^>]*value="21"', answer.text)
        for name, value in typed.items():
            if "mode" not in name:
                assert re.search(rf'id="{re.escape(name)}"[^>]*value="{re.escape(value)}"', answer.text), name

    def test_the_forms_mark_as_changed_what_differs_and_nothing_else(self, gil: Visitor) -> None:
        page = gil.get(HERE).text
        shown = {
            name: html.unescape(value)
            for name, value in re.findall(r'<input id="([a-z][^"]*)"[^>]*value="(.*?)"', page)
        }
        for name, choices in re.findall(r'<select id="([a-z][^"]*)".*?>(.*?)</select>', page, re.S):
            chosen = re.search(r"<option selected>([^<]*)", choices) or re.search(r"<option>([^<]*)", choices)
            assert chosen is not None
            shown[name] = chosen[1]  # as a browser sends it
        answer = gil.post(HERE, base="1", **{**shown, "tiers.allow.monthly": "30"})
        assert answer.status_code == 422 and answer.text.count("</span> changed</span>") == 1

    def test_the_forms_say_when_nothing_differs_and_leave_alone_what_is_no_field(self, gil: Visitor) -> None:
        gil.get(HERE)
        for typed in ({"tiers.allow.daily": "500"}, {"rules[0].text": "x", "no.such": "1", "tiers": "2", "x[9]": "3"}):
            assert "Nothing differs from version 1." in gil.post(HERE, base="1", **typed).text

    def test_the_forms_add_change_and_remove_plans_and_steps(self, gil: Visitor, parts: Parts) -> None:
        new = {"new_plan": "Pro", "new_plan.hourly": "2000", "new_plan.daily": "9000", "new_plan.monthly": "90000"}
        published(gil, **new, **{"new_plan.paid": "on"})
        plan = parts.policies.live().policy["plans"]["pro"]
        assert plan == {"hourly": 2000, "daily": 9000, "monthly": 90000, "review": None, "limit": None, "paid": True}
        review = {
            f"plans.pro.review.{cap}": count for cap, count in (("hourly", "30"), ("daily", "70"), ("monthly", "300"))
        }
        published(gil, **review)
        assert parts.policies.live().policy["plans"]["pro"]["review"] == {"hourly": 30, "daily": 70, "monthly": 300}
        gone = {f"plans.pro.{cap}": "" for cap in ("hourly", "daily", "monthly")}
        step = {f"tiers.allow.steps[2].{name}": "" for name in ("days", "hourly", "daily", "monthly")}
        published(gil, **gone, **step)
        live = parts.policies.live().policy
        assert live["plans"] == {} and len(live["tiers"]["allow"]["steps"]) == 2


class TestAChange:
    def test_a_change_is_tried_then_published_and_the_next_sends_obey(
        self, gil: Visitor, api: Api, parts: Parts, clock: Clock
    ) -> None:
        sign_up(api, "u_1")
        api("POST", "/v1/accounts/u_1/sends", {"recipients": 100})
        api("POST", "/v1/accounts/u_1/labels", {"label": "legitimate", "source": "external"})
        clock.advance(60)
        draft = tried(gil, **{"tiers.allow.hourly": "60", "tiers.allow.daily": "60"})
        text = gil.text
        assert "allow: a cap of 500 a day becomes 60" in text
        assert "Good accounts touched: 1" in text and "u_1" in text and "N… o… u…" in text
        assert mailbox("u_1") not in text and "…@" in text
        assert "<td>0</td><td>40</td>" in text.replace("\n", "")  # recipients capped, now and then
        assert parts.policies.live().version == 1
        assert gil.post(f"{HERE}/drafts/{draft}/publish", note=" ").status_code == 422
        gil.post(f"{HERE}/drafts/{draft}/publish", note="Too much spam")
        assert gil.path == f"{HERE}/versions/2" and "Version 2 is in force." in gil.text
        live = parts.policies.live()
        assert (live.author, live.note, live.policy["tiers"]["allow"]["daily"]) == ("gil", "Too much spam", 60)
        assert live.simulation_id is not None
        assert api("POST", "/v1/accounts/u_1/sends", {"recipients": 10})["granted"] == 0

    def test_a_change_names_accounts_to_those_who_may_know_them(self, kim: Visitor, api: Api, clock: Clock) -> None:
        sign_up(api, "u_1")
        api("POST", "/v1/accounts/u_1/sends", {"recipients": 100})
        api("POST", "/v1/accounts/u_1/labels", {"label": "legitimate", "source": "external"})
        clock.advance(60)
        tried(kim, **{"tiers.allow.hourly": "60", "tiers.allow.daily": "60"})
        assert "Name of u_1" in kim.text

    def test_a_change_says_what_fills_it_while_nothing_is_recorded(self, gil: Visitor) -> None:
        tried(gil, **{"tiers.allow.daily": "400"})
        assert "No signups are recorded in these days" in gil.text and "make demo" in gil.text

    def test_a_change_is_noted(self, gil: Visitor, access_parts: AccessParts) -> None:
        published(gil, **{"tiers.allow.daily": "400"})
        note = access_parts.audit.latest(1)[0]
        assert (note.actor, note.action, note.details["made_from"]) == ("gil", "policy published", 1)

    def test_a_change_overwrites_nothing_where_somebody_was_faster(
        self, gil: Visitor, parts: Parts, clock: Clock
    ) -> None:
        draft = tried(gil, **{"tiers.allow.daily": "400", "clusters.factor": "2"})
        tiers = parts.policies.live().policy["tiers"]
        by_another(parts, clock, tiers={**tiers, "limit": {**tiers["limit"], "daily": 9}})
        answer = gil.post(f"{HERE}/drafts/{draft}/publish", note="mine")
        assert answer.status_code == 409
        assert "bo published version 2" in answer.text and "limit: a cap of 10 a day becomes 9" in answer.text
        assert parts.policies.live().version == 2
        gil.post(f"{HERE}/drafts/{draft}/renew")
        until(lambda: "No signups are" in gil.get(gil.path).text)
        gil.post(f"{gil.path}/publish", note="both")
        live = parts.policies.live().policy
        assert (live["tiers"]["allow"]["daily"], live["tiers"]["limit"]["daily"], live["clusters"]["factor"]) == (
            400,
            9,
            2,
        )

    def test_a_change_typed_into_an_older_form_is_kept_and_says_who_was_faster(
        self, gil: Visitor, parts: Parts, clock: Clock
    ) -> None:
        gil.get(HERE)
        by_another(parts, clock, clusters={"mode": "live", "factor": 3})
        text = gil.post(HERE, base="1", **{"clusters.factor": "2"}).text
        assert "bo published version 2" in text and "clusters.factor" in text
        assert re.search(r'id="clusters.factor"[^>]*value="2', text)

    def test_a_change_of_an_unknown_version_or_draft_is_not_there(self, gil: Visitor) -> None:
        gil.get(HERE)
        assert gil.post(HERE, base="999", **{"clusters.factor": "2"}).status_code == 404
        assert gil.get(f"{HERE}?draft=drf_{'0' * 24}").status_code == 404
        assert gil.get(f"{HERE}?draft={EVIL}").status_code == 404
        assert gil.get(f"{HERE}?use=sug_{'0' * 24}").status_code == 404


class TestTheText:
    def test_the_text_is_edited_with_its_comments_and_keeps_them_when_a_number_changes(
        self, gil: Visitor, parts: Parts
    ) -> None:
        shipped = policy.DEFAULT.read_text()
        text = shipped.replace("daily = 500\n", "daily = 450 # as agreed in May\n", 1)
        draft = tried(gil, f"{HERE}/text", text=text)
        assert "allow: a cap of 500 a day becomes 450" in gil.text
        gil.post(f"{HERE}/drafts/{draft}/publish", note="May")
        assert parts.policies.live().policy["tiers"]["allow"]["daily"] == 450
        published(gil, **{"tiers.allow.hourly": "150", "feedback.triggers[0].days": "2"})
        shown = html.unescape(gil.get(f"{HERE}/text").text)
        assert "daily = 450 # as agreed in May" in shown and "hourly = 150" in shown
        kept = [line for line in shipped.splitlines() if line.startswith("#")]
        assert [line for line in kept if line not in shown] == []
        assert "version = 3" in shown

    @pytest.mark.parametrize(
        ("given", "said"),
        [("tiers = [", "not TOML"), ("version = 1", "is missing"), ("x" * 100_000, "not TOML")],
    )
    def test_the_text_that_is_wrong_is_kept_and_says_where(self, gil: Visitor, given: str, said: str) -> None:
        gil.get(f"{HERE}/text")
        answer = gil.post(f"{HERE}/text", base="1", text=given)
        assert answer.status_code == 422 and said in answer.text and given in html.unescape(answer.text)


class TestVersions:
    def test_versions_are_compared_in_words_and_brought_back(
        self, gil: Visitor, parts: Parts, access_parts: AccessParts
    ) -> None:
        published(gil, note="less", **{"tiers.review.daily": "40"})
        text = gil.get(f"{HERE}/versions?since=1&to=2").text
        assert "review: a cap of 50 a day becomes 40" in text and "less" in text
        assert gil.get(f"{HERE}/versions?since=x&to=2").status_code == 422
        assert gil.get(f"{HERE}/versions?since=1&to=77").status_code == 422
        assert "review: a cap of 40 a day becomes 50" in gil.get(f"{HERE}/versions/1").text
        assert gil.post(f"{HERE}/versions/1", do="restore", note="").status_code == 422
        gil.post(f"{HERE}/versions/1", do="restore", note="back")
        live = parts.policies.live()
        assert (live.version, live.restores, live.policy["tiers"]["review"]["daily"]) == (3, 1, 50)
        assert access_parts.audit.latest(1)[0].action == "policy rolled back"
        gil.post(f"{HERE}/versions/2", do="simulate")
        until(lambda: "No signups are" in gil.get(gil.path).text)
        gil.post(f"{gil.path}/publish", note="again")
        assert parts.policies.live().restores == 2

    def test_versions_say_which_processes_run_them(self, gil: Visitor, parts: Parts, store: Store) -> None:
        assert "No process has said yet" in gil.get(f"{HERE}/versions").text
        DecidingWorker(store, parts.publisher, time.time).say()
        assert "live on 1 of 1 process" in gil.get(f"{HERE}/versions").text


class TestTwoPeople:
    @pytest.fixture(autouse=True)
    def asked(self, parts: Parts, clock: Clock) -> None:
        by_another(parts, clock, publishing={"loosening_needs_second": True, "proposal_hours": 72})

    def test_two_people_loosen_and_one_alone_does_not(
        self, gil: Visitor, kim: Visitor, site: Flask, access_parts: AccessParts, clock: Clock, parts: Parts
    ) -> None:
        draft = tried(gil, **{"tiers.review.daily": "60"})
        assert "a second person has to approve it" in gil.text and "Propose</button>" in gil.text
        gil.post(f"{HERE}/drafts/{draft}/publish", note=f"more {EVIL}")
        assert gil.path == f"{HERE}/proposals" and parts.policies.live().version == 2
        assert "<script>alert" not in gil.text
        (waiting,) = parts.policy.proposals.waiting(clock.now)
        assert "Approve and publish" not in gil.text and "Withdraw" in gil.text
        here = f"{HERE}/proposals/{waiting.id}"
        assert gil.post(here, do="approve").status_code == 403 and parts.policies.live().version == 2
        viewer = signed_in(site, access_parts, "vi", "viewer", clock.now)
        viewer.get(f"{HERE}/proposals")
        assert (
            viewer.post(here, do="approve").status_code == 403 and "Approve" not in viewer.get(f"{HERE}/proposals").text
        )
        kim.get(f"{HERE}/proposals")
        kim.post(here, do="approve")
        live = parts.policies.live()
        assert (live.version, live.author, live.approved_by) == (3, "gil", "kim")
        assert live.policy["tiers"]["review"]["daily"] == 60
        assert kim.post(here, do="approve").status_code == 404

    def test_two_people_refuse_what_they_do_not_want_and_cannot_approve_what_was_overtaken(
        self, gil: Visitor, kim: Visitor, parts: Parts, clock: Clock
    ) -> None:
        published(gil, **{"tiers.review.daily": "60"})
        published(gil, **{"tiers.review.daily": "61"})
        first, second = parts.policy.proposals.waiting(clock.now)
        kim.get(f"{HERE}/proposals")
        assert kim.post(f"{HERE}/proposals/{first.id}", do="").status_code == 422
        kim.get(f"{HERE}/proposals")
        kim.post(f"{HERE}/proposals/{first.id}", do="refuse")
        assert [each.id for each in parts.policy.proposals.waiting(clock.now)] == [second.id]
        by_another(parts, clock, clusters={"mode": "live", "factor": 1.2})
        assert "bo published version 3 meanwhile" in kim.get(f"{HERE}/proposals").text
        assert kim.post(f"{HERE}/proposals/{second.id}", do="approve").status_code == 409
        assert parts.policies.live().version == 3

    def test_two_people_are_not_needed_to_tighten(self, gil: Visitor, parts: Parts) -> None:
        published(gil, **{"tiers.review.daily": "40"})
        assert parts.policies.live().version == 3


class TestSuggestions:
    def test_suggestions_fill_the_form(self, gil: Visitor, api: Api, clock: Clock) -> None:
        for number in range(3):
            sign_up(api, f"u_{number}")
        clock.advance(60)
        gil.get(f"{HERE}/suggestions")
        gil.post(f"{HERE}/suggestions", reviews="40", percent="1")
        here = gil.path
        until(lambda: "Suggested" in gil.get(here).text)
        assert "fewer than 30 say nothing" in gil.text and "95 %" in gil.text
        found = re.search(r"/console/limits\?use=sug_[0-9a-f]+", gil.text)
        assert found is not None
        assert re.search(r'id="thresholds.review"[^>]*value="2.01"', gil.get(found[0]).text)

    @pytest.mark.parametrize("typed", [{"reviews": "x"}, {"percent": "101"}, {"reviews": "-1"}, {"percent": ""}])
    def test_suggestions_keep_what_was_typed(self, gil: Visitor, typed: dict[str, str]) -> None:
        gil.get(f"{HERE}/suggestions")
        answer = gil.post(f"{HERE}/suggestions", **{"reviews": "40", "percent": "1", **typed})
        assert answer.status_code == 422 and "expected a number" in answer.text
        assert all(f'value="{value}"' in answer.text for value in typed.values())


class TestRulesAndTriggers:
    def test_rules_and_triggers_are_counted_with_what_is_known_and_what_is_not(
        self, gil: Visitor, api: Api, clock: Clock
    ) -> None:
        assert "not counted yet" in gil.get(f"{HERE}/rules").text
        for user in ("d_1", "d_2"):
            sign_up(api, user, f"{user}@mailinator.com", name=EVIL)
        api("POST", "/v1/accounts/d_1/labels", {"label": "abuse", "source": "external"})
        clock.advance(60)
        gil.post(f"{HERE}/rules/count")
        until(lambda: "Counted 2026" in gil.get(f"{HERE}/rules").text)
        row = gil.text[gil.text.index("throwaway_mailbox</code>") :].split("</tr>")[0]
        assert '<td class="number">2</td><td class="number">2</td>' in row and "1 of 1, 100.0 %" in row
        row = gil.text[gil.text.index("phone_reused</code>") :].split("</tr>")[0]
        assert "not known: none of them is labelled" in row

    def test_triggers_in_shadow_say_what_they_would_have_done(self, gil: Visitor, api: Api, store: Store) -> None:
        def cells() -> str:
            text: str = gil.get(f"{HERE}/rules").text
            return text[text.index('<th scope="row">silence<br>') :].split("</tr>")[0]

        assert '<td class="number">0</td><td class="number">0</td><td class="quiet">in shadow' in cells()
        for user in ("d_1", "d_2"):
            sign_up(api, user, f"{user}@{user[-1]}.example")
            api("POST", f"/v1/accounts/{user}/sends", {"recipients": 150})
        for number, user in enumerate(("d_1", "d_2", "d_1")):
            api("POST", "/v1/feedback", {"events": [{"id": f"e{number}", "type": "spam_trap", "user_id": user}]})
        pipe = store.pipeline()
        for days in (6, 7):
            Tallies(store).queue(pipe, [Happened("trigger", "silence", "n")], NOW - days * 86400)
        store.run(pipe)
        assert '<td class="number">2</td><td class="number">3</td><td class="quiet">in shadow' in cells()

    def test_rules_and_triggers_are_switched_like_any_limit(self, gil: Visitor, parts: Parts) -> None:
        names = [rule["name"] for rule in parts.policies.live().policy["rules"]]
        at = names.index("fresh_domain")
        draft = tried(gil, f"{HERE}/rules", **{f"rules[{at}].mode": "live", "feedback.triggers[1].rate": "0.002"})
        assert "The rule fresh_domain, mode: shadow becomes live" in gil.text
        gil.post(f"{HERE}/drafts/{draft}/publish", note="on")
        live = parts.policies.live().policy
        assert live["rules"][at]["mode"] == "live" and live["feedback"]["triggers"][1]["rate"] == 0.002
        assert "version 2, gil" in gil.get(f"{HERE}/rules").text
        answer = gil.post(f"{HERE}/rules", base="2", **{"feedback.triggers[1].rate": "2"})
        assert answer.status_code == 422 and "feedback.triggers[1].rate</a>: expected 0 to 1" in answer.text


class TestAttackMode:
    def test_attack_mode_is_one_switch_with_an_end_and_a_ribbon(self, gil: Visitor, parts: Parts, clock: Clock) -> None:
        assert "attack mode until" not in gil.get(f"{HERE}/attack").text
        gil.post(f"{HERE}/attack", do="begin", hours="8", note=EVIL)
        assert "On until 2026-11-22 18:00 UTC" in gil.text and "<script>alert" not in gil.text
        assert "attack mode until 2026-11-22 18:00 UTC" in gil.get("/console/queue").text
        assert parts.policy.attacks.read(clock.now) is not None
        gil.get(f"{HERE}/attack")
        gil.post(f"{HERE}/attack", do="end")
        assert "Attack mode is off" in gil.text
        assert "attack mode until" not in gil.get("/console/queue").text

    @pytest.mark.parametrize("typed", [{"hours": "721"}, {"hours": "0"}, {"hours": "soon"}, {"note": " "}])
    def test_attack_mode_keeps_what_was_typed(self, gil: Visitor, typed: dict[str, str], parts: Parts) -> None:
        gil.get(f"{HERE}/attack")
        answer = gil.post(f"{HERE}/attack", do="begin", **{"hours": "8", "note": "a wave", **typed})
        assert answer.status_code == 422 and parts.policy.attacks.read(NOW) is None
        assert 'value="8"' in answer.text or f'value="{typed.get("hours")}"' in answer.text


def test_who_hits_caps_is_counted_by_tier_and_plan(gil: Visitor, kim: Visitor, api: Api) -> None:
    assert "Nobody ran into a cap" in gil.get(f"{HERE}/hits").text
    sign_up(api, "u_1", name=EVIL, plan="pro")
    assert api("POST", "/v1/accounts/u_1/sends", {"recipients": 900})["granted"] < 900
    text = gil.get(f"{HERE}/hits?days=1").text
    assert (
        "<td>pro</td><td>account, hour</td>" in text and "<script>alert" not in text and "script&gt;alert" not in text
    )
    assert "<script>alert" not in kim.get(f"{HERE}/hits?days=9").text and "script&gt;alert" in kim.text
    leads = re.search(r'href="(/console/search\?as=user[^"]*)"', text)
    assert leads is not None and "Read as: user id." in gil.get(html.unescape(leads[1])).text


def test_pages_show_how_far_a_run_is_and_load_again_without_a_script(gil: Visitor, parts: Parts, store: Store) -> None:
    draft = tried(gil, **{"tiers.allow.daily": "400"})
    kept = parts.policy.drafts.get(draft).simulation_id or ""
    runs = {"simulation": kept, "suggestion": f"sug_{'1' * 24}", "count": LATEST}
    paths = {"simulation": f"drafts/{draft}", "suggestion": f"suggestions/{runs['suggestion']}", "count": "rules"}
    for kind, id in runs.items():
        answer = {"status": "running", "progress": {"done": 1234, "entries": 5000}, "base_version": 1}
        for status in ("running", "failed"):
            row = orjson.dumps({"digest": "", "answer": {**answer, "status": status}})
            store.execute("SET", f"risk:run:{kind}:{id}", row)
            text = gil.get(f"{HERE}/{paths[kind]}").text
            if status == "failed":
                assert "failed" in text, kind
            else:
                assert "1\u202f234 of at most 5\u202f000 entries read" in text and "data-refresh" in text, kind
                assert '<noscript><meta http-equiv="refresh"' in text, kind
    store.execute("DEL", f"risk:run:simulation:{kept}")
    assert "There is no simulation of this, or it is not kept any more." in gil.get(f"{HERE}/drafts/{draft}").text
    gil.post(f"{HERE}/drafts/{draft}/simulate")
    until(lambda: "No signups are" in gil.get(gil.path).text)
