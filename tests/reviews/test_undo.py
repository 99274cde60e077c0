"""Decisions of reviews taken back: everything is what it was, whoever acts at the same time and whoever is killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from riskapi.app import Service
from riskapi.errors import Problem
from riskapi.sending.grants import Message
from riskapi.settings import Settings
from riskapi.store import consumer
from riskapi.store.connections import Store
from riskapi.store.consumer import Consumer
from riskapi.webhooks.notices import notice
from riskapi.worker.worker import Worker
from tests import streams
from tests.agendas import due_at
from tests.conftest import NOW
from tests.members import members
from tests.reviewing import decide, establish, opened, own, undo
from tests.signups import body, post, together

DAY = 86400.0
RING: dict[str, Any] = {"device": {"ip_address": "203.0.113.9", "id": "dev-ring"}, "phone": {"number": "+34600123123"}}
#: The users of a ring that are reviewed, and one that is not.
REVIEWED, OTHER = ("u_1", "u_2", "u_3"), "u_4"


def ring(service: Service) -> list[str]:
    """The reviews of a ring of four accounts."""
    post(service, body(OTHER, **RING))
    return [opened(service, user, NOW + number, **RING) for number, user in enumerate(REVIEWED)]


def again(service: Service, user: str) -> str:
    """Another review of an account, as feedback, holds and lists open them."""
    policy = service.parts.publisher.active.policy
    return service.parts.holds.review(user, NOW + 5, "PERSON_ASKED", "Somebody wants to look", user, policy)


def state(service: Service, user: str) -> dict[str, Any]:
    """What a decision can change of an account."""
    fields = service.accounts.load(user).fields
    return {name: fields.get(name, b"").decode() for name in ("tier", "label", "own", "decided")}


def states(service: Service) -> dict[str, dict[str, Any]]:
    return {user: state(service, user) for user in (*REVIEWED, OTHER)}


def marks(service: Service, user: str) -> set[str]:
    """With what signs an account is marked on its device."""
    key = service.accounts.standing(user).entities["device"]
    return {member[0] for member in members(service.store, key) if member[1:] == user}


def waiting(service: Service) -> list[tuple[str, str]]:
    """The reviews that are open, in the order of the queue, and when each was opened."""
    found = service.parts.reviews.list("open", 50, None)["reviews"]
    return [(row["id"], row["opened_at"]) for row in found]


def refused(work: Callable[[], Any]) -> str:
    with pytest.raises(Problem) as problem:
        work()
    return problem.value.code


class TestGivenBack:
    """What there was before is there again."""

    @pytest.mark.parametrize(("tier", "label"), [("limit", "abuse"), ("allow", "legitimate"), ("limit", "unknown")])
    @pytest.mark.parametrize("apply_to", ["account", "cluster"])
    def test_accounts_reviews_and_marks_are_what_they_were(
        self, service: Service, tier: Any, label: Any, apply_to: Any
    ) -> None:
        reviews = ring(service)
        before = (states(service), waiting(service), {user: marks(service, user) for user in (*REVIEWED, OTHER)})
        decide(service, reviews[0], tier, label, apply_to, now=NOW + 60)
        assert states(service) != before[0]
        found = undo(service, reviews[0], "a mistake", now=NOW + 120)
        assert before == (
            states(service),
            waiting(service),
            {user: marks(service, user) for user in (*REVIEWED, OTHER)},
        )
        decided = (*REVIEWED, OTHER) if apply_to == "cluster" else REVIEWED[:1]
        assert {row["user_id"]: row["after"] for row in found["accounts"]} == {
            user: before[0][user]["tier"] for user in decided
        }
        assert {row["left"] for row in found["accounts"]} == {None}
        assert (found["status"], found["reviewer"], found["decision"], found["reason"]) == ("open", None, None, None)

    @pytest.mark.parametrize(
        ("apply_to", "left"), [("account", ("u_2", "u_2 again", "u_3", "u_4 again")), ("cluster", ())]
    )
    def test_all_reviews_of_whom_it_decides_close_and_wait_again(
        self, service: Service, apply_to: Any, left: tuple[str, ...]
    ) -> None:
        ids = dict(zip(REVIEWED, ring(service), strict=True))
        ids |= {f"{user} again": again(service, user) for user in ("u_1", "u_2", OTHER)}
        before = states(service), waiting(service)
        for lead in ("u_1", "u_1 again"):
            decide(service, ids[lead], apply_to=apply_to, now=NOW + 60)
            assert {each for each, _ in waiting(service)} == {ids[name] for name in left}
            assert own(service, "u_1") == "limit"
            undo(service, ids[lead], now=NOW + 120)
            assert (states(service), waiting(service)) == before

    def test_a_review_that_was_handed_on_waits_for_whom_it_was_handed_to(self, service: Service) -> None:
        review, reviews = opened(service), service.parts.reviews
        reviews.escalate(review, "kim", "looks like a ring", NOW, actor="desk")
        before = reviews.list("escalated", 10, None)["reviews"]
        for number in (1, 2):  # it can be decided and undone more than once
            decide(service, review, now=NOW + 60 * number)
            assert undo(service, review, now=NOW + 60 * number + 30)["status"] == "escalated"
            assert reviews.list("escalated", 10, None)["reviews"] == before
            assert waiting(service) == []

    def test_a_label_from_before_stands_again(self, service: Service) -> None:
        review = opened(service)
        service.parts.labels.add("u_1", "legitimate", "external", None, "ana", NOW)
        decide(service, review)
        undo(service, review)
        assert state(service, "u_1")["label"] == "legitimate"
        labels = service.accounts.labels("u_1")
        assert [row["label"] for row in labels] == ["legitimate", "abuse", "legitimate"]

    def test_the_history_says_who_undid_it_and_why(self, service: Service) -> None:
        review = opened(service)
        decide(service, review, now=NOW + 60)
        undo(service, review, "the wrong Ana", "lee", NOW + 120)
        account = service.parts.profiles.view("u_1", NOW + 120)
        decided, undone = account["history"][-2:]
        assert (undone["from"], undone["to"], undone["source"], undone["actor"]) == (
            "limit",
            "review",
            "reviewer",
            "lee",
        )
        assert (undone["reason"], undone["undoes"]) == ("undone: the wrong Ana", decided["decision_id"])
        label = account["labels"][-1]
        assert (label["label"], label["note"], label["actor"]) == ("unknown", "undone: the wrong Ana", "lee")

    def test_it_is_told_in_the_streams_and_to_webhooks(self, service: Service) -> None:
        review = opened(service)
        decide(service, review)
        before = len(streams.entries(service.store))
        undo(service, review, now=NOW + 60)
        new = streams.entries(service.store)[before:]
        assert [entry.type for entry in new] == ["review", "label", "tier"]
        notices = [found for entry in new if (found := notice(entry)) is not None]
        assert [each.type for each in notices] == ["review.opened", "tier.changed"]
        assert notices[0].data["reasons"]
        assert (notices[1].data["from"], notices[1].data["to"]) == ("limit", "review")

    def test_a_hold_that_it_ended_goes_on(self, service: Service) -> None:
        review, later = held(service)
        decide(service, review, "allow", "legitimate", now=later)
        assert send(service, 300, later + 60) == 300
        undo(service, review, now=later + 120)
        assert send(service, 300, later + 180) == 0
        limits = service.parts.profiles.view("u_1", later + 180)["limits"]
        assert limits["hold"] is not None
        assert limits["hold"]["daily"] == 30

    def test_a_hold_that_was_over_is_not_brought_back(self, service: Service) -> None:
        review, later = held(service)
        decide(service, review, "allow", "legitimate", now=later + 30 * DAY)
        undo(service, review, now=later + 30 * DAY)
        assert service.parts.profiles.view("u_1", later + 30 * DAY)["limits"]["hold"] is None

    def test_it_can_be_decided_again_and_undone_again(self, service: Service) -> None:
        reviews = ring(service)
        before = states(service)
        for number in range(3):
            decide(service, reviews[0], apply_to="cluster", deny=("phone",), now=NOW + 60 * number)
            undo(service, reviews[0], now=NOW + 60 * number + 30)
            assert states(service) == before
            assert service.store.execute("HLEN", "risk:l:{b}") == 0

    def test_the_word_that_was_taken_back_holds_nobody(self, service: Service) -> None:
        """A decision to allow keeps model and rules from tightening for a while; undone it does not."""
        review = opened(service)
        decide(service, review, "allow", "legitimate", now=NOW + 60)
        again = service.rescorer.again
        assert again("u_1", "schedule", NOW + 61).tier == "allow"
        undo(service, review, now=NOW + 62)
        lists = service.parts.lists
        given = {"expires_at": None, "reason": None, "author": "ana", "silences_feedback": False, "now": NOW}
        entry = lists.put(lists.draft("allow", "user", "u_1", **given), NOW).entry  # type: ignore[arg-type]
        assert again("u_1", "list", NOW + 63).tier == "allow", "which a person's word would have been stronger than"
        lists.remove("allow", entry.id, "ana", NOW + 64)
        assert again("u_1", "list", NOW + 65).tier == "review"


def held(service: Service) -> tuple[str, float]:
    """The review of an account that is held at its usual volume, and when."""
    post(service, body("u_1"))
    for day in range(0, 21, 2):
        assert send(service, 30, NOW + day * DAY) == 30
    later = NOW + 22 * DAY
    assert send(service, 300, later) == 30
    return str(service.parts.reviews.list("open", 10, None)["reviews"][0]["id"]), later


def send(service: Service, recipients: int, now: float) -> int:
    return int(service.parts.grants.send("u_1", recipients, Message(), now).body["granted"])


class TestLeft:
    """What somebody decided since stays as it is."""

    @pytest.mark.parametrize("source", ["manual_review", "appeal", "external", "rule"])
    @pytest.mark.parametrize("label", ["abuse", "legitimate", "unknown"])
    def test_an_account_that_was_labelled_since(self, service: Service, label: Any, source: Any) -> None:
        reviews = ring(service)
        decide(service, reviews[0], apply_to="cluster")
        service.parts.labels.add("u_1", label, source, None, "ana", NOW + 1)
        before = state(service, "u_1")
        found = undo(service, reviews[0], now=NOW + 2)
        assert {row["user_id"]: row["left"] for row in found["accounts"]} == {
            "u_1": "decided_since", "u_2": None, "u_3": None, OTHER: None,
        }  # fmt: skip
        assert state(service, "u_1") == before
        assert found["status"] == "open"

    def test_an_account_that_was_decided_in_another_review_since(self, service: Service) -> None:
        first, second, _ = ring(service)
        service.parts.reviews.claim(second, "ana", NOW)
        decide(service, first, apply_to="cluster", now=NOW + 10)
        decide(service, second, "allow", "legitimate", actor="ana", now=NOW + 20)
        found = undo(service, first, now=NOW + 30)
        assert {row["user_id"]: row["left"] for row in found["accounts"]}["u_2"] == "decided_since"
        assert (state(service, "u_2")["tier"], own(service, "u_2")) == ("allow", "allow")
        assert service.parts.reviews.get(second)["decision"] == "allow"

    def test_a_tier_that_model_or_rules_moved_since_stays_and_the_label_goes(self, service: Service) -> None:
        review = opened(service)
        decide(service, review, "allow", "legitimate")
        lists = service.parts.lists
        given = {"expires_at": None, "reason": None, "author": "ana", "silences_feedback": False, "now": NOW}
        lists.put(lists.draft("deny", "user", "u_1", **given), NOW)  # type: ignore[arg-type]
        assert service.rescorer.again("u_1", "list", NOW + 1).tier == "limit"
        (row,) = undo(service, review, now=NOW + 2)["accounts"]
        assert (row["before"], row["after"], row["left"]) == ("limit", "limit", "tier_moved")
        assert state(service, "u_1")["label"] == ""

    def test_accounts_that_are_gone_are_passed_over(self, service: Service) -> None:
        reviews = ring(service)
        decide(service, reviews[0], apply_to="cluster")
        for user in ("u_1", "u_2"):
            number = reviews[0][4] if user == "u_1" else reviews[1][4]
            service.store.execute("DEL", f"risk:a:{{{number}}}:{user}")
        found = undo(service, reviews[0])
        assert [row["user_id"] for row in found["accounts"]] == ["u_3", OTHER]
        assert found["status"] == "open"

    def test_established_customers_who_were_left_out_are_not_touched(self, service: Service) -> None:
        reviews = ring(service)
        establish(service, OTHER, NOW - DAY)
        before = state(service, OTHER)
        decide(service, reviews[0], apply_to="cluster")
        assert [row["user_id"] for row in undo(service, reviews[0])["accounts"]] == list(REVIEWED)
        assert state(service, OTHER) == before

    def test_a_review_that_somebody_holds_is_not_closed_and_not_opened(self, service: Service) -> None:
        reviews = ring(service)
        service.parts.reviews.claim(reviews[1], "ana", NOW)
        decide(service, reviews[0], apply_to="cluster")
        assert service.parts.reviews.get(reviews[1])["status"] == "claimed"
        undo(service, reviews[0])
        assert service.parts.reviews.get(reviews[1])["status"] == "claimed"

    def test_a_review_that_somebody_held_waits_however_often_the_decision_is_carried_out(
        self, service: Service
    ) -> None:
        review, held = opened(service), again(service, "u_1")
        service.parts.reviews.claim(held, "ana", NOW)
        decide(service, review)
        service.parts.reviews.release(held, "ana", NOW)
        assert refused(lambda: decide(service, review)) == "review_closed"  # which finishes what was decided
        assert service.parts.reviews.get(held)["status"] == "open"
        assert decide(service, held, "allow", "legitimate")["status"] == "decided"


class TestRefused:
    """There is something to undo, or there is not."""

    def test_a_review_that_waits(self, service: Service) -> None:
        review = opened(service)
        assert refused(lambda: undo(service, review)) == "not_undoable"
        service.parts.reviews.claim(review, "kim", NOW)
        assert refused(lambda: undo(service, review)) == "not_undoable"

    def test_a_decision_that_was_undone(self, service: Service) -> None:
        review = opened(service)
        decide(service, review)
        undo(service, review)
        assert refused(lambda: undo(service, review)) == "not_undoable"

    def test_a_review_that_was_closed_by_the_decision_of_another(self, service: Service) -> None:
        reviews = ring(service)
        decide(service, reviews[0], apply_to="cluster")
        with pytest.raises(Problem) as problem:
            undo(service, reviews[1])
        assert problem.value.code == "not_undoable"
        assert reviews[0] in problem.value.detail
        assert service.parts.reviews.get(reviews[1])["status"] == "decided"

    @pytest.mark.parametrize("review", ["", "rev_", "rev_9abc", "x", "rev_0" + "0" * 20])
    def test_an_unknown_review(self, service: Service, review: str) -> None:
        assert refused(lambda: undo(service, review)) == "not_found"


ORDERS = st.lists(
    st.tuples(st.sampled_from(["limit", "allow"]), st.sampled_from(["abuse", "legitimate", "unknown"])),
    min_size=1,
    max_size=3,
).flatmap(lambda made: st.tuples(st.just(made), st.permutations(range(len(made)))))


@given(given_=ORDERS)
@hypothesis_settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], derandomize=True
)
def test_decisions_that_lie_over_each_other_are_undone_in_any_order(service: Service, given_: Any) -> None:
    """Each takes its own away and leaves the others; after the last all is as it was."""
    made, order = given_
    service.store.execute("FLUSHALL")
    service.recover(NOW)
    reviews = ring(service)
    for review in reviews:  # held, so that a decision about the ring does not close it
        service.parts.reviews.claim(review, review, NOW)
    before = states(service)
    for number, (tier, label) in enumerate(made):
        decide(service, reviews[number], tier, label, "cluster", actor=reviews[number], now=NOW + number)
    left = set(range(len(made)))
    for number in order:
        undo(service, reviews[number], now=NOW + 60)
        left.discard(number)
        if left:
            assert {each["tier"] for each in states(service).values()} == {made[max(left)][0]}
    assert states(service) == before


class TestRaces:
    """Many at once."""

    def test_of_two_who_undo_it_one_does(self, service: Service) -> None:
        reviews = ring(service)
        before = states(service)
        for number in range(10):
            decide(service, reviews[0], apply_to="cluster", deny=("phone",), now=NOW + number)
            answers = together(4, lambda _: undo(service, reviews[0], now=NOW + 60))
            assert len([answer for answer in answers if isinstance(answer, dict)]) == 1
            assert {each.code for each in answers if isinstance(each, Problem)} <= {"not_undoable"}
            assert states(service) == before

    @pytest.mark.parametrize("number", range(15))
    def test_a_decision_of_another_review_at_the_same_time_stands(self, service: Service, number: int) -> None:
        first, second, _ = ring(service)
        service.parts.reviews.claim(second, "ana", NOW)
        decide(service, first, apply_to="cluster", now=NOW + 10)
        answers = at_once(
            lambda: undo(service, first, now=NOW + 20),
            lambda: decide(service, second, "allow", "legitimate", actor="ana", now=NOW + 20),
        )
        assert all(isinstance(answer, dict) for answer in answers), answers
        assert (state(service, "u_2")["tier"], own(service, "u_2")) == ("allow", "allow")
        assert state(service, "u_1") == {"tier": "review", "label": "", "own": "review", "decided": ""}
        undo(service, second, now=NOW + 30)
        assert state(service, "u_2") == {"tier": "review", "label": "", "own": "review", "decided": ""}

    @pytest.mark.parametrize("number", range(15))
    def test_a_label_at_the_same_time_stands(self, service: Service, number: int) -> None:
        review = opened(service, **RING)
        decide(service, review, now=NOW + 10)
        at_once(
            lambda: undo(service, review, now=NOW + 20),
            lambda: service.parts.labels.add("u_1", "legitimate", "appeal", None, "ana", NOW + 20),
        )
        found = state(service, "u_1")
        assert (found["tier"], found["label"], found["own"]) == ("allow", "legitimate", "allow")
        assert not marks(service, "u_1") & {"!", "~"}

    @pytest.mark.parametrize("number", range(15))
    def test_whoever_carries_it_out_while_it_is_undone_decides_nobody(self, service: Service, number: int) -> None:
        reviews = ring(service)
        before = states(service)
        decide(service, reviews[0], apply_to="cluster", deny=("phone",), now=NOW + 10)
        decision = state(service, "u_1")["decided"]
        finish = service.parts.review_decisions.finish
        at_once(lambda: undo(service, reviews[0], now=NOW + 20), *[lambda: finish(decision)] * 3)
        assert states(service) == before
        assert service.store.execute("HLEN", "risk:l:{b}") == 0


def at_once(*work: Callable[[], Any]) -> list[Any]:
    """Do different things at the same time; what each returned or raised."""
    return together(len(work), lambda place: work[place]())


class Killed(BaseException):
    """The process is gone: nothing in it is run any more."""


class Trips:
    """Counts the trips to the store of one process, and kills it at one of them, before or after it."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self._store, self._patch = store, monkeypatch
        self._run, self._execute = store.run, store.execute
        self._count, self._kill_at, self._before = 0, 0, False

    def arm(self, trip: int, *, before: bool) -> None:
        """Die at the trip of this number, 0 for never."""
        self._count, self._kill_at, self._before = 0, trip, before
        self._patch.setattr(self._store, "run", self._through(self._run))
        self._patch.setattr(self._store, "execute", self._through(self._execute))

    def _through(self, trip: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any) -> Any:
            self._count += 1
            mine = self._count
            if mine == self._kill_at and self._before:
                raise Killed
            reply = trip(*args)
            if mine == self._kill_at:
                raise Killed
            return reply

        return counted


