"""The model at work: one row in, a calibrated probability and its explanation out.

``Booster.predict`` spends most of its time turning one row into a data set. LightGBM's C API has a call for
single rows whose parameters are parsed once (``LGBM_BoosterPredictForMatSingleRowFast`` in
``include/LightGBM/c_api.h``); it is used here through the library that the ``lightgbm`` package has loaded.
The numbers are the same.
"""

from __future__ import annotations

import ctypes
import math
import struct
import threading
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from model import features
from model.card import MODEL_FILE, ArtifactError, Card, read
from signals.registry import Readings

if TYPE_CHECKING:
    from lightgbm import Booster

# Constants of c_api.h.
_FLOAT64 = 1
_RAW_SCORE = 1
_CONTRIBUTIONS = 3
# Threads of its own would cost LightGBM more than one row is worth, and would fight over the server's cores.
_PARAMETERS = b"num_threads=1 verbosity=-1"


class Score(NamedTuple):
    """``margin`` is LightGBM's raw score; ``log_odds`` the same calibrated; ``probability`` of abuse, 0 to 1."""

    margin: float
    log_odds: float
    probability: float


class Explanation(NamedTuple):
    """Why a score is what it is, in calibrated log-odds: ``bias`` and the contributions add up to ``log_odds``.

    Contributions are SHAP values (Lundberg and Lee 2017; TreeSHAP, exact for trees), times the calibration's slope.
    """

    contributions: dict[str, float]
    bias: float


class _Row:
    """One prepared single-row prediction with its own buffers: for one thread."""

    def __init__(self, booster: Booster, kind: int, width: int, outputs: int) -> None:
        from lightgbm.basic import _safe_call
        from lightgbm.libpath import _LIB

        self._call, self._free, self._check = (
            _LIB.LGBM_BoosterPredictForMatSingleRowFast,
            _LIB.LGBM_FastConfigFree,
            _safe_call,
        )
        self._booster = booster  # the prepared call points into it: it must live as long
        self._pack = struct.Struct(f"={width}d").pack_into
        self._input = (ctypes.c_double * width)()
        self.output = (ctypes.c_double * outputs)()
        self._length = ctypes.c_int64()
        self._config = ctypes.c_void_p()
        _safe_call(
            _LIB.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,
                ctypes.c_int(kind),
                ctypes.c_int(0),
                ctypes.c_int(-1),
                ctypes.c_int(_FLOAT64),
                ctypes.c_int32(width),
                ctypes.c_char_p(_PARAMETERS),
                ctypes.byref(self._config),
            )
        )
        self._arguments = (
            self._config,
            ctypes.cast(self._input, ctypes.c_void_p),
            ctypes.byref(self._length),
            ctypes.cast(self.output, ctypes.POINTER(ctypes.c_double)),
        )

    def predict(self, values: list[float]) -> None:
        """Fill ``output`` for this row."""
        self._pack(self._input, 0, *values)
        self._check(self._call(*self._arguments))

    def __del__(self) -> None:
        config = getattr(self, "_config", None)
        if config:
            self._free(config)


class _Thread(threading.local):
    """The prepared calls of one thread; made at its first score and freed when it ends."""

    score: _Row | None = None
    explain: _Row | None = None


class Scorer:
    """A loaded model. Safe to share between threads: each has its own buffers."""

    def __init__(self, card: Card, booster: Booster) -> None:
        self.card = card
        self.version = card.version
        self.columns = card.columns
        self._booster = booster
        self._a, self._b = card.calibration.a, card.calibration.b
        self._thread = _Thread()

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
        return cls(card, booster)

    def score(self, readings: Readings) -> Score:
        """Margin and calibrated probability of these readings. About 10 µs for 60 columns and 200 trees."""
        prepared = self._thread.score
        if prepared is None:
            prepared = self._thread.score = _Row(self._booster, _RAW_SCORE, len(self.columns), 1)
        prepared.predict(features.row(readings, self.columns))
        margin = prepared.output[0]
        log_odds = self._a * margin + self._b
        return Score(margin, log_odds, sigmoid(log_odds))

    def explain(self, readings: Readings) -> Explanation:
        """What each column added to the log-odds. About a hundred times the cost of a score: only where wanted."""
        prepared = self._thread.explain
        if prepared is None:
            prepared = self._thread.explain = _Row(
                self._booster, _CONTRIBUTIONS, len(self.columns), len(self.columns) + 1
            )
        prepared.predict(features.row(readings, self.columns))
        *shap, expected = prepared.output
        a = self._a
        return Explanation(
            {name: a * value for name, value in zip(self.columns, shap, strict=True)}, a * expected + self._b
        )


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
