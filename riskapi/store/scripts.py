"""The Lua scripts of the store, one operation a file in ``riskapi/store/lua``, known by name and SHA-1.

What several operations need is a file of ``lua/parts``, and so is a step of a long one; a line ``--+ <name>`` in a
script stands for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from riskapi.store.pipelines import Pipeline, ReplyReader
from riskapi.store.redis_socket import Argument

T = TypeVar("T")
_PART = re.compile(rb"^--\+ (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ScriptText:
    """The text of one script. ``sha1`` is what EVALSHA calls it by (https://valkey.io/commands/evalsha/)."""

    name: str
    text: bytes
    sha1: str


@dataclass(frozen=True, slots=True)
class Script:
    """One script bound to a store, whose ``execute`` runs one command."""

    execute: Callable[..., Any]
    source: ScriptText

    def queue(self, pipe: Pipeline, keys: Sequence[str | bytes], args: Iterable[Argument] = ()) -> None:
        """Add a call to a pipeline. All ``keys`` must be in one slot of a cluster."""
        pipe.execute_command("EVALSHA", self.source.sha1, len(keys), *keys, *args)

    def ask(
        self, pipe: Pipeline, keys: Sequence[str | bytes], args: Iterable[Argument] = (), *, read: Callable[[Any], T]
    ) -> ReplyReader[T]:
        """Add a call to a pipeline whose reply ``read`` makes a value of. ``keys`` as in :meth:`queue`."""
        return pipe.add(("EVALSHA", self.source.sha1, len(keys), *keys, *args), read)

    def call(self, keys: Sequence[str | bytes], args: Iterable[Argument] = ()) -> Any:
        """Run alone and return the answer.

        Raises:
            StoreUnavailable: the store did not answer, or refused the write.
        """
        return self.execute("EVALSHA", self.source.sha1, len(keys), *keys, *args)


@cache
def sources() -> dict[str, ScriptText]:
    """Every packaged script by name."""
    folder = resources.files("riskapi.store") / "lua"
    found = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".lua"):
            continue
        text = _PART.sub(lambda part: (folder / "parts" / f"{part[1].decode()}.lua").read_bytes(), file.read_bytes())
        name = file.name.removesuffix(".lua")
        # SHA-1 is what the protocol calls a script by; nothing rests on its strength.
        found[name] = ScriptText(name, text, hashlib.sha1(text, usedforsecurity=False).hexdigest())
    return found
