"""Where redirects may lead, when a server wants to be asked again, and what is read of an answer."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from riskapi.outgoing.destinations import DestinationGuard
from riskapi.outgoing.http import PLAIN, HttpClient, HttpFailure, Redirects, TooLarge, http_date, retry_after
from tests.conftest import NOW
from tests.data_server import DataServer, data_server


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"7", 7.0),
        (b" 7 ", 7.0),
        (b"0", 0.0),
        (b"99999999999999999999", 86400.0),
        (b"9" * 5000, 86400.0),
        (b"Sun, 22 Nov 2026 10:01:00 GMT", 60.0),
        (b"Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        (b"Sun, 22 Nov 9999 09:00:00 GMT", 86400.0),
        (b"-7", None),
        (b"1e9", None),
        (b"nan", None),
        (b"soon", None),
        (b"", None),
        ("٧".encode(), None),
        (b"\xb2", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: bytes, seconds: float | None) -> None:
    assert retry_after(value, NOW, 86_400.0) == seconds


def test_a_date_is_read_and_junk_is_none() -> None:
    assert http_date("Sun, 22 Nov 2026 10:00:00 GMT") == NOW
    assert http_date("Sun, 99 Nov 2026 10:00:00 GMT") is None


@pytest.mark.parametrize(
    ("location", "url"),
    [
        (b"/list", "https://data.example/list"),
        (b"b?c=d#e", "https://data.example/a/b?c=d"),
        (b"https://other.example/", "https://other.example/"),
        (b"//other.example:8443/x", "https://other.example:8443/x"),
    ],
)
def test_a_redirect_leads_on(location: bytes, url: str) -> None:
    route = Redirects("https://data.example/a/", 1)
    route.follow(location)
    assert route.url == url


@pytest.mark.parametrize(
    ("location", "why"),
    [
        (b"", "leads nowhere"),
        (b"ftp://files.example/list", "leads nowhere"),
        (b"file:///etc/passwd", "leads nowhere"),
        (b"http://[::1/", "leads nowhere"),
        (b"https://user:pass@data.example/", "leads nowhere"),
        (b"https://data.example:0/", "leads nowhere"),
        (b"https://data.example/a b", "leads nowhere"),
        ("https://data.example/ü".encode(), "leads nowhere"),
        (b"#here", "in circles"),
        (b"https://data.example/a", "in circles"),
        (b"http://data.example/a", "from HTTPS to HTTP"),
    ],
)
def test_a_redirect_that_is_not_followed(location: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Redirects("https://data.example/a", 5).follow(location)


def test_redirects_end_somewhere() -> None:
    route = Redirects("http://data.example/0", 3)
    for number in range(1, 4):
        route.follow(f"/{number}".encode())
    with pytest.raises(ValueError, match="too many redirects, more than 3"):
        route.follow(b"/4")


@pytest.mark.parametrize("url", ["", "data.example", "ftp://data.example/", "https://ana@data.example/", "http:///x"])
def test_what_is_no_url_is_not_asked(url: str) -> None:
    with pytest.raises(ValueError, match="not a usable URL"):
        Redirects(url, 5)


@pytest.fixture(scope="module")
def server() -> Iterator[DataServer]:
    with data_server(b"x" * 1000) as running:
        yield running


def ask(url: str, most: int = 1 << 20, allowed: tuple[str, ...] = ("127.0.0.1",), **more: Any) -> tuple[int, bytes]:
    async def run() -> tuple[int, bytes]:
        client = HttpClient(DestinationGuard(allowed))
        try:
            async with client.ask("GET", url, PLAIN, **{"seconds": 20.0, **more}) as answer:
                return answer.status, await answer.body(most)
        finally:
            await client.aclose()

    return asyncio.run(run())


def test_an_answer_is_read_whole(server: DataServer) -> None:
    assert ask(server.url("/list")) == (200, b"x" * 1000)
    assert server.seen[-1][1]["user-agent"] == "riskapi" and server.seen[-1][1]["accept-encoding"] == "identity"


@pytest.mark.parametrize(("path", "announced"), [("/list", 1000), ("/unsized", None)])
def test_no_more_is_read_than_is_taken(server: DataServer, path: str, announced: int | None) -> None:
    with pytest.raises(TooLarge) as failure:
        ask(server.url(path), most=999)
    assert failure.value.announced == announced


@pytest.mark.parametrize(
    ("path", "more", "kind"),
    [
        ("/list", {"allowed": ()}, "refused"),
        ("/drip", {"seconds": 0.3}, "late"),
        ("/drip", {"silence": 0.3}, "silent"),
        ("/cut", {}, "broken"),
        ("/close", {}, "broken"),
    ],
)
def test_what_kept_an_answer_away_has_a_name(server: DataServer, path: str, more: dict[str, Any], kind: str) -> None:
    with pytest.raises(HttpFailure) as failure:
        ask(server.url(path), **more)
    assert failure.value.kind == kind


def test_nobody_there_is_no_connection(free_port: int) -> None:
    with pytest.raises(HttpFailure) as failure:
        ask(f"http://127.0.0.1:{free_port}/")
    assert failure.value.kind == "connect"


@pytest.mark.parametrize("step", range(24))
def test_a_question_given_up_at_any_step_leaves_nothing_behind(server: DataServer, step: int) -> None:
    """Neither an open connection nor a coroutine that nobody awaited: Python warns of both."""

    async def give_up() -> None:
        client = HttpClient(DestinationGuard(("127.0.0.1",)))

        async def ask() -> int:
            async with client.ask("GET", server.url("/list"), PLAIN, 20) as answer:
                return len(await answer.body(1 << 20))

        asking = asyncio.create_task(ask())
        for _ in range(step):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await client.aclose()

    assert warned_of(give_up()) == []


@pytest.mark.parametrize("begun", [1, 2], ids=["the connecting", "what anyio begins for it"])
def test_a_question_given_up_before_its_connection_begins_leaves_nothing_behind(free_port: int, begun: int) -> None:
    async def give_up() -> None:
        client, loop, left = HttpClient(DestinationGuard(("127.0.0.1",))), asyncio.get_running_loop(), begun

        async def ask() -> None:
            async with client.ask("GET", f"http://127.0.0.1:{free_port}/", PLAIN, 20):
                pass

        def begin(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
            nonlocal left
            left -= 1
            if left == 0:
                asking.cancel()
            return asyncio.Task(work, loop=loop, **more)

        asking = asyncio.create_task(ask())
        loop.set_task_factory(begin)
        await asyncio.gather(asking, return_exceptions=True)
        assert left <= 0, "there were so many tasks"

    assert warned_of(give_up()) == []


def warned_of(work: Coroutine[Any, Any, None]) -> list[str]:
    """What Python warns of when this work is over."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(work)
        gc.collect()
    return [str(each.message) for each in told]
