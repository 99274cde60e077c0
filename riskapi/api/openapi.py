"""The OpenAPI 3.1 document, made once from the declared routes and the shapes they name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import GenericAlias
from typing import Any

import orjson
from pydantic import ConfigDict, TypeAdapter

from riskapi.api import problems
from riskapi.api.problems import ProblemDocument
from riskapi.api.routes import JSON, PATHS, Ahead, Route, Shape
from riskapi.errors import CODES

#: Version of the contract, the ``v1`` of the paths; it grows with what is added to it.
VERSION = "1.0"

_REFERENCE = "#/components/schemas/{model}"

_HEADERS = {
    "X-Request-Id": {
        "description": "The caller's `X-Request-Id` when it was a plain token, else a new one.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
    }
}

_LIMIT_HEADERS = {
    "RateLimit": {"description": "What is left, where a limit is set.", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "The limit, where one is set.", "schema": {"type": "string"}},
}

_RETRY = {
    "Retry-After": {"description": "Seconds after which to repeat the request.", "schema": {"type": "string"}},
}

#: Headers of problems by status, besides those of all answers.
_OF_PROBLEMS: Mapping[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "The scheme: `Bearer`.", "schema": {"type": "string"}}},
    403: {"WWW-Authenticate": {"description": "The scopes, any of which would do.", "schema": {"type": "string"}}},
    429: _RETRY,
    503: _RETRY,
}

_REPLAYED = {
    "Idempotent-Replay": {
        "description": "Present when this is the answer given before.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Remembered 24 h: the same key and body get the same answer, another body `idempotency_conflict`.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
}

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The `ETag` of the version that the change was made from; `*` replaces whatever is in force.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
}

_TAG = {"ETag": {"description": "Names the version, for `If-Match`.", "schema": {"type": "string"}}}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The document for ``routes``; one operation for each that is documented."""
    shown = [route for route in routes if route.documented]
    schemas = _schemas(shown)
    paths: dict[str, dict[str, Any]] = {}
    for route in shown:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "riskapi",
            "version": VERSION,
            "summary": "How much may this account send, and why.",
            "description": (
                "Times are RFC 3339 UTC. Every answer carries `X-Request-Id`. Errors are "
                "`application/problem+json` (RFC 9457) with a stable `code`: see [errors](/docs/errors). "
                "Where the service runs with `RISKAPI_REPLAY`, the header `X-Replay-Time` (RFC 3339) sets the clock of "
                "a request."
            ),
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in shown)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key; each operation names its scope.",
                }
            },
        },
    }


def written(document: Mapping[str, Any], now: float) -> bytes:
    """The document as JSON, for somebody who reads it at Unix time ``now``."""

    def time_of(example: Ahead) -> str:
        return example.at(now)

    return orjson.dumps(document, default=time_of, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def _schemas(routes: Sequence[Route]) -> dict[str, Any]:
    """The schema of each body and answer, and of what they are made of, by name."""
    bodies = dict.fromkeys(route.body for route in routes if route.body is not None)
    answers = dict.fromkeys(
        shape for route in routes for shape in (route.response, *route.others.values()) if shape is not None
    )
    # All answers in one type: a ``TypedDict`` takes its configuration from the type that it is part of. Closed on
    # purpose: a field that an answer has and its documentation has not fails the tests.
    together: Any = GenericAlias(tuple, (*answers, ProblemDocument))
    adapters: list[TypeAdapter[Any]] = [TypeAdapter(body) for body in bodies]
    adapters.append(TypeAdapter(together, config=ConfigDict(extra="forbid")))
    _, found = TypeAdapter.json_schemas(
        [(str(at), "validation", each) for at, each in enumerate(adapters)], ref_template=_REFERENCE
    )
    schemas: dict[str, Any] = found["$defs"]
    return schemas


def _operation(route: Route) -> dict[str, Any]:
    scopes = f"Scope: {' or '.join(f'`{scope}`' for scope in route.scopes)}." if route.scopes else "Needs no key."
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": f"{route.description} {scopes}".strip(),
        "tags": [route.tag],
        "security": ([{"key": []}] if route.scopes else []) + ([{}] if route.keyless else []),
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.body is not None:
        content: dict[str, Any] = {}
        if route.example or not route.raw:
            content[JSON] = {"schema": _schema(route.body), "example": route.example}
        content |= {media: {"schema": {"type": "string"}, "example": text} for media, text in route.raw.items()}
        found["requestBody"] = {"required": not route.optional_body, "content": content}
    return found


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in re.findall(r"\{(\w+)\}", route.path):
        pattern, meaning = PATHS[name]
        schema = {"type": "string", "pattern": pattern.pattern.removesuffix(r"\Z") + "$"}
        found.append({"name": name, "in": "path", "required": True, "description": meaning, "schema": schema})
    if route.query is not None:
        properties = route.query.model_json_schema()["properties"]
        found += [{"name": name, "in": "query", "schema": _given(schema)} for name, schema in properties.items()]
    if route.idempotent or route.repeatable:
        found.append(_IDEMPOTENCY_KEY)
    if route.conditional:
        found.append(_IF_MATCH)
    return found


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter that is there: in a query there is no null, only absence."""
    branches = [branch for branch in schema.get("anyOf", ()) if branch.get("type") != "null"]
    if len(branches) == 1:
        return dict(branches[0])
    return schema


def _responses(route: Route) -> dict[str, Any]:
    replayed = _REPLAYED if route.body is not None else {}
    limited = _LIMIT_HEADERS if route.scopes else {}
    tagged = _TAG if route.tagged else {}
    shape: dict[str, Any] = {"type": "object" if route.media == JSON else "string"}
    good = {"schema": shape if route.response is None else _schema(route.response)}
    found: dict[str, Any] = {
        str(route.status): {
            "description": route.summary,
            "headers": {**_HEADERS, **limited, **replayed, **tagged},
            "content": {route.media: good},
        }
    }
    for status, model in route.others.items():
        found[str(status)] = {
            "description": "Not ready." if status >= 500 else f"{route.summary}, without saving it.",
            "headers": {**_HEADERS, **(limited if status < 500 else {}), **(replayed if status < 500 else {})},
            "content": {JSON: {"schema": _schema(model)}},
        }
    codes: dict[int, list[str]] = {}
    for code in route.codes():
        codes.setdefault(CODES[code][0], []).append(code)
    for status, names in sorted(codes.items()):
        found[str(status)] = {
            "description": " · ".join(f"`{name}`: {CODES[name][1]}" for name in names),
            "headers": {**_HEADERS, **({} if status in (401, 403) else limited), **_OF_PROBLEMS.get(status, {})},
            "content": {problems.MEDIA: {"schema": _schema(ProblemDocument)}},
        }
    return found


def _schema(model: Shape) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
