"""Feedback on the real store: each event counts once, rates are of what arrived, unclean mail loses earned steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import orjson
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from riskapi import policy
from riskapi.budgets.budgets import Budgets
from riskapi.budgets.grant_records import LocalGrant
from riskapi.errors import StoreUnavailable
from riskapi.feedback.counts import WINDOW_DAYS, Feedback, FeedbackCounts
from riskapi.feedback.event import FeedbackEvent
from riskapi.feedback.reports import ReportType
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis, Basis
from riskapi.policy.tables import Clean
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline
from riskapi.store.streams import account_key, shard
from riskapi.times import rfc3339
from tests.conftest import BOOTSTRAP_KEY, NOW
from tests.signups import together
from tests.streams import told

DAY = 86400.0
#: What is counted as it comes; the other two are the word of people.
TYPES = tuple(type for type in get_args(ReportType) if type not in ("not_spam", "not_mine"))
#: As shipped: at most 0.1 % complaints from the second on, 2 % hard bounces from the fifth on.
CLEAN = Clean(
    least_recipients=10, complaint_rate=0.001, least_complaints=2, hard_bounce_rate=0.02, least_hard_bounces=5
)


@pytest.fixture(scope="module")
def rules() -> Policy:
    return policy.load(policy.DEFAULT).model_copy(update={"clean": CLEAN})


@pytest.fixture
def feedback(store: Store, rules: Policy) -> Feedback:
    know(store, "u_1", "u_2")
    return made(store, rules)


def made(store: Store, rules: Policy) -> Feedback:
    return Feedback(store, ActiveBasis(Basis(rules, None, {})), Budgets(store), Metrics())


def know(store: Store, *users: str) -> None:
    for user in users:
        store.execute("HSET", account_key(user), "tier", "allow")


def event(id: str = "e_1", type: str = "complaint", user: str = "u_1", at: float = NOW, **more: Any) -> FeedbackEvent:
    body = {"id": id, "type": type, "user_id": user, "time": rfc3339(at), **more}
    return FeedbackEvent.model_validate_json(orjson.dumps(body))


def many(count: int, type: str, user: str = "u_1", at: float = NOW) -> list[FeedbackEvent]:
    return [event(f"{type}-{user}-{at}-{number}", type, user, at) for number in range(count)]


def grant(store: Store, rules: Policy, recipients: int, at: float = NOW) -> None:
    """Let an account have sent."""
    Budgets(store).record(LocalGrant("u_1", f"rsv_{at}", recipients, 0, 0, "allow", "", None, at), rules)


# What is clean


@pytest.mark.parametrize(
    ("counts", "sent", "fault"),
    [
        (FeedbackCounts(), 0, None),
        (FeedbackCounts(), 5000, None),
        (FeedbackCounts(delivered=1000, complaints=1), 0, None),  # one is chance
        (FeedbackCounts(delivered=2000, complaints=2), 0, None),  # 0.1 % is not above 0.1 %
        (FeedbackCounts(delivered=1999, complaints=2), 0, "complaint_rate"),
        (FeedbackCounts(complaints=2), 0, "complaint_rate"),  # of nothing that is known
        (FeedbackCounts(complaints=2), 5000, None),  # deliveries are not reported: of what was sent
        (FeedbackCounts(complaints=2, delivered=10), 5000, None),  # they begin to be reported today
        (
            FeedbackCounts(complaints=4, delivered=500, blocks=4500),
            5000,
            "complaint_rate",
        ),  # what was blocked did not arrive
        (FeedbackCounts(complaints=4, delivered=500, soft_bounces=9000), 5000, "complaint_rate"),
        (FeedbackCounts(hard_bounces=4), 4, None),  # four are chance
        (FeedbackCounts(hard_bounces=5, delivered=245), 0, None),
        (FeedbackCounts(hard_bounces=5, delivered=244), 0, "hard_bounce_rate"),
        (FeedbackCounts(hard_bounces=5, delivered=10), 1000, None),  # bounces are faster than deliveries
        (
            FeedbackCounts(hard_bounces=5, soft_bounces=100_000),
            100,
            "hard_bounce_rate",
        ),  # one mail can bounce softly for days
        (FeedbackCounts(spam_traps=1, delivered=100_000), 100_000, "spam_trap"),
        (FeedbackCounts(blocks=50, soft_bounces=50, unsubscribes=50, delivered=50), 200, None),
    ],
)
def test_what_is_clean(counts: FeedbackCounts, sent: int, fault: str | None) -> None:
    assert counts.fault(CLEAN, sent) == fault
    assert counts.is_clean(CLEAN, sent) == (fault is None)


# Counting


def test_every_type_is_counted_and_an_account_without_feedback_has_none(feedback: Feedback) -> None:
    for number, type in enumerate(TYPES, 1):
        assert feedback.count(many(number, type), NOW).accepted == number
    assert feedback.read("u_1", NOW)[0] == FeedbackCounts(
        1, 2, 3, 4, 5, 6, 7, soiled_at=NOW, delivered_days={int(NOW // 86400): 1}
    )
    assert feedback.read("u_2", NOW) == (FeedbackCounts(), 0)


def test_an_event_is_counted_once_by_its_feed_and_id(feedback: Feedback) -> None:
    first = event(source="fbl:yahoo")
    assert feedback.count([first, first], NOW).duplicates == 1  # in one body
    later = feedback.count([event(type="delivered", source="fbl:yahoo"), event(user="u_2", source="fbl:yahoo")], NOW)
    assert (later.accepted, later.duplicates) == (0, 2)  # whatever else it says
    assert feedback.count([event(source="fbl:aol"), event(id="e_2", source="fbl:yahoo"), event()], NOW).accepted == 3
    assert feedback.count([event(source="api")], NOW).duplicates == 1  # what an event without a source has
    assert feedback.read("u_1", NOW)[0].complaints == 4


def test_fifty_threads_posting_one_event_count_it_once(feedback: Feedback, store: Store) -> None:
    tallies = together(50, lambda _: feedback.count([event()], NOW))
    assert [tally.accepted for tally in tallies].count(1) == 1
    assert sum(tally.duplicates for tally in tallies) == 49
    assert feedback.read("u_1", NOW)[0].complaints == 1
    assert len(told(store, "feedback")) == 1


def test_fifty_threads_with_an_event_each_lose_the_step_once(feedback: Feedback, store: Store) -> None:
    tallies = together(50, lambda number: feedback.count([event(f"e_{number}")], NOW))
    assert feedback.read("u_1", NOW)[0].complaints == 50
    assert [action for tally in tallies for action in tally.actions] == [
        {"user_id": "u_1", "action": "steps_lost", "rule": "complaint_rate"}
    ]
    assert sum("action" in entry for entry in told(store, "feedback")) == 1


def test_an_unknown_account_counts_nowhere_until_it_is_known(feedback: Feedback, store: Store) -> None:
    found = feedback.count([event(user="nobody"), event("e_2")], NOW)
    assert (found.accepted, found.duplicates, found.unknown_accounts) == (1, 0, 1)
    assert store.execute("EXISTS", f"risk:f:{{{shard('nobody')}}}:nobody") == 0
    know(store, "nobody")
    assert feedback.count([event(user="nobody")], NOW).accepted == 1


def test_a_body_larger_than_a_trip_is_counted_whole(feedback: Feedback) -> None:
    events = [*many(600, "delivered"), *many(400, "delivered", "u_2")]
    assert feedback.count(events, NOW).accepted == 1000
    assert (feedback.read("u_1", NOW)[0].delivered, feedback.read("u_2", NOW)[0].delivered) == (600, 400)
    assert feedback.count(events, NOW).duplicates == 1000


def test_a_body_that_failed_half_way_is_completed_by_sending_it_again(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, run, trips = many(600, "delivered"), Store.run, []

    def fails(store: Store, pipe: Pipeline) -> Any:
        trips.append(len(pipe))
        if len(trips) == 4:  # what was sent, 250 events, what is looked at of them, the next 250
            raise StoreUnavailable("gone")
        return run(store, pipe)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "run", fails)
        with pytest.raises(StoreUnavailable):
            feedback.count(events, NOW)
    again = feedback.count(events, NOW)
    assert (again.accepted, again.duplicates) == (350, 250)
    assert feedback.read("u_1", NOW)[0].delivered == 600


def test_a_trip_made_twice_counts_once_and_gets_the_same_answer(
    feedback: Feedback, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a connection that was lost while the answer was on its way."""
    run = Store.run

    def twice(store: Store, pipe: Pipeline) -> Any:
        run(store, pipe)
        return run(store, pipe)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "run", twice)
        found = feedback.count(many(3, "complaint"), NOW)
    assert (found.accepted, found.duplicates, len(found.actions)) == (3, 0, 1)
    assert feedback.read("u_1", NOW)[0].complaints == 3
    assert len(told(store, "feedback")) == 4


