"""Accounts that belong together, for good or ill: who they are, when they sign up, what they ask to send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Send:
    """One request for leave to send: when (Unix seconds), to how many, and what is known of the message."""

    at: float
    recipients: int
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """One account: its signup, what it asks to send in the order of time, and ``actor``, who is behind it."""

    user_id: str
    at: float
    signup: dict[str, Any]
    actor: str
    sends: tuple[Send, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A ring or a crowd. ``what`` holds the ring together, or says what crowd it is.

    A ``ring`` must get little, an ``evasion`` is a ring that gets more, as is known. A ``crowd`` must lose nothing; a
    ``firm`` is honest and one actor (a family, an agency): what clusters take from it is shown for information.
    """

    kind: Literal["ring", "evasion", "crowd", "firm"]
    what: str
    accounts: tuple[Account, ...]

    @property
    def size(self) -> int:
        """Number of accounts."""
        return len(self.accounts)

    @property
    def name(self) -> str:
        """What no other group of a scene is called."""
        return f"{self.kind}: {self.what}, {self.size}"

    @property
    def asked(self) -> int:
        """Recipients that all its accounts ask for."""
        return sum(send.recipients for account in self.accounts for send in account.sends)
