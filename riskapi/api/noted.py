"""What `/readyz` and `doctor` say of things that a person should look at, and that stop nobody."""

from __future__ import annotations

import contextlib

from riskapi.errors import StoreUnavailable
from riskapi.store import damaged
from riskapi.store.clock import StoreClock
from riskapi.store.connections import Store

#: The checks of ``/readyz`` that make nobody unready.
NOTED = ("clock", "rows", "journal")


def noted(store: Store, clock: StoreClock | None, rejected: int) -> dict[str, str]:
    """Each ``ok`` or what is to be looked at. ``rejected`` are entries of the journals that were set aside."""
    rows = ""
    with contextlib.suppress(StoreUnavailable):
        rows = damaged.said(damaged.published(store))
    return {
        "clock": (clock.fault if clock else None) or "ok",
        "rows": rows or "ok",
        "journal": f"{rejected} entries were set aside, in files named rejected" if rejected else "ok",
    }
