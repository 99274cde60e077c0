"""A small policy that is good, with parts replaced, and with rules."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from riskapi import policy
from riskapi.policy import Policy

POLICIES = Path(__file__).parent / "policies"
GOOD = tomllib.loads((POLICIES / "good_small.toml").read_text())


def overlaid(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """``base`` with the tables of ``change`` laid over it; the text ``(missing)`` takes a key away."""
    found = dict(base)
    for key, value in change.items():
        if value == "(missing)":
            del found[key]
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = overlaid(found[key], value)
        else:
            found[key] = value
    return found


def good(**change: Any) -> Policy:
    return policy.check(overlaid(GOOD, change), where="good.toml")


def rule(name: str, tier: str = "review", mode: str = "live", **when: Any) -> dict[str, Any]:
    conditions = when or {"velocity_phone_30d": {"ge": 3}}
    return {"name": name, "mode": mode, "tier": tier, "text": f"Text of {name}", "when": conditions}


def made(*rules: dict[str, Any], mode: str = "live", **change: Any) -> Policy:
    """A policy with thresholds at 40 and 90.5 and these rules."""
    tables = {**GOOD, "model": {"mode": mode, "prior": 0.05}, "rules": list(rules)}
    for name, table in change.items():
        tables[name] = {**tables[name], **table}
    return policy.check(tables, where="test")