def worked_off(service: Service, settings: Settings) -> None:
    """Let a worker handle all that the streams tell, but decide nobody again."""
    consumer.found(service.store)
    reader = Consumer(service.store, "reactions", "heir", Worker(service, settings).reactions.handle, idle=1)
    while reader.step():
        pass


@pytest.fixture(params=[True, False], ids=["before the trip", "after the trip"])
def before(request: pytest.FixtureRequest) -> bool:
    """Whether a process is killed before a trip reaches the store, or after."""
    return bool(request.param)


@pytest.fixture(params=["worker", "retry"])
def heir(request: pytest.FixtureRequest, service: Service, settings: Settings) -> Iterator[Callable[..., None]]:
    """Who comes after a process that was killed: a worker, or the caller again."""

    def come(again: Callable[[], Any]) -> None:
        if request.param == "worker":
            worked_off(service, settings)
            return
        try:
            again()
        except Problem as problem:  # it was done, and is whole by now
            assert problem.code in ("review_closed", "not_undoable")

    yield come


def whole(service: Service, ids: list[str], where: str) -> None:
    """The decision was carried out, or nothing of it was."""
    found = states(service)
    review = service.parts.reviews.get(ids[0])
    entries = service.parts.lists.page("deny", None, 50, None, NOW)["entries"]
    if review["status"] == "open":
        assert {each["decided"] for each in found.values()} == {""}, where
        assert entries == [], where
        assert len(waiting(service)) == 3, where
        return
    assert {each["tier"] for each in found.values()} == {"limit"}, where
    assert {user: each["label"] for user, each in found.items()} == {"u_1": "abuse", "u_2": "", "u_3": "", OTHER: ""}
    assert all("~" in marks(service, user) for user in found), where
    assert [service.parts.reviews.get(review)["status"] for review in ids] == ["decided"] * 3, where
    assert sorted(row["kind"] for row in entries) == ["device", "mailbox", "mailbox", "mailbox", "mailbox", "phone"]
    assert len(service.parts.review_decisions.denied(ids[0], NOW)) == 6, where
    changes = [entry.data["user_id"] for entry in streams.entries(service.store) if entry.type == "tier"]
    assert sorted(changes) == sorted(found), where


