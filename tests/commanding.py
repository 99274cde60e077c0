"""Commands as somebody gives them: in this process, or on a terminal of their own."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from riskapi.__main__ import main
from tests.logged import put_back

#: What would change what a command shows, whoever runs the tests.
_UNWANTED = ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "COLUMNS", "TERMINAL_WIDTH", "TTY_COMPATIBLE")


@dataclass
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str


#: ``command("policy", "show")`` runs a command in this process; both outputs are pipes.
Command = Callable[..., Done]


def within(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs commands in this process, with its environment."""

    def command(*words: str) -> Done:
        with put_back():
            code = main(list(words))
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return command


def environment(**more: str) -> dict[str, str]:
    """The environment of this process without settings of the service, and without what colours output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RISKAPI_", "REDIS_"))}
    return {**{name: value for name, value in kept.items() if name not in _UNWANTED}, **more}


def on_terminal(
    words: list[str], environ: Mapping[str, str], cwd: Path, *, pipe: bool = False, seconds: float = 60
) -> Done:
    """Run ``python -m riskapi`` on a terminal of 120 columns. With ``pipe`` only standard error is the terminal.

    ``out`` is what the pipe got, ``err`` what the terminal showed.
    """
    ours, theirs = pty.openpty()
    environ = {**environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "50"}
    shown = bytearray()

    def watch() -> None:
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal any more
            while some := os.read(ours, 65536):
                shown.extend(some)

    watching = threading.Thread(target=watch)
    watching.start()
    process = subprocess.Popen(
        [sys.executable, "-m", "riskapi", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if pipe else theirs, stderr=theirs, env=environ, cwd=cwd,
    )  # fmt: skip
    os.close(theirs)
    try:
        out, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    finally:
        watching.join()
        os.close(ours)
    return Done(process.returncode, (out or b"").decode(), shown.decode().replace("\r\n", "\n"))
