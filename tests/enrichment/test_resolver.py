"""Questions to DNS against a server that answers well, late, wrongly, or in circles."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import dns.asyncresolver
import pytest

from riskapi.enrichment.resolver import DnsAnswer, Resolver
from riskapi.enrichment.upstream import Upstream, UpstreamClosed, UpstreamError, UpstreamSilent
from riskapi.settings.environment import Bind
from tests.conftest import Clock
from tests.upstreams import DnsServer

ZONES = {
    "firm.example": {
        "MX": ["20 MX2.firm.example", "10 mx.provider.example"],
        "A": ["192.0.2.1"],
        "AAAA": ["2001:db8::1"],
        "TXT": ['"v=spf1 include:_spf.provider.example" " -all"', "plain"],
        "NS": ["ns1.dns.example", "NS2.dns.example"],
    },
    "nullmx.example": {"MX": ["0 ."]},
    "alias.example": {"CNAME": ["firm.example"]},
    "dangling.example": {"CNAME": ["gone.firm.example"]},
    "bytes.example": {"TXT": ['"caf\\195\\169"']},
}


@pytest.fixture(scope="module")
def shared() -> Iterator[DnsServer]:
    with DnsServer(ZONES) as server:
        yield server


@pytest.fixture
def world(shared: DnsServer) -> DnsServer:
    """The server, which answers well again."""
    shared.behave(".", "good")
    shared.forget()
    return shared


def ask(server: DnsServer, name: str, rdtype: str, **more: Any) -> DnsAnswer:
    return asyncio.run(Resolver(Bind(*server.address), **more).ask(name, rdtype))


def test_records_are_read(world: DnsServer) -> None:
    assert ask(world, "firm.example", "MX").exchanges() == [(10, "mx.provider.example"), (20, "mx2.firm.example")]
    assert ask(world, "FIRM.example.", "A").addresses() == [ip_address("192.0.2.1")]
    assert ask(world, "firm.example", "AAAA").addresses() == [ip_address("2001:db8::1")]
    assert ask(world, "firm.example", "NS").servers() == ["ns1.dns.example", "ns2.dns.example"]
    assert ask(world, "nullmx.example", "MX").exchanges() == [(0, "")]


def test_strings_of_a_text_are_joined_without_spaces(world: DnsServer) -> None:
    assert sorted(ask(world, "firm.example", "TXT").texts()) == ["plain", "v=spf1 include:_spf.provider.example -all"]
    assert ask(world, "bytes.example", "TXT").texts() == ["caf\ufffd\ufffd"]


def test_a_name_that_is_not_there_and_one_without_such_records_differ(world: DnsServer) -> None:
    assert ask(world, "gone.firm.example", "MX") == DnsAnswer(missing=True)
    assert ask(world, "nullmx.example", "A") == DnsAnswer()


def test_aliases_are_followed(world: DnsServer) -> None:
    assert ask(world, "alias.example", "A").addresses() == [ip_address("192.0.2.1")]
    assert ask(world, "dangling.example", "A") == DnsAnswer(), "the alias is there, what it stands for is not"


@pytest.mark.parametrize("name", ["", ".", "a..b", "x" * 64 + ".example", ".".join(["x" * 60] * 5), "bücher.example"])
def test_a_name_that_dns_cannot_hold_is_missing_and_not_asked_for(world: DnsServer, name: str) -> None:
    assert ask(world, name, "A").missing
    assert world.count() == 0


@pytest.mark.parametrize("name", ["@.example", "a\\.b.example", "*.example", "a b.example", "-.example"])
def test_odd_names_are_asked_for_as_they_are(world: DnsServer, name: str) -> None:
    assert ask(world, name, "A").missing
    assert world.count() == 1


def test_a_truncated_answer_is_asked_for_over_tcp(world: DnsServer) -> None:
    world.behave("firm.example", "truncated", times=2)
    assert len(ask(world, "firm.example", "MX").records) == 2
    assert world.count("firm.example", "MX") == 2


def test_a_huge_answer_is_read_whole(world: DnsServer) -> None:
    world.behave("nullmx.example", "huge", size=50_000, times=2)
    assert len(ask(world, "nullmx.example", "MX").records) > 1000


@pytest.mark.parametrize(
    ("mode", "how", "error"),
    [
        ("dead", {}, UpstreamSilent),
        ("slow", {"seconds": 5.0}, UpstreamSilent),
        ("servfail", {}, UpstreamError),
        ("refused", {}, UpstreamError),
        ("looping", {}, UpstreamError),
        ("lying", {"what": "id"}, UpstreamSilent),
        ("lying", {"what": "question"}, UpstreamSilent),
        ("lying", {"what": "garbage"}, UpstreamSilent),
        ("lying", {"what": "answer"}, UpstreamError),
    ],
)
def test_what_is_no_answer_is_none(world: DnsServer, mode: str, how: dict[str, Any], error: type[Exception]) -> None:
    world.behave(".", mode, **how)
    with pytest.raises(UpstreamError) as failure:
        ask(world, "firm.example", "MX", total=0.3)
    assert type(failure.value) is error
    assert "firm.example" not in str(failure.value)


def test_a_lost_packet_is_sent_again(world: DnsServer) -> None:
    world.behave(".", "dead", times=1)
    assert ask(world, "firm.example", "A", total=0.6).records
    assert world.count("firm.example") == 2


def test_being_sent_elsewhere_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A referral (RFC 2308, 2.2) says nothing about the name."""
    with DnsServer({"firm.example": {"A": ["192.0.2.1"]}}) as server:
        made = server._fill

        def refer(answer: Any) -> None:
            made(answer)
            answer.answer.clear()
            answer.authority[:] = ns.response.answer

        ns = asyncio.run(_raw(server))
        monkeypatch.setattr(server, "_fill", refer)
        with pytest.raises(UpstreamError, match="elsewhere"):
            ask(server, "firm.example", "A")


