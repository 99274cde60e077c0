"""Phone numbers as people type them, read with Google's libphonenumber data; offline and never raising."""

from __future__ import annotations

import unicodedata
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType

from signals.facts import Phone

#: Longest input that is read; libphonenumber itself refuses more than 250 characters.
MAX_LENGTH: Final = 128

#: Characters without a width that arrive with copied numbers: bidirectional marks, joiners, the byte-order mark.
_INVISIBLE: Final = dict.fromkeys([0xFEFF, 0x00AD, 0x061C, *range(0x200B, 0x2010), *range(0x202A, 0x202F),
                                   *range(0x2060, 0x206A)])  # fmt: skip

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


def read(number: str, region: str | None = None) -> Phone:
    """Read ``number``; ``region`` (ISO 3166 alpha-2, usually the country of the IP) reads national formats.

    Tried in turn, the first valid reading wins: with a leading ``00`` as the international prefix (ITU-T E.164
    recommends it), as written, and as an international number whose plus sign was left off. A number that parses but
    is assigned to nobody keeps ``valid`` and ``possible`` only: it must not link the people who made it up.
    """
    given = number[:MAX_LENGTH]
    if len(number) > MAX_LENGTH:
        return Phone(given, valid=False)
    possible: bool | None = None
    for text, hint in _attempts(_clean(given), region):
        parsed = _parse(text, hint)
        if parsed is None:
            continue
        # A number is valid exactly when it has a type (libphonenumber's is_valid_number asks the same, again).
        kind = phonenumbers.number_type(parsed)
        if kind != PhoneNumberType.UNKNOWN:
            return _describe(given, parsed, kind)
        possible = bool(possible) or phonenumbers.is_possible_number(parsed)
    return Phone(given, valid=False, possible=possible)


def _clean(text: str) -> str:
    if text.isascii():
        return text.strip()
    # NFKC folds full-width digits and signs; libphonenumber itself reads the decimal digits of other scripts.
    return unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).strip()


def _attempts(text: str, region: str | None) -> list[tuple[str, str | None]]:
    as_written: list[tuple[str, str | None]] = [(text, region)] if region or "+" in text else []
    if text.startswith("00"):
        return [("+" + text[2:], None), *as_written]
    if "+" not in text and text[:1] not in ("", "0"):
        return [*as_written, ("+" + text, None)]
    return as_written


def _parse(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException:
        return None


def _describe(given: str, parsed: PhoneNumber, kind: int) -> Phone:
    national = phonenumbers.national_significant_number(parsed)
    e164 = f"+{parsed.country_code}{national}"
    return Phone(
        given,
        valid=True,
        possible=True,
        e164=e164,
        national=national,
        region=phonenumbers.region_code_for_number(parsed),
        kind=_KINDS.get(kind),
        block=e164[:-2],
    )
