"""A store grows by what several processes load, is measured at each size, and does not outgrow the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from riskapi.app import Service
from riskapi.datasets.installed import DataPaths
from tests.bench import growth, in_process, loading, worst
from tests.bench.afterwards import Afterwards
from tests.bench.progress import Steps
from tests.conftest import BOOTSTRAP_KEY
from tests.members import members

pytestmark = pytest.mark.slow


@pytest.fixture
def grown(tmp_path: Path, ip_data: DataPaths) -> Iterator[Service]:
    """A service on a store of its own, whose data is on the disk as those that load find it."""
    with in_process.serving(in_process.settings_of(tmp_path, BOOTSTRAP_KEY)) as service:
        yield service


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (growth, worst):
        monkeypatch.setattr(module, "_BLOCK", 5)
        monkeypatch.setattr(module, "_BLOCKS", 2)
    monkeypatch.setattr(growth, "_THROUGH_THE_LINE", in_process.WARM + 100)
    monkeypatch.setattr(loading, "workers", lambda: 1)


def test_sizes_are_reached_and_what_shares_one_thing_is_timed(grown: Service, tmp_path: Path) -> None:
    growing = growth.Growing(tmp_path, BOOTSTRAP_KEY, grown, Steps())
    found = growing.measure([in_process.WARM + 50, in_process.WARM + 600])
    assert [size.accounts for size in found.sizes] == [350, 900]
    assert found.left_out == {}
    assert len(grown.store.execute("KEYS", "risk:a:*")) == growing.accounts == 910
    assert all(size.python > 0 and size.store > 0 and 500 < size.used < 20_000 for size in found.sizes)
    assert all(10 < size.commands < 100 for size in found.sizes)
    assert [{each.name: each.keys for each in size.families}["risk:a"] for size in found.sizes] == [1.0, 1.0]
    assert growing.memory is not None and growing.memory.accounts == 350
    assert grown.store.execute("CONFIG", "GET", "appendonly") == [b"appendonly", b"yes"]

    afterwards = Afterwards(grown, in_process.settings_of(tmp_path, BOOTSTRAP_KEY))
    worsts = worst.measure(growing, grown, afterwards, 20, Steps())
    assert [each.shared for each in worsts] == ["an address", "a domain", "a pattern", "a device"]
    assert all(each.times > 0 and each.accounts == 20 and min(each.after, each.alone_after) > 0 for each in worsts)
    assert len(grown.store.execute("KEYS", "risk:a:*")) == growing.accounts == 910 + 4 * 60
    assert max(len(members(grown.store, key)) for key in grown.store.execute("KEYS", "risk:e:d:*")) >= 30


def test_a_size_for_which_memory_does_not_do_is_left_out(
    grown: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = growth.Growing(tmp_path, BOOTSTRAP_KEY, grown, Steps())
    monkeypatch.setattr(growth, "free_memory", lambda: 1_000_000_000)
    found = growing.measure([in_process.WARM, 10_000_000])
    assert [size.accounts for size in found.sizes] == [in_process.WARM]
    assert list(found.left_out) == [10_000_000]
    assert "GB would be needed, and of 1.0 GB free 70% are used" in found.left_out[10_000_000]


def test_what_processes_load_is_shared_no_more_than_what_comes_through_the_line(grown: Service, tmp_path: Path) -> None:
    """Whoever signs up twice is reviewed, and so is all that is copied from that."""
    for seed in (1, 2):
        loading.load(loading.Job(tmp_path, BOOTSTRAP_KEY, f"load{seed}_", seed, 1000, copies=True), 2, lambda _: None)
    accounts, devices, reviews = (len(grown.store.execute("KEYS", f"risk:{kind}:*")) for kind in ("a", "e:d", "r"))
    assert accounts == devices == 2000
    assert 0 < reviews < accounts / 4


def test_a_process_that_fails_ends_the_benchmark(tmp_path: Path) -> None:
    job = loading.Job(tmp_path, BOOTSTRAP_KEY, "x", 1, 10, shared="what nobody shares")
    with pytest.raises(SystemExit, match="were not loaded"):
        loading.load(job, 1, lambda _: None)


def test_free_memory_is_told() -> None:
    free = growth.free_memory()
    assert free is None or free > 10_000_000
