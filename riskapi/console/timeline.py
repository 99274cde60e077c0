"""The time line of a case: from the signup through sends, feedback and what the account did to what people did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from riskapi.console.sentences import many
from riskapi.decisions.view import AccountView
from riskapi.reviews.courses import Course
from riskapi.reviews.notes import CaseNote, NoteKind
from riskapi.reviews.queue import Review
from riskapi.times import DAY, instant
from signals.records import record

#: Moments shown, the latest.
MOST = 120
_WORDS: Mapping[NoteKind, str] = {
    "note": "{actor} wrote: {text}",
    "question": "{actor} had the customer asked: {text}",
    "cut": "{actor} cut a link: {text}",
    "uncut": "{actor} took a cut back: {text}",
    "handed": "{actor} handed the case to {text}",
    "same": "{actor}: the same person as {user_id}",
    "apart": "{actor}: not the same person as {user_id}",
}


@record
class Moment:
    """Something that happened at a Unix time; of a ``day`` only the day is known. ``sort`` is for the eye: ``sent``,
    ``met``, ``did``, ``tier`` or ``people``.
    """

    at: float
    text: str
    sort: str
    day: bool = False


def moments(
    account: AccountView, course: Course, review: Review, notes: Sequence[CaseNote], now: float
) -> tuple[list[Moment], int]:
    """The latest 120 moments, oldest first, and how many before them are left out."""
    found = [
        Moment(course.signed_up_at, "Signed up", "did"),
        *_tiers(account),
        *_days(course, now),
        *_actions(course),
        *_reviewed(review),
        *(Moment(each.at, said(each), "people") for each in notes),
    ]
    found.sort(key=lambda each: each.at)
    return found[-MOST:], max(len(found) - MOST, 0)


def said(note: CaseNote) -> str:
    """A note as a sentence."""
    return _WORDS[note.kind].format(actor=note.actor, text=note.text, user_id=note.user_id)


def _tiers(account: AccountView) -> Iterator[Moment]:
    for row in account["history"]:
        move = row["to"] if not row["from"] else f"{row['from']} → {row['to']}"
        if row["from"] == row["to"]:
            move = f"still {row['to']}"
        if "pause" in row:
            move += f", pause {row['pause']}"
        who = f" ({row['actor']})" if row["actor"] else ""
        why = f": {row['reason']}" if row["reason"] else ""
        yield Moment(instant(row["at"]).timestamp(), f"{move}, by {row['source']}{who}{why}", "tier")
    for label in account["labels"]:
        note = f": {label['note']}" if label["note"] else ""
        yield Moment(instant(label["at"]).timestamp(), f"Labelled {label['label']} by {label['actor']}{note}", "people")


def _days(course: Course, now: float) -> Iterator[Moment]:
    """Sends and what became of them. Only the day is known; it stands where the day ends, or now."""
    for day, count in course.sent.items():
        if count:
            yield Moment(min((day + 1) * DAY - 1, now), f"Sent to {many(count, 'recipient')}", "sent", day=True)
    for day, events in course.met.items():
        told = ", ".join(many(count, name.replace("_", " ")) for name, count in events.items() if name != "delivered")
        if told:
            yield Moment(min((day + 1) * DAY - 1, now), told, "met", day=True)


def _actions(course: Course) -> Iterator[Moment]:
    for name, done in course.done.items():
        word = name.replace("_", " ").capitalize()
        if done.times > 1:
            yield Moment(done.first, f"{word}, the first of {done.times}", "did")
        yield Moment(done.last, word if done.times == 1 else f"{word}, the latest", "did")


def _reviewed(review: Review) -> Iterator[Moment]:
    yield Moment(instant(review["opened_at"]).timestamp(), "The case was opened", "people")
    if review["claimed_at"] and review["reviewer"]:
        yield Moment(instant(review["claimed_at"]).timestamp(), f"{review['reviewer']} claimed it", "people")
    if review["decided_at"]:
        decided = f"{review['decided_by']} decided: {review['decision']}"
        yield Moment(instant(review["decided_at"]).timestamp(), decided, "people")
