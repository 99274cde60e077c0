"""The commands of users of the console; in the panel of what keeps a service well."""

from __future__ import annotations

from typing import Annotated

import typer

from riskapi.access.users import Role
from riskapi.commands import invocation
from riskapi.commands.epilog import epilog

_NO_USER = {1: "there is no such user"}
Name = Annotated[str, typer.Argument(metavar="NAME", help="What they sign in with: a mail address or a word.")]

users = typer.Typer(no_args_is_help=True)


@users.callback(epilog=epilog("users add ana@riskapi.example --role reviewer", "users list"))
def _users() -> None:
    """Add, list, shut out users of the console.

    A user chooses their own password, by a link that works once. It is printed alone on standard output.
    """


@users.command(epilog=epilog("users add ana --role admin", codes={1: "somebody has this name"}))
def add(
    context: typer.Context,
    name: Name,
    role: Annotated[
        Role, typer.Option(metavar="ROLE", help="What they may do: viewer, reviewer, growth or admin.")
    ] = "reviewer",
) -> int:
    """Add a user and print a link for them.

    By the link they choose a password; it works once, within 24 hours.
    """
    from riskapi.commands import users

    call = invocation.of(context)
    with call.store() as store:
        return users.add(call.settings, store, name, role)


@users.command("list", epilog=epilog("users list"))
def show(context: typer.Context) -> int:
    """List the users.

    Each with name, role, day it was made, whether an authenticator is set up, and state.
    """
    from riskapi.commands import users

    call = invocation.of(context)
    with call.store() as store:
        return users.show(store, call.settings)


@users.command(epilog=epilog("users disable ana", codes=_NO_USER))
def disable(context: typer.Context, name: Name) -> int:
    """Shut a user out.

    Every session of theirs ends. `users reset` lets them in again.
    """
    from riskapi.commands import users

    call = invocation.of(context)
    with call.store() as store:
        return users.disable(call.settings, store, name)


@users.command(epilog=epilog("users reset ana", codes=_NO_USER))
def reset(context: typer.Context, name: Name) -> int:
    """Let a user begin anew.

    Password, authenticator, recovery codes and sessions are gone; the link that is printed leads to a new password.
    """
    from riskapi.commands import users

    call = invocation.of(context)
    with call.store() as store:
        return users.reset(call.settings, store, name)
