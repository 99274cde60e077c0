"""``python -m riskapi audit``: show and verify; and what other commands leave in the log."""

from __future__ import annotations

import time

from riskapi.access.audit_log import STREAM, AuditLog
from riskapi.store.connections import Store
from tests.commanding import Command


def test_the_chain_is_verified_and_its_latest_hash_printed(command: Command, store: Store) -> None:
    audit = AuditLog(store)
    for number in range(3):
        audit.note("ana", "decided", f"rev_{number}", time.time())
    found = command("audit", "verify")
    assert found.code == 0 and "3 notes follow from each other, numbers 1 to 3" in found.err
    latest, digest = found.out.split()
    assert latest == "3" and len(digest) == 64
    audit.note("ana", "undone", "rev_2", time.time())
    assert command("audit", "verify", "--holds", digest).code == 0
    other = command("audit", "verify", "--holds", "0" * 63 + "1")
    assert other.code == 1 and "not in the chain" in other.err
    store.execute("XDEL", STREAM, audit.latest(9)[2].id)
    broken = command("audit", "verify")
    assert broken.code == 1 and "after number 1 comes 2" in broken.err and broken.out == ""


def test_an_empty_log_holds(command: Command, store: Store) -> None:
    assert command("audit", "verify").code == 0 and command("audit", "show").out == ""


def test_notes_are_shown_by_who_what_and_to_what(command: Command, store: Store) -> None:
    for actor in ("ana", "bo"):
        AuditLog(store).note(actor, "decided", "rev_1", time.time(), decision="limit")
    assert "decision: limit" in command("audit", "show", "--actor", "bo").out
    assert len(command("audit", "show", "--subject", "rev_1").out.splitlines()) == 2
    assert len(command("audit", "show", "--limit", "1").out.splitlines()) == 1
    assert command("audit", "show", "--action", "undone").out == ""


def test_keys_that_commands_make_and_revoke_are_noted(command: Command, store: Store) -> None:
    command("keys", "create", "--name", "signup-flow", "--scope", "signups")
    key = command("keys", "list").out.split()[0]
    command("keys", "revoke", key)
    found = AuditLog(store).latest(9)
    assert [(note.actor, note.action, note.subject) for note in found] == [
        ("command line", "key revoked", key),
        ("command line", "key made", key),
    ]
