"""HTTP to servers that nobody here vouches for: to addresses that may be connected to, within limits of time and size.

Registries, data sets and webhooks all go through :class:`HttpClient`; redirects are followed by :class:`Redirects`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import Final, Literal
from urllib.parse import urljoin, urlsplit

import httpcore

from riskapi.outgoing.destinations import DestinationGuard, DestinationRefused, GuardedBackend
from riskapi.times import written

Headers = Sequence[tuple[bytes, bytes]]
#: Statuses that say where something has moved to: RFC 9110, 15.4.
MOVED: Final = frozenset({301, 302, 303, 307, 308})
#: What every request says: who asks, and that what comes is not to be packed.
PLAIN: Final = ((b"Accept-Encoding", b"identity"), (b"User-Agent", b"riskapi"))


class HttpFailure(Exception):
    """There was no answer, or none that is whole.

    ``kind``: ``refused`` (an address that is not connected to), ``late`` (the time was over), ``silent`` (nothing came
    for too long), ``tls``, ``connect``, or ``broken`` (it is not HTTP, or was cut short). The message holds nothing of
    what was asked or answered.
    """

    def __init__(self, kind: Literal["refused", "late", "silent", "tls", "connect", "broken"], why: str) -> None:
        super().__init__(why)
        self.kind = kind


class TooLarge(Exception):
    """A body has more bytes than are taken. ``announced`` is how many its head says, None where it does not say."""

    def __init__(self, announced: int | None = None) -> None:
        super().__init__("the body is too large")
        self.announced = announced


class StreamedAnswer:
    """An answer whose body is still to come. ``headers`` are by name in lower case; where a name comes several times,
    the first counts.
    """

    def __init__(self, response: httpcore.Response, limit: asyncio.Timeout) -> None:
        self._response, self._limit = response, limit
        self.status = response.status
        self.headers = {name.lower(): value for name, value in reversed(response.headers)}

    @property
    def size(self) -> int | None:
        """Bytes of the body, as the head announces them (RFC 9110, 8.6); None where it does not."""
        text = self.headers.get(b"content-length", b"")
        return int(text) if text.isdigit() and len(text) < 20 else None

    def within(self, seconds: float) -> None:
        """Have what is left of the answer end in so many seconds from now, instead of when it was to."""
        self._limit.reschedule(asyncio.get_running_loop().time() + seconds)

    async def parts(self, most: int) -> AsyncIterator[bytes]:
        """The body as it comes. Raises :class:`TooLarge` for more than ``most`` bytes."""
        if (self.size or 0) > most:
            raise TooLarge(self.size)
        come = 0
        async for part in self._response.aiter_stream():
            come += len(part)
            if come > most:
                raise TooLarge
            yield part

    async def body(self, most: int) -> bytes:
        """All of the body. Raises :class:`TooLarge` for more than ``most`` bytes."""
        return b"".join([part async for part in self.parts(most)])


class HttpClient:
    """Asks servers that ``guard`` lets pass. Made and used in one event loop; :meth:`aclose` ends it.

    ``tls`` says whose certificates are believed; ``connections`` are the most there are at once, of which ``kept`` stay
    open for ``idle`` seconds after an answer.
    """

    def __init__(
        self,
        guard: DestinationGuard,
        tls: ssl.SSLContext | None = None,
        connections: int = 32,
        kept: int | None = None,
        idle: float = 5.0,
    ) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            max_keepalive_connections=kept,
            keepalive_expiry=idle,
            network_backend=GuardedBackend(guard),
        )

    @contextlib.asynccontextmanager
    async def ask(
        self,
        method: str,
        url: str | httpcore.URL,
        headers: Headers,
        seconds: float,
        content: bytes | None = None,
        silence: float | None = None,
    ) -> AsyncIterator[StreamedAnswer]:
        """The answer, whose body is read inside of the ``with``. All of it may take ``seconds``; with ``silence``, no
        more than so many of them may pass without a byte.

        Raises :class:`HttpFailure`.
        """
        waits = dict.fromkeys(("connect", "pool"), min(seconds, silence or seconds))
        if silence is not None:
            waits |= {"read": silence, "write": silence}
        try:
            async with (
                asyncio.timeout(seconds) as limit,
                self._pool.stream(
                    method, url, headers=list(headers), content=content, extensions={"timeout": waits}
                ) as response,
            ):
                yield StreamedAnswer(response, limit)
        except DestinationRefused as error:
            raise HttpFailure("refused", f"{_name(error)}: {error}") from error
        except TimeoutError as error:
            raise HttpFailure("late", "it did not answer in time") from error
        except httpcore.TimeoutException as error:
            raise HttpFailure("silent", "it said nothing") from error
        except httpcore.ConnectError as error:
            raise HttpFailure("tls" if _is_tls(error) else "connect", _name(error)) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise HttpFailure("broken", _name(error)) from error

    async def aclose(self) -> None:
        """Close what is still connected."""
        await self._pool.aclose()


class Redirects:
    """Where a document is asked for: first at ``url``, then where redirects lead to, ``most`` times.

    Raises :class:`ValueError` for a URL that must not be asked: not HTTP, with credentials, seen before, one too many,
    or from HTTPS to HTTP.
    """

    def __init__(self, url: str, most: int) -> None:
        if not _is_usable(url):
            raise ValueError("it is not a usable URL")
        self._seen, self._most = [url], most

    @property
    def url(self) -> str:
        """Where to ask now."""
        return self._seen[-1]

    def follow(self, location: bytes) -> None:
        """Go where a redirect's ``Location`` leads."""
        try:
            found = urljoin(self.url, location.decode("ascii")).partition("#")[0]
        except ValueError:
            found = ""
        if not location or not _is_usable(found):
            raise ValueError("a redirect leads nowhere: it is not a usable URL")
        if found in self._seen:
            raise ValueError("redirects go round in circles")
        if len(self._seen) > self._most:
            raise ValueError(f"there are too many redirects, more than {self._most}")
        if found.startswith("http:") and self.url.startswith("https:"):
            raise ValueError("a redirect leads from HTTPS to HTTP")
        self._seen.append(found)


def retry_after(value: bytes, now: float, longest: float) -> float | None:
    """Seconds that ``Retry-After`` asks for, given as such or as a date (RFC 9110, 10.2.3), ``longest`` at most.

    ``None`` for junk. ``now`` is Unix time.
    """
    text = value.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), longest)
    at = http_date(text)
    return None if at is None else min(max(at - now, 0.0), longest)


def http_date(text: str) -> float | None:
    """Unix time of a date as HTTP writes it (RFC 9110, 5.6.7); None for anything else."""
    try:
        return written(text)
    except ValueError:
        return None


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        return sound and parts.port != 0 and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        return False


def _is_tls(error: BaseException | None) -> bool:
    """Whether a connection failed because of TLS, a certificate for the most part."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def _name(error: Exception) -> str:
    return type(error).__name__
