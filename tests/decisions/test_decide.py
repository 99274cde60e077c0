"""What is decided on which readings: thresholds, rules, guard, shadow, outage, reasons, and replay."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import signals
from model import card, features
from model.card import Calibration, Window
from model.scorer import Explanation, Score, Scorer, sigmoid
from riskapi import policy
from riskapi.decisions.decide import Decision, decide
from riskapi.lists.matching import KINDS, Listed, verdict
from riskapi.policy import Policy
from riskapi.policy.tables import SEVERITY
from signals.registry import Readings
from tests.small_policy import made, rule

UNKNOWN: Readings = dict.fromkeys(signals.registered())
SHIPPED = policy.load(policy.DEFAULT)


class Told(Scorer):
    """A model that says what it is told: log-odds ``bias`` plus the contributions; its margin is half of that."""

    def __init__(self, bias: float, contributions: Mapping[str, float] | None = None) -> None:
        self.version = "2026-11-20.told"
        self.bias, self.contributions = bias, dict(contributions or {})
        self.explained = 0

    def score(self, readings: Readings) -> Score:
        log_odds = self.bias + sum(self.contributions.values())
        return Score(log_odds / 2, log_odds, sigmoid(log_odds), np.zeros(0))

    def explain(self, score: Score) -> Explanation:
        self.explained += 1
        columns = tuple(self.contributions)
        return Explanation(columns, tuple(self.contributions.values()), self.bias, columns)


def odds(risk_score: float) -> float:
    """The log-odds that make this risk score."""
    return math.log(risk_score / (100 - risk_score))


def decided(readings: Mapping[str, Any], scorer: Scorer | None, by: Policy, **how: Any) -> Decision:
    return decide({**UNKNOWN, **readings}, scorer, by, **how)


# Score and thresholds


@pytest.mark.parametrize(
    ("log_odds", "tier", "risk_score"),
    [
        pytest.param(odds(1), "allow", 1.0, id="far below"),
        pytest.param(odds(39.999), "allow", 40.0, id="below, though it rounds up"),
        pytest.param(odds(40) + 1e-12, "review", 40.0, id="at the review threshold"),
        pytest.param(odds(90.49), "review", 90.49, id="below the limit"),
        pytest.param(odds(90.5) + 1e-12, "limit", 90.5, id="at the limit"),
        pytest.param(900.0, "limit", 100.0, id="certain"),
        pytest.param(-900.0, "allow", 0.0, id="certainly not"),
    ],
)
def test_thresholds_are_held_against_the_unrounded_score(log_odds: float, tier: str, risk_score: float) -> None:
    found = decided({}, Told(log_odds), made())
    assert (found.tier, found.risk_score, found.source) == (tier, risk_score, "model")
    assert found.margin == log_odds / 2
    assert found.probability == sigmoid(log_odds)


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_without_a_live_model_the_score_is_the_prior(mode: str) -> None:
    found = decided({}, Told(9.0), made(mode=mode))
    assert (found.tier, found.risk_score, found.margin, found.source) == ("allow", 5.0, None, "rule")


# Rules


@pytest.mark.parametrize(
    ("when", "value", "fires"),
    [
        pytest.param({"velocity_phone_30d": {"ge": 3}}, 3, True, id="ge"),
        pytest.param({"velocity_phone_30d": {"ge": 3}}, 2, False, id="not ge"),
        pytest.param({"velocity_phone_30d": {"gt": 3}}, 3, False, id="not gt"),
        pytest.param({"velocity_phone_30d": {"gt": 2.5}}, 3, True, id="gt a fraction"),
        pytest.param({"velocity_phone_30d": {"le": 3}}, 3, True, id="le"),
        pytest.param({"velocity_phone_30d": {"lt": 3}}, 3, False, id="not lt"),
        pytest.param({"velocity_phone_30d": {"eq": 3}}, 3, True, id="eq"),
        pytest.param({"velocity_phone_30d": {"ne": 3}}, 4, True, id="ne"),
        pytest.param({"velocity_phone_30d": {"ne": 3}}, 3, False, id="not ne"),
        pytest.param({"velocity_phone_30d": {"in": [3, 5]}}, 5, True, id="in"),
        pytest.param({"velocity_phone_30d": {"in": [3, 5]}}, 4, False, id="not in"),
        pytest.param({"velocity_phone_30d": {"ge": 3, "lt": 5}}, 4, True, id="in a range"),
        pytest.param({"velocity_phone_30d": {"ge": 3, "lt": 5}}, 5, False, id="past a range"),
        pytest.param({"velocity_phone_30d": {"ne": 3}}, None, False, id="unknown is not other"),
        pytest.param({"velocity_phone_30d": {"lt": 3}}, None, False, id="unknown is not less"),
        pytest.param(
            {"velocity_phone_30d": {"ge": 3}, "email_is_disposable": {"eq": False}}, 9, False, id="one of two unknown"
        ),
    ],
)
def test_a_rule_fires_when_every_condition_holds(when: dict[str, Any], value: int | None, fires: bool) -> None:
    found = decided({"velocity_phone_30d": value}, Told(-5.0), made(rule("phone_rule", **when)))
    assert (found.tier, found.fired) == (("review", ("phone_rule",)) if fires else ("allow", ()))
    assert (found.source, found.rule) == (("rule", "phone_rule") if fires else ("model", None))


@pytest.mark.parametrize(
    ("score", "rules", "expected"),
    [
        pytest.param(1, ("review",), ("review", "rule", "rule_0"), id="rule tightens"),
        pytest.param(50, ("review",), ("review", "model", None), id="score asks for the same"),
        pytest.param(95, ("review",), ("limit", "model", None), id="rule cannot loosen"),
        pytest.param(50, ("review", "limit"), ("limit", "rule", "rule_1"), id="tightest rule wins"),
        pytest.param(1, ("limit", "review", "limit"), ("limit", "rule", "rule_0"), id="first of equals is named"),
    ],
)
def test_the_tightest_of_score_and_rules_decides(
    score: float, rules: tuple[str, ...], expected: tuple[str, str, str | None]
) -> None:
    by = made(*(rule(f"rule_{at}", tier) for at, tier in enumerate(rules)))
    found = decided({"velocity_phone_30d": 3}, Told(odds(score)), by)
    assert (found.tier, found.source, found.rule) == expected
    assert found.fired == tuple(f"rule_{at}" for at in range(len(rules)))


# A shared place alone limits nobody


@pytest.mark.parametrize(
    ("bias", "contributions", "tier", "eased"),
    [
        pytest.param(-3.0, {"velocity_ip_1h": 6.0}, "review", True, id="only the address speaks against it"),
        pytest.param(-3.0, {"velocity_phone_1h": 6.0}, "limit", False, id="the phone speaks against it"),
        pytest.param(-3.0, {"velocity_ip_1h": 3.0, "velocity_phone_1h": 6.0}, "limit", False, id="limit without it"),
        pytest.param(-3.0, {"velocity_ip_1h": 4.0, "velocity_phone_1h": 2.6}, "review", True, id="it made the limit"),
        pytest.param(-3.0, {"velocity_ip_1h": 3.0}, "review", False, id="the guard's own tier stands"),
        pytest.param(3.0, {"velocity_ip_1h": -0.5}, "limit", False, id="a good address is no help"),
        pytest.param(-3.0, {"velocity_ip_1h": 3.0, "links_ip_abusive": 3.0}, "review", True, id="two of one place"),
    ],
)
def test_a_shared_place_alone_does_not_limit(
    bias: float, contributions: dict[str, float], tier: str, eased: bool
) -> None:
    found = decided({}, Told(bias, contributions), made())
    assert (found.tier, found.eased) == (tier, eased)


def test_a_guard_that_allows_takes_a_review_away_too() -> None:
    by = made(guard={"tier": "allow"})
    assert decided({}, Told(-3.0, {"velocity_ip_1h": 3.0}), by).tier == "allow"
    assert decided({}, Told(-3.0, {"velocity_ip_1h": 2.0, "velocity_phone_1h": 3.0}), by).tier == "review"


def test_a_rule_still_counts_when_the_score_was_eased() -> None:
    found = decided({"velocity_phone_30d": 3}, Told(-3.0, {"velocity_ip_1h": 6.0}), made(rule("phone_rule", "limit")))
    assert (found.tier, found.source, found.rule, found.eased) == ("limit", "rule", "phone_rule", True)


# Shadow


def test_a_rule_on_trial_is_recorded_and_changes_nothing() -> None:
    by = made(rule("live_rule"), rule("trial_rule", "limit", "shadow"), rule("off_rule", "limit", "off"))
    found = decided({"velocity_phone_30d": 3}, Told(odds(1)), by)
    assert (found.tier, found.rule, found.fired) == ("review", "live_rule", ("live_rule",))
    assert [(row.candidate, row.decision, row.risk_score) for row in found.shadow] == [
        ("rule:trial_rule", "limit", 1.0)
    ]
    assert [reason.code for reason in found.reasons] == ["LIVE_RULE"]


def test_a_rule_on_trial_that_does_not_match_says_nothing() -> None:
    assert decided({"velocity_phone_30d": 1}, Told(odds(1)), made(rule("trial_rule", mode="shadow"))).shadow == ()


def test_a_model_on_trial_is_recorded_with_its_own_score_and_changes_nothing() -> None:
    found = decided({"velocity_phone_30d": 3}, Told(odds(95)), made(rule("live_rule"), mode="shadow"))
    assert (found.tier, found.risk_score, found.margin) == ("review", 5.0, None)
    assert [(row.candidate, row.decision, row.risk_score) for row in found.shadow] == [
        ("model:2026-11-20.told", "limit", 95.0)
    ]


def test_a_model_on_trial_is_guarded_as_a_live_one() -> None:
    found = decided({}, Told(-3.0, {"velocity_ip_1h": 6.0}), made(mode="shadow"))
    assert [row.decision for row in found.shadow] == ["review"]


# Outage


@pytest.mark.parametrize(
    ("asked", "score", "rules", "expected"),
    [
        pytest.param("review", 1, (), ("review", None), id="nobody is waved through"),
        pytest.param("allow", 1, (), ("allow", None), id="a small budget only"),
        pytest.param("review", 95, (), ("limit", None), id="the score still speaks"),
        pytest.param("review", 1, ("limit",), ("limit", "rule_0"), id="a rule still tightens"),
        pytest.param("limit", 1, ("review",), ("limit", None), id="tighter than the rule"),
        pytest.param("review", 1, ("review",), ("review", "rule_0"), id="rule asks for the same"),
    ],
)
def test_while_the_store_is_away_the_outage_section_is_the_least(
    asked: str, score: float, rules: tuple[str, ...], expected: tuple[str, str | None]
) -> None:
    by = made(*(rule(f"rule_{at}", tier) for at, tier in enumerate(rules)), outage={"tier": asked})
    found = decided({"velocity_phone_30d": 3}, Told(odds(score)), by, store_away=True)
    assert (found.tier, found.rule) == expected
    assert (found.source, found.store_away) == ("outage", True)
    if found.tier != "allow":
        assert found.reasons[0].code == "OUTAGE"


def test_a_live_model_that_is_missing_is_an_outage() -> None:
    found = decided({}, None, made())
    assert (found.tier, found.source, found.risk_score, found.store_away) == ("review", "outage", 5.0, False)


def test_a_model_that_is_off_is_no_outage() -> None:
    assert decided({}, None, made(mode="off")).source == "rule"
    assert decided({}, None, made(mode="shadow")).shadow == ()


# Lists


@pytest.mark.parametrize(
    ("risk_score", "on", "tier", "source", "rule_"),
    [
        (1.0, "deny", "limit", "list", "lst_1"),
        (95.0, "deny", "limit", "list", "lst_1"),
        (1.0, "watch", "review", "list", "lst_1"),
        (50.0, "watch", "review", "model", None),
        (95.0, "watch", "limit", "model", None),
        (1.0, "allow", "allow", "list", "lst_1"),
        (95.0, "allow", "allow", "list", "lst_1"),
    ],
)
def test_an_entry_of_a_list_has_the_last_word(
    risk_score: float, on: Any, tier: str, source: str, rule_: str | None
) -> None:
    listing = Listed(on, "email_domain", "lst_1")
    found = decided({}, Told(odds(risk_score)), made(), listing=listing)
    assert (found.tier, found.source, found.rule) == (tier, source, rule_)
    assert found.risk_score == risk_score
    assert (found.reasons[0].code, found.reasons[0].signal, found.reasons[0].contribution) == (
        f"LIST_{on.upper()}", None, None,
    )  # fmt: skip
    assert found.reasons[0].text == f"Its mail domain is on the {on} list"
    assert found.listing == listing


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_entry_is_named_in_its_reason(kind: Any) -> None:
    listing = verdict([Listed("deny", kind, "lst_1")])
    text = decided({}, Told(odds(1)), made(), listing=listing).reasons[0].text
    assert re.fullmatch(r"Its [a-zA-Z_ -]+ is on the deny list", text)


def test_allow_beats_a_live_rule_which_is_still_told() -> None:
    found = decided({"velocity_phone_30d": 3}, Told(odds(1)), made(rule("live_rule", "limit")), listing=ALLOWED)
    assert (found.tier, found.source, found.rule, found.fired) == ("allow", "list", "lst_a", ("live_rule",))


def test_candidates_on_trial_would_have_been_overruled_too() -> None:
    by = made(rule("on_trial", "limit", "shadow"), mode="shadow")
    found = decided({"velocity_phone_30d": 3}, Told(odds(99)), by, listing=ALLOWED)
    assert [row.decision for row in found.shadow] == ["allow", "allow"]
    watched = decided({"velocity_phone_30d": 3}, Told(odds(1)), by, listing=Listed("watch", "ip", "lst_w"))
    assert [row.decision for row in watched.shadow] == ["limit", "review"]


def test_what_lists_say_is_unknown_while_the_store_is_away() -> None:
    found = decided({}, Told(odds(1)), made(), store_away=True, listing=ALLOWED)
    assert found == decided({}, Told(odds(1)), made(), store_away=True)
    assert (found.source, found.listing) == ("outage", None)


def test_a_person_s_word_stands_while_only_the_model_is_missing() -> None:
    found = decided({}, None, made(), listing=ALLOWED)
    assert (found.tier, found.source) == ("allow", "list")
    found = decided({}, None, made(), listing=Listed("watch", "ip", "lst_w"))
    assert (found.tier, found.source) == ("review", "outage")


ALLOWED = Listed("allow", "user", "lst_a")


# Reasons


def test_rules_come_first_then_the_loudest_signals() -> None:
    contributions = {
        "velocity_phone_24h": 1.0,
        "velocity_device_24h": 2.0,
        "velocity_mailbox_1h": 0.05,
        "velocity_ip_1h": -4.0,
    }
    readings = {"velocity_phone_30d": 3, "velocity_phone_24h": 2, "velocity_device_24h": 7}
    found = decided(readings, Told(odds(50), contributions), made(rule("phone_rule", "limit")))
    assert [(row.code, row.signal, row.contribution) for row in found.reasons] == [
        ("PHONE_RULE", None, None),
        ("VELOCITY_DEVICE_24H", "velocity_device_24h", 2.0),
        ("VELOCITY_PHONE_24H", "velocity_phone_24h", 1.0),
    ]
    assert found.reasons[0].text == "Text of phone_rule"
    assert found.reasons[1].text == "7 accounts signed up with the same device within 24 hours, this one included"
    assert found.bias == odds(50)


def test_what_is_unknown_is_no_reason() -> None:
    found = decided(
        {"velocity_phone_24h": 2}, Told(odds(50), {"velocity_device_24h": 1.0, "velocity_phone_24h": 0.5}), made()
    )
    assert [row.signal for row in found.reasons] == ["velocity_phone_24h"]


def test_at_most_eight_signals_are_given() -> None:
    names = [name for name in signals.columns() if not name.startswith(("velocity_ip", "links_ip"))]
    found = decided(dict.fromkeys(names[:20], 1), Told(0.0, dict.fromkeys(names[:20], 1.0)), made())
    assert len(found.reasons) == 8


def test_an_allowed_signup_is_explained_only_on_request_with_what_spoke_for_it() -> None:
    scorer = Told(-3.0, {"velocity_phone_24h": 0.5, "velocity_ip_1h": -2.0, "velocity_device_24h": -1.0})
    assert decided({}, scorer, made()).reasons == ()
    assert scorer.explained == 0
    readings = {"velocity_phone_24h": 1, "velocity_ip_1h": 1, "velocity_device_24h": 1}
    found = decided(readings, scorer, made(), explain=True)
    assert [row.contribution for row in found.reasons] == [-2.0, -1.0, 0.5]
    assert scorer.explained == 1


@pytest.mark.parametrize("score", [1, 50, 95])
def test_asking_for_reasons_changes_nothing_else(score: float) -> None:
    scorer = Told(odds(score) - 1, {"velocity_phone_24h": 1.0})
    plain, explained = decided({}, scorer, made()), decided({}, scorer, made(), explain=True)
    assert (plain.tier, plain.probability, plain.margin, plain.rule) == (
        explained.tier,
        explained.probability,
        explained.margin,
        explained.rule,
    )


@pytest.mark.parametrize(("score", "explained"), [(1, 0), (50, 0), (95, 1)])
def test_without_reasons_the_decision_is_the_same_and_what_no_tier_needs_is_not_worked_out(
    score: float, explained: int
) -> None:
    scorer = Told(odds(score) - 1, {"velocity_phone_24h": 1.0})
    whole = decided({"velocity_phone_24h": 9}, scorer, made())
    scorer.explained = 0
    found = decided({"velocity_phone_24h": 9}, scorer, made(), bare=True)
    assert (found.tier, found.before, found.eased, found.fired) == (whole.tier, whole.before, whole.eased, whole.fired)
    assert found.reasons == ()
    assert scorer.explained == explained


# The shipped policy


@pytest.mark.parametrize(
    ("readings", "tier", "name"),
    [
        pytest.param({}, "allow", None, id="nothing known"),
        pytest.param({"links_phone_abusive": 1}, "review", "abusive_phone", id="abuser's phone"),
        pytest.param({"links_mailbox_abusive": 1}, "review", "abusive_mailbox", id="abuser's mailbox"),
        pytest.param(
            {"links_phone_abusive": 1, "links_proved_abusive": 1}, "limit", "abusive_proved", id="abuser's own phone"
        ),
        pytest.param({"links_device_abusive": 1}, "limit", "abusive_device", id="abuser's device"),
        pytest.param({"links_payment_abusive": 1}, "limit", "abusive_payment", id="abuser's card"),
        pytest.param({"links_cluster_abusive": 1}, "review", "abusive_company", id="shares a budget with an abuser"),
        pytest.param({"links_ip_abusive": 9, "velocity_ip_1h": 90}, "allow", None, id="busy address"),
        pytest.param({"links_abusive": 2}, "allow", None, id="near bad company"),
        pytest.param({"links_abusive": 3}, "review", "abusive_links", id="in bad company"),
        pytest.param({"behavior_honeypot_filled": True}, "review", "hidden_field_filled", id="hidden field"),
        pytest.param(
            {"behavior_honeypot_filled": True, "device_is_automated": True}, "limit", "scripted_form", id="script"
        ),
        pytest.param({"email_is_disposable": True}, "review", "throwaway_mailbox", id="throw-away mailbox"),
        pytest.param({"email_is_relay": True}, "allow", None, id="privacy relay"),
        pytest.param({"email_is_valid": False}, "review", "invalid_mailbox", id="invalid address"),
        pytest.param({"email_is_near_miss": True}, "allow", None, id="typing error"),
        pytest.param({"network_is_tor": True}, "allow", None, id="Tor"),
        pytest.param({"velocity_device_earlier": 1}, "allow", None, id="a couple's computer"),
        pytest.param({"velocity_device_earlier": 2}, "review", "device_reused", id="a third on one device"),
        pytest.param(
            {"velocity_device_24h": 9, "velocity_device_30d": 9, "velocity_device_earlier": 0},
            "allow",
            None,
            id="whoever came before the others",
        ),
        pytest.param({"velocity_device_earlier": 5}, "review", "device_reused", id="device burst"),
        pytest.param({"velocity_phone_earlier": 3}, "allow", None, id="family phone"),
        pytest.param({"velocity_phone_earlier": 4}, "review", "phone_reused", id="phone reused"),
        pytest.param({"velocity_mailbox_earlier": 2}, "allow", None, id="three of one mailbox"),
        pytest.param({"velocity_mailbox_earlier": 3}, "review", "mailbox_reused", id="mailbox reused"),
        pytest.param({"velocity_ip_1m": 9, "velocity_ip_1h": 60}, "allow", None, id="a hall at a conference"),
        pytest.param({"velocity_ip_1m": 10}, "review", "address_burst", id="ten in a minute"),
        pytest.param({"velocity_domain_15m": 9}, "allow", None, id="a training day"),
        pytest.param({"velocity_domain_15m": 10}, "review", "domain_burst", id="ten at one new domain"),
        pytest.param({"velocity_phone_block_24h": 5}, "review", "phone_block_burst", id="neighbouring numbers"),
        pytest.param({"velocity_pattern_1h": 5}, "allow", None, id="common pattern"),
        pytest.param({"velocity_pattern_1h": 5, "velocity_network_1h": 5}, "allow", None, id="a busy office"),
        pytest.param(
            {"velocity_pattern_1h": 5, "velocity_network_1h": 5, "network_is_hosting": True},
            "review",
            "pattern_burst",
            id="same make",
        ),
    ],
)
def test_the_shipped_rules_do_what_they_say(readings: dict[str, Any], tier: str, name: str | None) -> None:
    found = decided(readings, None, SHIPPED.with_model_mode("off"))
    assert (found.tier, found.rule) == (tier, name)


# Replay


def _values(name: str) -> st.SearchStrategy[Any]:
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "bool": st.booleans(),
        "int": st.integers(0, 100) | st.integers(0, 2**53),
        "float": st.floats(0, 1) | st.floats(allow_nan=False, allow_infinity=False),
        "str": st.text(max_size=5),
    }
    return st.none() | kinds[signals.registered()[name].type]


READINGS = st.fixed_dictionaries({name: _values(name) for name in signals.registered()})


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    """A real model on every column there is, trained on noise."""
    columns = signals.columns()
    random = np.random.default_rng(7)
    matrix = random.integers(0, 6, (600, len(columns))).astype(float)
    matrix[random.random(matrix.shape) < 0.3] = np.nan
    outcome = (np.nan_to_num(matrix[:, ::3]).sum(axis=1) > 1.5 * len(columns) / 3).astype(int)
    parameters = {"objective": "binary", "num_threads": 1, "verbosity": -1, "seed": 3}
    booster = lightgbm.train(parameters, lightgbm.Dataset(matrix, outcome, feature_name=list(columns)), 30)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    directory = tmp_path_factory.mktemp("artifact")
    card.save(
        directory,
        booster.model_to_string(),
        columns=columns,
        monotone=(0,) * len(columns),
        calibration=Calibration(a=1.3, b=0.2),
        trained_at=at,
        data=Window(first=at, last=at, rows=600, positives=int(outcome.sum()), simulated=True),
        metrics={},
        lightgbm=lightgbm.__version__,
        schema=signals.schema(),
    )
    return Scorer.load(directory, columns)


@settings(max_examples=60)
@given(readings=READINGS, explain=st.booleans(), store_away=st.booleans())
def test_replaying_recorded_readings_gives_the_same_decision(
    scorer: Scorer, readings: Readings, explain: bool, store_away: bool
) -> None:
    first = decide(readings, scorer, SHIPPED, explain=explain, store_away=store_away)
    recorded = json.loads(json.dumps(readings))
    assert decide(recorded, scorer, SHIPPED, explain=explain, store_away=store_away) == first
    bare = decide(readings, scorer, SHIPPED, explain=explain, bare=True, store_away=store_away)
    assert (bare.tier, bare.before, bare.rule, bare.source) == (first.tier, first.before, first.rule, first.source)
    assert features.row(recorded, scorer.columns).__repr__() == features.row(readings, scorer.columns).__repr__()


RULES = st.lists(
    st.builds(
        lambda name, tier, mode, at: rule(name, tier, mode, velocity_phone_30d={"ge": at}),
        st.from_regex(r"[a-z]{6,9}", fullmatch=True),
        st.sampled_from(["review", "limit"]),
        st.sampled_from(["off", "shadow", "live"]),
        st.integers(1, 6),
    ),
    max_size=4,
    unique_by=lambda found: found["name"],
)


@settings(max_examples=80)
@given(
    rules=RULES,
    phones=st.none() | st.integers(0, 8),
    risk_score=st.floats(0.1, 99.9),
    store_away=st.booleans(),
    at=st.integers(0, 4),
)
def test_adding_a_rule_never_loosens(
    rules: list[dict[str, Any]], phones: int | None, risk_score: float, store_away: bool, at: int
) -> None:
    added = rule("added_rule", "review", velocity_phone_30d={"ge": 2})
    readings, scorer = {"velocity_phone_30d": phones}, Told(odds(risk_score))
    before = decided(readings, scorer, made(*rules), store_away=store_away)
    after = decided(readings, scorer, made(*rules[:at], added, *rules[at:]), store_away=store_away)
    assert SEVERITY[after.tier] >= SEVERITY[before.tier]
    if (phones or 0) >= 2:
        assert SEVERITY[after.tier] >= SEVERITY["review"]
