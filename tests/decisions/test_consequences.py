"""Feedback acts at once, on the real store: the next grant knows of it, once a trigger, for accounts and clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from riskapi.app import Service
from riskapi.feedback.counts import CountedEvents
from riskapi.feedback.event import FeedbackEvent, ReportedEvent
from riskapi.store.connections import Store
from riskapi.store.streams import StreamEntry, shard, stream
from riskapi.store.tallies import Tallies
from riskapi.times import rfc3339
from riskapi.webhooks.notices import notice
from tests.conftest import NOW, Clock
from tests.grants import ask, opened, under, view
from tests.reviewing import decide
from tests.signups import body, post, together
from tests.working import Work

BLOCKED = "554 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org"


def event(id: str, type: Any = "complaint", user: str = "u1", **more: Any) -> FeedbackEvent:
    given = {"id": id, "type": type, "user_id": user, "recipient": f"{id}@{id}.example", **more}
    return FeedbackEvent.model_validate(given)


def told(service: Service, *events: FeedbackEvent, now: float = NOW + 60) -> list[tuple[str, str, str]]:
    found = service.parts.consequences.take(events, now).actions
    return [(row["user_id"], row["action"], row["rule"]) for row in found if row["action"] != "steps_lost"]


def sent(service: Service, user: str, recipients: int, now: float = NOW) -> None:
    assert ask(service, user, recipients, now)["granted"] == recipients


def test_a_complaint_among_the_first_fifty_drops_one_tier_and_opens_a_review(service: Service) -> None:
    opened(service, "u1")
    sent(service, "u1", 40)
    assert told(service, event("c1")) == [("u1", "tightened", "first_complaint")]
    account = view(service, "u1", NOW + 60)
    assert account["tier"] == "review"
    entry = account["history"][-1]
    assert (entry["source"], entry["reason"], entry["from"], entry["to"]) == (
        "feedback", "first_complaint", "allow", "review",
    )  # fmt: skip
    (review,) = service.parts.reviews.list("open", 50, None)["reviews"]
    assert [reason["code"] for reason in review["reasons"]] == ["FIRST_COMPLAINT"]
    assert ask(service, "u1", 1, NOW + 61)["tier"] == "review"


def test_what_a_rule_does_is_noted_once_by_id(service: Service) -> None:
    opened(service, "u1")
    sent(service, "u1", 10)
    told(service, event("c1"))
    told(service, event("c1"), now=NOW + 120)
    found = [(note.actor, note.action, note.subject, note.details) for note in service.parts.audit.latest(9)]
    assert found == [("rule first_complaint", "account tightened", "u1", {})]


def test_what_was_done_is_not_done_again(service: Service) -> None:
    opened(service, "u1")
    sent(service, "u1", 10)
    assert len(told(service, event("c1"))) == 1
    assert told(service, event("c1"), event("c2"), now=NOW + 120) == []
    assert view(service, "u1", NOW + 120)["tier"] == "review"


def times_told(service: Service, user: str) -> int:
    """How often it was told that something was done about an account, and noted."""
    rows = service.store.execute("XRANGE", stream(shard(user)), "-", "+")
    told = [orjson.loads(fields[b"data"]) for _, fields in rows if fields[b"type"] == b"feedback"]
    noted = [note for note in service.parts.audit.latest(99) if note.subject == user]
    assert len(noted) == len([each for each in told if each.get("action", "steps_lost") != "steps_lost"])
    return len(noted)


def test_what_the_worker_does_while_the_rest_is_counted_is_in_the_answer(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(service, "u1")
    sent(service, "u1", 40)
    consequences, count = service.parts.consequences, service.parts.feedback.count

    def counted(events: Sequence[FeedbackEvent], now: float) -> CountedEvents:
        found = count(events, now)
        consequences.of("u1", now)
        return found

    monkeypatch.setattr(service.parts.feedback, "count", counted)
    assert told(service, event("c1")) == [("u1", "tightened", "first_complaint")]
    assert told(service, event("c1"), now=NOW + 120) == [], "and what was done before is not"
    assert times_told(service, "u1") == 1


@pytest.mark.parametrize("meets", ["label", "review"])
def test_what_two_do_at_the_same_time_is_told_once(
    service: Service, monkeypatch: pytest.MonkeyPatch, meets: str
) -> None:
    rules = service.active.policy.feedback
    triggers = tuple(each.model_copy(update={"spread": True}) for each in rules.triggers)
    under(service, feedback={"triggers": triggers})
    opened(service, "u1")
    sent(service, "u1", 40)
    owner, name = (service.parts.labels, "add") if meets == "label" else (service.holds, "review")
    does, doing = getattr(owner, name), list[str]()

    def done(*args: Any, **more: Any) -> Any:
        if not doing:
            doing.append(meets)
            service.parts.consequences.of("u1", NOW + 60)
        return does(*args, **more)

    monkeypatch.setattr(owner, name, done)
    assert told(service, event("c1")) == [("u1", "tightened", "first_complaint")]
    assert doing and times_told(service, "u1") == 1
    account = view(service, "u1", NOW + 60)
    assert [row["label"] for row in account["labels"]] == ["abuse"]
    assert [entry["source"] for entry in account["history"][1:]] == ["feedback"]


def test_a_blocklist_pauses_at_once_until_a_person_allows(service: Service) -> None:
    opened(service, "u1")
    sent(service, "u1", 10)
    assert told(service, event("b1", "block", diagnostic=BLOCKED)) == [("u1", "paused", "blocklist_named")]
    grant = ask(service, "u1", 5, NOW + 61)
    assert (grant["granted"], grant["denied"], grant["denied_by"], grant["retry_after"]) == (0, 5, "paused", None)
    account = view(service, "u1", NOW + 61)
    assert account["paused"] and account["pause"]["reason"] == "blocklist_named" and account["tier"] == "allow"
    (review,) = service.parts.reviews.list("open", 50, None)["reviews"]
    decide(service, review["id"], "allow", "legitimate", "account", None, "kim", NOW + 62)
    assert ask(service, "u1", 5, NOW + 63)["granted"] == 5
    assert not view(service, "u1", NOW + 63)["paused"]


def test_an_ordinary_block_pauses_nobody(service: Service) -> None:
    opened(service, "u1")
    sent(service, "u1", 10)
    assert told(service, event("b1", "block", diagnostic="550 5.7.1 message content rejected")) == []


def test_not_spam_takes_a_complaint_back(service: Service) -> None:
    opened(service, "u1")
    service.parts.feedback.count([event("c1", recipient="a@b.example")], NOW)
    service.parts.feedback.count([event("n1", "not_spam", recipient="a@b.example")], NOW)
    assert view(service, "u1")["feedback"]["complaints"] == 0
    assert told(service, event("h1", "hard_bounce")) == []
    service.parts.feedback.count([event("n2", "not_spam")], NOW)
    assert view(service, "u1")["feedback"]["complaints"] == 0


@pytest.mark.parametrize("days", [(2, 0), (0, 2)], ids=["told later", "dated as the mail"])
def test_not_spam_takes_a_complaint_of_another_day_back(service: Service, days: tuple[int, int]) -> None:
    opened(service, "u1")
    sent(service, "u1", 10)
    complained, taken_back = (rfc3339(NOW - 86_400 * day) for day in days)
    service.parts.feedback.count([event("c1", recipient="a@b.example", time=complained)], NOW)
    service.parts.feedback.count([event("n1", "not_spam", recipient="A@b.example ", time=taken_back)], NOW)
    assert view(service, "u1")["feedback"]["complaints"] == 0
    assert told(service, event("h1", "hard_bounce")) == [], "and no trigger counts it"


def complaints(service: Service, *events: FeedbackEvent) -> int:
    """How many complaints an account has after these events, each in a body of its own."""
    for each in events:
        assert service.parts.feedback.count([each], NOW).accepted == 1
    found: int = view(service, "u1")["feedback"]["complaints"]
    return found


def dated(days: float) -> str:
    return rfc3339(NOW - 86_400 * days)


BO, EVA = "bo@b.example", "eva@b.example"
EARLY, LATE = {"recipient": BO, "time": dated(2)}, {"recipient": BO, "time": dated(1)}
NONE: dict[str, Any] = {"recipient": None}
NO_SPAM = event("n1", "not_spam", recipient=BO)


@pytest.mark.parametrize(
    ("events", "left"),
    [
        pytest.param([NO_SPAM, event("c1", recipient=BO)], 0, id="before its complaint"),
        pytest.param([event("c1", recipient=BO), NO_SPAM], 0, id="after it"),
        pytest.param([NO_SPAM, NO_SPAM.model_copy(update={"id": "n2"}), event("c1", recipient=BO),
                      event("c2", recipient=BO)], 1, id="one complaint, however often it is said"),
        pytest.param([NO_SPAM, event("c1", recipient=EVA)], 1, id="another mailbox at the same place, before"),
        pytest.param([event("c1", recipient=EVA), NO_SPAM], 1, id="another mailbox at the same place, after"),
        pytest.param([event("n1", "not_spam", **EARLY), event("c1", **LATE)], 1,
                     id="a complaint that was made later is another"),
        pytest.param([event("n1", "not_spam", **LATE), event("c1", **EARLY)], 0,
                     id="one that was made before"),
        pytest.param([event("n1", "not_spam", **NONE), event("c1", **NONE)], 1, id="what names no mail waits for none"),
        pytest.param([event("c1", recipient=BO), event("n1", "not_spam", **NONE)], 0, id="and takes the last"),
        pytest.param([event("n1", "not_spam", recipient="@b.example"), event("c1", recipient="@b.example")], 1,
                     id="a redacted recipient waits for none"),
        pytest.param([event("c1", recipient="@b.example"), event("n1", "not_spam", recipient="@b.example")], 0,
                     id="a redacted recipient takes one of the same place"),
        pytest.param([event("c1", recipient="a@a.example"), event("n1", "not_spam", recipient="@b.example")], 1,
                     id="a redacted recipient takes none of another place"),
    ],
)  # fmt: skip
def test_not_spam_takes_back_the_complaint_about_its_mail(
    service: Service, events: list[FeedbackEvent], left: int
) -> None:
    opened(service, "u1")
    sent(service, "u1", 10)
    assert complaints(service, *events) == left
    acted = told(service, event("h1", "hard_bounce"))
    assert acted == ([("u1", "tightened", "first_complaint")] if left else [])


def test_a_report_waits_six_days_for_the_complaint_that_it_takes_back(service: Service) -> None:
    for user, days in (("u1", 5), ("u2", 7)):
        opened(service, user)
        no_spam, complaint = (
            event(f"{kind}-{user}", kind, user, recipient=BO, time=dated(9)) for kind in ("not_spam", "complaint")
        )
        service.parts.feedback.count([no_spam], NOW)
        service.parts.feedback.count([complaint], NOW + 86_400 * days)
        assert view(service, user, NOW + 86_400 * days)["feedback"]["complaints"] == (days > 6)


def test_a_message_id_says_which_mail_where_the_recipient_is_redacted(service: Service) -> None:
    opened(service, "u1")

    def about(id: str, type: str, message: str) -> ReportedEvent:
        given = event(id, type, recipient="@b.example")
        return ReportedEvent.model_construct(**dict(given), message=message)

    assert complaints(service, about("n1", "not_spam", "m.1"), about("c1", "complaint", "m.2")) == 1
    assert complaints(service, about("c2", "complaint", "m.1")) == 1
    assert complaints(service, about("n2", "not_spam", "m.2")) == 0


def test_each_cause_acts_by_itself(service: Service) -> None:
    """What one did already does not hide what another says."""
    opened(service, "u1")
    sent(service, "u1", 10)
    assert told(service, event("c1")) == [("u1", "tightened", "first_complaint")]
    bounces = [event(f"h{number}", "hard_bounce") for number in range(5)]
    assert told(service, *bounces) == [("u1", "tightened", "hard_bounces_in_a_day")]
    assert view(service, "u1", NOW + 60)["tier"] == "limit"
    assert told(service, event("n1", "not_mine")) == [("u1", "tightened", "not_mine")]
    assert told(service, event("b1", "block", diagnostic=BLOCKED)) == [("u1", "paused", "blocklist_named")]


def test_a_trigger_is_counted_once_an_account_in_live_and_shadow(service: Service) -> None:
    opened(service, "u1")
    sent(service, "u1", 100)
    for number in range(3):
        told(service, event(f"t{number}", "spam_trap"))
    rows = service.parts.metrics.render().decode()
    for mode, trigger in (("live", "spam_trap"), ("shadow", "silence")):
        assert f'riskapi_triggers_fired_total{{mode="{mode}",trigger="{trigger}"}} 1.0' in rows
    for unit in ("hour", "day"):
        [bucket] = Tallies(service.store).read(NOW + 60, unit, 1)
        assert bucket.counts["trigger"] == {("silence", "n"): 1}


@pytest.mark.parametrize("by", ["request", "worker"])
def test_whoever_is_killed_has_it_done_by_the_worker(
    service: Service, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    opened(service, "u1")
    sent(service, "u1", 10)
    if by == "worker":
        service.parts.feedback.count([event("c1")], NOW + 60)  # and the process ends here
        clock.advance(60)
        Work(service, clock).do()
    else:
        told(service, event("c1"))
    assert view(service, "u1", NOW + 61)["tier"] == "review"


def test_twenty_threads_telling_of_one_complaint_act_once(service: Service) -> None:
    opened(service, "u1")
    sent(service, "u1", 10)
    found = together(20, lambda number: told(service, event(f"c{number}")))
    assert view(service, "u1", NOW + 61)["tier"] == "review"
    assert len([row for rows in found for row in rows]) >= 1
    assert len(view(service, "u1", NOW + 61)["history"]) == 2


def ring(service: Service) -> None:
    """Two accounts on one device, each with too few recipients for a rate of its own."""
    for number in range(2):
        opened(service, f"u{number}", device="dev-ring")
        sent(service, f"u{number}", 120, NOW + number)


def test_a_cluster_is_judged_by_what_all_of_it_met(service: Service, clock: Clock) -> None:
    ring(service)
    clock.advance(120)
    events = [event(f"c{user}{number}", user=f"u{user}") for user in range(2) for number in range(4)]
    assert told(service, *events) == [(f"u{user}", "tightened", "second_complaint") for user in range(2)]
    Work(service, clock).do()
    assert [view(service, f"u{number}", NOW + 120)["paused"] for number in range(2)] == [True, True]
    assert ask(service, "u0", 1, NOW + 121)["denied_by"] == "paused"


@pytest.mark.parametrize(
    ("recipients", "tiers"),
    [
        (("a@a.example", "b@b.example"), ["limit", "review"]),
        (("a@a.example", "b@a.example"), ["review", "allow"]),
        (("a@a.example",), ["review", "allow"]),
    ],
    ids=["two voices move all", "one voice twice moves nobody else", "one voice moves nobody else"],
)
def test_a_ring_in_which_each_sends_little_is_moved_by_two_voices(
    service: Service, clock: Clock, recipients: tuple[str, ...], tiers: list[str]
) -> None:
    for number in range(2):
        opened(service, f"u{number}", device="dev-ring")
        sent(service, f"u{number}", 40, NOW + number)
    clock.advance(120)
    told(service, *[event(f"c{at}", user="u0", recipient=who) for at, who in enumerate(recipients)])
    Work(service, clock).do()
    assert [view(service, f"u{number}", NOW + 120)["tier"] for number in range(2)] == tiers


def test_an_established_member_of_a_bad_cluster_is_only_looked_at(service: Service, clock: Clock) -> None:
    ring(service)
    service.accounts.establish("u1", NOW - 86_400, "import", service.active.policy)
    clock.advance(120)
    told(service, *[event(f"c{number}", user="u0") for number in range(8)])
    Work(service, clock).do()
    assert view(service, "u0", NOW + 120)["paused"] and not view(service, "u1", NOW + 120)["paused"]
    users = {row["user_id"] for row in service.parts.reviews.list("open", 50, None)["reviews"]}
    assert "u1" in users


def test_whom_only_a_wave_binds_to_an_abuser_is_never_paused_for_it(service: Service, clock: Clock) -> None:
    names = [f"w{number}" for number in range(14)]
    for at, name in enumerate(names):
        device = {"id": "dev-two" if name in ("w12", "w13") else f"dev-{name}", "ip_address": "198.51.100.77"}
        post(service, body(name, email={"address": f"{name}@{name}.example"}, device=device), NOW + at)
    clock.advance(120)
    Work(service, clock).do()
    assert service.parts.clusters.of("w1") == service.parts.clusters.of("w13") != ""
    assert told(service, event("b1", "block", user="w13", diagnostic=BLOCKED), now=clock()) == [
        ("w13", "paused", "blocklist_named")
    ]
    Work(service, clock).do()
    accounts = {name: view(service, name, clock()) for name in names}
    assert {name for name, account in accounts.items() if account["paused"]} == {"w12", "w13"}
    assert {accounts[name]["tier"] for name in names[:12]} <= {"allow", "review"}
    # What somebody met itself acts in full, though it was looked at because of others already.
    assert told(service, event("b2", "block", user="w1", diagnostic=BLOCKED), now=clock()) == [
        ("w1", "paused", "blocklist_named")
    ]


def _both(**parts: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return parts, parts


TYPED, PROVED = {"number": "+34600123123"}, {"number": "+34600123123", "verified": True}
BOX = ({"address": "ana.ruiz@gmail.com"}, {"address": "anaruiz+x@gmail.com"})


@pytest.mark.parametrize(
    ("parts", "paused"),
    [
        (_both(phone=TYPED), [False, True]),
        (({"email": BOX[0]}, {"email": BOX[1]}), [False, True]),
        (_both(phone=PROVED), [True, True]),
        (_both(device={"id": "dev-two"}), [True, True]),
        (_both(payment={"fingerprint": "card-1"}), [True, True]),
    ],
    ids=["number typed", "mailbox typed", "number proved by both", "device", "card"],
)
def test_guilt_by_what_is_only_claimed_asks_for_a_look(
    service: Service, clock: Clock, parts: tuple[dict[str, Any], dict[str, Any]], paused: list[bool]
) -> None:
    """A stranger who types a customer's number cannot have the customer's mail stopped by what the stranger sends."""
    for at, (name, given) in enumerate(zip(("her", "stranger"), parts, strict=True)):
        post(service, body(name, **given), NOW + at)
    assert service.parts.clusters.of("her") == service.parts.clusters.of("stranger") != ""
    clock.advance(120)
    assert told(service, event("b1", "block", user="stranger", diagnostic=BLOCKED), now=clock())
    Work(service, clock).do()
    accounts = [view(service, name, clock()) for name in ("her", "stranger")]
    assert [account["paused"] for account in accounts] == paused
    assert paused[0] or accounts[0]["tier"] == "review"


def test_a_pause_is_told_to_webhooks(service: Service, store: Store) -> None:

    opened(service, "u1")
    told(service, event("b1", "block", diagnostic=BLOCKED))
    name = stream(shard("u1"))
    entries = [
        StreamEntry(name, id.decode(), fields[b"type"].decode(), orjson.loads(fields[b"data"]))
        for id, fields in store.execute("XRANGE", name, "-", "+")
    ]
    types = [made.type for made in map(notice, entries) if made is not None]
    assert "account.paused" in types and "threshold.crossed" in types
