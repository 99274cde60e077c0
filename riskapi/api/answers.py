"""What callers get: the shape of every answer, for the documentation and the tests that hold answers to it.

Answers are built as plain dictionaries and written with orjson; these models never stand in the request's way.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from riskapi.api.bodies import Label
from riskapi.contract import Tier


class Answer(BaseModel):
    """Part of an answer: exactly the fields it declares."""

    # Closed on purpose: a field that an answer has and its documentation has not fails the tests.
    model_config = ConfigDict(extra="forbid")


class Counts(Answer):
    """Recipients that may be written to within the hour, day and month."""

    hourly: Annotated[int, Field(ge=0)]
    daily: Annotated[int, Field(ge=0)]
    monthly: Annotated[int, Field(ge=0)]


class Caps(Answer):
    """Recipients in any hour, day and month."""

    hourly: int
    daily: int
    monthly: int


class OwnCaps(Caps):
    """Caps that a person set for one account: why, who, when, and until when; for good where that is null."""

    reason: str
    author: str
    set_at: AwareDatetime
    expires_at: AwareDatetime | None


class NextStep(Answer):
    """What raises the caps next, and not before when."""

    not_before: AwareDatetime | None
    requires: str | None
    hourly: int
    daily: int
    monthly: int


class Hold(Answer):
    """The usual volume of a day that an account is held at after a sudden jump, until a reviewer decides or then."""

    daily: int
    until: AwareDatetime


class Limits(Counts):
    """The caps of the account, whom they are counted over, and what is left of them.

    ``cluster`` are the caps of all accounts of its cluster together, which ``remaining`` takes into account.
    """

    scope: Literal["account", "cluster"]
    remaining: Counts
    next_step: NextStep | None
    cluster: Caps | None = None
    hold: Hold | None = None


class Disposition(Answer):
    """What made the decision: the model, a rule (then its name), an outage, a person …"""

    source: Literal["model", "rule", "list", "outage", "reviewer", "feedback", "linkage"]
    rule: str | None


class Reason(Answer):
    """One reason. ``code`` is stable, ``text`` may change; ``contribution`` in log-odds, null for rules and lists."""

    code: str
    signal: str | None
    text: str
    contribution: float | None


class Evidence(Answer):
    """One thing the account shares with others; ``accounts`` counts it too, ``user_ids`` names some of the others.

    ``standing``: they share it as proved or seen, as claimed (``holders`` are those who have it), or in a wave;
    ``holder``: it is the account's own, and others claim it.
    """

    kind: str
    strength: Literal["strong", "medium", "weak"]
    standing: Literal["proved", "claimed", "holder", "wave"]
    accounts: Annotated[int, Field(ge=1)]
    last_seen: AwareDatetime | None
    weight: float | None = None
    edge: str | None = None
    binds: bool | None = None
    abusive: int | None = None
    user_ids: list[str] | None = None
    holders: list[str] | None = None


class Edge(Answer):
    """One thing that binds accounts: its name here, its kind, whom it binds, and when the evidence will have faded."""

    edge: str
    kind: str
    standing: Literal["proved", "claimed", "wave"]
    accounts: Annotated[int, Field(ge=1)]
    user_ids: list[str]
    ends_at: AwareDatetime


class Linkage(Answer):
    """The accounts this one shares things with, and the cluster of those it belongs together with.

    ``evidence`` is what this account shares, bound by it or not; ``edges``, on the account's own page, all that binds
    the cluster.
    """

    cluster_id: str | None
    size: Annotated[int, Field(ge=1)]
    abusive: Annotated[int, Field(ge=0)]
    evidence: list[Evidence]
    edges: list[Edge] | None = None


class Degraded(Answer):
    """A signal that should have been known and was not, and why; ``pending`` is being asked, and the account is decided
    again then. What was not sent is in ``not_provided``; a signal that does not apply is nowhere.
    """

    signal: str
    cause: Literal["input_invalid", "store_unavailable", "no_data", "pending"]


class InputWarning(Answer):
    """Something given that was not used (``INPUT_INVALID``), or not as a whole (``INPUT_CUT``)."""

    code: Literal["INPUT_INVALID", "INPUT_CUT"]
    warning: str
    input_pointer: str


class Shadow(Answer):
    """What a candidate that is not live would have decided."""

    candidate: str
    decision: Tier
    risk_score: float | None


class Versions(Answer):
    """What the decision was made with."""

    policy: int
    model: str | None
    asn: str | None
    lists: str | None
    country: str | None = None
    signals: str | None = None


class Assessment(Answer):
    """The answer to a signup. ``risk_score`` is 100 × the calibrated probability of abuse."""

    object: Literal["assessment"]
    id: str
    user_id: str
    created_at: AwareDatetime
    decision: Tier
    risk_score: Annotated[float, Field(ge=0, le=100)]
    limits: Limits
    disposition: Disposition
    reasons: list[Reason]
    linkage: Linkage
    degraded: list[Degraded]
    not_provided: Annotated[list[str], Field(description="JSON pointers of inputs that were not sent.")]
    warnings: list[InputWarning]
    review_id: str | None
    shadow: list[Shadow]
    versions: Versions


class Feedback(Answer):
    """What became of the mail the account sent, over the last ``window_days``."""

    window_days: int
    sent: int
    delivered: int
    hard_bounces: int
    soft_bounces: int
    complaints: int
    blocks: int
    unsubscribes: int
    spam_traps: int
    complaint_rate: float | None
    hard_bounce_rate: float | None


class LabelEntry(Answer):
    """One label, as given. ``decision_id`` is the decision of a review that gave it, ``undoes`` one it takes back."""

    label: Label
    source: Literal["manual_review", "appeal", "external", "rule"]
    note: str | None
    actor: str
    at: AwareDatetime
    decision_id: str | None = None
    undoes: str | None = None


class HistoryEntry(BaseModel):
    """One change of tier. ``cause`` is what had the account decided again: ``finding.mail_domain``, ``event.login``,
    ``linkage``, ``list`` or ``schedule``; null for a first decision and for a person's. ``decision_id`` is the decision
    of a review that made it, ``undoes`` the one it takes back. ``actor`` is who called, a key; ``reviewer`` is the name
    that the caller gave with it, unchecked.
    """

    # Named like the fields of the contract, one of which is a word of Python.
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    at: AwareDatetime
    from_: Annotated[Tier | None, Field(alias="from")]
    to: Tier
    source: str
    actor: str | None
    reason: str | None
    versions: dict[str, Any]
    expires_at: AwareDatetime | None
    cause: str | None = None
    decision_id: str | None = None
    undoes: str | None = None
    reviewer: str | None = None


class Established(Answer):
    """Since when an account is an established customer, and what made it one."""

    since: AwareDatetime
    by: str | None = Field(description="`import`, `plan`, `payment` or `mail`.")


class AccountView(Answer):
    """Where an account stands and how it got there. ``caps`` are those that a person set for it, while they hold."""

    object: Literal["account"]
    user_id: str
    tier: Tier
    paused: bool
    limits: Limits
    plan: str | None
    caps: OwnCaps | None
    established: Established | None
    assessment: Assessment
    latest: Assessment
    linkage: Linkage
    feedback: Feedback
    labels: list[LabelEntry]
    history: list[HistoryEntry]
    signup: dict[str, Any] | None = Field(
        default=None, description="As posted, longest values cut; only for keys with the scope `reviews`."
    )
    readings: dict[str, Any] | None = Field(
        default=None, description="What the latest decision rested on; only for keys with the scope `reviews`."
    )


class Labelled(Answer):
    """The account's labels, the one that stands first named."""

    user_id: str
    label: Label
    tier: Tier
    labels: list[LabelEntry]


