"""The simulated month of the console: everything is posted in the order of time, and taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import BOOTSTRAP_KEY, NOW
from training.sample import Month
from training.server import ServiceError
from training.simulator import DAY, Event


class _Posting:
    """The application as :class:`training.server.Service` talks to it."""

    def __init__(self, app: Flask) -> None:
        self._client: FlaskClient = app.test_client()
        self.times: list[float] = []
        self.paths: list[str] = []

    def post(self, path: str, body: dict[str, Any], at: float) -> Any:
        self.times.append(at)
        self.paths.append(path.split("/")[-1])
        return self._answered(self._client.post(path, json=body, headers=self._headers(at)))

    def get(self, path: str, at: float) -> Any:
        return self._answered(self._client.get(path, headers=self._headers(at)))

    @staticmethod
    def _headers(at: float) -> dict[str, str]:
        time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
        return {"Authorization": f"Bearer {BOOTSTRAP_KEY}", "X-Replay-Time": time}

    @staticmethod
    def _answered(answer: Any) -> Any:
        if answer.status_code >= 300:
            raise ServiceError(f"{answer.status_code} {answer.text}")
        return answer.json


def _event(number: int, truth: Any) -> Event:
    user = f"u_{number}"
    address = f"{user}@mailinator.com" if truth == "abuse" else f"{user}@{user.replace('_', '-')}.example"
    signup = {"account": {"user_id": user}, "email": {"address": address}}
    at = NOW - 20 * DAY + number * 1000
    label = "abuse" if truth == "abuse" else None
    return Event(at, signup, truth, "kind", "group", "ES", "es", truth, label, at + DAY if label else None)


def test_a_month_is_posted_in_order_and_all_of_it_is_taken(make_app: Callable[..., Flask]) -> None:
    posting = _Posting(make_app(replay=True))
    events = [_event(number, "abuse" if number % 3 == 0 else "legitimate") for number in range(9)]
    seen: list[tuple[int, int]] = []
    Month(posting, NOW, 1).fill(events, lambda posted, known: seen.append((posted, known)))  # type: ignore[arg-type]
    assert posting.times == sorted(posting.times) and max(posting.times) < NOW
    assert {"signups", "sends", "feedback", "events", "labels", "decide", "allow", "watch", "deny"} <= set(
        posting.paths
    )
    assert posting.paths.count("signups") == 9 + 12  # the ring at the end
    assert seen[-1][0] == seen[-1][1]
