"""Documents from servers that answer well, late, too much, in circles, or lead inside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from riskapi.enrichment.registry_client import Alive, RegistryClient, server_of
from riskapi.enrichment.upstream import Upstream, UpstreamClosed, UpstreamError, UpstreamRefused, UpstreamSilent
from riskapi.outgoing.destinations import DestinationGuard, DestinationRefused
from tests.conftest import NOW, Clock
from tests.upstreams import RdapServer

PATH = "/domain/firm.example"


@pytest.fixture(scope="module")
def shared() -> Iterator[RdapServer]:
    with RdapServer() as server:
        server.domain("firm.example")
        yield server


@pytest.fixture
def world(shared: RdapServer) -> RdapServer:
    """The server, which answers well again."""
    shared.behave("/", "good")
    shared.forget()
    return shared


def get(url: str, allowed: tuple[str, ...] = ("127.0.0.1",), **more: Any) -> Any:
    async def run() -> Any:
        client = RegistryClient(DestinationGuard(allowed), Clock(), **more)
        try:
            return await client.json(url)
        finally:
            await client.aclose()

    return asyncio.run(run())


def test_a_document_is_read(world: RdapServer) -> None:
    assert get(world.base + PATH)["ldhName"] == "FIRM.EXAMPLE"


def test_what_is_not_there_is_none(world: RdapServer) -> None:
    assert get(f"{world.base}/domain/other.example") is None


@pytest.mark.parametrize(
    ("mode", "how", "error", "why"),
    [
        ("dead", {}, UpstreamSilent, "in time"),
        ("slow", {"seconds": 5.0}, UpstreamSilent, "in time"),
        ("dripping", {"where": "headers", "seconds": 0.05}, UpstreamSilent, "in time"),
        ("dripping", {"where": "body", "seconds": 0.05}, UpstreamSilent, "in time"),
        ("closing", {}, UpstreamError, "properly"),
        ("error", {"status": 500}, UpstreamError, "500"),
        ("error", {"status": 403}, UpstreamRefused, "403"),
        ("error", {"status": 204}, UpstreamError, "204"),
        ("not_json", {}, UpstreamError, "not JSON"),
        ("wrong_class", {"what": "null"}, UpstreamError, "empty"),
        ("nested", {"depth": 100_000}, UpstreamError, "not JSON"),
        ("looping", {}, UpstreamError, "circles"),
        ("looping", {"another": True}, UpstreamError, "circles"),
        ("inward", {}, UpstreamError, "DestinationRefused"),
        ("inward", {"to": "http://[::1]/"}, UpstreamError, "DestinationRefused"),
        ("inward", {"to": "http://127.0.0.2/"}, UpstreamError, "DestinationRefused"),
        ("inward", {"to": "http://2130706434/"}, UpstreamError, "DestinationRefused"),
        ("inward", {"to": "file:///etc/passwd"}, UpstreamError, "URL"),
        ("inward", {"to": "gopher://127.0.0.1/"}, UpstreamError, "URL"),
        ("inward", {"to": "http://user@127.0.0.1/"}, UpstreamError, "URL"),
        ("inward", {"to": "http://[::1/"}, UpstreamError, "nowhere"),
        ("inward", {"to": "http://a b/"}, UpstreamError, "URL"),
        ("inward", {"to": "#here"}, UpstreamError, "circles"),
        ("inward", {"to": ""}, UpstreamError, "nowhere"),
    ],
)
def test_what_is_no_document_is_an_error(
    world: RdapServer, mode: str, how: dict[str, Any], error: type[Exception], why: str
) -> None:
    world.behave("/", mode, **how)
    with pytest.raises(UpstreamError, match=why) as failure:
        get(world.base + PATH, total=0.3)
    assert type(failure.value) is error
    assert "firm" not in str(failure.value)


@pytest.mark.parametrize("declared", [True, False])
def test_no_more_is_read_than_a_document_may_have(world: RdapServer, declared: bool) -> None:
    world.behave("/", "huge", size=30_000_000, declared=declared)
    with pytest.raises(UpstreamError, match="too large"):
        get(world.base + PATH)


def test_a_large_document_is_read(world: RdapServer) -> None:
    world.behave("/", "huge", size=900_000)
    assert len(get(world.base + PATH)["remarks"][0]["description"][0]) == 900_000


def test_redirects_are_followed_four_times(world: RdapServer) -> None:
    for number in range(5):
        world.behave(f"/hop{number}", "inward", to=f"/hop{number + 1}")
    world.behave("/hop5", "inward", to=PATH)
    assert get(f"{world.base}/hop2")["ldhName"] == "FIRM.EXAMPLE"
    with pytest.raises(UpstreamError, match="too many"):
        get(f"{world.base}/hop1")
    assert world.count("/hop5") == 2


def test_redirects_share_the_time() -> None:
    given: list[float] = []

    async def run() -> None:
        client = RegistryClient(DestinationGuard(), Clock(), total=5.0)

        async def moved(url: str, seconds: float) -> tuple[Any, bytes | None]:
            given.append(seconds)
            await asyncio.sleep(0.02)
            return ({}, None) if len(given) == 3 else (None, f"{url}x".encode())

        client._get = moved  # type: ignore[method-assign]
        await client.json("https://rdap.example/")

    asyncio.run(run())
    assert given[0] == 5.0
    assert given[1] <= 4.99
    assert given[2] <= given[1] - 0.01


def test_a_redirect_from_https_to_http_is_refused(world: RdapServer) -> None:
    with pytest.raises(UpstreamError, match="HTTPS to HTTP"):
        asyncio.run(_downgraded(world))


async def _downgraded(world: RdapServer) -> None:
    client = RegistryClient(DestinationGuard(["127.0.0.1"]), Clock())

    async def moved(url: str, seconds: float) -> tuple[Any, bytes | None]:
        return None, (world.base + PATH).encode()

    client._get = moved  # type: ignore[method-assign]
    await client.json("https://127.0.0.1/")


def test_the_server_itself_is_guarded_too(world: RdapServer) -> None:
    with pytest.raises(UpstreamError, match=DestinationRefused.__name__):
        get(world.base + PATH, allowed=())
    assert world.count() == 0


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("9" * 9, 86_400.0),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2020 10:00:30 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("Sun, 99 Nov 2026 10:00:30 GMT", None),
        ("", None),
    ],
)
def test_a_busy_server_says_when_to_come_again(world: RdapServer, after: str, seconds: float | None) -> None:
    assert time.gmtime(NOW)[:6] == (2026, 11, 22, 10, 0, 0)
    world.behave("/", "busy", after=after)
    with pytest.raises(UpstreamError, match="429") as failure:
        get(world.base + PATH)
    assert failure.value.retry_after == seconds


def test_every_server_on_the_way_is_admitted_and_has_its_circuit(world: RdapServer) -> None:
    with RdapServer() as other:
        other.domain("firm.example")
        world.behave("/", "inward", to=other.base + PATH)
        admitted: list[str] = []
        circuits: dict[str, Upstream] = {}
        assert get(world.base + PATH, admit=_noting(admitted), upstream=_keeping(circuits))
    assert admitted == [world.bind, other.bind]
    assert list(circuits) == admitted


def test_a_server_that_fails_is_left_alone(world: RdapServer) -> None:
    async def run() -> None:
        client = RegistryClient(DestinationGuard(["127.0.0.1"]), Clock(), _keeping({}))
        world.behave("/", "error", status=500)
        for _ in range(5):
            with pytest.raises(UpstreamError):
                await client.json(world.base + PATH)
        with pytest.raises(UpstreamClosed):
            await client.json(world.base + PATH)
        await client.aclose()

    asyncio.run(run())
    assert world.count() == 5


def _keeping(circuits: dict[str, Upstream]) -> Callable[[str, Alive], Upstream]:
    return lambda server, alive: circuits.setdefault(server, Upstream(Clock(), lambda: 0.5))


def _noting(admitted: list[str]) -> Callable[[str], Awaitable[None]]:
    async def admit(server: str) -> None:
        admitted.append(server)

    return admit


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://RDAP.Example/x", "rdap.example:443"),
        ("http://rdap.example:80/", "rdap.example:80"),
        ("http://[::1]:8/", "::1:8"),
    ],
)
def test_a_server_is_named_by_host_and_port(url: str, server: str) -> None:
    assert server_of(url) == server
