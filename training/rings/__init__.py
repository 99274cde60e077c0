"""What links between accounts are for, measured: customers whom strangers attack, rings, and honest crowds."""

from __future__ import annotations

from training.rings.figures import Crowded, Dodged, Figures, Framed
from training.rings.summary import name_losers, show
from training.rings.trial import PARTS, PLAN, Part, Plan, Trial

__all__ = ["PARTS", "PLAN", "Crowded", "Dodged", "Figures", "Framed", "Part", "Plan", "Trial", "name_losers", "show"]
