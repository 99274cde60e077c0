"""When a resolver is asked whether it is to be believed, who shares the answer, and what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from riskapi.enrichment.probes import ProbeResult
from riskapi.enrichment.resolver_trust import DOUBTED, RECENT, ResolverTrust
from tests.conftest import Clock

LIE = ProbeResult("nothing_exists")


class Probes:
    """A trust whose probes say what they are told to, the last for ever; ``asked`` says which were wide."""

    def __init__(self, *verdicts: ProbeResult) -> None:
        self.left, self.asked, self.told = list(verdicts), list[bool](), list[tuple[str | None, float]]()
        self.clock = Clock(1000.0)
        self.trust = ResolverTrust(self._probe, self.clock, lambda doubt, seconds: self.told.append((doubt, seconds)))

    async def _probe(self, wide: bool) -> ProbeResult:
        self.asked.append(wide)
        await asyncio.sleep(0)
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def verdict(self, age: float = RECENT, after: float = 0.0) -> ProbeResult:
        self.clock.advance(after)
        return asyncio.run(self.trust.verdict(age))


def test_a_probe_holds_for_a_minute_where_nothing_depends_on_it() -> None:
    made = Probes(ProbeResult())
    for after in (0.0, RECENT / 2, RECENT / 2, 1.0):
        made.verdict(after=after)
    assert len(made.asked) == 2


def test_who_would_be_convicted_is_worth_a_probe_of_his_own() -> None:
    made = Probes(ProbeResult(), LIE)
    assert made.verdict(age=0.0) == ProbeResult()
    assert made.verdict(age=0.0, after=0.1) == LIE


def test_those_who_wait_share_one_probe_that_began_after_they_asked() -> None:
    made = Probes(ProbeResult())

    async def many() -> Sequence[ProbeResult]:
        return await asyncio.gather(*(made.trust.verdict(0.0) for _ in range(20)))

    assert asyncio.run(many()) == [ProbeResult()] * 20
    assert len(made.asked) == 1


def test_a_doubt_holds_for_some_seconds_and_is_then_looked_at_again() -> None:
    made = Probes(LIE, ProbeResult())
    assert made.verdict() == LIE
    assert made.verdict(age=0.0, after=DOUBTED - 1) == LIE
    assert made.verdict(after=2.0) == ProbeResult()


def test_who_would_be_convicted_is_worth_a_probe_also_where_only_texts_are_doubted() -> None:
    made = Probes(ProbeResult("texts_missing"), ProbeResult("names_missing"))
    assert made.verdict(age=0.0).absence
    assert made.verdict(age=0.0, after=0.1) == ProbeResult("names_missing")


def test_a_doubt_about_texts_is_looked_at_again_after_some_seconds() -> None:
    made = Probes(ProbeResult("texts_missing"), ProbeResult())
    assert made.verdict(after=1.0) == made.verdict(after=DOUBTED - 1)
    assert made.verdict(after=2.0) == ProbeResult()


def test_a_doubt_is_told_once_when_it_begins_and_once_when_it_ends() -> None:
    made = Probes(ProbeResult(), LIE, LIE, ProbeResult("silent"), ProbeResult(), ProbeResult())
    for _ in range(6):
        made.verdict(age=0.0, after=DOUBTED + 1)
    assert [doubt for doubt, _ in made.told] == ["nothing_exists", "silent", None]
    assert made.told[0][1] >= 60, "what was said since it was last known to be sound is doubted, too"


def seen(made: Probes, missing: int, there: int, first: int = 0) -> None:
    for number in range(missing):
        made.trust.saw(f"gone{first + number}.example", True)
    for number in range(there):
        made.trust.saw(f"there{first + number}.example", False)


@pytest.mark.parametrize(
    ("missing", "there", "wide"),
    [(9, 0, False), (10, 0, True), (10, 10, True), (10, 11, False), (30, 10, True), (4, 36, False)],
)
def test_a_sudden_share_of_domains_that_do_not_exist_asks_for_a_second_look(
    missing: int, there: int, wide: bool
) -> None:
    made = Probes(ProbeResult())
    seen(made, missing, there)
    made.verdict()
    assert made.asked == [wide]


def test_a_domain_counts_once_however_often_it_is_signed_up_with() -> None:
    made = Probes(ProbeResult())
    for _ in range(50):
        made.trust.saw("gone.example", True)
    made.verdict()
    assert made.asked == [False]


def test_a_share_that_is_usual_is_not_sudden() -> None:
    made = Probes(ProbeResult())
    for number in range(400):
        made.trust.saw(f"d{number}.example", number % 3 > 0)
    made.verdict()
    assert made.asked == [False]


def test_visitors_who_bring_such_domains_do_not_turn_it_off() -> None:
    """It knows what it should at the second look: the domains are the visitors', and what it says of them is right."""
    made = Probes(ProbeResult())
    seen(made, 20, 0)
    assert made.verdict(age=0.0) == ProbeResult()
    made.verdict(age=0.0, after=1.0)
    assert made.asked == [True, False]
    assert made.told == []


def test_a_lie_that_only_the_share_shows_goes_back_to_the_first_of_them() -> None:
    made = Probes(ProbeResult(), ProbeResult("names_missing"))
    made.verdict()
    seen(made, 1, 0)
    for number in range(1, 12):
        made.clock.advance(300.0)
        seen(made, 1, 0, first=number)
    assert made.verdict(age=0.0, after=1.0).doubt == "names_missing"
    ((doubt, seconds),) = made.told
    assert (doubt, seconds >= 11 * 300.0) == ("names_missing", True)
    made.verdict(age=0.0, after=DOUBTED + 1)
    assert made.asked == [False, True, True], "it is looked at closely for as long as that lasts"


def test_it_may_be_asked_from_one_event_loop_after_another() -> None:
    made = Probes(ProbeResult())

    async def many() -> Any:
        return await asyncio.gather(*(made.trust.verdict(0.0) for _ in range(5)))

    for _ in range(3):
        made.clock.advance(1.0)
        asyncio.run(many())
    assert len(made.asked) == 3
