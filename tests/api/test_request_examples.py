"""What callers are told to send is taken: each example of the OpenAPI document, each body that README and docs show."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from tests.conftest import NOW, ROOT, Clock, keyed

#: Answers that say the request is not one; a missing thing (404) or a state (409) may be as it is.
_WRONG = {400, 405, 413, 415, 422}
_CURL = re.compile(r"curl [^\n]*?(?P<path>/v1/\S+)(?P<options>[^\n]*?) ?-d '(?P<body>[^']*)'")
FEED = "/v1/feedback/{feed}"
_BASIC = base64.b64encode(b"user:password").decode()
#: What pages write for a value of the caller's own.
_SHOWN = {
    '{"account": {"user_id": "u_1001"': "/v1/signups",
    '{"account": {"user_id": "u_77"': "/v1/accounts/import",
    '{"events": [': "/v1/feedback",
    '{"decision": "limit"': "/v1/reviews/rev_…/decide",
}
_IDS = {"rev": "review_id", "rsv": "reservation_id", "clu": "cluster_id", "cut": "cut_id"}


@pytest.fixture(params=[NOW, time.time()], ids=["at-a-time", "now"])
def http(request: pytest.FixtureRequest, make_app: Callable[..., Flask], clock: Clock) -> FlaskClient:
    clock.now = request.param
    return keyed(make_app(feedback_postmark_auth=SecretStr("user:password")))


@pytest.fixture
def ids(http: FlaskClient) -> dict[str, str]:
    """Something of each kind that a path names."""

    def made(path: str, body: Any) -> Any:
        return http.post(path, json=body).json

    def signed_up(user_id: str) -> Any:
        device = {"id": "dev-1", "ip_address": "203.0.113.9"}
        body = {"account": {"user_id": user_id}, "email": {"address": f"{user_id}@mailinator.com"}, "device": device}
        return made("/v1/signups", body)

    first, second = signed_up("u_1"), signed_up("u_2")
    webhook = made("/v1/webhooks", {"url": "https://hooks.ruiz.example/", "events": ["tier.changed"]})["id"]
    cluster = second["linkage"]["cluster_id"]
    edge = http.get(f"/v1/clusters/{cluster}").json["edges"][0]["edge"]  # type: ignore[index]
    return {
        "user_id": "u_1",
        "review_id": first["review_id"],
        "reservation_id": made("/v1/accounts/u_1/sends", {"recipients": 9})["reservation_id"],
        "webhook_id": webhook,
        "delivery_id": made(f"/v1/webhooks/{webhook}/test", {})["id"],
        "cluster_id": cluster,
        "edge": edge,
        "cut_id": "cut_1",
        "proposal_id": "prp_1",
        "list": "deny",
        "feed": "postmark",
    }


def openapi_examples(http: FlaskClient) -> Iterator[tuple[str, str, str, str]]:
    """Method, path, type and body of each example."""
    document: Any = http.get("/openapi.json").json
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for media, content in operation.get("requestBody", {"content": {}})["content"].items():
                example = content["example"]
                yield method, path, media, example if isinstance(example, str) else json.dumps(example)


def test_every_example_of_the_openapi_document_is_taken(http: FlaskClient, ids: dict[str, str]) -> None:
    refused, found = {}, 0
    for method, path, media, body in openapi_examples(http):
        if path == FEED and media != "application/json":
            continue  # no provider signed it, and one of them is believed by nothing else
        headers = {"If-Match": "*", **({"Authorization": f"Basic {_BASIC}"} if path == FEED else {})}
        answer = http.open(path.format(**ids), method=method.upper(), data=body, content_type=media, headers=headers)
        found += 1
        if answer.status_code in _WRONG:
            refused[method, path, media] = answer.json
        assert path != FEED or answer.status_code == 200, answer.json
    assert found > 35
    assert refused == {}


def written_calls() -> Iterator[tuple[str, str, str, str]]:
    """Page, method, path and body of each curl in README and docs that sends JSON, and of each body beside them."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = page.read_text()
        for found in _CURL.finditer(text.replace("\\\n", " ")):
            method = re.search(r"-X (\w+)", found[0])
            yield page.name, method[1] if method else "POST", found["path"], found["body"]
        for block in re.findall(r"```json\n(.*?)\n```", text, re.DOTALL):
            for begin, path in _SHOWN.items():
                if block.startswith(begin):
                    yield page.name, "POST", path, f'{{"accounts": [{block}]}}' if path.endswith("import") else block


def test_every_call_that_the_docs_write_out_is_taken(http: FlaskClient, ids: dict[str, str]) -> None:
    calls = list(written_calls())
    assert {*_SHOWN.values()} <= {path for _, _, path, _ in calls} and len(calls) > 15
    refused, policy = [], json.dumps(http.get("/v1/policy").json["policy"])  # type: ignore[index]
    for page, method, written, body in calls:
        path = re.sub(r"(rev|rsv|clu|cut)_…", lambda found: ids[_IDS[found[1]]], written)
        answer = http.open(
            path,
            method=method,
            data=body.replace("d:…", ids["edge"]).replace("{…}", policy).encode(),
            content_type="application/json",
            headers={"If-Match": "*"},
        )
        if answer.status_code in _WRONG:
            refused.append((page, method, path, answer.json))
    assert refused == []
