"""What registries say of domains and networks, how they are found, and what becomes of answers that cannot be."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskapi.enrichment import rdap, registrant
from riskapi.enrichment.rdap_servers import REMEMBERED, RETRIED, Servers
from riskapi.enrichment.registrant import look_up_registrant
from riskapi.enrichment.registration import look_up_registration
from riskapi.enrichment.registry_client import RegistryClient
from riskapi.enrichment.resolver import Resolver
from riskapi.enrichment.upstream import UpstreamClosed, UpstreamError
from riskapi.outgoing.destinations import DestinationGuard
from riskapi.settings.environment import Bind, Blocklist
from signals.facts import Registrant, Registration
from tests.conftest import NOW, Clock
from tests.upstreams import DnsServer, RdapServer

#: Unix time of 2020-01-02T00:00:00Z and 2012-03-04T05:06:07Z, when the server's objects were registered.
REGISTERED, ALLOCATED = 1_577_923_200.0, 1_330_837_567.0


@pytest.fixture
def world() -> Iterator[RdapServer]:
    with RdapServer() as server:
        yield server


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


def asking(world: RdapServer, ask: Callable[[RegistryClient, Servers], Awaitable[Any]], **more: Any) -> Any:
    async def run() -> Any:
        client = RegistryClient(DestinationGuard(["127.0.0.1"]), Clock(), total=more.pop("total", 2.0))
        try:
            return await ask(client, Servers(client, Clock(), more.pop("base", world.base), **more))
        finally:
            await client.aclose()

    return asyncio.run(run())


def domain(world: RdapServer, name: str = "firm.example", **more: Any) -> Registration:
    found: Registration = asking(world, lambda f, s: look_up_registration(name, f, s, NOW), **more)
    return found


def network(world: RdapServer, ip: str = "203.0.113.9", dns: DnsServer | None = None, **more: Any) -> Registrant:
    resolver = Resolver(Bind(*(dns.address if dns else ("127.0.0.1", 9))), total=0.3)
    lists = [Blocklist("ip", "zen.example")] if dns else []
    found: Registrant = asking(world, lambda f, s: look_up_registrant(ip, f, s, resolver, lists, NOW), **more)
    return found


def test_a_registered_domain(world: RdapServer) -> None:
    world.domain("firm.example")
    expected = Registration(checked_at=NOW, found=True, registered_at=REGISTERED, registrar="Example Registrar, Inc.")
    assert domain(world) == domain(world, "FIRM.example.") == expected


def test_a_domain_that_is_not_registered(world: RdapServer) -> None:
    assert domain(world) == Registration(checked_at=NOW, found=False)


DATES: list[tuple[str | None, float | None]] = [
    ("2020-01-02T00:00:00Z", REGISTERED),
    ("2020-01-02T01:00:00.123456789+01:00", REGISTERED + 0.123456),
    ("2020-01-02t00:00:00z", REGISTERED),
    (None, None),
    ("2020-01-02T00:00:00", None),  # without a zone
    ("2020-01-02", None),
    ("", None),
    ("yesterday", None),
    ("2020-02-30T00:00:00Z", None),
    ("0001-01-01T00:00:00Z", None),
    ("1970-01-01T00:00:00Z", None),
    ("2030-01-01T00:00:00Z", None),
    ("9999-12-31T23:59:59Z", None),
    ("2020-01-02T00:00:00Z" * 1000, None),
]


@pytest.mark.parametrize(("date", "at"), DATES, ids=[str(date)[:40] for date, _ in DATES])
def test_the_date_of_registration(world: RdapServer, date: str | None, at: float | None) -> None:
    world.domain("firm.example", registered=date)
    assert domain(world).registered_at == at


@pytest.mark.parametrize(
    ("events", "at"),
    [
        ([], None),
        (None, None),
        ("registration", None),
        ([None, 7, {}, {"eventAction": "registration"}, {"eventAction": "registration", "eventDate": 7}], None),
        ([{"eventAction": "reregistration", "eventDate": "2020-01-02T00:00:00Z"}], None),
        (
            [
                {"eventAction": "registration", "eventDate": "2024-01-02T00:00:00Z"},
                {"eventAction": "registration", "eventDate": "2020-01-02T00:00:00Z"},
            ],
            REGISTERED,
        ),
    ],
)
def test_events_of_any_shape(world: RdapServer, events: object, at: float | None) -> None:
    world.domain("firm.example", events=events)
    assert domain(world).registered_at == at


def entity(roles: object, *properties: object) -> dict[str, Any]:
    return {"objectClassName": "entity", "roles": roles, "vcardArray": ["vcard", list(properties)]}


FN = ["fn", {}, "text", "Registrar One"]


@pytest.mark.parametrize(
    ("entities", "registrar"),
    [
        ([entity(["registrar"], ["version", {}, "text", "4.0"], FN)], "Registrar One"),
        ([entity(["technical"], ["fn", {}, "text", "X"]), entity(["abuse", "Registrar"], FN)], "Registrar One"),
        ([entity(["registrar"], ["fn", {}, "text", ""]), entity(["registrar"], FN)], "Registrar One"),
        ([entity(["registrar"], ["fn", {}, "text", "  Registrar \n\t One\u0000 "])], "Registrar One"),
        ([entity(["registrar"], ["FN", {}, "text", "x" * 5000])], "x" * 200),
        ([entity(["registrar"], ["fn", {}, "text", ["Registrar"]], ["fn"], "fn", None, 7)], None),
        ([entity("registrar", FN)], None),
        ([{"roles": ["registrar"]}, {"roles": ["registrar"], "vcardArray": ["vcard"]}], None),
        ([{"roles": ["registrar"], "vcardArray": {"fn": "x"}}, None, 7, []], None),
        ({"roles": ["registrar"]}, None),
        ([{"roles": ["registrant"], "entities": [entity(["registrar"], FN)]}], None),  # somebody else's
    ],
)
def test_the_registrar(world: RdapServer, entities: object, registrar: str | None) -> None:
    world.domain("firm.example", entities=entities)
    assert domain(world).registrar == registrar


@pytest.mark.parametrize(
    ("mode", "how"),
    [
        ("dead", {}),
        ("dripping", {"where": "body"}),
        ("error", {"status": 500}),
        ("busy", {}),
        ("not_json", {}),
        *(("wrong_class", {"what": what}) for what in ("entity", "list", "null", "text", "types")),
        ("lying", {}),
        ("huge", {}),
        ("nested", {"depth": 1000}),
        ("nested", {}),
        ("looping", {}),
        ("inward", {}),
        ("closing", {}),
    ],
)
def test_what_a_registry_must_not_say_is_an_error(world: RdapServer, mode: str, how: dict[str, Any]) -> None:
    world.domain("firm.example")
    world.network("203.0.113.0/24")
    world.behave("/", mode, **how)
    with pytest.raises(UpstreamError):
        domain(world, total=0.3)
    with pytest.raises(UpstreamError):
        network(world, total=0.3)


@pytest.mark.parametrize("name", ["other.example", "firm.example.evil", "xfirm.example", "", None, 7, ["firm.example"]])
def test_an_answer_about_another_domain_is_a_lie(world: RdapServer, name: object) -> None:
    world.domain("firm.example", ldhName=name)
    with pytest.raises(UpstreamError, match="another domain"):
        domain(world)


@pytest.mark.parametrize("registry", ["arin", "ripe"])
@pytest.mark.parametrize(
    ("cidr", "ip"), [("203.0.113.0/24", "203.0.113.9"), ("2001:db8::/32", "2001:db8::9"), ("1.1.1.0/24", "1.1.1.1")]
)
def test_a_network_that_a_registry_knows(world: RdapServer, registry: Any, cidr: str, ip: str) -> None:
    world.network(cidr, organization="Example Hosting GmbH", registry=registry)
    assert network(world, ip) == Registrant(
        checked_at=NOW,
        found=True,
        organization="Example Hosting GmbH",
        kind="hosting",
        abuse_contact="abuse@network.example",
        allocated_at=ALLOCATED,
        first=str(ip_network(cidr)[0]),
        last=str(ip_network(cidr)[-1]),
    )


def test_a_network_that_no_registry_knows(world: RdapServer) -> None:
    assert network(world) == Registrant(checked_at=NOW, found=False)


PERSON = ["kind", {}, "text", "individual"]
ORG = ["kind", {}, "text", "org"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {"organization": "EXAMPLE-NET", "kind": None, "abuse_contact": None}),
        ({"name": None}, {"organization": "Example Networks"}),  # a remark
        ({"name": None, "remarks": None}, {"organization": None}),
        (
            {"name": None, "remarks": [{"description": ["", "x"]}, 7, {"description": ["Net of\tX"]}]},
            {"organization": "Net of X"},
        ),
        ({"name": "EXAMPLE-OVH-7"}, {"organization": "EXAMPLE-OVH-7", "kind": "hosting"}),
        ({"name": "X-BROADBAND-NET"}, {"kind": "consumer"}),
        ({"events": None}, {"allocated_at": None}),
        (
            {"handle": None, "ipVersion": None, "parentHandle": 7, "status": 7, "links": 7, "notices": 7},
            {"found": True},
        ),
        ({"entities": [entity(["registrant"], FN)]}, {"organization": "Registrar One"}),
        (
            {"entities": [entity(["registrant"], ["fn", {}, "text", "Some Name"]), entity(["registrant"], ORG, FN)]},
            {"organization": "Registrar One"},
        ),
        ({"entities": [entity(["registrant"], ["fn", {}, "text", "Jo Doe"], PERSON)]}, {"organization": "EXAMPLE-NET"}),
        (
            {"entities": [entity(["registrant"], ["fn", {}, "text", name]) for name in ("MAINT-X", "X-MNT", "x-mnt")]},
            {"organization": "EXAMPLE-NET"},
        ),
        (
            {"entities": [{"entities": [{"entities": [entity(["abuse"], ["email", {}, "text", "Abuse@X.example"])]}]}]},
            {"abuse_contact": "abuse@x.example"},
        ),
        (
            {
                "entities": [
                    entity(["abuse"], ["email", {}, "uri", "mailto:a@x.example"], ["email", {}, "text", "b@x.example"])
                ]
            },
            {"abuse_contact": "a@x.example"},
        ),
        (
            {
                "entities": [
                    entity(["abuse"], ["email", {}, "text", mail]) for mail in ("a b@x", "<a@x.example>", "none")
                ]
            },
            {"abuse_contact": None},
        ),
        ({"entities": [entity(["technical"], ["email", {}, "text", "t@x.example"])]}, {"abuse_contact": None}),
        ({"entities": [None, 7, {}, [], {"roles": 7, "vcardArray": 7}, entity([7], 7, ["fn"])]}, {"found": True}),
        ({"entities": [entity(["registrant"], ["kind", {}, "text", 7], ["fn", {}, "text", 7])]}, {"found": True}),
    ],
)
def test_what_a_network_says_of_itself(world: RdapServer, more: dict[str, Any], expected: dict[str, Any]) -> None:
    world.network("203.0.113.0/24", **{"entities": [], **more})
    found = asdict(network(world))
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    "more",
    [
        {"startAddress": "203.0.113.10"},
        {"endAddress": "203.0.113.8"},
        {"startAddress": "203.0.113.20", "endAddress": "203.0.113.0"},
        {"startAddress": "2001:db8::", "endAddress": "2001:db8::ffff"},
        {"startAddress": "203.0.113.0", "endAddress": "2001:db8::ffff"},
        {"startAddress": None},
        {"startAddress": "x"},
        {"endAddress": ["203.0.113.255"]},
        {"objectClassName": "autnum"},
    ],
)
def test_an_answer_about_another_network_is_a_lie(world: RdapServer, more: dict[str, Any]) -> None:
    world.network("203.0.113.0/24", **more)
    with pytest.raises(UpstreamError):
        network(world)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["roles", "vcardArray", "entities", "eventAction", "eventDate", "description", "handle"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.fixed_dictionaries({name: JSON for name in ("entities", "events", "remarks", "name", "handle", "status")}))
@settings(max_examples=150)
def test_no_answer_breaks_the_reading(parts: dict[str, Any]) -> None:
    whole = {"objectClassName": "ip network", "startAddress": "203.0.113.0", "endAddress": "203.0.113.255"}
    with contextlib.suppress(UpstreamError):  # remarks that ipwhois gives up on
        assert registrant._read("203.0.113.9", {**whole, **parts}, NOW).found is True


def test_an_entity_in_itself_a_thousand_times_is_looked_at_64_times() -> None:
    many: dict[str, Any] = {"entities": [{"entities": [{}] * 100}] * 100}
    assert len(list(rdap.entities(many))) == 64


def test_ipwhois_asks_nobody(world: RdapServer) -> None:
    world.network("203.0.113.0/24", entities=[{"handle": "ORG-1", "roles": ["registrant"]}])
    assert network(world).found is True
    assert world.asked == ["/ip/203.0.113.9"]


def test_blocklists_that_have_an_address(world: RdapServer, dns: DnsServer) -> None:
    world.network("203.0.113.0/24")
    assert network(world, dns=dns).listed == 0
    dns.set("9.113.0.203.zen.example", {"A": ["127.0.0.2"]})
    assert network(world, dns=dns).listed == 1
    dns.behave(".", "servfail")
    found = network(world, dns=dns)
    assert (found.listed, found.found) == (None, True)


def test_blocklists_are_known_where_no_registry_is_responsible(dns: DnsServer) -> None:
    dns.set("9.113.0.203.zen.example", {"A": ["127.0.0.2"]})
    servers = Servers(Lists(ipv4=V4), Clock())  # type: ignore[arg-type]
    resolver, lists = Resolver(Bind(*dns.address)), [Blocklist("ip", "zen.example")]
    client: Any = Lists()
    found = asyncio.run(look_up_registrant("203.0.113.9", client, servers, resolver, lists, NOW))
    assert found == Registrant(checked_at=NOW, listed=1)


def test_when_dns_is_left_alone_the_registry_is_not_asked_for_nothing(world: RdapServer) -> None:
    async def closed() -> None:
        raise UpstreamClosed("", 2.0)

    async def ask(client: RegistryClient, servers: Servers) -> Registrant:
        resolver = Resolver(None, admit=closed)
        return await look_up_registrant("203.0.113.9", client, servers, resolver, [Blocklist("ip", "z.example")], NOW)

    with pytest.raises(UpstreamClosed):
        asking(world, ask)
    assert world.asked == []


class Lists:
    """IANA's lists as a test has them, in place of a client."""

    def __init__(self, **documents: Any) -> None:
        self.documents, self.asked = documents, [""] * 0

    async def json(self, url: str) -> Any:
        self.asked.append(url)
        await asyncio.sleep(0)
        found = self.documents[url.rpartition("/")[2].removesuffix(".json")]
        if isinstance(found, Exception):
            raise found
        return found


