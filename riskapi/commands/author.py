"""Who gives a command: a person, whom those who come after can ask."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping

from riskapi.errors import ConfigurationError

#: Where the login of the person stands, the surest first: what sudo(8) and doas(1) say who called them, then what
#: login(1) and POSIX ("Environment Variables", LOGNAME) set, then what other shells and systems do.
_LOGINS = ("SUDO_USER", "DOAS_USER", "LOGNAME", "USER", "USERNAME")
#: Logins that several people share, or nobody has; the last is that of the image.
_NOBODY = frozenset({"root", "toor", "nobody", "daemon", "riskapi"})
#: Characters of a name. As for reviewers in the API.
_MOST = 128


def argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--author``."""
    parser.add_argument(
        "--author", type=_name, metavar="NAME", help="who you are, for those who come after (default: your login)"
    )


def name(arguments: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> str:
    """The author that was given, else the login of the person. Raises ``ConfigurationError`` where that is nobody's."""
    if arguments.author is not None:
        return str(arguments.author)
    for login in _LOGINS:
        found = environ.get(login, "").strip()
        if found and found not in _NOBODY:
            try:
                return _name(found)
            except argparse.ArgumentTypeError:
                continue
    raise ConfigurationError(
        "command line", "--author", "is missing, and the login is not a person's: say who you are, such as --author ana"
    )


def _name(text: str) -> str:
    if not text.strip() or len(text) > _MOST or not text.isprintable():
        raise argparse.ArgumentTypeError(f"expected a name of 1 to {_MOST} characters")
    return text.strip()
