"""What speaks against an account and what for it, each piece with its weight: bars, and what it would do alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from model.scorer import Explanation, sigmoid
from riskapi.contract import Reason, Tier
from riskapi.decisions.decide import LEAST_CONTRIBUTION, tier_of
from riskapi.policy import Policy
from riskapi.policy.active import Basis
from signals import Signal, registered
from signals.records import record

#: Pieces of evidence on each side. The others are below, among all readings.
_MOST = 8
#: Units of a bar from its middle to its end.
WIDTH = 60


@record
class Piece:
    """A reading, or a reason without one. ``contribution`` is in log-odds, None where the model has no part in it;
    ``bar`` is its length in units, 0 to 60. ``alone`` is the score, 0 to 100, of an account of which nothing else is
    known, and ``tier`` what the thresholds make of that.
    """

    text: str
    signal: str | None
    explanation: str
    contribution: float | None = None
    bar: int = 0
    alone: float | None = None
    tier: Tier | None = None


@record
class Evidence:
    """Both sides, and every known reading by family, the heaviest first. ``base`` is the score before anything
    is known. ``weighed`` is false where the model that decided is not in use any more: there are no weights then.
    """

    against: Sequence[Piece]
    reassuring: Sequence[Piece]
    families: Mapping[str, Sequence[Piece]]
    base: float | None
    weighed: bool


def evidence(readings: Mapping[str, Any], reasons: Sequence[Reason], model: str | None, basis: Basis) -> Evidence:
    """The evidence of a decision that was made on these readings, with these reasons, by this version of the model."""
    scorer = basis.scorer if basis.scorer is not None and basis.versions["model"] == model else None
    explained = scorer.explain(scorer.score(dict(readings))) if scorer is not None and readings else None
    pieces = _pieces(readings, explained, basis.policy)
    said = [Piece(row["text"], None, _rule(row)) for row in reasons if row["contribution"] is None]
    if explained is None:
        known = {row["signal"]: row for row in reasons if row["contribution"] is not None}
        told = [Piece(row["text"], name, _doc(name), row["contribution"]) for name, row in known.items()]
    else:
        told = [each for each in pieces if abs(each.contribution or 0.0) >= LEAST_CONTRIBUTION]
    told.sort(key=lambda each: -abs(each.contribution or 0.0))
    against = [*said, *(each for each in told if (each.contribution or 0.0) > 0)]
    families: dict[str, list[Piece]] = {}
    for each in sorted(pieces, key=lambda each: -abs(each.contribution or 0.0)):
        families.setdefault(registered()[each.signal or ""].family, []).append(each)
    return Evidence(
        against=against[:_MOST],
        reassuring=[each for each in told if (each.contribution or 0.0) < 0][:_MOST],
        families=families,
        base=None if explained is None else round(100 * sigmoid(explained.bias), 1),
        weighed=explained is not None,
    )


def _pieces(readings: Mapping[str, Any], explained: Explanation | None, policy: Policy) -> list[Piece]:
    """Every known reading, with its weight where there is one. What nothing is known of is left out."""
    given = explained.contributions if explained is not None else {}
    largest = max((abs(value) for value in given.values()), default=0.0) or 1.0
    found = []
    for name, value in readings.items():
        signal = registered().get(name)
        if signal is None or value is None:
            continue
        weight = given.get(name)
        alone = None if weight is None or explained is None else sigmoid(explained.bias + weight)
        found.append(
            Piece(
                text=signal.text(value),
                signal=name,
                explanation=_first_sentence(signal),
                contribution=weight,
                bar=0 if weight is None else round(WIDTH * abs(weight) / largest),
                alone=None if alone is None else round(100 * alone, 1),
                tier=None if alone is None else tier_of(alone, policy),
            )
        )
    return found


def _rule(row: Reason) -> str:
    return f"{row['code'].replace('_', ' ').capitalize()}: asks for it whatever the score is"


def _doc(name: str | None) -> str:
    signal = registered().get(name or "")
    return "" if signal is None else _first_sentence(signal)


def _first_sentence(signal: Signal) -> str:
    return " ".join(signal.doc.split()).partition(". ")[0].rstrip(".")
