"""Events that several processes deliver again and again, one of which is killed, are counted once each."""

from __future__ import annotations

import os

from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.feedback.deliveries import deliver_all

#: Fewer than the 10,000 that are promised, for the time it takes; FEEDBACK_EVENTS=10000 delivers them all.
EVENTS = int(os.environ.get("FEEDBACK_EVENTS", "1000"))


def test_each_event_counts_once_whoever_is_killed(store: Store, settings: Settings, ip_data: object) -> None:
    outcome = deliver_all(settings, store, EVENTS)
    assert 0 < outcome.killed_after < 3 * EVENTS // 100 // 4  # it was killed midway, with bodies left
    assert outcome.counted == outcome.expected
    assert outcome.told == sum(times for (_, type), times in outcome.expected.items() if type != "delivered")
