from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import lightgbm
import numpy as np
import pytest
from rich.console import Console

from model import card
from model.scorer import Scorer
from signals.registry import Readings, columns, registered
from training import dataset, evaluate, measures, train
from training.__main__ import main
from training.dataset import Decision, Example, Split, Truth
from training.options import parser
from training.report import Report, interval

AT = datetime(2026, 11, 20, tzinfo=UTC)
NAMES = ("riskier", "safer", "either")


def synthetic(seed: int = 1, rows: int = 1500) -> tuple[dataset.Matrix, dataset.Flags]:
    """Three columns: risk rises with the first, falls with the second, and the third is best in its middle."""
    chance = np.random.default_rng(seed)
    found = chance.uniform(-1, 1, (rows, 3))
    log_odds = 2.5 * found[:, 0] - 2.5 * found[:, 1] + 2 - 5 * found[:, 2] ** 2 + chance.normal(0, 1.5, rows)
    found[chance.random(rows) < 0.1, 0] = np.nan
    return found, log_odds > 1


@pytest.fixture(scope="module")
def booster() -> lightgbm.Booster:
    return train.fit(*synthetic(), NAMES, (1, -1, 0), trees=30)


@pytest.mark.parametrize(("column", "sign"), [(0, 1), (1, -1)], ids=["riskier", "safer"])
def test_the_model_goes_the_declared_way(column: int, sign: int, booster: lightgbm.Booster) -> None:
    chance = np.random.default_rng(2)
    for _ in range(25):
        rows = np.tile(chance.uniform(-1, 1, 3), (60, 1))
        rows[:, column] = np.linspace(-1, 1, 60)
        steps = sign * np.diff(np.asarray(booster.predict(rows, raw_score=True)))
        assert (steps >= -1e-12).all() and steps.sum() > 0


def test_the_model_may_bend_where_no_direction_is_declared(booster: lightgbm.Booster) -> None:
    rows = np.zeros((60, 3))
    rows[:, 2] = np.linspace(-1, 1, 60)
    steps = np.diff(np.asarray(booster.predict(rows, raw_score=True)))
    assert (steps > 0).any() and (steps < 0).any()


def test_the_same_rows_give_the_same_bytes(booster: lightgbm.Booster) -> None:
    again = train.fit(*synthetic(), NAMES, (1, -1, 0), trees=30)
    assert again.model_to_string() == booster.model_to_string()
    other = train.fit(*synthetic(), NAMES, (1, -1, 0), trees=30, seed=2)
    assert other.model_to_string() != booster.model_to_string()


def test_the_model_stays_small(booster: lightgbm.Booster) -> None:
    assert train.TREES <= 120 and train.PARAMETERS["num_leaves"] <= 15 and train.PARAMETERS["max_depth"] <= 6
    assert booster.num_trees() <= 30


def test_directions_are_those_of_the_registry() -> None:
    assert train.directions(("email_is_disposable", "velocity_ip_24h")) == (1, 1)
    assert len(train.directions(columns())) == len(columns())


def readings(chance: Random, abuse: bool) -> Readings:
    """Readings in which abusers tend to be disposable and on hosting; everything else is chance or unknown."""
    found: Readings = dict.fromkeys(registered())
    found["email_is_disposable"] = chance.random() < (0.6 if abuse else 0.03)
    found["network_is_hosting"] = chance.random() < (0.5 if abuse else 0.05)
    found["email_digit_share"] = chance.random()
    return found


@pytest.fixture(scope="module")
def spans() -> Split:
    chance = Random(3)
    made: list[Example] = []
    for number in range(1200):
        abuse = chance.random() < 0.3
        kind = "bulk_bot" if abuse else "consumer"
        truth = Truth("abuse" if abuse else "legitimate", "abuse" if abuse else "legitimate", kind, "ES", "spanish")
        recorded = Decision(f"u_{number}", AT.timestamp() - 1e6 + number, readings(chance, abuse), "allow", None)
        made.append(Example(recorded, abuse, abuse, truth))
    return dataset.split(made)


@pytest.fixture(scope="module")
def trained(spans: Split) -> train.Model:
    return train.train(spans, trees=20)


def publish(model: train.Model, spans: Split, directory: Path) -> card.Card:
    return train.publish(model, spans, directory, trained_at=AT, simulated=True)


def test_training_twice_gives_the_same_artifact(trained: train.Model, spans: Split, tmp_path: Path) -> None:
    publish(trained, spans, tmp_path / "one")
    publish(train.train(spans, trees=20), spans, tmp_path / "two")
    for name in (card.MODEL_FILE, card.CARD_FILE):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_service_scores_as_training_did(trained: train.Model, spans: Split, tmp_path: Path) -> None:
    publish(trained, spans, tmp_path)
    scorer = Scorer.load(tmp_path, columns())
    expected = trained.probability(dataset.matrix(spans.test, trained.columns))
    found = [scorer.score(example.decision.readings).probability for example in spans.test]
    assert np.allclose(found, expected, rtol=0, atol=1e-9)


def test_the_card_says_that_the_data_was_simulated_and_what_it_was(
    trained: train.Model, spans: Split, tmp_path: Path
) -> None:
    found = publish(trained, spans, tmp_path)
    used = [*spans.train, *spans.calibrate]
    assert found.data.simulated and found.data.rows == len(used)
    assert found.data.positives == sum(example.target for example in used)
    assert found.data.last.timestamp() < spans.test[0].decision.at
    assert found.columns == columns() and found.monotone == train.directions(columns())
    assert 0.5 < float(str(found.metrics["auc"])) <= 1
    assert found.metrics["recall_at_fpr_1_percent_by_kind"].keys() == {"bulk_bot"}  # type: ignore[union-attr]


