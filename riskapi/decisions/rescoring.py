"""One account through the line once more: gather → read → score → decide → record, with what is known by now.

The same line as at its signup. What comes out is recorded where it says something new; a changed tier is an entry of
its history with what changed it, and an event, in the same atomic step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import orjson

from riskapi.accounts.accounts import Accounts, ReviewOpening
from riskapi.accounts.activity import activities
from riskapi.accounts.agenda import next_due
from riskapi.accounts.history import history_entry
from riskapi.accounts.identity import is_checked, sender_of
from riskapi.accounts.labels import Labels
from riskapi.accounts.spreads import spread_of
from riskapi.accounts.tiers import Change, Tiers
from riskapi.budgets import terms
from riskapi.clusters.proofs import Proofs
from riskapi.contract import Tier
from riskapi.decisions.answer import DecidedBy, assessment, reasons
from riskapi.decisions.gather import Gatherer
from riskapi.decisions.line import case_of
from riskapi.decisions.movement import Past, cause_of, moved
from riskapi.decisions.record import decision_entry, decision_event
from riskapi.decisions.rescored import Rescored
from riskapi.decisions.restrictor import Restricted, Restrictor, pause_move
from riskapi.enrichment.findings import Findings, times
from riskapi.errors import StoreUnavailable
from riskapi.inputs.signup import Signup
from riskapi.links.waves import unpacked
from riskapi.metrics import Metrics
from riskapi.policy.active import ActiveBasis, Basis
from riskapi.reviews import queue
from riskapi.sending.holds import Holds
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.times import DAY, rfc3339
from signals.records import record

#: Times an account is read anew because somebody changed it meanwhile; far more than any race measured.
_TRIES = 20
#: An account whose identity is checked is looked at once in this time, in case its sender domain is no longer set up.
_IDENTITY_SECONDS = 30 * DAY


@record
class RescoringResult:
    """What deciding an account again came to: its tier before and now, and when it is to be looked at next."""

    before: Tier
    tier: Tier
    due: float | None


class Rescorer:
    """Decides accounts again. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
        active: ActiveBasis,
        gatherer: Gatherer,
        accounts: Accounts,
        tiers: Tiers,
        findings: Findings,
        labels: Labels,
        proofs: Proofs,
        holds: Holds,
        restrictor: Restrictor,
        metrics: Metrics,
    ) -> None:
        self._store, self._active, self._gatherer = store, active, gatherer
        self._accounts, self._tiers, self._findings = accounts, tiers, findings
        self._labels, self._proofs, self._holds, self._metrics = labels, proofs, holds, metrics
        self._restrictor = restrictor

    def again(self, user_id: str, cause: str, now: float) -> RescoringResult:
        """Decide an account again at Unix time ``now``, because of ``cause``: what happened, such as ``event.login``.

        Safe to repeat: the same readings are recorded once. Raises ``not_found`` and :class:`StoreUnavailable`.
        """
        for _ in range(_TRIES):
            basis = self._active.basis
            found = self._read(basis, user_id, cause, now)
            due = self._next(basis, found, now)
            self._want(user_id, found, cause, now)
            self._look(user_id, found, now)
            self._withdraw(user_id, found, now)
            before = found.past.tier
            if found.tier == before and not found.is_news(cause):
                self._metrics.again(cause, "same")
                return RescoringResult(before, before, due)
            if self._recorded(basis, user_id, found, cause, now):
                self._metrics.again(cause, "same" if found.tier == before else "moved")
                return RescoringResult(before, found.tier, due)
        raise StoreUnavailable("an account changed too often to decide it again")

    def _read(self, basis: Basis, user_id: str, cause: str, now: float) -> Rescored:
        """The account as it is decided now. Raises :class:`~riskapi.store.damaged.Unreadable` for a damaged row."""
        try:
            return self._rescored(basis, user_id, cause, now)
        except damaged.FAULTS as error:
            damaged.note("account", user_id, error)
            raise damaged.Unreadable("not an account") from error

    def _rescored(self, basis: Basis, user_id: str, cause: str, now: float) -> Rescored:
        account, policy = self._accounts.load(user_id), basis.policy
        spread = spread_of(account.fields.get("spread"), user_id)
        if spread is not None and spread.has_ended(now):
            self._labels.spread(user_id, "end", None, now)
            account = self._accounts.load(user_id)
        if cause == "cut":  # what it shares knows it anew, without its standing
            self._labels.mark_latest(user_id, self._accounts.standing(user_id))
            self._proofs.give(user_id, list(account.proved.values()), now, policy, now, aside=False)
        fields, at = account.fields, account.signed_up_at
        parsed = self._gatherer.parse(Signup.stored(account.signup), at)
        facts = replace(
            parsed.facts,
            at=max(at, now),
            signed_up_at=at,
            events=activities(fields),
            moved_at=float(fields["moved_at"]) if "moved_at" in fields else None,
            proved=frozenset(account.proved),
            wave=unpacked(fields.get("wave")),
        )
        gathered = self._gatherer.gather(user_id, facts, policy, add=False, sender=sender_of(fields), now=now)
        gathered, usage = self._gatherer.rejoin(gathered, policy, now)
        gathered = replace(gathered, facts=replace(gathered.facts, identity=is_checked(gathered.facts, fields)))
        past = Past.of(account)
        restricted = Restricted()
        if past.restricted:
            restricted = self._restrictor.of(user_id, account, past.said, policy, now)
        established = gathered.vouched or account.is_established(now)
        case = case_of(
            basis, user_id, parsed, gathered, usage, now, own=terms.of(fields), established=established,
            cleared=past.cleared,
        )  # fmt: skip
        move = moved(past, case.decided, policy, now, cause, restricted.held.floor)
        others = self._restrictor.others(user_id, fields, restricted, policy, now) if past.restricted else {}
        return Rescored(account, past, case, gathered, move, restricted, others)

    def _look(self, user_id: str, found: Rescored, now: float) -> None:
        """Have a person look at an established customer in bad company; nothing else changes for it."""
        company = found.case.decided.company
        if company is None:
            return
        code = "BAD_COMPANY"
        since = rfc3339(found.gathered.facts.signup_at)
        text = f"Accounts that share something with it were found abusive; it was here first, since {since[:10]}"
        name = f"{user_id}\0company\0{found.case.usage.cluster or company.rule}"
        self._holds.review(user_id, now, code, text, name, self._active.policy, company=True)

    def _withdraw(self, user_id: str, found: Rescored, now: float) -> None:
        """Close the review that was opened because of others, where nothing asks for it any more."""
        looked = found.account.fields.get("looked")
        if looked and found.case.decided.company is None and found.tier == "allow":
            self._holds.withdraw(user_id, looked.decode(), now, self._active.policy)

    def _next(self, basis: Basis, found: Rescored, now: float) -> float | None:
        """When to look again, whatever happens: by the schedule, and when what decided now is over."""
        due: list[float | None] = [next_due(basis.policy, found.gathered.facts.signup_at, now)]
        if found.gathered.facts.identity:
            due.append(now + _IDENTITY_SECONDS)
        due += [entry.expires_at for entry in found.gathered.listed]
        spread = spread_of(found.account.fields.get("spread"))
        due += [spread.expires_at if spread is not None else None, found.restricted.ends]
        return min((at for at in due if at is not None and at > now), default=None)

    def _want(self, user_id: str, found: Rescored, cause: str, now: float) -> None:
        """Have looked up what is not known; by the schedule also what is no longer fresh."""
        known = found.gathered.findings
        wanted = [each for each in found.gathered.subjects if cause == "schedule" or each.kind not in known]
        if wanted:
            self._findings.want(user_id, wanted, times(known), now)

    def _recorded(self, basis: Basis, user_id: str, found: Rescored, cause: str, now: float) -> bool:
        """Write it down; False when somebody changed the account meanwhile."""
        past, case, decision, policy = found.past, found.case, found.decision, basis.policy
        review: ReviewOpening | None = None
        named: str | None = found.account.latest_answer["review_id"]  # it may be decided by now
        floored = found.move.floored
        if found.tier == "review" and past.tier == "allow" and not floored and not self._is_open(named):
            review = queue.opening(user_id, now, decision.risk_score, reasons(decision))
        body = assessment(case, tier=found.tier, review_id=review.id if review else named)
        rules = {rule.name: rule for rule in policy.rules}
        cause = cause_of(past, case.decided, found.tier, cause, found.readings_before, rules)
        entry = history_entry(
            now,
            past.tier,
            found.tier,
            decision.source,
            decision.rule,
            basis.versions,
            until=decision.until,
            cause=cause,
        )
        if floored:
            trigger = found.restricted.held.trigger
            entry = history_entry(now, past.tier, found.tier, "feedback", trigger, basis.versions, cause="linkage")
            body["disposition"] = {"source": "feedback", "rule": trigger}
        elif found.tier != decision.tier and past.last:  # what holds the tier is what set it
            held_by = past.last["source"]  # of an import, it is its importer's word
            source: DecidedBy = "reviewer" if held_by == "import" else cast("DecidedBy", held_by)
            body["disposition"] = {"source": source, "rule": past.last["reason"]}
        stored = decision_entry(case, body["id"], "again", cause)
        revision = found.account.fields.get("revision", b"0").decode()
        answer, decided = orjson.dumps(body), orjson.dumps(stored)
        event = decision_event(case, stored, found.tier)
        looked = {"looked": review.id} if review is not None and cause == "linkage" else {}
        kept = {name: value or None for name, value in {**found.kept, **looked}.items()} | dict(found.others)
        pause = pause_move(user_id, found.account, found.tier, found.others, basis.versions, now)
        change = Change(user_id, revision, found.tier, kept, answer, decided, entry, event, review, pause)
        stands = self._tiers.again(change, policy, now)
        if stands is None:
            return False
        if "limit" in (past.tier, stands.tier) and past.tier != stands.tier:
            self._labels.mark_latest(user_id, stands)
        if pause is not None:
            self._restrictor.revise(user_id, stands.revision, policy)
        if review is not None:
            self._metrics.review("opened")
        return True

    def _is_open(self, review_id: str | None) -> bool:
        """Whether a review still waits for a person, who then sees what changed since."""
        status = self._store.execute("HGET", queue.review_key(review_id), "status") if review_id else None
        return status is not None and status != b"decided"
