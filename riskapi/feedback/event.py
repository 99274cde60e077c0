"""One event of feedback: what became of one mail, as a caller, a provider or a mail tells of it."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from riskapi.contract import Time, UserId
from riskapi.feedback.reports import ReportType
from riskapi.inputs.signup import Text


class FeedbackEvent(BaseModel):
    """One thing that happened to one mail. ``source`` is the feed it came by, in which ``id`` is unique.

    ``recipient`` and ``diagnostic`` are taken and not stored.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    type: ReportType
    user_id: UserId
    recipient: Text | None = None
    time: Time | None = None
    source: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")] | None = None
    diagnostic: Annotated[str, StringConstraints(max_length=10_000)] | None = None

    @property
    def voice(self) -> str:
        """Who speaks: whose mailbox it is, by the hash of its domain, else the feed. No address is told."""
        domain = (self.recipient or "").rpartition("@")[2].strip().lower() or self.feed
        return hashlib.sha256(domain.encode("utf-8", "surrogatepass")).hexdigest()[:8]

    @property
    def about(self) -> str:
        """What tells its mail from others of the account, by a short hash: the recipient; ``""`` where none is told."""
        recipient = (self.recipient or "").strip().lower()
        return _about(f"{self.user_id}\0{recipient}") if recipient.partition("@")[0] else ""

    @property
    def feed(self) -> str:
        """The feed the event came by; ``api`` where none is named."""
        return self.source or "api"

    def at(self, now: float) -> float:
        """Unix time of the event: ``time``, or ``now`` where it is missing."""
        return now if self.time is None else self.time.timestamp()


class ReportedEvent(FeedbackEvent):
    """An event that a provider or a mail told of. ``message`` is the id of the message, where it says one."""

    message: str | None = None

    @property
    def about(self) -> str:
        """As of other events; a message id says it where the recipient may be redacted."""
        return _about(f"{self.user_id}\0message {self.message}") if self.message else super().about


def _about(text: str) -> str:
    """32 bits of a hash, which tell some hundred mails of an account apart and nobody's address."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