def test_a_model_read_back_is_the_model(trained: train.Model, spans: Split, tmp_path: Path) -> None:
    publish(trained, spans, tmp_path)
    loaded = train.load(tmp_path)
    rows = dataset.matrix(spans.test[:20], trained.columns)
    assert np.array_equal(loaded.probability(rows), trained.probability(rows))


def test_the_report_names_its_origin_in_every_title(trained: train.Model, spans: Split, tmp_path: Path) -> None:
    for origin, truth in (("simulated", True), ("own decisions", False)):
        test = spans.test if truth else [replace(example, truth=None) for example in spans.test]
        path = tmp_path / origin
        with path.open("w") as file:
            report = Report(Console(file=file, width=150), origin)
            evaluate.evaluate(trained, test, evaluate.Thresholds(30, 80), report)
        text = path.read_text()
        assert text.count(f"({origin})") == (9 if truth else 4)
        assert ("bulk_bot" in text) == truth


ABUSE = np.array([True, False, True, False, False, True])
SCORE = np.array([0.9, 0.8, 0.8, 0.3, 0.2, 0.1])


def test_auc_counts_pairs_and_half_of_the_ties() -> None:
    pairs = [(a > b) + 0.5 * (a == b) for a in SCORE[ABUSE] for b in SCORE[~ABUSE]]
    assert measures.auc(ABUSE, SCORE) == pytest.approx(sum(pairs) / len(pairs))


@pytest.mark.parametrize(
    ("measure", "perfect", "worst"),
    [(measures.auc, 1, 0), (measures.brier, 0, 1), (measures.average_precision, 1, None)],
    ids=["auc", "brier", "average precision"],
)
def test_perfect_and_worst_scores(measure: object, perfect: float, worst: float | None) -> None:
    assert callable(measure)
    assert measure(ABUSE, ABUSE.astype(float)) == pytest.approx(perfect)
    if worst is not None:
        assert measure(ABUSE, (~ABUSE).astype(float)) == pytest.approx(worst)


def test_average_precision_takes_ties_as_one_step() -> None:
    assert measures.average_precision(ABUSE, SCORE) == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)


@pytest.mark.parametrize(
    ("false_positives", "expected"), [(0.0, 1 / 3), (0.34, 2 / 3), (0.7, 2 / 3), (1.0, 1.0)], ids=["0", "1", "2", "all"]
)
def test_recall_at_a_share_of_people_flagged(false_positives: float, expected: float) -> None:
    assert measures.recall_at(ABUSE, SCORE, false_positives) == pytest.approx(expected)


def test_a_calibrated_probability_has_no_calibration_error() -> None:
    chance = np.random.default_rng(5)
    probability = chance.uniform(0, 1, 20_000)
    abuse = chance.random(20_000) < probability
    assert measures.calibration_error(abuse, probability) < 0.02
    assert measures.calibration_error(abuse, probability**3) > 0.1


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.5, -2.0), (2.0, 1.0)])
def test_platt_scaling_finds_slope_and_offset(a: float, b: float) -> None:
    chance = np.random.default_rng(6)
    margin = chance.normal(0, 2, 40_000)
    found = measures.platt(margin, chance.random(40_000) < 1 / (1 + np.exp(-(a * margin + b))))
    assert found == pytest.approx((a, b), abs=0.08)


def test_platt_scaling_never_turns_the_order_around() -> None:
    margin = np.linspace(-2, 2, 200)
    slope, _ = measures.platt(margin, margin < 0)
    assert slope > 0


@pytest.mark.parametrize(("hits", "of", "low", "high"), [(0, 0, 0, 1), (0, 50, 0, 0.072), (5, 100, 0.021, 0.112)])
def test_wilson_interval(hits: int, of: int, low: float, high: float) -> None:
    assert interval(hits, of) == pytest.approx((low, high), abs=2e-3)


def test_thresholds_are_read_from_the_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("[thresholds]\nreview = 25\nlimit = 75\n")
    assert evaluate.thresholds(path) == evaluate.Thresholds(25, 75)


@pytest.mark.parametrize("text", ["", "[thresholds]\nreview = 'a lot'\nlimit = 1", "not toml", None])
def test_a_policy_without_thresholds_is_refused(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(dataset.DatasetError, match=r"policy\.toml: thresholds"):
        evaluate.thresholds(path)


def test_the_command_line_says_what_is_wrong_and_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "decisions.jsonl"
    path.write_text("{broken\n")
    assert main(["train", "--decisions", str(path), "--truth", "none", "--artifact", str(tmp_path / "artifact")]) == 1
    shown = capsys.readouterr().err.replace("\n", "")
    assert "decisions.jsonl:1: not JSON" in shown
    assert not (tmp_path / "artifact").exists()


@pytest.mark.parametrize("command", ["simulate", "collect", "train", "evaluate", "all"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert "--" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        *(("simulate", "--days", value) for value in ("0", "-3", "0.02", "nan", "inf", "soon")),
        *(("simulate", "--rows", value) for value in ("0", "-5", "some")),
        ("train", "--trees", "0"),
        ("feedback", "--good", "-3"),
        ("sample", "--rows", "0"),
    ],
)
def test_a_number_nothing_can_be_made_of_is_refused_with_its_option(
    command: str, option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args([command, option, value])
    assert f"argument {option}: a" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.__main__._events", lambda *_: [])
    assert main(["simulate", "--out", str(tmp_path)]) == 1  # a directory
    assert "error:" in capsys.readouterr().err
