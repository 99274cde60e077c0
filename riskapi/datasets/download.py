"""A file from a web server: a limit on its size and on the whole time, asked for only where it changed."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import httpcore

#: Seconds for one file, redirects included: 60 MB over a line of 2 Mbit/s.
TOTAL: Final = 300.0
#: Seconds without a byte after which nothing more is expected.
_SILENCE: Final = 30.0
#: Redirects that are followed. Release pages send to a storage host, and that to another.
_REDIRECTS: Final = 5
_MOVED: Final = frozenset({301, 302, 303, 307, 308})  # RFC 9110, 15.4

#: Told how many bytes have come and how many there are, None where the server does not say.
Progress = Callable[[int, int | None], None]


class Validators(NamedTuple):
    """What a server said of a file, to be asked with again: RFC 9110, 8.8.3 (ETag) and 8.8.2 (Last-Modified)."""

    etag: str | None = None
    modified: str | None = None

    @property
    def at(self) -> float | None:
        """Unix time of the last change; None without one, or for junk."""
        try:
            return parsedate_to_datetime(self.modified).timestamp() if self.modified else None
        except (ValueError, OverflowError):
            return None


def download(
    url: str, to: Path, most: int, known: Validators, progress: Progress, total: float = TOTAL
) -> Validators | None:
    """Write what is at ``url`` to a file; None where the server says that it is still what ``known`` describes.

    Raises :class:`ValueError` with what went wrong: no answer within ``total`` seconds, another status than 200, more
    than ``most`` bytes, a way that leads from HTTPS to HTTP.
    """
    return asyncio.run(_download(url, to, most, known, progress, total))


async def _download(
    url: str, to: Path, most: int, known: Validators, progress: Progress, total: float
) -> Validators | None:
    try:
        async with asyncio.timeout(total), httpcore.AsyncConnectionPool(ssl_context=_trust()) as pool:
            asked = urlsplit(url)
            for _ in range(_REDIRECTS + 1):
                found = await _get(pool, asked, to, most, known, progress)
                if not isinstance(found, SplitResult):
                    return found
                if found.scheme != "https" and asked.scheme == "https":
                    raise ValueError("a redirect leads from HTTPS to HTTP")
                asked = found
            raise ValueError(f"it was redirected more than {_REDIRECTS} times")
    except TimeoutError:
        raise ValueError(f"it did not come whole within {total:g} seconds") from None
    except httpcore.TimeoutException:
        raise ValueError(f"the server was silent for {_SILENCE:g} seconds") from None
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise ValueError(f"the server did not answer properly: {error or type(error).__name__}") from None


async def _get(
    pool: httpcore.AsyncConnectionPool, url: SplitResult, to: Path, most: int, known: Validators, progress: Progress
) -> Validators | SplitResult | None:
    """What was said of the file, which is written; where it moved to; or None where it is the same."""
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), _SILENCE)
    bare = url._replace(netloc=url.netloc.rpartition("@")[2], path=url.path or "/")
    async with pool.stream(
        "GET", bare.geturl(), headers=_headers(url, known), extensions={"timeout": timeouts}
    ) as answer:
        told = {name.lower(): value.decode("latin-1") for name, value in answer.headers}
        if answer.status == 304 and any(known):
            return None
        if answer.status in _MOVED and told.get(b"location"):
            return _moved(bare, told[b"location"])
        if answer.status != 200:
            raise ValueError(f"the server answered with HTTP status {answer.status}")
        length = told.get(b"content-length", "")
        size = int(length) if length.isascii() and length.isdigit() else None
        if size is not None and size > most:
            raise ValueError(f"it has {size:,} bytes; {most:,} at most are expected")
        come = 0
        with to.open("wb") as file:
            async for part in answer.aiter_stream():
                come += len(part)
                if come > most:
                    raise ValueError(f"it has more than {most:,} bytes")
                file.write(part)
                progress(come, size)
        return Validators(told.get(b"etag"), told.get(b"last-modified"))


def _headers(url: SplitResult, known: Validators) -> list[tuple[bytes, bytes]]:
    found = [(b"Accept", b"*/*"), (b"Accept-Encoding", b"identity"), (b"User-Agent", b"riskapi")]
    if known.etag:
        found.append((b"If-None-Match", known.etag.encode("latin-1")))
    if known.modified:
        found.append((b"If-Modified-Since", known.modified.encode("latin-1")))
    if url.username is not None:  # RFC 7617
        pair = f"{unquote(url.username)}:{unquote(url.password or '')}".encode()
        found.append((b"Authorization", b"Basic " + base64.b64encode(pair)))
    return found


def _moved(url: SplitResult, location: str) -> SplitResult:
    """Where a redirect leads. What the first server was told of who asks is not passed on to another."""
    try:
        found = urlsplit(urljoin(url.geturl(), location).partition("#")[0])
        sound = found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0 and location.isascii()
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("a redirect leads nowhere")
    return found


def _trust() -> ssl.SSLContext:
    """The certificates that httpcore brings, and the system's (SSL_CERT_FILE, SSL_CERT_DIR) beside them."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context
