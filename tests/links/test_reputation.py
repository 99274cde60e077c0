"""Reputation moves with a label at once and exactly back, held against a plain count."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from riskapi.app import Service
from tests.conftest import NOW
from tests.members import members
from tests.signups import body, post

#: Accounts and what they share: all but one a network, half of them a private mail domain with one make of address.
USERS = tuple(f"u{number}" for number in range(6))
#: Kinds that are reputation and follow every label; kinds that follow it while its spread is live.
REPUTATION, ARROWS = ("asn", "network", "ip", "mail_domain", "pattern", "tld", "service"), ("device", "phone")
ACTIONS = ("abuse", "legitimate", "unknown", "undo", "apply")


def come(service: Service) -> None:
    for number, user in enumerate(USERS):
        domain = "workshop.example" if number % 2 else f"shop{number}.example"
        place = {"ip_address": "198.51.100.7" if number else "2001:db8::1", "id": f"dev-{number // 2}"}
        parts = {"email": {"address": f"ana{number}{number}@{domain}"}, "device": place}
        post(service, body(user, **parts, phone={"number": "+34600123123" if number < 3 else "+34600777888"}), NOW)


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
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
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
