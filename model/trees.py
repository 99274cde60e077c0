"""A model's trees, read from LightGBM's own text, as far as this reads them: see :func:`read`.

The text is what ``Booster.model_to_string`` gives and ``Tree::ToString`` of LightGBM writes (src/io/tree.cpp). It keeps
infinite thresholds, which ``Booster.dump_model`` does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

# Bits of a decision type, and kinds of missing values, of LightGBM's include/LightGBM/tree.h.
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_NONE, _ZERO, _NAN = 0, 1, 2
#: ``kZeroThreshold`` of LightGBM's meta.h, a float there: a value no further from zero is zero.
ZERO: Final = 1.0000000180025095e-35


class Unreadable(ValueError):
    """A model with something in it that is not read here."""


class Question(NamedTuple):
    """What a split asks of a row: whether the value of ``column`` is at most ``threshold``; if so, it goes left.

    NaN goes left where ``unknown_left``, else right. Where ``zero_unknown``, so does a value that is :data:`ZERO` or
    nearer to zero. LightGBM takes such a value for zero in any case, which ``threshold`` allows for.
    """

    column: int
    threshold: float
    unknown_left: bool
    zero_unknown: bool


class Leaf(NamedTuple):
    """Where a path ends: what it adds to the margin, and how many rows of the training came here."""

    value: float
    rows: int


class Split(NamedTuple):
    """Where a path parts."""

    question: Question
    left: Split | Leaf
    right: Split | Leaf
    rows: int


def columns(text: str) -> list[int]:
    """The columns that any tree of a model looks at, by their numbers, in order. Others say nothing to it.

    A linear leaf has columns of the splits above it (LightGBM documentation, "linear_tree").
    """
    found = re.findall(r"^split_feature=(.*)$", text, re.MULTILINE)
    return sorted({int(column) for each in found for column in each.split()})


def read(text: str) -> Iterator[Split]:
    """The trees of a model that ask anything, one by one; a tree of one leaf does not.

    Raises :class:`Unreadable` for splits by category, linear leaves, a kind of missing value that is not known,
    counts of rows that are not positive, and a text of another layout.
    """
    head, *trees = text.partition("\nend of trees")[0].split("\nTree=")
    if "\nversion=v4\n" not in head:
        raise Unreadable("the text has another layout")
    for each in trees:
        try:
            tree = _tree(dict(line.split("=", 1) for line in each.splitlines()[1:] if line))
        except (KeyError, ValueError, IndexError, RecursionError) as error:
            raise Unreadable(f"a tree cannot be read: {error}") from error
        if isinstance(tree, Split):
            yield tree


def _tree(fields: dict[str, str]) -> Split | Leaf:
    if fields.get("is_linear", "0") != "0":
        raise Unreadable("its leaves are linear")
    values = [float(value) for value in fields["leaf_value"].split()]
    if len(values) == 1:
        return Leaf(values[0], 1)
    counts = [int(count) for count in fields["leaf_count"].split()]
    inner = [int(count) for count in fields["internal_count"].split()]
    if min(counts) <= 0 or min(inner) <= 0:
        raise Unreadable("a leaf was reached by no row")
    questions = [
        _question(int(column), float(threshold), int(kind))
        for column, threshold, kind in zip(
            fields["split_feature"].split(), fields["threshold"].split(), fields["decision_type"].split(), strict=True
        )
    ]
    lefts, rights = ([int(child) for child in fields[side].split()] for side in ("left_child", "right_child"))

    def node(number: int) -> Split | Leaf:
        if number < 0:  # the leaves are numbered -1, -2, …
            return Leaf(values[~number], counts[~number])
        return Split(questions[number], node(lefts[number]), node(rights[number]), inner[number])

    return node(0)


def _question(column: int, threshold: float, kind: int) -> Question:
    """As ``Tree::NumericalDecision`` decides."""
    missing = kind >> 2
    if kind & _CATEGORICAL or missing not in (_NONE, _ZERO, _NAN) or math.isnan(threshold):
        raise Unreadable(f"a split of kind {kind}")
    if abs(threshold) <= ZERO:  # zero stands for all so near to it
        threshold = ZERO if threshold >= 0 else math.nextafter(-ZERO, -math.inf)
    # Without a kind of missing value NaN is read as zero.
    unknown_left = threshold >= 0 if missing == _NONE else bool(kind & _DEFAULT_LEFT)
    return Question(column, threshold, unknown_left, missing == _ZERO)
