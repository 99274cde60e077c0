"""How an account keeps what it has to do with: short, and what earlier releases kept is still read."""

from __future__ import annotations

import orjson
import pytest

from riskapi.links.keys import LETTERS, entities_of, entities_text, key_of

MAC, OTHER = "1LMa6wJg5AzehvzC", "-7ADziuUAtepC_jD"
KEYS = {"mailbox": key_of("mailbox", MAC), "device": key_of("device", OTHER), "device:C_jD-x": key_of("device", MAC)}


@pytest.mark.parametrize(
    "keys", [{}, KEYS, {kind: key_of(kind, OTHER) for kind in LETTERS}], ids=["none", "two", "all"]
)
def test_what_was_written_is_read(keys: dict[str, str]) -> None:
    found = entities_of(entities_text(keys))
    assert (found, list(found)) == (keys, list(keys))


def test_an_entity_takes_a_letter_and_its_hmac() -> None:
    assert entities_text(KEYS) == f"m{MAC} d{OTHER} d{MAC}:C_jD-x".encode()


@pytest.mark.parametrize(
    "stored",
    [
        orjson.dumps({name: key.rpartition(":")[2] for name, key in KEYS.items()}),  # until 2026-11-27
        orjson.dumps(KEYS),  # until 2026-11
    ],
)
def test_what_earlier_releases_wrote_is_read(stored: bytes) -> None:
    assert entities_of(stored) == KEYS


@pytest.mark.parametrize("stored", [b"m" + MAC.encode()[:-1], b"?" + MAC.encode(), b"Z" + MAC.encode(), b"{", b"\xff"])
def test_what_is_damaged_is_nothing(stored: bytes) -> None:
    assert entities_of(stored) == {}
