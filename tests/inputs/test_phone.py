"""Numbers in any format are read, made-up ones link nobody, and nothing raises."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.datasets import csv_tables, numbering
from riskapi.datasets.numbering import Numbering
from riskapi.inputs import phone as phones
from riskapi.inputs.phone import PhoneReader

read = PhoneReader().read
#: An empty table.
HEAD = b"# as_of: 2026-11-22\n# source: ours\ncode,written,read,form,since,source\n"


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
    phone = read(number, region)
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
    assert read(number).e164 == "+12025550123"


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
        ("\ud800\udfff", None, None),
        ("1" * 1_000_000, "US", None),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_number_that_nobody_has_is_invalid_and_links_nobody(
    number: str, region: str | None, possible: bool | None
) -> None:
    phone = read(number, region)
    assert phone.valid is False
    assert (phone.e164, phone.national, phone.region, phone.kind, phone.block, phone.line) == (None,) * 6
    assert phone.possible is possible


def test_an_endless_input_is_cut() -> None:
    assert len(read("+" * 1_000_000).given) == phones.MAX_LENGTH


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_region_agrees_with_libphonenumber(region: str) -> None:
    # Without the table: the example of Gabon is a number of before 2019.
    read = PhoneReader(Numbering(HEAD)).read
    example = phonenumbers.example_number(region)
    assert example is not None
    phone = read(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL), region)
    assert phone.valid == phonenumbers.is_valid_number(example)
    assert phone.e164 == phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert phone.region == phonenumbers.region_code_for_number(example)


@pytest.mark.parametrize(
    ("spellings", "region", "line", "kind"),
    [
        # B01, Mexico before 2019: the 1 after +52, and 01, 044 and 045 at home.
        (("+5215512349876", "+525512349876", "+52 1 55 1234 9876", "+52 044 55 1234 9876", "+52 01 55 1234 9876",
          "044 55 1234 9876", "045 55 1234 9876", "01 55 1234 9876", "1 55 1234 9876", "55 1234 9876",
          "5215512349876", "0052 1 55 1234 9876"), "MX", "+525512349876", "fixed_line_or_mobile"),
        (("01 800 123 4567", "+52 800 123 4567"), "MX", "+528001234567", "toll_free"),
        # B02, Argentina: the 9 from abroad and the 15 at home mark a mobile, and may be left out.
        (("+54 9 11 2345 6781", "011 15 2345-6781", "+54 11 15 2345 6781", "+54 9 11 15 2345 6781"),
         "AR", "+541123456781", "mobile"),
        (("+54 11 2345 6781", "011 2345-6781", "11 2345 6781"), "AR", "+541123456781", "fixed_line_or_mobile"),
        (("+54 9 351 234 5678", "0351 15 234-5678", "+54 9 351 15 234 5678"), "AR", "+543512345678", "mobile"),
        # Brazil's ninth digit, not for trunked radio.
        (("+55 11 8765 4321", "(11) 8765-4321", "5511987654321"), "BR", "+5511987654321", "mobile"),
        (("+55 11 7765 4321",), "BR", "+551177654321", "mobile"),
        # Ivory Coast 2021 by operator, Benin 2024, Cameroon 2014, Gabon 2019.
        (("+225 07 12 34 56", "07 12 34 56", "+225 07 07 12 34 56"), "CI", "+2250707123456", "mobile"),
        (("+225 44 12 34 56", "+225 0544123456"), "CI", "+2250544123456", "mobile"),
        (("+225 40 12 34 56", "+225 0140123456"), "CI", "+2250140123456", "mobile"),
        (("+229 97 12 34 56", "97 12 34 56", "+229 01 97 12 34 56"), "BJ", "+2290197123456", "mobile"),
        (("+237 71 23 45 67", "+237 6 71 23 45 67"), "CM", "+237671234567", "mobile"),
        (("+237 22 22 33 44", "+237 222 22 33 44"), "CM", "+237222223344", "fixed_line"),
        (("+241 07 12 34 56", "+241 7 12 34 56", "07 12 34 56", "077 12 34 56"), "GA", "+24177123456", "mobile"),
        # Colombia 2021, Ecuador 2012, Vietnam 2018.
        (("+57 1 2345678", "+57 601 2345678"), "CO", "+576012345678", "fixed_line"),
        (("+593 8 123 4567", "+593 98 123 4567"), "EC", "+593981234567", "mobile"),
        (("+84 168 123 4567", "0168 123 4567", "038 123 4567"), "VN", "+84381234567", "mobile"),
        (("+84 120 123 4567", "070 123 4567"), "VN", "+84701234567", "mobile"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)  # fmt: skip
def test_one_line_is_one_in_every_spelling(spellings: tuple[str, ...], region: str, line: str, kind: str) -> None:
    assert {(read(each, region).line, read(each, region).kind) for each in spellings} == {(line, kind)}


def test_an_old_number_that_could_be_two_of_today_is_nobody_s() -> None:
    # Ivory Coast's landlines got 21, 25 or 27 by their operator, which the old number does not tell.
    assert read("+225 20 12 34 56").valid is False


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+1 650-253-0923 ext. 4101", "+1 650-253-0923 x4188", False),  # B04
        ("+1 650-253-0923 ext. 4101", "+1 650-253-0923", False),
        ("+1 650-253-0923 ext. 4101", "tel:+1-650-253-0923;ext=4101", True),
        ("+1 650-253-0923 #4101", "+1 650-253-0923,4101", True),
        ("+49 30 901820 ext 12", "+49 30 901820 ext 13", False),
        ("+34 600 123 123 ext. 1", "+34 600 123 123 ext. 2", True),  # behind a mobile there is no switchboard
    ],
)
def test_desks_of_one_switchboard_are_different_lines(one: str, other: str, same: bool) -> None:
    first, second = read(one), read(other)
    assert first.line and second.line and first.e164 == second.e164 and first.block == second.block
    assert (first.line == second.line) is same


@pytest.mark.parametrize(
    ("number", "region", "e164"),
    [
        ("393479876541", "DE", "+393479876541"),  # B09: 0393 is an area code of Germany, but its zero is missing
        ("447911123456", "DE", "+447911123456"),
        ("33612345678", "AT", "+33612345678"),
        ("919876543210", "DE", "+919876543210"),
        ("380671234567", "UA", "+380671234567"),
        ("5511987654321", "US", "+5511987654321"),
        # As people write them at home.
        ("2025550123", "US", "+12025550123"),
        ("600123123", "ES", "+34600123123"),
        ("11987654321", "BR", "+5511987654321"),
        ("9876543210", "IN", "+919876543210"),
        ("3479876541", "IT", "+393479876541"),
        ("89123456789", "RU", "+79123456789"),
        # Without its zero, where it is none abroad, or would be a landline there.
        ("1732234567", "DE", "+491732234567"),
        ("612345678", "FR", "+33612345678"),
        ("671234567", "UA", "+380671234567"),
        ("81234567890", "ID", "+6281234567890"),
    ],
)
def test_a_number_without_its_plus(number: str, region: str, e164: str) -> None:
    assert read(number, region).e164 == e164


@pytest.mark.parametrize("region", [None, "ZZ", "es", ""])
@pytest.mark.parametrize("number", ["07402 684257", "600123123", "(11) 98765-4321", "0812 3456 7890"])
def test_a_national_number_of_an_unknown_country_is_unknown(number: str, region: str | None) -> None:
    phone = read(number, region)
    assert (phone.valid, phone.possible, phone.line, phone.region) == (None,) * 4


@given(st.text(max_size=300), st.none() | st.sampled_from(["ES", "US", "ZZ", "", "es"]))
def test_no_text_raises(number: str, region: str | None) -> None:
    phone = read(number, region)
    assert (phone.valid is True) == (phone.e164 is not None)


@given(st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)), st.from_regex(r"[0-9]{4,15}", fullmatch=True))
def test_numbers_of_digits_alone_are_read_as_libphonenumber_does(code: int, digits: str) -> None:
    text = f"+{code}{digits}"
    plain = phones._plain(text)
    assert plain is None or vars(plain) == vars(phonenumbers.parse(text, None))


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("+34600123123", True),
        ("+4915123456789", True),
        ("+12125550123", True),
        ("+49015123456789", False),  # a trunk prefix
        ("+112125550123", False),  # and another one
        ("+390612345678", False),  # a zero that belongs to the number
        ("+34 600123123", False),
        ("34600123123", False),
        ("+99912345678", False),  # no calling code
        ("+３4600123123", False),
    ],
)
def test_a_number_that_needs_no_parser_is_known(text: str, is_plain: bool) -> None:
    assert (phones._plain(text) is not None) == is_plain


@given(st.text(alphabet="+0123456789 ()-./xe٣３\ud800\u200f", max_size=40))
def test_no_near_number_raises(number: str) -> None:
    read(number, "ES")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"052,1xxxx,xxxx,old,,", "line 4: code is not a calling code"),
        (b"52,1yyyy,xxxx,old,,", "line 4: written and read are digits and x"),
        (b"52,1[x]xxx,xxxx,old,,", "line 4: written and read are digits and x"),
        (b"52,1[9-1]xxx,xxxx,old,,", "line 4: the digits in [..] are not in order"),
        (b"52,1xxxx,xxxxx,old,,", "line 4: written carries 4 digits over, and read takes 5"),
        (b"52,1xxxx,xxxx,new,,", "line 4: form is neither old nor twin"),
        (b"54,9[12]xxx,xxxx,twin,,", "line 4: a twin has no [..]"),
        (b"52,1xxxx,xxxx,old", "line 4: it has 4 cells"),
    ],
)
def test_a_row_that_says_nothing_is_refused_with_its_line(row: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        Numbering(HEAD + row + b"\n")


def test_every_row_has_a_source_and_leads_to_numbers_that_exist() -> None:
    table = csv_tables.parse(numbering.INSTALLED.read_bytes(), numbering.COLUMNS)
    for line, row in table.rows:
        assert row["source"] and (row["since"] or row["form"] == "twin" or "15" in row["written"]), line
        begins = "+" + row["code"] + row["read"].partition("x")[0]
        assert phonenumbers.country_code_for_region(phonenumbers.region_code_for_country_code(int(row["code"]))) == int(
            row["code"]
        ), begins
