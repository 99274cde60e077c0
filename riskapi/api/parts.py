"""What the HTTP layer is handed by ``riskapi.app``: the shape of each part it calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from riskapi.access.idempotency import Idempotency
from riskapi.access.keys import Keys
from riskapi.api.bodies import Label
from riskapi.decisions.events import Event
from riskapi.decisions.imports import ImportOutcome
from riskapi.feedback.counts import FeedbackEvent, Tally
from riskapi.feedback.feeds.feed import ProviderFeed
from riskapi.feedback.intake import Taken as TakenReports
from riskapi.feedback.mail.dkim import Signed
from riskapi.feedback.reports import Feed, Received
from riskapi.inputs.json_lines import Row
from riskapi.inputs.signup import Signup
from riskapi.lists.batches import Taken
from riskapi.lists.entries import StoredEntry
from riskapi.lists.matching import ListKind, ListName
from riskapi.lists.puts import Put
from riskapi.metrics import Metrics
from riskapi.policy.tables import Caps
from riskapi.policy.versions import Publication, Version
from riskapi.reviews.decisions import ReviewDecision
from riskapi.sending.grants import Message
from riskapi.store.rates import RateLimits

ReviewStatus = Literal["open", "claimed", "escalated", "decided"]
LabelSource = Literal["manual_review", "appeal", "external", "rule"]


class Assessed(Protocol):
    """The answer to a signup."""

    @property
    def body(self) -> bytes:
        """The assessment, as JSON."""

    @property
    def replay(self) -> bool:
        """Whether it is the first answer again."""

    @property
    def tier(self) -> str | None:
        """The tier, for the log; ``None`` for a replay."""


class Assessor(Protocol):
    """Assesses signups."""

    def signup(self, signup: Signup, now: float) -> Assessed:
        """Assess, or answer again what was assessed."""

    def awaits(self, user_id: str) -> bool:
        """Whether an account was acknowledged on this machine and waits to be recorded."""


class Accounts(Protocol):
    """Knows where accounts stand."""

    def view(self, user_id: str, now: float) -> dict[str, Any]:
        """One account. Raises ``not_found``."""


class AccountCaps(Protocol):
    """Sets caps of single accounts."""

    def put(
        self, user_id: str, caps: Caps, reason: str, expires_at: float | None, author: str, now: float
    ) -> dict[str, Any]:
        """Give an account caps of its own. Raises ``not_found`` and ``invalid``."""

    def remove(self, user_id: str, author: str, now: float) -> dict[str, Any]:
        """Take them away. Raises ``not_found``."""


class Imports(Protocol):
    """Brings existing customers in."""

    def take(self, rows: Iterable[Row], actor: str, now: float) -> ImportOutcome:
        """Import accounts, each once."""


class Labels(Protocol):
    """Labels accounts."""

    def add(
        self, user_id: str, label: Label, source: LabelSource, note: str | None, actor: str, now: float
    ) -> dict[str, Any]:
        """Add a label. Raises ``not_found``."""


class Reviews(Protocol):
    """The queue of reviews."""

    def list(self, status: ReviewStatus, limit: int, cursor: str | None) -> dict[str, Any]:
        """A page of reviews."""

    def get(self, review_id: str) -> dict[str, Any]:
        """One review. Raises ``not_found``."""

    def claim(self, review_id: str, reviewer: str, now: float) -> dict[str, Any]:
        """Hold a review."""

    def release(self, review_id: str, reviewer: str, now: float) -> dict[str, Any]:
        """Put it back."""

    def escalate(self, review_id: str, reviewer: str, reason: str | None, now: float, *, actor: str) -> dict[str, Any]:
        """Hand it on."""


class ReviewDecisions(Protocol):
    """Decides reviews, and undoes decisions."""

    def decide(
        self, review_id: str, decision: ReviewDecision, actor: str, now: float, *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Decide, or with ``dry_run`` tell what would be."""

    def undo(
        self, review_id: str, reason: str | None, actor: str, now: float, reviewer: str | None = None
    ) -> dict[str, Any]:
        """Take the decision back."""

    def denied(self, review_id: str, now: float) -> list[dict[str, Any]]:
        """The entries of the deny list that the decision made or keeps. Raises ``not_found``."""


class Feedback(Protocol):
    """Counts what became of mail."""

    def count(self, events: Sequence[FeedbackEvent], now: float) -> Tally:
        """Count events, each once."""


