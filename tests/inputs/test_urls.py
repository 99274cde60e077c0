"""The domains a message links to: read whatever they look like, shared sites left out, accounts linked by the rest."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.inputs.domains import DomainLists
from riskapi.inputs.urls import EVERYBODYS, MOST, LinkDomains
from riskapi.links.entities import Links
from riskapi.policy import Policy
from riskapi.settings import Settings
from riskapi.store.connections import Store, open_store
from riskapi.store.streams import account_key
from signals.facts import Entity
from tests.active_readers import readers_of
from tests.joining import bind
from tests.store_servers import url as cluster_url

NOW = 1_795_341_600.0
HOUR, DAY = 3600.0, 86400.0


@pytest.fixture(scope="module")
def domains(lists: DomainLists) -> LinkDomains:
    return LinkDomains(lists)


def send(
    links: Links, store: Store, rules: Policy, user: str, *linked: str, at: float = NOW, content: str | None = None
) -> list[Entity]:
    said = links.said(user, at, linked, content)
    pipe = store.pipeline()
    entities = links.queue_said(pipe, said, rules, account_key(user))
    store.run(pipe)
    return entities()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("shop.example", "shop.example"),
        (" WWW.Shop.Example. ", "shop.example"),
        ("https://www.shop.example:8443/a?b#c", "shop.example"),
        ("shop.example/a", "shop.example"),
        ("//shop.example", "shop.example"),
        ("my_shop.shop.example", "shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("ｓｈｏｐ．example", "shop.example"),
        ("a.shop.co.uk", "shop.co.uk"),
        ("ana.github.io", "ana.github.io"),
        ("x.ana.github.io", "ana.github.io"),
        ("203.0.113.9", "203.0.113.9"),
        ("http://203.0.113.9.:80/", "203.0.113.9"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:DB8:0::1]:443", "2001:db8::1"),
        # As browsers read them, and so whoever clicks (WHATWG URL Standard, 4.4).
        ("https:\\\\shop.example\\a", "shop.example"),
        ("https:shop.example", "shop.example"),
        ("HTTP:/shop.example", "shop.example"),
        ("https:///shop.example", "shop.example"),
        ("https://shop.example\\@other.example", "shop.example"),
        ("https://other.example@shop.example", "shop.example"),
        ("shop%2Eexample", "shop.example"),
        ("shop.example%2e", "shop.example"),
        ("shop.example/to?u=https://other.example", "shop.example"),
        ("shop.example//a", "shop.example"),
    ],
)
def test_a_domain_is_read_in_any_form(domains: LinkDomains, given: str, found: str) -> None:
    assert domains.read([given]) == (found,)


@pytest.mark.parametrize(
    "given",
    [
        "", " ", ".", "..", "a..example", "-", "//", "localhost", "shop", "3405803785", "0xcb.0.113.9", "203.0.113.999",
        "http://[::1", "[]", "shop.example\x00", "\ud800.example", "shop exa.mple", "x" * 300 + ".example",
        ("x" * 60 + ".") * 5 + "example", "javascript:alert(1)", "mailto:", "https://", "shop.example" * 1000,
    ],
    ids=ascii,
)  # fmt: skip
def test_garbage_is_skipped(domains: LinkDomains, given: str) -> None:
    assert domains.read([given, "shop.example"]) == ("shop.example",)


@pytest.mark.parametrize("given", ["127.0.0.1", "10.0.0.1", "100.64.0.1", "[::1]", "[fe80::1]", "0.0.0.0"])
def test_addresses_from_inside_are_nobodys(domains: LinkDomains, given: str) -> None:
    assert domains.read([given]) == ()


@pytest.mark.parametrize(
    "given",
    ["facebook.com", "docs.google.com", "youtu.be", "bit.ly", "click.list-manage.com", "w3.org", "en.wikipedia.org",
     "gmail.com", "gmx.de", "github.io", "myshopify.com", "co.uk"],
)  # fmt: skip
def test_what_everybody_links_to_says_nothing(domains: LinkDomains, given: str) -> None:
    assert domains.read([given]) == ()


@pytest.mark.parametrize(
    "domain",
    ["shop.example", "shop.co.uk", "ana.github.io", "xn--bcher-kva.example", "my_shop.example", "paypal.com", "w3.org",
     "shop", "1.2", "-", "x" * 64 + ".example"],
)  # fmt: skip
def test_a_domain_of_ones_own_is_read_as_any_other(domains: LinkDomains, domain: str) -> None:
    assert domains.private(domain) == next(iter(domains.read([domain])), None)


def test_every_listed_site_is_a_registrable_domain(lists: DomainLists) -> None:
    """An entry that is no registrable domain would never be found."""
    assert [name for name in EVERYBODYS if lists.suffixes.privatesuffix(name) != name] == []
    assert len(EVERYBODYS) > 150


def test_domains_are_read_once_each_in_order_and_not_without_end(domains: LinkDomains) -> None:
    assert domains.read(["b.example", "a.example", "www.b.example"]) == ("b.example", "a.example")
    assert len(domains.read(f"d{number}.example" for number in range(1000))) == MOST


@given(st.text(max_size=80))
def test_no_text_raises_and_what_is_read_is_read_the_same_again(lists: DomainLists, text: str) -> None:
    domains = LinkDomains(lists)
    found = domains.read([text])
    assert domains.read(f"[{name}]" if ":" in name else name for name in found) == found


@pytest.mark.parametrize(
    ("linked", "content", "kinds"),
    [
        ([], None, []),
        ([], " ", []),
        ([], "undefined", []),
        ([], "0000", []),
        ([], "x" * 257, []),
        ([], "x" * 256, ["content"]),
        (["facebook.com", "?"], "f1", ["content"]),
        (["a.example"], "f1", ["link_domain", "content"]),
        (["a.example", "b.example", "t.co", "www.a.example"], None, ["link_domain", "link_domain"]),
    ],
)
def test_what_a_message_says(links: Links, linked: Sequence[str], content: str | None, kinds: list[str]) -> None:
    said = links.said("u1", NOW, linked, content)
    assert [kind for kind, _ in said.keys] == kinds
    assert [links.kind_of(key) for _, key in said.keys] == kinds
    assert not any("example" in key for _, key in said.keys)


def test_content_is_the_same_behind_space_around_it(links: Links) -> None:
    assert links.said("u1", NOW, [], " f1 ").keys == links.said("u1", NOW, [], "f1").keys


def test_a_message_that_says_nothing_asks_the_store_nothing(links: Links, store: Store, rules: Policy) -> None:
    pipe = store.pipeline()
    said = links.said("u1", NOW, ["facebook.com"], None)
    entities = links.queue_said(pipe, said, rules, account_key("u1"))
    assert len(pipe) == 0
    assert entities() == []


def test_accounts_that_send_the_same_are_linked(links: Links, store: Store, rules: Policy) -> None:
    assert [entity.weight for entity in send(links, store, rules, "u1", "shop.example", content="f1")] == [0.0, 0.0]
    domain, content = send(links, store, rules, "u2", "www.shop.example", content="f1")
    for found in (domain, content):
        assert (found.accounts, found.others, found.strength, found.weight) == (2, ("u1",), "strong", 1.0)
    assert (domain.kind, content.kind) == ("link_domain", "content")
    assert domain.weight >= rules.links.bind_weight


@pytest.mark.parametrize(
    ("before", "now", "weights"),
    [
        pytest.param(["abcd"], "abcd", [1.0] * 4, id="all the same"),
        pytest.param(["a"], "axyz", [1.0, 0.0, 0.0, 0.0], id="junk nobody else uses thins nothing"),
        pytest.param(["a", "b", "c", "d"], "abcd", [0.25] * 4, id="one domain in common with each of four"),
        pytest.param(["ab", "cd"], "abcd", [0.5] * 4, id="half in common with each of two"),
        pytest.param(["abc", "d"], "abcd", [0.75, 0.75, 0.75, 0.25], id="most of it with one"),
    ],
)
def test_linked_domains_weigh_by_what_two_accounts_have_in_common(
    links: Links, store: Store, rules: Policy, before: list[str], now: str, weights: list[float]
) -> None:
    for number, letters in enumerate(before):
        send(links, store, rules, f"u{number}", *(f"{letter}.example" for letter in letters), content=f"f{number}")
    *found, content = send(links, store, rules, "me", *(f"{letter}.example" for letter in now), content="f0")
    assert [entity.weight for entity in found] == pytest.approx(weights)
    assert content.weight == 1.0


def test_evidence_decays_from_the_last_use(links: Links, store: Store, rules: Policy) -> None:
    for day in (0, 60, 30):  # the latest stands, in whatever order they arrive
        send(links, store, rules, "u1", "shop.example", at=NOW + day * DAY)
    [found] = send(links, store, rules, "u2", "shop.example", at=NOW + 90 * DAY)
    assert found.last_seen == NOW + 60 * DAY
    assert found.weight == pytest.approx(0.5)


def test_standing_stays_with_an_account_that_goes_on_sending(links: Links, store: Store, rules: Policy) -> None:
    [found] = send(links, store, rules, "u1", "shop.example")
    links.mark("u1", [found.key], abusive=True, limited=True)
    for day in range(0, 200, 50):
        send(links, store, rules, "u1", "shop.example", at=NOW + day * DAY)
    [found] = send(links, store, rules, "u2", "shop.example", at=NOW + 200 * DAY)
    assert (found.abusive, found.limited) == (1, 1)


def test_sending_again_counts_nothing_twice(links: Links, store: Store, rules: Policy) -> None:
    for _ in range(3):
        [found] = send(links, store, rules, "u1", "shop.example")
    assert (found.accounts, found.accounts_1h, found.weight) == (1, 1, 0.0)


def test_things_of_its_own_leave_no_trace_and_bind_nobody(links: Links, store: Store, rules: Policy) -> None:
    """Colleagues all link to their firm's site; what else they link to counts as ever."""
    ours = [key for _, key in links.said("", NOW, ["firm.example"], None).keys]
    for user in ("u1", "u2"):
        store.execute("HSET", account_key(user), "things", " ".join([*ours, "risk:e:l:of-something-else"]))
        assert send(links, store, rules, user, "www.firm.example") == []
        assert store.execute("EXISTS", *ours) == 0
        [other] = send(links, store, rules, user, "firm.example", "shop.example")
    assert (other.others, other.weight) == (("u1",), 1.0)
    [stranger] = send(links, store, rules, "u3", "firm.example")
    assert (stranger.accounts, stranger.others) == (1, ())


