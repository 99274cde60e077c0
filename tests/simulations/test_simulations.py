"""A policy tried on recorded signups: who would move, why, what it costs, and what it rests on."""

from __future__ import annotations

import copy
import threading
from typing import Any

import orjson
import pytest

from riskapi import policy
from riskapi.accounts.log import Decisions
from riskapi.app import Service
from riskapi.budgets.budgets import Budgets
from riskapi.errors import Problem, StoreUnavailable
from riskapi.sending.allowances import Allowances
from riskapi.sending.grants import Message
from riskapi.simulations.confidence_intervals import rate, share
from riskapi.simulations.recorded_signups import RecordedSignup, RecordedSignups
from riskapi.simulations.simulation import effect
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.conftest import NOW
from tests.signups import body, post
from tests.waiting import until

DAY = 86400.0
SHIPPED = policy.load(policy.DEFAULT).model_dump(mode="json")
#: Limits the signups of these tests that have a throw-away address.
CAREFUL = {
    "name": "throw_away",
    "mode": "live",
    "tier": "limit",
    "text": "Its address is thrown away",
    "when": {"email_is_disposable": {"eq": True}},
}


def with_rule(*rules: dict[str, Any], **tables: Any) -> dict[str, Any]:
    found = copy.deepcopy(SHIPPED)
    found["rules"] = [*found["rules"], *rules]
    return {**found, **tables}


def disposable(user: str) -> dict[str, Any]:
    return {"email": {"address": f"{user}@mailinator.com"}}


@pytest.fixture
def known(service: Service, store: Store) -> Service:
    """Five signups of three days: two with a disposable address, one of them of an established customer."""
    for at, user in enumerate(("u_a", "u_b", "u_c")):
        post(service, body(user), NOW - (3 - at) * DAY)
    for user in ("d_1", "d_2"):
        post(service, body(user, **disposable(user)), NOW - DAY)
    store.execute("HSET", account_key("d_2"), "established", repr(NOW))
    return service


def simulated(service: Service, given: dict[str, Any], since: float | None = None) -> dict[str, Any]:
    runs = service.parts.policy.runs
    return runs.carry_out(runs.simulation(given, since, "ana", NOW))


def test_it_says_who_would_move_and_why(known: Service) -> None:
    known.parts.labels.add("d_1", "abuse", "external", None, "ana", NOW)
    known.parts.labels.add("u_a", "legitimate", "external", None, "ana", NOW)
    found = simulated(known, with_rule(CAREFUL))
    (move,) = found["moved"]
    assert (move["from"], move["to"], move["accounts"], move["established"]) == ("review", "limit", 2, 1)
    assert set(move["sample"]) == {"d_1", "d_2"} and found["moved_accounts"] == 2
    assert found["established"] == [{"user_id": "d_2", "from": "review", "to": "limit"}]
    assert found["reasons"] == [{"reason": "rule:throw_away", "tightened": 2, "loosened": 0}]
    assert [(row["tier"], row["before"], row["after"]) for row in found["tiers"]] == [
        ("allow", 3, 3),
        ("review", 2, 0),
        ("limit", 0, 2),
    ]
    assert found["foundation"] | {"text": ""} == {
        "decisions": 5,
        "since": "2026-11-19T10:00:00.000Z",
        "until": "2026-11-22T10:00:00.000Z",
        "days": 3.0,
        "whole": True,
        "older_signals": 0,
        "gone": 0,
        "text": "",
    }
    assert found["foundation"]["text"] == "5 recorded signups of 3 days, 2026-11-19 to 2026-11-22"
    assert found["reviews_per_day"]["before"]["a_day"] == 0.67 and found["reviews_per_day"]["after"]["a_day"] == 0
    assert found["abuse_caught"]["after"] == share(1, 1)
    assert found["legitimate_limited"]["after"] == share(0, 1)
    assert [each["text"] for each in found["changes"]] == ["The rule throw_away is new: live, it asks for limit"]


