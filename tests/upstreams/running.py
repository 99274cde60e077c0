"""A server in a thread of its own, with an event loop; it remembers what it was asked and how it shall behave."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

Question = TypeVar("Question")
#: Where every server of these tests listens.
HOST = "127.0.0.1"
#: Other ports tried when the one the system chose for one protocol is taken for the other.
_PORTS = 50
#: How a connection ends: the client goes away, or says more than there is room for, or the server stops.
_GONE = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError)


@dataclass(slots=True)
class Behavior:
    """A mode with its options, for so many answers (``None``: until told otherwise)."""

    mode: str
    options: Mapping[str, Any]
    left: int | None


class Running(Generic[Question]):
    """What both servers share; a context manager that starts the server and stops it."""

    #: Mode → its options and their defaults.
    MODES: Mapping[str, Mapping[str, Any]]

    def __init__(self) -> None:
        self.address = (HOST, 0)
        self._changed = threading.Condition()
        self._asked: list[Question] = []
        self._behaviors: dict[Hashable, Behavior] = {}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name=type(self).__name__, daemon=True)
        self._started = threading.Event()
        self._failed: OSError | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event

    @property
    def bind(self) -> str:
        """``host:port``."""
        return f"{self.address[0]}:{self.address[1]}"

    @property
    def asked(self) -> list[Question]:
        """What was asked so far, in order."""
        with self._changed:
            return list(self._asked)

    def forget(self) -> None:
        """Begin anew: nothing was asked, and nothing was said of how to behave."""
        with self._changed:
            self._asked.clear()
            self._behaviors.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        if self._failed is not None:
            raise self._failed
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop, as the end of the block does; whoever waits for an answer has his connection closed."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    async def _main(self) -> None:
        """Serve until told to stop."""
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            try:
                self.address = (HOST, await self._listen(stack))
            except OSError as error:
                self._failed = error
                return
            finally:
                self._started.set()
            await self._stopping.wait()

    async def _listen(self, stack: contextlib.AsyncExitStack) -> int:
        """Open what is listened on, to be closed with the stack; the port."""
        raise NotImplementedError

    async def _accept(
        self,
        stack: contextlib.AsyncExitStack,
        served: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any],
        *,
        datagrams: Callable[[], asyncio.DatagramProtocol] | None = None,
    ) -> int:
        """Listen for connections on a free port, and for datagrams on the same one if asked to."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                with contextlib.suppress(*_GONE):
                    await served(reader, writer)
            finally:
                writer.close()

        for last in (False,) * _PORTS + (True,):
            server = await asyncio.start_server(connected, HOST, 0, backlog=1024)
            port = int(server.sockets[0].getsockname()[1])
            try:
                if datagrams is not None:
                    transport, _ = await self._loop.create_datagram_endpoint(datagrams, (HOST, port))
                    stack.callback(transport.close)
            except OSError:
                server.close()
                if last:
                    raise
                continue
            stack.callback(server.close)
            return port
        raise AssertionError("the last port was tried")

    def _note(self, question: Question) -> None:
        with self._changed:
            self._asked.append(question)
            self._changed.notify_all()

    def _tell(self, key: Hashable, mode: str, times: int | None, options: Mapping[str, Any]) -> None:
        unknown = options.keys() - self.MODES[mode].keys()
        if unknown:
            raise TypeError(f"{mode} has no option {', '.join(sorted(unknown))}")
        with self._changed:
            self._behaviors[key] = Behavior(mode, {**self.MODES[mode], **options}, times)

    def _told(self, key: Hashable) -> str:
        with self._changed:
            found = self._behaviors.get(key)
            return "good" if found is None else found.mode

    def _behavior(self, keys: Iterable[Hashable]) -> Behavior:
        """How to answer: the first of the keys that something was said about."""
        with self._changed:
            for key in keys:
                found = self._behaviors.get(key)
                if found is None or found.left == 0:
                    continue
                if found.left is not None:
                    found.left -= 1
                return found
        return Behavior("good", {}, None)

    def _wait(self, wanted: Callable[[Question], bool], times: int, timeout: float, what: str) -> None:
        deadline = time.monotonic() + timeout
        with self._changed:
            while sum(map(wanted, self._asked)) < times:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{what} was not asked {times} × within {timeout} s, but: {self._asked[-20:]}")
                self._changed.wait(left)
