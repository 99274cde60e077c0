"""The values of a policy as fields of a form: which there are, in which range, and what was typed into them.

A field is named by its key as errors of the policy name it, such as ``tiers.allow.steps[0].days``.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, Literal

from riskapi.policy import Policy
from riskapi.policy.tables import PLAN_NAME
from signals.records import record

Path = tuple[str | int, ...]
CAPS = ("hourly", "daily", "monthly")
#: Under which a plan is typed that is new, and characters of a number.
_NEW, _LONGEST = "new_plan", 30
_PART = re.compile(r"([a-z0-9_-]+)|\[(\d{1,3})\]")
#: Units by the last word of a key.
_UNITS = {
    "hourly": "recipients in any hour", "daily": "recipients in any day", "monthly": "recipients in any 30 days",
    "days": "days", "hours": "hours", "minutes": "minutes", "seconds": "seconds", "bytes": "bytes",
    "recipients": "recipients", "factor": "times",
}  # fmt: skip


@record
class Leaf:
    """What may be typed for a key. ``least`` and ``most`` bound numbers; ``over`` says that the least is left out."""

    kind: Literal["whole", "number", "switch", "choice", "words"]
    least: float | None = None
    most: float | None = None
    over: bool = False
    choices: tuple[str, ...] = ()

    @property
    def range(self) -> str:
        """The range in words."""
        if self.least is not None and self.most is not None and self.most < 10**9:
            return f"{'above ' if self.over else ''}{self.least:,g} to {self.most:,g}"
        return f"from {self.least:,g} on" if self.least is not None else ""


def path_of(name: str) -> Path | None:
    """A key as its parts; None for what is not a key."""
    if re.fullmatch(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+|\[\d{1,3}\])*", name) is None:
        return None
    return tuple(word or int(number) for word, number in _PART.findall(name))


@lru_cache(maxsize=4096)
def leaf(name: str) -> Leaf | None:
    """What may be typed for a key; None where it is neither a single value nor text."""
    path, schema = path_of(name), _whole()
    for part in path or ("",):
        schema = _resolved(schema)
        if isinstance(part, int):
            schema = schema.get("items", {})
        else:
            others = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties"))
            schema = schema.get("properties", {}).get(part) or (others if isinstance(others, dict) else {})
    return _leaf(_resolved(schema))


def value_of(policy: Any, path: Path) -> Any:
    """The value of a key; None where there is none."""
    for part in path:
        try:
            policy = policy[part]
        except (LookupError, TypeError):
            return None
    return policy


def leaves(value: Any, name: str) -> Iterator[str]:
    """The names of all fields below a key."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves(each, f"{name}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for at, each in enumerate(value):
            yield from leaves(each, f"{name}[{at}]")
    elif leaf(name) is not None:
        yield name


def unit(name: str) -> str:
    """The unit of a field."""
    word = name.rpartition(".")[2]
    if name.startswith(("thresholds.", "attack.")) and word in ("review", "limit"):
        return "score, 0 to 100"
    found = leaf(name)
    if found is not None and found.most == 1:
        return "share, 0 to 1"
    return _UNITS.get(word) or _UNITS.get(word.rpartition("_")[2], "")


