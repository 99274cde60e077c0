"""What an account bears because of what the mail of others met: the consequences of triggers that fired on its cluster.

Nothing of it is added to the account's own tier. It is kept beside that, with whose mail it was, and is in force for as
long as something binds the account to any of them. When that ends, the account is what it is without it; when it is
bound again, all of it holds again. So each look works out anew what holds. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Literal, get_args

import orjson
from typing_extensions import TypedDict

from riskapi.accounts.pauses import Pause, pause_of, until
from riskapi.accounts.stored import KeptDecisions
from riskapi.contract import Count, Instant, Tier
from riskapi.policy.tables import SEVERITY
from riskapi.store import damaged
from riskapi.times import rfc3339
from signals.records import record

Action = Literal["look", "tighten", "limit", "pause"]
#: The next tier down.
NEXT: Mapping[Tier, Tier] = {"allow": "review", "review": "limit", "limit": "limit"}
#: Consequences that are kept of an account, the last: far more than a policy has triggers.
MOST = 40
#: Accounts that one is kept with.
MOST_NAMED = 50


class LinkedRestrictionView(TypedDict):
    """What the mail of others brought to an account: the trigger and what it does, and how many accounts it was brought
    by, at most 50. A pause is over at ``expires_at``. ``in_force``: when the account was looked at last, something
    bound it to any of them, and it was not allowed in a review since.
    """

    trigger: str
    action: Action
    since: Instant
    expires_at: Instant | None
    accounts: Count
    in_force: bool


@record
class LinkedRestriction:
    """One consequence of a ``trigger``, done at Unix time ``at``. It was done to an account that was in the tier
    ``base`` without those from before, and is in force while that is bound to any of ``by``: what
    :meth:`riskapi.clusters.aliases.Aliases.of` calls them. With nobody there it is the account's own, which is
    kept among the others where they came before it: how far the tier goes down depends on their order.

    ``look`` moves nothing: a person only looks. ``claimed``: only a wave or a claim bound it to them, so it is put in
    `review` at most. A pause ends at ``until``. ``review`` is the review that was opened for it; ``withdrawn``: nothing
    bound the account to any of them when it was looked at last. ``token`` tells one such occasion from another.
    ``after`` are the decisions of reviews that were made before it, by their ids: all others were made since.
    """

    trigger: str
    action: Action
    claimed: bool
    base: Tier
    by: tuple[str, ...]
    at: float
    token: str
    until: float | None = None
    review: str | None = None
    withdrawn: bool = False
    after: tuple[str, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether the account's own mail brought it about."""
        return not self.by

    def reaches(self, near: Mapping[str, bool]) -> bool:
        """Whether it is in force for an account that these are ``near``."""
        return self.is_own or any(each in near for each in self.by)

    def view(self, said: SaidByPeople) -> LinkedRestrictionView:
        """As answers show it; what people ``said`` since may have ended it."""
        return {
            "trigger": self.trigger,
            "action": self.action,
            "since": rfc3339(self.at),
            "expires_at": None if self.until is None else rfc3339(self.until),
            "accounts": len(self.by),
            "in_force": not self.withdrawn and not said.ends(self),
        }

    def put(self, tier: Tier, *, claimed: bool) -> Tier:
        """The tier in which it puts an account that is in this one without it."""
        if self.action in ("tighten", "limit", "pause") and claimed:
            return "review" if tier == "allow" else tier
        return {"tighten": NEXT[tier], "limit": "limit"}.get(self.action, tier)


@record
class InForce:
    """What is in force of that: the tier that the account is in at least, the trigger that put it there, and the
    longest pause. ``tokens`` are those of all that is left, also of what a person ended.
    """

    floor: Tier
    trigger: str | None
    pause: Pause | None
    tokens: frozenset[str]


@record
class SaidByPeople:
    """What people said of an account: when a label was given or a tier set last that counts still, as a Unix time, and
    what was ``decided`` in reviews.
    """

    at: float | None = None
    decided: KeptDecisions = field(default_factory=KeptDecisions)

    def ends(self, each: LinkedRestriction) -> bool:
        """Whether the account was allowed in a review since."""
        return not self.decided.allowed <= {*each.after}

    def precedes(self, each: LinkedRestriction) -> bool:
        """Whether what was said since goes before the tier in which that puts the account."""
        stands = self.decided.stands
        return (self.at is not None and each.at <= self.at) or (stands is not None and stands not in each.after)


#: Of an account without any.
NOTHING = InForce("allow", None, None, frozenset())


