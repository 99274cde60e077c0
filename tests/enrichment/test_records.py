"""SPF, DMARC and DKIM records as people publish them, and as nobody should."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from riskapi.enrichment import dmarc, spf
from riskapi.enrichment.resolver import Resolver
from riskapi.enrichment.sender import _is_key
from riskapi.enrichment.upstream import UpstreamError
from riskapi.settings.environment import Bind
from tests.upstreams import DnsServer

SERVICE = "spf.saas.example"


@pytest.fixture
def world() -> Iterator[DnsServer]:
    """A server that knows no name yet."""
    with DnsServer() as server:
        yield server


def publish(world: DnsServer, records: dict[str, list[str]]) -> Resolver:
    for name, texts in records.items():
        world.set(name, {"TXT": texts})
    return Resolver(Bind(*world.address), total=0.5)


MANY = " ".join(f"include:i{number}.example" for number in range(10))
DEFAULTS: list[tuple[list[str], str]] = [
    ([], "missing"),
    (["google-site-verification=x", "MS=ms1"], "missing"),
    (["v=spf1 include:_spf.google.com ~all"], "softfail"),
    (["v=spf1 include:spf.protection.outlook.com -all", "MS=ms1"], "fail"),
    (["V=SPF1 MX A IP4:192.0.2.0/24 -ALL"], "fail"),
    (["v=spf1 -all"], "fail"),
    (["v=spf1 +all"], "pass"),
    (["v=spf1 all"], "pass"),
    (["v=spf1 ?all"], "neutral"),
    (["v=spf1"], "neutral"),
    (["v=spf1 "], "neutral"),
    (["v=spf1  mx   -all  "], "fail"),
    (["v=spf1 a mx"], "neutral"),
    (["v=spf1 a/24 mx//64 a:mail.example/24//64 ptr ptr:x.example -all"], "fail"),
    (["v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ip6:2001:db8::1 ~all"], "softfail"),
    (["v=spf1 exists:%{i}._spf.%{d2} include:%{ir}.%{v}._ip.%{h}._e.example -all"], "fail"),
    (["v=spf1 -all exp=explain._spf.%{d} other=thing"], "fail"),
    (["v=spf1 ~all -all"], "softfail"),  # the first one counts
    ([f"v=spf1 {MANY} -all"], "fail"),
    ([f"v=spf1 {MANY} a -all"], "broken"),  # eleven look-ups
    ([f"v=spf1 -all {MANY} a"], "fail"),  # never reached
    (["v=spf1 -all", "v=spf1 ~all"], "broken"),
    (["v=spf10 -all"], "missing"),
    (["v=spf1-all"], "missing"),
    (["v=spf1 al"], "broken"),
    (["v=spf1 all:x"], "broken"),
    (["v=spf1 include: -all"], "broken"),
    (["v=spf1 include -all"], "broken"),
    (["v=spf1 ip4:192.0.2.256 -all"], "broken"),
    (["v=spf1 ip4:192.0.2.0/33 -all"], "broken"),
    (["v=spf1 ip4:mail.example -all"], "broken"),
    (["v=spf1 ip6:192.0.2.1 -all"], "broken"),
    (["v=spf1 ipv4:192.0.2.1 -all"], "broken"),
    (["v=spf1 a:mail.example,mx -all"], "fail"),  # a comma may stand in a name
    (["v=spf1 include:%(d) -all"], "broken"),
    (["v=spf1 include:%{x} -all"], "broken"),
    (["v=spf1 -all ~"], "broken"),
    (["v=spf1 redirect="], "broken"),
    (["v=spf1 redirect=a.example redirect=b.example"], "broken"),
    (["v=spf1 --all"], "broken"),
    (["v=spf1 caf\u00e9"], "broken"),
]


@pytest.mark.parametrize(("texts", "expected"), DEFAULTS, ids=[" | ".join(texts)[:60] for texts, _ in DEFAULTS])
def test_what_an_spf_record_wants(world: DnsServer, texts: list[str], expected: str) -> None:
    written = [text.encode().decode("latin-1").replace("\u00c3\u00a9", "\\195\\169") for text in texts]
    resolver = publish(world, {"firm.example": [f'"{text}"' for text in written]} if texts else {})
    assert asyncio.run(spf.default_of("firm.example", resolver)) == expected


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ({"firm.example": ["v=spf1 redirect=_spf.mail.example"], "_spf.mail.example": ["v=spf1 mx ~all"]}, "softfail"),
        ({"firm.example": ["v=spf1 redirect=_SPF.Mail.example."], "_spf.mail.example": ["v=spf1 -all"]}, "fail"),
        # Macros are not filled in, and what stands behind them is unknown.
        ({"firm.example": ["v=spf1 redirect=_SPF.%{d}."], "_spf.firm.example": ["v=spf1 -all"]}, None),
        ({"firm.example": ["v=spf1 redirect=%{d1r}.x"], "firm.x": ["v=spf1 ?all"]}, None),
        ({"firm.example": ["v=spf1 redirect=%{o-}.x"], "firm.example.x": ["v=spf1 ~all"]}, None),
        ({"firm.example": ["v=spf1 -all redirect=%{d}.x"]}, "fail"),  # never reached
        ({"firm.example": ["v=spf1 -all redirect=a.example"], "a.example": ["v=spf1 +all"]}, "fail"),
        ({"firm.example": ["v=spf1 redirect=missing.example"]}, "broken"),
        ({"firm.example": ["v=spf1 redirect=a..b"]}, "broken"),
        ({"firm.example": ["v=spf1 redirect=two.example"], "two.example": ["v=spf1 a", "v=spf1 mx"]}, "broken"),
        ({"firm.example": ["v=spf1 redirect=firm.example"]}, "broken"),  # in a circle, until ten
        ({"firm.example": ["v=spf1 redirect=%{i}.example"]}, None),
    ],
)
def test_redirects_of_spf_are_followed(world: DnsServer, records: dict[str, list[str]], expected: str | None) -> None:
    assert asyncio.run(spf.default_of("firm.example", publish(world, records))) == expected
    assert world.count() <= 1 + spf.LOOKUPS


CHAIN = {f"i{number}.example": [f"v=spf1 include:i{number + 1}.example ?all"] for number in range(12)}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ({}, False),
        ({"firm.example": ["v=spf1 include:spf.saas.example -all"]}, True),
        ({"firm.example": ["v=spf1 include:SPF.SaaS.example. -all"]}, True),
        ({"firm.example": ["v=spf1 a mx include:spf.saas.example ~all"]}, True),
        ({"firm.example": ["v=spf1 redirect=spf.saas.example"]}, True),
        ({"firm.example": ["v=spf1 include:spf.saas.example.evil.example -all"]}, False),
        ({"firm.example": ["v=spf1 exists:spf.saas.example -all"]}, False),
        ({"firm.example": ["v=spf1 -all include:spf.saas.example"]}, False),  # what comes after is not read
        ({"firm.example": ["v=spf1 -include:spf.saas.example ~all"]}, False),
        ({"firm.example": ["v=spf1 ?include:spf.saas.example ~all"]}, False),
        ({"firm.example": ["v=spf1 +all"]}, False),  # lets everybody send, names nobody
        ({"firm.example": ["v=spf1 include:spf.saas.example -all", "v=spf1 -all"]}, False),
        ({"firm.example": ["v=spf1 include:spf.saas.example -al"]}, False),
        ({"firm.example": ["v=spf1 include:a.example -all"], "a.example": ["v=spf1 include:spf.saas.example"]}, True),
        ({"firm.example": ["v=spf1 redirect=a.example"], "a.example": ["v=spf1 include:spf.saas.example"]}, True),
        ({"firm.example": ["v=spf1 -include:a.example"], "a.example": ["v=spf1 include:spf.saas.example"]}, False),
        (
            {
                "firm.example": ["v=spf1 include:a.example include:spf.saas.example -all"],
                "a.example": ["v=spf1 ip4:192.0.2.1 -all"],  # ends itself only
            },
            True,
        ),
        ({"firm.example": ["v=spf1 include:gone.example include:spf.saas.example -all"]}, False),
        ({"firm.example": ["v=spf1 include:%{i}.example include:spf.saas.example -all"]}, True),
        ({"firm.example": [f"v=spf1 {'a ' * 9}include:spf.saas.example -all"]}, True),
        ({"firm.example": [f"v=spf1 {'a ' * 10}include:spf.saas.example -all"]}, False),
        ({"firm.example": ["v=spf1 include:i0.example include:spf.saas.example -all"], **CHAIN}, False),
        ({"firm.example": ["v=spf1 include:b.example"], "b.example": ["v=spf1 include:firm.example"]}, False),
        ({"firm.example": ["v=spf1 include:firm.example include:spf.saas.example"]}, False),
    ],
)
def test_whether_an_spf_record_names_a_service(world: DnsServer, records: dict[str, list[str]], expected: bool) -> None:
    assert asyncio.run(spf.names_any("firm.example", {SERVICE}, publish(world, records))) is expected
    assert world.count() <= 1 + spf.LOOKUPS


def test_an_spf_record_that_nobody_tells_is_not_missing(world: DnsServer) -> None:
    resolver = publish(world, {"firm.example": ["v=spf1 include:slow.example include:spf.saas.example"]})
    world.behave("slow.example", "servfail", times=1)
    with pytest.raises(UpstreamError):
        asyncio.run(spf.names_any("firm.example", {SERVICE}, resolver))


POLICIES: list[tuple[list[str], str]] = [
    ([], "missing"),
    (["v=DMARC1; p=none"], "none"),
    (["v=DMARC1; p=quarantine; pct=50; rua=mailto:d@firm.example"], "quarantine"),
    (["v=DMARC1;p=reject"], "reject"),
    (["v=DMARC1 ; P = Reject ;"], "reject"),
    (["v = DMARC1; sp=none; p=reject; adkim=s; aspf=s"], "reject"),
    (["v=DMARC1; p=reject; p=none"], "reject"),
    (["v=DMARC1; p=reject; junk; x=1"], "reject"),
    (["v=DMARC1"], "broken"),
    (["v=DMARC1; p="], "broken"),
    (["v=DMARC1; p=discard"], "broken"),
    (["v=DMARC1; p=reject; sp=all"], "broken"),
    (["v=DMARC1; rua=mailto:d@firm.example"], "none"),  # RFC 9989, 4.10.1
    (["v=DMARC1; p=discard; rua=mailto:d@firm.example!10m"], "none"),
    (["v=DMARC1; p=discard; rua=https://firm.example"], "broken"),
    (["v=DMARC1; p=none", "v=DMARC1; p=reject"], "broken"),
    (["v=DMARC1; p=reject; np=all"], "broken"),
    (["v=DMARC1; p=reject; sp=none; np=none; psd=y"], "reject"),
    (["v=DMARC1; p=reject; t=y"], "quarantine"),  # tested: one level less
    (["v=DMARC1; p=quarantine; T = Y"], "none"),
    (["v=DMARC1; p=none; t=y"], "none"),
    (["v=DMARC1; p=reject; t=maybe"], "reject"),
    (["v=DMARC1; p=reject; pct=0; rf=afrf; ri=1"], "reject"),  # tags that RFC 9989 took out
    (["v=DMARC1; p=none", "v=spf1 -all"], "none"),
    (["v=spf1 -all"], "missing"),  # a wildcard
    (["p=none; v=DMARC1"], "missing"),
    (["v=dmarc1; p=none"], "missing"),
    (["v=DMARC12; p=none"], "missing"),
]


@pytest.mark.parametrize(("texts", "expected"), POLICIES, ids=[" | ".join(texts)[:60] for texts, _ in POLICIES])
def test_what_a_dmarc_record_says(world: DnsServer, texts: list[str], expected: str) -> None:
    resolver = publish(world, {"_dmarc.firm.example": [f'"{text}"' for text in texts]} if texts else {})
    assert asyncio.run(dmarc.policy_of("firm.example", resolver)) == expected


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ({"_dmarc.firm.example": ["v=DMARC1; p=reject"]}, "reject"),
        ({"_dmarc.firm.example": ["v=DMARC1; p=reject; sp=none"]}, "none"),
        ({"_dmarc.firm.example": ["v=DMARC1; p=none; sp=Quarantine"]}, "quarantine"),
        (
            {
                "_dmarc.firm.example": ["v=DMARC1; p=reject"],
                "_dmarc.mail.eu.firm.example": ["v=DMARC1; p=none; sp=reject"],
            },
            "none",
        ),
        ({"_dmarc.eu.firm.example": ["v=DMARC1; p=reject"]}, "reject"),  # a public suffix list does not know of it
        ({"_dmarc.example": ["v=DMARC1; p=reject"]}, "reject"),
        (  # the fewest labels
            {
                "_dmarc.eu.firm.example": ["v=DMARC1; p=none"],
                "_dmarc.firm.example": ["v=DMARC1; p=reject"],
            },
            "reject",
        ),
        (  # the walk stops where a domain says that it is no public suffix
            {
                "_dmarc.eu.firm.example": ["v=DMARC1; p=none; psd=n"],
                "_dmarc.firm.example": ["v=DMARC1; p=reject"],
            },
            "none",
        ),
        (  # a registry speaks only for those who do not speak for themselves
            {
                "_dmarc.firm.example": ["v=DMARC1; p=quarantine"],
                "_dmarc.example": ["v=DMARC1; p=reject; psd=y"],
            },
            "quarantine",
        ),
        ({"_dmarc.example": ["v=DMARC1; p=reject; PSD=Y; sp=quarantine"]}, "quarantine"),
        (  # eu.firm.example is the organisation, and has no record
            {
                "_dmarc.firm.example": ["v=DMARC1; p=reject; psd=y"],
                "_dmarc.example": ["v=DMARC1; p=none"],
            },
            "reject",
        ),
        (  # several records of one name are as good as none
            {
                "_dmarc.eu.firm.example": ["v=DMARC1; p=none", "v=DMARC1; p=reject"],
                "_dmarc.firm.example": ["v=DMARC1; p=quarantine"],
            },
            "quarantine",
        ),
        ({"_dmarc.firm.example": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, "broken"),
        ({"_dmarc.firm.example": ["v=DMARC1; p=reject; t=y; sp=reject"]}, "quarantine"),
    ],
)
def test_a_domain_has_the_policy_of_its_organisation(
    world: DnsServer, records: dict[str, list[str]], expected: str
) -> None:
    world.set("mail.eu.firm.example", {"A": ["192.0.2.1"]})
    assert asyncio.run(dmarc.policy_of("mail.eu.firm.example", publish(world, records))) == expected


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({}, "reject"),
        ({"TXT": ["v=spf1 -all"]}, "reject"),  # a name without a mail server or an address
        ({"A": ["192.0.2.1"]}, "none"),
        ({"AAAA": ["2001:db8::1"]}, "none"),
        ({"MX": ["10 mx.firm.example"]}, "none"),
    ],
)
def test_a_domain_that_does_not_exist_has_a_policy_of_its_own(
    world: DnsServer, there: dict[str, list[str]], expected: str
) -> None:
    resolver = publish(world, {"_dmarc.firm.example": ["v=DMARC1; p=quarantine; sp=none; np=reject"]})
    if there:
        world.set("mail.firm.example", there)
    assert asyncio.run(dmarc.policy_of("mail.firm.example", resolver)) == expected


def test_whether_a_domain_exists_is_asked_only_where_it_matters(world: DnsServer) -> None:
    resolver = publish(world, {"_dmarc.firm.example": ["v=DMARC1; p=none; sp=reject"]})
    assert asyncio.run(dmarc.policy_of("mail.firm.example", resolver)) == "reject"
    assert [name for name, _ in world.asked] == [
        f"_dmarc.{name}" for name in ("mail.firm.example", "firm.example", "example")
    ]


@pytest.mark.parametrize(
    ("domain", "above"),
    [
        ("example", []),
        ("a.b.c.d.e.firm.example", ["b.c.d.e.firm.example", "c.d.e.firm.example", "d.e.firm.example", "e.firm.example",
                                    "firm.example", "example"]),
        ("a.b.c.d.e.f.g.h.i.j.mail.firm.example", [  # the example of RFC 9989, 4.10
            "g.h.i.j.mail.firm.example", "h.i.j.mail.firm.example", "i.j.mail.firm.example", "j.mail.firm.example",
            "mail.firm.example", "firm.example", "example",
        ]),
    ],
)  # fmt: skip
def test_a_walk_asks_no_more_than_eight_names(world: DnsServer, domain: str, above: list[str]) -> None:
    assert asyncio.run(dmarc.policy_of(domain, publish(world, {}))) == "missing"
    assert [name for name, _ in world.asked] == [f"_dmarc.{name}" for name in (domain, *above)]
    assert len(world.asked) <= dmarc.QUERIES


def test_a_policy_of_its_own_ends_the_walk_at_once(world: DnsServer) -> None:
    resolver = publish(world, {"_dmarc.mail.firm.example": ["v=DMARC1; p=reject"]})
    assert asyncio.run(dmarc.policy_of("mail.firm.example", resolver)) == "reject"
    assert len(world.asked) == 1


def test_a_walk_that_is_cut_short_says_nothing(world: DnsServer) -> None:
    resolver = publish(world, {"_dmarc.eu.firm.example": ["v=DMARC1; p=reject"]})
    world.behave("_dmarc.example", "servfail")
    with pytest.raises(UpstreamError):
        asyncio.run(dmarc.policy_of("mail.eu.firm.example", resolver))


LONG = 60_000


@pytest.mark.parametrize(
    "read",
    [
        lambda: dmarc._policy(dmarc._tags("v=DMARC1; rua=" + "mailto:" * (LONG // 7))),
        lambda: dmarc._policy(dmarc._tags("v=DMARC1;" + "p=;" * (LONG // 3))),
        lambda: spf._terms("v=spf1 include:" + "%{d}" * (LONG // 4) + "%"),
        lambda: spf._terms("v=spf1 " + "a" * LONG + "%"),
        lambda: spf._terms("v=spf1 a:" + "/24" * (LONG // 3) + " %"),
        lambda: spf._terms("v=spf1 " + "a " * (LONG // 2) + "%"),
        lambda: _is_key("p=" + "A" * LONG + ";"),
        lambda: _is_key("p=;" * (LONG // 3)),
    ],
)
def test_a_record_made_to_take_long_does_not(read: Callable[[], object]) -> None:
    """As long as DNS can carry. Most take some milliseconds; the limit is far from what would be quadratic."""
    begun = time.process_time()
    with contextlib.suppress(spf._Broken):
        read()
    assert time.process_time() - begun < 5


KEY = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK=="


@pytest.mark.parametrize(
    ("record", "good"),
    [
        (f"v=DKIM1; k=rsa; p={KEY}", True),
        (f"p={KEY}", True),
        (f"k=rsa; t=y; p={KEY[:10]} {KEY[10:]};", True),
        (f"v=DKIM1;s=email;p={KEY}", True),
        (f"v=DKIM1;s=tlsrpt:*;p={KEY}", True),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", True),
        ("v=DKIM1; p=", False),  # revoked
        ("v=DKIM1; k=rsa", False),
        (f"v=DKIM2; p={KEY}", False),
        (f"v=DKIM1; s=tlsrpt; p={KEY}", False),
        ("v=DKIM1; p=***", False),
        ("v=DKIM1; p=abc", False),
        ("v=DKIM1; p=caf\ufffd", False),
        ("v=spf1 -all", False),
        ("", False),
    ],
)
def test_what_is_a_dkim_key(record: str, good: bool) -> None:
    assert _is_key(record) is good
