"""Verdicts, as tables: what is an alarm, what is none, and what cannot be known."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.feedback.platform.feed_activity import FeedActivity
from riskapi.feedback.platform.receivers import Receiving
from riskapi.feedback.platform.verdicts import Seen, Verdict, silence_limit, verdicts
from riskapi.policy import Policy
from tests.conftest import NOW
from tests.feedback.platform.conftest import SHIPPED, with_rules

HOUR, DAY = 3600, 86_400
TODAY, THIS_HOUR = int(NOW // DAY), int(NOW // HOUR)
RULES = SHIPPED.feedback.platform


def found(seen: Seen, under_way: Any = (), policy: Policy = SHIPPED) -> dict[str, Verdict]:
    rules = policy.feedback
    return {each.name: each for each in verdicts(rules.platform, rules.confidence, seen, under_way, NOW)}


def states(seen: Seen, under_way: Any = (), policy: Policy = SHIPPED) -> dict[str, str]:
    return {name: each.state for name, each in found(seen, under_way, policy).items()}


def feed(ago: float = 60, name: str = "postmark", pause: float = 1800, days: int = 14, **more: Any) -> FeedActivity:
    """A feed that was heard ten times a day for some days, with no pause longer than ``pause``, and ``ago`` last."""
    past = range(TODAY - days, int((NOW - ago) // DAY) + 1)
    counts = {
        "G": dict.fromkeys(past, 10.0),
        "P": dict.fromkeys(past, 100.0),
        "m": dict.fromkeys(past, pause),
        **more.pop("counts", {}),
    }
    return FeedActivity(name, NOW - max(days * DAY, ago), NOW - ago, counts=counts, **more)


def heard(each: FeedActivity, since: float = NOW - 30 * DAY) -> Seen:
    return Seen(heard={each.feed: each}, feeds={"postmark", "json"}, since=since)


@pytest.mark.parametrize(
    ("attempted", "blocked", "delivered", "state"),
    [
        pytest.param(100, 30, 1000, "crossed", id="nearly a third of a hundred"),
        pytest.param(100, 12, 1000, "unknown", id="above the level, but not for certain"),
        pytest.param(100, 10, 1000, "clear", id="at the level"),
        pytest.param(100_000, 11_000, 90_000, "crossed", id="little above it, of very many"),
        pytest.param(1000, 0, 1000, "clear", id="none"),
        pytest.param(99, 99, 1000, None, id="all of too few"),
        pytest.param(100, 100, 0, "unknown", id="all, where nobody reports deliveries"),
        pytest.param(100, 100, 1, "crossed", id="all, where others report deliveries"),
    ],
)
def test_blocks_by_receiving_domain(attempted: int, blocked: int, delivered: int, state: str | None) -> None:
    seen = Seen(Receiving({"gmail.com": (attempted, blocked)}, delivered=delivered))
    assert states(seen).get("blocks gmail.com") == state


def test_of_very_many_domains_the_largest_are_judged() -> None:
    domains = {f"d{number}.example": (1000 + number, 500) for number in range(300)}
    assert len(states(Seen(Receiving(domains, delivered=1)))) == 100


@pytest.mark.parametrize(
    ("each", "since", "state"),
    [
        pytest.param(feed(ago=60), 0, "clear", id="heard a minute ago"),
        pytest.param(feed(ago=2 * HOUR), 0, "clear", id="as long as it may: twice the least pause"),
        pytest.param(feed(ago=2 * HOUR + 1), 0, "crossed", id="a second longer"),
        pytest.param(feed(ago=2 * HOUR + 1, pause=2 * HOUR), 0, "clear", id="it often pauses as long"),
        pytest.param(feed(ago=3 * DAY, pause=2 * DAY), 0, "clear", id="a weekend and a holiday"),
        pytest.param(feed(ago=5 * DAY, pause=2 * DAY), 0, "crossed", id="five days where two are the longest"),
        pytest.param(feed(ago=5 * DAY, days=6), 0, "clear", id="known for six days only"),
        pytest.param(feed(ago=5 * DAY, counts={"G": {TODAY - 10: 49}}), 0, "clear", id="heard too seldom"),
        pytest.param(feed(ago=31 * DAY), 0, "clear", id="given up a month ago"),
        pytest.param(feed(ago=DAY), NOW - HOUR, "unknown", id="watched for an hour only"),
        pytest.param(FeedActivity("postmark"), 0, "clear", id="never heard"),
    ],
)
def test_silence(each: FeedActivity, since: float, state: str) -> None:
    # The feed's past ends where it was heard last.
    assert states(heard(each, since))["feed_silence postmark"] == state


def test_days_without_any_are_no_fall() -> None:
    past = {day: float(day % 7 > 1) * 10 for day in range(TODAY - 14, TODAY + 1)}
    each = feed(5, since_good=3, share=0.9, counts={"G": past, "g": {}})
    assert states(heard(each))["feed_signatures postmark"] == "clear"


def test_a_feed_keeps_its_rhythm_while_it_is_silent() -> None:
    """What is 28 days old at the end of a long silence was young when it began."""
    each = feed(ago=20 * DAY, days=40)
    assert silence_limit(RULES, each) == 2 * HOUR
    assert states(heard(each))["feed_silence postmark"] == "crossed"


def window(understood: int, missed: int) -> dict[str, dict[int, float]]:
    return {"p": {THIS_HOUR - 1: understood}, "x": {THIS_HOUR: missed}}


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        pytest.param(window(100, 0), "clear", id="all understood"),
        pytest.param(window(100, 40), "crossed", id="suddenly many not"),
        pytest.param(window(0, 20), "crossed", id="suddenly none"),
        pytest.param(window(0, 19), "unknown", id="none, of too few"),
        pytest.param(window(0, 0), "clear", id="nothing came"),
        pytest.param(window(17, 3), "unknown", id="a few more, and maybe by chance"),
        pytest.param({"p": {THIS_HOUR - 24: 0.0}, "x": {THIS_HOUR - 24: 500.0}}, "clear", id="yesterday"),
        pytest.param(
            {**window(80, 20), "X": dict.fromkeys(range(TODAY - 14, TODAY), 20.0)}, "clear", id="it always was so"
        ),
        pytest.param(
            {**window(0, 100), "X": dict.fromkeys(range(TODAY - 14, TODAY), 900.0)}, "crossed", id="never usual"
        ),
    ],
)
def test_shape(counts: dict[str, Any], state: str) -> None:
    assert states(heard(feed(counts=counts)))["feed_shape postmark"] == state


def bad(ago: float, since_good: int, share: float, good: float = 10) -> FeedActivity:
    """A feed that had so many good requests within the day, and ten on any other."""
    return feed(ago, since_good=since_good, share=share, counts={"g": {THIS_HOUR - 2: good}})


@pytest.mark.parametrize(
    ("each", "state"),
    [
        pytest.param(bad(HOUR + 1, 20, 0.4), "crossed", id="good ones stopped, bad ones come"),
        pytest.param(bad(HOUR + 1, 19, 0.4), "clear", id="too few bad ones"),
        pytest.param(bad(HOUR - 1, 9999, 1.0), "clear", id="a flood of noise in a usual pause"),
        pytest.param(bad(5, 3, 0.97), "clear", id="noise beside the usual good ones"),
        pytest.param(bad(5, 3, 0.5, 5), "crossed", id="half of all fail, half of the good ones come"),
        pytest.param(bad(5, 0, 0.05, 2), "clear", id="a quiet day without bad ones"),
        pytest.param(bad(40 * DAY, 9999, 1.0), "clear", id="noise at a feed that was given up"),
        pytest.param(
            FeedActivity("postmark", since_good=500, share=1.0), "clear", id="noise at a feed that was never good"
        ),
    ],
)
def test_signatures(each: FeedActivity, state: str) -> None:
    assert states(heard(each))["feed_signatures postmark"] == state


def test_a_listing_is_as_the_list_says_or_unknown() -> None:
    seen = Seen(listings={"192.0.2.1 on a": True, "192.0.2.1 on b": False, "192.0.2.1 on c": None})
    assert list(states(seen).values()) == ["crossed", "clear", "unknown"]


def test_what_is_not_watched_any_more_is_clear() -> None:
    under_way = ["listing 192.0.2.1 on a", "feed_silence postmark", "blocks gmail.com"]
    seen = Seen(heard={"postmark": feed(ago=5 * DAY)}, feeds=())  # its secret was taken away
    assert states(seen, under_way) == dict.fromkeys(under_way, "clear")
    other = Receiving({"yahoo.com": (100, 0)})  # and nobody reports deliveries
    assert states(Seen(other), ["blocks gmail.com"])["blocks gmail.com"] == "unknown"


def test_a_source_of_json_is_watched_as_a_feed_of_its_own() -> None:
    assert states(heard(feed(ago=DAY, name="json:mta")))["feed_silence json:mta"] == "crossed"


def test_rules_that_are_off_say_nothing_and_shadows_say_so() -> None:
    policy = with_rules(blocks={"mode": "off"}, silence={"mode": "shadow"})
    seen = Seen(
        Receiving({"gmail.com": (100, 100)}, delivered=1), heard={"postmark": feed(ago=DAY)}, feeds={"postmark"}
    )
    verdict = found(seen, ["blocks gmail.com"], policy)
    assert verdict["blocks gmail.com"].state == "clear"
    assert (verdict["feed_silence postmark"].state, verdict["feed_silence postmark"].mode) == ("crossed", "shadow")
