"""Phone numbers as people type them, read with Google's libphonenumber data; offline and never raising."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from riskapi.datasets import numbering
from riskapi.datasets.numbering import Numbering
from signals.facts import Phone

# The patterns of numbers are some thousands at most; without this each is looked up in the cache of ``re`` at each use,
# and compiled again once that is full.
phonenumbers.enable_pattern_cache()

#: Longest input that is read; libphonenumber itself refuses more than 250 characters.
MAX_LENGTH: Final = 128

#: Characters without a width that arrive with copied numbers: bidirectional marks, joiners, the byte-order mark.
_INVISIBLE: Final = dict.fromkeys([0xFEFF, 0x00AD, 0x061C, *range(0x200B, 0x2010), *range(0x202A, 0x202F),
                                   *range(0x2060, 0x206A)])  # fmt: skip

#: An international number with nothing but its digits, as ITU-T E.164 has it, and as forms mostly send it.
_E164: Final = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)

#: Digits of national numbers: the shortest are Niue's, the longest follow from ITU-T E.164, 6.1.
_NATIONAL: Final = range(4, 16)

_KINDS: Final = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium_rate",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal_number",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
}


class _Meant(NamedTuple):
    """A number that is somebody's, and libphonenumber's type of it."""

    number: PhoneNumber
    type: int


class PhoneReader:
    """Reads numbers, with a table of other spellings of a line; by default the one that comes with this release."""

    def __init__(self, spellings: Numbering | None = None) -> None:
        self._numbering = numbering.installed() if spellings is None else spellings

    def read(self, number: str, region: str | None = None) -> Phone:
        """Read ``number``; ``region`` (ISO 3166 alpha-2, the country of the person) reads national formats.

        What begins with ``00`` is international before anything else (ITU-T E.164 recommends that prefix). What has
        no plus sign and no leading zero is read in three ways, the first that fits:

        1. a national number, where it is written as people of the region write those, trunk prefix included
           (libphonenumber's national format);
        2. an international one whose plus sign was left off, unless that would make a landline of a mobile;
        3. a national one, however it is written.

        A number that parses but is assigned to nobody keeps ``valid`` and ``possible`` only: it must not link the
        people who made it up. Without a region, what can only be national is unknown: ``valid`` is ``None``.
        """
        given = number[:MAX_LENGTH]
        if len(number) > MAX_LENGTH:
            return Phone(given, valid=False)
        text, known = _clean(given), region in phonenumbers.SUPPORTED_REGIONS
        possible: bool | None = None
        found: _Meant | None = None
        for attempt, hint in _attempts(text, region if known else None):
            parsed = _parse(attempt, hint)
            if parsed is None:
                continue
            meant = self._meant(parsed)
            if meant is None:
                possible = bool(possible) or phonenumbers.is_possible_number(parsed)
            elif found is None:
                found = meant
                if hint is None or _is_usual(parsed, attempt):
                    break
            elif not _is_worse(meant, found):
                found = meant
        if found is not None:
            return self._describe(given, *found)
        if not known and "+" not in text and _can_be_national(text):
            return Phone(given, valid=None)
        return Phone(given, valid=False, possible=possible)

    def _meant(self, parsed: PhoneNumber) -> _Meant | None:
        """The number that was meant, ``None`` where it is nobody's; an old number is the one that took its place."""
        code, national = parsed.country_code or 0, phonenumbers.national_significant_number(parsed)
        now = self._numbering.read(code, national, "old")
        if not now:
            return _typed(parsed)
        found = [each for read in set(now) if (each := _typed(_with(parsed, read))) is not None]
        return found[0] if len(found) == 1 else _typed(parsed)

    def _describe(self, given: str, parsed: PhoneNumber, type_: int) -> Phone:
        code, national = parsed.country_code or 0, phonenumbers.national_significant_number(parsed)
        kind = _KINDS.get(type_)
        if kind == "fixed_line" and self._may_be_mobile(parsed, national):
            kind = "fixed_line_or_mobile"
        twins = self._numbering.read(code, national, "twin")
        number = f"+{code}{twins[0] if twins else national}"
        # There is no switchboard behind a mobile line: an extension there only hides that the number is the same.
        extension = parsed.extension if kind != "mobile" else None
        region = phonenumbers.region_code_for_number(parsed)
        line = f"{number};ext={extension}" if extension else number
        # In the order of the fields: naming each of them would treble what the call costs.
        return Phone(given, True, True, f"+{code}{national}", national, region, kind, number[:-2], line)

    def _may_be_mobile(self, parsed: PhoneNumber, national: str) -> bool:
        """Whether the number is a mobile one as well, once the digit is added that people leave out."""
        twins = self._numbering.written(parsed.country_code or 0, national)
        return any(phonenumbers.number_type(_with(parsed, twin)) == PhoneNumberType.MOBILE for twin in twins)


def _clean(text: str) -> str:
    if text.isascii():
        return text.strip()
    # NFKC folds full-width digits and signs; libphonenumber itself reads the decimal digits of other scripts.
    return unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).strip()


