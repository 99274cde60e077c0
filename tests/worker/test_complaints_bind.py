"""A complaint posted is in the next grant of every account that is bound to its account, through a worker that runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from riskapi.app import Service
from riskapi.decisions import cluster_consequences
from riskapi.feedback.event import FeedbackEvent
from riskapi.settings import Settings
from riskapi.store import consumer
from riskapi.store.connections import Store
from riskapi.worker.worker import Worker
from tests.grants import ask, opened
from tests.waiting import until


@pytest.fixture
def running(store: Store, settings: Settings, assemble: Callable[..., Service]) -> Iterator[Service]:
    """A service with a worker beside it, at the real time."""
    ours = replace(settings, model_mode="off", enrichment=False)
    service, other, stop = assemble(ours, store), assemble(ours, store), threading.Event()
    service.decisions.register_schema()
    consumer.found(store)
    threads = Worker(other, ours).start(stop)
    yield service
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    service.close()
    other.close()


@pytest.mark.parametrize("most", [1, 2], ids=["a large cluster", "a small one"])
def test_a_complaint_is_in_the_next_grant_of_all_who_share_the_budget(
    running: Service, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(cluster_consequences, "MOST", most)
    now = time.time()
    users = [opened(running, f"u{number}", device="dev-ring", now=now) for number in range(2)]
    assert [ask(running, user, 120, now)["granted"] for user in users] == [120, 120]
    events = [
        FeedbackEvent(id=f"c{number}", type="complaint", user_id="u0", recipient=f"a@mail{number}.example")
        for number in range(8)
    ]
    assert running.parts.consequences.take(events, now).accepted == 8

    def denied() -> list[str | None]:
        return [ask(running, user, 1, time.time())["denied_by"] for user in users]

    assert until(lambda: denied() == ["paused", "paused"])
