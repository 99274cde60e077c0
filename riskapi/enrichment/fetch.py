"""Fetching JSON over HTTP from servers nobody here vouches for: a limit on the time, the size and the way."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpcore
import orjson

from riskapi.enrichment.upstream import Upstream, UpstreamError, UpstreamRefused, UpstreamSilent
from riskapi.outgoing.destinations import DestinationGuard, GuardedBackend

#: Seconds for one document, redirects included. Registries answer within one, the slow ones within three.
TOTAL: Final = 5.0
#: Bytes of a document. IANA's largest file has a tenth of it.
LARGEST: Final = 1 << 20
#: Redirects that are followed: registries send from one to another, and there are five of them.
REDIRECTS: Final = 4
#: Seconds a server can have itself left alone for at most.
LONGEST_WAIT: Final = 86_400.0
_ACCEPT: Final = b"application/rdap+json, application/json;q=0.9"  # RFC 7480, 4.2
_MOVED: Final = frozenset({301, 302, 303, 307, 308})  # RFC 9110, 15.4


class Fetcher:
    """Gets JSON documents. Made and used in one event loop; :meth:`aclose` ends it.

    ``guard`` says what may be connected to. ``upstream`` gives the circuit of a server and ``admit`` is awaited before
    each request and not counted; both are given the server as ``host:port``. ``clock`` is Unix time.
    """

    def __init__(
        self,
        guard: DestinationGuard,
        clock: Callable[[], float],
        upstream: Callable[[str], Upstream] | None = None,
        admit: Callable[[str], Awaitable[None]] | None = None,
        total: float = TOTAL,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._clock, self._upstream, self._admit, self._total = clock, upstream, admit, total
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=32,
            max_keepalive_connections=8,
            keepalive_expiry=5.0,
            network_backend=GuardedBackend(guard),
        )

    async def json(self, url: str) -> Any:
        """The document at ``url``, redirects followed; ``None`` where the server says that there is none (404).

        Raises:
            UpstreamSilent: it was not there, whole, in time.
            UpstreamError: it was refused, too large, no JSON, or the way led round in circles, from HTTPS to HTTP or to
                an inside address. ``retry_after`` as the server asks for (429 and 503).
            UpstreamClosed: a server on the way is left alone just now.
        """
        seen: set[str] = set()
        left = self._total
        while True:
            _check(url, seen)
            seen.add(url)
            server = server_of(url)
            if self._admit is not None:
                await self._admit(server)
            clock = asyncio.get_running_loop().time
            begun = clock()
            async with self._upstream(server).turn() if self._upstream is not None else contextlib.nullcontext():
                found, moved = await self._get(url, left)
            if moved is None:
                return found
            left = max(left - (clock() - begun), 0.0)
            url = moved

    async def alive(self, url: str) -> bool:
        """Whether a server says anything at all but that it has failed, to a question that costs it nothing."""
        try:
            async with (
                asyncio.timeout(self._total),
                self._pool.stream("GET", url, headers=[(b"User-Agent", b"riskapi")]) as response,
            ):
                return 200 <= response.status < 500
        except (TimeoutError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
            return False

    async def aclose(self) -> None:
        """Close what is still connected."""
        await self._pool.aclose()

    async def _get(self, url: str, seconds: float) -> tuple[Any, str | None]:
        """The document, or where it has moved to."""
        headers = [(b"Accept", _ACCEPT), (b"Accept-Encoding", b"identity"), (b"User-Agent", b"riskapi")]
        extensions = {"timeout": {"connect": seconds, "pool": seconds}}
        try:
            async with (
                asyncio.timeout(seconds),
                self._pool.stream("GET", url, headers=headers, extensions=extensions) as response,
            ):
                told = {name.lower(): value for name, value in response.headers}
                if response.status in _MOVED:
                    return None, _moved(url, told.get(b"location", b""))
                if response.status == 404:
                    return None, None
                if 400 <= response.status < 500 and response.status not in (408, 429):
                    raise UpstreamRefused(f"HTTP status {response.status}")
                if response.status != 200:
                    raise UpstreamError(f"HTTP status {response.status}", self._retry_after(response.status, told))
                return _parsed(await _body(response)), None
        except (TimeoutError, httpcore.TimeoutException):
            raise UpstreamSilent("HTTP did not answer in time") from None
        except (httpcore.ConnectError, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise UpstreamError(f"HTTP did not answer properly: {type(error).__name__}") from None

    def _retry_after(self, status: int, headers: dict[bytes, bytes]) -> float | None:
        """Seconds of ``Retry-After``, given as such or as a date (RFC 9110, 10.2.3); ``None`` without or for junk."""
        text = headers.get(b"retry-after", b"").decode("latin-1").strip()
        if status not in (429, 503) or not text:
            return None
        if re.fullmatch(r"[0-9]{1,9}", text):
            return min(float(text), LONGEST_WAIT)
        try:
            return min(max(parsedate_to_datetime(text).timestamp() - self._clock(), 0.0), LONGEST_WAIT)
        except (ValueError, OverflowError):
            return None


def server_of(url: str) -> str:
    """``host:port`` of a URL, in lower case; what its circuit and its share of requests go by."""
    parts = urlsplit(url)
    return f"{(parts.hostname or '').lower()}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _check(url: str, seen: set[str]) -> None:
    """Raise :class:`UpstreamError` for a URL that is not gone to, after those ``seen``."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        sound = sound and parts.port != 0 and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        sound = False
    if not sound:
        raise UpstreamError("not a usable URL")
    if url in seen:
        raise UpstreamError("redirects go round in circles")
    if len(seen) > REDIRECTS:
        raise UpstreamError("there are too many redirects")
    if parts.scheme == "http" and any(one.startswith("https:") for one in seen):
        raise UpstreamError("a redirect leads from HTTPS to HTTP")


def _moved(url: str, location: bytes) -> str:
    try:
        found = urljoin(url, location.decode("ascii")).partition("#")[0]
    except ValueError:
        found = ""
    if not location or not found:
        raise UpstreamError("a redirect leads nowhere")
    return found


async def _body(response: httpcore.Response) -> bytes:
    found = bytearray()
    async for part in response.aiter_stream():
        found += part
        if len(found) > LARGEST:
            raise UpstreamError("the document is too large")
    return bytes(found)


def _parsed(body: bytes) -> Any:
    try:
        found = orjson.loads(body)  # refuses what is nested more than 1,024 deep
    except ValueError:
        raise UpstreamError("the document is no JSON") from None
    if found is None:
        raise UpstreamError("the document is empty")
    return found
