"""Browsers and what they send: user agent, TLS fingerprint, accepted languages.

Versions follow the release calendars (MDN browser-compat-data 8.1.9): Chrome 152 came out on 25 August 2026 and
Firefox 154 on 18 August, both every four weeks before and every two weeks after; Safari 27 on 14 September 2026.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from training.simulator.countries import Country, Weighted
from training.simulator.mailboxes import pick

_DAY = 86_400.0
#: Version and release day, 00:00 UTC, from which one comes every two weeks and before which every four.
_CHROME, _CHROME_DAY = 152, 1_787_616_000.0
_FIREFOX, _FIREFOX_DAY = 154, 1_787_011_200.0
#: 14 September 2026, 00:00 UTC.
_SAFARI_27 = 1_789_344_000.0

_DESKTOP: Weighted = {"chrome-windows": 46, "chrome-mac": 16, "edge": 13, "safari-mac": 11, "firefox": 8, "opera": 3,
                      "chrome-linux": 3}  # fmt: skip
_MOBILE: Weighted = {"chrome-android": 52, "safari-ios": 36, "samsung": 9, "chrome-ios": 3}
_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_SYSTEMS = {
    "windows": "Windows NT 10.0; Win64; x64",
    "mac": "Macintosh; Intel Mac OS X 10_15_7",
    "linux": "X11; Linux x86_64",
    "android": "Linux; Android 10; K",
}
#: Clients of scripts, with the versions current in 2025 and 2026.
_SCRIPTS = ("python-requests/2.32.5", "curl/8.16.0", "okhttp/5.1.0", "Go-http-client/2.0", "axios/1.12.2", "node",
            "python-httpx/0.28.1", "PostmanRuntime/7.46.1")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Browser:
    """What a client sends. ``tls`` is made from the client's family."""

    agent: str
    tls: str


def _tls(family: str, epoch: int) -> str:
    """A made-up fingerprint in the shape of a JA4; one family and epoch share it, as real ones do."""
    digest = sha256(f"{family}:{epoch}".encode()).hexdigest()
    return f"t13d1516h2_{digest[:12]}_{digest[12:24]}"


def _releases(at: float, since: float, lag: float) -> int:
    """Releases after (or before) that day, ``lag`` releases behind."""
    elapsed = at - since
    return math.floor(elapsed / ((14 if elapsed > 0 else 28) * _DAY) - lag)


def browser(
    random: Random, at: float, *, handset: bool | None = None, family: str | None = None, lag: float | None = None
) -> Browser:
    """A browser in use at that time. ``lag`` is how many releases it is behind; most are at most one.

    A few people are ahead, on the beta of the next release.
    """
    if handset is None:
        handset = random.random() < 0.4
    chosen = family or pick(random, _MOBILE if handset else _DESKTOP)
    if lag is None:
        lag = random.choices((-2, 0, 1, 2, 5, 12, 25), (0.4, 50, 27, 12, 6, 3, 2))[0] * random.random()
    releases = _releases(at, _CHROME_DAY + (4 * _DAY if chosen == "edge" else 0), lag)
    chrome, firefox = _CHROME + releases, _FIREFOX + _releases(at, _FIREFOX_DAY, lag)
    safari = "27.0" if at > _SAFARI_27 + lag * 14 * _DAY else "26.4" if lag < 12 else "18.5"
    kind, _, system = chosen.partition("-")
    if kind == "firefox":
        agent = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0"
    elif chosen == "safari-ios":
        agent = (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_{6 if lag < 6 else 3} like Mac OS X) AppleWebKit/605.1.15 "
            f"(KHTML, like Gecko) Version/{safari} Mobile/15E148 Safari/604.1"
        )
    elif chosen == "safari-mac":
        agent = (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            f"Version/{safari} Safari/605.1.15"
        )
    elif chosen == "chrome-ios":
        agent = (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            f"CriOS/{chrome}.0.0.0 Mobile/15E148 Safari/604.1"
        )
    elif kind == "samsung":
        agent = (
            f"Mozilla/5.0 ({_SYSTEMS['android']}) {_WEBKIT} SamsungBrowser/30.0 Chrome/142.0.0.0 Mobile Safari/537.36"
        )
    elif kind == "chrome":
        mobile = "Mobile " if system == "android" else ""
        agent = f"Mozilla/5.0 ({_SYSTEMS[system]}) {_WEBKIT} Chrome/{chrome}.0.0.0 {mobile}Safari/537.36"
    else:
        tail = f"Edg/{chrome}.0.0.0" if kind == "edge" else f"OPR/{chrome - 18}.0.0.0"
        agent = f"Mozilla/5.0 ({_SYSTEMS['windows']}) {_WEBKIT} Chrome/{chrome}.0.0.0 Safari/537.36 {tail}"
    engine = {"edge": "chrome", "opera": "chrome", "samsung": "chrome"}.get(kind, chosen if "ios" in chosen else kind)
    return Browser(agent, _tls(engine, releases // 8))


def script(random: Random) -> Browser:
    """A scripted client that does not hide."""
    agent = random.choice(_SCRIPTS)
    return Browser(agent, _tls(agent.split("/")[0], 0))


def headless(random: Random, at: float) -> Browser:
    """A driven browser that says so in its agent."""
    plain = browser(random, at, handset=False, family="chrome-linux", lag=random.randrange(8))
    return Browser(plain.agent.replace("Chrome/", "HeadlessChrome/"), plain.tls)


def device_id(random: Random) -> str:
    """An identifier as a first-party cookie or fingerprint library would give it."""
    return f"{random.getrandbits(64):016x}"


def accepted(random: Random, country: Country) -> str:
    """An ``Accept-Language`` header of someone in that country."""
    return language_header(random, pick(random, country.languages))


def language_header(random: Random, primary: str) -> str:
    """An ``Accept-Language`` header whose first choice is this tag."""
    base = primary.partition("-")[0]
    if base == "en":
        return random.choice((f"{primary},en;q=0.9", primary))
    forms = (f"{primary},{base};q=0.9", f"{primary},{base};q=0.9,en-US;q=0.8,en;q=0.7", primary)
    return random.choices(forms, (3, 5, 1))[0]
