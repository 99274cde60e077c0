import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.inputs.email import MailReader
from signals.email import NEEDS
from signals.facts import Account, Email, Facts
from signals.registry import Readings, registered
from tests.active_readers import shipped
from tests.signals.reading import alone

READER = MailReader(shipped())
SIGNALS = {name: found for name, found in registered().items() if found.family == "email"}


def read(address: str, **account: str) -> Readings:
    facts = Facts(at=0.0, account=Account(**account), email=READER.read(address))
    return {name: alone(found, facts) for name, found in SIGNALS.items()}


@pytest.mark.parametrize(
    ("address", "signal", "value"),
    [
        ("ana@mailinator.com", "email_is_disposable", True),
        ("ana@mozmail.com", "email_is_disposable", False),
        ("ana@mozmail.com", "email_is_relay", True),
        ("ana@gmail.com", "email_is_free", True),
        ("ana@gmail.com", "email_is_private_domain", False),
        ("ana@ruiz.example", "email_is_private_domain", True),
        ("ana@mozmail.com", "email_is_private_domain", False),
        ("ana@gmail.com", "email_provider", "google"),
        ("ana@hotmail.fr", "email_provider", "microsoft"),
        ("x@ana.fastmail.com", "email_provider", "fastmail"),
        ("ana@ruiz.example", "email_provider", "other"),
        ("ana@ruiz.co.uk", "email_suffix", "co.uk"),
        ("info+x@ruiz.example", "email_is_role", True),
        ("ana@ruiz.example", "email_is_role", False),
        ("test.account@ruiz.example", "email_has_throwaway_word", True),
        ("ana+test@ruiz.example", "email_has_throwaway_word", True),
        ("contest@ruiz.example", "email_has_throwaway_word", False),
        ("12wj1a05b2@ruiz.example", "email_looks_generated", False),
        ("198w1a05h4@ruiz.example", "email_looks_generated", False),
        ("20b81a05c3@gmail.com", "email_looks_generated", False),
        ("2019a7ps0123p@ruiz.example", "email_looks_generated", False),
        ("21bq5x7k9@kerr.ac.in", "email_looks_generated", False),
        ("21bq5x7k9@kerr.edu", "email_looks_generated", False),
        ("21bq5x7k9@ruiz.example", "email_looks_generated", True),
        ("x1bq5x7k9@kerr.edu", "email_looks_generated", True),
        ("a7k2m9x4q1@ruiz.example", "email_looks_generated", True),
        ("12wj1a05bz@ruiz.example", "email_looks_generated", True),
        ("ana+shop@gmail.com", "email_has_tag", True),
        ("ana+shop@gmail.com", "email_local_length", 3),
        ("ana+shop@gmx.de", "email_has_tag", False),
        ("ana1@gmail.com", "email_digit_share", 0.25),
        ("ana-84@gmail.com", "email_trailing_digits", 2),
        ("ana1984@gmail.com", "email_ends_with_year", True),
        ("a.n-a@gmail.com", "email_separators", 2),
        ("a7k2m9@gmail.com", "email_alternations", 5),
        ("aaaab@gmail.com", "email_repeated_run", 4),
        ("asdfgh@gmail.com", "email_keyboard_walk", 6),
        ("john.smith@gmail.com", "email_known_word_share", 1.0),
        ("иван@ruiz.example", "email_known_word_share", None),
        ("10203040@qq.com", "email_likelihood", None),
        ("strnad@gmail.com", "email_consonant_run", 4),
        ("deadbeef00ff1122@gmail.com", "email_is_hexadecimal", True),
        ("deadbeef00ff1122@mozmail.com", "email_is_hexadecimal", False),
        ("ana@gmaill.com", "email_is_near_miss", True),
        ("ana@bücher.example", "email_domain_is_idn", True),
        ("ana@bücher.example", "email_domain_entropy", math.log2(6)),
        ("ana@東京.example", "email_domain_entropy", 1.0),
        ("ana@bücher.example", "email_domain_likelihood", None),
        ("ana@pаypal.example", "email_has_mixed_scripts", True),
        ("аna@ruiz.example", "email_has_mixed_scripts", True),
        ("ana@пример.рф", "email_has_mixed_scripts", False),
        ("ana@аррӏе.com", "email_is_homograph", True),
        ("ana@xn--80ak6aa92e.com", "email_is_homograph", True),
        ("ana@пример.рф", "email_is_homograph", False),
        ("ana@пример.example", "email_is_homograph", False),
        ("ana@bücher.example", "email_is_homograph", False),
        ("ana@mail.ruiz.example", "email_subdomains", 1),
        ("ana@mail.ruiz-2.example", "email_domain_length", 6),
        ("ana@mail.ruiz-2.example", "email_domain_hyphens", 1),
        ("ana@ruiz24.example", "email_domain_digit_share", 1 / 3),
        ("ana@github.io", "email_domain_length", None),
        ("ana@mail.bücher24.example", "email_domain_length", 8),
        ("ana@bücher.example", "email_domain_hyphens", 0),
        ("ana@東京.example", "email_domain_digit_share", 0.0),
    ],
    ids=lambda found: ascii(found)[:40],
)
def test_readings(address: str, signal: str, value: object) -> None:
    assert read(address)[signal] == value


