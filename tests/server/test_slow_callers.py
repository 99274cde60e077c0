"""Callers that send or read slowly, or never, keep nobody else waiting."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from itertools import product
from typing import Any

import pytest

from tests.conftest import BOOTSTRAP_KEY, Service, serving
from tests.ports import free_port

Serve = Callable[..., Service]

_HEAD = (
    "POST /v1/signups HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"Authorization: Bearer {BOOTSTRAP_KEY}\r\n"
)
#: What a caller sends, and then nothing more.
SLOW = {
    "a body that stops": f"{_HEAD}Content-Length: 1000\r\n\r\n" + "{",
    "a body that never begins": f"{_HEAD}Content-Length: 1000\r\n\r\n",
    "a large body that stops": f"{_HEAD}Content-Length: 1000000\r\n\r\n" + "{",
    "a body of no length that stops": f"{_HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n" + "{\r\n",
    "a body nobody asked for": "GET /readyz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    "a body without a key": "POST /v1/feedback/ses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
    "a head that stops": "POST /v1/signups HTTP/1.1\r\nHost: local",
    "a head that never begins": "",
    # The answer is larger than the buffers of a connection that reads none of it.
    "an answer that nobody reads": "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20,
}


@contextlib.contextmanager
def connections(service: Service, count: int, sent: str) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(count):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(service.address)
            connection.sendall(sent.encode())
            found.append(connection)
        yield found


def signed_up(service: Service, user_id: str) -> int:
    body = {"account": {"user_id": user_id}, "email": {"address": f"{user_id}@mail.example"}}
    return service.request("POST", "/v1/signups", body)[0]


def test_slow_callers_keep_nobody_waiting(served_to_all: Service) -> None:
    """Sixteen of each kind, more than there are threads."""
    service = served_to_all
    for number, (what, sent) in enumerate(SLOW.items()):
        with connections(service, 16, sent):
            assert service.request("GET", "/healthz") == (200, {"status": "ok"}), what
            assert signed_up(service, f"u{number}") == 200, what
    with contextlib.ExitStack() as stack:
        for sent in SLOW.values():
            stack.enter_context(connections(service, 60, sent))
        assert service.request("GET", "/healthz") == (200, {"status": "ok"})
        assert service.request("GET", "/readyz")[0] == 200
        assert signed_up(service, "last") == 200


#: Heads of large bodies without a key, with a wrong one or one without the scope, or for no route: what each is told.
REFUSED = {
    "POST /v1/signups HTTP/1.1\r\n": 401,
    "POST /v1/signups HTTP/1.1\r\nAuthorization: Bearer wrong\r\n": 401,
    "POST /v1/signups HTTP/1.1\r\nAuthorization: Basic dXNlcjpw\r\n": 401,
    "POST /v1/accounts/u/labels HTTP/1.1\r\nAuthorization: Bearer caf\xe9\r\n": 401,
    "POST /v1/lists/deny/bulk HTTP/1.1\r\nAuthorization: Bearer SENDS\r\n": 403,
    "POST /v1/nothing HTTP/1.1\r\n": 404,
    "PUT /v1/signups HTTP/1.1\r\n": 405,
}
_LARGE = b" " * 100_000 + json.dumps({"events": [{"id": "e1", "type": "delivered", "user_id": "u"}]}).encode()


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    """A service that waits five seconds for a body, and a key that may only ask for sends."""
    with serving(tmp_path_factory.mktemp("hasty"), free_port()) as start:
        service = start(RISKAPI_WORKERS="1", RISKAPI_BODY_SECONDS="5")
        yield service, service.command("keys", "create", "--name", "mail", "--scope", "sends").stdout.strip()


@pytest.mark.parametrize("length", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
def test_who_shows_no_key_is_told_so_before_the_body_and_holds_nobody_back(
    hasty: tuple[Service, str], length: str
) -> None:
    service, sends = hasty
    rest = f"Host: localhost\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for head, status in REFUSED.items():
            for connection in stack.enter_context(connections(service, 8, head.replace("SENDS", sends) + rest)):
                connection.settimeout(4)
                assert connection.recv(4096).startswith(f"HTTP/1.1 {status} ".encode()), head
        # Those who need no key, or prove themselves by their body, wait for each other only.
        for path in ("/v1/feedback/ses", "/v1/feedback/dsn", "/console/sign-in"):
            stack.enter_context(connections(service, 40, f"POST {path} HTTP/1.1\r\n{rest}"))
        answer = asked(service, _LARGE, {"Authorization": f"Bearer {BOOTSTRAP_KEY}"})
        assert (answer[0], answer[1]["unknown_accounts"]) == (200, 1)


def test_who_forgets_the_key_of_a_small_body_is_told_so_before_it(served_to_all: Service) -> None:
    head = "POST /v1/signups HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    with connections(served_to_all, 1, head) as (connection,):
        connection.settimeout(10)
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_a_caller_without_a_key_that_writes_before_it_reads_is_told_so(served_to_all: Service) -> None:
    """Whatever it writes; and it goes on with the connection it has."""
    for size, announced in product((100, 100_000, 2**20, 20 * 2**20), (True, False)):
        kind = {"Content-Length": str(size)} if announced else {"Transfer-Encoding": "chunked"}
        for key in ({}, {"Authorization": "Bearer wrong"}):
            with contextlib.closing(HTTPConnection(*served_to_all.address, timeout=30)) as connection:
                for _ in range(3):
                    parts = (b" " * min(size - at, 65_536) for at in range(0, size, 65_536))
                    headers = {"Content-Type": "application/json", **kind, **key}
                    connection.request("POST", "/v1/signups", parts, headers, encode_chunked=not announced)
                    answer = connection.getresponse()
                    assert (answer.status, json.loads(answer.read())["code"]) == (401, "unauthorized")
                    assert answer.headers["WWW-Authenticate"] == "Bearer"


def asked(service: Service, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    """What a caller of ``/v1/feedback`` gets."""
    with contextlib.closing(HTTPConnection(*service.address, timeout=30)) as connection:
        connection.request("POST", "/v1/feedback", body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_body_that_does_not_arrive_in_time_is_told_so_and_the_connection_ends(serve: Serve) -> None:
    service = serve(RISKAPI_BODY_SECONDS="1")
    for sent in [sent for sent in SLOW.values() if sent.startswith(_HEAD)]:
        with connections(service, 1, sent) as (connection,):
            connection.settimeout(30)
            said = b""
            while part := connection.recv(65_536):
                said += part
            head, _, body = said.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 408 ")
            assert json.loads(body)["code"] == "request_timeout"
    metrics = HTTPConnection(*service.address, timeout=10)
    with contextlib.closing(metrics):
        metrics.request("GET", "/metrics")
        assert b'code="request_timeout"' in metrics.getresponse().read()


@pytest.mark.parametrize("mebibytes", [2, 20])
@pytest.mark.parametrize("announced", [True, False])
def test_a_caller_that_writes_far_too_much_before_it_reads_is_told_so(
    served_to_all: Service, mebibytes: int, announced: bool
) -> None:
    """As most of them do: a connection that ends while they write is all they would see."""
    kind = {"Content-Length": str(mebibytes * 2**20)} if announced else {"Transfer-Encoding": "chunked"}
    headers = {"Authorization": f"Bearer {BOOTSTRAP_KEY}", "Content-Type": "application/json", **kind}
    for _ in range(3):
        with contextlib.closing(HTTPConnection(*served_to_all.address, timeout=30)) as connection:
            parts = (b" " * 65_536 for _ in range(mebibytes * 16))
            connection.request("POST", "/v1/signups", parts, headers, encode_chunked=not announced)
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())["code"]) == (413, "payload_too_large")


def test_what_a_head_may_hold_is_read_as_before(served_to_all: Service) -> None:
    """Whatever the bytes of path and headers, there is an answer that says what is wrong."""
    key = f"Authorization: Bearer {BOOTSTRAP_KEY}\r\n".encode()
    label = (
        b"Content-Type: application/json\r\nContent-Length: 40\r\n\r\n"
        + b'{"label": "abuse", "source": "appeal"}'.ljust(40)
    )
    cases = {
        b"GET /a%20b%2Fc%FF%00?q=%41 HTTP/1.1\r\nHost: a\r\n\r\n": 404,
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n": 404,
        b"GET /healthz HTTP/1.0\r\n\r\n": 200,
        b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n": 200,
        b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n": 405,
        b"GET /v1/accounts/u HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer caf\xe9\r\n\r\n": 401,
        b"POST /v1/accounts/u/labels HTTP/1.1\r\nHost: a\r\nIdempotency-Key: caf\xe9\r\n" + key + label: 422,
        b"POST /v1/signups HTTP/1.1\r\nHost: a\r\n" + key + b"Content-Length: 9999999\r\n\r\n": 415,
        b"POST /v1/signups HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        + key
        + b"Content-Length: 9999999\r\n\r\n": 413,
    }
    for sent, status in cases.items():
        with socket.create_connection(served_to_all.address, timeout=10) as connection:
            connection.sendall(sent)
            assert int(connection.recv(4096).split(b" ")[1]) == status, sent
