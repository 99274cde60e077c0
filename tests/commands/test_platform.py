"""``platform`` prints what is watched, and says by its exit code whether there is an alarm."""

from __future__ import annotations

import time

from riskapi.app import Service
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.commanding import Command
from tests.feedback.receiving import receive


def test_what_is_watched_is_printed(command: Command, service: Service, store: Store, settings: Settings) -> None:
    quiet = command("platform")
    assert quiet.code == 0 and "no worker has looked yet" in quiet.err
    now = time.time()
    receive(store, [("block", "a@gmail.com")] * 60 + [("delivered", "a@gmail.com")] * 60, now)
    service.parts.monitor.hearing.heard("dsn", now, 3, 1)
    service.parts.monitor.step(now)
    found = command("platform")
    assert found.code == 1
    rows = [line.split("\t") for line in found.out.splitlines()]
    assert ["gmail.com", "120", "60", "50.0%"] in rows
    (alarm,) = (row for row in rows if row[1] == "gmail.com" and len(row) == 6)
    assert alarm[0] == "a receiving domain blocks much of the mail" and alarm[3:] == ["live", "0.5", "0.1"]
    (feed,) = (row for row in rows if row[0] == "dsn")
    assert (feed[1], *feed[3:]) == ("learning", "1", "3", "1", "0", "unknown")
    assert not any(row[0] == "ses" for row in rows), "what is off is left out"
