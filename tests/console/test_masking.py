"""What stays readable of personal data."""

from __future__ import annotations

import pytest

from riskapi.console import masking


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (masking.mail, "ana.ruiz@ruiz.example", "a…@ruiz.example"),
        (masking.mail, "no address", "n…"),
        (masking.mail, "", "…"),
        (masking.ip, "203.0.113.9", "203.0.113.0/24"),
        (masking.ip, "2001:db8:1:2::9", "2001:db8:1::/48"),
        (masking.ip, "203.0.113.64/26", "203.0.113.0/24"),
        (masking.ip, "198.51.77.9/16", "198.51.0.0/16"),
        (masking.ip, "nowhere", "nowhere"),
        (masking.phone, "+34 600 123 123", "+34 … 23"),
        (masking.phone, "0600123123", "060 … 23"),
        (masking.phone, "123", "…"),
        (masking.text, "write to ana@ruiz.example, or 203.0.113.9", "write to a…@ruiz.example, or 203.0.113.0/24"),
        (masking.text, "call 0600 12 31 23 now", "call 060 … 23 now"),
        (masking.text, "from 2001:db8:1:2::9 on", "from 2001:db8:1::/48 on"),
        (masking.text, "203.0.113.9 0600123123 203.0.113.9", "203.0.113.0/24 060 … 23 203.0.113.0/24"),
        (masking.text, "2001:db8::9 0600123123", "2001:db8::/48 060 … 23"),
        (masking.text, "call 0600123123/24 h", "call 060 … 24 h"),
        (masking.text, "33.12.34.56.78", "331 … 78"),
        (masking.text, "203.0.113.9/32 and 2001:db8:1:2::9/128", "203.0.113.0/24 and 2001:db8:1::/48"),
        (masking.text, "203.0.113.0/24", "203.0.113.0/24"),
        (masking.text, "2026-11-22T10:00:00Z, 0600123123", "2026-11-22T10:00:00Z, 060 … 23"),
        (masking.ip, "203.0.113.9:443", "203.0.113.0/24:443"),
        (masking.ip, "203.0.113.9, 192.0.2.7", "203.0.113.0/24, 192.0.2.0/24"),
        (masking.text, "among 203.0.113.0/24, 203.0.113.64/26", "among 203.0.113.0/24, 203.0.113.0/24"),
        (masking.text, "all of 198.51.0.0/16 and 2001:db8::/32.", "all of 198.51.0.0/16 and 2001:db8::/32."),
        (masking.text, "its 2001:db8:1:2::/64", "its 2001:db8:1::/48"),
        (masking.text, "call 600.123.123.123", "call 600 … 23"),
        (masking.text, "2026, 500 a day, at 10:30", "2026, 500 a day, at 10:30"),
        (masking.text, "", ""),
    ],
)
def test_masks(mask: object, value: str, shown: str) -> None:
    assert mask(value) == shown  # type: ignore[operator]