def url_of(lists: Lists, asked: str, clock: Clock | None = None) -> str | None:
    servers = Servers(lists, clock or Clock())  # type: ignore[arg-type]
    is_ip = ":" in asked or asked[-1:].isdigit()
    return asyncio.run(servers.ip_url(asked) if is_ip else servers.domain_url(asked))


DNS = {
    "version": "1.0",
    "services": [
        [["net", "COM"], ["https://a.example/v1/", "http://a.example/v1/"]],
        [["uk", "co.uk"], ["http://b.example", "https://b.example"]],
        [["old.uk"], ["http://c.example/"]],
        [["com"], ["https://later.example/"]],
        [["xn--p1ai"], ["https://d.example/"]],
        [["none"], []],
        [["ftp"], ["ftp://e.example/"]],
        [["odd"], [7, None, "https://f.example"], "more"],
        [7, ["https://g.example"]],
        [[7, None, "kept"], ["https://h.example"]],
        ["only"],
        None,
    ],
}
V4 = {"services": [[["1.0.0.0/8", "2.0.0.0/8", "x", "1.2.3.4/8"], ["https://a/"]], [["1.128.0.0/9"], ["https://b/"]]]}
V6 = {
    "services": [
        [["2001:db8::/32"], ["https://a/"]],
        [["2001:db8:8000::/33"], ["https://b/"]],
        [["::/0"], ["https://c/"]],
    ]
}


