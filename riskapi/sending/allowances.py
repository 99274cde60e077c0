"""What an account may send now, put together from its tier, terms, past, feedback and cluster, in one trip."""

from __future__ import annotations

from typing import Protocol, cast

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.sending_account import SendingAccount, stranger
from riskapi.budgets.budgets import Budgets, remaining
from riskapi.budgets.caps import Allowed, FeedbackRecord, Usage, allowed, clean_days, is_fresh
from riskapi.budgets.limits import Limits
from riskapi.contract import Tier
from riskapi.errors import no_account
from riskapi.feedback.counts import Feedback
from riskapi.feedback.triggers import EventCounts
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline
from riskapi.times import rfc3339
from signals.records import record


@record
class Allowance:
    """An account, what was used, and what is allowed. ``assessed``: it is not a stranger.

    ``clean``: what its mail met is clean, on so many ``clean_days``.
    """

    account: SendingAccount
    usage: Usage
    allowed: Allowed
    assessed: bool
    clean: bool
    clean_days: int


class Read(Protocol):
    """Reads what was asked for, see :meth:`Allowances.queue`."""

    def __call__(self, policy: Policy, since: Usage | None = None, tier: Tier | None = None) -> Allowance:
        """The allowance by a policy, with what was used ``since`` that was asked for, where that is known; with
        ``tier`` what it would be in that tier.
        """


class Allowances:
    """Reads allowances."""

    def __init__(self, store: Store, budgets: Budgets) -> None:
        self._store, self._budgets = store, budgets

    def queue(self, pipe: Pipeline, user_id: str, now: float, cluster: str = "") -> Read:
        """Ask, in a pipeline, for an allowance; what is returned reads it by a policy once the pipeline was run.

        Sums of the cluster are read only where its id is known: a grant has its own look at them. The reader takes
        another usage where the account joined a cluster since, and raises ``not_found`` for an account never assessed,
        unless policy names a tier for strangers.
        """
        account = Accounts.queue_sending(pipe, user_id)
        events = Feedback.queue(pipe, user_id)
        usage = self._budgets.queue_read(pipe, user_id, now, cluster)

        def read(policy: Policy, since: Usage | None = None, tier: Tier | None = None) -> Allowance:
            return _allowance(account(), events(), usage() if since is None else since, policy, tier)

        return read

    def of(self, user_id: str, policy: Policy, now: float) -> Allowance:
        """The allowance of an account, with what its cluster spent. Raises ``not_found``."""
        cluster = ""
        while True:
            pipe = self._store.pipeline()
            read = self.queue(pipe, user_id, now, cluster)
            self._store.run(pipe)
            found = read(policy)
            if found.usage.cluster == cluster:
                return found
            cluster = found.usage.cluster


def _allowance(
    known: SendingAccount | None, events: EventCounts, usage: Usage, policy: Policy, tier: Tier | None
) -> Allowance:
    strangers = policy.sends.strangers
    if known is None and strangers == "none":
        raise no_account()
    account = stranger(cast("Tier", strangers)) if known is None else known
    counts = Feedback.counts(events, usage.now)
    clean, soiled_at = counts.is_clean(policy.clean, usage.spent[2]), counts.soiled_at
    if account.silenced > usage.now:  # an allow entry says so
        clean, soiled_at = True, None
    past = FeedbackRecord(clean, soiled_at, counts.delivered_days, account.identity)
    return Allowance(
        account,
        usage,
        allowed(
            policy,
            tier or account.tier,
            usage,
            past,
            account.moved_at,
            account.terms,
            fresh=is_fresh(policy, account.signed_up_at, account.established, usage.now),
        ),
        known is not None,
        clean,
        clean_days(policy, usage, past) if clean else 0,
    )


def limits(usage: Usage, allowed: Allowed) -> Limits:
    """The ``limits`` part of an answer: caps in recipients, whom they are counted over, what is left, the next step.

    ``cluster`` are the caps of the cluster, and ``hold`` the usual volume a held account is kept at, if there is one.
    """
    own, ours, hold = allowed.caps, allowed.cluster, usage.hold if usage.held else None
    return {
        "hourly": own.hourly,
        "daily": own.daily,
        "monthly": own.monthly,
        "scope": "account" if ours is None else "cluster",
        "remaining": remaining(usage, allowed),
        "next_step": allowed.next_step,
        "cluster": None if ours is None else {"hourly": ours.hourly, "daily": ours.daily, "monthly": ours.monthly},
        "hold": None if hold is None else {"daily": hold, "until": rfc3339(usage.hold_until)},
    }
