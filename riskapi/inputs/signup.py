"""The signup as callers post it: the fields of ``POST /v1/signups`` and their types.

What is missing is unknown. Only what the caller's own code can get wrong is refused here: unknown keys, wrong types, no
``user_id`` or address. What a visitor's browser, clock or keyboard controls becomes a warning and a signal, because a
signup flow must get an answer: :mod:`riskapi.inputs.input_warnings`, and the parsers of address, number and IP.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json, to_json

from riskapi.contract import UserId
from riskapi.inputs.input_warnings import counted
from riskapi.inputs.visitor_values import VisitorCount, VisitorNames, VisitorScalar, VisitorText, VisitorTime

Text = Annotated[str, StringConstraints(max_length=2048)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,25}$")]
#: Values under the caller's own names.
CustomInputs = Annotated[dict[Key, VisitorScalar], Field(max_length=25)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class AccountPart(_Part):
    """Who signs up. ``user_id`` is the caller's own identifier and the idempotency key of the signup."""

    user_id: UserId
    name: VisitorText | None = None
    organization: VisitorText | None = None
    website: VisitorText | None = None
    plan: VisitorText | None = None
    referrer_id: VisitorText | None = None


class EmailPart(_Part):
    """The address signed up with, as typed. ``verified``: the person has confirmed the mailbox; null for not known."""

    address: VisitorText
    verified: bool | None = None


class PhonePart(_Part):
    """The phone number, in any format; international form with ``+`` is read most reliably. ``verified``: the person
    has confirmed that it is theirs; null for not known.
    """

    number: VisitorText | None = None
    verified: bool | None = None


class DevicePart(_Part):
    """Where the signup came from. ``tls_fingerprint`` is a JA3/JA4 or similar, as the edge computes it."""

    ip_address: VisitorText | None = None
    id: VisitorText | None = None
    user_agent: VisitorText | None = None
    accept_language: VisitorText | None = None
    time_zone: VisitorText | None = None
    tls_fingerprint: VisitorText | None = None


class BehaviorPart(_Part):
    """How the form was filled. ``form_fill_ms`` from first focus to submit."""

    form_fill_ms: VisitorCount | None = None
    pasted_fields: VisitorNames | None = None
    honeypot_filled: bool | None = None
    keystrokes: VisitorCount | None = None
    captcha_passed: bool | None = None
    pages_before_signup: VisitorCount | None = None


class PaymentPart(_Part):
    """A fingerprint of the payment instrument, as the payment provider gives it; never the number."""

    fingerprint: VisitorText | None = None


class EventPart(_Part):
    """When the signup happened, RFC 3339; defaults to now, may lie in the past. Over 5 minutes ahead counts as now."""

    time: VisitorTime | None = None


class Signup(_Part):
    """Body of ``POST /v1/signups``."""

    account: AccountPart
    email: EmailPart
    phone: PhonePart | None = None
    device: DevicePart | None = None
    behavior: BehaviorPart | None = None
    payment: PaymentPart | None = None
    event: EventPart | None = None
    custom_inputs: CustomInputs | None = None

    @classmethod
    def stored(cls, text: bytes | str) -> Self:
        """A signup as it was stored; what a newer release wrote besides is passed over.

        Raises :class:`pydantic.ValidationError` for what is not a signup.
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

    def json_to_store(self) -> bytes:
        """The signup as it is stored, for :meth:`stored`: JSON of what was sent."""
        return to_json(self, exclude_none=True)

    def at(self, now: float) -> float:
        """Unix time of the signup: ``event.time``, or ``now`` where it is missing or not used (see :func:`counted`)."""
        if self.event is None or self.event.time is None:
            return now
        return counted(self.event.time.timestamp(), now)
