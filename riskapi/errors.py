"""What can go wrong, each with the stable code a caller or an operator can act on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class ConfigurationError(Exception):
    """A setting, policy or artifact that the service refuses to start with: where, which key, and why.

    ``code`` is the sort of fault, in pydantic's words where it found it.
    """

    def __init__(self, where: str, key: str, reason: str, code: str = "value_error") -> None:
        super().__init__(f"{where}: {key}: {reason}")
        self.where, self.key, self.reason, self.code = where, key, reason, code


class StoreUnavailable(Exception):
    """The store did not answer in time, or refused the write."""


class WriteRefused(StoreUnavailable):
    """The store answers, and takes no writes: its memory or its disk is full, or it is a replica."""


#: Every problem code with its HTTP status and title. Documented in docs/errors.md, which a test holds to this table.
CODES: dict[str, tuple[int, str]] = {
    "not_json": (400, "The body is not JSON"),
    "not_this_feed": (400, "The body is not what this mail provider sends"),
    "unauthorized": (401, "A valid API key is required"),
    "bad_signature": (401, "It is not proved that the mail provider sent this"),
    "forbidden": (403, "The API key lacks the scope"),
    "not_found": (404, "No such resource"),
    "method_not_allowed": (405, "The resource does not take this method"),
    "request_timeout": (408, "The body did not arrive in time"),
    "signup_conflict": (409, "This user_id signed up with another e-mail address"),
    "idempotency_conflict": (409, "This Idempotency-Key was used with another body"),
    "idempotency_in_progress": (409, "A request with this Idempotency-Key is still being answered"),
    "review_held": (409, "Another reviewer holds this review"),
    "review_closed": (409, "This review is decided already"),
    "batch_undone": (409, "This batch of entries was undone"),
    "entry_permanent": (409, "The entry that stands there never ends"),
    "not_undoable": (409, "This review has no decision that can be undone"),
    "simulation_unfit": (409, "The policy is not the one that was simulated"),
    "run_failed": (409, "This simulation or suggestion failed"),
    "same_person": (409, "A second person has to approve this"),
    "webhook_disabled": (409, "The webhook is disabled"),
    "precondition_failed": (412, "Another version is in force than the request was made for"),
    "payload_too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "The body is of a type that is not taken"),
    "over_release": (422, "More recipients than can be released"),
    "invalid": (422, "The body is well-formed but wrong"),
    "destination_refused": (422, "The destination may not be connected to"),
    "precondition_required": (428, "The request must say which version it was made for"),
    "rate_limited": (429, "Too many requests"),
    "unavailable": (503, "The request could not be recorded; try again"),
    "internal": (500, "Something failed on our side"),
}


@dataclass
class Problem(Exception):
    """An answer in RFC 9457 form. ``code`` is one of :data:`CODES`; ``errors`` point at bad fields."""

    code: str
    detail: str
    errors: list[dict[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """HTTP status of this problem."""
        return CODES[self.code][0]

    @property
    def title(self) -> str:
        """Short, constant description of this kind of problem."""
        return CODES[self.code][1]


def reworded(message: str) -> str:
    """What pydantic says of a wrong value: without what it puts before the words of our own checks, and with the list
    that JSON and TOML have where it speaks of Python's tuple.
    """
    said = message.replace("Value error, ", "")
    return said.replace("valid tuple", "valid list").replace("Tuple should", "List should")


def invalid(pointer: str, detail: str) -> Problem:
    """The problem of one wrong field: its JSON pointer, and what is wrong, in words that do not repeat it."""
    error = {"pointer": pointer, "code": "value_error", "detail": detail}
    return Problem("invalid", f"1 error, at {pointer}.", [error])


def no_account() -> Problem:
    """The problem of a ``user_id`` that no account has: it never signed up, was erased, or is no longer kept."""
    return Problem("not_found", "No account with this user_id was ever assessed.")


def not_recorded() -> Problem:
    """The problem of a ``user_id`` whose signup this host acknowledged and has yet to record."""
    return Problem("unavailable", "The account waits to be recorded.", headers={"Retry-After": "1"})
