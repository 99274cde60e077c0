"""The panel of what people decide by hand: policies, and lists of whom to allow, deny and watch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from riskapi.commands import arguments, invocation
from riskapi.commands.epilog import epilog
from riskapi.lists.list_names import ListName

PANEL = "Rules"
_BROKEN = {2: "the policy is broken"}
_NO_PROPOSAL = {1: "nothing waits under this id, it is your own, or another version came into force"}
_NO_VERSION = {1: "there is no such version"}
#: A version of the policy, as `policy versions` lists them.
Version = Annotated[int, typer.Argument(metavar="N", help="As `policy versions` lists them.")]
#: The version that another is compared with.
Earlier = Annotated[
    int | None, typer.Option(metavar="M", help="Compare with this version.", show_default="the one before")
]
#: What recorded signups are looked at.
Since = Annotated[
    float | None,
    typer.Option(
        parser=arguments.instant, metavar="TIME", help="Signups from then on, RFC 3339.", show_default="a week ago"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer of the API.")]
Format = Literal["csv", "jsonl"]

app = typer.Typer()
policy = typer.Typer(no_args_is_help=True)
app.add_typer(policy, name="policy", rich_help_panel=PANEL)
lists = typer.Typer(no_args_is_help=True)
app.add_typer(lists, name="lists", rich_help_panel=PANEL)


@policy.callback(
    epilog=epilog("policy show > new.json", "policy check new.json", 'policy publish new.json --note "why"')
)
def _policy() -> None:
    """Check, publish, compare, undo policies.

    A published policy is in force on every worker within a second, and at every start from then on; the policy file is
    then ignored. Every version is kept. To change the one in force, show it, edit it, check it and publish it, as in
    the examples. What is shown carries its version: where another one came into force meanwhile it is refused.
    """


@policy.command(epilog=epilog("policy check", "policy check riskapi/policy/policy.toml"))
def check(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="TOML or JSON.", show_default="the one the settings name"),
    ] = None,
) -> int:
    """Check a policy file.

    This needs no store.
    """
    from riskapi.commands import policy

    return policy.check(invocation.of(context).settings, file)


@policy.command(epilog=epilog("policy show", "policy show --version 3 > third.json", codes=_NO_VERSION))
def show(
    context: typer.Context,
    version: Annotated[
        int | None, typer.Option(metavar="N", help="Which one.", show_default="the one in force")
    ] = None,
) -> int:
    """Print a policy as JSON.

    Who published it when and why goes to standard error.
    """
    from riskapi.commands import policy

    return policy.show(invocation.of(context), version)


@policy.command(epilog=epilog("policy versions"))
def versions(context: typer.Context) -> int:
    """List the last 200 versions, newest first.

    Each with time, author and note; an asterisk marks the one in force.
    """
    from riskapi.commands import policy

    return policy.versions(invocation.of(context))


@policy.command(epilog=epilog("policy changes 4", "policy changes 4 --since 2", codes=_NO_VERSION))
def changes(
    context: typer.Context,
    version: Version,
    since: Earlier = None,
) -> int:
    """Print what is different in a version."""
    from riskapi.commands import policy

    return policy.changes(invocation.of(context), version, since)


@policy.command(epilog=epilog("policy compare 4", "policy compare 4 --since 2", codes=_NO_VERSION))
def compare(
    context: typer.Context,
    version: Version,
    since: Earlier = None,
) -> int:
    """Say in sentences what a version changes."""
    from riskapi.commands import policy

    return policy.compare(invocation.of(context), version, since)


@policy.command(
    epilog=epilog("policy simulate new.json", "policy simulate new.toml --since 2026-11-01 --json", codes=_BROKEN)
)
def simulate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML, or JSON as `policy show` prints it.")],
    since: Since = None,
    as_json: AsJson = False,
) -> int:
    """Try a policy on recorded signups.

    They are decided anew by the policy in force and by the file's, on the readings they were recorded with: at most
    20,000, the newest. Nothing is changed. `PUT /v1/policy` takes the id of the simulation.
    """
    from riskapi.commands import simulations

    return simulations.simulate(invocation.of(context), file, since, as_json=as_json)


@policy.command(
    epilog=epilog("policy suggest --reviews-per-day 40", "policy suggest --reviews-per-day 40 --legitimate-limited 0")
)
def suggest(
    context: typer.Context,
    reviews_per_day: Annotated[float, typer.Option(metavar="N", min=0, help="Reviews a day, at most.")],
    legitimate_limited: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="At most this share of accounts labelled legitimate.")
    ] = 0.01,
    since: Since = None,
    as_json: AsJson = False,
) -> int:
    """Propose thresholds for a budget of reviews.

    They come from recorded signups and their labels. Nothing is changed.
    """
    from riskapi.commands import simulations

    return simulations.suggest(invocation.of(context), reviews_per_day, legitimate_limited, since, as_json=as_json)


@policy.command(epilog=epilog("policy approve prp_01", "policy approve prp_01 --author sam", codes=_NO_PROPOSAL))
def approve(
    context: typer.Context,
    proposal: Annotated[str, typer.Argument(metavar="PROPOSAL", help="The id that `policy publish` printed.")],
    author: arguments.Author = None,
) -> int:
    """Put into force what somebody else proposed.

    Where the policy in force asks for it (`publishing.loosening_needs_second`), a policy that loosens anything waits.
    """
    from riskapi.commands import policy

    return policy.approve(invocation.of(context), proposal, author)


@policy.command(
    epilog=epilog(
        'policy publish new.json --note "fewer reviews at night"',
        'policy publish new.toml --note "as in the repository" --from 4 --author ana',
        codes={1: "another version came into force"},
    )
)
def publish(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML, or JSON as `policy show` prints it.")],
    note: Annotated[str, typer.Option(parser=arguments.note, metavar="TEXT", help="Why, for those who come after.")],
    since: Annotated[
        int | None,
        typer.Option(
            "--from",
            metavar="N",
            help="Only if version N is still in force.",
            show_default="the version that JSON names; that of TOML does not matter",
        ),
    ] = None,
    author: arguments.Author = None,
) -> int:
    """Put a policy into force."""
    from riskapi.commands import policy

    return policy.publish(invocation.of(context), file, note, since, author)


@policy.command(epilog=epilog("policy rollback 3", 'policy rollback 3 --note "too many reviews"', codes=_NO_VERSION))
def rollback(
    context: typer.Context,
    version: Version,
    note: Annotated[
        str | None,
        typer.Option(parser=arguments.note, metavar="TEXT", help="Why.", show_default="that it goes back"),
    ] = None,
    author: arguments.Author = None,
) -> int:
    """Put an earlier version into force again.

    It becomes a new version that says the same.
    """
    from riskapi.commands import policy

    return policy.rollback(invocation.of(context), version, note, author)


@lists.callback(epilog=epilog("lists import deny bans.csv", "lists find 203.0.113.9", "lists export > lists.csv"))
def _lists() -> None:
    """Put many entries on a list, find, undo.

    A file is CSV, whose first line names the columns (kind and value, and any of expires_at, reason,
    silences_feedback, hashed, replace), or JSON lines, an entry a line. All of a file is one batch, which `lists undo`
    takes back. What is there already is left as it is, so the same file can be given again.
    """


@lists.command(
    "import",
    epilog=epilog(
        "lists import deny bans.csv --dry-run",
        "lists import allow partners.jsonl --author ana",
        codes={1: "a row was rejected"},
    ),
)
def take(
    context: typer.Context,
    list_: Annotated[ListName, typer.Argument(metavar="LIST", help="allow, deny or watch.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV or JSON lines; - for standard input.")],
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="What the file is.", show_default="by the end of its name, else csv"),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Let entries that never end get an end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, put nothing.")] = False,
    author: arguments.Author = None,
) -> int:
    """Put the entries of a file on a list.

    The command that takes the batch back is printed on standard error.
    """
    from riskapi.commands import lists

    return lists.take(
        invocation.of(context), list_, file, format_, replace=replace, dry_run=dry_run, given_author=author
    )


@lists.command(epilog=epilog("lists export > lists.csv", "lists export deny --format jsonl"))
def export(
    context: typer.Context,
    list_: Annotated[
        ListName | None, typer.Argument(metavar="LIST", help="allow, deny or watch.", show_default="all")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="What to write.")] = "csv",
) -> int:
    """Write the entries of a list, or of all.

    They go to standard output, as `lists import` reads them.
    """
    from riskapi.commands import lists

    return lists.export(invocation.of(context), list_, format_)


@lists.command(
    epilog=epilog(
        "lists find 203.0.113.9", "lists find ruiz.example --kind email_domain", codes={1: "no entry matches"}
    )
)
def find(
    context: typer.Context,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="An address, a domain, a number, an account, …")],
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="KIND", help="What the value is, such as ip or email_domain.", show_default="whatever it can be"
        ),
    ] = None,
) -> int:
    """Print the entries that match a value.

    The most specific comes first; JSON lines where standard output is not a terminal.
    """
    from riskapi.commands import lists

    return lists.find(invocation.of(context), value, kind)


@lists.command(epilog=epilog("lists undo lsb_01", codes={1: "there is no such batch"}))
def undo(
    context: typer.Context,
    batch_id: Annotated[str, typer.Argument(metavar="BATCH", help="The id that `lists import` printed.")],
    author: arguments.Author = None,
) -> int:
    """Take a batch back, with what it replaced."""
    from riskapi.commands import lists

    return lists.undo(invocation.of(context), batch_id, author)
