"""Notices: each change of state, made through the real parts, is told once, and what changed nothing is not told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from riskapi.app import Service, assemble
from riskapi.budgets import EVENTS
from riskapi.errors import Problem
from riskapi.feedback import FeedbackEvent
from riskapi.instants import rfc3339
from riskapi.notices import Notices, notice
from riskapi.outbox import SHARDS, Entry, stream
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.webhooks import EVENT_TYPES, TABLE
from tests.conftest import NOW, Clock
from tests.reviewing import decide, opened
from tests.signups import body, home, post, together

AT = rfc3339(NOW)
LATER = NOW + 60


@pytest.fixture
def service(store: Store, settings: Settings, ip_data: Any, clock: Clock) -> Service:
    """By rules only, so that what these tests post is decided the same whatever the model learns."""
    made = assemble(replace(settings, model_mode="off", webhook_internal=("127.0.0.0/8",)), store, clock)
    made.decisions.register_schema()
    return made


def entries(store: Store) -> list[Entry]:
    """Everything in the streams."""
    found = []
    for name in (*(stream(number) for number in range(SHARDS)), EVENTS):
        for id, fields in store.execute("XRANGE", name, "-", "+"):
            found.append(Entry(name, id.decode(), fields[b"type"].decode(), orjson.loads(fields[b"data"])))
    return found


class Told:
    """What an endpoint that wants everything is told from now on."""

    def __init__(self, service: Service, clock: Callable[[], float]) -> None:
        self.parts, self.store = service.parts, service.store
        self.notices = Notices(self.parts.webhooks, self.parts.deliveries, clock)  # type: ignore[arg-type]
        self.id = self.parts.webhooks.create("http://127.0.0.1:9/", EVENT_TYPES, "ana", NOW)["id"]
        self.seen = {(entry.stream, entry.id) for entry in entries(self.store)}

    def since(self) -> list[tuple[str, dict[str, Any]]]:
        """Type and data of what was told since this was last asked, handling each entry twice."""
        new = [entry for entry in entries(self.store) if (entry.stream, entry.id) not in self.seen]
        self.seen |= {(entry.stream, entry.id) for entry in new}
        for entry in new * 2:
            self.notices.handle(entry)
        taken = self.parts.deliveries.take(self.id, NOW, 60.0, 1000)  # type: ignore[attr-defined]
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
        assert service.parts.accounts.view("u_1", LATER)["history"][-1]["reason"] == reason

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
        service.parts.reviews.escalate(review, "kim", None, LATER)
        assert told.since() == []

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

    def test_its_label_is_in_the_stream_like_any_other(self, service: Service, told: Told) -> None:
        decide(service, opened(service), "limit", "abuse", "account", "spam", "kim", LATER)
        labels = [entry.data for entry in entries(service.store) if entry.type == "label"]
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

    def test_for_a_cluster_tells_of_every_account_and_review(self, service: Service, told: Told) -> None:
        device = {"id": "device-of-a-ring-1", "ip_address": "203.0.113.9"}
        reviews = [opened(service, f"u_{number}", device=device) for number in (1, 2, 3)]
        assert service.parts.accounts.view("u_1", NOW)["linkage"]["size"] == 3
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
        assert data["cluster_id"] == service.parts.accounts.view("u_5", NOW)["linkage"]["cluster_id"]
        assert len(data["merged"]) == 1
        assert service.parts.accounts.view("u_5", NOW)["linkage"]["size"] == 5


@pytest.mark.parametrize(
    ("type", "data", "expected"),
    [
        (
            "pause",
            {"user_id": "u", "at": NOW, "source": "feedback", "actor": None, "reason": "trap", "expires_at": LATER},
            "account.paused",
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
    found = notice(Entry("risk:d:{0}", "1-0", type, data))
    assert (found.type if found else None) == expected
    if found:
        assert found.data["expires_at"] == rfc3339(LATER)


class TestEndpoints:
    ENTRY = Entry("risk:d:{0}", "1-0", "tier", {"user_id": "u_1", "at": NOW, "from": "allow", "to": "limit"})

    def test_are_told_of_what_they_want(self, service: Service, told: Told) -> None:
        webhooks = service.parts.webhooks
        ids = [webhooks.create("http://127.0.0.1:9/", [type], "ana", NOW)["id"] for type in EVENT_TYPES]
        told.notices.handle(self.ENTRY)
        waiting = [len(service.parts.deliveries.page(id, "pending", 9)["deliveries"]) for id in ids]
        assert waiting == [1, 0, 0, 0, 0, 0]

    def test_that_are_disabled_are_told_nothing(self, service: Service, told: Told) -> None:
        service.parts.webhooks.disable(told.id, "gone")  # type: ignore[attr-defined]
        told.notices.handle(self.ENTRY)
        assert service.parts.deliveries.page(told.id, "pending", 9)["deliveries"] == []
        with pytest.raises(Problem) as problem:
            told.notices.test(told.id, "a")
        assert problem.value.code == "webhook_disabled"

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
        Notices(service.parts.webhooks, service.parts.deliveries, clock).handle(self.ENTRY)  # type: ignore[arg-type]
        assert store.execute("EXISTS", TABLE) == 0
        assert store.execute("KEYS", "risk:h[dqrx]:*") == []
