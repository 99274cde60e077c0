"""Recorded decisions and their outcomes, as the matrix a model learns from.

The rows are the readings the service recorded when it decided (``python -m riskapi export decisions``), never
features computed again here: what the model learns from is what it will be given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import signals
from model import features
from signals.registry import Readings, schema

Matrix = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_ABUSE = {"abuse": True, "legitimate": False}
_LABELS = ("abuse", "legitimate", "unknown", None)


class DatasetError(Exception):
    """A file that cannot be learned from; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One exported decision. ``at`` in Unix seconds; ``label`` the latest one, or ``None``."""

    user_id: str
    at: float
    readings: Readings
    tier: str
    label: str | None


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a simulated signup: ``truth`` as it is, ``outcome`` as its operator came to believe.

    ``kind`` names the sort of person or abuser, ``country`` and ``tongue`` the groups of the fairness table.
    """

    truth: str
    outcome: str
    kind: str
    country: str
    tongue: str


@dataclass(frozen=True, slots=True)
class Example:
    """A decision with its outcome: ``target`` is what to learn, ``abuse`` what is so; the same, on real data."""

    decision: Decision
    target: bool
    abuse: bool
    truth: Truth | None


@dataclass(frozen=True, slots=True)
class Split:
    """Three spans of time, oldest first: to learn from, to calibrate on, to test on."""

    train: list[Example]
    calibrate: list[Example]
    test: list[Example]


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every line of a JSON lines file with its place. Raises :class:`DatasetError` at the first bad line."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                where = f"{path}:{number}"
                try:
                    found = json.loads(line)
                except ValueError as error:
                    raise DatasetError(f"{where}: not JSON: {error}") from error
                if not isinstance(found, dict):
                    raise DatasetError(f"{where}: expected an object, found {type(found).__name__}")
                yield where, found
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


def _text(found: Mapping[str, Any], key: str, where: str) -> str:
    value = found.get(key)
    if not isinstance(value, str):
        raise DatasetError(f"{where}: {key}: expected text, found {value!r}")
    return value


def _readings(found: Mapping[str, Any], where: str) -> Readings:
    values = found.get("readings")
    if not isinstance(values, dict):
        raise DatasetError(f"{where}: readings: expected an object")
    known = signals.registered()
    for name, value in values.items():
        if name not in known:
            raise DatasetError(f"{where}: readings: unknown signal {name!r}")
        if not (value is None or isinstance(value, bool | int | float | str)):
            raise DatasetError(f"{where}: readings: {name}: expected a plain value, found {value!r}")
        if known[name].is_column and isinstance(value, str):
            raise DatasetError(f"{where}: readings: {name}: expected a number, found text")
    return values


def read_decisions(path: Path) -> list[Decision]:
    """The signups in an export, one a user, oldest first.

    Raises :class:`DatasetError` for a line that is not a decision of this version of the signals: a model learned
    from readings that meant something else would be wrong without anyone noticing.
    """
    current = schema()
    decisions: dict[str, Decision] = {}
    for where, found in _objects(path):
        if _text(found, "kind", where) != "signup":
            continue
        recorded = _text(found, "schema", where)
        if recorded != current:
            raise DatasetError(
                f"{where}: recorded with signals {recorded}, this code has {current}: "
                "collect again, or train with the version that recorded it"
            )
        user_id = _text(found, "user_id", where)
        if user_id in decisions:
            raise DatasetError(f"{where}: user_id: {user_id} was decided twice")
        try:
            at = datetime.fromisoformat(_text(found, "at", where))
        except ValueError as error:
            raise DatasetError(f"{where}: at: {error}") from error
        if at.tzinfo is None:
            raise DatasetError(f"{where}: at: {found['at']} has no time zone")
        label = found.get("label")
        if label not in _LABELS:
            raise DatasetError(f"{where}: label: expected abuse, legitimate, unknown or null, found {label!r}")
        decisions[user_id] = Decision(
            user_id, at.timestamp(), _readings(found, where), _text(found, "tier", where), label
        )
    return sorted(decisions.values(), key=lambda one: (one.at, one.user_id))


def read_truth(path: Path) -> dict[str, Truth]:
    """The truth file of a simulation by user id. Raises :class:`DatasetError`."""
    truths: dict[str, Truth] = {}
    for where, found in _objects(path):
        for key in ("truth", "outcome"):
            if found.get(key) not in _ABUSE:
                raise DatasetError(f"{where}: {key}: expected abuse or legitimate, found {found.get(key)!r}")
        parts = (_text(found, key, where) for key in ("truth", "outcome", "kind", "country", "tongue"))
        truths[_text(found, "user_id", where)] = Truth(*parts)
    return truths


def join(decisions: Iterable[Decision], truths: Mapping[str, Truth] | None) -> list[Example]:
    """Decisions with their outcome: from the truth file when there is one, else from the labels of the export.

    Decisions nobody labelled are left out on real data: their outcome is not known. Raises :class:`DatasetError` when
    a simulated decision has no truth, or when one of the two outcomes never occurs.
    """
    examples: list[Example] = []
    for decision in decisions:
        if truths is None:
            if decision.label in _ABUSE:
                target = _ABUSE[decision.label]
                examples.append(Example(decision, target, target, None))
            continue
        truth = truths.get(decision.user_id)
        if truth is None:
            raise DatasetError(f"{decision.user_id} is in the export but not in the truth file")
        examples.append(Example(decision, _ABUSE[truth.outcome], _ABUSE[truth.truth], truth))
    positives = sum(example.target for example in examples)
    if not 0 < positives < len(examples):
        raise DatasetError(f"{positives} abusive of {len(examples)} known outcomes: a model needs examples of both")
    return examples


def split(examples: Sequence[Example], train: float = 0.6, calibrate: float = 0.15) -> Split:
    """Cut the examples, oldest first, by these shares of the *time* they span; the rest is the test.

    By time and never at random: a campaign that lies in both halves would let the model be tested on what it has
    learned by heart. Raises :class:`DatasetError` when a span holds only one outcome.
    """
    ordered = sorted(examples, key=lambda one: (one.decision.at, one.decision.user_id))
    first, last = ordered[0].decision.at, ordered[-1].decision.at
    one, two = first + train * (last - first), first + (train + calibrate) * (last - first)
    found = Split(
        [example for example in ordered if example.decision.at < one],
        [example for example in ordered if one <= example.decision.at < two],
        [example for example in ordered if example.decision.at >= two],
    )
    for name, part in (("train", found.train), ("calibrate", found.calibrate), ("test", found.test)):
        if not 0 < sum(example.target for example in part) < len(part):
            raise DatasetError(f"the {name} span of {len(part)} decisions lacks one of the outcomes: collect more")
    return found


def matrix(examples: Sequence[Example], columns: Sequence[str]) -> Matrix:
    """The readings of these examples as the model sees them."""
    return features.matrix((example.decision.readings for example in examples), columns)


def targets(examples: Sequence[Example]) -> Flags:
    """What to learn: whether the outcome was abuse."""
    return np.array([example.target for example in examples], dtype=np.bool_)
