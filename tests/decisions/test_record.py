"""What streams are told of a decision: nothing that goes without saying, and what was said in full is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from riskapi.app import Service
from riskapi.decisions.record import told_decision
from tests.conftest import NOW
from tests.signups import body, post
from tests.streams import told


def test_of_a_signup_that_was_allowed_only_what_is_its_own_is_said(service: Service) -> None:
    post(service, body("u_1"))
    (event,) = told(service.store, "decision")
    assert set(event) == {"id", "user_id", "at", "score"}
    assert told_decision(event) == {"kind": "signup", "tier": "allow", "subjects": [], **event}


def test_of_any_other_all_is_said(service: Service) -> None:
    post(service, body("u_1", behavior={"honeypot_filled": True}))
    service.rescorer.again("u_1", "event.login", NOW + 60)
    first, again = told(service.store, "decision")
    assert told_decision(first)["kind"] == "signup"
    assert told_decision(first)["tier"] == first["tier"] != "allow"
    assert {"kind", "tier", "subjects"} <= set(again)


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "signup", "tier": "limit"},  # until 2026-11-27; the signup tells what can be asked
        {"kind": "again", "tier": "allow", "subjects": []},
        {"readings": [], "tier": "review"},  # until 2026-11: the decision itself
    ],
)
def test_what_was_said_in_full_is_what_it_was(data: Mapping[str, Any]) -> None:
    assert told_decision(data) == data
