"""What is wrong is logged once when it begins and once when it is over, and shown as a metric all the while."""

from __future__ import annotations

from typing import Any

from riskapi.metrics import Metrics
from riskapi.server.fault_log import FaultLog
from riskapi.store.connections import Store
from riskapi.store.faults import Fault
from tests.conftest import Service
from tests.logged import Lines
from tests.waiting import until

FULL, SLOW = Fault("full", "its memory is used up"), Fault("slow", "it took 0.40 seconds to answer")


def faults(lines: Lines) -> list[tuple[str, str, str]]:
    return [(line["event"], line["level"], line["fault"]) for line in lines()]


def test_a_fault_is_logged_when_it_begins_and_when_it_is_over(lines: Lines) -> None:
    now: list[Fault] = []
    metrics = Metrics()
    fault_log = FaultLog(lambda: list(now), metrics)

    def look(times: int, *faults: Fault) -> None:
        now[:] = faults
        for _ in range(times):
            fault_log.look()

    look(3)
    assert faults(lines) == []
    look(10, FULL)
    look(1)  # gone for a moment is not over
    look(3, FULL, SLOW)
    began = [("fault_began", "error", "full"), ("fault_began", "warning", "slow")]
    assert faults(lines) == began
    assert 'riskapi_fault{fault="full"} 1.0' in metrics.render().decode()
    look(20)
    ended = {("fault_ended", "info", "full"), ("fault_ended", "info", "slow")}
    assert faults(lines)[:2] == began and set(faults(lines)[2:]) == ended and len(faults(lines)) == 4
    assert 'riskapi_fault{fault="full"} 0.0' in metrics.render().decode()
    look(1, FULL)
    assert faults(lines)[-1] == ("fault_began", "error", "full")


def test_readyz_says_what_is_full(make_app: Any, store: Store) -> None:
    client = make_app().test_client()
    assert client.get("/readyz").json["checks"]["store"] == "ok"
    store.execute("CONFIG", "SET", "maxmemory", "1")
    try:
        answer = client.get("/readyz")
    finally:
        store.execute("CONFIG", "SET", "maxmemory", "0")
    assert answer.status_code == 503
    assert answer.json["checks"]["store"].startswith("full: all 1 bytes of its memory are used")
    assert client.get("/readyz").status_code == 200


def test_a_service_says_that_its_store_is_full_and_that_it_has_room_again(served: Service) -> None:
    def metric() -> str:
        found = served.read("/metrics")
        return next((line for line in found.splitlines() if line.startswith('riskapi_fault{fault="full"}')), "")

    served.ask_store("CONFIG", "SET", "maxmemory", "1")
    until(lambda: metric().endswith(" 1.0"))
    status, ready = served.request("GET", "/readyz")
    assert status == 503 and ready["checks"]["store"].startswith("full: ")
    served.ask_store("CONFIG", "SET", "maxmemory", "0")
    until(lambda: metric().endswith(" 0.0"))
    served.wait_until_ready()
    told = [line for line in served.logged() if line["event"].startswith("fault_")]
    assert [(line["event"], line["fault"]) for line in told] == [("fault_began", "full"), ("fault_ended", "full")]
