"""Established customers: who becomes one by its mail, and that what such a customer uses is not forgotten.

Noted when it asks to send, which an established customer does. What accounts touched is remembered for
``retention.entities_days``; of a customer who stays for longer it is renewed every month, or whoever claims its number
after that would find nobody there.
"""

from __future__ import annotations

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.labels import Labels
from riskapi.links.entities import Links
from riskapi.links.kinds import touched_at
from riskapi.policy import Policy
from riskapi.sending.allowances import Allowance
from riskapi.times import DAY

#: Days after which what a customer uses is renewed: a third of the shipped retention.
_RENEWED = 30


class EstablishedCustomers:
    """Notes since when accounts are established. Each method is safe to repeat."""

    def __init__(self, accounts: Accounts, links: Links, labels: Labels) -> None:
        self._accounts, self._links, self._labels = accounts, links, labels

    def note(self, user_id: str, found: Allowance, policy: Policy, now: float) -> None:
        """Look at an account that asked to send at Unix time ``now``. Raises :class:`StoreUnavailable`."""
        rules = policy.customers
        account = found.account
        if not found.assessed or account.signed_up_at is None:
            return
        if account.established is None and account.tier != "limit" and found.clean_days >= rules.active_days:
            since = max(account.signed_up_at + rules.days * DAY, now)
            self._accounts.establish(user_id, since, "mail", policy)
            self._labels.mark_latest(user_id, self._accounts.standing(user_id))
        elif account.established_by == "mail" and not found.clean:
            self._accounts.establish(user_id, None, "mail", policy)
            self._labels.mark_latest(user_id, self._accounts.standing(user_id))
        elif account.established is not None and now - max(account.renewed_at, account.signed_up_at) > _RENEWED * DAY:
            self._renew(user_id, account.signed_up_at, policy, now)

    def _renew(self, user_id: str, signed_up_at: float, policy: Policy, now: float) -> None:
        standing = self._accounts.standing(user_id)
        self._links.renew(user_id, list(standing.entities.values()), touched_at(signed_up_at, policy, now), policy)
        self._links.prove(user_id, list(self._accounts.proofs(user_id).values()), now)
        self._labels.mark_latest(user_id, standing)
        self._accounts.note_renewed(user_id, now)
