"""``python -m riskapi COMMAND``: everything an operator does."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0 done, 1 failed, 2 wrong settings or usage, 130 stopped by Ctrl-C."""
    try:
        from riskapi.commands.program import run

        return run(sys.argv[1:] if words is None else words)
    except ModuleNotFoundError as error:
        if (error.name or "riskapi").partition(".")[0] in ("riskapi", "model", "signals"):
            raise
        missing = f"{error.name} is not installed for {sys.executable}"
        print(f"{missing}: after `make run`, `. .venv/bin/activate` first", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
