"""One signup through the line: gather → read → score → decide → record, and the answer it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

import signals
from riskapi.accounts.accounts import Accounts, KnownAccount, ReviewOpening, Standing, tier_event
from riskapi.accounts.agenda import next_look
from riskapi.accounts.labels import Labels
from riskapi.budgets import terms
from riskapi.budgets.caps import Usage, unused
from riskapi.budgets.spends import Budgets
from riskapi.clusters.clusters import Clusters
from riskapi.clusters.proofs import Proofs
from riskapi.decisions.answer import assessment, in_form, kept_answer, reasons
from riskapi.decisions.decide import Decision, decide
from riskapi.decisions.gather import Gathered, Gatherer, Parsed
from riskapi.decisions.line import Judged, judged
from riskapi.decisions.movement import first_cause, own_tier
from riskapi.decisions.record import decision_entry
from riskapi.enrichment.findings import times
from riskapi.errors import Problem, StoreUnavailable
from riskapi.inputs.signup import Signup
from riskapi.links.arrival import kept
from riskapi.links.entities import Links
from riskapi.links.evidence import binds
from riskapi.links.kinds import Touch
from riskapi.lists.matching import silenced, verdict
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis, Basis
from riskapi.reviews import queue
from riskapi.store.journal import Journal, JournalFull
from riskapi.times import rfc3339
from signals.facts import Cluster
from signals.records import record


@record
class SignupAnswer:
    """What a caller gets. ``body`` is JSON; ``replay`` tells that it is the first answer given again."""

    body: bytes
    replay: bool
    tier: str | None = None


class Assessor:
    """Assesses signups. One a worker process; safe to share between its threads."""

    def __init__(
        self,
        active: ActiveBasis,
        gatherer: Gatherer,
        accounts: Accounts,
        links: Links,
        clusters: Clusters,
        budgets: Budgets,
        labels: Labels,
        proofs: Proofs,
        journal: Journal,
        metrics: Metrics,
    ) -> None:
        self._active, self.gatherer, self._accounts = active, gatherer, accounts
        self._links, self._clusters, self._budgets = links, clusters, budgets
        self._labels = labels
        self._proofs = proofs
        self._journal = journal
        self._metrics = metrics

    def signup(self, signup: Signup, now: float) -> SignupAnswer:
        """Assess one signup at Unix time ``now``.

        Raises ``signup_conflict`` for a user_id that signed up with another address, and ``unavailable`` when
        neither the store nor the journal could take the decision.
        """
        basis, at = self._active.basis, signup.at(now)
        parsed = self.gatherer.parse(signup, at)
        try:
            return self._recorded(basis, signup, parsed, at, now)
        except StoreUnavailable:
            self._metrics.store_failure("signup")
            return self._journaled(basis, signup, parsed, at, now)

    def _recorded(
        self, basis: Basis, signup: Signup, parsed: Parsed, at: float, now: float, first: dict[str, Any] | None = None
    ) -> SignupAnswer:
        """Gather, decide, record. ``first`` is the answer already given, when a journal entry is replayed."""
        user_id = signup.account.user_id
        mail = self._mail(signup)
        gathered = self.gatherer.gather(user_id, parsed.facts, basis.policy, now=now)
        if gathered.known is not None:
            return self._known(user_id, mail, gathered.known, gathered.touch, now)
        usage = self._joined(user_id, gathered, basis.policy, now)
        facts = replace(gathered.facts, cluster=Cluster(usage.size, usage.abusive))
        found = judged(basis, facts, verdict(gathered.listed), established=gathered.vouched)
        decision = found.decision
        review = None
        if decision.tier == "review":
            review = queue.opening(user_id, now, decision.risk_score, reasons(decision))
        case = review.id if review else None
        own = terms.told(signup.account.plan)
        body = assessment(basis, user_id, facts, parsed, found.readings, decision, usage, now, review_id=case, own=own)
        answer = orjson.dumps(body)
        known = self._record(basis, signup, body, answer, first, mail, gathered, found, at, now, review)
        if known is not None:
            return self._known(user_id, mail, known, gathered.touch, now)
        paid = terms.is_paid(own.plan, basis.policy)
        if (decision.tier == "limit" or paid) and first is None:  # a replay does it by itself, whoever recorded it
            standing = Standing("", decision.tier, dict(gathered.touch.keys), 0, at if paid else None)
            self._settle(signup, standing, mail, at, now, body)
        self._count(decision)
        if review is not None:
            self._metrics.review("opened")
        return SignupAnswer(answer, replay=False, tier=decision.tier)

    def _joined(self, user_id: str, gathered: Gathered, policy: Policy, now: float) -> Usage:
        """Join the account to those it is bound to; what is used of its budget, and by how many, then."""
        entities = list((gathered.facts.entities or {}).values())
        self._proofs.tell(entities)
        usage = self._clusters.settle(user_id, entities, policy, now, matches=gathered.matches)
        if gathered.vouched:
            self._proofs.share(user_id, str(gathered.facts.account.referrer_id), entities, policy, now)
        if usage is not None:
            return usage
        linked = policy.clusters.mode != "off" and any(binds(entity, policy) for entity in entities)
        if not linked and policy.sends.strangers == "none":
            return unused(now)  # nobody can have sent anything before this
        return self._budgets.read(user_id, now)

    def _settle(
        self, signup: Signup, standing: Standing, mail: str, at: float, now: float, body: Mapping[str, Any]
    ) -> None:
        """Let its standing be felt through links; kept in the journal when the store goes away just now."""
        user_id = signup.account.user_id
        try:
            later = self._labels.mark(user_id, standing)
            if later.revision:
                self._labels.settle(user_id, later)
        except StoreUnavailable:
            self._keep(user_id, signup, mail, at, now, body)

    def _keep(
        self, user_id: str, signup: Signup, mail: str, at: float, now: float, answer: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Keep an answered signup on this machine; returns the entry that was kept for the account before, if any.

        Raises ``unavailable`` when it cannot be kept.
        """
        entry = {
            "signup": signup.model_dump_json(exclude_none=True),
            "mail": mail,
            "at": at,
            "now": now,
            "answer": answer,
        }
        try:
            return self._journal.append(user_id, entry)
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

    def _mail(self, signup: Signup) -> str:
        return self._links.mac("address", signup.email.address.strip().lower())

    def _known(self, user_id: str, mail: str, known: KnownAccount, touch: Touch, now: float) -> SignupAnswer:
        """The first answer again, with anything taken back that this request touched and the first did not."""
        first = set(known.entities.values())
        stray = [key for key in touch.keys.values() if key not in first]
        if stray:
            self._links.leave(user_id, stray)
            self._clusters.leave(user_id, self._active.policy, now, keys=stray)
        if known.mail != mail:
            raise Problem("signup_conflict", "This user_id was assessed with another e-mail address.")
        return SignupAnswer(kept_answer(known.assessment, partial(self._accounts.signup, user_id)), replay=True)

    def _record(
        self,
        basis: Basis,
        signup: Signup,
        body: Mapping[str, Any],
        answer: bytes,
        first: dict[str, Any] | None,
        mail: str,
        gathered: Gathered,
        found: Judged,
        at: float,
        now: float,
        review: ReviewOpening | None,
    ) -> KnownAccount | None:
        """Write the decision down, once. ``answer`` is ``body`` as JSON; ``first`` the one that was given before it."""
        user_id, versions, decision = signup.account.user_id, dict(basis.versions), found.decision
        stored = orjson.dumps(
            decision_entry(
                id=body["id"],
                user_id=user_id,
                at=at,
                kind="signup",
                readings=found.readings,
                decision=decision,
                model_mode=basis.policy.model.mode,
                versions=versions,
                findings=times(gathered.findings),
                listed=gathered.listed,
            )
        )
        history = {
            "at": body["created_at"],
            "from": None if first is None else first["decision"],
            "to": decision.tier,
            "source": decision.source,
            "actor": None,
            "reason": decision.rule,
            "versions": versions,
            "expires_at": None if decision.until is None else rfc3339(decision.until),
            "cause": first_cause(found) if first is None else "outage",
        }
        moved = first is not None and first["decision"] != decision.tier
        answers = {"assessment": answer} if first is None else {"assessment": orjson.dumps(first), "latest": answer}
        return self._accounts.record(
            user_id,
            {
                "mail": mail,
                "tier": decision.tier,
                "at": repr(at),
                **answers,
                "entities": orjson.dumps(gathered.touch.keys),
                "own": own_tier(found, decision.tier, found.own, basis.policy),
                "signup": signup.model_dump_json(exclude_none=True),
                **kept(self._links, gathered.facts, gathered.touch, verified=signup.email.verified),
                **({"silenced": until} if (until := silenced(decision.listing)) else {}),
                **terms.signed_up(signup.account.plan, basis.policy, at),
            },
            history=orjson.dumps(history),
            decision=stored,
            review=review,
            due=next_look(basis.policy, at, now),
            moved=tier_event(user_id, history, now) if moved else None,
            policy=basis.policy,
        )

    def _journaled(self, basis: Basis, signup: Signup, parsed: Parsed, at: float, now: float) -> SignupAnswer:
        """Decide without the store, keep the signup on this machine, and answer with the policy's outage caps."""
        user_id = signup.account.user_id
        mail = self._mail(signup)
        facts = self.gatherer.without_store(parsed.facts)
        readings = signals.read(facts)
        decision = decide(readings, basis.scorer, basis.policy, store_away=True)
        own = terms.told(signup.account.plan)
        body = assessment(basis, user_id, facts, parsed, readings, decision, unused(now), now, own=own)
        waiting = self._keep(user_id, signup, mail, at, now, body)
        if waiting is not None:
            if waiting["mail"] != mail:
                raise Problem("signup_conflict", "This user_id was assessed with another e-mail address.")
            return SignupAnswer(orjson.dumps(in_form(waiting["answer"], waiting["signup"])), replay=True)
        self._count(decision)
        return SignupAnswer(orjson.dumps(body), replay=False, tier=decision.tier)

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
        try:
            self._recorded(self._active.basis, signup, parsed, entry["at"], now, entry["answer"])
        except Problem as problem:
            # Another worker answered the same user_id with another address during the outage: the first stands.
            if problem.code != "signup_conflict":
                raise
        standing = self._accounts.standing(signup.account.user_id)
        if standing.tier == "limit" or standing.established is not None:
            self._labels.settle(signup.account.user_id, standing)
