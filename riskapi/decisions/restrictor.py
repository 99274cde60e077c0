"""Writes what accounts bear because of what the mail of others met, and finds out what of it is in force.

It is written with what it makes of the account in one step, which also has it decided again soon
(:mod:`.rescoring`): what bound it to the others may have ended between the look at the cluster and the write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import orjson

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.history import PUT_LATER, history_entry
from riskapi.accounts.labels import Labels
from riskapi.accounts.linked_restrictions import (
    MOST_NAMED,
    NOTHING,
    InForce,
    LinkedRestriction,
    SaidByPeople,
    as_own,
    in_force,
    packed,
    paused_fields,
    restrictions_of,
)
from riskapi.accounts.pauses import PauseMove, pause_event, pause_of
from riskapi.accounts.restriction_change import RestrictionChange
from riskapi.accounts.stored import StoredAccount
from riskapi.accounts.tiers import Tiers
from riskapi.budgets.budgets import Budgets
from riskapi.clusters.clusters import Clusters
from riskapi.clusters.neighbours import Neighbours
from riskapi.contract import Tier
from riskapi.decisions.movement import Past, tighter
from riskapi.decisions.trigger_marks import review_about
from riskapi.errors import StoreUnavailable
from riskapi.policy import Policy
from riskapi.policy.tables import SEVERITY
from riskapi.sending.holds import Holds
from signals.records import record

#: Times an account is read anew because somebody changed it meanwhile; far more than any race measured.
_TRIES = 20
#: Seconds after which an account is decided again, as others that are linked to one that changed.
_SETTLE = 2.0
#: Accounts that brought something about and are looked for first.
_ASKED = 4
#: What is made of a new linked restriction and those that an account has; None where nothing is.
Made = Callable[[LinkedRestriction, Sequence[LinkedRestriction]], Sequence[LinkedRestriction] | None]


@record
class Restricted:
    """The linked restrictions of an account, and what of them is ``held``, in force. ``near`` are those it is bound
    to, see :func:`riskapi.accounts.linked_restrictions.in_force`; nobody is looked for where it has none. ``ends`` is
    the Unix time at which the first thing that binds them ends. What people ``said`` goes before what is held.
    """

    restrictions: tuple[LinkedRestriction, ...] = ()
    held: InForce = field(default_factory=lambda: NOTHING)
    near: Mapping[str, bool] | None = None
    ends: float | None = None
    said: SaidByPeople = field(default_factory=SaidByPeople)


class Restrictor:
    """What accounts bear because of others. Every method raises :class:`StoreUnavailable`, and ``not_found`` for an
    account that is not there.
    """

    def __init__(
        self,
        accounts: Accounts,
        tiers: Tiers,
        labels: Labels,
        budgets: Budgets,
        clusters: Clusters,
        holds: Holds,
    ) -> None:
        self._accounts, self._tiers, self._labels = accounts, tiers, labels
        self._budgets, self._clusters, self._holds = budgets, clusters, holds

    def of(self, user_id: str, account: StoredAccount, said: SaidByPeople, policy: Policy, now: float) -> Restricted:
        """What an account bears at Unix time ``now``; what people ``said`` of it goes before that."""
        kept = account.fields.get("restrictions")
        restrictions = restrictions_of(kept, user_id)
        if not restrictions:
            # What cannot be read keeps the account where it is.
            return Restricted() if kept is None else Restricted(held=replace(NOTHING, floor=account.tier))
        near = self._near(user_id, restrictions, now)
        named = {self._clusters.aliases.of(name): seen for name, seen in near.accounts.items() if name != user_id}
        binds = named if "linkage" in policy.rescoring.undo else None
        held = in_force(restrictions, binds, said, now, established=account.is_established(now))
        return Restricted(restrictions, held, binds, near.ends, said)

    def _near(self, user_id: str, restrictions: Sequence[LinkedRestriction], now: float) -> Neighbours:
        """Those that an account is bound to.

        The accounts who brought each thing about are asked first. They say all that is to be known where the account is
        bound directly to some of them: by what was seen or proved, unless that is merely claimed. So a large cluster is
        not read for each of its accounts.
        """
        cluster = self._clusters.of(user_id)
        named = self._clusters.aliases.accounts(cluster) if cluster else {}
        brought = [
            ([named[each] for each in step.by if each in named][:_ASKED], step.claimed)
            for step in restrictions
            if not step.is_own
        ]
        if all(names for names, _ in brought):
            near = self._clusters.beside(cluster, user_id, [name for names, _ in brought for name in names], now)
            bound = near.accounts
            if all(any(bound.get(name) or (claimed and name in bound) for name in names) for names, claimed in brought):
                return near
        return self._clusters.neighbours(cluster, user_id, now)

    def others(
        self, user_id: str, fields: Mapping[str, bytes], restricted: Restricted, policy: Policy, now: float
    ) -> dict[str, bytes | str | None]:
        """The fields of an account that are others by what is in force at Unix time ``now`` (None takes one away),
        after the reviews that were opened because of others were closed, or opened again. Safe to repeat.
        """
        if not restricted.restrictions:  # it cannot be read
            return {}
        triggers = {each.name: each for each in policy.feedback.triggers}
        found: list[LinkedRestriction] = []
        for each in restricted.restrictions:
            withdrawn = each.token not in restricted.held.tokens
            if each.review is not None and not each.is_own:
                if not withdrawn and each.trigger in triggers and not restricted.said.ends(each):
                    code, text, name = review_about(user_id, triggers[each.trigger], each.at)
                    self._holds.review(user_id, now, code, text, name, policy)
                elif withdrawn:  # each time: whoever holds it may let it go
                    self._holds.withdraw(user_id, each.review, now, policy, company=False)
            found.append(replace(each, withdrawn=withdrawn))
        restrictions = packed(found)
        changed: dict[str, bytes | str | None] = {}
        if restrictions != fields["restrictions"]:
            changed["restrictions"] = restrictions
        return changed | paused_fields(fields, restricted.held.pause, now)

    def add(
        self, user_id: str, given: LinkedRestriction, policy: Policy, now: float, *, unless: Callable[[], bool]
    ) -> LinkedRestriction | None:
        """Put what is ``given`` on an account, whatever tier that has for a base; as it was written down. Once for
        each token. None where its own mail met that meanwhile, which ``unless`` says.
        """
        found: LinkedRestriction | None = None

        def made(new: LinkedRestriction, known: Sequence[LinkedRestriction]) -> Sequence[LinkedRestriction] | None:
            nonlocal found
            found = next((each for each in known if each.token == new.token), None)
            if found is not None or unless():
                return None
            found = new
            return [*known, new]

        self._write(user_id, given, made, policy, now)
        return found

    def extend(self, user_id: str, kept: bytes | None, given: LinkedRestriction, policy: Policy, now: float) -> None:
        """Note who else brought about what an account has already: all that is ``given`` names. ``kept`` is its field,
        which mostly says that nothing is to be done.
        """

        def made(new: LinkedRestriction, known: Sequence[LinkedRestriction]) -> Sequence[LinkedRestriction] | None:
            last = next((each for each in reversed(known) if each.trigger == new.trigger), None)
            if last is None or last.is_own or len(last.by) >= MOST_NAMED:
                return None
            by = tuple(dict.fromkeys([*last.by, *new.by]))[:MOST_NAMED]
            return None if by == last.by else [replace(each, by=by) if each is last else each for each in known]

        if made(given, restrictions_of(kept, user_id)) is None:
            return
        self._write(user_id, given, made, policy, now)

    def own(self, user_id: str, given: LinkedRestriction, policy: Policy, now: float) -> None:
        """Note that the own mail of an account with linked restrictions met a trigger, too. What it has because of that
        trigger is its own from then on, and stays whatever becomes of others.
        """

        def made(new: LinkedRestriction, known: Sequence[LinkedRestriction]) -> Sequence[LinkedRestriction] | None:
            first = all(each.trigger != new.trigger for each in known)
            if any(each.token == new.token for each in known) or (first and new.action not in ("tighten", "limit")):
                return None
            return as_own(known, new)

        self._write(user_id, given, made, policy, now)

    def revise(self, user_id: str, revision: int, policy: Policy) -> None:
        """Have grants in flight know that an account is paused now, or paused no longer."""
        self._budgets.revise(user_id, revision, policy)

    def _write(self, user_id: str, given: LinkedRestriction, made: Made, policy: Policy, now: float) -> None:
        """Write what is ``made`` of the linked restrictions of an account, with its tier and its pause by that."""
        for _ in range(_TRIES):
            account = self._accounts.load(user_id)
            said = Past.of(account).said
            restricted = self.of(user_id, account, said, policy, now)
            covered = SEVERITY[account.tier] <= SEVERITY[restricted.held.floor] and restricted.held.trigger is not None
            base, after = account.own if covered else account.tier, tuple(sorted(account.decided.made))
            restrictions = made(replace(given, base=base, after=after), restricted.restrictions)
            if restrictions is None:
                return
            near = restricted.near
            if near is not None or not restricted.restrictions:  # those who brought it about were looked at just now
                known = near or {}
                near = {**known, **{name: known.get(name, False) or not given.claimed for name in given.by}}
            held = in_force(restrictions, near, said, now, established=account.is_established(now))
            own = account.own if restricted.restrictions else tighter(account.own, restricted.held.floor)
            written = _change(user_id, account, own, given, restrictions, held, policy, now)
            standing = self._tiers.restrict(written, policy, now)
            if standing is not None:
                self._budgets.revise(user_id, standing.revision, policy)
                if standing.tier != account.tier:
                    self._labels.mark_latest(user_id, standing)
                return
        raise StoreUnavailable("an account changed too often to write down what it bears")


def _change(
    user_id: str,
    account: StoredAccount,
    own: Tier,
    given: LinkedRestriction,
    restrictions: Sequence[LinkedRestriction],
    held: InForce,
    policy: Policy,
    now: float,
) -> RestrictionChange:
    """What is written when ``restrictions`` holds of an account from now on, the last because of what is ``given``.
    ``own`` is its tier by its own evidence until now.
    """
    if given.is_own:
        mine = next(each for each in restrictions if each.is_own and each.trigger == given.trigger)
        own = tighter(own, mine.put(mine.base, claimed=mine.claimed))
    tier = tighter(tighter(account.tier, held.floor), own if given.is_own else "allow")
    cause = "feedback" if given.is_own else "linkage"
    versions = {"policy": policy.version}
    entry = history_entry(now, PUT_LATER, tier, "feedback", given.trigger, versions, until=given.until, cause=cause)
    fields, pause = account.fields, pause_of(account.fields.get("paused"))
    lost = pause is not None and pause.linked and not restrictions_of(fields.get("restrictions"), user_id)
    if pause is not None and lost:  # what brought it about cannot be read, and is left out from now on
        pause = replace(pause, linked=False)
        fields = {**fields, "paused": orjson.dumps(pause)}
    paused = paused_fields(fields, held.pause, now)
    begins = held.pause is not None and paused.get("paused") == orjson.dumps(held.pause)
    if begins:
        entry["pause"] = "begun"
    kept = paused.get("paused_own")
    return RestrictionChange(
        user_id,
        account.fields.get("revision", b"0").decode(),
        tier,
        own,
        packed(restrictions),
        entry,
        told=begins or (given.is_own and given.action in ("tighten", "limit")),
        due=now + _SETTLE,
        pause=held.pause if begins else pause if lost else None,
        begins=begins,
        paused_own=kept if isinstance(kept, bytes) else None,
    )


def pause_move(
    user_id: str,
    account: StoredAccount,
    tier: Tier,
    others: Mapping[str, bytes | str | None],
    versions: Mapping[str, Any],
    now: float,
) -> PauseMove | None:
    """What is told of a pause that others brought about and that began or ended at Unix time ``now``, by the fields
    that are others; None where none did.
    """
    if "paused" not in others:
        return None
    before, kept = pause_of(account.fields.get("paused")), others["paused"]
    after = pause_of(kept) if isinstance(kept, bytes) else None
    begins = after is not None and after.linked
    about = after if begins else before
    if about is None or not (begins or about.holds(now)):
        return None
    entry = history_entry(now, tier, tier, "feedback", about.reason, versions, cause="linkage")
    entry["pause"] = "begun" if begins else "ended"
    if after is not None:
        return PauseMove(entry, "pause", pause_event(user_id, after))
    told = {"user_id": user_id, "at": now, "source": "feedback", "reason": about.reason, "cause": "linkage"}
    return PauseMove(entry, "resume", orjson.dumps(told))
