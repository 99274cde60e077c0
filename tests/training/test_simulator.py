from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import maxminddb
import phonenumbers
import pytest

from riskapi.datasets.installed import DataPaths
from riskapi.inputs.signup import Signup
from training.simulator import ABUSERS, PEOPLE, Event, Networks, NetworksError, Window, World, simulate
from training.simulator.countries import BY_CODE, COUNTRIES, Country
from training.simulator.devices import browser
from training.simulator.mailboxes import alias, bulk, disposable_domains, personal, relay_domains, relayed
from training.simulator.names import fold, invent
from training.simulator.organisations import HOSTING, VPN
from training.simulator.phones import following, landline, mobile, typed
from training.simulator.timeline import DAY, basis
from training.simulator.tongues import TONGUES

WINDOW = Window(datetime(2026, 8, 24, tzinfo=UTC).timestamp(), 30)
ROWS = 1500


@pytest.fixture(scope="session")
def world(networks: Networks) -> World:
    return World(networks, WINDOW)


@pytest.fixture(scope="session")
def events(world: World) -> list[Event]:
    return simulate(world, ROWS, seed=7)


def test_the_same_seed_gives_the_same_signups(world: World, events: list[Event]) -> None:
    again = simulate(world, ROWS, seed=7)
    assert json.dumps([asdict(event) for event in again]) == json.dumps([asdict(event) for event in events])


def test_another_seed_gives_other_signups(world: World, events: list[Event]) -> None:
    other = {event.signup["email"]["address"] for event in simulate(world, 200, seed=8)}
    assert len(other & {event.signup["email"]["address"] for event in events}) < 20


_PROGRAM = """
import hashlib, json
from dataclasses import asdict
from ipaddress import ip_network
from training.simulator import Networks, Window, World, simulate
from training.simulator.organisations import wanted

class Everywhere(Networks):
    def _listed(self, asns, provider):
        return ["203.0.113.7", "203.0.113.8"]

prefixes = {asn: [ip_network("198.51.100.0/24"), ip_network("2001:db8::/32")] for asn in sorted(wanted())}
events = simulate(World(Everywhere(prefixes, None), Window(1_787_529_600.0, 20)), 250, 3)
print(hashlib.sha256(json.dumps([asdict(event) for event in events]).encode()).hexdigest())
"""


def test_the_order_of_sets_has_no_part_in_it() -> None:
    def digest(hash_seed: str) -> str:
        run = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        return run.stdout

    assert digest("1") == digest("2") != ""


def test_every_signup_is_one_the_contract_accepts(events: list[Event]) -> None:
    for event in events:
        Signup.model_validate_json(json.dumps(event.signup))


def test_signups_come_in_order_of_time_and_inside_the_window(events: list[Event]) -> None:
    times = [event.at for event in events]
    assert times == sorted(times)
    assert WINDOW.start <= times[0] and times[-1] <= WINDOW.end
    assert [event.user_id for event in events] == [f"u_{number:06d}" for number in range(1, ROWS + 1)]


def test_the_body_does_not_give_the_truth_away(events: list[Event]) -> None:
    for event in events:
        body = json.dumps(event.signup)
        assert '"truth"' not in body and f'"{event.kind}"' not in body


def test_the_share_of_abuse_is_what_is_said(events: list[Event]) -> None:
    assert 0.08 <= sum(event.truth == "abuse" for event in events) / ROWS <= 0.12


def test_abuse_is_spread_over_the_whole_time(events: list[Event]) -> None:
    abuse = [event for event in events if event.truth == "abuse"]
    late = sum(event.at > WINDOW.start + 20 * DAY for event in abuse)
    assert 0.15 <= late / len(abuse) <= 0.6


def test_every_kind_of_people_and_abusers_appears(events: list[Event]) -> None:
    assert {event.kind for event in events} == {kind.name for kind in (*PEOPLE, *ABUSERS)}


def test_some_outcomes_and_labels_are_wrong_and_many_never_come() -> None:
    chance = Random(5)
    abuse = [basis(chance, "abuse", 0.0) for _ in range(8000)]
    people = [basis(chance, "legitimate", 0.0) for _ in range(72_000)]
    wrong = sum(v.outcome != "abuse" for v in abuse) + sum(v.outcome != "legitimate" for v in people)
    assert 0.01 <= wrong / 80_000 <= 0.02
    assert 0.57 <= sum(v.label == "abuse" for v in abuse) / 8000 <= 0.63
    assert all(v.label_at is None or 0.2 * DAY <= v.label_at <= 10 * DAY for v in (*abuse, *people))
    assert sum(v.label is None for v in people) / 72_000 > 0.9


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.code)
def test_addresses_belong_to_the_networks_they_are_said_to_be_in(
    country: Country, networks: Networks, ip_data: DataPaths
) -> None:
    chance = Random(11)
    groups = [group for group in (country.consumer, country.mobile, country.education) if group]
    with maxminddb.open_database(ip_data.asn) as reader:
        for asns in groups:
            for _ in range(6):
                ip = networks.address(chance, asns, country.code, 0.3)
                record = reader.get(ip)
                assert isinstance(record, dict) and record["autonomous_system_number"] in asns
                assert networks.country(ip) in (country.code, None)


