"""Plans on the real store: their caps from the first answer on, moved at once, and who is a customer by paying."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import orjson
import pytest

from riskapi.accounts.agenda import Agenda
from riskapi.app import Service
from riskapi.budgets import terms
from riskapi.budgets.budgets import Budgets
from riskapi.budgets.caps import FeedbackRecord, allowed, unused
from riskapi.budgets.terms import Terms
from riskapi.contract import Tier
from riskapi.errors import StoreUnavailable
from riskapi.policy.tables import Caps
from riskapi.store.streams import StreamEntry, account_key, shard, stream
from riskapi.worker.worker import reactions
from tests.conftest import NOW
from tests.grants import ask, view
from tests.members import members
from tests.plans import PLANS, field, marked, planned, signed_up, tell, touched

HOUR, DAY = 3600.0, 86400.0


@pytest.fixture
def prepare() -> Callable[[Service], object]:
    """A policy with plans."""
    return planned


def hourly(service: Service, user: str = "u1", at: float = NOW) -> int:
    """The hourly cap as the account's page has it, which what is granted must agree with."""
    found: int = view(service, user, at)["limits"]["hourly"]
    return found


class TestNames:
    """What callers call a plan."""

    @pytest.mark.parametrize(
        ("told", "name"),
        [
            ("pro", "pro"),
            (" Pro\n", "pro"),
            ("PRO", "pro"),
            ("pro_2-eu", "pro_2-eu"),
            ("x" * 64, "x" * 64),
            ("x" * 65, None),
            ("pro plan", None),
            ("Straße", "strasse"),
            ("größe", None),
            ("ﬀ", "ff"),  # a ligature, which folds to two letters
            ("", None),
            (" ", None),
            ("pro\0", None),
            ("pro\n\n", "pro"),
            (None, None),
        ],
    )
    def test_names_of_plans_are_compared_without_case_and_white_space(self, told: str | None, name: str | None) -> None:
        assert terms.plan_name(told) == name


