"""Published versions in the store, and the basis in use because of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from model.scorer import Scorer
from riskapi import policy
from riskapi.errors import ConfigurationError, Problem, StoreUnavailable
from riskapi.policy import Policy
from riskapi.policy.active import Basis
from riskapi.policy.proposals import Proposals
from riskapi.policy.publisher import Publisher
from riskapi.policy.versions import Policies, Version
from riskapi.settings import Settings
from riskapi.store.connections import Store, open_store
from riskapi.store.embedded import Embedded
from tests.publications import WHY, anything, store_version
from tests.signups import together
from tests.small_policy import good
from tests.store_servers import url as cluster_url

FILE = good(version=7, model={"mode": "off"})


def daily(number: int) -> Policy:
    return good(version=1, model={"mode": "off"}, tiers={"review": {"daily": number}})


def no_scorer() -> Scorer:
    raise ConfigurationError("model/artifact", "model", "is not there")


@pytest.fixture
def policies(store: Store) -> Policies:
    return Policies(store, FILE)


@pytest.fixture
def publisher(policies: Policies) -> Publisher:
    return published_by(policies)


def published_by(policies: Policies, model_mode: Any = None) -> Publisher:
    return Publisher(policies, Basis(FILE, None, {"policy": 7, "model": None, "asn": "x"}), model_mode, no_scorer)


def test_the_policy_of_the_file_is_in_force_until_one_is_published(policies: Policies) -> None:
    assert policies.mark() == ""
    assert policies.show() == policies.show(7)
    assert policies.show()["policy"] == FILE.model_dump(mode="json")
    assert (policies.show()["source"], policies.show()["author"], policies.show()["live"]) == ("file", "file", True)
    assert [row["version"] for row in policies.page(10)["versions"]] == [7]


def test_a_version_gets_the_next_number_and_the_file_s_policy_is_kept_too(policies: Policies, store: Store) -> None:
    made = policies.publish(daily(40), WHY, anything)
    assert (made.version, made.policy["version"], made.policy["tiers"]["review"]["daily"]) == (8, 8, 40)
    assert policies.live() == made
    assert policies.publish(daily(41), WHY, anything).version == 9
    assert policies.show(7)["policy"] == FILE.model_dump(mode="json")
    # A later start with another file changes nothing of that.
    later = Policies(store, good(version=99))
    assert later.live().version == 9
    assert [(row["version"], row["live"], row["source"]) for row in later.page(10)["versions"]] == [
        (9, True, "store"),
        (8, False, "store"),
        (7, False, "file"),
    ]
    with pytest.raises(Problem, match="no version 99"):
        later.get(99)


def test_what_was_stored_is_a_policy_again(policies: Policies) -> None:
    shipped = policy.load(policy.DEFAULT)
    policies.publish(shipped, WHY, anything)
    again = policy.check(policies.live().policy, where="store")
    assert again == shipped.model_copy(update={"version": 8})


def test_of_sixteen_who_saw_the_same_version_one_publishes(store: Store) -> None:
    every = [Policies(store, FILE) for _ in range(16)]
    for before in (7, 8, 9):
        found = together(16, partial(_publish_over, every, before))
        made = [one for one in found if isinstance(one, Version)]
        assert [one.version for one in made] == [before + 1]
        assert {one.code for one in found if isinstance(one, Problem)} == {"precondition_failed"}
        assert every[0].live() == made[0]


def _publish_over(every: list[Policies], seen: int, number: int) -> Version:
    return every[number].publish(daily(30 + number), WHY, lambda live: live == seen)


def test_sixteen_who_replace_whatever_is_there_all_get_a_number_of_their_own(store: Store) -> None:
    every = [Policies(store, FILE) for _ in range(16)]
    made = together(16, lambda n: every[n].publish(daily(30 + n), WHY, anything))
    assert sorted(one.version for one in made) == list(range(8, 24))
    for one in made:
        assert every[0].get(one.version) == one


def test_a_publication_that_is_sent_twice_is_published_once(store: Store) -> None:
    script, table = store.script("policy_publish"), ["risk:policies"]
    assert script.call(table, ["", 8, "8:a", b"first", 7, b"file"]) == 1
    assert script.call(table, ["", 8, "8:a", b"first", 7, b"file"]) == 1
    assert script.call(table, ["8:a", 9, "9:b", b"second", 7, b"file"]) == 1
    # Even when others followed before it was sent again.
    assert script.call(table, ["", 8, "8:a", b"first", 7, b"file"]) == 1
    assert script.call(table, ["8:a", 9, "9:c", b"third", 7, b"file"]) == 0
    assert store.execute("HGETALL", "risk:policies") == {
        b"7": b"file",
        b"8": b"first",
        b"9": b"second",
        b"current": b"9:b",
    }
    assert store.execute("TTL", "risk:policies") == -1


def test_versions_are_listed_page_by_page(policies: Policies) -> None:
    for number in range(5):
        policies.publish(daily(30 + number), WHY, anything)
    seen: list[int] = []
    cursor: str | None = None
    for expected in ([12, 11], [10, 9], [8, 7]):
        page = policies.page(2, cursor)
        assert [row["version"] for row in page["versions"]] == expected
        seen, cursor = seen + expected, page["next_cursor"]
    assert cursor is None
    assert policies.page(2, "7") == policies.page(2, "1") == {"versions": [], "next_cursor": None}
    assert policies.page(1, "999")["versions"][0]["version"] == 12


def test_a_version_is_compared_with_the_one_before_or_any_other(policies: Policies) -> None:
    policies.publish(daily(40), WHY, anything)
    policies.publish(daily(41), WHY, anything)
    change = {"key": "tiers.review.daily", "from": 40, "to": 41, "text": "review: a cap of 40 a day becomes 41"}
    assert policies.compare(9) == {"version": 9, "since": 8, "changes": [change]}
    assert [each["text"] for each in policies.compare(8, 9)["changes"]] == ["review: a cap of 41 a day becomes 40"]
    for number, since in ((7, None), (9, 6), (10, 9)):
        with pytest.raises(Problem, match="no version"):
            policies.compare(number, since)


def test_the_judge_follows_what_is_published_elsewhere(policies: Policies, publisher: Publisher, store: Store) -> None:
    before = publisher.active.basis
    publisher.follow()
    assert publisher.active.basis is before
    policies.publish(daily(40), WHY, anything)
    publisher.follow()
    basis = publisher.active.basis
    assert (basis.policy.tiers.review.daily, basis.versions) == (40, {"policy": 8, "model": None, "asn": "x"})
    publisher.follow()
    assert publisher.active.basis is basis
    # A store that lost the version, and was given another under its number.
    store_version(store, 8, daily(41).model_dump(mode="json"))
    publisher.follow()
    assert publisher.active.policy.tiers.review.daily == 41
    store.execute("DEL", "risk:policies")
    publisher.follow()
    assert publisher.active.basis is before


def test_who_publishes_judges_by_it_at_once(store: Store, policies: Policies, publisher: Publisher) -> None:
    publisher.publish(daily(40).model_dump(mode="json"), WHY, anything)
    assert (publisher.active.policy.version, publisher.active.policy.tiers.review.daily) == (8, 40)
    again = Proposals(store, policies, publisher).restore(7, WHY)
    assert isinstance(again, Version)
    assert (again.version, again.restores, publisher.active.policy.tiers) == (9, 7, FILE.tiers)


def test_the_version_of_a_policy_that_is_given_may_be_missing_or_nonsense(publisher: Publisher) -> None:
    given = daily(40).model_dump(mode="json")
    for version in (None, "x", 10**30):
        publisher.publish({**given, "version": version}, WHY, anything)
    del given["version"]
    assert publisher.publish(given, WHY, anything).version == 11


def test_a_broken_policy_changes_nothing(policies: Policies, publisher: Publisher) -> None:
    with pytest.raises(ConfigurationError, match=r"tiers\.review\.daily: 999999 is above"):
        publisher.publish({**daily(40).model_dump(mode="json"), "tiers": tiers(daily=999999)}, WHY, anything)
    assert policies.mark() == ""
    assert publisher.active.policy is FILE


def tiers(**review: int) -> dict[str, Any]:
    found: dict[str, Any] = FILE.tiers.model_dump(mode="json")
    found["review"] |= review
    return found


@pytest.mark.parametrize(("mode", "refused"), [("live", True), ("shadow", True), ("off", False)])
def test_a_policy_that_needs_a_model_is_refused_where_there_is_none(
    policies: Policies, publisher: Publisher, mode: str, refused: bool
) -> None:
    given = {**FILE.model_dump(mode="json"), "model": {"mode": mode, "prior": 0.02}}
    if refused:
        with pytest.raises(ConfigurationError, match=f"model.mode: {mode} needs a model"):
            publisher.publish(given, WHY, anything)
        assert policies.mark() == ""
    # The setting stands before the policy, and decides what a worker needs.
    assert published_by(policies, model_mode="off").publish(given, WHY, anything).policy["model"]["mode"] == mode


def test_a_model_the_file_did_not_need_is_loaded_once_it_is(policies: Policies, settings: Settings) -> None:
    from signals import columns

    loads: list[Scorer] = []

    def load() -> Scorer:
        loads.append(Scorer.load(settings.model_dir, columns()))
        return loads[-1]

    found = Publisher(policies, Basis(FILE, None, {"policy": 7, "model": None}), None, load)
    for mode in ("live", "off", "shadow"):
        found.publish({**FILE.model_dump(mode="json"), "model": {"mode": mode, "prior": 0.02}}, WHY, anything)
        basis = found.active.basis
        assert (basis.scorer is None) == (mode == "off") == (basis.versions["model"] is None)
    assert len(loads) == 1


UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a table is missing": ({"takeover": "(missing)"}, "takeover: is missing"),
    "a signal is gone": ({"guard": {"tier": "review", "signals": ["gone_*"]}}, r"guard.signals\[0\]: 'gone_\*'"),
    "it needs a model": ({"model": {"mode": "live", "prior": 0.02}}, "model/artifact: model: is not there"),
}


@pytest.mark.parametrize(("change", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_version_this_software_cannot_use_leaves_the_judge_who_used(
    store: Store, policies: Policies, publisher: Publisher, change: dict[str, Any], said: str
) -> None:
    publisher.publish(daily(40).model_dump(mode="json"), WHY, anything)
    used = publisher.active.basis
    content = {**daily(41).model_dump(mode="json"), **change}
    store_version(store, 9, {key: value for key, value in content.items() if value != "(missing)"})
    with pytest.raises(ConfigurationError, match=said):
        publisher.follow()
    publisher.follow()  # said once
    assert publisher.active.basis is used
    assert publisher.fault is not None and publisher.fault.startswith("version 9 cannot be used: ")
    with pytest.raises(ConfigurationError, match=r"^version 9: "):
        Proposals(store, policies, publisher).restore(9, WHY)
    # It can be read all the same, and another can be put in its place.
    assert policies.show()["version"] == 9
    assert publisher.publish(daily(42).model_dump(mode="json"), WHY, anything).version == 10
    assert publisher.active.policy.version == 10
    assert not publisher.fault


def test_a_version_that_is_named_but_not_there_is_said(store: Store, publisher: Publisher) -> None:
    store.execute("HSET", "risk:policies", "current", "9:x")
    with pytest.raises(ConfigurationError, match="policy version 9: is in force, but is not there"):
        publisher.follow()


def test_versions_are_the_same_on_a_cluster(cluster: list[int]) -> None:
    url = cluster_url(cluster)
    store = open_store(Settings.load({"REDIS_URL": url}))
    every = [Policies(store, FILE) for _ in range(8)]
    together(8, partial(_publish_over, every, 7))
    publisher = published_by(every[0])
    publisher.follow()
    assert publisher.active.policy.version == 8
    assert [row["version"] for row in every[0].page(10)["versions"]] == [8, 7]
    store.close()


def test_with_the_store_away_the_file_s_policy_judges_until_it_is_back(tmp_path: Path) -> None:
    with Embedded(tmp_path, fsync="everysec"):
        store = open_store(Settings.load({"RISKAPI_DATA_DIR": str(tmp_path)}))
        Policies(store, FILE).publish(daily(40), WHY, anything)
        store.close()
    store = open_store(Settings.load({"RISKAPI_DATA_DIR": str(tmp_path)}))
    found = published_by(Policies(store, FILE))
    with pytest.raises(StoreUnavailable):
        found.follow()
    assert found.active.policy is FILE
    with Embedded(tmp_path, fsync="everysec"):
        store.ping()
        found.follow()
        assert found.active.policy.version == 8
        store.close()
