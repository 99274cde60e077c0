"""Policies as a command checks, publishes, shows, lists, compares and brings them back."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from riskapi import app, policy
from riskapi.access.audit_log import AuditLog
from riskapi.commands import author, output
from riskapi.commands.audit import COMMAND_LINE
from riskapi.commands.invocation import Invocation
from riskapi.errors import ConfigurationError, Problem
from riskapi.policy.active import Basis
from riskapi.policy.proposals import Proposals, StoredProposal
from riskapi.policy.publisher import Publisher
from riskapi.policy.versions import Policies, Publication, Version
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.times import rfc3339

#: Versions listed, newest first.
_LISTED = 200


def check(settings: Settings, path: Path | None) -> int:
    """Check a file, or the one the settings name; a broken policy raises with the file, the key and the reason."""
    path = path or settings.policy_file or policy.DEFAULT
    found = policy.check(_json(path), where=str(path)) if path.suffix == ".json" else policy.load(path)
    print(f"{path}: policy {found.version} is good, {len(found.rules)} rules, model {found.model.mode}")
    return 0


def show(call: Invocation, version: int | None) -> int:
    """Print a version, or the one in force."""
    with _policies(call) as (_, policies, _):
        found = policies.show(version)
        print(*_row(found), sep="\t", file=sys.stderr)
        print(json.dumps(found["policy"], indent=1, ensure_ascii=False))
    return 0


def versions(call: Invocation) -> int:
    """List the last versions."""
    with _policies(call) as (_, policies, _):
        output.show(("version", "published", "author", "note"), map(_row, policies.page(_LISTED)["versions"]))
    return 0


def changes(call: Invocation, version: int, since: int | None) -> int:
    """Print what is different in a version from ``since``, or from the one before."""
    with _policies(call) as (_, policies, _):
        found = policies.compare(version, since)["changes"]
        if not found:
            print("nothing is different", file=sys.stderr)
        for change in found:
            before, after = (json.dumps(change[side], ensure_ascii=False) for side in ("from", "to"))
            print(f"{change['key']}: {before} -> {after}")
    return 0


def publish(call: Invocation, path: Path, note: str, since: int | None, given_author: str | None) -> int:
    """Put a file into force, if version ``since`` still is."""
    with _policies(call) as (store, policies, publisher):
        proposals = Proposals(store, policies, publisher)
        made = _publish(proposals, path, since, _publication(note, given_author))
        return _in_force(store, "policy published", made)


def rollback(call: Invocation, version: int, note: str | None, given_author: str | None) -> int:
    """Put what an earlier version says into force again."""
    with _policies(call) as (store, policies, publisher):
        publication = _publication(note or f"Back to version {version}", given_author)
        made = Proposals(store, policies, publisher).restore(version, publication)
        return _in_force(store, "policy rolled back", made)


def approve(call: Invocation, id: str, given_author: str | None) -> int:
    """Put a proposal into force, as another person than the proposer."""
    with _policies(call) as (store, policies, publisher):
        made = Proposals(store, policies, publisher).approve(id, author.name(given_author), time.time())
        return _in_force(store, "policy approved", made)


def compare(call: Invocation, version: int, since: int | None) -> int:
    """Print what is different in a version from ``since``, or from the one before, in sentences."""
    with _policies(call) as (_, policies, _):
        found = policies.compare(version, since)
        print(f"version {found['since']} to version {found['version']}", file=sys.stderr)
        output.show(("what changes", "key"), ((each["text"], each["key"]) for each in found["changes"]))
        if not found["changes"]:
            print("nothing is different", file=sys.stderr)
    return 0


@contextlib.contextmanager
def _policies(call: Invocation) -> Iterator[tuple[Store, Policies, Publisher]]:
    """The versions in the store and who publishes them. What cannot be done is said, and ends the command with 1."""
    file = policy.load(call.settings.policy_file or policy.DEFAULT)
    with call.store() as store:
        try:
            yield store, *app.follow_policy(call.settings, store, file, Basis(file, None, {}))
        except Problem as problem:
            print(problem.detail, file=sys.stderr)
            raise typer.Exit(1) from None


def _row(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    mark = "*" if row["live"] else " "
    return f"{mark}{row['version']}", row["at"] or "-", row["author"], row["note"] or "-"


def _publication(note: str, given_author: str | None) -> Publication:
    return Publication(note=note, author=author.name(given_author), at=rfc3339(time.time()))


def _in_force(store: Store, action: str, made: Version | StoredProposal) -> int:
    audit, now = AuditLog(store), time.time()
    if isinstance(made, StoredProposal):
        audit.note(COMMAND_LINE, action, made.id, now, state="waits for a second person")
        print(f"{made.id} waits for a second person until {made.until}, because it loosens something:")
        print(*(f"  {text}" for text in made.loosens), sep="\n")
    else:
        audit.note(COMMAND_LINE, action, str(made.version), now)
        print(f"version {made.version} is in force")
    return 0


def _publish(proposals: Proposals, path: Path, since: int | None, publication: Publication) -> Version | StoredProposal:
    """Put a file into force, if version ``since`` still is; by default the one that JSON was shown from."""
    given, shown, latest = tables_of(path), path.suffix == ".json", 0
    if shown and since is None and type(given.get("version")) is int:
        since = given["version"]

    def is_free(live: int) -> bool:
        nonlocal latest
        latest = live
        return since in (None, live)

    try:
        return proposals.submit(given, publication, is_free, str(path))
    except Problem as problem:
        if problem.code != "precondition_failed" or not shown:
            raise
        came = f"`python -m riskapi policy changes {latest} --since {since}` says what came since"
        known = f"with `--from {latest}` it is published all the same, and takes that back"
        raise Problem(problem.code, f"{problem.detail} {path} is from version {since}: {came}; {known}.") from None


def tables_of(path: Path) -> dict[str, Any]:
    """The policy in a file, TOML or JSON. Raises :class:`ConfigurationError`."""
    return _json(path) if path.suffix == ".json" else policy.load(path).model_dump(mode="json")


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