@pytest.mark.parametrize(
    ("age", "counted"),
    [(-299.0, 1), (0.0, 1), (29 * DAY, 1), (30 * DAY, 0), (31 * DAY, 0), (60_000 * DAY, 0)],
    ids=["ahead", "now", "29 days", "30 days", "31 days", "long ago"],
)
def test_an_event_counts_by_the_day_it_happened(feedback: Feedback, age: float, counted: int) -> None:
    for _ in range(2):
        feedback.count([event(at=NOW - age)], NOW)
    assert feedback.read("u_1", NOW)[0].complaints == counted
    assert feedback.count([event()], NOW).duplicates == 1  # also where it counted nowhere


def test_a_clock_ahead_over_midnight_counts_today(feedback: Feedback) -> None:
    late = NOW - NOW % DAY + DAY - 60
    feedback.count([event(at=late + 120)], late)
    assert feedback.read("u_1", late)[0].complaints == 1


def test_counts_leave_with_their_day_and_are_forgotten(feedback: Feedback, store: Store) -> None:
    for day in range(40):
        feedback.count([event(f"e_{day}", "delivered", at=NOW + day * DAY)], NOW + day * DAY)
        assert feedback.read("u_1", NOW + day * DAY)[0].delivered == min(day + 1, WINDOW_DAYS)
    assert store.execute("HLEN", f"risk:f:{{{shard('u_1')}}}:u_1") == WINDOW_DAYS
    assert feedback.read("u_1", NOW + 100 * DAY)[0].delivered == 0