class EventTaken(Answer):
    """An event of an account that was recorded, and the account's tier after it."""

    user_id: str
    type: str
    tier: Tier
    warnings: list[InputWarning]


class RejectedEvent(Answer):
    """A feedback event that could not be read: its place in the body, and what is wrong."""

    index: Annotated[int, Field(ge=0)]
    code: str
    detail: str


class FeedbackAction(Answer):
    """What feedback brought about for an account, and by which rule of the policy."""

    user_id: str
    action: Literal["steps_lost"]
    rule: Literal["complaint_rate", "hard_bounce_rate", "spam_trap"]


class FeedbackTaken(Answer):
    """What became of each feedback event; with those rejected, the numbers add up to what was sent."""

    accepted: Annotated[int, Field(ge=0)]
    duplicates: Annotated[int, Field(ge=0)]
    unknown_accounts: Annotated[int, Field(ge=0)]
    rejected: list[RejectedEvent]
    actions: list[FeedbackAction]


class PolicySummary(Answer):
    """One version: who published it when and why. ``restores`` is the version it brought back, if it did.

    ``source`` is ``file`` for the policy of the file, which has no note and no time.
    """

    version: int
    note: str | None
    author: str
    at: AwareDatetime | None
    simulation_id: str | None
    restores: int | None
    source: Literal["store", "file"]
    live: bool


class PolicyVersion(PolicySummary):
    """One version with the policy itself, whose tables `policy.toml` explains."""

    policy: dict[str, Any]


class PolicyPage(Answer):
    """A page of versions, newest first; ``next_cursor`` is null on the last one."""

    versions: list[PolicySummary]
    next_cursor: str | None


class Change(BaseModel):
    """One difference: the key, dotted as in the file, and its value before and after; null where there was none."""

    # Named like the fields of the contract, one of which is a word of Python.
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    key: str
    from_: Annotated[Any, Field(alias="from")]
    to: Any


class PolicyChanges(Answer):
    """What is different in a version from another. Rules are compared by their names."""

    version: int
    since: int
    changes: list[Change]
