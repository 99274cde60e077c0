"""The figures of a benchmark as a person reads them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from tests.bench import figures
from tests.bench.figures import Bench, Family, Ratio, Served, Setting, Size

_PROCESSES = ("server", "worker", "store", "client")
#: Commands named one by one.
_NAMED = 8
#: What is in no family of keys.
_REST = "tables of keys and expiry, the rest"


def report(bench: Bench) -> Iterator[str]:
    """Every line."""
    yield from _setting(bench.setting)
    yield from _served(bench)
    yield from _limits(bench)
    yield from table(
        "where it goes: microseconds a signup, one at a time in one process",
        ("", "busy", "passed"),
        [(each.name, f"{each.busy:.0f}", f"{each.passed:.0f}") for each in bench.stages],
    )
    yield from _asked(bench)
    yield from _memory(bench)
    yield from _growth(bench)
    yield from _worst(bench)
    yield from table(
        "sending",
        ("", "a second", "p50 ms", "p99 ms", "p50 in bare round trips"),
        [
            (each.name, f"{each.rate:.0f}", f"{each.p50:.2f}", f"{each.p99:.2f}", f"{each.trips:.0f}")
            for each in bench.sending
        ],
    )
    yield from _upstreams(bench)
    yield f"answers that were not 200: {bench.errors}"


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table with an empty line after it; the first column is text, the others are numbers."""
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    yield title
    for row in (heads, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield f"  {row[0].ljust(widths[0])}  {'  '.join(cells)}".rstrip()
    yield ""


def _setting(setting: Setting) -> Iterator[str]:
    yield f"{setting.commit}, Python {setting.python}, {setting.store}, {setting.processor}, {setting.cores} cores"
    yield (
        f"{setting.workers} workers, {setting.connections} connections; medians of {setting.rounds} rounds of "
        f"{setting.seconds} s, client and store on the same cores"
    )
    yield ""


def _served(bench: Bench) -> Iterator[str]:
    def row(name: str, each: Served) -> tuple[str, ...]:
        return (name, f"{each.rate:.0f}", f"{each.p50:.2f}", f"{each.p99:.2f}", f"{each.low:.0f} to {each.high:.0f}")

    rows = [row(f"POST /v1/signups, fsync {each.fsync}", each.signups) for each in bench.ratios]
    rows.append(row("do-nothing Flask route", bench.nothing))
    yield from table("under load", ("", "a second", "p50 ms", "p99 ms", "range a second"), rows)
    yield from table("beside the do-nothing route", ("", "found", "range", "aim"), [*_ratios(bench.ratios)])


def _ratios(ratios: Sequence[Ratio]) -> Iterator[tuple[str, ...]]:
    for each in ratios:
        spread = f"{each.low:.2f} to {each.high:.2f}"
        yield f"signups a second, fsync {each.fsync}", f"{each.ratio:.2f}", spread, f"{figures.RATIO[each.fsync]:.2f}"
    for each in ratios:
        yield f"processor time, the route's in a signup's, fsync {each.fsync}", f"{each.work:.3f}", "", ""
    for each in ratios:
        yield f"p99, fsync {each.fsync}", f"{each.p99_ratio:.1f} times", "", f"{figures.P99:.0f} times"


def _limits(bench: Bench) -> Iterator[str]:
    if not bench.nothing.busy:
        return
    columns = [(f"fsync {each.fsync}", each.signups.busy, each.after) for each in bench.ratios]
    columns.append(("nothing", bench.nothing.busy, {}))
    rows = [(name, *(f"{busy.get(name, 0.0):.0f}" for _, busy, _ in columns)) for name in _PROCESSES]
    rows.append(("together", *(f"{sum(busy.values()):.0f}" for _, busy, _ in columns)))
    rows.append(("put off until after the load", *(f"{sum(after.values()):.0f}" for *_, after in columns)))
    title = "what limits it: processor time, microseconds a request under that load"
    yield from table(title, ("", *(name for name, *_ in columns)), rows)
    for each in bench.ratios:
        # All busy: processors are what there is too little of. Otherwise time goes by in waiting, mostly for the disk.
        busy = each.signups.rate * sum(each.signups.busy.values()) / 1e6
        yield f"  fsync {each.fsync}: {busy:.1f} of {bench.setting.cores} cores were busy with signups"
    yield ""


def _asked(bench: Bench) -> Iterator[str]:
    asked = bench.asked
    named = ", ".join(f"{name} {count:.1f}" for name, count in list(asked.calls.items())[:_NAMED])
    under = [
        (f"… with the worker's, under load, fsync {each.fsync}", f"{each.commands:.1f}", "") for each in bench.ratios
    ]
    yield from table(
        f"what a signup asks of the store (mean of {asked.signups})",
        ("", "found", "aim"),
        [
            ("commands the service sends", f"{asked.sent:.1f}", ""),
            ("commands, with those inside scripts", f"{asked.commands:.1f}", f"under {figures.COMMANDS:.0f}"),
            *under,
            ("bytes to the store", f"{asked.bytes_sent:,.0f}", ""),
            ("bytes from the store", f"{asked.bytes_received:,.0f}", ""),
            ("bytes in the append-only file", f"{asked.bytes_appended:,.0f}", ""),
        ],
    )
    yield f"  most often: {named}"
    yield ""


def _memory(bench: Bench) -> Iterator[str]:
    if (memory := bench.memory) is None:
        return

    def rows(families: Sequence[Family], prefix: str = "") -> list[tuple[str, ...]]:
        return [(prefix + each.name, f"{each.keys:.2f}", f"{each.bytes:,.0f}", "") for each in families]

    inside = sum(each.bytes for each in memory.families)
    whole = f"under {figures.ACCOUNT:,.0f}"
    yield from table(
        f"memory an account, of {memory.accounts:,} accounts",
        ("", "keys", "bytes", "aim"),
        [
            *rows([each for each in memory.families if each.bytes >= 1]),
            *rows([each for each in memory.kinds if each.bytes >= 1], "    of risk:e, "),
            (_REST, "", f"{memory.used - inside:,.0f}", ""),
            ("an account with all its indexes", "", f"{memory.used:,.0f}", whole),
            ("resident memory of the store", "", f"{memory.resident:,.0f}", ""),
        ],
    )


def _growth(bench: Bench) -> Iterator[str]:
    if (growth := bench.growth) is None:
        return
    yield from table(
        "growth: processor time of a signup in one process, microseconds, and memory an account",
        ("accounts", "Python", "store", "together", "commands", "bytes", "resident", "loaded in s"),
        [
            (
                f"{each.accounts:,}", f"{each.python:.0f}", f"{each.store:.0f}", f"{each.python + each.store:.0f}",
                f"{each.commands:.1f}", f"{each.used:,.0f}", f"{each.resident:,.0f}", f"{each.load_seconds:.0f}",
            )
            for each in growth.sizes
        ],
    )  # fmt: skip
    yield from _grown(growth.sizes)
    for size, reason in growth.left_out.items():
        yield f"  {size:,} accounts were left out: {reason}"
        yield ""


def _grown(sizes: Sequence[Size]) -> Iterator[str]:
    """Which family of keys grows faster than accounts do."""
    columns = [{each.name: each.bytes for each in size.families} for size in sizes]
    for size, column in zip(sizes, columns, strict=True):
        column[_REST] = size.used - sum(column.values())
    names = [name for name in dict.fromkeys(itertools.chain(*columns)) if name != _REST]
    named = [name for name in names if any(column.get(name, 0) >= 1 for column in columns)]
    yield from table(
        "growth: bytes an account by family of keys",
        ("accounts", *(f"{size.accounts:,}" for size in sizes)),
        [(name, *(f"{column.get(name, 0):,.0f}" for column in columns)) for name in (*named, _REST)],
    )


def _worst(bench: Bench) -> Iterator[str]:
    if not bench.worst:
        return
    yield from table(
        f"worst cases: a signup that shares something with {bench.worst[0].accounts:,} accounts, microseconds",
        ("", "Python", "store", "Python alone", "store alone", "times", "aim", "left to a worker", "alone"),
        [
            (
                f"shares {each.shared}", f"{each.python:.0f}", f"{each.store:.0f}", f"{each.alone_python:.0f}",
                f"{each.alone_store:.0f}", f"{each.times:.2f}", f"{figures.WORST:.1f}", f"{each.after:.0f}",
                f"{each.alone_after:.0f}",
            )
            for each in bench.worst
        ],
    )  # fmt: skip


def _upstreams(bench: Bench) -> Iterator[str]:
    if not bench.upstreams:
        return
    yield from table(
        "signups with upstreams",
        ("", "a second", "p50 ms", "p99 ms", "p99 to off", "DNS asked", "RDAP asked"),
        [
            (
                each.name, f"{each.rate:.0f}", f"{each.p50:.2f}", f"{each.p99:.2f}", f"{each.to_off:.2f}",
                str(each.dns), str(each.rdap),
            )
            for each in bench.upstreams
        ],
    )  # fmt: skip
    if not all(each.dns and each.rdap for each in bench.upstreams[1:]):
        yield "an upstream was never asked: these figures show nothing"
