"""A worker process ends when it is told to or its parent is gone, even if the server in it does not listen."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection, wait

import pytest

from riskapi.server import http_process

SPAWN = multiprocessing.get_context("spawn")


def deaf(ready: Connection, seconds: float) -> None:
    """A server that hears SIGTERM and does nothing about it."""
    http_process.end_in_time(seconds)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    ready.send(os.getpid())
    threading.Event().wait()


def parent(ready: Connection) -> None:
    """Starts a worker and waits until it is killed."""
    SPAWN.Process(target=deaf, args=(ready, 60.0)).start()
    threading.Event().wait()


def test_a_worker_that_does_not_obey_ends_all_the_same() -> None:
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=deaf, args=(there, 0.1))
    process.start()
    here.recv()
    os.kill(process.pid or 0, signal.SIGUSR1)  # another signal is not meant
    assert wait([process.sentinel], 0.5) == []
    os.kill(process.pid or 0, signal.SIGTERM)
    process.join(60)
    assert process.exitcode == 0


def test_a_worker_whose_parent_was_killed_ends() -> None:
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=parent, args=(there,))
    process.start()
    pid = here.recv()
    there.close()
    process.kill()
    process.join(60)
    assert here.poll(20)
    with pytest.raises(EOFError):  # the worker held the other end of the pipe until it ended
        here.recv()
    assert pid
