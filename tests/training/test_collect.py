from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from riskapi.datasets.installed import DataPaths
from training.collect import collect, schedule
from training.dataset import read_decisions
from training.server import Service, ServiceError
from training.simulator import Event


def event(number: int, at: float, label: str | None = None, label_at: float | None = None) -> Event:
    signup = {
        "account": {"user_id": f"u_{number}", "name": "Ana Ruiz"},
        "email": {"address": f"ana{number}@ruiz.example"},
        "device": {"ip_address": "203.0.113.9"},
    }
    return Event(at, signup, "legitimate", "consumer", "g", "ES", "spanish", "legitimate", label, label_at)


START = 1_787_529_600.0
EVENTS = [
    event(1, START, "abuse", START + 150),
    event(2, START + 100),
    event(3, START + 200, "legitimate", START + 999),
    event(4, START + 300),
]


def test_labels_are_posted_between_the_signups_when_they_become_known() -> None:
    assert [(at - START, path, body.get("label")) for at, path, body in schedule(EVENTS)] == [
        (0, "/v1/signups", None),
        (100, "/v1/signups", None),
        (150, "/v1/accounts/u_1/labels", "abuse"),
        (200, "/v1/signups", None),
        (300, "/v1/signups", None),
    ]


@pytest.mark.slow
def test_what_the_service_records_is_what_is_trained_on(tmp_path: Path, ip_data: DataPaths) -> None:
    out = tmp_path / "decisions.jsonl"
    collect(EVENTS, (ip_data.asn, ip_data.country), out, Console(quiet=True))
    found = read_decisions(out)
    assert [one.user_id for one in found] == ["u_1", "u_2", "u_3", "u_4"]
    assert [one.at for one in found] == [each.at for each in EVENTS]
    assert [one.label for one in found] == ["abuse", None, None, None]
    # The label was felt by the signups after it, and by none before.
    assert [one.readings["links_domain_abusive"] for one in found] == [0, 0, 1, 1]
    assert json.loads(out.read_text().splitlines()[0])["versions"]["model"] is None


@pytest.mark.slow
def test_an_answer_that_is_no_assessment_stops_the_collection(tmp_path: Path, ip_data: DataPaths) -> None:
    with Service(tmp_path, (ip_data.asn, ip_data.country)) as service:
        with pytest.raises(ServiceError, match="422"):
            service.post("/v1/signups", {"email": {}}, START)
        assert service.post("/v1/signups", EVENTS[0].signup, START)["user_id"] == "u_1"
