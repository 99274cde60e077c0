"""Files of counts are what prometheus_client writes and reads, whoever of the two wrote them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import mmap_dict

from riskapi.count_files import CountFile

#: The library's own, which has no types.
MmapedDict: Any = mmap_dict.MmapedDict
#: One of each length that differs in the spaces behind it, and one that is not ASCII.
KEYS = [*("k" * length for length in range(1, 10)), "ñandú"]


@pytest.fixture
def path(tmp_path: Path) -> str:
    found = tmp_path / "counter_http-1.db"
    found.write_bytes(bytes(1 << 12))
    return str(found)


def shown(path: str) -> dict[str, tuple[float, float]]:
    """Values and times by key, as prometheus_client reads them."""
    return {key: (value, at) for key, value, at, _ in MmapedDict.read_all_values_from_file(path)}


def test_what_is_counted_is_in_the_file_at_once(path: str) -> None:
    file = CountFile(path)
    for times, key in enumerate(KEYS):
        number = file.number(key)
        assert shown(path)[key] == (0.0, 0.0)
        number.inc(times)
        number.inc(0.5)
        assert shown(path)[key] == (times + 0.5, 0.0) == (number.get(), 0.0)
    file.number("k").set(7.0, timestamp=1795824000.25)
    assert shown(path)["k"] == (7.0, 1795824000.25)
    file.number("k").set(8.0)
    assert shown(path)["k"] == (8.0, 0.0)


def test_a_file_that_prometheus_client_wrote_goes_on(path: str) -> None:
    written = MmapedDict(path)
    for value, key in enumerate(KEYS):
        written.write_value(key, float(value), 0.0)
    written.close()
    file = CountFile(path)
    for key in [*KEYS, "new"]:
        file.number(key).inc(1)
    assert shown(path) == {**{key: (value + 1.0, 0.0) for value, key in enumerate(KEYS)}, "new": (1.0, 0.0)}
    again = MmapedDict(path)
    assert [again.read_value(key)[0] for key in (*KEYS, "new")] == [*(value + 1.0 for value in range(len(KEYS))), 1.0]
    again.close()


def test_a_file_that_has_no_room_left_grows_and_keeps_what_was_counted(path: str) -> None:
    file = CountFile(path)
    numbers = [file.number(f"a key of some length {number}") for number in range(300)]
    long = file.number("k" * 100_000)
    for number in (*numbers, long):
        number.inc(2)
    assert Path(path).stat().st_size >= 100_000
    assert set(shown(path).values()) == {(2.0, 0.0)} and len(shown(path)) == 301


def test_threads_lose_no_count(path: str) -> None:
    file = CountFile(path)

    def count() -> None:
        for _ in range(2000):
            file.number("k").inc(1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shown(path) == {"k": (8000.0, 0.0)}
