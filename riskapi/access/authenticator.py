"""The second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pyotp

if TYPE_CHECKING:
    from riskapi.access.users import Person, Users

#: Recovery codes made at once, and bytes of chance in each: 64 bits cannot be guessed, so their hash needs no salt.
CODES, _BYTES = 10, 8
#: Seconds of a time step, and steps a clock may be off, either way (RFC 6238, section 5.2).
_STEP, _DRIFT = 30, 1


def new_secret() -> str:
    """A secret of 160 bits, as RFC 4226, section 4, recommends."""
    return pyotp.random_base32()


def address(secret: str, name: str) -> str:
    """What an authenticator reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="riskapi")


def step_of(secret: str, code: str, now: float) -> int | None:
    """The time step whose code this is, if it is one of now; ``now`` is Unix time."""
    given = "".join(code.split())
    at = int(now) // _STEP
    for step in range(at - _DRIFT, at + _DRIFT + 1):
        if step >= 0 and hmac.compare_digest(pyotp.TOTP(secret).at(step * _STEP).encode(), given.encode()):
            return step
    return None


def new_codes() -> tuple[list[str], tuple[str, ...]]:
    """Recovery codes to show once, and their hashes to keep."""
    codes = [secrets.token_hex(_BYTES) for _ in range(CODES)]
    return codes, tuple(_hashed(code) for code in codes)


def spend(users: Users, person: Person, code: str, now: float) -> Literal["totp", "recovery"] | None:
    """Take a code of the authenticator or a recovery code, each for one time only; None for one that is wrong.

    When two race with the same code, one wins. Raises ``StoreUnavailable``.
    """
    how: Literal["totp", "recovery"] | None = None

    def taken(kept: Person) -> Person | None:
        nonlocal how
        step = step_of(kept.totp, code, now) if kept.totp else None
        if step is not None and step > kept.totp_step:  # RFC 6238, section 5.2: a code is taken once
            how = "totp"
            return replace(kept, totp_step=step)
        name = _hashed("".join(code.split()).lower())
        if name in kept.recovery:
            how = "recovery"
            return replace(kept, recovery=tuple(each for each in kept.recovery if each != name))
        return None

    return how if users.change(person.id, taken) is not None else None


def _hashed(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogateescape")).hexdigest()