def _attempts(text: str, region: str | None) -> list[tuple[str, str | None]]:
    """How a text can be read, in turn: as a national number of a region, or with None as an international one."""
    if "+" in text:
        return [(text, None)]
    national: list[tuple[str, str | None]] = [(text, region)] if region else []
    if text.startswith("00"):
        return [("+" + text[2:], None), *national]
    if text[:1] not in ("", "0"):
        return [*national, ("+" + text, None)]
    return national


def _parse(text: str, region: str | None) -> PhoneNumber | None:
    plain = _plain(text) if region is None else None
    if plain is not None:
        return plain
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException:
        return None


def _plain(text: str) -> PhoneNumber | None:
    """An international number that is read as it stands: its calling code, then digits without a trunk prefix.

    libphonenumber's parser comes to the same (a property test holds the two together), once it has looked for brackets,
    extensions and letters in it: two thirds of what reading a number costs. None for every other text.
    """
    begin = _begin(text[1:4]) if _E164.fullmatch(text) else None
    if begin is None:
        return None
    code, end, prefix = begin
    if text[end] == "0" or (prefix is not None and prefix.match(text, end)):
        return None
    return PhoneNumber(code, int(text[end:]))


@cache
def _begin(digits: str) -> tuple[int, int, re.Pattern[str] | None] | None:
    """The calling code that three digits after a plus sign begin with, where it ends, and what libphonenumber takes
    from the beginning of its national numbers.
    """
    for end in (1, 2, 3):  # no calling code begins with another
        code = int(digits[:end])
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return code, end + 1, _trunk_prefix(code)
    return None


def _trunk_prefix(code: int) -> re.Pattern[str] | None:
    """What libphonenumber takes from the beginning of national numbers of a calling code."""
    region = phonenumbers.region_code_for_country_code(code)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    prefix = None if metadata is None else metadata.national_prefix_for_parsing
    return re.compile(prefix) if prefix else None


def _typed(parsed: PhoneNumber) -> _Meant | None:
    # A number is valid exactly when it has a type (libphonenumber's is_valid_number asks the same, again).
    type_ = phonenumbers.number_type(parsed)
    return None if type_ == PhoneNumberType.UNKNOWN else _Meant(parsed, type_)


def _with(parsed: PhoneNumber, national: str) -> PhoneNumber:
    """The same number with other national digits, leading zeros included."""
    zeros = len(national) - len(national.lstrip("0"))
    return PhoneNumber(
        country_code=parsed.country_code,
        national_number=int(national),
        extension=parsed.extension,
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def _is_usual(parsed: PhoneNumber, written: str) -> bool:
    """Whether people write the number like that at home: with the trunk prefix where they use one, and nothing else."""
    usual = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    return phonenumbers.normalize_digits_only(usual) == phonenumbers.normalize_digits_only(written)


def _is_worse(international: _Meant, national: _Meant) -> bool:
    """Whether a number is hardly meant as international: people sign up with mobiles, not with landlines abroad."""
    return national.type == PhoneNumberType.MOBILE and international.type == PhoneNumberType.FIXED_LINE


def _can_be_national(text: str) -> bool:
    """Whether a text without a plus sign is a number that lacks only its country."""
    try:
        phonenumbers.parse(text, None)
    except NumberParseException as error:
        digits = len(phonenumbers.normalize_digits_only(text))
        return error.error_type == NumberParseException.INVALID_COUNTRY_CODE and digits in _NATIONAL
    return False
