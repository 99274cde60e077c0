"""Declaring signals: what is refused, and what one declaration gives."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator
from dataclasses import replace

import pytest

import signals
from riskapi.inputs.optional import not_provided
from riskapi.inputs.signup import Signup
from signals import registry
from signals.facts import Account, Email, Facts
from tests.signals.reading import alone

FACTS = Facts(at=0.0, account=Account(), email=Email(given="x", valid=False), missing={"/phone/number": "not_provided"})


@pytest.fixture
def declare() -> Iterator[types.ModuleType]:
    """A family named ``sample`` whose declarations are forgotten afterwards."""
    module = types.ModuleType("signals.sample")
    sys.modules["signals.sample"] = module
    before = dict(registry._SIGNALS)
    exec("from signals.registry import signal\nfrom signals.facts import Facts", module.__dict__)
    yield module
    registry._SIGNALS.clear()
    registry._SIGNALS.update(before)
    registry._unknown.cache_clear()
    registry._reader.cache_clear()
    registry.schema.cache_clear()
    registry._causes.cache_clear()
    registry._blameless.cache_clear()
    del sys.modules["signals.sample"]


GOOD = '''
@signal(reason="{value} so", risk=+1)
def sample_count(facts: Facts) -> int | None:
    """Count."""
    return 3
'''


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (GOOD + "\n" + GOOD, "declared twice"),
        (GOOD.replace('"""Count."""', "pass"), "has no docstring"),
        (GOOD.replace("sample_count", "other_count"), "must be named sample_"),
        (GOOD.replace("int | None", "list"), "expected one of"),
        (GOOD.replace("int | None", "int | str"), "expected one of"),
        (GOOD.replace("int | None", "str | None"), "text cannot be a column"),
        (GOOD.replace("int | None", "bool | None"), "a text for true and one for false"),
        (GOOD.replace("int | None", "bool").replace("{value} so", "so"), "a text for true and one for false"),
        (GOOD.replace("int | None", "bool").replace("{value}", "{value} {value:a|b}"), "a text for true and one"),
        (GOOD.replace("{value}", "{value"), "cannot be formatted"),
        (GOOD.replace("{value}", "{count}"), "cannot be formatted"),
        (GOOD.replace("{value}", "{value!r}"), "cannot be formatted"),
        (GOOD.replace("{value}", "{}"), "cannot be formatted"),
        (GOOD.replace("{value}", "{value:ms}"), "cannot be formatted"),
    ],
    ids=[
        "twice",
        "no docstring",
        "prefix",
        "no plain value",
        "two types",
        "text as column",
        "True or False",
        "bool unsaid",
        "bool said and printed",
        "open brace",
        "unknown field",
        "another form of it",
        "no field",
        "unknown format",
    ],
)
def test_a_bad_declaration_stops_the_import(declare: types.ModuleType, source: str, said: str) -> None:
    with pytest.raises(registry.SignalError, match=said):
        exec(source, declare.__dict__)


def test_one_declaration_gives_everything(declare: types.ModuleType) -> None:
    declare.__dict__["NEEDS"] = ("/phone/number",)
    exec(GOOD, declare.__dict__)
    found = registry.registered()["sample_count"]
    assert (found.family, found.type, found.code, found.is_column) == ("sample", "int", "SAMPLE_COUNT", True)
    assert found.text(3) == "3 so"
    assert found.cause(FACTS) is None
    assert "sample_count" in registry.columns()


ONCE = '''
asked = []
def name_of(facts: Facts) -> str | None:
    asked.append(facts)
    return facts.account.name

@signal(of=name_of, reason="{value} so", risk=+1)
def sample_length(name: str) -> int:
    """Length."""
    return len(name)

@signal(reason="{value} at", risk=+1)
def sample_at(facts: Facts) -> float:
    """Time."""
    return facts.at

@signal(of=name_of, reason="{value:is|not}", risk=+1)
def sample_is_ana(name: str) -> bool:
    """Ana."""
    return name == "Ana"
'''


@pytest.mark.parametrize(("name", "length", "is_ana"), [("Ana", 3, True), ("", 0, False), (None, None, None)])
def test_what_several_signals_need_is_worked_out_once(
    declare: types.ModuleType, name: str | None, length: int | None, is_ana: bool | None
) -> None:
    exec(ONCE, declare.__dict__)
    readings = signals.read(replace(FACTS, account=Account(name=name)))
    assert list(readings) == list(signals.registered())
    assert list(readings.items())[-3:] == [("sample_length", length), ("sample_at", 0.0), ("sample_is_ana", is_ana)]
    assert len(declare.__dict__["asked"]) == 1
    assert alone(registry.registered()["sample_length"], replace(FACTS, account=Account(name=name))) == length


@pytest.mark.parametrize(
    ("missing", "cause"),
    [
        ({}, None),
        ({"/phone/number": "not_provided"}, None),
        ({"/phone/number": "input_invalid"}, "input_invalid"),
        ({"store": "store_unavailable"}, "store_unavailable"),
        ({"store": "pending", "/phone/number": "input_invalid"}, "pending"),
        ({"store": "store_unavailable", "/phone/number": "not_provided"}, None),
        ({"store": "not_asked", "/phone/number": "input_invalid"}, None),
        ({"country": "no_data"}, None),
    ],
    ids=[
        "it does not apply",
        "it was not sent",
        "it cannot be read",
        "the store is away",
        "the first need that fails",
        "the store is away, and it was not sent",
        "nobody is asked",
        "something that it does not need",
    ],
)
def test_what_was_not_sent_or_does_not_apply_has_no_cause(
    declare: types.ModuleType, missing: dict[str, str], cause: str | None
) -> None:
    declare.__dict__["NEEDS"] = ("store", "/phone/number")
    exec(GOOD, declare.__dict__)
    assert registry.registered()["sample_count"].cause(replace(FACTS, missing=missing)) == cause


def test_every_need_is_one_that_can_be_missing() -> None:
    """A need that nothing reports would hide a look-up that failed."""
    known = {"store", "network", "asn", "country", "kind", "agent", "mail_domain", "registration", "registrant"}
    known |= {"sender", "domain_blocklists", "ip_blocklists", "/email/address"}
    known |= set(
        not_provided(Signup.model_validate({"account": {"user_id": "u"}, "email": {"address": "a@b.example"}}))
    )
    assert {need for found in registry.registered().values() for need in found.needs} <= known


def test_every_signal_reads_a_bare_signup_without_guessing() -> None:
    readings = signals.read(FACTS)
    assert list(readings) == list(signals.registered())
    assert readings["email_is_valid"] is False
    assert {
        name for name, value in readings.items() if name.startswith(("phone_", "velocity_")) and value is not None
    } == set()


@pytest.mark.parametrize(
    ("kind", "reason", "value", "text"),
    [
        ("bool", "the captcha was {value:|not }passed", True, "The captcha was passed"),
        ("bool", "the captcha was {value:|not }passed", False, "The captcha was not passed"),
        ("bool", "{value:it is so|it isn't}", False, "It isn't"),
        ("int", "{value} {value:page was|pages were} seen", 0, "0 pages were seen"),
        ("int", "{value} {value:page was|pages were} seen", 1, "1 page was seen"),
        ("int", "{value} {value:page was|pages were} seen", 1000, "1000 pages were seen"),
        ("int", "{value} {value:page|pages}{value:, this one too|, these too|}", 0, "0 pages"),
        ("int", "{value} {value:page|pages}{value:, this one too|, these too|}", 1, "1 page, this one too"),
        ("int", "{value} {value:page|pages}{value:, this one too|, these too|}", 2, "2 pages, these too"),
        ("float", "{value:.0f} {value:day|days}", 0.7, "1 day"),
        ("float", "{value:.0f} {value:day|days}", 1.6, "2 days"),
        ("int", "filled in within {value:seconds}", 0, "Filled in within 0 seconds"),
        ("int", "filled in within {value:seconds}", 400, "Filled in within 0.4 seconds"),
        ("int", "filled in within {value:seconds}", 1_000, "Filled in within 1 second"),
        ("int", "filled in within {value:seconds}", 3_842, "Filled in within 3.8 seconds"),
        ("int", "filled in within {value:seconds}", 9_990, "Filled in within 10 seconds"),
        ("int", "filled in within {value:seconds}", 184_000, "Filled in within 184 seconds"),
        ("float", "{value:seconds} a key", 45.4, "0.045 seconds a key"),
        ("float", "{value:seconds} a key", 0.0002, "0 seconds a key"),
        ("float", "{value:.0%} are digits", 0.25, "25% are digits"),
        ("str", "the system is {value}", "a|b", "The system is a|b"),
    ],
)
def test_a_reason_is_a_sentence_for_every_reading(
    declare: types.ModuleType, kind: str, reason: str, value: signals.Value, text: str
) -> None:
    declaration = f"@signal(reason={reason!r}, risk=None)\ndef sample_it(facts: Facts) -> {kind}: 'It.'"
    exec(declaration, declare.__dict__)
    assert registry.registered()["sample_it"].text(value) == text


def test_equal_readings_are_not_said_alike_where_they_are_written_otherwise(declare: types.ModuleType) -> None:
    exec("@signal(reason='{value} so', risk=None)\ndef sample_it(facts: Facts) -> int: 'It.'", declare.__dict__)
    said = registry.registered()["sample_it"].text
    values: list[signals.Value] = [1, 1.0, True, 0, 0.0, -0.0, False]
    assert [said(value) for value in values * 2] == [f"{value} so" for value in values * 2]


_READINGS: dict[str, tuple[signals.Value, ...]] = {
    "bool": (True, False),
    "int": (0, 1, 2, 1000),
    "float": (0.0, 0.5, 1.0, 2.5, 1000.0),
    "str": ("x",),
}
_CLUMSY = re.compile(
    r"True|False|None|[{}|]|  |\b1 \w+s\b|\b(0|2|1000) (account|day|digit|field|key|page|time)\b|^0 .*this one included"
)


@pytest.mark.parametrize("name", list(signals.registered()))
def test_every_reason_reads_well(name: str) -> None:
    found = signals.registered()[name]
    said = [found.text(value) for value in _READINGS[found.type]]
    for text in said:
        assert not _CLUMSY.search(text), text
        assert text[0].isupper() or text[0].isdigit(), text
        assert not text.endswith((".", " ", ":")), text
        assert len(text) <= 120, text
    assert len(set(said)) > 1 or found.type == "str", "the same for every reading"


def test_every_signal_is_described() -> None:
    for found in signals.registered().values():
        assert len(found.doc) > 30, found.name


def test_there_are_enough_signals_of_every_family() -> None:
    families = [found.family for found in signals.registered().values()]
    assert len(families) >= 60
    assert set(families) == {
        "email", "phone", "network", "device", "behavior", "links", "velocity", "reputation", "sending", "domain",
        "events", "sender", "account",
    }  # fmt: skip


def test_where_people_live_is_no_column() -> None:
    assert not {name for name in signals.columns() if "country" in name or name.endswith(("_region", "_language"))}


SAYS = """
from signals.registry import signal
from signals.facts import Account, Facts

