"""Guilt spreads along the arrows on the real store: seen before it does, capped, and taken back in one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi.accounts.history import LabelName
from riskapi.app import Service
from riskapi.feedback.event import FeedbackEvent
from riskapi.policy import check
from riskapi.policy.tables import FeedbackRules, Spread, Trigger
from riskapi.store.connections import Store
from tests.conftest import NOW, Clock
from tests.grants import under, view
from tests.holders import establish, joined
from tests.reviewing import contents, decide, undo
from tests.working import Work

DEVICE, NUMBER, DAY = {"id": "dev-ring"}, {"number": "+34600123123"}, 86_400.0
#: Who shares what with the account `bad`, and what its abuse makes of them.
TOUCHED = {"mate": "limit", "typed": "review", "customer": "allow", "other": "allow"}


def neighbours(service: Service) -> None:
    """`mate` uses the machine of `bad`, `typed` gives its number, `customer` uses the machine and is established."""
    joined(service, "bad", device=DEVICE, phone=NUMBER)
    joined(service, "mate", NOW + 1, device=DEVICE)
    joined(service, "typed", NOW + 2, phone=NUMBER)
    joined(service, "customer", NOW + 3, device=DEVICE)
    joined(service, "other", NOW + 4)
    establish(service, "customer", NOW + 5)


def label(service: Service, name: LabelName = "abuse", now: float = NOW + 10) -> dict[str, Any]:
    return dict(service.parts.labels.add("bad", name, "external", None, "kim", now))


def tiers(service: Service, now: float = NOW + 60) -> dict[str, str]:
    return {user: view(service, user, now)["tier"] for user in TOUCHED}


def waiting(service: Service) -> set[tuple[str, str]]:
    """Whom a review is open about, and what it is about."""
    rows = service.parts.reviews.list("open", 200, None)["reviews"]
    return {(row["user_id"], reason["code"]) for row in rows for reason in row["reasons"]}


def rules(service: Service, **changes: Any) -> None:
    under(service, feedback={"spread": Spread(**changes)})


@pytest.fixture
def work(service: Service, clock: Clock) -> Work:
    neighbours(service)
    clock.advance(60)
    made = Work(service, clock)
    made.do()
    assert set(tiers(service).values()) == {"allow"}
    return made


def test_what_is_proved_limits_what_is_claimed_asks_and_customers_are_looked_at(service: Service, work: Work) -> None:
    found = label(service)
    assert found["spread"]["state"] == "live"
    assert (found["spread"]["accounts"], found["spread"]["established"]) == (3, 1)
    work.do()
    assert tiers(service) == TOUCHED
    assert {user for user, _ in waiting(service)} == {"typed", "customer"}
    assert ("customer", "BAD_COMPANY") in waiting(service)
    entry = view(service, "mate", NOW + 60)["history"][-1]
    assert (entry["cause"], entry["to"]) == ("linkage", "limit"), "what others bring is marked as that"
    assert view(service, "mate", NOW + 60)["labels"] == [], "and is no label"


@pytest.mark.parametrize("how", ["undo", "unknown", "legitimate"])
def test_one_step_brings_all_back(service: Service, work: Work, how: Any) -> None:
    before = waiting(service)
    label(service)
    work.do()
    if how == "undo":
        service.parts.labels.spread("bad", "undo", "lee", NOW + 20)
    else:
        label(service, how, NOW + 20)
    work.do()
    assert set(tiers(service).values()) == {"allow"}
    assert waiting(service) == before
    if how == "undo":
        assert view(service, "bad", NOW + 60)["labels"][-1]["label"] == "abuse", "the account itself stays what it is"
        assert service.parts.labels.spread("bad", "apply", "lee", NOW + 30)["state"] == "live"
        work.do()
        assert tiers(service) == TOUCHED
        assert {user for user, _ in waiting(service)} == {"typed", "customer"}


def test_a_review_that_somebody_holds_stays_with_them(service: Service, work: Work) -> None:
    label(service)
    work.do()
    rows = service.parts.reviews.list("open", 50, None)["reviews"]
    held = next(row["id"] for row in rows if row["user_id"] == "customer")
    service.parts.reviews.claim(held, "ana", NOW + 15)
    label(service, "unknown", NOW + 20)
    work.do()
    assert service.parts.reviews.get(held)["status"] == "claimed"
    gone = next(row["id"] for row in rows if row["user_id"] == "typed")
    withdrawn = service.parts.reviews.get(gone)
    assert (withdrawn["status"], withdrawn["decided_by"], withdrawn["decision"]) == ("decided", "riskapi", "allow")


def test_it_is_seen_before_it_does(service: Service, work: Work, store: Store) -> None:
    before = contents(store)
    found = service.parts.labels.preview("bad", "abuse", "manual_review", NOW + 10)
    assert contents(store) == before
    touched = found["would_touch"]
    assert touched is not None and found["dry_run"] and found["tier"] == "limit"
    assert (touched["accounts"], touched["established"], touched["proved"]) == (3, 1, 2)
    named = {row["user_id"]: (row["standing"], row["established"]) for row in touched["user_ids"]}
    assert named == {"mate": ("proved", False), "customer": ("proved", True), "typed": ("claimed", False)}


def test_who_proved_it_is_not_touched_by_who_claims_it(service: Service, clock: Clock) -> None:
    joined(service, "her", phone={**NUMBER, "verified": True})
    joined(service, "bad", NOW + 1, phone=NUMBER)
    found = service.parts.labels.preview("bad", "abuse", "external", NOW + 10)["would_touch"]
    assert found is not None and found["user_ids"] == []
    label(service)
    clock.advance(60)
    Work(service, clock).do()
    assert (view(service, "her", NOW + 60)["tier"], waiting(service)) == ("allow", set())


def test_one_that_is_too_large_waits_for_a_person(service: Service, work: Work) -> None:
    rules(service, max_accounts=2)
    assert label(service)["spread"]["state"] == "held"
    work.do()
    assert set(tiers(service).values()) == {"allow"}
    assert waiting(service) == {("bad", "SPREAD_HELD")}
    joined(service, "late", NOW + 30, device=DEVICE)
    assert view(service, "late", NOW + 60)["tier"] != "limit"
    service.parts.labels.spread("bad", "apply", "lee", NOW + 40)
    work.do()
    assert tiers(service) == TOUCHED and view(service, "late", NOW + 60)["tier"] == "limit"


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_a_mode_that_is_not_live_moves_nobody(service: Service, work: Work, mode: Any) -> None:
    rules(service, mode=mode)
    found = label(service)["spread"]
    assert (found["state"], found["accounts"]) == (mode, 3)
    work.do()
    assert set(tiers(service).values()) == {"allow"} and waiting(service) == set()


def test_it_ends_by_itself(service: Service, work: Work, clock: Clock) -> None:
    rules(service, days=2)
    label(service)
    work.do()
    assert tiers(service) == TOUCHED
    clock.advance(3 * DAY)
    work.do()
    assert set(tiers(service, clock()).values()) == {"allow"}
    kept = view(service, "bad", clock())["spread"]
    assert (kept["state"], kept["changed_by"]) == ("ended", None)


@pytest.mark.parametrize("after", ["label", "spread", "undo"])
def test_whoever_is_killed_has_it_done_by_the_worker(
    service: Service, work: Work, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """The process ends as soon as the label, the spread or its next state is written."""

    class Killed(Exception): ...

    def killed(*_: Any, **__: Any) -> Any:
        raise Killed

    if after == "undo":
        label(service)
        work.do()
    labels = service.parts.labels
    method = {"label": "mark_latest", "spread": "mark", "undo": "mark"}[after]
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(labels, method, killed)
        labels.spread("bad", "undo", "lee", NOW + 20) if after == "undo" else label(service)
    work.do()
    assert tiers(service) == (dict.fromkeys(TOUCHED, "allow") if after == "undo" else TOUCHED)


def test_done_twice_it_changes_nothing(service: Service, work: Work) -> None:
    label(service)
    work.do()
    spread, reviews = view(service, "bad", NOW + 60)["spread"], waiting(service)
    histories = {user: view(service, user, NOW + 60)["history"] for user in TOUCHED}
    for user in ("bad", *TOUCHED):
        service.parts.labels.mark_latest(user, service.accounts.standing(user))
        service.rescorer.again(user, "linkage", NOW + 60)
    assert view(service, "bad", NOW + 60)["spread"] == spread and waiting(service) == reviews
    assert {user: view(service, user, NOW + 60)["history"] for user in TOUCHED} == histories


def test_undoing_a_decision_brings_back_what_the_label_before_meant(service: Service, work: Work) -> None:
    """A spread that a person took back does not come back with its label."""
    rules(service, max_accounts=2)
    label(service)
    work.do()
    (review,) = service.parts.reviews.list("open", 50, None)["reviews"]
    decide(service, review["id"], "limit", "abuse", now=NOW + 20)
    assert view(service, "bad", NOW + 60)["spread"]["state"] == "held", "a new label, begun anew"
    service.parts.labels.spread("bad", "apply", "lee", NOW + 21)
    undo(service, review["id"], now=NOW + 30)
    work.do()
    assert view(service, "bad", NOW + 60)["spread"]["state"] == "live"


def test_a_dry_run_of_a_decision_says_whom_its_label_touches(service: Service, work: Work) -> None:
    rules(service, max_accounts=0)
    label(service)
    work.do()
    (review,) = service.parts.reviews.list("open", 50, None)["reviews"]
    found = decide(service, review["id"], "limit", "abuse", now=NOW + 20, dry_run=True)
    assert (found["would_touch"]["accounts"], found["would_touch"]["established"]) == (3, 1)
    assert decide(service, review["id"], "allow", "legitimate", now=NOW + 20, dry_run=True)["would_touch"] is None


def test_a_trigger_that_says_so_labels_the_account(service: Service, work: Work) -> None:
    trap = Trigger(name="trap", mode="live", kind="count", of="spam_trap", action="pause", spread=True)
    under(service, feedback={"triggers": (trap,)})
    event = FeedbackEvent(id="t1", type="spam_trap", user_id="bad", recipient="a@trap.example")
    for _ in range(2):
        service.parts.consequences.take([event], NOW + 60)
        work.do()
    (entry,) = view(service, "bad", NOW + 60)["labels"]
    assert (entry["label"], entry["source"], entry["actor"]) == ("abuse", "rule", "trap")
    assert tiers(service) == TOUCHED


def test_a_spread_over_http(service: Service, make_http: Callable[..., FlaskClient]) -> None:
    http = make_http()  # the readings of the store have their names by the service
    for user in ("bad", "mate"):
        signup = {"account": {"user_id": user}, "email": {"address": f"{user}@{user}.example"}, "device": DEVICE}
        assert http.post("/v1/signups", json=signup).status_code == 200
    assert http.post("/v1/accounts/mate/spread", json={"action": "undo"}).status_code == 404
    given = {"label": "abuse", "source": "manual_review"}
    tried = http.post("/v1/accounts/bad/labels", json={**given, "dry_run": True}).json
    assert tried is not None and tried["would_touch"]["accounts"] == 1 and tried["labels"] == []
    assert http.post("/v1/accounts/bad/labels", json=given).status_code == 200
    undone = http.post("/v1/accounts/bad/spread", json={"action": "undo"})
    assert undone.json is not None and undone.json["state"] == "undone"
    shown = http.get("/v1/accounts/bad").json
    assert shown is not None and shown["spread"]["state"] == "undone"
    assert http.post("/v1/accounts/bad/spread", json={"action": "end"}).status_code == 422


def test_a_policy_of_before_says_a_number(service: Service) -> None:
    told = service.active.policy.model_dump(mode="json")
    told["feedback"]["spread"] = 100
    assert check(told, where="test").feedback.spread == Spread(max_accounts=100)
    assert FeedbackRules().spread == service.active.policy.feedback.spread
