"""The policy server for Postfix as it runs: everything checked first, then answers until it is told to stop."""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path

from riskapi import logs
from riskapi.commands import reachability
from riskapi.errors import ConfigurationError
from riskapi.policyd.grant_client import CannotAsk, GrantClient
from riskapi.policyd.listener import Listener
from riskapi.policyd.responder import Responder
from riskapi.policyd.senders import Senders
from riskapi.server import listening
from riskapi.settings import Settings

#: Postfix' default ``queue_directory``.
_QUEUE = Path("/var/spool/postfix")
_STOP = (signal.SIGTERM, signal.SIGINT)


def run(settings: Settings) -> int:
    """Check everything, listen, and stay until told to stop."""
    logs.configure(settings.log_level)
    key = settings.policyd_api_key
    if key is None:
        made = "make one with `python -m riskapi keys create --name policyd --scope sends`"
        raise ConfigurationError("environment", "RISKAPI_POLICYD_API_KEY", f"is not set; {made}")
    senders = Senders(settings.policyd_map_file, settings.policyd_networks)
    grants = GrantClient(settings.policyd_url, key.get_secret_value())
    with contextlib.closing(grants):
        _check(grants, settings)
        responder = Responder(
            senders=senders, grants=grants, away=settings.policyd_away, strangers=settings.policyd_strangers
        )
        listener = _listen(settings, responder)
        # Blocked before the threads start, which inherit it: the signals wait for this thread to fetch them.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
        with listener.running():
            print(greeting(settings), flush=True)
            signal.sigwait(_STOP)
    return 0


def greeting(settings: Settings) -> str:
    """What a person reads once it listens: what to tell Postfix."""
    bind = settings.policyd_bind
    if isinstance(bind, Path):  # Postfix takes names from its queue directory, and smtpd may be shut in there
        at = f"unix:{bind.relative_to(_QUEUE) if bind.is_relative_to(_QUEUE) else bind}"
    else:
        at = f"inet:{bind.url.removeprefix('http://')}"
    return "\n".join(
        [
            f"riskapi policyd listens on {at} and asks {settings.policyd_url}",
            "",
            "In master.cf of Postfix, below the services that customers hand mail in at, then `postfix reload`:",
            "submission inet n - y - - smtpd",
            "  -o smtpd_sasl_auth_enable=yes",
            f"  -o {{ smtpd_end_of_data_restrictions = check_policy_service {at} }}",
            "",
            "docs/postfix.md has the other places where Postfix can ask, and what happens when something is away.",
        ]
    )


def _listen(settings: Settings, responder: Responder) -> Listener:
    bind = settings.policyd_bind
    try:
        return Listener(bind, responder.answer)
    except OSError as error:
        raise listening.refused("RISKAPI_POLICYD_BIND", bind, error) from None


def _check(grants: GrantClient, settings: Settings) -> None:
    """Find a wrong key or address now, not with the first mail; riskapi may be away, and come later."""
    url = str(settings.policyd_url)
    cause: str | None
    try:
        status = grants.probe()
    except CannotAsk as error:
        cause = error.cause
    else:
        cause = reachability.judge(
            status, url=url, settings="RISKAPI_POLICYD", scope="sends", does="grants sends", fine=(422, 429)
        )
    if cause is not None:
        until = "is deferred" if settings.policyd_away == "defer" else "goes out uncounted"
        print(f"{url} cannot be asked now ({cause}); mail {until} until it can", file=sys.stderr)
