"""Rows of entries: what one entry of a list is as JSON, and many of them as JSON lines or CSV, in and out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from riskapi.contract import Time
from riskapi.errors import Problem
from riskapi.inputs.invalid import from_validation
from riskapi.inputs.json_lines import Rejected, Row, lines
from riskapi.lists.list_names import ListName
from riskapi.lists.matching import ListKind

Format = Literal["csv", "jsonl"]
#: Columns of what is written: what can be read again. The first line of CSV names them (RFC 4180, section 2).
COLUMNS = ("list", "kind", "value", "expires_at", "reason", "silences_feedback", "hashed")
#: Columns that are read besides.
_MORE = ("replace",)
_FLAGS = {"silences_feedback", "hashed", "replace"}
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
#: What parts the columns: the comma of RFC 4180, the semicolon of spreadsheets where the comma is decimal, the tab.
_PARTED = ",;\t"
#: Why something was changed, for those who come after.
Reason = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"\S")]


class EntryRow(BaseModel):
    """What to put on a list."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: ListKind
    value: Annotated[str, StringConstraints(min_length=1, max_length=2048)] | Annotated[int, Field(ge=0, lt=2**32)]
    expires_at: Time | None = None
    reason: Reason | None = None
    silences_feedback: bool = False
    hashed: bool = False
    replace: bool = False


class ListedRow(EntryRow):
    """A row of a file, which may name its list."""

    list: ListName | None = None


def read_row(row: Row) -> ListedRow | Rejected:
    """The entry that a row is, or why it is not an entry."""
    try:
        return ListedRow.model_validate_json(row.text)
    except ValidationError as error:
        problem = from_validation(error, row.text)
        first = problem.errors[0] if problem.errors else {"pointer": "", "detail": problem.detail}
        return Rejected(row.number, first["pointer"], first.get("code", problem.code), first["detail"])


def rows(content: bytes, form: Format) -> Iterator[Row]:
    """The rows of a file, numbered by line from 1, as JSON. Raises ``invalid`` for CSV that names no columns."""
    if form == "jsonl":
        return lines(content.splitlines())
    return _of_csv(content)


def _of_csv(content: bytes) -> Iterator[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _no_csv(f"line {line} is not UTF-8") from None
    first = text.partition("\n")[0]
    delimiter = max(_PARTED, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        known = (*COLUMNS, *_MORE)
        if not {"kind", "value"} <= set(names) or not set(names) <= set(known) or len(set(names)) < len(names):
            raise _no_csv(f"the first line names the columns: kind and value, and any of {', '.join(known)}")
        for cells in reader:
            if cells:
                yield Row(reader.line_num, _json(names, cells))
    except csv.Error as error:
        raise _no_csv(f"line {reader.line_num}: {error}") from None


def _json(names: Sequence[str], cells: Sequence[str]) -> bytes:
    """A line of CSV as JSON; too many cells and other words than yes or no are left for the reader to refuse."""
    found: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=False):
        text = cell if name == "value" else cell.strip()
        if text:
            found[name] = _WORDS.get(text.lower(), text) if name in _FLAGS else text
    if len(cells) > len(names):
        found["too many cells"] = None
    return orjson.dumps(found)


def _no_csv(why: str) -> Problem:
    return Problem("invalid", f"This is not a CSV of entries: {why}.", [{"pointer": "", "code": "csv", "detail": why}])


def written(entries: Iterable[Mapping[str, Any]], form: Format, *, header: bool = True) -> Iterator[bytes]:
    """Views of entries as lines of a file."""
    if form == "jsonl":
        for entry in entries:
            yield orjson.dumps({name: entry[name] for name in COLUMNS}, option=orjson.OPT_APPEND_NEWLINE)
        return
    if header:
        yield _csv(COLUMNS)
    for entry in entries:
        yield _csv([_cell(entry[name]) for name in COLUMNS])


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _csv(cells: Sequence[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
