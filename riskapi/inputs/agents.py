"""User agents: browser, system and age, whether a program says that it runs the client, and whether it can be real."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import ua_parser

from riskapi.inputs.agent_releases import released
from signals.records import record

#: Marks of clients driven by a program, as their makers write them into the agent. Left out on purpose: okhttp,
#: Dalvik, CFNetwork, Electron and WebView, which are the agents of apps that people use. Those with a first letter in
#: common stand together, because each alternative is tried at every character. No two can match at the same one.
_MARKS: Final = (
    r"^(?:curl/|node$|got[ /(]|php[ /]|ruby\b)"
    r"|\b(?:(?:httpx|wget|java|axios|deno|bun|reqwest|httpclient)/|(?:libcurl|pycurl|undici)\b)"
    r"|a(?:iohttp|pache-httpclient)|bot(?<!cubot)(?=[/;) _-]|$)|c(?:ypress|rawler)|faraday|g(?:o-http-client|uzzlehttp)"
    r"|h(?:eadlesschrome|ttpie/)|insomnia/|jakarta commons|l(?:ighthouse|ibwww-perl|wp::)|mechanize|node-fetch"
    r"|p(?:hantomjs|uppeteer|laywright|ostmanruntime|owershell/|ython(?:-requests|-urllib|-httpx|/\d))|restsharp"
    r"|s(?:limerjs|elenium|plash|crapy|pider\b)|w(?:ebdriver|inhttp)"
)
#: ``re`` takes four times as long where it has to ignore case, so ASCII is searched in lower case.
_AUTOMATION, _LOWER_AUTOMATION = re.compile(_MARKS, re.IGNORECASE), re.compile(_MARKS)
#: Where agents of phones name maker and model, which may be any words: the comment with the system (of Android, Tizen
#: and KaiOS, and what Instagram and UC Browser make of it), and what Facebook's apps add (``FBDV/B BOT 550;``).
_MODELS = re.compile(
    r"\((?=[^()]*(?:Android|\bAdr\b|Tizen|; rv:))(?:[^()]|\([^()]*\))*\)|\bAndroid \([^()]*\)|\bFB(?:MF|BD|DV)/[^;\]]*"
)
#: What shows that the comment is a crawler's own after all: its name with a version, or where to read of it.
_CRAWLER = re.compile(r"compatible|https?:|(?:bot|crawler|spider)/\d", re.IGNORECASE)

#: Systems that ua-parser does not name (uap-core of 2026-10), as their browsers write them. Sources: openharmony/docs,
#: "Developing User-Agent"; LibWeb's ResourceLoader of SerenityOS and Ladybird; Chromium's ``user_agent_utils``; the
#: agents that Sony and Nintendo document for their consoles; the ports of Firefox, NetSurf and WebKit to the others.
_SYSTEMS: Final = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("OpenHarmony", r"\b(?:OpenHarmony|HarmonyOS)\b"),
        ("Fuchsia", r"\bFuchsia\b"),
        ("SerenityOS", r"\bSerenityOS\b"),
        ("Haiku", r"\bHaiku\b"),
        ("BeOS", r"\bBeOS\b"),
        ("DragonFly", r"\bDragonFly\b"),
        ("Redox", r"\bRedox\b"),
        ("RISC OS", r"\bRISC OS\b"),
        ("Amiga", r"\b(?:AmigaOS|AmigaVoyager|MorphOS|AROS)\b"),
        ("OS/2", r"\bOS/2\b"),
        ("Unix", r"\b(?:IRIX|HP-UX|AIX|OSF1|QNX|illumos)\b"),
        ("PlayStation", r"(?i)\bPlayStation\b"),
        ("Nintendo", r"\bNintendo\b"),
        ("Roku", r"\bRoku\b"),
        ("visionOS", r"\bvisionOS\b"),
        ("Sailfish", r"\bSailfish\b"),
        ("MeeGo", r"\bMeeGo\b"),
        ("Series 40", r"\bSeries ?40\b"),
        ("Java ME", r"\bJ2ME\b|\bMIDP\b"),
        ("Mac OS X", r"\bmacOS\b"),
    )
)
#: Clients that ua-parser does not name.
_FAMILIES: Final = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("Ladybird", r"\b(?:LibWeb|Ladybird)\b"),
        ("Servo", r"\bServo/"),
        ("NetSurf", r"\bNetSurf/"),
        ("w3m", r"^w3m/"),
        ("ArkWeb", r"\bArkWeb/"),
        ("NintendoBrowser", r"\bNintendo\b"),
        ("PlayStation", r"(?i)\bPlayStation\b"),
    )
)
#: Systems of phones and tablets, as ua-parser and :data:`_SYSTEMS` name them.
_MOBILE_SYSTEMS: Final = frozenset(
    {
        "Android", "iOS", "iPadOS", "Windows Phone", "Windows Mobile", "HarmonyOS", "OpenHarmony", "KaiOS", "Tizen",
        "BlackBerry OS", "BlackBerry Tablet OS", "Firefox OS", "Sailfish", "Maemo", "MeeGo", "Bada", "Symbian OS",
        "Symbian^3", "Symbian^3 Anna", "Symbian^3 Belle", "Nokia Series 30 Plus", "Nokia Series 40", "Series 40",
        "Java ME", "Brew MP",
    }
)  # fmt: skip
#: Devices that are not phones though their system is.
_NO_PHONE = re.compile(r"\((?:PC|2in1|TV); OpenHarmony|SMART-?TV|SmartTV", re.IGNORECASE)

#: A product with its version, which every browser sends (RFC 9110, 10.1.5).
_PRODUCT = re.compile(r"[A-Za-z][\w.!#$%&'*+^`|~-]*/v?\d")
#: The device that an agent is of, each without what another one is called.
_PLATFORMS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bWindows NT\b",
        r"\bMacintosh; (?!Intel Haiku)",
        r"\biP(?:hone|ad|od)\b(?! OS)",
        r"\bAndroid \d",
        r"\bCrOS\b",
        r"\bOpenHarmony \d",
        r"\bPlayStation\b",
        r"\bNintendo\b",
    )
)
_COMMENT = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)")
#: Products that exist for some systems only: the product, and what the agent then names too.
_ONLY_FOR: Final = (
    (re.compile(r"\b(?:CriOS|FxiOS|EdgiOS|OPiOS)/"), re.compile(r"iPhone|iPad|iPod|Macintosh|visionOS|\biOS\b")),
    (re.compile(r"\bEdgA/"), re.compile(r"Android")),
    (re.compile(r"\bTrident/"), re.compile(r"Windows|Xbox|compatible")),
    (
        re.compile(r"\bMobile/\d{2}[A-Z]\d"),
        re.compile(r"iPhone|iPad|iPod|Macintosh|visionOS|Windows Phone|like iPhone"),
    ),
    (re.compile(r"\bArkWeb/"), re.compile(r"HarmonyOS|OpenHarmony|Android|Linux|Windows|Macintosh")),
)


@record
class Agent:
    """What an agent says of its client; what nobody knows is ``None``.

    ``released`` is the Unix time at which its major version came out. ``automation`` is the mark of a program, ``""``
    where there is none. ``invented``: it contradicts itself, or is of no form that a browser sends.
    """

    family: str | None
    major: int | None
    system: str | None
    released: float | None
    mobile: bool | None
    automation: str
    invented: bool


@lru_cache(8192)
def read(text: str) -> Agent:
    """Read an agent. Never raises."""
    parsed = ua_parser.parse(text)
    agent, system, device = parsed.user_agent, parsed.os, parsed.device
    family = agent.family if agent is not None else _named(_FAMILIES, text)
    digits = agent.major if agent is not None else None
    major = int(digits) if digits is not None and digits.isdecimal() and len(digits) <= 6 else None
    name = system.family if system is not None else _named(_SYSTEMS, text)
    mobile = None
    if name is not None:
        kind = device.family if device is not None else ""
        mobile = (name in _MOBILE_SYSTEMS or kind in ("iPad", "iPhone")) and _NO_PHONE.search(text) is None
    return Agent(
        family=family,
        major=major,
        system=name,
        released=released(family, major) if family is not None and major is not None else None,
        mobile=mobile,
        automation=_automation(text, is_spider=device is not None and device.family == "Spider"),
        invented=_PRODUCT.search(text) is None or _contradicts_itself(text),
    )


def _named(names: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str | None:
    return next((name for name, pattern in names if pattern.search(text)), None)


def _without_models(text: str) -> str:
    """The agent without the names of phones, which may be any words."""
    return _MODELS.sub(lambda found: found[0] if _CRAWLER.search(found[0]) else "()", text)


def _automation(text: str, *, is_spider: bool) -> str:
    """The mark of automation in an agent; ``is_spider``: ua-parser takes it for a crawler's."""
    bare = _without_models(text)
    mark = _LOWER_AUTOMATION.search(bare.lower()) if bare.isascii() else _AUTOMATION.search(bare)
    if mark is not None:
        return mark[0].lower().strip(" /(")
    if is_spider and bare != text:
        device = ua_parser.parse(bare).device
        is_spider = device is not None and device.family == "Spider"
    return "spider" if is_spider else ""


def _contradicts_itself(text: str) -> bool:
    """Whether an agent is of two devices at once, or of a product that its system does not have.

    Windows Phone named all others, so that sites sent it what they send to them.
    """
    found = _COMMENT.search(text)
    comment = "" if found is None else found[1]
    if not comment or "Windows Phone" in comment:
        return False
    if sum(pattern.search(comment) is not None for pattern in _PLATFORMS) > 1:
        return True
    return any(product.search(text) and not system.search(text) for product, system in _ONLY_FOR)
