"""Recorded decisions, decided again and compared."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from riskapi import app
from riskapi.commands import input_files
from riskapi.commands.invocation import Invocation
from riskapi.commands.progress import LongWork
from riskapi.decisions.recorded_decisions import decided_again
from riskapi.policy.active import Basis
from signals import registered

#: What must come out the same, bit for bit. Reasons are text for people and not recorded.
COMPARED = ("tier", "risk_score", "margin", "probability", "source", "rule", "fired")


def run(call: Invocation, file: str, policy_file: Path | None) -> int:
    """Replay every line with the policy of a file, or the one in force; 1 when one differs or cannot be read."""
    count: Counter[str] = Counter()
    with input_files.opened(file) as source:
        basis = _basis(call, policy_file)
        with LongWork("replaying", input_files.size(source)) as work:
            count = replay(work.lines(source, lambda: f"{count.total():,} decisions"), basis, count)
    print(
        f"{count['same']} the same, {count['different']} different, {count['other']} of another policy, model or "
        f"set of signals, {count['broken']} that cannot be read",
        file=sys.stderr,
    )
    return 1 if count["different"] or count["broken"] else 0


def _basis(call: Invocation, policy_file: Path | None) -> Basis:
    if policy_file is not None:
        return app.check(replace(call.settings, policy_file=policy_file)).basis
    sources = app.check(call.settings)
    with call.store() as store:
        _, publisher = app.follow_policy(call.settings, store, sources.file, sources.basis)
        publisher.follow()
        return publisher.active.basis


def replay(lines: Iterable[bytes], basis: Basis, count: Counter[str] | None = None) -> Counter[str]:
    """Count lines: ``same``, ``different``, of ``other`` versions, ``broken``. Print the different and the broken."""
    count = Counter() if count is None else count
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            recorded = orjson.loads(line)
            kind, said = _compare(recorded, basis)
        except orjson.JSONDecodeError as error:
            kind, said = "broken", f"not a decision: not JSON: {error}"
        except KeyError as error:
            kind, said = "broken", f"not a decision: {error} is missing"
        except (ValueError, TypeError, AttributeError) as error:
            kind, said = "broken", f"not a decision: {error}"
        count[kind] += 1
        if kind in ("different", "broken"):
            print(f"line {number}: {said}")
    return count


def _compare(recorded: dict[str, Any], basis: Basis) -> tuple[str, str]:
    versions = recorded["versions"]
    same_basis = all(versions[name] == basis.versions[name] for name in ("policy", "model"))
    same_basis = same_basis and recorded["model_mode"] == basis.policy.model.mode
    if not same_basis or list(recorded["readings"]) != list(registered()):
        return "other", ""
    again = decided_again(recorded, recorded["readings"], basis)
    for name in COMPARED:
        value = getattr(again, name)
        value = list(value) if isinstance(value, tuple) else value
        if value != recorded[name]:
            return "different", f"{recorded['id']}: {name} was {recorded[name]!r}, is {value!r}"
    return "same", ""