def test_no_address_and_no_diagnostic_is_stored(feedback: Feedback, store: Store) -> None:
    secret = event(recipient="bo@ruiz.example", diagnostic="550 bo@ruiz.example unknown", source="mta")
    feedback.count([secret], NOW)
    kept = b"".join(store.execute("DUMP", key) for key in store.execute("KEYS", "*"))
    assert b"ruiz" not in kept
    assert told(store, "feedback") == [
        {"user_id": "u_1", "at": NOW, "event": "complaint", "day": "2026-11-22", "source": "mta"},
    ]


def test_deliveries_are_counted_and_not_told(feedback: Feedback, store: Store) -> None:
    feedback.count([*many(5, "delivered"), event(type="block")], NOW)
    assert [entry["event"] for entry in told(store, "feedback")] == ["block"]


def test_everything_expires(feedback: Feedback, store: Store) -> None:
    feedback.count([event()], NOW)
    found = {key.decode().split(":")[1]: store.execute("TTL", key) for key in store.execute("KEYS", "risk:f*")}
    assert set(found) == {"f", "fe"}
    assert all(30 * DAY < ttl <= 31 * DAY for ttl in found.values())


# Lost and earned back


def test_a_step_is_lost_when_mail_stops_being_clean_and_only_then(feedback: Feedback, store: Store) -> None:
    assert feedback.count(many(1000, "delivered"), NOW).actions == []
    assert feedback.count([event("c_1")], NOW).actions == []
    lost = [{"user_id": "u_1", "action": "steps_lost", "rule": "complaint_rate"}]
    assert feedback.count([event("c_2"), event("c_3")], NOW + 1).actions == lost
    assert feedback.count([event("c_2"), event("c_4")], NOW + 2).actions == []  # lost already
    assert feedback.read("u_1", NOW + 2)[0].soiled_at == NOW + 2
    feedback.count(many(9000, "delivered")[1000:], NOW + 3)  # most of them while it still was not clean
    counts, sent = feedback.read("u_1", NOW + 3)
    assert (counts.is_clean(CLEAN, sent), counts.soiled_at) == (True, NOW + 3)
    feedback.count(many(9001, "delivered")[9000:], NOW + 4)
    assert feedback.read("u_1", NOW + 4)[0].soiled_at == NOW + 3
    assert feedback.count(many(6, "complaint"), NOW + 5).actions == lost  # earned back, and lost again
    assert sum("action" in entry for entry in told(store, "feedback")) == 2


