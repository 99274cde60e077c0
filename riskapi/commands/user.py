"""Who gives a command."""

from __future__ import annotations

import getpass
import os


def name() -> str:
    """The name of the user, or the number where there is no name, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the first until Python 3.12
        return f"uid {os.getuid()}"
