"""A file from a web server: a limit on its size and on the whole time, asked for only where it changed."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

import httpcore

from riskapi.outgoing.destinations import DestinationGuard
from riskapi.outgoing.http import MOVED, PLAIN, HttpClient, HttpFailure, Redirects, StreamedAnswer, TooLarge, http_date

#: Seconds for one file, redirects included: 60 MB over a line of 2 Mbit/s.
TOTAL: Final = 300.0
#: Seconds without a byte after which nothing more is expected.
_SILENCE: Final = 30.0
#: Redirects that are followed. Release pages send to a storage host, and that to another.
_REDIRECTS: Final = 5
_HEADERS: Final = ((b"Accept", b"*/*"), *PLAIN)

#: Told how many bytes have come and how many there are, None where the server does not say.
Progress = Callable[[int, int | None], None]


class Validators(NamedTuple):
    """What a server said of a file, to be asked with again: RFC 9110, 8.8.3 (ETag) and 8.8.2 (Last-Modified)."""

    etag: str | None = None
    modified: str | None = None

    @property
    def at(self) -> float | None:
        """Unix time of the last change; None without one, or for junk."""
        return http_date(self.modified) if self.modified else None


def download(
    url: str, to: Path, most: int, known: Validators, progress: Progress, total: float = TOTAL
) -> Validators | None:
    """Write what is at ``url`` to a file; None where the server says that it is still what ``known`` describes.

    Raises :class:`ValueError` with what went wrong: no answer within ``total`` seconds, another status than 200, more
    than ``most`` bytes, a way that leads from HTTPS to HTTP, or to an inside address that ``url`` does not name.
    """
    return asyncio.run(_download(url, to, most, known, progress, total))


async def _download(
    url: str, to: Path, most: int, known: Validators, progress: Progress, total: float
) -> Validators | None:
    parts = urlsplit(url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], path=parts.path or "/").geturl()
    # The server was named by the operator, inside or not; where it redirects to was not.
    client = HttpClient(DestinationGuard([parts.hostname or ""]), _trust())
    clock = asyncio.get_running_loop().time
    until = clock() + total
    try:
        route, headers = Redirects(bare, _REDIRECTS), [*_conditions(known), *_credentials(parts)]
        while True:
            left = max(until - clock(), 0.0)
            async with client.ask("GET", route.url, [*_HEADERS, *headers], left, silence=_SILENCE) as answer:
                location = answer.headers.get(b"location")
                if answer.status not in MOVED or not location:
                    return await _written(answer, to, most, known, progress)
            route.follow(location)
            headers = _conditions(known)  # what the first server was told of who asks is not passed on to another
    except TooLarge as error:
        raise ValueError(_too_large(error.announced, most)) from None
    except HttpFailure as error:
        reasons = {
            "late": f"it did not come whole within {total:g} seconds",
            "silent": f"the server was silent for {_SILENCE:g} seconds",
            "refused": f"a redirect leads inside: {error}",
        }
        raise ValueError(reasons.get(error.kind, f"the server did not answer properly: {error}")) from None
    finally:
        await client.aclose()


async def _written(
    answer: StreamedAnswer, to: Path, most: int, known: Validators, progress: Progress
) -> Validators | None:
    """What was said of the file, which is written; None where it is the same."""
    if answer.status == 304 and any(known):
        return None
    if answer.status != 200:
        raise ValueError(f"the server answered with HTTP status {answer.status}")
    come = 0
    with to.open("wb") as file:
        async for part in answer.parts(most):
            come += len(part)
            file.write(part)
            progress(come, answer.size)
    said = (answer.headers.get(name, b"").decode("latin-1") or None for name in (b"etag", b"last-modified"))
    return Validators(*said)


def _too_large(announced: int | None, most: int) -> str:
    if announced is None:
        return f"it has more than {most:,} bytes"
    return f"it has {announced:,} bytes; {most:,} at most are expected"


def _conditions(known: Validators) -> list[tuple[bytes, bytes]]:
    asked = ((b"If-None-Match", known.etag), (b"If-Modified-Since", known.modified))
    return [(name, value.encode("latin-1")) for name, value in asked if value]


def _credentials(url: SplitResult) -> list[tuple[bytes, bytes]]:
    if url.username is None:
        return []
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}".encode()
    return [(b"Authorization", b"Basic " + base64.b64encode(pair))]  # RFC 7617


def _trust() -> ssl.SSLContext:
    """The certificates that httpcore brings, and the system's (SSL_CERT_FILE, SSL_CERT_DIR) beside them."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context
