"""What an account did since its signup, counted by type in fields of the account (written by ``event_record.lua``)."""

from __future__ import annotations

from collections.abc import Mapping

from signals.facts import Activity

#: The types the contract names, which are counted and can be read by signals. Others are recorded and counted together.
TYPES = frozenset({
    "email_verified", "phone_verified", "payment_verified", "login", "device_seen", "email_changed", "phone_changed",
    "contacts_imported", "profile_changed", "plan_changed", "domain_authenticated", "vouching_started",
    "vouching_ended",
})  # fmt: skip
#: Types that can make an account an established customer, or no longer one.
ESTABLISHING = frozenset({"plan_changed", "payment_verified"})


def noted(type: str, at: float) -> dict[str, str | int]:
    """The fields of an account that was told of one event of this type, at Unix time ``at``."""
    return {f"n:{type}": 1, f"f:{type}": repr(at), f"l:{type}": repr(at)}


def activities(fields: Mapping[str, bytes]) -> dict[str, Activity] | None:
    """The events in an account's fields by type: ``n:<type>`` how many, ``f:`` and ``l:`` the Unix times of the first
    and the last, ``m:`` the largest count given. ``None`` where none was ever told.
    """
    found = {}
    for type in TYPES:
        times = fields.get(f"n:{type}")
        if times is not None:
            most = fields.get(f"m:{type}")
            first, last = float(fields[f"f:{type}"]), float(fields[f"l:{type}"])
            found[type] = Activity(int(times), first, last, None if most is None else int(most))
    return found or None
