"""What people are told while the store is away or refuses writes: what failed, what still works, what they can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException

from riskapi.errors import WriteRefused

if TYPE_CHECKING:
    from flask import Request

#: Seconds after which a page that could not be read is asked for again; nothing asks more often.
RETRY = 10
#: Why a store refuses writes, by the code it answers with (https://valkey.io/topics/protocol/#simple-errors).
_REFUSALS: Mapping[str, str] = {
    "OOM": "its memory is full",
    "MISCONF": "it cannot write to its disk",
    "READONLY": "it is a replica",
    "NOREPLICAS": "it has fewer replicas than it must have",
}
#: Fields that people write sentences and lines into. Nothing that proves who they are is among them.
_WRITTEN = ("note", "question", "reason", "rows", "text")
_UNKNOWN = "It is not known whether this was done. Look again in a moment, before you do it once more."


@dataclass(frozen=True, slots=True)
class Outage:
    """What is the matter (``title``), and what it means for what was asked (``failed``)."""

    title: str
    failed: str


#: A form that was not tried, because the store refuses writes.
NOT_TRIED = Outage("Read only: the store takes no writes", "Nothing was done. Do it again once the store takes writes.")


def met(error: Exception, *, posted: bool, tried: bool) -> Outage:
    """An outage that a request met on its way.

    ``posted`` where it was to change something, and ``tried`` where that had begun: then it may be done.
    """
    if isinstance(error, WriteRefused):
        reading = "This page cannot be shown without a write. Others can be read."
        return Outage(NOT_TRIED.title, (_UNKNOWN if tried else NOT_TRIED.failed) if posted else reading)
    if posted:
        failed = _UNKNOWN if tried else "Nothing was done. Do it again once the store answers."
        return Outage("Read only: the store does not answer", failed)
    return Outage("The store does not answer", "Nothing can be read or changed here. Load the page again in a moment.")


def refusal(code: str) -> str | None:
    """Why the store refuses writes, by the code of its answer; None for the empty one, where it takes them."""
    return _REFUSALS.get(code, f"it says {code}") if code else None


def written(request: Request) -> list[str]:
    """What somebody wrote into a form, to be shown again where it could not be kept."""
    try:
        return [text for name in _WRITTEN if (text := request.form.get(name, "").strip())]
    except HTTPException:  # no form that can be read
        return []


def way_back(referrer: str | None, root: str) -> str:
    """The page of the console that a form was sent from, by the browser's word; ``root`` where it is none."""
    try:
        found = urlsplit(referrer or "")
    except ValueError:  # no address
        return f"{root}/"
    query = f"?{found.query}" if found.query else ""
    return f"{found.path}{query}" if found.path.startswith(f"{root}/") else f"{root}/"
