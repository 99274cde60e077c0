"""Cursors of lists that are read in pages: where in an index the page before ended, as text that callers hand back."""

from __future__ import annotations

import base64
import re

from riskapi.errors import Problem


def cursor_of(place: bytes) -> str:
    """The cursor for a place of an index."""
    return base64.urlsafe_b64encode(place).decode()


def position(text: str, places: re.Pattern[str]) -> str:
    """The place a cursor stands for, which must be one of ``places``; else raises ``invalid``."""
    try:
        place = base64.b64decode(text.encode("ascii"), b"-_", validate=True).decode("ascii")
    except ValueError:
        place = ""
    if not places.fullmatch(place):
        error = {"pointer": "/cursor", "code": "invalid", "detail": "not a cursor this service gave"}
        raise Problem("invalid", "The cursor is not one this service gave.", [error])
    return place
