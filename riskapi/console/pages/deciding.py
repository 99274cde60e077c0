"""What the buttons of a case do: claim, hand on, skip, decide, undo, and show personal data."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Protocol

from riskapi.accounts.history import LabelName
from riskapi.api.reviews import count_decision, count_undo
from riskapi.console import sentences
from riskapi.console.page import Page
from riskapi.console.pages import linking, queue, talking
from riskapi.console.visit import Answer, Moved, Visit
from riskapi.errors import Problem, StoreUnavailable, invalid
from riskapi.reviews.decisions import ReviewDecision
from riskapi.reviews.deniable_values import DENIABLE
from riskapi.reviews.queue import ReviewScope, ReviewTier
from riskapi.times import rfc3339

TIERS: tuple[ReviewTier, ...] = ("allow", "limit")
#: What a decision says of the account of the case.
LABELS: dict[ReviewTier, LabelName] = {"allow": "legitimate", "limit": "abuse"}
#: Why, in a word; a sentence can be added.
CODES = ("spam", "fake people", "framed", "shared device", "test", "other")
#: Characters of a sentence, as the API takes them, and cases that somebody can skip or look at unmasked at once.
_SENTENCE, _SKIPPED, _SHOWN = 1800, 40, 10


class Shown(Protocol):
    """Shows the case again, with what went wrong."""

    def __call__(self, visit: Visit, fault: str | None = None, status: int = 200) -> Answer:
        """The page."""


def claim(visit: Visit) -> Answer:
    """Hold the case: every review of its ring; whoever holds it holds it for longer."""
    visit.cases.claims.claim(_id(visit), visit.person.name, visit.now)
    visit.parts.metrics.review("claimed")
    return Moved(queue.back_to(visit.form["back"])) if "back" in visit.form else Moved(_here(visit))


def release(visit: Visit) -> Answer:
    """Put it back."""
    visit.cases.claims.release(_id(visit), visit.person.name, visit.now)
    visit.parts.metrics.review("released")
    return Moved(queue.back_to(visit.form["back"]), "Others can take the case now.")


def escalate(visit: Visit) -> Answer:
    """Hand it to somebody more senior."""
    name, why = visit.person.name, visit.form["note"].strip()[:_SENTENCE] or None
    visit.note("case handed on", _id(visit))
    visit.parts.reviews.escalate(_id(visit), name, why, visit.now, actor=name)
    visit.cases.claims.let_go(_id(visit), name, visit.now)
    visit.parts.metrics.review("escalated")
    return Moved(queue.next_case(visit), "The case is handed on.")


def skip(visit: Visit) -> Answer:
    """Leave it to others: it is not shown to this person until they sign in again."""
    skipped = [*(each for each in visit.kept.get("skipped", ()) if each != _id(visit)), _id(visit)][-_SKIPPED:]
    onward = queue.back_to(visit.form["back"]) if "back" in visit.form else queue.next_case(visit, skipped)
    return Moved(onward, "Skipped: it waits for somebody else.", {"skipped": skipped})


def show_data(visit: Visit) -> Answer:
    """Show the personal data of the case in plain to this person, and note that they looked."""
    visit.note("personal data shown", _id(visit))
    shown = [*(each for each in visit.kept.get("shown", ()) if each != _id(visit)), _id(visit)][-_SHOWN:]
    return Moved(_here(visit), keep={"shown": shown})


def decide(visit: Visit) -> Answer:
    """Decide, and go on to the next case."""
    tier = visit.form["do"]
    if tier not in TIERS:
        raise invalid("/do", "expected allow or limit")
    code, note = visit.form["code"], visit.form["note"].strip()[:_SENTENCE]
    if code not in CODES:
        raise invalid("/code", f"expected one of {', '.join(CODES)}")
    deny = tuple(kind for kind in DENIABLE if kind in visit.form.all("deny")) if tier == "limit" else ()
    scope: ReviewScope = "account" if "alone" in visit.form else "cluster"
    name = visit.person.name
    reason = f"{code}: {note}" if note else code
    decision = ReviewDecision(tier, LABELS[tier], scope, reason, deny=deny, reviewer=name)
    visit.note("decided", _id(visit), decision=tier, scope=scope)
    held = visit.cases.claims.hold(_id(visit), name, visit.now)
    try:
        answer = visit.parts.review_decisions.decide(_id(visit), decision, name, visit.now)
    finally:
        if not held or scope == "cluster":  # whoever decides one account of a ring they hold goes on with the others
            with contextlib.suppress(StoreUnavailable):  # the claim ends by itself
                visit.cases.claims.let_go(_id(visit), name, visit.now)
    count_decision(visit.parts.metrics, answer)
    said = f"{tier.capitalize()}: {sentences.effect(answer['accounts'])}"
    return Moved(queue.next_case(visit), said, {"undo": _id(visit), "undo_of": rfc3339(visit.now)})


def undo(visit: Visit) -> Answer:
    """Take the decision back."""
    visit.note("undone", _id(visit))
    name, of = visit.person.name, visit.form["of"] or None
    answer = visit.parts.review_decisions.undo(_id(visit), None, name, visit.now, name, of=of)
    count_undo(visit.parts.metrics, answer)
    return Moved(_here(visit), sentences.undone(answer["accounts"]), {"undo": None})


def pages(shown: Shown) -> tuple[Page, ...]:
    """The buttons as pages; ``shown`` shows the case again where somebody was faster."""

    def told(do: Callable[[Visit], Answer], visit: Visit) -> Answer:
        try:
            return do(visit)
        except Problem as problem:
            if problem.status != 409:
                raise
            return shown(visit, f"{problem.detail} Nothing was changed.", 409)

    buttons = {"claim": claim, "release": release, "escalate": escalate, "skip": skip, "decide": decide, "undo": undo}
    buttons |= {"show": show_data, **talking.BUTTONS, **linking.BUTTONS}
    return tuple(
        Page(
            path=f"/cases/{{review_id}}/{word}",
            handler=partial(told, do),
            role="reviewer",
            method="POST",
            writes=word != "skip",  # the browser keeps that
        )
        for word, do in buttons.items()
    )


def _id(visit: Visit) -> str:
    return visit.path["review_id"]


def _here(visit: Visit) -> str:
    return f"/console/cases/{_id(visit)}"
