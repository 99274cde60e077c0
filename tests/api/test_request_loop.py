"""A request begins in the thread that brings it, and goes on once: when its body is there, or when its time is over.

The bodies of real requests are in ``tests/server/test_slow_callers.py``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from riskapi.api.request_loop import IN_LOOP, BodyWait, RequestLoop, Threads, Turn, WaitingRequests
from tests.logged import Lines

PATIENCE = 5.0


class Body:
    """A body as granian has it: told to the loop once, by the thread that brings it or that gives it up."""

    def __init__(self, loop: RequestLoop, content: bytes | None = None) -> None:
        self._loop, self.content = loop, content
        self._told: object = None
        self.cancelled = False

    def add_done_callback(self, callback: object, context: Any) -> None:
        self._told = callback
        if self.content is not None:
            self._loop.call_soon(callback, self, context=context)  # type: ignore[arg-type]

    def bring(self, content: bytes) -> None:
        self.content = content
        self._loop.call_soon_threadsafe(self._told, self, context=None)  # type: ignore[arg-type]

    def result(self) -> bytes:
        if self.content is None:
            raise ConnectionError("broken off")
        return self.content

    def cancel(self) -> bool:
        self.cancelled = True
        self._loop.call_soon(self._told, self, context=None)  # type: ignore[arg-type]
        return True


@pytest.fixture
def loop() -> Iterator[RequestLoop]:
    loop = RequestLoop()
    yield loop
    loop.close()


class Counting(Threads):
    """Threads that count what they are given."""

    given = 0

    def go_on(self, request: Coroutine[Any, Any, None]) -> None:
        self.given += 1
        super().go_on(request)


@pytest.fixture
def threads() -> Iterator[Counting]:
    threads = Counting(2)
    yield threads
    threads.end()


@pytest.fixture
def waiting(threads: Counting) -> WaitingRequests:
    return WaitingRequests(threads, PATIENCE)


class Ended(threading.Event):
    """What became of a request, and in which thread."""

    said: object = None
    thread = ""

    async def request(self, wait: BodyWait | Turn) -> None:
        try:
            self.said = await wait
        except Exception as error:
            self.said = type(error)
        self.thread = threading.current_thread().name
        self.set()

    def wait_for(self) -> object:
        assert self.wait(20)
        return self.said


def hand_over(loop: RequestLoop, request: Coroutine[Any, Any, None]) -> None:
    """As granian does."""
    loop.call_soon_threadsafe(_not_called, request, object())


def _not_called(request: Coroutine[Any, Any, None], watcher: object) -> None:
    raise AssertionError("the event loop was not to be asked")


BODIES: dict[str, tuple[Callable[[RequestLoop, WaitingRequests, Body], None], object]] = {
    "is there": (lambda loop, waiting, body: None, b"{}"),
    "comes": (lambda loop, waiting, body: body.bring(b"{}"), b"{}"),
    "breaks off": (lambda loop, waiting, body: body._loop.call_soon_threadsafe(body._told, body), ConnectionError),  # type: ignore[arg-type]
    "comes too late": (lambda loop, waiting, body: late(loop, waiting), TimeoutError),
}


def late(loop: RequestLoop, waiting: WaitingRequests, seconds: float = PATIENCE) -> None:
    """Look for late bodies, as the loop does, so many seconds from now."""
    now = loop.time()
    loop.time = lambda: now + seconds  # type: ignore[method-assign]
    waiting.end_late(loop)


@pytest.mark.parametrize(("then", "expected"), BODIES.values(), ids=BODIES)
def test_a_request_goes_on_in_a_thread_when_its_body(
    loop: RequestLoop,
    waiting: WaitingRequests,
    then: Callable[[RequestLoop, WaitingRequests, Body], None],
    expected: object,
) -> None:
    ended, body = Ended(), Body(loop, b"{}" if then is BODIES["is there"][0] else None)
    wait = BodyWait(body, waiting)
    hand_over(loop, ended.request(wait))
    then(loop, waiting, body)
    assert ended.wait_for() == expected
    assert ended.thread.startswith("request")
    assert body.cancelled == (expected is TimeoutError)
    assert body not in vars(wait).values(), "granian's body keeps whom it calls, so that one does not keep the body"


def test_a_body_still_in_its_time_is_waited_for(loop: RequestLoop, waiting: WaitingRequests) -> None:
    ended, body = Ended(), Body(loop)
    hand_over(loop, ended.request(BodyWait(body, waiting)))
    late(loop, waiting, PATIENCE - 1)
    assert not body.cancelled
    body.bring(b"[]")
    assert ended.wait_for() == b"[]"


def test_bodies_are_looked_for_again_whatever_goes_wrong_with_one(
    loop: RequestLoop, waiting: WaitingRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, body, looks = Ended(), Body(loop), list[object]()

    def stubborn() -> bool:
        raise RuntimeError("not now")

    monkeypatch.setattr(body, "cancel", stubborn)
    monkeypatch.setattr(loop, "call_later", lambda seconds, callback, *args: looks.append(callback))
    hand_over(loop, ended.request(BodyWait(body, waiting)))
    with pytest.raises(RuntimeError, match="not now"):
        late(loop, waiting)
    assert ended.wait_for() is TimeoutError and looks == [waiting.end_late]


def test_only_bodies_whose_time_is_over_are_given_up(loop: RequestLoop, waiting: WaitingRequests) -> None:
    first, second = Ended(), Ended()
    bodies = Body(loop), Body(loop)
    hand_over(loop, first.request(BodyWait(bodies[0], waiting)))
    began = loop.time()
    loop.time = lambda: began + 3.0  # type: ignore[method-assign]
    hand_over(loop, second.request(BodyWait(bodies[1], waiting)))
    late(loop, waiting, 2.5)
    assert first.wait_for() is TimeoutError
    assert [each.cancelled for each in bodies] == [True, False]
    bodies[1].bring(b"2")
    assert second.wait_for() == b"2"


def test_a_request_without_a_body_goes_on_in_a_thread(loop: RequestLoop, threads: Counting) -> None:
    ended = Ended()
    hand_over(loop, ended.request(Turn(threads)))
    assert ended.wait_for() is None
    assert ended.thread.startswith("request")


def test_threads_end_when_what_they_were_given_is_done(loop: RequestLoop) -> None:
    threads, begun, free = Threads(1), threading.Event(), threading.Event()
    done: list[int] = []

    async def request(number: int) -> None:
        await Turn(threads)
        begun.set()
        assert free.wait(20)
        done.append(number)

    for number in range(3):
        hand_over(loop, request(number))
    assert begun.wait(20)
    ending = threading.Thread(target=threads.end)
    ending.start()
    free.set()
    ending.join(20)
    assert (done, ending.is_alive()) == ([0, 1, 2], False)


def test_a_request_that_never_waits_is_done_where_it_is_handed_over(loop: RequestLoop) -> None:
    done: list[str] = []

    async def request() -> None:
        done.append(threading.current_thread().name)

    hand_over(loop, request())
    assert done == [threading.current_thread().name]


def test_a_request_that_needs_the_loop_goes_on_in_it(loop: RequestLoop) -> None:
    done: list[object] = []

    async def request() -> None:
        await IN_LOOP
        await asyncio.sleep(0)
        done.append(asyncio.get_running_loop())

    def begin(request: Coroutine[Any, Any, None], watcher: object) -> None:
        loop.create_task(request).add_done_callback(lambda _: loop.stop())

    loop.call_soon_threadsafe(begin, request(), object())
    loop.run_forever()
    assert done == [loop]


def test_a_body_that_comes_just_as_its_time_is_over_lets_its_request_go_on_once(
    loop: RequestLoop, waiting: WaitingRequests, threads: Counting
) -> None:
    for round_number in range(1, 301):
        ended, body = Ended(), Body(loop)
        arrival = BodyWait(body, waiting)
        hand_over(loop, ended.request(arrival))
        start = threading.Barrier(2)

        def bring(body: Body = body, start: threading.Barrier = start) -> None:
            start.wait(20)
            body.bring(b"{}")

        bringing = threading.Thread(target=bring)
        bringing.start()
        start.wait(20)
        waiting.end(arrival, late=True)
        bringing.join(20)
        assert ended.wait_for() in (b"{}", TimeoutError)
        assert threads.given == round_number


def test_callbacks_of_others_are_the_loops(loop: RequestLoop) -> None:
    called: list[object] = []
    loop.call_soon(called.append, 1)
    loop.call_soon_threadsafe(called.append, 2)
    loop.call_soon_threadsafe(loop.stop)
    loop.run_forever()
    assert called == [1, 2]


def test_a_request_that_fails_is_logged_and_leaves_its_thread_to_the_next(loop: RequestLoop, lines: Lines) -> None:
    threads, ended = Threads(1), Ended()

    async def failing() -> None:
        await Turn(threads)
        raise OSError("secret")

    hand_over(loop, failing())
    hand_over(loop, ended.request(Turn(threads)))
    assert ended.wait_for() is None
    (said,) = lines()
    assert (said["event"], said["level"]) == ("request_failed", "error")
    assert "secret" not in str(said)
