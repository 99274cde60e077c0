"""The panel of what keeps a service well: keys, data, a look at everything, and the pages of a checkout."""

from __future__ import annotations

from typing import Annotated, cast

import typer
from typer.core import TyperGroup

from riskapi.commands import invocation
from riskapi.commands.epilog import epilog
from riskapi.commands.panels.audit import audit
from riskapi.commands.panels.users import users

PANEL = "Look after"
_NO_KEY = {1: "there is no such key"}
_DATA = (
    "asn, country, hosting, networks, numbering, disposable, free, relay, suffix, providers, aliases, access, "
    "registries"
)

app = typer.Typer()
keys = typer.Typer(no_args_is_help=True)
app.add_typer(keys, name="keys", rich_help_panel=PANEL)
app.add_typer(users, name="users", rich_help_panel=PANEL)
app.add_typer(audit, name="audit", rich_help_panel=PANEL)
data = typer.Typer(no_args_is_help=True)
app.add_typer(data, name="data", rich_help_panel=PANEL)


@keys.callback(epilog=epilog("keys create --name signup-flow --scope signups", "keys list"))
def _keys() -> None:
    """Make, list, revoke API keys.

    An API key is shown once, when it is made: alone on standard output, so that it can be piped into a secret store.
    """


@keys.command(
    epilog=epilog(
        "keys create --name signup-flow --scope signups",
        "keys create --name mail-server --scope sends --scope feedback --rate-limit 200",
    )
)
def create(
    context: typer.Context,
    name: Annotated[str, typer.Option(metavar="NAME", help="What the key is for, such as signup-flow.")],
    scopes: Annotated[
        list[str],
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="What it may do: signups, sends, events, feedback, reviews, lists, policy, privacy or admin. "
            "Repeat it for more.",
        ),
    ],
    rate_limit: Annotated[
        float | None, typer.Option(metavar="N", help="Requests a second.", show_default="the setting's")
    ] = None,
) -> int:
    """Make a key and print it."""
    from riskapi.commands import api_keys

    with invocation.of(context).store() as store:
        return api_keys.create(store, name, scopes, rate_limit)


@keys.command("list", epilog=epilog("keys list"))
def show(context: typer.Context) -> int:
    """List the keys, without their secrets.

    Each with its id, when it was made, requests a second, scopes and name.
    """
    from riskapi.commands import api_keys

    with invocation.of(context).store() as store:
        return api_keys.show(store)


@keys.command(epilog=epilog("keys revoke key_01", codes=_NO_KEY))
def revoke(
    context: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id that `keys list` shows.")],
) -> int:
    """Make a key invalid."""
    from riskapi.commands import api_keys

    with invocation.of(context).store() as store:
        return api_keys.revoke(store, id_)


@keys.command(
    "link-key",
    epilog=epilog("keys link-key", "keys link-key --accept", codes={1: "the link key is another than the store's"}),
)
def link_key(
    context: typer.Context,
    accept: Annotated[
        bool,
        typer.Option(
            "--accept",
            help="Go on with the key there is, or a new one: links and hashed list entries made with another are lost.",
        ),
    ] = False,
) -> int:
    """Say whether the link key is the store's.

    The links of a store are made with one key; with another they would not be found again.
    """
    from riskapi.commands import link_key

    call = invocation.of(context)
    # A service whose link key is refused does not run, and neither does its store.
    with call.store(start=True) as store:
        return link_key.check(call.settings, store, accept=accept)


@data.callback(epilog=epilog("data update", "data status"))
def _data() -> None:
    """Keep data of networks and domains fresh.

    Inputs are looked up in it: IP addresses, hosting ranges, mail domains, public suffixes. `data update` takes each
    data set from where its setting `RISKAPI_DATA_…` says (the installed package, a URL or a file), checks size,
    format, age and some well-known facts, and swaps it; running services use it within two seconds. A file that fails a
    check, or is suddenly half as long, changes nothing.
    """


@data.command(
    epilog=epilog(
        "data update",
        "data update asn country",
        "data update --dry-run",
        codes={1: "a data set could not be brought up to date; the others are"},
    )
)
def update(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help=f"Some of {_DATA}.", show_default="all")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="The same as naming it.")] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Take what is much smaller or older than what is in use; the checks stay."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Fetch and check, but change nothing.")] = False,
) -> int:
    """Fetch, check and swap."""
    from riskapi.commands import data

    return data.update(invocation.of(context).settings, [*(names or ()), *(only or ())], force=force, dry_run=dry_run)


@data.command(epilog=epilog("data status", codes={1: "a data set cannot be used"}))
def status(context: typer.Context) -> int:
    """Say what is in use, and how old it is."""
    from riskapi.commands import data

    return data.status(invocation.of(context).settings)


@data.command(epilog=epilog("data rollback asn"))
def rollback(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"One of {_DATA}.")],
) -> int:
    """Use again what was in use before.

    That is before the last swap; twice is where you began.
    """
    from riskapi.commands import data

    return data.back(invocation.of(context).settings, name)


@app.command(rich_help_panel=PANEL, epilog=epilog("doctor", codes={1: "a line begins with FAIL"}))
def doctor(context: typer.Context) -> int:
    """Say what is there, how old it is, what fails.

    It tells what is installed, what the store promises, how old the data is, and which model decides. Every line begins
    with ok, warn or FAIL.
    """
    from riskapi.commands import doctor

    call = invocation.of(context)
    return doctor.run(call.settings, start=call.start_store)


@app.command(rich_help_panel=PANEL, epilog=epilog("platform", codes={1: "there is an alarm that people are told of"}))
def platform(context: typer.Context) -> int:
    """Show who blocks you, and what feeds say.

    Alarms, receiving domains, own senders on DNS blocklists, and feeds, as `GET /v1/platform` has them.
    """
    from riskapi.commands import platform

    call = invocation.of(context)
    with call.store() as store:
        return platform.show(call.settings, store)


@app.command(
    rich_help_panel=PANEL, epilog=epilog("docs", "docs --check", codes={1: "with `--check`: a page is out of date"})
)
def docs(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; say whether every page is current.")] = False,
) -> int:
    """Write the generated pages of a checkout.

    They are signals, errors, metrics, commands, and the table of settings.
    """
    from riskapi.commands import docs

    return docs.run(cast(TyperGroup, context.find_root().command), check=check)