class Intake(Protocol):
    """Takes what mail providers report."""

    def take_reports(self, feed: Feed, received: Received, raw: bytes, now: float) -> TakenReports:
        """Count what was received, each report once."""


class Events(Protocol):
    """Records what accounts do."""

    def record(self, user_id: str, event: Event, now: float) -> dict[str, Any]:
        """Record an event. Raises ``not_found``."""


class Policies(Protocol):
    """The versions of the policy."""

    def show(self, number: int | None = None) -> dict[str, Any]:
        """A version, by default the one in force. Raises ``not_found``."""

    def page(self, limit: int, cursor: str | None = None) -> dict[str, Any]:
        """A page of versions, newest first."""

    def compare(self, number: int, since: int | None = None) -> dict[str, Any]:
        """What is different in a version. Raises ``not_found``."""


class Lists(Protocol):
    """What people want allowed, denied or watched."""

    def draft(
        self,
        name: ListName,
        kind: ListKind,
        value: str,
        *,
        expires_at: float | None,
        reason: str | None,
        author: str,
        silences_feedback: bool,
        now: float,
        hashed: bool = False,
    ) -> StoredEntry:
        """An entry that is not saved yet. Raises ``invalid``."""

    def would_match(self, entry: StoredEntry) -> dict[str, Any]:
        """The accounts there are that it names."""

    def put(self, entry: StoredEntry, now: float, *, replace: bool = False) -> Put:
        """Save it. Raises ``entry_permanent``."""

    def standing(self, draft: StoredEntry) -> StoredEntry | None:
        """The entry that a draft would write anew."""

    def get(self, name: ListName, entry_id: str) -> StoredEntry:
        """One entry. Raises ``not_found``."""

    def remove(self, name: ListName, entry_id: str, actor: str, now: float) -> StoredEntry:
        """Remove it. Raises ``not_found``."""

    def page(
        self, name: ListName | None, kind: ListKind | None, limit: int, cursor: str | None, now: float
    ) -> dict[str, Any]:
        """A page of entries, newest first."""

    def some(
        self, name: ListName | None, kind: ListKind | None, limit: int, cursor: str | None, now: float
    ) -> tuple[list[dict[str, Any]], str | None]:
        """As many entries, newest first, and the cursor of those that follow."""

    def of_value(self, name: ListName | None, kind: ListKind | None, value: str, now: float) -> dict[str, Any]:
        """The entries that match a value. Raises ``invalid``."""

    def stale(self, now: float, days: int) -> dict[str, Any]:
        """Entries to look at again."""


class ListBatches(Protocol):
    """Puts many entries on lists, and takes them back."""

    def take(
        self,
        name: ListName,
        rows: Iterable[Row],
        *,
        author: str,
        now: float,
        batch_id: str | None = None,
        replace: bool = False,
        dry_run: bool = False,
    ) -> Taken:
        """Put rows. Raises ``not_found``, ``invalid`` and ``batch_undone``."""

    def get(self, batch_id: str) -> dict[str, Any]:
        """One batch. Raises ``not_found``."""

    def undo(self, batch_id: str, actor: str, now: float) -> dict[str, Any]:
        """Take a batch back. Raises ``not_found``."""


class Publisher(Protocol):
    """Puts policies into force."""

    def publish(self, given: Mapping[str, Any], publication: Publication, allowed: Callable[[int], bool]) -> Version:
        """Publish a policy. Raises ``precondition_failed``, and :class:`ConfigurationError` for a broken one."""

    def rollback(self, number: int, publication: Publication) -> Version:
        """Bring back a version. Raises ``not_found``, and :class:`ConfigurationError` for one that no longer stands."""


class Granted(Protocol):
    """The answer to a sender."""

    @property
    def body(self) -> Mapping[str, Any]:
        """The grant."""

    @property
    def replay(self) -> bool:
        """Whether it is the first answer again."""


class Sender(Protocol):
    """Grants recipients."""

    def send(
        self,
        user_id: str,
        recipients: int,
        message: Message,
        now: float,
        *,
        partial: bool = True,
        digest: str = "",
        repeat: str | None = None,
        any_case: bool = False,
    ) -> Granted:
        """Grant recipients. Raises ``not_found`` and ``idempotency_conflict``."""

    def release(self, reservation_id: str, recipients: int, now: float, repeat: str | None = None) -> dict[str, Any]:
        """Take recipients back. Raises ``not_found`` and ``over_release``."""


