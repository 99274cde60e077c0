"""The inputs of a signup that make its assessment better and need not be sent."""

from __future__ import annotations

from typing import Final

from riskapi.inputs.signup import Signup

#: Left out: ``verified``, which an event may tell later, ``event.time``, which has a default, and ``custom_inputs``,
#: which means nothing to us.
_NAMES: Final = {
    "account": ("name", "organization", "website", "plan", "referrer_id"),
    "phone": ("number",),
    "device": ("ip_address", "id", "user_agent", "accept_language", "time_zone", "tls_fingerprint"),
    "behavior": (
        "form_fill_ms",
        "pasted_fields",
        "honeypot_filled",
        "keystrokes",
        "captcha_passed",
        "pages_before_signup",
    ),
    "payment": ("fingerprint",),
}
_PARTS: Final = [
    (part, [(name, f"/{part}/{name}") for name in names], [f"/{part}/{name}" for name in names])
    for part, names in _NAMES.items()
]


def not_provided(signup: Signup) -> list[str]:
    """JSON pointers (RFC 6901) of the inputs that were not sent, in the order of the contract; null and ``""`` count
    as not sent.
    """
    found: list[str] = []
    parts = signup.__dict__  # attributes of a pydantic model cost twice as much to read
    for part, fields, pointers in _PARTS:
        given = parts[part]
        if given is None:
            found += pointers
            continue
        values = given.__dict__
        for name, pointer in fields:
            value = values[name]
            if not value and (value is None or value == ""):
                found.append(pointer)
    return found
