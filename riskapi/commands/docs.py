"""The generated pages of a checkout: signals, errors, metrics, commands and settings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from typer.core import TyperGroup

from riskapi import metrics
from riskapi.api import problems
from riskapi.commands import catalogue, manual
from riskapi.settings import settings_table

_ROOT = Path(__file__).resolve().parents[2]


def _settings() -> str:
    """The text of docs/settings.md, made from :class:`riskapi.settings.Settings`."""
    rows = "\n".join(f"| `{name}` | {shown} | {meaning} |" for name, shown, meaning in settings_table())
    return f"""# Settings

From the environment; each also as `NAME_FILE`, which names a file that holds the value. A wrong value stops the start
with its name and why.

<!-- Made from riskapi/settings by `make docs`; tests/commands/test_docs.py holds them together. -->

| name | default | what |
|---|---|---|
{rows}
"""


def pages(program: TyperGroup) -> dict[str, Callable[[], str]]:
    """Every generated page of the repository and what makes its text; ``program`` has all commands."""
    return {
        "docs/signals.md": catalogue.page,
        "docs/errors.md": problems.page,
        "docs/metrics.md": metrics.page,
        "docs/commands.md": partial(manual.page, program),
        "docs/settings.md": _settings,
    }


def run(program: TyperGroup, *, check: bool) -> int:
    """Write every page, or with ``check`` only look; then 1 when one is out of date."""
    texts = {name: made() for name, made in pages(program).items()}
    stale = [name for name, text in texts.items() if not _current(_ROOT / name, text)]
    for name in stale:
        if not check:
            (_ROOT / name).write_text(texts[name])
        print(f"{name}: {'is out of date; run make docs' if check else 'written'}", file=sys.stderr)
    return 1 if check and stale else 0


def _current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text
