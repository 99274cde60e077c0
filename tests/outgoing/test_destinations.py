"""Inside addresses are refused however they are written, and what was checked is what is connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from ipaddress import ip_address

import httpcore
import pytest

from riskapi.outgoing.destinations import DestinationGuard, DestinationRefused, GuardedBackend


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("93.184.216.34", None),
        ("2606:4700::1111", None),
        ("127.0.0.1", "loopback"),
        ("10.1.2.3", "private_use"),
        ("172.16.0.1", "private_use"),
        ("192.168.1.1", "private_use"),
        ("169.254.169.254", "link_local"),  # where clouds hand out credentials
        ("100.64.0.1", "shared_address_space"),
        ("0.0.0.0", "this_network"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("fc00::1", "unique_local"),
        ("fe80::1%lo", "link_local"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:93.184.216.34", None),
        ("::127.0.0.1", "reserved"),  # IPv4-compatible, RFC 4291, 2.5.5.1
        ("64:ff9b::10.0.0.1", "private_use"),
        ("64:ff9b::93.184.216.34", None),
        ("64:ff9b:1::10.0.0.1", "local_translation"),
        ("2002:7f00:1::1", "loopback"),  # 6to4 of 127.0.0.1
        ("2002:5db8:d822::1", None),
        ("2001:0:5db8:d822::f5ff:fffe", "private_use"),  # Teredo, the client is 10.0.0.1 inverted
    ],
)
def test_an_address_is_refused_for_its_range(address: str, why: str | None) -> None:
    assert DestinationGuard().refuses(ip_address(address)) == why


@pytest.mark.parametrize(
    ("allowed", "address", "passes"),
    [
        (("10.0.0.0/8",), "10.9.9.9", True),
        (("10.0.0.0/8",), "::ffff:10.9.9.9", True),
        (("10.0.0.0/8",), "64:ff9b::10.9.9.9", True),
        (("10.0.0.0/8",), "11.0.0.1", True),  # public anyway
        (("10.0.0.0/8",), "192.168.0.1", False),
        (("10.0.0.7/8",), "10.0.0.9", True),  # host bits are let through
        (("127.0.0.1",), "127.0.0.1", True),
        (("127.0.0.1",), "127.0.0.2", False),
        (("[::1]",), "::1", True),
        (("fd00::/8", "127.0.0.1"), "fd12::1", True),
        (("0.0.0.0/0",), "::1", False),  # the other family
        (("10.0.0.0/8",), "2001:0:a00:1::80ff:fffe", False),  # Teredo, server 10.0.0.1, client 127.0.0.1
        (("hooks.internal",), "10.0.0.1", False),  # a name does not allow an address
    ],
)
def test_what_the_operator_named_passes(allowed: tuple[str, ...], address: str, passes: bool) -> None:
    assert (DestinationGuard(allowed).refuses(ip_address(address)) is None) is passes


def answering(*rounds: list[str]) -> Callable[[str], Awaitable[list[str]]]:
    """A resolver that gives these answers one after the other, the last for ever."""
    left = list(rounds)

    async def look_up(host: str) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return look_up


def resolve(guard: DestinationGuard, host: str) -> list[str]:
    return [str(address) for address in asyncio.run(guard.resolve(host))]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "::1"])
def test_a_way_to_write_loopback_does_not_get_past(host: str) -> None:
    with pytest.raises(DestinationRefused, match="loopback"):
        resolve(DestinationGuard(), host)


def test_localhost_is_refused_unless_named() -> None:
    with pytest.raises(DestinationRefused):
        resolve(DestinationGuard(), "localhost")
    assert resolve(DestinationGuard(["LocalHost."]), "localhost")


def test_a_named_host_may_have_inside_addresses_and_no_other_may() -> None:
    guard = DestinationGuard(["hooks.internal"], answering(["10.0.0.1", "10.0.0.2"]))
    assert resolve(guard, "Hooks.Internal.") == ["10.0.0.1", "10.0.0.2"]
    with pytest.raises(DestinationRefused):
        resolve(guard, "evil.hooks.internal")


def test_one_inside_address_among_public_ones_refuses_the_host() -> None:
    with pytest.raises(DestinationRefused) as refused:
        resolve(DestinationGuard((), answering(["93.184.216.34", "10.0.0.1"])), "mixed.example")
    assert refused.value.range == "private_use"


def test_a_mapped_address_is_connected_to_as_ipv4() -> None:
    assert resolve(DestinationGuard((), answering(["::ffff:93.184.216.34"])), "mapped.example") == ["93.184.216.34"]


@pytest.mark.parametrize("host", ["", "a..example", "x" * 64 + ".example", "nul\0.example", "no-such-host.invalid"])
def test_what_is_no_host_has_no_address(host: str) -> None:
    with pytest.raises(OSError, match=r".*"):
        resolve(DestinationGuard((), answering([])) if host.endswith(".invalid") else DestinationGuard(), host)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket on 127.0.0.1 that connections to it are accepted on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0)
        yield server


def connect(guard: DestinationGuard, host: str, port: int, timeout: float | None = 5.0) -> tuple[str, int]:
    """The address a connection to ``host`` was made to."""

    async def run() -> tuple[str, int]:
        stream = await GuardedBackend(guard).connect_tcp(host, port, timeout)
        reached: tuple[str, int] = stream.get_extra_info("server_addr")[:2]
        await stream.aclose()
        return reached

    return asyncio.run(run())


def accepted(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_nothing_is_sent_to_an_address_that_is_refused(listener: socket.socket) -> None:
    with pytest.raises(DestinationRefused):
        connect(DestinationGuard(), "127.0.0.1", listener.getsockname()[1])
    assert not accepted(listener)


def test_the_address_connected_to_is_the_one_that_was_checked(listener: socket.socket) -> None:
    """The second answer would be an address that is refused: the name is asked about once only."""
    port = listener.getsockname()[1]
    guard = DestinationGuard(["127.0.0.1"], answering(["127.0.0.1"], ["127.0.0.2"]))
    assert connect(guard, "rebinding.example", port) == ("127.0.0.1", port)
    assert accepted(listener)
    with pytest.raises(DestinationRefused):
        connect(guard, "rebinding.example", port)


def test_the_next_address_is_tried_when_one_does_not_answer(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    guard = DestinationGuard(["127.0.0.0/8"], answering(["127.0.0.9", "127.0.0.1"]))
    assert connect(guard, "two.example", port) == ("127.0.0.1", port)


def test_at_most_four_addresses_are_tried(listener: socket.socket) -> None:
    guard = DestinationGuard(["127.0.0.0/8"], answering([f"127.0.0.{last}" for last in (9, 8, 7, 6, 1)]))
    with pytest.raises(httpcore.ConnectError):
        connect(guard, "many.example", listener.getsockname()[1])
    assert not accepted(listener)


def test_a_name_that_is_not_resolved_in_time_is_a_timeout() -> None:
    async def never(host: str) -> list[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(httpcore.ConnectTimeout):
        connect(DestinationGuard((), never), "slow.example", 443, timeout=0.01)


def test_a_name_that_does_not_exist_is_a_connect_error() -> None:
    with pytest.raises(httpcore.ConnectError):
        connect(DestinationGuard((), answering([])), "missing.example", 443)


def test_sockets_of_this_machine_are_refused() -> None:
    with pytest.raises(DestinationRefused):
        asyncio.run(GuardedBackend(DestinationGuard(["0.0.0.0/0"])).connect_unix_socket("/run/docker.sock"))
