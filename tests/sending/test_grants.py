"""Sends through the whole line on the real store: caps, windows, releases, repeats, clusters, steps, holds, outages."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from riskapi.app import Service, assemble
from riskapi.decisions.events import Event
from riskapi.errors import Problem
from riskapi.feedback.event import FeedbackEvent
from riskapi.inputs.urls import MOST
from riskapi.sending.grants import Message
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.conftest import NOW, Clock
from tests.grants import ask, opened, under, view
from tests.reviewing import decide
from tests.signups import body, post, together
from tests.working import Work

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


class TestCaps:
    """What an account alone may send."""

    def test_the_hourly_cap_is_granted_and_when_there_is_more_is_told(self, service: Service) -> None:
        user = opened(service, "u1")
        first = ask(service, user, 150)
        assert (first["granted"], first["denied"], first["denied_by"], first["retry_after"]) == (150, 0, None, None)
        assert first["remaining"] == {"hourly": 50, "daily": 350, "monthly": 4850}
        second = ask(service, user, 150)
        assert (second["granted"], second["denied"], second["denied_by"]) == (50, 100, "account_hourly")
        assert HOUR < second["retry_after"] <= HOUR + MINUTE
        assert ask(service, user, 100, NOW + second["retry_after"] - 1)["granted"] == 0
        assert ask(service, user, 100, NOW + second["retry_after"])["granted"] == 100

    def test_all_or_nothing(self, service: Service) -> None:
        user = opened(service, "u1")
        assert ask(service, user, 150, partial=False)["granted"] == 150
        refused = ask(service, user, 51, partial=False)
        assert (refused["granted"], refused["denied"], refused["denied_by"]) == (0, 51, "account_hourly")
        assert ask(service, user, 50, partial=False)["granted"] == 50
        assert ask(service, user, 51, NOW + refused["retry_after"], partial=False)["granted"] == 51

    def test_what_no_cap_ever_allows_has_no_time_to_ask_again(self, service: Service) -> None:
        refused = ask(service, opened(service, "u1"), 201, partial=False)
        assert (refused["granted"], refused["denied_by"], refused["retry_after"]) == (0, "account_hourly", None)

    def test_a_day_slides_by_quarters_of_an_hour(self, service: Service) -> None:
        user = opened(service, "u1")
        at = NOW
        for _ in range(2):
            assert ask(service, user, 200, at)["granted"] == 200
            at += 2 * HOUR
        third = ask(service, user, 200, at)
        assert (third["granted"], third["denied_by"]) == (100, "account_daily")
        assert NOW + DAY < at + third["retry_after"] <= NOW + DAY + 15 * MINUTE
        assert ask(service, user, 100, at + third["retry_after"] - 1)["granted"] == 0
        assert ask(service, user, 100, at + third["retry_after"])["granted"] == 100

    @pytest.mark.parametrize("partial", [True, False])
    def test_what_is_named_is_what_has_to_be_waited_for(self, service: Service, partial: bool) -> None:
        """The hour is full, and the day leaves less than is asked for: that is what the rest waits for."""
        user = opened(service, "u1")
        for number, recipients in enumerate((200, 70, 200)):
            assert ask(service, user, recipients, NOW + number * 2 * HOUR)["granted"] == recipients
        now = NOW + 4 * HOUR + MINUTE
        fits = ask(service, user, 30, now, partial=partial)  # of as many the hour alone is in the way
        assert fits["denied_by"] == "account_hourly" and fits["retry_after"] <= HOUR + MINUTE
        found = ask(service, user, 100, now, partial=partial)
        assert (found["granted"], found["remaining"]["hourly"], found["remaining"]["daily"]) == (0, 0, 30)
        assert found["denied_by"] == "account_daily"
        assert NOW + DAY < now + found["retry_after"] <= NOW + DAY + 15 * MINUTE
        assert ask(service, user, 100, now + found["retry_after"] - 1, partial=False)["granted"] == 0
        assert ask(service, user, 100, now + found["retry_after"], partial=False)["granted"] == 100

    def test_a_month_is_thirty_days(self, service: Service) -> None:
        user = opened(service, "u1")
        under(service, clean={"least_recipients": 10**9}, takeover={"mode": "off"})
        granted: list[int] = []
        at = NOW
        while sum(granted) < 5000:
            granted += [ask(service, user, 200, at)["granted"], ask(service, user, 200, at + 2 * HOUR)["granted"]]
            granted.append(ask(service, user, 100, at + 4 * HOUR)["granted"])
            at += 2 * DAY
        assert sum(granted) == 5000
        refused = ask(service, user, 1, at)
        assert refused["denied_by"] == "account_monthly"
        assert NOW + 30 * DAY < at + refused["retry_after"] <= NOW + 30 * DAY + 6 * HOUR
        assert ask(service, user, 1, at + refused["retry_after"])["granted"] == 1

    def test_a_clock_that_goes_back_gains_nothing(self, service: Service) -> None:
        user = opened(service, "u1")
        assert ask(service, user, 200, NOW + 600)["granted"] == 200
        assert ask(service, user, 200, NOW)["granted"] == 0
        assert ask(service, user, 200, NOW - 3 * DAY)["granted"] == 0

    def test_a_stranger_is_not_found_unless_policy_names_a_tier(self, service: Service) -> None:
        with pytest.raises(Problem) as problem:
            ask(service, "nobody", 1)
        assert problem.value.code == "not_found"
        under(service, sends={"strangers": "limit"})
        assert ask(service, "nobody", 20)["granted"] == service.active.policy.tiers.limit.hourly

    def test_a_tier_that_was_lowered_counts_at_once(self, service: Service) -> None:
        user = opened(service, "u1")
        assert ask(service, user, 7)["granted"] == 7
        service.parts.labels.add(user, "abuse", "manual_review", None, "ana", NOW)
        found = ask(service, user, 1)
        assert (found["granted"], found["tier"]) == (0, "limit")


class TestReleases:
    """What was not sent is given back, each recipient at most once."""

    def test_released_recipients_can_be_granted_again(self, service: Service) -> None:
        user = opened(service, "u1")
        reservation = ask(service, user, 200)["reservation_id"]
        found = service.parts.grants.release(reservation, 60, NOW)
        assert found["remaining"] == {"hourly": 60, "daily": 360, "monthly": 4860}
        assert ask(service, user, 100)["granted"] == 60

    def test_no_more_than_was_granted(self, service: Service) -> None:
        user = opened(service, "u1")
        reservation = ask(service, user, 10)["reservation_id"]
        service.parts.grants.release(reservation, 7, NOW)
        with pytest.raises(Problem) as problem:
            service.parts.grants.release(reservation, 4, NOW)
        assert (problem.value.code, problem.value.errors[0]["detail"]) == ("over_release", "3 can still be released")
        assert view(service, user)["limits"]["remaining"]["hourly"] == 197
        service.parts.grants.release(reservation, 3, NOW)
        with pytest.raises(Problem):
            service.parts.grants.release(reservation, 1, NOW)

    def test_of_nothing_granted_nothing_is_released(self, service: Service) -> None:
        user = opened(service, "u1")
        ask(service, user, 200)
        with pytest.raises(Problem) as problem:
            service.parts.grants.release(ask(service, user, 1)["reservation_id"], 1, NOW)
        assert problem.value.code == "over_release"

    def test_a_release_that_is_repeated_counts_once(self, service: Service) -> None:
        reservation = ask(service, opened(service, "u1"), 10)["reservation_id"]
        first = service.parts.grants.release(reservation, 5, NOW, repeat="abc")
        assert service.parts.grants.release(reservation, 5, NOW, repeat="abc") == first
        assert service.parts.grants.release(reservation, 5, NOW)["remaining"]["hourly"] == 200

    def test_a_reservation_that_is_nobodys_is_not_found(self, service: Service) -> None:
        with pytest.raises(Problem) as problem:
            service.parts.grants.release("rsv_foreign", 1, NOW)
        assert problem.value.code == "not_found"

    def test_of_an_account_that_was_erased_nothing_is_released(self, service: Service) -> None:
        """What it spent is kept for whoever comes back under its name; an answer of 404 has changed nothing."""
        user = opened(service, "u1")
        reservation = ask(service, user, 200)["reservation_id"]
        service.parts.erasures.erase(user, 90, NOW)
        with pytest.raises(Problem) as problem:
            service.parts.grants.release(reservation, 60, NOW)
        assert problem.value.code == "not_found"
        assert ask(service, opened(service, "u1"), 1)["granted"] == 0

    def test_long_after_the_grant_the_right_window_is_freed(self, service: Service) -> None:
        user = opened(service, "u1")
        reservation = ask(service, user, 200)["reservation_id"]
        ask(service, user, 100, NOW + 2 * HOUR)
        found = service.parts.grants.release(reservation, 200, NOW + 4 * HOUR)
        assert found["remaining"] == {"hourly": 200, "daily": 400, "monthly": 4900}


class TestRepeats:
    """A request that comes again under its Idempotency-Key."""

    def test_a_repeated_request_gets_the_first_answer_and_is_counted_once(self, service: Service) -> None:
        user = opened(service, "u1")
        first = ask(service, user, 50, repeat="k", digest="d")
        again = service.parts.grants.send(user, 50, Message(), NOW + 5, repeat="k", digest="d")
        assert (dict(again.body), again.replay) == (first, True)
        assert view(service, user)["limits"]["remaining"]["hourly"] == 150

    def test_a_repeated_request_with_another_body_is_a_conflict(self, service: Service) -> None:
        user = opened(service, "u1")
        ask(service, user, 50, repeat="k", digest="d")
        with pytest.raises(Problem) as problem:
            ask(service, user, 60, repeat="k", digest="e")
        assert problem.value.code == "idempotency_conflict"


class TestClusters:
    """Accounts that belong together share a budget."""

    def test_accounts_on_one_device_share_a_budget(self, service: Service) -> None:
        users = [opened(service, f"r{number}", "ring") for number in range(5)]
        found = [ask(service, user, 200) for user in users]
        assert [each["granted"] for each in found] == [200, 100, 0, 0, 0]
        assert [each["tier"] for each in found] == ["allow", "allow", "review", "review", "review"], "device_reused"
        assert found[2]["denied_by"] == "cluster_monthly" and found[2]["retry_after"] > 30 * DAY
        seen = view(service, users[0])
        assert (seen["linkage"]["size"], seen["limits"]["scope"]) == (5, "cluster")
        assert seen["limits"]["cluster"] == {"hourly": 300, "daily": 750, "monthly": 7500}
        assert seen["limits"]["remaining"]["hourly"] == 0
        assert [(edge["kind"], edge["accounts"]) for edge in seen["linkage"]["edges"]] == [("device", 5)]
        assert ask(service, users[3], 200, NOW + found[3]["retry_after"] - 1)["granted"] == 0
        assert ask(service, users[3], 200, NOW + found[3]["retry_after"])["granted"] == 20
        assert ask(service, users[0], 200, NOW + found[3]["retry_after"])["granted"] == 200

    def test_a_newcomer_is_told_what_the_cluster_has_left(self, service: Service) -> None:
        ask(service, opened(service, "r1", "ring"), 200)
        found = post(service, body("r2", email={"address": "r2@r2.example"}, device={"id": "ring"}))
        assert found["linkage"]["cluster_id"].startswith("clu_")
        assert (found["linkage"]["size"], found["limits"]["scope"]) == (2, "cluster")
        assert found["limits"]["remaining"]["hourly"] == 100
        strongest = found["linkage"]["evidence"][0]
        assert (strongest["kind"], strongest["binds"]) == ("device", True)

    def test_a_merge_adds_up_and_a_cut_takes_apart(self, service: Service) -> None:
        for user, device in (("a1", "left"), ("a2", "left"), ("b1", "right"), ("b2", "right")):
            opened(service, user, device)
        ask(service, "a1", 200)
        ask(service, "b1", 200)
        assert ask(service, "a2", 200)["granted"] == 100
        bridge = body("ab", email={"address": "ab@ab.example"}, device={"id": "left"}, phone={"number": "+34600123123"})
        post(service, body("b3", email={"address": "b3@b3.example"}, device={"id": "right"},
                           phone={"number": "+34600123123"}))  # fmt: skip
        post(service, bridge)
        seen = view(service, "b2")
        assert seen["linkage"]["size"] == 6
        assert seen["limits"]["remaining"]["hourly"] == 0
        assert ask(service, "b2", 1)["denied_by"] == "cluster_hourly"
        cluster = seen["linkage"]["cluster_id"]
        edge = next(row["edge"] for row in seen["linkage"]["edges"] if row["kind"] == "phone")
        after = service.parts.cuts.cut(cluster, None, edge, "a shared test phone", "ana", NOW)["accounts"]
        assert after["a1"] == after["ab"] != after["b3"] == after["b1"]
        assert view(service, "b2")["limits"]["remaining"]["hourly"] == 100
        assert ask(service, "b2", 200)["granted"] == 100
        assert ask(service, "a2", 200)["granted"] == 0

    def test_who_was_cut_out_stays_out_with_what_they_spent(self, service: Service) -> None:
        users = [opened(service, f"r{number}", "ring") for number in range(3)]
        ask(service, users[0], 150)
        cluster = view(service, users[0])["linkage"]["cluster_id"]
        after = service.parts.cuts.cut(cluster, users[0], None, "our own tester", "ana", NOW)["accounts"]
        assert after == {"r0": None, "r1": cluster, "r2": cluster}
        opened(service, "r3", "ring")
        assert view(service, users[0])["linkage"]["cluster_id"] is None
        assert view(service, users[0])["limits"]["remaining"]["hourly"] == 50
        assert [view(service, user)["limits"]["remaining"]["hourly"] for user in ("r1", "r3")] == [200, 20]

    def _kiosk(self, service: Service) -> None:
        """A device is looked at whether it is a hub from five accounts on; three networks and domains are many."""
        kinds = service.active.policy.links.kinds
        small = kinds["device"].model_copy(update={"hub_over": 4})
        under(service, links={"kinds": {**kinds, "device": small}}, hubs={"networks": 3, "mail_domains": 3})

    def test_a_crowd_of_a_few_days_is_no_hub(self, service: Service) -> None:
        self._kiosk(service)
        users = [opened(service, f"r{number}", "kiosk", NOW + number * DAY) for number in range(8)]
        assert {view(service, user)["linkage"]["size"] for user in users} == {8}
        assert [ask(service, user, 200, NOW + 8 * DAY)["granted"] for user in users] == [200, 100, *[0] * 6]

    def test_a_crowd_that_grew_over_weeks_binds_no_newcomer_and_lets_go_of_nobody(self, service: Service) -> None:
        self._kiosk(service)
        users = []
        for number in range(5):
            users.append(opened(service, f"r{number}", "kiosk", NOW + number * 5 * DAY))
            Work(service, Clock(NOW + number * 5 * DAY)).do()
        late, at = opened(service, "late", "kiosk", NOW + 25 * DAY), NOW + 25 * DAY
        assert view(service, late, at)["linkage"]["size"] == 6, "until somebody looked"
        Work(service, Clock(at)).do()
        assert view(service, late, at)["linkage"]["cluster_id"] is None
        assert {view(service, user, at)["linkage"]["size"] for user in users} == {5}
        assert ask(service, users[0], 200, at)["granted"] == 200
        assert (view(service, late, at)["limits"]["scope"], ask(service, late, 200, at)["granted"]) == ("account", 20)

    def test_one_bad_account_and_the_crowd_is_no_hub(self, service: Service) -> None:
        self._kiosk(service)
        for number in range(5):
            opened(service, f"r{number}", "kiosk", NOW + number * 5 * DAY)
        service.parts.labels.add("r0", "abuse", "external", None, "key", NOW)
        late = opened(service, "late", "kiosk", NOW + 25 * DAY)
        assert view(service, late, NOW + 25 * DAY)["linkage"]["size"] == 6

    def test_evidence_fades(self, service: Service) -> None:
        users = [opened(service, f"r{number}", "ring") for number in range(2)]
        ask(service, users[0], 1, NOW + 80 * DAY)
        assert view(service, users[0], NOW + 80 * DAY)["linkage"]["size"] == 2
        ask(service, users[0], 1, NOW + 91 * DAY)
        assert view(service, users[0], NOW + 91 * DAY)["linkage"]["cluster_id"] is None

    @pytest.mark.parametrize("mode", ["off", "shadow"])
    def test_only_a_live_cluster_caps(self, service: Service, mode: str) -> None:
        under(service, clusters={"mode": mode})
        users = [opened(service, f"r{number}", "ring") for number in range(3)]
        assert [ask(service, user, 200)["granted"] for user in users] == [200, 200, 20], "the third is in review"
        seen = view(service, users[0])
        assert seen["limits"]["scope"] == "account"
        assert (seen["linkage"]["cluster_id"] is None) == (mode == "off")

    def test_a_reviewer_decides_for_all_of_a_cluster(self, service: Service) -> None:
        for number in range(3):
            opened(service, f"r{number}", "ring")
        mail = {"address": "r9@mailinator.com"}
        review = post(service, body("r9", email=mail, device={"id": "ring"}))["review_id"]
        found = decide(service, review, "limit", "abuse", "cluster", None, "ana", NOW)
        assert {row["user_id"]: row["after"] for row in found["accounts"]} == dict.fromkeys(
            ("r9", "r0", "r1", "r2"), "limit"
        )

    @pytest.mark.parametrize(
        ("said", "joins"),
        [
            pytest.param(Message(("pills.example",)), True, id="one link"),
            pytest.param(Message((), "offer-7"), False, id="the same content"),
            pytest.param(Message(("www.facebook.com", "youtu.be")), False, id="sites everybody links to"),
            pytest.param(Message(), False, id="nothing said"),
        ],
    )
    def test_what_mail_says_joins_who_were_strangers(self, service: Service, said: Message, joins: bool) -> None:
        users = [opened(service, f"s{number}") for number in range(3)]
        granted = [ask(service, user, 200, said=said)["granted"] for user in users]
        assert granted == ([200, 100, 0] if joins else [200, 200, 200])
        seen = view(service, users[0])["linkage"]
        assert seen["size"] == (3 if joins else 1)
        assert [row["accounts"] for row in seen["evidence"] if row["binds"]] == ([3] if joins else [])

    def test_a_link_is_not_hidden_behind_as_many_others_as_a_message_may_have(self, service: Service) -> None:
        """Each account has its own junk before the one link that is for all."""
        granted = []
        for number in range(3):
            user = opened(service, f"s{number}")
            junk = [f"junk{at}-of-{number}.example" for at in range(MOST - 1)]
            granted.append(ask(service, user, 200, said=Message((*junk, "pills.example")))["granted"])
        assert granted == [200, 100, 0]

    def test_content_binds_who_have_a_second_thing_in_common(self, service: Service) -> None:
        """Strangers on a vendor's template have not; a ring on a block of numbers has."""
        said = Message((), "offer-7")
        for user, number in (("r0", "+34600123101"), ("r1", "+34600123102"), ("r2", "+34600123103"), ("s0", None)):
            mail, phone = {"address": f"{user}@{user}.example"}, {"number": number} if number else None
            post(service, body(user, email=mail, phone=phone))
        assert [ask(service, user, 200, said=said)["granted"] for user in ("s0", "r0", "r1", "r2")] == [
            200,
            200,
            100,
            0,
        ]
        seen = view(service, "r0")["linkage"]
        assert (seen["size"], [row["kind"] for row in seen["evidence"] if row["binds"]]) == (3, ["content"])
        assert view(service, "s0")["linkage"]["size"] == 1
        assert ask(service, "r2", 1, said=Message())["denied_by"] == "cluster_hourly"

    @pytest.mark.parametrize(
        ("said", "kind"), [(Message(("pills.example",)), "link_domain"), (Message((), "offer-7"), "content")]
    )
    def test_an_abusive_member_shows_whatever_it_is_bound_by(self, service: Service, said: Message, kind: str) -> None:
        for number in range(2):
            mail, phone = {"address": f"s{number}@s{number}.example"}, {"number": f"+3460012310{number}"}
            post(service, body(f"s{number}", email=mail, phone=phone))
            ask(service, f"s{number}", 1, said=said)
        service.parts.labels.add("s1", "abuse", "external", None, "key", NOW)
        seen = view(service, "s0", NOW + DAY)["linkage"]
        assert (seen["abusive"], [row["kind"] for row in seen["evidence"] if row["binds"]]) == (1, [kind])
        assert seen["evidence"][-1]["last_seen"] == "2026-11-22T10:00:00.000Z"

    def test_what_was_cut_no_longer_binds_in_the_answer(self, service: Service) -> None:
        for number in range(3):
            opened(service, f"r{number}", "ring")
        found = view(service, "r0")["linkage"]
        service.parts.cuts.cut(found["cluster_id"], "r0", None, "our own tester", "ana", NOW)
        assert not any(row["binds"] for row in view(service, "r0")["linkage"]["evidence"])

    def test_what_one_spends_is_felt_by_the_next_signup(self, service: Service) -> None:
        first = opened(service, "r1", "ring")
        ask(service, first, 201)
        opened(service, "r2", "ring", NOW + HOUR)
        stored = next(row for row in service.decisions.export() if row["user_id"] == "r2")
        assert stored["readings"]["sending_exhausted_linked_24h"] == 1


