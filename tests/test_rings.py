from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

import pytest
from rich.console import Console

from riskapi import policy
from riskapi.data import DataPaths
from riskapi.signup import Signup
from training.dataset import DatasetError
from training.report import Report
from training.rings import Account, Caps, Group, Scene, Tally, caps, compare, judge, show, stage, trial_policy
from training.rings.bonds import BONDS, EVASIONS
from training.rings.crowds import CROWDS
from training.simulator import DAY, Networks
from training.simulator.timeline import HOUR

SHIPPED = (Path(__file__).resolve().parents[1] / "riskapi" / "policy.toml").read_text()
CAPS = caps(SHIPPED)
START = 1_787_529_600.0
#: Where a window is counted in steps, a spend counts for up to a step longer. The coarsest is what is allowed for.
GRAINS = {HOUR: 60.0, DAY: 900.0, 30 * DAY: 21_600.0}


@pytest.fixture(scope="module")
def networks(ip_data: DataPaths) -> Networks:
    return Networks.load(ip_data.asn, ip_data.country)


@pytest.fixture(scope="module")
def scene(networks: Networks) -> Scene:
    crowds = [replace(crowd, size=150 if "(US)" in crowd.what else 12) for crowd in CROWDS]
    return stage(networks, CAPS, START, 3, 1, sizes=(1, 8), evasions=(), crowds=crowds)


@pytest.mark.parametrize("mode", ["off", "live"])
def test_a_trial_leaves_nothing_but_caps(mode: Literal["off", "live"]) -> None:
    made = policy.load(trial_policy(SHIPPED, mode).encode())
    assert made.clusters.mode == mode and made.model.mode == "off" and made.tiers.allow.steps == ()
    assert made.rules and {rule.mode for rule in made.rules} == {"off"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not toml",
        '[clusters]\nfactor = 1.5\n[model]\nmode = "live"\n',
        '[clusters]\nmode = "live"\n[model]\nprior = 0.02\n',
        '[clusters]\nmode = "live"\n[model]\nmode = "live"\n[[rules]]\nname = "a"\n',
        "clusters = 3\nmodel = []\nrules = 4\n",
    ],
)
def test_a_policy_that_a_trial_cannot_be_made_of_is_refused(text: str) -> None:
    with pytest.raises(DatasetError, match="the policy"):
        trial_policy(text, "off")


@pytest.mark.parametrize("text", ["", "tiers = 1", "[tiers.allow]\nhourly = 1\n", "[tiers.allow]\nhourly = []"])
def test_a_policy_without_caps_is_refused(text: str) -> None:
    with pytest.raises(DatasetError, match="the policy"):
        caps(text)


def test_caps_are_those_of_allow() -> None:
    assert caps(SHIPPED) == Caps(200, 500, 5000)


def test_the_same_seed_stages_the_same_scene(networks: Networks) -> None:
    def staged(seed: int) -> str:
        return json.dumps(asdict(stage(networks, CAPS, START, 2, seed, sizes=(3,), evasions=(), crowds=CROWDS[-2:])))

    assert staged(1) == staged(1) != staged(2)


@pytest.mark.parametrize("days", [1, 3, 11, 30])
def test_every_account_keeps_under_its_own_caps_whenever_one_looks(networks: Networks, days: int) -> None:
    crowds = [replace(crowd, size=6) for crowd in CROWDS]
    scene = stage(networks, CAPS, START, days, 1, sizes=(6,), evasions=(), crowds=crowds)
    limits = {HOUR: CAPS.hourly, DAY: CAPS.daily, 30 * DAY: CAPS.monthly}
    for account in accounts(scene):
        assert account.sends and account.at < account.sends[0].at and account.sends[-1].at < scene.end
        for window, limit in limits.items():
            for last in account.sends:
                recent = [s.recipients for s in account.sends if last.at - window - GRAINS[window] < s.at <= last.at]
                assert 0 < sum(recent) <= limit


def test_an_account_of_a_ring_asks_for_nine_tenths_of_its_own_cap(scene: Scene) -> None:
    alone = [group for group in scene.groups if group.kind == "ring" and group.size == 1]
    assert len(alone) == len(BONDS)
    assert {group.asked for group in alone} == {int(0.9 * CAPS.daily) * 3}


def test_signups_and_sends_are_what_the_contract_accepts(scene: Scene) -> None:
    for account in accounts(scene):
        signup = Signup.model_validate_json(json.dumps(account.signup))
        assert signup.account.user_id == account.user_id
        assert all({"from_domain", "link_domains", "fingerprint"} == set(send.message) for send in account.sends)


def test_an_account_shares_with_others_of_its_ring_what_holds_the_ring_and_nothing_else(scene: Scene) -> None:
    for group in scene.groups:
        if group.kind != "ring" or group.size == 1:
            continue
        shared = Counter(thing for account in group.accounts for thing in traits(account))
        several = {thing for thing, count in shared.items() if count > 1}
        assert len(several) == 1 and shared[several.pop()] == group.size, group.name


def test_strangers_share_no_mailbox_device_card_or_site(scene: Scene) -> None:
    owners: dict[str, set[str]] = {}
    for account in accounts(scene):
        for thing in traits(account):
            if not thing.startswith("phone"):  # the one at the desk of an office
                owners.setdefault(thing, set()).add(account.actor)
    assert {thing: actors for thing, actors in owners.items() if len(actors) > 1} == {}


def test_a_growing_ring_opens_accounts_while_the_first_ones_send(scene: Scene) -> None:
    growing = next(group for group in scene.groups if "one by one" in group.what and group.size > 1)
    opened = [account.at for account in growing.accounts]
    assert opened == sorted(opened) and opened[-1] > growing.accounts[0].sends[-1].at - DAY
    aged = next(group for group in scene.groups if "a month old" in group.what)
    assert max(account.at for account in aged.accounts) < scene.opened - 30 * DAY


