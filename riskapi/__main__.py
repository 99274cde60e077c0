"""``python -m riskapi COMMAND``: everything an operator does."""

from __future__ import annotations

import argparse
import os
import sys

try:
    from riskapi.commands import COMMANDS
    from riskapi.errors import ConfigurationError, StoreUnavailable
    from riskapi.settings import Settings
except ModuleNotFoundError as error:
    if (error.name or "riskapi").partition(".")[0] in ("riskapi", "model", "signals"):
        raise
    sys.exit(f"{error.name} is not installed for {sys.executable}: after `make run`, `. .venv/bin/activate` first")

#: Exit codes. A usage error is 2 as well, which is argparse's own.
FAILED, MISCONFIGURED = 1, 2


def parser() -> argparse.ArgumentParser:
    """The command line with every command."""
    top = argparse.ArgumentParser(
        prog="python -m riskapi",
        description="Scores signups. docs/settings.md lists the settings, which come from the environment.",
    )
    top.add_argument(
        "--start-store",
        action="store_true",
        help="while the service does not run: start the store of the data directory for this command; none is made",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        doc = command.__doc__ or ""
        summary, _, more = doc.partition("\n\n")
        added = commands.add_parser(
            name,
            help=summary,
            description=f"{summary}\n\n{more}".strip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.arguments(added)
        added.set_defaults(run=command.run)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command and return the exit code: 0 done, 1 failed, 2 wrong settings or usage."""
    arguments = parser().parse_args(argv)
    try:
        settings = Settings.load(os.environ)
        for name in settings.unknown:
            print(f"environment: {name}: is not a setting of this version; ignored", file=sys.stderr)
        code: int = arguments.run(arguments, settings)
        return code
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return MISCONFIGURED
    except StoreUnavailable as error:
        print(f"{error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # the reader of our output, such as head(1), has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
