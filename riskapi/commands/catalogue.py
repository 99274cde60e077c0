"""The catalogue of signals as a page: every row comes from the declaration in ``signals/``."""

from __future__ import annotations

from itertools import groupby

from signals import Signal, registered, schema

_DIRECTION = {1: "more is riskier", -1: "more is safer", 0: "either", None: "not a column"}


def page() -> str:
    """The text of docs/signals.md."""
    found = list(registered().values())
    columns = sum(signal.is_column for signal in found)
    families = "\n\n".join(_family(family, list(rows)) for family, rows in groupby(found, lambda row: row.family))
    return f"""# Signals

{len(found)} signals, {columns} of them columns a model may use; schema `{schema()}`. A signal that cannot be known is
`null`: it is NaN to the model, and never matches a rule. Where it should have been known, because all that it needs was
sent, `degraded` of the answer lists it with its cause. `risk` is the direction the model is held to (a monotone
constraint). A signal that is not a column is recorded for people and rules only: where somebody lives, or which network
they use, is no evidence of abuse by itself.

<!-- Made from signals/ by `make docs`; tests/commands/test_docs.py holds them together. -->

{families}
"""


def _family(family: str, rows: list[Signal]) -> str:
    head = f"## {family} ({len(rows)})\n\n| signal | type | risk | needs | meaning |\n|---|---|---|---|---|\n"
    return head + "\n".join(_row(row) for row in rows)


def _row(row: Signal) -> str:
    needs = ", ".join(f"`{need}`" for need in row.needs) or "–"
    return f"| `{row.name}` | {row.type} | {_DIRECTION[row.risk]} | {needs} | {_cell(row.doc)} |"


def _cell(doc: str) -> str:
    """A docstring on one line, as a table cell."""
    return " ".join(doc.split()).replace("|", "\\|")
