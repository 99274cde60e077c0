"""The URL of the store, as far as it can be checked without asking anybody."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import SecretStr

_SCHEMES = (
    "redis",
    "rediss",
    "unix",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)


def store_url(text: str) -> SecretStr:
    """A URL as :func:`riskapi.store.clients.connect` takes it; a secret, because it may hold a password."""
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError("not a URL") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"expected a URL that starts with one of {', '.join(f'{name}://' for name in _SCHEMES)}")
    if parts.scheme == "unix":
        if not parts.path:
            raise ValueError("expected the path of a socket, such as unix:///run/valkey/valkey.sock")
    else:
        for address in parts.netloc.rpartition("@")[2].split(","):
            _check_address(address)
    return SecretStr(text)


def _check_address(text: str) -> None:
    """``HOST`` or ``HOST:PORT`` of a store. What a password with ``/`` in it leaves here is not repeated."""
    try:
        parts = urlsplit(f"//{text}")
        is_sound = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound:
        raise ValueError(
            "names no host, or its port is not a number from 1 to 65535; "
            "/ ? and # in a password are written %2F, %3F and %23"
        )
