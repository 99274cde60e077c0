"""What a command is called with besides its own words: the settings, and whether a store may be started for it."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from riskapi.settings import Settings
    from riskapi.store.connections import Store


class Invocation:
    """One call of the command line. ``start_store``: see :func:`riskapi.store.connections.running_store`."""

    def __init__(self, start_store: bool) -> None:
        self.start_store = start_store

    @cached_property
    def settings(self) -> Settings:
        """What the environment says, read when it is first needed: help needs none.

        Variables that are not a setting are named on standard error. Raises ``ConfigurationError``.
        """
        from riskapi.settings import Settings

        found = Settings.load(os.environ)
        for name in found.unknown:
            print(f"environment: {name}: is not a setting of this version; ignored", file=sys.stderr)
        return found

    def store(self, *, start: bool = False) -> AbstractContextManager[Store]:
        """The store that runs; with ``start``, or where the caller allows it, one that was stopped is started."""
        from riskapi.store.connections import running_store

        return running_store(self.settings, start=start or self.start_store)


def of(context: Any) -> Invocation:
    """The invocation that a command's ``typer.Context`` carries."""
    found: Invocation = context.obj
    return found
