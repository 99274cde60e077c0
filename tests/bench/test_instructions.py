"""The count of instructions: what valgrind writes is read, and what is missing is said."""

from __future__ import annotations

import pytest

from tests.bench import instructions

_DUMP = "version: 1\ncreator: callgrind-3.19.0\ndesc: Trigger: dump {}\nevents: Ir\nfn=(1)\n1 5\ntotals: {}\n"


def test_what_valgrind_counted_is_told_by_stage() -> None:
    counted = {"validate": 80, "parse": 400, "gather": 700, "read": 500, "decide": 400, "line": 2_600, "http": 2_900}
    dumps = [_DUMP.format(stage, count * 1000) for stage, count in counted.items()]
    ended = "desc: Trigger: Program termination\ntotals: 7\n"
    assert instructions.read([*dumps, ended, ""]) == {stage: count * 1000 for stage, count in counted.items()}


def test_what_is_no_stage_of_its_own_is_worked_out() -> None:
    counted = {
        "validate": 80e3,
        "parse": 400e3,
        "gather": 700e3,
        "read": 500e3,
        "decide": 400e3,
        "line": 2600e3,
        "http": 2900e3,
    }
    told = dict(line.split() for line in instructions.lines(counted)[1:])
    assert (told["record"], told["HTTP"], told["together"]) == ("600.0", "220.0", "2900.0")


def test_without_valgrind_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert instructions.main([]) == 2
    assert "apt-get install valgrind" in capsys.readouterr().err
