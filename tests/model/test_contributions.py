"""The tables say what LightGBM's pred_contrib says, of any row of any model that has tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import contributions, trees
from model.contributions import MOST_QUESTIONS, Contributions, TooLarge, prepare
from model.features import Row
from model.trees import ZERO, Leaf, Question, Split, Unreadable

SHIPPED = Path(contributions.__file__).parent / "artifact" / "model.txt"
Matrix = npt.NDArray[np.float64]


@dataclass
class Own:
    """LightGBM's contributions of one row, of the columns that the model looks at; ``rows`` are those it was asked."""

    booster: lightgbm.Booster
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.text = self.booster.model_to_string()
        self.columns = trees.columns(self.text)

    def many(self, rows: Matrix) -> Matrix:
        """As ``pred_contrib`` gives them; columns that the model does not look at are unknown."""
        width = self.booster.num_feature()
        whole = np.full((len(rows), width), np.nan)
        whole[:, self.columns] = rows
        found: Matrix = np.asarray(self.booster.predict(whole, pred_contrib=True, num_threads=1))
        unused = [column for column in range(width) if column not in self.columns]
        assert not found[:, unused].any()
        return found[:, [*self.columns, -1]]

    def __call__(self, row: Row) -> Row:
        self.rows.append(row)
        return self.many(row[np.newaxis]).ravel()


def _questions(text: str) -> dict[int, set[float]]:
    """Of each column the thresholds that a model has."""
    found: dict[int, set[float]] = {column: set() for column in trees.columns(text)}

    def visit(node: Split | Leaf) -> None:
        if isinstance(node, Split):
            found[node.question.column].add(node.question.threshold)
            visit(node.left)
            visit(node.right)

    for tree in trees.read(text):
        visit(tree)
    return found


def _rows(own: Own, seed: int, count: int) -> Matrix:
    """Rows of thresholds and what lies next to them, of what is special, and of numbers."""
    random = np.random.default_rng(seed)
    special = [math.nan, math.inf, -math.inf, 0.0, -0.0, ZERO, -ZERO, 1e-36, -1e-36, 5e-324, 1e300, -1e300, 1.0]
    columns = []
    for thresholds in _questions(own.text).values():
        near = [math.nextafter(each, towards) for each in thresholds for towards in (-math.inf, math.inf)]
        values = np.array([*thresholds, *near, *special])
        kind = random.random(count)
        column = random.choice(values, count)
        column[kind < 0.3] = random.choice([*thresholds], count)[kind < 0.3]
        column[kind > 0.7] = (random.normal(size=count) * 10.0 ** random.integers(-2, 3, count))[kind > 0.7]
        column[kind > 0.85] = np.nan
        columns.append(column)
    found = np.array(columns).reshape(-1, count).T
    found[0], found[1] = np.nan, 0.0
    return found


def _same(found: Sequence[Row], expected: Matrix) -> None:
    np.testing.assert_allclose(np.array(found), expected, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def shipped() -> Own:
    return Own(lightgbm.Booster(model_file=SHIPPED))


def test_the_shipped_model_has_tables_that_say_what_lightgbm_says(shipped: Own) -> None:
    explain = prepare(SHIPPED.read_text(), shipped)
    assert explain is not shipped
    rows = _rows(shipped, 1, 3000)
    shipped.rows.clear()
    _same([explain(row) for row in rows], shipped.many(rows))
    assert not shipped.rows


def _trained(**shape: Any) -> Own:
    """A small model of a random shape; ``shape`` are parameters of LightGBM and of the data."""
    random = np.random.default_rng(shape.pop("seed", 1))
    count, width, trees_, kinds = (
        shape.pop(name, default) for name, default in (("rows", 500), ("width", 6), ("trees", 8), ("kinds", "plain"))
    )
    rows = random.normal(size=(count, width))
    rows[:, 1] = random.integers(0, 3, count)
    if "zeros" in kinds:
        rows[random.random(rows.shape) < 0.3] = 0.0
    if "unknown" in kinds:
        rows[random.random(rows.shape) < 0.25] = np.nan
    if "constant" in kinds:
        rows[:, 2] = 1.5
    known = np.nan_to_num(rows)
    values = known[:, 0] + known[:, 1] * known[:, -1] + np.isnan(rows[:, 0]) + random.normal(size=count) / 2
    parameters = {
        "objective": "binary",
        "num_leaves": 15,
        "max_depth": 6,
        "min_data_in_leaf": 5,
        "num_threads": 1,
        "verbosity": -1,
        "deterministic": True,
        **shape,
    }
    labels = values > np.median(values) if parameters["objective"] == "binary" else values
    return Own(lightgbm.train(parameters, lightgbm.Dataset(rows, labels.astype(float)), trees_))


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param({}, id="plain"),
        pytest.param({"kinds": "unknown"}, id="NaN"),
        pytest.param({"kinds": "unknown zeros"}, id="NaN and zeros"),
        pytest.param({"kinds": "unknown zeros", "zero_as_missing": True}, id="zero is missing"),
        pytest.param({"kinds": "zeros", "zero_as_missing": True}, id="zero is missing, no NaN"),
        pytest.param({"kinds": "unknown zeros", "use_missing": False}, id="nothing is missing"),
        pytest.param({"kinds": "constant unknown"}, id="a constant column"),
        pytest.param({"max_depth": 8, "num_leaves": 255, "min_data_in_leaf": 1, "rows": 1500}, id="deep"),
        pytest.param({"max_depth": 8, "num_leaves": 31, "width": 2, "kinds": "unknown"}, id="columns asked often"),
        pytest.param({"max_depth": 1}, id="stumps"),
        pytest.param({"rows": 12, "min_data_in_leaf": 1, "min_data_in_bin": 1}, id="few rows"),
        pytest.param({"width": 40, "trees": 40, "feature_fraction": 0.3}, id="many columns"),
        pytest.param({"objective": "regression", "kinds": "unknown"}, id="regression"),
        pytest.param({"boosting": "dart", "kinds": "unknown"}, id="dart"),
        pytest.param({"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}, id="a forest"),
        pytest.param({"extra_trees": True, "kinds": "zeros"}, id="random thresholds"),
        pytest.param({"lambda_l1": 60.0, "trees": 30}, id="trees of one leaf among others"),
    ],
)
def test_small_models_have_tables_that_say_what_lightgbm_says(shape: dict[str, Any]) -> None:
    own = _trained(**shape)
    explain = prepare(own.text, own)
    assert explain is not own
    rows = _rows(own, 2, 400)
    _same([explain(row) for row in rows], own.many(rows))


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    kinds=st.sampled_from(["plain", "unknown", "zeros", "unknown zeros", "unknown constant"]),
    width=st.integers(3, 12),
    rows=st.integers(10, 300),
    max_depth=st.integers(1, 9),
    num_leaves=st.integers(2, 40),
    missing=st.sampled_from([{}, {"zero_as_missing": True}, {"use_missing": False}]),
)
def test_models_of_any_shape_are_explained_as_lightgbm_does(missing: dict[str, bool], **shape: Any) -> None:
    own = _trained(**shape, **missing, trees=4, min_data_in_leaf=1)
    explain = prepare(own.text, own)
    rows = _rows(own, shape["seed"], 60)
    _same([explain(row) for row in rows], own.many(rows))


