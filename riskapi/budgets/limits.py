"""What answers say of what an account may send."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from riskapi.contract import Count, Instant


class Counts(TypedDict):
    """Recipients that may be written to within the hour, day and month."""

    hourly: Count
    daily: Count
    monthly: Count


class NextStep(Counts):
    """What raises the caps next, and not before when."""

    not_before: Instant | None
    requires: str | None


class Hold(TypedDict):
    """The usual volume of a day that an account is held at after a sudden jump, until a reviewer decides or then."""

    daily: int
    until: Instant


class Limits(Counts):
    """The caps of the account, whom they are counted over, and what is left of them.

    ``cluster`` are the caps of all accounts of its cluster together, which ``remaining`` takes into account.
    """

    scope: Literal["account", "cluster"]
    remaining: Counts
    next_step: NextStep | None
    cluster: NotRequired[Counts | None]
    hold: NotRequired[Hold | None]
