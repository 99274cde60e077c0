"""What a page is: one declaration that gives the address, the check of the role, and the entry of the menu."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from riskapi.access.users import Role
from riskapi.api.routes import PATHS
from riskapi.console.visit import Answer, Visit

#: Where every page lies.
ROOT = "/console"
#: Bytes a form may have. Most have a few lines of text.
MOST = 65_536
#: What may stand for ``{name}`` in a path, besides what the API knows.
_OWN: Mapping[str, re.Pattern[str]] = {
    "token": re.compile(r"[A-Za-z0-9_-]{20,80}"),
    "action_id": re.compile(r"(?:sel|lsb)_[0-9a-f]{20}"),
    "person": re.compile(r"[0-9a-f]{16}"),
    "draft_id": re.compile(r"drf_[0-9a-f]{24}"),
    "key_id": re.compile(r"[0-9a-f]{16}"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page, or what a form of it does.

    ``path`` is under :data:`ROOT`, with ``{name}`` for what :func:`pattern` knows. ``role`` is the one a person needs;
    None for pages of signing in, which anybody may see. ``entry`` is its word in the menu, in the order of declaration.
    ``open_to_new`` says that somebody without the second factor they need may see it. ``most`` are bytes of its form.
    ``writes`` says that its form changes something, so it is not tried while the store refuses writes.
    """

    path: str
    handler: Callable[[Visit], Answer]
    role: Role | None
    method: str = "GET"
    entry: str | None = None
    open_to_new: bool = False
    most: int = MOST
    writes: bool = True

    @property
    def rule(self) -> str:
        """The path as Flask writes it, under the root."""
        return self.path.replace("{", "<").replace("}", ">")

    @property
    def name(self) -> str:
        """Unique name: the method and the words of the path."""
        return "_".join([self.method.lower(), *re.findall(r"\w+", self.path)])

    def takes(self, path: Mapping[str, str]) -> bool:
        """Whether these values can stand in the path."""
        return all(pattern(name).fullmatch(value) for name, value in path.items())


def pattern(name: str) -> re.Pattern[str]:
    """What may stand for ``{name}`` in a path."""
    return _OWN[name] if name in _OWN else PATHS[name][0]