def test_a_site_that_many_link_to_binds_until_it_is_found_to_be_a_hub(
    links: Links, store: Store, rules: Policy
) -> None:
    limit = rules.links.kinds["link_domain"].hub_over
    for number in range(limit + 1):
        [found] = send(links, store, rules, f"u{number}", "forum.example", at=NOW + number * 6 * HOUR)
    assert (found.hub, len(found.others)) == (False, 8)
    at = NOW + limit * 6 * HOUR
    links.find_hub(found.key, at, rules, hub=True)
    [found] = send(links, store, rules, "one more", "forum.example", at=at + 60)
    assert (found.hub, found.weight, found.others) == (True, 0.0, ())


def test_going_on_sending_makes_nobody_come_first(links: Links, store: Store, rules: Policy) -> None:
    """Who used a site first is remembered, however often all of them link to it since."""
    for user, day in (("u1", 0), ("u2", 5), ("u1", 6), ("u2", 7), ("u1", 8)):
        [found] = send(links, store, rules, user, "shop.example", at=NOW + day * DAY)
    assert links.uses(found.key) == [("u1", NOW), ("u2", NOW + 5 * DAY)]
    assert links.accounts(found.key) == ["u1", "u2"]
    links.mark("u1", [found.key], abusive=False, limited=False, established=NOW + 4 * DAY)
    [claimant] = send(links, store, rules, "u2", "shop.example", at=NOW + 9 * DAY)
    assert (claimant.standing, claimant.holders, claimant.others) == ("claimed", ("u1",), ())
    [holder] = send(links, store, rules, "u1", "shop.example", at=NOW + 9 * DAY)
    assert (holder.standing, holder.holders, holder.others) == ("held", (), ())


def test_on_a_cluster_it_is_the_same(cluster: list[int], lists: DomainLists, rules: Policy) -> None:
    url = cluster_url(cluster)
    store = open_store(Settings.load({"REDIS_URL": url}))
    links = Links(store, b"0123456789abcdef", readers_of(lists))
    keys = [found.key for found in send(links, store, rules, "u1", "shop.example", "blog.example", content="f1")]
    links.mark_spent("u1", keys, NOW, out=True, near=False)
    bind(links, keys, on=True)
    found = send(links, store, rules, "u2", "shop.example", "blog.example", content="f1")
    assert [(entity.kind, entity.weight) for entity in found] == [
        ("link_domain", 1.0), ("link_domain", 1.0), ("content", 1.0)
    ]  # fmt: skip
    assert {(entity.bound, entity.exhausted_24h, entity.others) for entity in found} == {(True, 1, ("u1",))}
    assert links.accounts(keys[0]) == ["u2", "u1"]
    store.close()
