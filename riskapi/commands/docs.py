"""The generated pages of a checkout: signals, errors, metrics, commands, and the table of settings in README."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from riskapi import metrics
from riskapi.api import problems
from riskapi.commands import catalogue, manual
from riskapi.settings import settings_table

_ROOT = Path(__file__).resolve().parents[2]
_BEGIN, _END = "<!-- settings: made by `make docs` -->\n", "<!-- /settings -->"


def _readme() -> str:
    text = (_ROOT / "README.md").read_text()
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    rows = "\n".join(f"| `{name}` | {shown} | {meaning} |" for name, shown, meaning in settings_table())
    return f"{before}{_BEGIN}\n| name | default | what |\n|---|---|---|\n{rows}\n\n{_END}{after}"


#: Every generated page of the repository and what makes its text.
PAGES: dict[str, Callable[[], str]] = {
    "docs/signals.md": catalogue.page,
    "docs/errors.md": problems.page,
    "docs/metrics.md": metrics.page,
    "docs/commands.md": manual.page,
    "README.md": _readme,
}


def run(*, check: bool) -> int:
    """Write every page, or with ``check`` only look; then 1 when one is out of date."""
    stale = [name for name, made in PAGES.items() if not _current(_ROOT / name, made())]
    for name in stale:
        if not check:
            (_ROOT / name).write_text(PAGES[name]())
        print(f"{name}: {'is out of date; run make docs' if check else 'written'}", file=sys.stderr)
    return 1 if check and stale else 0


def _current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text
