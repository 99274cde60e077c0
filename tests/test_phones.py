"""Numbers in any format are read, made-up ones link nobody, and nothing raises."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi import phones


@pytest.mark.parametrize(
    ("number", "region", "e164", "country", "kind"),
    [
        ("+34600123123", None, "+34600123123", "ES", "mobile"),
        ("+34 600 12 31 23", "FR", "+34600123123", "ES", "mobile"),
        ("600123123", "ES", "+34600123123", "ES", "mobile"),
        ("0034600123123", None, "+34600123123", "ES", "mobile"),
        ("0034600123123", "US", "+34600123123", "ES", "mobile"),
        ("011 34 600 123 123", "US", "+34600123123", "ES", "mobile"),
        ("34600123123", None, "+34600123123", "ES", "mobile"),
        ("+44 (0)20 7946 0958", None, "+442079460958", "GB", "fixed_line"),
        ("020 7946 0958", "GB", "+442079460958", "GB", "fixed_line"),
        ("+1 (202) 555-0123 ext. 9", None, "+12025550123", "US", "fixed_line_or_mobile"),
        ("tel:+1-202-555-0123", None, "+12025550123", "US", "fixed_line_or_mobile"),
        ("2025550123", "US", "+12025550123", "US", "fixed_line_or_mobile"),
        ("1-800-FLOWERS", "US", "+18003569377", "US", "toll_free"),
        ("+800 1234 5678", None, "+80012345678", "001", "toll_free"),
        ("+44 5600 123456", None, "+445600123456", "GB", "voip"),
    ],
)
def test_a_number_is_read_in_the_format_it_was_typed(
    number: str, region: str | None, e164: str, country: str, kind: str
) -> None:
    phone = phones.read(number, region)
    assert (phone.valid, phone.possible) == (True, True)
    assert (phone.e164, phone.region, phone.kind) == (e164, country, kind)
    assert phone.block == e164[:-2]
    assert phone.national is not None and e164.endswith(phone.national)
    assert phone.given == number


@pytest.mark.parametrize(
    "number",
    [
        "+１２０２５５５０１２３",
        "+١٢٠٢٥٥٥٠١٢٣",
        "‏+1 202 555 0123‎",
        "​+1​202​5550123",
        "\ufeff+12025550123",
        "＋1 202 555 0123",
    ],
    ids=[
        "full-width",
        "arabic-indic",
        "right-to-left marks",
        "zero-width spaces",
        "byte-order mark",
        "full-width plus",
    ],
)
def test_digits_of_every_script_and_invisible_marks_are_understood(number: str) -> None:
    assert phones.read(number).e164 == "+12025550123"


@pytest.mark.parametrize(
    ("number", "region", "possible"),
    [
        ("5555555555", "US", True),
        ("+1 202 555 01", None, False),
        ("123", "ES", False),
        ("junk", "ES", None),
        ("", None, None),
        ("\0", None, None),
        ("00", "ES", None),
        ("+", None, None),
        ("+999999999999", None, None),
        ("600123123", "ZZ", True),
        ("\ud800\udfff", None, None),
        ("1" * 1_000_000, "US", None),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_number_that_nobody_has_is_invalid_and_links_nobody(
    number: str, region: str | None, possible: bool | None
) -> None:
    phone = phones.read(number, region)
    assert not phone.valid
    assert (phone.e164, phone.national, phone.region, phone.kind, phone.block) == (None,) * 5
    assert phone.possible is possible


def test_an_endless_input_is_cut() -> None:
    assert len(phones.read("+" * 1_000_000).given) == phones.MAX_LENGTH


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_region_agrees_with_libphonenumber(region: str) -> None:
    example = phonenumbers.example_number(region)
    assert example is not None
    phone = phones.read(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL), region)
    assert phone.valid == phonenumbers.is_valid_number(example)
    assert phone.e164 == phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert phone.region == phonenumbers.region_code_for_number(example)


@given(st.text(max_size=300), st.none() | st.sampled_from(["ES", "US", "ZZ", "", "es"]))
def test_no_text_raises(number: str, region: str | None) -> None:
    phone = phones.read(number, region)
    assert phone.valid == (phone.e164 is not None)


@given(st.text(alphabet="+0123456789 ()-./xe٣３\ud800\u200f", max_size=40))
def test_no_near_number_raises(number: str) -> None:
    phones.read(number, "ES")