class TestCaps:
    """What the arithmetic makes of plans, tiers and steps."""

    @pytest.mark.parametrize(
        ("plan", "tier", "daily"),
        [
            (None, "allow", 500),
            ("unknown", "allow", 500),
            ("free", "allow", 300),
            ("pro", "allow", 2000),
            ("pro", "review", 100),
            ("pro", "limit", 10),  # none of its own
            ("free", "review", 50),
            ("huge", "limit", 100),
        ],
    )
    def test_caps_are_the_plans_where_it_has_them(self, service: Service, plan: str, tier: Tier, daily: int) -> None:
        found = allowed(service.active.policy, tier, unused(NOW), FeedbackRecord(), None, Terms(plan))
        assert found.caps.daily == daily == service.active.policy.caps(tier, plan).daily

    @pytest.mark.parametrize("plan", [None, "unknown", "free", "pro", "huge"])
    def test_the_most_at_once_is_that_of_every_tier_and_step(self, service: Service, plan: str | None) -> None:
        policy, tiers = service.active.policy, get_args(Tier)
        every = [caps for tier in tiers for caps in (policy.caps(tier, plan), *policy.steps(tier, plan))]
        assert policy.most_at_once(plan) == max(min(each.hourly, each.daily, each.monthly) for each in every)

    @pytest.mark.parametrize(
        ("plan", "days", "daily", "following"),
        [
            # The shipped steps: 1,000 a day after 7 days, 2,500 after 20, 5,000 after 25 with a domain.
            (None, 7, 1000, 2500),
            ("free", 0, 300, 1000),
            ("free", 7, 1000, 2500),
            ("pro", 7, 2000, 2500),  # the first step would take something away
            ("pro", 20, 2500, 5000),
            ("huge", 25, 50_000, None),
        ],
    )
    def test_steps_count_where_they_take_nothing_away(
        self, service: Service, plan: str | None, days: int, daily: int, following: int | None
    ) -> None:
        past = FeedbackRecord(delivered={int(NOW // DAY) - 1 - day: 100 for day in range(days)})
        found = allowed(service.active.policy, "allow", unused(NOW), past, None, Terms(plan))
        assert found.caps.daily == daily
        assert (found.next_step and found.next_step["daily"]) == following

    def test_a_step_of_a_doubted_tier_stays_below_the_plan(self, service: Service) -> None:
        tiers = service.active.policy.tiers.model_dump(mode="json")
        step = {"days": 1, "hourly": 100, "daily": 400, "monthly": 3000}
        tiers["review"]["steps"] = [step]
        made = planned(service, tiers=tiers)
        assert [each.daily for each in made.steps("review")] == [400]
        assert made.steps("review", "free") == ()  # 400 are more than the 300 that the plan has when nobody doubts
        assert [each.daily for each in made.steps("review", "pro")] == [400]

    def test_an_outage_caps_every_plan(self, service: Service) -> None:
        made = service.active.policy
        assert made.caps("review", "huge", outage=True) == Caps(hourly=10, daily=20, monthly=60)

    def test_a_cluster_has_the_factor_of_the_plan_of_who_asks(self, service: Service) -> None:
        signed_up(service, "u2", None, device={"id": "ours"})
        signed_up(service, "u1", "pro", device={"id": "ours"})  # the other way round the payer would hold the device
        assert view(service, "u1")["limits"]["cluster"] == {"hourly": 750, "daily": 3000, "monthly": 30_000}
        assert ask(service, "u1", 600)["granted"] == 500
        assert ask(service, "u2", 300)["granted"] == 0  # what is spent is above 1.5 times what this one may
        assert view(service, "u2")["limits"]["cluster"]["hourly"] == 300


class TestSignup:
    """A plan that the signup names."""

    @pytest.mark.parametrize(
        ("plan", "cap"), [(None, 200), ("gold", 200), ("Gold plan", 200), ("Free", 100), (" PRO ", 500), ("huge", 5000)]
    )
    def test_the_plan_of_a_signup_counts_from_the_first_answer_on(
        self, service: Service, plan: str | None, cap: int
    ) -> None:
        answer = signed_up(service, plan=plan)
        assert answer["limits"]["hourly"] == answer["limits"]["remaining"]["hourly"] == cap
        assert hourly(service) == cap
        assert ask(service, "u1", 10_000)["granted"] == cap
        assert view(service, "u1")["plan"] == terms.plan_name(plan)

    def test_the_plan_of_a_signup_counts_in_review_too(self, service: Service) -> None:
        answer = signed_up(service, plan="pro", email={"address": "u1@mailinator.com"})
        assert (answer["decision"], answer["limits"]["hourly"]) == ("review", 50)
        assert ask(service, "u1", 100)["granted"] == 50

    @pytest.mark.parametrize(("plan", "by"), [("pro", "plan"), ("free", None), ("gold", None), (None, None)])
    def test_a_paid_one_makes_a_customer(self, service: Service, plan: str | None, by: str | None) -> None:
        signed_up(service, plan=plan)
        seen = view(service, "u1")["established"]
        assert seen == (by and {"since": "2026-11-22T10:00:00.000Z", "by": by})
        assert marked(service) == (touched(service) if by else set())

    def test_a_limited_account_on_a_paid_plan_is_marked_as_both(self, service: Service) -> None:
        when = {"email_is_valid": {"eq": True}, "email_is_disposable": {"eq": False}}
        planned(service, rules=[{"name": "all", "mode": "live", "tier": "limit", "text": "Everybody", "when": when}])
        assert signed_up(service, plan="pro")["decision"] == "limit"
        key = service.accounts.standing("u1").entities["mailbox"]
        assert "~u1" in members(service.store, key) and marked(service) == touched(service)

    def test_the_plan_of_a_signup_that_is_journaled_counts_once_it_is_recorded(
        self,
        service: Service,
        outage: Callable[[bool], None],
    ) -> None:
        outage(True)
        assert signed_up(service, plan="pro")["limits"]["hourly"] == 10
        outage(False)
        service.parts.assessor.replay_journal(NOW)
        assert (hourly(service), marked(service)) == (500, touched(service))

    def test_a_signup_again_changes_nothing(self, service: Service) -> None:
        first = signed_up(service, plan="free")
        assert signed_up(service, plan="pro") == first
        assert (hourly(service), field(service, "established")) == (100, None)


class TestChange:
    """``plan_changed``."""

    def test_a_change_of_plan_moves_the_caps_of_the_very_next_grant(self, service: Service) -> None:
        signed_up(service, plan="free")
        assert ask(service, "u1", 1000)["granted"] == 100
        tell(service, "plan_changed", plan="Pro")
        assert hourly(service) == 500
        assert ask(service, "u1", 1000)["granted"] == 400
        tell(service, "plan_changed", plan="free")
        found = ask(service, "u1", 1)
        assert (found["granted"], found["denied_by"], hourly(service)) == (0, "account_daily", 100)
        tell(service, "plan_changed", plan="gold")
        assert (hourly(service), view(service, "u1")["plan"]) == (200, "gold")

    def test_a_change_to_what_no_policy_can_name_is_no_plan(self, service: Service) -> None:
        signed_up(service, plan="pro")
        tell(service, "plan_changed", plan="Our best plan!")
        assert (hourly(service), view(service, "u1")["plan"]) == (200, None)

    @pytest.mark.parametrize("type", ["plan_changed", "login", "profile_changed"])
    def test_a_change_of_plan_that_is_not_told_changes_nothing(self, service: Service, type: str) -> None:
        signed_up(service, plan="pro")
        more = {} if type == "plan_changed" else {"plan": "free"}
        tell(service, type, "u1", NOW, **more)
        assert (hourly(service), view(service, "u1")["established"]["by"]) == (500, "plan")

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
    def test_the_latest_counts_whatever_arrives_last(self, service: Service, order: tuple[int, ...]) -> None:
        signed_up(service, plan="free")
        changes = [("2026-11-22T08:00:00Z", "huge"), ("2026-11-22T08:00:01Z", "gold"), ("2026-11-22T08:00:02Z", "pro")]
        for each in order:
            time, plan = changes[each]
            tell(service, "plan_changed", plan=plan, time=time)
        assert (hourly(service), view(service, "u1")["plan"]) == (500, "pro")
        assert view(service, "u1")["established"]["by"] == "plan"

    def test_a_clock_behind_ours_is_heard_just_after_the_signup(self, service: Service) -> None:
        signed_up(service, plan="free")
        tell(service, "plan_changed", plan="pro", time="2026-11-22T09:58:00Z")
        assert hourly(service) == 500

    @pytest.mark.parametrize(
        ("told", "by"),
        [
            (["pro"], "plan"),
            (["pro", "huge"], "plan"),
            (["pro", "free"], None),
            (["pro", "free", "huge"], "plan"),
            (["$"], "payment"),
            (["$", "pro", "free"], "payment"),
            (["pro", "$", "free"], "payment"),
            (["pro", "free", "$"], "payment"),
            (["free", "gold"], None),
            (["pro", "no plan at all"], None),
        ],
    )
    def test_what_a_plan_gave_goes_with_it(self, service: Service, told: list[str], by: str | None) -> None:
        signed_up(service)
        for second, each in enumerate(told):
            type, more = ("payment_verified", {}) if each == "$" else ("plan_changed", {"plan": each})
            tell(service, type, at=NOW + second, **more)
        seen = view(service, "u1")["established"]
        assert (seen and seen["by"]) == by
        assert marked(service) == (touched(service) if by else set())

    @pytest.mark.parametrize("by", ["import", "mail"])
    def test_what_made_a_customer_before_stays(self, service: Service, by: str) -> None:
        signed_up(service)
        service.store.execute("HSET", account_key("u1"), "established", "1700000000.0", "established_by", by)
        for plan in ("pro", "free"):
            tell(service, "plan_changed", plan=plan)
            assert view(service, "u1")["established"] == {"since": "2023-11-14T22:13:20.000Z", "by": by}

    def test_since_when_is_kept_from_paid_to_paid(self, service: Service) -> None:
        signed_up(service)
        tell(service, "plan_changed", plan="pro", time="2026-11-22T08:00:00Z")
        tell(service, "plan_changed", plan="huge", time="2026-11-22T09:00:00Z")
        tell(service, "payment_verified", time="2026-11-22T09:30:00Z")
        assert view(service, "u1")["established"] == {"since": "2026-11-22T08:00:00.000Z", "by": "payment"}

    def test_a_plan_that_is_paid_by_now_counts_when_it_is_told_again(self, service: Service) -> None:
        signed_up(service, plan="free")
        planned(service, {**PLANS, "free": {**PLANS["free"], "paid": True}})
        assert view(service, "u1")["established"] is None
        tell(service, "plan_changed", plan="free")
        assert view(service, "u1")["established"]["by"] == "plan"

    def test_an_account_labelled_abusive_is_no_customer_to_others(self, service: Service) -> None:
        signed_up(service, plan="pro")
        service.parts.labels.add("u1", "abuse", "external", None, "ana", NOW)
        assert marked(service) == set()
        tell(service, "plan_changed", plan="huge")
        assert marked(service) == set()
        service.parts.labels.add("u1", "unknown", "external", None, "ana", NOW)
        assert marked(service) == touched(service)

    def test_a_change_of_plan_is_an_entry_with_the_plan(self, service: Service) -> None:
        signed_up(service)
        tell(service, "plan_changed", plan=" PRO ")
        rows = service.store.execute("XRANGE", stream(shard("u1")), "-", "+")
        told = [orjson.loads(fields[b"data"]) for _, fields in rows if fields[b"type"] == b"event"]
        assert [each["plan"] for each in told] == ["pro"]

    def test_a_payment_is_a_reading(self, service: Service) -> None:
        signed_up(service)
        tell(service, "payment_verified")
        assert view(service, "u1")["readings"]["events_payment_verified"] is True


class TestRaces:
    """A plan that changes while grants are on their way."""

    def test_a_grant_that_read_before_reads_again(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        signed_up(service, plan="pro")
        grant, told = Budgets.grant, []  # type: ignore[var-annotated]

        def late(self: Budgets, *args: Any, **more: Any) -> Any:
            if not told:
                told.append(tell(service, "plan_changed", plan="free"))
            return grant(self, *args, **more)

        monkeypatch.setattr(Budgets, "grant", late)
        assert ask(service, "u1", 500)["granted"] == 100

    def test_a_worker_marks_what_the_request_could_not(
        self, service: Service, monkeypatch: pytest.MonkeyPatch, clock: Callable[[], float]
    ) -> None:
        signed_up(service)
        mark_latest = service.parts.labels.mark_latest

        def away(*_: Any) -> None:
            raise StoreUnavailable("away")

        monkeypatch.setattr(service.parts.labels, "mark_latest", away)
        assert tell(service, "plan_changed", plan="pro")["tier"] == "allow"
        assert marked(service) == set()
        monkeypatch.setattr(service.parts.labels, "mark_latest", mark_latest)
        react = reactions(service, Agenda(service.store), clock)
        name = stream(shard("u1"))
        for number, fields in service.store.execute("XRANGE", name, "-", "+"):
            react.handle(StreamEntry(name, number.decode(), fields[b"type"].decode(), orjson.loads(fields[b"data"])))
        assert marked(service) == touched(service)
