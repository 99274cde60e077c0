"""What the script of touches is asked and how its reply is read: the short ways give what the long ones give."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi import policy
from riskapi.links import touches
from riskapi.links.kinds import ALONE, CLOSE, COUNTED, KINDS, PROVABLE, Touch, entity, sharing
from riskapi.links.touch_replies import of_touch
from riskapi.links.touches import alone, asked_of, told
from signals.records import changed
from tests.conftest import NOW

RULES = policy.load(policy.DEFAULT)
EVERY = (*KINDS, *COUNTED, *CLOSE)


@pytest.mark.parametrize("family", [False, True])
@pytest.mark.parametrize("crowd", [False, True])
@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind != "site"])
def test_what_nobody_else_touched_is_what_its_whole_row_says(kind: str, crowd: bool, family: bool) -> None:
    rule = sharing(kind, RULES)
    whole = entity(kind, "key", NOW, ALONE, RULES, rule, "u_1", crowd=crowd, family=family)
    assert alone(kind, RULES, rule, crowd=crowd, family=family) == changed(whole, key="")


@pytest.mark.parametrize("kind", COUNTED)
def test_what_is_counted_is_what_its_whole_row_says(kind: str) -> None:
    row = (5, 0, 0, 0, 2, 1, b"", 0, 0)
    touch = Touch("u_1", NOW, {kind: "key"}, frozenset())
    found = of_touch(touch, [struct.pack("<3i", 5, 2, 1)], RULES, told(RULES))
    assert found[kind] == entity(kind, "key", NOW, row, RULES, sharing(kind, RULES), "u_1")


@pytest.mark.parametrize(
    "row", [1, 0, struct.pack("<3i", 3, 2, 1), struct.pack("<8i", 2, 1, 1, 1, 0, 0, 0, 0)],
    ids=["alone", "nobody", "counted", "whole"],
)  # fmt: skip
def test_a_site_has_its_key_whatever_is_told_of_it(row: object) -> None:
    touch = Touch("u_1", NOW, {"site": "risk:e:u:abc"}, frozenset())
    found = of_touch(touch, [row], RULES, told(RULES))["site"]
    assert (found.key, found.hub) == ("risk:e:u:abc", True)


def test_the_first_whom_a_customer_vouches_for_is_bound_like_the_others() -> None:
    touch = Touch("u_1", NOW, {"referrer": "risk:e:r:abc"}, frozenset())
    assert of_touch(touch, [1], RULES, told(RULES), "customer")["referrer"].strength == "strong"
    assert of_touch(touch, [1], RULES, told(RULES))["referrer"].strength == RULES.links.kinds["referrer"].strength


@st.composite
def touched(draw: st.DrawFn) -> Touch:
    names = draw(st.lists(st.sampled_from(EVERY), unique=True, min_size=1))
    some = st.frozensets(st.sampled_from(names))
    return Touch(
        "u_1",
        NOW,
        {kind: f"risk:e:x:{kind}" for kind in names},
        draw(some),
        draw(some),
        proved=draw(some) & PROVABLE,
        hosting=draw(st.booleans()),
    )


_SHARED = told(RULES)


@given(touched())
def test_what_is_kept_of_one_sort_of_touches_is_asked_of_no_other(touch: Touch) -> None:
    none: frozenset[str] = frozenset()
    others = ({"hosting": not touch.hosting}, {"hubs": none}, {"shared": none}, {"proved": none})
    for each in (touch, *(changed(touch, **other) for other in others), touch):
        assert asked_of(each, _SHARED) == asked_of(each, told(RULES))


def test_sorts_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touches, "_MOST_KNOWN", 3)
    rules = told(RULES)
    for number in range(1, 10):
        asked_of(Touch("u_1", NOW, dict.fromkeys(KINDS[:number], "key"), frozenset()), rules)
    assert len(rules.known) <= 3


@given(st.lists((st.floats(-1e11, 3e11) | st.integers(0, 2**33)).map(lambda at: at + 0.0), max_size=32))
def test_times_of_those_who_came_close_are_read_to_the_bit(times: list[float]) -> None:
    touch = Touch("me", NOW, {"ip": "risk:e:i:1"}, frozenset())
    others = " ".join(f"u{number} {at:.17g}" for number, at in enumerate(times)).encode()
    row = struct.pack("<8i", len(times) + 1, 1, 1, 1, 0, 0, 0, 0) + others
    for _ in range(2):  # it is kept for a while
        found = of_touch(touch, [[row]], RULES, told(RULES))["ip"].recent
        assert [(name, at.hex()) for name, at in zip(*found, strict=True)] == [
            (f"u{n}", at.hex()) for n, at in enumerate(times)
        ]