def in_force(
    restrictions: Sequence[LinkedRestriction],
    near: Mapping[str, bool] | None,
    said: SaidByPeople,
    now: float,
    *,
    established: bool,
) -> InForce:
    """What is in force at Unix time ``now`` of the linked restrictions of an account.

    ``near`` are the accounts it is bound to, and whether by what was seen or proved; None where policy keeps what
    others brought, whatever becomes of them: what was in force when it was looked at last. What people ``said`` since
    goes before it; a pause is ended by a decision of a review alone, the one that allowed the account. Of an
    ``established`` customer a person looks, whatever others met; nothing moves it.
    """
    floor, trigger, pause, tokens = NOTHING.floor, NOTHING.trigger, NOTHING.pause, set[str]()
    for each in restrictions:
        if each.withdrawn if near is None else not each.reaches(near):
            continue
        tokens.add(each.token)
        if said.ends(each) or (established and not each.is_own):
            continue
        seen = near is None or each.is_own or any(near.get(name) for name in each.by)
        claimed = each.claimed or not seen
        if each.action == "pause" and not each.claimed and each.until is not None and each.until <= now:
            continue  # it is over, whatever binds them now
        before = max(each.base, floor, key=SEVERITY.__getitem__)
        after = each.put(before, claimed=claimed)
        if SEVERITY[after] > SEVERITY[before] and not said.precedes(each):
            floor, trigger = after, each.trigger
        if each.action == "pause" and not claimed and not each.is_own:
            pause = longer(pause, Pause("feedback", each.trigger, None, each.at, each.until, linked=True), now)
    return InForce(floor, trigger, pause, frozenset(tokens))


def longer(one: Pause | None, other: Pause | None, now: float) -> Pause | None:
    """The pause that holds longer after Unix time ``now``, the first of equals; None where none holds."""
    held = [each for each in (one, other) if each is not None and each.holds(now)]
    return max(held, key=lambda each: float("inf") if each.expires_at is None else each.expires_at, default=None)


def paused_fields(fields: Mapping[str, bytes], brought: Pause | None, now: float) -> dict[str, bytes | str | None]:
    """The fields of an account's pause at Unix time ``now`` that are others than they were (None takes one away), where
    ``brought`` is the pause in force that others brought about. One of its own goes on when that ends.
    """
    current = pause_of(fields.get("paused"))
    linked = current is not None and current.linked
    kept = fields.get("paused_own" if linked else "paused")
    own = pause_of(kept)
    found = longer(own, brought, now)
    if found == current or (found is None and not linked):
        return {}
    if found is None:
        return dict.fromkeys(("paused", "paused_until", "paused_own"))
    if found is own:
        return {"paused": kept, "paused_until": until(found), "paused_own": None}
    waits = kept if own is not None and own.holds(now) else None
    return {"paused": orjson.dumps(found), "paused_until": until(found), "paused_own": waits}


def restrictions_of(kept: bytes | None, user_id: str) -> tuple[LinkedRestriction, ...]:
    """What is in the field ``restrictions`` of an account, the first first."""

    def read() -> tuple[LinkedRestriction, ...]:
        rows = [
            {**damaged.known(LinkedRestriction, row), "by": tuple(row["by"]), "after": tuple(row["after"])}
            for row in orjson.loads(kept or b"[]")
        ]
        found = tuple(LinkedRestriction(**row) for row in rows)
        if any(each.base not in SEVERITY or each.action not in get_args(Action) for each in found):
            raise ValueError("a tier or an action that is not known")
        return found

    return damaged.read("restrictions", user_id, read, ()) if kept else ()


def packed(restrictions: Sequence[LinkedRestriction]) -> bytes:
    """The field of an account. When there are too many, those that move nothing are left out first, then those whose
    trigger did the same again since.
    """
    kept = [*restrictions]
    while len(kept) > MOST:
        looks = [each for each in kept if each.action == "look"]
        again = [
            each for place, each in enumerate(kept) if any(each.trigger == one.trigger for one in kept[place + 1 :])
        ]
        kept.remove((looks or again or kept)[0])
    return orjson.dumps(kept)


def as_own(restrictions: Sequence[LinkedRestriction], own: LinkedRestriction) -> list[LinkedRestriction]:
    """The restrictions when the account's own mail has met a trigger too: what others brought by that trigger is its
    own from then on. What they brought by other triggers stays as it was. ``own`` is that, where others brought nothing
    by it.
    """
    known = [each for each in restrictions if each.trigger == own.trigger]
    if not known:
        return [*restrictions, own]
    first = replace(own, base=known[0].base, review=known[0].review)
    return [first if each is known[0] else each for each in restrictions if each not in known[1:]]
