"""On what a benchmark ran: versions, machine, and how the load was made. No name of a machine or person is in it."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from riskapi.settings.http_server import cores
from riskapi.store import server_binary
from tests.bench.figures import Setting
from tests.bench.ratio import Plan

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("flask", "granian", "hiredis", "lightgbm", "orjson", "pydantic", "redis", "zstandard")
_CPUINFO = Path("/proc/cpuinfo")


def setting(plan: Plan) -> Setting:
    """This machine, now."""
    return Setting(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=_said("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        python=platform.python_version(),
        store=_said(str(server_binary.find()), "--version"),
        packages={name: version(name) for name in _PACKAGES},
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=_processor(),
        cores=cores(),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        rounds=plan.rounds,
        seconds=plan.seconds,
        connections=plan.connections,
        workers=plan.workers,
    )


def _said(*command: str) -> str:
    """The first line a command says; nothing where it cannot be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.partition("\n")[0]
    except OSError:
        return ""


def _processor() -> str:
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
