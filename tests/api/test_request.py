"""What every route shares: the clock of replays, rate limits, idempotency, and who may see the metrics."""

from __future__ import annotations

import gc
import io
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi.access.api_keys import ApiKeys
from riskapi.accounts.history import LabelName, LabelSource
from riskapi.accounts.labels import Labels
from riskapi.api.gateway import Unread
from riskapi.errors import Problem, StoreUnavailable
from riskapi.reviews.decisions import ReviewDecision, ReviewDecisions
from riskapi.reviews.queue import Reviews
from riskapi.store.connections import Store
from riskapi.store.rates import RateLimits, RateState
from riskapi.times import instant
from tests.answers import is_problem
from tests.conftest import BOOTSTRAP_KEY, NOW, Clock
from tests.requests import GOOD, SIGNUP

MakeHttp = Callable[..., FlaskClient]
LABEL = {"label": "abuse", "source": "manual_review"}


class FailingLabels(Labels):
    """Fails with ``error`` while there is one, and counts how often it was asked."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error
        self.asked = 0

    def add(
        self, user_id: str, label: LabelName, source: LabelSource, note: str | None, actor: str, now: float, **more: Any
    ) -> Any:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return {"user_id": user_id, "label": label, "tier": "limit", "labels": []}


class HeldReviews(Reviews):
    """Every review is held by ``holder``; notes for whom the others are moved."""

    def __init__(self, holder: str | None, told: list[str | None]) -> None:
        self._holder, self._told = holder, told

    def get(self, review_id: str) -> Any:
        return {"id": review_id, "reviewer": self._holder}

    def release(self, review_id: str, reviewer: str, now: float) -> Any:
        self._told.append(reviewer)
        return self.get(review_id)

    def escalate(self, review_id: str, reviewer: str, reason: str | None, now: float, *, actor: str) -> Any:
        self._told += (reviewer, actor)
        return self.get(review_id)


class ToldDecisions(ReviewDecisions):
    """Notes who decides and undoes, and for whom."""

    def __init__(self, told: list[str | None]) -> None:
        self._told = told

    def decide(self, review_id: str, decision: ReviewDecision, actor: str, now: float, *, dry_run: bool = False) -> Any:
        self._told += (decision.reviewer, actor)
        return {"id": review_id, "accounts": [], "deny": [], "dry_run": dry_run}

    def undo(
        self,
        review_id: str,
        reason: str | None,
        actor: str,
        now: float,
        reviewer: str | None = None,
        *,
        of: str | None = None,
    ) -> Any:
        self._told += (reviewer, actor)
        return {"id": review_id, "accounts": [], "removed_entries": []}


@pytest.fixture
def known(client: FlaskClient) -> None:
    """The accounts ``u``, ``a`` and ``b`` are known."""
    for user in "uab":
        body = {"account": {"user_id": user}, "email": {"address": f"{user}@ruiz.example"}}
        assert client.post(SIGNUP, json=body).status_code == 200


def labels_of(http: FlaskClient, user: str) -> list[str]:
    """The labels of an account."""
    found: Any = http.get(f"/v1/accounts/{user}").json
    return [each["label"] for each in found["labels"]]


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
    headers = {"X-Replay-Time": given} if given else {}
    response = make_http(replay=replay).post(SIGNUP, data=GOOD, content_type="application/json", headers=headers)
    assert response.status_code == 200
    assert response.json is not None
    assert instant(response.json["created_at"]).timestamp() == at


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
    headers = {"Authorization": f"Bearer {ApiKeys(store).create('k', ['reviews'])}"}
    answers = [client.get("/v1/reviews", headers=headers) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one.headers["RateLimit"] for one in answers] == ['"key";r=1;t=1', '"key";r=0;t=1', '"key";r=0;t=1']
    assert {one.headers["RateLimit-Policy"] for one in answers} == {'"key";q=2;w=1'}
    assert answers[2].headers["Retry-After"] == "1"
    is_problem(answers[2], 429, "rate_limited")


def test_the_key_s_own_limit_goes_before_the_general_one(make_http: MakeHttp, store: Store) -> None:
    client = make_http(api_rate_limit=1.0)
    headers = {"Authorization": f"Bearer {ApiKeys(store).create('k', ['reviews'], 3.0)}"}
    assert [client.get("/v1/reviews", headers=headers).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_limit_that_cannot_be_counted_stops_nobody(make_http: MakeHttp, store: Store) -> None:
    class Away(RateLimits):
        def take(self, key_id: str, rate: float, now: float, *, burst: int | None = None) -> RateState:
            raise StoreUnavailable("away")

    client = make_http(api_rate_limit=1.0, ratelimits=Away(store))
    headers = {"Authorization": f"Bearer {ApiKeys(store).create('k', ['reviews'])}"}
    assert [client.get("/v1/reviews", headers=headers).status_code for _ in range(3)] == [200, 200, 200]


@pytest.mark.usefixtures("known")
def test_the_same_key_and_body_replays_the_answer_and_does_nothing_again(client: FlaskClient) -> None:
    first = post(client, **{"Idempotency-Key": "k"})
    spaced = client.post(
        "/v1/accounts/u/labels",
        data=b'{ "source": "manual_review", "label": "abuse" }',
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )
    assert labels_of(client, "u") == ["abuse"]
    assert spaced.data == first.data
    assert (first.headers.get("Idempotent-Replay"), spaced.headers.get("Idempotent-Replay")) == (None, "true")


@pytest.mark.usefixtures("known")
def test_the_same_key_and_another_body_is_a_conflict(client: FlaskClient) -> None:
    post(client, **{"Idempotency-Key": "k"})
    is_problem(post(client, body={**LABEL, "note": "x"}, **{"Idempotency-Key": "k"}), 409, "idempotency_conflict")


@pytest.mark.usefixtures("known")
def test_the_same_key_at_another_path_is_another_request(client: FlaskClient) -> None:
    for user in ("a", "b"):
        assert post(client, f"/v1/accounts/{user}/labels", **{"Idempotency-Key": "k"}).status_code == 200
    assert [labels_of(client, user) for user in ("a", "b")] == [["abuse"], ["abuse"]]


def test_a_problem_is_replayed_with_the_id_of_the_new_request(make_http: MakeHttp) -> None:
    labels = FailingLabels(Problem("invalid", "No such label."))
    client = make_http(labels=labels)
    for number in ("1", "2"):
        response = post(client, **{"Idempotency-Key": "k", "X-Request-Id": number})
        assert is_problem(response, 422, "invalid")["request_id"] == number
    assert labels.asked == 1


def test_what_is_not_there_may_be_in_a_moment_and_is_not_remembered(make_http: MakeHttp) -> None:
    labels = FailingLabels(Problem("not_found", "No such account."))
    client = make_http(labels=labels)
    is_problem(post(client, **{"Idempotency-Key": "k"}), 404, "not_found")
    labels.error = None
    assert post(client, **{"Idempotency-Key": "k"}).status_code == 200


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ZeroDivisionError()])
def test_a_failure_on_our_side_is_not_remembered(make_http: MakeHttp, error: Exception) -> None:
    labels = FailingLabels(error)
    client = make_http(labels=labels)
    assert post(client, **{"Idempotency-Key": "k"}).status_code >= 500
    labels.error = None
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
    found: list[str | None] = []
    client = make_http(reviews=HeldReviews(holder, found), review_decisions=ToldDecisions(found))
    path = f"/v1/reviews/rev_0/{step}"
    response = client.post(path) if body is None else client.post(path, json=body)
    assert response.status_code == 200, response.data
    assert found == told


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
    client = make_http(
        readiness=lambda: {"store": store_is, "model": "ok"}, versions=lambda: {"policy": 1}, replay=True
    )
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


class Connection:
    """Stands for what the server holds of a request, and lets go of with the last who knows it."""


@pytest.mark.parametrize(
    "body",
    [Unread("request_timeout", "It did not arrive."), io.BytesIO(b"{"), io.BytesIO(b'{"account": {}}')],
    ids=["a body that did not come", "a body that is no JSON", "a body of another shape"],
)
def test_a_request_that_was_refused_is_let_go_of_without_garbage_collection(make_http: MakeHttp, body: Any) -> None:
    """A connection whose body never came ends only then."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/signups",
        "HTTP_AUTHORIZATION": f"Bearer {BOOTSTRAP_KEY}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "1000",
        "wsgi.input": body,
        "wsgi.input_terminated": True,
    }
    app, statuses = make_http().application, list[str]()

    def start(line: str, headers: Any, fault: Any = None) -> Any:
        statuses.append(line[:3])

    def serve() -> weakref.ref[Connection]:
        connection = Connection()
        list(app.wsgi_app(environ, start))
        return weakref.ref(connection)

    gc.disable()
    try:
        assert serve()() is None
    finally:
        gc.enable()
    assert statuses[0] in ("400", "408", "422")
