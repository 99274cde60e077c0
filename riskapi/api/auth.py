"""Who calls: the key, its scopes and its rate limit, before anything else is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskapi.access.api_keys import Principal
from riskapi.api.parts import Parts
from riskapi.api.routes import Route
from riskapi.errors import Problem, StoreUnavailable

_ANYBODY = Principal("", "", frozenset(), limited=False)


def authenticate(route: Route, parts: Parts, environ: Mapping[str, Any]) -> Principal:
    """Whoever shows a key that has one of the route's scopes. Raises ``unauthorized`` or ``forbidden``.

    Where the route may do without a key, a caller that shows none is nobody: its ``id`` is empty.
    """
    if not route.scopes or (route.keyless and "HTTP_AUTHORIZATION" not in environ):
        return _ANYBODY
    scheme, _, presented = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    principal = parts.keys.find(presented.strip()) if scheme.lower() == "bearer" and presented else None
    if principal is None:
        raise Problem("unauthorized", "No API key, or not a valid one.", headers={"WWW-Authenticate": "Bearer"})
    if principal.scopes.isdisjoint(route.scopes):
        scopes = " or ".join(route.scopes)
        # RFC 6750, section 3.1.
        challenge = f'Bearer error="insufficient_scope", scope="{" ".join(route.scopes)}"'
        raise Problem("forbidden", f"This needs the scope {scopes}.", headers={"WWW-Authenticate": challenge})
    return principal


def limit(parts: Parts, principal: Principal, headers: dict[str, str]) -> None:
    """Take one request from the caller's allowance and tell in ``headers`` what is left. Raises ``rate_limited``."""
    if not principal.limited:
        return
    rate = principal.rate_limit or parts.api_rate_limit
    if rate is None:
        return
    try:
        # The machine's clock even in replay: this protects the machine.
        allowance = parts.ratelimits.take(principal.id, rate, parts.clock())
    except StoreUnavailable:
        # The limit guards capacity, not safety; refusing signups because it cannot be counted would be an outage.
        parts.metrics.store_failure("ratelimit")
        return
    headers.update(allowance.headers())
    if not allowance.allowed:
        raise Problem("rate_limited", "This key made too many requests.", headers=dict(headers))
