"""What a benchmark found, as its JSON file says it. Times are microseconds, latencies milliseconds, memory bytes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Fsync = Literal["everysec", "always"]

#: Signups a second as a share of what a do-nothing route answers. The aims were set by the owner before the work began.
RATIO: dict[Fsync, float] = {"everysec": 0.20, "always": 0.15}
#: The 99th percentile of a signup's latency in that of the do-nothing route, with eight connections.
P99 = 3.0
#: Commands the store runs for a signup, those that its scripts run among them.
COMMANDS = 25.0
#: Bytes of the store's memory for an account with all its indexes.
ACCOUNT = 2000.0
#: Processor time of a signup that shares something with 20,000 accounts, in that of one that shares nothing.
WORST = 1.5


class Found(BaseModel):
    """What all figures have in common: no field more than is written here, and none that changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Served(Found):
    """One server under load: requests a second (median of the rounds, lowest, highest), latencies, and processor time
    a request by process (``server``, ``worker``, ``store``, ``client``; nothing where the kernel does not tell).
    """

    rate: float
    low: float
    high: float
    p50: float
    p99: float
    busy: dict[str, float]
    errors: int


class Ratio(Found):
    """Signups beside the do-nothing route, which both ways of writing to the disk share, of rounds that took turns.

    ``ratio`` is of signups a second, ``work`` of processor time the other way round: what the route takes for a
    request, in what a signup takes with all that is put off. The second says less of what a caller sees, and is the
    same on a busy machine; it is 0 where the kernel does not tell.
    ``after`` is processor time a signup by process once the load had ended: what the worker had put off. ``commands``
    are all that the store ran for a signup, the worker's and those inside scripts too.
    """

    fsync: Fsync
    ratio: float
    low: float
    high: float
    work: float
    p99_ratio: float
    signups: Served
    after: dict[str, float]
    commands: float


class Stage(Found):
    """One stage of a signup in one process: processor time, and time that passed."""

    name: str
    busy: float
    passed: float


class Asked(Found):
    """What one signup asks of the store, worker apart: commands the service sent, commands in all (with those inside
    scripts), by name, bytes sent and received, bytes the append-only file grew, bytes of memory.
    """

    signups: int
    sent: float
    commands: float
    calls: dict[str, float]
    bytes_sent: float
    bytes_received: float
    bytes_appended: float
    memory: float


class Family(Found):
    """Keys of one family (see docs/keys.md): how many an account has, and their bytes, an account."""

    name: str
    keys: float
    bytes: float


class Memory(Found):
    """Memory an account, of so many accounts that all came through the line.

    ``kinds`` are the kinds of entities, which the family ``risk:e`` sums up. ``used`` is what the store says it uses
    more than when it was empty, ``resident`` what the system says.
    """

    accounts: int
    families: list[Family]
    kinds: list[Family]
    used: float
    resident: float


class Size(Found):
    """A signup where so many accounts are: processor time, commands the store ran, and memory an account, of that the
    families of keys. ``load_seconds`` it took to get there from the size before.
    """

    accounts: int
    load_seconds: float
    python: float
    store: float
    commands: float
    used: float
    resident: float
    families: list[Family]


class Growth(Found):
    """Sizes that were measured, and those that were left out with the reason."""

    sizes: list[Size]
    left_out: dict[int, str]


class Worst(Found):
    """A signup that shares something with so many, and one in the same store that shares nothing: processor time.

    ``times`` is the median of what blocks that took turns cost, one in the other. ``after`` is what is left to a
    worker, in its process and in the store, where 600 come at once: those they are linked to are decided again once.
    """

    shared: str
    accounts: int
    load_seconds: float
    python: float
    store: float
    alone_python: float
    alone_store: float
    times: float
    after: float
    alone_after: float


class Grants(Found):
    """Grants of one sort a second, and the median latency in bare round trips to the store."""

    name: str
    rate: float
    p50: float
    p99: float
    trips: float
    errors: int


class Upstreams(Found):
    """Signups beside upstreams of one sort; ``to_off``: p99 in that of a service that asks nobody."""

    name: str
    rate: float
    p50: float
    p99: float
    to_off: float
    dns: int
    rdap: int
    errors: int


class Setting(Found):
    """On what was measured, and how."""

    at: str
    commit: str
    python: str
    store: str
    packages: dict[str, str]
    system: str
    processor: str
    cores: int
    memory: int
    rounds: int
    seconds: int
    connections: int
    workers: int


class Bench(Found):
    """One run of ``make bench``; parts that were not asked for are None."""

    form: Literal[1] = 1
    setting: Setting
    ratios: list[Ratio]
    nothing: Served
    stages: list[Stage]
    asked: Asked
    sending: list[Grants]
    memory: Memory | None = None
    growth: Growth | None = None
    worst: list[Worst] | None = None
    upstreams: list[Upstreams] | None = None

    @property
    def errors(self) -> int:
        """Answers that were not 200."""
        rows = [self.nothing, *(each.signups for each in self.ratios), *self.sending, *(self.upstreams or ())]
        return sum(row.errors for row in rows)
