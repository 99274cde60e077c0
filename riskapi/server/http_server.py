"""The HTTP server of ``serve``: worker processes that share an address, and are there again when they end."""

from __future__ import annotations

from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels

from riskapi.server import granian_server, http_process
from riskapi.settings import Settings

#: Seconds a request in hand is given to end when the service stops; then its worker is killed.
_GRACE = 10
#: Connections that wait to be accepted: granian's own default.
_BACKLOG = 1024
#: Connections one worker takes on at once: those that are slow hold memory only, some 20 kB each.
_CONNECTIONS = 4096


def serve(settings: Settings) -> None:
    """Run the HTTP server until SIGTERM. Raises :class:`ConfigurationError` for a granian it was not made for."""
    server = granian_server.GranianServer(
        "riskapi.server.wsgi:gateway",
        address=settings.bind.host,
        port=settings.bind.port,
        interface=Interfaces.RSGI,
        loop=Loops.asyncio,
        workers=settings.workers,
        backlog=_BACKLOG,
        backpressure=_CONNECTIONS,
        http=HTTPModes.http1,
        websockets=False,
        workers_kill_timeout=_GRACE,
        log_level=LogLevels.warning,
        log_dictconfig=_server_log(),
    )
    granian_server.check(server)
    server.serve(target_loader=http_process.load, wrap_loader=False)


def _server_log() -> dict[str, Any]:
    """The HTTP server's own lines, as JSON on standard error like all others."""
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    return {
        "formatters": {"json": {"()": "riskapi.logs.JsonLines"}},
        "handlers": {"console": handler},
        "loggers": {"_granian": {"handlers": ["console"], "level": "WARNING", "propagate": False}},
    }
