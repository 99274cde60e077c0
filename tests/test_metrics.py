"""Every metric is declared, counted where it should be, and documented."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from riskapi import metrics
from riskapi.metrics import METRICS, Metrics
from riskapi.server import metrics_directory
from tests.filesystems import small


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (
            lambda found: found.request("/v1/signups", "POST", 200, 0.0015),
            'riskapi_http_requests_total{method="POST",route="/v1/signups",status="200"} 1.0',
        ),
        (
            lambda found: found.request("/v1/signups", "POST", 200, 0.0015),
            'riskapi_http_request_duration_seconds_bucket{le="0.002",route="/v1/signups"} 1.0',
        ),
        (lambda found: found.decision("review", "rule"), 'riskapi_decisions_total{source="rule",tier="review"} 1.0'),
        (lambda found: found.rule("r", "shadow"), 'riskapi_rules_fired_total{mode="shadow",rule="r"} 1.0'),
        (lambda found: found.review("claimed"), 'riskapi_reviews_total{step="claimed"} 1.0'),
        (lambda found: found.label("abuse", "appeal"), 'riskapi_labels_total{label="abuse",source="appeal"} 1.0'),
        (lambda found: found.feedback("complaint"), 'riskapi_feedback_total{type="complaint"} 1.0'),
        (lambda found: found.event("login"), 'riskapi_events_total{type="login"} 1.0'),
        (lambda found: found.problem("invalid"), 'riskapi_problems_total{code="invalid"} 1.0'),
        (lambda found: found.store_failure("touch"), 'riskapi_store_failures_total{operation="touch"} 1.0'),
        (lambda found: found.journal(3), "riskapi_journal_entries 3.0"),
    ],
)
def test_what_is_counted_is_shown(count: object, line: str) -> None:
    found = Metrics()
    assert callable(count)
    count(found)
    assert line in found.render().decode().splitlines()


def test_the_page_is_current() -> None:
    written = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text()
    assert written == metrics.page()
    assert all(metric.name.startswith("riskapi_") and metric.help.endswith(".") for metric in METRICS)


COUNT = """
from riskapi import logs, metrics
logs.configure()
metrics.count_as("{name}")
found = metrics.Metrics()
found.decision("allow", "model")
found.journal(2)
print(found.render().decode())
"""


def count(directory: Path, name: str) -> subprocess.CompletedProcess[str]:
    """A process that counts a decision and shows what all have counted."""
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)}
    command = [sys.executable, "-c", COUNT.format(name=name)]
    return subprocess.run(command, env=environ, check=True, capture_output=True, text=True)


def test_processes_that_share_a_directory_answer_for_each_other(tmp_path: Path) -> None:
    count(tmp_path, "http-1")
    shown = count(tmp_path, "http-2").stdout
    assert 'riskapi_decisions_total{source="model",tier="allow"} 2.0' in shown
    assert "riskapi_journal_entries 2.0" in shown


def test_a_process_goes_on_with_the_counts_of_the_one_before_it_and_takes_no_more_room(tmp_path: Path) -> None:
    for counted in range(1, 4):
        shown = count(tmp_path, "http-1").stdout
        assert f'riskapi_decisions_total{{source="model",tier="allow"}} {counted}.0' in shown
    sizes = {path.name: path.stat() for path in tmp_path.iterdir()}
    assert {name: status.st_size for name, status in sizes.items()} == {
        f"{kind}_http-1.db": room for kind, room in metrics.ROOM.items()
    }
    assert all(status.st_blocks * 512 >= status.st_size for status in sizes.values()), "a hole has no room of its own"


def test_a_process_that_finds_no_room_for_its_counts_counts_alone(tmp_path: Path) -> None:
    with small(tmp_path / "full", megabytes=1) as full:
        found = count(full, "http-1")
    assert 'riskapi_decisions_total{source="model",tier="allow"} 1.0' in found.stdout
    assert '"event":"metrics_not_shared"' in found.stderr


def test_all_labels_there_are_fit_into_the_room(tmp_path: Path) -> None:
    script = """
from riskapi import metrics
from riskapi.api.flask_app import ROUTES
from riskapi.errors import CODES
metrics.count_as("http-1")
found = metrics.Metrics()
for route in ROUTES:
    for status in (200, 201, 204, *{status for status, _ in CODES.values()}):
        found.request(route.path, route.method, status, 0.001)
for number in range(200):
    for mode in ("live", "shadow"):
        found.rule(f"a_rule_with_a_name_of_some_length_{number}", mode)
for code in CODES:
    found.problem(code)
"""
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], env=environ, check=True)
    for path in tmp_path.iterdir():
        used = int.from_bytes(path.read_bytes()[:4], sys.byteorder)
        assert used <= path.stat().st_size == metrics.ROOM[path.name.removesuffix("_http-1.db")]


def test_counts_lie_in_memory_and_are_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, other = tmp_path / "memory", tmp_path / "other"
    memory.mkdir()
    other.mkdir()
    monkeypatch.setattr(metrics_directory, "_MEMORY", memory)
    monkeypatch.setattr("tempfile.tempdir", str(other))
    made = metrics_directory.make(tmp_path, 8000, 2)
    assert made.parent == memory and stat.S_IMODE(made.stat().st_mode) == 0o700
    (made / "left over").touch()
    assert list(metrics_directory.make(tmp_path, 8000, 2).iterdir()) == []
    made.rmdir()
    made.symlink_to(tmp_path)  # what somebody else put there is neither used nor removed
    assert metrics_directory.make(tmp_path, 8000, 2).parent == other
    assert made.is_symlink()
    needed = metrics_directory.make(tmp_path, 8000, 10**9)  # more than any memory has
    assert needed == tmp_path / "metrics" / "8000"
