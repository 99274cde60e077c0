"""What a join and a split make of bonds and edges: the pure parts of their scripts, asked alone."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import orjson
import pytest

from riskapi.store.connections import Store

DAY = 86_400.0
Account = dict[str, Any]


def asked(store: Store, part: str, call: str, given: dict[str, Any]) -> Any:
    """What a part of a script says, run by the store with these values as ``given``."""
    parts = resources.files("riskapi.store") / "lua" / "parts"
    text = "\n".join((parts / f"{name}.lua").read_text() for name in ("order", "waves", part))
    text += "\nlocal function wave_after(name) return 'w:' .. name end"
    script = f"{text}\nlocal given = cjson.decode(ARGV[1])\nreturn cjson.encode({call})"
    found: Any = store.client.eval(script, 0, json.dumps(given))
    return orjson.loads(found)


def account(cluster: str = "", edges: dict[str, float] | None = None, *out: str, aside: bool = False) -> Account:
    return {"cluster": cluster, "edges": edges or {}, "out": dict.fromkeys(out, True), "aside": aside}


def bond(edge: str, *others: str, till: float = 100 * DAY, **more: Any) -> dict[str, Any]:
    return {"edge": edge, "others": others, "till": till, "apart": [], **more}


def wave(*others: str) -> dict[str, Any]:
    return bond("", *others, wave=True)


ON, NEW = account("clu_1", {"d:1": 100 * DAY}), account()
#: Name → the accounts (the one that joins is ``u``), its bonds, and the edges that are written.
JOINS: dict[str, tuple[dict[str, Account], list[dict[str, Any]], list[list[Any]]]] = {
    "a thing that binds nobody yet binds all": (
        {"u": NEW, "a": NEW, "b": NEW},
        [bond("d:1", "a", "b")],
        [["u", "d:1"], ["a", "d:1"], ["b", "d:1"]],
    ),
    "of one that binds one stands for all": (
        {"u": NEW, "a": NEW, "b": ON},
        [bond("d:1", "a", "b", bound=True)],
        [["u", "d:1"]],
    ),
    "who is bound already is not again": (
        {"u": NEW, "a": ON, "b": NEW},
        [bond("d:1", "a", "b")],
        [["u", "d:1"], ["b", "d:1"]],
    ),
    "nothing is to be done": ({"u": ON, "a": ON}, [bond("d:1", "a", bound=True)], []),
    "an end is put off by more than a day": (
        {"u": account("clu_1", {"d:1": 99 * DAY - 1}), "a": ON},
        [bond("d:1", "a")],
        [["u", "d:1"]],
    ),
    "and not by a day": ({"u": account("clu_1", {"d:1": 99 * DAY}), "a": ON}, [bond("d:1", "a")], []),
    "the same edge in another cluster": (
        {"u": account("clu_2", {"d:1": 100 * DAY}), "a": ON},
        [bond("d:1", "a")],
        [["u", "d:1"]],
    ),
    "not the holder": (
        {"u": NEW, "a": NEW, "b": NEW},
        [bond("p:1", "a", "b", apart=["a"])],
        [["u", "p:1"], ["b", "p:1"]],
    ),
    "nobody who was cut off": ({"u": NEW, "a": account("", None, "d:1")}, [bond("d:1", "a")], []),
    "not the account that was": ({"u": account("", None, "d:1"), "a": NEW}, [bond("d:1", "a")], []),
    "a word of a reviewer": ({"u": NEW, "a": NEW}, [bond("d:1", "a", banned=True)], []),
    "a new wave is named after who came first": (
        {"u": NEW, "b": NEW, "a": NEW},
        [wave("b", "a")],
        [["u", "w:a"], ["b", "w:a"], ["a", "w:a"]],
    ),
    "two that begin with one account are one": (
        {"u": NEW, "b": NEW, "a": NEW},
        [wave("a"), wave("b", "a")],
        [["u", "w:a"], ["a", "w:a"], ["b", "w:a"]],
    ),
    "there is a wave, and who is in none joins it": (
        {"u": NEW, "b": NEW, "a": account("clu_1", {"w:x": DAY})},
        [wave("b", "a")],
        [["u", "w:x"], ["b", "w:x"]],
    ),
    "of several waves of one account the first by name": (
        {"u": NEW, "a": account("clu_1", {"w:x": DAY, "w:X": DAY, "w:_": DAY})},
        [wave("a")],
        [["u", "w:X"]],
    ),
    "who gave proof is in no wave": (
        {"u": NEW, "a": account(aside=True), "b": NEW},
        [wave("a", "b")],
        [["u", "w:b"], ["b", "w:b"]],
    ),
    "nor is the account that did": ({"u": account(aside=True), "a": NEW}, [wave("a")], []),
}


@pytest.mark.parametrize("name", JOINS)
def test_a_join(store: Store, name: str) -> None:
    accounts, bonds, expected = JOINS[name]
    plan = asked(
        store,
        "joins",
        "planned_join('u', given.bonds, given.accounts, wave_after)",
        {"accounts": accounts, "bonds": bonds},
    )
    assert [edge[:2] for edge in plan["edges"] or []] == expected


#: What bound the account until when, its bonds, and until when each account is bound.
ENDS: dict[str, tuple[dict[str, float], list[dict[str, Any]], list[list[Any]]]] = {
    "the latest of two": (
        {},
        [bond("d:1", "a", till=3 * DAY), bond("d:1", "a", "b", till=DAY)],
        [["u", "d:1", 3 * DAY], ["a", "d:1", 3 * DAY], ["b", "d:1", DAY]],
    ),
    "whichever is first": (
        {},
        [bond("d:1", "a", till=DAY), bond("d:1", "a", till=3 * DAY)],
        [["u", "d:1", 3 * DAY], ["a", "d:1", 3 * DAY]],
    ),
    "no earlier than it was": (
        {"d:1": 9 * DAY},
        [bond("d:1", "a", till=DAY)],
        [["u", "d:1", 9 * DAY], ["a", "d:1", DAY]],
    ),
}


@pytest.mark.parametrize(("edges", "bonds", "expected"), ENDS.values(), ids=ENDS)
def test_the_latest_end_stands(
    store: Store, edges: dict[str, float], bonds: list[dict[str, Any]], expected: list[list[Any]]
) -> None:
    accounts = {"u": account("clu_1" if edges else "", edges), "a": NEW, "b": NEW}
    given = {"accounts": accounts, "bonds": bonds}
    assert (
        asked(store, "joins", "planned_join('u', given.bonds, given.accounts, wave_after)", given)["edges"] == expected
    )


#: Name → accounts with their edges, those that ended, what is cut of ``a``; then what goes, the groups, who is alone.
SPLITS: dict[str, tuple[dict[str, list[str]], list[str], list[str], list[list[Any]], list[list[str]], list[str]]] = {
    "nothing goes": ({"a": ["d"], "b": ["d"]}, [], [], [], [["a", "b"]], []),
    "one edge of two": (
        {"a": ["d", "p"], "b": ["d"], "c": ["p"]},
        [],
        ["d"],
        [["a", "d", True], ["b", "d", False]],
        [["a", "c"]],
        ["b"],
    ),
    "the larger group is first": (
        {"a": ["d", "p"], "b": ["d"], "c": ["d"], "e": ["p"]},
        [],
        ["d"],
        [["a", "d", True]],
        [["a", "e"], ["b", "c"]],
        [],
    ),
    "what ended": ({"a": ["d"], "b": ["d"]}, ["d"], [], [["a", "d", False], ["b", "d", False]], [], ["a", "b"]),
    "the last who shares it is bound to nobody": (
        {"a": ["d"], "b": ["d", "p"], "c": ["p"]},
        [],
        ["d"],
        [["a", "d", True], ["b", "d", False]],
        [["b", "c"]],
        ["a"],
    ),
    "a chain breaks in the middle": (
        {"a": ["d", "p"], "b": ["d", "t"], "c": ["t"], "e": ["p", "m"], "f": ["m"]},
        [],
        ["d", "p"],
        [["a", "d", True], ["a", "p", True], ["b", "d", False], ["e", "p", False]],
        [["b", "c"], ["e", "f"]],
        ["a"],
    ),
}


@pytest.mark.parametrize("name", SPLITS)
def test_a_split(store: Store, name: str) -> None:
    edges, ended, cut, gone, groups, alone = SPLITS[name]
    given = {
        "names": list(edges),
        "edges": {user: dict.fromkeys(found, True) for user, found in edges.items()},
        "ends": {edge: 9.0 if edge in ended else 11.0 for found in edges.values() for edge in found},
        "cut": dict.fromkeys(cut, True),
    }
    call = (
        "planned_split(given.names, given.edges, given.ends, "
        "function(name, edge) return name == 'a' and given.cut[edge] end, 10)"
    )
    plan = asked(store, "splits", call, given)
    assert sorted(map(list, plan["gone"])) == gone
    assert [group["names"] for group in plan["groups"]] == groups
    assert list(plan["alone"]) == alone
