"""Phone numbers of simulated people: valid by the plan of their country, random otherwise."""

from __future__ import annotations

from functools import cache
from random import Random

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

#: Numbers drawn, first with all digits but one at random, then with the end alone, before giving up on a valid one:
#: plans differ in how much of their range is in use.
_WIDE_TRIES, _NARROW_TRIES = 12, 25
_END = 6

#: Types that pass for the one asked for: some plans do not tell mobile numbers from fixed lines.
_LIKE = {
    PhoneNumberType.MOBILE: (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE),
    PhoneNumberType.FIXED_LINE: (PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE),
    PhoneNumberType.VOIP: (PhoneNumberType.VOIP,),
}


@cache
def _example(region: str, kind: int) -> tuple[int, str] | None:
    found = phonenumbers.example_number_for_type(region, kind)
    if found is None or found.country_code is None:
        return None
    return found.country_code, phonenumbers.national_significant_number(found)


def _draw(random: Random, region: str, kind: int) -> str | None:
    example = _example(region, kind)
    if example is None:
        return None
    code, national = example
    for number in range(_WIDE_TRIES + _NARROW_TRIES):
        kept = national[: 1 if number < _WIDE_TRIES else len(national) - _END]
        text = f"+{code}{kept}" + "".join(random.choice("0123456789") for _ in range(len(national) - len(kept)))
        parsed = phonenumbers.parse(text)
        if phonenumbers.is_valid_number_for_region(parsed, region) and phonenumbers.number_type(parsed) in _LIKE[kind]:
            return text
    return f"+{code}{national}"


def mobile(random: Random, region: str) -> str | None:
    """A valid mobile number of that region in E.164, or ``None`` where no plan is known."""
    return _draw(random, region, PhoneNumberType.MOBILE)


def landline(random: Random, region: str) -> str | None:
    """A valid fixed line of that region in E.164."""
    return _draw(random, region, PhoneNumberType.FIXED_LINE)


def voip(random: Random, region: str) -> str | None:
    """A number of an internet telephony range, or a mobile one where the region has no such range."""
    return _draw(random, region, PhoneNumberType.VOIP) or mobile(random, region)


def following(number: str, steps: int) -> str:
    """The number that many places after this one, as cards bought in a row have them."""
    return "+" + str(int(number[1:]) + steps).zfill(len(number) - 1)


def typed(random: Random, number: str) -> str:
    """The number as people type it: mostly with its plus sign, sometimes spaced, seldom as dialled at home."""
    style = random.random()
    if style < 0.75:
        return number
    parsed = phonenumbers.parse(number)
    form = PhoneNumberFormat.INTERNATIONAL if style < 0.92 else PhoneNumberFormat.NATIONAL
    return phonenumbers.format_number(parsed, form)