def test_what_soiled_is_forgiven_when_it_has_left_the_window(feedback: Feedback) -> None:
    feedback.count([event("t_1", "spam_trap")], NOW)
    later = NOW + 29 * DAY
    assert not feedback.read("u_1", later)[0].is_clean(CLEAN, 0)
    later += DAY
    counts = feedback.read("u_1", later)[0]
    assert (counts.is_clean(CLEAN, 0), counts.soiled_at) == (True, NOW)
    assert feedback.count([event("t_2", "spam_trap", at=later)], later).actions[0]["rule"] == "spam_trap"


def test_the_last_time_it_was_not_clean_never_goes_back(feedback: Feedback) -> None:
    feedback.count([event("t_1", "spam_trap")], NOW)
    feedback.count([event("t_2", "spam_trap")], NOW - 100)
    assert feedback.read("u_1", NOW)[0].soiled_at == NOW


def test_late_complaints_soil_now(feedback: Feedback) -> None:
    found = feedback.count(many(2, "complaint", at=NOW - 20 * DAY), NOW)
    assert len(found.actions) == 1
    assert feedback.read("u_1", NOW)[0].soiled_at == NOW


def test_rates_are_of_what_was_granted_where_deliveries_are_not_reported(
    feedback: Feedback, store: Store, rules: Policy
) -> None:
    for day in range(4):
        grant(store, rules, 1000, NOW - (3 - day) * DAY)
    assert feedback.count(many(4, "complaint"), NOW).actions == []
    assert feedback.count(many(5, "complaint"), NOW).actions[0]["rule"] == "complaint_rate"
    assert feedback.read("u_1", NOW)[1] == 4000


def test_each_account_is_judged_by_itself(feedback: Feedback) -> None:
    found = feedback.count([*many(5, "hard_bounce", "u_2"), *many(4, "hard_bounce"), *many(2, "complaint")], NOW)
    assert [(action["user_id"], action["rule"]) for action in found.actions] == [
        ("u_2", "hard_bounce_rate"),
        ("u_1", "complaint_rate"),
    ]


