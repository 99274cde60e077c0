"""The service in this process, without HTTP, on a store of its own; and what a signup costs there."""

from __future__ import annotations

import gc
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from riskapi import logs
from riskapi.app import Service, assemble
from riskapi.inputs.signup import Signup
from riskapi.server import huge_pages
from riskapi.settings import Settings
from riskapi.store.embedded import Embedded
from tests.bench.bodies import bodies
from tests.bench.counters import counters
from tests.logged import put_back

#: Milliseconds a trip may take: a store that forks to write a large file anew stands still meanwhile.
_PATIENCE = "60000"
#: Signups before anything is timed.
WARM = 300


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time of a signup in this process and in the store, microseconds, and commands the store ran for it."""

    python: float
    store: float
    commands: float

    @property
    def whole(self) -> float:
        """Both together."""
        return self.python + self.store


def settings_of(directory: Path, key: str, enrichment: str = "off") -> Settings:
    """Settings of a service in a directory, with what the environment says of model and policy."""
    inherited = {name: os.environ[name] for name in ("RISKAPI_MODEL_MODE", "RISKAPI_POLICY_FILE") if name in os.environ}
    return Settings.load(
        {
            "RISKAPI_DATA_DIR": str(directory),
            "RISKAPI_BOOTSTRAP_KEY": key,
            "RISKAPI_ENRICHMENT": enrichment,
            "RISKAPI_STORE_TIMEOUT_MS": _PATIENCE,
            **inherited,
        }
    )


@contextmanager
def serving(settings: Settings) -> Iterator[Service]:
    """The service on the embedded store of its directory, which is started if it does not run; nothing is logged."""
    with Embedded(settings.data_dir, fsync="everysec"), open(os.devnull, "w") as nowhere, put_back():
        logs.configure("info", nowhere)
        service = assemble(settings)
        try:
            service.recover(time.time())
            service.gatherer.entries.look()  # as a thread of a process does
            yield service
        finally:
            service.close()
            service.store.close()


def sign_up(service: Service, body: bytes) -> None:
    """One signup through the line, as the API does it after it checked the key."""
    service.parts.assessor.signup(Signup.model_validate_json(body), time.time())


def warm(service: Service, seed: int = 5, label: str = "warm") -> int:
    """Have parsers, caches and the model as they are in service, out of garbage collection and on huge pages as there.

    Returns how many signups that took.
    """
    for body in itertools.islice(bodies(seed, label), WARM):
        sign_up(service, body)
    gc.collect()
    gc.freeze()
    huge_pages.collapse()
    return WARM


def cost(service: Service, source: Iterator[bytes], count: int) -> Cost:
    """Mean cost of the next ``count`` signups of a source, one after the other."""
    taken = list(itertools.islice(source, count))
    before, begin = counters(service.store), time.process_time()
    for body in taken:
        sign_up(service, body)
    spent = time.process_time() - begin
    found = counters(service.store) - before
    commands = sum(found.calls.values()) - found.calls["info"]
    return Cost(1e6 * spent / count, 1e6 * found.busy / count, commands / count)
