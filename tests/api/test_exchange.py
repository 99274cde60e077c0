"""What every route shares: the clock of replays, rate limits, idempotency, and who may see the metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi.access.keys import Keys
from riskapi.errors import Problem, StoreUnavailable
from riskapi.store.connections import Store
from tests import fakes
from tests.answers import is_problem
from tests.conftest import BOOTSTRAP_KEY, NOW, Clock
from tests.requests import GOOD, SIGNUP

MakeHttp = Callable[..., FlaskClient]
LABEL = {"label": "abuse", "source": "manual_review"}


def post(http: FlaskClient, path: str = "/v1/accounts/u/labels", body: Any = None, **headers: str) -> Any:
    return http.post(path, json=LABEL if body is None else body, headers=headers)


@pytest.mark.parametrize(
    ("replay", "given", "at"),
    [
        (True, "2025-01-01T00:00:00Z", 1_735_689_600.0),
        (True, "2025-01-01t02:00:00.5+02:00", 1_735_689_600.5),
        (True, None, NOW),
        (False, "2025-01-01T00:00:00Z", NOW),
        (False, "nonsense", NOW),
    ],
)
def test_the_replayed_clock_counts_only_in_replay(make_http: MakeHttp, replay: bool, given: str, at: float) -> None:
    assessor = fakes.Assessors()
    headers = {"X-Replay-Time": given} if given else {}
    response = make_http(assessor=assessor, replay=replay).post(
        SIGNUP, data=GOOD, content_type="application/json", headers=headers
    )
    assert response.status_code == 200
    assert assessor.asked[0][1] == at


@pytest.mark.parametrize(
    "given", ["", "now", "1735689600", "2025-01-01", "2025-13-01T00:00:00Z", "2025-01-01T00:00:00"]
)
def test_a_replayed_clock_that_is_no_time_is_refused(make_http: MakeHttp, given: str) -> None:
    response = make_http(replay=True).get("/v1/reviews", headers={"X-Replay-Time": given})
    is_problem(response, 422, "invalid")


def test_a_signup_answered_before_says_so(make_http: MakeHttp) -> None:
    client = make_http()
    first, second = (client.post(SIGNUP, data=GOOD, content_type="application/json") for _ in range(2))
    assert "Idempotent-Replay" not in first.headers
    assert second.headers["Idempotent-Replay"] == "true"


def test_a_key_over_its_limit_waits_and_the_bootstrap_key_never(make_http: MakeHttp, store: Store) -> None:
    client = make_http(api_rate_limit=2.0)
    assert all("RateLimit" not in client.get("/v1/reviews").headers for _ in range(5))
    headers = {"Authorization": f"Bearer {Keys(store).create('k', ['reviews'])}"}
    answers = [client.get("/v1/reviews", headers=headers) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one.headers["RateLimit"] for one in answers] == ['"key";r=1;t=1', '"key";r=0;t=1', '"key";r=0;t=1']
    assert {one.headers["RateLimit-Policy"] for one in answers} == {'"key";q=2;w=1'}
    assert answers[2].headers["Retry-After"] == "1"
    is_problem(answers[2], 429, "rate_limited")


def test_the_key_s_own_limit_goes_before_the_general_one(make_http: MakeHttp, store: Store) -> None:
    client = make_http(api_rate_limit=1.0)
    headers = {"Authorization": f"Bearer {Keys(store).create('k', ['reviews'], 3.0)}"}
    assert [client.get("/v1/reviews", headers=headers).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_limit_that_cannot_be_counted_stops_nobody(make_http: MakeHttp, store: Store) -> None:
    class Away:
        def take(self, *_: object) -> None:
            raise StoreUnavailable("away")

    client = make_http(api_rate_limit=1.0, ratelimits=Away())
    headers = {"Authorization": f"Bearer {Keys(store).create('k', ['reviews'])}"}
    assert [client.get("/v1/reviews", headers=headers).status_code for _ in range(3)] == [200, 200, 200]


def test_the_same_key_and_body_replays_the_answer_and_does_nothing_again(make_http: MakeHttp) -> None:
    labels = fakes.Labels()
    client = make_http(labels=labels)
    first = post(client, **{"Idempotency-Key": "k"})
    spaced = client.post(
        "/v1/accounts/u/labels",
        data=b'{ "source": "manual_review", "label": "abuse" }',
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )
    assert labels.given == 1
    assert spaced.data == first.data
    assert (first.headers.get("Idempotent-Replay"), spaced.headers.get("Idempotent-Replay")) == (None, "true")


def test_the_same_key_and_another_body_is_a_conflict(make_http: MakeHttp) -> None:
    client = make_http()
    post(client, **{"Idempotency-Key": "k"})
    is_problem(post(client, body={**LABEL, "note": "x"}, **{"Idempotency-Key": "k"}), 409, "idempotency_conflict")


def test_the_same_key_at_another_path_is_another_request(make_http: MakeHttp) -> None:
    labels = fakes.Labels()
    client = make_http(labels=labels)
    for user in ("a", "b"):
        assert post(client, f"/v1/accounts/{user}/labels", **{"Idempotency-Key": "k"}).status_code == 200
    assert labels.given == 2


def test_a_problem_is_replayed_with_the_id_of_the_new_request(make_http: MakeHttp) -> None:
    labels = fakes.Labels(fails=Problem("invalid", "No such label."))
    client = make_http(labels=labels)
    for number in ("1", "2"):
        response = post(client, **{"Idempotency-Key": "k", "X-Request-Id": number})
        assert is_problem(response, 422, "invalid")["request_id"] == number
    assert labels.given == 1


def test_what_is_not_there_may_be_in_a_moment_and_is_not_remembered(make_http: MakeHttp) -> None:
    labels = fakes.Labels(fails=Problem("not_found", "No such account."))
    client = make_http(labels=labels)
    is_problem(post(client, **{"Idempotency-Key": "k"}), 404, "not_found")
    labels.fails = None
    assert post(client, **{"Idempotency-Key": "k"}).status_code == 200


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ZeroDivisionError()])
def test_a_failure_on_our_side_is_not_remembered(make_http: MakeHttp, error: Exception) -> None:
    labels = fakes.Labels(fails=error)
    client = make_http(labels=labels)
    assert post(client, **{"Idempotency-Key": "k"}).status_code >= 500
    labels.fails = None
    assert post(client, **{"Idempotency-Key": "k"}).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\tb", "\x7f"])
def test_an_idempotency_key_that_is_none_is_refused(make_http: MakeHttp, key: str) -> None:
    response = make_http().post("/v1/accounts/u/labels", json=LABEL, environ_overrides={"HTTP_IDEMPOTENCY_KEY": key})
    is_problem(response, 422, "invalid")


@pytest.mark.parametrize(
    ("step", "body", "holder", "told"),
    [
        ("release", None, "ana", ["ana"]),
        ("release", {"reviewer": "bo"}, "ana", ["bo"]),
        ("release", None, None, ["bootstrap"]),
        ("escalate", None, None, ["bootstrap", "bootstrap"]),
        ("escalate", {"reason": "hard"}, "ana", ["ana", "bootstrap"]),
        ("decide", {"decision": "allow", "label": "legitimate"}, None, [None, "bootstrap"]),
        ("decide", {"decision": "allow", "label": "legitimate"}, "ana", ["ana", "bootstrap"]),
        ("decide", {"decision": "limit", "label": "abuse", "reviewer": "bo"}, "ana", ["bo", "bootstrap"]),
        ("undo", None, "ana", [None, "bootstrap"]),
        ("undo", {"reason": "a mistake", "reviewer": "bo"}, "ana", ["bo", "bootstrap"]),
    ],
)
def test_the_key_acts_for_whoever_is_named_or_holds_the_review(
    make_http: MakeHttp,
    step: str,
    body: dict[str, str] | None,
    holder: str | None,
    told: list[str | None],
) -> None:
    reviews, decisions = fakes.Reviews(holder=holder), fakes.ReviewDecisions()
    client = make_http(reviews=reviews, review_decisions=decisions)
    path = f"/v1/reviews/{fakes.REVIEW_ID}/{step}"
    response = client.post(path) if body is None else client.post(path, json=body)
    assert response.status_code == 200, response.data
    assert [*reviews.actors, *decisions.actors] == told


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("127.9.9.9", {}, 200),
        ("::1", {}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, 403),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}, 403),
        ("203.0.113.9", {}, 403),
        ("", {}, 403),
        ("203.0.113.9", {"Authorization": "Bearer 0123456789abcdef"}, 200),
        ("203.0.113.9", {"Authorization": "bearer 0123456789abcdef"}, 200),
        ("203.0.113.9", {"Authorization": "Basic 0123456789abcdef"}, 403),
        ("203.0.113.9", {"Authorization": f"Bearer {BOOTSTRAP_KEY}"}, 403),
    ],
)
def test_metrics_are_for_loopback_or_the_token(
    make_http: MakeHttp,
    address: str,
    headers: dict[str, str],
    status: int,
) -> None:
    client = make_http(metrics_token="0123456789abcdef")
    client.environ_base.pop("HTTP_AUTHORIZATION")
    response = client.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})
    assert response.status_code == status


@pytest.mark.parametrize(("store_is", "status"), [("ok", 200), ("away: signups get the outage budget", 503)])
def test_readiness_names_what_is_wrong(make_http: MakeHttp, store_is: str, status: int) -> None:
    client = make_http(readiness=lambda: {"store": store_is, "model": "ok"}, replay=True)
    response = client.get("/readyz")
    assert response.status_code == status
    assert response.json == {
        "ready": status == 200,
        "checks": {"store": store_is, "model": "ok"},
        "versions": {"policy": 1},
        "replay": True,
    }


def test_head_answers_like_get_without_a_body(make_http: MakeHttp, clock: Clock) -> None:
    response = make_http().head("/healthz")
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Content-Length"] == str(len(b'{"status":"ok"}'))


def test_the_documentation_asks_nothing_of_the_network(make_http: MakeHttp) -> None:
    client = make_http()
    page = client.get("/docs")
    assert page.status_code == 200
    assert "http" not in page.text.replace("http-equiv", "")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js", "favicon-32x32.png"):
        assert f"/docs/{name}" in page.text
        assert client.get(f"/docs/{name}").status_code == 200
    assert "validatorUrl: null" in client.get("/docs/start.js").text
