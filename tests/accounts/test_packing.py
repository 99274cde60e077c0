"""Packed fields: what comes out is what went in, to the byte; what is damaged or unknown is said to be."""

from __future__ import annotations

import threading
from importlib import resources
from itertools import islice

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from riskapi.accounts.packing import pack, unpack
from riskapi.store.damaged import Unreadable
from tests.bench.bodies import bodies
from tests.signups import body, together

values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_whatever_is_packed_comes_back_to_the_byte(value: object) -> None:
    text = orjson.dumps(value)
    assert unpack(pack(text)) == text


def test_a_signup_takes_less_than_half_of_its_room() -> None:
    text = body().model_dump_json(exclude_none=True).encode()
    assert len(pack(text)) < len(text) / 2


def _of_level_three(dictionary: str) -> zstandard.ZstdCompressor:
    """What earlier releases packed with."""
    kept = zstandard.ZstdCompressionDict((resources.files("riskapi.accounts") / dictionary).read_bytes())
    return zstandard.ZstdCompressor(level=3, dict_data=kept, write_checksum=True)


@pytest.mark.parametrize("dictionary", ["accounts_1.dict", "accounts_2.dict"])
def test_frames_of_earlier_releases_are_read(dictionary: str) -> None:
    text = body().model_dump_json(exclude_none=True).encode()
    assert unpack(_of_level_three(dictionary).compress(text)) == text


def test_a_frame_names_its_dictionary_its_length_and_a_checksum() -> None:
    found = zstandard.get_frame_parameters(pack(b'{"id":"asm_1"}'))
    assert (found.dict_id, found.content_size, found.has_checksum) == (2, 14, True)


def test_frames_are_hardly_larger_than_those_of_level_three() -> None:
    """Small tables find about the same, also in a signup alone (3 % more); smaller ones, or of another kind, do not."""
    texts, before = list(islice(bodies(1, "packed"), 200)), _of_level_three("accounts_2.dict")
    assert sum(len(pack(text)) for text in texts) <= 1.04 * sum(len(before.compress(text)) for text in texts)


def test_what_an_earlier_release_kept_is_read_as_it_is() -> None:
    assert unpack(b'{"id":"asm_1"}') == b'{"id":"asm_1"}'


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(pack(b'{"id":"asm_1"}')[:-3], id="cut short"),
        pytest.param(pack(b'{"id":"asm_1"}')[:9] + b"\0\0\0" + pack(b'{"id":"asm_1"}')[12:], id="overwritten"),
        pytest.param(pack(b'{"id":"asm_1"}')[:-1] + b"\0", id="another checksum"),
        pytest.param(zstandard.ZstdCompressor().compress(b"{}"), id="of no dictionary"),
        pytest.param(
            zstandard.ZstdCompressor(
                dict_data=zstandard.train_dictionary(256, [b"%d ruiz ceramics" % n for n in range(999)], dict_id=77)
            ).compress(b"{}"),
            id="of a dictionary that is not here",
        ),
        pytest.param(zstandard.ZstdCompressor().compress(b"a" * (1 << 24)), id="a bomb"),
        pytest.param(b"\x28\xb5\x2f\xfd", id="nothing after the mark"),
    ],
)
def test_what_cannot_be_unpacked_is_said_to_be_so(kept: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(kept)


def test_threads_pack_beside_each_other() -> None:
    """A compressor is not to be shared between threads."""
    texts = [orjson.dumps({"number": number, "text": "x" * number}) for number in range(400)]

    def work(_: int) -> bool:
        return all(unpack(pack(text)) == text for text in texts)

    assert together(8, work) == [True] * 8
    assert threading.active_count() < 50