class TestSteps:
    """A cap that grows with days of clean sending."""

    def _week(self, service: Service, user: str, days: int = 7) -> float:
        for day in range(days):
            ask(service, user, 20, NOW + day * DAY)
        return NOW + days * DAY

    def test_a_step_is_shown_and_earned(self, service: Service) -> None:
        user = opened(service, "u1")
        step = view(service, user)["limits"]["next_step"]
        assert (step["not_before"], step["daily"]) == ("2026-11-29T00:00:00Z", 1000)
        later = self._week(service, user)
        seen = view(service, user, later)["limits"]
        assert (seen["hourly"], seen["daily"]) == (400, 1000)
        assert seen["next_step"]["daily"] == 2500
        assert ask(service, user, 400, later)["granted"] == 400

    def test_days_with_next_to_no_mail_earn_nothing(self, service: Service) -> None:
        user = opened(service, "u1")
        for day in range(20):
            ask(service, user, 1, NOW + day * DAY)
        assert view(service, user, NOW + 20 * DAY)["limits"]["daily"] == 500

    def test_where_deliveries_are_reported_they_are_what_counts(self, service: Service) -> None:
        user = opened(service, "u1")
        later = self._week(service, user)
        count = service.parts.feedback.count
        count([FeedbackEvent(id="d0", type="delivered", user_id=user)], later)
        assert view(service, user, later)["limits"]["daily"] == 500

    def test_a_step_is_lost_when_the_feedback_turns_and_earned_anew(self, service: Service) -> None:
        user = opened(service, "u1")
        later = self._week(service, user)
        events = [FeedbackEvent(id=f"c{number}", type="complaint", user_id=user) for number in range(2)]
        found = service.parts.feedback.count(events, later)
        assert found.actions[0]["user_id"] == user
        seen = view(service, user, later)["limits"]
        assert seen["daily"] == 500
        assert ask(service, user, 400, later)["granted"] == 200


