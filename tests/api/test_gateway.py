"""What the HTTP server tells of a request, as WSGI's environ (PEP 3333)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from riskapi.api.gateway import environ_of


class Headers:
    """Headers as granian has them: names are told once each, and values that are not ASCII are no items."""

    def __init__(self, *rows: tuple[str, str]) -> None:
        self._rows = rows

    def keys(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self._rows))

    def items(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self._rows if value.isascii()]


@dataclass
class Scope:
    """A request, as granian tells of it."""

    headers: Headers = field(default_factory=Headers)
    path: str = "/v1/signups"
    server: str = "127.0.0.1:8000"
    client: str = "192.0.2.1:50123"
    method: str = "POST"
    query_string: str = "a=b"
    scheme: str = "http"
    http_version: str = "1.1"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("authorization", "Bearer x")], {"HTTP_AUTHORIZATION": "Bearer x"}),
        ([("content-type", "a/b"), ("content-length", "2")], {"CONTENT_TYPE": "a/b", "CONTENT_LENGTH": "2"}),
        ([("accept", "a"), ("accept", "b")], {"HTTP_ACCEPT": "a,b"}),
        ([("x-a", ""), ("x-a", "b")], {"HTTP_X_A": "b"}),
        ([("authorization", "Bearer é")], {"HTTP_AUTHORIZATION": ""}),
        ([("accept", "a"), ("accept", "b"), ("authorization", "é")], {"HTTP_ACCEPT": "a,b", "HTTP_AUTHORIZATION": ""}),
        ([("x-a", "é"), ("x-a", "b")], {"HTTP_X_A": "b"}),
        ([("x-a", "a"), ("x-b", "é"), ("x-a", "b")], {"HTTP_X_A": "a,b", "HTTP_X_B": ""}),
        ([("x-forwarded-for", "a"), ("x_forwarded_for", "b")], {"HTTP_X_FORWARDED_FOR": "a"}),
        ([("x_a", "é"), ("content_length", "9"), ("content-length", "2")], {"CONTENT_LENGTH": "2"}),
        ([], {}),
    ],
)  # fmt: skip
def test_headers_are_joined_and_one_that_is_not_ascii_is_empty_and_not_missing(
    rows: list[tuple[str, str]], expected: dict[str, str]
) -> None:
    made = environ_of(Scope(Headers(*rows)))
    assert {name: value for name, value in made.items() if name.startswith(("HTTP_", "CONTENT_"))} == expected


@pytest.mark.parametrize(
    ("server", "client", "expected"),
    [
        ("127.0.0.1:8000", "192.0.2.1:50123", ("127.0.0.1", "8000", "192.0.2.1")),
        ("[::1]:80", "[2001:db8::1]:1", ("::1", "80", "2001:db8::1")),
    ],
)
def test_addresses_lose_their_brackets_and_ports(server: str, client: str, expected: tuple[str, str, str]) -> None:
    made = environ_of(Scope(server=server, client=client))
    assert (made["SERVER_NAME"], made["SERVER_PORT"], made["REMOTE_ADDR"]) == expected


def test_what_is_told_of_one_request_is_not_told_of_the_next() -> None:
    one = environ_of(Scope(Headers(("accept", "a"))))
    one["wsgi.input"] = one
    assert "wsgi.input" not in environ_of(Scope()) and "HTTP_ACCEPT" not in environ_of(Scope())
