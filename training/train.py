"""From examples to a calibrated model: LightGBM with the directions the signals declare, and Platt scaling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import lightgbm
import numpy as np

from model import card
from signals.registry import columns as registered_columns
from signals.registry import registered, schema
from training import dataset, measures
from training.dataset import Example, Flags, Matrix, Split

#: Small on purpose: a row is scored and explained exactly in microseconds. That takes trees with at most eight splits
#: above a leaf (model/contributions.py). One thread and fixed seeds, so that the same rows give the same bytes
#: (LightGBM documentation, "deterministic").
PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.08,
    "num_leaves": 15,
    "max_depth": 6,
    "min_data_in_leaf": 40,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "max_bin": 127,
    "monotone_constraints_method": "advanced",
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
TREES = 120


@dataclass(frozen=True, slots=True)
class Model:
    """A trained and calibrated model. ``probability`` is ``sigmoid(a * margin + b)``."""

    booster: lightgbm.Booster
    columns: tuple[str, ...]
    monotone: tuple[Literal[-1, 0, 1], ...]
    a: float
    b: float

    def margin(self, rows: Matrix) -> Matrix:
        """Raw scores of these rows."""
        return np.asarray(self.booster.predict(rows, raw_score=True, num_threads=1), dtype=np.float64)

    def probability(self, rows: Matrix) -> Matrix:
        """Calibrated probabilities of abuse of these rows."""
        return np.asarray(1 / (1 + np.exp(-(self.a * self.margin(rows) + self.b))), dtype=np.float64)


def load(directory: Path) -> Model:
    """The model of an artifact. Raises :class:`model.card.ArtifactError`."""
    found, text = card.read(directory)
    booster = lightgbm.Booster(model_str=text)
    return Model(booster, found.columns, found.monotone, found.calibration.a, found.calibration.b)


def directions(columns: Sequence[str]) -> tuple[Literal[-1, 0, 1], ...]:
    """The monotone constraint of each column, as its signal declares it."""
    return tuple(registered()[name].risk or 0 for name in columns)


def fit(
    rows: Matrix,
    abuse: Flags,
    columns: Sequence[str],
    monotone: Sequence[int],
    *,
    seed: int = 1,
    trees: int = TREES,
    grown: Callable[[int], None] | None = None,
) -> lightgbm.Booster:
    """Learn from these rows. The same rows, parameters and version of LightGBM give the same model, byte for byte.

    ``grown`` is told after each tree how many there are.
    """
    parameters = PARAMETERS | {"monotone_constraints": list(monotone), "seed": seed}
    data = lightgbm.Dataset(
        rows,
        label=abuse.astype(np.float64),
        feature_name=list(columns),
        params={"verbosity": -1, "max_bin": PARAMETERS["max_bin"]},
        free_raw_data=True,
    )
    callbacks = [lambda now: grown(now.iteration + 1)] if grown is not None else None
    return lightgbm.train(parameters, data, num_boost_round=trees, callbacks=callbacks)


def train(
    spans: Split,
    *,
    seed: int = 1,
    trees: int = TREES,
    grown: Callable[[int], None] | None = None,
) -> Model:
    """Learn on the first span, calibrate on the second; the third is left for the test. ``grown``: see :func:`fit`."""
    names = registered_columns()
    monotone = directions(names)
    rows, abuse = dataset.matrix(spans.train, names), dataset.targets(spans.train)
    booster = fit(rows, abuse, names, monotone, seed=seed, trees=trees, grown=grown)
    margin = np.asarray(booster.predict(dataset.matrix(spans.calibrate, names), raw_score=True), dtype=np.float64)
    a, b = measures.platt(margin, dataset.targets(spans.calibrate))
    return Model(booster, names, monotone, a, b)


def metrics(model: Model, test: Sequence[Example]) -> dict[str, float | dict[str, float]]:
    """The figures of the model card, on the test span, against what is really so."""
    abuse = np.array([example.abuse for example in test], dtype=np.bool_)
    probability = model.probability(dataset.matrix(test, model.columns))
    kinds = sorted({example.truth.kind for example in test if example.truth and example.abuse})
    found: dict[str, float | dict[str, float]] = {
        "rows": float(len(test)),
        "abuse": float(abuse.sum()),
        "auc": measures.auc(abuse, probability),
        "average_precision": measures.average_precision(abuse, probability),
        "brier": measures.brier(abuse, probability),
        "calibration_error": measures.calibration_error(abuse, probability),
        "recall_at_fpr_1_percent": measures.recall_at(abuse, probability, 0.01),
        "recall_at_fpr_0.1_percent": measures.recall_at(abuse, probability, 0.001),
    }
    if kinds:
        bar = float(np.quantile(probability[~abuse], 0.99))
        of_kind = np.array([example.truth.kind if example.truth else "" for example in test])
        found["recall_at_fpr_1_percent_by_kind"] = {
            kind: measures.share_above(probability[of_kind == kind], bar) for kind in kinds
        }
    return {key: _rounded(value) for key, value in found.items()}


def _rounded(value: float | dict[str, float]) -> float | dict[str, float]:
    if isinstance(value, dict):
        return {key: round(one, 4) for key, one in value.items()}
    return round(value, 4)


def publish(model: Model, spans: Split, directory: Path, *, trained_at: datetime, simulated: bool) -> card.Card:
    """Write the artifact: the model as text and the card that vouches for it."""
    used = [*spans.train, *spans.calibrate]
    return card.save(
        directory,
        model.booster.model_to_string(),
        columns=model.columns,
        monotone=model.monotone,
        calibration=card.Calibration(a=model.a, b=model.b),
        trained_at=trained_at,
        data=card.Window(
            first=datetime.fromtimestamp(spans.train[0].decision.at, UTC),
            last=datetime.fromtimestamp(used[-1].decision.at, UTC),
            rows=len(used),
            positives=int(dataset.targets(used).sum()),
            simulated=simulated,
        ),
        metrics=metrics(model, spans.test),
        lightgbm=lightgbm.__version__,
        schema=schema(),
    )
