"""Allowed reporters: whether one of them sent a mail, by its signatures and their keys."""

from __future__ import annotations

from collections.abc import Collection

from riskapi.feedback.mail.dkim import Signed, reporters, signed_by
from riskapi.feedback.mail.key_records import KeyRecords
from riskapi.settings.environment import Bind


class AllowedReporters:
    """Gives as much of a mail as an allowed reporter signed; see :func:`riskapi.feedback.mail.dkim.signed_by`."""

    def __init__(self, allowed: Collection[str], resolver: Bind | None) -> None:
        """``allowed`` are the reporters, by default those shipped; ``resolver`` is asked for keys."""
        self._allowed = frozenset(allowed) or reporters()
        self._keys = KeyRecords(resolver)

    def __call__(self, raw: bytes, now: float) -> Signed | None:
        """The signed part of a mail at Unix time ``now``; None without one."""
        return signed_by(raw, self._allowed, self._keys, now)
