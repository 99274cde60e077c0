"""Reputation moves with a label at once and exactly back, held against a plain count."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from riskapi.app import Service
from riskapi.errors import Problem
from riskapi.sending.grants import Message
from tests.conftest import NOW
from tests.members import members
from tests.signups import body, post

#: Accounts and what they share: all but one a network, half of them a private mail domain with one make of address.
USERS = tuple(f"u{number}" for number in range(6))
#: Kinds that are reputation and follow every label; kinds that follow it while its spread is live.
REPUTATION, ARROWS = ("asn", "network", "ip", "mail_domain", "pattern", "tld", "service", "site"), ("device", "phone")
ACTIONS = ("abuse", "legitimate", "unknown", "undo", "apply")


def come(service: Service) -> None:
    for number, user in enumerate(USERS):
        domain = "workshop.example" if number % 2 else f"shop{number}.example"
        place = {"ip_address": "198.51.100.7" if number else "2001:db8::1", "id": f"dev-{number // 2}"}
        parts = {"email": {"address": f"ana{number}{number}@{domain}"}, "device": place}
        account = {"user_id": user, "website": f"https://www.shop{number % 2}.example/about"}
        phone = {"number": "+34600123123" if number < 3 else "+34600777888"}
        post(service, body(user, **parts, account=account, phone=phone), NOW)


def counted(service: Service) -> dict[tuple[str, str], set[str]]:
    """Who counts as abusive at each thing, as the store has it."""
    found: dict[tuple[str, str], set[str]] = {}
    for user in USERS:
        for kind, key in service.accounts.standing(user).entities.items():
            if kind in (*REPUTATION, *ARROWS):
                found[kind, key] = {name[1:] for name in members(service.store, key) if name.startswith("!")}
    return found


def recounted(service: Service, abusive: set[str], felt: set[str]) -> dict[tuple[str, str], set[str]]:
    """The same, counted plainly."""
    found: dict[tuple[str, str], set[str]] = {}
    for user in USERS:
        for kind, key in service.accounts.standing(user).entities.items():
            if kind in (*REPUTATION, *ARROWS):
                bad = felt if kind in ARROWS else abusive
                found.setdefault((kind, key), set()).update({user} & bad)
    return found


@given(st.lists(st.tuples(st.sampled_from(USERS), st.sampled_from(ACTIONS)), max_size=12))
@hypothesis_settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], derandomize=True
)
def test_any_order_of_labels_leaves_what_a_recount_gives(service: Service, steps: list[tuple[str, Any]]) -> None:
    labels = service.parts.labels
    if not service.store.execute("DBSIZE"):
        service.recover(NOW)
    come(service)
    none = recounted(service, set(), set())
    abusive, felt = set[str](), set[str]()
    assert counted(service) == none
    for at, (user, action) in enumerate(steps, 1):
        if action in ("undo", "apply"):
            if user in abusive:
                labels.spread(user, action, "ana", NOW + at)
                felt = felt | {user} if action == "apply" else felt - {user}
            continue
        labels.add(user, action, "external", None, "ana", NOW + at)
        abusive, felt = ({*names, user} if action == "abuse" else names - {user} for names in (abusive, felt))
        assert counted(service) == recounted(service, abusive, felt)
    assert counted(service) == recounted(service, abusive, felt)
    budgets = {name: service.store.execute("HGET", f"risk:b:{{b}}:{name}", "bad") == b"1" for name in USERS}
    assert {name for name, bad in budgets.items() if bad} == felt
    for user in USERS:
        labels.add(user, "unknown", "external", None, "ana", NOW + 100)
    assert counted(service) == none


def test_the_next_signup_feels_it_at_once_and_no_longer_when_it_is_reversed(service: Service) -> None:
    come(service)

    def rates() -> tuple[float | None, ...]:
        """What a newcomer at the same place and domain would be told of them."""
        signup = body("next", email={"address": "eva@workshop.example"}, device={"ip_address": "198.51.100.8"})
        parsed = service.gatherer.parse(signup, NOW + 50)
        found = service.gatherer.gather("next", parsed.facts, service.active.policy, add=False).facts.reputation
        assert found is not None
        return found.asn, found.network, found.domain

    before = rates()
    for user in ("u1", "u3"):
        service.parts.labels.add(user, "abuse", "external", None, "ana", NOW + 1)
    after = rates()
    assert all(now > was for now, was in zip(after, before, strict=True) if now is not None and was is not None)
    for user in ("u1", "u3"):
        service.parts.labels.add(user, "unknown", "external", None, "ana", NOW + 2)
    assert rates() == before


LINKED = ("pills.example", "shop.example", "t.co", "gardens.example")


def bad_at(service: Service, domain: str) -> set[str]:
    """Who counts as abusive at a linked domain."""
    names = members(service.store, service.parts.assessor._links.entity_key("site", domain))
    return {name[1:] for name in names if name.startswith("!")}


def send(service: Service, user: str, domain: str, at: float) -> None:
    service.parts.grants.send(user, 1, Message((f"https://www.{domain}/x",)), at)


@given(st.lists(st.tuples(st.sampled_from(USERS), st.sampled_from((*LINKED, "abuse", "unknown"))), max_size=16))
@hypothesis_settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], derandomize=True
)
def test_what_mail_links_to_follows_every_label_and_gives_what_a_recount_gives(
    service: Service, steps: list[tuple[str, str]]
) -> None:
    for user in USERS:
        post(service, body(user), NOW)
        service.parts.labels.add(user, "unknown", "external", None, "ana", NOW)
    before = {domain: set[str]() for domain in LINKED}
    linked = {domain: set(sites_of(service, domain)) for domain in LINKED}
    abusive = set[str]()
    for at, (user, action) in enumerate(steps, 1):
        if action in LINKED:
            send(service, user, action, NOW + at)
            if action != "t.co":  # everybody's
                linked[action].add(user)
        else:
            service.parts.labels.add(user, action, "external", None, "ana", NOW + at)  # type: ignore[arg-type]
            abusive = {*abusive, user} if action == "abuse" else abusive - {user}
        assert {domain: bad_at(service, domain) for domain in LINKED} == {
            domain: linked[domain] & abusive for domain in LINKED
        }
    for user in USERS:
        service.parts.labels.add(user, "unknown", "external", None, "ana", NOW + 100)
    assert {domain: bad_at(service, domain) for domain in LINKED} == before


def sites_of(service: Service, domain: str) -> list[str]:
    return service.parts.assessor._links.accounts(service.parts.assessor._links.entity_key("site", domain))


def told(service: Service, site: str, user: str = "next", at: float = NOW + 50, **parts: Any) -> float | None:
    """What a newcomer with this website would be told of it."""
    signup = body(user, account={"user_id": user, "website": site}, **parts)
    parsed = service.gatherer.parse(signup, at)
    found = service.gatherer.gather(user, parsed.facts, service.active.policy, add=False).facts.reputation
    assert found is not None
    return found.link_domain


def ring(service: Service, domain: str, count: int = 5) -> None:
    """Accounts found abusive that linked to a domain."""
    for number in range(count):
        post(service, body(f"bad{number}"), NOW)
        send(service, f"bad{number}", domain, NOW + 1)
        service.parts.labels.add(f"bad{number}", "abuse", "external", None, "ana", NOW + 2)


class TestALinkedDomain:
    def test_a_linked_domain_asks_for_a_look_at_the_next_signup_and_no_longer_when_it_is_reversed(
        self, service: Service
    ) -> None:
        ring(service, "pills.example")
        website = {"account": {"user_id": "next", "website": "pills.example"}}
        answer = post(service, body("next", **website), NOW + 50)
        assert [reason["code"] for reason in answer["reasons"]] == ["ABUSIVE_SITE"] and answer["decision"] == "review"
        for number in range(5):
            service.parts.labels.add(f"bad{number}", "unknown", "external", None, "ana", NOW + 60)
        website = {"account": {"user_id": "later", "website": "pills.example"}}
        assert post(service, body("later", **website), NOW + 70)["decision"] == "allow"

    def test_a_linked_domain_is_suspected_by_what_signups_gave_as_their_website_too(self, service: Service) -> None:
        before = told(service, "pills.example")
        post(service, body("bad", account={"user_id": "bad", "website": "http://pills.example"}), NOW)
        service.parts.labels.add("bad", "abuse", "external", None, "ana", NOW + 1)
        after = told(service, "https://shop.pills.example/")
        assert before is not None and after is not None and after > before

    def test_a_linked_domain_that_everybody_links_to_says_nothing(self, service: Service) -> None:
        ring(service, "facebook.com")
        assert told(service, "https://facebook.com/ruiz") is None

    def test_a_linked_domain_of_an_established_customer_is_not_convicted_by_strangers(self, service: Service) -> None:
        post(service, body("customer"), NOW - 9)
        service.accounts.establish("customer", NOW - 8, "reviewer", service.active.policy)
        send(service, "customer", "ruiz.example", NOW - 7)
        ring(service, "ruiz.example")
        assert (told(service, "ruiz.example") or 1) < 0.03, "no more than the platform's own rate"

    def test_a_linked_domain_is_not_held_against_whoever_proved_a_mailbox_there(self, service: Service) -> None:
        ring(service, "ruiz.example")
        claimed, proved = ({"address": "eva@ruiz.example", "verified": said} for said in (None, True))
        assert (told(service, "ruiz.example", email=claimed) or 0) > 0.1
        assert told(service, "ruiz.example", email=proved) is None

    def test_a_domain_links_nobody_who_only_gives_it_as_a_website(self, service: Service) -> None:
        for user in ("one", "two"):
            answer = post(service, body(user, account={"user_id": user, "website": "ruiz.example"}), NOW)
        assert answer["linkage"]["cluster_id"] is None and not answer["linkage"]["evidence"]

    def test_an_account_with_too_many_linked_domains_leaves_the_oldest(self, service: Service) -> None:
        post(service, body("bad"), NOW)
        for at in range(5):
            links = tuple(f"shop{at}-{number}.example" for number in range(50))
            service.parts.grants.send("bad", 1, Message(links), NOW + at)
        service.parts.labels.add("bad", "abuse", "external", None, "ana", NOW + 9)
        assert bad_at(service, "shop4-1.example") == {"bad"} and not sites_of(service, "shop0-1.example")

    def test_a_domain_that_a_stranger_links_to_leaves_no_trace(self, service: Service) -> None:
        with pytest.raises(Problem):
            send(service, "nobody", "pills.example", NOW)
        assert not sites_of(service, "pills.example")
        assert not service.store.execute("KEYS", "risk:aw:*")
