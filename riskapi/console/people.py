"""Rows about accounts with who these say they are, as the person who looks may see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskapi.console import masking
from riskapi.console.rendering import line
from riskapi.console.visit import Visit


def named(visit: Visit, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each with the ``name`` and ``mail`` of the account of its ``user_id``; empty where it told none.

    Addresses are masked for everybody, names for all but reviewers.
    """
    who = visit.cases.applicants(row["user_id"] for row in rows)
    plain = visit.may("reviewer")
    found = []
    for row in rows:
        each = who.get(row["user_id"])
        name, mail = ("", "") if each is None else (each.name, masking.mail(each.mail))
        found.append({**row, "name": line(name if plain else masking.name(name)), "mail": line(mail)})
    return found
