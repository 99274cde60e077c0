"""What an account may send now, put together from its tier, terms, past, feedback and cluster, in one trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from riskapi.accounts.accounts import Accounts
from riskapi.budgets import terms
from riskapi.budgets.caps import Allowed, FeedbackRecord, Usage, allowed, clean_days
from riskapi.budgets.limits import Limits
from riskapi.budgets.spends import Budgets, remaining
from riskapi.contract import Tier
from riskapi.errors import Problem
from riskapi.feedback.counts import Feedback
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.times import rfc3339
from signals.records import record


@record
class Allowance:
    """The tier of an account with its revision, what was used, and what is allowed. ``assessed``: it is no stranger.

    ``sender`` is the domain its mail came from, where that is known. ``clean``: what its mail met is clean, on so many
    ``clean_days``. ``established`` is the Unix time since when it is an established customer, and ``established_by``
    what made it one, ``renewed_at`` when what it uses was last renewed.
    """

    tier: Tier
    revision: int
    usage: Usage
    allowed: Allowed
    assessed: bool
    sender: str | None = None
    clean: bool = True
    clean_days: int = 0
    signed_up_at: float | None = None
    established: float | None = None
    established_by: str | None = None
    renewed_at: float = 0.0


class Allowances:
    """Reads allowances."""

    def __init__(self, store: Store, budgets: Budgets) -> None:
        self._store, self._budgets = store, budgets

    def queue(self, pipe: Any, user_id: str, now: float, cluster: str = "") -> None:
        """Ask, in a pipeline, for an allowance; :meth:`allowance` reads the three replies. Sums of the cluster are read
        only where its id is known: a grant has its own look at them.
        """
        Accounts.queue_tier(pipe, user_id)
        Feedback.queue(pipe, user_id)
        self._budgets.queue_read(pipe, user_id, now, cluster)

    def allowance(self, replies: Sequence[Any], policy: Policy) -> Allowance:
        """The allowance in the replies to :meth:`queue`.

        Raises ``not_found`` for an account never assessed, unless policy names a tier for strangers.
        """
        tier, revision, moved_at, silenced, identity, sender, at, established, by, renewed, *own = replies[0]
        if tier is None and policy.sends.strangers == "none":
            raise Problem("not_found", "No account with this user_id was ever assessed.")
        found = cast("Tier", policy.sends.strangers if tier is None else tier.decode())
        usage = self._budgets.usage(replies[2])
        counts = Feedback.counts(replies[1], usage.now)
        clean, soiled_at = counts.is_clean(policy.clean, usage.spent[2]), counts.soiled_at
        if silenced and float(silenced) > usage.now:  # an allow entry says so
            clean, soiled_at = True, None
        past = FeedbackRecord(clean, soiled_at, counts.delivered_days, identity == b"1")
        moved = None if moved_at is None else float(moved_at)
        permitted = allowed(policy, found, usage, past, moved, terms.read(own))
        known = None if sender is None else sender.decode()
        return Allowance(
            found,
            int(revision or 0),
            usage,
            permitted,
            tier is not None,
            known,
            clean,
            clean_days(policy, usage, past) if clean else 0,
            None if at is None else float(at),
            None if established is None else float(established),
            None if by is None else by.decode(),
            float(renewed or 0.0),
        )

    def of(self, user_id: str, policy: Policy, now: float) -> Allowance:
        """The allowance of an account, with what its cluster spent. Raises ``not_found``."""
        cluster = ""
        while True:
            pipe = self._store.pipeline()
            self.queue(pipe, user_id, now, cluster)
            found = self.allowance(self._store.run(pipe), policy)
            if found.usage.cluster == cluster:
                return found
            cluster = found.usage.cluster


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
