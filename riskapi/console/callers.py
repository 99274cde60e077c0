"""Where a request comes from, behind reverse proxies that the operator named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from riskapi.settings.environment import Network


def address(environ: Mapping[str, Any], proxies: Sequence[Network]) -> str:
    """The caller's address: the last one of ``X-Forwarded-For`` that is not a proxy's, where a proxy sent the request.

    The caller wrote what is before it, which may say anything.
    """
    found = str(environ.get("REMOTE_ADDR", ""))
    forwarded = str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    while forwarded and _is_within(found, proxies):
        last = forwarded.pop().strip()
        if not _is_address(last):
            break
        found = last
    return found


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_within(text: str, networks: Sequence[Network]) -> bool:
    return _is_address(text) and any(ip_address(text) in network for network in networks)
