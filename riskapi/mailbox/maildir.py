"""Reads the new mail of a maildir (https://cr.yp.to/proto/maildir.html) and takes away what is stored.

A mail stays in ``new`` until it is stored: whoever is killed in between hands it over again, which counts once. Two
readers of one maildir take turns: a lock on the directory goes away with the process that holds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from riskapi import logs
from riskapi.feedback.mail.message import MAX_MAIL
from riskapi.mailbox.handover import Outcome

#: Flag of a mail that was read (S, seen), and of one that was refused and waits for a person (F, flagged).
_SEEN, _FLAGGED = ":2,S", ":2,F"
_LOCK: Final = ".riskapi.lock"


class Round(NamedTuple):
    """What became of the mails of one look: numbers of them. ``later`` are still in ``new``."""

    stored: int = 0
    refused: int = 0
    later: int = 0


def is_maildir(directory: Path) -> bool:
    """Whether a directory is a maildir."""
    return all((directory / name).is_dir() for name in ("new", "cur", "tmp"))


def read(directory: Path, give: Callable[[bytes], Outcome], *, delete: bool) -> Round:
    """Hand over the mails in ``new``, the oldest first, and move each to ``cur`` or ``delete`` it once it is stored.

    What is refused moves to ``cur``, flagged, whatever ``delete`` says. The first that cannot be stored now ends the
    round. Waits for another reader of the same maildir.
    """
    stored = refused = 0
    with _alone(directory):
        waiting = sorted((directory / "new").iterdir(), key=_age)
        for at, path in enumerate(waiting):
            raw = _content(path)
            if raw is None:
                continue
            outcome = give(raw) if len(raw) <= MAX_MAIL else Outcome.REFUSED
            if outcome is Outcome.LATER:
                return Round(stored, refused, len(waiting) - at)
            if outcome is Outcome.REFUSED:
                refused += 1
                logs.note(logging.WARNING, "mailbox_refused")
                _keep(directory, path, _FLAGGED)
            else:
                stored += 1
                if delete:
                    path.unlink(missing_ok=True)
                else:
                    _keep(directory, path, _SEEN)
    return Round(stored, refused)


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    with (directory / _LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _content(path: Path) -> bytes | None:
    """A mail; None for what is not a file, or went away."""
    try:
        if path.name.startswith(".") or path.is_symlink() or not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(MAX_MAIL + 1)
    except OSError:
        return None


def _keep(directory: Path, path: Path, flags: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, directory / "cur" / f"{path.name.partition(':')[0]}{flags}")


def _age(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except OSError:
        return 0.0, path.name