def test_nothing_moves_under_the_same_policy_and_nothing_is_written(known: Service, store: Store) -> None:
    def state() -> Any:
        keys = sorted(key for key in store.execute("KEYS", "*") if not key.startswith(b"risk:run:"))
        return [(key, store.execute("DUMP", key)) for key in keys]

    before = state()
    found = simulated(known, SHIPPED)
    assert (found["moved"], found["changes"], found["moved_accounts"]) == ([], [], 0)
    simulated(known, with_rule(CAREFUL))
    assert state() == before


@pytest.mark.parametrize(("days", "decisions"), [(0.5, 0), (1.5, 3), (2.5, 4), (30, 5)])
def test_only_signups_since_then_count(known: Service, days: float, decisions: int) -> None:
    assert simulated(known, SHIPPED, NOW - days * DAY)["foundation"]["decisions"] == decisions


def test_a_tighter_cap_is_seen_in_what_was_sent(known: Service) -> None:
    for user, count in (("u_a", 100), ("u_b", 30)):
        assert known.parts.grants.send(user, count, Message(), NOW - 3600).body["granted"] == count
    tiers = copy.deepcopy(SHIPPED["tiers"])
    tiers["allow"] |= {"hourly": 60, "daily": 60, "steps": []}
    tiers["review"] |= {"hourly": 10, "steps": []}
    tiers["limit"] |= {"steps": []}
    found = simulated(known, {**SHIPPED, "tiers": tiers})
    assert found["moved_accounts"] == 0
    assert found["recipients_capped"] == 40
    assert found["caps"]["after"] == {"accounts": 1, "recipients_capped": 40}
    assert found["caps"]["before"] == {"accounts": 0, "recipients_capped": 0}


def test_a_signup_of_older_signals_counts_with_the_rest_unknown(known: Service, store: Store) -> None:
    recorded = Decisions(store)
    past = RecordedSignups(store, recorded, Allowances(store, Budgets(store))).back(0, NOW)
    (names,) = store.execute("KEYS", "risk:schema:*")
    read = [name for slice in past.slices() for name in slice]
    assert len(read) == 5 and past.older == 0 and read[0].readings["email_is_disposable"] in (True, False)
    listed = orjson.loads(store.execute("GET", names))
    store.execute("SET", names, orjson.dumps([*listed[:-1], "a_signal_that_is_gone"]))
    older = RecordedSignups(store, Decisions(store), Allowances(store, Budgets(store))).back(0, NOW)
    found = [past for slice in older.slices() for past in slice]
    assert older.older == 5 and {each.readings[listed[-1]] for each in found} == {None}
    assert "a_signal_that_is_gone" not in found[0].readings


def test_what_is_gone_or_broken_is_counted_and_left_out(known: Service, store: Store) -> None:
    store.execute("DEL", account_key("u_a"))
    store.execute("HSET", account_key("u_b"), "decision", b"\xffbroken")
    assert simulated(known, SHIPPED)["foundation"] | {"text": ""} == {
        **simulated(known, SHIPPED)["foundation"],
        "decisions": 3,
        "gone": 2,
        "text": "",
    }


