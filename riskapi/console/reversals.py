"""Which things that the audit log tells of were undone since, and by whom.

What was changed says whether it stands. Who undid it stands there too, or in a later note of the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from riskapi.access.audit_log import Noted, Wanted
from riskapi.console.visit import Visit
from riskapi.errors import Problem
from riskapi.reviews.decided_accounts import DecidedAccounts
from riskapi.times import instant, rfc3339
from signals.records import record

#: Later notes that are looked through for who undid something.
_LOOKED = 200


@record
class Reversal:
    """Who undid it, as they are called (empty where nobody knows any more), and when: Unix time, None if unknown."""

    by: str
    at: float | None


def reversals(visit: Visit, notes: Sequence[Noted]) -> dict[str, Reversal]:
    """Those of the notes whose doing was undone, by the id of the note. Raises ``StoreUnavailable``."""
    found = dict(_decisions(visit, [note for note in notes if note.action == "decided"]))
    found |= _cuts(visit, [note for note in notes if note.action == "link cut"])
    batches = [note for note in notes if note.action == "list batch put" and _is_undone(visit, note)]
    found |= _noted(visit, batches, "list batch undone")
    entries = [note for note in notes if note.action == "list entry put" and _is_removed(visit, note)]
    return found | dict(_noted(visit, entries, "list entry removed"))


def _decisions(visit: Visit, notes: Sequence[Noted]) -> Iterator[tuple[str, Reversal]]:
    accounts = DecidedAccounts(visit.access_parts.store, visit.parts.publisher.active)
    undone = accounts.undone({note.subject for note in notes}) if notes else {}
    for note in notes:
        undoing = undone.get((note.subject, rfc3339(note.at)))
        if undoing is not None:
            yield note.id, Reversal(undoing.reviewer or undoing.actor, undoing.at)


def _cuts(visit: Visit, notes: Sequence[Noted]) -> Iterator[tuple[str, Reversal]]:
    for note in notes:
        try:
            cut = visit.parts.cuts.get(str(note.details.get("made", "")))
        except Problem:  # not known
            continue
        if cut["undone_at"] is not None:
            yield note.id, Reversal(cut["undone_by"] or "", instant(cut["undone_at"]).timestamp())


def _is_undone(visit: Visit, note: Noted) -> bool:
    try:
        return visit.parts.list_batches.get(note.subject)["undone_at"] is not None
    except Problem:  # too long ago
        return False


def _is_removed(visit: Visit, note: Noted) -> bool:
    entry = visit.parts.lists.load(note.subject)
    return entry is not None and entry.removed


def _noted(visit: Visit, notes: Sequence[Noted], action: str) -> Iterator[tuple[str, Reversal]]:
    """The same for notes whose doing does not stand, with who noted that it was undone."""
    if not notes:
        return
    wanted = Wanted(action=action, since=min(note.at for note in notes))
    later = {note.subject: note for note in visit.parts.audit.page(wanted, _LOOKED).notes}  # the first that did it
    for note in notes:
        by = later.get(note.subject)
        yield note.id, Reversal(by.actor if by else "", by.at if by else None)
