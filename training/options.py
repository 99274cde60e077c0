"""The commands of training, what each takes, and what ``--help`` says of them."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from training import arguments, rings, train

_ROOT = Path(__file__).resolve().parent.parent
#: 24 August 2026, 00:00 UTC, a Monday: with 80 days the simulation ends on 12 November 2026.
_START = "2026-08-24"
_TRAINING, _POLICY = Path("var/training"), _ROOT / "riskapi" / "policy" / "policy.toml"
_COMMANDS = {
    "simulate": "write simulated signups with their truth to a file",
    "collect": "start a service of its own, post simulated signups to it in replay time, export what it recorded",
    "train": "make a model from an export and its outcomes",
    "evaluate": "print what a model does on the last part of an export",
    "all": "collect, train and evaluate",
    "rings": "print what strangers can do to customers, what rings of accounts get, and what honest crowds lose",
    "feedback": "print how soon complaints contain a ring, and what one complaint costs good accounts",
    "sample": "fill a data directory with a simulated month up to now, for the console to show",
}
_DESCRIPTION = "Command line of training: ``python -m training --help`` names what it can do."
_EPILOG = """\
examples:
  python -m training all                              simulate, collect, train, evaluate (5 to 10 minutes)
  python -m training simulate --rows 500              look at what is simulated
  python -m riskapi export decisions > mine.jsonl     your own decisions, with their labels, ...
  python -m training train --decisions mine.jsonl --truth none --artifact var/model
                                                      ... make a model of your own
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m training",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="command")
    for name, text in _COMMANDS.items():
        command = commands.add_parser(
            name, help=text, description=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter
        )
        _options(command, name)
    return made


def _options(command: argparse.ArgumentParser, name: str) -> None:
    """Add what a command of this name takes."""
    if name in ("simulate", "collect", "all"):
        _simulation(command)
    if name == "simulate":
        _path(command, "--out", _TRAINING / "events.jsonl", "file to write")
    if name == "collect":
        _path(command, "--out", _TRAINING / "decisions.jsonl", "export to write")
        _path(command, "--truth", _TRAINING / "truth.jsonl", "truth to write")
    if name in ("train", "evaluate", "all"):
        _model_options(command)
    if name in ("train", "all"):
        _training_options(command)
    if name in ("evaluate", "all"):
        _path(command, "--policy", _POLICY, "for its thresholds")
    if name == "rings":
        _ring_options(command)
    if name == "feedback":
        command.add_argument(
            "--good", type=arguments.count, default=300, help="good accounts with one angry recipient each"
        )
        _people(command)
    if name == "sample":
        _path(command, "--folder", Path("var/sample"), "data directory to fill")
        command.add_argument("--rows", type=arguments.count, default=800, help="number of signups")
        _seed(command)
        _networks(command)
    if name in ("evaluate", "all", "rings", "feedback"):
        _path(command, "--report", None, "also write the tables to this file")


def _path(command: argparse.ArgumentParser, option: str, default: Path | None, text: str) -> None:
    command.add_argument(option, type=Path, default=default, help=text)


def _model_options(command: argparse.ArgumentParser) -> None:
    _path(command, "--decisions", _TRAINING / "decisions.jsonl", "the export")
    command.add_argument(
        "--truth", type=arguments.truth, default=_TRAINING / "truth.jsonl",
        help="truth of a simulation; 'none': the labels in the export are the outcome (your own decisions)",
    )  # fmt: skip
    _path(command, "--artifact", _ROOT / "model" / "artifact", "where the model is")


def _training_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--trees", type=arguments.count, default=train.TREES, help="number of trees")
    command.add_argument("--train-seed", type=int, default=1, help="seed of feature and row sampling")
    command.add_argument(
        "--trained-at", type=datetime.fromisoformat, default=None,
        help="time written to the card (RFC 3339), now if not given; with it the card repeats byte for byte",
    )  # fmt: skip


def _ring_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--days", type=arguments.days, default=3, help="days for which rings send, 1 to 30")
    _people(command)
    command.add_argument(
        "--part", action="append", choices=rings.PARTS, default=None, help="only this part; may be repeated"
    )
    command.add_argument("--names", action="store_true", help="also say which accounts lost what")


def _people(command: argparse.ArgumentParser) -> None:
    """Who is simulated, from when on, and what judges them."""
    _seed(command)
    _start_and_networks(command)
    _path(command, "--policy", _POLICY, "policy to try")


def _seed(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, default=1, help="the same seed gives the same people")


def _simulation(command: argparse.ArgumentParser) -> None:
    command.add_argument("--rows", type=arguments.count, default=24_000, help="number of signups")
    command.add_argument("--seed", type=int, default=1, help="the same seed gives the same signups")
    command.add_argument("--days", type=arguments.span, default=80, help="simulated days, 1 or more")
    _start_and_networks(command)


def _start_and_networks(command: argparse.ArgumentParser) -> None:
    command.add_argument("--start", type=datetime.fromisoformat, default=_START, help="first simulated day, UTC")
    _networks(command)


def _networks(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--asn-database", type=Path, default=None, help="MMDB with AS numbers; found in var/ip if not given"
    )
    command.add_argument(
        "--country-database", type=Path, default=None, help="MMDB with countries; found in var/ip if not given"
    )
