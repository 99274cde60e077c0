"""Readiness: what ``/readyz`` says of each part of the service."""

from __future__ import annotations

import contextlib
import time

from riskapi.api.readiness_notes import noted
from riskapi.enrichment import doubts
from riskapi.enrichment.sources import DOUBTS
from riskapi.errors import StoreUnavailable
from riskapi.settings import Settings
from riskapi.store import condition, disk
from riskapi.store.clock import StoreClock
from riskapi.store.connections import Store


def checks(
    settings: Settings, store: Store, own: dict[str, str], compared: StoreClock | None, rejected: int
) -> dict[str, str]:
    """Each part with ``ok``, ``off`` or what is wrong with it: store, disk, what ``own`` says of this process, and what
    is only told. ``rejected`` are entries of the journals that were set aside.
    """
    with contextlib.suppress(StoreUnavailable):
        store.ping()  # one that is back is asked again from now on
    found = "; ".join(map(str, condition.faults(store))) or "ok"
    room = str(disk.fault(settings.data_dir) or "ok")
    return {"store": found, "disk": room} | own | noted(store, compared, rejected) | _believed(settings, store)


def _believed(settings: Settings, store: Store) -> dict[str, str]:
    """``ok`` or what is wrong for each source that is asked after the answer; what nobody knows now is ``ok``."""
    if not settings.enrichment:
        return dict.fromkeys(DOUBTS, "off")
    found: dict[str, str] = dict.fromkeys(DOUBTS, "ok")
    with contextlib.suppress(StoreUnavailable):
        found |= doubts.doubted(store, time.time())
    return found
