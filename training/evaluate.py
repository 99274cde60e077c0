"""What the model does on decisions it has not seen, the bad figures first among them."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training import dataset, measures
from training.dataset import DatasetError, Example, Flags, Matrix, Truth
from training.report import Report, interval, percent
from training.train import Model

_SWEEP = (5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90)
_FALSE_POSITIVES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
#: Groups with fewer people than this are left out of the fairness tables: their rates say nothing.
_ENOUGH = 40


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Scores, 0 to 100, from which the policy asks for a review and for a limit."""

    review: float
    limit: float


def thresholds(policy: Path) -> Thresholds:
    """The thresholds of a policy file. Raises :class:`DatasetError` when it has none."""
    try:
        found = tomllib.loads(policy.read_text(encoding="utf-8"))["thresholds"]
        return Thresholds(float(found["review"]), float(found["limit"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{policy}: thresholds cannot be read: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Scored:
    """Examples with the score of the model (0 to 100) and whether the rules alone asked for more than ``allow``."""

    examples: list[Example]
    rows: Matrix
    score: Matrix
    abuse: Flags
    ruled: Flags

    def of_kind(self, kind: str) -> Flags:
        """Which examples are of this kind of people or abusers."""
        found = (one.truth is not None and one.truth.kind == kind for one in self.examples)
        return np.fromiter(found, dtype=np.bool_, count=len(self.examples))


def score(model: Model, test: Sequence[Example]) -> Scored:
    """Score these examples."""
    rows = dataset.matrix(test, model.columns)
    return Scored(
        list(test),
        rows,
        100 * model.probability(rows),
        np.array([example.abuse for example in test], dtype=np.bool_),
        np.array([example.decision.tier != "allow" for example in test], dtype=np.bool_),
    )


def evaluate(model: Model, test: Sequence[Example], bars: Thresholds, report: Report) -> None:
    """Print every table for the test span."""
    scored = score(model, test)
    _summary(scored, report)
    if test[0].truth is not None:
        _kinds(scored, bars, report, abuse=True)
        _kinds(scored, bars, report, abuse=False)
    _sweep(scored, report)
    report.bars("Share of the abusers found, at a share of people taken for one", [
        (percent(share) if share >= 0.001 else f"{100 * share:.2f} %",
         measures.recall_at(scored.abuse, scored.score, share)) for share in _FALSE_POSITIVES
    ])  # fmt: skip
    if test[0].truth is not None:
        _fairness(scored, bars, report, "country", lambda truth: truth.country)
        _fairness(scored, bars, report, "family of languages", lambda truth: truth.tongue)
        _confusions(model, scored, bars, report)
    _gain(model, report)


def _summary(scored: Scored, report: Report) -> None:
    abuse, probability = scored.abuse, scored.score / 100
    rows = [
        ("decisions in the test span", f"{len(abuse):,}"),
        ("of which abuse", f"{int(abuse.sum()):,}"),
        ("AUC", f"{measures.auc(abuse, probability):.4f}"),
        ("average precision", f"{measures.average_precision(abuse, probability):.4f}"),
        ("Brier score", f"{measures.brier(abuse, probability):.4f}"),
        ("expected calibration error", f"{measures.calibration_error(abuse, probability):.4f}"),
        ("recall at 1 % of people flagged", percent(measures.recall_at(abuse, probability, 0.01))),
        ("recall at 0.1 % of people flagged", percent(measures.recall_at(abuse, probability, 0.001))),
        ("rules alone: abusers above allow", percent(float(scored.ruled[abuse].mean()))),
        ("rules alone: people above allow", percent(float(scored.ruled[~abuse].mean()))),
    ]
    report.table("The model on decisions after its training", ("figure", "value"), rows)


def _kinds(scored: Scored, bars: Thresholds, report: Report, *, abuse: bool) -> None:
    kinds = sorted({one.truth.kind for one in scored.examples if one.truth and one.abuse == abuse})
    rows: list[tuple[float, tuple[str, ...]]] = []
    for kind in kinds:
        chosen = scored.of_kind(kind)
        reviewed, limited = scored.score[chosen] >= bars.review, scored.score[chosen] >= bars.limit
        either = reviewed | scored.ruled[chosen]
        rows.append((
            float(either.mean()),
            (kind, f"{int(chosen.sum()):,}", percent(float(reviewed.mean())), percent(float(limited.mean())),
             percent(float(scored.ruled[chosen].mean())), percent(float(either.mean()))),
        ))  # fmt: skip
    rows.sort(key=lambda row: row[0], reverse=not abuse)
    report.table(
        "Abusers by kind, most missed first" if abuse else "People by kind, most bothered first",
        ("kind", "rows", f"score ≥ {bars.review:g}", f"score ≥ {bars.limit:g}", "rules", "score or rules"),
        [row for _, row in rows],
    )


def _sweep(scored: Scored, report: Report) -> None:
    people = scored.score[~scored.abuse]
    abusers = scored.score[scored.abuse]
    rows = []
    for bar in _SWEEP:
        flagged = int((scored.score >= bar).sum())
        precise = percent(float((abusers >= bar).sum()) / flagged) if flagged else "–"
        rows.append((f"{bar}", percent(measures.share_above(abusers, bar)), percent(measures.share_above(people, bar)),
                     precise, f"{1000 * flagged / len(scored.score):.0f}"))  # fmt: skip
    heads = ("score from", "abusers found", "people flagged", "flagged that are abuse", "flagged per 1,000")
    report.table("Thresholds", heads, rows)


def _fairness(scored: Scored, bars: Thresholds, report: Report, name: str, of: Callable[[Truth], str]) -> None:
    by_score = scored.score >= bars.review
    flagged = by_score | scored.ruled
    groups: dict[str, list[int]] = defaultdict(list)
    for index, example in enumerate(scored.examples):
        if example.truth is not None and not example.abuse:
            groups[of(example.truth)].append(index)
    overall = float(flagged[~scored.abuse].mean())
    rows: list[tuple[float, tuple[str, ...]]] = []
    for group, members in sorted(groups.items()):
        if len(members) < _ENOUGH:
            continue
        hits = int(flagged[members].sum())
        rate = hits / len(members)
        low, high = interval(hits, len(members))
        figures = (
            f"{len(members):,}",
            percent(float(by_score[members].mean())),
            percent(rate),
            f"{100 * low:.1f} – {100 * high:.1f}",
            f"{rate / overall:.2f}" if overall else "–",
            "apart" if overall < low or overall > high else "",
        )
        rows.append((-rate, (group, *figures)))
    rows.sort()
    report.table(
        f"People above allow by {name}",
        (name, "people", f"score ≥ {bars.review:g}", "score or rules", "95 % interval", "ratio to all", ""),
        [row for _, row in rows],
        note=f"All: {percent(overall)}. Groups of fewer than {_ENOUGH} people are left out; 'apart': the interval "
        "does not hold the rate of all.",
    )


def _confusions(model: Model, scored: Scored, bars: Thresholds, report: Report) -> None:
    """The three kinds of people flagged most and of abusers missed most, by number, with what moved their scores."""
    flagged = scored.score >= bars.review
    rows: list[tuple[str, ...]] = []
    for title, wrong, sign in (("flagged", ~scored.abuse & flagged, 1.0), ("missed", scored.abuse & ~flagged, -1.0)):
        counts: dict[str, list[int]] = defaultdict(list)
        for index in np.flatnonzero(wrong):
            truth = scored.examples[index].truth
            if truth is not None:
                counts[truth.kind].append(int(index))
        for kind, indexes in sorted(counts.items(), key=lambda item: (-len(item[1]), item[0]))[:3]:
            shap = np.asarray(model.booster.predict(scored.rows[indexes], pred_contrib=True, num_threads=1))
            moved = model.a * shap[:, :-1].mean(axis=0) * sign
            strongest = [model.columns[column] for column in np.argsort(-moved, kind="stable")[:3]]
            rows.append((kind, title, f"{len(indexes)}", ", ".join(strongest)))
    report.table("Largest confusions of the score", ("kind", "how", "rows", "signals that moved it there most"), rows)


def _gain(model: Model, report: Report, top: int = 25) -> None:
    gains = model.booster.feature_importance("gain")
    total = float(gains.sum()) or 1.0
    order = np.argsort(-gains, kind="stable")[:top]
    rows = [(model.columns[index], percent(float(gains[index]) / total)) for index in order if gains[index] > 0]
    unused = sum(1 for gain in gains if gain == 0)
    note = f"{unused} of {len(gains)} columns are not used by any tree."
    report.table("Signals the model leans on", ("signal", "share of gain"), rows, note)
