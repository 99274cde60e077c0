"""The first record of an account: answer, decision and signup come out of it to the letter, each kept once."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from riskapi.accounts.first_record import beside, beside_own, first_answer, first_decision, first_record, kept_signup
from riskapi.accounts.packing import pack, unpack
from riskapi.app import Service
from riskapi.decisions.answer import assessment
from riskapi.decisions.line import case_of
from riskapi.decisions.record import decision_entry
from riskapi.store.damaged import Unreadable
from riskapi.store.streams import account_key
from tests.conftest import NOW
from tests.signups import body, post

AT = 1_790_000_000.123456
ANSWER: dict[str, Any] = {
    "id": "asm_1", "user_id": "u_1", "decision": "review", "risk_score": 12.5,
    "disposition": {"source": "rule", "rule": "honeypot"}, "versions": {"policy": 1, "model": None},
}  # fmt: skip
DECISION: dict[str, Any] = {
    "id": "asm_1", "user_id": "u_1", "at": AT, "kind": "signup", "schema": "s", "readings": [None, 0.1, "="],
    "tier": "review", "risk_score": 12.5, "source": "rule", "rule": "honeypot",
    "versions": {"policy": 1, "model": None},
}  # fmt: skip
SIGNUP = b'{"account":{"user_id":"u_1","name":"a\\nb"}}'
OTHERS = {
    "id": "asm_2", "user_id": "u_2", "at": 1.0, "tier": "allow", "risk_score": 0.0, "source": "model", "rule": None,
    "versions": {"policy": 2, "model": None},
}  # fmt: skip


def recorded(decision: dict[str, Any]) -> dict[str, bytes | None]:
    text = first_record(orjson.dumps(ANSWER), orjson.dumps(beside(ANSWER, AT, decision)), SIGNUP)
    return {"assessment": text, "at": repr(AT).encode()}


@pytest.mark.parametrize("other", [{}, *({name: value} for name, value in OTHERS.items()), OTHERS], ids=list)
def test_it_says_all_that_was_put_in(other: dict[str, Any]) -> None:
    """Also where the decision is not that of the answer, as of what was answered in an outage."""
    fields, decision = recorded({**DECISION, **other}), {**DECISION, **other}
    assert orjson.dumps(first_decision(fields)) == orjson.dumps(decision)
    assert first_answer(fields["assessment"] or b"") == orjson.dumps(ANSWER)
    assert kept_signup(fields) == SIGNUP


def test_what_is_said_elsewhere_is_not_kept() -> None:
    assert {name for name, value in beside(ANSWER, AT, DECISION).items() if value == "="} == set(OTHERS)
    assert not [name for name, value in beside(ANSWER, AT, {**DECISION, **OTHERS}).items() if value == "="]


@pytest.mark.parametrize(
    ("parts", "tier"),
    [
        ({}, "allow"),
        ({"behavior": {"honeypot_filled": True}}, "review"),
        ({"behavior": {"honeypot_filled": True}, "device": {"user_agent": "curl/8.5.0"}}, "limit"),
    ],
)
def test_its_own_answer_says_all_that_an_answer_says_of_a_decision(
    service: Service, parts: dict[str, Any], tier: str
) -> None:
    gatherer, basis, signup = service.parts.assessor.gatherer, service.active.basis, body("u_1", **parts)
    parsed = gatherer.parse(signup, NOW - 0.25)
    gathered, usage = gatherer.join(gatherer.gather("u_1", parsed.facts, basis.policy, now=NOW), basis.policy, NOW)
    case = case_of(basis, "u_1", parsed, gathered, usage, NOW)
    answer = assessment(case)
    stored = decision_entry(case, answer["id"], "signup", None)
    assert answer["decision"] == tier
    assert beside_own(stored) == beside(answer, case.facts.at, stored) != stored


@pytest.mark.parametrize("lines", [b"", b"{}", b"{}\n{}", b"{}\n{}\n{}\n{}"])
def test_what_is_none_is_said_to_be_unreadable(lines: bytes) -> None:
    for read in (first_decision, kept_signup):
        with pytest.raises(Unreadable):
            read({"assessment": pack(lines), "at": b"1.0"})


def test_an_account_is_kept_in_one_record(service: Service) -> None:
    answer = post(service, body("u_1"))
    kept = service.store.execute("HGETALL", account_key("u_1"))
    assert not kept.keys() & {b"decision", b"signup", b"latest", b"again"}
    assert unpack(kept[b"assessment"]).split(b"\n")[0] == orjson.dumps(answer)
    assert orjson.loads(service.accounts.signup("u_1") or b"") == orjson.loads(
        body("u_1").model_dump_json(exclude_none=True)
    )
    assert [found["id"] for found in service.decisions.export()] == [answer["id"]]
    assert service.accounts.load("u_1").decision["at"] == NOW
