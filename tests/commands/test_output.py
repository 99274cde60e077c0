"""What commands show on a terminal, and that a program that reads them gets plain lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from riskapi import policy
from riskapi.commands.progress import LongWork
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.embedded import Embedded
from tests.commanding import Command, Done, environment, on_terminal
from tests.conftest import ROOT

COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9]m")


@pytest.fixture
def terminal(embedded_store: Embedded, store: Store, settings: Settings) -> Command:
    """``terminal("keys", "list", NO_COLOR="1")`` runs a command on a terminal, on the empty store of the test."""
    ours = {
        "REDIS_URL": f"unix://{embedded_store.socket}",
        "RISKAPI_DATA_DIR": str(settings.data_dir),
        "RISKAPI_MODEL_MODE": "off",
        "RISKAPI_ENRICHMENT": "off",
        "LOGNAME": "ana",
    }

    def run(*words: str, pipe: bool = False, **more: str) -> Done:
        return on_terminal(list(words), environment(**ours, **more), ROOT, pipe=pipe)

    return run


#: Commands, the columns of their tables, and a line as programs read it.
TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "keys list": (("keys", "list"), ("id", "made", "limit", "scopes", "name"), r"\S+\t\S+\t-\tsends,signups\t\[red\]x"),
    "policy versions": (("policy", "versions"), ("version", "published", "author", "note"), r"\*1?\d+\t-\tfile\t-"),
    "worker status": (("worker", "status"), ("what", "how many"), r"workers\t0"),
}


@pytest.mark.parametrize(("words", "columns", "line"), TABLES.values(), ids=TABLES)
def test_lists_are_tables_on_a_terminal_and_lines_elsewhere(
    words: tuple[str, ...], columns: tuple[str, ...], line: str, command: Command, terminal: Command
) -> None:
    command("keys", "create", "--name", "[red]x", "--scope", "signups", "--scope", "sends")
    plain = command(*words)
    assert re.fullmatch(line, plain.out.splitlines()[0]), plain.out
    shown = terminal(*words, NO_COLOR="1")
    assert shown.code == plain.code
    seen = re.sub(r"\x1b\[[0-9;]*m", "", shown.err)
    assert re.search(r"^ *" + " +".join(columns) + " *$", seen, re.MULTILINE), seen
    assert all(cell in shown.err for cell in plain.out.splitlines()[0].split("\t"))
    assert "\t" not in shown.err


def test_findings_are_coloured_on_a_terminal_and_plain_elsewhere(command: Command, terminal: Command) -> None:
    plain = command("data", "status")
    assert {each[:6] for each in plain.out.splitlines()} <= {"ok    ", "warn  "}
    coloured, uncoloured = (terminal("data", "status", **more).err for more in ({}, {"NO_COLOR": "1"}))
    assert COLOUR.search(coloured) and not COLOUR.search(uncoloured)
    words = plain.out.splitlines()[0].split()[:4]
    assert words == uncoloured.splitlines()[0].split()[:4]


def test_list_entries_that_match_are_a_table_on_a_terminal(command: Command, terminal: Command, tmp_path: Path) -> None:
    file = tmp_path / "bans.csv"
    file.write_text("kind,value,reason\nip,203.0.113.9,spam\n")
    assert command("lists", "import", "deny", str(file)).code == 0
    assert command("lists", "find", "203.0.113.9").out.startswith("{")
    shown = terminal("lists", "find", "203.0.113.9").err
    assert "{" not in shown and all(word in shown for word in ("deny", "203.0.113.9", "spam", "ana"))


def test_a_bar_on_the_terminal_leaves_the_pipe_alone(terminal: Command, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text("x\n" * 3_000)
    done = terminal("replay", "--policy", str(policy.DEFAULT), str(file), pipe=True)
    assert done.code == 1
    assert len(done.out.splitlines()) == 3_000 and "\x1b" not in done.out
    assert re.search(r"replaying .*100%", done.err), done.err
    assert "3000 that cannot be read" in done.err


def test_without_a_terminal_long_work_says_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    with LongWork("importing", 200, clock=lambda: now) as work:
        for now in (1.0, 9.9, 10.0, 12.0, 20.5):
            work.reach(now * 5, f"{now:g} accounts")
        work.total = None
        now = 40.0
        work.reach(1, "1 MB")
    with LongWork("exporting", shown=False, clock=lambda: now) as work:
        now = 90.0
        work.reach(1, "1 decision")
    said = capsys.readouterr()
    assert said.err.splitlines() == ["importing: 25%, 10 accounts", "importing: 51%, 20.5 accounts", "importing: 1 MB"]
    assert said.out == ""
