"""What the account did since its signup, as the caller told by events. Unknown until the first one is told: a caller
may tell none at all. An event that was not told has not happened, or is not told by this caller: unknown, not false.
"""

from __future__ import annotations

from collections.abc import Mapping

from signals.facts import Activity, Facts
from signals.registry import signal

_HOUR = 3600.0


def _told(facts: Facts) -> Mapping[str, Activity] | None:
    return facts.events


def _times(told: Mapping[str, Activity], type: str) -> int:
    """How often, while an event of any type was told."""
    found = told.get(type)
    return found.times if found else 0


def _hours_until(facts: Facts, type: str) -> float | None:
    """Hours from the signup to the first such event; a clock that runs behind counts as none."""
    found = None if facts.events is None else facts.events.get(type)
    return None if found is None else max(found.first - facts.signup_at, 0.0) / _HOUR


@signal(of=_told, reason="the e-mail address was {value:confirmed|not confirmed}", risk=-1)
def events_email_verified(told: Mapping[str, Activity]) -> bool | None:
    """Whether the customer confirmed the address. Scripts read mail too, so it clears nobody."""
    return True if told.get("email_verified") else None


@signal(reason="the e-mail address was confirmed {value:.1f} hours after the signup", risk=0)
def events_hours_to_email_verified(facts: Facts) -> float | None:
    """Hours from the signup to the confirmation of the address, 0 or more. Typical: minutes; scripts need seconds."""
    return _hours_until(facts, "email_verified")


@signal(of=_told, reason="the phone number was {value:confirmed|not confirmed}", risk=-1)
def events_phone_verified(told: Mapping[str, Activity]) -> bool | None:
    """Whether the customer confirmed the phone number. Numbers that receive texts can be rented for cents."""
    return True if told.get("phone_verified") else None


@signal(of=_told, reason="a payment was {value:made|not made}", risk=-1)
def events_payment_verified(told: Mapping[str, Activity]) -> bool | None:
    """Whether a payment of the customer went through. Stolen cards pay too, until their owners complain."""
    return True if told.get("payment_verified") else None


@signal(of=_told, reason="the customer logged in {value} {value:time|times}", risk=0)
def events_logins(told: Mapping[str, Activity]) -> int:
    """Logins since the signup, 0 and up."""
    return _times(told, "login")


@signal(reason="{value:.0f} {value:hour|hours} passed since a login from a network not seen before", risk=0)
def events_hours_since_moved(facts: Facts) -> float | None:
    """Hours since the last login from a network and operator the account was never seen on, 0 or more.

    People travel and change their provider; thieves come from elsewhere as well. Unknown where there was none.
    """
    return None if facts.moved_at is None else max(facts.at - facts.moved_at, 0.0) / _HOUR


@signal(of=_told, reason="contacts were imported {value} {value:time|times}", risk=0)
def events_contact_imports(told: Mapping[str, Activity]) -> int:
    """Imports of contacts since the signup, 0 and up."""
    return _times(told, "contacts_imported")


@signal(of=_told, reason="{value} {value:contact was|contacts were} imported at once", risk=0)
def events_contacts_imported(told: Mapping[str, Activity]) -> int | None:
    """Contacts of the largest import, where the caller told how many. A bought list comes whole; so does a firm's."""
    found = told.get("contacts_imported")
    return found.most if found else None


@signal(reason="contacts were first imported {value:.1f} hours after the signup", risk=0)
def events_hours_to_contacts(facts: Facts) -> float | None:
    """Hours from the signup to the first import of contacts, 0 or more."""
    return _hours_until(facts, "contacts_imported")


@signal(of=_told, reason="the profile was changed {value} {value:time|times}", risk=0)
def events_profile_changes(told: Mapping[str, Activity]) -> int:
    """Changes of the profile since the signup, 0 and up."""
    return _times(told, "profile_changed")


@signal(of=_told, reason="the plan was changed {value} {value:time|times}", risk=0)
def events_plan_changes(told: Mapping[str, Activity]) -> int:
    """Changes of the plan since the signup, 0 and up. Up or down is not told."""
    return _times(told, "plan_changed")


@signal(of=_told, reason="a sender domain was {value:authenticated|not authenticated}", risk=-1)
def events_domain_authenticated(told: Mapping[str, Activity]) -> bool | None:
    """Whether the customer set a domain of theirs up for sending, as the caller tells."""
    return True if told.get("domain_authenticated") else None
