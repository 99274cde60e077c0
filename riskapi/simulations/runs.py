"""Simulations, suggestions and counts while they run, and what came of them, kept for a week.

A run goes on beside requests: one at a time in a process, in slices after each of which it rests as long as the slice
took. So it takes half a core at most, and signups keep their time.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson
from typing_extensions import TypedDict

from riskapi import logs
from riskapi.contract import Count, Instant
from riskapi.errors import ConfigurationError, Problem, StoreUnavailable, invalid
from riskapi.policy import Policy
from riskapi.policy.changes import changes
from riskapi.policy.publisher import Publisher
from riskapi.policy.told_changes import ToldChange, told
from riskapi.policy.versions import Policies
from riskapi.simulations.recorded_signups import ReadingBack, RecordedSignup, RecordedSignups
from riskapi.simulations.rule_counts import Tally
from riskapi.simulations.simulation import Effect, SignupOutcome, effect, outcome
from riskapi.simulations.suggestion import Asked, Proposal, Scored, proposal, scored
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.times import DAY, rfc3339
from signals.records import record

#: Seconds what came of a run is kept, and those for which a run is kept that tells nothing any more, because its
#: process ended. A proposal that waits for a second person has to outlive a weekend.
KEPT, _SILENT = 7 * DAY, 60
#: How far back is looked by default, seconds: a week, so that every day of it is in.
USUAL = 7 * DAY
#: Seconds a run may take, after which it says what it has; those a request waits for it; runs that may wait in a
#: process.
_LONGEST, _WAIT, _MOST_WAITING = 300.0, 2.0, 4

Kind = Literal["simulation", "suggestion", "count"]
#: The id of every count: only the latest is of use.
LATEST = "latest"


class Progress(TypedDict):
    """Entries of the record read so far, of at most so many."""

    done: Count
    entries: Count


class RunState(TypedDict):
    """How far a run has come. ``base_version`` is the policy in force that it compares with."""

    status: Literal["running", "done", "failed"]
    progress: Progress
    author: str
    created_at: Instant
    expires_at: Instant
    base_version: int


class SimulationState(RunState):
    """A simulation that runs. `GET` it until it is done."""

    simulation_id: str


class Simulation(SimulationState, Effect):
    """A simulation that is done: what is different in the policy, and what that would have changed."""

    changes: list[ToldChange]


class SuggestionState(RunState):
    """A suggestion that is worked out. `GET` it until it is done."""

    suggestion_id: str


class Suggestion(SuggestionState, Proposal):
    """A suggestion that is done."""


@record
class Run:
    """One run: what it reads, what is done with each slice of it, and what is said in the end."""

    id: str
    kind: Kind
    author: str
    at: float
    base: int
    digest: str
    back: ReadingBack
    add: Callable[[list[RecordedSignup]], None]
    finish: Callable[[], Mapping[str, Any]]


class Runs:
    """Starts runs and keeps what came of them. Methods raise :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, policies: Policies, publisher: Publisher, past: RecordedSignups) -> None:
        self._store, self._policies, self._publisher, self._past = store, policies, publisher, past
        self._one, self._counted = threading.Lock(), threading.Lock()
        self._waiting = 0

    def simulation(self, given: Mapping[str, Any], since: float | None, author: str, now: float) -> Run:
        """A simulation of a policy on signups from Unix time ``since`` on, by default of a week, that is yet to run.

        Raises ``invalid``, and :class:`ConfigurationError` for a broken policy.
        """
        checked = self._publisher.checked(given)
        after = self._publisher.under(checked)
        self._follow()
        before, live = self._publisher.plain, self._policies.live()
        content = checked.model_dump(mode="json")
        different = [told(change) for change in changes(live.policy, content)]
        back, found = self._back(since, now), list[SignupOutcome]()

        def add(slice: list[RecordedSignup]) -> None:
            found.extend(outcome(past, before, after) for past in slice)

        def finish() -> Mapping[str, Any]:
            return {"changes": different, **effect(found, back, now)}

        return self._begun("simulation", author, now, before.policy.version, digest(checked), back, add, finish)

    def suggestion(self, asked: Asked, since: float | None, author: str, now: float) -> Run:
        """Thresholds for a budget, from signups since Unix time ``since``, yet to be worked out. Raises ``invalid``."""
        self._follow()
        basis = self._publisher.plain
        back, found = self._back(since, now), list[Scored]()

        def add(slice: list[RecordedSignup]) -> None:
            found.extend(scored(past, basis) for past in slice)

        def finish() -> Mapping[str, Any]:
            return proposal(found, back, now, basis, asked)

        return self._begun("suggestion", author, now, basis.policy.version, "", back, add, finish)

    def count(self, author: str, now: float) -> Run:
        """A count of what each rule and trigger caught in a week, yet to be made. Its id is :data:`LATEST`."""
        self._follow()
        policy, back = self._publisher.plain.policy, self._back(None, now)
        tally = Tally(policy, now)

        def finish() -> Mapping[str, Any]:
            return tally.counted(back, self._past.labels(each["user_id"] for each in back.acted))

        return Run(LATEST, "count", author, now, policy.version, "", back, tally.add, finish)

    def start(self, run: Run, wait: float = _WAIT) -> dict[str, Any]:
        """Let a run go on beside requests, and wait for it a little; returns what :meth:`get` does.

        Raises ``rate_limited`` where too many wait already.
        """
        with self._counted:
            if self._waiting >= _MOST_WAITING:
                detail = "Too many simulations are running; try again when one is done."
                raise Problem("rate_limited", detail, headers={"Retry-After": "10"})
            self._waiting += 1
        done = threading.Event()

        def end() -> None:
            with self._counted:
                self._waiting -= 1
            done.set()

        def work() -> None:
            try:
                with self._one:
                    self.carry_out(run, rest=True)
            except Exception as error:  # a defect is told to the operator, and to whoever asks for the run
                logs.note(logging.ERROR, "policy_run_failed", error, kind=run.kind)
                with contextlib.suppress(StoreUnavailable):
                    self._keep(run, "failed")
            finally:
                end()

        try:
            self._keep(run, "running")
            threading.Thread(target=work, name=run.kind, daemon=True).start()
        except BaseException:  # it does not run, and takes nobody's place
            end()
            raise
        done.wait(wait)
        return self.get(run.kind, run.id)

    def carry_out(
        self, run: Run, tell: Callable[[ReadingBack], None] = lambda _: None, *, rest: bool = False
    ) -> dict[str, Any]:
        """Carry a run out, and keep and return what came of it. ``tell`` is told of each slice; with ``rest`` others
        get their turn after each.
        """
        began = said = time.monotonic()
        for slice in run.back.slices():
            at = time.monotonic()
            run.add(slice)
            tell(run.back)
            now = time.monotonic()
            if rest:
                time.sleep(now - at)
            if now - said > 1.0:
                said = now
                self._keep(run, "running")
            if now - began > _LONGEST:
                break
        return self._keep(run, "done", run.finish())

    def get(self, kind: Kind, id: str) -> dict[str, Any]:
        """What is known of a run. Raises ``not_found`` for one that is not there any more, and ``run_failed``."""
        found = self._read(kind, id)
        if found["answer"]["status"] == "failed":
            raise Problem("run_failed", f"This {kind} failed. Start it again; the log says why.")
        answer: dict[str, Any] = found["answer"]
        return answer

    def fits(self, id: str, policy: Policy, live: int) -> None:
        """Raise ``simulation_unfit`` unless this simulation tried just this policy against the version in force."""
        try:
            found = self._read("simulation", id)
        except Problem:
            raise Problem("simulation_unfit", "No simulation has this id, or it is not kept any more.") from None
        answer = found["answer"]
        if answer["status"] != "done":
            raise Problem("simulation_unfit", "This simulation is not done.")
        if found["digest"] != digest(policy):
            raise Problem("simulation_unfit", "This simulation is of another policy than the one given.")
        if answer["base_version"] != live:
            base = answer["base_version"]
            raise Problem("simulation_unfit", f"It compares with version {base}, and version {live} is in force now.")

    def _follow(self) -> None:
        with contextlib.suppress(ConfigurationError):  # what is in use here is compared with
            self._publisher.follow()

    def _back(self, since: float | None, now: float) -> ReadingBack:
        if since is not None and since >= now:
            raise invalid("/since", "does not lie in the past")
        return self._past.back(now - USUAL if since is None else since, now)

    def _begun(self, kind: Kind, *more: Any) -> Run:
        return Run(f"{kind[:3]}_{secrets.token_hex(12)}", kind, *more)

    def _keep(self, run: Run, status: str, result: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = {
            f"{run.kind}_id": run.id,
            "status": status,
            "progress": {"done": run.back.done, "entries": run.back.entries},
            "author": run.author,
            "created_at": rfc3339(run.at),
            "expires_at": rfc3339(run.at + KEPT),
            "base_version": run.base,
            **(result or {}),
        }
        row = orjson.dumps({"digest": run.digest, "answer": answer})
        self._store.execute("SET", _key(run.kind, run.id), row, "EX", _SILENT if status == "running" else KEPT)
        return answer

    def _read(self, kind: Kind, id: str) -> dict[str, Any]:
        kept = self._store.execute("GET", _key(kind, id))
        if kept is None:
            raise Problem("not_found", f"No {kind} has this id, or it is not kept any more.")
        return damaged.whole(kept, ("digest", "answer"))


def digest(policy: Policy) -> str:
    """What stands for what a policy says, whatever its version is."""
    content = policy.model_dump(mode="json", exclude={"version"})
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _key(kind: Kind, id: str) -> str:
    return f"risk:run:{kind}:{id}"
