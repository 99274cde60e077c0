"""The product whose accounts these are: it asks the service, as any caller would, at the time of the trial."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from training.rings.accounts import Account
from training.rings.timetable import Process
from training.server import Service, ServiceError
from training.simulator.timeline import HOUR

#: How the decisions after an event of an account are marked among those that the service counts.
_LOGIN = 'cause="event"'
#: Accounts of the product's own that log in to see whether the worker is done: spread over the worker's streams.
_BEACONS = 8
#: Time goes on after so many rounds in a row without any other decision.
_QUIET = 2
#: Seconds by which it goes on: more than the worker lets the linked wait.
_STEP = 3.0
#: After so many such steps in a row without a decision all is done.
_IDLE = 2
#: Seconds of real time after which a round is given up: its account was due for another cause as well, and was decided
#: once for both.
_WAIT = 2.0
#: Rounds after which a worker that always finds more to do has a defect, and seconds of real time after which one that
#: answers no round has ended.
_MOST, _PATIENCE = 5000, 60.0
#: Decisions that a login comes to: the service's own before it answers, and the worker's after it; and seconds of real
#: time within which a worker that is just being started makes its own.
_DECISIONS, _WARM = 2, 90.0
#: Seconds between two looks at a counter.
_LOOK = 0.03
#: More than any tier is granted at once.
_GREEDY = 100_000
#: An account that was denied asks again after this long at the earliest and at the latest, in seconds.
_SOON, _LATE = 600.0, 12 * HOUR


class _Decided(NamedTuple):
    """Accounts decided again so far: all of them, and those after an event such as a login."""

    all: float
    logins: float


class Product:
    """Talks to a service at the times it is given, Unix seconds. Raises :class:`training.server.ServiceError`."""

    def __init__(self, service: Service, opened: float) -> None:
        """``opened`` is so long before anything else happens that the product's own accounts are due no more."""
        self._service = service
        self._beacons = [f"beacon-{number}" for number in range(_BEACONS)]
        self._turn = 0
        for name in self._beacons:
            body = {"account": {"user_id": name}, "email": {"address": f"{name}@{name}.example"}}
            self._service.post("/v1/signups", body, opened)
        self._log_in(opened + _STEP)
        if self._counted(_DECISIONS, _WARM).logins < _DECISIONS:
            raise ServiceError(
                "a trial needs a worker that decides an account again after its login, and there is none"
            )

    def enter(self, signup: Mapping[str, Any], at: float) -> dict[str, Any]:
        """Have somebody sign up who is not looked at again; returns the assessment."""
        return self._service.post("/v1/signups", dict(signup), at)

    def join(self, account: Account) -> dict[str, Any]:
        """Sign an account up; returns the assessment."""
        return self.enter(account.signup, account.at)

    def ask(self, account: Account, recipients: int, at: float, message: Mapping[str, Any] | None = None) -> Any:
        """Ask for so many recipients, or as many of them as can be had; returns the grant."""
        body = {"recipients": recipients, "partial": True, "message": dict(message or account.message(at))}
        grant = self._service.post(f"/v1/accounts/{account.user_id}/sends", body, at)
        if grant["granted"]:
            account.grants.append((at, grant["granted"]))
        return grant

    def tell(self, account: Account, event: str, at: float) -> None:
        """Tell of an event of an account, such as ``phone_verified``."""
        self._service.post(f"/v1/accounts/{account.user_id}/events", {"type": event}, at)

    def label(self, account: Account, label: str, at: float) -> None:
        """Say as a reviewer what an account turned out to be."""
        body = {"label": label, "source": "manual_review"}
        self._service.post(f"/v1/accounts/{account.user_id}/labels", body, at)

    def view(self, account: Account, at: float) -> dict[str, Any]:
        """Where an account stands."""
        return self._service.get(f"/v1/accounts/{account.user_id}", at)

    def cut(self, account: Account, kind: str, at: float) -> None:
        """Say as a reviewer that what binds an account, of that kind, binds nobody; nothing where nothing does."""
        linkage = self.view(account, at)["linkage"]
        for edge in linkage.get("edges") or ():
            if edge["kind"] == kind:
                body = {"edge": edge["edge"], "reason": "strangers share it"}
                self._service.post(f"/v1/clusters/{linkage['cluster_id']}/cut", body, at)

    def convict(self, account: Account, at: float) -> None:
        """Decide the review of an account for its whole cluster: abuse."""
        review = self.view(account, at)["latest"]["review_id"]
        if review is None:
            raise ServiceError(f"a trial needs a review of {account.user_id}, and there is none")
        body = {"decision": "limit", "label": "abuse", "apply_to": "cluster", "reason": "one spammer"}
        self._service.post(f"/v1/reviews/{review}/decide", body, at)

    def spend(self, account: Account, start: float, until: float) -> Process:
        """Ask for all there is, and again as soon as the service says that there is more, until that time."""
        at = start
        while at < until:
            yield at
            wait = self.ask(account, _GREEDY, at)["retry_after"]
            at += min(max(wait or _LATE, _SOON), _LATE)

    def keep_up(self, times: Iterable[float]) -> Process:
        """Have the worker be done with what came before at each of these times, as it is where nobody hurries time."""
        for at in times:
            yield at
            self.await_worker(at)

    def await_worker(self, at: float) -> float:
        """Wait until the worker has nothing left to do but what is due later; returns the time it is by then.

        There is no such answer in the contract. So an account logs in, which has the worker decide it again after all
        that came before, and the decisions are counted: when nobody else was decided several times in a row, it is
        done. Time goes on only then, for what is due in some seconds, and until nothing more came of that.
        """
        quiet, idle, seen = 0, 0, self._decided()
        at += _STEP
        answered = time.monotonic()
        for _ in range(_MOST):
            self._log_in(at)
            found = self._counted(seen.logins + _DECISIONS, _WAIT)
            if found.logins >= seen.logins + _DECISIONS:
                answered = time.monotonic()
            elif time.monotonic() - answered > _PATIENCE:
                raise ServiceError(f"the worker did nothing for {_PATIENCE:.0f} seconds")
            # Counted from the round before, so that what was decided in between is not overlooked.
            if found == (seen.all + _DECISIONS, seen.logins + _DECISIONS):
                quiet += 1
            else:
                quiet = idle = 0
            seen = found
            if quiet == _QUIET:
                quiet, idle = 0, idle + 1
                if idle == _IDLE:
                    return at
                at += _STEP
        raise ServiceError(f"the worker was not done after {_MOST} rounds")

    def _log_in(self, at: float) -> None:
        self._turn = (self._turn + 1) % _BEACONS
        self._service.post(f"/v1/accounts/{self._beacons[self._turn]}/events", {"type": "login"}, at)

    def _counted(self, logins: float, patience: float) -> _Decided:
        """The decisions counted, once those after logins are as many as that, or after so many seconds."""
        deadline = time.monotonic() + patience
        while (found := self._decided()).logins < logins and time.monotonic() < deadline:
            time.sleep(_LOOK)
        return found

    def _decided(self) -> _Decided:
        found = self._service.counted("riskapi_rescored_total")
        return _Decided(sum(found.values()), sum(count for labels, count in found.items() if _LOGIN in labels))
