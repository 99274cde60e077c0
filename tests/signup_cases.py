"""Whole signups as data: read from ``tests/cases/*.toml``, posted in order, held against what they expect.

A case is the body of ``POST /v1/signups`` in TOML with a name, a sentence and an expectation. ``each`` makes one
signup of every row, with the row's values in the place of ``{key}`` and its number, from 1, in that of ``{n}``;
``expect_last`` is what the last of them expects. ``raw`` is sent as it stands. ``labels`` are given to earlier
accounts first. Times run on from :data:`START`, ``gap_minutes`` from case to case, so that every run is the same.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: A week and more before this was written: a service without replay takes no times ahead of its own.
START = datetime(2026, 11, 10, 8, tzinfo=UTC)
_GAP_MINUTES = 20.0
_PARTS = ("account", "email", "phone", "device", "behavior", "payment", "event", "custom_inputs")
_KNOWN = {"name", "story", "gap_minutes", "each", "expect", "expect_last", "raw", "labels", *_PARTS}

#: Sends method, path, body (None for none) and clock to the service; gives back status and JSON.
Send = Callable[[str, str, bytes | None, datetime], tuple[int, dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must be so. ``None`` and empty: anything goes.

    ``codes`` are among the reasons, ``absent`` are no known readings that speak against the signup; ``warnings`` are
    exactly the inputs warned of, ``unknown`` signals that must be; ``linked`` accounts at least, this one
    included, bound by ``kinds`` among others and by none of ``absent_kinds``; ``pointers`` of a problem's errors.
    """

    status: frozenset[int] = frozenset({200})
    tiers: frozenset[str] | None = None
    least_score: float = 0.0
    codes: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    warnings: frozenset[str] | None = None
    unknown: frozenset[str] = frozenset()
    linked: int = 1
    kinds: frozenset[str] = frozenset()
    absent_kinds: frozenset[str] = frozenset()
    pointers: frozenset[str] = frozenset()

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Expected:
        """The expectation written in a case; a key that is none raises :class:`TypeError`."""
        values: dict[str, Any] = {key: frozenset(value) for key, value in found.items() if isinstance(value, list)}
        return cls(**{**found, **values})


@dataclass(frozen=True, slots=True)
class Case:
    """One signup. ``labels`` are pairs of an earlier case's name and the label its account gets before."""

    group: str
    name: str
    story: str
    at: datetime
    body: bytes
    signup: Mapping[str, Any]
    labels: tuple[tuple[str, str], ...]
    expected: Expected

    @property
    def user_id(self) -> str:
        return account_of(self.name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case. ``answer`` is the assessment or the problem; ``reasons`` are there for ``allow`` too."""

    case: Case
    status: int
    answer: Mapping[str, Any]
    reasons: tuple[Mapping[str, Any], ...] = ()
    failures: tuple[str, ...] = field(default=())


def account_of(name: str) -> str:
    """The ``user_id`` that a case signs up."""
    return f"demo.{name}"


def load(folder: Path = HERE / "cases") -> list[Case]:
    """All cases in the order in which they are posted: files by their ``order``, cases as written."""
    short = tomllib.loads((HERE / "case_shorthands.toml").read_text())
    cases: list[Case] = []
    at = START
    documents = [tomllib.loads(path.read_text()) for path in folder.glob("*.toml")]
    for document in sorted(documents, key=lambda document: int(document["order"])):
        for table in document["cases"]:
            if strange := set(table) - _KNOWN:
                raise ValueError(f"{document['group']}: {table['name']}: unknown key {', '.join(sorted(strange))}")
            for row in _rows(table):
                at += timedelta(minutes=table.get("gap_minutes", _GAP_MINUTES))
                cases.append(_case(document["group"], row, at, short))
    return cases


def _rows(table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    rows = table.get("each")
    if rows is None:
        yield dict(table)
        return
    shape = {key: value for key, value in table.items() if key not in ("each", "expect_last")}
    if "{" not in shape["name"]:
        shape["name"] += "_{n}"
    for number, row in enumerate(rows, 1):
        last = number == len(rows) and "expect_last" in table
        yield _filled(shape | ({"expect": table["expect_last"]} if last else {}), {"n": number, **row})


def _filled(value: Any, row: Mapping[str, Any]) -> Any:
    """The value with the row's values filled in; a text that is nothing but ``{key}`` takes the value as it is."""
    if isinstance(value, dict):
        return {key: _filled(inner, row) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, row) for inner in value]
    if not isinstance(value, str):
        return value
    key = value[1:-1]
    return row[key] if value == f"{{{key}}}" and key in row else value.format_map(row)


