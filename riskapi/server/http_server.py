"""The HTTP server of ``serve``: worker processes that share an address, and are there again when they end."""

from __future__ import annotations

from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels

from riskapi.server import granian_server, http_process
from riskapi.settings import Settings
from riskapi.settings.http_server import processors

#: Seconds a request in hand is given to end when the service stops; then its worker is killed.
_GRACE = 10
#: Connections that wait to be accepted: granian's own default.
_BACKLOG = 1024
#: Connections one worker takes on at once: those that are slow hold memory only, some 20 kB each.
_CONNECTIONS = 4096


def serve(settings: Settings) -> None:
    """Run the HTTP server until SIGTERM.

    Raises :class:`riskapi.errors.ConfigurationError` for a granian it was not made for.
    """
    server = granian_server.GranianServer(
        "riskapi.server.wsgi:gateway",
        processors=processors_of(settings),
        address=settings.bind.host,
        port=settings.bind.port,
        interface=Interfaces.RSGI,
        loop=Loops.auto,  # http_process.new_loop
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


def processors_of(settings: Settings) -> list[int]:
    """The processor of each worker; none where they go to any.

    As nginx does it (https://nginx.org/en/docs/ngx_core_module.html#worker_cpu_affinity, ``auto``). Where there are
    fewer workers than processors, other programs are meant to have some, and nobody knows which.
    """
    found = processors()
    return found if settings.pin_workers and settings.workers == len(found) else []


def _server_log() -> dict[str, Any]:
    """The HTTP server's own lines, as JSON on standard error like all others."""
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    return {
        "formatters": {"json": {"()": "riskapi.logs.JsonLines"}},
        "handlers": {"console": handler},
        "loggers": {"_granian": {"handlers": ["console"], "level": "WARNING", "propagate": False}},
    }