def shown(value: Any) -> str:
    """A value as a field has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def filled(policy: Mapping[str, Any], typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """A policy with what was typed, and what is wrong, by the name of the field.

    Names that are not fields are left alone. A step, or caps of a plan, whose numbers are all left empty, is gone.
    """
    made, faults = copy.deepcopy(dict(policy)), dict[str, str]()
    plan = typed.get(_NEW, "").strip().casefold()
    for name, text in _renamed(made, plan, typed, faults).items():
        found, path = leaf(name), path_of(name)
        if found is None or path is None:
            continue
        value = _read(found, text, name, faults, optional=path[0] == "plans" or "steps" in path)
        if name not in faults:
            _put(made, path, value)
    for tier, caps in made["tiers"].items():
        caps["steps"] = _whole_steps(f"tiers.{tier}.steps", caps["steps"], faults)
    for each in list(made["plans"]):
        _tidy_plan(made["plans"], each, faults)
    if plan and plan not in policy["plans"]:
        faults = {re.sub(rf"\Aplans\.{re.escape(plan)}\.", f"{_NEW}.", name): fault for name, fault in faults.items()}
        if plan not in made["plans"]:
            faults.setdefault(_NEW, "needs its caps")
    return made, faults


def field_of(key: str, names: Sequence[str]) -> str:
    """The field that a fault of the policy is about: that of its key, or the first below it; empty for none."""
    return next((name for name in names if name == key or name.startswith((f"{key}.", f"{key}["))), "")


def _renamed(made: Mapping[str, Any], plan: str, typed: Mapping[str, str], faults: dict[str, str]) -> dict[str, str]:
    """What was typed, with a new plan under its name."""
    found = {name: text for name, text in typed.items() if not name.startswith(_NEW)}
    more = {name.removeprefix(_NEW): text for name, text in typed.items() if name.startswith(f"{_NEW}.")}
    if not plan:
        if any(text.strip() for name, text in more.items() if name != ".paid"):
            faults[_NEW] = "needs a name"
    elif re.fullmatch(PLAN_NAME, plan) is None:
        faults[_NEW] = "expected up to 64 letters, digits, - and _"
    elif plan in made["plans"]:
        faults[_NEW] = "there is a plan of this name"
    else:
        found |= {f"plans.{plan}{name}": text for name, text in more.items()}
    return found


def _read(found: Leaf, text: str, name: str, faults: dict[str, str], *, optional: bool) -> Any:
    """What was typed as a value. A fault is noted, and gives None."""
    text = re.sub(r"[\s\u202f]", "", text)
    if not text and optional:
        return None
    if found.kind == "switch" and text in ("on", "off"):
        return text == "on"
    if found.kind == "choice" and text in found.choices:
        return text
    if found.kind in ("switch", "choice"):
        faults[name] = f"expected {', '.join(found.choices) or 'on or off'}"
        return None
    pattern = r"-?\d+" if found.kind == "whole" else r"-?\d+(?:\.\d+)?(?:e-?\d{1,2})?"
    if len(text) > _LONGEST or not text.isascii() or re.fullmatch(pattern, text) is None:
        faults[name] = "expected a whole number, such as 5000" if found.kind == "whole" else "expected a number, as 0.5"
        return None
    value: float = int(text) if found.kind == "whole" else float(text)
    low = found.least is not None and (value <= found.least if found.over else value < found.least)
    if low or (found.most is not None and value > found.most):
        faults[name] = f"expected {found.range}"
    return value


def _put(table: Any, path: Path, value: Any) -> None:
    """Put a value at its key. Rows are added at the end only; what cannot be there is left alone."""
    for part, after in pairwise(path):
        if isinstance(part, int):
            if not isinstance(table, list) or part > len(table) or (part == len(table) and after == "name"):
                return
            if part == len(table):
                table.append({})
        elif not isinstance(table, dict):
            return
        elif table.get(part) is None:
            table[part] = [] if isinstance(after, int) else {}
        table = table[part]
    if isinstance(table, dict):
        table[path[-1]] = value


def _whole_steps(name: str, steps: Sequence[Mapping[str, Any]], faults: dict[str, str]) -> list[dict[str, Any]]:
    kept = []
    for at, step in enumerate(steps):
        numbers = ("days", *CAPS)
        given = [key for key in numbers if step.get(key) is not None or f"{name}[{at}].{key}" in faults]
        if given:
            missing = [key for key in numbers if key not in given]
            faults |= {f"{name}[{at}].{key}": "is empty: a step needs all of its numbers" for key in missing}
            kept.append({**step, "identity": bool(step.get("identity"))})
    return kept


def _tidy_plan(plans: dict[str, Any], name: str, faults: dict[str, str]) -> None:
    """Take away caps of a plan that are empty, and the plan where its own are; half of them is a fault."""
    plan = plans[name]
    for key, caps in (("", plan), (".review", plan.get("review")), (".limit", plan.get("limit"))):
        if caps is None:
            continue
        missing = [cap for cap in CAPS if caps.get(cap) is None and f"plans.{name}{key}.{cap}" not in faults]
        if len(missing) < len(CAPS):
            faults |= {f"plans.{name}{key}.{cap}": "is empty: fill in all three, or none" for cap in missing}
        elif key:
            plan[key[1:]] = None
        else:
            del plans[name]
            return
    plan["paid"] = bool(plan.get("paid"))


def _leaf(schema: Mapping[str, Any]) -> Leaf | None:
    if "enum" in schema:
        return Leaf("choice", choices=tuple(schema["enum"]))
    over = "exclusiveMinimum" in schema
    bounds = {"least": schema.get("exclusiveMinimum", schema.get("minimum")), "most": schema.get("maximum")}
    match schema.get("type"):
        case "integer":
            return Leaf("whole", over=over, **bounds)
        case "number":
            return Leaf("number", over=over, **bounds)
        case "boolean":
            return Leaf("switch")
        case _:
            return None


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without references; of several, that of what is not null, choices together."""
    while True:
        if "$ref" in schema:
            schema = _whole()["$defs"][schema["$ref"].rpartition("/")[2]]
        elif "anyOf" in schema:
            some = [_resolved(each) for each in schema["anyOf"] if each.get("type") != "null"]
            choices = [each.get("const") or each.get("enum") for each in some]
            flat = [word for each in choices for word in (each if isinstance(each, list) else [each])]
            schema = {"enum": flat} if all(choices) else some[0]
        else:
            return schema


@cache
def _whole() -> Mapping[str, Any]:
    return Policy.model_json_schema()
