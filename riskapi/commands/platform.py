"""How the platform fares, as tables."""

from __future__ import annotations

import sys
import time

from riskapi import app
from riskapi.commands import output
from riskapi.feedback.platform.verdicts import SENTENCES
from riskapi.settings import Settings
from riskapi.store.connections import Store


def show(settings: Settings, store: Store) -> int:
    """Print alarms, receivers, listings and feeds; 1 where there is an alarm that people are told of."""
    service = app.assemble(settings, store)
    try:
        view = service.parts.monitor.view(time.time())
    finally:
        service.close()
    output.show(
        ("alarm", "about", "since", "mode", "measured", "level"),
        [
            (
                SENTENCES[row["rule"]],
                row["subject"],
                row["since"],
                row["mode"],
                f"{row['value']:g}",
                f"{row['level']:g}",
            )
            for row in view["alarms"]
        ],
    )
    output.show(
        ("receiver", "attempted", "blocked", "share"),
        [
            (row["domain"], str(row["attempted"]), str(row["blocked"]), _share(row["share"]))
            for row in view["receivers"]
        ],
    )
    output.show(
        ("sender", "blocklist", "state"), [(row["sender"], row["blocklist"], row["state"]) for row in view["listings"]]
    )
    output.show(
        ("feed", "state", "last heard", "bodies", "understood", "not understood", "refused", "alarm after"),
        [
            (
                row["feed"],
                row["state"],
                row["last_at"] or "never",
                *(str(row[name]) for name in ("bodies", "understood", "not_understood", "refused")),
                "unknown" if row["alarm_after"] is None else f"{row['alarm_after']:.0f} s",
            )
            for row in view["feeds"]
            if row["state"] != "off"
        ],
    )
    if view["watched_at"] is None:
        print("no worker has looked yet: start the service, or python -m riskapi worker", file=sys.stderr)
    return 1 if any(row["mode"] == "live" for row in view["alarms"]) else 0


def _share(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}"
