"""Files for spreadsheets: CSV (RFC 4180) in which no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

#: What a spreadsheet takes for the beginning of a formula (https://owasp.org/www-community/attacks/CSV_Injection), with
#: the wide forms of the same signs, which some take as well.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MEDIA = "text/csv; charset=utf-8"


def written(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """The file: its first line names the columns. With a byte-order mark, without which Excel reads another script."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig", "replace")


def _safe(cell: object) -> str:
    """A cell as text; what could be a formula has an apostrophe before it, which has spreadsheets show it as it is."""
    found = "" if cell is None else str(cell)
    return f"'{found}" if found.lstrip(" ").startswith(_FORMULA) else found
