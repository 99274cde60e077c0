"""Whole signups through the application with the shipped policy and model: each gets what tests/cases expects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from riskapi.api.flask_app import build
from riskapi.app import Service
from riskapi.settings import Settings
from riskapi.store import consumer
from riskapi.store.connections import Store
from tests.conftest import BOOTSTRAP_KEY
from tests.signup_cases import Outcome, load, post

CASES = load()


@pytest.fixture(scope="module")
def outcomes(session_store: Store, session_settings: Settings, assemble: Callable[..., Service]) -> dict[str, Outcome]:
    """All cases, posted in order to one empty service."""
    session_store.execute("FLUSHALL")
    service = assemble(replace(session_settings, replay=True), session_store)
    service.decisions.register_schema()
    consumer.found(session_store)
    client = build(service.parts).test_client()

    def send(method: str, path: str, body: bytes | None, at: datetime) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {BOOTSTRAP_KEY}", "X-Replay-Time": at.isoformat()}
        answer = client.open(path, method=method, data=body, headers=headers, content_type="application/json")
        return answer.status_code, json.loads(answer.data)

    return {case.name: post(case, send) for case in CASES}


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_case(name: str, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[name]
    if outcome.failures:
        shown = [(row["code"], row["contribution"]) for row in outcome.reasons[:6]]
        pytest.fail(
            f"{outcome.failures}; {outcome.case.story} {outcome.answer.get('risk_score')} {shown}", pytrace=False
        )


def test_there_are_enough_cases_and_no_name_twice() -> None:
    assert len(CASES) >= 70
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


def test_honest_people_are_never_limited(outcomes: dict[str, Outcome]) -> None:
    groups = ("Honest people", "Privacy tools", "Shared places")
    found = [outcome for outcome in outcomes.values() if outcome.case.group in groups]
    assert [outcome.case.name for outcome in found if outcome.answer["decision"] == "limit"] == []


def test_every_reason_reads_as_a_sentence(outcomes: dict[str, Outcome]) -> None:
    texts = {row["text"] for outcome in outcomes.values() for row in outcome.reasons}
    assert [text for text in texts if "{" in text or "None" in text or len(text.split()) < 4] == []
