"""Reviews on the real store: one holder, one decision, nothing lost between pages, nobody decided by surprise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from riskapi.accounts.packing import pack
from riskapi.app import Service
from riskapi.errors import Problem, StoreUnavailable
from riskapi.reviews.queue import review_key
from riskapi.reviews.reasons import ReviewReasons
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from riskapi.times import instant
from tests.conftest import NOW
from tests.reviewing import contents, decide, establish, opened, own
from tests.signups import body, post, together


def test_one_of_many_racing_reviewers_gets_it(service: Service) -> None:
    review = opened(service)
    answers = together(20, lambda number: service.parts.reviews.claim(review, f"reviewer-{number}", NOW))
    won = [answer for answer in answers if isinstance(answer, dict)]
    assert len(won) == 1
    assert all(answer.code == "review_held" for answer in answers if isinstance(answer, Problem))
    assert service.parts.reviews.get(review)["reviewer"] == won[0]["reviewer"]


def test_claim_release_claim_by_another(service: Service) -> None:
    reviews, review = service.parts.reviews, opened(service)
    assert reviews.claim(review, "kim", NOW)["status"] == "claimed"
    assert reviews.claim(review, "kim", NOW + 1)["status"] == "claimed"
    with pytest.raises(Problem):
        reviews.release(review, "lee", NOW + 2)
    assert reviews.release(review, "kim", NOW + 3)["status"] == "open"
    assert reviews.claim(review, "lee", NOW + 4)["reviewer"] == "lee"


def test_a_claim_lapses(service: Service) -> None:
    reviews, review = service.parts.reviews, opened(service)
    reviews.claim(review, "kim", NOW)
    later = NOW + service.active.basis.policy.reviews.claim_minutes * 60
    with pytest.raises(Problem):
        reviews.claim(review, "lee", later - 1)
    assert reviews.claim(review, "lee", later)["reviewer"] == "lee"


def test_escalated_reviews_leave_the_ordinary_queue(service: Service) -> None:
    reviews, review = service.parts.reviews, opened(service)
    reviews.claim(review, "kim", NOW)
    assert reviews.escalate(review, "kim", "looks like a ring", NOW, actor="desk")["reviewer"] is None
    assert reviews.list("open", 10, None)["reviews"] == reviews.list("claimed", 10, None)["reviews"] == []
    assert [row["id"] for row in reviews.list("escalated", 10, None)["reviews"]] == [review]
    assert reviews.claim(review, "senior", NOW)["status"] == "claimed"


def test_what_goes_back_into_the_queue_is_no_longer_handed_on(service: Service) -> None:
    reviews, review = service.parts.reviews, opened(service)
    reviews.escalate(review, "kim", "looks like a ring", NOW, actor="desk")
    found = reviews.claim(review, "senior", NOW)
    assert (found["escalated_by"], found["escalation_reason"]) == ("desk", "looks like a ring")
    for found in (reviews.release(review, "senior", NOW), reviews.claim(review, "lee", NOW)):
        assert (found["escalated_by"], found["escalation_reason"]) == (None, None)


def test_handing_on_without_a_reason_keeps_the_one_that_was_given(service: Service) -> None:
    reviews, review = service.parts.reviews, opened(service)
    reviews.escalate(review, "kim", "looks like a ring", NOW, actor="desk")
    assert reviews.escalate(review, "lee", None, NOW, actor="desk")["escalation_reason"] == "looks like a ring"
    assert reviews.escalate(review, "lee", "is one", NOW, actor="desk")["escalation_reason"] == "is one"


def test_a_decision_changes_the_tier_labels_the_account_and_closes_the_review(service: Service) -> None:
    reviews, review = service.parts.reviews, opened(service)
    reviews.claim(review, "kim", NOW)
    found = decide(service, review, "limit", "abuse", "account", "bought list", "kim", NOW + 60)
    assert found["accounts"] == [
        {"user_id": "u_1", "before": "review", "after": "limit", "established": False, "left_out": False}
    ]
    profile = service.parts.profiles.view("u_1", NOW + 60)
    assert (profile["tier"], profile["labels"][0]["label"]) == ("limit", "abuse")
    assert [(row["from"], row["to"], row["source"]) for row in profile["history"]][-1] == (
        "review",
        "limit",
        "reviewer",
    )
    with pytest.raises(Problem) as problem:
        decide(service, review, "allow", "legitimate", "account", None, "kim", NOW + 61)
    assert problem.value.code == "review_closed"
    assert [row["id"] for row in reviews.list("decided", 10, None)["reviews"]] == [review]


def test_racing_decisions_give_one(service: Service) -> None:
    review = opened(service)
    answers = together(
        10,
        lambda number: decide(service, review, ("allow", "limit")[number % 2], "unknown", "account", None, "kim", NOW),
    )
    assert len([answer for answer in answers if isinstance(answer, dict)]) == 1
    assert len(service.parts.profiles.view("u_1", NOW)["labels"]) == 1


def test_deciding_for_those_linked_touches_them_too_and_nobody_else(service: Service) -> None:
    post(service, body("u_a", device={"id": "dev-1"}))
    post(service, body("u_b", email={"address": "b@else.example"}, device={"id": "other"}))
    review = opened(service, device={"id": "dev-1"})
    found = decide(service, review, "limit", "abuse", "cluster", None, "kim", NOW)
    assert {row["user_id"] for row in found["accounts"]} == {"u_1", "u_a"}
    assert service.parts.profiles.view("u_b", NOW)["tier"] == "allow"
    assert service.parts.profiles.view("u_a", NOW)["labels"] == []


def test_deciding_for_those_linked_reaches_accounts_that_came_later_and_closes_their_reviews(service: Service) -> None:
    first, second = opened(service, "u_1", device={"id": "dev-1"}), opened(service, "u_2", device={"id": "dev-1"})
    found = decide(service, first, "limit", "abuse", "cluster", None, "kim", NOW)
    assert [row["user_id"] for row in found["accounts"]] == ["u_1", "u_2"]
    assert service.parts.reviews.get(second)["status"] == "decided"


def test_a_review_that_an_outage_put_off_is_closed_with_its_cluster(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Any) -> Any:
        raise StoreUnavailable("away")

    with monkeypatch.context() as away:
        away.setattr(service.store, "run", refuse)
        post(service, body("u_2", email={"address": "u_2@mailinator.com"}, device={"id": "dev-1"}))
    service.parts.assessor.replay_journal(NOW)
    later = service.parts.reviews.list("open", 10, None)["reviews"][0]["id"]
    first = opened(service, "u_1", device={"id": "dev-1"})
    decide(service, first, "limit", "abuse", "cluster", None, "kim", NOW)
    assert service.parts.reviews.get(later)["status"] == "decided"


@pytest.mark.parametrize("form", ["with the answer", "packed", "json"])
def test_reasons_are_read_where_they_are_and_as_earlier_releases_kept_them(
    service: Service, store: Store, form: str
) -> None:
    name, reviews = opened(service), service.parts.reviews
    before = service.parts.profiles.view("u_1", NOW)["assessment"]["reasons"]
    assert store.execute("HGET", review_key(name), "reasons") is None
    if form != "with the answer":
        text = orjson.dumps(before)
        store.execute("HSET", review_key(name), "reasons", pack(text) if form == "packed" else text)
    assert reviews.get(name)["reasons"] == reviews.list("open", 10, None)["reviews"][0]["reasons"] == before != []
    assert ReviewReasons(store).of([name, "rev_0none"]) == {name: before, "rev_0none": []}
    store.execute("HSET", account_key("u_1"), "assessment", b"{")
    assert ReviewReasons(store).of([name]) == {name: [] if form == "with the answer" else before}


def test_pages_hold_every_review_once_oldest_first(service: Service) -> None:
    for number in range(25):
        post(service, body(f"u_{number}", email={"address": f"u{number}@mailinator.com"}), NOW + number // 4)
    seen, cursor = [], None
    while True:
        page = service.parts.reviews.list("open", 4, cursor)
        seen += page["reviews"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len({row["id"] for row in seen}) == len(seen) == 25
    assert [row["opened_at"] for row in seen] == sorted(row["opened_at"] for row in seen)


@pytest.mark.parametrize("cursor", ["x", "é", "bm8=", "MTo=", "////", "MTIz"])
def test_a_foreign_cursor_is_refused(service: Service, cursor: str) -> None:
    with pytest.raises(Problem) as problem:
        service.parts.reviews.list("open", 10, cursor)
    assert problem.value.code == "invalid"


@pytest.mark.parametrize("review", ["", "rev_", "rev_9abc", "rev_0abc", "x", "rev_²abc", "rev_-1"])
def test_an_unknown_review_is_not_found(service: Service, review: str) -> None:
    for work in (service.parts.reviews.get, lambda found: service.parts.reviews.claim(found, "kim", NOW)):
        with pytest.raises(Problem) as problem:
            work(review)
        assert problem.value.code == "not_found"


DAY = 86400.0
RING: dict[str, Any] = {"device": {"ip_address": "203.0.113.9", "id": "dev-ring"}}


def rows(found: dict[str, Any]) -> dict[str, tuple[str, str, bool, bool]]:
    """The accounts of an answer: before, after, established, left out."""
    return {
        row["user_id"]: (row["before"], row["after"], row["established"], row["left_out"]) for row in found["accounts"]
    }


class TestEstablished:
    """Established customers of a cluster are named, and decided only where that is asked for."""

    @pytest.fixture
    def review(self, service: Service) -> str:
        """Of u_1, in one cluster with a newcomer and a customer of two years."""
        post(service, body("u_old", **RING))
        post(service, body("u_new", **RING))
        establish(service, "u_old", NOW - 730 * DAY)
        return opened(service, **RING)

    def test_they_are_left_out(self, service: Service, review: str) -> None:
        found = decide(service, review, apply_to="cluster")
        assert rows(found) == {
            "u_1": ("review", "limit", False, False),
            "u_new": ("allow", "limit", False, False),
            "u_old": ("allow", "allow", True, True),
        }
        assert service.parts.profiles.view("u_old", NOW)["history"][-1]["source"] != "reviewer"

    def test_they_are_decided_where_that_is_asked_for(self, service: Service, review: str) -> None:
        found = decide(service, review, apply_to="cluster", include_established=True)
        assert rows(found)["u_old"] == ("allow", "limit", True, False)
        assert service.parts.profiles.view("u_old", NOW)["tier"] == "limit"

    def test_one_is_established_from_the_moment_it_is(self, service: Service, review: str) -> None:
        establish(service, "u_new", NOW + 1)
        assert rows(decide(service, review, apply_to="cluster", dry_run=True, now=NOW))["u_new"][2:] == (False, False)
        assert rows(decide(service, review, apply_to="cluster", now=NOW + 1))["u_new"][2:] == (True, True)

    def test_the_one_under_review_is_decided_all_the_same(self, service: Service, review: str) -> None:
        establish(service, "u_1", NOW - DAY)
        assert rows(decide(service, review))["u_1"] == ("review", "limit", True, False)


class TestDryRuns:
    """What a decision would do is told as it is then done, and nothing is changed by asking."""

    def test_it_tells_what_the_decision_then_does(self, service: Service, store: Store) -> None:
        post(service, body("u_old", phone={"number": "+34600123123"}, **RING))
        establish(service, "u_old", NOW - 730 * DAY)
        opened(service, "u_2", phone={"number": "+34600999999"}, **RING)
        review = opened(service, phone={"number": "+34600123123"}, **RING)
        asked: dict[str, Any] = {"apply_to": "cluster", "deny": ("mailbox", "phone", "payment", "domain")}
        before = contents(store)
        tried = decide(service, review, dry_run=True, **asked)
        assert contents(store) == before
        done = decide(service, review, **asked)
        assert (tried["dry_run"], done["dry_run"]) == (True, False)
        assert tried["accounts"] == done["accounts"]
        assert [{**row, "entry_id": None} for row in done["deny"]] == tried["deny"]
        assert (tried["status"], done["status"]) == ("open", "decided")

    def test_it_is_refused_as_the_decision_would_be(self, service: Service) -> None:
        review = opened(service)
        service.parts.reviews.claim(review, "lee", NOW)
        later = NOW + service.active.policy.reviews.claim_minutes * 60
        for now, code in ((later - 1, "review_held"), (later, None)):
            assert self._refused(service, review, now) == code
        decide(service, review, actor="lee")
        assert self._refused(service, review, NOW) == "review_closed"
        assert self._refused(service, "rev_0" + "0" * 20, NOW) == "not_found"

    def _refused(self, service: Service, review: str, now: float) -> str | None:
        try:
            decide(service, review, dry_run=True, now=now)
        except Problem as problem:
            return problem.code
        return None


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"tier": "allow", "deny": ("phone",)}, "/deny"),
        ({"label": "unknown", "deny": ("phone",)}, "/deny"),
        ({"tier": "allow", "label": "legitimate", "deny": ("phone",)}, "/deny"),
        ({"deny_expires_at": NOW + 1}, "/deny_expires_at"),
        ({"deny": ("phone",), "deny_expires_at": NOW}, "/deny_expires_at"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(
    service: Service, store: Store, more: dict[str, Any], pointer: str, dry_run: bool
) -> None:
    review = opened(service)
    before = contents(store)
    with pytest.raises(Problem) as problem:
        decide(service, review, dry_run=dry_run, **more)
    assert (problem.value.code, problem.value.errors[0]["pointer"]) == ("invalid", pointer)
    assert contents(store) == before


def test_what_a_person_decides_is_the_account_s_own_tier(service: Service) -> None:
    post(service, body("u_2", **RING))
    review = opened(service, **RING)
    assert own(service, "u_1") == "review"
    decide(service, review, apply_to="cluster")
    assert [own(service, user) for user in ("u_1", "u_2")] == ["limit", "limit"]
    service.parts.labels.add("u_1", "legitimate", "appeal", None, "kim", NOW)
    service.parts.labels.add("u_2", "legitimate", "external", None, "kim", NOW)
    assert [own(service, user) for user in ("u_1", "u_2")] == ["allow", "limit"]


def test_a_word_that_moves_no_tier_makes_it_the_account_s_own(service: Service) -> None:
    """Whoever was decided again meanwhile on what was known before has to look again."""
    post(service, body("u_1"))
    before = service.accounts.standing("u_1").revision
    service.parts.labels.add("u_1", "legitimate", "appeal", None, "kim", NOW)
    assert own(service, "u_1") == "allow"
    assert service.accounts.standing("u_1").revision > before


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"deny": ["phone", "asn"]}, "/deny/1"),
        ({"deny": ["phone"] * 7}, "/deny"),
        ({"deny": "phone"}, "/deny"),
        ({"deny": None}, "/deny"),
        ({"deny": ["phone"], "deny_expires_at": "tomorrow"}, "/deny_expires_at"),
        ({"deny": ["phone"], "deny_expires_at": 1795341600}, "/deny_expires_at"),
        ({"deny": ["phone"], "deny_expires_at": "2020-01-01T00:00:00Z"}, "/deny_expires_at"),
        ({"deny": ["phone"], "label": "unknown"}, "/deny"),
        ({"dry_run": 1}, "/dry_run"),
        ({"include_established": "no"}, "/include_established"),
    ],
)
def test_a_body_that_is_wrong_is_told_where(client: Any, more: dict[str, Any], pointer: str) -> None:
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "a@mailinator.com"}}
    review = client.post("/v1/signups", json=signup).json["review_id"]
    body = {"decision": "limit", "label": "abuse", **more}
    found = client.post(f"/v1/reviews/{review}/decide", json=body)
    assert (found.status_code, [error["pointer"] for error in found.json["errors"]]) == (422, [pointer])
    assert client.get(f"/v1/reviews/{review}").json["status"] == "open"


def test_the_api_denies_an_address_for_a_day_as_the_page_does(client: Any) -> None:
    device = {"ip_address": "203.0.113.9"}
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "a@mailinator.com"}, "device": device}
    review = client.post("/v1/signups", json=signup).json["review_id"]
    wanted = {"decision": "limit", "label": "abuse", "deny": ["ip"]}
    answer = client.post(f"/v1/reviews/{review}/decide", json=wanted).json
    assert [(row["kind"], row["skipped"]) for row in answer["deny"]] == [("ip", None)]
    (entry,) = client.get(f"/v1/reviews/{review}").json["denied"]
    assert instant(entry["expires_at"]) - instant(entry["created_at"]) == timedelta(days=1)


def test_a_review_shows_what_its_decision_denied_and_steps_are_counted(client: Any) -> None:
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "a@mailinator.com"}, "device": {"id": "dev-1"}}
    review = client.post("/v1/signups", json=signup).json["review_id"]
    path = f"/v1/reviews/{review}"
    assert client.get(path).json["denied"] == []
    body = {"decision": "limit", "label": "abuse", "deny": ["device"], "deny_expires_at": "2030-01-01T00:00:00Z"}
    assert client.post(f"{path}/decide", json={**body, "dry_run": True}).json["dry_run"] is True
    client.post(f"{path}/decide", json=body)
    (denied,) = client.get(path).json["denied"]
    assert (denied["kind"], denied["value"], denied["expires_at"]) == ("device", None, "2030-01-01T00:00:00.000Z")
    client.post(f"{path}/undo")
    assert client.get(path).json["denied"] == []
    counted = client.get("/metrics").text
    for line in (
        'riskapi_reviews_total{step="decided"} 1.0',
        'riskapi_reviews_total{step="undone"} 1.0',
        'riskapi_lists_total{change="put",list="deny"} 1.0',
        'riskapi_lists_total{change="removed",list="deny"} 1.0',
    ):
        assert line in counted


def test_decisions_name_the_key_and_note_the_reviewer(client: FlaskClient) -> None:
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "u_1@mailinator.com"}}
    review = (client.post("/v1/signups", json=signup).json or {})["review_id"]
    path = f"/v1/reviews/{review}"
    assert client.post(f"{path}/claim", json={"reviewer": "ana"}).status_code == 200
    said = {"decision": "limit", "label": "abuse", "reason": "throw-away"}
    assert client.post(f"{path}/decide", json={**said, "reviewer": "bo"}).status_code == 409, "ana holds it"
    decided = client.post(f"{path}/decide", json={**said, "reviewer": "ana"}).json or {}
    assert (decided["decided_by"], decided["reviewer"]) == ("bootstrap", "ana")
    account = client.get("/v1/accounts/u_1").json or {}
    last = account["history"][-1]
    assert (last["source"], last["actor"], last["reviewer"]) == ("reviewer", "bootstrap", "ana")
    assert account["labels"][-1]["actor"] == "bootstrap"
    undone = client.post(f"{path}/undo", json={"reviewer": "lee", "reason": "the wrong Ana"})
    assert undone.status_code == 200
    last = (client.get("/v1/accounts/u_1").json or {})["history"][-1]
    assert (last["actor"], last["reviewer"]) == ("bootstrap", "lee")
    assert client.post(f"{path}/escalate", json={"reviewer": "kim"}).status_code == 200
    assert (client.get(path).json or {})["escalated_by"] == "bootstrap"
