"""The store does what it was asked and goes away before it can say so: what callers are told is what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from riskapi.app import Service
from riskapi.decisions.events import Event
from riskapi.errors import Problem, StoreUnavailable
from riskapi.feedback.event import FeedbackEvent
from riskapi.store.streams import shard, stream
from tests.conftest import NOW
from tests.grants import ask, opened, view
from tests.signups import body, mailbox, post
from tests.trips import KINDS


class Lost:
    """A store that goes away with the reply to one of its trips, until it is ``back``. ``trips`` were made of it."""

    def __init__(self, service: Service, patch: pytest.MonkeyPatch) -> None:
        self._service, self._patch = service, patch
        self.trips, self._last, self.gone = 0, 0, False
        self._meanwhile: Callable[[], object] = list

    @contextmanager
    def after(self, trips: int, meanwhile: Callable[[], object] = list) -> Iterator[None]:
        """The store goes away once it did so many trips; it is back at the end. What is done ``meanwhile`` is done
        before anybody knows.
        """
        self.trips, self._last, self.gone, self._meanwhile = 0, trips, False, meanwhile
        store = self._service.store
        with self._patch.context() as patch:
            patch.setattr(store, "run", self._losing(store.run))
            patch.setattr(store, "execute", self._losing(store.execute))
            yield

    def _losing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*words: Any) -> Any:
            if self.gone:
                raise StoreUnavailable("away")
            found, self.trips = real(*words), self.trips + 1
            if self.trips == self._last:
                self.gone = True
                self._meanwhile()
                raise StoreUnavailable("lost on the way back")
            return found

        return ask


@pytest.fixture
def lost(service: Service, monkeypatch: pytest.MonkeyPatch) -> Lost:
    return Lost(service, monkeypatch)


def told_of(service: Service, user: str) -> list[tuple[str | None, str]]:
    """The changes of tier that webhooks are told of an account, in their order."""
    entries = service.store.execute("XRANGE", stream(shard(user)), "-", "+")
    told = [orjson.loads(fields[b"data"]) for _, fields in entries if fields[b"type"] == b"tier"]
    return [(each["from"], each["to"]) for each in told if each["user_id"] == user]


def is_kept(service: Service, user: str, answer: dict[str, Any], now: float) -> None:
    """Its account says what was answered, from there on whatever was decided, and is in the tier it came to."""
    found = view(service, user, now)
    assert found["assessment"]["id"] == answer["id"]
    first, *rest = found["history"]
    assert answer["decision"] == (first["to"] if first["from"] is None else first["from"])
    assert (first["from"] is None) == (answer["disposition"]["source"] != "outage")
    for before, after in zip(found["history"], rest, strict=False):
        assert before["to"] == after["from"]
    assert found["history"][-1]["to"] == found["tier"]
    told = [change for change in told_of(service, user) if change[0] != change[1]]
    assert not told or told[-1][1] == found["tier"]
    if found["tier"] != answer["decision"]:
        assert answer["decision"] in [before for before, _ in told]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_signup_is_told_is_its_first_answer_whichever_reply_is_lost(
    service: Service, lost: Lost, kind: str
) -> None:
    each = KINDS[kind]
    each.before(service)
    for trips in range(1, 9):
        parts = {"email": {"address": mailbox(f"late{trips}")}, **each.parts}
        account = {
            "user_id": f"late{trips}",
            **{k: v for k, v in each.parts.get("account", {}).items() if k != "user_id"},
        }
        signup = body(f"late{trips}", **{**parts, "account": account})
        with lost.after(trips):
            answer = post(service, signup, each.at)
        # A retry is told the same, before what was kept is recorded and afterwards.
        assert post(service, signup, each.at + 1)["id"] == answer["id"]
        service.parts.assessor.replay_journal(each.at + 2)
        assert post(service, signup, each.at + 3)["id"] == answer["id"]
        is_kept(service, account["user_id"], answer, each.at + 3)
        if not lost.gone:
            assert trips > 1
            return
    pytest.fail("a signup takes more trips than that")


def test_a_review_says_why_it_was_opened_whatever_its_signup_was_told(service: Service, lost: Lost) -> None:
    with lost.after(2):
        told = post(service, body(email={"address": "x@mailinator.com"}))
    assert told["disposition"]["source"] == "outage"
    service.parts.assessor.replay_journal(NOW + 1)
    (review,) = service.parts.reviews.list("open", 10, None)["reviews"]
    latest = view(service, "u_1")["latest"]
    assert (review["id"], review["reasons"]) == (latest["review_id"], latest["reasons"])
    assert latest["reasons"] != told["reasons"]


def test_what_was_decided_before_the_journal_is_recorded_stays(service: Service, lost: Lost) -> None:
    with lost.after(2):
        told = post(service, body())
    service.parts.labels.add("u_1", "abuse", "manual_review", None, "key", NOW + 1)
    service.rescorer.again("u_1", "schedule", NOW + 2)
    before = view(service, "u_1", NOW + 3)
    service.parts.assessor.replay_journal(NOW + 3)
    after = view(service, "u_1", NOW + 3)
    assert (after["tier"], after["latest"]) == (before["tier"], before["latest"]) == ("limit", before["latest"])
    assert [(each["from"], each["to"]) for each in after["history"]] == [("review", "allow"), ("allow", "limit")]
    assert told_of(service, "u_1") == [("allow", "limit"), ("review", "limit")]
    is_kept(service, "u_1", told, NOW + 3)


def test_an_answer_that_waits_is_that_of_every_request_for_its_account(service: Service, lost: Lost) -> None:
    with lost.after(1):
        told = post(service, body())
        assert post(service, body())["id"] == told["id"]
        with pytest.raises(Problem) as other:
            post(service, body(email={"address": "else@ruiz.example"}))
    assert other.value.code == "signup_conflict"
    assert post(service, body())["id"] == told["id"], "the store is back, and what was answered not yet recorded"
    with pytest.raises(Problem):
        post(service, body(email={"address": "else@ruiz.example"}))
    service.parts.assessor.replay_journal(NOW + 1)
    is_kept(service, "u_1", told, NOW + 2)


def test_two_that_race_are_told_the_same_whichever_of_them_was_written(service: Service, lost: Lost) -> None:
    """One has its reply lost while another, of the same account, was answered without the store."""
    told = list[dict[str, Any]]()
    with lost.after(2, lambda: told.append(post(service, body()))):
        answer = post(service, body())
    assert [each["id"] for each in told] == [answer["id"]]
    service.parts.assessor.replay_journal(NOW + 1)
    is_kept(service, "u_1", answer, NOW + 2)


@pytest.mark.parametrize("repeat", [None, "k"])
@pytest.mark.parametrize("device", [None, "shared"], ids=["alone", "in a cluster"])
def test_a_grant_counts_as_what_was_told(service: Service, lost: Lost, device: str | None, repeat: str | None) -> None:
    user, told = opened(service, "u_1", device), 0
    opened(service, "u_2", device)
    for trips in range(1, 9):
        name = None if repeat is None else f"{repeat}{trips}"
        with lost.after(trips):
            told += ask(service, user, 3, digest="d", repeat=name)["granted"]
        if repeat is not None:
            assert ask(service, user, 3, digest="d", repeat=name)["granted"] == 3
        service.parts.grants.record()
        left = view(service, user)["limits"]
        assert left["daily"] - left["remaining"]["daily"] == told
        if not lost.gone:
            return
    pytest.fail("a grant takes more trips than that")


def test_an_event_under_a_key_counts_once_however_often_it_is_tried(service: Service, lost: Lost) -> None:
    post(service, body())
    event = Event(type="contacts_imported", count=5)
    for trips in range(1, 20):
        key, counted = f"{trips:024x}", b"n:contacts_imported"
        with lost.after(trips):
            try:
                service.parts.events.record("u_1", event, NOW, key)
            except StoreUnavailable:
                assert lost.gone
        service.parts.events.record("u_1", event, NOW + 61, key)
        assert service.accounts.load("u_1").fields[counted.decode()] == b"%d" % trips
        if not lost.gone:
            return
    pytest.fail("an event takes more trips than that")


def test_feedback_counts_once_however_often_it_is_sent(service: Service, lost: Lost) -> None:
    post(service, body())
    for trips in range(1, 30):
        event = FeedbackEvent.model_validate(
            {"id": f"e{trips}", "type": "complaint", "user_id": "u_1", "recipient": f"r{trips}@example.com"}
        )
        with lost.after(trips):
            try:
                service.parts.intake.take_events([event], NOW)
            except StoreUnavailable:
                assert lost.gone
        service.parts.intake.take_events([event], NOW + 1)
        found = view(service, "u_1", NOW + 1)
        assert found["feedback"]["complaints"] == trips
        if not lost.gone:
            return
    pytest.fail("feedback takes more trips than that")


def test_a_repeated_signup_changes_nothing_whichever_reply_is_lost(service: Service, lost: Lost) -> None:
    first, again = post(service, body()), body(device={"id": "another"}, phone={"number": "+34600123123"})
    before = view(service, "u_1")
    for trips in range(1, 9):
        with lost.after(trips):
            post(service, again)
        service.parts.assessor.replay_journal(NOW + 1)
        assert post(service, again)["id"] == first["id"]
        after = view(service, "u_1")
        assert {name: after[name] for name in ("tier", "history", "latest")} == {
            name: before[name] for name in ("tier", "history", "latest")
        }
        other = body(f"other{trips}", device={"id": "another"}, phone={"number": "+34600123123"})
        assert post(service, other)["linkage"]["size"] == trips, "what the repeated one touched is withdrawn"
        if not lost.gone:
            return
    pytest.fail("a repeated signup takes more trips than that")
