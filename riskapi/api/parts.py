"""What the HTTP layer is handed by ``riskapi.app``: the parts it calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from riskapi.access.api_keys import ApiKeys
from riskapi.access.audit_log import AuditLog
from riskapi.access.idempotency import Idempotency
from riskapi.accounts.cuts import Cuts
from riskapi.accounts.labels import Labels
from riskapi.api.policy_parts import PolicyParts
from riskapi.clusters.clusters import Clusters
from riskapi.decisions.consequences import Consequences
from riskapi.decisions.events import Events
from riskapi.decisions.imports import Imports
from riskapi.decisions.signups import Assessor
from riskapi.decisions.view import Profiles
from riskapi.feedback.counts import Feedback
from riskapi.feedback.feeds.feed import ProviderFeed
from riskapi.feedback.intake import Intake
from riskapi.feedback.mail.dkim import Signed
from riskapi.feedback.platform.monitor import Monitor
from riskapi.lists.batches import Batches
from riskapi.lists.lists import Lists
from riskapi.metrics import Metrics
from riskapi.policy.publisher import Publisher
from riskapi.policy.versions import Policies
from riskapi.privacy.erasures import Erasures
from riskapi.privacy.exports import Exports
from riskapi.reviews.decisions import ReviewDecisions
from riskapi.reviews.queue import Reviews
from riskapi.search.search import Search
from riskapi.sending.grants import Grants
from riskapi.sending.holds import Holds
from riskapi.sending.own_caps import AccountCaps
from riskapi.store.rates import RateLimits
from riskapi.webhooks.deliveries import Deliveries
from riskapi.webhooks.endpoints import Webhooks
from riskapi.webhooks.notices import Notices
from riskapi.webhooks.recovery import Recovery


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
    audit: AuditLog
    profiles: Profiles
    account_caps: AccountCaps
    imports: Imports
    labels: Labels
    reviews: Reviews
    review_decisions: ReviewDecisions
    search: Search
    feedback: Feedback
    consequences: Consequences
    feeds: Mapping[str, ProviderFeed]
    intake: Intake
    monitor: Monitor
    signed: Callable[[bytes, float], Signed | None]
    account_header: str
    events: Events
    holds: Holds
    grants: Grants
    clusters: Clusters
    cuts: Cuts
    policies: Policies
    lists: Lists
    list_batches: Batches
    publisher: Publisher
    policy: PolicyParts
    webhooks: Webhooks
    deliveries: Deliveries
    exports: Exports
    erasures: Erasures
    notices: Notices
    recovery: Recovery
    keys: ApiKeys
    idempotency: Idempotency
    ratelimits: RateLimits
    metrics: Metrics
    clock: Callable[[], float]
    readiness: Callable[[], Mapping[str, str]]
    versions: Callable[[], Mapping[str, Any]]
    replay: bool = False
    api_rate_limit: float | None = None
    metrics_token: str | None = None