class TestHolds:
    """An established account that suddenly sends many times its usual volume."""

    def _established(self, service: Service, user: str) -> float:
        opened(service, user)
        for day in range(0, 21, 2):
            assert ask(service, user, 30, NOW + day * DAY)["granted"] == 30
        return NOW + 22 * DAY

    def test_an_account_is_held_at_its_usual_volume_and_reviewed(self, service: Service) -> None:
        later = self._established(service, "u1")
        found = ask(service, "u1", 300, later)
        assert (found["granted"], found["denied_by"]) == (30, "account_hold")
        seen = view(service, "u1", later)["limits"]
        assert seen["hold"]["daily"] == 30
        assert seen["remaining"]["daily"] == 0
        reviews = service.parts.reviews.list("open", 10, None)["reviews"]
        assert [(review["user_id"], review["reasons"][0]["code"]) for review in reviews] == [("u1", "VOLUME_JUMP")]
        ask(service, "u1", 300, later + 60)
        assert len(service.parts.reviews.list("open", 10, None)["reviews"]) == 1

    def test_a_reviewer_lets_it_go_on(self, service: Service) -> None:
        later = self._established(service, "u1")
        ask(service, "u1", 300, later)
        review = service.parts.reviews.list("open", 10, None)["reviews"][0]["id"]
        decide(service, review, "allow", "legitimate", "account", None, "ana", later)
        assert ask(service, "u1", 300, later + 60)["granted"] == 300
        assert view(service, "u1", later + 61)["limits"]["hold"] is None

    def test_a_hold_ends_by_itself(self, service: Service) -> None:
        later = self._established(service, "u1")
        ask(service, "u1", 300, later)
        assert view(service, "u1", later + 7 * DAY + 1)["limits"]["hold"] is None

    def test_ordinary_growth_is_no_jump(self, service: Service) -> None:
        later = self._established(service, "u1")
        assert ask(service, "u1", 200, later)["granted"] == 200

    def test_after_a_login_from_elsewhere_a_smaller_jump_is_held(self, service: Service) -> None:
        later = self._established(service, "u1")
        event = {"type": "login", "device": {"ip_address": "198.51.100.7"}}
        service.parts.events.record("u1", Event.model_validate(event), later - HOUR)
        found = ask(service, "u1", 100, later)
        assert (found["granted"], found["denied_by"]) == (30, "account_hold")

    def test_an_account_is_held_at_what_is_usual_even_at_the_usual_hour(self, service: Service) -> None:
        """Yesterday's mail at this hour still counts in the sliding day, and is part of what is usual there."""
        opened(service, "u1")
        for day in range(21):
            assert ask(service, "u1", 30, NOW + day * DAY)["granted"] == 30
        found = ask(service, "u1", 400, NOW + 21 * DAY, partial=True)
        assert (found["granted"], found["denied_by"]) == (30, "account_hold")

    def test_the_time_to_ask_again_takes_the_next_jump_into_account(self, service: Service) -> None:
        opened(service, "u1")
        for day in range(0, 12, 2):
            assert ask(service, "u1", 30, NOW + day * DAY)["granted"] == 30
        later = NOW + 16 * DAY
        assert ask(service, "u1", 200, later)["granted"] == 200
        found = ask(service, "u1", 100, later)
        assert found["denied_by"] == "account_hourly"
        again = ask(service, "u1", 100, later + found["retry_after"])
        assert (again["granted"], again["denied_by"]) == (100, None)

    def test_a_hold_in_shadow_is_only_counted(self, service: Service) -> None:
        under(service, takeover={"mode": "shadow"})
        later = self._established(service, "u1")
        assert ask(service, "u1", 300, later)["granted"] == 300
        assert b'riskapi_holds_total{mode="shadow"} 1.0' in service.parts.metrics.render()