async def _raw(server: DnsServer) -> Any:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [server.address[0]], server.address[1]
    return await resolver.resolve("firm.example", "NS")


def test_a_resolver_may_be_given_by_name(world: DnsServer) -> None:
    found = asyncio.run(Resolver(Bind("localhost", world.address[1])).ask("firm.example", "A"))
    assert found.records


def test_a_resolver_that_cannot_be_reached_is_an_error() -> None:
    with pytest.raises(UpstreamError):
        asyncio.run(Resolver(Bind("no-such-host.invalid", 53), total=1.0).ask("firm.example", "A"))


def test_each_question_waits_to_be_admitted_and_that_is_not_counted(world: DnsServer) -> None:
    admitted = 0

    async def admit() -> None:
        nonlocal admitted
        await asyncio.sleep(0.2)
        admitted += 1

    ask(world, "firm.example", "A", admit=admit, total=0.15)
    assert admitted == 1


def test_names_that_nobody_answers_for_do_not_close_a_resolver_that_lives(world: DnsServer) -> None:
    """The root is still answered for."""

    async def run(mode: str) -> list[str]:
        world.behave("firm.example" if mode == "lives" else ".", "dead")
        made: list[Resolver] = []
        upstream = Upstream(Clock(), lambda: 0.5, lambda: made[0].alive())
        made.append(Resolver(Bind(*world.address), upstream, total=0.05))
        found = []
        for _ in range(7):
            try:
                await made[0].ask("firm.example", "A")
            except UpstreamError as error:
                found.append(type(error).__name__)
        return found

    assert asyncio.run(run("lives")) == ["UpstreamSilent"] * 7
    world.behave("firm.example", "good", times=0)
    assert asyncio.run(run("dies")) == ["UpstreamSilent"] * 5 + [UpstreamClosed.__name__] * 2
