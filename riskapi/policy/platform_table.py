"""The table ``[feedback.platform]``: when the platform itself, or a feed of feedback, is in trouble.

``policy.toml`` says why each level is what it is.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from riskapi.policy.rules import Mode
from riskapi.policy.section import Section

Share = Annotated[float, Field(ge=0, le=1)]
Sample = Annotated[int, Field(ge=1, le=10**6)]
Factor = Annotated[float, Field(ge=1, le=100)]


class Blocks(Section):
    """A receiving domain blocks more than ``rate`` of ``recipients`` or more within the window, for certain."""

    mode: Mode = "live"
    rate: Share = 0.1
    recipients: Annotated[int, Field(ge=10, le=10**6)] = 100


class Listings(Section):
    """Own senders are looked up on the DNS blocklists every ``minutes``."""

    mode: Mode = "live"
    minutes: Annotated[int, Field(ge=5, le=1440)] = 60


class Silence(Section):
    """A feed was silent for more than ``factor`` times its longest pause of 28 days, and no less than
    ``least_minutes``. It is watched once it was heard ``bodies`` times in them and for ``days``; after
    ``forget_days`` of silence it counts as not used any more.
    """

    mode: Mode = "live"
    factor: Factor = 2.0
    least_minutes: Annotated[int, Field(ge=5, le=10_080)] = 60
    bodies: Sample = 50
    days: Annotated[int, Field(ge=1, le=28)] = 7
    forget_days: Annotated[int, Field(ge=7, le=90)] = 30


class Shape(Section):
    """More than ``rate``, and more than ``factor`` times the usual share, of ``parts`` or more within the window
    was not understood, for certain.
    """

    mode: Mode = "live"
    rate: Share = 0.1
    factor: Factor = 3.0
    parts: Sample = 20


class Signatures(Section):
    """``requests`` with a bad signature and none with a good one for longer than ever; or more than ``rate`` of the
    last requests bad while the good ones fell below half of what is usual.
    """

    mode: Mode = "live"
    rate: Share = 0.2
    requests: Sample = 20


class PlatformRules(Section):
    """What is watched, within a window of ``hours``. All have defaults, because policies published by earlier releases
    do not have this table.
    """

    hours: Annotated[int, Field(ge=1, le=72)] = 24
    blocks: Blocks = Blocks()
    listings: Listings = Listings()
    silence: Silence = Silence()
    shape: Shape = Shape()
    signatures: Signatures = Signatures()