class TestStoreAway:
    """The store goes away: a little is granted, kept, and settled once it is back."""

    def test_a_little_is_granted_and_settled(self, service: Service, outage: Callable[[bool], None]) -> None:
        user = opened(service, "u1")
        outage(True)
        found = ask(service, user, 25)
        assert (found["granted"], found["denied"], found["denied_by"]) == (10, 15, "outage")
        with pytest.raises(Problem) as problem:
            ask(service, user, 1)
        assert problem.value.code == "unavailable"
        outage(False)
        service.parts.grants.record()
        assert view(service, user)["limits"]["remaining"]["hourly"] == 190
        service.parts.grants.record()
        assert view(service, user)["limits"]["remaining"]["hourly"] == 190
        assert service.parts.grants.release(found["reservation_id"], 10, NOW)["remaining"]["hourly"] == 200

    def test_who_was_acknowledged_here_may_send_a_little_before_it_is_recorded(
        self, service: Service, outage: Callable[[bool], None], settings: Settings, store: Store, clock: Clock
    ) -> None:
        """Another worker of this machine acknowledged it; nobody replayed the journal yet."""
        other = assemble(replace(settings, model_mode="off"), store, clock)
        outage(True)
        post(service, body("u1"))
        outage(False)
        for asked, granted in ((service, 6), (other, 4)):
            found = ask(asked, "u1", granted if asked is service else 25)
            assert (found["granted"], found["denied_by"]) == (granted, None if asked is service else "outage")
            with pytest.raises(Problem) as problem:
                ask(asked, "u2", 1)
            assert problem.value.code == "not_found"
        with pytest.raises(Problem) as problem:
            ask(service, "u1", 1)
        assert problem.value.code == "unavailable"
        service.parts.assessor.replay_journal(NOW)
        service.parts.grants.record()
        other.parts.grants.record()
        assert view(service, "u1")["limits"]["remaining"]["hourly"] == 200 - 10
        other.close()

    def test_no_route_says_that_an_acknowledged_account_is_unknown(
        self, service: Service, outage: Callable[[bool], None], client: Any
    ) -> None:
        outage(True)
        post(service, body("u1"))
        outage(False)
        waits = client.get("/v1/accounts/u1")
        assert (waits.status_code, waits.headers["Retry-After"]) == (503, "1")
        label = {"label": "abuse", "source": "external"}
        assert client.post("/v1/accounts/u1/labels", json=label).status_code == 503
        assert client.get("/v1/accounts/u2").status_code == 404
        service.parts.assessor.replay_journal(NOW)
        assert client.get("/v1/accounts/u1").status_code == 200

    def test_a_grant_after_it_settles_first(self, service: Service, outage: Callable[[bool], None]) -> None:
        user = opened(service, "u1")
        ask(service, user, 180)
        outage(True)
        assert ask(service, user, 10)["granted"] == 10
        outage(False)
        assert ask(service, user, 200)["granted"] == 10

    def test_no_more_is_granted_in_an_outage_than_was_left(
        self, service: Service, outage: Callable[[bool], None]
    ) -> None:
        user = opened(service, "u1")
        ask(service, user, 197)
        outage(True)
        assert ask(service, user, 10)["granted"] == 3

    def test_no_more_is_granted_in_an_outage_than_the_allowance_of_a_worker(
        self, service: Service, outage: Callable[[bool], None]
    ) -> None:
        under(service, outage={"recipients": 25})
        outage(True)
        assert [ask(service, f"u{number}", 10)["granted"] for number in range(3)] == [10, 10, 5]
        with pytest.raises(Problem):
            ask(service, "u9", 10)

    def test_what_a_killed_worker_granted_counts_for_the_one_in_its_place(
        self, service: Service, outage: Callable[[bool], None], settings: Settings, store: Store, clock: Clock
    ) -> None:
        opened(service, "u1")
        under(service, outage={"recipients": 15})
        outage(True)
        assert ask(service, "u1", 10)["granted"] == 10
        service.parts.grants.close()  # as the end of a process lets go of its file
        other = assemble(replace(settings, model_mode="off"), store, clock)
        under(other, outage={"recipients": 15})
        assert ask(other, "u2", 10)["granted"] == 5
        outage(False)
        other.parts.grants.record()
        assert view(other, "u1")["limits"]["remaining"]["hourly"] == 190

    def test_a_store_that_comes_and_goes_is_no_second_hour(
        self, service: Service, outage: Callable[[bool], None]
    ) -> None:
        outage(True)
        assert ask(service, "u1", 10)["granted"] == 10
        outage(False)
        service.parts.grants.record()
        outage(True)
        with pytest.raises(Problem):
            ask(service, "u1", 1, NOW + HOUR - 1)
        assert ask(service, "u1", 1, NOW + HOUR)["granted"] == 1

    def test_all_processes_of_a_machine_share_the_hour_of_an_account(
        self, service: Service, outage: Callable[[bool], None], settings: Settings, store: Store, clock: Clock
    ) -> None:
        """Also when the store comes and goes meanwhile: each knows what the others granted, recorded or not."""
        workers = [service, *(assemble(replace(settings, model_mode="off"), store, clock) for _ in range(3))]
        outage(True)

        def granted(user: str, number: int, now: float = NOW) -> int:
            try:
                return int(ask(workers[number % 4], user, 1 + number % 3, now)["granted"])
            except Problem as problem:
                assert problem.code == "unavailable"
                return 0

        assert sum(together(32, lambda number: granted("u1", number))) == 10
        assert sum(together(32, lambda number: granted("u2", number))) == 10
        outage(False)
        for worker in workers:
            worker.parts.grants.record()
        outage(True)
        assert [granted("u1", number, NOW + HOUR - 1) for number in range(8)] == [0] * 8
        assert sum(together(32, lambda number: granted("u1", number, NOW + HOUR))) == 10
        for worker in workers[1:]:
            worker.close()

    def test_what_cannot_be_written_down_is_not_granted_and_not_counted(
        self, service: Service, outage: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: Any) -> Any:
            raise OSError("No space left on device")

        outage(True)
        for broken in ("riskapi.store.journal.Journal.append", "riskapi.sending.hourly_grants.os.pwrite"):
            with monkeypatch.context() as patch:
                patch.setattr(broken, full)
                with pytest.raises(Problem, match="could not be recorded"):
                    ask(service, "u1", 4)
        assert ask(service, "u1", 25)["granted"] == 10

    def test_a_disk_that_takes_half_of_it_loses_nothing_of_the_hour(
        self, service: Service, outage: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outage(True)
        assert ask(service, "u1", 7)["granted"] == 7
        outage(False)
        service.parts.grants.record()
        outage(True)
        write = os.pwrite
        halves = iter([True])

        def half(file: int, text: bytes, place: int) -> int:
            return write(file, text[: len(text) // 2] if next(halves, False) else text, place)

        with monkeypatch.context() as patch:
            patch.setattr("riskapi.sending.hourly_grants.os.pwrite", half)
            with pytest.raises(Problem, match="could not be recorded"):
                ask(service, "another", 1)
        assert ask(service, "u1", 25)["granted"] == 3

    @pytest.mark.parametrize("kept", [b"", b"{", b"[]", b'{"u1": 7}\n', b"\xff"])
    def test_a_damaged_table_of_the_hour_says_nothing(
        self, service: Service, outage: Callable[[bool], None], settings: Settings, kept: bytes
    ) -> None:
        (settings.data_dir / "journal/sends/hourly").write_bytes(kept)
        outage(True)
        assert ask(service, "u1", 25)["granted"] == 10
        with pytest.raises(Problem):
            ask(service, "u1", 1)

    def test_a_repeat_is_answered_from_the_journal(self, service: Service, outage: Callable[[bool], None]) -> None:
        user = opened(service, "u1")
        outage(True)
        first = ask(service, user, 4, repeat="k", digest="d")
        assert ask(service, user, 4, repeat="k", digest="d") == first
        with pytest.raises(Problem) as problem:
            ask(service, user, 5, repeat="k", digest="e")
        assert problem.value.code == "idempotency_conflict"
        outage(False)
        assert ask(service, user, 4, repeat="k", digest="d") == first
        assert view(service, user)["limits"]["remaining"]["hourly"] == 196


@pytest.mark.parametrize(
    ("sent", "status", "pointer"),
    [
        pytest.param({"recipients": 0}, 422, "/recipients", id="zero"),
        pytest.param({"recipients": -1}, 422, "/recipients", id="negative"),
        pytest.param({"recipients": 10**12}, 422, "/recipients", id="huge"),
        pytest.param({"recipients": 10**400}, 422, "/recipients", id="beyond all numbers"),
        pytest.param({"recipients": 1.5}, 422, "/recipients", id="fractional"),
        pytest.param({"recipients": "5"}, 422, "/recipients", id="text"),
        pytest.param({"recipients": True}, 422, "/recipients", id="true"),
        pytest.param({"recipients": None}, 422, "/recipients", id="null"),
        pytest.param({}, 422, "/recipients", id="missing"),
        pytest.param({"recipients": 1, "partial": "no"}, 422, "/partial", id="partial as text"),
        pytest.param({"recipients": 1, "extra": 1}, 422, "/extra", id="unknown key"),
        pytest.param({"recipients": 1, "message": {"link_domains": "x"}}, 422, "/message/link_domains", id="no list"),
        pytest.param({"recipients": 1, "message": {"link_domains": [1]}}, 422, "/message/link_domains/0", id="no text"),
    ],
)
def test_bad_bodies_are_refused_and_change_nothing(
    client: Any, sent: dict[str, Any], status: int, pointer: str
) -> None:
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}
    caps = client.post("/v1/signups", json=signup).json["limits"]["remaining"]
    answer = client.post("/v1/accounts/u_1/sends", json=sent)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json["errors"][0]["pointer"] == pointer
    assert client.get("/v1/accounts/u_1").json["limits"]["remaining"] == caps


def test_the_http_answers_are_those_of_the_contract(client: Any) -> None:
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}
    hourly = client.post("/v1/signups", json=signup).json["limits"]["hourly"]
    message = {
        "from_domain": "ruiz.example",
        "link_domains": ["ruiz.example", "\u0000", "http://["],
        "fingerprint": "f",
    }
    asked = {"recipients": hourly + 5, "partial": True, "message": message}
    first = client.post("/v1/accounts/u_1/sends", json=asked, headers={"Idempotency-Key": "m-1"})
    assert first.status_code == 200
    assert set(first.json) == {
        "reservation_id", "granted", "denied", "denied_by", "retry_after", "tier", "remaining", "largest",
    }  # fmt: skip
    assert (first.json["granted"], first.json["denied"], first.json["tier"]) == (hourly, 5, "allow")
    again = client.post("/v1/accounts/u_1/sends", json=asked, headers={"Idempotency-Key": "m-1"})
    assert (again.json, again.headers["Idempotent-Replay"]) == (first.json, "true")
    other = client.post("/v1/accounts/u_1/sends", json={"recipients": 1}, headers={"Idempotency-Key": "m-1"})
    assert (other.status_code, other.json["code"]) == (409, "idempotency_conflict")
    path = f"/v1/reservations/{first.json['reservation_id']}/release"
    assert client.post(path, json={"recipients": 5}).json["remaining"]["hourly"] == 5
    over = client.post(path, json={"recipients": hourly})
    assert (over.status_code, over.json["code"]) == (422, "over_release")
    assert client.post("/v1/reservations/rsv_x/release", json={"recipients": 1}).status_code == 404
    assert client.post("/v1/accounts/nobody/sends", json={"recipients": 1}).status_code == 404
