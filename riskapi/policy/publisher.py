"""Which policy a worker decides by: the version published last, or the file's while none was.

:meth:`Publisher.follow` checks whether another version came into force and uses it, away from any request:
a request takes the basis in use once, and ends with it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from model.scorer import Scorer
from riskapi import logs, policy
from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis, Basis
from riskapi.policy.attacks import AttackMode, attack_of
from riskapi.policy.rules import Mode
from riskapi.policy.versions import Policies, Publication, Version
from riskapi.times import rfc3339


class Publisher:
    """Keeps the policy in force in use, and puts policies into force. Safe for threads."""

    def __init__(
        self,
        policies: Policies,
        basis: Basis,
        model_mode: Mode | None,
        load_scorer: Callable[[], Scorer],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``basis`` is the file's. ``model_mode`` overrides every policy's, as the setting asks. ``clock`` gives Unix
        time, by which attack mode ends.

        ``load_scorer`` is called when a policy needs a model and the file's did not; it raises
        :class:`ConfigurationError` when there is none.
        """
        self.active = ActiveBasis(basis)
        self._policies = policies
        self._file = self._plain = basis
        self._clock = clock
        self._model_mode = model_mode
        self._load_scorer = load_scorer
        self._scorer = basis.scorer
        self._lock = threading.Lock()
        self._mark = ""
        self._attack: AttackMode | None = None
        self._used = basis
        self._fault: str | None = None

    @property
    def fault(self) -> str | None:
        """Why this worker does not decide by the policy in force; ``None`` when it does."""
        return self._fault

    @property
    def attack(self) -> AttackMode | None:
        """Attack mode, where this worker decides in it."""
        return self._attack

    @property
    def plain(self) -> Basis:
        """What decides here outside attack mode."""
        return self._plain

    def follow(self) -> None:
        """Use the policy in force, if another one is in use, and attack mode while it is on.

        Raises :class:`StoreUnavailable`, and :class:`ConfigurationError`, once, for a version that cannot be used
        here, as one that newer software published; the policy in use stays.
        """
        with self._lock:
            try:
                mark, kept = self._policies.marks()
            except StoreUnavailable:
                self._decide(self._attack)  # attack mode ends at its time all the same
                raise
            try:
                if mark != self._mark:
                    self._take(mark)
            finally:  # attack mode also holds where the version cannot be used
                self._decide(attack_of(kept))

    def _decide(self, attack: AttackMode | None) -> None:
        """Decide by the version that was taken up, in attack mode where that is on."""
        if attack is not None and attack.until <= self._clock():
            attack = None
        if attack != self._attack:
            logs.note(logging.WARNING, "attack_mode", until=None if attack is None else rfc3339(attack.until))
        elif self._used is self._plain:
            return
        self._attack, self._used = attack, self._plain
        self.active.use(self._plain if attack is None else self._plain.attacked(rfc3339(attack.until)))

    def _take(self, mark: str) -> None:
        try:
            basis = self._basis_under(self._stored(self._policies.live(mark))) if mark else self._file
        except ConfigurationError as error:
            self._mark, self._fault = mark, f"version {mark.partition(':')[0]} cannot be used: {error}"
            raise
        logs.note(logging.INFO, "policy", policy=basis.policy.version, before=self.active.policy.version)
        self._plain, self._mark, self._fault = basis, mark, None

    def rename(self, versions: Mapping[str, str]) -> None:
        """Have answers name other versions of the data from now on, under this policy and every later one."""
        with self._lock:
            self._file = replace(self._file, versions={**self._file.versions, **versions})
            self._plain = replace(self._plain, versions={**self._plain.versions, **versions})
            self._decide(self._attack)

    def publish(
        self, given: Mapping[str, Any], publication: Publication, allowed: Callable[[int], bool], where: str = "policy"
    ) -> Version:
        """Check a policy as at the start, put it into force, and decide by it here.

        Its ``version`` does not matter. ``allowed`` and what else is raised: see :meth:`Policies.publish`. Raises
        :class:`ConfigurationError`, naming ``where``, for one that is broken or needs a model that is not there.
        """
        made = self._policies.publish(self.checked(given, where), publication, allowed)
        with contextlib.suppress(StoreUnavailable):  # it is in force all the same; the next look takes it up
            self.follow()
        return made

    def checked(self, given: Mapping[str, Any], where: str = "policy") -> Policy:
        """A policy as it is checked before it comes into force; its ``version`` is 1.

        Raises :class:`ConfigurationError`, naming ``where``.
        """
        found = policy.check({**given, "version": 1}, where=where)
        self.under(found, where)
        return found

    def under(self, found: Policy, where: str = "policy") -> Basis:
        """What would decide here by a policy that is not in force. Raises :class:`ConfigurationError`."""
        try:
            return self._basis_under(found)
        except ConfigurationError as error:
            reason = f"{found.model.mode} needs a model, and there is none that can be used: {error.reason}"
            raise ConfigurationError(where, "model.mode", reason) from error

    def _stored(self, version: Version) -> Policy:
        return policy.check(version.policy, where=f"store, policy version {version.version}")

    def _basis_under(self, found: Policy) -> Basis:
        """The basis under a policy, with all that would otherwise be made at the first request."""
        if self._model_mode is not None:
            found = found.with_model_mode(self._model_mode)
        if found.model.mode != "off" and self._scorer is None:
            self._scorer = self._load_scorer()
        scorer = self._scorer if found.model.mode != "off" else None
        _ = found.live, found.felt, found.shadow
        basis = self._file.under(found)
        model = scorer.version if scorer is not None else None
        return replace(basis, scorer=scorer, versions={**basis.versions, "model": model})
