"""Mails in the shapes of the large receivers, and what each must be read as."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((HERE / "corpus.toml").read_text())


def mail(name: str) -> bytes:
    """A mail of the corpus, as it came."""
    return (HERE / "corpus" / f"{name}.eml").read_bytes()
