"""What the browser or client said of itself: agent, languages, time zone; bounded, cached and never raising."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import ua_parser

from riskapi.agent_releases import released
from riskapi.locales import language_countries, languages, zone_countries
from riskapi.signup import DevicePart
from riskapi.usable_inputs import is_broken
from riskapi.visitor_values import LONGEST
from signals.facts import Device

#: Longest user agent that is parsed. Browsers send about 120 characters, in-app browsers up to about 400.
MAX_AGENT: Final = 512

#: Marks of clients driven by a program, as their makers write them into the agent. Left out on purpose: okhttp,
#: Dalvik, CFNetwork, Electron and WebView, which are the agents of apps that people use.
_AUTOMATION = re.compile(
    r"headlesschrome|phantomjs|slimerjs|selenium|webdriver|puppeteer|playwright|cypress|splash|lighthouse"
    r"|python-requests|python-urllib|python-httpx|python/\d|aiohttp|\bhttpx/|scrapy|mechanize"
    r"|^curl/|\blibcurl\b|\bpycurl\b|\bwget/|go-http-client|\bjava/|apache-httpclient|jakarta commons|libwww-perl|lwp::"
    r"|\baxios/|node-fetch|\bundici\b|^node$|^got[ /(]|\bdeno/|\bbun/|guzzlehttp|^php[ /]|^ruby\b|faraday|restsharp"
    r"|postmanruntime|insomnia/|httpie/|\breqwest/|\bhttpclient/|winhttp|powershell/"
    r"|(?<!cu)bot(?=[/;) _-]|$)|crawler|spider\b",
    re.IGNORECASE,
)

#: Systems that ua-parser reports for phones and tablets.
_MOBILE_SYSTEMS: Final = frozenset(
    {"Android", "iOS", "iPadOS", "Windows Phone", "HarmonyOS", "KaiOS", "BlackBerry OS", "Tizen", "Firefox OS"}
)
#: What broken scripts send for an identifier they do not have.
_PLACEHOLDERS = frozenset({"undefined", "null", "none", "nan", "unknown", "true", "false", "[object object]"})


@dataclass(frozen=True, slots=True)
class _Agent:
    family: str | None
    major: int | None
    system: str | None
    released: float | None
    mobile: bool | None
    automation: str


def read(part: DevicePart, posted: DevicePart | None = None) -> Device:
    """Read a device part; blank texts count as not given. ``posted`` is what ``part`` is the usable part of.

    ``fingerprint`` is given only with a TLS fingerprint: an agent alone is shared by millions.
    """
    text, accept, zone = _given(part.user_agent, MAX_AGENT), _given(part.accept_language), _given(part.time_zone)
    tls = _given(part.tls_fingerprint)
    agent = _agent(text) if text is not None else None
    subtags = languages(accept) if accept is not None else None
    zoned = zone_countries(zone) if zone is not None else None
    fingerprint = None
    if tls is not None:
        known = (agent.family, agent.major, agent.system) if agent else (None, None, None)
        fingerprint = "|".join([tls.lower(), *("" if value is None else str(value) for value in known)])
    whole = (posted or part).user_agent
    return Device(
        id=identifier(part.id),
        user_agent=text,
        agent_family=agent.family if agent else None,
        agent_major=agent.major if agent else None,
        agent_system=agent.system if agent else None,
        agent_released=agent.released if agent else None,
        agent_mobile=agent.mobile if agent else None,
        agent_malformed=_is_malformed(whole) if whole and whole.strip() else None,
        automation=agent.automation if agent else None,
        accept_language=accept,
        languages=subtags,
        language_countries=language_countries(subtags) if subtags else None,
        time_zone=zone,
        time_zone_valid=zoned is not None if zone is not None else None,
        time_zone_countries=zoned,
        tls_fingerprint=tls,
        fingerprint=fingerprint,
    )


def identifier(text: str | None) -> str | None:
    """An identifier a script made; what scripts send when they have none is none, or it would link strangers."""
    found = _given(text)
    return None if found is None or found.lower() in _PLACEHOLDERS or not found.strip("0-") else found


def _is_malformed(agent: str) -> bool:
    """Whether an agent is longer than is read, or has control characters or characters that are none."""
    return len(agent) > LONGEST or is_broken(agent)


def _given(text: str | None, limit: int = LONGEST) -> str | None:
    if text is None:
        return None
    text = text[:limit].strip()
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()  # lone surrogates; the parser is native code
    return text or None


@lru_cache(8192)
def _agent(text: str) -> _Agent:
    parsed = ua_parser.parse(text)
    agent, system, device = parsed.user_agent, parsed.os, parsed.device
    mark = _AUTOMATION.search(text)
    automation = mark[0].lower().strip(" /(") if mark else ""
    if not automation and device is not None and device.family == "Spider":
        automation = "spider"
    family = agent.family if agent is not None else None
    digits = agent.major if agent is not None else None
    major = int(digits) if digits is not None and digits.isdecimal() and len(digits) <= 6 else None
    mobile = None
    if system is not None:
        mobile = system.family in _MOBILE_SYSTEMS or (device is not None and device.family in ("iPad", "iPhone"))
    return _Agent(
        family=family,
        major=major,
        system=system.family if system is not None else None,
        released=released(family, major) if family is not None and major is not None else None,
        mobile=mobile,
        automation=automation,
    )
