"""One signup through the line: gather → read → score → decide → record, and the answer it gets."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from riskapi.accounts.accounts import Accounts, KnownAccount, ReviewOpening, Standing
from riskapi.accounts.agenda import next_due
from riskapi.accounts.first_record import beside, beside_own
from riskapi.accounts.history import history_entry
from riskapi.accounts.labels import Labels
from riskapi.accounts.origin import origin_field
from riskapi.accounts.outage_answers import OutageAnswers
from riskapi.accounts.packing import pack
from riskapi.accounts.tiers import Arrival, Tiers
from riskapi.budgets import terms
from riskapi.clusters.clusters import Clusters
from riskapi.clusters.proofs import held_by
from riskapi.decisions.answer import Assessment, assessment, in_form, kept_answer
from riskapi.decisions.decide import Decision
from riskapi.decisions.gather import Gathered, Gatherer, Parsed
from riskapi.decisions.line import Case, case_in_outage, case_of
from riskapi.decisions.movement import first_cause, own_tier
from riskapi.decisions.record import decision_entry, decision_event
from riskapi.errors import Problem, StoreUnavailable
from riskapi.inputs.email import address_texts
from riskapi.inputs.signup import Signup
from riskapi.links.arrival import kept
from riskapi.links.entities import Links
from riskapi.links.keys import packed_entities
from riskapi.links.kinds import Touch
from riskapi.lists.matching import silenced
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis, Basis
from riskapi.reviews import queue
from riskapi.store.connections import Store
from riskapi.store.journal import Journal, JournalFull
from riskapi.times import unix_text
from signals.records import record


@record
class SignupAnswer:
    """What a caller gets. ``body`` is JSON; ``replay`` tells that it is the first answer given again."""

    body: bytes
    replay: bool
    tier: str | None = None


class _ReplyLost(StoreUnavailable):
    """The store went away as an account was written: it may be there, with the answer of this id, which nobody got."""

    def __init__(self, answer_id: str) -> None:
        super().__init__("the store did not say whether it wrote the account")
        self.answer_id = answer_id


class Assessor:
    """Assesses signups. One a worker process; safe to share between its threads."""

    def __init__(
        self,
        store: Store,
        active: ActiveBasis,
        gatherer: Gatherer,
        accounts: Accounts,
        tiers: Tiers,
        links: Links,
        clusters: Clusters,
        labels: Labels,
        journal: Journal,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._active, self.gatherer, self._accounts, self._tiers = active, gatherer, accounts, tiers
        self._links, self._clusters, self._labels = links, clusters, labels
        self._journal, self._metrics, self._outage_answers = journal, metrics, OutageAnswers(store, accounts)

    def signup(self, signup: Signup, now: float) -> SignupAnswer:
        """Assess one signup at Unix time ``now``.

        Raises ``signup_conflict`` for a user_id that signed up with another address, and ``unavailable`` when
        neither the store nor the journal could take the decision.
        """
        basis = self._active.basis
        parsed = self.gatherer.parse(signup, signup.at(now))
        # What was answered on this machine stands, whether the store is there again or not.
        if (waiting := self._journal.entry(signup.account.user_id)) is not None:
            return self._waiting(waiting, signup, parsed)
        try:
            return self._recorded(basis, signup, parsed, now)
        except StoreUnavailable as error:
            self._metrics.store_failure("signup")
            untold = error.answer_id if isinstance(error, _ReplyLost) else None
            return self._journaled(basis, signup, parsed, now, untold)

    def _recorded(
        self, basis: Basis, signup: Signup, parsed: Parsed, now: float, first: dict[str, Any] | None = None
    ) -> SignupAnswer:
        """Gather, decide, record. ``first`` is the answer already given, when a journal entry is replayed."""
        user_id, policy = signup.account.user_id, basis.policy
        gathered = self.gatherer.gather(user_id, parsed.facts, policy, now=now)
        if gathered.known is not None:
            return self._known(signup, parsed, gathered.known, gathered.touch, now)
        gathered, usage = self.gatherer.join(gathered, policy, now)
        own = terms.told(signup.account.plan)
        case = case_of(basis, user_id, parsed, gathered, usage, now, own=own, established=gathered.vouched)
        decision, review, body = case.decision, None, assessment(case)
        if decision.tier == "review":
            review = queue.opening(user_id, now, decision.risk_score, body["reasons"], answered=first is None)
            body["review_id"] = review.id
        answer = orjson.dumps(body)
        paid, standing = terms.is_paid(own.plan, policy), None
        if (decision.tier == "limit" or paid) and first is None:  # a replay does it by itself, whoever recorded it
            since = parsed.facts.at if paid else None
            standing = Standing("", decision.tier, dict(gathered.touch.keys), 0, since)
        arrival = self._arrival(signup, case, gathered, body, answer, review, first)
        try:
            known = self._written(signup, parsed, arrival, standing, policy, now, body)
        except StoreUnavailable as error:
            raise _ReplyLost(body["id"]) from error
        if known is not None:
            return self._known(signup, parsed, known, gathered.touch, now)
        self._count(decision)
        if review is not None:
            self._metrics.review("opened")
        return SignupAnswer(answer, replay=False, tier=decision.tier)

    def _arrival(
        self,
        signup: Signup,
        case: Case,
        gathered: Gathered,
        body: Assessment,
        answer: bytes,
        review: ReviewOpening | None,
        first: dict[str, Any] | None,
    ) -> Arrival:
        """What is written of a case: ``body``, which is ``answer`` as JSON, and ``first`` if that was given before."""
        decision, policy, at = case.decision, case.basis.policy, case.facts.at
        cause, entry = first_cause(case.decided), None
        if first is not None:
            cause = "outage"
            entry = history_entry(
                case.now,
                first["decision"],
                decision.tier,
                decision.source,
                decision.rule,
                case.basis.versions,
                until=decision.until,
                cause=cause,
            )
        stored = decision_entry(case, body["id"], "signup", None)
        return Arrival(
            case.user_id,
            {
                "mail": self._mail(signup, case.parsed),
                "tier": decision.tier,
                "at": unix_text(at),
                "entities": packed_entities(gathered.touch.keys),
                "own": own_tier(case.decided, decision.tier, case.decided.own, policy),
                **({} if first is None else {"latest": pack(answer)}),
                **kept(self._links, gathered.facts, gathered.touch, verified=signup.email.verified),
                **origin_field(gathered.facts),
                **({"looked": review.id} if review is not None and cause == "linkage" else {}),
                **({"silenced": until} if (until := silenced(decision.listing)) else {}),
                **terms.signed_up(case.terms, policy, at),
            },
            answer if first is None else orjson.dumps(first),
            orjson.dumps(beside_own(stored) if first is None else beside(first, at, stored)),
            signup.json_to_store(),
            decision_event(case, stored, decision.tier),
            "decision",
            entry,
            until=decision.until,
            cause=cause,
            review=review,
            # What it holds together with who vouches for it is noted when a worker looks at it: at once.
            due=case.now if _shares(gathered) else next_due(policy, at, case.now),
        )

    def _written(
        self,
        signup: Signup,
        parsed: Parsed,
        arrival: Arrival,
        standing: Standing | None,
        policy: Policy,
        now: float,
        body: Assessment,
    ) -> KnownAccount | None:
        """Write an account down, and in the same trip let its standing, if it has one, be felt through links.

        Returns the account that was there already. What somebody changed meanwhile is felt, too; it is kept in the
        journal when the store goes away just then.
        """
        if standing is None:
            return self._tiers.record(arrival, policy, now)
        pipe = self._store.pipeline()
        known = self._tiers.queue_record(pipe, arrival, policy, now)
        later = self._labels.queue_mark(pipe, arrival.user_id, standing)
        self._store.run(pipe)
        if known() is not None or later().revision:
            try:
                self._labels.mark_latest(arrival.user_id, later())
            except StoreUnavailable:  # not under its own id: its answer is in the store
                self._keep(f"{arrival.user_id} standing", signup, parsed, now, body)
        return known()

    def _keep(
        self, name: str, signup: Signup, parsed: Parsed, now: float, answer: Assessment, **more: str
    ) -> dict[str, Any] | None:
        """Keep an answered signup on this machine; returns the entry that was kept under that name before, if any.

        Raises ``unavailable`` when it cannot be kept.
        """
        stored, mail = signup.json_to_store().decode(), self._mail(signup, parsed)
        entry = {"signup": stored, "mail": mail, "at": signup.at(now), "now": now, "answer": answer, **more}
        try:
            return self._journal.append(name, entry)
        except (OSError, JournalFull) as error:
            raise Problem(
                "unavailable", "The decision could not be recorded; try again.", headers={"Retry-After": "1"}
            ) from error

    def _count(self, decision: Decision) -> None:
        self._metrics.decision(decision.tier, decision.source)
        for name in decision.fired:
            self._metrics.rule(name, "live")
        for row in decision.shadow:
            if row.candidate.startswith("rule:"):
                self._metrics.rule(row.candidate.removeprefix("rule:"), "shadow")

    def _mail(self, signup: Signup, parsed: Parsed) -> str:
        return self._links.mac("address", address_texts(signup.email.address, parsed.facts.email)[0])

    def _check_address(self, mail: str, signup: Signup, parsed: Parsed) -> None:
        """Raise ``signup_conflict`` unless this is kept of a signup's address, by this release or an earlier one."""
        texts = address_texts(signup.email.address, parsed.facts.email)
        if not any(mail == self._links.mac("address", text) for text in texts):
            raise Problem("signup_conflict", "This user_id was assessed with another e-mail address.")

    def _known(self, signup: Signup, parsed: Parsed, known: KnownAccount, touch: Touch, now: float) -> SignupAnswer:
        """The first answer again, with anything taken back that this request touched and the first did not."""
        user_id, first = signup.account.user_id, set(known.entities.values())
        stray = [key for key in touch.keys.values() if key not in first]
        if stray:
            self._clusters.withdraw(user_id, stray, self._active.policy, now)
        self._check_address(known.mail, signup, parsed)
        return SignupAnswer(kept_answer(known.answer, partial(self._accounts.signup, user_id)), replay=True)

    def _journaled(self, basis: Basis, signup: Signup, parsed: Parsed, now: float, untold: str | None) -> SignupAnswer:
        """Decide without the store, keep the signup on this machine, and answer with the policy's outage caps.

        ``untold`` is the id of an answer that the store may have written and nobody gets.
        """
        facts, own = self.gatherer.without_store(parsed.facts), terms.told(signup.account.plan)
        user_id = signup.account.user_id
        case = case_in_outage(basis, user_id, parsed, facts, now, own)
        body = assessment(case)
        more = {} if untold is None else {"untold": untold}
        waiting = self._keep(user_id, signup, parsed, now, body, **more)
        if waiting is None:
            self._count(case.decision)
            return SignupAnswer(orjson.dumps(body), replay=False, tier=case.decision.tier)
        found = self._waiting(waiting, signup, parsed)
        if more:
            self._keep(f"{user_id} {untold}", signup, parsed, now, waiting["answer"], **more)
        return found

    def _waiting(self, waiting: dict[str, Any], signup: Signup, parsed: Parsed) -> SignupAnswer:
        """The answer that waits to be recorded, again."""
        self._check_address(waiting["mail"], signup, parsed)
        return SignupAnswer(orjson.dumps(in_form(waiting["answer"], waiting["signup"])), replay=True)

    def awaits(self, user_id: str) -> bool:
        """Whether an account was acknowledged on this machine and waits to be recorded."""
        return self._journal.holds(user_id)

    def replay_journal(self, now: float) -> int:
        """Record at Unix time ``now`` what was answered while the store was away; returns how many signups. Idempotent.

        Raises :class:`StoreUnavailable` when the store is away again; what is left stays in the journal.
        """
        return self._journal.replay(lambda entry: self._replay(entry, now))

    def _replay(self, entry: dict[str, Any], now: float) -> None:
        signup = Signup.stored(entry["signup"])
        parsed = self.gatherer.parse(signup, entry["at"])
        basis, told = self._active.basis, entry["answer"]
        try:
            found = self._recorded(basis, signup, parsed, now, told)
            if found.replay and (first := orjson.loads(found.body))["id"] == entry.get("untold"):
                review = queue.review_key(first["review_id"]) if first["review_id"] is not None else ""
                self._outage_answers.put_first(signup.account.user_id, told, first, review, basis.policy, now)
        except Problem as problem:
            # Another worker answered the same user_id with another address during the outage: the first stands.
            if problem.code != "signup_conflict":
                raise
        standing = self._accounts.standing(signup.account.user_id)
        if standing.tier == "limit" or standing.established is not None:
            self._labels.mark_latest(signup.account.user_id, standing)


def _shares(gathered: Gathered) -> bool:
    """Whether somebody who vouches for the account holds something that it uses."""
    entities = (gathered.facts.entities or {}).values()
    return gathered.vouched and bool(held_by(str(gathered.facts.account.referrer_id), entities))
