"""The commands of the audit log; in the panel of what keeps a service well."""

from __future__ import annotations

from typing import Annotated

import typer

from riskapi.commands import invocation
from riskapi.commands.epilog import epilog

_BROKEN = {1: "a note was changed, is missing, or the given hash is not in the chain; standard error says which"}

audit = typer.Typer(no_args_is_help=True)


@audit.callback(epilog=epilog("audit verify", "audit show --actor ana"))
def _audit() -> None:
    """Show and verify the audit log.

    What people, keys, commands and rules did. Each note carries the hash of the one before it; the newest 100,000 are
    kept.
    """


@audit.command(epilog=epilog("audit show", "audit show --action decided --limit 20", "audit show --subject u_1001"))
def show(
    context: typer.Context,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="How many notes.")] = 50,
    actor: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only by this user, `key NAME`, `rule NAME` or `command line`."),
    ] = None,
    action: Annotated[str | None, typer.Option(metavar="WORDS", help="Only this, such as `decided`.")] = None,
    subject: Annotated[str | None, typer.Option(metavar="ID", help="Only what was done to this.")] = None,
) -> int:
    """Print the latest notes, newest first.

    Each with time, number in the chain, who, what, to what, and details.
    """
    from riskapi.commands import audit

    with invocation.of(context).store() as store:
        return audit.show(store, limit, actor, action, subject)


@audit.command(epilog=epilog("audit verify", "audit verify --holds 9f86d081884c7d65", codes=_BROKEN))
def verify(
    context: typer.Context,
    holds: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="A hash that this command printed earlier: it must still be in the chain."),
    ] = None,
) -> int:
    """Say whether a note was changed.

    Or taken out, or put in between. Number and hash of the latest note are printed alone on standard output. Keep them
    elsewhere: anybody who can write to the store can make a whole new chain, and only an older hash shows that.
    """
    from riskapi.commands import audit

    with invocation.of(context).store() as store:
        return audit.verify(store, holds)
