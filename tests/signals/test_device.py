"""Each device signal: real browsers, scripts, travellers, and clocks and languages that disagree."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.inputs import device as devices
from riskapi.inputs.signup import DevicePart
from signals.facts import Account, Email, Facts, Network
from signals.registry import Readings, registered
from tests.agents import CHROME, IPHONE
from tests.signals.reading import alone

SIGNALS = {name: found for name, found in registered().items() if found.family == "device"}
AT = datetime(2024, 11, 1, tzinfo=UTC).timestamp()
HOME = Network("83.50.1.1", ip="83.50.1.1", country="ES", kind="consumer")


def read(network: Network | None = HOME, at: float = AT, **part: str) -> Readings:
    facts = Facts(
        at=at,
        account=Account(),
        email=Email("ana@ruiz.example", valid=True),
        network=network,
        device=devices.read(DevicePart(**part)),
    )
    return {name: alone(found, facts) for name, found in SIGNALS.items()}


def test_without_a_device_everything_is_unknown() -> None:
    assert set(read().values()) == {None}


def test_an_ordinary_browser_raises_nothing() -> None:
    found = read(user_agent=CHROME.format(130), accept_language="es-ES,es;q=0.9", time_zone="Europe/Madrid")
    assert found["device_agent_family"] == "Chrome"
    assert found["device_agent_age_days"] == 17.0
    assert not any(found[name] for name, signal in SIGNALS.items() if signal.risk == 1)
    assert all(found[name] for name, signal in SIGNALS.items() if signal.risk == -1)


@pytest.mark.parametrize(
    ("agent", "signal", "value"),
    [
        (CHROME.format(130), "device_agent_days_early", 0.0),
        (CHROME.format(135), "device_agent_days_early", 151.0),
        (CHROME.format(135), "device_agent_age_days", 0.0),
        (CHROME.format(130), "device_agent_is_known", True),
        ("who knows", "device_agent_is_known", False),
        ("curl/8.5.0", "device_is_automated", True),
        ("curl/8.5.0", "device_automation", "curl"),
        ("curl/8.5.0", "device_agent_age_days", None),
        (CHROME.format(130), "device_automation", ""),
        (CHROME.format(130), "device_agent_system", "Windows"),
        (CHROME.format(130), "device_is_mobile", False),
        (IPHONE, "device_is_mobile", True),
    ],
)
def test_an_agent_reads_as(agent: str, signal: str, value: Any) -> None:
    assert read(user_agent=agent)[signal] == value


def test_the_age_of_an_agent_is_that_at_the_signup_not_now() -> None:
    year = 365 * 86_400.0
    assert read(user_agent=CHROME.format(130), at=AT + year)["device_agent_age_days"] == 17.0 + 365.0


@pytest.mark.parametrize(
    ("language", "country", "value"),
    [
        ("es-ES", "ES", False),
        ("ca,gl;q=0.5", "ES", False),
        ("vi", "ES", True),
        ("vi,es;q=0.1", "ES", False),
        ("en-US", "CN", False),  # English agrees with every country
        ("vi,en;q=0.5", "ES", False),
        ("xq", "ES", None),
        ("*", "ES", None),
    ],
)
def test_a_language_disagrees_only_when_nobody_there_speaks_it(language: str, country: str, value: bool | None) -> None:
    network = Network("x", ip="83.50.1.1", country=country, kind="consumer")
    assert read(network, accept_language=language)["device_language_mismatch"] is value


@pytest.mark.parametrize(
    ("zone", "country", "value"),
    [
        ("Europe/Madrid", "ES", False),
        ("Atlantic/Canary", "ES", False),
        ("Asia/Saigon", "VN", False),
        ("Asia/Ho_Chi_Minh", "ES", True),
        ("Europe/Berlin", "NO", False),
        ("UTC", "ES", None),
        ("CET", "DE", None),
        ("MET", "DE", None),
        ("EST", "US", None),
        ("EST5EDT", "US", None),
        ("EET", "FI", None),
        ("WET", "ES", None),
        ("Etc/GMT-1", "DE", None),
        ("+01:00", "DE", None),
        ("Mars/Olympus", "ES", None),
    ],
)
def test_a_clock_disagrees_only_with_a_country_that_keeps_another(zone: str, country: str, value: bool | None) -> None:
    network = Network("x", ip="83.50.1.1", country=country, kind="consumer")
    assert read(network, time_zone=zone)["device_time_zone_mismatch"] is value


@pytest.mark.parametrize("anonymizer", ["vpn", "tor", "private_relay"])
def test_privacy_is_not_punished_but_settings_are_still_compared(anonymizer: Any) -> None:
    network = Network("x", ip="45.83.220.68", country="SE", anonymizer=anonymizer)
    found = read(network, accept_language="vi", time_zone="America/Sao_Paulo")
    assert found["device_language_mismatch"] is None and found["device_time_zone_mismatch"] is None
    assert found["device_language_time_zone_mismatch"] is True


@pytest.mark.parametrize(
    ("zone", "valid", "utc"),
    [("Europe/Madrid", True, False), ("UTC", True, True), ("Etc/GMT+3", True, True), ("Mars/Olympus", False, None),
     ("CET", True, None), ("EST5EDT", True, None), ("GMT", True, True), ("+05:30", True, True)],
)  # fmt: skip
def test_a_zone_reads_as(zone: str, valid: bool, utc: bool | None) -> None:
    found = read(time_zone=zone)
    assert (found["device_time_zone_is_valid"], found["device_time_zone_is_utc"]) == (valid, utc)


@pytest.mark.parametrize(("header", "count"), [("es-ES,es,en;q=0.5", 2), ("*", 0), ("junk!", 0)])
def test_languages_are_counted(header: str, count: int) -> None:
    assert read(accept_language=header)["device_language_count"] == count


@pytest.mark.parametrize(
    ("agent", "network", "value"),
    [
        (IPHONE, Network("x", ip="95.216.1.1", kind="hosting"), True),
        (IPHONE, Network("x", ip="45.83.220.68", kind="hosting", anonymizer="vpn"), False),
        (IPHONE, HOME, False),
        (CHROME.format(130), Network("x", ip="95.216.1.1", kind="hosting"), False),
        (IPHONE, Network("x", ip="38.0.0.1"), None),
        (IPHONE, None, None),
    ],
)
def test_a_phone_in_a_data_centre_is_noticed(agent: str, network: Network | None, value: bool | None) -> None:
    assert read(network, user_agent=agent)["device_mobile_on_hosting"] is value


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=30), st.floats(0, 4e9))
def test_every_reading_has_its_declared_type(agent: str, language: str, zone: str, at: float) -> None:
    kinds = {"bool": bool, "int": int, "float": float, "str": str}
    clean = [text.encode("utf-8", "replace").decode() for text in (agent, language, zone)]
    for name, value in read(at=at, user_agent=clean[0], accept_language=clean[1], time_zone=clean[2]).items():
        assert value is None or type(value) is kinds[SIGNALS[name].type]
