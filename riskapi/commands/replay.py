"""Decide recorded decisions again and compare.

Reads the JSON lines of ``export decisions``, decides their readings with the policy in force (or a file's) and
today's model, and prints every line that comes out differently. Lines recorded under another policy, model or
set of signals are counted and left out. The exit code is 1 when a line differs.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from riskapi import app
from riskapi.decisions.decide import decide
from riskapi.decisions.record import listing
from riskapi.policy.active import Basis
from riskapi.settings import Settings
from riskapi.store.connections import running_store
from signals import registered

#: What must come out the same, bit for bit. Reasons are text for people and not recorded.
COMPARED = ("tier", "risk_score", "margin", "probability", "source", "rule", "fired")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file."""
    parser.add_argument(
        "file", nargs="?", type=argparse.FileType("rb"), default="-", help="JSON lines (default: standard input)"
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="policy to decide with; needs no store (default: the one in force)"
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Replay every line; 1 when one differs or cannot be read."""
    with arguments.file as lines:
        count = replay(lines, _judge(arguments, settings))
    print(
        f"{count['same']} the same, {count['different']} different, {count['other']} of another policy, model or "
        f"set of signals, {count['broken']} that cannot be read",
        file=sys.stderr,
    )
    return 1 if count["different"] or count["broken"] else 0


def _judge(arguments: argparse.Namespace, settings: Settings) -> Basis:
    if arguments.policy is not None:
        return app.check(replace(settings, policy_file=arguments.policy)).basis
    sources = app.check(settings)
    with running_store(settings, start=arguments.start_store) as store:
        _, publisher = app.follow_policy(settings, store, sources.file, sources.basis)
        publisher.follow()
        return publisher.active.basis


def replay(lines: Iterable[bytes], basis: Basis) -> Counter[str]:
    """Count lines: ``same``, ``different``, of ``other`` versions, ``broken``. Print the different and the broken."""
    count: Counter[str] = Counter()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            recorded = orjson.loads(line)
            kind, said = _compare(recorded, basis)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            kind, said = "broken", f"not a decision: {type(error).__name__}: {error}"
        count[kind] += 1
        if kind in ("different", "broken"):
            print(f"line {number}: {said}")
    return count


def _compare(recorded: dict[str, Any], basis: Basis) -> tuple[str, str]:
    versions = recorded["versions"]
    same_judge = all(versions[name] == basis.versions[name] for name in ("policy", "model"))
    same_judge = same_judge and recorded["model_mode"] == basis.policy.model.mode
    if not same_judge or list(recorded["readings"]) != list(registered()):
        return "other", ""
    again = decide(
        recorded["readings"],
        basis.scorer,
        basis.policy,
        store_away=recorded["store_away"],
        listing=listing(recorded),
    )
    for name in COMPARED:
        value = getattr(again, name)
        value = list(value) if isinstance(value, tuple) else value
        if value != recorded[name]:
            return "different", f"{recorded['id']}: {name} was {recorded[name]!r}, is {value!r}"
    return "same", ""
