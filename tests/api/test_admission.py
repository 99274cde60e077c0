"""What is known of a request before its body is read, by its head alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from riskapi.access.api_keys import ApiKeys
from riskapi.api.admission import Admission
from riskapi.api.flask_app import ROUTES
from riskapi.api.parts import Parts
from riskapi.errors import StoreUnavailable
from riskapi.store.connections import Store
from tests.conftest import BOOTSTRAP_KEY

RIGHT = f"Bearer {BOOTSTRAP_KEY}"


@pytest.fixture
def admission(make_app: Callable[..., Flask], parts: Parts) -> Admission:
    return Admission(make_app().url_map, ROUTES, parts)


@pytest.mark.parametrize(
    ("method", "path", "key", "expected"),
    [
        ("POST", "/v1/signups", RIGHT, "known"),
        ("POST", "/v1/signups", RIGHT.replace("Bearer", "bearer"), "known"),
        ("POST", "/v1/accounts/u_1/labels", RIGHT, "known"),
        ("POST", "/v1/accounts/caf\u00c3\u00a9/labels", RIGHT, "known"),
        ("POST", "/v1/feedback/dsn", RIGHT, "known"),
        ("POST", "/v1/signups", None, "refused"),
        ("POST", "/v1/signups", "", "refused"),
        ("POST", "/v1/signups", "Bearer wrong", "refused"),
        ("POST", "/v1/signups", f"Basic {BOOTSTRAP_KEY}", "refused"),
        ("POST", "/v1/accounts/u_1/labels", None, "refused"),
        ("POST", "/v1/feedback/dsn", "Bearer wrong", "refused"),
        ("GET", "/v1/signups", RIGHT, "refused"),
        ("POST", "/v1/nothing", RIGHT, "refused"),
        ("POST", "/v1/feedback/dsn", None, "unknown"),
        ("POST", "/v1/feedback/ses", None, "unknown"),
        ("POST", "/v1/feedback/postmark", "Basic dTpw", "unknown"),
        ("POST", "/console/sign-in", None, "unknown"),
        ("GET", "/readyz", None, "unknown"),
    ],
)
def test_of_a_head(admission: Admission, method: str, path: str, key: str | None, expected: str) -> None:
    head = {"REQUEST_METHOD": method, "PATH_INFO": path}
    assert admission.of(head if key is None else {**head, "HTTP_AUTHORIZATION": key}) == expected


def test_a_key_without_the_scope_is_refused(admission: Admission, store: Store) -> None:
    key = ApiKeys(store).create("mail", ["sends"])
    head = {"REQUEST_METHOD": "POST", "HTTP_AUTHORIZATION": f"Bearer {key}"}
    assert admission.of({**head, "PATH_INFO": "/v1/signups"}) == "refused"
    assert admission.of({**head, "PATH_INFO": "/v1/accounts/u_1/sends"}) == "known"


def test_a_key_that_cannot_be_looked_up_is_refused(
    admission: Admission, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(presented: str) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(parts.keys, "find", away)
    head = {"REQUEST_METHOD": "POST", "PATH_INFO": "/v1/signups", "HTTP_AUTHORIZATION": "Bearer any"}
    assert admission.of(head) == "refused"
