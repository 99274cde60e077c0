"""A difference between two policies in a sentence: ``review: a cap of 50 a day becomes 30``. Pure."""

from __future__ import annotations

import re
from typing import Any

from riskapi.policy.changes import Change

_WINDOWS = {"hourly": "an hour", "daily": "a day", "monthly": "a month"}
_CAP = re.compile(r"(tiers|plans|outage)\.?(.*?)\.?(hourly|daily|monthly)\Z")
_STEP = re.compile(r"\.?steps\[(\d+)\]")
_THRESHOLD = re.compile(r"(thresholds|attack)\.(review|limit)\Z")
_RULE = re.compile(r"rules\.([a-z0-9_]+)(?:\.(.+))?\Z")


class ToldChange(Change):
    """One difference, and ``text``, which says it in a sentence."""

    text: str


def told(change: Change) -> ToldChange:
    """A difference with its sentence."""
    return {**change, "text": sentence(change)}


def sentence(change: Change) -> str:
    """A difference as a person would say it."""
    key, before, after = change["key"], change["from"], change["to"]
    if (cap := _CAP.match(key)) and before is not None and after is not None:
        return f"{_whose(cap[1], cap[2])}: a cap of {_value(before)} {_WINDOWS[cap[3]]} becomes {_value(after)}"
    if threshold := _THRESHOLD.match(key):
        mode = " in attack mode" if threshold[1] == "attack" else ""
        asks = "asks for a review" if threshold[2] == "review" else "limits"
        return f"The score {asks}{mode} from {_value(after)} on, instead of {_value(before)}"
    if rule := _RULE.match(key):
        return _rule(rule[1], rule[2], before, after)
    return _any(key, before, after)


def _whose(table: str, name: str) -> str:
    step = _STEP.search(name)
    owner = _STEP.sub("", name).replace(".", ", ")
    owner = {"tiers": owner, "plans": f"plan {owner}", "outage": "outage"}[table]
    return owner if step is None else f"{owner}, step {int(step[1]) + 1}"


def _rule(name: str, part: str | None, before: Any, after: Any) -> str:
    if part is None and before is None:
        return f"The rule {name} is new: {after['mode']}, it asks for {after['tier']}"
    if part is None and after is None:
        return f"The rule {name} ({before['mode']}, {before['tier']}) is gone"
    return f"The rule {name}, {_any(part or 'rule', before, after)}"


def _any(key: str, before: Any, after: Any) -> str:
    if before is None:
        return f"{key} is new: {_value(after)}"
    if after is None:
        return f"{key} is gone, it was {_value(before)}"
    if isinstance(after, bool):
        return f"{key} is switched {'on' if after else 'off'}"
    return f"{key}: {_value(before)} becomes {_value(after)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:,g}"
    if isinstance(value, list):
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items()) or "nothing"
    return "none" if value is None else str(value)
