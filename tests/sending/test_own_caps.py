"""Caps of one account on the real store: who set them, until when, and that no grant ever passes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from riskapi.access.api_keys import ApiKeys
from riskapi.api.flask_app import build
from riskapi.app import Service
from riskapi.budgets.budgets import Budgets
from riskapi.budgets.caps import FeedbackRecord, Usage, allowed, unused
from riskapi.budgets.terms import OwnCaps, Terms
from riskapi.contract import Tier
from riskapi.errors import Problem
from riskapi.policy.tables import Caps
from riskapi.sending.own_caps import CapsOfAccount
from riskapi.store.scripts import Script
from riskapi.store.streams import account_key, shard, stream
from riskapi.times import rfc3339
from tests.answers import conforms, is_problem
from tests.conftest import NOW, Clock, keyed
from tests.grants import ask, opened, under, view
from tests.plans import planned, signed_up, tell
from tests.racing import beside, raised
from tests.signups import together

HOUR, DAY = 3600.0, 86400.0
PATH = "/v1/accounts/u1/caps"
BODY = {"hourly": 300, "daily": 900, "monthly": 3000, "reason": "Opens a shop"}


@pytest.fixture
def http(service: Service) -> FlaskClient:
    return keyed(build(service.parts))


def give(
    service: Service, hourly: int, daily: int | None = None, *, until: float | None = None, now: float = NOW
) -> CapsOfAccount:
    """Give ``u1`` caps of its own, the day's and month's ten times the hour's."""
    caps = Caps(hourly=hourly, daily=10 * hourly if daily is None else daily, monthly=100 * hourly)
    return service.parts.account_caps.put("u1", caps, "why", until, "ana", now)


def written(service: Service) -> list[dict[str, Any]]:
    """The events about caps, oldest first."""
    rows = service.store.execute("XRANGE", stream(shard("u1")), "-", "+")
    return [orjson.loads(fields[b"data"]) for _, fields in rows if fields[b"type"] == b"caps"]


