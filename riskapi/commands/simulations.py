"""A policy tried on recorded signups, and thresholds proposed from them, as a command prints them."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from riskapi import app
from riskapi.accounts.log import Decisions
from riskapi.budgets.budgets import Budgets
from riskapi.commands import output
from riskapi.commands.invocation import Invocation
from riskapi.commands.policy import tables_of
from riskapi.commands.progress import LongWork
from riskapi.errors import Problem
from riskapi.sending.allowances import Allowances
from riskapi.simulations.confidence_intervals import Rate, Share
from riskapi.simulations.recorded_signups import ReadingBack, RecordedSignups
from riskapi.simulations.runs import Run, Runs

#: Who runs what is kept, where no key does. It changes nothing, so nobody has to say who they are.
_AUTHOR = "command line"


def simulate(call: Invocation, path: Path, since: float | None, *, as_json: bool) -> int:
    """Try the policy of a file."""
    with _runs(call) as runs:
        run = runs.simulation(tables_of(path), since, _AUTHOR, time.time())
        found = _carried_out(runs, run)
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return 0
    _say(f"{found['simulation_id']}: {found['foundation']['text']}; compared with version {found['base_version']}")
    output.show(("what changes",), ((each["text"],) for each in found["changes"]))
    moved = (
        (f"{row['from']} to {row['to']}", f"{row['accounts']}", f"{row['established']}", ", ".join(row["sample"]))
        for row in found["moved"]
    )
    output.show(("moved", "accounts", "established", "such as"), moved)
    reasons = ((row["reason"], f"{row['tightened']}", f"{row['loosened']}") for row in found["reasons"])
    output.show(("because of", "tightened", "loosened"), reasons)
    caps = found["caps"]
    output.show(
        ("figure", "before", "after"),
        [
            *((f"accounts in {row['tier']}", f"{row['before']}", f"{row['after']}") for row in found["tiers"]),
            *_figures(found),
            ("accounts at a cap", *(f"{caps[side]['accounts']}" for side in ("before", "after"))),
            ("recipients above caps", *(f"{caps[side]['recipients_capped']}" for side in ("before", "after"))),
        ],
    )
    return 0


def suggest(
    call: Invocation, reviews_per_day: float, legitimate_limited: float, since: float | None, *, as_json: bool
) -> int:
    """Propose thresholds for a budget."""
    with _runs(call) as runs:
        run = runs.suggestion(
            {"reviews_per_day": reviews_per_day, "legitimate_limited": legitimate_limited},
            since,
            _AUTHOR,
            time.time(),
        )
        found = _carried_out(runs, run)
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return 0
    for reason in found["reasons"]:
        _say(reason)
    names = ("review", "limit")
    rows = [(f"{name} from", f"{found['now'][name]:g}", f"{found['thresholds'][name]:g}") for name in names]
    output.show(("figure", "before", "after"), [*rows, *_figures(found)])
    missed = [name.replace("_", " ") for name in ("reviews_per_day", "legitimate_limited") if not found["met"][name]]
    if missed:
        _say(f"not met: {', '.join(missed)}")
    elif not found["met"]["surely"]:
        _say("met on what was recorded; the intervals reach beyond it")
    return 0


@contextlib.contextmanager
def _runs(call: Invocation) -> Iterator[Runs]:
    """What runs simulations on the store. What cannot be done is said, and ends the command with 1."""
    sources = app.check(call.settings)
    with call.store() as store:
        policies, publisher = app.follow_policy(call.settings, store, sources.file, sources.basis)
        past = RecordedSignups(store, Decisions(store), Allowances(store, Budgets(store)))
        try:
            yield Runs(store, policies, publisher, past)
        except Problem as problem:
            _say(problem.errors[0]["detail"] if problem.errors else problem.detail)
            raise typer.Exit(1) from None


def _carried_out(runs: Runs, run: Run) -> dict[str, Any]:
    with LongWork("simulating", run.back.entries) as work:

        def tell(back: ReadingBack) -> None:
            work.reach(back.done, f"{back.found:,} signups")

        return runs.carry_out(run, tell)


def _figures(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What simulations and suggestions have in common."""
    reviews = found["reviews_per_day"]
    yield "reviews a day", _rate(reviews["before"]), _rate(reviews["after"])
    for name in ("abuse_caught", "legitimate_limited"):
        yield name.replace("_", " "), _share(found[name]["before"]), _share(found[name]["after"])


def _rate(found: Rate) -> str:
    return f"{found['a_day']:g} ({found['low']:g} to {found['high']:g})"


def _share(found: Share) -> str:
    if found["share"] is None:
        return "nobody is labelled so"
    return f"{found['share']:.1%} of {found['of']} ({found['low']:.1%} to {found['high']:.1%})"


def _say(text: str) -> None:
    print(text, file=sys.stderr)
