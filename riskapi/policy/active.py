"""What decisions rest on: a policy, a model, and the versions that answers name; and which of them is in use now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NotRequired

from typing_extensions import TypedDict

from model.scorer import Scorer
from riskapi.policy import Policy


class Versions(TypedDict):
    """What the decision was made with. ``attack`` is there in attack mode: until when it was to last."""

    policy: int
    model: str | None
    asn: str | None
    lists: str | None
    country: NotRequired[str | None]
    signals: NotRequired[str | None]
    attack: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Basis:
    """What decides: the policy, the model (None where there is none) and the versions that answers name.

    ``newcomers`` are the limits of accounts that sent nothing yet, by what they depend on besides, as far as they were
    worked out (:mod:`riskapi.decisions.answer`). They are made anew with each basis, as another has another policy.
    """

    policy: Policy
    scorer: Scorer | None
    versions: Mapping[str, Any]
    newcomers: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    _usual: Policy | None = field(default=None, compare=False, repr=False)

    @property
    def plain(self) -> Policy:
        """The policy outside attack mode."""
        return self.policy if self._usual is None else self._usual

    def under(self, policy: Policy) -> Basis:
        """The same model and data under another policy."""
        return replace(self, policy=policy, versions={**self.versions, "policy": policy.version}, _usual=None)

    def attacked(self, until: str) -> Basis:
        """The same in attack mode, which lasts until this time (RFC 3339)."""
        versions = {**self.versions, "attack": until}
        return replace(self, policy=self.policy.attacked, versions=versions, _usual=self.plain)


class ActiveBasis:
    """The basis in use now, for every part of a worker. A request takes it once and keeps it to its end."""

    def __init__(self, basis: Basis) -> None:
        self._basis = basis

    @property
    def basis(self) -> Basis:
        """The basis in use now."""
        return self._basis

    @property
    def policy(self) -> Policy:
        """The policy in force now."""
        return self._basis.policy

    def use(self, basis: Basis) -> None:
        """Use another basis from the next request on; requests in hand are finished by theirs."""
        self._basis = basis
