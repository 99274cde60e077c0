"""Words of bounces and of what is none: every row of the table reads its own example."""

from __future__ import annotations

import re
from typing import cast

import pytest

from riskapi.feedback.diagnostics import rows_of
from riskapi.feedback.mail import wording
from riskapi.feedback.mail.wording import What


@pytest.mark.parametrize("row", list(rows_of("wording")), ids=lambda row: f"{row['what']} {row['example'][:40]}")
def test_a_row_reads_its_own_example(row: dict[str, str]) -> None:
    assert wording.of(cast(What, row["what"])).search(row["example"])
    assert re.search(row["pattern"], row["example"], re.IGNORECASE | re.MULTILINE)
