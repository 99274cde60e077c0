"""Records: cheap to make, held frozen by the type checker, and refusing fields that were not declared."""

from __future__ import annotations

import pytest

from signals.records import changed, changing, record


@record
class Point:
    x: int
    y: int = 0


def test_a_record_has_its_fields_and_compares_by_them() -> None:
    assert Point(1) == Point(1, 0) != Point(2)
    assert repr(Point(1, y=2)) == "Point(x=1, y=2)"


def test_a_record_takes_no_other_attribute() -> None:
    with pytest.raises(AttributeError):
        Point(1).z = 3  # type: ignore[attr-defined]


@record
class One:
    x: int


def test_a_changed_record_has_the_other_values_and_leaves_the_first_as_it_was() -> None:
    point = Point(1, 2)
    assert changed(point, y=3) == Point(1, 3)
    assert changed(One(1), x=2) == One(2)
    assert changed(point) == point == Point(1, 2)
    assert changed(point) is not point


def test_fields_that_are_named_beforehand_are_changed_by_place() -> None:
    point = Point(1, 2)
    assert changing(Point, "y")(point, 3) == Point(1, 3)
    assert changing(Point, "y", "x")(point, 3, 4) == Point(4, 3)
    assert point == Point(1, 2)


def test_a_field_that_a_record_does_not_have_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        changed(Point(1), z=3)
    with pytest.raises(AttributeError):
        changing(Point, "y", "z")


def test_the_type_checker_holds_a_record_frozen() -> None:
    # mypy --strict fails on this file when the assignment is no error, because the comment is then unused.
    point = Point(1)
    point.x = 2  # type: ignore[misc]
    assert point.x == 2
