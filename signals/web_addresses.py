"""The host of a web address as a customer types it."""

from __future__ import annotations

import re

_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:[^/?#@]*@)?(?:www\.)?([^/?#:]+)", re.IGNORECASE)


def host(address: str) -> str:
    """The host of ``address`` in small letters, without ``www.`` and the last dot; empty where there is none."""
    found = _HOST.match(address.strip())
    return found[1].lower().rstrip(".") if found else ""
