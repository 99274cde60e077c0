"""The servers that other tests look up names and networks at: every mode does on the wire what it says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, IncompleteRead
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from ipwhois.rdap import _RDAPEntity, _RDAPNetwork

from tests.upstreams import DnsServer, RdapServer
from tests.waiting import until

ZONES = {
    "good.example": {"MX": ["10 mx.good.example", "20 mx2.good.example"], "TXT": ["v=spf1 -all"]},
    "_dmarc.good.example": {"TXT": ["v=DMARC1; p=reject"]},
    "www.good.example": {"CNAME": ["host.elsewhere.example"]},
    "host.elsewhere.example": {"A": ["192.0.2.7"]},
    "nullmx.example": {"MX": ["0 ."]},
    "*.many.example": {"MX": ["0 mx.many.example"]},
    "a.below.many.example": {"A": ["192.0.2.8"]},
    "b.loop.example": {"CNAME": ["c.loop.example"]},
    "c.loop.example": {"CNAME": ["b.loop.example"]},
    "dangling.example": {"CNAME": ["gone.test"]},
}
#: Seconds for an answer that comes, on a machine that is busy, and to wait for one that does not.
PATIENCE, IMPATIENCE = 30.0, 0.1
#: Seconds that nobody here waits for.
LONG = 3600.0


@pytest.fixture(scope="module")
def running_dns() -> Iterator[DnsServer]:
    with DnsServer(ZONES) as server:
        yield server


@pytest.fixture
def dns_server(running_dns: DnsServer) -> DnsServer:
    running_dns.forget()
    return running_dns


@pytest.fixture(scope="module")
def running_rdap() -> Iterator[RdapServer]:
    with RdapServer() as server:
        server.domain("good.example", registered="2020-01-02T00:00:00Z", registrar="Example Registrar")
        server.network("203.0.113.0/24", "EXAMPLE-HOSTING", "Example Hosting GmbH", abuse="abuse@hosting.example")
        server.network("198.51.100.0/22", "WHOLE", "Example Telecom", registry="arin", country="US")
        server.network("198.51.100.128/25", "PART", "Example Customer")
        server.network("2001:db8:7::/48", "SIX", "Example Six", country="NL")
        yield server


@pytest.fixture
def rdap(running_rdap: RdapServer) -> RdapServer:
    running_rdap.forget()
    return running_rdap


def ask(
    server: DnsServer, name: str, kind: str, *, tcp: bool = False, timeout: float = PATIENCE
) -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    return (dns.query.tcp if tcp else dns.query.udp)(query, server.address[0], timeout, server.address[1])


def texts(message: dns.message.Message) -> list[str]:
    """The answer; the records of a set in order, which comes shuffled."""
    return [text for rrset in message.answer for text in sorted(rdata.to_text() for rdata in rrset)]


@contextlib.contextmanager
def connected(server: RdapServer, timeout: float = PATIENCE) -> Iterator[HTTPConnection]:
    with contextlib.closing(HTTPConnection(*server.address, timeout=timeout)) as connection:
        yield connection


def get(server: RdapServer, path: str, timeout: float = PATIENCE) -> tuple[int, dict[str, str], bytes]:
    with connected(server, timeout) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def found(server: RdapServer, path: str) -> Any:
    status, headers, body = get(server, path)
    assert (status, headers["content-type"]) == (200, "application/rdap+json")
    return json.loads(body)


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize(
    ("name", "kind", "rcode", "answer", "soa"),
    [
        ("good.example", "MX", "NOERROR", ["10 mx.good.example.", "20 mx2.good.example."], None),
        ("GOOD.example", "TXT", "NOERROR", ['"v=spf1 -all"'], None),
        ("nullmx.example", "MX", "NOERROR", ["0 ."], None),
        ("good.example", "A", "NOERROR", [], "good.example."),
        ("good.example", "NS", "NOERROR", ["ns1.good.example."], None),
        ("none.good.example", "MX", "NXDOMAIN", [], "good.example."),
        ("www.good.example", "A", "NOERROR", ["host.elsewhere.example.", "192.0.2.7"], None),
        ("www.good.example", "CNAME", "NOERROR", ["host.elsewhere.example."], None),
        ("elsewhere.example", "A", "NXDOMAIN", [], "."),
        ("dangling.example", "A", "NXDOMAIN", ["gone.test."], "."),
        ("b.loop.example", "A", "NOERROR", ["c.loop.example.", "b.loop.example."], None),
        ("any.many.example", "MX", "NOERROR", ["0 mx.many.example."], None),
        ("below.many.example", "MX", "NOERROR", [], "many.example."),
        ("x.below.many.example", "MX", "NXDOMAIN", [], "many.example."),
        ("good.test", "MX", "NXDOMAIN", [], "."),
    ],
)
def test_dns_says_what_the_zones_say(
    dns_server: DnsServer, tcp: bool, name: str, kind: str, rcode: str, answer: list[str], soa: str | None
) -> None:
    said = ask(dns_server, name, kind, tcp=tcp)
    assert (dns.rcode.to_text(said.rcode()), texts(said)) == (rcode, answer)
    assert [each.name.to_text() for each in said.authority] == ([] if soa is None else [soa])


def test_dns_outside_its_zones_can_refuse() -> None:
    with DnsServer({"good.example": {}}, elsewhere="REFUSED") as server:
        assert ask(server, "good.test", "A").rcode() == dns.rcode.REFUSED


def test_dns_records_change(dns_server: DnsServer) -> None:
    dns_server.set("new.example", {"MX": ["5 mx.new.example"]})
    assert texts(ask(dns_server, "new.example", "MX")) == ["5 mx.new.example."]
    dns_server.set("new.example", None)
    assert ask(dns_server, "new.example", "MX").rcode() == dns.rcode.NXDOMAIN


def test_dns_remembers_what_it_was_asked(dns_server: DnsServer) -> None:
    with pytest.raises(TimeoutError, match=r"good\.example MX was not asked"):
        dns_server.wait_until_asked("good.example", 0.01, "MX")
    ask(dns_server, "Good.example", "MX")
    ask(dns_server, "good.example", "TXT", tcp=True)
    dns_server.wait_until_asked("good.example", PATIENCE, times=2)
    assert dns_server.asked == [("good.example", "MX"), ("good.example", "TXT")]
    assert (dns_server.count("good.example"), dns_server.count("good.example", "MX"), dns_server.count()) == (2, 1, 2)


def test_slow_dns_answers_late(dns_server: DnsServer) -> None:
    dns_server.behave(".", "slow", seconds=LONG)
    with pytest.raises(dns.exception.Timeout):
        ask(dns_server, "nullmx.example", "MX", timeout=IMPATIENCE)
    dns_server.behave(".", "slow", seconds=IMPATIENCE)
    assert texts(ask(dns_server, "nullmx.example", "MX")) == ["0 ."]


@pytest.mark.parametrize("tcp", [False, True])
def test_dead_dns_never_answers(dns_server: DnsServer, tcp: bool) -> None:
    dns_server.behave(".", "dead")

    def asked() -> int:
        with pytest.raises(dns.exception.Timeout):
            ask(dns_server, "nullmx.example", "MX", tcp=tcp, timeout=IMPATIENCE)
        return dns_server.count("nullmx.example")

    until(asked)  # a machine that is busy may not even have sent the first


@pytest.mark.parametrize("mode", ["servfail", "refused"])
def test_failing_dns_says_so(dns_server: DnsServer, mode: str) -> None:
    dns_server.behave(".", mode)
    said = ask(dns_server, "nullmx.example", "MX")
    assert (dns.rcode.to_text(said.rcode()), texts(said)) == (mode.upper(), [])


def test_truncated_dns_is_whole_over_tcp(dns_server: DnsServer) -> None:
    dns_server.behave(".", "truncated")
    said = ask(dns_server, "nullmx.example", "MX")
    assert (bool(said.flags & dns.flags.TC), texts(said)) == (True, [])
    assert texts(ask(dns_server, "nullmx.example", "MX", tcp=True)) == ["0 ."]


@pytest.mark.parametrize("what", ["id", "question", "garbage"])
@pytest.mark.parametrize("tcp", [False, True])
def test_lying_dns_is_not_an_answer(dns_server: DnsServer, what: str, tcp: bool) -> None:
    dns_server.behave(".", "lying", what=what)
    with pytest.raises((dns.query.BadResponse, dns.exception.DNSException, EOFError)) as raised:
        ask(dns_server, "nullmx.example", "MX", tcp=tcp)
    assert not isinstance(raised.value, dns.exception.Timeout)


def test_lying_dns_answers_about_somebody_else(dns_server: DnsServer) -> None:
    dns_server.behave(".", "lying", what="answer")
    assert [each.name.to_text() for each in ask(dns_server, "nullmx.example", "MX").answer] == ["other.example."]


def test_looping_dns_leads_back(dns_server: DnsServer) -> None:
    dns_server.behave(".", "looping")
    assert texts(ask(dns_server, "nullmx.example", "MX")) == ["loop.nullmx.example.", "nullmx.example."]


@pytest.mark.parametrize("kind", ["TXT", "MX", "NS", "AAAA"])
def test_huge_dns_needs_tcp(dns_server: DnsServer, kind: str) -> None:
    dns_server.behave(".", "huge", size=50_000)
    assert ask(dns_server, "nullmx.example", kind).flags & dns.flags.TC
    said = ask(dns_server, "nullmx.example", kind, tcp=True)
    assert 40_000 < len(said.to_wire()) < 60_000


def test_dns_behaves_by_the_longest_name_and_so_many_times() -> None:
    with DnsServer(ZONES) as server:
        server.behave(".", "servfail")
        server.behave("good.example", "good")
        server.behave("good.example", "refused", rdtype="TXT", times=1)
        rcodes = [ask(server, "_dmarc.good.example", "TXT").rcode() for _ in range(2)]
        assert rcodes == [dns.rcode.REFUSED, dns.rcode.NOERROR]
        assert ask(server, "good.example", "MX").rcode() == dns.rcode.NOERROR
        assert ask(server, "nullmx.example", "MX").rcode() == dns.rcode.SERVFAIL
        with pytest.raises(TypeError, match="has no option second"):
            server.behave(".", "slow", second=1)


def test_rdap_knows_a_domain(rdap: RdapServer) -> None:
    said = found(rdap, "/domain/Good.example")
    assert (said["objectClassName"], said["ldhName"]) == ("domain", "GOOD.EXAMPLE")
    assert {"eventAction": "registration", "eventDate": "2020-01-02T00:00:00Z"} in said["events"]
    [registrar] = said["entities"]
    assert registrar["roles"] == ["registrar"]
    assert ["fn", {}, "text", "Example Registrar"] in registrar["vcardArray"][1]


@pytest.mark.parametrize(
    ("asked", "name", "first", "last", "cidr"),
    [
        ("203.0.113.9", "EXAMPLE-HOSTING", "203.0.113.0", "203.0.113.255", {"v4prefix": "203.0.113.0", "length": 24}),
        ("198.51.100.1", "WHOLE", "198.51.100.0", "198.51.103.255", {"v4prefix": "198.51.100.0", "length": 22}),
        ("198.51.100.200", "PART", "198.51.100.128", "198.51.100.255", {"v4prefix": "198.51.100.128", "length": 25}),
        ("198.51.100.0/24", "WHOLE", "198.51.100.0", "198.51.103.255", {"v4prefix": "198.51.100.0", "length": 22}),
        ("2001:db8:7::1", "SIX", "2001:db8:7::", "2001:db8:7:ffff:ffff:ffff:ffff:ffff", None),
        ("2001%3Adb8%3A7%3A%3A1", "SIX", "2001:db8:7::", "2001:db8:7:ffff:ffff:ffff:ffff:ffff", None),
    ],
)
def test_rdap_knows_the_smallest_network(
    rdap: RdapServer, asked: str, name: str, first: str, last: str, cidr: object
) -> None:
    said = found(rdap, f"/ip/{asked}")
    assert (said["objectClassName"], said["name"]) == ("ip network", name)
    assert (said["startAddress"], said["endAddress"]) == (first, last)
    assert cidr is None or said["cidr0_cidrs"] == [cidr]


@pytest.mark.parametrize(
    "path", ["/domain/none.example", "/ip/192.0.2.1", "/ip/2001:db8::1", "/ip/x", "/entity/x", "/"]
)
def test_rdap_says_that_it_does_not_know(rdap: RdapServer, path: str) -> None:
    status, _, body = get(rdap, path)
    assert (status, json.loads(body)["errorCode"]) == (404, 404)


@pytest.mark.parametrize(
    ("address", "cidr", "country", "holder"),
    [
        ("203.0.113.9", "203.0.113.0/24", "DE", "Example Hosting GmbH"),
        ("198.51.100.1", "198.51.100.0/22", None, "Example Telecom"),
    ],
)
def test_ipwhois_reads_both_registries(
    rdap: RdapServer, address: str, cidr: str, country: str | None, holder: str
) -> None:
    """What is shaped like RIPE's and ARIN's answers is read by a library that was written for theirs."""
    said = found(rdap, f"/ip/{address}")
    network = _RDAPNetwork(said)
    network.parse()
    assert (network.vars["cidr"], network.vars["country"]) == (cidr, country)
    named = []
    for each in said["entities"]:
        entity = _RDAPEntity(each)
        entity.parse()
        if "registrant" in entity.vars["roles"]:
            named.append(entity.vars["contact"]["name"])
    assert named[-1] == holder


def test_rdap_names_itself_in_iana_s_bootstrap(rdap: RdapServer) -> None:
    for name, entry in (("dns", "example"), ("ipv4", "0.0.0.0/0"), ("ipv6", "::/0")):
        assert found(rdap, f"/rdap/{name}.json")["services"] == [[[entry], [f"{rdap.base}/"]]]


def test_rdap_remembers_what_it_was_asked(rdap: RdapServer) -> None:
    with pytest.raises(TimeoutError, match="was not asked"):
        rdap.wait_until_asked("/domain/good.example", 0.01)
    with connected(rdap) as connection:  # two requests on one connection
        for _ in range(2):
            connection.request("GET", "/domain/good.example")
            connection.getresponse().read()
    rdap.wait_until_asked("/domain/good.example", PATIENCE, times=2)
    assert rdap.asked == ["/domain/good.example"] * 2
    assert (rdap.count("/domain/good.example"), rdap.count("/domain"), rdap.count()) == (2, 0, 2)


def test_slow_rdap_answers_late(rdap: RdapServer) -> None:
    rdap.behave("/", "slow", seconds=LONG)
    with pytest.raises(TimeoutError):
        get(rdap, "/domain/good.example", IMPATIENCE)
    rdap.behave("/", "slow", seconds=IMPATIENCE)
    assert found(rdap, "/domain/good.example")["ldhName"] == "GOOD.EXAMPLE"


def test_dead_rdap_accepts_and_never_answers(rdap: RdapServer) -> None:
    rdap.behave("/", "dead")

    def asked() -> int:
        with pytest.raises(TimeoutError):
            get(rdap, "/domain/good.example", IMPATIENCE)
        return rdap.count("/domain/good.example")

    until(asked)


@pytest.mark.parametrize("where", ["headers", "body"])
def test_dripping_rdap_sends_a_byte_at_a_time(rdap: RdapServer, where: str) -> None:
    rdap.behave("/", "dripping", where=where, seconds=IMPATIENCE)
    begun = b"\r\n\r\n" if where == "body" else b"HTTP/1.1"
    with connected(rdap) as connection:
        connection.request("GET", "/domain/good.example")
        assert connection.sock is not None
        received = b""
        while begun not in received:
            received += connection.sock.recv(1)
        for _ in range(6):  # each is there within the patience of the connection
            received += connection.sock.recv(1)
        connection.sock.settimeout(0.0)
        with pytest.raises(BlockingIOError):  # and there is no end to them
            while connection.sock.recv(1):
                pass
    assert (b"\r\n\r\n" in received) == (where == "body")


@pytest.mark.parametrize(
    ("mode", "how", "status", "body"),
    [
        ("error", {}, 500, b'"errorCode": 500'),
        ("error", {"status": 503}, 503, b'"errorCode": 503'),
        ("busy", {"after": 7}, 429, b'"errorCode": 429'),
        ("not_json", {}, 200, b"It works"),
        ("wrong_class", {}, 200, b'"objectClassName": "entity"'),
        ("wrong_class", {"what": "null"}, 200, b"null"),
        ("wrong_class", {"what": "types"}, 200, b'"ldhName": 7'),
        ("lying", {}, 200, b'"ldhName": "ELSE.EXAMPLE"'),
        ("nested", {}, 200, b"[" * 100_000 + b"]"),
        ("huge", {"size": 300_000}, 200, b"x" * 300_000),
        ("huge", {"size": 300_000, "declared": False}, 200, b"x" * 300_000),
    ],
)
def test_rdap_answers_badly(rdap: RdapServer, mode: str, how: dict[str, Any], status: int, body: bytes) -> None:
    rdap.behave("/", mode, **how)
    said, headers, sent = get(rdap, "/domain/good.example")
    assert (said, body in sent) == (status, True)
    assert headers.get("retry-after") == ("7" if mode == "busy" else None)
    assert ("content-length" in headers) == how.get("declared", True)


def test_lying_rdap_tells_of_another_network(rdap: RdapServer) -> None:
    rdap.behave("/ip/", "lying")
    assert [found(rdap, f"/ip/{each}")["startAddress"] for each in ("203.0.113.9", "2001:db8:7::1")] == [
        "100.64.0.0",
        "2001:db8:ffff::",
    ]
    assert found(rdap, "/domain/good.example")["ldhName"] == "GOOD.EXAMPLE"


@pytest.mark.parametrize("another", [False, True])
def test_looping_rdap_leads_back(rdap: RdapServer, another: bool) -> None:
    rdap.behave("/domain/", "looping", another=another)
    path, seen = "/domain/good.example", []
    for _ in range(3):
        status, headers, _ = get(rdap, path)
        assert status == 302
        path = headers["location"].removeprefix(rdap.base)
        seen.append(path)
    there = "/again/domain/good.example" if another else "/domain/good.example"
    assert seen == [there, "/domain/good.example", there]


def test_inward_rdap_leads_where_nobody_may_go(rdap: RdapServer) -> None:
    rdap.behave("/", "inward")
    assert get(rdap, "/domain/good.example")[1]["location"].startswith("http://169.254.169.254/")
    with RdapServer() as other:
        rdap.behave("/", "inward", to=f"{other.base}/domain/good.example")
        assert get(rdap, "/domain/good.example")[1]["location"] == f"{other.base}/domain/good.example"
        assert other.asked == []


def test_closing_rdap_closes_in_the_middle(rdap: RdapServer) -> None:
    rdap.behave("/", "closing")
    with pytest.raises(IncompleteRead):
        get(rdap, "/domain/good.example")


def test_rdap_behaves_by_the_longest_prefix_and_so_many_times(rdap: RdapServer) -> None:
    rdap.behave("/", "error")
    rdap.behave("/domain/good", "busy", times=1)
    rdap.behave("/domain/", "good")
    assert [get(rdap, "/domain/good.example")[0] for _ in range(2)] == [429, 200]
    assert get(rdap, "/ip/203.0.113.9")[0] == 500


def test_stopped_servers_leave_nobody_waiting() -> None:
    with RdapServer() as server:
        server.behave("/", "dead")
        with connected(server) as connection:
            connection.request("GET", "/domain/good.example")
            server.wait_until_asked("/domain/good.example", PATIENCE)
            server.stop()
            with pytest.raises((HTTPException, ConnectionError)):
                connection.getresponse()
