"""Which differences between two policies loosen something, so that a second person should look. Pure.

What is not known to tighten, or to do neither, loosens: a forgotten key asks for one person too many, never for one too
few.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from riskapi.policy.changes import Change, changes
from riskapi.policy.tables import SEVERITY

_CAP = r"(?:hourly|daily|monthly)"
#: Numbers that are tighter where they are lower, and where they are higher.
_LOWER = re.compile(
    rf"(?:tiers|plans)\..+\.{_CAP}|outage\.(?:{_CAP}|recipients)|thresholds\..+|clusters\.factor"
    r"|attack\.(?:review|limit|factor)|feedback\.triggers\[\d+\]\.(?:rate|least|recipients|factor)"
)
_HIGHER = re.compile(r"attack\.days|tiers\..+\.days|customers\..+|takeover\.hold_days")
#: What neither loosens nor tightens what an account may do.
_NEITHER = re.compile(
    r"retention\..+|enrichment\..+|reviews\..+|publishing\.proposal_hours|outage\.journal_bytes"
    r"|sends\.reservation_days|rules\.[a-z0-9_]+\.text"
)
_MODES = ("off", "shadow", "live")
_MODE = re.compile(r".*\.mode")
_TIER = re.compile(r"(?:rules\.[a-z0-9_]+|outage|guard)\.tier|sends\.strangers")
_RULE = re.compile(r"rules\.[a-z0-9_]+")


def loosening(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The differences that loosen something."""
    return [change for change in changes(before, after) if not _tightens(change)]


def _tightens(change: Change) -> bool:
    """Whether a difference is sure to loosen nothing."""
    key, was, now = change["key"], change["from"], change["to"]
    if _NEITHER.fullmatch(key):
        return True
    if key == "publishing.loosening_needs_second":
        return bool(now)
    if _RULE.fullmatch(key):  # rules only ever tighten, and in shadow they do nothing
        return was is None or (now is None and was.get("mode") != "live")
    if _MODE.fullmatch(key) and was in _MODES and now in _MODES:
        return _MODES.index(now) > _MODES.index(was)
    if _TIER.fullmatch(key):
        return SEVERITY.get(now, 3) > SEVERITY.get(was, 3)
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (was, now))
    if numbers and _LOWER.fullmatch(key):
        return bool(now < was)
    return bool(numbers and _HIGHER.fullmatch(key) and now > was)
