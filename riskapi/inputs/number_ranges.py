"""Whose ranges a telephone number lies in: its region and its type, by libphonenumber's tables.

libphonenumber's own functions come to the same (a property test holds the two together), but go through all that a
region has at each question, and are asked twice of each number: eight times the instructions. Here the ranges of a
region are laid out once for each length a number can have.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType

#: The types that libphonenumber looks for first, in its order: fields of its tables, and the type of what they have.
_FIRST: Final = (
    ("premium_rate", PhoneNumberType.PREMIUM_RATE),
    ("toll_free", PhoneNumberType.TOLL_FREE),
    ("shared_cost", PhoneNumberType.SHARED_COST),
    ("voip", PhoneNumberType.VOIP),
    ("personal_number", PhoneNumberType.PERSONAL_NUMBER),
    ("pager", PhoneNumberType.PAGER),
    ("uan", PhoneNumberType.UAN),
    ("voicemail", PhoneNumberType.VOICEMAIL),
)

_Matches = Callable[[str], re.Match[str] | None]


class Assigned(NamedTuple):
    """Where a number is from, ISO 3166 alpha-2 or ``001``, and libphonenumber's type of it."""

    region: str
    type: int


class _Range(NamedTuple):
    type: int
    matches: _Matches


def assigned(code: int, national: str) -> Assigned | None:
    """Region and type of a national number of a calling code; ``None`` where it is nobody's."""
    for region, begins in _regions(code):
        if begins is None or begins(national):
            found = _type(code, region, national)
            if found is not None:
                return Assigned(region, found)
            if begins is not None:  # the first region whose digits it begins with is the only one it can be of
                return None
    return None


def is_possible(code: int, national: str) -> bool:
    """Whether numbers of a calling code can have so many digits, be it without the area code."""
    return len(national) in _lengths(code)


@cache
def _regions(code: int) -> list[tuple[str, _Matches | None]]:
    """The regions of a calling code, each with what its numbers begin with, where that tells them from the others."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    begins = [_metadata(code, region).leading_digits if len(regions) > 1 else None for region in regions]
    return [(region, _compiled(each).match if each else None) for region, each in zip(regions, begins, strict=True)]


@cache
def _lengths(code: int) -> frozenset[int]:
    """Lengths of the numbers of a calling code: those of its main region, which libphonenumber goes by."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(code)
    if not regions:
        return frozenset()
    general = _metadata(code, regions[0]).general_desc
    return frozenset((*general.possible_length, *general.possible_length_local_only))


def _type(code: int, region: str, national: str) -> int | None:
    """The type of a number by the ranges of one region; ``None`` where it lies in none."""
    general, ranges = _ranges(code, region, len(national))
    if general is None or not general(national):
        return None
    for at, (found, matches) in enumerate(ranges):
        if matches(national):
            mobile_too = found == PhoneNumberType.FIXED_LINE and any(later(national) for _, later in ranges[at + 1 :])
            return PhoneNumberType.FIXED_LINE_OR_MOBILE if mobile_too else found
    return None


@cache
def _ranges(code: int, region: str, length: int) -> tuple[_Matches | None, list[_Range]]:
    """What all numbers of a region match, and its ranges in the order they are looked at; of numbers of one length."""
    metadata = _metadata(code, region)
    named = [(type_, getattr(metadata, field)) for field, type_ in _FIRST]
    if metadata.same_mobile_and_fixed_line_pattern:
        named.append((PhoneNumberType.FIXED_LINE_OR_MOBILE, metadata.fixed_line))
    else:
        named += [(PhoneNumberType.FIXED_LINE, metadata.fixed_line), (PhoneNumberType.MOBILE, metadata.mobile)]
    ranges = [(type_, _matches(numbers, length)) for type_, numbers in named]
    general = _matches(metadata.general_desc, length)
    return general, [_Range(type_, matches) for type_, matches in ranges if matches is not None]


def _matches(numbers: Any, length: int) -> _Matches | None:
    """How to tell numbers of one length that are among some of libphonenumber's; ``None`` where none are."""
    if numbers is None or not numbers.national_number_pattern:
        return None
    if numbers.possible_length and length not in numbers.possible_length:
        return None
    return _compiled(numbers.national_number_pattern).fullmatch


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)  # of the longest it takes milliseconds, and ``re`` remembers 512


def _metadata(code: int, region: str) -> Any:
    return PhoneMetadata.metadata_for_region_or_calling_code(code, region)
