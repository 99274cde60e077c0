"""What each rule and trigger caught, and how often that was right; and which good accounts a policy touches."""

from __future__ import annotations

import copy
from typing import Any

from riskapi import policy
from riskapi.app import Service
from riskapi.feedback.event import FeedbackEvent
from riskapi.sending.grants import Message
from riskapi.simulations.confidence_intervals import share
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.conftest import NOW
from tests.signups import body, post

DAY = 86400.0


def counted(service: Service) -> dict[str, Any]:
    runs = service.parts.policy.runs
    return runs.carry_out(runs.count("ana", NOW))


def row(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in (*found["rules"], *found["triggers"]) if each["name"] == name)


def test_rules_are_matched_on_what_was_recorded_also_those_in_shadow(service: Service) -> None:
    for user, at in (("d_1", NOW - 2 * DAY), ("d_2", NOW - 3600), ("d_3", NOW - 60)):
        post(service, body(user, email={"address": f"{user}@mailinator.com"}), at)
    for user, label in (("d_1", "abuse"), ("d_2", "legitimate")):
        service.parts.labels.add(user, label, "external", None, "ana", NOW)  # type: ignore[arg-type]
    found = counted(service)
    caught = row(found, "throwaway_mailbox")
    assert (caught["today"], caught["accounts"], caught["right"]) == (2, 3, share(1, 2))
    assert [each["name"] for each in found["rules"]] == [rule.name for rule in service.active.policy.rules]
    assert row(found, "phone_reused") == {"name": "phone_reused", "today": 0, "accounts": 0, "right": share(0, 0)}


def test_what_triggers_did_to_whom_is_counted(service: Service) -> None:
    post(service, body("u_1"), NOW - DAY)
    service.parts.grants.send("u_1", 5, Message(), NOW - DAY / 2)
    event = {"id": "e_1", "user_id": "u_1", "type": "complaint", "recipient": "x@example.com"}
    service.parts.consequences.take([FeedbackEvent.model_validate(event)], NOW - 60)
    service.parts.labels.add("u_1", "abuse", "external", None, "ana", NOW)
    found = counted(service)
    assert row(found, "first_complaint") == {"name": "first_complaint", "today": 1, "accounts": 1, "right": share(1, 1)}
    assert "silence" not in [each["name"] for each in found["triggers"]]  # in shadow


def test_good_accounts_that_a_policy_touches_are_named_those_moved_furthest_first(
    service: Service, store: Store
) -> None:
    for user in ("u_1", "u_2", "u_3", "u_4"):
        post(service, body(user), NOW - DAY)
        service.parts.grants.send(user, 100, Message(), NOW - 3600)
    post(service, body("d_1", email={"address": "d_1@mailinator.com"}), NOW - DAY)
    for user in ("u_2", "d_1"):
        store.execute("HSET", account_key(user), "established", repr(NOW))
    service.parts.labels.add("u_1", "legitimate", "external", None, "ana", NOW)
    service.parts.labels.add("u_3", "abuse", "external", None, "ana", NOW)
    wanted = copy.deepcopy(policy.load(policy.DEFAULT).model_dump(mode="json"))
    wanted["tiers"]["allow"] |= {"hourly": 60, "daily": 60, "steps": []}
    rule = {"email_is_disposable": {"eq": True}}
    more = {"name": "throw_away", "mode": "live", "tier": "limit", "text": "Thrown away", "when": rule}
    wanted["rules"].append(more)
    runs = service.parts.policy.runs
    found = runs.carry_out(runs.simulation(wanted, None, "ana", NOW))["touched"]
    assert found["accounts"] == 3
    assert next((each["user_id"], each["from"], each["to"]) for each in found["most"]) == ("d_1", "review", "limit")
    assert {(each["user_id"], each["recipients_capped"]) for each in found["most"][1:]} == {("u_1", 40), ("u_2", 40)}
