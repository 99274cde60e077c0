"""Region and type of a number are those that libphonenumber's own functions tell."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumber, PhoneNumberType

from riskapi.inputs import number_ranges
from riskapi.inputs.number_ranges import Assigned

CODES = sorted(COUNTRY_CODE_TO_REGION_CODE)
FIELDS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "pager", "uan",
    "voicemail",
)  # fmt: skip


def number(code: int, national: str) -> PhoneNumber:
    zeros = len(national) - len(national.lstrip("0"))
    return PhoneNumber(
        country_code=code,
        national_number=int(national),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def reference(code: int, national: str) -> tuple[Assigned | None, bool]:
    """What libphonenumber tells: region and type, and whether a number can be so long."""
    found = number(code, national)
    type_, region = phonenumbers.number_type(found), phonenumbers.region_code_for_number(found)
    assigned = None if type_ == PhoneNumberType.UNKNOWN else Assigned(str(region), type_)
    return assigned, phonenumbers.is_possible_number(found)


def read(code: int, national: str) -> tuple[Assigned | None, bool]:
    return number_ranges.assigned(code, national), number_ranges.is_possible(code, national)


def examples(code: int) -> list[str]:
    """The numbers that libphonenumber gives as examples of each type in each region of a calling code."""
    tables = [
        PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in COUNTRY_CODE_TO_REGION_CODE[code]
    ]
    described = [getattr(table, field) for table in tables for field in FIELDS]
    return [found.example_number for found in described if found is not None and found.example_number]


@pytest.mark.parametrize("code", CODES)
def test_numbers_of_each_type_and_their_neighbours_are_told_as_libphonenumber_tells_them(code: int) -> None:
    for example in examples(code):
        assert read(code, example)[0] is not None
        beside = [f"{example[:-1]}{digit}" for digit in "059"] + [f"{digit}{example[1:]}" for digit in "123456789"]
        for national in (example, *beside, example[:-1], f"{example}0", example[2:]):
            if national.strip("0"):
                assert read(code, national) == reference(code, national), national


@given(st.sampled_from([*CODES, 0, 210, 999]), st.from_regex(r"[0-9]{0,4}[1-9][0-9]{2,12}", fullmatch=True))
def test_digits_are_told_as_libphonenumber_tells_them(code: int, national: str) -> None:
    assert read(code, national) == reference(code, national)


@pytest.mark.parametrize(
    ("code", "national", "told"),
    [
        (34, "600123123", Assigned("ES", PhoneNumberType.MOBILE)),
        (1, "2125550123", Assigned("US", PhoneNumberType.FIXED_LINE_OR_MOBILE)),
        (1, "6045550123", Assigned("CA", PhoneNumberType.FIXED_LINE_OR_MOBILE)),
        (1, "1235550123", None),  # nobody's
        (800, "12345678", Assigned("001", PhoneNumberType.TOLL_FREE)),
        (999, "12345678", None),  # no calling code
    ],
)
def test_a_number_has_a_region_and_a_type(code: int, national: str, told: Assigned | None) -> None:
    assert number_ranges.assigned(code, national) == told


@pytest.mark.parametrize(("digit", "region"), [("1", None), ("9", "FR")], ids=["begins so", "begins otherwise"])
def test_the_first_region_that_a_number_begins_as_is_the_only_one_it_can_be_of(
    digit: str, region: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    regions = [("ES", re.compile(digit).match), ("FR", None)]
    monkeypatch.setattr(number_ranges, "_regions", lambda code: regions)
    found = number_ranges.assigned(33, "123456789")
    assert (None if found is None else found.region) == region
