"""Asking Amazon: one short GET to a checked address, without redirects, to public addresses only."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from riskapi.errors import Problem
from riskapi.feedback.feeds.sns_urls import is_amazons
from riskapi.outgoing.destinations import DestinationGuard
from riskapi.outgoing.http import PLAIN, HttpClient, HttpFailure, TooLarge

#: Seconds for one request. It is made while a provider waits for the answer, which it does for 15 (Amazon SNS).
_PATIENCE: Final = 4.0
#: Bytes of an answer. A certificate has some 2,000.
_MOST: Final = 65_536


def fetch(address: str, guard: DestinationGuard | None = None, tls: ssl.SSLContext | None = None) -> bytes:
    """What is at an address of Amazon SNS. Raises ``unavailable`` where nothing came, and for another status than 200.

    ``guard`` says what may be connected to, by default public addresses; ``tls`` whose certificates are believed.
    """
    if not is_amazons(address):  # who calls has checked it; nothing else is ever asked from here
        raise ValueError("not an address of Amazon SNS")
    return asyncio.run(get(address, guard or DestinationGuard(), tls))


async def get(address: str, guard: DestinationGuard, tls: ssl.SSLContext | None) -> bytes:
    """What is at an address that was checked. Raises ``unavailable``."""
    client = HttpClient(guard, tls, connections=1)
    try:
        async with client.ask("GET", address, PLAIN, _PATIENCE) as answer:
            if answer.status == 200:
                return await answer.body(_MOST)
            why = f"HTTP status {answer.status}"
    except (HttpFailure, TooLarge) as error:
        why = str(error)
    finally:
        await client.aclose()
    raise Problem("unavailable", f"Amazon SNS could not be asked: {why}.", headers={"Retry-After": "60"})
