"""What DNS says of mail domains and senders: whole answers, parts of them, and none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from riskapi.enrichment import lookups
from riskapi.enrichment.blocklists import count_listings
from riskapi.enrichment.mail_domain import look_up_mail_domain
from riskapi.enrichment.parking import PARKING
from riskapi.enrichment.resolver import Resolver
from riskapi.enrichment.sender import look_up_sender
from riskapi.enrichment.upstream import UpstreamClosed, UpstreamError, UpstreamSilent
from riskapi.settings.environment import Bind, Blocklist
from signals.facts import MailDomain, Sender
from tests.active_readers import shipped
from tests.conftest import NOW
from tests.upstreams import DnsServer

LISTS = shipped()
#: Seconds a question may take: long for a machine that is busy, and short where nobody answers and that is waited for.
PATIENCE, IMPATIENCE = 20.0, 1.5
DBL = Blocklist("domain", "dbl.example")
#: A service for throw-away mail and one for aliases, as the lists have them.
THROWAWAY, RELAY = "mailinator.com", "simplelogin.com"
FIRM: dict[str, dict[str, list[str]]] = {
    "firm.example": {
        "MX": ["10 aspmx.l.google.com", "20 alt1.aspmx.l.google.com"],
        "A": ["192.0.2.1"],
        "TXT": ["v=spf1 include:_spf.google.com ~all", "MS=ms1"],
        "NS": ["ns1.dns.example", "ns2.dns.example"],
    },
    "_dmarc.firm.example": {"TXT": ["v=DMARC1; p=quarantine"]},
}


@pytest.fixture
def world() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


def look_up(world: DnsServer, domain: str, *blocklists: Blocklist, **more: Any) -> MailDomain:
    resolver = Resolver(Bind(*world.address), **{"total": PATIENCE, **more})
    return asyncio.run(look_up_mail_domain(domain, resolver, blocklists, LISTS, NOW))


def publish(world: DnsServer, records: dict[str, dict[str, list[str]]]) -> None:
    for name, found in records.items():
        world.set(name, found)


def test_everything_of_a_sound_domain_is_known(world: DnsServer) -> None:
    publish(world, FIRM)
    assert look_up(world, "firm.example", DBL) == MailDomain(
        checked_at=NOW,
        exists=True,
        null_mx=False,
        accepts_mail=True,
        mx_count=2,
        mx_provider="google.com",
        mx_disposable=False,
        spf="softfail",
        dmarc="quarantine",
        parked=False,
        listed=0,
    )
    assert len(world.asked) == len(set(world.asked)), "nothing is asked twice"


def test_a_look_up_asks_as_many_questions_as_it_is_counted_for(world: DnsServer) -> None:
    publish(world, {"mail.firm.example": {"TXT": ["MS=ms1"]}, "firm.example": {"NS": ["ns1.dns.example"]}})
    look_up(world, "mail.firm.example", DBL)
    assert len(world.asked) == lookups._QUESTIONS


def test_a_domain_that_does_not_exist(world: DnsServer) -> None:
    found = look_up(world, "gone.example")
    assert (found.exists, found.null_mx, found.accepts_mail, found.mx_count) == (False, False, False, 0)
    assert (found.mx_provider, found.mx_disposable, found.spf, found.dmarc) == (None, None, "missing", "missing")
    assert found.listed is None
    assert world.count("gone.example", "A") == 0


MAIL: list[tuple[dict[str, list[str]], dict[str, Any]]] = [
    ({"MX": ["0 ."]}, {"exists": True, "null_mx": True, "accepts_mail": False, "mx_count": 0}),
    ({"MX": ["10 ."]}, {"null_mx": False, "accepts_mail": False, "mx_count": 0}),
    ({"MX": ["0 .", "10 mx.firm.example"]}, {"null_mx": False, "accepts_mail": True, "mx_count": 1}),
    ({"A": ["192.0.2.1"]}, {"exists": True, "null_mx": False, "accepts_mail": True, "mx_count": 0}),
    ({"AAAA": ["2001:db8::1"]}, {"accepts_mail": True, "mx_provider": None, "mx_disposable": None}),
    ({"TXT": ["nothing"]}, {"exists": True, "accepts_mail": False, "mx_count": 0}),
    ({"MX": ["5 MX.Firm.Example"]}, {"mx_provider": "firm.example", "mx_disposable": False}),
    ({"MX": ["20 mx.google.com", f"10 mx2.{THROWAWAY}"]}, {"mx_provider": THROWAWAY, "mx_disposable": True}),
    ({"MX": [f"20 {THROWAWAY}", "10 mx.google.com"]}, {"mx_provider": "google.com", "mx_disposable": False}),
    ({"MX": [f"10 mx1.{RELAY}"]}, {"mx_provider": RELAY, "mx_disposable": False}),
    ({"MX": ["10 b.two.example", "10 a.one.example"]}, {"mx_provider": "one.example", "mx_count": 2}),
    ({"MX": ["10 mx.one.example", "20 mx.one.example"]}, {"mx_count": 1}),
    ({"MX": ["10 com"]}, {"mx_provider": "com", "accepts_mail": True}),
    ({"CNAME": ["other.example"]}, {"exists": True, "accepts_mail": False}),  # which is not there
]


@pytest.mark.parametrize(("records", "expected"), MAIL, ids=[str(records) for records, _ in MAIL])
def test_where_mail_goes(world: DnsServer, records: dict[str, list[str]], expected: dict[str, Any]) -> None:
    world.set("firm.example", records)
    found = asdict(look_up(world, "firm.example"))
    assert {name: found[name] for name in expected} == expected


def test_the_lists_have_what_these_tests_take_from_them() -> None:
    assert LISTS.standing(THROWAWAY).disposable
    assert LISTS.standing(RELAY).relay


@pytest.mark.parametrize(
    ("domain", "servers", "parked"),
    [
        ("firm.example", ["ns1.sedoparking.com", "ns2.sedoparking.com"], True),
        ("firm.example", ["NS1.Bodis.COM"], True),
        ("mail.firm.example", ["ns1.parkingcrew.net"], True),  # told by the domain it belongs to
        ("firm.example", ["ns1.sedoparking.com.evil.example"], False),
        ("firm.example", ["ns1.notbodis.com"], False),
    ],
)
def test_a_parking_service_is_known_by_its_name_servers(
    world: DnsServer, domain: str, servers: list[str], parked: bool
) -> None:
    world.set("firm.example", {"NS": servers})
    assert look_up(world, domain).parked is parked


def test_parking_services_are_registrable_domains() -> None:
    assert all(LISTS.standing(name).registrable == name for name in PARKING)


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        (("firm.example", "MX"), {"null_mx", "accepts_mail", "mx_count", "mx_provider", "mx_disposable"}),
        (("firm.example", "TXT"), {"spf"}),
        (("_dmarc.firm.example", "TXT"), {"dmarc"}),
        (("firm.example", "NS"), {"parked"}),
        (("dbl.example", None), {"listed"}),
    ],
)
@pytest.mark.parametrize(
    ("mode", "how"), [("dead", {}), ("servfail", {}), ("looping", {}), ("lying", {"what": "answer"})]
)
def test_a_part_that_nobody_answers_is_unknown_and_the_rest_is_not(
    world: DnsServer, question: tuple[str, str | None], unknown: set[str], mode: str, how: dict[str, Any]
) -> None:
    # A list that has the domain, so that there is an answer to lie about.
    publish(world, {**FIRM, "firm.example.dbl.example": {"A": ["127.0.1.2"]}})
    name, rdtype = question
    world.behave("_dmarc.firm.example", "good")  # though something else is told of the name above it
    world.behave(name, mode, rdtype=rdtype, **how)
    found = asdict(look_up(world, "firm.example", DBL, total=IMPATIENCE if mode == "dead" else PATIENCE))
    # Whoever says nothing about mail servers is not asked anything else about them.
    unasked = {"exists"} if mode == "dead" and "null_mx" in unknown else set()
    assert {part for part, value in found.items() if value is None} == unknown | unasked
    assert found["whole"] is (unknown == {"listed"}), "so that it is asked again; lists may fail"


def test_whether_a_domain_takes_mail_itself_is_unknown_where_half_is(world: DnsServer) -> None:
    world.set("firm.example", {"TXT": ["x"]})
    world.behave("firm.example", "servfail", rdtype="AAAA")
    assert look_up(world, "firm.example").accepts_mail is None
    world.set("firm.example", {"A": ["192.0.2.1"]})
    assert look_up(world, "firm.example").accepts_mail is True


@pytest.mark.parametrize(("mode", "error"), [("dead", UpstreamSilent), ("servfail", UpstreamError)])
def test_when_nobody_answers_anything_the_caller_is_told(world: DnsServer, mode: str, error: type[Exception]) -> None:
    publish(world, FIRM)
    world.behave(".", mode)
    with pytest.raises(UpstreamError) as failure:
        look_up(world, "firm.example", DBL, total=0.1 if mode == "dead" else PATIENCE)
    assert type(failure.value) is error


@pytest.mark.parametrize("refused", range(1, 7))
def test_what_could_not_be_asked_is_not_taken_for_an_answer(world: DnsServer, refused: int) -> None:
    """Whichever question finds the resolver left alone: the look-up is to be made again as a whole."""
    publish(world, FIRM)
    asked = 0

    async def admit() -> None:
        nonlocal asked
        asked += 1
        if asked == refused:
            raise UpstreamClosed("", 3.0)

    with pytest.raises(UpstreamClosed) as closed:
        look_up(world, "firm.example", DBL, Blocklist("domain", "other.example"), admit=admit)
    assert closed.value.retry_after == 3.0


LISTINGS: list[tuple[dict[str, list[str]], int | None]] = [
    ({}, 0),
    ({"firm.example.dbl.example": ["127.0.1.2"]}, 1),
    ({"firm.example.dbl.example": ["127.0.1.2", "127.0.1.4"]}, 1),
    ({"firm.example.dbl.example": ["127.0.1.2"], "firm.example.surbl.example": ["127.0.0.64"]}, 2),
    ({"firm.example.dbl.example": ["127.255.255.254"]}, 0),  # the other one answered
    ({"firm.example.dbl.example": ["127.255.255.254"], "firm.example.surbl.example": ["127.0.0.1"]}, None),
    ({"firm.example.dbl.example": ["192.0.2.80"], "firm.example.surbl.example": ["192.0.2.80"]}, None),  # for sale
    ({"firm.example.dbl.example": ["192.0.2.80"], "firm.example.surbl.example": ["127.0.0.8"]}, 1),
]


@pytest.mark.parametrize(("records", "expected"), LISTINGS)
def test_how_many_lists_have_a_domain(world: DnsServer, records: dict[str, list[str]], expected: int | None) -> None:
    publish(world, {name: {"A": addresses} for name, addresses in records.items()})
    lists = (DBL, Blocklist("domain", "surbl.example"), Blocklist("ip", "zen.example"))
    assert look_up(world, "www.firm.example", *lists).listed == expected, "asked about what was registered"
    assert not [name for name, _ in world.asked if name.endswith("zen.example")]


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("192.0.2.99", "99.2.0.192.zen.example"),
        ("2001:db8:1:2:3:4:567:89ab", "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.zen.example"),
    ],
)
def test_addresses_are_asked_about_backwards(world: DnsServer, ip: str, name: str) -> None:
    """The names are those of RFC 5782, 2.1 and 2.4."""
    world.set(name, {"A": ["127.0.0.2"]})
    resolver = Resolver(Bind(*world.address))
    zen = [Blocklist("ip", "zen.example"), DBL]
    assert asyncio.run(count_listings("ip", ip, resolver, zen)) == 1
    assert asyncio.run(count_listings("ip", ip, resolver, [DBL])) is None


SENDER: dict[str, dict[str, list[str]]] = {
    "firm.example": {"TXT": ["v=spf1 include:spf.saas.example -all"]},
    "s1._domainkey.firm.example": {"TXT": ["v=DKIM1; p=TUlHZk1BMEc="]},
    "s2._domainkey.firm.example": {"CNAME": ["s2.dkim.saas.example"]},
    "s2.dkim.saas.example": {"TXT": ["k=rsa; p=TUlHZk1BMEc="]},
    "_dmarc.firm.example": {"TXT": ["v=DMARC1; p=none"]},
}


def sender(
    world: DnsServer,
    domain: str = "firm.example",
    includes: tuple[str, ...] = ("spf.saas.example",),
    selectors: tuple[str, ...] = ("s1", "s2"),
    total: float = PATIENCE,
) -> Sender:
    resolver = Resolver(Bind(*world.address), total=total)
    return asyncio.run(look_up_sender(domain, resolver, includes, selectors, NOW))


def test_a_sender_that_did_all_it_should(world: DnsServer) -> None:
    publish(world, SENDER)
    assert sender(world) == Sender(checked_at=NOW, spf=True, dkim=True, dmarc="none", aligned=True)


@pytest.mark.parametrize(
    ("without", "includes", "selectors", "expected"),
    [
        (["firm.example"], ("spf.saas.example",), ("s1",), (False, True, "none", True)),
        (["s1._domainkey.firm.example"], ("spf.saas.example",), ("s1",), (True, False, "none", True)),
        (["s1._domainkey.firm.example"], ("spf.saas.example",), ("s1", "s2"), (True, True, "none", True)),
        ([], ("other.example",), ("s3",), (False, False, "none", False)),
        (["_dmarc.firm.example"], ("spf.saas.example",), ("s1",), (True, True, "missing", False)),
        ([], (), ("s1",), (None, True, "none", True)),
        ([], ("spf.saas.example",), (), (True, None, "none", True)),
        ([], ("other.example",), (), (False, None, "none", False)),
        ([], (), (), (None, None, "none", None)),
        (["_dmarc.firm.example"], (), (), (None, None, "missing", False)),
    ],
)
def test_what_a_sender_must_have(
    world: DnsServer,
    without: list[str],
    includes: tuple[str, ...],
    selectors: tuple[str, ...],
    expected: tuple[Any, ...],
) -> None:
    publish(world, {name: records for name, records in SENDER.items() if name not in without})
    found = sender(world, includes=includes, selectors=selectors)
    assert (found.spf, found.dkim, found.dmarc, found.aligned) == expected


@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        ("firm.example", "TXT", (None, True, "none", True)),
        ("_domainkey.firm.example", None, (True, None, "none", True)),
        ("s1._domainkey.firm.example", None, (True, True, "none", True)),
        ("_dmarc.firm.example", None, (True, True, None, None)),
    ],
)
def test_what_nobody_says_of_a_sender_is_unknown(
    world: DnsServer, name: str, rdtype: str | None, expected: tuple[Any, ...]
) -> None:
    publish(world, SENDER)
    for below in ("_domainkey.firm.example", "_dmarc.firm.example"):
        world.behave(below, "good")
    world.behave(name, "servfail", rdtype=rdtype)
    found = sender(world)
    assert (found.spf, found.dkim, found.dmarc, found.aligned) == expected


@pytest.mark.parametrize("mode", ["dead", "servfail", "looping"])
def test_a_sender_without_any_answer_is_an_error(world: DnsServer, mode: str) -> None:
    world.behave(".", mode)
    with pytest.raises(UpstreamError):
        sender(world, total=0.1 if mode == "dead" else PATIENCE)


def test_a_key_that_was_revoked_is_none(world: DnsServer) -> None:
    publish(world, SENDER)
    world.set("s1._domainkey.firm.example", {"TXT": ["v=DKIM1; p="]})
    assert sender(world, selectors=("s1",)).dkim is False


def test_a_sender_and_a_mail_domain_see_one_policy(world: DnsServer) -> None:
    publish(world, SENDER)
    assert look_up(world, "eu.firm.example").dmarc == sender(world, "eu.firm.example").dmarc == "none"
