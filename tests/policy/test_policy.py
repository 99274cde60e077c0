"""Policies that are refused, each with the file, the key and the reason, and policies that stand."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from riskapi import policy
from riskapi.errors import ConfigurationError
from riskapi.policy import DEFAULT
from riskapi.policy.tables import Caps
from tests.small_policy import GOOD, POLICIES, good, overlaid

BUSTED = sorted(POLICIES.glob("busted_*.toml"))


@pytest.mark.parametrize("path", BUSTED, ids=[path.stem.removeprefix("busted_") for path in BUSTED])
def test_a_broken_policy_is_refused_with_file_key_and_reason(path: Path) -> None:
    text = path.read_text()
    expected = text.splitlines()[0].removeprefix("# error: ")
    with pytest.raises(ConfigurationError) as caught:
        policy.check(overlaid(GOOD, tomllib.loads(text)), where=path.name)
    assert str(caught.value).startswith(f"{path.name}: {expected}"), caught.value
    assert caught.value.reason


@pytest.mark.parametrize(
    ("source", "key", "reason"),
    [
        pytest.param("version = 1\ntiers = [\n", "end of document", "not TOML", id="list not closed"),
        pytest.param("version = 1\nversion = 2\n", "line 2", "not TOML: Cannot overwrite a value", id="key twice"),
        pytest.param("version = \n", "line 1", "not TOML: Invalid value", id="value missing"),
        pytest.param(b"\xff\xfe", "byte 0", "is not UTF-8 text", id="not UTF-8"),
        pytest.param("", "version", "is missing", id="empty"),
        pytest.param(b"\x00", "line 1", "not TOML", id="NUL byte"),
        pytest.param("version = " + "9" * 5000, "file", "has a number of too many digits", id="endless number"),
        pytest.param("version = " + "[" * 20_000, "file", "has a number of too many digits", id="deep"),
    ],
)
def test_text_that_is_no_policy_is_refused_with_its_place(source: str | bytes, key: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        policy.load(source, where="live policy")
    assert (caught.value.where, caught.value.reason[: len(reason)]) == ("live policy", reason)
    assert caught.value.key.startswith(key), caught.value.key


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml: file: cannot be read: No such file"):
        policy.load(tmp_path / "none.toml")


def test_the_shipped_policy_stands() -> None:
    found = policy.load(DEFAULT)
    assert len(found.rules) >= 12
    assert found.live and found.shadow
    assert (found.tiers.allow.hourly, found.tiers.allow.daily, found.tiers.allow.monthly) == (200, 500, 5000)


def test_a_policy_may_come_as_a_file_text_or_bytes() -> None:
    path = POLICIES / "good_small.toml"
    assert policy.load(path) == policy.load(path.read_text()) == policy.load(path.read_bytes())


def test_a_policy_cannot_be_changed_after_it_was_checked() -> None:
    with pytest.raises(ValueError, match="frozen"):
        good().version = 9


def test_rules_that_are_off_are_checked_but_neither_live_nor_on_trial() -> None:
    rule = {"name": "some_rule", "tier": "limit", "text": "t", "when": {"velocity_phone_30d": {"ge": 2}}}
    found = good(rules=[{**rule, "mode": "off"}])
    assert (found.live, found.shadow) == ({}, ())
    with pytest.raises(ConfigurationError, match="no such signal"):
        good(rules=[{**rule, "mode": "off", "when": {"nothing": {"ge": 2}}}])


def test_during_an_outage_no_cap_is_above_the_outage_section() -> None:
    found = good(outage={"hourly": 5, "daily": 20, "monthly": 50})
    assert found.caps("allow") == found.tiers.allow
    assert found.caps("allow", outage=True) == Caps(hourly=5, daily=20, monthly=50)
    assert found.caps("limit", outage=True).model_dump() == found.caps("limit").model_dump(exclude={"steps"})


def test_the_setting_for_the_model_overrides_the_mode_and_nothing_else() -> None:
    found = good(model={"mode": "live"})
    assert found.with_model_mode("off") == good(model={"mode": "off"})


def test_the_guard_knows_which_signals_are_about_shared_places() -> None:
    found = good()
    assert found.guards("velocity_ip_24h")
    assert not found.guards("velocity_phone_24h")


def test_the_plan_shown_in_the_shipped_policy_and_on_the_page_for_operators_stands() -> None:
    shipped = DEFAULT.read_text()
    commented = shipped[shipped.index("# [plans.pro]\n") : shipped.index("# --- When the score decides")]
    page = (POLICIES.parents[1] / "docs/plans.md").read_text()
    for shown in (commented.replace("# ", ""), page.split("```toml\n")[1].partition("```")[0]):
        plans = tomllib.loads(shown)["plans"]
        found = policy.check({**tomllib.loads(shipped), "plans": plans}, where="shown")
        assert found.plans["pro"].paid and found.caps("review", "pro").daily == 500
