"""One case: why it waits, what speaks for the person, whom it touches, and what each button would do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from riskapi.console import evidence, graph, masking, sentences, signup_details, timeline
from riskapi.console.page import Page
from riskapi.console.pages import deciding, linking, queue, talking
from riskapi.console.rendering import line
from riskapi.console.visit import View, Visit
from riskapi.decisions.view import AccountView
from riskapi.errors import Problem
from riskapi.reviews.cases import Applicant
from riskapi.reviews.courses import Course
from riskapi.reviews.decided_cases import DecidedCase
from riskapi.reviews.decisions import DecidedReview, ReviewDecision, Touched
from riskapi.reviews.deniable_values import DENIABLE
from riskapi.reviews.queue import Review, ReviewTier
from riskapi.reviews.rings import Member
from riskapi.times import instant

#: Accounts named in the table.
_NAMED = 50
#: Windows that recipients are counted over.
_WINDOWS = ("hourly", "daily", "monthly")


def show(visit: Visit) -> View:
    """The page."""
    return shown(visit)


def shown(visit: Visit, fault: str | None = None, status: int = 200) -> View:
    """The page, with what went wrong. Raises ``not_found`` for an unknown review."""
    review = visit.parts.reviews.get(visit.path["review_id"])
    account = visit.parts.profiles.view(review["user_id"], visit.now)
    course = visit.cases.courses.of(review["user_id"], account["linkage"]["cluster_id"] or "", visit.now)
    data = {**_said(visit, review, account, course), **_company(visit, review, account, course), "fault": fault}
    return View("case.html", data, status)


def _said(visit: Visit, review: Review, account: AccountView, course: Course) -> dict[str, Any]:
    """What is known of the account of the case, and what was done about it."""
    notes = visit.cases.notes.of(review["id"])
    moments, earlier = timeline.moments(account, course, review, notes, visit.now)
    plain, reviews = _is_plain(visit, review), visit.may("reviewer")
    latest, basis = account["latest"], visit.parts.publisher.active.basis
    reasons = latest["reasons"] or review["reasons"]
    codes = {reason["code"] for reason in review["reasons"]}
    similar = visit.cases.past.similar(review, codes, _sharing(account), visit.now)
    holder, left = _held(visit, review, account["linkage"]["cluster_id"] or "")
    # What an account did, or a person wrote, may be personal: whoever sees masked data sees it masked there too.
    shown_text = str if reviews else masking.text
    return {
        "review": review,
        "account": account,
        "plain": plain,
        "holder": holder,
        "is_mine": holder == visit.person.name,
        "left": left,
        "opened": visit.now - instant(review["opened_at"]).timestamp(),
        "evidence": evidence.evidence(account.get("readings", {}), reasons, latest["versions"]["model"], basis),
        "opening": [row["text"] for row in review["reasons"] if row["contribution"] is None],
        "for_them": _for_them(account),
        "facts": signup_details.of(account.get("signup", {}), plain=plain, names=reviews),
        "budget": _budget(account, course),
        "moments": [
            {"at": each.at, "day": each.day, "sort": each.sort, "text": shown_text(each.text)} for each in moments
        ],
        "earlier": earlier,
        "notes": [
            shown_text(timeline.said(each)) for each in notes if each.kind in ("note", "question", "same", "apart")
        ],
        "cuts": linking.open_cuts(notes),
        "pairs": linking.pairs(notes),
        "similar": [_past(each, shown_text) for each in similar],
        "outcomes": _outcomes(similar),
        "hubs": course.hubs,
        "codes": deciding.CODES,
        "deniable": sentences.DENIABLE,
        "days": talking.DAYS,
        "claim_minutes": visit.parts.publisher.active.policy.reviews.claim_minutes,
        "colleagues": _colleagues(visit) if reviews else [],
        "decides": reviews,
    }


def _company(visit: Visit, review: Review, account: AccountView, course: Course) -> dict[str, Any]:
    """Whom the case touches: the accounts, what binds them, and what each decision would do to them."""
    plain, reviews, user_id = _is_plain(visit, review), visit.may("reviewer"), review["user_id"]
    linkage, previews = account["linkage"], _previews(visit, review)
    edges = linkage.get("edges") or []
    ring = visit.cases.rings.of([(user_id, linkage["cluster_id"] or "")], visit.now)[user_id]
    touched = {row["user_id"]: row for row in previews["limit"]["accounts"]} if previews else {}
    names = list(dict.fromkeys([user_id, *(each.user_id for each in ring.members), *touched]))
    outside = [name for row in linkage["evidence"] for name in row["holders"] or ()]
    members = visit.cases.rings.members([*names, *outside], visit.now)
    people, sent = visit.cases.applicants(names[:_NAMED]), visit.cases.rings.sent(names[:_NAMED], visit.now)
    who = {name: _who(people.get(name), plain=plain, names=reviews) for name in names[:_NAMED]}
    shown_name = str if reviews else masking.text
    words = dict(sentences.THINGS)
    drawing = graph.drawn(user_id, edges, linkage["evidence"], course.hubs, members, words, shown_name)
    return {
        "who": who.get(user_id, {"name": "", "mail": ""}),
        "first": ring.first.user_id if ring.first is not None else None,
        "members": [
            _member(members[name], touched.get(name), who[name], sent.get(name, 0), shown_name)
            for name in names[:_NAMED]
            if name in members
        ],
        "more": max(len(names) - _NAMED, 0),
        "graph": drawing if edges or outside or course.hubs else None,
        "things": [
            {
                **edge,
                "word": words.get(edge["kind"], edge["kind"]),
                "shown": [(name, shown_name(name)) for name in edge["user_ids"]],
            }
            for edge in edges
        ],
        "effects": {tier: sentences.effect(found["accounts"]) for tier, found in previews.items()},
        "alone": {tier: _alone(found, user_id) for tier, found in previews.items()},
        "denials": sentences.denials(previews["limit"]["deny"]) if previews else {},
    }


def _held(visit: Visit, review: Review, cluster: str) -> tuple[str | None, float]:
    """Who holds the review, or the ring of its cluster, and for how many more seconds."""
    left = queue.left(visit, instant(review["claimed_at"]).timestamp() if review["claimed_at"] else 0.0)
    if left > 0 and review["reviewer"]:
        return review["reviewer"], left
    ring = visit.cases.claims.holder(cluster, visit.now) if review["status"] != "decided" else None
    return (None, 0.0) if ring is None else (ring.reviewer, queue.left(visit, ring.claimed_at))


def _is_plain(visit: Visit, review: Review) -> bool:
    """Whether the person asked to see the personal data of this case."""
    return visit.may("reviewer") and review["id"] in visit.kept.get("shown", ())


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


def _who(found: Applicant | None, *, plain: bool, names: bool) -> dict[str, str]:
    """The name and the mail address of an account, as it is to be shown."""
    if found is None:
        return {"name": "", "mail": ""}
    name = line(found.name if names else masking.name(found.name))
    return {"name": name, "mail": found.mail if plain else masking.mail(found.mail)}


def _member(member: Member, touched: Touched | None, who: Mapping[str, str], sent: int, shown: Any) -> dict[str, Any]:
    """A row of the table of accounts."""
    return {
        **who,
        "user_id": member.user_id,
        "shown": shown(member.user_id),
        "tier": member.tier,
        "label": member.label,
        "since": member.at,
        "sent": sent,
        "proved": sorted({sentences.THINGS.get(each, each) for each in member.proved}),
        "established": member.established,
        "left_out": touched is not None and touched["left_out"],
    }


def _budget(account: AccountView, course: Course) -> list[dict[str, Any]]:
    """Recipients used of each cap, of the account and of its cluster."""
    limits, rows = account["limits"], []
    for place, window in enumerate(_WINDOWS):
        shared = limits.get("cluster")
        row: dict[str, Any] = {"window": window, "used": course.usage.spent[place], "cap": limits[window]}  # type: ignore[literal-required]
        row["shared"] = course.usage.cluster_spent[place] if shared is not None else None
        row["shared_cap"] = shared[window] if shared is not None else None  # type: ignore[literal-required]
        rows.append({**row, "left": limits["remaining"][window]})  # type: ignore[literal-required]
    return rows


def _sharing(account: AccountView) -> Iterable[str]:
    """Accounts that share more than a place with this one, or are bound to it."""
    linkage = account["linkage"]
    bound = [name for edge in linkage.get("edges") or () for name in edge["user_ids"]]
    near = [name for row in linkage["evidence"] if row["strength"] != "weak" for name in row.get("user_ids") or ()]
    return (name for name in [*near, *bound] if name != account["user_id"])


def _past(case: DecidedCase, shown: Any) -> dict[str, Any]:
    """A similar case, with how it is similar in words."""
    how = ["shares something with this account"] if case.shares else []
    how += [f"{case.common} of {case.of} reasons are the same"] if case.common else []
    row = {"review_id": case.review_id, "user_id": shown(case.user_id), "decision": case.decision, "how": how}
    return {**row, "reason": shown(case.reason or ""), "by": case.decided_by, "at": case.decided_at}


def _outcomes(similar: Sequence[DecidedCase]) -> str:
    """How they ended: ``5 limited, 2 allowed``."""
    limited = sum(each.decision == "limit" for each in similar)
    return f"{limited} limited, {len(similar) - limited} allowed" if similar else ""


def _colleagues(visit: Visit) -> list[str]:
    """Whom a case can be handed to."""
    return sorted(
        each.name for each in visit.access_parts.users.list() if each.may("reviewer") and each.id != visit.person.id
    )


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
    # The latest label stands; "unknown" takes a word back.
    found += [
        f"Labelled legitimate by {row['actor']}" for row in account["labels"][-1:] if row["label"] == "legitimate"
    ]
    return found


PAGES = (Page(path="/cases/{review_id}", handler=show, role="viewer"), *deciding.pages(shown))
