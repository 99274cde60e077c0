"""The journal: what was acknowledged is on the disk, replayed once, and survives a crash."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from riskapi.errors import StoreUnavailable
from riskapi.store.journal import Journal, JournalFull
from riskapi.store.journal_lines import decode, encode
from tests.filesystems import small
from tests.signups import together

_OPENED: list[Journal] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Closes what a test opened."""
    yield
    while _OPENED:
        _OPENED.pop().close()


def opened(directory: Path, limit: int) -> Journal:
    _OPENED.append(Journal(directory, limit))
    return _OPENED[-1]


def replayed(journal: Journal) -> list[Any]:
    found: list[Any] = []
    journal.replay(found.append)
    return found


def test_entries_come_back_in_order_and_only_once(tmp_path: Path) -> None:
    journal = opened(tmp_path, 1 << 20)
    for number in range(3):
        journal.append(f"u{number}", {"number": number})
    assert journal.entries() == 3
    assert journal.append("u1", {"number": 9}) == {"number": 1}
    assert replayed(journal) == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert (replayed(journal), journal.entries()) == ([], 0)
    assert journal.append("u1", {"number": 9}) is None


def test_what_cannot_be_recorded_stays(tmp_path: Path) -> None:
    journal = opened(tmp_path, 1 << 20)
    journal.append("u", {"number": 0})

    def refuse(_: Any) -> None:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        journal.replay(refuse)
    assert replayed(journal) == [{"number": 0}]


def test_a_full_journal_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    journal = opened(tmp_path, 80)
    journal.append("u", {"number": 0})
    with pytest.raises(JournalFull):
        journal.append("v", {"text": secrets.token_hex(60)})
    assert replayed(journal) == [{"number": 0}]


def test_a_disk_with_room_for_half_a_line_refuses_it_and_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    with small(tmp_path / "disk", 1) as directory:
        journal, kept = opened(directory, 1 << 30), list[Any]()
        with pytest.raises(OSError, match="No space left"):
            for number in range(1000):
                entry = {"text": secrets.token_hex(3000)}
                journal.append(f"u{number}", entry)
                kept.append(entry)
        journal.append("later", {"text": ""})  # what fits is taken, and stands on a line of its own
        assert replayed(journal) == [*kept, {"text": ""}]
        journal.close()


def test_half_a_line_of_a_crash_is_dropped_and_a_broken_one_set_aside(tmp_path: Path) -> None:
    (tmp_path / "1-a.jsonl").write_bytes(b'{"number": 1}\nnot json\n{"number": 2}\n{"number":')
    journal = opened(tmp_path, 1 << 20)
    assert replayed(journal) == [{"number": 1}, {"number": 2}]
    assert (tmp_path / "rejected").read_bytes() == b"not json\n"


def test_files_of_the_living_are_left_alone_and_those_of_the_dead_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "1-a.jsonl"
    path.write_bytes(b'{"number": 1}\n')
    journal = opened(tmp_path, 1 << 20)
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
    assert replayed(opened(tmp_path, 1 << 20)) == [{"number": 7}]


def test_an_entry_that_cannot_be_recorded_holds_up_nobody_elses(tmp_path: Path) -> None:
    journal = opened(tmp_path, 1 << 20)
    for number in range(3):
        journal.append(f"u{number}", {"number": number})
    found: list[Any] = []

    def record(entry: Any) -> None:
        if entry["number"] == 1:
            raise ValueError("year 0 is out of range")
        found.append(entry)

    assert journal.replay(record) == 2
    assert (found, journal.entries()) == ([{"number": 0}, {"number": 2}], 0)
    assert decode((tmp_path / "rejected").read_bytes().rstrip(b"\n")) == {"number": 1}
    assert journal.rejected() == 1


def test_racing_appends_for_one_account_keep_one(tmp_path: Path) -> None:
    journal = opened(tmp_path, 1 << 20)
    kept = together(20, lambda number: journal.append("u", {"number": number}))
    assert kept.count(None) == 1
    assert journal.entries() == 1


