"""Own senders on DNS blocklists, asked of a real DNS server: listed, not listed, and lists nobody should believe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any, Final

import pytest

from riskapi.enrichment.blocklists import listed
from riskapi.enrichment.resolver import Resolver
from riskapi.feedback.platform.blocklist_listings import KEY
from riskapi.feedback.platform.monitor import Monitor
from riskapi.settings.environment import Blocklist, resolver
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.feedback.platform.conftest import Told, with_rules
from tests.upstreams import KNOWN, DnsServer

OURS, OURS6, FREE = "192.0.2.1", "2001:db8::1", "192.0.2.2"
TEST4, TEST6 = "2.0.0.127", ".".join(reversed(f"{int(ip_address('::ffff:7f00:2')):032x}"))
NEVER4 = "1.0.0.127"
KEYED: Final = "abcdefghijklmnopqrstuvwxyz.zen.example.net"


def reversed_name(address: str) -> str:
    parts = address.split(".") if "." in address else [*f"{int(ip_address(address)):032x}"]
    return ".".join(reversed(parts))


def zone(name: str, *listed: str, answer: str = "127.0.0.2") -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {name: {"TXT": ["a blocklist"]}}
    return found | {f"{each}.{name}": {"A": [answer]} for each in listed}


ZONES: Final = {
    "has it": (zone("has.example.net", TEST4, reversed_name(OURS)), True),
    "has it not": (zone("free.example.net", TEST4), False),
    "has everything": (zone("all.example.net", "*"), None),
    "has what none may have": (zone("never.example.net", TEST4, NEVER4, reversed_name(OURS)), None),
    "has nothing, not even its test entry": (zone("nothing.example.net", reversed_name(OURS)), None),
    "refuses: open resolver": (zone("open.example.net", "*", answer="127.255.255.254"), None),
    "refuses: too many questions": (zone("many.example.net", "*", answer="127.255.255.255"), None),
    "refuses: the old way": (zone("old.example.net", "*", answer="127.0.0.1"), None),
    "is parked, and answers with a web server": (zone("parked.example.net", "*", answer="203.0.113.9"), None),
    "is gone": ({}, None),
}
DOMAINS: Final = {
    "has it": (zone("dhas.example.net", "test", "saas.example"), True),
    "has it, with an address as test entry": (zone("dsurbl.example.net", TEST4, "saas.example"), True),
    "has it not": (zone("dfree.example.net", "test"), False),
    "has what none may have": (zone("dnever.example.net", "test", "invalid", "saas.example"), None),
    "has no test entry": (zone("dnothing.example.net", "saas.example"), None),
}
RECORDS: dict[str, Any] = {
    **KNOWN,
    **{name: rows for made, _ in (*ZONES.values(), *DOMAINS.values()) for name, rows in made.items()},
    **zone(KEYED, TEST4),
    **zone("six.example.net", TEST4, TEST6, reversed_name(OURS6)),
}


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    with DnsServer(RECORDS) as server:
        yield server


@pytest.fixture
def dns(server: DnsServer) -> Iterator[DnsServer]:
    yield server
    server.forget()
    server.set(f"{reversed_name(OURS)}.{KEYED}", None)


def asked(dns: DnsServer, kind: Any, names: list[str], zone: str) -> dict[str, bool | None]:
    return asyncio.run(listed(kind, names, zone, Resolver(resolver(dns.bind))))


@pytest.mark.parametrize(("made", "expected"), ZONES.values(), ids=ZONES)
def test_a_list_of_addresses_that(dns: DnsServer, made: Any, expected: bool | None) -> None:
    assert asked(dns, "ip", [OURS], next(iter(made), "gone.example.net")) == {OURS: expected}


@pytest.mark.parametrize(("made", "expected"), DOMAINS.values(), ids=DOMAINS)
def test_a_list_of_domains_that(dns: DnsServer, made: Any, expected: bool | None) -> None:
    assert asked(dns, "domain", ["saas.example"], next(iter(made))) == {"saas.example": expected}


def test_an_ipv6_address_is_believed_only_of_a_list_that_has_ipv6(dns: DnsServer) -> None:
    assert asked(dns, "ip", [FREE, OURS6], "six.example.net") == {FREE: False, OURS6: True}
    assert asked(dns, "ip", [FREE, OURS6], "free.example.net") == {FREE: False, OURS6: None}


def test_a_list_that_cannot_be_believed_is_asked_about_none_of_ours(dns: DnsServer) -> None:
    asked(dns, "ip", [OURS], "all.example.net")
    assert not any(name.startswith("1.2.0.192.") for name, _ in dns.asked)


@pytest.fixture
def ours(make_monitor: Callable[..., Monitor], dns: DnsServer) -> Monitor:
    """A monitor with an own address, and a list with a key in its zone."""
    return make_monitor(
        dns_resolver=resolver(dns.bind), dns_blocklists=(Blocklist("ip", KEYED),), sender_addresses=(OURS,)
    )


def test_listed_and_unlisted_again_are_told_once_each(ours: Monitor, dns: DnsServer, told: Told) -> None:
    assert (ours.look_up(NOW), ours.step(NOW)) == (1, 0)
    dns.set(f"{reversed_name(OURS)}.{KEYED}", {"A": ["127.0.0.3"]})
    assert ours.look_up(NOW + 3599) == 0, "it was asked within the hour"
    assert ours.look_up(NOW + 3600) == 1
    assert [ours.step(NOW + 3600 + second) for second in range(3)] == [1, 0, 0]
    name = f"{OURS} on zen.example.net"
    assert told() == [("crossed", "listing", name)]
    view = ours.view(NOW + 3610)
    assert view["listings"] == [{"sender": OURS, "blocklist": "zen.example.net", "state": "listed"}]
    assert KEYED[:10] not in str(view), "the key is nobody's"
    dns.set(f"{reversed_name(OURS)}.{KEYED}", None)
    ours.look_up(NOW + 7200)
    ours.step(NOW + 7200)
    assert told()[1:] == [("ended", "listing", name)]


@pytest.mark.parametrize("mode", ["missing", "everywhere", "dead", "servfail", "refused"])
def test_a_resolver_that_is_not_believed_begins_no_alarm_and_ends_none(
    ours: Monitor, dns: DnsServer, told: Told, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns.set(f"{reversed_name(OURS)}.{KEYED}", {"A": ["127.0.0.3"]})
    ours.look_up(NOW)
    ours.step(NOW)
    # Only from here on is no answer wanted; a good answer on a busy machine takes longer than this.
    monkeypatch.setattr("riskapi.enrichment.lookups._PROBE", 0.2)
    dns.behave(".", mode)
    try:
        ours.look_up(NOW + 3600)
    finally:
        dns.behave(".", "good")
    ours.step(NOW + 3600)
    assert ours.view(NOW + 3600)["listings"][0]["state"] == "unknown"
    assert [action for action, _, _ in told()] == ["crossed"]


def test_what_was_found_long_ago_is_unknown(ours: Monitor, told: Told) -> None:
    ours.look_up(NOW)
    assert ours.view(NOW + 3 * 3600)["listings"][0]["state"] == "clear"
    assert ours.view(NOW + 3 * 3600 + 1)["listings"][0]["state"] == "unknown"


def test_nobody_is_asked_where_that_is_off(make_monitor: Callable[..., Monitor], dns: DnsServer, store: Store) -> None:
    found = {"dns_resolver": resolver(dns.bind), "dns_blocklists": (Blocklist("ip", KEYED),)}
    assert make_monitor(**found).look_up(NOW) == 0, "no senders are named"
    found["sender_addresses"] = (OURS,)
    assert make_monitor(**found, enrichment=False).look_up(NOW) == 0
    assert make_monitor(with_rules(listings={"mode": "off"}), **found).look_up(NOW) == 0
    assert dns.asked == [] and store.execute("EXISTS", KEY) == 0


def test_a_sender_that_is_not_ours_any_more_ends_its_alarm(
    ours: Monitor, dns: DnsServer, told: Told, make_monitor: Callable[..., Monitor]
) -> None:
    dns.set(f"{reversed_name(OURS)}.{KEYED}", {"A": ["127.0.0.3"]})
    ours.look_up(NOW)
    ours.step(NOW)
    make_monitor().step(NOW + 60)
    assert [action for action, _, _ in told()] == ["crossed", "ended"]


def test_of_a_resolver_that_knows_the_list_and_not_the_world_nothing_is_believed(
    make_monitor: Callable[..., Monitor],
) -> None:
    with DnsServer(zone(KEYED, TEST4)) as cut_off:
        monitor = make_monitor(
            dns_resolver=resolver(cut_off.bind), dns_blocklists=(Blocklist("ip", KEYED),), sender_addresses=(OURS,)
        )
        monitor.look_up(NOW)
    assert monitor.view(NOW)["listings"][0]["state"] == "unknown"
