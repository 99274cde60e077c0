"""Feeds as they are run: the real service, over HTTP, with the machine's clock."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.conftest import Service
from tests.feedback.feeds.senders import SENDERS, Sent


def post(service: Service, feed: str, sent: Sent) -> tuple[int, dict[str, object]]:
    with contextlib.closing(HTTPConnection(*service.address, timeout=10)) as connection:
        headers = {**sent.headers, "Content-Type": f"{sent.media}; charset=UTF-8"}
        connection.request("POST", f"/v1/feedback/{feed}", sent.body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.mark.slow
def test_every_provider_is_taken_by_the_real_service(serve: Callable[..., Service], tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    for sender in SENDERS.values():
        environment |= sender.settings(tmp_path)
    service = serve(**environment)
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}
    assert service.request("POST", "/v1/signups", signup)[0] == 200
    for name, sender in SENDERS.items():
        sent = sender.sent(sender.complaint("evt_1", at=time.time()), time.time())
        status, answer = post(service, name, sent)
        assert (status, answer.get("accepted")) == (200, 1), name
        assert post(service, name, sender.spoiled(sent))[0] == 401, name
    assert service.request("GET", "/v1/accounts/u_1")[1]["feedback"]["complaints"] == len(SENDERS)
    logged = service.errors.read_text()
    assert "ruiz.example" not in logged
    assert "key=" not in logged
