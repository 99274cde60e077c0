"""The enricher on the real store with a real resolver: tried again later and later, given up, put off, never lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from riskapi.app import Service
from riskapi.enrichment.enricher import PAUSES, Enricher
from riskapi.enrichment.findings import Findings
from riskapi.enrichment.lookups import Lookups
from riskapi.enrichment.pace import QueryPace
from riskapi.enrichment.subjects import Subject
from riskapi.enrichment.upstream import UpstreamClosed, UpstreamError
from riskapi.errors import StoreUnavailable
from riskapi.store.connections import Store
from riskapi.store.rates import RateLimits
from signals.facts import MailDomain
from tests.conftest import NOW, Clock
from tests.signups import body

LEASE = 60.0


@pytest.fixture
def findings(service: Service) -> Findings:
    return Findings(service.store, service.gatherer._links, lambda _: True)


@pytest.fixture
def subject(findings: Findings, service: Service) -> Subject:
    """The mail domain of a signup that waits for it."""
    facts = service.gatherer.parse(body(), NOW).facts
    found = next(each for each in findings.subjects(facts) if each.kind == "mail_domain")
    findings.want("u_1", [found], {}, NOW)
    return found


Scouting = Callable[..., Enricher]


@pytest.fixture
def enricher(findings: Findings, service: Service, clock: Clock) -> Scouting:
    """``enricher(answer)``: one whose upstream answers with what ``answer`` returns, or raises it."""

    def made(answer: Callable[[str], Any]) -> Enricher:
        async def ask(value: str, now: float) -> Any:
            found = answer(value)
            if isinstance(found, BaseException):
                raise found
            return found

        async def close() -> None:
            return None

        asking = Lookups({"mail_domain": ask}, {"dns": 2, "rdap": 2}, lambda name: name, close)
        return Enricher(findings, service.active, asking, service.parts.metrics, clock)

    return made


def known(findings: Findings, subject: Subject, store: Store) -> dict[str, Any]:
    pipe = store.pipeline()
    known = findings.queue(pipe, [subject])
    store.run(pipe)
    return known()


def test_what_was_said_is_kept(enricher: Scouting, findings: Findings, subject: Subject, store: Store) -> None:
    assert enricher(lambda value: MailDomain(NOW, exists=value == "ruiz.example")).step() == 1
    assert known(findings, subject, store) == {"mail_domain": MailDomain(NOW, exists=True)}


@pytest.mark.parametrize(
    "error", [UpstreamError("refused"), TimeoutError(), RuntimeError("a defect")], ids=["refused", "slow", "defect"]
)
def test_a_look_up_that_fails_is_tried_again_later_and_later_and_given_up(
    enricher: Scouting, findings: Findings, subject: Subject, store: Store, clock: Clock, error: Exception
) -> None:
    tries = enricher(lambda _: error)
    assert tries.step() == 1
    for pause in PAUSES:
        clock.advance(0.79 * pause)
        assert tries.step() == 0, "a fifth earlier at most"
        clock.advance(0.42 * pause)
        assert tries.step() == 1
    assert findings.waiting() == 0
    assert known(findings, subject, store) == {"mail_domain": MailDomain(clock.now)}, "nobody knows, for an hour"


def test_an_upstream_that_asks_for_more_time_gets_it(enricher: Scouting, subject: Subject, clock: Clock) -> None:
    tries = enricher(lambda _: UpstreamError("busy", 300.0))
    tries.step()
    clock.advance(0.79 * 300)
    assert tries.step() == 0
    clock.advance(0.42 * 300)
    assert tries.step() == 1


def test_an_upstream_that_is_left_alone_costs_no_try(
    enricher: Scouting, findings: Findings, subject: Subject, clock: Clock
) -> None:
    closed = enricher(lambda _: UpstreamClosed("left alone", 30.0))
    for _ in range(20):
        assert closed.step() == 1
        clock.advance(29)
        assert closed.step() == 0
        clock.advance(1)
    (task,) = findings.take(subject.shard, "dns", clock.now, LEASE, 5)
    assert task.tries == 1


def test_one_defect_holds_up_nothing_behind_it(
    enricher: Scouting, findings: Findings, service: Service, store: Store
) -> None:
    gatherer = service.gatherer
    subjects = []
    for number in range(6):
        facts = gatherer.parse(body(email={"address": f"a@d{number}.example"}), NOW).facts
        subjects.append(next(each for each in findings.subjects(facts) if each.kind == "mail_domain"))
        findings.want("u_1", [subjects[-1]], {}, NOW)
    tries = enricher(lambda value: KeyError() if value == "d3.example" else MailDomain(NOW, exists=True))
    while tries.step():
        pass
    assert [len(known(findings, each, store)) for each in subjects] == [1, 1, 1, 0, 1, 1]


def test_it_takes_no_more_than_it_can_ask_at_once(enricher: Scouting, findings: Findings, service: Service) -> None:
    for number in range(7):
        facts = service.gatherer.parse(body(email={"address": f"a@d{number}.example"}), NOW).facts
        findings.want("u_1", [findings.subjects(facts)[0]], {}, NOW)
    tries = enricher(lambda _: MailDomain(NOW))
    assert [tries.step() for _ in range(5)] == [2, 2, 2, 1, 0]


def test_it_works_until_it_is_told_to_stop_and_a_store_that_goes_away_does_not_end_it(
    enricher: Scouting, findings: Findings, subject: Subject, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, seen = threading.Event(), threading.Event()
    take = findings.take

    def taken(*args: Any) -> Any:
        if not away.is_set():
            seen.set()
            raise StoreUnavailable("away")
        return take(*args)

    monkeypatch.setattr(findings, "take", taken)
    stop, answered = threading.Event(), threading.Event()

    def answer(_: str) -> MailDomain:
        answered.set()
        return MailDomain(NOW, exists=True)

    thread = threading.Thread(target=enricher(answer).run, args=(stop,), daemon=True)
    thread.start()
    assert seen.wait(60)
    away.set()
    assert answered.wait(60)
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert known(findings, subject, store)


def run(pace: QueryPace) -> None:
    async def wait() -> None:
        await pace()

    asyncio.run(wait())


def test_questions_are_spaced_for_all_workers_together(store: Store) -> None:
    """Two of two a second may be asked at once, whoever asks; the third waits until the clock says so."""

    class Ticking(Clock):
        def __call__(self) -> float:
            asked.append(self.now)
            return super().__call__()

    asked: list[float] = []
    clock = Ticking(NOW)
    one, other = (QueryPace(RateLimits(store), "dns", 2.0, clock) for _ in range(2))
    run(one)
    run(other)
    assert asked == [NOW, NOW]
    with pytest.raises(UpstreamClosed):  # a clock that stands still: it asked again and again, and gave up
        run(QueryPace(RateLimits(store), "dns", 2.0, clock, patience=0.5))
    clock.advance(1)
    run(one)


def test_who_would_wait_for_long_is_put_off(store: Store) -> None:
    slow = QueryPace(RateLimits(store), "rdap:x", 0.01, Clock(NOW))
    run(slow)
    with pytest.raises(UpstreamClosed) as closed:
        run(slow)
    assert closed.value.retry_after is not None and closed.value.retry_after > 20


def test_while_the_store_is_away_nobody_is_asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = RateLimits(store)

    def away(*_: Any) -> Any:
        raise StoreUnavailable("away")

    monkeypatch.setattr(limits, "take", away)
    with pytest.raises(UpstreamClosed):
        run(QueryPace(limits, "dns", 2.0, Clock(NOW)))


def test_where_one_look_up_ends_it_all_nothing_is_asked_after_the_connections_are_closed(
    findings: Findings, service: Service, clock: Clock
) -> None:
    class Ended(BaseException): ...

    for name in ("ends", "goes-on"):
        facts = service.gatherer.parse(body(email={"address": f"a@{name}.example"}), NOW).facts
        findings.want("u_1", findings.subjects(facts)[:1], {}, NOW)
    course, both = [], asyncio.Event()

    async def ask(value: str, now: float) -> Any:
        if value == "ends.example":
            await both.wait()
            raise Ended
        both.set()
        try:
            await asyncio.Event().wait()
        finally:
            course.append("asked")

    async def close() -> None:
        course.append("closed")

    asking = Lookups({"mail_domain": ask}, {"dns": 2, "rdap": 2}, lambda name: name, close)
    with pytest.raises(Ended):
        Enricher(findings, service.active, asking, service.parts.metrics, clock).step()
    assert course == ["asked", "closed"]


def test_one_owner_s_names_do_not_take_every_place(findings: Findings, service: Service, clock: Clock) -> None:
    """Three hundred names below a domain that never answers; whoever comes after them is asked about all the same."""
    gatherer = service.gatherer
    for number in range(30):
        facts = gatherer.parse(body(email={"address": f"a@s{number}.hole.example"}), NOW).facts
        findings.want("u_1", findings.subjects(facts)[:1], {}, NOW)
    facts = gatherer.parse(body(), NOW).facts
    findings.want("u_2", findings.subjects(facts)[:1], {}, NOW)
    asked, found = [], threading.Event()

    async def ask(value: str, now: float) -> Any:
        asked.append(value)
        if value == "ruiz.example":
            found.set()
            return MailDomain(NOW)
        await asyncio.Event().wait()

    async def close() -> None:
        return None

    asking = Lookups({"mail_domain": ask}, {"dns": 8, "rdap": 8}, lambda name: name.partition(".")[2] or name, close)
    stop = threading.Event()
    enricher = Enricher(findings, service.active, asking, service.parts.metrics, clock)
    thread = threading.Thread(target=enricher.run, args=(stop,), daemon=True)
    thread.start()
    reached = found.wait(60)
    stop.set()
    thread.join(60)
    assert reached
    assert not thread.is_alive()
    assert len(asked) <= 5
    assert findings.waiting() == 30, "what was in hand is handed back"
    held = [findings.take(number, "dns", clock.now, LEASE, 50) for number in range(8)]
    assert sum(task.tries == 1 for tasks in held for task in tasks) >= 4, "at once, and as if it had not been tried"
