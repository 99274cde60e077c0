"""Agents of people, apps and scripts are told apart; nothing a client sends raises."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.inputs import agents
from riskapi.inputs import device as devices
from riskapi.inputs.input_warnings import usable
from riskapi.inputs.signup import AccountPart, DevicePart, EmailPart, Signup
from signals.facts import Device
from tests.agents import CHROME, IPHONE

ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:155.0) Gecko/20100101 Firefox/155.0"
SLACK = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Slack/4.35 Chrome/118.0 Electron/27.0 Safari/537.36"
)


def agent(text: str) -> Device:
    return devices.read(DevicePart(user_agent=text))


@pytest.mark.parametrize(
    ("text", "family", "major", "system", "mobile"),
    [
        (CHROME.format(131), "Chrome", 131, "Windows", False),
        (IPHONE, "Mobile Safari", 18, "iOS", True),
        (ANDROID.format("K"), "Chrome Mobile", 131, "Android", True),
        (FIREFOX, "Firefox", 155, "Linux", False),
        (CHROME.format(131) + " Edg/131.0.0.0", "Edge", 131, "Windows", False),
        ("curl/8.5.0", "curl", 8, None, None),
        ("who knows", None, None, None, None),
    ],
    ids=["chrome", "iphone", "android", "firefox", "edge", "curl", "unknown"],
)
def test_an_agent_is_parsed(text: str, family: str | None, major: int | None, system: str | None, mobile: bool) -> None:
    device = agent(text)
    assert (device.agent_family, agents.read(text).major) == (family, major)
    assert (device.agent_system, device.agent_mobile) == (system, mobile)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        (CHROME.format(120).replace("Chrome/", "HeadlessChrome/"), "headlesschrome"),
        ("Mozilla/5.0 (Unknown; Linux) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1", "phantomjs"),
        ("python-requests/2.31.0", "python-requests"),
        ("Python-urllib/3.11", "python-urllib"),
        ("python-httpx/0.27", "python-httpx"),
        ("Python/3.11 aiohttp/3.9.1", "python/3"),
        ("curl/8.5.0", "curl"),
        ("Wget/1.21.4", "wget"),
        ("Go-http-client/1.1", "go-http-client"),
        ("Java/17.0.1", "java"),
        ("libwww-perl/6.72", "libwww-perl"),
        ("axios/1.6.0", "axios"),
        ("node-fetch/1.0", "node-fetch"),
        ("node", "node"),
        ("Scrapy/2.11 (+https://scrapy.org)", "scrapy"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("facebookexternalhit/1.1", "spider"),
    ],
)
def test_a_script_is_known_by_its_mark(text: str, mark: str) -> None:
    assert agent(text).automation == mark


@pytest.mark.parametrize(
    "text",
    [
        CHROME.format(131),
        IPHONE,
        FIREFOX,
        SLACK,
        ANDROID.format("CUBOT X19"),
        ANDROID.format("CUBOT_NOTE_20"),
        "okhttp/4.12.0",
        "Dalvik/2.1.0 (Linux; U; Android 13; SM-G991B Build/TP1A)",
        "MyApp/1 CFNetwork/1490.0.4 Darwin/23.2.0",
    ],
    ids=["chrome", "iphone", "firefox", "slack", "cubot", "cubot note", "okhttp", "dalvik", "cfnetwork"],
)
def test_browsers_and_apps_of_people_carry_no_mark(text: str) -> None:
    assert agent(text).automation == ""


def test_the_release_of_the_agent_is_known() -> None:
    released = agent(CHROME.format(130)).agent_released
    assert released == datetime(2024, 10, 15, tzinfo=UTC).timestamp()
    assert agent("curl/8.5.0").agent_released is None


@pytest.mark.parametrize("part", [DevicePart(), DevicePart(user_agent="", accept_language=" ", time_zone="", id="")])
def test_what_is_missing_is_unknown(part: DevicePart) -> None:
    assert devices.read(part) == Device()


def test_languages_and_zone_have_their_countries() -> None:
    device = devices.read(DevicePart(accept_language="es-ES,es;q=0.9", time_zone="Europe/Madrid"))
    assert device.languages == ("es",)
    assert device.language_countries is not None and "MX" in device.language_countries
    assert (device.time_zone_valid, device.time_zone_countries) == (True, frozenset({"ES"}))


def test_a_zone_that_does_not_exist_is_invalid() -> None:
    device = devices.read(DevicePart(time_zone="Mars/Olympus"))
    assert (device.time_zone_valid, device.time_zone_countries) == (False, None)


def test_a_fingerprint_needs_tls_and_holds_the_agent() -> None:
    assert agent(CHROME.format(131)).fingerprint is None
    both = devices.read(DevicePart(user_agent=CHROME.format(131), tls_fingerprint="T13D1516H2_8DAAF6152771"))
    assert both.fingerprint == "t13d1516h2_8daaf6152771|Chrome|131|Windows"
    assert devices.read(DevicePart(tls_fingerprint="abc")).fingerprint == "abc|||"


def test_an_endless_agent_is_cut() -> None:
    device = devices.read(DevicePart.model_construct(user_agent="Chrome/" * 200_000))
    assert device.user_agent is not None and len(device.user_agent) <= devices.MAX_AGENT


@pytest.mark.parametrize(
    ("text", "is_malformed"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        (CHROME.format(131), False),
        ("Chr\u00f3me/131\n", False),
        ("Chro\0me", True),
        ("Chro\ufffdme", True),
        ("x" * 2049, True),
    ],
)
def test_an_agent_is_malformed_whatever_is_used_of_it(text: str | None, is_malformed: bool | None) -> None:
    signup = Signup(
        account=AccountPart(user_id="u1"), email=EmailPart(address="a@example.com"), device=DevicePart(user_agent=text)
    )
    used, _ = usable(signup, 0.0)
    assert used.device is not None and signup.device is not None
    assert devices.read(used.device, signup.device).agent_malformed is is_malformed
    assert devices.read(signup.device).agent_malformed is is_malformed


@given(
    st.builds(
        DevicePart.model_construct,
        user_agent=st.text(max_size=300),
        accept_language=st.text(max_size=300),
        time_zone=st.text(max_size=100),
        tls_fingerprint=st.text(max_size=100),
        id=st.text(max_size=100),
    )
)
def test_no_text_raises(part: DevicePart) -> None:
    device = devices.read(part)
    assert "" not in (device.id, device.user_agent, device.time_zone, device.tls_fingerprint)


@pytest.mark.parametrize("text", ["\ud800 agent", "\x00", "Chrome/99999999999999999999.0", "Chrome/-1", "Chrome/１３"])
def test_busted_agents_are_read(text: str) -> None:
    assert devices.read(DevicePart.model_construct(user_agent=text)).automation == ""
