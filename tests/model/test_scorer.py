"""The scorer says what LightGBM says, from any thread, and refuses an artifact that does not fit."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pytest

from model import card, contributions, features
from model.card import ArtifactError, Calibration, Window
from model.scorer import Explanation, Scorer, sigmoid
from model.single_row import SingleRow
from signals.registry import Readings

COLUMNS = tuple(f"column_{number}" for number in range(8))
A, B = 1.7, -0.4
MONOTONE = (1, -1, 0, 0, 0, 0, 0, 0)
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Trained:
    booster: lightgbm.Booster
    matrix: npt.NDArray[np.float64]
    readings: list[Readings]


def _train(objective: str = "binary", columns: tuple[str, ...] = COLUMNS, max_depth: int = -1) -> Trained:
    random = np.random.default_rng(20261120)
    matrix = random.normal(size=(1500, len(columns)))
    matrix[:, 2] = matrix[:, 2] > 0
    matrix[:, 3] = random.integers(0, 5, 1500)
    matrix[random.random(matrix.shape) < 0.2] = np.nan
    known = np.nan_to_num(matrix)
    outcome = (known[:, 0] - known[:, 1] + known[:, 2] * known[:, 3] + random.normal(size=1500) > 1).astype(int)
    parameters = {
        "objective": objective,
        "num_class": 2 if objective == "multiclass" else 1,
        "monotone_constraints": list(MONOTONE),
        "max_depth": max_depth,
        "num_threads": 1,
        "verbosity": -1,
        "seed": 1,
    }
    booster = lightgbm.train(parameters, lightgbm.Dataset(matrix, outcome, feature_name=list(columns)), 40)
    readings: list[Readings] = []
    for row in matrix[:400]:
        found: Readings = {
            name: None if np.isnan(value) else float(value) for name, value in zip(columns, row, strict=True)
        }
        for name, kind in (("column_2", bool), ("column_3", int)):
            value = found[name]
            if value is not None:
                found[name] = kind(value)
        readings.append(found)
    readings.append(dict.fromkeys(columns))
    readings.append({})
    unknown = np.full((2, len(columns)), np.nan)
    return Trained(booster, np.vstack([matrix[:400], unknown]), readings)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return _train()


@pytest.fixture(scope="module", params=[5, -1], ids=["explained by tables", "too deep for tables"])
def explained(request: pytest.FixtureRequest) -> Trained:
    return _train(max_depth=request.param)


def _save(directory: Path, booster: lightgbm.Booster, **change: Any) -> Path:
    fields: dict[str, Any] = {
        "columns": COLUMNS,
        "monotone": MONOTONE,
        "calibration": Calibration(a=A, b=B),
        "trained_at": AT,
        "data": Window(first=AT, last=AT, rows=1500, positives=500, simulated=True),
        "metrics": {"roc_auc": 0.9, "by_kind": {"farm": 0.8}},
        "lightgbm": lightgbm.__version__,
        "schema": "0123456789ab",
    }
    card.save(directory, booster.model_to_string(), **{**fields, **change})
    return directory


@contextmanager
def quick_switches() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


@pytest.fixture
def artifact(tmp_path: Path, trained: Trained) -> Path:
    return _save(tmp_path / "artifact", trained.booster)


@pytest.fixture
def explaining(tmp_path: Path, explained: Trained) -> Scorer:
    return Scorer.load(_save(tmp_path / "artifact", explained.booster), COLUMNS)


def why(scorer: Scorer, readings: Readings) -> Explanation:
    """The explanation of the score of these readings."""
    return scorer.explain(scorer.score(readings))


def test_scores_agree_with_lightgbm(artifact: Path, trained: Trained) -> None:
    scorer = Scorer.load(artifact, COLUMNS)
    margins = trained.booster.predict(trained.matrix, raw_score=True)
    found = [scorer.score(readings) for readings in trained.readings]
    np.testing.assert_allclose([score.margin for score in found], margins, rtol=0, atol=1e-9)
    np.testing.assert_allclose([score.log_odds for score in found], A * np.asarray(margins) + B, rtol=0, atol=1e-9)
    expected = 1 / (1 + np.exp(-(A * np.asarray(margins) + B)))
    np.testing.assert_allclose([score.probability for score in found], expected, rtol=0, atol=1e-9)


def test_contributions_agree_with_lightgbm(explaining: Scorer, explained: Trained) -> None:
    expected = np.asarray(explained.booster.predict(explained.matrix, pred_contrib=True))
    for readings, row in zip(explained.readings, expected, strict=True):
        found = why(explaining, readings)
        assert tuple(found.contributions) == COLUMNS
        np.testing.assert_allclose(list(found.contributions.values()), A * row[:-1], rtol=0, atol=1e-9)
        assert found.bias == pytest.approx(A * row[-1] + B, abs=1e-9)


def test_bias_and_contributions_add_up_to_the_score(explaining: Scorer, explained: Trained) -> None:
    for readings in explained.readings:
        found = why(explaining, readings)
        total = found.bias + sum(found.contributions.values())
        assert total == pytest.approx(explaining.score(readings).log_odds, abs=1e-9)


def test_only_a_model_that_is_too_deep_is_explained_by_lightgbm(
    explaining: Scorer, explained: Trained, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = explaining.score({})
    explaining.explain(score)
    asked: list[object] = []

    def predict(*words: Any) -> tuple[float, ...]:
        asked.append(words)
        return (0.0,) * (len(COLUMNS) + 1)

    monkeypatch.setattr(SingleRow, "predict", predict)
    explaining.explain(score)
    assert bool(asked) == ("too deep" in request.node.name)


def test_columns_that_no_tree_looks_at_add_nothing(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    matrix = random.normal(size=(300, len(COLUMNS)))
    dataset = lightgbm.Dataset(matrix, (matrix[:, 4] > 0).astype(int), feature_name=list(COLUMNS))
    parameters = {"objective": "binary", "max_depth": 1, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(parameters, dataset, 3)
    scorer = Scorer.load(_save(tmp_path, booster), COLUMNS)
    readings: Readings = dict(zip(COLUMNS, matrix[0].tolist(), strict=True))
    found = why(scorer, readings)
    assert {name for name, value in found.contributions.items() if value} == {"column_4"}
    assert tuple(found.contributions) == COLUMNS
    assert scorer.score(readings).margin == booster.predict(matrix[:1], raw_score=True)[0]
    assert why(scorer, {"column_4": readings["column_4"]}) == found


def test_the_matrix_of_training_scores_as_the_single_rows_do(artifact: Path, trained: Trained) -> None:
    scorer = Scorer.load(artifact, COLUMNS)
    margins = trained.booster.predict(features.matrix(trained.readings, COLUMNS), raw_score=True)
    assert [scorer.score(readings).margin for readings in trained.readings] == list(margins)


def test_threads_do_not_mix_their_rows(explaining: Scorer, explained: Trained) -> None:
    alone = [(explaining.score(readings), why(explaining, readings)) for readings in explained.readings]

    def all_of_them(start: int) -> bool:
        order = [(start + step) % len(alone) for step in range(len(alone))]
        return all(
            (explaining.score(explained.readings[at]), why(explaining, explained.readings[at])) == alone[at]
            for at in order
        )

    with quick_switches(), ThreadPoolExecutor(8) as pool:
        assert all(pool.map(all_of_them, range(0, 400, 50)))


def test_threads_that_explain_first_at_once_prepare_once(
    explaining: Scorer, explained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[int] = []

    def counted(*words: Any) -> Any:
        prepared.append(1)
        return contributions.prepare(*words)

    monkeypatch.setattr("model.scorer.prepare", counted)
    together = threading.Barrier(8)

    def explain(number: int) -> Explanation:
        score = explaining.score(explained.readings[number % 2])
        together.wait()
        return explaining.explain(score)

    with quick_switches(), ThreadPoolExecutor(8) as pool:
        found = list(pool.map(explain, range(8)))
    assert found == [why(explaining, explained.readings[number % 2]) for number in range(8)]
    assert len(prepared) == 1


def test_more_of_what_is_risky_never_lowers_the_score(artifact: Path, trained: Trained) -> None:
    scorer = Scorer.load(artifact, COLUMNS)
    for readings in trained.readings[:50]:
        scores = [scorer.score({**readings, "column_0": value}).margin for value in (-2.0, -0.5, 0.0, 0.5, 2.0)]
        assert scores == sorted(scores)


def test_the_card_survives_being_written_and_read(artifact: Path) -> None:
    found, text = card.read(artifact)
    assert found.version == f"2026-11-20.{found.sha256[:8]}"
    assert found.data.simulated
    assert found.metrics == {"roc_auc": 0.9, "by_kind": {"farm": 0.8}}
    assert text.startswith("tree\n")
    written = json.loads((artifact / "card.json").read_bytes())
    assert {"from", "to"} <= set(written["data"])
    assert written["schema"] == "0123456789ab"


def _edit(**change: Any) -> Callable[[Path], None]:
    def edit(directory: Path) -> None:
        path = directory / "card.json"
        found = json.loads(path.read_bytes())
        for key, value in change.items():
            if value is None:
                del found[key]
            else:
                found[key] = value
        path.write_text(json.dumps(found))

    return edit


def _write(name: str, content: bytes) -> Callable[[Path], None]:
    def write(directory: Path) -> None:
        (directory / name).write_bytes(content)

    return write


def _tamper(directory: Path) -> None:
    path = directory / "model.txt"
    path.write_text(path.read_text().replace("leaf_value=", "leaf_value=9", 1))


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        pytest.param(_tamper, "the model was changed after training", id="a leaf changed"),
        pytest.param(_write("model.txt", b""), "do not belong together", id="model emptied"),
        pytest.param(_edit(sha256="0" * 64), "its card was written for 000000000000", id="hash of another model"),
        pytest.param(_edit(sha256="short"), "sha256: String should match", id="hash that is none"),
        pytest.param(lambda d: (d / "model.txt").unlink(), "model.txt cannot be read: No such file", id="no model"),
        pytest.param(lambda d: (d / "card.json").unlink(), "card.json cannot be read: No such file", id="no card"),
        pytest.param(_write("card.json", b"{"), "card.json: the file: Invalid JSON", id="card cut off"),
        pytest.param(_write("card.json", b"[]"), "card.json: the file: Input should be an object", id="card a list"),
        pytest.param(_edit(calibration=None), "calibration: Field required", id="no calibration"),
        pytest.param(
            _edit(calibration={"a": -1.0, "b": 0}), "calibration.a: Input should be greater", id="turned round"
        ),
        pytest.param(_edit(monotone=None), "monotone: Field required", id="no constraints"),
        pytest.param(_edit(monotone=[0]), "1 monotone constraints for 8 columns", id="too few constraints"),
        pytest.param(_edit(columns=["column_0"] * 8), "a column is listed twice", id="column twice"),
        pytest.param(_edit(format=2), "format: Input should be 1", id="card of another layout"),
        pytest.param(_edit(colour="red"), "colour: Extra inputs", id="unknown key"),
        pytest.param(_edit(lightgbm="3.3.5"), "was trained with LightGBM 3.3.5 and this is", id="another LightGBM"),
        pytest.param(
            _edit(columns=[*COLUMNS[:6], "column_7", "column_6"]),
            "column 6 is column_6 in the model and column_7 in the card",
            id="columns swapped",
        ),
        pytest.param(
            _edit(columns=list(COLUMNS[:7]), monotone=[0] * 7),
            "8 columns in the model, 7 in the card",
            id="column lost",
        ),
        pytest.param(
            _edit(columns=[*COLUMNS[:7], "email_gone"]), "needs a signal that is gone: email_gone.", id="signal gone"
        ),
        pytest.param(
            _edit(columns=["phone_gone", *COLUMNS[1:7], "email_gone"]),
            "needs signals that are gone: phone_gone, email_gone.",
            id="two signals gone",
        ),
    ],
)
def test_an_artifact_that_does_not_fit_is_refused_with_a_sentence(
    artifact: Path, break_it: Callable[[Path], None], sentence: str
) -> None:
    break_it(artifact)
    with pytest.raises(ArtifactError) as caught:
        Scorer.load(artifact, COLUMNS)
    assert sentence in str(caught.value), caught.value


def test_a_model_with_two_outputs_is_refused(tmp_path: Path) -> None:
    directory = _save(tmp_path, _train("multiclass").booster)
    with pytest.raises(ArtifactError, match="has 2 outputs"):
        Scorer.load(directory, COLUMNS)


def test_a_missing_openmp_runtime_is_named_with_its_package(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class _Unloadable:
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "lightgbm":
                raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.delitem(sys.modules, "lightgbm")
    monkeypatch.setattr(sys, "meta_path", [_Unloadable(), *sys.meta_path])
    with pytest.raises(ArtifactError, match="apt-get install libgomp1"):
        Scorer.load(artifact, COLUMNS)


@pytest.mark.parametrize(
    ("log_odds", "probability"),
    [(0.0, 0.5), (2.0, 0.8807970779778823), (-2.0, 0.11920292202211755), (800.0, 1.0), (-800.0, 0.0)],
)
def test_probability_of_log_odds(log_odds: float, probability: float) -> None:
    assert sigmoid(log_odds) == pytest.approx(probability, abs=1e-15)
