"""The journal: what was acknowledged is on the disk, replayed once, and survives a crash."""

from __future__ import annotations

import fcntl
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from riskapi.errors import StoreUnavailable
from riskapi.journal import Journal, JournalFull
from tests.signups import together


def replayed(journal: Journal) -> list[Any]:
    found: list[Any] = []
    journal.replay(found.append)
    return found


def test_entries_come_back_in_order_and_only_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 1 << 20)
    for number in range(3):
        journal.append(f"u{number}", {"number": number})
    assert journal.entries() == 3
    assert journal.append("u1", {"number": 9}) == {"number": 1}
    assert replayed(journal) == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert (replayed(journal), journal.entries()) == ([], 0)
    assert journal.append("u1", {"number": 9}) is None


def test_what_cannot_be_recorded_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 1 << 20)
    journal.append("u", {"number": 0})

    def refuse(_: Any) -> None:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        journal.replay(refuse)
    assert replayed(journal) == [{"number": 0}]


def test_a_full_journal_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 60)
    journal.append("u", {"number": 0})
    with pytest.raises(JournalFull):
        journal.append("v", {"text": "x" * 60})
    assert replayed(journal) == [{"number": 0}]


def test_half_a_line_of_a_crash_is_dropped_and_a_broken_one_set_aside(tmp_path: Path) -> None:
    (tmp_path / "1-a.jsonl").write_bytes(b'{"number": 1}\nnot json\n{"number": 2}\n{"number":')
    journal = Journal(tmp_path, 1 << 20)
    assert replayed(journal) == [{"number": 1}, {"number": 2}]
    assert (tmp_path / "rejected").read_bytes() == b"not json\n"


def test_files_of_the_living_are_left_alone_and_those_of_the_dead_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "1-a.jsonl"
    path.write_bytes(b'{"number": 1}\n')
    journal = Journal(tmp_path, 1 << 20)
    with path.open("rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert replayed(journal) == []
    assert replayed(journal) == [{"number": 1}]


def _write_and_die(directory: str) -> None:
    Journal(Path(directory), 1 << 20).append("u", {"number": 7})


def test_what_a_killed_worker_wrote_is_found(tmp_path: Path) -> None:
    worker = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(str(tmp_path),))
    worker.start()
    worker.join()
    assert replayed(Journal(tmp_path, 1 << 20)) == [{"number": 7}]


def test_an_entry_that_cannot_be_recorded_holds_up_nobody_elses(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 1 << 20)
    for number in range(3):
        journal.append(f"u{number}", {"number": number})
    found: list[Any] = []

    def record(entry: Any) -> None:
        if entry["number"] == 1:
            raise ValueError("year 0 is out of range")
        found.append(entry)

    assert journal.replay(record) == 2
    assert (found, journal.entries()) == ([{"number": 0}, {"number": 2}], 0)
    assert (tmp_path / "rejected").read_bytes() == b'{"number":1}\n'


def test_racing_appends_for_one_account_keep_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 1 << 20)
    kept = together(20, lambda number: journal.append("u", {"number": number}))
    assert kept.count(None) == 1
    assert journal.entries() == 1


def test_only_the_owner_can_read_what_was_kept(tmp_path: Path) -> None:
    Journal(tmp_path, 1 << 20).append("u", {})
    assert [path.stat().st_mode & 0o777 for path in tmp_path.glob("*.jsonl")] == [0o600]
