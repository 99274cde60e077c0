"""Who changed each key of the policy last, by the versions there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from riskapi.policy.changes import changes
from riskapi.policy.versions import Policies, Version

#: Versions that are looked at, the newest. What was changed before them was not changed for long.
_MOST = 50


@dataclass(frozen=True, slots=True)
class LastChange:
    """The version that changed a key last, with its author and its time (RFC 3339)."""

    version: int
    author: str
    at: str | None


class PolicyHistory:
    """Reads it, and remembers it for the version in force."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._known: tuple[str, Mapping[str, LastChange]] | None = None

    def changed(self) -> Mapping[str, LastChange]:
        """The last change of each key, as differences name keys; keys not in it were not changed in the newest 50
        versions. Raises :class:`StoreUnavailable`.
        """
        mark, known = self._policies.mark(), self._known
        if known is None or known[0] != mark:
            known = self._known = (mark, _changed(self._policies.newest(_MOST)))
        return known[1]


def _changed(versions: list[Version]) -> dict[str, LastChange]:
    found: dict[str, LastChange] = {}
    for after, before in pairwise(versions):
        for change in changes(before.policy, after.policy):
            found.setdefault(change["key"], LastChange(after.version, after.author, after.at))
    return found
