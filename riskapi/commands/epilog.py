"""What the help of a command ends with: examples, and what its exit codes mean."""

from __future__ import annotations

from collections.abc import Mapping

#: How the program is called.
PROGRAM = "python -m riskapi"
#: What the codes mean for every command.
_CODES = {0: "done", 1: "failed; standard error says why", 2: "wrong settings or usage"}


def epilog(*examples: str, codes: Mapping[int, str] | None = None) -> str:
    """Markdown for ``epilog=``: ``examples`` without the program's name, ``codes`` where they mean more."""
    shown = "\n".join(f"- `{PROGRAM} {example}`" for example in examples)
    meant = "\n".join(f"- {code}: {what}" for code, what in sorted({**_CODES, **(codes or {})}.items()))
    return f"**Examples**\n\n{shown}\n\n**Exit codes**\n\n{meant}"
