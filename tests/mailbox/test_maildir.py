"""A maildir: what is stored leaves ``new``, what is not stays, and two readers hand nothing over twice at once."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from riskapi.mailbox import maildir
from riskapi.mailbox.handover import Outcome
from riskapi.mailbox.maildir import Round
from tests.feedback.mail.corpus import mail


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    return tmp_path


def deliver(directory: Path, name: str, content: bytes = mail("postfix-spamhaus"), at: float = 1.0) -> Path:
    path = directory / "new" / name
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


def names(directory: Path, place: str) -> list[str]:
    return sorted(path.name for path in (directory / place).iterdir())


def test_what_is_stored_moves_to_cur_or_is_deleted(directory: Path) -> None:
    given: list[bytes] = []
    deliver(directory, "b", b"X: 2\n\n", at=2.0)
    deliver(directory, "a", b"X: 1\n\n", at=1.0)

    def give(raw: bytes) -> Outcome:
        given.append(raw)
        return Outcome.STORED

    assert maildir.read(directory, give, delete=False) == Round(stored=2)
    assert given == [b"X: 1\n\n", b"X: 2\n\n"]
    assert (names(directory, "new"), names(directory, "cur")) == ([], ["a:2,S", "b:2,S"])
    deliver(directory, "c")
    assert maildir.read(directory, give, delete=True) == Round(stored=1)
    assert (names(directory, "new"), names(directory, "cur")) == ([], ["a:2,S", "b:2,S"])


def test_what_cannot_be_stored_stays_and_what_is_refused_is_kept_for_a_person(directory: Path) -> None:
    deliver(directory, "a")
    deliver(directory, "b", at=2.0)
    assert maildir.read(directory, lambda raw: Outcome.LATER, delete=True) == Round(later=2)
    assert names(directory, "new") == ["a", "b"]
    assert maildir.read(directory, lambda raw: Outcome.REFUSED, delete=True) == Round(refused=2)
    assert names(directory, "cur") == ["a:2,F", "b:2,F"]


def test_a_reader_that_is_killed_before_it_moves_the_mail_hands_it_over_again(directory: Path) -> None:
    deliver(directory, "a")
    pid = os.fork()
    if pid == 0:
        maildir.read(directory, lambda raw: os._exit(9), delete=True)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    assert names(directory, "new") == ["a"]
    assert maildir.read(directory, lambda raw: Outcome.STORED, delete=True) == Round(stored=1)


def test_two_at_once_take_turns(directory: Path) -> None:
    for number in range(20):
        deliver(directory, f"m{number:02}", b"X: %d\n\n" % number, at=number)
    given: list[bytes] = []

    def give(raw: bytes) -> Outcome:
        given.append(raw)
        return Outcome.STORED

    readers = [threading.Thread(target=maildir.read, args=(directory, give), kwargs={"delete": True}) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(30)
    assert len(given) == len(set(given)) == 20


def test_links_directories_and_hidden_files_are_no_mail(directory: Path) -> None:
    (directory / "secret").write_text("X: 1\n\n")
    (directory / "new" / "link").symlink_to(directory / "secret")
    (directory / "new" / "inner").mkdir()
    deliver(directory, ".hidden")
    assert maildir.read(directory, lambda raw: Outcome.STORED, delete=True) == Round()


def test_what_is_too_large_is_refused_unread(directory: Path) -> None:
    deliver(directory, "a", b"X: 1\n\n" + b"a" * (6 * 1024 * 1024))
    assert maildir.read(directory, lambda raw: Outcome.STORED, delete=True) == Round(refused=1)
