"""Return paths: an envelope sender that says whose mail it is (VERP), with a token that only we can make.

``bounces+u_1001@…``, or with the recipient as D. J. Bernstein's VERP has it (https://cr.yp.to/proto/verp.txt),
``bounces+u_1001=bo=example.net@…``. In an account's id ``@`` is written as ``=`` and ``:`` as ``~``.
Where there is a key, a hyphen and a token follow the id: ``bounces+u_1001-<token>@…``. The token is the HMAC-SHA-256 of
``riskapi return path 1``, a NUL and the id as it stands there in small letters: its first 80 bits, in base32 (RFC 4648,
6) in small letters.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence
from typing import Final

from riskapi.contract import USER_ID
from riskapi.settings.attribution import USER

_USER_ID: Final = re.compile(USER_ID.removesuffix("$") + r"\Z")
#: Bytes of the HMAC in a token: guessing one takes 2^80 tries, and it has 16 characters without padding.
_BYTES: Final = 10
#: Octets of a local part (RFC 5321, 4.5.3.1.1).
_LONGEST: Final = 64


class ReturnPath:
    """Reads envelope senders, and makes them."""

    def __init__(self, pattern: str, keys: Sequence[bytes] = ()) -> None:
        """``pattern`` is a local part with ``{user_id}``, and a domain or none; of ``keys`` the first makes tokens."""
        local, _, self._domain = pattern.partition("@")
        self._before, _, self._after = local.partition(USER)
        token = r"-(?P<token>[a-z2-7]{16})" if keys else ""
        before, user, after = re.escape(self._before), "(?P<user>[A-Za-z0-9_.~=-]+?)", re.escape(self._after)
        self._shape = re.compile(rf"{before}{user}{token}(?P<recipient>=[^@]*)?{after}", re.IGNORECASE)
        self._unsigned = re.compile(rf"{before}{user}(?P<recipient>=[^@]*)?{after}", re.IGNORECASE)
        self._keys = tuple(keys)

    @property
    def is_signed(self) -> bool:
        """Whether only an address with a token says anything."""
        return bool(self._keys)

    def make(self, user_id: str, domain: str = "") -> str:
        """The envelope sender of an account's mail; ``domain`` where the pattern has none. Raises ValueError where the
        id is too long for an address: tell message ids for it instead.
        """
        written = user_id.replace("@", "=").replace(":", "~")
        token = f"-{_token(self._keys[0], written)}" if self._keys else ""
        local = f"{self._before}{written}{token}{self._after}"
        if len(local) > _LONGEST:
            raise ValueError(f"the local part would have over {_LONGEST} characters")
        return f"{local}@{self._domain or domain}"

    def names(self, address: str | None) -> bool:
        """Whether an address names an account, with a token, with none or with a wrong one."""
        local, _, domain = (address or "").rpartition("@")
        ours = not self._domain or domain.lower() == self._domain.lower()
        return ours and self._unsigned.fullmatch(local) is not None

    def read(self, address: str | None) -> str | None:
        """The account that an address names; None for an address of another shape, and for a token that is not ours."""
        local, _, domain = (address or "").rpartition("@")
        found = self._shape.fullmatch(local)
        if found is None or (self._domain and domain.lower() != self._domain.lower()):
            return None
        if not self._keys:
            return _user_id(_owner(found["user"] + (found["recipient"] or "")))
        token = found["token"].lower().encode()
        if not any(hmac.compare_digest(_token(key, found["user"]).encode(), token) for key in self._keys):
            return None
        return _user_id(found["user"])


def _owner(written: str) -> str:
    """The part of ``account``, ``account=recipient=domain`` that is the account's; an id may have one ``@`` in it."""
    parts = written.split("=")
    return "=".join(parts[:2]) if len(parts) in (2, 4) else parts[0]


def _user_id(written: str) -> str | None:
    user_id = written.replace("=", "@").replace("~", ":")
    return user_id if _USER_ID.match(user_id) else None


def _token(key: bytes, written: str) -> str:
    # Small letters: receivers may change the case of a local part.
    made = hmac.digest(key, b"riskapi return path 1\0" + written.lower().encode(), "sha256")
    return base64.b32encode(made[:_BYTES]).decode().lower()
