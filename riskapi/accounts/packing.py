"""How an account keeps what is said at length (its first record, its latest answer and decision): compressed JSON.

Zstandard (RFC 8878) with a dictionary of what all accounts say alike. A frame names the dictionary it was made with, so
that a later release may bring a better one and still read what is there; a dictionary that was released is never
changed. Until 2026-11 the JSON itself was kept: it is still read.
"""

from __future__ import annotations

import threading
from functools import cache
from importlib import resources

import zstandard

from riskapi.store.damaged import Unreadable

#: The dictionary that is written with, and all that are read with. `python -m tests.dictionary` makes one.
_NEWEST = "accounts_2.dict"
_ALL = (_NEWEST, "accounts_1.dict")
#: As at level 3, but what was seen where is in tables of 64 and 4 kB, not 256 and 128: a signup reads 600 lines of
#: memory less, and frames of 900 first records, a third of them simulated, were between 0.4 % smaller and 0.2 % larger.
#: Half of the larger table makes them 3 to 11 % larger, half of the smaller one 1 %. Higher levels save 3 % and take
#: twice as long (measured on 2,000 simulated accounts).
_PARAMETERS = zstandard.ZstdCompressionParameters(
    strategy=zstandard.STRATEGY_DFAST, window_log=17, hash_log=14, chain_log=10, min_match=5,
    write_checksum=True, write_dict_id=True,
)  # fmt: skip
#: Bytes of JSON above which a frame cannot be one of ours: some times the largest body that is taken.
_MOST = 1 << 23


class _Local(threading.local):
    """A compressor and decompressors of one thread: they may not be shared (python-zstandard, "Thread safety")."""

    def __init__(self) -> None:
        made = {name: _dictionary(name) for name in _ALL}
        self.writer = zstandard.ZstdCompressor(compression_params=_PARAMETERS, dict_data=made[_NEWEST])
        self.readers = {each.dict_id(): zstandard.ZstdDecompressor(dict_data=each) for each in made.values()}


@cache
def _dictionary(name: str) -> zstandard.ZstdCompressionDict:
    found = zstandard.ZstdCompressionDict((resources.files("riskapi.accounts") / name).read_bytes())
    if name == _NEWEST:
        found.precompute_compress(compression_params=_PARAMETERS)
    return found


_local = _Local()


def pack(text: bytes) -> bytes:
    """JSON as an account keeps it."""
    return _local.writer.compress(text)


def unpack(kept: bytes) -> bytes:
    """The JSON that was packed, or that an earlier release kept as it is. Raises
    :class:`~riskapi.store.damaged.Unreadable` for neither.
    """
    if kept[:4] != zstandard.FRAME_HEADER:
        return kept
    try:
        found = zstandard.get_frame_parameters(kept)
        if found.content_size > _MOST:
            raise Unreadable("more than an account keeps")
        return _local.readers[found.dict_id].decompress(kept)
    except zstandard.ZstdError as error:
        raise Unreadable(f"cannot be unpacked: {error}") from None
    except KeyError:
        raise Unreadable(f"packed with dictionary {found.dict_id}, which this release does not have") from None
