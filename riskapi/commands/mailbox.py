"""Mail of bounces and complaints as it is taken, by LMTP or from a maildir, and handed to a running riskapi."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from http.client import HTTPException
from pathlib import Path
from typing import Final

from riskapi import logs
from riskapi.commands import reachability
from riskapi.errors import ConfigurationError
from riskapi.mailbox import lmtp, maildir
from riskapi.mailbox.handover import Handover
from riskapi.server import listening
from riskapi.settings import Settings, environment

#: Seconds between looks into a maildir. What is reported acts within seconds.
_LOOK: Final = 1.0
_STOP: Final = (signal.SIGTERM, signal.SIGINT)


def run(settings: Settings, directory: Path | None, *, delete: bool, once: bool, given_url: str | None) -> int:
    """Check everything, take mail, and stay until told to stop."""
    logs.configure(settings.log_level)
    key = settings.mailbox_api_key
    if key is None:
        made = "make one with `python -m riskapi keys create --name mailbox --scope feedback`"
        raise ConfigurationError("environment", "RISKAPI_MAILBOX_API_KEY", f"is not set; {made}")
    url = settings.mailbox_url
    if given_url is not None:
        try:
            url = environment.web_url(given_url)
        except ValueError as error:
            raise ConfigurationError("command line", "--url", str(error)) from None
    handover = Handover(url, key.get_secret_value())
    if directory is not None and not maildir.is_maildir(directory):
        raise ConfigurationError("command line", "--maildir", f"{directory} has no new/, cur/ and tmp/")
    if directory is None and (once or delete):
        raise ConfigurationError("command line", "--once" if once else "--delete", "goes with --maildir")
    _check(handover, url)
    if directory is not None:
        return _read(directory, handover, delete=delete, once=once)
    return _listen(settings, handover, url)


def _listen(settings: Settings, handover: Handover, url: str) -> int:
    bind = settings.mailbox_bind
    where = listening.written(bind)
    at = f"lmtp:unix:{where}" if isinstance(bind, Path) else f"lmtp:inet:{where}"
    try:
        asyncio.run(_serve(bind, handover, f"riskapi mailbox takes mail at {at} and hands it to {url}"))
    except OSError as error:
        raise listening.refused("RISKAPI_MAILBOX_BIND", bind, error) from None
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
    cause: str | None
    try:
        status = handover.probe()
    except (OSError, HTTPException) as error:
        cause = type(error).__name__
    else:
        cause = reachability.judge(
            status, url=url, settings="RISKAPI_MAILBOX", scope="feedback", does="takes mail", fine=(400, 429)
        )
    if cause is not None:
        print(f"{url} cannot be asked now ({cause}); mail waits until it can", file=sys.stderr)