@pytest.mark.parametrize(
    ("asked", "url"),
    [
        ("firm.com", "https://a.example/v1/domain/firm.com"),
        ("Firm.NET.", "https://a.example/v1/domain/firm.net"),
        ("firm.co.uk", "https://b.example/domain/firm.co.uk"),
        ("firm.old.uk", "http://c.example/domain/firm.old.uk"),
        ("firm.very.old.uk", "http://c.example/domain/firm.very.old.uk"),
        ("firm.gold.uk", "https://b.example/domain/firm.gold.uk"),
        ("xn--e1afmkfd.xn--p1ai", "https://d.example/domain/xn--e1afmkfd.xn--p1ai"),
        ("firm.odd", "https://f.example/domain/firm.odd"),
        ("firm.kept", "https://h.example/domain/firm.kept"),
        ("firm.none", None),
        ("firm.ftp", None),
        ("firm.de", None),
        ("com.de", None),
        ("1.1.2.3", "https://a/ip/1.1.2.3"),
        ("1.200.2.3", "https://b/ip/1.200.2.3"),
        ("1.127.255.255", "https://a/ip/1.127.255.255"),
        ("3.0.0.1", None),
        ("2001:db8::1", "https://a/ip/2001:db8::1"),
        ("2001:DB8:8000::1", "https://b/ip/2001:db8:8000::1"),
        ("2a00::1", "https://c/ip/2a00::1"),
    ],
)
def test_the_longest_entry_names_the_server(asked: str, url: str | None) -> None:
    assert url_of(Lists(dns=DNS, ipv4=V4, ipv6=V6), asked) == url


