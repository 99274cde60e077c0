"""The manual of the command line as a page: what ``--help`` says of every command."""

from __future__ import annotations

import typer
from typer.cli import get_docs_for_click
from typer.core import TyperGroup

from riskapi.commands.epilog import PROGRAM

_NOTE = "<!-- Made from riskapi/commands/panels/ by `make docs`; tests/commands/test_docs.py holds them together. -->"

#: What is said of a command without options; `--help` is told once.
_HELP_ONLY = "**Options**:\n\n* `-h, --help`: Show this message and exit.\n\n"


def page(command: TyperGroup) -> str:
    """The text of docs/commands.md, for the command that has all others."""
    context = typer.Context(command, info_name=PROGRAM, help_option_names=["-h", "--help"])
    text = get_docs_for_click(obj=command, ctx=context, name=PROGRAM, title="Commands")
    title, _, rest = text.replace(_HELP_ONLY, "").partition("\n\n")
    return f"{title}\n\n{_NOTE}\n\n{rest.strip()}\n"
