"""Answers of the API, held to its contract."""

from __future__ import annotations

from types import GenericAlias
from typing import Any, TypeVar

import jsonschema_rs
from pydantic import ConfigDict, TypeAdapter

from riskapi.api import problems
from riskapi.errors import CODES

Shape = TypeVar("Shape")


#: Headers of answers that callers act on.
TOLD = {"ETag", "Idempotent-Replay", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate"}


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(method.upper(), path): each for path, item in document["paths"].items() for method, each in item.items()}


def conforms(document: dict[str, Any], method: str, path: str, response: Any) -> dict[str, Any]:
    """Check an answer against what is documented for its operation and status; returns its body."""
    answer = operations(document)[method, path]["responses"][str(response.status_code)]
    media = answer["content"][response.headers["Content-Type"]]
    validator = jsonschema_rs.Draft202012Validator(
        {**media["schema"], "components": document["components"]}, validate_formats=True
    )
    assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(response.json)] == []
    for name in ("X-Request-Id", *(TOLD & set(response.headers.keys()))):
        assert name in answer["headers"]
    body: dict[str, Any] = response.json
    return body


def is_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Check that the answer is a whole problem document of this code."""
    assert (response.status_code, response.mimetype) == (status, "application/problem+json"), response.data
    document: dict[str, Any] = response.json
    checked(problems.ProblemDocument, response.data)
    assert document["code"] == code
    assert document["status"] == status == CODES[code][0]
    assert document["title"] == CODES[code][1]
    assert document["type"] == f"/docs/errors#{code}"
    assert document["request_id"] == response.headers["X-Request-Id"]
    return document


def checked(shape: type[Shape], answer: bytes) -> Shape:
    """An answer (JSON) that has just the fields of this ``TypedDict``, each of its type."""
    # A ``TypedDict`` takes its configuration from the type that it is part of.
    many: Any = GenericAlias(list, (shape,))
    adapter: TypeAdapter[list[Shape]] = TypeAdapter(many, config=ConfigDict(extra="forbid", strict=True))
    return adapter.validate_json(b"[%b]" % answer)[0]
