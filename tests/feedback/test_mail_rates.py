"""Rates: by whose mail it was, shares of what they are shares of, and counted with the events."""

from __future__ import annotations

import pytest

from riskapi.accounts.origin import Origin
from riskapi.api.parts import Parts
from riskapi.feedback.event import FeedbackEvent
from riskapi.feedback.mail_rates import Rates, happened, rates
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from riskapi.store.tallies import Tallies, totals
from tests.conftest import NOW
from tests.signups import body

DAY = 86400.0


@pytest.mark.parametrize(
    ("found", "complaints", "bounces", "blocks"),
    [
        ({"d": 90, "h": 5, "b": 5, "c": 9}, 0.1, 0.05, 0.05),
        ({"c": 3, "h": 2}, None, None, None),
        ({"d": 1, "c": 3}, 1.0, 0.0, 0.0),
        ({}, None, None, None),
    ],
)
def test_shares(found: dict[str, int], complaints: float | None, bounces: float | None, blocks: float | None) -> None:
    made = rates(found)
    assert (made.complaint_rate, made.bounce_rate, made.block_rate) == (complaints, bounces, blocks)


@pytest.mark.parametrize(("days", "cohort"), [(0, "first day"), (1, "first week"), (29, "first month"), (31, "older")])
def test_cohorts(days: int, cohort: str) -> None:
    rows = happened([("complaint", Origin("allow", NOW - days * DAY, "64496", "ruiz.example"))], NOW)
    assert [row.id for row in rows if row.group == "cohort"] == [cohort]


def test_events_are_counted_once_by_tier_network_domain_and_cohort(parts: Parts, store: Store) -> None:
    parts.assessor.signup(body("u_1"), NOW)
    store.execute("HSET", account_key("u_1"), "tier", "review", "origin", "64496 ruiz.example")
    events = [FeedbackEvent(id=str(number), type="delivered", user_id="u_1") for number in range(9)]
    events += [FeedbackEvent(id="c", type="complaint", user_id="u_1")] * 2
    events += [FeedbackEvent(id="d", type="unsubscribe", user_id="u_1")]
    for _ in range(2):
        parts.feedback.count(events, NOW)
    found = Tallies(store).read(NOW, "hour", 1)
    for group, id in (("mail", "all"), ("tier", "review"), ("asn", "AS64496"), ("cohort", "first day")):
        assert rates(totals(found, group)[id]) == Rates(9, 0, 1, 0), group
    assert [rates(counts) for counts in totals(found, "domain").values()] == [Rates(9, 0, 1, 0)]
    assert "ruiz.example" not in totals(found, "domain")  # too little for its name


def test_an_account_without_an_origin_counts_where_it_is_known(parts: Parts, store: Store) -> None:
    store.execute("HSET", account_key("u_1"), "tier", "allow", "at", repr(NOW - 90 * DAY))
    parts.feedback.count([FeedbackEvent(id="b", type="block", user_id="u_1")], NOW)
    found = Tallies(store).read(NOW, "day", 1)
    assert totals(found, "asn") == {"unknown": {"b": 1}} == totals(found, "domain")
    assert totals(found, "cohort") == {"older": {"b": 1}} and totals(found, "tier") == {"allow": {"b": 1}}


def test_a_signup_notes_where_it_came_from(parts: Parts, store: Store) -> None:
    parts.assessor.signup(body("u_1"), NOW)
    _, _, domain = store.execute("HGET", account_key("u_1"), "origin").decode().partition(" ")
    assert domain == "ruiz.example"