class Clusters(Protocol):
    """Knows which accounts belong together."""

    def view(self, cluster_id: str, now: float) -> dict[str, Any]:
        """A cluster. Raises ``not_found``."""


class Cuts(Protocol):
    """A person's word that accounts do not belong together."""

    def cut(
        self, cluster_id: str, user_id: str | None, edge: str | None, reason: str, actor: str, now: float
    ) -> dict[str, Any]:
        """Cut an account or a thing out of a cluster. Raises ``not_found``."""

    def undo(self, cut_id: str, actor: str, now: float) -> dict[str, Any]:
        """Take a cut back. Raises ``not_found``."""

    def get(self, cut_id: str) -> dict[str, Any]:
        """A cut. Raises ``not_found``."""


class Webhooks(Protocol):
    """The endpoints that are told of changes."""

    def create(self, url: str, events: Sequence[str], actor: str, now: float) -> dict[str, Any]:
        """Register one. Raises ``destination_refused`` and ``invalid``."""

    def list(self) -> dict[str, Any]:
        """Every one."""

    def get(self, endpoint_id: str) -> dict[str, Any]:
        """One. Raises ``not_found``."""

    def delete(self, endpoint_id: str) -> dict[str, Any]:
        """Delete one. Raises ``not_found``."""

    def rotate(self, endpoint_id: str, now: float) -> dict[str, Any]:
        """Change its secret. Raises ``not_found``."""

    def enable(self, endpoint_id: str) -> dict[str, Any]:
        """Tell it again. Raises ``not_found`` and ``destination_refused``."""


class Deliveries(Protocol):
    """What is on its way to endpoints."""

    def page(
        self, endpoint_id: str, status: Literal["pending", "delivered", "dead"], limit: int, cursor: str | None = None
    ) -> dict[str, Any]:
        """A page of deliveries."""

    def redeliver(self, endpoint_id: str, delivery_id: str, now: float) -> dict[str, Any]:
        """Send one anew. Raises ``not_found``."""

    def redeliver_dead(self, endpoint_id: str, now: float) -> int:
        """Send all anew that were given up."""

    def forget(self, endpoint_id: str) -> None:
        """Let go of all that waits for an endpoint."""


class Recovery(Protocol):
    """Tells a webhook again."""

    def replay(self, endpoint_id: str, since: float, cursor: str | None, *, delivered: bool) -> dict[str, Any]:
        """Queue what happened since. Raises ``not_found``, ``webhook_disabled`` and ``invalid``."""


class Notices(Protocol):
    """Tells endpoints."""

    def test(self, endpoint_id: str, name: str) -> dict[str, Any]:
        """Tell an endpoint something that means nothing. Raises ``not_found``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything the HTTP layer calls.

    ``clock`` gives Unix time. ``readiness`` gives ``ok`` or what is wrong for each of store, model, data and policy;
    ``versions`` what decisions are made with. ``replay`` honours ``X-Replay-Time``; ``api_rate_limit`` in requests a
    second for a key that has no limit of its own. ``signed`` gives as much of a mail as an allowed reporter signed,
    ``account_header`` names the account in what was sent; ``metrics_token`` opens ``/metrics`` from elsewhere than
    loopback.
    """

    assessor: Assessor
    accounts: Accounts
    account_caps: AccountCaps
    imports: Imports
    labels: Labels
    reviews: Reviews
    review_decisions: ReviewDecisions
    feedback: Feedback
    feeds: Mapping[str, ProviderFeed]
    intake: Intake
    signed: Callable[[bytes, float], Signed | None]
    account_header: str
    events: Events
    sender: Sender
    clusters: Clusters
    cuts: Cuts
    policies: Policies
    lists: Lists
    list_batches: ListBatches
    publisher: Publisher
    webhooks: Webhooks
    deliveries: Deliveries
    notices: Notices
    recovery: Recovery
    keys: Keys
    idempotency: Idempotency
    ratelimits: RateLimits
    metrics: Metrics
    clock: Callable[[], float]
    readiness: Callable[[], Mapping[str, str]]
    versions: Callable[[], Mapping[str, Any]]
    replay: bool = False
    api_rate_limit: float | None = None
    metrics_token: str | None = None
