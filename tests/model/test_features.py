"""Readings become numbers by one rule, for one row and for many."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model import features
from signals.registry import Value


@pytest.mark.parametrize(
    ("value", "number"),
    [
        pytest.param(True, 1.0, id="true is one"),
        pytest.param(False, 0.0, id="false is zero"),
        pytest.param(7, 7.0, id="count"),
        pytest.param(0, 0.0, id="zero stays zero"),
        pytest.param(-0.25, -0.25, id="negative"),
        pytest.param(2**53, 9007199254740992.0, id="largest exact count"),
    ],
)
def test_a_known_reading_is_its_number(value: Value, number: float) -> None:
    assert features.row({"a": value}, ("a",)) == [number]


@pytest.mark.parametrize("readings", [{"a": None}, {}, {"other": 1}], ids=["unknown", "no readings", "older schema"])
def test_what_is_unknown_is_nan_and_never_zero(readings: dict[str, Value]) -> None:
    (found,) = features.row(readings, ("a",))
    assert math.isnan(found)


def test_columns_come_in_the_order_asked_for_and_others_are_left_out() -> None:
    assert features.row({"a": 1, "text": "x", "b": 2.5}, ("b", "a")) == [2.5, 1.0]


def test_text_cannot_become_a_number() -> None:
    with pytest.raises(ValueError, match="could not convert"):
        features.matrix([{"a": "ES"}], ("a",))


def test_a_matrix_is_the_rows_one_below_the_other() -> None:
    rows: list[dict[str, Value]] = [{"a": True, "b": None}, {"a": None, "b": 3}, {"b": 0.5}]
    found = features.matrix(rows, ("a", "b"))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [features.row(row, ("a", "b")) for row in rows])


def test_no_rows_make_an_empty_matrix_with_its_columns() -> None:
    assert features.matrix([], ("a", "b")).shape == (0, 2)


@pytest.mark.parametrize("columns", [("b", "a"), ("a",)], ids=["two columns", "one column"])
@pytest.mark.parametrize(
    "readings", [{"a": True, "b": None, "text": "x"}, {"b": 2.5}, {}], ids=["whole", "older schema", "no readings"]
)
def test_a_prepared_reader_gives_the_same_row(readings: dict[str, Value], columns: tuple[str, ...]) -> None:
    np.testing.assert_array_equal(features.reader(columns)(readings), features.row(readings, columns))
