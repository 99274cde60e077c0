"""A published policy on the real service: on every worker within a second, under load, and after a restart."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPConnection
from typing import Any

from riskapi import policy
from riskapi.server import side_threads
from riskapi.store.connections import Store
from riskapi.store.embedded import Embedded
from tests.conftest import BOOTSTRAP_KEY, Service
from tests.publications import store_version
from tests.waiting import await_text, until

Serve = Callable[..., Service]
WORKERS = 2
SHIPPED = policy.load(policy.DEFAULT).model_dump(mode="json")
FIRST = SHIPPED["version"]


def plus(version: int) -> dict[str, Any]:
    """The shipped policy with ``version`` recipients a day added to every tier, so that caps name their version."""
    tiers = {name: {**tier, "daily": tier["daily"] + version, "steps": []} for name, tier in SHIPPED["tiers"].items()}
    return {**SHIPPED, "tiers": tiers}


def publish(service: Service, given: dict[str, Any], live: int) -> None:
    """Put a policy into force."""
    with contextlib.closing(HTTPConnection(*service.address, timeout=10)) as connection:
        headers = {
            "Authorization": f"Bearer {BOOTSTRAP_KEY}",
            "Content-Type": "application/json",
            "If-Match": f'"{live}"',
        }
        connection.request("PUT", "/v1/policy", json.dumps({"policy": given, "note": "more"}), headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()


def taken_up(service: Service, version: int) -> list[float]:
    """When each worker began to decide by a version, Unix time, from its log."""
    return [
        datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()
        for line in service.logged("policy")
        if line["policy"] == version
    ]


def said_to_decide(service: Service) -> dict[str, Any]:
    """What each process says it decides by."""
    found: dict[str, Any] = service.request("GET", "/v1/policy/workers")[1]
    return found


def decided_by(answers: list[tuple[float, int, Any]]) -> set[int]:
    """The versions of the policy by which these were decided."""
    return {body["versions"]["policy"] for _, status, body in [*answers] if status == 200}


def test_every_worker_judges_by_it_at_its_next_look_and_no_request_is_lost(serve: Serve) -> None:
    """Workers look ten times a second; how late a busy machine lets them is no matter of the service."""
    assert side_threads._POLICY_SECONDS <= 0.2
    service = serve(RISKAPI_WORKERS=str(WORKERS), RISKAPI_MODEL_MODE="off")
    done = threading.Event()
    answers: list[tuple[float, int, Any]] = []

    def sign_up(sender: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            user = f"u{sender}_{number}"
            signup = {"account": {"user_id": user}, "email": {"address": f"{user}@{user}.example"}}
            asked = time.time()
            answers.append((asked, *service.request("POST", "/v1/signups", signup)))

    threads = [threading.Thread(target=sign_up, args=(sender,), daemon=True) for sender in range(4)]
    for thread in threads:
        thread.start()
    # The service is ready with its first worker.
    until(lambda: len(service.logged("http_worker_started")) == WORKERS)
    until(lambda: answers)
    decided = {}
    for version in range(FIRST + 1, FIRST + 5):
        publish(service, plus(version), version - 1)
        decided[version] = max(until(lambda: found if len(found := taken_up(service, version)) == WORKERS else []))  # noqa: B023
        until(lambda: version in decided_by(answers))  # noqa: B023
    last = len(answers)
    until(lambda: len(answers) >= last + 20)
    told = until(lambda: workers if (workers := said_to_decide(service))["current"] >= WORKERS else {})
    assert (told["version"], {each["fault"] for each in told["workers"]}) == (FIRST + 4, {None})
    done.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    for asked, status, body in answers:
        assert status == 200, body
        version = body["versions"]["policy"]
        added = version if version > FIRST else 0
        assert body["limits"]["daily"] == SHIPPED["tiers"][body["decision"]]["daily"] + added
        assert version >= max((one for one, at in decided.items() if asked > at), default=FIRST)
    assert decided_by(answers) == set(range(FIRST, FIRST + 5))


def test_what_was_published_is_in_force_after_a_restart(serve: Serve) -> None:
    service = serve()
    assert "the policy file is ignored" not in service.errors.read_text()
    publish(service, plus(5), FIRST)
    assert service.stop() == 0
    again = serve()
    await_text(again.errors, rf"policy {FIRST + 1}, published 20\S+Z by bootstrap; the policy file is ignored")
    status, found = again.request("GET", "/v1/policy")
    assert (status, found["version"]) == (200, FIRST + 1)
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}
    assert again.request("POST", "/v1/signups", signup)[1]["versions"]["policy"] == FIRST + 1


def test_a_published_policy_that_cannot_be_used_stops_the_start(
    serve: Serve, embedded_store: Embedded, store: Store
) -> None:
    store_version(store, 9, {key: value for key, value in SHIPPED.items() if key != "reviews"})
    service = serve(wait=False, REDIS_URL=f"unix://{embedded_store.socket}")
    assert service.process.wait(60) == 2
    errors = service.errors.read_text()
    assert "store, policy version 9: reviews: is missing" in errors
    assert "policy publish --help" in errors
    assert "Traceback" not in errors