@effort(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    history=st.lists(
        st.tuples(
            st.integers(0, 60),  # id
            st.sampled_from(TYPES),
            st.sampled_from(["u_1", "u_2", "nobody"]),
            st.integers(-2, 40),  # days ago it happened
            st.integers(0, 3),  # days until the next body
            st.integers(1, 4),  # how often it comes in the body
        ),
        max_size=80,
    ),
    granted=st.sampled_from([0, 20, 3000]),
    least=st.integers(1, 3),
)
@example([(0, "complaint", "u_1", 29, 1, 1), (1, "complaint", "u_1", 0, 0, 1), (2, "complaint", "u_1", 0, 0, 1)], 0, 2)
def test_counting_agrees_with_a_plain_dictionary(
    store: Store, rules: Policy, history: list[tuple[int, Any, str, int, int, int]], granted: int, least: int
) -> None:
    store.execute("FLUSHALL")
    know(store, "u_1", "u_2")
    clean = CLEAN.model_copy(update={"least_complaints": least, "least_hard_bounces": least, "complaint_rate": 0.1})
    feedback = made(store, rules.model_copy(update={"clean": clean}))
    seen: set[int] = set()
    days: dict[str, Counter[tuple[int, str]]] = {"u_1": Counter(), "u_2": Counter()}
    soiled: dict[str, float] = {}
    now = NOW

    def counts(user: str) -> FeedbackCounts:
        today = int(now // DAY)
        sums, delivered = Counter[str](), {}
        for (day, type), number in days[user].items():
            if today - WINDOW_DAYS < day <= today:
                sums[type] += number
                if type == "delivered":
                    delivered[day] = number
        return replace(tallied([sums[type] for type in TYPES], delivered), soiled_at=soiled.get(user))

    for id, type, user, age, wait, times in history:
        if granted and user == "u_1":
            grant(store, rules, granted, now)
        sent = feedback.read(user, now)[1]
        at = now - age * DAY if age >= 0 else now + 100 * age
        tally = feedback.count([event(str(id), type, user, at)] * times, now)
        fresh = user in days and id not in seen
        if user in days:
            before = counts(user).is_clean(clean, sent)
            if fresh:
                seen.add(id)
                days[user][int(at // DAY), type] += 1
                in_window = int(at // DAY) > int(now // DAY) - WINDOW_DAYS
                first = days[user][int(at // DAY), type] == 1
                relevant = first or user in soiled or type not in ("delivered", "unsubscribe")
                if in_window and relevant and not counts(user).is_clean(clean, sent):
                    soiled[user] = now
            turned = before and not counts(user).is_clean(clean, sent)
            assert [action["rule"] for action in tally.actions] == ([counts(user).fault(clean, sent)] if turned else [])
            assert feedback.read(user, now)[0] == counts(user)
            assert (tally.accepted, tally.duplicates) == (int(fresh), times - int(fresh))
        else:
            assert tally.unknown_accounts == times
        now += wait * DAY


@effort(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    found=st.tuples(*[st.sampled_from([0, 0, 1, 4, 5, 40, 900])] * 6, st.sampled_from([0, 0, 0, 1])),
    sent=st.sampled_from([0, 50, 1000, 5000]),
    type=st.sampled_from(TYPES),
)
@example((500, 0, 0, 3, 4500, 0, 0), 5000, "complaint")
@example((10, 0, 0, 3, 0, 0, 0), 5000, "complaint")
@example((2000, 0, 0, 1, 0, 0, 0), 0, "complaint")  # just the rate
@example((245, 4, 0, 0, 0, 0, 0), 0, "hard_bounce")
def test_the_store_and_the_counts_judge_as_a_plain_reference_does(
    store: Store, rules: Policy, found: tuple[int, ...], sent: int, type: Any
) -> None:
    store.execute("FLUSHALL")
    know(store, "u_1")
    if sent:
        grant(store, rules, sent)
    before = tallied(found, {20779: found[0]})
    fields = [part for letter, number in zip("dhscbut", found, strict=True) for part in (f"20779:{letter}", number)]
    store.execute("HSET", f"risk:f:{{{shard('u_1')}}}:u_1", *fields)
    feedback = made(store, rules)
    assert feedback.read("u_1", NOW) == (before, sent)
    actions = feedback.count([event(type=type)], NOW).actions
    after = feedback.read("u_1", NOW)[0]
    fault = after.fault(CLEAN, sent)
    assert (before.fault(CLEAN, sent), fault) == (plain_fault(before, sent), plain_fault(after, sent))
    assert [action["rule"] for action in actions] == ([fault] if fault and before.is_clean(CLEAN, sent) else [])
    # Only what can soil is looked at, and the first of its type on a day, which is when old days are forgotten.
    looked = type not in ("delivered", "unsubscribe") or found[TYPES.index(type)] == 0
    assert after.soiled_at == (NOW if fault and looked else None)


def plain_fault(counts: FeedbackCounts, sent: int) -> str | None:
    """The rules as people say them, once more and apart from the table that the service goes by."""
    attempted = max(sent, counts.delivered + counts.hard_bounces)
    returned = counts.hard_bounces + counts.soft_bounces + counts.blocks
    arrived = max(counts.delivered, attempted - returned, counts.complaints)
    if counts.spam_traps > 0:
        return "spam_trap"
    if counts.complaints >= CLEAN.least_complaints and counts.complaints / arrived > CLEAN.complaint_rate:
        return "complaint_rate"
    if counts.hard_bounces >= CLEAN.least_hard_bounces and counts.hard_bounces / attempted > CLEAN.hard_bounce_rate:
        return "hard_bounce_rate"
    return None


def tallied(numbers: Sequence[int], delivered: Mapping[int, int]) -> FeedbackCounts:
    """Counts of each type in their order, with the deliveries of each day."""
    one, two, three, four, five, six, seven = numbers
    return FeedbackCounts(one, two, three, four, five, six, seven, delivered_days=delivered)


# Over HTTP


@pytest.fixture
def ask(client: Any) -> Callable[..., Any]:
    """Posts events for an account that signed up, ``u_1``."""
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}
    assert client.post("/v1/signups", json=signup).status_code == 200
    return lambda *events, **more: client.post("/v1/feedback", json={"events": list(events)}, **more)


def plain(id: str = "e_1", **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "delivered", "user_id": "u_1", **more}


def test_one_bad_event_never_fails_the_others(ask: Callable[..., Any]) -> None:
    bad: list[Any] = [
        7, None, [], "x", {}, plain(id=""), {**plain(), "id": 7}, plain(type="opened"), plain(user_id="no such"),
        plain(user_id=None), plain(time="yesterday"), plain(time=1795341600), plain(time="2026-11-22T10:05:01Z"),
        plain(more=1), plain(source=""), plain(source="a b"), plain(recipient=["bo@ruiz.example"]),
        {"id": {"x": 1e999}}, plain(id="x" * 1001), plain(diagnostic=10**300),
    ]  # fmt: skip
    found = ask(plain("first"), *bad, plain("last"), plain("first"), plain("other", user_id="nobody")).json
    assert [found[name] for name in ("accepted", "duplicates", "unknown_accounts")] == [2, 1, 1]
    assert [row["index"] for row in found["rejected"]] == list(range(1, len(bad) + 1))
    assert all(row["code"] and row["detail"] for row in found["rejected"])
    by_index = {row["index"]: row for row in found["rejected"]}
    assert by_index[8]["detail"].startswith("/type: Input should be 'delivered'")
    assert by_index[9]["detail"].startswith("/user_id: ")
    assert by_index[13] == {"index": 13, "code": "in_future", "detail": "/time: lies over 5 minutes ahead"}
    assert "bo@" not in str(found)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        7,
        {"events": []},
        {"events": {}},
        {"events": None},
        {"events": [plain()], "more": 1},
        {"events": [plain()] * 1001},
    ],
    ids=["list", "no events", "number", "none", "object", "null", "unknown key", "1001"],
)
def test_a_body_that_is_no_such_object_is_refused(client: Any, body: Any) -> None:
    found = client.post("/v1/feedback", json=body)
    assert (found.status_code, found.json["code"]) == (422, "invalid")


def test_what_is_not_json_is_refused(client: Any) -> None:
    for text in (b"", b"{", b'{"events": [' + b"[" * 100_000):
        found = client.post("/v1/feedback", data=text, content_type="application/json")
        assert (found.status_code, found.json["code"]) == (400, "not_json")


def test_an_idempotency_key_replays_the_answer_and_a_new_one_counts_nothing_twice(ask: Callable[..., Any]) -> None:
    first = ask(plain(), 7, headers={"Idempotency-Key": "k1"})
    again = ask(plain(), 7, headers={"Idempotency-Key": "k1"})
    assert (again.json, again.headers["Idempotent-Replay"]) == (first.json, "true")
    assert ask(plain("e_2"), headers={"Idempotency-Key": "k1"}).status_code == 409
    assert ask(plain(), 7, headers={"Idempotency-Key": "k2"}).json["duplicates"] == 1


def test_an_account_shows_its_feedback(ask: Callable[..., Any], client: Any) -> None:
    none = client.get("/v1/accounts/u_1").json["feedback"]
    assert (none["window_days"], none["sent"], none["complaint_rate"], none["hard_bounce_rate"]) == (30, 0, None, None)
    events = [plain(f"d_{number}") for number in range(90)]
    events += [plain(f"h_{number}", type="hard_bounce") for number in range(10)]
    answer = ask(*events, plain("c", type="complaint")).json
    assert answer["actions"] == [
        {"user_id": "u_1", "action": "steps_lost", "rule": "hard_bounce_rate"},
        {"user_id": "u_1", "action": "tightened", "rule": "hard_bounces_in_a_day"},
    ]
    shown = client.get("/v1/accounts/u_1").json["feedback"]
    assert (shown["delivered"], shown["hard_bounces"], shown["complaints"]) == (90, 10, 1)
    assert (shown["complaint_rate"], shown["hard_bounce_rate"]) == (1 / 90, 0.1)


def test_feedback_needs_its_scope(make_app: Callable[..., Any], store: Store) -> None:
    from riskapi.access.api_keys import ApiKeys

    http = make_app().test_client()
    key = ApiKeys(store, BOOTSTRAP_KEY).create("sender", ["sends"])
    found = http.post("/v1/feedback", json={"events": [plain()]}, headers={"Authorization": f"Bearer {key}"})
    assert found.status_code == 403
