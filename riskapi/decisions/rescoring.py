"""One account through the line once more: gather → read → score → decide → record, with what is known by now.

The same line as at its signup. What comes out is recorded where it says something new; a changed tier is an entry of
its history with what changed it, and an event, in the same atomic step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import orjson

from riskapi.accounts.accounts import (
    Accounts,
    ReviewOpening,
    history_key,
    is_established,
    latest,
    proved,
    standing,
    tier_event,
)
from riskapi.accounts.activity import happenings
from riskapi.accounts.agenda import next_look
from riskapi.accounts.identity import is_checked, sender_of
from riskapi.accounts.labels import Labels
from riskapi.budgets import terms
from riskapi.budgets.spends import Budgets
from riskapi.clusters.claims import Claims
from riskapi.clusters.clusters import Clusters
from riskapi.clusters.proofs import Proofs
from riskapi.contract import Tier
from riskapi.decisions.answer import assessment, reasons
from riskapi.decisions.gather import Gatherer
from riskapi.decisions.line import judged
from riskapi.decisions.movement import Past, cause_of, moved
from riskapi.decisions.reassessment import Reassessment
from riskapi.decisions.record import decision_entry
from riskapi.enrichment.findings import Findings, times
from riskapi.errors import StoreUnavailable
from riskapi.inputs.signup import Signup
from riskapi.links.waves import unpacked
from riskapi.lists.matching import verdict
from riskapi.metrics import Metrics
from riskapi.policy.active import ActiveBasis, Basis
from riskapi.reviews import queue
from riskapi.sending.holds import Holds
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import rfc3339
from signals.facts import Cluster
from signals.records import record

_DAY = 86400
#: Times an account is read anew because somebody changed it meanwhile; far more than any race measured.
_TRIES = 20
#: An account whose identity is checked is looked at once in this time, in case its sender domain is no longer set up.
_IDENTITY_SECONDS = 30 * _DAY


@record
class Again:
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
        findings: Findings,
        clusters: Clusters,
        claims: Claims,
        budgets: Budgets,
        labels: Labels,
        proofs: Proofs,
        holds: Holds,
        metrics: Metrics,
    ) -> None:
        self._store, self._active, self._gatherer = store, active, gatherer
        self._accounts, self._findings, self._labels = accounts, findings, labels
        self._claims, self._proofs, self._holds = claims, proofs, holds
        self._clusters, self._budgets, self._metrics = clusters, budgets, metrics
        self._record = store.script("account_again")

    def again(self, user_id: str, cause: str, now: float) -> Again:
        """Decide an account again at Unix time ``now``, because of ``cause``: what happened, such as ``event.login``.

        Safe to repeat: the same readings are recorded once. Raises ``not_found`` and :class:`StoreUnavailable`.
        """
        for _ in range(_TRIES):
            basis = self._active.basis
            found = self._read(basis, user_id, cause, now)
            due = self._next(basis, found, now)
            self._want(user_id, found, cause, now)
            self._look(user_id, found, now)
            before = found.past.tier
            if found.tier == before and not found.is_news(cause):
                self._metrics.again(cause, "same")
                return Again(before, before, due)
            if self._recorded(basis, user_id, found, cause, now):
                self._metrics.again(cause, "same" if found.tier == before else "moved")
                return Again(before, found.tier, due)
        raise StoreUnavailable("an account changed too often to decide it again")

    def _read(self, basis: Basis, user_id: str, cause: str, now: float) -> Reassessment:
        """The account as it is decided now. Raises :class:`~riskapi.store.damaged.Unreadable` for a damaged row."""
        try:
            return self._reassessed(basis, user_id, cause, now)
        except damaged.FAULTS as error:
            damaged.note("account", user_id, error)
            raise damaged.Unreadable("not an account") from error

    def _reassessed(self, basis: Basis, user_id: str, cause: str, now: float) -> Reassessment:
        fields, history, labels = self._accounts.load(user_id)
        if cause == "cut":  # what it shares knows it anew, without its standing
            self._labels.settle(user_id, self._accounts.standing(user_id))
            self._proofs.give(user_id, list(proved(fields).values()), now, basis.policy, now, aside=False)
        at = float(fields["at"])
        parsed = self._gatherer.parse(Signup.stored(fields["signup"]), at)
        facts = replace(
            parsed.facts,
            at=max(at, now),
            signed_up_at=at,
            events=happenings(fields),
            moved_at=float(fields["moved_at"]) if "moved_at" in fields else None,
            proved=frozenset(proved(fields)),
            wave=unpacked(fields.get("wave")),
        )
        sender = sender_of(fields)
        gathered = self._gatherer.gather(user_id, facts, basis.policy, add=False, sender=sender, now=now)
        things = list((gathered.facts.entities or {}).values())
        self._claims.release(user_id, things, basis.policy, now)
        if gathered.vouched:
            self._proofs.share(user_id, str(gathered.facts.account.referrer_id), things, basis.policy, now)
        joined = self._clusters.settle(user_id, things, basis.policy, now)
        usage = joined.usage if joined is not None else self._clusters.usage(user_id, basis.policy, now)
        cluster = Cluster(usage.size, usage.abusive)
        found = replace(gathered.facts, identity=is_checked(gathered.facts, fields), cluster=cluster)
        past = Past(
            cast("Tier", fields["tier"].decode()),
            cast("Tier", fields.get("own", fields["tier"]).decode()),
            history,
            labels,
        )
        decided = judged(
            basis,
            found,
            verdict(gathered.listed),
            established=gathered.vouched or is_established(fields, now),
            cleared=past.cleared,
        )
        move = moved(past, decided, basis.policy, now, cause)
        before = damaged.whole(fields["decision"], ("schema", "readings", "tier"))
        return Reassessment(past, fields, before, parsed, replace(gathered, facts=found), usage, decided, move)

    def _look(self, user_id: str, found: Reassessment, now: float) -> None:
        """Have a person look at an established customer in bad company; nothing else changes for it."""
        company = found.judged.company
        if company is None:
            return
        code = "BAD_COMPANY"
        since = rfc3339(found.gathered.facts.signup_at)
        text = f"Accounts that share something with it were found abusive; it was here first, since {since[:10]}"
        name = f"{user_id}\0company\0{found.usage.cluster or company.rule}"
        self._holds.review(user_id, now, code, text, name, self._active.policy)

    def _next(self, basis: Basis, found: Reassessment, now: float) -> float | None:
        """When to look again, whatever happens: by the schedule, and when what decided now is over."""
        due = [next_look(basis.policy, found.gathered.facts.signup_at, now)]
        if found.gathered.facts.identity:
            due.append(now + _IDENTITY_SECONDS)
        due += [entry.expires_at for entry in found.gathered.listed]
        return min((at for at in due if at is not None and at > now), default=None)

    def _want(self, user_id: str, found: Reassessment, cause: str, now: float) -> None:
        """Have looked up what is not known; by the schedule also what is no longer fresh."""
        known = found.gathered.findings
        wanted = [each for each in found.gathered.subjects if cause == "schedule" or each.kind not in known]
        if wanted:
            self._findings.want(user_id, wanted, times(known), now)

    def _recorded(self, basis: Basis, user_id: str, found: Reassessment, cause: str, now: float) -> bool:
        """Write it down; False when somebody changed the account meanwhile."""
        past, decision, policy = found.past, found.decision, basis.policy
        number = shard(user_id)
        review: ReviewOpening | None = None
        named: str | None = latest(found.fields)["review_id"]  # by the latest answer; it may be decided by now
        if found.tier == "review" and past.tier == "allow" and not self._is_open(named):
            review = queue.opening(user_id, now, decision.risk_score, reasons(decision))
        body = assessment(
            basis,
            user_id,
            found.gathered.facts,
            found.parsed,
            found.judged.readings,
            replace(decision, tier=found.tier),
            found.usage,
            now,
            review_id=review.id if review else named,
            own=terms.of(found.fields),
        )
        rules = {rule.name: rule for rule in policy.rules}
        cause = cause_of(past, found.judged, found.tier, cause, found.readings_before, rules)
        history = {
            "at": rfc3339(now),
            "from": past.tier,
            "to": found.tier,
            "source": decision.source,
            "actor": None,
            "reason": decision.rule,
            "versions": dict(basis.versions),
            "expires_at": None if decision.until is None else rfc3339(decision.until),
            "cause": cause,
        }
        if found.tier != decision.tier and past.last:  # what holds the tier is what set it
            source = past.last["source"]  # of an import, it is its importer's word
            body["disposition"] = {"source": "reviewer" if source == "import" else source, "rule": past.last["reason"]}
        stored = decision_entry(
            id=body["id"],
            user_id=user_id,
            at=found.gathered.facts.at,
            kind="again",
            readings=found.judged.readings,
            decision=decision,
            model_mode=policy.model.mode,
            versions=dict(basis.versions),
            findings=times(found.gathered.findings),
            cause=cause,
            listed=found.gathered.listed,
        )
        fields = found.kept
        keys = [account_key(user_id), history_key(user_id), stream(number)]
        args: list[Any] = [policy.retention.accounts_days * _DAY, found.fields.get("revision", b"0"), found.tier]
        args += (orjson.dumps(history), orjson.dumps(stored), orjson.dumps(body))
        args += (oldest(policy.retention.decisions_days), tier_event(user_id, history, now))
        args += ("", "", 2 * len(fields)) if review is None else (review.event, review.place, 2 * len(fields))
        for name, value in fields.items():
            args += (name, value)
        if review is not None:
            keys += (review.key, review.index)
            for name, field in review.fields.items():
                args += (name, field)
        reply: Sequence[Any] = self._record.call(keys, args)
        if list(reply) == [b"again"]:
            return False
        stands = standing(reply)
        if "limit" in (past.tier, stands.tier) and past.tier != stands.tier:
            self._labels.settle(user_id, stands)
        if review is not None:
            self._metrics.review("opened")
        return True

    def _is_open(self, review_id: str | None) -> bool:
        """Whether a review still waits for a person, who then sees what changed since."""
        status = self._store.execute("HGET", queue.review_key(review_id), "status") if review_id else None
        return status is not None and status != b"decided"
