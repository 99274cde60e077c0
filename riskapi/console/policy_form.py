"""The policy as forms: fields with their units, ranges, explanations, and who changed them last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypedDict

import orjson

from riskapi import policy
from riskapi.console import policy_fields
from riskapi.console.visit import Visit
from riskapi.errors import ConfigurationError
from riskapi.policy import Policy
from riskapi.policy.comments import explained
from riskapi.policy.last_changes import LastChange
from riskapi.policy.section import Section
from riskapi.policy.versions import Version

#: What a page's form carries besides values of the policy.
_OWN = frozenset({"csrf", "base", "draft", "do"})


#: Policies that are kept checked: that in force, and those of the drafts people look at.
_CHECKED = 8


class Field(TypedDict):
    """One field: its value as text, what may be typed, what is wrong with what was typed, and who changed it last.
    ``differs`` says that the value is not the one in force.
    """

    name: str
    kind: str
    value: str
    least: float | None
    most: float | None
    choices: Sequence[str]
    unit: str
    range: str
    fault: str
    last: LastChange | None
    differs: bool


class Form:
    """The fields of a page: those of ``said``, with what was ``typed`` over them, beside the policy in ``live``."""

    def __init__(
        self,
        visit: Visit,
        live: Mapping[str, Any],
        said: Mapping[str, Any],
        typed: Mapping[str, str] | None = None,
        faults: Mapping[str, str] | None = None,
    ) -> None:
        self.said, self.faults = said, defaultdict(str, faults or {})
        self._live, self._typed = live, typed or {}
        self._changed = visit.parts.policy.history.changed()
        self._told = explained(visit.parts.policy.texts.commented(live))

    def field(self, name: str) -> Field:
        """A field by its key, such as ``tiers.allow.daily``."""
        leaf = policy_fields.leaf(name) or policy_fields.Leaf("words")
        path = policy_fields.path_of(name) or ()
        value, live = (policy_fields.shown(policy_fields.value_of(each, path)) for each in (self.said, self._live))
        value = self._typed.get(name, value)
        if leaf.kind in ("switch", "choice"):
            # What is shown, and sent, where nothing was chosen: of a step that is not there yet.
            first = (leaf.choices or ("off",))[0]
            value, live = value or first, live or first
        return {
            "name": name,
            "kind": leaf.kind,
            "value": value,
            "least": leaf.least,
            "most": leaf.most,
            "choices": leaf.choices,
            "unit": policy_fields.unit(name),
            "range": leaf.range,
            "fault": self.faults.get(name, ""),
            "last": self._changed.get(self._key(path, name)),
            "differs": value != live,
        }

    def typed(self, name: str) -> str:
        """What was typed into a field that the policy has no value for."""
        return self._typed.get(name, "")

    def fields(self, name: str) -> list[Field]:
        """All fields below a key."""
        value = policy_fields.value_of(self.said, policy_fields.path_of(name) or ())
        return [self.field(each) for each in policy_fields.leaves(value, name)]

    def explained(self, name: str) -> str:
        """What the policy's own comments say of a table or key, else what its class says; empty where neither does."""
        return self._told.get(name) or _docstring(name)

    def _key(self, path: policy_fields.Path, name: str) -> str:
        """The key as differences of versions name it: rules by their name."""
        if path[:1] != ("rules",):
            return name
        return ".".join(["rules", str(policy_fields.value_of(self._live, (*path[:2], "name"))), *map(str, path[2:])])


def in_force(visit: Visit) -> tuple[Version, dict[str, Any]]:
    """The version in force, and what it says with the tables that came since."""
    live = visit.parts.policies.live()
    return live, whole(live)


def whole(version: Version) -> dict[str, Any]:
    """What a version says, with the tables that came since; as it is where it is of no use today."""
    found: dict[str, Any] = orjson.loads(_checked(orjson.dumps(version.policy)))
    return found | {"version": version.version}


@lru_cache(maxsize=_CHECKED)
def _checked(said: bytes) -> bytes:
    """The same with the tables that came since, as JSON. Checking all of a policy takes longer than a page may."""
    try:
        return orjson.dumps(policy.check(orjson.loads(said), where="store").model_dump(mode="json"))
    except ConfigurationError:
        return said


def typed(visit: Visit) -> dict[str, str]:
    """What was typed into the fields of the policy."""
    return {name: visit.form[name] for name in visit.form if name not in _OWN}


def _docstring(name: str) -> str:
    """The first paragraph of what a section's class says."""
    model: Any = Policy
    for part in name.split("."):
        model = model.model_fields[part].annotation if part in getattr(model, "model_fields", {}) else None
    if not (isinstance(model, type) and issubclass(model, Section)):
        return ""
    said = (model.__doc__ or "").replace("``", "").split("\n\n")[0]
    return " ".join(said.split())
