"""The panel of what runs until it is stopped: the service, further workers, the policy server for Postfix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskapi.commands import invocation
from riskapi.commands.epilog import epilog

PANEL = "Run"
#: Words of `worker replay` and `worker drop`.
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="As `worker dead` lists them.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="All of them.")]

app = typer.Typer()


@app.command(rich_help_panel=PANEL, epilog=epilog("serve"))
def serve(context: typer.Context) -> int:
    """Run the service.

    It is an HTTP server, the embedded store (without `REDIS_URL`), and a worker that keeps looking after the answer.
    The first start makes an API key and prints it. Ctrl-C stops everything; a second start finds all data.
    """
    from riskapi.commands import serve

    return serve.run(invocation.of(context).settings)


worker = typer.Typer(invoke_without_command=True)
app.add_typer(worker, name="worker", rich_help_panel=PANEL)


@worker.callback(epilog=epilog("worker", "worker status"))
def working(context: typer.Context) -> int:
    """Run another worker, or say what waits.

    Workers look up, decide again, deliver webhooks and clean up. `serve` runs one worker by itself
    (`RISKAPI_SERVE_WORKER`). Without an action this runs another, on this host or elsewhere, with the same store, link
    key and data. Several share the work. Ctrl-C or SIGTERM finishes what is in hand, and stops.
    """
    return work(context) if context.invoked_subcommand is None else 0


@worker.command("run", epilog=epilog("worker run"))
def work(context: typer.Context) -> int:
    """Run until told to stop.

    This is what `worker` does without an action.
    """
    from riskapi.commands import worker

    call = invocation.of(context)
    with call.store() as store:
        return worker.work(call.settings, store)


@worker.command(epilog=epilog("worker status", codes={1: "no worker runs, or entries could not be handled"}))
def status(context: typer.Context) -> int:
    """Say which workers are there and what waits."""
    from riskapi.commands import worker

    call = invocation.of(context)
    with call.store() as store:
        return worker.status(call.settings, store)


@worker.command(epilog=epilog("worker dead"))
def dead(context: typer.Context) -> int:
    """List what no worker could handle.

    Each with its id, time, reader, kind, tries, and why.
    """
    from riskapi.commands import worker

    with invocation.of(context).store() as store:
        return worker.show_dead(store)


@worker.command(
    epilog=epilog("worker replay --all", "worker replay react:3:1795341600000-0", codes={1: "some failed again"})
)
def replay(context: typer.Context, ids: Ids = None, everything: All = False) -> int:
    """Handle again what no worker could."""
    from riskapi.commands import worker

    call = invocation.of(context)
    with call.store() as store:
        return worker.replay(call.settings, store, ids or [], everything=everything)


@worker.command(epilog=epilog("worker drop --all", codes={1: "some ids are not there"}))
def drop(context: typer.Context, ids: Ids = None, everything: All = False) -> int:
    """Forget what no worker could handle."""
    from riskapi.commands import worker

    with invocation.of(context).store() as store:
        return worker.drop(store, ids or [], everything=everything)


@worker.command(epilog=epilog("worker clean"))
def clean(context: typer.Context) -> int:
    """Do all chores now.

    Streams are trimmed, entries that have expired are told of, and what is gone is forgotten.
    """
    from riskapi.commands import worker

    call = invocation.of(context)
    with call.store() as store:
        return worker.clean(call.settings, store)


@app.command(rich_help_panel=PANEL, epilog=epilog("policyd"))
def policyd(context: typer.Context) -> int:
    """Let Postfix ask before mail leaves.

    This is a policy server that asks the service whether an account may send. It runs beside the mail server and needs
    `RISKAPI_POLICYD_API_KEY`, a key with the scope sends; docs/settings.md lists its other settings, docs/postfix.md
    says how to use it. Ctrl-C or SIGTERM answers what was asked, and stops. The protocol is Postfix'
    SMTPD_POLICY_README.
    """
    from riskapi.commands import policyd

    return policyd.run(invocation.of(context).settings)


@app.command(rich_help_panel=PANEL, epilog=epilog("mailbox --maildir /var/spool/feedback --once"))
def mailbox(
    context: typer.Context,
    maildir: Annotated[Path | None, typer.Option(metavar="DIR", help="Read the maildir DIR, do not listen.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is stored, do not move it to cur/.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Read what is there now, and end; 1 if some waits.")] = False,
    url: Annotated[str | None, typer.Option(help="The riskapi to hand mail to, not RISKAPI_MAILBOX_URL.")] = None,
) -> int:
    """Take bounces and complaints as mail.

    Mail comes by LMTP or from a maildir and is handed to a running riskapi at `RISKAPI_MAILBOX_URL`, with
    `RISKAPI_MAILBOX_API_KEY`, a key with the scope feedback. A mail is acknowledged once riskapi stored it: while it is
    away, Postfix keeps the mail and the maildir keeps its files. Ctrl-C or SIGTERM finishes what has begun, and stops.

    In `main.cf` of Postfix, for a domain that takes nothing but bounces:

    `relay_domains = bounces.saas.example`

    `transport_maps = inline:{ bounces.saas.example=lmtp:inet:127.0.0.1:10024 }`

    Or have it deliver to a maildir, with `bounces: /var/spool/feedback/` in `aliases`. docs/feedback/bounces.md and
    docs/feedback/complaints.md say more.
    """
    from riskapi.commands import mailbox

    settings = invocation.of(context).settings
    return mailbox.run(settings, maildir, delete=delete, once=once, given_url=url)
