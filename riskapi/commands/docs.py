"""Write the generated pages of a checkout: signals, errors, metrics and settings.

With ``--check`` nothing is written; the exit code says whether every page is current.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from riskapi import metrics
from riskapi.api import problems
from riskapi.commands import catalogue
from riskapi.settings import Settings, settings_table

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


#: Every generated page of the repository and what makes its text.
PAGES: dict[str, Callable[[], str]] = {
    "docs/signals.md": catalogue.page,
    "docs/errors.md": problems.page,
    "docs/metrics.md": metrics.page,
    "docs/settings.md": _settings,
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare whether pages are written or checked."""
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is out of date")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write or check every page."""
    stale = [name for name, made in PAGES.items() if not _current(_ROOT / name, made())]
    for name in stale:
        if not arguments.check:
            (_ROOT / name).write_text(PAGES[name]())
        print(f"{name}: {'is out of date; run make docs' if arguments.check else 'written'}", file=sys.stderr)
    return 1 if arguments.check and stale else 0


def _current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text