def _case(group: str, row: dict[str, Any], at: datetime, short: Mapping[str, Any]) -> Case:
    name = row["name"]
    signup: dict[str, Any] = {}
    if "raw" in row:
        body = row["raw"].replace("USER", account_of(name)).encode()
    else:
        signup = {part: row[part] for part in _PARTS if part in row}
        signup["account"] = {"user_id": account_of(name), **signup.get("account", {})}
        if isinstance(signup.get("behavior"), str):
            signup["behavior"] = short["behaviors"][signup["behavior"]]
        agent = signup.get("device", {}).get("user_agent", "")
        if agent.startswith("@"):
            signup["device"] = {**signup["device"], "user_agent": short["agents"][agent[1:]]}
        signup.setdefault("event", {"time": at.isoformat()})
        body = json.dumps(signup).encode()
    labels = tuple((label["case"], label["label"]) for label in row.get("labels", ()))
    return Case(group, name, row["story"], at, body, signup, labels, Expected.read(row["expect"]))


def post(case: Case, send: Send) -> Outcome:
    """Give the labels, post the signup, and look the reasons up where the answer leaves them out."""
    failures = []
    for name, label in case.labels:
        found = json.dumps({"label": label, "source": "manual_review", "note": case.story}).encode()
        status, _ = send("POST", f"/v1/accounts/{account_of(name)}/labels", found, case.at)
        if status != 200:
            failures.append(f"labelling {name} {label}: {status}")
    status, answer = send("POST", "/v1/signups", case.body, case.at)
    reasons, unknown = answer.get("reasons", ()), set()
    if status == 200:
        _, account = send("GET", f"/v1/accounts/{case.user_id}", None, case.at)
        reasons = reasons or account["latest"]["reasons"]
        unknown = {name for name, value in account["readings"].items() if value is None}
    failures += _failures(case.expected, status, answer, reasons, unknown)
    return Outcome(case, status, answer, tuple(reasons), tuple(failures))


def _failures(
    expected: Expected, status: int, answer: Mapping[str, Any], reasons: list[dict[str, Any]], unknown: set[str]
) -> Iterator[str]:
    """In words, everything that is not as expected."""
    if status not in expected.status:
        yield f"status {status} is not {' or '.join(map(str, sorted(expected.status)))}"
        return
    pointers = {row["pointer"] for row in answer.get("errors", ())}
    if missing := expected.pointers - pointers:
        yield f"the problem does not name {_listed(missing)}"
    if status != 200:
        return
    if expected.tiers and answer["decision"] not in expected.tiers:
        yield f"{answer['decision']} is not {' or '.join(sorted(expected.tiers))}"
    if answer["risk_score"] < expected.least_score:
        yield f"a score of {answer['risk_score']} is below {expected.least_score}"
    if missing := expected.codes - {row["code"] for row in reasons}:
        yield f"{_listed(missing)} is no reason"
    against = {
        row["code"]
        for row in reasons
        if row["contribution"] is None or (row["contribution"] > 0.0 and row["signal"] not in unknown)
    }
    if wrong := expected.absent & against:
        yield f"{_listed(wrong)} is a reason"
    warned = {row["input_pointer"] for row in answer["warnings"]}
    if expected.warnings is not None and warned != expected.warnings:
        yield f"warned of {_listed(warned) or 'nothing'} instead of {_listed(expected.warnings) or 'nothing'}"
    if missing := expected.unknown - unknown:
        yield f"{_listed(missing)} is not unknown"
    linkage = answer["linkage"]
    if linkage["size"] < expected.linked:
        yield f"linked to {linkage['size']} accounts instead of {expected.linked}"
    kinds = {row["kind"] for row in linkage["evidence"]}
    if missing := expected.kinds - kinds:
        yield f"not linked by {_listed(missing)}"
    if wrong := expected.absent_kinds & kinds:
        yield f"linked by {_listed(wrong)}"


def _listed(names: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(names))
