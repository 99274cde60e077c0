"""What receiving domains did, counted as feedback has it counted."""

from __future__ import annotations

from collections.abc import Iterable

from riskapi.feedback.platform.receivers import Receivers
from riskapi.store.connections import Store


def receive(store: Store, met: Iterable[tuple[str, str | None]], now: float) -> None:
    """Count types of events and their recipients at Unix time ``now``."""
    pipe = store.pipeline()
    Receivers(store).queue(pipe, met, now)
    store.run(pipe)
