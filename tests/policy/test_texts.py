"""Policies as text with comments, what those explain, and changes carried over to another version."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from riskapi import policy
from riskapi.policy.comments import explained
from riskapi.policy.drafts import carried_over
from riskapi.policy.texts import PolicyTexts, written
from riskapi.store.connections import Store

TEXT = policy.DEFAULT.read_text()
SHIPPED = policy.load(policy.DEFAULT).model_dump(mode="json")


def said(**tables: Any) -> dict[str, Any]:
    return {**copy.deepcopy(SHIPPED), **copy.deepcopy(tables)}


def comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.lstrip().startswith("#")]


def different(text: str) -> list[str]:
    """The lines that the shipped text has not."""
    shipped = TEXT.splitlines()
    return [line for line in text.splitlines() if line not in shipped]


class TestWritten:
    def test_writing_touches_nothing_where_nothing_differs_but_the_number(self) -> None:
        assert written(TEXT, SHIPPED) == TEXT
        assert different(written(TEXT, said(version=7))) == ["version = 7"]

    def test_writing_changes_a_number_and_keeps_all_else(self) -> None:
        wanted = said()
        wanted["tiers"]["allow"]["steps"][1]["daily"] = 2400
        wanted["links"]["kinds"]["ip"]["hub_over"] = 21
        wanted["feedback"]["triggers"][1]["rate"] = 0.002
        text = written(TEXT, wanted)
        assert len(different(text)) == 3 and comments(text) == comments(TEXT)
        assert any(line.endswith("# a household or small office, not a campus") for line in different(text))

    @pytest.mark.parametrize(
        "tables",
        [
            {
                "plans": {
                    "pro": {"hourly": 300, "daily": 600, "monthly": 7000, "review": None, "limit": None, "paid": True}
                }
            },
            {"rules": [rule for rule in SHIPPED["rules"] if rule["name"] != "abusive_links"]},
            {"rules": [*SHIPPED["rules"], {**SHIPPED["rules"][0], "name": "another_rule"}]},
            {"rules": list(reversed(SHIPPED["rules"]))},
            {"rules": []},
            {"attack": {**SHIPPED["attack"], "rules": ["*"]}},
            {"tiers": {**SHIPPED["tiers"], "allow": {**SHIPPED["tiers"]["allow"], "steps": []}}},
            {"reviews": {**SHIPPED["reviews"], "claim_minutes": 5}},
        ],
    )
    def test_a_written_text_says_what_was_wanted(self, tables: dict[str, Any]) -> None:
        wanted = said(**tables)
        assert policy.load(written(TEXT, wanted)).model_dump(mode="json") == wanted

    def test_a_text_is_written_anew_where_there_is_nothing_to_edit(self) -> None:
        for broken in ("", "tiers = [", "version = 1"):
            assert policy.load(written(broken, SHIPPED)).model_dump(mode="json") == SHIPPED


class TestTexts:
    def test_texts_come_back_with_what_they_say(self, store: Store) -> None:
        texts, wanted = PolicyTexts(store, policy.DEFAULT), said(reviews={**SHIPPED["reviews"], "claim_minutes": 5})
        assert texts.of(SHIPPED) == TEXT
        mine = TEXT.replace("claim_minutes = 60", "claim_minutes = 5 # a short one")
        texts.keep(wanted, mine)
        assert texts.of({**wanted, "version": 3}) == mine.replace("version = 1", "version = 3")
        other = said(reviews={**SHIPPED["reviews"], "claim_minutes": 6})
        assert "claim_minutes = 6 # a short one" in texts.of(other)
        assert texts.commented(other) == texts.of(other)  # what was written for it is kept

    def test_texts_that_are_damaged_are_written_anew(self, store: Store) -> None:
        texts = PolicyTexts(store, policy.DEFAULT)
        texts.keep(SHIPPED, TEXT)
        for name in store.execute("HKEYS", "risk:policytexts"):
            store.execute("HSET", "risk:policytexts", name, b"\xff")
        assert texts.of(SHIPPED) == TEXT


def test_comments_explain_tables_and_keys() -> None:
    found = explained(TEXT)
    assert found["tiers.review"].startswith("Customers a person should look at first")
    assert found["links.kinds.ip"] == "a household or small office, not a campus"
    assert found["model.prior"].startswith("Probability of abuse assumed")
    assert [key for key in found if "rules" in key] == [] and all("---" not in text for text in found.values())
    assert explained('a = "x # y" # z\n# of b\n[b]\n# lost at the end') == {"a": "z", "b": "of b"}


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ({"a": 2, "b": {"c": 1}}, {"a": 1, "b": {"c": 3}}, {"a": 2, "b": {"c": 3}}),
        ({"a": 2, "b": {"c": 1}}, {"a": 5, "b": {"c": 1}}, {"a": 2, "b": {"c": 1}}),
        ({"a": 1, "b": {"c": 1, "d": 4}}, {"a": 1, "b": {"c": 1}, "e": 5}, {"a": 1, "b": {"c": 1, "d": 4}, "e": 5}),
        ({"a": 1, "b": {}}, {"a": 1, "b": {"c": 2}}, {"a": 1, "b": {}}),
        ({"a": True, "b": {"c": 1}}, {"a": 1, "b": {"c": 1}}, {"a": True, "b": {"c": 1}}),
    ],
)
def test_changes_are_carried_over_to_what_others_made(mine: Any, theirs: Any, expected: Any) -> None:
    assert carried_over({"a": 1, "b": {"c": 1}}, mine, theirs) == expected


def test_rows_of_equal_number_are_carried_over_one_by_one() -> None:
    base = [{"a": 1}, {"a": 2}]
    assert carried_over(base, [{"a": 9}, {"a": 2}], [{"a": 1}, {"a": 7}]) == [{"a": 9}, {"a": 7}]
    assert carried_over(base, [{"a": 9}], [{"a": 1}, {"a": 7}]) == [{"a": 9}]
