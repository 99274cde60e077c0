"""The service, started for a collection or a trial: a process of its own, talked to over HTTP as any caller would."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any

#: Longest wait for the service to say it is ready, in seconds; the first start unpacks databases.
_START = 90.0
#: Longest wait for one answer, in seconds.
_ANSWER = 30.0


class ServiceError(Exception):
    """The service did not start, or did not answer as the contract says."""


class Service:
    """A running ``python -m riskapi serve`` in replay time, with a store of its own in ``data_dir``.

    It asks nobody outside and has no worker. ``settings`` are environment variables of the service that add to that or
    change it.
    """

    def __init__(
        self, data_dir: Path, databases: tuple[Path, Path | None], settings: Mapping[str, str] | None = None
    ) -> None:
        self._port = _free_port()
        self._key = secrets.token_urlsafe(32)
        self._log = data_dir / "serve.log"
        asn, country = databases
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RISKAPI_", "REDIS_"))}
        self._environment = kept | {
            "RISKAPI_BIND": f"127.0.0.1:{self._port}",
            "RISKAPI_DATA_DIR": str(data_dir),
            "RISKAPI_WORKERS": "1",
            "RISKAPI_REPLAY": "1",
            "RISKAPI_STORE_FSYNC": "everysec",
            "RISKAPI_BOOTSTRAP_KEY": self._key,
            "RISKAPI_ASN_DATABASE": str(asn.absolute()),
            "RISKAPI_LOG_LEVEL": "warning",
            # The same figures whoever can be asked, and whatever a worker is in time for.
            "RISKAPI_ENRICHMENT": "off",
            "RISKAPI_SERVE_WORKER": "off",
        }
        if country is not None:
            self._environment["RISKAPI_COUNTRY_DATABASE"] = str(country.absolute())
        self._environment.update(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER)

    def __enter__(self) -> Service:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._output = self._log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "riskapi", "serve"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def post(self, path: str, body: dict[str, Any], at: float) -> dict[str, Any]:
        """Post to the service at a replayed time (Unix seconds). Any answer but a 2xx is a :class:`ServiceError`."""
        return self._ask("POST", path, json.dumps(body).encode(), at)

    def get(self, path: str, at: float) -> dict[str, Any]:
        """Read from the service at a replayed time (Unix seconds). Any answer but a 2xx is a :class:`ServiceError`."""
        return self._ask("GET", path, None, at)

    def counted(self, metric: str) -> dict[str, float]:
        """A counter of ``/metrics`` by its labels, as they are written there; empty before the first."""
        text = self._exchange("GET", "/metrics", None, {}).decode()
        return {labels: float(value) for labels, value in re.findall(rf"^{metric}(\S*) (\S+)$", text, re.MULTILINE)}

    def _ask(self, method: str, path: str, body: bytes | None, at: float) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "X-Replay-Time": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
        }
        found = json.loads(self._exchange(method, path, body, headers))
        if not isinstance(found, dict):
            raise ServiceError(f"{method} {path}: the answer is not an object")
        return found

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        try:
            self._connection.request(method, path, body, dict(headers))
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServiceError(f"{method} {path}: no answer: {error!r}; see {self._log}") from error
        if not 200 <= answer.status < 300:
            why = "\n" + self._tail().rstrip().rpartition("\n")[2] if answer.status >= 500 else ""
            raise ServiceError(f"{method} {path}: {answer.status} {content[:500].decode(errors='replace')}{why}")
        return content

    def export(self, out: Path) -> None:
        """Write every recorded decision to a file, with the service's own command."""
        draft = out.with_name(f".{out.name}.draft")
        with draft.open("wb") as file:
            done = subprocess.run(
                [sys.executable, "-m", "riskapi", "export", "decisions"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.PIPE,
                check=False,
            )
        if done.returncode:
            raise ServiceError(
                f"export decisions ended with {done.returncode}: {done.stderr[-2000:].decode(errors='replace')}"
            )
        draft.replace(out)

    def _wait(self) -> None:
        end = time.monotonic() + _START
        while time.monotonic() < end:
            if self._process is not None and self._process.poll() is not None:
                raise ServiceError(f"the service ended with {self._process.returncode}:\n{self._tail()}")
            try:
                self._connection.request("GET", "/readyz")
                answer = self._connection.getresponse()
                answer.read()
                if answer.status == 200:
                    return
            except (OSError, http.client.HTTPException):
                self._connection.close()
            time.sleep(0.1)
        raise ServiceError(f"the service was not ready after {_START:.0f} s:\n{self._tail()}")

    def _tail(self) -> str:
        return self._log.read_bytes()[-2000:].decode(errors="replace")

    def _stop(self) -> None:
        self._connection.close()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._output is not None:
            self._output.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
