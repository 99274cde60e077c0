"""Trees are read as LightGBM writes them, and what is not known is not read."""

from __future__ import annotations

import math
from typing import Any

import lightgbm
import numpy as np
import pytest

from model import trees
from model.trees import ZERO, Leaf, Question, Split, Unreadable

JUST_BELOW = math.nextafter(-ZERO, -math.inf)
#: One tree of three leaves and one of a single leaf, cut down to what is read.
TEXT = """tree
version=v4
max_feature_idx=4

Tree=0
num_leaves=3
num_cat=0
split_feature=4 1
threshold=0.5 inf
decision_type=2 8
left_child=-1 -2
right_child=1 -3
leaf_value=0.25 -1.5 3
leaf_count=5 2 3
internal_count=10 5
is_linear=0
shrinkage=1


Tree=1
num_leaves=1
num_cat=0
leaf_value=0.125
is_linear=0
shrinkage=1


end of trees

parameters:
[num_leaves: 3]
"""


def test_a_tree_is_read_and_one_of_a_single_leaf_left_out() -> None:
    assert list(trees.read(TEXT)) == [
        Split(
            Question(4, 0.5, True, False),
            Leaf(0.25, 5),
            Split(Question(1, math.inf, False, False), Leaf(-1.5, 2), Leaf(3.0, 3), 5),
            10,
        )
    ]
    assert trees.columns(TEXT) == [1, 4]


@pytest.mark.parametrize(
    ("kind", "threshold", "question"),
    [
        # A kind of missing value is 0 (none), 4 (zero) or 8 (NaN); 2 more where it goes left.
        (0, 0.5, Question(4, 0.5, True, False)),
        (2, 0.5, Question(4, 0.5, True, False)),
        (0, -0.5, Question(4, -0.5, False, False)),
        (2, -0.5, Question(4, -0.5, False, False)),
        (4, 0.5, Question(4, 0.5, False, True)),
        (6, -0.5, Question(4, -0.5, True, True)),
        (8, 0.5, Question(4, 0.5, False, False)),
        (10, -0.5, Question(4, -0.5, True, False)),
        (0, 0.0, Question(4, ZERO, True, False)),
        (0, 1e-36, Question(4, ZERO, True, False)),
        (0, ZERO, Question(4, ZERO, True, False)),
        (0, -ZERO, Question(4, JUST_BELOW, False, False)),
        (8, -1e-36, Question(4, JUST_BELOW, False, False)),
        (8, JUST_BELOW, Question(4, JUST_BELOW, False, False)),
    ],
)
def test_what_a_split_asks(kind: int, threshold: float, question: Question) -> None:
    text = TEXT.replace("threshold=0.5", f"threshold={threshold!r}").replace("decision_type=2", f"decision_type={kind}")
    assert [tree.question for tree in trees.read(text)] == [question]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("version=v4", "version=v5", "another layout"),
        ("decision_type=2", "decision_type=3", "a split of kind 3"),
        ("decision_type=2", "decision_type=12", "a split of kind 12"),
        ("threshold=0.5", "threshold=nan", "a split of kind 2"),
        ("is_linear=0\nshrinkage=1\n\n\nTree=1", "is_linear=1\nshrinkage=1\n\n\nTree=1", "linear"),
        ("leaf_count=5 2 3", "leaf_count=5 0 5", "no row"),
        ("internal_count=10 5\n", "", "internal_count"),
        ("leaf_value=0.25 -1.5 3", "leaf_value=0.25 -1.5", "cannot be read"),
        ("threshold=0.5 inf", "threshold=0.5", "cannot be read"),
        ("shrinkage=1\n", "shrinkage\n", "cannot be read"),
        ("right_child=1 -3", "right_child=0 -3", "cannot be read"),
    ],
)
def test_what_is_not_known_is_not_read(old: str, new: str, why: str) -> None:
    assert old in TEXT
    with pytest.raises(Unreadable, match=why):
        list(trees.read(TEXT.replace(old, new, 1)))


@pytest.mark.parametrize("linear", [False, True])
def test_no_other_columns_change_a_score(linear: bool) -> None:
    random = np.random.default_rng(1)
    rows = random.normal(size=(600, 9))
    values = rows[:, 2] * (rows[:, 7] > 0) + (rows[:, 4] > 0.5)
    parameters: dict[str, Any] = {"objective": "regression", "linear_tree": linear, "max_depth": 3, "verbosity": -1}
    booster = lightgbm.train({**parameters, "num_threads": 1}, lightgbm.Dataset(rows, values), 3)
    columns = trees.columns(booster.model_to_string())
    assert {2, 4, 7} <= set(columns) < set(range(9))
    others = [column for column in range(9) if column not in columns]
    changed = rows.copy()
    changed[:, others] = np.nan
    assert list(booster.predict(changed)) == list(booster.predict(rows))
    assert ("\nleaf_features=" in booster.model_to_string()) == linear
