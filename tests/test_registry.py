"""Declaring signals: what is refused, and what one declaration gives."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest

import signals
from signals import registry
from signals.facts import Account, Email, Facts

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
    ],
    ids=["twice", "no docstring", "prefix", "no plain value", "two types", "text as column"],
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
    assert found.cause(FACTS) == "not_provided"
    assert "sample_count" in registry.columns()


def test_every_signal_reads_a_bare_signup_without_guessing() -> None:
    readings = signals.read(FACTS)
    assert list(readings) == list(signals.registered())
    assert readings["email_is_valid"] is False
    assert {
        name for name, value in readings.items() if name.startswith(("phone_", "velocity_")) and value is not None
    } == set()


def test_declared_types_are_kept_and_reasons_can_be_said() -> None:
    plain: dict[str, signals.Value] = {"bool": True, "int": 2, "float": 0.5, "str": "x"}
    for found in signals.registered().values():
        assert found.text(plain[found.type])
        assert len(found.doc) > 30, found.name


def test_there_are_enough_signals_of_every_family() -> None:
    families = [found.family for found in signals.registered().values()]
    assert len(families) >= 60
    assert set(families) == {"email", "phone", "network", "device", "behavior", "links", "velocity", "reputation"}


def test_where_people_live_is_no_column() -> None:
    assert not {name for name in signals.columns() if "country" in name or name.endswith(("_region", "_language"))}
