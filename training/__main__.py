"""Command line of training: ``python -m training --help`` names what it can do."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from model.card import ArtifactError
from training import collect, complaints, dataset, evaluate, rings, sample, train
from training.dataset import DatasetError, Split
from training.options import parser
from training.progress import counting
from training.report import Report
from training.server import ServiceError
from training.simulator import DAY, Event, Networks, NetworksError, Window, World, simulate

#: Days before now that a sample tells of.
_SAMPLE_DAYS = 30


def _databases(options: argparse.Namespace) -> tuple[Path, Path | None]:
    """The databases asked for, or those that ``python -m riskapi data update`` unpacked."""
    asn, country = options.asn_database, options.country_database
    if asn is None:
        found = sorted(Path("var/ip").glob("origin-asn-*.mmdb"))
        if not found:
            raise NetworksError("no AS database in var/ip: run `python -m riskapi data update`, or give --asn-database")
        asn = found[-1]
        country = country or next(iter(sorted(Path("var/ip").glob("user-country-*.mmdb"))), None)
    return asn, country


def _start(options: argparse.Namespace) -> datetime:
    start: datetime = options.start
    return start if start.tzinfo else start.replace(tzinfo=UTC)


def _events(options: argparse.Namespace, console: Console) -> list[Event]:
    start = _start(options)
    console.print(
        f"simulating {options.rows:,} signups, seed {options.seed}, {options.days:g} days from {start.date()}"
    )
    networks = Networks.load(*_databases(options))
    return simulate(World(networks, Window(start.timestamp(), options.days)), options.rows, options.seed)


def _collect(options: argparse.Namespace, out: Path, truth: Path, console: Console) -> None:
    events = _events(options, console)
    collect.write_truth(events, truth)
    collect.collect(events, _databases(options), out, console)
    console.print(f"wrote {out} and {truth}")


def _spans(options: argparse.Namespace) -> Split:
    decisions = dataset.read_decisions(options.decisions)
    truths = dataset.read_truth(options.truth) if options.truth else None
    return dataset.split(dataset.join(decisions, truths))


def _train(options: argparse.Namespace, console: Console) -> None:
    spans = _spans(options)
    with counting(console) as progress:
        task = progress.add_task("growing trees", total=options.trees, rate=0.0)

        def grown(trees: int) -> None:
            progress.update(task, completed=trees, rate=progress.tasks[task].speed or 0.0)

        model = train.train(spans, seed=options.train_seed, trees=options.trees, grown=grown)
    trained_at = options.trained_at or datetime.now(UTC).replace(microsecond=0)
    if trained_at.tzinfo is None:
        trained_at = trained_at.replace(tzinfo=UTC)
    card = train.publish(model, spans, options.artifact, trained_at=trained_at, simulated=options.truth is not None)
    console.print(f"wrote model {card.version} with {len(card.columns)} columns to {options.artifact}")


def _evaluate(options: argparse.Namespace, console: Console) -> None:
    spans = _spans(options)
    model = train.load(options.artifact)
    origin = "simulated" if options.truth else "own decisions"
    bars = evaluate.thresholds(options.policy)
    evaluate.evaluate(model, spans.test, bars, Report(console, origin))
    if options.report:
        with _paper(options.report) as paper:
            evaluate.evaluate(model, spans.test, bars, Report(paper, origin))


def _rings(options: argparse.Namespace, console: Console) -> bool:
    """Whether everything is as promised."""
    databases = _databases(options)
    if not options.policy.is_file():
        raise DatasetError(f"cannot read the policy: there is no file {options.policy}")
    trial = rings.Trial(
        Networks.load(*databases), databases, options.policy, _start(options).timestamp(), options.days, options.seed
    )
    figures = trial.run(console, options.part or rings.PARTS)

    def show(report: Report) -> None:
        rings.show(figures, options.days, report)
        if options.names:
            rings.name_losers(figures, report)

    show(Report(console, "simulated"))
    if options.report:
        with _paper(options.report) as paper:
            show(Report(paper, "simulated"))
    return not figures.failed


def _feedback(options: argparse.Namespace, console: Console) -> None:
    if not options.policy.is_file():
        raise DatasetError(f"cannot read the policy: there is no file {options.policy}")
    start = _start(options).timestamp()
    found = complaints.run(_databases(options), options.policy, start, options.good, options.seed, console)
    complaints.show(*found, Report(console, "simulated"))
    if options.report:
        with _paper(options.report) as paper:
            complaints.show(*found, Report(paper, "simulated"))


def _sample(options: argparse.Namespace, console: Console) -> None:
    folder: Path = options.folder
    if folder.exists():
        raise DatasetError(f"{folder} is there already: remove it, or name another folder")
    draft = folder.with_name(f".{folder.name}.draft")  # so that what was broken off is not taken for a sample
    shutil.rmtree(draft, ignore_errors=True)
    databases, end = _databases(options), datetime.now(UTC).timestamp()
    window = Window(end - _SAMPLE_DAYS * DAY, _SAMPLE_DAYS)
    events = simulate(World(Networks.load(*databases), window), options.rows, options.seed)
    sample.fill(events, databases, draft, end, options.seed, console)
    draft.rename(folder)
    console.print(f"filled {folder}: {len(events):,} simulated signups of {_SAMPLE_DAYS} days")


@contextmanager
def _paper(path: Path) -> Iterator[Console]:
    """A console that writes to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        yield Console(file=file, width=120)


def main(words: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it worked, 1 with a sentence on standard error when it did not.

    ``rings`` also ends with 1 when a customer or a crowd lost something, or a ring got too much.
    """
    options = parser().parse_args(words)
    console = Console()
    try:
        if options.command == "simulate":
            collect.write_events(_events(options, console), options.out)
            console.print(f"wrote {options.out}")
        if options.command == "collect":
            _collect(options, options.out, options.truth, console)
        if options.command == "all":
            if options.truth is None:
                raise DatasetError("`all` trains on a simulation: it needs a truth file")
            _collect(options, options.decisions, options.truth, console)
        if options.command in ("train", "all"):
            _train(options, console)
        if options.command in ("evaluate", "all"):
            _evaluate(options, console)
        if options.command == "rings":
            return 0 if _rings(options, console) else 1
        if options.command == "feedback":
            _feedback(options, console)
        if options.command == "sample":
            _sample(options, console)
    except (ArtifactError, DatasetError, NetworksError, ServiceError, OSError) as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
