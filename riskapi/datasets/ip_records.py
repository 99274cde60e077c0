"""Records of databases of addresses: what different makers call the same."""

from __future__ import annotations

from typing import Any


def origin_of(record: Any) -> tuple[int | None, str | None]:
    """AS number and name in a record of an AS database; None for what it does not say."""
    if not isinstance(record, dict):
        return None, None
    number = record.get("autonomous_system_number", record.get("asn"))
    if isinstance(number, str):
        digits = number.upper().removeprefix("AS")
        number = int(digits) if digits.isascii() and digits.isdigit() else None
    name = record.get("autonomous_system_organization") or record.get("as_name") or record.get("name")
    return number if isinstance(number, int) and number > 0 else None, name if isinstance(name, str) else None


def country_of(record: Any) -> str | None:
    """Country code (ISO 3166-1, two letters) in a record of a country database; None for what it does not say."""
    if not isinstance(record, dict):
        return None
    found = record.get("country_code") or record.get("country") or record.get("registered_country")
    if isinstance(found, dict):
        found = found.get("iso_code")
    if not isinstance(found, str) or len(found) != 2 or not found.isascii() or not found.isalpha():
        return None
    code = found.upper()
    return None if code == "ZZ" else code
