"""Each behaviour signal: people who type, people who paste, autofill and scripts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.facts import Account, Behavior, Email, Facts, Phone
from signals.registry import Readings, registered
from tests.signals.reading import alone

SIGNALS = {name: found for name, found in registered().items() if found.family == "behavior"}
#: 16 + 8 + 13 + 20 + 12 = 69 characters a person would type.
ACCOUNT = Account(name="Ana Ruiz", organization="Ruiz Ceramics", website="https://ruiz.example")


def read(**behavior: Any) -> Readings:
    facts = Facts(
        at=0.0,
        account=ACCOUNT,
        email=Email("ana@ruiz.example", valid=True),
        phone=Phone("+34600123123", valid=True),
        behavior=Behavior(**behavior),
    )
    return {name: alone(found, facts) for name, found in SIGNALS.items()}


def test_what_was_not_measured_is_unknown() -> None:
    assert set(read().values()) == {None}


@pytest.mark.parametrize(
    ("behavior", "signal", "value"),
    [
        ({"form_fill_ms": 41_200}, "behavior_form_fill_ms", 41_200),
        ({"form_fill_ms": 0}, "behavior_form_fill_ms", 0),
        ({"form_fill_ms": 6_900}, "behavior_ms_per_character", 100.0),
        ({"form_fill_ms": 5_300, "pasted_fields": ("email",)}, "behavior_ms_per_character", 100.0),
        ({"form_fill_ms": 6_100, "pasted_fields": ("Full name",)}, "behavior_ms_per_character", 100.0),
        ({"form_fill_ms": 6_900, "pasted_fields": ("password",)}, "behavior_ms_per_character", 100.0),
        ({"pasted_fields": ()}, "behavior_pasted_count", 0),
        ({"pasted_fields": ("email", "EMAIL", "name")}, "behavior_pasted_count", 2),
        ({"pasted_fields": ("/email/address",)}, "behavior_email_pasted", True),
        ({"pasted_fields": ("user_mail",)}, "behavior_email_pasted", True),
        ({"pasted_fields": ("password",)}, "behavior_email_pasted", False),
        ({"pasted_fields": ("account.name",)}, "behavior_name_pasted", True),
        ({"pasted_fields": ()}, "behavior_name_pasted", False),
        ({"honeypot_filled": True}, "behavior_honeypot_filled", True),
        ({"honeypot_filled": False}, "behavior_honeypot_filled", False),
        ({"keystrokes": 0}, "behavior_keystrokes", 0),
        ({"keystrokes": 0}, "behavior_keystroke_ratio", 0.0),
        ({"keystrokes": 138}, "behavior_keystroke_ratio", 2.0),
        ({"form_fill_ms": 30_000, "keystrokes": 100}, "behavior_ms_per_key", 300.0),
        ({"form_fill_ms": 30_000, "keystrokes": 0}, "behavior_ms_per_key", None),
        ({"captcha_passed": True}, "behavior_captcha_passed", True),
        ({"captcha_passed": False}, "behavior_captcha_passed", False),
        ({"pages_before_signup": 4}, "behavior_pages_before_signup", 4),
    ],
)
def test_behaviour_reads_as(behavior: dict[str, Any], signal: str, value: Any) -> None:
    assert read(**behavior)[signal] == value


def test_when_all_was_pasted_the_pace_of_typing_is_unknown() -> None:
    found = read(form_fill_ms=900, keystrokes=4, pasted_fields=("email", "name", "organization", "website", "phone"))
    assert found["behavior_ms_per_character"] is None and found["behavior_keystroke_ratio"] is None
    assert found["behavior_pasted_count"] == 5


@given(
    st.integers(0, 2**53),
    st.lists(st.text(max_size=20), max_size=5).map(tuple),
    st.integers(0, 2**53),
)
def test_every_reading_has_its_declared_type(elapsed: int, pasted: tuple[str, ...], keys: int) -> None:
    kinds = {"bool": bool, "int": int, "float": float, "str": str}
    for name, value in read(form_fill_ms=elapsed, pasted_fields=pasted, keystrokes=keys).items():
        assert value is None or type(value) is kinds[SIGNALS[name].type]
