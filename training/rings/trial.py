"""A scene played to the real service, once with caps for accounts alone and once with caps for clusters too."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Literal

from rich.console import Console

from training.progress import posting
from training.rings.groups import Account, Group
from training.rings.policy import trial_policy
from training.rings.scene import Scene
from training.server import Service, ServiceError

Clusters = Literal["off", "live"]
#: Clusters smaller than this are no harm to anybody: two people get by with what a cluster may send.
_WRONG = 3


@dataclass(slots=True)
class Tally:
    """What became of a group: recipients granted, and the clusters its accounts ended in.

    ``clusters`` has the size of each as the service tells it. ``wrong`` are accounts that were found in one of three
    or more with an account of somebody else.
    """

    granted: int = 0
    clusters: dict[str, int] = field(default_factory=dict)
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that is posted, and the account that posts it."""

    at: float
    group: Group
    account: Account
    path: str
    body: dict[str, Any]


def compare(
    scene: Scene, policy: str, databases: tuple[Path, Path | None], console: Console
) -> tuple[dict[str, Tally], dict[str, Tally]]:
    """Tallies by name of group, with caps for accounts alone and with caps for clusters too.

    Two services at the same time, each with a store of its own and one connection, in the order of time: the same
    scene gives the same figures. Raises :class:`training.server.ServiceError` and
    :class:`training.dataset.DatasetError`.
    """
    steps, stop = _steps(scene), Event()
    with posting(console) as progress, ThreadPoolExecutor(2) as pool:

        def play(clusters: Clusters, label: str) -> dict[str, Tally]:
            task = progress.add_task(label, total=len(steps), rate=0.0)

            def tell(done: int) -> None:
                if stop.is_set():
                    raise ServiceError("stopped, because the other trial was")
                progress.update(task, completed=done, rate=progress.tasks[task].speed or 0.0)

            with tempfile.TemporaryDirectory(prefix="riskapi-rings-") as scratch:
                file = Path(scratch) / "policy.toml"
                file.write_text(trial_policy(policy, clusters), encoding="utf-8")
                with Service(Path(scratch), databases, {"RISKAPI_POLICY_FILE": str(file)}) as service:
                    return _Trial(service, scene, look=clusters == "live").play(steps, tell)

        trials = [pool.submit(play, "off", "account caps"), pool.submit(play, "live", "cluster caps")]
        try:
            wait(trials, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
        for trial in trials:
            if trial.done() and (error := trial.exception()) is not None:
                raise error
        off, live = (trial.result() for trial in trials)
        return off, live


def _steps(scene: Scene) -> list[_Step]:
    steps = [
        _Step(account.at, group, account, "/v1/signups", account.signup)
        for group in scene.groups
        for account in group.accounts
    ]
    steps += [
        _Step(
            send.at, group, account, f"/v1/accounts/{account.user_id}/sends",
            {"recipients": send.recipients, "partial": True, "message": send.message},
        )
        for group in scene.groups
        for account in group.accounts
        for send in account.sends
    ]  # fmt: skip
    steps.sort(key=lambda step: step.at)
    return steps


class _Trial:
    """One playing of a scene to one service."""

    def __init__(self, service: Service, scene: Scene, *, look: bool) -> None:
        self._service = service
        self._scene = scene
        self._looks = [scene.opened, scene.end] if look else []
        self._tallies = {group.name: Tally() for group in scene.groups}

    def play(self, steps: Sequence[_Step], tell: Callable[[int], None]) -> dict[str, Tally]:
        """Post every step, and look at the clusters when all have signed up and when all is over."""
        for number, step in enumerate(steps, 1):
            while self._looks and self._looks[0] <= step.at:
                self._look(self._looks.pop(0))
            self._count(step, self._service.post(step.path, step.body, step.at))
            if not number % 50 or number == len(steps):
                tell(number)
        for at in self._looks:
            self._look(at)
        return self._tallies

    def _count(self, step: _Step, answer: dict[str, Any]) -> None:
        if step.body is step.account.signup:
            if answer["decision"] != "allow":
                found = f"{answer['decision']} for {step.account.user_id} ({step.group.what})"
                raise ServiceError(f"a trial needs the tier allow, not {found}: {answer['reasons']}")
            return
        self._tallies[step.group.name].granted += answer["granted"]

    def _look(self, at: float) -> None:
        """Note which clusters the accounts are in, and who is in one with somebody else. The worst look counts."""
        told: dict[str, tuple[str, int]] = {}
        members: dict[str, list[Account]] = defaultdict(list)
        for group in self._scene.groups:
            for account in group.accounts:
                if account.at >= at:
                    continue
                linkage = self._service.get(f"/v1/accounts/{account.user_id}", at)["linkage"]
                if linkage["cluster_id"] is not None:
                    told[account.user_id] = linkage["cluster_id"], linkage["size"]
                    members[linkage["cluster_id"]].append(account)
        for group in self._scene.groups:
            tally = self._tallies[group.name]
            found = [(account, *told[account.user_id]) for account in group.accounts if account.user_id in told]
            tally.clusters = {cluster: size for _, cluster, size in found}
            wrong = [1 for account, cluster, size in found if _wrong(account, members[cluster], size)]
            tally.wrong = max(tally.wrong, len(wrong))


def _wrong(account: Account, fellows: Sequence[Account], size: int) -> bool:
    """Whether a cluster of that size, of which these accounts are known, ties an account to somebody else."""
    strangers = len(fellows) < size or any(fellow.actor != account.actor for fellow in fellows)
    return strangers and max(size, len(fellows)) >= _WRONG