def test_a_decision_whose_process_is_killed_at_any_step_is_whole_or_none(
    service: Service, store: Store, monkeypatch: pytest.MonkeyPatch, before: bool, heir: Callable[..., None]
) -> None:
    trips, trip = Trips(store, monkeypatch), 0
    asked: dict[str, Any] = {"apply_to": "cluster", "deny": ("mailbox", "phone", "device"), "now": NOW + 60}
    while True:
        trip += 1
        store.execute("FLUSHALL")
        service.recover(NOW)
        reviews = ring(service)
        trips.arm(trip, before=before)
        survived = True
        try:
            decide(service, reviews[0], **asked)
        except Killed:
            survived = False
        trips.arm(0, before=before)
        heir(lambda reviews=reviews: decide(service, reviews[0], **asked))
        whole(service, reviews, f"killed at trip {trip}")
        if survived:
            break
        undo(service, reviews[0]) if service.parts.reviews.get(reviews[0])["status"] == "decided" else None
        assert {each["decided"] for each in states(service).values()} == {""}
    assert trip > 10, "it was killed at every trip there is"


def test_an_undoing_whose_process_is_killed_at_any_step_is_whole_or_none(
    service: Service, store: Store, monkeypatch: pytest.MonkeyPatch, before: bool, heir: Callable[..., None]
) -> None:
    trips, trip = Trips(store, monkeypatch), 0
    while True:
        trip += 1
        store.execute("FLUSHALL")
        service.recover(NOW)
        reviews = ring(service)
        was = (states(service), waiting(service))
        decide(service, reviews[0], apply_to="cluster", deny=("mailbox", "phone", "device"), now=NOW + 60)
        trips.arm(trip, before=before)
        survived = True
        try:
            undo(service, reviews[0], now=NOW + 120)
        except Killed:
            survived = False
        trips.arm(0, before=before)
        heir(lambda reviews=reviews: undo(service, reviews[0], now=NOW + 130))
        where = f"killed at trip {trip}"
        if service.parts.reviews.get(reviews[0])["status"] == "decided":
            whole(service, reviews, where)
        else:
            assert (states(service), waiting(service)) == was, where
            assert store.execute("HLEN", "risk:l:{b}") == 0, where
            assert not any(marks(service, user) & {"!", "~"} for user in (*REVIEWED, OTHER)), where
        if survived:
            break
    assert trip > 8, "it was killed at every trip there is"


