"""The light run tells what became worse by a quarter, and only that; it never fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.light import BASELINE, Light, compare, warnings

_BASE = Light(
    ratio=0.20, work=0.1, commands=24.0, bytes_sent=3000, bytes_received=1000, bytes_appended=2500, memory=1900
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, []),
        ({"ratio": 0.151}, []),
        ({"ratio": 0.15}, ["signups a second, as a share of the do-nothing route's, fell from 0.200 to 0.150"]),
        (
            {"work": 0.0749},
            ["processor time of the do-nothing route, as a share of a signup's, fell from 0.100 to 0.075"],
        ),
        ({"ratio": 0.9, "commands": 4.0, "bytes_sent": 1.0}, []),
        ({"commands": 29.9}, []),
        ({"commands": 30.0}, ["commands of the store a signup rose from 24 to 30"]),
        ({"bytes_sent": 3750}, ["bytes a signup sends to the store rose from 3,000 to 3,750"]),
        ({"bytes_received": 1250}, ["bytes a signup reads from the store rose from 1,000 to 1,250"]),
        ({"bytes_appended": 9000}, ["bytes a signup writes to the append-only file rose from 2,500 to 9,000"]),
        ({"memory": 2400}, ["bytes of the store's memory an account rose from 1,900 to 2,400"]),
    ],
    ids=str,
)
def test_warnings(change: dict[str, float], told: list[str]) -> None:
    assert list(warnings(_BASE.model_copy(update=change), _BASE)) == told


def test_a_warning_is_a_line_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(_BASE.model_dump_json())
    dearer = _BASE.model_copy(update={"ratio": 0.1, "commands": 60.0})
    assert [line for line in compare(dearer, path) if "warning" in line] == [
        "bench: warning: signups a second, as a share of the do-nothing route's, fell from 0.200 to 0.100",
        "bench: warning: commands of the store a signup rose from 24 to 60",
    ]
    assert not [line for line in compare(_BASE, path) if "warning" in line]


@pytest.mark.parametrize("text", [None, "", "{}", '{"ratio": "much"}'], ids=str)
def test_a_baseline_that_cannot_be_read_is_a_warning(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    if text is not None:
        path.write_text(text)
    assert [line for line in compare(_BASE, path) if "warning: no baseline" in line]


def test_the_baseline_can_be_read() -> None:
    assert 0 < Light.model_validate_json(BASELINE.read_bytes()).ratio < 1
