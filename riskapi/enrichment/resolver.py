"""Asking DNS: one question, one small answer, never longer than a given time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.resolver

from riskapi.enrichment.upstream import Upstream, UpstreamError, UpstreamSilent
from riskapi.settings.environment import Bind

#: Seconds one question may take, repeats and TCP included. Nobody waits for the answer, and a resolver that has to ask
#: around slow servers takes some seconds (RFC 1035, 4.2.1, has them wait two to five for each).
TOTAL: Final = 8.0
#: Bytes asked for over UDP: what passes everywhere in one piece (DNS Flag Day 2020; RFC 9715, 3.1).
_PAYLOAD: Final = 1232


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What DNS said. ``missing``: there is no such name (NXDOMAIN); without records and not missing, it has none of
    this type.
    """

    records: tuple[dns.rdata.Rdata, ...] = ()
    missing: bool = False

    def texts(self) -> list[str]:
        """TXT records, the strings of each joined without spaces (RFC 7208, 3.3). What is not ASCII becomes U+FFFD."""
        return [b"".join(record.strings).decode("ascii", "replace") for record in self._of("TXT")]

    def exchanges(self) -> list[tuple[int, str]]:
        """MX records as preference and host, most preferred first; the host of a null MX is empty."""
        return sorted((record.preference, _host(record.exchange)) for record in self._of("MX"))

    def servers(self) -> list[str]:
        """Hosts of NS records."""
        return sorted(_host(record.target) for record in self._of("NS"))

    def addresses(self) -> list[IPv4Address | IPv6Address]:
        """Addresses of A or AAAA records."""
        return [ip_address(record.address) for record in (*self._of("A"), *self._of("AAAA"))]

    def _of(self, rdtype: str) -> list[Any]:
        wanted = dns.rdatatype.from_text(rdtype)
        return [record for record in self.records if record.rdtype == wanted]


class Resolver:
    """Asks one resolver, or those of the system. Keeps no answers: that is the resolver's part, and the store's.

    ``bind`` is the resolver, ``None`` for the system's. ``total`` are seconds for one question. ``upstream`` is its
    circuit; ``admit`` is awaited before each question and not counted, so that the caller can space questions.
    """

    def __init__(
        self,
        bind: Bind | None,
        upstream: Upstream | None = None,
        admit: Callable[[], Awaitable[None]] | None = None,
        total: float = TOTAL,
    ) -> None:
        self._bind, self._upstream, self._admit, self._total = bind, upstream, admit, total
        self._asker: dns.asyncresolver.Resolver | None = None

    async def ask(self, name: str, rdtype: str) -> DnsAnswer:
        """Ask for records of one type, aliases (CNAME) followed. ``name`` is absolute, with a final dot or without; one
        that DNS cannot hold (RFC 1035, 2.3.4) is missing and not asked for.

        Raises:
            UpstreamSilent: no answer in time. One that is malformed or to another question does not count.
            UpstreamError: it failed or refused, sent us elsewhere, or its aliases go round in circles.
            UpstreamClosed: it is left alone just now.
        """
        asked = _name(name)
        if asked is None:
            return DnsAnswer(missing=True)
        if self._admit is not None:
            await self._admit()
        async with self._upstream.turn() if self._upstream is not None else contextlib.nullcontext():
            return await self._ask(asked, rdtype)

    async def root(self) -> DnsAnswer:
        """The root's name servers, which every resolver knows: it waits for no turn. Raises as :meth:`ask`."""
        return await self._ask(dns.name.root, "NS")

    async def alive(self) -> bool:
        """Whether the resolver says anything at all to a question that costs it nothing: the root's name servers."""
        try:
            await self.root()
        except UpstreamSilent:
            return False
        except UpstreamError:
            return True
        return True

    async def _ask(self, name: dns.name.Name, rdtype: str) -> DnsAnswer:
        try:
            async with asyncio.timeout(self._total):
                asker = await self._ready()
                found = await asker.resolve(name, rdtype, search=False, lifetime=self._total)
        except dns.resolver.NXDOMAIN as error:
            return DnsAnswer(missing=not _is_alias(error.response(name), name))  # type: ignore[no-untyped-call]
        except dns.resolver.NoAnswer as error:
            _check_empty(error.response(), name)  # type: ignore[no-untyped-call]
            return DnsAnswer()
        except (TimeoutError, dns.exception.Timeout):
            self._asker = None  # its address may have changed
            raise UpstreamSilent("DNS did not answer in time") from None
        except (dns.exception.DNSException, OSError) as error:
            self._asker = None
            raise UpstreamError(f"DNS did not answer properly: {type(error).__name__}") from None
        return DnsAnswer(tuple(found))

    async def _ready(self) -> dns.asyncresolver.Resolver:
        """The resolver, made at the first question: its name may have to be looked up."""
        if self._asker is None:
            made = dns.asyncresolver.Resolver(configure=False)
            if self._bind is None:
                made.read_resolv_conf("/etc/resolv.conf")
            else:
                found = await asyncio.get_running_loop().getaddrinfo(*self._bind, type=socket.SOCK_DGRAM)
                made.nameservers, made.port = [str(found[0][4][0])], self._bind.port
            made.timeout = self._total / 2  # then it is asked again, and an answer to the first time is heard no more
            made.use_edns(0, 0, _PAYLOAD)
            self._asker = made
        return self._asker


def _name(text: str) -> dns.name.Name | None:
    """The name as it is: no escapes, no search list, no conversion. ``None`` when it is not valid."""
    try:
        labels = text.removesuffix(".").encode("ascii").split(b".")
        return dns.name.Name([*labels, b""])
    except (UnicodeEncodeError, dns.exception.DNSException):
        return None


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


def _is_alias(response: dns.message.Message, name: dns.name.Name) -> bool:
    """Whether NXDOMAIN was said of what the name is an alias of (RFC 6604, 2), so that the name itself is there."""
    return any(found.name == name and found.rdtype == dns.rdatatype.CNAME for found in response.answer)


def _check_empty(response: dns.message.Message, name: dns.name.Name) -> None:
    """Raise :class:`UpstreamError` for "no records" that says something else (RFC 2308, 2.2): records of names nobody
    asked about, or the name servers to ask instead.
    """
    if response.answer and not any(found.name == name for found in response.answer):
        raise UpstreamError("DNS answered about another name")
    kinds = {found.rdtype for found in response.authority}
    if not response.answer and dns.rdatatype.NS in kinds and dns.rdatatype.SOA not in kinds:
        raise UpstreamError("DNS sent us elsewhere")