def test_only_the_owner_can_read_what_was_kept(tmp_path: Path) -> None:
    opened(tmp_path, 1 << 20).append("u", {})
    assert [path.stat().st_mode & 0o777 for path in tmp_path.glob("*.journal")] == [0o600]


def test_what_another_release_wrote_as_json_is_read_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "1-a.jsonl").write_bytes(b'{"number": 1}\n')
    journal = opened(tmp_path, 1 << 20)
    journal.append("u2", {"number": 2})
    assert journal.entries() == 2
    assert journal.elsewhere() == [{"number": 1}]
    assert sorted(each["number"] for each in replayed(journal)) == [1, 2]


#: What becomes of a line on a bad disk, or by a person's hand.
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda line: line[:40],
    "emptied": lambda line: b"",
    "one byte changed": lambda line: line[:-3] + bytes([line[-3] ^ 1]) + line[-2:],
    "zeros": lambda line: b"\0" * len(line),
    "no object": lambda line: b"[1]",
    "no JSON": lambda line: b"{",
    "another dictionary": lambda line: line[:18] + line[18:20] + b"\0\0\0\0" + line[24:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_line_is_set_aside_and_stops_nothing(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    lines = [encode(f"u{number}", {"number": number, "text": "x\n\x1b" * 9}).rstrip(b"\n") for number in range(3)]
    lines[1] = damage(lines[1])
    (tmp_path / "1-a.journal").write_bytes(b"\n".join(lines) + b"\n")
    journal = opened(tmp_path, 1 << 20)
    assert [each["number"] for each in journal.elsewhere()] == [0, 2]
    assert [each["number"] for each in replayed(journal)] == [0, 2]
    assert (journal.entries(), journal.rejected()) == (0, 1)


def test_whoever_wrote_it_an_entry_is_known_by_its_name(tmp_path: Path) -> None:
    ours, theirs = opened(tmp_path, 1 << 20), opened(tmp_path, 1 << 20)
    assert not ours.holds("u1")
    theirs.append("u1", {"number": 1})
    ours.append("u2", {"number": 2})
    assert (ours.holds("u1"), ours.holds("u2"), ours.holds("u3")) == (True, True, False)
    theirs.append("u3", {"number": 3})
    assert ours.holds("u3")
    assert replayed(theirs) == [{"number": 1}, {"number": 3}]
    assert (ours.holds("u1"), ours.holds("u2")) == (False, True)


def test_a_closed_journal_leaves_its_entries_to_others(tmp_path: Path) -> None:
    journal = opened(tmp_path, 1 << 20)
    journal.append("u1", {"number": 1})
    journal.close()
    assert replayed(opened(tmp_path, 1 << 20)) == [{"number": 1}]
    journal.close()
    assert journal.append("u2", {"number": 2}) is None
    journal.close()


def test_an_entry_is_found_by_its_name_whoever_wrote_it(tmp_path: Path) -> None:
    mine, other = opened(tmp_path, 1 << 20), opened(tmp_path, 1 << 20)
    assert mine.entry("u1") is None
    other.append("u1", {"number": 1})
    other.append("u2", {"number": 2})
    mine.append("u3", {"number": 3})
    assert [mine.entry(f"u{number}") for number in (1, 2, 3, 4)] == [{"number": 1}, {"number": 2}, {"number": 3}, None]
    assert replayed(other) == [{"number": 1}, {"number": 2}]
    assert [mine.entry(f"u{number}") for number in (1, 2, 3)] == [None, None, {"number": 3}]


def test_a_directory_that_was_empty_is_looked_at_again_once_it_changed(tmp_path: Path) -> None:
    mine, other = opened(tmp_path, 1 << 20), opened(tmp_path, 1 << 20)
    os.utime(tmp_path, (1, 1))  # nothing happened for long
    assert not mine.holds("u1")
    other.append("u1", {"number": 1})
    assert mine.holds("u1")
    replayed(other)
    assert not mine.holds("u1")
    other.append("u2", {"number": 2})
    assert mine.holds("u2")
