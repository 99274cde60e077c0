"""The panel of accounts and what was decided about them: in, out, and decided again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from riskapi.commands import arguments, invocation
from riskapi.commands.epilog import epilog

PANEL = "Accounts and decisions"

app = typer.Typer()


@app.command(
    "import",
    rich_help_panel=PANEL,
    epilog=epilog(
        "import customers.jsonl --dry-run",
        "import customers.jsonl",
        "import customers.jsonl --url http://127.0.0.1:8000 --key rk_…",
        codes={1: "a line was rejected, or the rest could not be sent", 130: "stopped; give the same command again"},
    ),
)
def take(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, an account a line; - for standard input.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every line and write nothing; needs no store.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Send them to the service running there, such as http://127.0.0.1:8000."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY", help="API key with the scope admin, for `--url`.", show_default="RISKAPI_BOOTSTRAP_KEY"
        ),
    ] = None,
    author: arguments.Author = None,
) -> int:
    """Bring existing customers in.

    They come with their age, proofs, plan and volume; nothing is decided about them.

    FILE has an account a line, as JSON: the body of a signup as far as it is known, and when it signed up. Where you
    know them also the plan it is on, what the customer confirmed, and the recipients of a usual day (the largest of a
    month). This record is on one line of the file:

        {"account": {"user_id": "u_77", "name": "Ana Ruiz"},
         "email": {"address": "ana@ruiz.example"},
         "created_at": "2023-04-01T09:30:00Z", "plan": "pro",
         "verified": ["email", "phone"], "daily_volume": 800}

    A line with a mistake is named with its place and stops none of the others. An account that is there already is left
    as it is, so what was stopped is finished by giving the same command again. Try it with `--dry-run` first.

    Without `--url` it writes to the store of the settings, on a host of the service, which may be running meanwhile.
    docs/import.md says more.
    """
    from riskapi.commands import imports

    call = invocation.of(context)
    return imports.run(call, file, dry_run=dry_run, url=url, key=key, given_author=author)


@app.command(
    rich_help_panel=PANEL,
    epilog=epilog(
        "export decisions > decisions.jsonl",
        "export decisions --since 2026-11-01 --until 2026-12-01",
        "export pairs > pairs.jsonl",
    ),
)
def export(
    context: typer.Context,
    what: Annotated[Literal["decisions", "pairs"], typer.Argument(metavar="decisions|pairs", help="What to write.")],
    since: Annotated[
        float | None,
        typer.Option(parser=arguments.instant, metavar="TIME", help="First instant: an RFC 3339 time or a date (UTC)."),
    ] = None,
    until: Annotated[
        float | None,
        typer.Option(parser=arguments.instant, metavar="TIME", help="The instant before which to stop."),
    ] = None,
) -> int:
    """Write what is recorded as JSON lines.

    A line of `decisions` is a decision with its readings and the labels the account has by now; a line of `pairs` is
    what a reviewer said of two accounts, whether they are one person. Lines go to standard output, how many there were
    to standard error.
    """
    from riskapi.commands import export

    with invocation.of(context).store() as store:
        return export.run(store, what, since, until)


@app.command(
    rich_help_panel=PANEL,
    epilog=epilog(
        "replay decisions.jsonl",
        "replay --policy new.toml decisions.jsonl",
        codes={1: "a line differs, or cannot be read"},
    ),
)
def replay(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines; - for standard input.")] = "-",
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Policy to decide with; needs no store.", show_default="the one in force"),
    ] = None,
) -> int:
    """Decide recorded decisions again and compare.

    Reads the JSON lines of `export decisions`, decides their readings with the policy in force (or a file's) and
    today's model, and prints every line that comes out differently. Lines recorded under another policy, model or set
    of signals are counted and left out.
    """
    from riskapi.commands import replay

    return replay.run(invocation.of(context), file, policy)