@pytest.mark.parametrize(("asns"), [HOSTING, VPN], ids=["hosting", "vpn"])
def test_hosting_and_vpn_addresses_belong_to_their_networks(
    asns: tuple[int, ...], networks: Networks, ip_data: DataPaths
) -> None:
    chance = Random(12)
    with maxminddb.open_database(ip_data.asn) as reader:
        for ip in (networks.address(chance, asns) for _ in range(20)):
            record = reader.get(ip)
            assert isinstance(record, dict) and record["autonomous_system_number"] in asns


def test_neighbours_share_a_prefix(networks: Networks) -> None:
    assert networks.neighbour(Random(1), "203.0.113.9").startswith("203.0.113.")
    assert networks.neighbour(Random(1), "2001:db8:1:2::9").startswith("2001:db8:1:")


def test_a_database_that_cannot_serve_is_refused(tmp_path: Path, ip_data: DataPaths) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")
    for path in (broken, tmp_path / "missing.mmdb"):
        with pytest.raises(NetworksError, match="cannot read"):
            Networks.load(path, None)
    with pytest.raises(NetworksError, match="lacks"):
        Networks.load(ip_data.country, None)


def test_a_conference_is_a_burst_on_one_or_two_addresses(events: list[Event]) -> None:
    halls: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.kind == "conference":
            halls[event.group].append(event)
    assert halls
    for hall in halls.values():
        assert len({event.signup["device"]["ip_address"] for event in hall}) <= 2
        assert hall[-1].at - hall[0].at < DAY


def test_a_phone_farm_has_numbers_close_to_each_other(events: list[Event]) -> None:
    farms: dict[str, list[int]] = defaultdict(list)
    for event in events:
        if event.kind == "phone_farm" and "phone" in event.signup:
            farms[event.group].append(int(event.signup["phone"]["number"][1:]))
    assert farms
    for numbers in farms.values():
        assert max(numbers) - min(numbers) < 200


def test_abusers_and_people_come_from_the_same_countries(events: list[Event]) -> None:
    single = Counter(event.country for event in events if event.kind in ("bulk_bot", "lone_fraudster", "snowshoe"))
    assert len(single) > 10


@pytest.mark.parametrize("tongue", ["english", *TONGUES])
def test_names_can_be_typed_into_a_mailbox(tongue: str) -> None:
    chance = Random(3)
    for _ in range(50):
        name = invent(chance, tongue)
        assert fold(name.given) and name.shown.strip() == name.shown


def test_people_have_digits_in_their_addresses_more_often_than_made_up_ones_need_them() -> None:
    chance, country = Random(4), BY_CODE["ES"]
    made = [personal(chance, invent(chance, "spanish"), country) for _ in range(600)]
    share = sum(any(letter.isdigit() for letter in address) for address in made) / len(made)
    assert 0.35 < share < 0.6


def test_aliases_are_one_mailbox() -> None:
    chance = Random(6)
    for _ in range(40):
        local, _, domain = alias(chance, "ana.ruiz", "gmail.com").partition("@")
        assert local.partition("+")[0].replace(".", "") == "anaruiz"
        assert domain in ("gmail.com", "googlemail.com")


def test_relays_are_never_among_the_disposable_domains() -> None:
    assert not set(relay_domains()) & set(disposable_domains())
    assert relayed(Random(1)).rpartition("@")[2] in relay_domains()
    assert bulk(Random(1), invent(Random(1), "german"), "example.org").endswith("@example.org")


@pytest.mark.parametrize("country", [country.code for country in COUNTRIES])
def test_phone_numbers_are_valid_in_their_country(country: str) -> None:
    chance = Random(9)
    for number in (mobile(chance, country), landline(chance, country)):
        assert number is not None
        assert phonenumbers.is_valid_number_for_region(phonenumbers.parse(number), country)
        parsed = phonenumbers.parse(typed(chance, number), country)
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == number


@pytest.mark.parametrize(
    ("number", "steps", "expected"),
    [("+34600000001", 1, "+34600000002"), ("+14155550199", 3, "+14155550202"), ("+39061234599", 1, "+39061234600")],
)
def test_the_following_number(number: str, steps: int, expected: str) -> None:
    assert following(number, steps) == expected


@pytest.mark.parametrize(
    ("day", "family", "mark"),
    [
        ("2026-08-26", "chrome-windows", "Chrome/152."),
        ("2026-11-18", "chrome-windows", "Chrome/158."),
        ("2026-07-10", "chrome-windows", "Chrome/150."),
        ("2026-11-11", "firefox", "Firefox/160."),
        ("2026-11-11", "safari-mac", "Version/27.0"),
        ("2026-09-01", "safari-ios", "Version/26.4"),
    ],
)
def test_browsers_follow_their_calendar(day: str, family: str, mark: str) -> None:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    assert mark in browser(Random(1), at, handset=False, family=family, lag=0).agent
