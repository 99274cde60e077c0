"""Every metric is declared, counted where it should be, and documented."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from riskapi import metrics
from riskapi.metrics import METRICS, Metrics


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


def test_processes_that_share_a_directory_answer_for_each_other(tmp_path: Path) -> None:
    count = "from riskapi.metrics import Metrics; found = Metrics(); found.decision('allow', 'model'); found.journal(2)"
    show = "from riskapi.metrics import Metrics; print(Metrics().render().decode())"
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], env=environ, check=True)
    shown = subprocess.run([sys.executable, "-c", show], env=environ, check=True, capture_output=True, text=True).stdout
    assert 'riskapi_decisions_total{source="model",tier="allow"} 2.0' in shown
    assert "riskapi_journal_entries 2.0" in shown