def of(facts: Facts) -> Account | None:
    return facts.account if facts.at else None

@signal(of=of, reason="{value}", risk=None)
def sample_name(account: Account) -> str | None:
    '''Name.'''
    return account.name

@signal(of=of, reason="{value}", risk=None)
def sample_plan(account: Account) -> str | None:
    '''Plan.'''
    return account.plan

@signal(of=of, reason="{value}", risk=None)
def sample_website(account: Account) -> str | None:
    '''Website.'''
    return account.website or "none"

@signal(reason="{value}", risk=0)
def sample_at(facts: Facts) -> float:
    '''When.'''
    return facts.at

@signal(reason="{value}", risk=None)
def sample_organization(facts: Facts) -> str | None:
    '''Organization.'''
    return facts.account.organization

@signal(reason="{value}", risk=None)
def sample_referrer(facts: Facts, unused: int = 0) -> str | None:
    '''Referrer.'''
    return facts.account.referrer_id
"""


def test_signals_that_say_an_attribute_and_no_more_are_known_for_it(declare: types.ModuleType) -> None:
    exec(SAYS, declare.__dict__)
    names = ("sample_name", "sample_plan", "sample_website", "sample_at", "sample_organization", "sample_referrer")
    said = [registry.registered()[name].attribute for name in names]
    assert said == ["name", "plan", None, "at", "account.organization", None]
    account = Account(name="Ana", plan="pro", organization="Ruiz", referrer_id="u_1")
    known = signals.read(replace(FACTS, at=2.0, account=account))
    assert [known[name] for name in names] == ["Ana", "pro", "none", 2.0, "Ruiz", "u_1"]
    assert [signals.read(FACTS)[name] for name in names] == [None, None, None, 0.0, None, None]
    assert list(known) == list(registry.registered())
