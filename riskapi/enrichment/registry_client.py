"""A client of registries: JSON over HTTP, with limits on time, size and way, and a circuit for each server."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from riskapi.enrichment.upstream import Upstream, UpstreamError, UpstreamRefused, UpstreamSilent
from riskapi.outgoing.destinations import DestinationGuard
from riskapi.outgoing.http import (
    MOVED,
    PLAIN,
    HttpClient,
    HttpFailure,
    Redirects,
    StreamedAnswer,
    TooLarge,
    retry_after,
)
from riskapi.times import DAY

#: Seconds for one document, redirects included. Registries answer within one, the slow ones within three.
TOTAL: Final = 5.0
#: Bytes of a document. IANA's largest file has a tenth of it.
LARGEST: Final = 1 << 20
#: Redirects that are followed: registries send from one to another, and there are five of them.
REDIRECTS: Final = 4
#: Seconds a server can have itself left alone for at most.
LONGEST_WAIT: Final = float(DAY)
#: Connections that stay open after an answer.
_KEPT: Final = 8
#: Whether a server answers at all, asked now.
Alive = Callable[[], Awaitable[bool]]
_HEADERS: Final = ((b"Accept", b"application/rdap+json, application/json;q=0.9"), *PLAIN)  # RFC 7480, 4.2


class RegistryClient:
    """Gets JSON documents. Made and used in one event loop; :meth:`aclose` ends it.

    ``guard`` says what may be connected to. ``upstream`` gives the circuit of a server. ``admit`` is awaited before
    each request, which does not count as time of the request. Both are given the server as ``host:port``; ``upstream``
    is also given what asks the server about itself (RFC 9082, 3.1.6), so that no circuit opens because of what it says
    of others. ``clock`` is Unix time.
    """

    def __init__(
        self,
        guard: DestinationGuard,
        clock: Callable[[], float],
        upstream: Callable[[str, Alive], Upstream] | None = None,
        admit: Callable[[str], Awaitable[None]] | None = None,
        total: float = TOTAL,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._clock, self._upstream, self._admit, self._total = clock, upstream, admit, total
        self._client = HttpClient(guard, ssl_context, kept=_KEPT)

    async def json(self, url: str) -> Any:
        """The document at ``url``, redirects followed; ``None`` where the server says that there is none (404).

        Raises:
            UpstreamSilent: it was not there, whole, in time.
            UpstreamError: it was refused, too large, no JSON, or the way led round in circles, from HTTPS to HTTP or to
                an inside address. ``retry_after`` as the server asks for (429 and 503).
            UpstreamClosed: a server on the way is left alone just now.
        """
        clock, left = asyncio.get_running_loop().time, self._total
        try:
            route = Redirects(url, REDIRECTS)
            while True:
                if self._admit is not None:
                    await self._admit(server_of(route.url))
                begun = clock()
                async with self._turn(route.url):
                    found, moved = await self._get(route.url, left)
                if moved is None:
                    return found
                left = max(left - (clock() - begun), 0.0)
                route.follow(moved)
        except ValueError as error:
            raise UpstreamError(str(error)) from None

    async def alive(self, url: str) -> bool:
        """Whether a server says anything at all but that it has failed, to a question that costs it nothing."""
        try:
            async with self._client.ask("GET", url, PLAIN, self._total) as answer:
                return 200 <= answer.status < 500
        except HttpFailure:
            return False

    async def aclose(self) -> None:
        """Close what is still connected."""
        await self._client.aclose()

    def _turn(self, url: str) -> contextlib.AbstractAsyncContextManager[None]:
        if self._upstream is None:
            return contextlib.nullcontext()
        about_itself = urlsplit(url)._replace(path="/help", query="").geturl()
        return self._upstream(server_of(url), partial(self.alive, about_itself)).turn()

    async def _get(self, url: str, seconds: float) -> tuple[Any, bytes | None]:
        """The document, or where it has moved to."""
        try:
            async with self._client.ask("GET", url, _HEADERS, seconds) as answer:
                if answer.status in MOVED:
                    return None, answer.headers.get(b"location", b"")
                return (None if answer.status == 404 else _parsed(await self._body(answer))), None
        except TooLarge:
            raise UpstreamError("the document is too large") from None
        except HttpFailure as error:
            if error.kind in ("late", "silent"):
                raise UpstreamSilent("HTTP did not answer in time") from None
            raise UpstreamError(f"HTTP did not answer properly: {error}") from None

    async def _body(self, answer: StreamedAnswer) -> bytes:
        if 400 <= answer.status < 500 and answer.status not in (408, 429):
            raise UpstreamRefused(f"HTTP status {answer.status}")
        if answer.status != 200:
            asked = answer.headers.get(b"retry-after", b"") if answer.status in (429, 503) else b""
            raise UpstreamError(f"HTTP status {answer.status}", retry_after(asked, self._clock(), LONGEST_WAIT))
        return await answer.body(LARGEST)


def server_of(url: str) -> str:
    """``host:port`` of a URL, in lower case; what its circuit and its share of requests go by."""
    parts = urlsplit(url)
    return f"{(parts.hostname or '').lower()}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _parsed(body: bytes) -> Any:
    try:
        found = orjson.loads(body)  # refuses what is nested more than 1,024 deep
    except ValueError:
        raise UpstreamError("the document is not JSON") from None
    if found is None:
        raise UpstreamError("the document is empty")
    return found