def test_a_new_decision_finishes_the_undoing_before_it(
    service: Service, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed just after the first trip that changed anything, and nobody else was there."""
    reviews = ring(service)
    was = states(service)
    decide(service, reviews[0], apply_to="cluster", deny=("phone",), now=NOW + 60)
    give_back = service.parts.review_decisions._decided.give_back

    def dies(*args: Any) -> Any:
        give_back(*args)
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(service.parts.review_decisions._decided, "give_back", dies)
        with pytest.raises(Killed):
            undo(service, reviews[0], now=NOW + 70)
    assert state(service, "u_2")["tier"] == "limit"
    decide(service, reviews[0], "allow", "legitimate", "cluster", now=NOW + 80)
    assert store.execute("HLEN", "risk:l:{b}") == 0
    undo(service, reviews[0], now=NOW + 90)
    assert states(service) == was


def test_whoever_carries_out_a_decision_that_is_undone_by_now_changes_nothing(service: Service) -> None:
    """He read it while it stood, and was slow."""
    decisions, reviews = service.parts.review_decisions, ring(service)
    was = (states(service), waiting(service))
    decide(service, reviews[0], apply_to="cluster", deny=("phone",), now=NOW + 60)
    plan, undoing = decisions._decided.load(state(service, "u_1")["decided"])
    assert plan is not None
    assert undoing is None
    undo(service, reviews[0], now=NOW + 120)
    decisions._carry_out(plan, None)
    assert (states(service), waiting(service)) == was
    assert service.store.execute("HLEN", "risk:l:{b}") == 0
    assert refused(lambda: decisions._decided.decide(plan)) == "review_closed"
    assert (states(service), waiting(service)) == was


def test_commands_that_are_executed_twice_change_once(
    service: Service, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviews = ring(service)
    was = (states(service), waiting(service))
    execute, run = store.execute, store.run

    def twice(work: Callable[[Any], Any]) -> Callable[..., Any]:
        def done(*args: Any) -> Any:
            work(*args)
            return work(*args)

        return done

    monkeypatch.setattr(store, "execute", twice(execute))
    monkeypatch.setattr(store, "run", twice(run))
    found = decide(service, reviews[0], apply_to="cluster", deny=("phone", "device"), now=NOW + 60)
    assert {row["after"] for row in found["accounts"]} == {"limit"}
    assert {row["before"] for row in found["accounts"]} == {"review", "allow"}
    assert [row["already"] for row in found["deny"]] == [False, False]
    whole_history = [entry.type for entry in streams.entries(service.store)].count("tier")
    back = undo(service, reviews[0], now=NOW + 120)
    assert {(row["before"], row["left"]) for row in back["accounts"]} == {("limit", None)}
    assert len(back["removed_entries"]) == 2
    monkeypatch.undo()
    assert (whole_history, [entry.type for entry in streams.entries(service.store)].count("tier")) == (4, 8)
    assert (states(service), waiting(service)) == was


def test_a_worker_decides_again_whom_an_undoing_gave_back(service: Service, settings: Settings) -> None:
    reviews = ring(service)
    decide(service, reviews[0], apply_to="cluster")
    worked_off(service, settings)
    service.store.execute("DEL", *service.store.execute("KEYS", "risk:w:*"))
    undo(service, reviews[0])
    worked_off(service, settings)
    assert all(due_at(service.store, user) is not None for user in (*REVIEWED, OTHER))
    assert consumer.DeadLetters(service.store).count() == 0
