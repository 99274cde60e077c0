"""Check a policy file before it is used."""

from __future__ import annotations

import argparse
from pathlib import Path

from riskapi import policy
from riskapi.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``check FILE``."""
    parser.add_argument("action", choices=["check"], help="what to do")
    parser.add_argument("file", type=Path, nargs="?", help="the policy (default: the one the settings name)")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Say what the policy holds; a broken one raises with the file, the key and the reason."""
    path: Path = arguments.file or settings.policy_file or policy.DEFAULT
    found = policy.load(path)
    print(f"{path}: policy {found.version} is good, {len(found.rules)} rules, model {found.model.mode}")
    return 0