def test_more_than_can_be_read_is_cut_in_time_and_said(
    known: Service, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riskapi.simulations.recorded_signups._PAGE", 2)
    times = {f"n_{number}": NOW - DAY / 2 + number for number in range(40)}
    for user, at in times.items():
        post(known, body(user), at)
    past = RecordedSignups(store, Decisions(store), Allowances(store, Budgets(store))).back(0, NOW, 8)
    taken = {each.user_id for slice in past.slices() for each in slice}
    assert 8 <= len(taken) < 40 and past.is_cut
    # From then on none is missing.
    assert {user for user, at in times.items() if at > past.since} <= taken
    assert any(at > past.since for at in times.values())
    found = effect([], past, NOW)["foundation"]
    assert not found["whole"] and "earlier ones were left out" in found["text"]


def test_what_was_simulated_is_what_fits(known: Service) -> None:
    runs, publisher = known.parts.policy.runs, known.parts.publisher
    found = simulated(known, with_rule(CAREFUL))
    same, other = publisher.checked(with_rule(CAREFUL)), publisher.checked(SHIPPED)
    base = SHIPPED["version"]
    runs.fits(found["simulation_id"], same, base)
    for id, given, live, said in (
        (found["simulation_id"], other, base, "another policy"),
        (found["simulation_id"], same, base + 1, f"version {base + 1} is in force"),
        ("sim_x", same, base, "No simulation"),
    ):
        with pytest.raises(Problem, match=said) as caught:
            runs.fits(id, given, live)
        assert caught.value.code == "simulation_unfit"


def test_a_run_that_fails_is_said(known: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = known.parts.policy.runs
    run = runs.simulation(SHIPPED, None, "ana", NOW)

    def broken(_: Any) -> None:
        raise RuntimeError("a defect")

    run.add = broken  # type: ignore[misc]
    with pytest.raises(Problem) as caught:
        runs.start(run)
    assert caught.value.code == "run_failed"
    assert runs.start(runs.simulation(SHIPPED, None, "ana", NOW))["status"] == "done"


def test_runs_that_could_not_be_kept_take_nobody_s_place(known: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = known.parts.policy.runs

    def away(*_: Any) -> Any:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "_keep", away)
        for _ in range(9):
            with pytest.raises(StoreUnavailable):
                runs.start(runs.count("kim", NOW))
    assert runs.start(runs.count("kim", NOW), 60.0)["status"] == "done"


def test_a_long_run_goes_on_beside_requests_and_tells_how_far_it_is(
    known: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riskapi.simulations.runs._WAIT", 0.0)
    runs, goes_on = known.parts.policy.runs, threading.Event()
    run = runs.simulation(SHIPPED, None, "ana", NOW)
    add = run.add

    def slow(slice: list[RecordedSignup]) -> None:
        assert goes_on.wait(60)
        add(slice)

    run.add = slow  # type: ignore[misc]
    state = runs.start(run)
    assert (state["status"], "moved" in state) == ("running", False)
    others = [runs.simulation(SHIPPED, None, "ana", NOW) for _ in range(4)]
    for other in others[:3]:
        runs.start(other)
    with pytest.raises(Problem) as caught:
        runs.start(others[3])
    assert caught.value.code == "rate_limited"
    with pytest.raises(Problem, match="not done"):
        runs.fits(run.id, known.parts.publisher.checked(SHIPPED), SHIPPED["version"])
    goes_on.set()
    for each in (run, *others[:3]):
        until(lambda id=each.id: runs.get("simulation", id)["status"] == "done")  # type: ignore[misc]


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # The worked figures of Wilson's interval: 0 of 10, 5 of 10, 10 of 10.
    [(0, 10, 0.0, 0.277533), (5, 10, 0.236593, 0.763407), (10, 10, 0.722467, 1.0)],
)
def test_a_share_says_how_sure_it_is(count: int, of: int, low: float, high: float) -> None:
    found = share(count, of)
    assert [found["low"], found["high"]] == pytest.approx([low, high], abs=1e-5)
    assert share(0, 0) == {"count": 0, "of": 0, "share": None, "low": 0.0, "high": 1.0}


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Exact Poisson limits (Garwood 1936), which Byar's come close to: 0: 0 to 3.69; 10: 4.80 to 18.39.
    [(0, 0.0, 3.69), (10, 4.80, 18.39)],
)
def test_a_rate_says_how_sure_it_is(count: int, low: float, high: float) -> None:
    found = rate(count, 1)
    assert [found["low"], found["high"]] == pytest.approx([low, high], abs=0.06)