class TestArithmetic:
    """What caps of one account do to those of its tier, plan and steps."""

    OWN = Caps(hourly=7, daily=300, monthly=9000)

    @pytest.mark.parametrize(
        ("tier", "caps"),
        [
            ("allow", OWN),
            ("review", OWN),
            ("limit", Caps(hourly=5, daily=10, monthly=30)),  # what is larger than the tier's does not loosen it
        ],
    )
    def test_they_stand_for_the_tiers_but_in_limit(self, service: Service, tier: Tier, caps: Caps) -> None:
        own = Terms("pro", OwnCaps(self.OWN, "why", "ana", NOW, None))
        found = allowed(service.active.policy, tier, unused(NOW), FeedbackRecord(), None, own)
        assert (found.caps, found.next_step, found.until) == (caps, None, None)

    def test_own_caps_in_limit_tighten(self, service: Service) -> None:
        own = Terms(None, OwnCaps(Caps(hourly=0, daily=20, monthly=20), "why", "ana", NOW, None))
        found = allowed(service.active.policy, "limit", unused(NOW), FeedbackRecord(), None, own)
        assert found.caps == Caps(hourly=0, daily=10, monthly=20)

    @pytest.mark.parametrize(("at", "hourly"), [(NOW + 60, 7), (NOW + 99.999, 7), (NOW + 100, 200), (NOW + 101, 200)])
    def test_they_end_exactly_when_they_expire(self, service: Service, at: float, hourly: int) -> None:
        own = Terms(None, OwnCaps(self.OWN, "why", "ana", NOW, NOW + 100))
        found = allowed(service.active.policy, "allow", unused(at), FeedbackRecord(), None, own)
        assert (found.caps.hourly, found.until) == (hourly, NOW + 100 if hourly == 7 else None)

    @pytest.mark.parametrize(("moved", "jump"), [(None, 5000), (NOW - HOUR, 200)])
    def test_what_a_person_allowed_is_no_jump_but_after_a_strange_login(
        self, service: Service, moved: float | None, jump: int
    ) -> None:
        days = {int(NOW // DAY) - day: 100 for day in range(2, 12)}
        usage = Usage("", 0, NOW - 20 * DAY, None, 0.0, (0, 0, 0), (0, 0, 0), NOW, days, 100)
        own = Terms(None, OwnCaps(Caps(hourly=5000, daily=5000, monthly=50_000), "why", "ana", NOW, None))
        assert allowed(service.active.policy, "allow", usage, FeedbackRecord(), None).jump == 500
        found = allowed(service.active.policy, "allow", usage, FeedbackRecord(), moved, own)
        assert (found.usual, found.jump) == (100, jump)


class TestGrants:
    """What may be sent by them."""

    def test_they_count_for_the_very_next_grant_and_answer(self, service: Service) -> None:
        opened(service, "u1")
        found = give(service, 300)
        assert found["limits"]["hourly"] == found["limits"]["remaining"]["hourly"] == 300
        assert view(service, "u1")["limits"] == found["limits"]
        assert ask(service, "u1", 1000)["granted"] == 300
        give(service, 310)
        assert ask(service, "u1", 1000)["granted"] == 10
        service.parts.account_caps.remove("u1", "ana", NOW)
        refused = ask(service, "u1", 1)
        assert (refused["granted"], refused["denied_by"]) == (0, "account_hourly")
        assert view(service, "u1")["limits"]["hourly"] == 200

    def test_nothing_at_all(self, service: Service) -> None:
        opened(service, "u1")
        give(service, 0)
        found = ask(service, "u1", 1)
        assert (found["granted"], found["denied_by"], found["retry_after"]) == (0, "account_hourly", None)

    def test_nothing_an_hour_is_named_before_a_day_that_is_full(self, service: Service) -> None:
        """The day frees itself, and nothing is granted then either."""
        opened(service, "u1")
        for number in range(3):
            ask(service, "u1", 200, NOW + number * 2 * HOUR)
        service.parts.account_caps.put("u1", Caps(hourly=0, daily=400, monthly=4000), "why", None, "ana", NOW)
        found = ask(service, "u1", 1, NOW + 8 * HOUR)
        assert (found["granted"], found["denied_by"], found["retry_after"]) == (0, "account_hourly", None)

    def test_the_plan_moves_beneath_them(self, service: Service) -> None:
        planned(service)
        signed_up(service, plan="free")
        give(service, 310)
        tell(service, "plan_changed", plan="huge")
        assert view(service, "u1")["limits"]["hourly"] == 310
        service.parts.account_caps.remove("u1", "ana", NOW)
        assert view(service, "u1")["limits"]["hourly"] == 5000

    def test_a_clusters_cap_is_the_factor_times_them(self, service: Service) -> None:
        for user in ("u1", "u2"):
            opened(service, user, "ours")
        give(service, 400)
        assert view(service, "u1")["limits"]["cluster"]["hourly"] == 600
        assert ask(service, "u2", 1000)["granted"] == 200
        assert ask(service, "u1", 1000)["granted"] == 400
        assert ask(service, "u2", 1)["denied_by"] == "cluster_hourly"

    def test_they_stop_counting_exactly_at_their_time(self, service: Service) -> None:
        opened(service, "u1")
        give(service, 10, until=NOW + 100.5)
        assert ask(service, "u1", 50, NOW + 100.4)["granted"] == 10
        assert view(service, "u1", NOW + 100.4)["caps"]["expires_at"] == rfc3339(NOW + 100.5)
        assert view(service, "u1", NOW + 100.5)["caps"] is None
        assert ask(service, "u1", 50, NOW + 100.5)["granted"] == 50

    def test_a_grant_that_read_them_just_before_they_expired_reads_again(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened(service, "u1")
        give(service, 300, until=NOW + 100)
        grant: Any = Budgets.grant

        def late(self: Budgets, *args: Any, **more: Any) -> Any:
            return grant(self, *args[:-1], args[-1] + 1, **more)  # the store's clock, a moment on

        monkeypatch.setattr(Budgets, "grant", late)
        reads: list[Usage] = []
        usage = Budgets.usage

        def read(reply: Any) -> Usage:
            found = usage(reply)
            reads.append(found)
            return replace(found, now=found.now + 1) if len(reads) > 1 else found

        monkeypatch.setattr(Budgets, "usage", staticmethod(read))
        assert ask(service, "u1", 300, NOW + 99.5)["granted"] == 200
        assert len(reads) == 2

    def test_a_time_of_many_digits_is_no_trap(self, service: Service) -> None:
        """A clock far ahead has few digits left behind the point; what is read must be what is compared."""
        opened(service, "u1")
        far = 221_842_000_000.123
        give(service, 10, until=far, now=far - 1)
        assert ask(service, "u1", 300, far - 0.001)["granted"] == 10
        assert ask(service, "u1", 300, far + 0.001)["granted"] == 190

    def test_steps_are_earned_again_when_own_caps_are_over(self, service: Service) -> None:
        opened(service, "u1")
        for day in range(7):
            ask(service, "u1", 20, NOW + day * DAY)
        later = NOW + 7 * DAY
        give(service, 50, until=later + 60, now=later)
        assert view(service, "u1", later)["limits"]["next_step"] is None
        assert view(service, "u1", later + 60)["limits"]["daily"] == 1000

    def test_deciding_again_shows_own_caps(self, service: Service) -> None:
        opened(service, "u1")
        give(service, 300)
        tell(service, "email_verified")
        assert view(service, "u1")["latest"]["limits"]["hourly"] == 300


class TestRaces:
    """Changes at once, and under grants that are on their way."""

    def test_of_two_at_once_one_holds_whole(self, service: Service) -> None:
        opened(service, "u1")
        assert not raised(together(16, lambda number: give(service, 10 * (number + 1))))
        limits = view(service, "u1")["limits"]
        assert (limits["daily"], limits["monthly"]) == (10 * limits["hourly"], 100 * limits["hourly"])
        events = written(service)
        assert sorted(each["caps"]["hourly"] for each in events) == [10 * (number + 1) for number in range(16)]
        assert events[-1]["caps"]["hourly"] == limits["hourly"]
        assert service.store.execute("HGET", account_key("u1"), "revision") == b"16"

    def test_a_grant_that_read_before_does_not_pass_what_was_answered(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened(service, "u1")
        grant, done = Budgets.grant, []  # type: ignore[var-annotated]

        def late(self: Budgets, *args: Any, **more: Any) -> Any:
            if not done:
                done.append(give(service, 30))
            return grant(self, *args, **more)

        monkeypatch.setattr(Budgets, "grant", late)
        assert ask(service, "u1", 200)["granted"] == 30

    @pytest.mark.parametrize("turn", range(3))
    def test_under_many_grants_no_more_than_the_larger_is_granted(self, service: Service, turn: int) -> None:
        opened(service, "u1")
        granted: list[tuple[bool, int]] = []
        lowered = False

        def spend() -> None:
            after = lowered  # before it is asked: what was answered by then holds
            granted.append((after, ask(service, "u1", 1 + turn)["granted"]))

        with beside(spend, 8) as wrong:
            while sum(count for _, count in list(granted)) < 40:
                pass
            give(service, 50 + turn)
            lowered = True
        assert not raised(wrong)
        total = sum(count for _, count in granted)
        before = sum(count for after, count in granted if not after)
        assert total == max(before, 50 + turn)
        assert view(service, "u1")["limits"]["remaining"]["hourly"] == 0

    def test_with_a_tier_that_changes_both_hold(self, service: Service) -> None:
        opened(service, "u1")
        labels, caps = service.parts.labels, service.parts.account_caps
        work: list[Callable[[], object]] = [
            lambda: give(service, 300),
            lambda: labels.add("u1", "abuse", "manual_review", None, "ana", NOW),
            lambda: tell(service, "email_verified"),
            lambda: caps.put("u1", Caps(hourly=4, daily=4, monthly=4), "why", None, "ana", NOW),
        ]
        assert not raised(together(4, lambda number: work[number]()))
        seen = view(service, "u1")
        assert (seen["tier"], seen["limits"]["hourly"]) == ("limit", min(5, seen["caps"]["hourly"]))

    def test_a_command_that_is_executed_twice_is_one_change(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened(service, "u1")
        call = Script.call

        def twice(script: Script, *args: Any) -> Any:
            call(script, *args)
            return call(script, *args)

        monkeypatch.setattr(Script, "call", twice)
        give(service, 30)
        service.parts.account_caps.remove("u1", "ana", NOW)
        assert [each["caps"] and each["caps"]["hourly"] for each in written(service)] == [30, None]


class TestApi:
    """``PUT`` and ``DELETE`` as callers use them."""

    def test_own_caps_are_shown_with_who_and_why(self, service: Service, http: FlaskClient) -> None:
        opened(service, "u1")
        document: Any = http.get("/openapi.json").json
        key = ApiKeys(service.store).create("growth", ["admin"])
        given = {**BODY, "expires_at": "2026-12-01T00:00:00.1239Z"}
        answer = http.put(PATH, json=given, headers={"Authorization": f"Bearer {key}"})
        found = conforms(document, "PUT", "/v1/accounts/{user_id}/caps", answer)
        caps = {
            "hourly": 300,
            "daily": 900,
            "monthly": 3000,
            "reason": "Opens a shop",
            "author": "growth",
            "set_at": "2026-11-22T10:00:00.000Z",
            "expires_at": "2026-12-01T00:00:00.123Z",
        }
        assert (answer.status_code, found["caps"], found["tier"]) == (200, caps, "allow")
        seen = conforms(document, "GET", "/v1/accounts/{user_id}", http.get("/v1/accounts/u1"))
        assert (seen["caps"], seen["limits"]) == (caps, found["limits"])
        assert [row["to"] for row in seen["history"]] == ["allow"]  # which is of tiers alone

        event = written(service)[0]
        assert event == {"user_id": "u1", "at": NOW, "actor": "growth", "caps": caps}

        gone = conforms(document, "DELETE", "/v1/accounts/{user_id}/caps", http.delete(PATH))
        assert (gone["caps"], gone["limits"]["hourly"]) == (None, 200)
        assert http.delete(PATH).json == gone
        assert [each["actor"] for each in written(service)] == ["growth", "bootstrap"]

    @pytest.mark.parametrize(
        ("change", "where"),
        [
            ({"hourly": None}, ["/hourly"]),
            ({"hourly": -1}, ["/hourly"]),
            ({"hourly": 1.5}, ["/hourly"]),
            ({"hourly": "300"}, ["/hourly"]),
            ({"hourly": True}, ["/hourly"]),
            ({"hourly": 10**400}, ["/hourly"]),
            ({"monthly": 10**12 + 1}, ["/monthly"]),
            ({"hourly": 901}, ["/hourly"]),
            ({"daily": 3001}, ["/daily"]),
            ({"hourly": 3, "daily": 2, "monthly": 1}, ["/hourly", "/daily"]),
            ({"reason": ""}, ["/reason"]),
            ({"reason": " \n"}, ["/reason"]),
            ({"reason": "x" * 2001}, ["/reason"]),
            ({"reason": None}, ["/reason"]),
            ({"expires_at": "2026-11-22T10:00:00Z"}, ["/expires_at"]),
            ({"expires_at": "2020-01-01T00:00:00Z"}, ["/expires_at"]),
            ({"expires_at": "tomorrow"}, ["/expires_at"]),
            ({"expires_at": 1795341700}, ["/expires_at"]),
            ({"author": "eve"}, ["/author"]),
        ],
    )
    def test_what_is_wrong_is_said_and_changes_nothing(
        self, service: Service, http: FlaskClient, change: dict[str, Any], where: list[str]
    ) -> None:
        opened(service, "u1")
        answer = http.put(PATH, json={**BODY, **change})
        assert [error["pointer"] for error in is_problem(answer, 422, "invalid")["errors"]] == where
        assert (view(service, "u1")["caps"], written(service)) == (None, [])

    @pytest.mark.parametrize("end", [None, "9999-12-31T23:59:59Z", "2026-11-22T10:00:00.001Z"])
    def test_what_is_right_is_taken(self, service: Service, http: FlaskClient, end: str | None) -> None:
        opened(service, "u1")
        same = {"hourly": 0, "daily": 0, "monthly": 0, "reason": "\0", "expires_at": end}
        assert http.put(PATH, json=same).status_code == 200
        assert view(service, "u1")["limits"]["monthly"] == 0

    def test_nobody_has_caps_of_an_account_that_is_not_known(self, service: Service, http: FlaskClient) -> None:
        for response in (http.put(PATH, json=BODY), http.delete(PATH)):
            is_problem(response, 404, "not_found")
        assert not service.store.execute("KEYS", "risk:[ab]:*")
        under(service, sends={"strangers": "limit"})
        with pytest.raises(Problem):
            give(service, 30)

    def test_own_caps_need_the_scope_admin(self, service: Service, http: FlaskClient) -> None:
        opened(service, "u1")
        key = ApiKeys(service.store).create("flow", ["signups", "sends", "reviews", "policy"])
        headers = {"Authorization": f"Bearer {key}"}
        is_problem(http.put(PATH, json=BODY, headers=headers), 403, "forbidden")
        is_problem(http.delete(PATH, headers=headers), 403, "forbidden")

    def test_the_clock_of_a_replay_counts(self, service: Service, clock: Clock) -> None:
        opened(service, "u1")
        parts = replace(service.parts, replay=True)
        client = keyed(build(parts))
        given = {**BODY, "expires_at": "2026-11-25T00:00:00Z"}
        late = {"X-Replay-Time": "2026-11-25T00:00:00Z"}
        is_problem(client.put(PATH, json=given, headers=late), 422, "invalid")
        assert client.put(PATH, json=given).status_code == 200
        assert client.get("/v1/accounts/u1", headers=late).json["caps"] is None  # type: ignore[index]
