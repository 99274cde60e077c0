"""Take bounces and complaints from a mail server, by LMTP or from a maildir, and hand them to a running riskapi.

Needs RISKAPI_MAILBOX_API_KEY, a key with the scope feedback, and a riskapi at RISKAPI_MAILBOX_URL; docs/settings.md
lists the settings. A mail is acknowledged once riskapi stored it: while it is away, Postfix keeps the mail and the
maildir keeps its files. Ctrl-C or SIGTERM finishes what has begun, and stops.

With Postfix, by LMTP (listen where only Postfix comes in: a port of loopback, or a socket with mode 0660):

  main.cf     transport_maps = inline:{ bounces.saas.example=lmtp:inet:127.0.0.1:10024 }
              relay_domains = bounces.saas.example
  or          mailbox_transport = lmtp:unix:/run/riskapi/mailbox.sock

Or have Postfix deliver to a maildir, and read that:

  aliases     bounces: /var/spool/feedback/
  then        python -m riskapi mailbox --maildir /var/spool/feedback

docs/bounces.md and docs/complaints.md say which mail to send there.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import signal
import sys
import threading
from http.client import HTTPException
from pathlib import Path
from typing import Final

from riskapi import logs
from riskapi.errors import ConfigurationError
from riskapi.mailbox import lmtp, maildir
from riskapi.mailbox.handover import Handover
from riskapi.settings import Settings, environment

#: Seconds between looks into a maildir. Chosen by us: what is reported acts within seconds.
_LOOK: Final = 1.0
_STOP: Final = (signal.SIGTERM, signal.SIGINT)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where mail comes from and goes to."""
    parser.add_argument("--maildir", type=Path, metavar="DIR", help="read the maildir DIR instead of listening")
    parser.add_argument("--delete", action="store_true", help="delete what is stored instead of moving it to cur/")
    parser.add_argument("--once", action="store_true", help="read what is there now, then end; 1 if some has to wait")
    parser.add_argument("--url", help="the riskapi to hand mail to, instead of RISKAPI_MAILBOX_URL")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Check everything, take mail, and stay until told to stop."""
    logs.configure(settings.log_level)
    key = settings.mailbox_api_key
    if key is None:
        made = "make one with `python -m riskapi keys create --name mailbox --scope feedback`"
        raise ConfigurationError("environment", "RISKAPI_MAILBOX_API_KEY", f"is not set; {made}")
    url = settings.mailbox_url
    if arguments.url is not None:
        try:
            url = environment.web_url(arguments.url)
        except ValueError as error:
            raise ConfigurationError("command line", "--url", str(error)) from None
    handover = Handover(url, key.get_secret_value())
    directory: Path | None = arguments.maildir
    if directory is not None and not maildir.is_maildir(directory):
        raise ConfigurationError("command line", "--maildir", f"{directory} has no new/, cur/ and tmp/")
    if directory is None and (arguments.once or arguments.delete):
        raise ConfigurationError("command line", "--once" if arguments.once else "--delete", "goes with --maildir")
    _check(handover, url)
    if directory is not None:
        return _read(directory, handover, delete=arguments.delete, once=arguments.once)
    return _listen(settings, handover, url)


def _listen(settings: Settings, handover: Handover, url: str) -> int:
    bind = settings.mailbox_bind
    where = os.fspath(bind) if isinstance(bind, Path) else f"{bind.host}:{bind.port}"
    at = f"lmtp:unix:{where}" if isinstance(bind, Path) else f"lmtp:inet:{where}"
    try:
        asyncio.run(_serve(bind, handover, f"riskapi mailbox takes mail at {at} and hands it to {url}"))
    except OSError as error:
        why = "is in use by another program" if error.errno == errno.EADDRINUSE else f"{error.strerror}"
        raise ConfigurationError("environment", "RISKAPI_MAILBOX_BIND", f"{where} {why}") from None
    return 0


async def _serve(bind: environment.Bind | Path, handover: Handover, greeting: str) -> None:
    stop = asyncio.Event()
    for each in _STOP:
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    async with lmtp.listening(bind, handover.give):
        print(greeting, flush=True)
        await stop.wait()


def _read(directory: Path, handover: Handover, *, delete: bool, once: bool) -> int:
    stop = threading.Event()
    for each in _STOP:
        signal.signal(each, lambda number, frame: stop.set())
    print(f"riskapi mailbox reads {directory}", flush=True)
    while True:
        done = maildir.read(directory, handover.give, delete=delete)
        if once:
            print(f"{done.stored} stored, {done.refused} refused, {done.later} have to wait")
            return 1 if done.later else 0
        if stop.wait(_LOOK):
            return 0


def _check(handover: Handover, url: str) -> None:
    """Find a wrong key or address now, not with the first mail; riskapi may be away, and come later."""
    try:
        status = handover.probe()
    except (OSError, HTTPException) as error:
        print(f"{url} cannot be asked now ({type(error).__name__}); mail waits until it can", file=sys.stderr)
        return
    if status in (401, 403):
        why = "is not a valid key" if status == 401 else "lacks the scope feedback"
        raise ConfigurationError("environment", "RISKAPI_MAILBOX_API_KEY", f"{why}, says {url}")
    if status in (404, 405):
        why = f"{url} is no riskapi that takes mail (it answered {status})"
        raise ConfigurationError("environment", "RISKAPI_MAILBOX_URL", why)
    if status not in (400, 429):
        print(f"{url} cannot be asked now ({status}); mail waits until it can", file=sys.stderr)
