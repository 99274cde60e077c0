"""Replies of the store that come in two forms."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.store.replies import scored


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ([], []),
        ([b"a", b"1.5", b"b", b"-2"], [("a", 1.5), ("b", -2.0)]),
        ([[b"a", 1.5], [b"b", -2.0]], [("a", 1.5), ("b", -2.0)]),
    ],
    ids=["none", "RESP2", "RESP3"],
)
def test_members_come_with_their_scores_in_both_protocols(reply: list[Any], expected: list[tuple[str, float]]) -> None:
    assert scored(reply) == expected
