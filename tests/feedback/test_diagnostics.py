"""Diagnostics of receiving servers: every row of the tables reads its own example, and the traps are read rightly."""

from __future__ import annotations

import csv
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.feedback.diagnostics import classify, rows_of

ROWS = list(rows_of("diagnostics"))
BLOCKLISTS = list(rows_of("blocklists"))
CODES = list(rows_of("enhanced"))
with (Path(__file__).parent / "diagnostics.csv").open(encoding="utf-8", newline="") as file:
    SAID = [(row["said"], row["diagnosis"]) for row in csv.DictReader(file)]
#: Answers of large receivers, shortened, in the shapes that their pages document; see the sources in the tables.
with (Path(__file__).parent / "diagnostics_of_providers.csv").open(newline="") as file:
    PROVIDERS = list(csv.DictReader(file))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["example"][:60])
def test_a_row_reads_its_own_example(row: dict[str, str]) -> None:
    found, blocklist, _ = classify(row["example"])
    assert found == row["diagnosis"] and row["source"]
    assert (blocklist is not None) == (
        found == "block_blocklist" and row["diagnosis"] != "block_blocklist"
    ) or blocklist


@pytest.mark.parametrize("table", [ROWS, BLOCKLISTS, CODES])
def test_every_cell_of_a_table_is_filled(table: list[dict[str, str]]) -> None:
    """A comma that is not quoted moves what follows into the next column."""
    assert all(None not in row and all(row.values()) for row in table)


@pytest.mark.parametrize("row", PROVIDERS, ids=lambda row: row["text"][:60])
def test_answers_of_large_receivers_are_read_rightly(row: dict[str, str]) -> None:
    assert classify(row["text"])[:2] == (row["diagnosis"], row["blocklist"] or None)


@pytest.mark.parametrize("row", BLOCKLISTS, ids=lambda row: row["name"])
def test_a_blocklist_is_known_by_its_example(row: dict[str, str]) -> None:
    assert classify(row["example"])[:2] == ("block_blocklist", row["name"]) and row["source"]


@pytest.mark.parametrize("row", CODES, ids=lambda row: row["code"])
def test_a_status_code_alone_says_what_the_table_says(row: dict[str, str]) -> None:
    code = row["code"].replace("x", "5")
    assert classify("", code)[0] == row["diagnosis"] and row["source"]
    soft = row["diagnosis"] if row["diagnosis"].startswith("block") or row["diagnosis"] == "mailbox_full" else "soft"
    assert classify("", "4" + code[1:])[0] == soft


@pytest.mark.parametrize(
    ("text", "enhanced", "reply", "expected"),
    [
        ("", None, None, ("unknown", None, None)),
        ("user unknown", "5.1.1", None, ("hard", None, "5.1.1")),
        # 5.7.1 alone says little: the text decides
        ("550 5.7.1 Disk quota exceeded", None, None, ("mailbox_full", None, "5.7.1")),
        ("550 5.7.1 no such user", None, None, ("hard", None, "5.7.1")),
        (
            "550 5.7.1 Service unavailable; blocked using zen.spamhaus.org",
            None,
            None,
            ("block_blocklist", "spamhaus_zen", "5.7.1"),
        ),
        ("550 5.7.1 rejected", None, None, ("policy", None, "5.7.1")),
        # the code of the text is more precise than 5.0.0
        ("smtp; 550 5.1.1 <bo@ruiz.example> unknown", "5.0.0", None, ("hard", None, "5.1.1")),
        ("552 5.2.2 over quota", "5.2.2", 552, ("mailbox_full", None, "5.2.2")),
        ("452 4.2.2 over quota", None, None, ("mailbox_full", None, "4.2.2")),
        ("450 4.1.1 <bo@ruiz.example>: unverified address: no such user", None, None, ("soft", None, "4.1.1")),
        ("450 4.7.1 Client host rejected: cannot find your reverse hostname", None, None, ("soft", None, "4.7.1")),
        ("550 5.1.1 <info@spamhaus.org>: user unknown", None, None, ("hard", None, "5.1.1")),
        ("550 5.1.1 <greylist@ruiz.example>: user unknown", None, None, ("hard", None, "5.1.1")),
        (
            "550 5.2.1 Mailbox unavailable. Your IP 192.0.2.1 is blacklisted using SPAMHAUS-XBL",
            None,
            None,
            ("block_blocklist", "spamhaus_xbl", "5.2.1"),
        ),
        ("host d1.ess.barracudanetworks.com[192.0.2.1] said: 550 no such user", None, None, ("hard", None, None)),
        (
            "550-5.1.1 The account 550-5.1.1 that you tried to reach 550 5.1.1 is not there",
            None,
            None,
            ("hard", None, "5.1.1"),
        ),
        ("554 5.4.7 Delivery expired (message too old) 'timeout'", None, None, ("soft", None, "5.4.7")),
        ("550 Client 10.5.1.1 rejected", None, None, ("hard", None, None)),
        ("550 (in reply to end of DATA command)", None, None, ("unknown", None, None)),
        ("554", "5.0.0", 554, ("unknown", None, "5.0.0")),
    ],
    ids=lambda value: str(value)[:50],
)
def test_traps(
    text: str, enhanced: str | None, reply: int | None, expected: tuple[str, str | None, str | None]
) -> None:
    assert classify(text, enhanced, reply) == expected


@pytest.mark.parametrize(("said", "expected"), SAID, ids=lambda value: value[:60])
def test_what_servers_say_in_many_languages(said: str, expected: str) -> None:
    assert classify(said)[0] == expected


@given(st.text(max_size=400), st.one_of(st.none(), st.text(max_size=12)), st.one_of(st.none(), st.integers(0, 999)))
def test_any_text_gets_an_answer(text: str, enhanced: str | None, reply: int | None) -> None:
    found, blocklist, code = classify(text, enhanced, reply)
    assert found and (blocklist is None or found == "block_blocklist") and (code is None or code.count(".") == 2)


@pytest.mark.parametrize(
    "unit", ["a ", "mailbox ", "user is not ", "<", "5.1.1 ", "your ip a ", "@", "message too ", "<a@", "a@b "]
)
def test_no_text_takes_long(unit: str) -> None:
    classify("warm")
    started = process_time()
    classify(unit * (5_000_000 // len(unit)))
    assert process_time() - started < 2.0  # milliseconds where nothing is quadratic, hours where it is
