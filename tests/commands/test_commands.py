"""Commands and the store they work on: the one that runs, and never another."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskapi import policy
from riskapi.__main__ import main
from riskapi.store.embedded import Embedded

#: Commands that need the store, as somebody gives them.
COMMANDS: dict[str, tuple[str, ...]] = {
    "keys create": ("keys", "create", "--name", "flow", "--scope", "signups"),
    "keys list": ("keys", "list"),
    "policy show": ("policy", "show"),
    "policy publish": ("policy", "publish", str(policy.DEFAULT), "--note", "x", "--author", "ana"),
    "import": ("import", "/dev/null", "--author", "ana"),
    "export": ("export", "decisions"),
    "replay": ("replay", "/dev/null"),
    "lists export": ("lists", "export"),
    "worker": ("worker",),
    "worker status": ("worker", "status"),
}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory in which no store runs."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("RISKAPI_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("RISKAPI_MODEL_MODE", "off")
    return tmp_path / "var"


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_where_no_store_runs_a_command_says_where_it_looked_and_makes_none(
    words: tuple[str, ...], directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, why in (
        (words, f"no store runs in {directory / 'store'}; run the command with the RISKAPI_DATA_DIR or REDIS_URL of"),
        (("--start-store", *words), f"there is no store in {directory / 'store'} to start\n"),
    ):
        assert main(list(given)) == 2
        said = capsys.readouterr()
        assert said.err.startswith(f"environment: RISKAPI_DATA_DIR: {why}")
        assert (said.out, len(said.err.splitlines())) == ("", 1)
        assert not (directory / "store").exists()


def test_doctor_says_so_and_goes_on(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 1
    assert f"FAIL  store (embedded): environment: RISKAPI_DATA_DIR: no store runs in {directory / 'store'};" in (
        capsys.readouterr().out
    )
    assert not (directory / "store").exists()


def test_a_store_that_was_stopped_is_started_where_that_is_wanted(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Embedded(directory):
        assert main(["keys", "create", "--name", "flow", "--scope", "signups"]) == 0
    assert main(["keys", "list"]) == 2
    capsys.readouterr()
    assert main(["--start-store", "keys", "list"]) == 0
    assert "flow" in capsys.readouterr().out
    assert not Embedded(directory).alive(), "stopped again"
