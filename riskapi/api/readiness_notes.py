"""What `/readyz` and `doctor` say of things that a person should look at, and that stop nobody."""

from __future__ import annotations

import contextlib

from riskapi.errors import StoreUnavailable
from riskapi.feedback.platform import alarms as platform_alarms
from riskapi.feedback.platform.monitor import said
from riskapi.store import damaged
from riskapi.store.clock import StoreClock
from riskapi.store.connections import Store

#: The checks of ``/readyz`` that make nobody unready.
NOTED = ("clock", "rows", "journal", "platform")


def noted(store: Store, clock: StoreClock | None, rejected: int) -> dict[str, str]:
    """Each ``ok`` or what is to be looked at. ``rejected`` are entries of the journals that were set aside."""
    rows = alarms = ""
    with contextlib.suppress(StoreUnavailable):
        rows, alarms = damaged.said(damaged.published(store)), said(platform_alarms.read(store))
    return {
        "clock": (clock.fault if clock else None) or "ok",
        "rows": rows or "ok",
        "journal": f"{rejected} entries were set aside, in files named rejected" if rejected else "ok",
        "platform": alarms or "ok",
    }
