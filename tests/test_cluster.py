"""The whole line on a real cluster of three nodes: the same answers as on one node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from riskapi.app import Service, assemble
from riskapi.events import Event
from riskapi.feedback import FeedbackEvent
from riskapi.settings import Settings
from riskapi.signup import DevicePart
from riskapi.store.connections import open_store
from tests.conftest import NOW, Clock
from tests.signups import body, post, together
from tests.test_connections import cluster  # noqa: F401 - the fixture


@pytest.fixture
def service(cluster: list[int], settings: Settings, ip_data: Any, clock: Clock) -> Iterator[Service]:  # noqa: F811
    url = "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in cluster)
    store = open_store(Settings.load({"REDIS_URL": url}))
    made = assemble(replace(settings, model_mode="off"), store, clock)
    made.decisions.register_schema()
    yield made
    store.close()


def test_signups_are_raced_linked_labelled_reviewed_and_exported(service: Service) -> None:
    signup = body(phone={"number": "+34600123123"}, device={"id": "dev-1"})
    answers = together(20, lambda _: service.assessor.signup(signup, NOW))
    assert len({answer.body for answer in answers}) == 1
    service.parts.labels.add("u_1", "abuse", "external", None, "key", NOW)
    linked = post(service, body("u_2", phone={"number": "+34600123123"}))
    assert (linked["decision"], linked["linkage"]["abusive"], linked["linkage"]["size"]) == ("limit", 1, 2)
    reviews = [
        post(service, body(f"r_{number}", email={"address": f"r{number}@mailinator.com"})) for number in range(9)
    ]
    page = service.parts.reviews.list("open", 50, None)["reviews"]
    assert {row["id"] for row in page} == {answer["review_id"] for answer in reviews}
    done = service.parts.reviews.decide(page[0]["id"], "limit", "abuse", "account", None, "kim", NOW)
    assert done["accounts"][0]["after"] == "limit"
    assert len(list(service.decisions.export())) == 11


def test_feedback_and_events_are_counted(service: Service) -> None:
    users = [f"u_{number}" for number in range(9)]
    for user in users:
        post(service, body(user))
    events = [
        FeedbackEvent(id=f"{user}-{number}", type="complaint", user_id=user) for user in users for number in range(3)
    ]
    tallies = together(4, lambda _: service.parts.feedback.count(events, NOW))
    assert sum(tally.accepted for tally in tallies) == len(events)
    assert sorted(action["user_id"] for tally in tallies for action in tally.actions) == users
    assert all(service.parts.accounts.view(user, NOW)["feedback"]["complaints"] == 3 for user in users)
    login = Event(type="login", device=DevicePart(ip_address="198.51.100.7"))
    assert [service.parts.events.record(user, login, NOW)["tier"] for user in users] == ["allow"] * 9
