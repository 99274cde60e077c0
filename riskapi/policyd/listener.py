"""Listens for Postfix: a thread for each of its connections, on which many requests come one after the other."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from riskapi import logs
from riskapi.policyd import protocol
from riskapi.policyd.protocol import MalformedRequest, Request
from riskapi.server import socket_files
from riskapi.settings.environment import Bind

#: Connections at a time. Postfix has 100 smtpd processes (``default_process_limit``), each with one; with the
#: connections to riskapi this stays under the usual limit of 1024 open files.
MOST = 450
#: Seconds a connection may be silent: longer than Postfix keeps an idle one (``smtpd_policy_service_max_idle``,
#: 300 s), so that it is Postfix who closes it.
IDLE = 600.0


class _Session(socketserver.StreamRequestHandler):
    """One connection of Postfix."""

    timeout = IDLE
    server: Listener

    def handle(self) -> None:
        """Answer request after request, until either side ends."""
        try:
            while (request := protocol.read(self.rfile)) is not None:
                self.wfile.write(self.server.answer(request))
        except MalformedRequest as error:
            logs.note(logging.WARNING, "policyd_malformed", why=error.code)
        except OSError:  # gone, or silent for too long
            logs.note(logging.DEBUG, "policyd_connection_lost")
        except Exception as error:
            # Postfix is left without an answer, and does what it does when a policy server is away.
            logs.note(logging.ERROR, "policyd_failed", error)


class Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Takes connections at ``bind``, an address or the path of a UNIX socket; ``answer`` must not block for ever.

    Raises ``OSError`` when nobody can listen there.
    """

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, bind: Bind | Path, answer: Callable[[Request], bytes], most: int = MOST) -> None:
        self.answer, self._most = answer, most
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._path = bind if isinstance(bind, Path) else None
        address: Any
        if isinstance(bind, Path):
            socket_files.clear(bind)
            self.address_family, address = socket.AF_UNIX, os.fspath(bind)
        else:
            found = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            self.address_family, address = found[0][0], found[0][4]
        super().__init__(address, _Session)
        if self._path is not None:
            self._path.chmod(0o666)  # who may come in is up to the directory, as with Postfix' own sockets

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Take connections in the background; at the end answer what was asked, then close them all."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, name="policyd", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()
            with self._lock:
                for connection in self._open:
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RD)
            self.server_close()

    def server_close(self) -> None:
        """Stop listening, wait for the sessions, and take the socket file away."""
        super().server_close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for one more connection."""
        with self._lock:
            room = len(self._open) < self._most
            if room:
                self._open.add(request)
        if not room:
            logs.note(logging.WARNING, "policyd_full", connections=self._most)
        return room

    def close_request(self, request: Any) -> None:
        """Forget and close a connection."""
        with self._lock:
            self._open.discard(request)
        super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke while it was set up or closed; the inherited method would print its address."""
        logs.note(logging.DEBUG, "policyd_connection_lost")
