"""Alarms about the platform: what is the case now, told once when it begins and once when it ends.

All are one hash (``risk:fw:{b}``) in the slot of the stream that tells of them, and change in one script: whoever
judges at the same time finds an alarm that is there already, and after a restart it is still there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Final

import orjson

from riskapi.feedback.platform.verdicts import Verdict, Watched
from riskapi.policy.rules import Mode
from riskapi.store.connections import Store
from riskapi.store.streams import oldest, stream
from riskapi.times import DAY
from signals.records import record

#: Every alarm, by rule and subject; when it was watched last, since when without a break, and shares for metrics.
#: Expires 91 days after it was watched last.
KEY: Final = "risk:fw:{b}"
_KEPT: Final = 91 * DAY
#: Seconds after which a watch had a break: many times the minute between two looks.
BREAK: Final = 900.0


@record
class Alarm:
    """An alarm under way: rule and subject as in :class:`riskapi.feedback.platform.verdicts.Verdict`, since when, and
    how much was measured last, of which level. In mode ``shadow`` nobody was told.
    """

    rule: Watched
    subject: str
    mode: Mode
    since: float
    value: float
    level: float


@record
class Alarms:
    """What was found last. ``judged`` is when, ``up`` since when it is watched without a break; None for never."""

    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    judged: float | None = None
    up: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)

    def since(self, now: float) -> float:
        """Since when it is watched without a break, at Unix time ``now``."""
        if self.judged is None or self.up is None or now - self.judged > BREAK:
            return now
        return self.up

    def live(self) -> list[Alarm]:
        """Those that people were told of, the oldest first."""
        found = [each for each in self.alarms.values() if each.mode == "live"]
        return sorted(found, key=lambda each: (each.since, each.rule, each.subject))


def read(store: Store) -> Alarms:
    """The alarms as they are. Raises :class:`riskapi.errors.StoreUnavailable`."""
    rows = {name.decode(): value for name, value in store.execute("HGETALL", KEY).items()}
    alarms: dict[str, Alarm] = {}
    for row, value in rows.items():
        kind, _, name = row.partition(" ")
        if kind == "alarm":
            found = orjson.loads(value)
            rule, _, subject = name.partition(" ")
            numbers = {key: float(found[key]) for key in ("since", "value", "level")}
            alarms[name] = Alarm(rule=rule, subject=subject, mode=found["mode"], **numbers)
    judged, up = (float(rows[key]) if key in rows else None for key in ("judged", "up"))
    return Alarms(alarms, judged, up, orjson.loads(rows.get("shares", b"{}")))


def turn(
    store: Store, found: Sequence[Verdict], shares: Mapping[str, float], since: float, now: float, kept_days: int
) -> list[tuple[str, str]]:
    """Begin and end alarms by what was found at Unix time ``now``; what changed: name, and ``crossed`` or ``ended``.

    Unknown verdicts change nothing, nor do those that are older than the last ones. Raises
    :class:`riskapi.errors.StoreUnavailable`; done again, nothing is told twice.
    """
    asked: dict[str, Any] = {
        "now": now,
        "up": since,
        "oldest": oldest(kept_days),
        "shares": orjson.dumps(shares).decode(),
        "ttl": _KEPT,
        "verdicts": [_asked(each) for each in found if each.state != "unknown"],
    }
    changed = store.script("alarm_turn").call([KEY, stream("b")], [orjson.dumps(asked)])
    return [(name.decode(), action.decode()) for name, action in changed]


def _asked(verdict: Verdict) -> dict[str, Any]:
    measured = {"value": verdict.value, "level": verdict.level}
    told = {"rule": verdict.rule, "subject": verdict.subject, **measured}
    return {
        "name": verdict.name,
        "crossed": verdict.state == "crossed",
        "live": verdict.mode == "live",
        "alarm": orjson.dumps({"mode": verdict.mode, **measured}).decode(),
        "told": orjson.dumps(told).decode(),
    }
