"""The owner of an address says that somebody else signed up with it: the claim is void, and a person looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi.app import Service
from riskapi.feedback.event import FeedbackEvent
from riskapi.inputs.signup import EmailPart
from riskapi.store.connections import Store
from riskapi.times import rfc3339
from riskapi.webhooks.notices import notice
from tests import streams
from tests.conftest import BOOTSTRAP_KEY, NOW, Clock
from tests.grants import opened as customer
from tests.grants import view
from tests.holders import establish, happens, joined
from tests.reviewing import opened
from tests.working import Work

HOUR = 3600.0
ADDRESS = "ana.ruiz@gmail.com"


def not_mine(service: Service, user: str = "her", at: float = NOW + HOUR, **more: Any) -> list[tuple[str, str]]:
    """What the owner's word brings about."""
    given = {"id": more.pop("id", "n1"), "type": "not_mine", "user_id": user, "time": rfc3339(at), **more}
    event = FeedbackEvent.model_validate(given)
    found = service.parts.consequences.take([event], max(at, NOW + HOUR)).actions
    return [(row["action"], row["rule"]) for row in found]


def proved(service: Service, user: str = "her") -> set[str]:
    return set(service.accounts.proofs(user))


def reviewed(service: Service) -> list[tuple[str, list[str]]]:
    rows = service.parts.reviews.list("open", 50, None)["reviews"]
    return [(row["user_id"], [reason["code"] for reason in row["reasons"]]) for row in rows]


def test_it_asks_for_a_look_in_history_and_webhooks(service: Service, store: Store) -> None:
    customer(service, "her")
    assert not_mine(service) == [("tightened", "not_mine")]
    account = view(service, "her", NOW + HOUR)
    entry = account["history"][-1]
    assert (entry["from"], entry["to"], entry["source"], entry["reason"]) == ("allow", "review", "feedback", "not_mine")
    assert reviewed(service) == [("her", ["NOT_MINE"])]
    told = {made.type for each in streams.entries(store) if (made := notice(each)) is not None}
    assert {"tier.changed", "review.opened", "threshold.crossed"} <= told
    assert account["labels"] == [] and not account["paused"], "nobody is convicted by a word"


def test_what_it_proved_of_the_address_counts_no_more(service: Service, clock: Clock) -> None:
    """It held the mailbox; now it claims it, and is bound to those who claim it as well."""
    joined(service, "her", email={"address": ADDRESS, "verified": True})
    joined(service, "c0", NOW + 1, email={"address": ADDRESS.replace("a.r", "ar")})
    assert proved(service) == {"mailbox"} and service.parts.clusters.of("her") == ""
    not_mine(service, recipient=ADDRESS.upper())
    assert proved(service) == set()
    clock.advance(HOUR)
    Work(service, clock).do()
    assert service.parts.clusters.of("her") == service.parts.clusters.of("c0") != ""


@pytest.mark.parametrize(
    ("recipient", "said", "kept"),
    [
        (None, NOW + HOUR, False),
        (ADDRESS, NOW + HOUR, False),
        ("somebody@else.example", NOW + HOUR, True),
        ("no address", NOW + HOUR, True),
        (ADDRESS, NOW - HOUR, True),  # it was confirmed since
    ],
)
def test_only_for_the_address_that_it_has_and_what_was_proved_before(
    service: Service, recipient: str | None, said: float, kept: bool
) -> None:
    joined(service, "her", email={"address": ADDRESS, "verified": True})
    not_mine(service, at=said, recipient=recipient)
    assert ("mailbox" in proved(service)) == kept


def test_also_of_one_that_it_had_before(service: Service) -> None:
    """Who proved it and went on to another address does not hold it against its owner."""
    joined(service, "her", email={"address": ADDRESS, "verified": True})
    happens(service, "her", "email_verified", NOW + 1, email=EmailPart(address="her@web.example"))
    not_mine(service, recipient=ADDRESS)
    assert proved(service) == {"mailbox"}, "the one that it has now is its own"
    joined(service, "ana", NOW + 2 * HOUR, email={"address": ADDRESS, "verified": True})
    assert service.parts.clusters.of("ana") == ""


def test_who_confirms_it_after_that_has_it_again_whoever_tells_twice(service: Service) -> None:
    joined(service, "her", email={"address": ADDRESS, "verified": True})
    not_mine(service)
    happens(service, "her", "email_verified", NOW + 2 * HOUR)
    assert not_mine(service) == []
    assert proved(service) == {"mailbox"}


def test_an_established_customer_is_only_looked_at(service: Service) -> None:
    customer(service, "her")
    establish(service, "her", NOW - HOUR)
    not_mine(service)
    assert view(service, "her", NOW + HOUR)["tier"] == "allow"
    assert reviewed(service) == [("her", ["NOT_MINE"])]


def test_it_puts_nobody_below_review(service: Service) -> None:
    opened(service, "her")
    for number in range(3):
        not_mine(service, id=f"n{number}")
    assert view(service, "her", NOW + HOUR)["tier"] == "review"


def test_it_is_held_against_nobody_else(service: Service, clock: Clock) -> None:
    for user in ("her", "mate"):
        customer(service, user, device="dev-ring")
    assert service.parts.clusters.of("mate") != ""
    not_mine(service)
    clock.advance(HOUR)
    Work(service, clock).do()
    assert (view(service, "mate", NOW + HOUR)["tier"], [user for user, _ in reviewed(service)]) == ("allow", ["her"])


def test_only_who_has_a_key_with_the_scope_is_believed(service: Service, make_http: Callable[..., FlaskClient]) -> None:
    joined(service, "her", email={"address": ADDRESS, "verified": True})
    http, body = make_http(), {"events": [{"id": "n1", "type": "not_mine", "user_id": "her"}]}
    keys = service.parts.keys
    other = keys.create("events", ["events"])
    for key, status in (("wrong", 401), (other, 403)):
        answer = http.post("/v1/feedback", json=body, headers={"Authorization": f"Bearer {key}"})
        assert (answer.status_code, proved(service)) == (status, {"mailbox"})
    answer = http.post("/v1/feedback", json=body, headers={"Authorization": f"Bearer {BOOTSTRAP_KEY}"})
    assert answer.json is not None and answer.json["actions"][0]["rule"] == "not_mine"
    assert proved(service) == set()


def test_of_an_account_that_nobody_knows_nothing_follows(service: Service) -> None:
    assert not_mine(service, "nobody") == []
