"""What is different between two policies, key by key, as a person would say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

# ``from`` is a word of Python, which a class cannot have as a field.
_From = TypedDict("_From", {"from": Any})


class Change(_From):
    """One difference: the key, dotted as in the file, and its value before and after; null where there was none."""

    key: str
    to: Any


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every difference as ``{"key", "from", "to"}``, null for what is not there; the version itself is left out.

    Keys are dotted, as in the file (``tiers.review.daily``). Rules are compared by their name
    (``rules.tor_exit.mode``), whatever their place; the place counts only when rules both have are in another order.
    """
    return list(_tables(_by_name(before), _by_name(after), ""))


def _by_name(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The policy with its rules under their names, without its version."""
    rules: Sequence[Mapping[str, Any]] = policy.get("rules", ())
    return {
        **{key: value for key, value in policy.items() if key != "version"},
        "rules": {rule["name"]: {key: value for key, value in rule.items() if key != "name"} for rule in rules},
    }


def _tables(before: Mapping[str, Any], after: Mapping[str, Any], above: str) -> Iterator[Change]:
    for key in dict.fromkeys([*before, *after]):
        yield from _values(before.get(key), after.get(key), f"{above}{key}")
    if above == "rules.":
        common = [[name for name in names if name in other] for names, other in ((before, after), (after, before))]
        if common[0] != common[1]:
            yield {"key": "rules", "from": common[0], "to": common[1]}


def _values(before: Any, after: Any, key: str) -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _tables(before, after, f"{key}.")
    elif _are_tables(before) and _are_tables(after):
        for at in range(max(len(before), len(after))):
            row, other = (rows[at] if at < len(rows) else None for rows in (before, after))
            yield from _values(row, other, f"{key}[{at}]")
    elif before != after or isinstance(before, bool) != isinstance(after, bool):  # true is 1 to Python
        yield {"key": key, "from": before, "to": after}


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, Mapping) for row in value)
