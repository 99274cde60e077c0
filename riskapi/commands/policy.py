"""Check, publish, show, list, compare and bring back policies.

A published policy is in force on every worker within a second, and at every start from then on; the policy file
is then ignored. Every version is kept. To change the one in force: `policy show > new.json`, edit, `policy publish
new.json --note "why"`. What is shown carries its version: where another one came into force meanwhile it is refused.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from riskapi import app, policy
from riskapi.commands import author
from riskapi.errors import ConfigurationError, Problem
from riskapi.policy.active import Basis
from riskapi.policy.publisher import Publisher
from riskapi.policy.versions import Policies, Publication, Version
from riskapi.settings import Settings
from riskapi.store.connections import running_store
from riskapi.times import rfc3339

#: Versions listed, newest first.
_LISTED = 200
#: Characters of a note, as the API takes them.
_MOST_NOTE = 2000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    check = actions.add_parser("check", help="check a policy file")
    check.add_argument("file", type=Path, nargs="?", help="the policy (default: the one the settings name)")
    show = actions.add_parser("show", help="print a policy as JSON, and who published it when and why")
    show.add_argument("--version", type=int, metavar="N", help="which one (default: the one in force)")
    actions.add_parser("versions", help=f"list the last {_LISTED} versions, newest first")
    changes = actions.add_parser("changes", help="print what is different in a version")
    changes.add_argument("version", type=int, metavar="N")
    changes.add_argument("--since", type=int, metavar="M", help="compare with this version (default: the one before)")
    publish = actions.add_parser("publish", help="put a policy into force")
    publish.add_argument("file", type=Path, help="TOML, or JSON as show prints it")
    publish.add_argument("--note", type=_note, required=True, help="why, for those who come after")
    publish.add_argument(
        "--from", type=int, metavar="N", dest="since",
        help="only if version N is still in force (default: the version that JSON names; TOML's does not matter)",
    )  # fmt: skip
    author.argument(publish)
    rollback = actions.add_parser("rollback", help="put what an earlier version says into force again")
    rollback.add_argument("version", type=int, metavar="N")
    rollback.add_argument("--note", type=_note, help="why (default: that it goes back)")
    author.argument(rollback)


def _note(text: str) -> str:
    if not text.strip() or len(text) > _MOST_NOTE:
        raise argparse.ArgumentTypeError(f"expected 1 to {_MOST_NOTE} characters")
    return text


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do one of them; a broken policy raises with the file, the key and the reason."""
    if arguments.action == "check":
        return _check(arguments.file or settings.policy_file or policy.DEFAULT)
    file = policy.load(settings.policy_file or policy.DEFAULT)
    with running_store(settings, start=arguments.start_store) as store:
        policies, publisher = app.follow_policy(settings, store, file, Basis(file, None, {}))
        try:
            if arguments.action in ("publish", "rollback"):
                return _change(publisher, arguments)
            return _look(policies, arguments)
        except Problem as problem:
            print(problem.detail, file=sys.stderr)
            return 1


def _check(path: Path) -> int:
    found = policy.check(_json(path), where=str(path)) if path.suffix == ".json" else policy.load(path)
    print(f"{path}: policy {found.version} is good, {len(found.rules)} rules, model {found.model.mode}")
    return 0


def _look(policies: Policies, arguments: argparse.Namespace) -> int:
    if arguments.action == "show":
        found = policies.show(arguments.version)
        print(_line(found), file=sys.stderr)
        print(json.dumps(found["policy"], indent=1, ensure_ascii=False))
    elif arguments.action == "versions":
        for row in policies.page(_LISTED)["versions"]:
            print(_line(row))
    else:
        changes = policies.compare(arguments.version, arguments.since)["changes"]
        if not changes:
            print("nothing is different", file=sys.stderr)
        for change in changes:
            before, after = (json.dumps(change[side], ensure_ascii=False) for side in ("from", "to"))
            print(f"{change['key']}: {before} -> {after}")
    return 0


def _line(row: Mapping[str, Any]) -> str:
    mark = "*" if row["live"] else " "
    return f"{mark}{row['version']}\t{row['at'] or '-'}\t{row['author']}\t{row['note'] or '-'}"


def _change(publisher: Publisher, arguments: argparse.Namespace) -> int:
    note = arguments.note or f"Back to version {arguments.version}"
    publication = Publication(note=note, author=author.name(arguments), at=rfc3339(time.time()))
    if arguments.action == "rollback":
        made: Version = publisher.rollback(arguments.version, publication)
    else:
        made = _publish(publisher, arguments.file, arguments.since, publication)
    print(f"version {made.version} is in force")
    return 0


def _publish(publisher: Publisher, path: Path, since: int | None, publication: Publication) -> Version:
    """Put a file into force, if version ``since`` still is; by default the one that JSON was shown from."""
    shown = path.suffix == ".json"
    given = _json(path) if shown else policy.load(path).model_dump(mode="json")
    if shown and since is None and type(given.get("version")) is int:
        since = given["version"]
    try:
        return publisher.publish(given, publication, lambda live: since in (None, live), str(path))
    except Problem as problem:
        if problem.code != "precondition_failed" or not shown:
            raise
        since_then = f"`policy changes N --since {since}` says what came since, `--from N` that you know"
        raise Problem(problem.code, f"{problem.detail} {path} is from version {since}: {since_then}.") from None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(str(path), "file", f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(str(path), "file", f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ConfigurationError(str(path), "file", "not a policy: expected a JSON object")
    return found
