"""What follows from feedback for others: the triggers of the policy are tried on all that a cluster met together.

What fires restricts the accounts of the cluster for as long as they are bound to those whose mail met it
(:mod:`riskapi.accounts.linked_restrictions`). As with what an account met itself, it is done once for each trigger and
its days, and written before it is done. So whoever is stopped in the middle is followed by one that does the rest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.linked_restrictions import MOST_NAMED, LinkedRestriction
from riskapi.clusters.clusters import Clusters
from riskapi.clusters.neighbours import Group
from riskapi.decisions.cluster_agenda import ClusterAgenda
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
from riskapi.store.connections import Store
from signals.records import record

#: Accounts of a cluster that is looked at where feedback is read, at most: a quarter of a second of work. Larger ones
#: wait for their turn (:mod:`.cluster_agenda`).
MOST = 200


@record
class Consequence:
    """What a ``trigger`` is to do about an account, because of the mail of those whose aliases are in ``by``.
    ``claimed``: no more than waves and claims bind it to them.
    """

    user_id: str
    trigger: Trigger
    by: tuple[str, ...]
    claimed: bool


class ClusterConsequences:
    """Acts on what clusters met. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
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
        self.agenda = ClusterAgenda(store)

    def of(self, user_ids: Sequence[str], now: float) -> list[FeedbackAction]:
        """Try the triggers at Unix time ``now`` on all that the clusters of some accounts met together, and do what
        fires and was not done yet. Large clusters are put on the agenda instead. Established customers are looked at
        only, and whom nothing that was seen or proved binds to the account gets `review` at most: a stranger can sign
        up beside anybody, and type anybody's number. Raises :class:`riskapi.errors.StoreUnavailable`.
        """
        done: list[FeedbackAction] = []
        for cluster, users in self._clusters.by_cluster(user_ids).items():
            if cluster and self._clusters.size(cluster) > MOST:
                self.agenda.ask(users, now)
            else:
                for each in self.following(cluster, users, now):
                    done += self.do(each, now)
        return done

    def following(self, cluster: str, user_ids: Sequence[str], now: float) -> Iterator[Consequence]:
        """What follows for the accounts of a cluster, whether or not it was done, from all that those met together whom
        something binds to any of ``user_ids``: for whoever sends most first. Raises
        :class:`riskapi.errors.StoreUnavailable`.
        """
        names = self._clusters.accounts(cluster) if cluster else []
        policy, found = self._active.policy, self._mail_met.of(names, now) if len(names) > 1 else {}
        triggers = _fired(found, policy, now) if found else []
        if not triggers:
            return
        for group in self._clusters.groups(cluster, user_ids, now):
            some, of_some = found, triggers
            if not group.seen.keys() >= found.keys():  # what bound some of them has ended
                some = {name: each for name, each in found.items() if name in group.seen}
                of_some = _fired(some, policy, now) if len(some) > 1 else []
            self._marks.note_shadows(list(some), of_some, now)
            asked = list(dict.fromkeys(group.seen[user_id] for user_id in user_ids if user_id in group.seen))
            yield from self._of_each(some, acting(of_some), group, asked, now)

    def _of_each(
        self,
        found: Mapping[str, Met],
        triggers: Sequence[Trigger],
        group: Group,
        asked: Sequence[frozenset[str]],
        now: float,
    ) -> Iterator[Consequence]:
        """What triggers do about the accounts of a group, because of what their mail met.

        Each is looked at twice: as one that what was seen or proved binds to some of those that were ``asked``, and as
        one that only waves and claims bind to others.
        """
        names = sorted(found, key=lambda name: -sum(found[name].sent.values()))
        alias = cache(self._clusters.aliases.of)
        for trigger in triggers:
            brought = _brought_by(trigger, found, now)
            for name in names:
                near = group.seen[name]
                others = brought if any(other != name for other in brought) else names
                by = _first(others, name, near) if near in asked else []
                seen = [Consequence(name, trigger, tuple(map(alias, by)), claimed=False)] if by else []
                claimed: list[Consequence] = []
                if not by or len(asked) > 1:
                    by = _first(others, name)
                    claimed = [Consequence(name, trigger, tuple(map(alias, by)), claimed=True)]
                # In the order in which it was asked for: how far a tier goes down depends on that.
                yield from [*seen, *claimed] if near == asked[0] else [*claimed, *seen]

    def do(self, each: Consequence, now: float) -> list[FeedbackAction]:
        """Do what follows for an account at Unix time ``now``, once in the days of its trigger; what was done. Nothing
        is done for an account that was erased or has expired, nor by a trigger that is not live any more. Raises
        :class:`riskapi.errors.StoreUnavailable`.
        """
        policy = self._active.policy
        if not any(
            trigger.name == each.trigger.name and trigger.mode == "live" for trigger in policy.feedback.triggers
        ):
            return []
        with contextlib.suppress(Problem):
            action = self._done(each, policy, now)
            if action is not None:
                return [{"user_id": each.user_id, "action": action, "rule": each.trigger.name}]
        return []

    def _done(self, each: Consequence, policy: Policy, now: float) -> FeedbackDone | None:
        """Do it; None where it was done."""
        user_id, trigger, claimed = each.user_id, each.trigger, each.claimed
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
            each.by,
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


def _brought_by(trigger: Trigger, found: Mapping[str, Met], now: float) -> list[str]:
    """Whose mail met what a trigger counts, the most first."""
    counts = {name: events_of(trigger, each, now) for name, each in found.items()}
    return sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])


def _first(others: Sequence[str], name: str, near: Collection[str] | None = None) -> list[str]:
    """The first of some accounts other than one, of those that are ``near`` it where that is given."""
    found = (other for other in others if other != name and (near is None or other in near))
    return list(islice(found, MOST_NAMED))
