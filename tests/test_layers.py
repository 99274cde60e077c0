"""The arrows of the design: who may import whom, read from the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("signals", "model", "training", "riskapi")
#: Package → packages of ours it may import.
ALLOWED = {
    "signals": {"signals"},
    "model": {"model", "signals"},
    "training": {"training", "model", "signals"},
    "riskapi": {"riskapi", "model", "signals"},
}
#: The packages of riskapi, each importing only those before it; ``app`` and the command line import all.
ROOMS = (
    ("store", "connections, the embedded server, scripts, streams, journal, rates, pages; rows that are damaged"),
    ("policy", "tables, rules, checks, versions, and the one in force"),
    ("outgoing", "where the service may connect to, and HTTP to there"),
    ("datasets", "data that inputs are looked up in: where it comes from, its checks, which file is in use"),
    ("inputs", "raw values of a signup, made facts"),
    ("access", "API keys, idempotency, users and how they sign in"),
    ("links", "entities: what accounts share, waves, hubs, and what sharing says"),
    ("budgets", "what was spent, caps, and terms of an account"),
    ("clusters", "accounts that share a budget: joins, claims, proofs"),
    ("accounts", "what was decided of an account, its labels, agenda, log, cuts"),
    ("enrichment", "what DNS, registries and blocklists say after the answer"),
    ("lists", "what people allow, deny and watch"),
    ("feedback", "what became of mail: webhooks of providers, raw mail, and how the platform does"),
    ("reviews", "decisions that wait for a person, and what a person decides"),
    ("sending", "grants, holds, outage, who becomes established by mail"),
    ("webhooks", "endpoints, deliveries, notices"),
    ("decisions", "the line: gather, read, score, decide, record; signups, rescoring, events, imports"),
    ("simulations", "a policy tried on recorded signups, thresholds proposed from them"),
    ("search", "accounts found by anything they have, and what else they share"),
    ("privacy", "what is held of one account, given out whole, and erased"),
    ("api", "HTTP: routes, requests, answers"),
    ("console", "pages for reviewers and admins: who may come in, queue, cases, users"),
    ("worker", "what is done after the answer"),
    ("server", "the processes of serve"),
    ("policyd", "the server that Postfix asks before mail leaves; it has nothing to do with the policy"),
    ("mailbox", "takes bounces and complaints from a mail server"),
    ("commands", "the command line"),
)
#: What signals may not import: they do no I/O.
IO = {
    "os",
    "io",
    "socket",
    "redis",
    "flask",
    "pathlib",
    "subprocess",
    "threading",
    "requests",
    "urllib",
    "http",
    "sqlite3",
}
#: The only places that may know these.
ONLY = {
    "flask": ("riskapi/api/", "riskapi/console/"),
    "werkzeug": ("riskapi/api/", "riskapi/console/"),
    "redis": ("riskapi/store/",),
    "prometheus_client": ("riskapi/metrics.py",),
    "lightgbm": ("model/", "training/", "riskapi/commands/doctor.py"),
}
#: Words that say nothing about what a file holds.
EMPTY = {"utils", "util", "helpers", "common", "core", "manager", "service", "misc", "base"}
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@dataclass(frozen=True, slots=True)
class Module:
    """What these tests want to know of a file, which is parsed and walked over once for all of them.

    ``imports`` are absolute names, wherever in the file; what only type checkers see is left out. ``prose`` are the
    lines of texts that stand for themselves, ``counted`` those of :func:`counted_replies`.
    """

    text: str
    docstring: str | None
    imports: tuple[str, ...]
    prose: frozenset[int]
    counted: tuple[int, ...]


@cache
def module(path: Path) -> Module:
    text = path.read_text()
    tree = ast.parse(text)
    nodes = tuple(ast.walk(tree))
    prose = frozenset(
        line
        for node in nodes
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    )
    return Module(text, ast.get_docstring(tree), tuple(_imports(path, nodes)), prose, tuple(counted_replies(nodes)))


def imports(path: Path) -> tuple[str, ...]:
    return module(path).imports


def _imports(path: Path, nodes: Sequence[ast.AST]) -> Iterator[str]:
    unseen = {
        id(inner)
        for node in nodes
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in nodes:
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_follow_the_arrows(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    for name in imports(path):
        top = name.split(".")[0]
        assert top not in PACKAGES or top in ALLOWED[package], f"{name_of(path)} imports {name}"
        assert top != "tests", f"{name_of(path)} imports tests"
        assert package != "signals" or top not in IO, f"{name_of(path)} imports {top}: signals do no I/O"
        places = ONLY.get(top)
        assert places is None or name_of(path).startswith(places), f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_one_noun_of_at_most_250_lines_of_code(path: Path) -> None:
    assert path.stem not in EMPTY
    read = module(path)
    lines = sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in read.prose
        for number, line in enumerate(read.text.splitlines(), 1)
    )
    declarations = {"email"}  # lists of signals, five lines each
    assert lines <= 250 or (path.parent.name == "signals" and path.stem in declarations), f"{lines} lines"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert module(path).docstring or not module(path).text.strip()


@pytest.mark.parametrize("path", [path for path in FILES if name_of(path).startswith("riskapi/")], ids=name_of)
def test_a_room_imports_only_what_stands_before_it(path: Path) -> None:
    order = [name for name, _ in ROOMS]
    room = path.relative_to(ROOT / "riskapi").parts[0]
    if room in ("app.py", "__main__.py"):  # they put everything together
        return
    place = order.index(room) if room in order else -1  # what stands at the root is before all rooms
    for name in imports(path):
        other = name.removeprefix("riskapi.").split(".")[0] if name.startswith("riskapi.") else ""
        assert other not in order or order.index(other) <= place, f"{name_of(path)} imports {name}"


def test_contributing_shows_the_rooms_in_order_and_where_to_begin() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    shown = re.findall(r"^\| `(\w+)` \| (.+) \| \[[\w.]+\]\(riskapi/(\w+)/[\w.]+\) \|$", text, flags=re.MULTILINE)
    assert shown == [(name, what, name) for name, what in ROOMS]


def test_api_is_known_only_to_those_who_put_the_service_together() -> None:
    known = {name_of(path) for path in FILES for name in imports(path) if name.startswith("riskapi.api")}
    outside = {name for name in known if not name.startswith(("riskapi/api/", "riskapi/console/"))}
    put_together = {"riskapi/app.py", "riskapi/server/wsgi.py", "riskapi/server/http_process.py"}
    assert outside <= {*put_together, "riskapi/commands/docs.py"}


def test_there_is_no_import_loop() -> None:
    graph = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
    edges = {
        name: {
            found for found in imports(path) if found in graph and found != name and not name.startswith(found + ".")
        }
        for name, path in graph.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail[trail.index(name) :], name))
        if name in done:
            return
        for found in edges[name]:
            visit(found, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def test_one_module_has_tiers_written() -> None:
    folder = ROOT / "riskapi" / "store" / "lua"
    texts = {path.stem: path.read_text() for path in folder.rglob("*.lua")}
    assert [name for name, text in texts.items() if re.search(r"'HSET', [^,]+, 'tier'", text)] == ["tiers"]
    scripts = {"account_record", *(name for name, text in texts.items() if "--+ tiers\n" in text)}
    assert scripts >= {"account_again", "account_tier", "review_decide", "review_undo"}
    callers = {name_of(path): scripts & {*re.findall(r'script\("(\w+)"\)', path.read_text())} for path in FILES}
    assert {name for name, called in callers.items() if called} == {"riskapi/accounts/tiers.py"}


def test_a_script_of_ten_arguments_takes_them_by_name() -> None:
    numbered = {
        path.name: max(map(int, re.findall(r"ARGV\[(\d+)\]", path.read_text())), default=0)
        for path in (ROOT / "riskapi" / "store" / "lua").glob("*.lua")
    }
    assert {name: most for name, most in numbered.items() if most > 8} == {}


def counted_replies(nodes: Sequence[ast.AST]) -> Iterator[int]:
    """Lines where what a pipeline replied is told apart by its position: taken apart, indexed or taken from."""

    def is_run(node: ast.AST) -> bool:
        if isinstance(node, ast.IfExp):
            return is_run(node.body)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("iter", "list"):
            return any(is_run(each) for each in node.args)
        return isinstance(node, ast.Call) and ast.unparse(node.func).endswith("store.run")

    names = {
        ast.unparse(target)
        for node in nodes
        if isinstance(node, ast.Assign) and is_run(node.value)
        for target in node.targets
    }
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Tuple() | ast.List()], value=value) if is_run(value):
                yield node.lineno
            case ast.Subscript(value=value) if is_run(value) or ast.unparse(value) in names:
                yield node.lineno
            case ast.Call(func=ast.Name("next"), args=[value, *_]) if ast.unparse(value) in names:
                yield node.lineno
            case ast.Attribute(value=value, attr="pop") if ast.unparse(value) in names:
                yield node.lineno


@pytest.mark.parametrize(
    "text",
    [
        "known, *rest = self._store.run(pipe)",
        "(reply,) = store.run(pipe)",
        "store.run(pipe)[0]",
        "replies = self._store.run(pipe) if pipe else []\nuse(replies[2 * at])",
        "replies = store.run(pipe)\nreplies.pop(0)",
        "replies = iter(self._store.run(pipe))\n[next(replies) for each in rows]",
    ],
)
def test_what_counting_replies_is(text: str) -> None:
    assert list(counted_replies([*ast.walk(ast.parse(text))]))
    assert not list(counted_replies([*ast.walk(ast.parse("rows = zip(names, store.run(pipe))\nrows[0]"))]))


@pytest.mark.parametrize(
    "path", [path for path in FILES if not name_of(path).startswith("riskapi/store/")], ids=name_of
)
def test_nobody_counts_positions_of_replies(path: Path) -> None:
    assert module(path).counted == ()


def test_a_test_file_imports_from_no_other_test_file() -> None:
    for path in sorted((ROOT / "tests").rglob("*.py")):
        found = [name for name in imports(path) if name.startswith("tests.") and ".test_" in name]
        assert not found, f"{name_of(path)} imports {found}"


@pytest.mark.parametrize("path", [path for path in FILES if name_of(path).startswith("riskapi/")], ids=name_of)
def test_the_length_of_a_day_is_said_in_one_place(path: Path) -> None:
    found = [each for each in re.findall(r"\b86_?400\b", module(path).text) if name_of(path) != "riskapi/times.py"]
    assert found == [], "from riskapi.times import DAY"
