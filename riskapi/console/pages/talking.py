"""What the buttons of a case do that decide nothing: keep a note, have the customer asked, hand the case over."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from riskapi.console.pages import queue
from riskapi.console.visit import Answer, Moved, Visit
from riskapi.errors import invalid
from riskapi.reviews.notes import CaseNote
from riskapi.reviews.questions import LONGEST

#: Characters of a note, as of the sentence of a decision.
_NOTE = 1800
#: Days to wait for an answer that can be chosen.
DAYS = (1, 3, 7)


def write_note(visit: Visit) -> Answer:
    """Keep what was written with the case."""
    review = visit.parts.reviews.get(visit.path["review_id"])
    text = visit.form["note"].strip()[:_NOTE]
    if not text:
        return Moved(_here(visit), "Nothing was written, so nothing was kept.")
    visit.note("note written", review["id"])
    visit.cases.notes.add(review["id"], review["user_id"], CaseNote("note", visit.now, visit.person.name, text))
    return Moved(_here(visit), "The note is kept with the case.")


def ask(visit: Visit) -> Answer:
    """Have the customer asked by the company's own systems; the case waits for what they do."""
    question, days = visit.form["question"].strip()[:LONGEST], visit.form["days"]
    if days not in {str(each) for each in DAYS}:
        raise invalid("/days", f"expected one of {', '.join(map(str, DAYS))}")
    if not question:
        return Moved(_here(visit), "Nothing was asked: write the question first.")
    visit.note("customer asked", visit.path["review_id"])
    review = visit.cases.questions.ask(visit.path["review_id"], question, int(days), visit.person.name, visit.now)
    visit.cases.claims.let_go(review["id"], visit.person.name, visit.now)
    visit.parts.metrics.review("asked")
    visit.cases.notes.add(review["id"], review["user_id"], CaseNote("question", visit.now, visit.person.name, question))
    said = "Your systems are told to ask. The case comes back when the customer does something or the time is over."
    return Moved(queue.next_case(visit), said)


def hand_over(visit: Visit) -> Answer:
    """Let a named person hold the case."""
    to = visit.access_parts.users.find(visit.form["to"])
    if to is None or not to.may("reviewer"):
        raise invalid("/to", "expected the name of somebody who can review")
    visit.note("case handed over", visit.path["review_id"], to=to.name)
    review = visit.parts.reviews.get(visit.path["review_id"])
    visit.cases.claims.claim(review["id"], visit.person.name, visit.now, to.name)
    visit.parts.metrics.review("claimed")
    note = CaseNote("handed", visit.now, visit.person.name, to.name)
    visit.cases.notes.add(review["id"], review["user_id"], note)
    return Moved(queue.next_case(visit), f"{to.name} holds the case now.")


def _here(visit: Visit) -> str:
    return f"/console/cases/{visit.path['review_id']}"


BUTTONS: Mapping[str, Callable[[Visit], Answer]] = {"note": write_note, "ask": ask, "hand": hand_over}
