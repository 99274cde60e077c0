"""The policy of a trial: the one given, with everything switched off that could tell the accounts apart."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from training.dataset import DatasetError

_HEADER = re.compile(r"\[+([^\[\]]+)\]+")
_MODE = re.compile(r'mode\s*=\s*"[a-z]+"')
#: Steps let accounts with a past send more; in a trial all are new and equal.
_STEPS = "tiers.allow.steps"
_OFF = ("model", "rules")


@dataclass(frozen=True, slots=True)
class Caps:
    """Recipients that the tier ``allow`` lets an account send to in any hour, day and month."""

    hourly: int
    daily: int
    monthly: int


def caps(policy: str) -> Caps:
    """The caps of the tier ``allow`` in a policy file's text. Raises :class:`DatasetError` when it has none."""
    found = _read(policy)
    try:
        allow = found["tiers"]["allow"]
        return Caps(int(allow["hourly"]), int(allow["daily"]), int(allow["monthly"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"the policy has no caps for the tier allow: {error!r}") from error


def trial_policy(policy: str, clusters: Literal["off", "live"]) -> str:
    """The text of that policy with clusters ``off`` or ``live``, and without rules, model and earned steps.

    What is left to limit anybody are caps. Raises :class:`DatasetError` when the policy cannot be changed so.
    """
    changed = "\n".join(_lines(policy, clusters)) + "\n"
    found = _read(changed)
    try:
        off = {found["model"]["mode"], *(rule["mode"] for rule in found.get("rules", ()))} == {"off"}
        made = off and found["clusters"]["mode"] == clusters
    except (KeyError, TypeError):
        made = False
    if not made:
        raise DatasetError('the policy needs a line `mode = "…"` in [clusters], [model] and each of [[rules]]')
    return changed


def _lines(policy: str, clusters: str) -> Iterator[str]:
    table = ""
    for line in policy.splitlines():
        header = _HEADER.match(line)
        if header:
            table = header[1].strip()
        if table == _STEPS and not line.startswith("#"):
            continue
        if table == "clusters" or table in _OFF:
            line = _MODE.sub(f'mode = "{clusters if table == "clusters" else "off"}"', line, count=1)
        yield line


def _read(policy: str) -> dict[str, Any]:
    try:
        return tomllib.loads(policy)
    except tomllib.TOMLDecodeError as error:
        raise DatasetError(f"the policy cannot be read: {error}") from error
