"""Which entries of lists name a signup or a link, and which of them decides. Pure: tables and properties."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from riskapi.errors import Problem
from riskapi.inputs.domains import MOST_LABELS, parents
from riskapi.inputs.email import MailReader
from riskapi.inputs.network import NetworkReader
from riskapi.inputs.phone import PhoneReader
from riskapi.inputs.urls import LinkDomains
from riskapi.links.keys import key_of
from riskapi.lists.matching import (
    KINDS,
    LETTERS,
    Listed,
    asked,
    candidates,
    field,
    found,
    linked,
    of_links,
    packed,
    silenced,
    strictest,
    verdict,
)
from riskapi.lists.prefixes import LENGTHS, framed, networks
from riskapi.lists.values import Values
from riskapi.outgoing.special_ranges import overlapped
from riskapi.store.redis_socket import Framed
from signals.facts import Account, Device, Email, Facts, Network, Phone
from tests.active_readers import readers_of, shipped
from tests.conftest import NOW

LISTS = shipped()
MAIL = MailReader(LISTS)


@pytest.fixture(scope="session")
def networks_reader(ip_data: Any) -> NetworkReader:
    return NetworkReader(ip_data.asn, ip_data.country)


@pytest.fixture(scope="session")
def values(networks_reader: NetworkReader) -> Values:
    return Values(readers_of(LISTS, networks_reader))


def facts(address: str, ip: str | None = None, asn: int | None = None, **parts: Any) -> Facts:
    network = None if ip is None else Network(ip, ip, asn=asn)
    return Facts(at=NOW, account=Account(), email=MAIL.read(address), network=network, **parts)


def refused(values: Values, name: Any, kind: Any, value: str) -> str:
    """Why a value cannot be listed; it is not repeated."""
    with pytest.raises(Problem) as problem:
        values.normal(name, kind, value)
    assert problem.value.code == "invalid"
    assert [error["pointer"] for error in problem.value.errors] == ["/value"]
    return problem.value.errors[0]["detail"]


SIGNUP = facts(
    "Ana.Ruiz+news@mail.ruiz.co.uk",
    "203.0.113.9",
    64500,
    phone=Phone("", valid=True, e164="+34600123123", line="+34600123123"),
    device=Device(id="dev-7f"),
    payment_fingerprint="card-1",
)
OTHER = facts(
    "ana@other.example",
    "2001:db8:1:2::9",
    64501,
    phone=Phone("", valid=True, e164="+4930123456", line="+4930123456"),
    device=Device(id="dev-8"),
    payment_fingerprint="card-2",
)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "ana.ruiz+NEWS@mail.ruiz.co.uk"),
        ("mailbox", "ana.ruiz+other@mail.ruiz.co.uk"),
        ("email_domain", "mail.ruiz.co.uk"),
        ("email_domain", "Ruiz.co.uk"),
        ("ip", "203.0.113.9"),
        ("ip", "::ffff:203.0.113.9"),
        ("ip", "2002:cb00:7109::1"),  # 6to4
        ("ip", "64:ff9b::203.0.113.9"),  # NAT64
        ("cidr", "2002:cb00:7100::/40"),
        ("cidr", "64:ff9b::203.0.113.0/120"),
        ("cidr", "203.0.113.9/32"),
        ("cidr", "203.0.113.8/29"),
        ("cidr", "203.0.0.0/16"),
        ("asn", "AS64500"),
        ("asn", "64500"),
        ("phone", "+34 600 123 123"),
        ("phone_prefix", "+34"),
        ("phone_prefix", "+34 600-12"),
        ("phone_prefix", "+34600123123"),
        ("device", " dev-7f "),
        ("payment", " card-1"),
        ("user", "u_1"),
    ],
)
def test_a_value_names_the_signup_that_has_it_and_no_other(values: Values, kind: Any, value: str) -> None:
    where = field(kind, values.normal("deny", kind, value))
    assert where in candidates("u_1", SIGNUP, {})
    assert where not in candidates("u_2", OTHER, {})


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "ana.ruiz@mail.ruiz.co.uk"),
        ("email", "ana.ruiz+news@ruiz.co.uk"),
        ("email_domain", "uiz.co.uk"),
        ("email_domain", "x.mail.ruiz.co.uk"),
        ("cidr", "203.0.112.0/24"),
        ("cidr", "203.0.113.10/31"),
        ("phone_prefix", "+346001231230"),
        ("phone_prefix", "+3460013"),
        ("device", "dev-7F"),
        ("payment", "card-11"),
        ("user", "u_11"),
        ("asn", "6450"),
    ],
)
def test_what_only_looks_alike_names_nobody(values: Values, kind: Any, value: str) -> None:
    assert field(kind, values.normal("deny", kind, value)) not in candidates("u_1", SIGNUP, {})


def test_a_mailbox_is_one_behind_all_its_addresses(values: Values) -> None:
    where = field("mailbox", values.normal("deny", "mailbox", "a.n.a.ruiz+x@googlemail.com"))
    assert where in candidates("u_1", facts("anaruiz@gmail.com"), {})
    assert field("email", values.normal("deny", "email", "anaruiz@gmail.com")) not in candidates(
        "u_1", facts("ana.ruiz@gmail.com"), {}
    )


def test_a_switchboard_names_all_its_desks_and_a_desk_only_itself(values: Values) -> None:
    def at(number: str) -> list[str]:
        return candidates("u_1", facts("ana@ruiz.example", phone=PhoneReader().read(number)), {})

    main, desk = (
        field("phone", values.normal("deny", "phone", number))
        for number in ("+1 650-253-0923", "+1 650-253-0923 ext. 4101")
    )
    assert {main, desk} <= set(at("+16502530923x4101"))
    assert main in at("+16502530923x4188") and desk not in at("+16502530923x4188")
    assert main in at("+16502530923") and desk not in at("+16502530923")
    told = [Listed("deny", "phone", "1", depth=0), Listed("allow", "phone", "2", depth=1)]
    assert found([main, desk], [b"d1|0|", b"a2|0|"], NOW) == tuple(reversed(told))


def test_a_line_is_listed_in_every_spelling(values: Values) -> None:
    for listed, typed in (("+5215512349876", "+525512349876"), ("+54 11 2345 6781", "+54 9 11 2345 6781")):
        where = field("phone", values.normal("deny", "phone", listed))
        assert where in candidates("u_1", facts("a@ruiz.example", phone=PhoneReader().read(typed)), {})
    told = candidates("u_1", facts("a@ruiz.example", phone=PhoneReader().read("+54 9 11 2345 6781")), {})
    assert {"phone_prefix:+54911", "phone_prefix:+5411"} <= set(told)


def test_what_is_missing_or_unreadable_is_looked_up_under_nothing() -> None:
    assert candidates("u_1", Facts(at=NOW, account=Account(), email=Email("?", valid=False)), {}) == ["user:u_1"]
    assert candidates("u_1", facts("no one@ruiz.example"), {}) == ["user:u_1", "email_domain:ruiz.example"]
    assert candidates("u_1", facts("a@co.uk"), {})[1:] == ["email:a@co.uk", "mailbox:a@co.uk"]


def test_hmacs_are_looked_up_beside_the_values() -> None:
    macs = {"mailbox": "M", "phone": "P", "device": "D", "payment": "C", "mail_domain": "E", "ip": "I", "service": "S"}
    told = candidates("u_1", SIGNUP, {kind: key_of(kind, mac) for kind, mac in macs.items()})
    assert set(told) - set(candidates("u_1", SIGNUP, {})) == {
        "mailbox:#M", "phone:#P", "device:#D", "payment:#C", "email_domain:#E", "ip:#I",
    }  # fmt: skip
    assert asked("u_1", SIGNUP, {"phone": key_of("phone", "P")}).fields[-1] == "phone:#P"


@pytest.mark.parametrize(
    ("name", "kind", "value", "why"),
    [
        ("deny", "email", "ana", "not an e-mail address"),
        ("deny", "email", "ana@", "not an e-mail address"),
        ("deny", "email", "Ana <ana@ruiz.example>", "not an e-mail address"),
        ("deny", "mailbox", "ruiz.example", "not an e-mail address"),
        ("deny", "email_domain", "ana@ruiz.example", "not a domain"),
        ("deny", "email_domain", "-", "not a domain"),
        ("deny", "email_domain", "co.uk", "public suffix"),
        ("deny", "email_domain", "github.io", "public suffix"),
        ("deny", "email_domain", "example", "not a domain"),
        ("allow", "email_domain", "com", "not a domain"),
        ("deny", "email_domain", ".".join(["a"] * 9 + ["ruiz", "example"]), "10 labels"),
        ("deny", "link_domain", ".".join(["a"] * 9 + ["ruiz", "example"]), "10 labels"),
        ("deny", "link_domain", "https://ruiz.example/x", "not a host"),
        ("deny", "link_domain", "co.uk", "not a host"),
        ("deny", "link_domain", "localhost", "not a host"),
        ("deny", "link_domain", "10.0.0.1", "not a host"),
        ("deny", "ip", "203.0.113.300", "not an IP address"),
        ("deny", "ip", "203.0.113.0/24", "not an IP address"),
        ("deny", "ip", "10.1.2.3", "inside networks"),
        ("deny", "ip", "100.64.0.1", "inside networks"),
        ("deny", "ip", "127.0.0.1", "inside networks"),
        ("deny", "ip", "fe80::1", "inside networks"),
        ("deny", "ip", "::ffff:192.168.0.1", "inside networks"),
        ("deny", "cidr", "203.0.113.9", "not a network"),
        ("deny", "cidr", "203.0.113.0/255.255.255.0", "not a network"),
        ("deny", "cidr", "203.0.113.0/-1", "not a network"),
        ("deny", "cidr", "203.0.114.0/", "not a network"),
        ("deny", "cidr", "203.0.113.0/٢٤", "not a network"),
        ("deny", "cidr", "203.0.113.9/24", "bits set beyond"),
        ("deny", "cidr", "2001:db8::1/64", "bits set beyond"),
        ("deny", "cidr", "0.0.0.0/0", "length from 8 to 32"),
        ("deny", "cidr", "202.0.0.0/7", "length from 8 to 32"),
        ("deny", "cidr", "2001:db8::/65", "from 16 to 64, or 128"),
        ("deny", "cidr", "2000::/8", "from 16 to 64, or 128"),
        ("deny", "cidr", "2002::/16", "length from 8 to 32"),
        ("deny", "cidr", "64:ff9b::/96", "length from 8 to 32"),
        ("deny", "cidr", "2002:cb00:7109::/40", "bits set beyond"),
        ("deny", "cidr", "192.168.1.0/24", "inside networks"),
        ("deny", "cidr", "172.0.0.0/8", "inside networks"),
        ("deny", "cidr", "fd00::/16", "inside networks"),
        ("deny", "cidr", "4000::/16", "inside networks"),
        ("deny", "asn", "0", "not the number of an AS"),
        ("deny", "asn", "4294967295", "not the number of an AS"),
        ("deny", "asn", "-5", "not the number of an AS"),
        ("deny", "asn", "AS", "not the number of an AS"),
        ("deny", "phone", "600123123", "plus sign"),
        ("deny", "phone", "+34", "plus sign"),
        ("deny", "phone", "+999123456789", "plus sign"),
        ("deny", "phone_prefix", "34600", "plus sign"),
        ("deny", "phone_prefix", "+3x", "plus sign"),
        ("deny", "phone_prefix", "+1234567890123456", "plus sign"),
        ("deny", "phone_prefix", "+1", "too wide"),
        ("deny", "device", "undefined", "not an identifier"),
        ("deny", "device", "   ", "not an identifier"),
        ("deny", "device", "dev\x001", "control characters"),
        ("deny", "payment", "null", "not an identifier"),
        ("deny", "payment", "card\ufffd", "control characters"),
        ("deny", "user", "u 1", "not a user_id"),
        ("deny", "user", "u" * 129, "not a user_id"),
        ("deny", "user", "u_1\n2", "not a user_id"),
    ],
)
def test_what_would_match_nobody_or_half_the_world_is_refused(
    values: Values, name: Any, kind: Any, value: str, why: str
) -> None:
    said = refused(values, name, kind, value)
    assert why in said
    assert len(value) < 4 or value not in said


@pytest.mark.parametrize("name", ["allow", "watch"])
@pytest.mark.parametrize(("kind", "value"), [("ip", "10.1.2.3"), ("cidr", "192.168.0.0/16")])
def test_addresses_from_inside_can_be_allowed_and_watched(values: Values, name: Any, kind: Any, value: str) -> None:
    assert values.normal(name, kind, value) == value


@given(st.text(max_size=60), st.sampled_from(["email", "mailbox", "email_domain", "ip", "cidr", "asn", "phone",
                                              "phone_prefix", "device", "payment", "link_domain", "user"]))  # fmt: skip
def test_any_text_is_taken_or_refused(values: Values, text: str, kind: Any) -> None:
    try:
        normal = values.normal("deny", kind, text)
    except Problem:
        return
    assert values.normal("deny", kind, normal) == normal


ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@given(ADDRESSES)
@example(ip_address("::"))
@example(ip_address("::1"))
@example(ip_address("2001:db8:0:1::"))
@example(ip_address("2001:0:0:1:0:0:0:1"))
@example(ip_address("0:0:db8:0:1::"))
@example(ip_address("ff00:f:0:ffff:ffff:ffff:ffff:ffff"))
@example(ip_address("255.255.255.255"))
@example(ip_address("0.0.0.0"))
def test_an_address_is_looked_up_under_the_networks_it_lies_in(address: Any) -> None:
    version = {4: AF_INET, 6: AF_INET6}[address.version]
    every = [ip_network((address, length), strict=False) for length in LENGTHS[address.version]]
    named = [f"cidr:{inet_ntop(version, each.network_address.packed)}/{each.prefixlen}" for each in every]
    text = inet_ntop(version, address.packed)
    assert networks(text) == named
    whole = framed(text)
    # The protocol: a dollar sign, how many bytes follow, the bytes (https://valkey.io/topics/protocol/).
    told = "".join(f"${len(name)}\r\n{name}\r\n" for name in named)
    assert (whole is None) if version == AF_INET6 else (whole == Framed(len(named), told))


@given(ADDRESSES, st.data())
def test_a_network_names_exactly_what_ipaddress_says_lies_in_it(
    values: Values, networks_reader: NetworkReader, address: Any, data: st.DataObject
) -> None:
    length = data.draw(st.sampled_from(LENGTHS[address.version]))
    network = ip_network((address, length), strict=False)
    size = address.max_prefixlen
    near = st.integers(0, size).map(lambda bit: int(address) ^ (1 << bit) % (1 << size))
    other = ip_address(data.draw(near).to_bytes(size // 8))
    read = networks_reader.read(str(other))
    assume(read.version == address.version and read.ip is not None)
    try:
        normal = values.normal("watch", "cidr", str(network))
    except Problem:  # an IPv4-mapped network is one of IPv4, of another length
        assume(False)
    assert (f"cidr:{normal}" in networks(read.ip or "")) == (other in network)


LABELS = st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), min_size=2, max_size=13)


@given(LABELS, LABELS)
def test_a_domain_names_itself_and_what_is_below_it(domain: list[str], below: list[str]) -> None:
    registrable, name, full = ".".join(domain[-2:]), ".".join(domain), ".".join([*below, *domain])
    told = list(parents(full, registrable))
    assert (name in told) == (len(domain) <= MOST_LABELS)
    assert all(full == each or full.endswith(f".{each}") for each in told)
    assert told == sorted(told, key=len, reverse=True)
    assert registrable in told


@pytest.mark.parametrize(
    ("link", "names"),
    [
        ("https://shop.ruiz.co.uk/x?y=1", ("shop.ruiz.co.uk", "ruiz.co.uk")),
        ("BIT.ly", ("bit.ly",)),
        ("bücher.example", ("xn--bcher-kva.example",)),
        ("http://203.0.113.9:8080/", ("203.0.113.9",)),
        ("http://[::1]/", ()),
        ("localhost", ()),
        ("github.io", ()),
        ("user.github.io", ("user.github.io",)),
        ("http://[", ()),
        ("", ()),
    ],
)
def test_a_link_is_looked_up_under_its_host_and_the_domains_above(link: str, names: tuple[str, ...]) -> None:
    assert LinkDomains(LISTS).names(link) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("203.0.113.0/24", {"documentation"}),
        ("8.8.8.0/24", set()),
        ("192.0.0.0/8", {"documentation", "ietf_protocol_assignments", "private_use"}),
        ("10.1.0.0/16", {"private_use"}),
        ("2001:db8::/48", {"documentation"}),
        ("2a00::/16", set()),
        ("8000::/16", {"reserved"}),
        ("::/16", {"loopback", "unspecified"}),
    ],
)
def test_a_network_that_shares_an_address_with_a_special_range_is_told(text: str, names: set[str]) -> None:
    assert overlapped(ip_network(text)) == names


def entry(name: Any, kind: Any, id: str = "lst_1", depth: int = 0) -> Listed:
    return Listed(name, kind, id, depth=depth)


@pytest.mark.parametrize(
    ("entries", "wins"),
    [
        ([], None),
        ([entry("allow", "user", "a"), entry("deny", "email", "d")], "a"),
        ([entry("deny", "mailbox", "d"), entry("allow", "email", "a")], "a"),
        ([entry("allow", "email_domain", "a", 2), entry("deny", "email_domain", "d", 3)], "d"),
        ([entry("allow", "email_domain", "a", 3), entry("deny", "email_domain", "d", 2)], "a"),
        ([entry("allow", "cidr", "a", 24), entry("deny", "cidr", "d", 16)], "a"),
        ([entry("allow", "phone_prefix", "a", 3), entry("deny", "phone_prefix", "d", 7)], "d"),
        ([entry("deny", "asn", "d"), entry("watch", "cidr", "w", 8)], "w"),
        ([entry("deny", "cidr", "d", 32), entry("allow", "email_domain", "a", 2)], "a"),
        ([entry("deny", "ip", "d"), entry("allow", "email_domain", "a", 5)], "d"),
        ([entry("allow", "device", "a"), entry("deny", "phone", "d")], "d"),
        ([entry("allow", "payment", "a"), entry("deny", "device", "d")], "d"),
        ([entry("allow", "payment", "a"), entry("deny", "ip", "d")], "a"),
        ([entry("allow", "ip", "a"), entry("watch", "ip", "w"), entry("deny", "ip", "d")], "d"),
        ([entry("allow", "ip", "a"), entry("watch", "ip", "w")], "w"),
    ],
)
def test_the_most_specific_entry_decides_and_then_the_stricter(entries: list[Listed], wins: str | None) -> None:
    for order in (entries, entries[::-1]):
        decides = verdict(order)
        assert (decides and decides.id) == wins


def test_of_different_things_the_strictest_verdict_counts() -> None:
    found = strictest([entry("allow", "link_domain", "a", 3), entry("deny", "link_domain", "d", 2)])
    assert found is not None
    assert found.id == "d"
    assert strictest([]) is None


def test_entries_of_one_value_share_a_field_and_come_back_as_they_were() -> None:
    texts = [packed("deny", "lst_d", NOW + 1, False), packed("allow", "lst_a", None, True)]
    rows = found(["ip:203.0.113.9", "asn:1"], [" ".join(texts).encode(), None], NOW)
    assert rows == (
        Listed("deny", "ip", "lst_d", NOW + 1),
        Listed("allow", "ip", "lst_a", None, silences_feedback=True),
    )


@pytest.mark.parametrize(("domain", "depth"), [("spam.example", 2), ("mail.spam.co.uk", 3)])
def test_an_hmac_of_a_domain_is_as_deep_as_the_registrable_domain_it_stands_for(domain: str, depth: int) -> None:
    names = candidates("u_1", facts(f"a@{domain}"), {"mail_domain": key_of("mail_domain", "E")})
    value = packed("deny", "lst_d", None, False).encode()
    rows = found(names, [value if name == "email_domain:#E" else None for name in names], NOW)
    assert [(row.kind, row.depth) for row in rows] == [("email_domain", depth)]


KEYS = {kind: key_of(kind, kind[0].upper()) for kind in ("mailbox", "phone", "device", "payment", "mail_domain", "ip")}
#: Signups that are looked up under fields of many shapes.
SHAPES = [
    SIGNUP,
    OTHER,
    facts("ana@ruiz.example", "203.0.113.9", phone=PhoneReader().read("+16502530923x4101")),
    facts("no one@ruiz.example", phone=PhoneReader().read("+54 9 11 2345 6781")),
    facts("ana@ruiz.example", device=Device(id="#dev"), payment_fingerprint="##card"),
]


@given(st.data())
def test_who_asks_for_the_kinds_of_the_entries_alone_finds_them_all(data: st.DataObject) -> None:
    """Those that are found by asking for everything, in the same order and just as narrow."""
    signup = data.draw(st.sampled_from(SHAPES))
    every = candidates("u_1", signup, KEYS)
    lists = st.lists(st.sampled_from(tuple(LETTERS.values())), min_size=1, max_size=3, unique=True)
    stands = {
        name: " ".join(packed(each, f"lst_{at}{each}", None, False) for each in on).encode()
        for at, (name, on) in enumerate(data.draw(st.dictionaries(st.sampled_from(every), lists, max_size=6)).items())
    }
    kinds = {name.partition(":")[0] for name in stands} | data.draw(st.sets(st.sampled_from(KINDS)))
    some = asked("u_1", signup, KEYS, kinds)
    assert some.names == [name for name in every if name.partition(":")[0] in kinds]
    rows = found(some, [stands.get(name) for name in some.names], NOW)
    assert rows == found(every, [stands.get(name) for name in every], NOW)
    assert len({row.id for row in rows}) == sum(len(text.split()) for text in stands.values())


def test_an_entry_matches_until_the_moment_it_expires() -> None:
    value = packed("deny", "lst_d", NOW, False).encode()
    assert [row.id for row in found(["ip:203.0.113.9"], [value], NOW - 0.001)] == ["lst_d"]
    assert found(["ip:203.0.113.9"], [value], NOW) == ()


@pytest.mark.parametrize(
    ("entries", "wins"),
    [
        ({}, None),
        ({"shop.example": "deny"}, "deny"),
        ({"shop.example": "deny", "good.shop.example": "allow"}, "allow"),
        ({"shop.example": "allow", "good.shop.example": "watch"}, "watch"),
        ({"good.shop.example": "allow", "other.example": "deny"}, "deny"),
        ({"good.shop.example": "deny", "other.example": "allow"}, "deny"),
    ],
)
def test_each_host_of_a_message_is_judged_by_itself(entries: dict[str, Any], wins: str | None) -> None:
    hosts = [("good.shop.example", "shop.example"), ("other.example",)]
    fields = linked(hosts)
    stored = {field("link_domain", name): packed(of, f"lst_{name}", None, False) for name, of in entries.items()}
    values = [stored[name].encode() if name in stored else None for name in fields]
    decides = of_links(hosts, fields, values, NOW)
    assert (decides and decides.list) == wins


@pytest.mark.parametrize(
    ("listing", "until"),
    [
        (None, ""),
        (Listed("allow", "user", "a"), ""),
        (Listed("allow", "user", "a", NOW), ""),
        (Listed("deny", "user", "a", None, silences_feedback=True), ""),
        (Listed("allow", "user", "a", None, silences_feedback=True), "inf"),
        (Listed("allow", "user", "a", NOW, silences_feedback=True), repr(NOW)),
    ],
)
def test_only_an_allow_entry_that_says_so_silences_feedback(listing: Listed | None, until: str) -> None:
    assert silenced(listing) == until
