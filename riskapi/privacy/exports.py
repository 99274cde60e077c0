"""Everything that is held of one account, as one document, for the person it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

from pydantic import Field
from typing_extensions import TypedDict

from riskapi.access.audit_log import AuditLog, AuditNote, Wanted
from riskapi.accounts.accounts import Accounts
from riskapi.accounts.activity import activities
from riskapi.accounts.first_record import DECISION_FIELDS
from riskapi.accounts.log import Decisions, stored_decision
from riskapi.accounts.stored import StoredAccount
from riskapi.budgets.budgets import Budgets
from riskapi.contract import Count, Instant
from riskapi.decisions.gather import Gatherer
from riskapi.decisions.view import AccountView, Profiles
from riskapi.errors import Problem
from riskapi.feedback.raw_reports import RawReports, ReportRow
from riskapi.inputs.signup import Signup
from riskapi.lists.entries import ListEntry
from riskapi.lists.lists import Lists
from riskapi.privacy.kept_evidence import EvidenceStore, StoredEvidence
from riskapi.privacy.stream_entries import AccountEntry, entries_of
from riskapi.reviews.account_reviews import AccountReviews
from riskapi.reviews.notes import notes_in
from riskapi.reviews.queue import Review, Reviews, review_key
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.times import DAY, rfc3339

T = TypeVar("T")
#: Notes of the audit log read in one trip.
_PAGE: Final = 200
#: Parts of an export that may be there in part, or not at all, because of what cannot be read.
Part = Literal["account", "activity", "decisions", "reviews", "lists"]


class Done(TypedDict):
    """Events of one type that the account had: how many, and when first and last."""

    type: str
    times: Count
    first_at: Instant
    last_at: Instant


class ReviewNote(TypedDict):
    """What a person wrote, asked or cut in a review."""

    kind: str
    at: Instant
    actor: str
    text: str


class ExportedReview(Review):
    """A review with its notes."""

    notes: list[ReviewNote]


class ExportedEntry(TypedDict):
    """What was told of the account when it happened: an event, a label, feedback, a decision."""

    at: Annotated[Instant, Field(description="When it was written down.")]
    type: str
    data: dict[str, Any]


class KeptEvidence(TypedDict):
    """What outlives an account that was erased: kinds of things it shared, kept as keyed HMACs."""

    erased_at: Instant
    evidence_until: Instant
    things: Count


class Export(TypedDict):
    """Everything that is held of an account. `account` is null for one that was erased, or never assessed, or cannot be
    read: `unreadable` names the parts of which something is stored that nobody can read, and that is left out.

    `sent` has the recipients of each UTC day of the last 30, `reports` the bounces and complaints that are kept whole
    (`GET /v1/feedback/reports/{report_id}` has each; it names recipients), `lists` the entries that name the account,
    `audit` what people, keys and rules did about it.
    """

    object: Literal["export"]
    user_id: str
    exported_at: Instant
    account: AccountView | None
    activity: list[Done]
    sent: dict[str, Count]
    decisions: Annotated[list[dict[str, Any]], Field(description="Each with what it rested on, oldest first.")]
    entries: list[ExportedEntry]
    reviews: list[ExportedReview]
    reports: list[ReportRow]
    lists: list[ListEntry]
    audit: list[AuditNote]
    evidence: KeptEvidence | None
    unreadable: list[Part]


class _Reader:
    """Reads what an export is made of, and remembers of which parts something could not be read."""

    def __init__(self) -> None:
        self._unreadable = set[Part]()

    def read(self, part: Part, kind: str, name: str, reader: Callable[[], T], otherwise: T) -> T:
        """What ``reader`` makes of a row, ``otherwise`` where it cannot; see :func:`riskapi.store.damaged.read`."""
        found = damaged.read(kind, name, lambda: (reader(),), None)
        if found is None:
            self.miss(part)
            return otherwise
        return found[0]

    def miss(self, part: Part) -> None:
        """Remember that something of a part could not be read."""
        self._unreadable.add(part)

    @property
    def unreadable(self) -> list[Part]:
        """The parts that are not whole, in the order in which an export has them."""
        return [part for part in get_args(Part) if part in self._unreadable]


class Exports:
    """Puts exports together. Raises :class:`StoreUnavailable` while the store is away."""

    def __init__(
        self, store: Store, accounts: Accounts, profiles: Profiles, decisions: Decisions, gatherer: Gatherer,
        budgets: Budgets, lists: Lists, reports: RawReports, reviews: Reviews, audit: AuditLog,
    ) -> None:  # fmt: skip
        self._store, self._accounts, self._profiles, self._decisions = store, accounts, profiles, decisions
        self._gatherer, self._budgets, self._lists, self._reports = gatherer, budgets, lists, reports
        self._reviews, self._audit = reviews, audit
        self._found, self._evidence = AccountReviews(store), EvidenceStore(store)

    def of(self, user_id: str, now: float) -> Export:
        """Everything that is held of an account at Unix time ``now``, as far as it can be read. Raises ``not_found``
        where that is nothing.
        """
        try:
            account: StoredAccount | None = self._accounts.load(user_id)
        except Problem:
            account = None
        reviews = self._found.of(user_id)
        told = list(entries_of(self._store, user_id, reviews))
        evidence = self._evidence.of(user_id)
        usage = self._budgets.read(user_id, now)
        reports = self._reports.of_account(user_id)["reports"]
        if account is None and evidence is None and not told and not usage.days and not reports:
            raise Problem("not_found", "Nothing is held of this account.")
        reader = _Reader()
        view = partial(self._profiles.view, user_id, now)
        return {
            "object": "export",
            "user_id": user_id,
            "exported_at": rfc3339(now),
            "account": None if account is None else reader.read("account", "account", user_id, view, None),
            "activity": [] if account is None else _done(reader, user_id, account.fields),
            "sent": {_date(day): count for day, count in sorted(usage.days.items()) if count},
            "decisions": list(self._decided(reader, told, account)),
            "entries": [_shown(entry) for entry in told],
            "reviews": [found for each in reviews if (found := self._review(reader, each)) is not None],
            "reports": reports,
            "lists": self._named(reader, user_id, account, now),
            "audit": list(self._notes(user_id)),
            "evidence": _kept(evidence),
            "unreadable": reader.unreadable,
        }

    def _decided(
        self, reader: _Reader, told: list[AccountEntry], account: StoredAccount | None
    ) -> Iterator[dict[str, Any]]:
        """The decisions that entries tell of, with readings by name."""
        fields = {} if account is None else account.fields
        first = [fields.get(name) for name in DECISION_FIELDS]
        for entry in told:
            if entry.type != "decision":
                continue

            def read(entry: AccountEntry = entry) -> dict[str, Any] | None:
                found = stored_decision(dict(entry.data), entry.fields.get(b"decision"), first)
                if found is None:
                    return None
                return {**found, "at": rfc3339(found["at"]), "readings": self._decisions.readings(found)}

            row = reader.read("decisions", "decision", str(entry.data.get("id")), read, None)
            if row is not None:
                yield row

    def _review(self, reader: _Reader, review_id: str) -> ExportedReview | None:
        """A review with its notes; None for one that cannot be read."""
        found = notes_in(review_id, self._store.execute("HGETALL", review_key(review_id)))
        notes: list[ReviewNote] = [
            {"kind": each.kind, "at": rfc3339(each.at), "actor": each.actor, "text": each.text} for each in found
        ]
        try:
            return {**self._reviews.get(review_id), "notes": notes}
        except Problem:
            reader.miss("reviews")
            return None

    def _named(self, reader: _Reader, user_id: str, account: StoredAccount | None, now: float) -> list[ListEntry]:
        """The entries of lists that name the account; by its id alone where its signup cannot be read."""

        def read() -> list[ListEntry] | None:
            if account is None:
                return None
            facts = self._gatherer.parse(Signup.stored(account.signup), now).facts
            return self._lists.naming(user_id, facts, now)

        found = reader.read("lists", "account", user_id, read, None)
        return self._lists.of_value(None, "user", user_id, now)["entries"] if found is None else found

    def _notes(self, user_id: str) -> Iterator[AuditNote]:
        """All notes of the audit log about the account, newest first."""
        after: str | None = None
        while True:
            page = self._audit.page(Wanted(subject=user_id), _PAGE, after)
            yield from (note.view() for note in page.notes)
            after = page.after
            if after is None:
                return


def _done(reader: _Reader, user_id: str, fields: Mapping[str, bytes]) -> list[Done]:
    def read() -> list[Done]:
        found = sorted((activities(fields) or {}).items())
        return [
            {"type": type, "times": each.times, "first_at": rfc3339(each.first), "last_at": rfc3339(each.last)}
            for type, each in found
        ]

    return reader.read("activity", "account", user_id, read, [])


def _shown(entry: AccountEntry) -> ExportedEntry:
    """An entry as it is given out. Its id begins with the milliseconds of its time, by the clock of the store."""
    at = int(entry.id.partition("-")[0]) / 1000
    return {"at": rfc3339(at), "type": entry.type, "data": dict(entry.data)}


def _kept(evidence: StoredEvidence | None) -> KeptEvidence | None:
    if evidence is None:
        return None
    return {
        "erased_at": rfc3339(evidence.at),
        "evidence_until": rfc3339(evidence.until),
        "things": len(evidence.keys),
    }


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).date().isoformat()
