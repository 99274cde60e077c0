"""The signup as callers post it: types, lengths and ranges of every field of ``POST /v1/signups``.

What is missing is unknown. An address, number or IP that cannot be parsed is accepted here: the
parsers turn it into a warning and a signal, because a signup flow must get an answer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json, to_json

from riskapi.instants import instant

USER_ID = r"^[A-Za-z0-9_.:@-]{1,128}$"
UserId = Annotated[str, StringConstraints(pattern=USER_ID, max_length=128)]
Text = Annotated[str, StringConstraints(max_length=2048)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,25}$")]
Scalar = Annotated[str, StringConstraints(max_length=255)] | bool | int | float | None
Count = Annotated[int, Field(ge=0, le=2**53)]


def _time(value: object) -> object:
    """Only RFC 3339 text is a time; numbers and other spellings are refused instead of guessed at."""
    if not isinstance(value, str):
        raise ValueError("expected an RFC 3339 time as text")
    return instant(value)


Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_time, json_schema_input_type=datetime)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class AccountPart(_Part):
    """Who signs up. ``user_id`` is the caller's own identifier and the idempotency key of the signup."""

    user_id: UserId
    name: Text | None = None
    organization: Text | None = None
    website: Text | None = None
    plan: Text | None = None
    referrer_id: Annotated[str, StringConstraints(max_length=128)] | None = None


class EmailPart(_Part):
    """The address signed up with, as typed. ``verified``: the person has confirmed the mailbox; null for not known."""

    address: Text
    verified: bool | None = None


class PhonePart(_Part):
    """The phone number, in any format; international form with ``+`` is read most reliably. ``verified``: the person
    has confirmed that it is theirs; null for not known.
    """

    number: Text | None = None
    verified: bool | None = None


class DevicePart(_Part):
    """Where the signup came from. ``tls_fingerprint`` is a JA3/JA4 or similar, as the edge computes it."""

    ip_address: Text | None = None
    id: Text | None = None
    user_agent: Text | None = None
    accept_language: Text | None = None
    time_zone: Text | None = None
    tls_fingerprint: Text | None = None


class BehaviorPart(_Part):
    """How the form was filled. ``form_fill_ms`` from first focus to submit."""

    form_fill_ms: Count | None = None
    pasted_fields: Annotated[list[Text], Field(max_length=50)] | None = None
    honeypot_filled: bool | None = None
    keystrokes: Count | None = None
    captcha_passed: bool | None = None
    pages_before_signup: Count | None = None


class PaymentPart(_Part):
    """A fingerprint of the payment instrument, as the payment provider gives it; never the number."""

    fingerprint: Text | None = None


class EventPart(_Part):
    """When the signup happened, RFC 3339; defaults to now, may lie in the past."""

    time: Time | None = None


class Signup(_Part):
    """Body of ``POST /v1/signups``."""

    account: AccountPart
    email: EmailPart
    phone: PhonePart | None = None
    device: DevicePart | None = None
    behavior: BehaviorPart | None = None
    payment: PaymentPart | None = None
    event: EventPart | None = None
    custom_inputs: Annotated[dict[Key, Scalar], Field(max_length=25)] | None = None

    @classmethod
    def stored(cls, text: bytes | str) -> Self:
        """A signup as it was stored; what a newer release wrote besides is passed over.

        Raises :class:`pydantic.ValidationError` for what is no signup.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            unknown = [each["loc"] for each in error.errors() if each["type"] == "extra_forbidden"]
            if not unknown:
                raise
            row = from_json(text)
            for *path, last in unknown:
                part = row
                for name in path:
                    part = part[name]
                del part[last]
            return cls.model_validate_json(to_json(row))

    def at(self, now: float) -> float:
        """Unix time of the signup: ``event.time``, or ``now`` where it is missing."""
        if self.event is None or self.event.time is None:
            return now
        return self.event.time.timestamp()


Tier = Literal["allow", "review", "limit"]
