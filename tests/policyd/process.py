"""The policy server as an operator runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.waiting import until


class Policyd:
    """The process; ``output`` and ``errors`` are what it wrote."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self._output, self._errors = directory / "policyd.out", directory / "policyd.err"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RISKAPI_", "REDIS_"))}
        with self._output.open("w") as output, self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "riskapi", "policyd"],
                stdout=output,
                stderr=errors,
                cwd=ROOT,
                env={**inherited, "RISKAPI_DATA_DIR": str(directory / "var"), **environment},
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def ready(self) -> Policyd:
        until(lambda: "listens on" in self.output or self.process.poll() is not None)
        assert self.process.poll() is None, self.errors
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)
