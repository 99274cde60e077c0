"""What a resolver is worth, seen on real ones of loopback that lie in every way resolvers are known to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from riskapi.enrichment.probes import WIDE, ProbeResult, probe
from riskapi.enrichment.resolver import Resolver
from riskapi.settings.environment import Bind
from tests.upstreams import KNOWN, DnsServer


@pytest.fixture(scope="module")
def shared() -> Iterator[DnsServer]:
    with DnsServer(KNOWN) as server:
        yield server


@pytest.fixture
def world(shared: DnsServer) -> DnsServer:
    """A resolver that knows what always exists, and nothing else."""
    shared.forget()
    for name, records in KNOWN.items():
        shared.set(name, records)
    return shared


def verdict(world: DnsServer, wide: bool = False) -> ProbeResult:
    mute = world.mode(".") in ("dead", "lying")  # whose answers are waited for in vain; else a machine may be busy
    return asyncio.run(probe(Resolver(Bind(*world.address), total=0.3 if mute else 20.0), wide))


def test_a_resolver_that_knows_what_exists_and_nothing_else_is_believed(world: DnsServer) -> None:
    assert verdict(world) == verdict(world, wide=True) == ProbeResult(None)


#: The kind of lie, how the server behaves, and what it is found to be.
LIES: dict[str, tuple[str, dict[str, Any], str]] = {
    "nothing exists: a sandbox, split DNS": ("missing", {}, "nothing_exists"),
    "every name is there and empty": ("empty", {}, "nothing_exists"),
    "one address for everything: a captive portal": ("everywhere", {}, "everything_exists"),
    "an inside address for everything": ("everywhere", {"address": "10.0.0.1"}, "everything_exists"),
    "it fails": ("servfail", {}, "failing"),
    "it refuses": ("refused", {}, "failing"),
    "it says nothing": ("dead", {}, "silent"),
    "it answers another question": ("lying", {"what": "question"}, "silent"),
    "it answers about another name": ("lying", {"what": "answer"}, "failing"),
    "it answers in circles": ("looping", {}, "failing"),
}


@pytest.mark.parametrize(("mode", "how", "doubt"), LIES.values(), ids=LIES)
def test_what_is_wrong_with_it(world: DnsServer, mode: str, how: dict[str, Any], doubt: str) -> None:
    world.behave(".", mode, **how)
    assert verdict(world).doubt == doubt


#: What is different from a sound resolver: names and their records, and what it is found to be.
PARTS: dict[str, tuple[dict[str, dict[str, list[str]] | None], str | None]] = {
    "a provider's wildcard for what does not exist": ({"*.com": {"A": ["198.51.100.1"]}}, "everything_exists"),
    "the same for mail": ({"*.com": {"MX": ["10 mx.com"]}}, "everything_exists"),
    "public names have inside addresses": (
        {name: {**KNOWN[name], "A": ["192.168.0.1"]} for name in ("gmail.com", "outlook.com")},
        "inside_addresses",
    ),
    "one is filtered that way": ({"gmail.com": {**KNOWN["gmail.com"], "A": ["0.0.0.0"]}}, None),
    "the root is not there": ({".": {"NS": []}}, "nothing_exists"),
    "two of the large are filtered": ({"gmail.com": None, "yahoo.com": None}, None),
    "three are": (dict.fromkeys(("gmail.com", "yahoo.com", "qq.com")), "nothing_exists"),
    "TXT records are filtered": (
        {name: {"MX": ["10 mx.example"]} for name in ("gmail.com", "outlook.com")},
        "texts_missing",
    ),
    "DMARC records are": (dict.fromkeys(("_dmarc.gmail.com", "_dmarc.outlook.com")), "texts_missing"),
    "only the few largest are known: seen at the second look": (
        {name: None for name in WIDE if name not in ("gmail.com", "outlook.com", "yahoo.com", "qq.com")},
        "names_missing",
    ),
    "some are gone, as names go": (dict.fromkeys(WIDE[-5:]), None),
}


@pytest.mark.parametrize(("records", "doubt"), PARTS.values(), ids=PARTS)
def test_what_is_wrong_with_a_part_of_it(
    world: DnsServer, records: dict[str, dict[str, list[str]] | None], doubt: str | None
) -> None:
    for name, found in records.items():
        world.set(name, found)
    try:
        assert verdict(world, wide=doubt in (None, "names_missing")).doubt == doubt
    finally:
        for name in records.keys() - KNOWN.keys():
            world.set(name, None)


def test_a_forwarder_that_does_not_answer_about_the_root_is_no_liar(world: DnsServer) -> None:
    world.behave(".", "refused", rdtype="NS")
    assert verdict(world) == ProbeResult(None)


@pytest.mark.parametrize(
    ("doubt", "records", "absence", "texts"),
    [
        (None, True, True, True),
        ("texts_missing", True, True, False),
        ("nothing_exists", True, False, False),
        ("names_missing", True, False, False),
        ("silent", True, False, False),
        ("failing", True, False, False),
        ("everything_exists", False, False, False),
        ("inside_addresses", False, False, False),
    ],
)
def test_what_is_believed_then(doubt: Any, records: bool, absence: bool, texts: bool) -> None:
    found = ProbeResult(doubt)
    assert (found.records, found.absence, found.absence_of_texts) == (records, absence, texts)
