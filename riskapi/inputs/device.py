"""What the browser or client said of itself: agent, languages, time zone; bounded, cached and never raising."""

from __future__ import annotations

from typing import Final

from riskapi.inputs import agents
from riskapi.inputs.input_warnings import is_broken
from riskapi.inputs.locales import is_zone, language_countries, languages, zone_countries
from riskapi.inputs.signup import DevicePart
from riskapi.inputs.visitor_values import LONGEST
from signals.facts import Device

#: Longest user agent that is parsed. Browsers send about 120 characters, in-app browsers up to about 400.
MAX_AGENT: Final = 512

#: What broken scripts send for an identifier they do not have.
_PLACEHOLDERS = frozenset({"undefined", "null", "none", "nan", "unknown", "true", "false", "[object object]"})


def read(part: DevicePart, posted: DevicePart | None = None) -> Device:
    """Read a device part; blank texts count as not given. ``posted`` is what ``part`` is the usable part of: the same
    object where nothing is wrong with it.

    ``fingerprint`` is given only with a TLS fingerprint: an agent alone is shared by millions.
    """
    text, accept, zone = _given(part.user_agent, MAX_AGENT), _given(part.accept_language), _given(part.time_zone)
    tls = _given(part.tls_fingerprint)
    agent = agents.read(text) if text is not None else None
    subtags = languages(accept) if accept is not None else None
    fingerprint = None
    if tls is not None:
        known = (agent.family, agent.major, agent.system) if agent else (None, None, None)
        fingerprint = "|".join([tls.lower(), *("" if value is None else str(value) for value in known)])
    # In the order of the fields: naming each of them would treble what the call costs.
    return Device(
        identifier(part.id),
        text,
        agent.family if agent else None,
        agent.system if agent else None,
        agent.released if agent else None,
        agent.mobile if agent else None,
        False if agent and part is posted else _malformed((posted or part).user_agent),
        agent.invented if agent else None,
        agent.automation if agent else None,
        accept,
        subtags,
        language_countries(subtags) if subtags else None,
        zone,
        is_zone(zone) if zone is not None else None,
        zone_countries(zone) if zone is not None else None,
        tls,
        fingerprint,
    )


def identifier(text: str | None) -> str | None:
    """An identifier a script made; what scripts send when they have none does not count, or it would link strangers."""
    found = _given(text)
    return None if found is None or found.lower() in _PLACEHOLDERS or not found.strip("0-") else found


def _malformed(agent: str | None) -> bool | None:
    """Whether an agent is longer than is read, or has control characters or characters that are not valid; None where
    there is none.
    """
    return len(agent) > LONGEST or is_broken(agent) if agent and agent.strip() else None


def _given(text: str | None, limit: int = LONGEST) -> str | None:
    if text is None:
        return None
    text = text[:limit].strip()
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()  # lone surrogates; the parser is native code
    return text or None
