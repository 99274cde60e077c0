"""Notices: each change of state, made through the real parts, is told once, and what changed nothing is not told."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from riskapi.app import Service
from riskapi.budgets.keys import EVENTS
from riskapi.errors import Problem
from riskapi.feedback.event import FeedbackEvent
from riskapi.reviews.questions import Questions
from riskapi.sending.grants import Message
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.pages import cursor_of
from riskapi.store.streams import StreamEntry
from riskapi.times import rfc3339
from riskapi.webhooks.deliveries import DeliveryOutcome
from riskapi.webhooks.endpoints import EVENT_TYPES, TABLE
from riskapi.webhooks.notices import TOLD, Notices, notice
from riskapi.webhooks.recovery import Recovery
from tests.conftest import NOW, Clock
from tests.feedback.receiving import receive
from tests.reviewing import decide, opened
from tests.signups import body, home, post, together
from tests.streams import entries
from tests.waiting import until

AT = rfc3339(NOW)
LATER = NOW + 60
DAY = 86400.0


@pytest.fixture
def service_settings(service_settings: Settings) -> Settings:
    """Webhooks may go to this machine."""
    return replace(service_settings, webhook_internal=("127.0.0.0/8",))


def everything(store: Store) -> list[StreamEntry]:
    """The streams of accounts, and that of what concerns no single one."""
    return [*entries(store), *entries(store, EVENTS)]


class Told:
    """What an endpoint that wants everything is told from now on."""

    def __init__(self, service: Service, clock: Callable[[], float]) -> None:
        self.parts, self.store = service.parts, service.store
        self.notices = Notices(self.parts.webhooks, self.parts.deliveries, clock)
        self.id = self.parts.webhooks.create("http://127.0.0.1:9/", EVENT_TYPES, "ana", NOW)["id"]
        self.seen = {(entry.stream, entry.id) for entry in everything(self.store)}

    def since(self) -> list[tuple[str, dict[str, Any]]]:
        """Type and data of what was told since this was last asked, handling each entry twice."""
        new = [entry for entry in everything(self.store) if (entry.stream, entry.id) not in self.seen]
        self.seen |= {(entry.stream, entry.id) for entry in new}
        for entry in new * 2:
            self.notices.handle(entry)
        taken = self.parts.deliveries.take(self.id, NOW, 60.0, 1000)
        found = [orjson.loads(delivery.body) for delivery in taken]
        assert [row["type"] for row in found] == [delivery.type for delivery in taken]
        assert all(row["timestamp"] == row["data"]["at"] for row in found)
        return sorted(((row["type"], row["data"]) for row in found), key=lambda row: row[0])


@pytest.fixture
def told(service: Service, clock: Clock) -> Told:
    return Told(service, clock)


class TestTiers:
    def test_a_label_by_a_person_that_moves_the_tier_is_told_once(self, service: Service, told: Told) -> None:
        post(service, body())
        assert told.since() == []  # a first decision is what the caller was answered
        service.parts.labels.add("u_1", "abuse", "manual_review", "bought list", "kim", LATER)
        assert told.since() == [
            (
                "tier.changed",
                {
                    "user_id": "u_1",
                    "from": "allow",
                    "to": "limit",
                    "source": "reviewer",
                    "actor": "kim",
                    "reason": "bought list",
                    "cause": None,
                    "at": rfc3339(LATER),
                },
            )
        ]
        service.parts.labels.add("u_1", "abuse", "manual_review", None, "kim", LATER + 1)
        assert told.since() == []

    def test_a_label_from_elsewhere_moves_nothing(self, service: Service, told: Told) -> None:
        post(service, body())
        service.parts.labels.add("u_1", "abuse", "external", None, "kim", LATER)
        assert told.since() == []

    def test_a_reason_that_looks_like_the_place_of_the_tier_before_stays(self, service: Service, told: Told) -> None:
        post(service, body())
        reason = 'said "from":"?" and %1'
        service.parts.labels.add("u_1", "abuse", "manual_review", reason, "kim", LATER)
        ((_, data),) = told.since()
        assert (data["from"], data["reason"]) == ("allow", reason)
        assert service.parts.profiles.view("u_1", LATER)["history"][-1]["reason"] == reason

    def test_of_many_who_set_the_same_tier_one_is_told_of(self, service: Service, told: Told) -> None:
        post(service, body())
        together(8, lambda _: service.parts.labels.add("u_1", "abuse", "appeal", None, "kim", LATER))
        assert [type for type, _ in told.since()] == ["tier.changed"]


class TestReviews:
    def test_one_that_a_signup_opens_is_told_once(self, service: Service, told: Told) -> None:
        review = opened(service)
        ((type, data),) = told.since()
        assert type == "review.opened"
        assert data == {"review_id": review, "user_id": "u_1", "reasons": data["reasons"], "at": AT}
        assert data["reasons"]
        opened(service)  # the same signup again
        assert told.since() == []

    def test_one_that_is_put_back_is_not_opened_again(self, service: Service, told: Told) -> None:
        review = opened(service)
        told.since()
        service.parts.reviews.claim(review, "kim", LATER)
        service.parts.reviews.release(review, "kim", LATER)
        service.parts.reviews.escalate(review, "kim", None, LATER, actor="desk")
        assert told.since() == []

    def test_a_question_to_the_customer_is_told(self, service: Service, told: Told) -> None:
        review = opened(service)
        told.since()
        Questions(service.store, service.parts.reviews).ask(review, "Who reads this?", 3, "kim", LATER)
        about = {"review_id": review, "user_id": "u_1", "question": "Who reads this?", "reviewer": "kim"}
        times = {"waits_until": rfc3339(LATER + 3 * DAY), "at": rfc3339(LATER)}
        assert told.since() == [("review.question", {**about, **times})]

    def test_a_decision_is_told_with_the_tier_it_changed(self, service: Service, told: Told) -> None:
        review = opened(service)
        told.since()
        decide(service, review, "limit", "abuse", "account", None, "kim", LATER)
        at = rfc3339(LATER)
        assert told.since() == [
            (
                "review.decided",
                {
                    "review_id": review,
                    "user_id": "u_1",
                    "decision": "limit",
                    "label": "abuse",
                    "apply_to": "account",
                    "reason": None,
                    "actor": "kim",
                    "at": at,
                },
            ),
            (
                "tier.changed",
                {
                    "user_id": "u_1",
                    "from": "review",
                    "to": "limit",
                    "source": "reviewer",
                    "actor": "kim",
                    "reason": None,
                    "cause": None,
                    "at": at,
                },
            ),
        ]

    def test_the_label_of_a_decision_is_in_the_stream_like_any_other(self, service: Service, told: Told) -> None:
        decide(service, opened(service), "limit", "abuse", "account", "spam", "kim", LATER)
        labels = [entry.data for entry in everything(service.store) if entry.type == "label"]
        assert labels == [
            {
                "user_id": "u_1",
                "label": "abuse",
                "source": "manual_review",
                "note": "spam",
                "actor": "kim",
                "at": LATER,
            }
        ]

    def test_a_decision_that_leaves_the_tier_tells_of_no_tier(self, service: Service, told: Told) -> None:
        review = opened(service)
        service.parts.labels.add("u_1", "legitimate", "appeal", None, "kim", NOW)  # allowed by now
        told.since()
        decide(service, review, "allow", "legitimate", "account", None, "kim", LATER)
        assert [type for type, _ in told.since()] == ["review.decided"]

    def test_of_many_who_decide_one_is_told_of(self, service: Service, told: Told) -> None:
        review = opened(service)
        told.since()
        together(
            8,
            lambda number: decide(
                service, review, "limit" if number % 2 else "allow", "unknown", "account", None, "kim", LATER
            ),
        )
        assert [type for type, _ in told.since()] == ["review.decided", "tier.changed"]

    def test_a_decision_for_a_cluster_tells_of_every_account_and_review(self, service: Service, told: Told) -> None:
        device = {"id": "device-of-a-ring-1", "ip_address": "203.0.113.9"}
        reviews = [opened(service, f"u_{number}", device=device) for number in (1, 2, 3)]
        assert service.parts.profiles.view("u_1", NOW)["linkage"]["size"] == 3
        told.since()
        decide(service, reviews[0], "limit", "abuse", "cluster", None, "kim", LATER)
        found = told.since()
        assert sorted((type, data["user_id"]) for type, data in found) == [
            (type, f"u_{number}") for type in ("review.decided", "tier.changed") for number in (1, 2, 3)
        ]
        labelled = {data["user_id"]: data["label"] for type, data in found if type == "review.decided"}
        assert labelled == {"u_1": "abuse", "u_2": None, "u_3": None}


class TestOthers:
    def test_a_step_lost_by_feedback_is_told_once(self, service: Service, told: Told) -> None:
        post(service, body())
        trap = {"id": "f1", "type": "spam_trap", "user_id": "u_1", "time": AT}
        event = FeedbackEvent.model_validate_json(orjson.dumps(trap))
        for _ in range(2):
            service.parts.feedback.count([event], NOW)
        assert told.since() == [
            ("threshold.crossed", {"user_id": "u_1", "action": "steps_lost", "rule": "spam_trap", "at": AT})
        ]
        delivered = FeedbackEvent.model_validate_json(orjson.dumps({**trap, "id": "f2", "type": "complaint"}))
        service.parts.feedback.count([delivered], NOW)
        assert told.since() == []

    def test_an_alarm_about_the_platform_is_told_when_it_begins_and_when_it_ends(
        self, service: Service, told: Told
    ) -> None:
        monitor = service.parts.monitor
        receive(service.store, [("block", "a@gmail.com")] * 100 + [("delivered", "a@gmail.com")] * 100, NOW)
        monitor.step(NOW)
        monitor.step(NOW)
        alarm = {"rule": "blocks", "subject": "gmail.com", "level": 0.1, "since": AT, "user_id": None}
        assert told.since() == [("threshold.crossed", {**alarm, "action": "crossed", "value": 0.5, "at": AT})]
        receive(service.store, [("delivered", "a@gmail.com")] * 800, NOW)
        monitor.step(NOW)
        assert told.since() == [("threshold.crossed", {**alarm, "action": "ended", "value": 0.1, "at": AT})]

    def test_clusters_that_merge_are_told_once_and_those_that_grow_not(self, service: Service, told: Told) -> None:
        def sign_up(user: str, device: str, phone: str) -> None:
            post(service, body(user, device={"id": device, "ip_address": home(user)}, phone={"number": phone}))

        first, second = "+34600123123", "+34711234234"
        for number, phone in enumerate((first, first, second, second), 1):
            sign_up(f"u_{number}", f"device-of-a-ring-{number}", phone)
        assert told.since() == []
        sign_up("u_5", "device-of-a-ring-3", first)
        ((type, data),) = told.since()
        assert (type, set(data)) == ("cluster.merged", {"cluster_id", "merged", "user_ids", "at"})
        assert data["cluster_id"] == service.parts.profiles.view("u_5", NOW)["linkage"]["cluster_id"]
        assert len(data["merged"]) == 1
        assert service.parts.profiles.view("u_5", NOW)["linkage"]["size"] == 5


@pytest.mark.parametrize(
    ("type", "data", "expected"),
    [
        (
            "pause",
            {"user_id": "u", "at": NOW, "source": "feedback", "actor": None, "reason": "trap", "expires_at": LATER},
            "account.paused",
        ),
        (
            "hold",
            {"user_id": "u", "at": NOW, "daily": 30, "ends": LATER, "tier": "allow"},
            "account.held",
        ),
        ("decision", {"user_id": "u", "at": NOW}, None),
        ("label", {"user_id": "u", "at": NOW}, None),
        ("event", {"user_id": "u", "at": NOW, "type": "login"}, None),
        ("feedback", {"user_id": "u", "at": NOW, "event": "complaint"}, None),
        ("cluster", {"cluster_id": "c", "at": AT, "change": "split"}, None),
        ("cluster", {"cluster_id": "c", "at": AT, "change": "joined"}, None),
        ("review", {"id": "rev_0", "to": "claimed", "at": NOW}, None),
        ("something new", {}, None),
    ],
)
def test_what_an_entry_is_to_those_outside(type: str, data: dict[str, Any], expected: str | None) -> None:
    found = notice(StreamEntry("risk:d:{0}", "1-0", type, data))
    assert (found.type if found else None) == expected
    if found:
        assert found.data["expires_at"] == rfc3339(LATER)


def test_entries_of_all_types_that_are_told_are_read() -> None:
    """The reader of notices has the store finish entries of other types unread."""
    assert set(re.findall(r'case "(\w+)"', inspect.getsource(notice))) == TOLD


class TestEndpoints:
    ENTRY = StreamEntry("risk:d:{0}", "1-0", "tier", {"user_id": "u_1", "at": NOW, "from": "allow", "to": "limit"})

    def test_endpoints_are_told_of_what_they_want(self, service: Service, told: Told) -> None:
        webhooks = service.parts.webhooks
        ids = [webhooks.create("http://127.0.0.1:9/", [type], "ana", NOW)["id"] for type in EVENT_TYPES]
        told.notices.handle(self.ENTRY)
        waiting = [len(service.parts.deliveries.page(id, "pending", 9)["deliveries"]) for id in ids]
        assert waiting == [1, *[0] * (len(EVENT_TYPES) - 1)]

    def test_endpoints_that_are_disabled_are_told_nothing(self, service: Service, told: Told) -> None:
        service.parts.webhooks.disable(told.id, "gone")
        told.notices.handle(self.ENTRY)
        assert service.parts.deliveries.page(told.id, "pending", 9)["deliveries"] == []
        with pytest.raises(Problem) as problem:
            told.notices.test(told.id, "a")
        assert problem.value.code == "webhook_disabled"

    def test_entries_that_tell_nobody_anything_are_passed_over(self, service: Service, clock: Clock) -> None:
        webhooks = service.parts.webhooks
        notices = Notices(webhooks, service.parts.deliveries, clock)
        seen = StreamEntry("risk:d:{0}", "2-0", "review", {"id": "rev_1", "at": NOW, "to": "open"})  # put back
        asked = [self.ENTRY, seen, replace(self.ENTRY, id="3-0")]
        assert notices.pass_over(asked) == [True, True, True], "there is no endpoint"
        webhooks.create("http://127.0.0.1:9/", ["review.opened"], "ana", NOW)
        assert notices.pass_over(asked) == [True, True, True], "it wants other events"
        id = webhooks.create("http://127.0.0.1:9/", ["tier.changed"], "ana", NOW)["id"]
        assert notices.pass_over(asked) == [False, True, False], "one that is made a moment later is told"
        webhooks.disable(id, "person")
        assert notices.pass_over(asked) == [True, True, True]

    def test_the_same_entry_in_two_streams_is_two(self, service: Service, told: Told) -> None:
        for name in ("risk:d:{0}", "risk:d:{1}"):
            told.notices.handle(replace(self.ENTRY, stream=name))
        assert len(service.parts.deliveries.page(told.id, "pending", 9)["deliveries"]) == 2

    def test_a_test_reaches_whoever_wants_nothing_of_the_kind(self, service: Service, told: Told) -> None:
        assert told.notices.test(told.id, "a")["type"] == "test"
        assert told.notices.test(told.id, "a")["id"] == told.notices.test(told.id, "a")["id"]
        ((type, data),) = told.since()
        assert (type, data["webhook_id"]) == ("test", told.id)

    def test_no_endpoint_no_key(self, service: Service, store: Store, clock: Clock) -> None:
        Notices(service.parts.webhooks, service.parts.deliveries, clock).handle(self.ENTRY)
        assert store.execute("EXISTS", TABLE) == 0
        assert store.execute("KEYS", "risk:h[dqrx]:*") == []


class TestCaps:
    """What budgets tell."""

    def test_a_cap_is_told_once_a_window_and_account(self, service: Service, told: Told) -> None:
        for user in ("u_1", "u_2"):
            post(
                service,
                body(
                    user, email={"address": f"{user}@{user[-1]}.example"}, device={"id": user, "ip_address": home(user)}
                ),
            )
        told.since()
        hourly = service.active.policy.tiers.allow.hourly

        def ask(user: str, at: float, recipients: int = hourly) -> None:
            service.parts.grants.send(user, recipients, Message(), at)

        ask("u_1", NOW)
        assert told.since() == []
        for at in (NOW + 1, NOW + 2, NOW + 3500):
            ask("u_1", at)
        data = {
            "user_id": "u_1", "limit": "account_hourly", "scope": "account", "window": "hourly", "tier": "allow",
            "wanted": hourly, "granted": 0, "at": rfc3339(NOW + 1),
        }  # fmt: skip
        [(type, found)] = told.since()
        assert 3590 < found.pop("retry_after") <= 3660
        assert (type, found) == ("account.capped", data)
        ask("u_1", NOW + 3700)
        ask("u_1", NOW + 3701, service.active.policy.tiers.allow.daily - 2 * hourly)  # the day leaves as many
        [(_, found)] = told.since()
        assert (found["window"], found["limit"]) == ("hourly", "account_hourly")
        ask("u_2", NOW, hourly + 7)
        [(_, found)] = told.since()
        assert (found["user_id"], found["granted"], found["wanted"]) == ("u_2", hourly, hourly + 7)

    def test_each_window_tells_for_itself(self, service: Service, told: Told) -> None:
        post(service, body("u_1"))
        told.since()
        policy = service.active.policy.tiers.allow
        at, windows = NOW, []
        for _ in range(policy.daily // policy.hourly + 2):
            service.parts.grants.send("u_1", policy.hourly, Message(), at)
            at += 3700
        windows = [data["window"] for type, data in told.since() if type == "account.capped"]
        assert windows == ["daily"]

    def test_many_who_ask_at_once_are_one_event(self, service: Service, told: Told) -> None:
        post(service, body("u_1"))
        told.since()
        together(8, lambda number: service.parts.grants.send("u_1", 10**5, Message(), NOW))
        assert [type for type, _ in told.since()] == ["account.capped"]

    def test_strangers_are_nobody_s_account(self, service: Service, told: Told) -> None:
        policy = service.active.policy
        sends = policy.sends.model_copy(update={"strangers": "limit"})
        service.active.use(service.active.basis.under(policy.model_copy(update={"sends": sends})))
        service.parts.grants.send("nobody", 10**5, Message(), NOW)
        assert told.since() == []

    def test_a_hold_is_told_when_it_begins(self, service: Service, told: Told) -> None:
        opened_at = NOW
        post(service, body("u_1"))
        for day in range(0, 21, 2):
            service.parts.grants.send("u_1", 30, Message(), opened_at + day * DAY)
        told.since()
        later = NOW + 22 * DAY
        service.parts.grants.send("u_1", 300, Message(), later)
        found = dict(told.since())
        days = service.active.policy.takeover.hold_days
        assert found["account.held"] == {
            "user_id": "u_1", "tier": "allow", "daily": 30, "at": rfc3339(later),
            "expires_at": rfc3339(later + days * DAY),
        }  # fmt: skip
        service.parts.grants.send("u_1", 300, Message(), later + 60)
        assert "account.held" not in dict(told.since())


class TestRecovery:
    """Sent again, from a time on."""

    @pytest.fixture
    def now(self) -> float:
        return time.time()

    @pytest.fixture
    def recovery(self, service: Service, store: Store, now: float) -> Recovery:
        return service.parts.recovery

    def moved(self, service: Service, *users: str) -> None:
        for user in users:
            post(
                service,
                body(
                    user, email={"address": f"{user}@{user[-1]}.example"}, device={"id": user, "ip_address": home(user)}
                ),
            )
            service.parts.labels.add(user, "abuse", "manual_review", None, "ana", NOW)

    def waiting(self, told: Told) -> int:
        return len(told.parts.deliveries.page(told.id, "pending", 200)["deliveries"])

    def test_what_happened_while_it_was_disabled_is_sent(
        self, service: Service, told: Told, recovery: Recovery, now: float
    ) -> None:
        self.moved(service, "u_1")
        assert [type for type, _ in told.since()] == ["tier.changed"]
        service.parts.webhooks.disable(told.id, "gone")
        self.moved(service, "u_2", "u_3")
        assert told.since() == []
        with pytest.raises(Problem) as problem:
            recovery.replay(told.id, now - 60, None, delivered=False)
        assert problem.value.code == "webhook_disabled"
        service.parts.webhooks.enable(told.id)
        found = recovery.replay(told.id, now - 60, None, delivered=False)
        assert (found["queued"], found["next_cursor"]) == (2, None)
        taken = service.parts.deliveries.take(told.id, time.time() + 1, 60.0, 9)
        names = {orjson.loads(each.body)["data"]["user_id"] for each in taken}
        assert names - {"u_1"} == {"u_2", "u_3"}, "that of the first was taken before, and its lease has ended"
        assert recovery.replay(told.id, now - 60, None, delivered=False)["queued"] == 0, "it waits already"

    def test_a_recovery_sends_only_what_the_endpoint_wants_and_since_then(
        self, service: Service, told: Told, recovery: Recovery, store: Store
    ) -> None:
        self.moved(service, "u_1")
        id = service.parts.webhooks.create("http://127.0.0.1:9/", ["review.opened"], "ana", NOW)["id"]
        assert recovery.replay(id, 0.0, None, delivered=False)["queued"] == 0
        between = max(int(entry.id.partition("-")[0]) for entry in everything(store)) / 1000 + 0.001
        until(lambda: time.time() > between + 0.001)
        self.moved(service, "u_2")
        id = service.parts.webhooks.create("http://127.0.0.1:9/", ["tier.changed"], "ana", NOW)["id"]
        assert recovery.replay(id, between, None, delivered=False)["queued"] == 1
        assert recovery.replay(id, 0.0, None, delivered=False)["queued"] == 1, "the one before"

    def test_what_was_given_up_is_sent_and_what_arrived_where_that_is_wanted(
        self, service: Service, told: Told, recovery: Recovery, now: float
    ) -> None:
        deliveries: Any = service.parts.deliveries
        self.moved(service, "u_1", "u_2")
        assert recovery.replay(told.id, now - 60, None, delivered=False)["queued"] == 2
        dead, arrived = deliveries.take(told.id, time.time() + 1, 60.0, 2)
        deliveries.finish(dead, DeliveryOutcome(410, "status", gone=True), time.time())
        deliveries.finish(arrived, DeliveryOutcome(200), time.time())
        assert recovery.replay(told.id, now - 60, None, delivered=False)["queued"] == 1
        assert self.waiting(told) == 1
        assert recovery.replay(told.id, now - 60, None, delivered=True)["queued"] == 1
        assert self.waiting(told) == 2

    def test_a_long_time_is_looked_through_in_parts(
        self, service: Service, told: Told, recovery: Recovery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.moved(service, *(f"u_{letter}" for letter in "abcdefghij"))
        monkeypatch.setattr("riskapi.webhooks.recovery._TRIP", 2)
        monkeypatch.setattr("riskapi.webhooks.recovery.MOST", 3)
        queued, cursor, rounds = 0, None, 0
        while rounds == 0 or cursor is not None:
            found = recovery.replay(told.id, 0.0, cursor, delivered=False)
            queued, cursor, rounds = queued + found["queued"], found["next_cursor"], rounds + 1
            assert rounds < 100
        assert (queued, self.waiting(told)) == (10, 10)
        assert rounds > 3

    def test_no_more_than_is_kept(self, service: Service, told: Told, recovery: Recovery, now: float) -> None:
        found = recovery.replay(told.id, 0.0, None, delivered=False)
        days = service.active.policy.retention.decisions_days
        assert found["since"][:10] == rfc3339(now - days * DAY)[:10]

    @pytest.mark.parametrize("cursor", ["x", "", cursor_of(b"9|1-1x"), cursor_of(b"0|99999999999999999999-0")])
    def test_a_cursor_nobody_gave_is_refused(self, told: Told, recovery: Recovery, cursor: str) -> None:
        with pytest.raises(Problem) as problem:
            recovery.replay(told.id, 0.0, cursor, delivered=False)
        assert problem.value.code == "invalid"

    def test_a_time_ahead_and_a_stranger_are_refused(self, told: Told, recovery: Recovery, now: float) -> None:
        for id, since, code in ((told.id, now + 3600, "invalid"), ("whk_0", now, "not_found")):
            with pytest.raises(Problem) as problem:
                recovery.replay(id, since, None, delivered=False)
            assert problem.value.code == code
