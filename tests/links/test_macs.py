"""Keyed HMACs of what accounts share are those of RFC 2104, whatever the length of the secret."""

from __future__ import annotations

import base64
import hmac

import pytest

from riskapi.links.macs import MAC, Macs


@pytest.mark.parametrize("length", [16, 32, 63, 64, 65, 200])
@pytest.mark.parametrize("value", ["", "anna@example.org", "ünï", "\udc80", "x" * 1000])
def test_a_mac_is_the_beginning_of_the_hmac(length: int, value: str) -> None:
    key = bytes(range(length))
    whole = hmac.digest(key, f"mailbox\0{value}".encode("utf-8", "surrogatepass"), "sha256")
    assert Macs(key).of("mailbox", value) == base64.urlsafe_b64encode(whole)[:MAC].decode()


def test_macs_of_one_secret_do_not_depend_on_what_was_asked_before() -> None:
    macs = Macs(b"k" * 32)
    first = macs.of("phone", "+34600123123")
    macs.of("phone", "+34600123124")
    assert macs.of("phone", "+34600123123") == first != macs.of("device", "+34600123123")
