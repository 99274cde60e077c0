"""The circuit of an upstream: when it opens, for how long, and who tries it again."""

from __future__ import annotations

import asyncio

import pytest

from riskapi.enrichment.upstream import AT_ONCE, TRIAL, Upstream, UpstreamClosed, UpstreamError, UpstreamSilent
from tests.conftest import Clock


async def turn(upstream: Upstream, error: BaseException | None = None) -> str:
    """What became of one turn: ``ok``, ``failed``, or ``closed`` and the seconds to wait."""
    try:
        async with upstream.turn():
            if error is not None:
                raise error
    except UpstreamClosed as closed:
        return f"closed {closed.retry_after:g}"
    except UpstreamError:
        return "failed"
    return "ok"


def upstream(chance: float = 0.5, **more: object) -> tuple[Upstream, Clock]:
    clock = Clock(1000.0)
    return Upstream(clock, lambda: chance, **more), clock  # type: ignore[arg-type]


#: Seconds to go on, whether the server answers then, and what becomes of the turn.
Step = tuple[float, str, str]
DOWN = [(0.0, "silent", "failed")] * 5
TABLE: dict[str, list[Step]] = {
    "four failures leave it closed": [*DOWN[:4], (0, "ok", "ok"), *DOWN[:4], (0, "ok", "ok")],
    "an answer in between begins the count anew": [
        *DOWN[:4],
        (0, "ok", "ok"),
        (0, "silent", "failed"),
        (0, "ok", "ok"),
    ],
    "the fifth in a row opens it for ten seconds": [*DOWN, (0, "ok", "closed 10"), (4, "ok", "closed 6")],
    "after the pause an answer closes it": [*DOWN, (10, "ok", "ok"), *DOWN[:4], (0, "ok", "ok")],
    "a trial that fails doubles the pause": [
        *DOWN,
        (10, "silent", "failed"),
        (0, "ok", "closed 20"),
        (20, "silent", "failed"),
        (0, "ok", "closed 40"),
        (40, "silent", "failed"),
        (80, "silent", "failed"),
        (160, "silent", "failed"),
        (0, "ok", "closed 300"),
        (300, "silent", "failed"),
        (0, "ok", "closed 300"),
        (300, "ok", "ok"),
    ],
    "after an answer the first pause is short again": [
        *DOWN,
        (10, "silent", "failed"),
        (20, "ok", "ok"),
        *DOWN,
        (0, "ok", "closed 10"),
    ],
    "one that asks to be left alone is": [(0, "busy 60", "failed"), (0, "ok", "closed 60"), (60, "ok", "ok")],
    "but for no longer than five minutes": [(0, "busy 86400", "failed"), (0, "ok", "closed 300")],
    "and tried again it doubles from there": [
        (0, "busy 60", "failed"),
        (60, "silent", "failed"),
        (0, "ok", "closed 120"),
    ],
}


@pytest.mark.parametrize("steps", TABLE.values(), ids=list(TABLE))
def test_the_pauses(steps: list[Step]) -> None:
    async def run() -> list[str]:
        one, clock = upstream()
        found = []
        for seconds, answer, _ in steps:
            clock.advance(seconds)
            error = {"ok": None, "silent": UpstreamSilent("")}.get(answer, UpstreamError("", 0.0))
            if error is not None and answer.startswith("busy"):
                error.retry_after = float(answer.split()[1])
            found.append(await turn(one, error))
        return found

    assert asyncio.run(run()) == [expected for _, _, expected in steps]


@pytest.mark.parametrize(("chance", "pause"), [(0.0, "closed 8"), (0.5, "closed 10"), (0.75, "closed 11")])
def test_pauses_differ_by_a_fifth(chance: float, pause: str) -> None:
    async def run() -> str:
        one, _ = upstream(chance)
        for _ in range(5):
            await turn(one, UpstreamSilent(""))
        return await turn(one)

    assert asyncio.run(run()) == pause


def test_only_one_tries_it_again_and_one_that_was_cancelled_says_nothing() -> None:
    async def run() -> list[str]:
        one, clock = upstream()
        for _ in range(5):
            await turn(one, UpstreamSilent(""))
        clock.advance(10)
        begun = asyncio.Event()

        async def trial() -> None:
            async with one.turn():
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(trial())
        await begun.wait()
        beside = await turn(one)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [beside, await turn(one), await turn(one)]

    assert asyncio.run(run()) == [f"closed {TRIAL:g}", "ok", "ok"]


def test_what_is_no_failure_of_the_server_is_not_counted() -> None:
    async def run() -> str:
        one, _ = upstream()
        for _ in range(9):
            with pytest.raises(ZeroDivisionError):
                await turn(one, ZeroDivisionError())
            await turn(one, UpstreamClosed("of another server", 1.0))
        return await turn(one)

    assert asyncio.run(run()) == "ok"


@pytest.mark.parametrize(("lives", "then"), [(True, "ok"), (False, "closed 10")])
def test_a_server_that_answers_for_itself_is_not_closed_for_what_it_was_asked_about(lives: bool, then: str) -> None:
    async def alive() -> bool:
        return lives

    async def run() -> str:
        one, _ = upstream(alive=alive)
        for _ in range(5):
            await turn(one, UpstreamSilent(""))
        return await turn(one)

    assert asyncio.run(run()) == then


@pytest.mark.parametrize("late", [UpstreamSilent(""), UpstreamError("", 0.0), UpstreamError("", 200.0)])
def test_failures_of_turns_that_began_before_it_opened_do_not_change_the_pause(late: UpstreamError) -> None:
    async def run() -> str:
        one, _ = upstream()
        waiting = asyncio.Event()

        async def fail(error: UpstreamError) -> None:
            async with one.turn():
                await waiting.wait()
                raise error

        errors = [UpstreamSilent("")] * 5 + [late] * (AT_ONCE - 5)
        tasks = [asyncio.create_task(fail(error)) for error in errors]
        await asyncio.sleep(0)
        waiting.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        return await turn(one)

    assert asyncio.run(run()) == "closed 10"


def test_no_more_than_so_many_ask_at_once() -> None:
    async def run() -> int:
        one, _ = upstream(at_once=3)
        inside = most = 0

        async def ask() -> None:
            nonlocal inside, most
            async with one.turn():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(ask() for _ in range(20)))
        return most

    assert asyncio.run(run()) == 3