@given(st.integers(0, 2**32 - 1))
def test_every_address_finds_the_longest_of_its_networks(value: int) -> None:
    address = ip_address(value)
    names = {"1.0.0.0/8": "a", "2.0.0.0/8": "a", "1.128.0.0/9": "b"}
    around = [network for network in map(ip_network, names) if address in network]
    longest = max(around, key=lambda network: network.prefixlen, default=None)
    expected = None if longest is None else f"https://{names[str(longest)]}/ip/{address}"
    assert url_of(Lists(ipv4=V4), str(address)) == expected


@pytest.mark.parametrize("junk", [[], {}, 7, "x", {"services": None}, {"services": {}}, {"services": [[[], []]]}])
def test_a_list_that_names_nobody_is_an_error(junk: object) -> None:
    with pytest.raises(UpstreamError):
        url_of(Lists(dns=junk), "firm.com")


def test_a_list_is_fetched_once_a_day_by_one_of_many() -> None:
    lists, clock = Lists(dns=DNS, ipv4=V4), Clock()

    async def run() -> None:
        servers = Servers(lists, clock)  # type: ignore[arg-type]
        await asyncio.gather(*(servers.domain_url("firm.com") for _ in range(20)))
        assert len(lists.asked) == 1
        await servers.ip_url("1.2.3.4")
        assert len(lists.asked) == 2
        clock.advance(REMEMBERED - 1)
        await servers.domain_url("firm.com")
        assert len(lists.asked) == 2
        clock.advance(1)
        await servers.domain_url("firm.com")
        assert len(lists.asked) == 3

    asyncio.run(run())


