"""User agents as people's phones, browsers and consoles send them, as programs do, and as somebody makes them up."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from riskapi.inputs import agents
from riskapi.inputs import device as devices
from riskapi.inputs.signup import DevicePart
from signals import read
from signals.facts import Account, Email, Facts

ANDROID = (
    "Mozilla/5.0 (Linux; Android 7.0; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Mobile Safari/537.36"
)
KIT = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT}"


def readings(agent: str) -> dict[str, Any]:
    device = devices.read(DevicePart(user_agent=agent))
    return dict(read(Facts(at=0.0, account=Account(), email=Email("x", valid=False), device=device)))


@pytest.mark.parametrize(
    "model",
    [
        # Logicom's phones (matomo-org/device-detector#5701, case D01)
        "B BOT 550 Build/MRA58K", "M BOT 60", "ID BOT 53+ Build/NRD90M", "M_BOT_551 Build/KOT49H", "Le BOT",
        "ID_BOT_553", "LOGICOM B BOT 550", "M BOT TAB 100 Build/LRX21V", "B-BOT-50; wv",
        "CUBOT X19", "CUBOT_NOTE_20", "Cubot King Kong", "cubot c30 Build/RP1A",
        "ROBOT", "Talking Bot", "i-Bot 2", "Bot", "Spider X1", "SPIDER", "Web Crawler 3", "Splash 4G", "Lighthouse",
        "Selenium Plus", "Cypress", "SM-J320F (2016) BOT Build/LMY47V",
    ],
)  # fmt: skip
def test_a_word_in_the_name_of_a_phone_is_no_robot(model: str) -> None:
    assert agents.read(ANDROID.format(model)).automation == ""


@pytest.mark.parametrize(
    "agent",
    [
        "Dalvik/2.1.0 (Linux; U; Android 7.0; M BOT 60 Build/NRD90M)",
        "Mozilla/5.0 (Linux; U; Android 4.4.2; fr-fr; M_BOT_551 Build/KOT49H) AppleWebKit/534.30 (KHTML, like Gecko) "
        "Version/4.0 Mobile Safari/534.30",
        "Mozilla/5.0 (Android 7.0; Mobile; B BOT 550; rv:130.0) Gecko/130.0 Firefox/130.0",
        "Mozilla/5.0 (Mobile; LOGICOM_B_BOT; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
        "Instagram 300.0.0.1.110 Android (24/7.0; 320dpi; 720x1280; LOGICOM; B BOT 550; B_BOT_550; mt6735; fr_FR)",
        ANDROID.format("B BOT 550; wv")
        + " [FB_IAB/FB4A;FBAV/400.0.0.1;FBMF/LOGICOM;FBBD/M BOT;FBDV/M BOT 60;FBSV/7.0;]",
        "UCWEB/2.0 (MIDP-2.0; U; Adr 7.0; fr-FR; M_BOT_60) U2/1.0.0 UCBrowser/10.6.0.706 U2/1.0.0 Mobile",
    ],
    ids=["dalvik", "android browser", "firefox", "kaios", "instagram", "facebook", "uc browser"],
)
def test_a_phone_is_no_robot_in_whatever_app(agent: str) -> None:
    assert agents.read(agent).automation == ""


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/131.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) "
        "Chrome/116.0.1938.76 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 7.0;) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 "
        "(compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
        "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 "
        "(compatible; Bytespider; https://zhanzhang.toutiao.com/)",
        "Mozilla/5.0 (Linux; Android 10; compatible; SomeCrawler) AppleWebKit/537.36 (KHTML, like Gecko)",
        "Mozilla/5.0 (Linux; Android 10; examplebot/1.0) AppleWebKit/537.36 (KHTML, like Gecko)",
        "AdsBot-Google (+http://www.google.com/adsbot.html)",
        "TelegramBot (like TwitterBot)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "facebookexternalhit/1.1",
        ANDROID.format("B BOT 550").replace("Chrome/", "HeadlessChrome/"),
        ANDROID.format("B BOT 550") + " python-requests/2.31.0",
    ],
)
def test_a_robot_that_says_so_is_one(agent: str) -> None:
    assert agents.read(agent).automation


@pytest.mark.parametrize(
    ("agent", "system", "mobile"),
    [
        # Huawei's own page on its agents (openharmony/docs, "Developing User-Agent"; case D03)
        (f"Mozilla/5.0 (Phone; OpenHarmony 5.0) {KIT}  ArkWeb/6.0.0.130 Mobile HuaweiBrowser/5.1.3.311",
         "OpenHarmony", True),
        (f"Mozilla/5.0 (Phone; OpenHarmony 5.1) {KIT}  ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.9.39 NetType/WIFI",
         "OpenHarmony", True),
        (f"Mozilla/5.0 (Tablet; OpenHarmony 4.1) {KIT} ArkWeb/4.1.6.1", "OpenHarmony", True),
        (f"Mozilla/5.0 (PC; OpenHarmony 5.0; HarmonyOS 5.0) {KIT} ArkWeb/4.1.6.1", "HarmonyOS", False),
        (f"Mozilla/5.0 (PC; OpenHarmony 5.0) {KIT} ArkWeb/4.1.6.1", "OpenHarmony", False),
        ("Mozilla/5.0 (OpenHarmony; Mobile; rv:128.0) Servo/0.0.1 Firefox/128.0", "OpenHarmony", True),
        ("Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00; HMSCore 6.13.0.321) AppleWebKit/537.36 (KHTML, like "
         "Gecko) Chrome/114.0.5735.196 HuaweiBrowser/14.0.6.300 Mobile Safari/537.36", "Android", True),
        ("Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", "KaiOS", True),
        ("Mozilla/5.0 (Mobile; GoFlip4; rv:84.0) Gecko/84.0 Firefox/84.0 KAIOS/3.1", "KaiOS", True),
        ("Mozilla/5.0 (Linux; Tizen 2.3; SAMSUNG SM-Z130H) AppleWebKit/537.3 (KHTML, like Gecko) SamsungBrowser/1.0 "
         "Mobile Safari/537.3", "Tizen", True),
        ("Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV "
         "Safari/537.36", "Tizen", False),
        (f"Mozilla/5.0 (Fuchsia) {KIT}", "Fuchsia", False),
        ("Mozilla/5.0 (SerenityOS; AArch64) LibWeb+LibJS/1.0 (KHTML, like Gecko) Browser/1.0", "SerenityOS", False),
        ("Mozilla/5.0 (Linux; x86_64) LibWeb/1.0 (KHTML, like Gecko) Ladybird/1.0", "Linux", False),
        ("Mozilla/5.0 (macOS; AArch64) LibWeb/1.0 (KHTML, like Gecko) Ladybird/1.0", "Mac OS X", False),
        ("Mozilla/5.0 (Macintosh; Intel Haiku R1 x86) AppleWebKit/612.1.21 (KHTML, like Gecko) WebPositive/1.3 "
         "Version/15.1 Safari/612.1.21", "Haiku", False),
        ("Mozilla/5.0 (X11; Haiku x86_64; rv:115.0) Gecko/20100101 Firefox/115.0", "Haiku", False),
        ("Mozilla/5.0 (X11; DragonFly x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "DragonFly", False),
        ("Mozilla/5.0 (X11; OpenBSD amd64; rv:130.0) Gecko/20100101 Firefox/130.0", "OpenBSD", False),
        ("Mozilla/5.0 (Sailfish 4.0; Mobile; rv:60.0) Gecko/60.0 Firefox/60.0", "Sailfish", True),
        ("Mozilla/5.0 (PlayStation; PlayStation 5/6.50) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.4 "
         "Safari/605.1.15", "PlayStation", False),
        ("Mozilla/5.0 (PlayStation 4 3.11) AppleWebKit/537.73 (KHTML, like Gecko)", "PlayStation", False),
        ("Mozilla/5.0 (Nintendo Switch 2; ShareApplet) AppleWebKit/613.0 (KHTML, like Gecko) NF/6.0.3.32.2 "
         "NintendoBrowser/5.1.0.35443", "Nintendo", False),
        ("Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10", "Java ME", True),
        ("Mozilla/5.0 (compatible; NetSurf/3.11; RISC OS) NetSurf/3.11", "RISC OS", False),
        ("NetSurf/3.11 (Linux)", "Linux", False),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Servo/0.0.1 Firefox/140.0", "Linux", False),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + KIT, "Chrome OS", False),
        ("Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15254", "Windows Phone", True),
        ("Mozilla/5.0 (Mobile; Windows Phone 8.1; Android 4.0; ARM; Trident/7.0; Touch; rv:11.0; IEMobile/11.0; NOKIA; "
         "Lumia 520) like iPhone OS 7_0_3 Mac OS X AppleWebKit/537 (KHTML, like Gecko) Mobile Safari/537",
         "Windows Phone", True),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) " + KIT + " Edg/131.0.0.0", "Windows", False),
        ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Windows", False),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131 "
         "Version/11.1.1 Safari/605.1.15", "iOS", True),
        ("Mozilla/5.0 (iPad; CPU OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/131.0 "
         "Mobile/15E148 Safari/605.1.15", "iOS", True),
        ("Mozilla/5.0 (Linux; Ubuntu 20.04 like Android 9) AppleWebKit/537.36 Chrome/87.0.4280.144 Mobile "
         "Safari/537.36", "Android", True),
    ],
)  # fmt: skip
def test_an_honest_system_is_known(agent: str, system: str, mobile: bool) -> None:
    found = readings(agent)
    assert (found["device_agent_system"], found["device_is_mobile"]) == (system, mobile)
    assert (found["device_agent_is_known"], found["device_is_automated"]) == (True, False)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (NewOS 3; Phone) AppleWebKit/700.1 (KHTML, like Gecko) NewBrowser/3.1",
        "Mozilla/5.0 (X11; NewOS x86_64; rv:170.0) Gecko/20100101 Firefox/170.0",
        "okhttp/4.12.0",
        "NewApp/1.0",
        "Mozilla/5.0",
        "Dillo/3.1.1",
        "Lynx/2.9.0dev.10 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.8",
    ],
)
def test_what_nobody_has_heard_of_is_unknown_and_not_invented(agent: str) -> None:
    assert readings(agent)["device_agent_is_known"] is None


@pytest.mark.parametrize(
    "agent",
    [
        f"Mozilla/5.0 (iPhone; Windows NT 10.0; Win64) {KIT}",
        f"Mozilla/5.0 (Windows NT 10.0; Android 14) {KIT}",
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7; Android 13) {KIT}",
        f"Mozilla/5.0 (Phone; OpenHarmony 5.0; Windows NT 10.0) {KIT}",
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0; Macintosh; Intel Mac OS X 10_15_7) {KIT}",
        WINDOWS.replace("Chrome/", "CriOS/"),
        WINDOWS.replace("Chrome/132.0.0.0", "Version/18.0 Mobile/15E148"),
        WINDOWS + " EdgA/131.0.0.0",
        WINDOWS + " ArkWeb/4.1.6.1".replace("ArkWeb", "FxiOS"),
        ANDROID.format("K").replace("Chrome/", "CriOS/"),
        "Mozilla/5.0 (X11; Linux x86_64; Trident/7.0; rv:11.0) like Gecko",
        "who knows",
        "a browser",
        "💣",
    ],
)
def test_what_contradicts_itself_is_invented(agent: str) -> None:
    assert readings(agent)["device_agent_is_known"] is False


def test_no_agent_of_the_cases_is_invented() -> None:
    found = tomllib.loads((Path(__file__).parents[1] / "case_shorthands.toml").read_text())["agents"]
    assert {name for name, agent in found.items() if agents.read(agent).invented} == set()
