"""The examples of the manuals, as programs that tests run: each in Python and, where it is installed, in Node."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "docs/examples"
NODE = shutil.which("node")


def python(name: str) -> list[str]:
    """The command that runs an example in Python."""
    return [sys.executable, str(FOLDER / f"{name}.py")]


def node(name: str) -> list[str]:
    """The command that runs an example in Node."""
    return [NODE or "", str(FOLDER / f"{name}.mjs")]


def programs(name: str) -> list[object]:
    """Both, as parameters of a test; the one in Node is skipped where there is none."""
    missing = pytest.mark.skipif(NODE is None, reason="there is no node here")
    return [pytest.param(python(name), id="python"), pytest.param(node(name), id="node", marks=missing)]