@pytest.mark.parametrize("later", [UpstreamError("down"), UpstreamClosed("left alone", 1.0), {"services": []}])
def test_an_old_list_serves_while_no_new_one_can_be_had(later: Any) -> None:
    lists, clock = Lists(dns=DNS), Clock()

    async def run() -> None:
        servers = Servers(lists, clock)  # type: ignore[arg-type]
        assert await servers.domain_url("firm.com")
        clock.advance(REMEMBERED)
        lists.documents["dns"] = later
        assert await servers.domain_url("firm.com")
        assert await servers.domain_url("firm.com")
        assert len(lists.asked) == 2
        clock.advance(RETRIED)
        lists.documents["dns"] = {"services": [[["com"], ["https://new/"]]]}
        assert await servers.domain_url("firm.com") == "https://new/domain/firm.com"

    asyncio.run(run())


def test_without_any_list_the_caller_is_told_each_time() -> None:
    with pytest.raises(UpstreamError):
        url_of(Lists(dns=UpstreamError("down")), "firm.com")


def test_the_operators_server_answers_for_everything_and_iana_is_not_asked() -> None:
    lists = Lists()
    servers = Servers(lists, Clock(), "http://127.0.0.1:9/rdap")  # type: ignore[arg-type]
    assert asyncio.run(servers.domain_url("firm.de")) == "http://127.0.0.1:9/rdap/domain/firm.de"
    assert asyncio.run(servers.ip_url("192.0.2.1")) == "http://127.0.0.1:9/rdap/ip/192.0.2.1"
    assert lists.asked == []


def test_registries_are_found_by_the_lists_of_iana(world: RdapServer) -> None:
    world.domain("firm.example")
    world.network("203.0.113.0/24")
    more: dict[str, Any] = {"base": None, "iana": f"{world.base}/rdap"}
    assert domain(world, **more).found is True
    assert network(world, **more).found is True
    assert domain(world, "firm.other", **more) == Registration(checked_at=NOW)
    assert world.asked[:2] == ["/rdap/dns.json", "/domain/firm.example"]
