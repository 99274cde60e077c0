"""Where this service may connect to: addresses of the public Internet, and what the operator named.

A URL that somebody else chose (a webhook, a registry's redirect) must not reach what only this machine can reach
(server-side request forgery, CWE-918). Names are resolved here, every address is checked, and the connection is made to
an address that was checked: a second look-up in between could answer otherwise (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import anyio
import httpcore

from riskapi.outgoing.special_ranges import special_purpose

Address = IPv4Address | IPv6Address

#: Addresses of one host that are tried. The system gives the likely ones first (RFC 6724).
TRIED: Final = 4
#: RFC 6052, 2.1: a translator takes what is sent here to the IPv4 address in the last four octets.
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")


class DestinationRefused(httpcore.ConnectError):
    """The host has an address we do not connect to. ``range`` names its special-purpose range (RFC 6890)."""

    def __init__(self, range: str) -> None:
        super().__init__(f"an address of the host is special-purpose: {range}")
        self.range = range


async def system_addresses(host: str) -> list[str]:
    """Addresses of a host by the system's resolver, the likely ones first. Raises :class:`OSError`."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except ValueError:  # an empty label, one of more than 63 characters, a NUL
        raise OSError("not a host name") from None
    return [str(entry[4][0]) for entry in found]


class DestinationGuard:
    """Says which addresses are refused. ``allowed`` are host names, addresses and networks (CIDR) that never are."""

    def __init__(
        self,
        allowed: Sequence[str] = (),
        look_up: Callable[[str], Awaitable[list[str]]] = system_addresses,
    ) -> None:
        self._names: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        self._look_up = look_up
        for entry in allowed:
            try:
                self._networks.append(ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                self._names.add(_normal(entry))

    def allows(self, host: str) -> bool:
        """Whether the operator named this host itself, so that its addresses are not checked."""
        return _normal(host) in self._names

    def refuses(self, address: Address) -> str | None:
        """Name of the special-purpose range that ``address`` is in, documentation included; ``None`` for one that may
        be connected to. What carries an IPv4 address (mapped, translated, 6to4, Teredo) is judged by that one too.
        """
        if self._named(address):
            return None
        for one in _carried(address):
            name = special_purpose(one)
            if name is not None and not self._named(one):
                return name
        return None

    async def resolve(self, host: str) -> list[Address]:
        """Addresses of ``host`` to connect to, likely ones first, at least one. A host is a name or an address, in
        brackets or not, in whatever notation the system takes.

        Raises:
            DestinationRefused: *one* of its addresses is refused: nobody who means well mixes them.
            OSError: it has no address.
        """
        found = [_unmapped(ip_address(text)) for text in dict.fromkeys(await self._look_up(host.strip("[]")))]
        if not found:
            raise OSError("the host has no address")
        if not self.allows(host):
            for address in found:
                refused = self.refuses(address)
                if refused is not None:
                    raise DestinationRefused(refused)
        return found

    def _named(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects only to what the guard lets pass. For the ``network_backend`` of ``httpcore.AsyncConnectionPool``.

    The pool keeps checking certificates against the host of the URL, not the address.
    """

    def __init__(self, guard: DestinationGuard) -> None:
        self._guard, self._inner = guard, httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of ``host`` that answers; ``timeout`` in seconds is for all of it.

        Raises ``httpcore.ConnectTimeout`` and ``httpcore.ConnectError``, of which :class:`DestinationRefused` is one.
        """
        clock = asyncio.get_running_loop().time
        until = None if timeout is None else clock() + timeout
        try:
            async with asyncio.timeout_at(until):
                addresses = (await self._guard.resolve(host))[:TRIED]
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the name was not resolved in time") from error
        except OSError as error:
            raise httpcore.ConnectError("the host has no address") from error
        failure: Exception | None = None
        for index, address in enumerate(addresses):
            # What is left of the time is shared among the addresses left, or one that never answers would take it all.
            share = None if until is None else max(until - clock(), 0.0) / (len(addresses) - index)
            try:
                return await self._connected(str(address), port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("the host has no address")

    async def _connected(
        self,
        address: str,
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect. Where whoever asks is cancelled meanwhile, anyio is told so in its own way, and waited for: where
        asyncio cancels a task of anyio's, an open connection (4.13) or an unawaited coroutine (4.14 to 4.16) is left.
        """
        scope = anyio.CancelScope()

        async def connect() -> httpcore.AsyncNetworkStream | None:
            with scope:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            return None

        connecting = asyncio.ensure_future(connect())
        try:
            made = await asyncio.shield(connecting)
        except asyncio.CancelledError:
            scope.cancel()
            await asyncio.wait((connecting,))
            if (
                not connecting.cancelled()
                and connecting.exception() is None
                and (late := connecting.result()) is not None
            ):
                await late.aclose()
            raise
        if made is None:
            raise httpcore.ConnectError("it was given up")
        return made

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Always raises :class:`DestinationRefused`: a path on this machine is inside."""
        raise DestinationRefused("unix_socket")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)


def _normal(host: str) -> str:
    return host.lower().rstrip(".")


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def _carried(address: Address) -> list[Address]:
    """The address, or the IPv4 address it stands for, or both where it is one of its own that is sent on to another."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _TRANSLATED:
        return [address, IPv4Address(int(address) & 0xFFFF_FFFF)]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    return [address] if address.teredo is None else [address, *address.teredo]