def test_a_model_that_looks_at_nothing_has_its_expected_margin() -> None:
    own = _trained(lambda_l1=1e6)
    assert own.columns == []
    explain = prepare(own.text, own)
    assert explain is not own
    _same([explain(np.zeros(0))], own.many(np.zeros((1, 0))))


def _of_categories() -> Own:
    random = np.random.default_rng(1)
    rows = random.normal(size=(500, 3))
    rows[:, 1] = random.integers(0, 20, 500)
    labels = (rows[:, 1] % 3 == 0) ^ (rows[:, 0] > 0)
    dataset = lightgbm.Dataset(rows, labels.astype(float), categorical_feature=[1])
    return Own(lightgbm.train({"objective": "binary", "num_threads": 1, "max_depth": 4, "verbosity": -1}, dataset, 3))


@pytest.mark.parametrize(
    ("make", "refused"),
    [
        pytest.param(lambda: _trained(max_depth=-1, num_leaves=60), TooLarge, id="too deep"),
        pytest.param(_of_categories, Unreadable, id="categories"),
    ],
)
def test_lightgbm_explains_what_has_no_tables(make: Callable[[], Own], refused: type[Exception]) -> None:
    own = make()
    with pytest.raises(refused):
        Contributions(own.text, 0.0)
    assert prepare(own.text, own) is own


def test_lightgbm_explains_what_would_take_much_memory(shipped: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contributions, "MOST_ROWS", 1000)
    assert prepare(shipped.text, shipped) is shipped


def test_lightgbm_explains_where_the_tables_say_something_else(shipped: Own) -> None:
    for wrong in (0, -1):

        def other(row: Row, at: int = wrong) -> Row:
            found = shipped(row)
            found[at] += 1e-6 if not np.isnan(row).any() else 0.0
            return found

        assert prepare(shipped.text, other) is other


def test_a_contribution_by_its_definition() -> None:
    """A tree that is 1 where two columns are above a half: a quarter of the rows are so in each."""
    leaves = "leaf_value=0 0 1", "leaf_count=12 3 1", "internal_count=16 4"
    text = "\n".join(
        ("tree", "version=v4", "", "Tree=0", "num_leaves=3", "num_cat=0", "split_feature=0 1", "threshold=0.5 0.5",
         "decision_type=8 8", "left_child=-1 -2", "right_child=1 -3", *leaves, "is_linear=0", "end of trees")
    )  # fmt: skip
    tables = Contributions(text, 1 / 16)
    # Nothing known is worth 1/16, either 1/4, both 1: the first column first, or the second.
    both = ((1 / 4 - 1 / 16) + (1 - 1 / 4)) / 2
    np.testing.assert_allclose(tables.of(np.array([1.0, 1.0])), [both, both, 1 / 16], atol=1e-15)
    # Where the second is not above, it is worth 0 alone and with the first.
    alone, other = ((1 / 4 - 1 / 16) + 0) / 2, ((0 - 1 / 16) + (0 - 1 / 4)) / 2
    np.testing.assert_allclose(tables.of(np.array([1.0, 0.0])), [alone, other, 1 / 16], atol=1e-15)


def test_the_questions_of_a_part_are_the_bits_of_a_byte() -> None:
    """A leaf below eight questions has tables, one below nine has none."""

    def chain(length: int) -> Split:
        node: Split | Leaf = Leaf(1.0, 1)
        for column in range(length):
            node = Split(Question(column, 0.5, False, False), node, Leaf(0.0, 1), column + 2)
        assert isinstance(node, Split)
        return node

    assert [len(part.questions) for part in contributions._cut(chain(MOST_QUESTIONS))] == [8]
    with pytest.raises(TooLarge):
        list(contributions._cut(chain(MOST_QUESTIONS + 1)))
