"""A recorded decision, decided again: the one way through for replays, simulations and explanations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskapi.decisions.decide import Decision, decide
from riskapi.decisions.record import listing
from riskapi.policy.active import Basis
from signals.registry import Readings


def decided_again(
    recorded: Mapping[str, Any], readings: Readings, basis: Basis, *, explain: bool = False, bare: bool = False
) -> Decision:
    """Decide on the readings of a recorded decision, under another policy and model, or the same.

    What was decided in attack mode is decided under what ``basis`` changes in that mode, and nothing else is, though
    the mode is on by now. ``explain`` and ``bare``: see :func:`riskapi.decisions.decide.decide`. Raises KeyError or
    TypeError for what is not a recorded decision.
    """
    attacked = recorded["versions"].get("attack") is not None
    policy = basis.policy.attacked if attacked else basis.plain
    return decide(
        readings,
        basis.scorer,
        policy,
        explain=explain,
        bare=bare,
        store_away=recorded["store_away"],
        listing=listing(recorded),
    )
