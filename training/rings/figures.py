"""What a trial came to: a figure for each scenario, ring and crowd, and whether it is as was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

#: What belongs together may get at most this many times what one account of the kind gets alone.
BOUND = 2.0


@dataclass(frozen=True, slots=True)
class Framed:
    """What customers lost because of others. ``lost`` says of each who lost something what it was.

    ``multiple`` is what accounts of one attacker got together, over what one of them gets alone; of several attackers
    who have nothing to do with each other it is the one who got most. ``None`` where nobody attacks.
    """

    name: str
    customers: int
    lost: Sequence[str] = ()
    multiple: float | None = None

    @property
    def holds(self) -> bool:
        """Whether no customer lost anything and no attacker got much."""
        return self.customers > 0 and not self.lost and (self.multiple is None or self.multiple <= BOUND)


@dataclass(frozen=True, slots=True)
class Dodged:
    """What a ring of ``size`` was granted, over what one such account gets alone: in the first hour, in all days.

    Nothing was promised of those that are not ``judged``: they are known to get more.
    """

    name: str
    size: int
    hour: float
    days: float
    judged: bool = True

    @property
    def holds(self) -> bool:
        """Whether it got no more than was promised."""
        return not self.judged or max(self.hour, self.days) <= BOUND


@dataclass(frozen=True, slots=True)
class Crowded:
    """What became of ``size`` accounts of a crowd; each of the others names accounts.

    ``stopped`` were not allowed; of these ``blamed`` are allowed where the same people sign up without the crowd;
    ``short`` were granted less than they asked for within their own caps. Nothing was promised of those that are not
    ``judged``: one actor with several accounts.
    """

    name: str
    size: int
    stopped: Sequence[str] = ()
    blamed: Sequence[str] = ()
    short: Sequence[str] = ()
    judged: bool = True

    @property
    def holds(self) -> bool:
        """Whether the crowd cost nobody anything."""
        return not self.judged or (self.size > 0 and not self.blamed and not self.short)


@dataclass(frozen=True, slots=True)
class Figures:
    """All that was measured."""

    framing: Sequence[Framed] = field(default=())
    dodging: Sequence[Dodged] = field(default=())
    crowds: Sequence[Crowded] = field(default=())

    @property
    def failed(self) -> list[str]:
        """Names of what was not as promised."""
        rows: list[Framed | Dodged | Crowded] = [*self.framing, *self.dodging, *self.crowds]
        return [row.name for row in rows if not row.holds]


def times(got: float, one: float) -> float:
    """How many times as much; infinite where one account alone gets nothing, for then nothing was measured."""
    return got / one if one else float("inf")
