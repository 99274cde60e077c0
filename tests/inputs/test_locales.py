"""Accept-Language and time zones, as browsers send them and as they should not."""

import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.inputs.locales import MAX_LANGUAGES, is_zone, language_countries, languages, zone_countries

#: Zones that were no country's before tz 2024b (python/tzdata#81, case D05).
NO_COUNTRYS = ["CET", "CST6CDT", "EET", "EST", "EST5EDT", "HST", "MET", "MST", "MST7MDT", "PST8PDT", "WET"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("es-ES,es;q=0.9,en;q=0.8", ("es", "en")),
        ("en;q=0.5, ja, de;q=0.7", ("ja", "de", "en")),
        ("zh-Hant-TW", ("zh",)),
        (" pt_BR ; q = 0.3 ,it", ("it", "pt")),
        ("iw, tl, no, in", ("he", "fil", "nb", "id")),
        ("fr;q=0, de", ("de",)),
        ("*", ()),
        ("en-US,*;q=0.5", ("en",)),
        ("de;q=abc, es;q=2, it;q=., fr;q=1.0.0", ()),
        (",,;;q=1,-", ()),
        ("ééé", ()),
        ("a" * 100_000, ()),
        ("", ()),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_languages_are_read_in_order_of_preference(header: str, expected: tuple[str, ...]) -> None:
    assert languages(header) == expected


def test_endless_lists_are_cut() -> None:
    header = ",".join(chr(97 + first) + chr(97 + second) for first in range(26) for second in range(26))
    assert len(languages(header)) == MAX_LANGUAGES


@pytest.mark.parametrize(
    ("subtags", "inside", "outside"),
    [
        (("es",), {"ES", "MX", "AR", "US"}, {"JP", "RU", "VN"}),
        (("ca",), {"ES", "AD"}, {"DE"}),
        (("zh",), {"CN", "TW", "HK", "SG"}, {"ES"}),
        (("ru",), {"RU", "KZ", "UA"}, {"BR"}),
        (("nb",), {"NO"}, {"ES"}),
        (("vi",), {"VN"}, {"ES"}),
        (("vi", "de"), {"VN", "DE", "AT", "CH"}, {"BR"}),
    ],
)
def test_a_language_belongs_where_it_is_official_or_spoken(
    subtags: tuple[str, ...], inside: set[str], outside: set[str]
) -> None:
    found = language_countries(subtags)
    assert inside <= found and not outside & found


@pytest.mark.parametrize("language", ["xq", "und", "mul", "zxx"])
def test_an_unknown_language_belongs_nowhere(language: str) -> None:
    assert language_countries((language,)) == frozenset()


@pytest.mark.parametrize(
    ("zone", "countries"),
    [
        ("Europe/Madrid", {"ES"}),
        ("europe/MADRID", {"ES"}),
        ("Asia/Calcutta", {"IN"}),
        ("Asia/Saigon", {"VN"}),
        ("Europe/Kiev", {"UA"}),
        ("US/Pacific", {"US"}),
        ("Europe/Oslo", {"NO"}),
        ("UTC", set()),
        ("Etc/GMT+3", set()),
        ("GMT", set()),
        ("Etc/Unknown", set()),
        ("+02:00", set()),
        ("-09:30", set()),
        ("Poland", {"PL"}),
        ("Eire", {"IE"}),
    ],
)
def test_a_zone_belongs_to_the_countries_that_keep_it(zone: str, countries: set[str]) -> None:
    assert zone_countries(zone) == frozenset(countries)


@pytest.mark.parametrize(
    "zone",
    ["", "Mars/Olympus", "+0200", "+24:00", "+2", "../../etc/passwd", "Europe", "Europe/Madrid\0", "\ud800", "CEST"],
)
def test_what_is_no_zone_has_no_countries(zone: str) -> None:
    assert zone_countries(zone) is None
    assert not is_zone(zone)


@pytest.mark.parametrize("zone", NO_COUNTRYS)
def test_a_zone_that_was_no_countrys_says_nothing_of_countries(zone: str) -> None:
    for name in (zone, zone.lower()):
        assert is_zone(name)
        assert zone_countries(name) is None


def test_every_zone_of_no_country_is_named() -> None:
    """tz 2024b made links of all of them: whoever has no slash and no letters of a country is one, or is UTC."""
    names = files("tzdata").joinpath("zones").read_text("utf-8").split()
    short = {name for name in names if re.fullmatch("[A-Z]{3}([0-9][A-Z]{3})?", name)}
    assert short - {"UTC", "GMT", "UCT", "PRC", "ROC", "ROK"} == set(NO_COUNTRYS)


@given(st.text(max_size=400))
def test_no_header_raises(header: str) -> None:
    assert len(languages(header)) <= MAX_LANGUAGES
    zone_countries(header)
