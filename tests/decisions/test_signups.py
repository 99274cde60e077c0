"""Whole signups through the whole line on the real store: idempotent, raced, linked, recorded, replayable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import pytest

from riskapi.app import Service
from riskapi.decisions.decide import decide
from riskapi.errors import Problem, StoreUnavailable
from riskapi.inputs.signup import Signup
from riskapi.store.streams import shard, stream
from tests.conftest import NOW
from tests.signups import body, post, together


def test_an_unremarkable_customer_is_allowed(service: Service) -> None:
    found = post(service, body())
    assert found["decision"] == "allow"
    assert found["limits"]["remaining"]["daily"] == found["limits"]["daily"] > 0
    assert found["linkage"] == {"cluster_id": None, "size": 1, "abusive": 0, "evidence": []}
    assert {"signal": "network_asn", "cause": "no_data"} in found["degraded"]
    assert "/phone/number" in found["not_provided"]


def test_fifty_threads_posting_the_same_signup_get_one_answer_and_count_once(service: Service) -> None:
    signup = body(phone={"number": "+34600123123"}, device={"ip_address": "203.0.113.9", "id": "dev-1"})
    answers = together(50, lambda _: service.parts.assessor.signup(signup, NOW))
    assert len({answer.body for answer in answers}) == 1
    assert [answer.replay for answer in answers].count(False) == 1
    assert len(list(service.decisions.export())) == 1
    seen = post(service, body("u_2", phone={"number": "+34600123123"}))
    assert seen["linkage"]["evidence"][0]["accounts"] == 2
    assert len(service.parts.profiles.view("u_1", NOW)["history"]) == 1


@pytest.mark.parametrize("said", ["0001-01-01T00:00:00Z", "1000-06-01T12:00:00+05:30", "2025-11-22T10:00:00Z"])
def test_signups_of_any_past_are_bound_for_as_long_as_those_of_today(service: Service, said: str) -> None:
    def size(user: str, now: float) -> int:
        return int(service.parts.profiles.view(user, now)["linkage"]["size"])

    for user in ("u_1", "u_2"):
        post(service, body(user, device={"id": "dev-1"}, event={"time": said}))
    for user in ("u_3", "u_4"):
        post(service, body(user, device={"id": "dev-2"}))
    assert [size("u_1", NOW), size("u_3", NOW)] == [2, 2]
    (past,) = service.parts.clusters.view(_cluster(service, "u_1"), NOW)["edges"]
    (today,) = service.parts.clusters.view(_cluster(service, "u_3"), NOW)["edges"]
    assert past["ends_at"] == today["ends_at"]


def _cluster(service: Service, user: str) -> str:
    return str(service.parts.profiles.view(user, NOW)["linkage"]["cluster_id"])


def test_the_same_user_with_another_address_is_a_conflict_and_leaves_no_trace(service: Service) -> None:
    post(service, body(device={"id": "mine"}))
    with pytest.raises(Problem) as problem:
        post(service, body(email={"address": "other@ruiz.example"}, device={"id": "theirs"}))
    assert problem.value.code == "signup_conflict"
    assert post(service, body("u_2", device={"id": "theirs"}))["linkage"]["size"] <= 2
    kinds = {row["kind"] for row in post(service, body("u_3", device={"id": "theirs"}))["linkage"]["evidence"]}
    shared = service.parts.profiles.view("u_3", NOW)["linkage"]["evidence"]
    assert "device" in kinds
    assert all("u_1" not in (row["user_ids"] or ()) for row in shared if row["kind"] == "device")


def test_racing_addresses_for_one_user_leave_one_account(service: Service) -> None:
    signups = [body(email={"address": f"a{number}@ruiz.example"}, device={"id": f"d{number}"}) for number in range(8)]
    answers = together(8, lambda number: service.parts.assessor.signup(signups[number], NOW))
    won = [number for number, answer in enumerate(answers) if not isinstance(answer, Problem)]
    assert len(won) == 1
    lost = (won[0] + 1) % 8
    assert (
        post(service, body("u_9", email={"address": "z@other.example"}, device={"id": f"d{lost}"}))["linkage"]["size"]
        == 1
    )


def _nth(service: Service, signups: list[Signup], number: int) -> dict[str, Any]:
    return post(service, signups[number])


def test_two_racing_signups_on_one_device_know_each_other(service: Service) -> None:
    for round_ in range(10):
        signups = [body(f"r{round_}_{side}", device={"id": f"dev-{round_}"}) for side in "ab"]
        answers = together(2, partial(_nth, service, signups))
        assert max(answer["linkage"]["size"] for answer in answers) >= 2
        for side in "ab":
            rows = service.parts.profiles.view(f"r{round_}_{side}", NOW)["linkage"]["evidence"]
            assert any(row["kind"] == "device" and row["accounts"] == 2 for row in rows)


@pytest.mark.parametrize(
    ("shared", "decision"),
    [
        ({"phone": {"number": "+34600123123"}}, "review"),
        ({"phone": {"number": "+34600123123", "verified": True}}, "limit"),
        ({"email": {"address": "ana.ruiz@gmail.com"}}, "review"),
        ({"email": {"address": "ana.ruiz@gmail.com", "verified": True}}, "limit"),
        ({"device": {"id": "dev-1"}}, "limit"),
        ({"payment": {"fingerprint": "card-1"}}, "limit"),
    ],
    ids=["a number typed", "a number proved", "a mailbox typed", "a mailbox proved", "a device", "a card"],
)
def test_a_label_is_felt_by_the_next_signup_and_can_be_taken_back(
    service: Service, shared: dict[str, Any], decision: str
) -> None:
    """Guilt follows proof: what anybody can type asks for a look."""
    post(service, body(**shared))
    service.parts.labels.add("u_1", "abuse", "external", "complaints", "key", NOW)
    found = post(service, body("u_2", **shared))
    assert found["linkage"]["abusive"] == 1
    assert (found["decision"], found["disposition"]["source"]) == (decision, "rule")
    service.parts.labels.add("u_1", "legitimate", "appeal", None, "key", NOW)
    assert service.rescorer.again("u_2", "linkage", NOW + 1).tier == "allow", "the cause is gone"
    assert post(service, body("u_3", **shared))["linkage"]["abusive"] == 0
    assert [row["label"] for row in service.parts.profiles.view("u_1", NOW)["labels"]] == ["abuse", "legitimate"]


@pytest.mark.parametrize(
    ("label", "source", "tier"),
    [
        ("abuse", "manual_review", "limit"),
        ("legitimate", "appeal", "allow"),
        ("unknown", "manual_review", "review"),
        ("abuse", "external", "review"),
        ("legitimate", "rule", "review"),
    ],
)
def test_only_a_persons_word_moves_the_accounts_own_tier(service: Service, label: Any, source: Any, tier: str) -> None:
    post(service, body(email={"address": "x@mailinator.com"}))
    assert service.parts.labels.add("u_1", label, source, "a note", "kim", NOW)["tier"] == tier
    profile = service.parts.profiles.view("u_1", NOW)
    assert profile["tier"] == tier
    assert len(profile["history"]) == (1 if tier == "review" else 2)


def test_labels_move_the_reputation_of_their_network_slowly(service: Service) -> None:
    def reading(user: str) -> float:
        post(service, body(user, email={"address": f"{user}@{user}.example"}, device={"ip_address": "81.0.0.9"}))
        stored = next(row for row in service.decisions.export() if row["user_id"] == user)
        return float(stored["readings"]["reputation_asn"])

    before = reading("n_0")
    for number in range(1, 4):
        reading(f"n_{number}")
        service.parts.labels.add(f"n_{number}", "abuse", "external", None, "key", NOW)
    after = reading("n_9")
    assert before < after < 0.15


def test_a_limited_account_is_felt_by_those_linked_to_it(service: Service) -> None:
    post(service, body(device={"id": "dev-1"}))
    service.parts.labels.add("u_1", "abuse", "external", None, "key", NOW)
    assert post(service, body("u_2", device={"id": "dev-1"}))["decision"] == "limit"
    service.parts.labels.add("u_1", "unknown", "external", None, "key", NOW)
    post(service, body("u_3", device={"id": "dev-1"}))
    stored = next(row for row in service.decisions.export() if row["user_id"] == "u_3")
    assert (stored["readings"]["links_device_limited"], stored["readings"]["links_device_abusive"]) == (1, 0)


def test_replaying_recorded_readings_gives_the_same_decision_bit_for_bit(service: Service) -> None:
    for number in range(30):
        post(
            service,
            body(f"u_{number}", email={"address": f"x{number}@mailinator.com"}, device={"id": f"d{number % 3}"}),
        )
    basis = service.active.basis
    rows = [orjson.loads(orjson.dumps(row)) for row in service.decisions.export()]
    assert len(rows) == 30
    for row in rows:
        again = decide(row["readings"], basis.scorer, basis.policy, store_away=row["store_away"])
        assert (again.tier, again.risk_score, again.probability, again.margin, again.rule, list(again.fired)) == (
            row["tier"], row["risk_score"], row["probability"], row["margin"], row["rule"], row["fired"],
        )  # fmt: skip


def test_a_review_decision_opens_one_review(service: Service) -> None:
    found = post(service, body(email={"address": "x@mailinator.com"}))
    assert (found["decision"], found["review_id"] is not None) == ("review", True)
    page = service.parts.reviews.list("open", 50, None)
    assert [row["id"] for row in page["reviews"]] == [found["review_id"]]
    assert post(service, body(email={"address": "x@mailinator.com"}))["review_id"] == found["review_id"]


def test_export_can_be_cut_by_time(service: Service) -> None:
    for number in range(3):
        post(service, body(f"u_{number}"), NOW + number)
    assert [row["user_id"] for row in service.decisions.export(NOW + 1, NOW + 2)] == ["u_1"]


class TestStoreAway:
    """The store goes away: signups are answered, kept, and recorded once it is back."""

    @pytest.fixture
    def outage(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
        real = service.store.run

        def away(on: bool) -> None:
            def refuse(_: Any) -> Any:
                raise StoreUnavailable("away")

            monkeypatch.setattr(service.store, "run", refuse if on else real)

        return away

    def test_the_answer_is_the_policys_and_is_recorded_later(
        self, service: Service, outage: Callable[[bool], None]
    ) -> None:
        outage(True)
        found = post(service, body())
        assert (found["disposition"]["source"], found["decision"]) == (
            "outage",
            service.active.basis.policy.outage.tier,
        )
        assert found["limits"]["daily"] == service.active.basis.policy.outage.daily
        assert {"signal": "links_abusive", "cause": "store_unavailable"} in found["degraded"]
        assert post(service, body())["id"] == found["id"]
        outage(False)
        assert service.parts.assessor.replay_journal(NOW + 60) == 1
        profile = service.parts.profiles.view("u_1", NOW + 60)
        assert profile["assessment"]["id"] == found["id"]
        assert profile["tier"] == profile["latest"]["decision"] == "allow"
        assert (profile["history"][0]["from"], profile["history"][0]["to"]) == (found["decision"], "allow")
        entries = service.store.execute("XRANGE", stream(shard("u_1")), "-", "+")
        (moved,) = [orjson.loads(fields[b"data"]) for _, fields in entries if fields[b"type"] == b"tier"]
        assert (moved["from"], moved["to"], moved["cause"]) == (found["decision"], "allow", "outage"), "webhooks tell"
        assert post(service, body())["id"] == found["id"]
        assert service.parts.assessor.replay_journal(NOW + 61) == 0

    def test_what_a_journaled_signup_held_is_recorded_whatever_it_was(
        self, service: Service, outage: Callable[[bool], None]
    ) -> None:
        outage(True)
        post(service, body(custom_inputs={"big": 2**70, "small": -0.0}, event={"time": "0001-01-01T00:00:00Z"}))
        outage(False)
        assert service.parts.assessor.replay_journal(NOW) == 1
        assert service.parts.profiles.view("u_1", NOW)["assessment"]["disposition"]["source"] == "outage"

    def test_a_limit_decided_during_an_outage_is_felt_afterwards(
        self, service: Service, outage: Callable[[bool], None]
    ) -> None:
        post(service, body("u_0", payment={"fingerprint": "card-1"}))
        service.parts.labels.add("u_0", "abuse", "external", None, "key", NOW)
        outage(True)
        post(service, body("u_1", payment={"fingerprint": "card-1"}, device={"id": "dev-9"}))
        outage(False)
        service.parts.assessor.replay_journal(NOW)
        assert service.parts.profiles.view("u_1", NOW)["tier"] == "limit"
        post(service, body("u_2", device={"id": "dev-9"}))
        stored = next(row for row in service.decisions.export() if row["user_id"] == "u_2")
        assert stored["readings"]["links_device_limited"] == 1

    def test_a_full_journal_says_so_instead_of_losing_the_signup(
        self, service: Service, outage: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outage(True)
        monkeypatch.setattr(service.journal, "_limit", 10)
        with pytest.raises(Problem) as problem:
            post(service, body())
        assert (problem.value.code, problem.value.headers["Retry-After"]) == ("unavailable", "1")
