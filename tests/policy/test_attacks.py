"""Attack mode: switched on with an end, decides at once, ends by itself, and every switch is kept."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.app import Service
from riskapi.budgets.budgets import Budgets
from riskapi.errors import Problem, StoreUnavailable
from riskapi.policy.active import Basis
from riskapi.policy.attacks import LONGEST, Attacks, attack_of
from riskapi.policy.publisher import Publisher
from riskapi.policy.versions import Policies
from riskapi.sending.allowances import Allowances
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.conftest import NOW, Clock
from tests.publications import WHY, anything
from tests.signups import body, post
from tests.small_policy import good, rule

FILE = good(
    version=7,
    model={"mode": "off", "prior": 0.02},
    thresholds={"review": 40, "limit": 90.5},
    rules=[rule("tried", mode="shadow"), rule("other", mode="shadow")],
    attack={"review": 15, "limit": 95, "rules": ["tried"]},
)


@pytest.fixture
def policies(store: Store) -> Policies:
    return Policies(store, FILE)


@pytest.fixture
def publisher(policies: Policies, clock: Clock) -> Publisher:
    def load() -> Any:
        raise AssertionError("no model is wanted")

    return Publisher(policies, Basis(FILE, None, {"policy": 7, "model": None}), None, load, clock)


def test_it_tightens_and_never_loosens() -> None:
    found = FILE.attacked
    assert (found.thresholds.review, found.thresholds.limit) == (15, 90.5)
    assert [(each.name, each.mode) for each in found.rules] == [("tried", "live"), ("other", "shadow")]
    assert found.under_attack and not FILE.under_attack
    # What nothing is known of is not reviewed because of it.
    careful = good(model={"mode": "off", "prior": 0.3}, attack={"review": 15, "limit": 60})
    assert careful.attacked.thresholds.review == 31


def test_a_switch_decides_until_its_end_whatever_is_published(
    store: Store, policies: Policies, publisher: Publisher, clock: Clock
) -> None:
    attacks, plain = Attacks(store), publisher.active.basis
    mode = attacks.begin(NOW + 60, "a wave", "ana", NOW)
    publisher.follow()
    assert publisher.active.policy.under_attack and publisher.attack == mode
    assert publisher.active.basis.versions["attack"] == "2026-11-22T10:01:00.000Z"
    policies.publish(good(version=1, model={"mode": "off"}), WHY, anything)
    publisher.follow()
    assert publisher.active.policy.under_attack and publisher.active.policy.version == 8
    used = publisher.active.basis
    publisher.follow()
    assert publisher.active.basis is used
    publisher.rename({"asn": "new"})
    assert publisher.active.policy.under_attack and publisher.active.basis.versions["asn"] == "new"
    clock.now = NOW + 60
    publisher.follow()
    after = publisher.active.basis
    assert not after.policy.under_attack and "attack" not in after.versions
    assert (after.policy.version, plain.policy.version) == (8, 7)
    assert attacks.read(NOW + 60) is None


def test_it_ends_at_its_time_though_the_store_is_away(
    store: Store, policies: Policies, publisher: Publisher, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Attacks(store).begin(NOW + 60, "a wave", "ana", NOW)
    publisher.follow()

    def away() -> Any:
        raise StoreUnavailable("away")

    monkeypatch.setattr(policies, "marks", away)
    for now, on in ((NOW + 59, True), (NOW + 60, False)):
        clock.now = now
        with pytest.raises(StoreUnavailable):
            publisher.follow()
        assert publisher.active.policy.under_attack == on


def test_every_switch_is_kept(store: Store) -> None:
    attacks = Attacks(store)
    attacks.end(None, "sam", NOW)  # it is off: nothing to keep
    attacks.begin(NOW + 60, "a wave", "ana", NOW)
    attacks.begin(NOW + 90, "longer", "ana", NOW + 1)
    attacks.end("over", "sam", NOW + 2)
    assert [(each["on"], each["author"], each["note"]) for each in attacks.switched()] == [
        (False, "sam", "over"),
        (True, "ana", "longer"),
        (True, "ana", "a wave"),
    ]
    assert attacks.read(NOW) is None


@pytest.mark.parametrize("seconds", [0, -1, LONGEST + 1])
def test_an_end_that_is_over_or_too_far_is_refused(store: Store, seconds: int) -> None:
    with pytest.raises(Problem, match="until"):
        Attacks(store).begin(NOW + seconds, "why", "ana", NOW)


def test_what_is_kept_and_cannot_be_read_is_off() -> None:
    assert attack_of(b"{") is None
    assert attack_of(b'{"id":"x","at":"soon","until":1,"author":"a","note":"n"}') is None


def test_new_accounts_get_a_part_of_their_caps(service: Service, store: Store) -> None:
    """Not the established, and not those that signed up before."""
    old = post(service, body("old"), NOW - 8 * 86400)
    post(service, body("kept"), NOW)
    store.execute("HSET", account_key("kept"), "established", repr(NOW))
    Attacks(store).begin(NOW + 3600, "a wave", "ana", NOW)
    service.parts.publisher.follow()
    new = post(service, body("new"), NOW)
    assert new["versions"]["attack"]
    assert new["limits"]["daily"] == old["limits"]["daily"] // 2

    allowances = Allowances(store, Budgets(store))

    def daily(user: str) -> int:
        return allowances.of(user, service.active.policy, NOW).allowed.caps.daily

    assert [daily(user) for user in ("old", "kept", "new")] == [old["limits"]["daily"]] * 2 + [new["limits"]["daily"]]
