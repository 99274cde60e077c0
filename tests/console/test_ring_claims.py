"""Claims of rings: whoever claims one review of a cluster holds all of them, and nobody else decides the ring."""

from __future__ import annotations

import pytest
from flask import Flask

from riskapi.api.parts import Parts
from riskapi.console.access_parts import AccessParts
from riskapi.errors import Problem
from riskapi.reviews.ring_claims import RingClaims
from riskapi.reviews.waiting_reviews import WaitingReviews
from riskapi.store.connections import Store
from tests.conftest import Clock
from tests.console.casework import DEVICE, Api, sign_up
from tests.console.visitor import Visitor, signed_in
from tests.signups import together


@pytest.fixture
def ring(api: Api) -> list[str]:
    """The reviews of three accounts that share a device."""
    return [sign_up(api, f"ring{number}", DEVICE) for number in range(3)]


@pytest.fixture
def bo(site: Flask, access_parts: AccessParts, clock: Clock) -> Visitor:
    """Another reviewer."""
    return signed_in(site, access_parts, "bo", "reviewer", clock.now)


@pytest.fixture
def claims(parts: Parts, store: Store) -> RingClaims:
    return RingClaims(store, parts.reviews, parts.publisher.active, WaitingReviews(store))


def holders(api: Api, reviews: list[str]) -> list[str | None]:
    """Who holds each review, as the API tells."""
    return [api("GET", f"/v1/reviews/{review}")["reviewer"] for review in reviews]


def press(visitor: Visitor, review: str, button: str, **fields: str) -> int:
    """Open a case and press a button of it; the status."""
    visitor.get(f"/console/cases/{review}")
    return visitor.post(f"/console/cases/{review}/{button}", **fields).status_code


def test_one_claim_holds_the_whole_ring(ana: Visitor, bo: Visitor, api: Api, ring: list[str]) -> None:
    other = sign_up(api, "alone")
    assert press(ana, ring[1], "claim") == 200
    assert holders(api, [*ring, other]) == ["ana", "ana", "ana", None]
    assert press(bo, ring[2], "claim") == 409 and "ana holds this review" in bo.text
    assert press(bo, ring[0], "decide", do="limit", code="spam") == 409
    assert press(ana, ring[0], "release") == 200 and holders(api, ring) == [None] * 3
    assert press(bo, ring[2], "claim") == 200 and holders(api, ring) == ["bo"] * 3


def test_of_many_who_claim_different_reviews_of_a_ring_one_gets_all(
    claims: RingClaims, api: Api, ring: list[str], clock: Clock
) -> None:
    found = together(12, lambda number: claims.claim(ring[number % 3], f"reviewer-{number}", clock.now))
    assert sum(not isinstance(each, Problem) for each in found) == 1
    assert {each.code for each in found if isinstance(each, Problem)} == {"review_held"}
    assert len(set(holders(api, ring))) == 1 and None not in holders(api, ring)


def test_of_many_who_decide_different_reviews_of_a_ring_at_once_one_may(
    claims: RingClaims, ring: list[str], clock: Clock
) -> None:
    found = together(12, lambda number: claims.hold(ring[number % 3], f"reviewer-{number}", clock.now))
    assert sum(each is False for each in found) == 1
    assert {each.code for each in found if isinstance(each, Problem)} == {"review_held"}


def test_who_joins_a_ring_that_is_held_is_held_too(ana: Visitor, bo: Visitor, api: Api, ring: list[str]) -> None:
    press(ana, ring[0], "claim")
    late = sign_up(api, "late", DEVICE)
    assert "held by ana" in bo.get(f"/console/cases/{late}").text
    assert press(bo, late, "claim") == 409 and press(bo, late, "decide", do="allow", code="other") == 409
    assert press(ana, late, "decide", do="limit", code="spam") == 200
    assert {api("GET", f"/v1/reviews/{review}")["status"] for review in [*ring, late]} == {"decided"}


def test_a_review_that_is_held_by_the_api_keeps_its_ring(ana: Visitor, api: Api, ring: list[str]) -> None:
    api("POST", f"/v1/reviews/{ring[2]}/claim", {"reviewer": "desk"})
    assert press(ana, ring[0], "claim") == 409 and "desk holds this review" in ana.text
    assert press(ana, ring[0], "decide", do="allow", code="other") == 409
    assert holders(api, ring) == [None, None, "desk"]
    api("POST", f"/v1/reviews/{ring[2]}/release", {"reviewer": "desk"})
    assert press(ana, ring[0], "claim") == 200


def test_a_ring_is_handed_over_whole_and_lapses(
    ana: Visitor, bo: Visitor, api: Api, ring: list[str], clock: Clock, parts: Parts
) -> None:
    press(ana, ring[0], "claim")
    assert press(ana, ring[0], "hand", to="bo") == 200 and holders(api, ring) == ["bo"] * 3
    assert press(ana, ring[1], "claim") == 409
    clock.advance(parts.publisher.active.policy.reviews.claim_minutes * 60)
    ana.sign_in("ana")
    assert press(ana, ring[1], "claim") == 200 and holders(api, ring) == ["ana"] * 3


@pytest.mark.parametrize(
    ("button", "fields"), [("escalate", {"note": "unsure"}), ("ask", {"question": "Who reads it?", "days": "3"})]
)
def test_who_hands_a_case_on_or_asks_holds_none_of_its_ring(
    ana: Visitor, api: Api, ring: list[str], button: str, fields: dict[str, str]
) -> None:
    press(ana, ring[0], "claim")
    assert press(ana, ring[0], button, **fields) == 200
    assert holders(api, ring) == [None] * 3


def test_one_account_decided_alone_leaves_the_rest_with_whoever_holds_it(
    ana: Visitor, bo: Visitor, api: Api, ring: list[str]
) -> None:
    press(ana, ring[0], "claim")
    assert press(ana, ring[0], "decide", do="allow", code="other", alone="1") == 200
    assert holders(api, ring[1:]) == ["ana"] * 2 and press(bo, ring[1], "claim") == 409
