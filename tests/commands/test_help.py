"""What the command line says of itself, what it imports for that, and what it says of words that mean nothing."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from riskapi.access.api_keys import SCOPES
from riskapi.commands.epilog import PROGRAM
from riskapi.commands.panels import upkeep
from riskapi.commands.program import program
from riskapi.datasets.declared import DATA_SETS
from riskapi.lists.matching import KINDS
from tests.commanding import environment, on_terminal, within
from tests.conftest import ROOT

#: What only some commands need, and none for its help: it costs tenths of a second.
HEAVY = {"numpy", "lightgbm", "flask", "redis", "granian", "signals", "model"}


def commands(of: Any, path: str = PROGRAM) -> Iterator[tuple[str, Any]]:
    """Every command by how it is called, groups too."""
    yield path, of
    for name, command in getattr(of, "commands", {}).items():
        yield from commands(command, f"{path} {name}")


ALL = dict(commands(typer.main.get_command(program)))
EXAMPLES = [
    line.removeprefix("- `").removesuffix("`")
    for command in ALL.values()
    for line in (command.epilog or "").splitlines()
    if line.startswith("- `")
]


@pytest.mark.parametrize("path", [path for path in ALL if path != PROGRAM])
def test_every_command_says_what_it_does_how_and_what_its_exit_codes_mean(path: str) -> None:
    command = ALL[path]
    summary = command.help.split("\n\n")[0]
    assert summary.endswith(".") and len(summary) <= 45, "lists of commands show the first 45 characters"
    for said in ("**Examples**", f"`{path}", "**Exit codes**", "- 0: ", "- 1: ", "- 2: "):
        assert said in command.epilog
    for parameter in command.params:
        assert parameter.help and parameter.help[0].isupper() | parameter.help.startswith("allow"), parameter.name
    if path.count(" ") == PROGRAM.count(" ") + 1:
        assert command.rich_help_panel is not None


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_commands(example: str) -> None:
    words = shlex.split(example.partition(" > ")[0].removeprefix(PROGRAM))
    command = ALL[PROGRAM]
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)  # raises for words that are wrong


def test_examples_name_kinds_that_there_are() -> None:
    named = [shlex.split(example.partition(" --kind ")[2])[0] for example in EXAMPLES if " --kind " in example]
    assert named and set(named) <= set(KINDS)


def test_choices_that_are_written_out_are_those_there_are() -> None:
    scopes = next(each for each in ALL[f"{PROGRAM} keys create"].params if each.name == "scopes")
    assert ", ".join(SCOPES).replace(", admin", " or admin") in scopes.help
    assert ", ".join(DATA_SETS) == upkeep._DATA


def test_the_release_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    done = within(capsys)("--version")
    assert (done.code, done.out, done.err) == (0, f"riskapi {project['version']}\n", "")


@pytest.mark.parametrize("words", [["--help"], [], ["serve", "--help"], ["keys", "create", "-h"], ["policy"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\nfrom riskapi.__main__ import main\n"
        f"code = main({words!r})\nprint(code, *sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, env=environment()
    )
    assert done.stderr == ("0\n" if words and words[-1].startswith("-") else "2\n")
    assert f"Usage: {PROGRAM}" in done.stdout


@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}], ids=["colours", "NO_COLOR"])
def test_help_has_panels_and_colours_unless_told_not_to(more: dict[str, str]) -> None:
    shown = on_terminal([], environment(**more), ROOT).err
    for panel in ("Run", "Accounts and decisions", "Rules", "Look after"):
        assert f" {panel} " in shown
    assert ("\x1b[1;36m" in shown) is not bool(more)
    assert ("\x1b[36m" in shown or ";36m" in shown) is not bool(more)


WRONG: dict[str, tuple[list[str], str]] = {
    "no such command": (["key"], "No such command 'key'. Did you mean 'keys'? `python -m riskapi --help` says more."),
    "no such option": (["doctor", "--all"], "No such option: --all. `python -m riskapi doctor --help` says more."),
    "an option missing": (
        ["keys", "create", "--name", "x"],
        "Missing option '--scope'. `python -m riskapi keys create --help` says more.",
    ),
    "no such list": (["lists", "export", "grey"], "Invalid value for 'LIST': "),
    "no such kind": (
        ["lists", "find", "x", "--kind", "colour"],
        "Invalid value for --kind: 'colour' is none of email",
    ),
    "no such data": (["data", "update", "--only", "asn", "moon"], "Invalid value for NAME: 'moon' is none of asn, "),
    "no time": (
        ["export", "decisions", "--since", "now"],
        "Invalid value for '--since': 'now' is not a time such as 2026-11-22T10:00:00Z",
    ),
    "no such role": (
        ["users", "add", "ana", "--role", "king"],
        "Invalid value for '--role': 'king' is not one of 'viewer', 'reviewer', 'growth', 'admin'. `python",
    ),
    "both": (["worker", "drop", "0:1-1", "--all"], "Invalid value for ID: name ids, or --all"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG)
def test_wrong_words_are_one_line_and_2(words: list[str], said: str, command: Any) -> None:
    done = command(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(said) and len(done.err.splitlines()) == 1, done.err
