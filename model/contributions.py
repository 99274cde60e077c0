"""SHAP values of one row, looked up in tables that are made once for a model.

The SHAP value of a column is what it adds to the margin, averaged over all orders in which columns become known
(Lundberg and Lee 2017). What is not known yet goes both ways at a split, in the shares in which the rows of the
training did: path-dependent TreeSHAP (Lundberg et al. 2020, "From local explanations to global understanding with
explainable AI for trees", algorithm 2). LightGBM works this out anew for each row. But all that a row decides is how it
answers the questions of the splits, and of a few questions all answers fit in a table, as in Fast TreeSHAP v2 (Yang
2021, "Fast TreeSHAP: Accelerating SHAP Value Computation for Trees", arXiv 2109.09847). Here each tree is cut into
*parts*: leaves with no more than :data:`MOST_QUESTIONS` on the ways to them. The table of a part says what its leaves
add to each of its columns, for each way to answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar, cast

import numpy as np

from model import trees
from model.features import NAN, Row
from model.trees import ZERO, Leaf, Question, Split, Unreadable

#: Questions of a part, at most: the answers are the bits of a byte.
MOST_QUESTIONS: Final = 8
#: Rows of all tables of a model, at most: 16 MB, half a second to make. The shipped model has 49 thousand.
MOST_ROWS: Final = 1 << 18
#: Asked where a part has fewer questions; no value is more than infinite.
_NEVER: Final = Question(0, math.inf, True, False)
_BITS: Final = np.unpackbits(np.arange(1 << MOST_QUESTIONS, dtype=np.uint8)[:, np.newaxis], axis=1, bitorder="little").T
#: For each question of a part, and each answer, 1 in the states that have that answer, else 0.
_ANSWERS: Final = np.stack((1.0 - _BITS, _BITS), axis=1)
#: Points and weights of Gauss-Legendre quadrature with four points, exact up to degree 7 (Abramowitz and Stegun 1964,
#: table 25.4), moved from between -1 and 1 to between 0 and 1.
_QUADRATURE: Final = tuple(
    ((1 + sign * point) / 2, weight / 2)
    for point, weight in ((0.33998104358485626, 0.65214515486254614), (0.86113631159405258, 0.34785484513745386))
    for sign in (-1, 1)
)
#: How far from LightGBM's own a contribution may be, in parts of it and beside it.
_CLOSE: Final = 1e-9

_T = TypeVar("_T")


class TooLarge(ValueError):
    """A model whose tables would take too much time and memory."""


class _Step(NamedTuple):
    """A split on the way to a leaf: whether the way goes left, and the share of the rows of the training that did."""

    question: Question
    left: bool
    share: float


class _Part(NamedTuple):
    """Leaves of one tree, each with the way to it from the root, and the questions and columns on those ways."""

    questions: tuple[Question, ...]
    columns: tuple[int, ...]
    leaves: list[tuple[Leaf, list[_Step]]]


class Contributions:
    """The tables of one model. They do not change once they are made: safe to share between threads."""

    def __init__(self, model: str, expected: float) -> None:
        """``model`` is LightGBM's text, ``expected`` the mean of its margins.

        Raises :class:`model.trees.Unreadable` and :class:`TooLarge` for models that have no tables here.
        """
        columns = {column: at for at, column in enumerate(trees.columns(model))}
        parts = _parts(model)
        tables = [_table(part) for part in parts]
        self._table = np.concatenate([np.zeros((0, MOST_QUESTIONS)), *tables])
        self._starts = np.cumsum([0, *(len(table) for table in tables)])[:-1]
        self._columns = np.array(
            [columns[each] for part in parts for each in _eight(part.columns, part.columns[0])], np.intp
        )
        self._width, self._expected = len(columns), expected

        # A question's bit says whether a row goes another way than an unknown value would. So NaN, which is at most
        # nothing, is 0 without being looked for. To be more than a threshold is to be less, with the sign changed.
        asked = [question for part in parts for question in _eight(part.questions, _NEVER)]
        self._asked = np.array([columns.get(each.column, 0) for each in asked], np.intp)
        self._signs = np.array([-1.0 if each.unknown_left else 1.0 for each in asked])
        self._bounds = np.array([_bound(each) for each in asked])
        self._zeros = np.flatnonzero([each.zero_unknown for each in asked])

    def of(self, row: Row) -> Row:
        """What each column adds to the margin, and last the expected margin, as ``pred_contrib`` gives it.

        ``row`` has the columns of :func:`model.trees.columns`. Differs from LightGBM's by rounding alone, some 1e-15.
        """
        values = row.take(self._asked)
        values *= self._signs
        if len(self._zeros):
            near = np.abs(values[self._zeros]) <= ZERO
            values[self._zeros[near]] = NAN
        states = np.packbits(values <= self._bounds, bitorder="little")
        added = self._table.take(self._starts + states, axis=0)
        found = cast(Row, np.bincount(self._columns, added.ravel(), self._width + 1))
        found[-1] = self._expected
        return found


def prepare(model: str, own: Callable[[Row], Row]) -> Callable[[Row], Row]:
    """The cheapest way to what ``own`` gives: LightGBM's ``pred_contrib`` of one row of :func:`model.trees.columns`.

    That is :meth:`Contributions.of`, or ``own`` itself for a model that has no tables, or whose tables say something
    else of a row that is unknown or zero throughout: then LightGBM does something that is not known here. The shipped
    model takes 80 ms.
    """
    width = len(trees.columns(model))
    rows = (np.full(width, NAN), np.zeros(width))
    try:
        tables = Contributions(model, own(rows[0])[-1])
    except (Unreadable, TooLarge):
        return own
    same = all(np.allclose(tables.of(row), own(row), rtol=_CLOSE, atol=_CLOSE) for row in rows)
    return tables.of if same else own


def _eight(some: Sequence[_T], more: _T) -> list[_T]:
    """What a part has, made up to eight with ``more``."""
    return [*some, *[more] * (MOST_QUESTIONS - len(some))]


def _bound(question: Question) -> float:
    """What a value, with its sign changed where unknown goes left, is at most if it goes the other way."""
    if not question.unknown_left:
        return question.threshold
    return math.nextafter(-question.threshold, -math.inf) if question.threshold < math.inf else NAN


def _parts(model: str) -> list[_Part]:
    parts, rows = [], 0
    for tree in trees.read(model):
        for part in _cut(tree):
            parts.append(part)
            rows += 1 << len(part.questions)
            if rows > MOST_ROWS:
                raise TooLarge(f"the tables have more than {MOST_ROWS} rows")
    return parts


def _cut(tree: Split) -> Iterator[_Part]:
    """The parts of a tree: its leaves in their order, each with the one before while the questions are not too many."""
    asked: set[Question] = set()
    leaves: list[tuple[Leaf, list[_Step]]] = []
    for leaf, way in _leaves(tree, []):
        own = {step.question for step in way}
        if len(own) > MOST_QUESTIONS:
            raise TooLarge(f"there are more than {MOST_QUESTIONS} questions on the way to a leaf")
        if len(asked | own) > MOST_QUESTIONS:
            yield _part(asked, leaves)
            asked, leaves = set(), []
        asked |= own
        leaves.append((leaf, way))
    yield _part(asked, leaves)


def _part(asked: set[Question], leaves: list[tuple[Leaf, list[_Step]]]) -> _Part:
    return _Part(tuple(sorted(asked)), tuple(sorted({question.column for question in asked})), leaves)


def _leaves(node: Split | Leaf, above: list[_Step]) -> Iterator[tuple[Leaf, list[_Step]]]:
    if isinstance(node, Leaf):
        yield node, above
    else:
        for left, child in ((True, node.left), (False, node.right)):
            yield from _leaves(child, [*above, _Step(node.question, left, child.rows / node.rows)])


def _table(part: _Part) -> Row:
    """What the leaves of a part add: a row for each state, whose bits are the answers, with a number for each column.

    A leaf is a game of the columns on the way to it. It is the leaf's value times a factor for each column: ``led`` for
    one that is known (1 where it leads there, 0 where it does not), and ``share`` for one that is not known (the part
    of the rows that go on). The SHAP value of a column in such a product is ``value * (led - share)`` times an
    integral: over u from 0 to 1, of the product of ``led * u + share * (1 - u)`` over the other columns. For the weight
    of k known columns among n others, ``k! (n - k)! / (n + 1)!``, is the integral of ``u**k * (1 - u)**(n - k)``.
    """
    answers = dict(zip(part.questions, _ANSWERS, strict=False))
    places = {column: place for place, column in enumerate(part.columns)}
    states = 1 << len(part.questions)
    shares = np.ones((len(places), len(part.leaves), 1))
    led = np.ones((len(places), len(part.leaves), states))
    for at, (_, way) in enumerate(part.leaves):
        for question, left, share in way:
            place = places[question.column]
            shares[place, at] *= share
            led[place, at] *= answers[question][int(left != question.unknown_left), :states]
    found = np.zeros(led.shape)
    for u, weight in _QUADRATURE:
        factors = led * u + shares * (1 - u)
        found += weight * factors.prod(axis=0) / factors
    found *= led - shares
    found *= np.array([[leaf.value] for leaf, _ in part.leaves])
    table = np.zeros((states, MOST_QUESTIONS))
    table[:, : len(places)] = found.sum(axis=1).T
    return table
