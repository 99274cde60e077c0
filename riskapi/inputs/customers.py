"""An existing customer as its company tells of it: the signup, as far as it is known, and what was learnt since."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from riskapi.contract import Time
from riskapi.errors import Problem
from riskapi.inputs.invalid import from_validation, refuse_wide
from riskapi.inputs.signup import Signup, Text
from riskapi.policy.tables import Recipients

#: Fields that are not part of a signup, and its time, in place of which ``created_at`` stands.
_MORE = {"created_at", "plan", "verified", "daily_volume", "event"}


class Customer(Signup):
    """One account to import.

    ``created_at`` is when it signed up. ``plan`` is the one it is on now, by default what it signed up with;
    ``verified`` what the customer confirmed; ``daily_volume`` the recipients of a usual day, the largest of a month
    where they differ.
    """

    created_at: Time
    plan: Text | None = None
    verified: Annotated[list[Literal["email", "phone"]], Field(max_length=10)] | None = None
    daily_volume: Recipients | None = None

    @property
    def created(self) -> float:
        """Unix time of ``created_at``."""
        return self.created_at.timestamp()

    @property
    def plan_told(self) -> str | None:
        """What its plan is called."""
        return self.account.plan if self.plan is None else self.plan

    def signup_json(self) -> str:
        """The signup alone, as accounts keep it."""
        return self.model_dump_json(exclude=_MORE, exclude_none=True)


def read(text: bytes, now: float) -> Customer:
    """One record, as JSON, at Unix time ``now``. Raises ``not_json``, and ``invalid`` with what is wrong and where."""
    refuse_wide(text)
    try:
        found = Customer.model_validate_json(text)
    except ValidationError as error:
        raise from_validation(error, text) from None
    if found.created > now:
        ahead = {"pointer": "/created_at", "code": "in_future", "detail": "lies ahead"}
        raise Problem("invalid", "1 error, at /created_at.", [ahead])
    return found
