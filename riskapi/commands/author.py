"""Who gives a command: a person, whom those who come after can ask."""

from __future__ import annotations

import os
from collections.abc import Mapping

import typer

from riskapi.commands import arguments
from riskapi.errors import ConfigurationError

#: Where the login of the person stands, the surest first: what sudo(8) and doas(1) say who called them, then what
#: login(1) and POSIX ("Environment Variables", LOGNAME) set, then what other shells and systems do.
_LOGINS = ("SUDO_USER", "DOAS_USER", "LOGNAME", "USER", "USERNAME")
#: Logins that several people share, or nobody has; the last is that of the image.
_NOBODY = frozenset({"root", "toor", "nobody", "daemon", "riskapi"})


def name(given: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The author that was given, else the login of the person. Raises ``ConfigurationError`` where that is nobody's."""
    if given is not None:
        return given
    for login in _LOGINS:
        found = environ.get(login, "").strip()
        if found and found not in _NOBODY:
            try:
                return arguments.name(found)
            except typer.BadParameter:
                continue
    raise ConfigurationError(
        "command line", "--author", "is missing, and the login is not a person's: say who you are, such as --author ana"
    )
