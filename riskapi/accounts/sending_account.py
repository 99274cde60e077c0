"""What an account has by which its sending is granted: its tier, terms, identity and standing as a customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from riskapi.accounts.pauses import Pause, pause_of
from riskapi.budgets import terms
from riskapi.budgets.terms import Terms
from riskapi.contract import Tier
from signals.records import record

#: Fields of the account that :func:`sending_account` takes, in this order.
SENDING_FIELDS = (
    "tier",
    "revision",
    "moved_at",
    "silenced",
    "identity",
    "from_domain",
    "at",
    "established",
    "established_by",
    "renewed",
    "paused",
    *terms.FIELDS,
)


@record
class SendingAccount:
    """An account that asks to send. Times are Unix times.

    ``moved_at`` is its last login from a new network. Until ``silenced`` feedback does not count against it, 0: it does
    (see :func:`riskapi.lists.matching.silenced`). ``identity``: it proved to own the domain it sends from.
    ``from_domain`` is the domain its mail comes from. ``established`` is since when it is an established customer, by
    ``established_by``; ``renewed_at`` is when what it uses was last renewed. ``pause`` may be over.
    """

    tier: Tier
    revision: int
    moved_at: float | None
    silenced: float
    identity: bool
    from_domain: str | None
    signed_up_at: float | None
    established: float | None
    established_by: str | None
    renewed_at: float
    pause: Pause | None
    terms: Terms


def stranger(tier: Tier) -> SendingAccount:
    """An account never assessed, in the tier that the policy has for strangers."""
    return SendingAccount(tier, 0, None, 0.0, False, None, None, None, None, 0.0, None, terms.NONE)


def sending_account(values: Sequence[bytes | None]) -> SendingAccount | None:
    """The account in the values of :data:`SENDING_FIELDS`, None where it was never assessed."""
    tier, revision, moved_at, silenced, identity, sender, at, established, by, renewed, paused, *own = values
    if tier is None:
        return None
    return SendingAccount(
        cast("Tier", tier.decode()),
        int(revision or 0),
        None if moved_at is None else float(moved_at),
        float(silenced or 0.0),
        identity == b"1",
        None if sender is None else sender.decode(),
        None if at is None else float(at),
        None if established is None else float(established),
        None if by is None else by.decode(),
        float(renewed or 0.0),
        pause_of(paused),
        terms.read(own),
    )
