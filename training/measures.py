"""Figures that say how good a score is. All take the truth and a score or probability for each row."""

from __future__ import annotations

import numpy as np

from training.dataset import Flags, Matrix


def auc(abuse: Flags, score: Matrix) -> float:
    """Area under the ROC curve: the chance that an abuser scores above a person; ties count half (Mann-Whitney)."""
    ranks = _ranks(score)
    positives, negatives = int(abuse.sum()), int((~abuse).sum())
    return float((ranks[abuse].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _ranks(score: Matrix) -> Matrix:
    """Ranks from 1, the mean rank for ties."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float64)


def average_precision(abuse: Flags, score: Matrix) -> float:
    """Mean precision over the abusers found, from the highest score down; rows of equal score count as one step."""
    order = np.argsort(-score, kind="stable")
    found = np.cumsum(abuse[order])
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    precision = found[last] / (last + 1)
    return float(np.sum(np.diff(found[last] / abuse.sum(), prepend=0.0) * precision))


def brier(abuse: Flags, probability: Matrix) -> float:
    """Mean squared error of the probability (Brier 1950); 0 is perfect."""
    return float(np.mean((probability - abuse) ** 2))


def calibration_error(abuse: Flags, probability: Matrix, bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015): mean gap of said and true rates over bins of equal size."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(float(probability[part].mean()) - float(abuse[part].mean())) * len(part) for part in parts]
    return sum(gaps) / len(probability)


def recall_at(abuse: Flags, score: Matrix, false_positives: float) -> float:
    """Share of the abusers above the lowest score that flags at most this share of the people."""
    people = np.sort(score[~abuse])[::-1]
    allowed = int(false_positives * len(people))
    bar = people[allowed] if allowed < len(people) else -np.inf
    return float(np.mean(score[abuse] > bar))


def share_above(score: Matrix, threshold: float) -> float:
    """Share of the rows at or above a threshold; 0 for no rows."""
    return float(np.mean(score >= threshold)) if len(score) else 0.0


def platt(margin: Matrix, abuse: Flags, steps: int = 100) -> tuple[float, float]:
    """Slope and offset of Platt scaling by Newton's method, on Platt's smoothed targets (Platt 1999; Lin et al. 2007).

    The slope is held above zero, so that calibration never turns the order of scores around.
    """
    positives, negatives = float(abuse.sum()), float((~abuse).sum())
    target = np.where(abuse, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    a, b = 1.0, 0.0
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(a * margin + b, -500, 500)))
        residual, weight = p - target, p * (1 - p) + 1e-12
        gradient = np.array([np.sum(residual * margin), np.sum(residual)])
        hessian = np.array([[np.sum(weight * margin**2) + 1e-9, np.sum(weight * margin)],
                            [np.sum(weight * margin), np.sum(weight) + 1e-9]])  # fmt: skip
        step = np.linalg.solve(hessian, gradient)
        a, b = max(1e-3, a - float(step[0])), b - float(step[1])
        if float(np.abs(step).max()) < 1e-10:
            break
    return a, b