def accounts(scene: Scene) -> list[Account]:
    return [account for group in scene.groups for account in group.accounts]


def traits(account: Account) -> set[str]:
    """What the account could be linked by, that people do not share by chance."""
    local, _, domain = account.signup["email"]["address"].partition("@")
    mailbox = local.partition("+")[0].replace(".", "").lower() + "@" + domain.replace("googlemail", "gmail")
    found = {
        "mailbox": mailbox,
        "phone": account.signup.get("phone", {}).get("number"),
        "device": account.signup["device"].get("id"),
        "card": account.signup.get("payment", {}).get("fingerprint"),
    }
    traits = {f"{kind} {value}" for kind, value in found.items() if value is not None}
    for send in account.sends:
        traits.add(f"text {send.message['fingerprint']}")
        traits.update(f"site {site}" for site in send.message["link_domains"] if site.endswith(".example"))
    return traits


def group(kind: str, what: str, size: int) -> Group:
    return Group(kind, what, (Account("u", 0.0, {}, "a", ()),) * size)  # type: ignore[arg-type]


def tallies(groups: list[Group], *granted: int, wrong: int = 0) -> dict[str, Tally]:
    found = {each.name: Tally(count) for each, count in zip(groups, granted, strict=True)}
    for tally in found.values():
        tally.wrong = wrong
    return found


@pytest.mark.parametrize(
    ("granted", "holds"),
    [((100, 150), True), ((100, 200), True), ((100, 201), False), ((0, 0), False), ((0, 50), False)],
)
def test_a_ring_may_get_twice_what_one_account_gets(granted: tuple[int, int], holds: bool) -> None:
    groups = [group("ring", "a device", 1), group("ring", "a device", 100)]
    verdicts = judge(groups, tallies(groups, 100, 9000), tallies(groups, *granted))
    assert verdicts[1].holds is holds


def test_an_evasion_is_compared_with_any_account_alone_and_always_holds() -> None:
    groups = [group("ring", "a device", 1), group("evasion", "ten link domains", 100)]
    verdicts = judge(groups, tallies(groups, 100, 10_000), tallies(groups, 100, 9000))
    assert verdicts[1].holds and verdicts[1].multiple == 90


@pytest.mark.parametrize(
    ("kind", "granted", "wrong", "holds"),
    [("crowd", 900, 0, True), ("crowd", 899, 0, False), ("crowd", 900, 1, False), ("firm", 500, 3, True)],
)
def test_a_crowd_may_lose_nothing_and_nobody_be_in_a_wrong_cluster(
    kind: str, granted: int, wrong: int, holds: bool
) -> None:
    groups = [group(kind, "office", 3)]
    (verdict,) = judge(groups, tallies(groups, 900), tallies(groups, granted, wrong=wrong))
    assert verdict.holds is holds and verdict.multiple is None


@pytest.mark.parametrize(
    ("ring", "last"),
    [
        (2000, "PASS: no ring gets more than 2 × one account, no crowd loses anything (simulated)"),
        (9000, "FAIL: a link domain (100) (simulated)"),
    ],
)
def test_what_is_printed(tmp_path: Path, ring: int, last: str) -> None:
    groups = [group("ring", "a link domain", 1), group("ring", "a link domain", 100), group("crowd", "campus", 300)]
    live = tallies(groups, 1350, ring, 5400)
    live[groups[1].name].clusters = {"clu_1": 100}
    with (tmp_path / "out").open("w") as file:
        verdicts = judge(groups, tallies(groups, 1350, 135_000, 5400), live)
        show(verdicts, 3, Report(Console(file=file, width=80), "simulated"))
    text = (tmp_path / "out").read_text()
    row = next(line for line in text.splitlines() if "100" in line and "link domain" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    multiple, verdict = ("1.48", "PASS") if ring == 2000 else ("6.67", "FAIL")
    assert cells == ["a link domain", "100", "135,000", f"{ring:,}", multiple, "1 / 100", verdict]
    assert text.splitlines()[-1] == last


def test_tables_fit_a_narrow_terminal(tmp_path: Path) -> None:
    groups = [group("ring", bond.name, 100) for bond in BONDS] + [
        group("evasion", bond.name, 250) for bond, _ in EVASIONS
    ]
    groups += [group(crowd.kind, crowd.what, crowd.size) for crowd in CROWDS]
    amounts = tallies(groups, *(each.size * 1350 for each in groups))
    with (tmp_path / "out").open("w") as file:
        show(judge(groups, amounts, amounts), 3, Report(Console(file=file, width=80), "simulated"))
    assert "…" not in (tmp_path / "out").read_text()


@pytest.mark.slow
def test_a_small_ring_gets_little_more_than_one_account_and_small_crowds_lose_nothing(
    networks: Networks, ip_data: DataPaths
) -> None:
    crowds = [replace(crowd, size=12) for crowd in CROWDS if crowd.kind == "crowd"]
    scene = stage(networks, CAPS, START, 1, 1, sizes=(1, 5), evasions=(), crowds=crowds)
    off, live = compare(scene, SHIPPED, (ip_data.asn, ip_data.country), Console(quiet=True))
    for verdict in judge(scene.groups, off, live):
        assert verdict.off.granted == verdict.group.asked, verdict.group.name
        assert verdict.holds, verdict
        if verdict.group.kind == "ring" and verdict.group.size == 5:
            assert list(verdict.live.clusters.values()) == [5], verdict
