"""Seeded simulated signups: people of many kinds, several kinds of abusers, real networks and real mail domains."""

from __future__ import annotations

from training.simulator.networks import Networks, NetworksError
from training.simulator.population import ABUSE_SHARE, ABUSERS, PEOPLE, simulate
from training.simulator.signups import Event, World
from training.simulator.timeline import DAY, Window

__all__ = [
    "ABUSERS",
    "ABUSE_SHARE",
    "DAY",
    "PEOPLE",
    "Event",
    "Networks",
    "NetworksError",
    "Window",
    "World",
    "simulate",
]
