"""What schemathesis makes of the OpenAPI document, good and bad, is answered as documented and never with a 5xx.

Its pytest plugin does not know pytest 9.2; its strategies are used directly, one test an operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from riskapi.api.flask_app import ROUTES
from riskapi.app import Service
from riskapi.console.application import application
from riskapi.settings import Settings
from riskapi.store import consumer
from riskapi.store.connections import Store
from tests.conftest import BOOTSTRAP_KEY, Clock

schemathesis.serializer.alias("message/rfc822", "text/plain")
#: Not asked of us: a well-formed signup may still be refused, because it lies in the future.
EXCLUDED: list[Any] = [positive_data_acceptance]
OPERATIONS = [(route.method, route.path) for route in ROUTES if route.documented]


@pytest.fixture(scope="module")
def made(session_store: Store, session_settings: Settings, assemble: Callable[..., Service]) -> Service:
    """The service of all operations, at a clock that stands still."""
    session_store.execute("FLUSHALL")
    return assemble(session_settings, session_store, Clock())


@pytest.fixture(scope="module")
def schema_of_module(made: Service, session_settings: Settings) -> schemathesis.BaseSchema:
    """Its document, read once: that takes as long as what is then asked of an operation."""
    app = application(made.parts, session_settings, made.store)
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


@pytest.fixture
def schema(schema_of_module: schemathesis.BaseSchema, made: Service, store: Store) -> schemathesis.BaseSchema:
    """That document, of a service that begins anew: on the empty store, by the policy of the file and no lists."""
    made.decisions.register_schema()
    consumer.found(store)
    made.parts.publisher.follow()
    made.gatherer.entries.look()
    return schema_of_module


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
