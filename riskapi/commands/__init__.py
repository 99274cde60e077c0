"""The commands of ``python -m riskapi``, a module each.

A command's module docstring is its help; ``arguments(parser)`` declares what it takes and
``run(arguments, settings)`` does it and returns the exit code.
"""

from __future__ import annotations

import argparse
from typing import Protocol

from riskapi.commands import (
    data,
    docs,
    doctor,
    export,
    imports,
    keys,
    lists,
    mailbox,
    policy,
    policyd,
    replay,
    serve,
    worker,
)
from riskapi.settings import Settings


class Command(Protocol):
    """What a command's module has."""

    __doc__: str | None

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, arguments: argparse.Namespace, settings: Settings) -> int:
        """Do it; the exit code."""


#: Every command by the name it is called by.
COMMANDS: dict[str, Command] = {
    "serve": serve,
    "worker": worker,
    "keys": keys,
    "lists": lists,
    "import": imports,
    "export": export,
    "replay": replay,
    "policy": policy,
    "policyd": policyd,
    "mailbox": mailbox,
    "data": data,
    "doctor": doctor,
    "docs": docs,
}
