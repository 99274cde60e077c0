"""The command line: every command in its panel, and what becomes of errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from riskapi import RELEASE
from riskapi.commands.epilog import PROGRAM
from riskapi.commands.invocation import Invocation
from riskapi.commands.panels import customers, processes, rules, upkeep
from riskapi.errors import ConfigurationError, StoreUnavailable, reworded

#: Exit codes; 0 is done. Wrong usage is 2 as well, which is typer's own. 128 and the number of the signal is what
#: shells say of a program that a signal ended (POSIX, "Exit Status for Commands"); SIGINT is 2.
FAILED, MISCONFIGURED, INTERRUPTED = 1, 2, 130

program = typer.Typer(
    # Completion is by the name of a program, and this one is called by python's.
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for panel in (processes, customers, rules, upkeep):
    program.add_typer(panel.app)


def _tell_release(wanted: bool) -> None:
    if wanted:
        print(f"riskapi {RELEASE}")
        raise typer.Exit


@program.callback()
def begin(
    context: typer.Context,
    release: Annotated[
        bool, typer.Option("--version", help="Say which release this is.", callback=_tell_release, is_eager=True)
    ] = False,
    start_store: Annotated[
        bool,
        typer.Option(
            "--start-store",
            help="Start the store of the data directory for this command, while the service does not run. "
            "A new store is never made.",
        ),
    ] = False,
) -> None:
    """Score signups, grant sends, and operate the service that does.

    Settings come from the environment (`RISKAPI_…`, `REDIS_URL`); docs/settings.md lists them. `COMMAND --help` says
    what a command does, with examples and what its exit codes mean. Lists are tables on a terminal; elsewhere their
    fields are separated by tabs, a line each. `NO_COLOR=1` turns colours off.
    """
    context.obj = Invocation(start_store)


def run(words: Sequence[str]) -> int:
    """Run the command that the words name; the exit code. Errors are one line on standard error."""
    command = typer.main.get_command(program)
    try:
        with command.make_context(PROGRAM, list(words)) as context:
            code = command.invoke(context)
            return code if isinstance(code, int) else 0
    except typer.Exit as ended:  # after --help
        return ended.exit_code
    except typer.TyperException as error:
        return _misused(error)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return MISCONFIGURED
    except StoreUnavailable as error:
        print(error, file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # the reader of our output, such as head(1), has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED


def _misused(error: typer.TyperException) -> int:
    """Say what is wrong with the words; nothing where there were none, because then help was shown."""
    said = reworded(" ".join(error.format_message().split()))
    if said:
        said = f"{said.rstrip('.')}." if said[-1] not in "?!" else said
        context = getattr(error, "ctx", None)  # which words they were; not there where the command itself refused them
        print(said if context is None else f"{said} `{context.command_path} --help` says more.", file=sys.stderr)
    return error.exit_code
