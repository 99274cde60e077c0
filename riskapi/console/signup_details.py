"""What an account told at its signup, as rows of words, personal data masked or, where somebody asked, in plain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from riskapi.console import masking

#: How values are masked that are personal data as a whole; of all others what is in them.
_MASKS = {"email.address": masking.mail, "device.ip_address": masking.ip, "phone.number": masking.phone}
#: Rows shown, and characters of a value: what a visitor controls can be long.
_ROWS, _LONGEST = 60, 300


def of(signup: Mapping[str, Any], *, plain: bool, names: bool = True) -> list[tuple[str, str]]:
    """Name and value of everything that was told, in the order of the signup; ``plain`` masks nothing. Without
    ``names`` those of people are masked too.
    """
    rows = []
    for name, value in _leaves(signup, ""):
        text = {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
        if name == "account.name" and not names:
            text = masking.name(text)
        shown = text if plain else _MASKS.get(name, masking.text)(text)
        rows.append((name.replace("_", " ").replace(".", ": "), shown[:_LONGEST]))
    return rows[:_ROWS]


def _leaves(part: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for name, value in part.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{name}.")
        elif isinstance(value, list):
            yield f"{path}{name}", ", ".join(map(str, value))
        elif value is not None:
            yield f"{path}{name}", value
