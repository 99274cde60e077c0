"""An event loop in which a request begins, and goes on, in the thread that brings the news of it.

granian tells an event loop of each request, and of each body that is there, from a thread of its own. An event loop
that is woken for both, and once more when a thread has the answer, takes 180 µs of the 1,650 µs that a signup costs.
Nearly every request needs none of it: its body is small, and it waits for that body and for a thread, nothing else.
What does need the loop, a large body that is read in parts, says so (:data:`IN_LOOP`).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from queue import SimpleQueue
from types import CoroutineType
from typing import Any, Final, Protocol, TypeVarTuple

from riskapi import logs

_Ts = TypeVarTuple("_Ts")

#: One request, as granian's coroutine.
Request = Coroutine[Any, Any, None]
#: How often bodies are looked for whose time is over: so many times in the seconds they are given, and at least each
#: second.
_LOOKS, _LONGEST = 10, 1.0


class InLoop:
    """Awaited, it lets a request go on in the event loop."""

    def __await__(self) -> Generator[InLoop, None, None]:
        yield self


IN_LOOP: Final = InLoop()


class Threads:
    """``count`` threads in which requests go on, in the order in which they are given.

    A thread pool of the standard library makes a future of each request and locks it several times, which nobody here
    waits for: 11 µs instead of 0.2.
    """

    def __init__(self, count: int) -> None:
        self._requests: SimpleQueue[Request | None] = SimpleQueue()
        names = [f"request-{number}" for number in range(1, count + 1)]
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    def go_on(self, request: Request) -> None:
        """Let a request go on when a thread is free."""
        self._requests.put(request)

    def end(self) -> None:
        """Finish what was given, and end; the process is ended by others where that takes too long."""
        for _ in self._threads:
            self._requests.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (request := self._requests.get()) is not None:
            try:
                step(request)
            except Exception as error:  # whose request it was is told by granian; the thread is there for the next
                logs.note(logging.ERROR, "request_failed", error)


class Turn:
    """Awaited, it lets a request go on in a thread, at its turn."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    def __await__(self) -> Generator[Turn, None, None]:
        yield self

    def wait_for(self, request: Request, now: float) -> None:
        """Let a request go on when a thread is free."""
        self._threads.go_on(request)


class BodyOnItsWay(Protocol):
    """What granian gives for a body that is awaited: like ``asyncio.Future``, and safe to ask from any thread."""

    def add_done_callback(self, callback: object, context: Any) -> None:
        """Have the event loop called with ``callback`` when the body is there."""

    def result(self) -> bytes:
        """The body. Raises what went wrong."""

    def cancel(self) -> bool:
        """Wait no longer."""


class WaitingRequests:
    """Requests that wait for a body outside the event loop, and the threads in which they go on."""

    def __init__(self, threads: Threads, patience: float) -> None:
        self._threads, self._patience = threads, patience
        self._requests: dict[BodyWait, tuple[Request, BodyOnItsWay, float]] = {}

    def begin(self, wait: BodyWait, request: Request, body: BodyOnItsWay, now: float) -> None:
        """Give a body until ``patience`` seconds after ``now``."""
        self._requests[wait] = request, body, now

    def end(self, wait: BodyWait, *, late: bool = False) -> None:
        """Let the request go on, once: its body may come in one thread just as its time is over in another."""
        found = self._requests.pop(wait, None)
        if found is not None:
            wait.late = late
            self._threads.go_on(found[0])

    def end_late(self, loop: asyncio.AbstractEventLoop) -> None:
        """End the waits that took too long, and look again in a while, whatever goes wrong with one of them."""
        loop.call_later(min(self._patience / _LOOKS, _LONGEST), self.end_late, loop)
        now = loop.time()
        for wait, (_, body, since) in self._requests.copy().items():  # in the order in which they began
            if now - since < self._patience:
                break
            self.end(wait, late=True)
            body.cancel()


class BodyWait:
    """Awaited, it lets a request go on in a thread as soon as its body is there, and gives that body.

    Raises :class:`TimeoutError` for a body that came too ``late``, and what granian raises for one that broke off.
    """

    def __init__(self, body: BodyOnItsWay, waiting: WaitingRequests) -> None:
        self._body, self._waiting = body, waiting
        self.late = False

    def __await__(self) -> Generator[BodyWait, None, bytes]:
        body = self._body
        yield self
        if self.late:
            raise TimeoutError
        return body.result()

    def wait_for(self, request: Request, now: float) -> None:
        """Let a request go on when the body is there, or its time is over; ``now`` by the clock of the loop."""
        body = self._body
        # granian's object keeps whom it calls, and Python's garbage collection does not look into it: if that one kept
        # it, too, neither would ever be let go of.
        del self._body
        self._waiting.begin(self, request, body, now)
        body.add_done_callback(self, None)

    def come(self) -> None:
        """The body is there, or broke off."""
        self._waiting.end(self)


def step(request: Request) -> object:
    """Run a request up to where it waits; returns for what, None when it is at its end."""
    try:
        return request.send(None)
    except StopIteration:
        return None


class RequestLoop(asyncio.SelectorEventLoop):
    """Begins what granian hands over where it is handed over.

    granian 2.8 calls ``call_soon_threadsafe(run, coroutine, watcher)`` for a request; for a body it calls
    ``call_soon_threadsafe(callback, body)``, or ``call_soon`` where the body was there already. Whatever else comes is
    the event loop's.
    """

    def call_soon_threadsafe(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> Any:
        """See :meth:`asyncio.loop.call_soon_threadsafe`."""
        brought: object = callback
        if isinstance(brought, BodyWait):
            return brought.come()
        if args and isinstance(args[0], CoroutineType):
            waits = step(args[0])
            if isinstance(waits, BodyWait | Turn):
                return waits.wait_for(args[0], self.time())
            if waits is None:
                return None
        return super().call_soon_threadsafe(callback, *args, context=context)

    def call_soon(self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None) -> Any:
        """See :meth:`asyncio.loop.call_soon`."""
        brought: object = callback
        if isinstance(brought, BodyWait):
            return brought.come()
        return super().call_soon(callback, *args, context=context)
