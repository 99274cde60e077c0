"""The model at work: one row in, a calibrated probability and its explanation out.

Rows are scored one at a time through LightGBM's C API (:mod:`model.single_row`), and explained by tables
(:mod:`model.contributions`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model import features, trees
from model.card import MODEL_FILE, ArtifactError, Card, read
from model.contributions import prepare
from model.features import Row
from model.single_row import SingleRow, check
from signals.records import record
from signals.registry import Readings

if TYPE_CHECKING:
    from lightgbm import Booster

# Constants of c_api.h.
_RAW_SCORE = 1
_CONTRIBUTIONS = 3


@record
class Score:
    """``margin`` is LightGBM's raw score; ``log_odds`` the same calibrated; ``probability`` of abuse, 0 to 1.

    ``row`` is what was scored, for :meth:`Scorer.explain`.
    """

    margin: float
    log_odds: float
    probability: float
    row: Row = field(repr=False, compare=False)


class Explanation(NamedTuple):
    """Why a score is what it is, in calibrated log-odds: ``bias`` and what was ``added`` make up ``log_odds``.

    ``names`` are the columns that the model looks at, of all its ``columns``; ``added`` is the contribution of each.
    Contributions are SHAP values (:mod:`model.contributions`: exact), times the calibration's slope.
    """

    names: Sequence[str]
    added: Sequence[float]
    bias: float
    columns: Sequence[str]

    @property
    def contributions(self) -> dict[str, float]:
        """What each of all columns added: nothing, where the model does not look at it."""
        return dict.fromkeys(self.columns, 0.0) | dict(zip(self.names, self.added, strict=True))


class _Thread(threading.local):
    """The prepared calls of one thread; made at its first score and freed when it ends."""

    score: SingleRow | None = None
    explain: SingleRow | None = None


class Scorer:
    """A loaded model. Safe to share between threads: each has its own buffers."""

    def __init__(self, card: Card, booster: Booster, text: str) -> None:
        """``text`` is the model as LightGBM wrote it, from which ``booster`` was made."""
        self.card = card
        self.version = card.version
        self.columns = card.columns
        self._booster, self._text = booster, text
        self._a, self._b = card.calibration.a, card.calibration.b
        # Of 189 columns the shipped model looks at 79.
        self._looked_at = trees.columns(text)
        self._names = [card.columns[column] for column in self._looked_at]
        self._row = features.reader(self._names)
        self._thread = _Thread()
        self._explain: Callable[[Row], Row] | None = None
        self._preparing = threading.Lock()

    @classmethod
    def load(cls, directory: Path, known: Collection[str]) -> Scorer:
        """Read and check the artifact in ``directory``.

        ``known`` are the signals that may be columns (``signals.registry.columns()``). Raises
        :class:`ArtifactError` when the files, their hash, their columns or the library do not fit.
        """
        # The hash is held against the card before LightGBM sees the text: it ends the process on a damaged model.
        card, text = read(directory)
        gone = [name for name in card.columns if name not in known]
        if gone:
            raise ArtifactError(
                f"{directory}: the model needs {'signals that are' if len(gone) > 1 else 'a signal that is'} "
                f"gone: {', '.join(gone)}."
            )
        booster = _booster(text, directory / MODEL_FILE, card)
        names = tuple(booster.feature_name())
        if names != card.columns:
            at = next((i for i, (a, b) in enumerate(zip(names, card.columns, strict=False)) if a != b), None)
            where = f"{len(names)} columns in the model, {len(card.columns)} in the card"
            if at is not None:
                where = f"column {at} is {names[at]} in the model and {card.columns[at]} in the card"
            raise ArtifactError(f"{directory}: the columns of the model and of its card differ: {where}.")
        check(booster)
        return cls(card, booster, text)

    def score(self, readings: Readings) -> Score:
        """Margin and calibrated probability of these readings. Some 6 µs for 79 columns and 120 trees."""
        prepared = self._thread.score
        if prepared is None:
            prepared = self._thread.score = SingleRow(self._booster, _RAW_SCORE, len(self.columns), 1, self._looked_at)
        row = self._row(readings)
        (margin,) = prepared.predict(row)
        log_odds = self._a * margin + self._b
        return Score(margin, log_odds, sigmoid(log_odds), row)

    def explain(self, score: Score) -> Explanation:
        """What each column added to the log-odds of a score. About twice the cost of that.

        The first call prepares the others, which takes 0.1 s. A model that :mod:`model.contributions` has no tables for
        is explained by LightGBM, which takes eight times the instructions and twenty times the time.
        """
        explain = self._explain or self._prepare()
        added: list[float] = (self._a * explain(score.row)).tolist()
        bias = added.pop() + self._b
        return Explanation(self._names, added, bias, self.columns)

    def _prepare(self) -> Callable[[Row], Row]:
        with self._preparing:
            if self._explain is None:
                self._explain = prepare(self._text, self._explained_by_lightgbm)
                self._text = ""  # not needed again
            return self._explain

    def _explained_by_lightgbm(self, row: Row) -> Row:
        prepared = self._thread.explain
        if prepared is None:
            width = len(self.columns)
            prepared = self._thread.explain = SingleRow(
                self._booster, _CONTRIBUTIONS, width, width + 1, self._looked_at
            )
        return np.array(prepared.predict(row))[[*self._looked_at, -1]]


def sigmoid(log_odds: float) -> float:
    """Probability of these log-odds, without overflow at either end."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def _booster(text: str, path: Path, card: Card) -> Booster:
    try:
        import lightgbm
    except OSError as error:
        # The wheel links to the OpenMP runtime, which slim images leave out.
        if "libgomp" in str(error):
            raise ArtifactError(
                "LightGBM needs the OpenMP runtime libgomp.so.1, which is not installed: apt-get install libgomp1."
            ) from error
        raise ArtifactError(f"LightGBM cannot be loaded: {error}.") from error
    if lightgbm.__version__.split(".")[0] != card.lightgbm.split(".")[0]:
        raise ArtifactError(
            f"{path} was trained with LightGBM {card.lightgbm} and this is {lightgbm.__version__}: "
            "train again, or install the same major version."
        )
    try:
        booster = lightgbm.Booster(model_str=text)
        outputs = booster.num_model_per_iteration()
    except lightgbm.basic.LightGBMError as error:
        raise ArtifactError(f"{path} is not a LightGBM model: {error}.") from error
    if outputs != 1:
        raise ArtifactError(f"{path} has {outputs} outputs; a model that tells abuse from people has one.")
    return booster
