"""What clusters are for, measured: rings whose accounts each keep under their own cap, with honest crowds about."""

from __future__ import annotations

from training.rings.groups import Account, Group, Send
from training.rings.policy import Caps, caps, trial_policy
from training.rings.scene import Scene, stage
from training.rings.tables import judge, show
from training.rings.trial import Tally, compare

__all__ = [
    "Account",
    "Caps",
    "Group",
    "Scene",
    "Send",
    "Tally",
    "caps",
    "compare",
    "judge",
    "show",
    "stage",
    "trial_policy",
]
