from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signals.registry import columns, registered, schema
from training.dataset import (
    DatasetError,
    Decision,
    Example,
    Truth,
    join,
    matrix,
    read_decisions,
    read_truth,
    split,
    targets,
)

Write = Callable[..., Path]


def line(**changes: Any) -> dict[str, Any]:
    """One good line of an export, with some fields changed; a field set to ``...`` is left out."""
    good: dict[str, Any] = {
        "id": "asm_1",
        "user_id": "u_1",
        "at": "2026-09-01T10:00:00.000Z",
        "kind": "signup",
        "schema": schema(),
        "readings": dict.fromkeys(registered()),
        "tier": "allow",
        "label": None,
    }
    return {key: value for key, value in (good | changes).items() if value is not ...}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(*rows: object) -> Path:
        path = tmp_path / "decisions.jsonl"
        path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
        return path

    return file


def test_decisions_come_oldest_first_whatever_the_order_of_the_file(write: Write) -> None:
    path = write(
        line(user_id="u_2", at="2026-09-02T00:00:00Z", label="abuse"),
        line(user_id="u_1", at="2026-09-01T02:00:00+02:00"),
    )
    first, second = read_decisions(path)
    assert (first.user_id, second.user_id, second.label) == ("u_1", "u_2", "abuse")
    assert second.at - first.at == 86_400


def test_rows_that_are_no_signups_are_passed_over(write: Write) -> None:
    assert [one.user_id for one in read_decisions(write(line(kind="rescore"), line(user_id="u_9")))] == ["u_9"]


@pytest.mark.parametrize(
    ("busted", "reason"),
    [
        pytest.param("{not json}\n", "not JSON", id="not json"),
        pytest.param("\n", "not JSON", id="empty line"),
        pytest.param('{"kind": "sig', "not JSON", id="cut off"),
        pytest.param([1, 2], "expected an object", id="a list"),
        pytest.param(line(kind=...), "kind: expected text", id="no kind"),
        pytest.param(line(schema="0123456789ab"), "recorded with signals 0123456789ab", id="another schema"),
        pytest.param(line(user_id=7), "user_id: expected text", id="number as user"),
        pytest.param(line(user_id="u_0"), "u_0 was decided twice", id="twice"),
        pytest.param(line(at="yesterday"), "at: ", id="no time"),
        pytest.param(line(at="2026-09-01T10:00:00"), "no time zone", id="no zone"),
        pytest.param(line(at=1.5), "at: expected text", id="number as time"),
        pytest.param(line(label="spam"), "label: expected", id="unknown label"),
        pytest.param(line(tier=None), "tier: expected text", id="no tier"),
        pytest.param(line(readings=[1]), "readings: expected an object", id="readings as list"),
        pytest.param(line(readings={"email_colour": 1}), "unknown signal 'email_colour'", id="unknown signal"),
        pytest.param(line(readings={"email_is_valid": [True]}), "expected a plain value", id="list as value"),
        pytest.param(line(readings={"email_is_valid": "yes"}), "expected a number", id="text in a column"),
    ],
)
def test_a_busted_line_is_refused_with_its_number(busted: object, reason: str, write: Write) -> None:
    path = write(line(user_id="u_0"), busted)
    with pytest.raises(DatasetError) as caught:
        read_decisions(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["missing", "not utf-8"])
def test_a_file_that_cannot_be_read_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_decisions(path)


TRUTH = {
    "user_id": "u_1",
    "truth": "abuse",
    "outcome": "legitimate",
    "kind": "snowshoe",
    "country": "ES",
    "tongue": "spanish",
}


def test_the_truth_is_read_by_user(write: Write) -> None:
    assert read_truth(write(TRUTH)) == {"u_1": Truth("abuse", "legitimate", "snowshoe", "ES", "spanish")}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"truth": "maybe"}, "truth: expected"),
        ({"outcome": None}, "outcome: expected"),
        ({"kind": 3}, "kind: expected text"),
    ],
)
def test_a_busted_truth_is_refused_with_its_line(change: dict[str, Any], reason: str, write: Write) -> None:
    with pytest.raises(DatasetError, match=f":2: {reason}"):
        read_truth(write(TRUTH, TRUTH | change))


def decision(number: int, label: str | None = None, at: float | None = None) -> Decision:
    return Decision(f"u_{number}", float(number) if at is None else at, {"email_is_valid": True}, "allow", label)


def test_own_decisions_are_learned_from_their_labels_and_the_others_are_left_out() -> None:
    decisions = [decision(1, "abuse"), decision(2), decision(3, "legitimate"), decision(4, "unknown")]
    assert [(one.decision.user_id, one.target, one.abuse) for one in join(decisions, None)] == [
        ("u_1", True, True),
        ("u_3", False, False),
    ]


def test_a_simulation_learns_the_outcome_and_is_measured_by_the_truth() -> None:
    truths = {
        "u_1": Truth("abuse", "legitimate", "snowshoe", "ES", "spanish"),
        "u_2": Truth("abuse", "abuse", "bulk_bot", "ES", "spanish"),
    }
    first, second = join([decision(1), decision(2)], truths)
    assert (first.target, first.abuse, second.target, second.abuse) == (False, True, True, True)


@pytest.mark.parametrize(
    ("decisions", "truths", "reason"),
    [
        ([decision(1)], {}, "not in the truth file"),
        ([decision(1, "abuse")], None, "examples of both"),
        ([decision(1, "legitimate"), decision(2)], None, "examples of both"),
        ([], None, "examples of both"),
    ],
    ids=["no truth", "only abuse", "only people", "nothing"],
)
def test_what_cannot_be_learned_from_is_refused(
    decisions: list[Decision], truths: dict[str, Truth] | None, reason: str
) -> None:
    with pytest.raises(DatasetError, match=reason):
        join(decisions, truths)


def examples(count: int) -> list[Example]:
    return [Example(decision(number), number % 3 == 0, number % 3 == 0, None) for number in range(count)]


@pytest.mark.parametrize(
    ("train", "calibrate", "expected"), [(0.6, 0.15, (60, 15, 26)), (0.5, 0.25, (50, 25, 26)), (0.8, 0.1, (80, 10, 11))]
)
def test_the_split_is_by_time(train: float, calibrate: float, expected: tuple[int, int, int]) -> None:
    spans = split(list(reversed(examples(101))), train, calibrate)
    assert (len(spans.train), len(spans.calibrate), len(spans.test)) == expected
    assert spans.train[-1].decision.at < spans.calibrate[0].decision.at < spans.test[0].decision.at


def test_a_span_without_abuse_is_refused() -> None:
    late = [Example(decision(number), number < 3, number < 3, None) for number in range(100)]
    with pytest.raises(DatasetError, match="calibrate span"):
        split(late)


def test_the_matrix_has_a_column_for_each_signal_and_unknown_is_not_zero() -> None:
    names = columns()
    rows = matrix(examples(4), names)
    assert rows.shape == (4, len(names))
    assert rows[0, names.index("email_is_valid")] == 1.0
    assert math.isnan(rows[0, names.index("email_digit_share")])
    assert np.array_equal(targets(examples(4)), [True, False, False, True])
