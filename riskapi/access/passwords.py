"""Passwords: hashed with Argon2id, and refused where they are easily guessed."""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

#: Characters a password may have. NIST SP 800-63B-4, 3.1.1.2: at least 64 are to be taken; ours is a bound on work.
LEAST, MOST = 12, 128
#: What zxcvbn calls safely unguessable begins at 3 of 4 (https://github.com/dropbox/zxcvbn, "Usage").
_SAFE = 3
#: The second recommended parameters of RFC 9106, section 4 (64 MiB), which argon2-cffi has as its own.
HASHER = PasswordHasher()
#: One hash at a time in a process: each holds 64 MiB, and signups beside it need processor and memory.
_ONE = threading.Lock()


def fault(password: str, *own: str) -> str | None:
    """What is wrong with a new password, in a sentence; ``own`` are words an attacker would try, such as the name."""
    if len(password) < LEAST:
        return f"A password needs {LEAST} characters or more."
    if len(password) > MOST:
        return f"A password may have {MOST} characters."
    # Its time grows with the square of the length; what is guessable shows in the beginning.
    if zxcvbn(password[:64], user_inputs=[*own, "riskapi"])["score"] < _SAFE:
        return "This password is easily guessed. Several words that do not belong together make a better one."
    return None


def hashed(password: str) -> str:
    """The hash of a password, with its parameters and salt."""
    with _ONE:
        return HASHER.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether this is the password that was hashed. Takes as long for nobody (``None``) as for somebody."""
    if len(password) > MOST:
        return False
    with _ONE:
        try:
            return HASHER.verify(kept or _nobody(), password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


@cache
def _nobody() -> str:
    return HASHER.hash("")
