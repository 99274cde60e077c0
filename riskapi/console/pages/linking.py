"""What the buttons at links do: cut one that is wrong, take a cut back, and say whether two accounts are one person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from riskapi.console import sentences
from riskapi.console.visit import Answer, Moved, Visit
from riskapi.errors import invalid
from riskapi.reviews.notes import CaseNote, NoteKind

#: What somebody says of two accounts.
_PAIR: Mapping[str, NoteKind] = {"same": "same", "apart": "apart"}


def cut(visit: Visit) -> Answer:
    """Cut an account, or with none named everybody, from a thing; where the case's cluster is known."""
    review = visit.parts.reviews.get(visit.path["review_id"])
    edge, user_id = visit.form["edge"], visit.form["user_id"] or None
    cluster = visit.parts.clusters.of(review["user_id"])
    things = visit.parts.clusters.things(cluster, visit.now)[1] if cluster else []
    thing = next((each for each in things if each.edge == edge), None)
    if thing is None or (user_id is not None and user_id not in thing.user_ids):
        return Moved(_here(visit), "This link is not there any more. Nothing was cut.")
    visit.note("link cut", review["id"], edge=edge)
    if user_id is not None and edge.startswith("w:"):
        raise invalid("/user_id", "a wave is cut for everybody")
    found = visit.parts.cuts.cut(cluster, user_id, edge, f"case {review['id']}", visit.person.name, visit.now)
    kind = visit.parts.clusters.kind_of(edge)
    text = f"{sentences.THINGS.get(kind, kind)} for {user_id or 'everybody'}"
    note = CaseNote("cut", visit.now, visit.person.name, text, user_id, edge, found["cut_id"])
    visit.cases.notes.add(review["id"], review["user_id"], note)
    return Moved(_here(visit), f"Cut: {text}. It can be taken back below.")


def take_back(visit: Visit) -> Answer:
    """Take a cut of this case back."""
    review = visit.parts.reviews.get(visit.path["review_id"])
    made = next(
        (each for each in open_cuts(visit.cases.notes.of(review["id"])) if each.cut_id == visit.form["cut_id"]), None
    )
    if made is None or made.cut_id is None:
        return Moved(_here(visit), "This cut was taken back already.")
    visit.note("cut taken back", review["id"], cut_id=made.cut_id)
    visit.parts.cuts.undo(made.cut_id, visit.person.name, visit.now)
    note = CaseNote("uncut", visit.now, visit.person.name, made.text, made.user_id, made.edge, made.cut_id)
    visit.cases.notes.add(review["id"], review["user_id"], note)
    said = f"Taken back: {made.text}. They are bound again once they are looked at, within seconds."
    return Moved(_here(visit), said)


def tell_apart(visit: Visit) -> Answer:
    """Keep whether another account is the same person, for training. It changes nothing else."""
    review = visit.parts.reviews.get(visit.path["review_id"])
    other, kind = visit.form["user_id"], _PAIR.get(visit.form["do"])
    if kind is None:
        raise invalid("/do", "expected same or apart")
    if other == review["user_id"] or visit.cases.rings.members([other], visit.now).get(other) is None:
        raise invalid("/user_id", "expected another account that is there")
    visit.note("pair told", review["id"], same=kind == "same")
    visit.cases.notes.add(review["id"], review["user_id"], CaseNote(kind, visit.now, visit.person.name, "", other))
    word = "the same person" if kind == "same" else "not the same person"
    return Moved(_here(visit), f"Kept: {other} is {word}.")


def open_cuts(notes: Sequence[CaseNote]) -> list[CaseNote]:
    """The cuts made in a case that were not taken back."""
    back = {each.cut_id for each in notes if each.kind == "uncut"}
    return [each for each in notes if each.kind == "cut" and each.cut_id not in back]


def pairs(notes: Sequence[CaseNote]) -> dict[str | None, NoteKind]:
    """What was said last of each other account: ``same`` or ``apart``."""
    return {each.user_id: each.kind for each in notes if each.kind in _PAIR}


def _here(visit: Visit) -> str:
    return f"/console/cases/{visit.path['review_id']}"


BUTTONS: Mapping[str, Callable[[Visit], Any]] = {"cut": cut, "uncut": take_back, "pair": tell_apart}
