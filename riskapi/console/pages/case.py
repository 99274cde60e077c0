"""One case: why it waits, what speaks for the person, whom it touches, and what each button would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskapi.console import facts, graph, masking, sentences
from riskapi.console.page import Page
from riskapi.console.pages import deciding, queue
from riskapi.console.visit import View, Visit
from riskapi.decisions.view import AccountView
from riskapi.errors import Problem
from riskapi.reviews.cases import Applicant
from riskapi.reviews.decisions import DecidedReview, ReviewDecision
from riskapi.reviews.deniable_values import DENIABLE
from riskapi.reviews.queue import Review, ReviewTier
from riskapi.times import instant

#: Accounts named in the table. Chosen by us.
_NAMED = 50


def show(visit: Visit) -> View:
    """The page."""
    return shown(visit)


def shown(visit: Visit, fault: str | None = None, status: int = 200) -> View:
    """The page, with what went wrong. Raises ``not_found`` for an unknown review."""
    review = visit.parts.reviews.get(visit.path["review_id"])
    account = visit.parts.profiles.view(review["user_id"], visit.now)
    plain = visit.may("reviewer") and review["id"] in visit.kept.get("shown", ())
    previews = _previews(visit, review)
    touched = previews["limit"]["accounts"] if previews else []
    names = [review["user_id"], *(row["user_id"] for row in touched if row["user_id"] != review["user_id"])]
    people = visit.cases.applicants(names[:_NAMED])
    against, reassuring = sentences.reasons(account["latest"]["reasons"] or review["reasons"])
    edges = account["linkage"].get("edges") or []
    holder = review["reviewer"] if queue.left(visit, review["claimed_at"]) > 0 else None
    data = {
        "review": review,
        "account": account,
        "fault": fault,
        "plain": plain,
        "who": _who(people.get(review["user_id"]), plain=plain),
        "holder": holder,
        "is_mine": holder == visit.person.name,
        "left": queue.left(visit, review["claimed_at"]),
        "opened": visit.now - instant(review["opened_at"]).timestamp(),
        "against": against,
        "reassuring": [*_for_them(account), *reassuring],
        "facts": facts.of(account.get("signup", {}), plain=plain),
        "members": _members(touched, people, plain=plain),
        "more": max(len(touched) - _NAMED, 0),
        "graph": graph.drawn(review["user_id"], edges, dict(sentences.THINGS)) if edges else None,
        "things": [{**edge, "word": sentences.THINGS.get(edge["kind"], edge["kind"])} for edge in edges],
        "effects": {tier: sentences.effect(found["accounts"]) for tier, found in previews.items()},
        "alone": {tier: _alone(found, review["user_id"]) for tier, found in previews.items()},
        "denials": sentences.denials(previews["limit"]["deny"]) if previews else {},
        "codes": deciding.CODES,
        "readings": sentences.readings(account.get("readings", {})),
        "decides": visit.may("reviewer"),
    }
    return View("case.html", data, status)


def _previews(visit: Visit, review: Review) -> dict[ReviewTier, DecidedReview]:
    """What each decision about the whole cluster would do; nothing where the person cannot decide."""
    if not visit.may("reviewer") or review["status"] == "decided":
        return {}
    found: dict[ReviewTier, DecidedReview] = {}
    try:
        for tier in deciding.TIERS:
            deny = DENIABLE if tier == "limit" else ()
            label = deciding.LABELS[tier]
            tried = ReviewDecision(tier, label, "cluster", deny=deny, reviewer=visit.person.name)
            actor, decide = visit.person.name, visit.parts.review_decisions.decide
            found[tier] = decide(review["id"], tried, actor, visit.now, dry_run=True)
    except Problem as problem:
        if problem.code not in ("review_held", "review_closed"):
            raise
        return {}
    return found


def _alone(found: DecidedReview, user_id: str) -> str:
    return sentences.effect([row for row in found["accounts"] if row["user_id"] == user_id])


def _who(found: Applicant | None, *, plain: bool) -> dict[str, str]:
    """The name and the mail address of an account, as it is to be shown."""
    if found is None:
        return {"name": "", "mail": ""}
    return {"name": found.name, "mail": found.mail if plain else masking.mail(found.mail)}


def _members(touched: Sequence[Mapping[str, Any]], people: Mapping[str, Applicant], *, plain: bool) -> list[Any]:
    return [{**row, **_who(people.get(row["user_id"]), plain=plain)} for row in touched[:_NAMED]]


def _for_them(account: AccountView) -> list[str]:
    """What speaks for the person besides readings."""
    found = []
    if account["established"] is not None:
        found.append("An established customer")
    if account["plan"]:
        found.append(f"On the plan {account['plan']}")
    feedback = account["feedback"]
    if feedback["delivered"]:
        rate = (feedback["complaint_rate"] or 0) * 100
        found.append(f"{sentences.many(feedback['delivered'], 'message')} delivered, {rate:.2f} % complaints")
    found += [f"Labelled legitimate by {row['actor']}" for row in account["labels"] if row["label"] == "legitimate"]
    return found


PAGES = (Page(path="/cases/{review_id}", handler=show, role="viewer"), *deciding.pages(shown))
