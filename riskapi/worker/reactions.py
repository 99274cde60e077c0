"""Reactions: what is done about what happened. One entry of the streams at a time, safe to repeat; what comes in
numbers (signups, joins of clusters, accounts that are limited, feedback about a cluster) many at once.

    decision   of a signup: have its domain and network looked up; note which list entries it hit; where chance drew an
               allowed one, have a person look
    import     an existing customer came in: count what was reported of it before, as for a signup
    finding    an upstream answered, or is not believed any more: decide those again who waited for it, or were told
    event      the account did something: decide it again, and have the domain it sends from looked up; where that can
               make it an established customer, mark what it touched
    sender     its mail comes from a domain that was not known before: have that looked up
    feedback   its mail met something bad: do what was left to do of that, and look at all that its cluster met
    label      it turned out to be something: decide those again who are linked to it
    spread     what abuse of it means for others began, or is another by now: decide those again, or have a person look
    review     a reviewer decided, or a decision was undone: do what may be left to do of that
    tier       it is limited now, or no longer: mark what it touched, decide those again who are linked to it
    cluster    accounts belong together now: decide them again; or no longer: those who bear what the mail of others met
    list       an entry came, went or expired: decide those again whom it names
    hit        mail links to what is on a list: have a person look

Whoever is to be decided again goes on the agenda, so that many causes at once are one decision.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from riskapi.accounts.accounts import Accounts, Standing
from riskapi.accounts.activity import ESTABLISHING, TYPES
from riskapi.accounts.agenda import Agenda
from riskapi.accounts.labels import Labels
from riskapi.clusters.clusters import Clusters
from riskapi.decisions.consequences import HARMLESS, Consequences
from riskapi.decisions.gather import Gatherer
from riskapi.decisions.record import is_brief, told_decision, told_tier
from riskapi.decisions.view import Profiles
from riskapi.enrichment.findings import RETRACTED, Findings, Wish
from riskapi.enrichment.subjects import Subject, subject_told
from riskapi.errors import Problem
from riskapi.feedback.intake import Intake
from riskapi.inputs.signup import Signup
from riskapi.links.bonds import entity_of
from riskapi.lists.lists import Lists
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.decided_accounts import review_of
from riskapi.reviews.decisions import ReviewDecisions
from riskapi.reviews.random_audit import RandomAudit
from riskapi.sending.holds import Holds
from riskapi.store.streams import StreamEntry
from riskapi.times import instant

#: Seconds that those who are linked to an account wait, so that a ring that opens at once is looked at once.
_SETTLE = 2.0
#: What happens in a cluster meanwhile has all its accounts decided once more, after so many seconds for each of them.
#: That is ten times what a decision takes: a ring in which something happens all the time leaves time for others.
_APART = 0.04
#: Clusters of which it is known when their accounts are decided again.
_KEPT = 10_000
#: Accounts looked at for one entry of a list; the rest is reached by the schedule, and by its next signups.
_MOST = 10_000


class Reactions:
    """Handles entries. One a worker process; safe to share between its threads."""

    def __init__(
        self,
        active: ActiveBasis,
        accounts: Accounts,
        gatherer: Gatherer,
        findings: Findings,
        clusters: Clusters,
        labels: Labels,
        lists: Lists,
        holds: Holds,
        review_decisions: ReviewDecisions,
        consequences: Consequences,
        intake: Intake,
        profiles: Profiles,
        audits: RandomAudit,
        agenda: Agenda,
        clock: Callable[[], float],
    ) -> None:
        self._active, self._accounts, self._gatherer = active, accounts, gatherer
        self._findings, self._clusters, self._labels = findings, clusters, labels
        self._lists, self._holds, self._review_decisions = lists, holds, review_decisions
        self._agenda, self._clock, self._consequences, self._intake = agenda, clock, consequences, intake
        self._profiles, self._audits = profiles, audits
        self._latest = dict[str, float]()  # when the accounts of large clusters are decided again
        self._about: dict[str, Callable[[StreamEntry], None]] = {
            "decision": self._decided,
            "import": lambda entry: self._known([entry]),
            "finding": self._found,
            "event": self._acted,
            "sender": self._sent,
            "label": self._labelled,
            "spread": self._spread,
            "review": self._reviewed,
            "tier": self._moved,
            "cluster": self._changed,
            "hit": self._hit,
            "feedback": self._met,
        }

    def handle(self, entry: StreamEntry) -> None:
        """Do what is to be done about an entry. Raises :class:`riskapi.errors.StoreUnavailable`."""
        react = self._about.get(entry.type)
        if react is not None:
            react(entry)

    def handle_together(self, entries: Sequence[StreamEntry]) -> list[bool]:
        """Do at once what is to be done about entries that come in numbers, and say of each entry whether it was one.

        These are signups and imports of which nothing else follows, accounts that joined clusters or were limited, and
        what the mail of several accounts of a cluster met. Raises :class:`riskapi.errors.StoreUnavailable`.
        """
        plain = [self._is_plain(entry) for entry in entries]
        known = [entry for entry, is_plain in zip(entries, plain, strict=True) if is_plain]
        if known:
            self._known(known)
            self._look_up([entry for entry in known if entry.type == "decision" and _may_ask(entry.data)])
        joined = [entry for entry in entries if _is_join(entry)]
        self._joined(joined)
        moved = [entry for entry in entries if _is_limit(entry)]
        if moved:
            self._tell_linked([entry.data["user_id"] for entry in moved])
        met = self._of_one_cluster([entry for entry in entries if _is_harm(entry)])
        for each in met:
            self._met_by(each)
        together = {(entry.stream, entry.id) for each in (joined, moved, *met) for entry in each}
        return [
            is_plain or (entry.stream, entry.id) in together for entry, is_plain in zip(entries, plain, strict=True)
        ]

    def _of_one_cluster(self, entries: Sequence[StreamEntry]) -> list[list[StreamEntry]]:
        """Entries about accounts of one cluster, or about one account, wherever there are several."""
        if len(entries) < 2:
            return []
        clusters = self._clusters.by_cluster({entry.data["user_id"] for entry in entries})
        of = {user_id: cluster or user_id for cluster, users in clusters.items() for user_id in users}
        found: dict[str, list[StreamEntry]] = {}
        for entry in entries:
            found.setdefault(of[entry.data["user_id"]], []).append(entry)
        return [each for each in found.values() if len(each) > 1]

    def _is_plain(self, entry: StreamEntry) -> bool:
        if entry.type != "decision":
            return entry.type == "import"
        data = entry.data
        is_signup = is_brief(data) or data["kind"] == "signup"
        return is_signup and not data.get("listed") and not self._is_drawn(data)

    def _is_drawn(self, data: Mapping[str, Any]) -> bool:
        return told_tier(data) == "allow" and self._audits.is_drawn(data["id"])

    def _decided(self, entry: StreamEntry) -> None:
        data = told_decision(entry.data)
        for entry_id in data.get("listed") or ():
            self._lists.count_hit(entry_id, data["user_id"], data["at"])
        if data["kind"] == "signup":
            self._known([entry])
            self._look_up([entry])
            if self._is_drawn(data):
                self._draw(data["user_id"], data["id"], data["at"])

    def _draw(self, user_id: str, decision_id: str, at: float) -> None:
        """Have a person look at an account that chance drew, with the reasons that its decision had."""
        with contextlib.suppress(Problem):  # erased, or expired
            latest = self._profiles.view(user_id, self._clock())["latest"]
            self._audits.open(user_id, decision_id, latest["risk_score"], latest["reasons"], at)

    def _known(self, entries: Sequence[StreamEntry]) -> None:
        """Count what was reported of accounts before they were known."""
        self._intake.tell_accounts([entry.data["user_id"] for entry in entries], self._clock())

    def _look_up(self, entries: Sequence[StreamEntry]) -> None:
        """Have what is not known of signups looked up, and decide those again at once for whom it is known by now."""
        now, wishes = self._clock(), list[Wish]()
        for data in (told_decision(entry.data) for entry in entries):
            subjects = self._subjects(data)
            if subjects:
                wishes.append(Wish(data["user_id"], subjects, data.get("findings") or {}))
        again: dict[str, list[str]] = {}
        for wish, cause in zip(wishes, self._findings.want_all(wishes, now), strict=True):
            if cause is not None:
                again.setdefault(cause, []).append(wish.user_id)
        for cause, user_ids in again.items():
            self._agenda.add(user_ids, now, cause)

    def _subjects(self, data: Mapping[str, Any]) -> Sequence[Subject]:
        """What can be asked about a signup. An entry of before 2026-11 does not say; then the signup is read again, and
        it is nothing for one that was erased, or expired.
        """
        told = data.get("subjects")
        if told is not None:
            return [subject_told(each) for each in told]
        signup = self._accounts.signup(data["user_id"])
        if signup is None:
            return ()
        return self._findings.subjects(self._gatherer.parse(Signup.stored(signup), self._clock()).facts)

    def _found(self, entry: StreamEntry) -> None:
        cause = RETRACTED if entry.data.get("retracted") else f"finding.{entry.data['kind']}"
        self._agenda.add(list(entry.data["user_ids"]), self._clock(), cause)

    def _acted(self, entry: StreamEntry) -> None:
        if entry.data["type"] in ESTABLISHING:
            self._mark_latest(entry.data["user_id"])
        if entry.data["type"] in TYPES:
            self._agenda.add([entry.data["user_id"]], self._clock(), f"event.{entry.data['type']}")

    def _sent(self, entry: StreamEntry) -> None:
        self._agenda.add([entry.data["user_id"]], self._clock(), "event.sender")

    def _labelled(self, entry: StreamEntry) -> None:
        self._agenda.add([entry.data["user_id"]], self._clock(), "label")
        self._tell_linked([entry.data["user_id"]])

    def _spread(self, entry: StreamEntry) -> None:
        """Have those decided again whom abuse of an account touches, or no longer does; ask a person where it waits."""
        data = entry.data
        self._tell_linked([data["user_id"]])
        if data["state"] == "held":
            with contextlib.suppress(Problem):  # erased, or expired
                text = "What its label means for others would touch more accounts than the policy lets go by itself"
                name = f"{data['user_id']}\0{data['spread_id']}"
                self._holds.review(data["user_id"], data["at"], "SPREAD_HELD", text, name, self._active.policy)

    def _reviewed(self, entry: StreamEntry) -> None:
        decision = entry.data.get("decision_id")
        if decision is not None and review_of(decision) == entry.data["id"]:  # not one that was closed along with it
            self._agenda.add(self._review_decisions.finish(decision), self._clock(), "linkage")

    def _moved(self, entry: StreamEntry) -> None:
        if _is_limit(entry):
            self._tell_linked([entry.data["user_id"]])

    def _met(self, entry: StreamEntry) -> None:
        if _is_harm(entry):
            self._met_by([entry])

    def _met_by(self, entries: Sequence[StreamEntry]) -> None:
        """Do what was left undone about what the mail of accounts met, and look at all that their clusters met."""
        users = list(dict.fromkeys(entry.data["user_id"] for entry in entries))
        for user_id in users:
            with contextlib.suppress(Problem):  # erased, or expired
                self._consequences.of(user_id, self._clock())
        self._consequences.others.of(users, self._clock())
        disowned = dict.fromkeys(entry.data["user_id"] for entry in entries if entry.data["event"] == "not_mine")
        if disowned:  # what it proved may not count any more
            self._agenda.add(list(disowned), self._clock(), "feedback.not_mine")

    def _tell_linked(self, user_ids: Sequence[str]) -> None:
        """Mark what accounts touched with their standing, and have those linked to them decided again."""
        marked = {user_id: self._mark_latest(user_id) for user_id in dict.fromkeys(user_ids)}
        things = {user_id: standing.entities.values() for user_id, standing in marked.items() if standing is not None}
        for cluster, names in self._clusters.company(things, self._active.policy.rescoring.linked).items():
            self._together(cluster, names)

    def _mark_latest(self, user_id: str) -> Standing | None:
        """Mark what the account touched with its standing; None for one that was erased, or expired."""
        try:
            standing = self._accounts.standing(user_id)
            self._labels.mark_latest(user_id, standing)
        except Problem:
            return None
        return standing

    def _changed(self, entry: StreamEntry) -> None:
        data = entry.data
        if data["change"] == "split":
            within = [name for each in data["into"] for name in self._clusters.accounts(each)]
            named = dict.fromkeys([*data["user_ids"], *data.get("more_ids", ()), *within])
            self._agenda.add(self._accounts.restricted(list(named)), self._clock() + _SETTLE, "linkage")
        elif _is_join(entry):
            self._joined([entry])

    def _joined(self, entries: Sequence[StreamEntry]) -> None:
        """Have those decided again who are in clusters that somebody joined: once, however many joined."""
        came, looks, most = dict[str, dict[str, None]](), dict[str, float](), self._active.policy.rescoring.linked
        for data in (entry.data for entry in entries):
            came.setdefault(data["cluster_id"], {}).update({data["user_id"]: None} if "user_id" in data else {})
            at = instant(data["at"]).timestamp()
            looks |= {edge: max(at, looks.get(edge, at)) for edge in data.get("looks", ())}
        for edge, since in looks.items():
            self._clusters.look(entity_of(edge), self._active.policy, self._clock(), since=since)
        for cluster, first in came.items() if most else ():
            # Whoever joined is among those who are looked at, however many there are, and soon.
            self._agenda.add(list(first), self._clock() + _SETTLE, "linkage")
            others = [name for name in self._clusters.some(cluster, most) if name not in first]
            self._together(cluster, others[: max(0, most - len(first))])

    def _together(self, cluster: str, user_ids: list[str]) -> None:
        """Have accounts of a cluster (``""`` for none), or linked to some of it, decided again: a moment later, or,
        where they are many and that was done just now, once they were all decided.
        """
        if not user_ids:
            return
        due, pause = self._clock() + _SETTLE, _APART * len(user_ids)
        last = self._latest.get(cluster, 0.0)
        if last <= due + pause:  # else the clock was set back
            due = last if due <= last else max(due, last + pause)
        if pause > _SETTLE and cluster:
            if len(self._latest) >= _KEPT:
                self._latest.clear()
            self._latest[cluster] = due
        self._agenda.add(user_ids, due, "linkage")

    def handle_list(self, entry: StreamEntry) -> None:
        """As :meth:`handle`, for what happens to lists: finding all whom an entry names takes a while."""
        if entry.type != "list":
            return
        found = self._lists.load(entry.data["id"])
        if found is not None:
            names, _ = self._lists.matching(found, _MOST)
            # Whom it hit is known however long ago that was, and has to be let go when it goes.
            self._agenda.add(list(dict.fromkeys([*names, *self._lists.hit(found.id)])), self._clock(), "list")

    def _hit(self, entry: StreamEntry) -> None:
        """Mail links to a domain on a list: count it, and have a person look."""
        data = entry.data
        self._lists.count_hit(data["entry"], data["user_id"], data["at"])
        with contextlib.suppress(Problem):  # erased, or expired
            code, name = f"LIST_{data['list'].upper()}", f"{data['user_id']}\0{data['entry']}"
            text = f"Its mail links to a domain on the {data['list']} list"
            self._holds.review(data["user_id"], data["at"], code, text, name, self._active.policy)


def _is_join(entry: StreamEntry) -> bool:
    """Whether accounts joined a cluster, or clusters became one."""
    return entry.type == "cluster" and entry.data["change"] in ("joined", "merged")


def _is_limit(entry: StreamEntry) -> bool:
    """Whether an account is limited now, or no longer."""
    return entry.type == "tier" and "limit" in (entry.data.get("from"), entry.data["to"])


def _is_harm(entry: StreamEntry) -> bool:
    """Whether the mail of an account met something that may speak against it."""
    return entry.type == "feedback" and entry.data.get("event") not in (None, *HARMLESS)


def _may_ask(data: Mapping[str, Any]) -> bool:
    """Whether something may have to be looked up of a signup: most entries tell that there is nothing."""
    return "subjects" in data or not is_brief(data)