@pytest.mark.parametrize("domain", ["qq.com", "163.com", "telia.com", "mozmail.com", "mailinator.com"])
def test_the_name_of_a_public_provider_says_nothing_of_its_customers(domain: str) -> None:
    readings = read(f"ana@{domain}")
    chosen = ("length", "digit_share", "entropy", "likelihood", "hyphens")
    assert {readings[f"email_domain_{measure}"] for measure in chosen} == {None}


@pytest.mark.parametrize(
    "local",
    ["ana.ruiz", "krzysztof.brzeczyszczykiewicz", "10203040", "mark1984", "xuezhang", "用户", "strc.prst", "zdenek1"],
)
def test_people_do_not_look_generated(local: str) -> None:
    assert read(f"{local}@gmail.com")["email_looks_generated"] is False


@pytest.mark.parametrize("local", ["xkqzjvwp", "a7k2m9qw1", "deadbeef00ff1122", "wfqpzxhk42"])
def test_random_text_looks_generated(local: str) -> None:
    assert read(f"{local}@gmail.com")["email_looks_generated"] is True


@pytest.mark.parametrize("local", ["xkqzjvwp", "a7k2m9qw1", "dpdnwm7y2b"])
def test_a_relay_is_never_held_against_anybody(local: str) -> None:
    readings = read(f"{local}@privaterelay.appleid.com", name="Ana Ruiz")
    assert readings["email_looks_generated"] is False
    assert readings["email_name_agreement"] is None
    assert SIGNALS["email_is_relay"].risk == -1


@pytest.mark.parametrize(
    "name",
    [
        "email_likelihood",
        "email_known_word_share",
        "email_consonant_run",
        "email_vowel_share",
        "email_domain_is_idn",
        "email_name_agreement",
        "email_digit_share",
    ],
)
def test_what_depends_on_language_has_no_direction(name: str) -> None:
    assert SIGNALS[name].risk == 0


@pytest.mark.parametrize(
    ("address", "account", "signal", "value"),
    [
        ("ana.ruiz@gmail.com", {"name": "Ana Ruiz"}, "email_name_agreement", 1.0),
        ("ana.ruiz+shop@gmail.com", {"name": "Ana Ruiz"}, "email_name_agreement", 1.0),
        ("info@ruiz.example", {"name": "Ana Ruiz"}, "email_name_agreement", None),
        ("ivan@ruiz.example", {"name": "Иван"}, "email_name_agreement", None),
        ("ana@gmail.com", {}, "email_name_agreement", None),
        ("ana@ruiz.example", {"organization": "Ruiz Ceramics"}, "email_organization_agreement", 1.0),
        ("ana@gmail.com", {"organization": "Gmail"}, "email_organization_agreement", None),
        ("ana@ruiz.example", {"website": "https://www.ruiz.example/shop"}, "email_matches_website", True),
        ("ana@mail.ruiz.example", {"website": "shop.ruiz.example"}, "email_matches_website", True),
        ("ana@bücher.example", {"website": "https://bücher.example:8080"}, "email_matches_website", True),
        ("ana@mail.bücher.example", {"website": "xn--bcher-kva.example"}, "email_matches_website", True),
        ("ana@bücher.example", {"organization": "Bücher GmbH"}, "email_organization_agreement", 1.0),
        ("ana@東京.example", {"organization": "Tokyo"}, "email_organization_agreement", None),
        ("ana@ruiz.example", {"website": "https://other.example?ruiz.example"}, "email_matches_website", False),
        ("ana@ruiz.example", {"website": "evilruiz.example"}, "email_matches_website", False),
        ("ana@ruiz.example", {"website": "\x00"}, "email_matches_website", False),
        ("ana@gmail.com", {"website": "gmail.com"}, "email_matches_website", None),
    ],
    ids=str,
)
def test_readings_that_compare(address: str, account: dict[str, str], signal: str, value: object) -> None:
    assert read(address, **account)[signal] == value


def test_an_address_that_cannot_be_parsed_is_unknown_but_for_validity() -> None:
    readings = read("no address at all", name="Ana")
    assert readings.pop("email_is_valid") is False
    assert set(readings.values()) == {None}


def test_every_sentence_takes_its_value() -> None:
    readings = read("ana.ruiz@ruiz.example", name="Ana Ruiz", organization="Ruiz", website="ruiz.example")
    assert None not in readings.values()
    for name, value in readings.items():
        assert SIGNALS[name].text(value)


def test_there_are_enough_signals_and_they_are_pure() -> None:
    assert len(SIGNALS) >= 30
    assert NEEDS == ("/email/address",)
    assert read("ana@ruiz.example") == read("ana@ruiz.example")


@given(
    st.text(st.characters(codec=None), max_size=80) | st.builds("{}@{}.example".format, st.text(), st.text()), st.text()
)
def test_no_address_makes_a_signal_raise(address: str, other: str) -> None:
    facts = Facts(at=0.0, account=Account(other, other, other), email=READER.read(address))
    for found in SIGNALS.values():
        value = alone(found, facts)
        assert value is None or type(value).__name__ == found.type


@given(st.builds(Email, given=st.text(), valid=st.booleans(), local=st.text(), domain=st.text(), tag=st.text()))
def test_half_known_addresses_are_read(address: Email) -> None:
    for found in SIGNALS.values():
        alone(found, Facts(at=0.0, account=Account("a", "b", "c"), email=address))
