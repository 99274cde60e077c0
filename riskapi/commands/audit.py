"""The audit log as a command shows and verifies it."""

from __future__ import annotations

import sys

from riskapi.access.audit_chain import verify as verified
from riskapi.access.audit_log import AuditLog, Wanted
from riskapi.commands import output
from riskapi.commands.progress import LongWork
from riskapi.store.connections import Store
from riskapi.times import rfc3339

#: Notes that a page of the log has, as they are read for the table.
_PAGE = 200
#: Who the log says did what a command does.
COMMAND_LINE = "command line"


def show(store: Store, limit: int, actor: str | None, action: str | None, subject: str | None) -> int:
    """Print the latest notes that fit, newest first."""
    wanted, audit, after = Wanted(actor=actor, action=action, subject=subject), AuditLog(store), None
    rows: list[tuple[str, ...]] = []
    while len(rows) < limit:
        found = audit.page(wanted, min(limit - len(rows), _PAGE), after)
        for note in found.notes:
            details = ", ".join(f"{name}: {value}" for name, value in note.details.items())
            rows.append((rfc3339(note.at), str(note.number or "-"), note.actor, note.action, note.subject, details))
        after = found.after
        if after is None:
            break
    output.show(("at", "number", "who", "what", "to what", "details"), rows)
    return 0


def verify(store: Store, holds: str | None) -> int:
    """Say whether every note follows from the one before it; 1 where one does not, or ``holds`` is not among them."""
    with LongWork("verifying") as work:

        def told(done: int, of: int) -> None:
            work.total = of
            work.reach(done, f"{done:,} notes")

        found = verified(store, told, holds)
    if found.fault is not None:
        print(f"the chain is broken: {found.fault}", file=sys.stderr)
        return 1
    print(
        f"{found.checked:,} notes follow from each other, numbers {found.start + 1} to {found.number}", file=sys.stderr
    )
    if found.start:
        print(f"older ones were dropped, up to number {found.start}", file=sys.stderr)
    if found.unchained:
        print(f"{found.unchained:,} notes of a release without the chain come before it", file=sys.stderr)
    if found.held is False:
        print("the hash that was given is not in the chain: it was made anew, or the note was dropped", file=sys.stderr)
        return 1
    print(f"{found.number} {found.hash}")
    return 0
