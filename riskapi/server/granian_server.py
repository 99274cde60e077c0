"""The one place that reaches into granian: its supervisor of workers, and how a worker hears of signals.

Made for granian 2.8.7, which offers neither as an interface. What is reached into, and why:

- ``_spawn_workers``, ``_spawn_worker``, ``_respawn_workers`` and ``_serve_loop`` of the server, with ``wrks``,
  ``interrupt_children``, ``interrupt_signal``, ``reload_signal`` and ``main_loop_interrupt``: workers are to be named,
  to be started with SIGINT blocked, and to be started again for ever.
- ``granian._futures._cbsched_aioschedule``, which tells an event loop of a request, is only looked at:
  :class:`riskapi.api.request_loop.RequestLoop` begins the request there and then.
- ``granian._signals.set_loop_signals``, which a worker calls by that name: a second SIGTERM is to count for nothing.

Where one of them is gone or takes other arguments, :func:`check` says so and ``serve`` does not start.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib
import inspect
import logging
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing import resource_tracker
from types import SimpleNamespace
from typing import Any, Final

from granian import Granian

from riskapi import logs
from riskapi.errors import ConfigurationError
from riskapi.times import Backoff

#: What this was made for; ``tests/test_private_interfaces.py`` holds it to requirements.txt.
MADE_FOR: Final = "granian 2.8.7"
#: A worker that ended within these seconds is taken to have failed at its start. The other two are the first and the
#: longest pause, in seconds, before such a worker is started again; each pause is twice the one before.
STEADY, FIRST_PAUSE, LONGEST_PAUSE = 10.0, 0.5, 10.0
#: Methods of the server and their arguments.
_METHODS: Final = {
    "_spawn_workers": ["self", "spawn_target", "target_loader"],
    "_spawn_worker": ["self", "idx", "target", "callback_loader"],
    "_respawn_workers": ["self", "workers", "spawn_target", "target_loader", "delay"],
    "_serve_loop": ["self", "spawn_target", "target_loader"],
    "_reload": ["self", "spawn_target", "target_loader"],
}
_ATTRIBUTES: Final = ("wrks", "interrupt_children", "interrupt_signal", "reload_signal", "main_loop_interrupt")


class GranianServer(Granian):  # type: ignore[misc, valid-type]
    """granian, with three differences.

    A Ctrl-C reaches this process only, which ends the workers in order. A terminal sends SIGINT to the workers as well,
    where it interrupts imports with a stack trace and, together with the SIGTERM that follows, keeps granian 2.8 from
    ending. They inherit it blocked. SIGTERM waits until a worker can obey it: one that is still starting would end at
    once, before this process knows that it ends, too, and takes it for a fault.

    Each worker is told its name, and the one of the ``processors`` that it stays on, if there are any.

    Workers that end are started again for ever. granian 2.8 exits when one ends within 5.5 seconds of its start, and a
    service that has exited does not come back when there is room on the disk again.
    """

    def __init__(self, *args: Any, processors: Sequence[int] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self._processors = processors

    def _spawn_workers(self, *args: Any, **options: Any) -> None:
        with blocked(signal.SIGINT, signal.SIGTERM):
            super()._spawn_workers(*args, **options)

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:
        processor = self._processors[idx] if self._processors else None
        return super()._spawn_worker(idx, target, partial(callback_loader, f"http-{idx + 1}", processor))

    def _respawn_workers(self, *args: Any, **options: Any) -> None:
        with blocked(signal.SIGINT, signal.SIGTERM):
            super()._respawn_workers(*args, **options)

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        pauses = defaultdict[int, Backoff](lambda: Backoff(FIRST_PAUSE, LONGEST_PAUSE, STEADY))
        due: dict[int, float] = {}
        while not self.interrupt_signal:
            now = time.monotonic()
            self.main_loop_interrupt.wait(max(min(due.values()) - now, 0.0) if due else None)
            self.main_loop_interrupt.clear()  # before what it tells of is read, so that nothing is missed
            now = time.monotonic()
            while self.interrupt_children:
                index = self.interrupt_children.pop()
                pause = pauses[index].after(now - self.wrks[index].birth)
                due[index] = now + pause
                logs.note(logging.ERROR, "http_worker_ended", worker=index + 1, pause_s=pause)
            for index in [index for index, at in due.items() if at <= now and not self.interrupt_signal]:
                ended = self.wrks[index]
                try:
                    self._respawn_workers([index], spawn_target, target_loader)
                    del due[index]
                except OSError as error:  # no process to be had now
                    logs.note(logging.ERROR, "http_worker_not_started", error, worker=index + 1)
                    if ended not in self.wrks:
                        self.wrks.insert(index, ended)
                    due[index] = now + LONGEST_PAUSE
            if self.reload_signal:
                self._reload(spawn_target, target_loader)


def check(server: object, base: type[Any] = Granian) -> None:
    """Raise :class:`ConfigurationError` where granian, by a server and its class, is not as this file needs it."""
    faults = [
        f"{name} is gone or takes other arguments"
        for name, expected in _METHODS.items()
        if _arguments(getattr(base, name, None)) != expected
    ]
    faults += [f"a server has no {name}" for name in _ATTRIBUTES if not hasattr(server, name)]
    if not callable(getattr(_signals(), "set_loop_signals", None)):
        faults.append("_signals has no set_loop_signals")
    if not _requests_are_told():
        faults.append("a request is told to the event loop in another way")
    if faults:
        raise ConfigurationError("requirements", "granian", f"is not as {MADE_FOR} is: {faults[0]}")


@contextlib.contextmanager
def blocked(*signals: signal.Signals) -> Iterator[None]:
    """Have processes that are started meanwhile inherit these signals blocked."""
    resource_tracker.ensure_running()  # it unblocks them in its starter, so it goes first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear_signals_once(told: Callable[[], None]) -> None:
    """Let the first signal to end count alone in this worker process, and have ``told`` know of it.

    systemd sends SIGTERM to a whole service, and its main process then ends the workers with another;
    a second one that arrives while the first is obeyed keeps a worker of granian 2.8 from ending.
    """
    signals = _signals()
    listen: Callable[[asyncio.AbstractEventLoop], Any] = signals.set_loop_signals

    def listen_once(loop: asyncio.AbstractEventLoop) -> Any:
        obeyed = listen(loop)

        def first() -> None:
            told()
            # Taking the interpreter apart would unwind threads of the server that still run Python, as CPython 3.11
            # does, and its Rust answers that with a panic. All that matters is on the disk by then.
            atexit.register(os._exit, 0)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_IGN)
            obeyed.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, first)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        return obeyed

    signals.set_loop_signals = listen_once


def _requests_are_told() -> bool:
    """Whether an event loop is told of a request as :class:`riskapi.api.request_loop.RequestLoop` has to know it."""
    told: list[tuple[Any, ...]] = []
    request = object()
    try:
        tell = importlib.import_module("granian._futures")._cbsched_aioschedule
        loop = SimpleNamespace(call_soon_threadsafe=lambda *args, **options: told.append(args))
        tell(loop, None, lambda watcher: request)(None)
    except (ImportError, AttributeError, TypeError):
        return False
    return len(told) == 1 and len(told[0]) == 3 and callable(told[0][0]) and told[0][1] is request


def _arguments(method: object) -> list[str] | None:
    return list(inspect.signature(method).parameters) if callable(method) else None


def _signals() -> Any:
    """Granian's module of signals; None where there is none of that name."""
    try:
        return importlib.import_module("granian._signals")
    except ImportError:
        return None
