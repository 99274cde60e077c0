"""What schemathesis makes of the OpenAPI document, good and bad, is answered as documented and never with a 5xx.

Its pytest plugin does not know pytest 9.2; its strategies are used directly, one test an operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from riskapi.api.flask_app import ROUTES
from tests.conftest import BOOTSTRAP_KEY

schemathesis.serializer.alias("message/rfc822", "text/plain")
#: Not asked of us: a well-formed signup may still be refused, because it lies in the future.
EXCLUDED: list[Any] = [positive_data_acceptance]
OPERATIONS = [(route.method, route.path) for route in ROUTES if route.documented]


@pytest.fixture
def schema(make_app: Callable[..., Flask]) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", make_app())


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[" ".join(operation) for operation in OPERATIONS])
def test_every_operation_answers_as_documented(
    schema: schemathesis.BaseSchema, method: str, path: str, mode: GenerationMode
) -> None:
    operation = schema[path][method]
    if mode is GenerationMode.NEGATIVE and not (operation.body or list(operation.iter_parameters())):
        return  # nothing can be wrong about it

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case[Any]) -> None:
        # What is empty in a query is not sent, so nothing of it is wrong.
        assume(not any(value in (None, [], {}) for value in (case.query or {}).values()))
        case.call_and_validate(headers={"Authorization": f"Bearer {BOOTSTRAP_KEY}"}, excluded_checks=EXCLUDED)

    ask()
