"""What follows from feedback for others: the triggers of the policy are tried on all that a cluster met together.

What fires restricts the accounts of the cluster for as long as they are bound to those whose mail met it
(:mod:`riskapi.accounts.linked_restrictions`). As with what an account met itself, it is done once for each trigger and
its days, and written before it is done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.linked_restrictions import MOST_NAMED, LinkedRestriction
from riskapi.clusters.clusters import Clusters, Near
from riskapi.decisions.mail_met import WORDS, MailMet, events_of, together
from riskapi.decisions.restrictor import Restrictor
from riskapi.decisions.trigger_marks import DONE, FeedbackDone, TriggerMarks, review_about
from riskapi.errors import Problem
from riskapi.feedback.counts import FeedbackAction
from riskapi.feedback.triggers import Met, acting, fired
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis
from riskapi.policy.tables import Trigger
from riskapi.sending.holds import Holds, review_id

#: Accounts of a cluster that are looked at together.
_MOST = 200


class ClusterConsequences:
    """Acts on what clusters met. Safe to share between threads."""

    def __init__(
        self,
        active: ActiveBasis,
        accounts: Accounts,
        clusters: Clusters,
        holds: Holds,
        mail_met: MailMet,
        marks: TriggerMarks,
        restrictor: Restrictor,
    ) -> None:
        self._active, self._accounts, self._clusters, self._holds = active, accounts, clusters, holds
        self._mail_met, self._marks, self._restrictor = mail_met, marks, restrictor

    def of(self, user_id: str, now: float) -> list[FeedbackAction]:
        """Try the triggers at Unix time ``now`` on all that the cluster of an account met together, and do what fires
        and was not done yet. Established customers are looked at only, and whom nothing that was seen or proved binds
        to the account gets `review` at most: a stranger can sign up beside anybody, and type anybody's number. Raises
        :class:`riskapi.errors.StoreUnavailable`.
        """
        return self.of_many([user_id], now)

    def of_many(self, user_ids: Sequence[str], now: float) -> list[FeedbackAction]:
        """The same for each of some accounts. A cluster of several is read once, and those whom the same binds to the
        same accounts are one.
        """
        policy, within, done = self._active.policy, dict[str, list[str]](), list[FeedbackAction]()
        for user_id, state in self._clusters.states(user_ids).items():
            if state.cluster:
                within.setdefault(state.cluster, []).append(user_id)
        for cluster, users in within.items():
            names = list(dict.fromkeys([*self._clusters.accounts(cluster)[:_MOST], *users]))
            found = self._mail_met.of(names, now) if len(names) > 1 else {}
            triggers = _fired(found, policy, now) if found else []
            if triggers:
                near = self._clusters.near_each(cluster, users, now)
                for each in {_sides(user, near[user]): near[user].accounts for user in users}.values():
                    done += self._tried(triggers, found, each, policy, now)
        return done

    def _tried(
        self, triggers: list[Trigger], found: dict[str, Met], near: Mapping[str, bool], policy: Policy, now: float
    ) -> list[FeedbackAction]:
        """Do what fires for those of the accounts, and what their mail met, that are ``near`` one of them."""
        if not near.keys() >= found.keys():  # what bound some of them has ended
            found = {name: each for name, each in found.items() if name in near}
            triggers = _fired(found, policy, now) if len(found) > 1 else []
        self._marks.note_shadows(list(found), triggers, now)
        aliases = {name: self._clusters.aliases.of(name) for name in found}
        done: list[FeedbackAction] = []
        for trigger in acting(triggers):
            brought = _brought_by(trigger, found, now)
            for name in found:
                by, claimed = _others(name, brought, found, near)
                with contextlib.suppress(Problem):  # erased, or expired
                    action = self._done(name, trigger, [aliases[each] for each in by], policy, now, claimed=claimed)
                    if action is not None:
                        done.append({"user_id": name, "action": action, "rule": trigger.name})
        return done

    def _done(
        self, user_id: str, trigger: Trigger, by: Sequence[str], policy: Policy, now: float, *, claimed: bool
    ) -> FeedbackDone | None:
        """Do what a trigger says about an account because of others, whose aliases are in ``by``, once in its days;
        None where it was done.
        """
        standing = self._accounts.standing(user_id)
        spared = standing.established is not None
        # An account that was only looked at because of others still gets all that is found when more binds it.
        looked = claimed or spared
        own = self._marks.is_begun(user_id, trigger)  # its own mail met it
        if not looked and own:
            return None
        mark = self._marks.begin(user_id, trigger, ":looked" if looked else ":linked", "-")
        code, text, name = review_about(user_id, trigger, now)
        opens = trigger.review or spared
        given = LinkedRestriction(
            trigger.name,
            "look" if spared or trigger.action == "warn" else trigger.action,
            claimed,
            "allow",
            tuple(by),
            now,
            mark.token,
            now + 3600 * trigger.hours if trigger.hours else None,
            review_id(user_id, name) if opens and not own else None,  # else it may be that of its own mail
        )
        if mark.is_done:
            if standing.restricted:
                self._restrictor.extend(user_id, standing.restrictions, given, policy, now)
            return None
        restricted = self._restrictor.add(
            user_id, given, policy, now, unless=lambda: not looked and self._marks.is_begun(user_id, trigger)
        )
        if restricted is None:
            return None
        if opens:
            self._holds.review(user_id, now, code, text, name, policy)
        action: FeedbackDone = DONE[trigger.action]
        if looked:
            action = "tightened" if restricted.put(restricted.base, claimed=claimed) != restricted.base else "warned"
        self._marks.tell(user_id, trigger, mark, action, policy, now)
        return action


def _fired(found: Mapping[str, Met], policy: Policy, now: float) -> list[Trigger]:
    return [each for each in fired(policy.feedback, together(found.values()), now) if each.of not in WORDS]


def _sides(user_id: str, near: Near) -> tuple[frozenset[str], frozenset[str]]:
    """Whom an account is bound to, and whom by what was seen or proved: nobody where that is itself alone. Where these
    are the same for two accounts, so is all that follows from what is met by one or the other.
    """
    proved = frozenset(name for name, is_seen in near.accounts.items() if is_seen)
    return frozenset(near.accounts), frozenset() if proved == {user_id} else proved


def _brought_by(trigger: Trigger, found: Mapping[str, Met], now: float) -> list[str]:
    """Whose mail met what a trigger counts, the most first."""
    counts = {name: events_of(trigger, each, now) for name, each in found.items()}
    return sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])


def _others(
    user_id: str, brought: Sequence[str], found: Iterable[str], near: Mapping[str, bool]
) -> tuple[list[str], bool]:
    """Who brought it about for an account, the most first, and whether no more than waves and claims bind it to them:
    those that what was seen or proved binds, where there are any.
    """
    others = [name for name in brought if name != user_id] or [name for name in found if name != user_id]
    seen = [name for name in others if near[name]] if near[user_id] else []
    return (seen or others)[:MOST_NAMED], not seen
