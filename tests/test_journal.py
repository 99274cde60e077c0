"""The journal: what was acknowledged is on the disk, replayed once, and survives a crash."""

from __future__ import annotations

import fcntl
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from riskapi.journal import Journal, JournalFull


def replayed(journal: Journal) -> list[Any]:
    found: list[Any] = []
    journal.replay(found.append)
    return found


def test_entries_come_back_in_order_and_only_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 1 << 20)
    for number in range(3):
        journal.append(f"u{number}", {"number": number})
    assert journal.entries() == 3
    assert journal.answered("u1") == {"number": 1}
    assert replayed(journal) == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert (replayed(journal), journal.entries(), journal.answered("u1")) == ([], 0, None)


def test_what_cannot_be_recorded_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 1 << 20)
    journal.append("u", {"number": 0})

    def refuse(_: Any) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
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
