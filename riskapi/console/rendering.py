"""Templates of the console, the words they share, and the files that go with them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from riskapi.times import DAY, HOUR

_MEDIA = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
#: Tier → the shape that says it beside the word; the colour only repeats it.
SHAPES: Mapping[str, str] = {"allow": "●", "review": "▲", "limit": "■"}

#: Characters of a line. Names of people and companies have fewer.
_LINE = 80
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")

_TIER = Markup('<span class="tier tier-{}"><span aria-hidden="true">{}</span> {}</span>')
_BAR = Markup(
    '<svg class="bar" viewBox="0 0 60 10" role="img" aria-label="weight {}">'
    '<rect class="{}" x="0" y="1" width="{}" height="8"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the console: its bytes, media type, and its address, which changes with what is in it."""

    content: bytes
    media: str
    address: str


@cache
def assets() -> Mapping[str, Asset]:
    """Every file by its name."""
    found = {}
    for each in (resources.files("riskapi.console") / "static").iterdir():
        content = each.read_bytes()
        address = f"/console/static/{each.name}?v={hashlib.sha256(content).hexdigest()[:12]}"
        found[each.name] = Asset(content, _MEDIA[each.name.rpartition(".")[2]], address)
    return found


def clock(at: float) -> str:
    """A Unix time as a day and a time of day in UTC, such as ``2026-11-22 10:00``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def span(seconds: float) -> str:
    """How long something is, roughly: ``40 min``, ``3 h``, ``2 days``."""
    minutes = max(0, round(seconds / 60))
    if minutes < 120:
        return f"{minutes} min"
    hours = round(seconds / HOUR)
    return f"{hours} h" if hours < 48 else f"{round(seconds / DAY)} days"


def line(words: str) -> str:
    """What a visitor wrote, as it stands in a row: in one line, and no longer than leaves room for others. Marks that
    turn the direction of what follows (Unicode, UAX #9: overrides, embeddings, isolates) are left out.
    """
    told = " ".join(_DIRECTIONS.sub("", words).split())
    return told if len(told) <= _LINE else f"{told[: _LINE - 1]}…"


def count(number: float) -> str:
    """A number with blanks that do not break between thousands (ISO 80000-1)."""
    return f"{number:,.0f}".replace(",", "\u202f")


@cache
def tier(word: str) -> Markup:
    """A tier by word, shape and colour. No macro: a case has a hundred of them, and a macro takes ten times as long."""
    return _TIER.format(word, SHAPES[word], word)


@lru_cache(maxsize=4096)
def bar(contribution: float, length: int) -> Markup:
    """How much a reading moves the score, as a bar ``length`` long of 60; the weight is its name."""
    side = "against" if contribution > 0 else "reassuring"
    return _BAR.format(f"{contribution:+.2f}", side, max(length, 1))


@cache
def templates() -> Environment:
    """The templates. Everything put in is escaped; a name that is missing is a defect."""
    made = Environment(
        loader=PackageLoader("riskapi.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"clock": clock, "span": span, "count": count}
    made.globals |= {"asset": lambda name: assets()[name].address, "shapes": SHAPES, "tier": tier, "bar": bar}
    return made


def page(template: str, data: Mapping[str, Any]) -> str:
    """The text of a page."""
    return templates().get_template(template).render(data)
