"""How an account keeps what it has to do with: short, and what earlier releases kept is still read."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import orjson
import pytest

from riskapi.links.keys import LETTERS, entities_of, key_of, packed_entities

MAC, OTHER = "1LMa6wJg5AzehvzC", "-7ADziuUAtepC_jD"
KEYS = {"mailbox": key_of("mailbox", MAC), "device": key_of("device", OTHER), "device:C_jD-x": key_of("device", MAC)}


@pytest.mark.parametrize(
    "keys", [{}, KEYS, {kind: key_of(kind, OTHER) for kind in LETTERS}], ids=["none", "two", "all"]
)
def test_what_was_written_is_read(keys: dict[str, str]) -> None:
    found = entities_of(packed_entities(keys))
    assert (found, list(found)) == (keys, list(keys))


def test_an_entity_takes_a_letter_and_twelve_bytes() -> None:
    first, second = urlsafe_b64decode(MAC), urlsafe_b64decode(OTHER)
    assert packed_entities(KEYS) == b"mdd:C_jD-x \0" + first + second + first


@pytest.mark.parametrize(
    "stored",
    [
        f"m{MAC} d{OTHER} d{MAC}:C_jD-x".encode(),  # until 2026-11-27
        orjson.dumps({name: key.rpartition(":")[2] for name, key in KEYS.items()}),  # before that
        orjson.dumps(KEYS),  # until 2026-11
    ],
)
def test_what_earlier_releases_wrote_is_read(stored: bytes) -> None:
    assert entities_of(stored) == KEYS


@pytest.mark.parametrize(
    "stored",
    [
        b"m" + MAC.encode()[:-1],
        b"?" + MAC.encode(),
        b"Z" + MAC.encode(),
        b"{",
        b"\xff",
        b"m\0" + b"1" * 11,
        b"m\0" + b"1" * 24,
        b"Z\0" + b"1" * 12,
        b"m?\0" + b"1" * 12,
        b"\xff\0" + b"1" * 12,
        b"m:x\0" + b"1" * 12,
    ],
)
def test_what_is_damaged_is_nothing(stored: bytes) -> None:
    assert entities_of(stored) == {}
