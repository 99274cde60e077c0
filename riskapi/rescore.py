"""One account through the line once more: gather → read → score → decide → record, with what is known by now.

The same line as at its signup. What comes out is recorded where it says something new; a changed tier is an entry of
its history with what changed it, and an event, in the same atomic step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import orjson

import signals
from riskapi import decisions, reviews, terms
from riskapi.accounts import Accounts, Opening, account_key, history_key, latest, standing, tier_event
from riskapi.agenda import next_look
from riskapi.assessment import assessment, reasons
from riskapi.clusters import Clusters
from riskapi.decide import Decision, decide
from riskapi.errors import StoreUnavailable
from riskapi.findings import Findings, times
from riskapi.gather import Gathered, Gatherer, Parsed
from riskapi.happenings import happenings
from riskapi.identity import is_checked, sender_of
from riskapi.instants import rfc3339
from riskapi.judge import Court, Judge
from riskapi.labels import Labels
from riskapi.listed import silenced, verdict
from riskapi.metrics import Metrics
from riskapi.outbox import oldest, shard, stream
from riskapi.quotas import Quotas
from riskapi.redecide import Past, cause_of, moved
from riskapi.signup import Signup, Tier
from riskapi.store.connections import Store
from signals import Readings, registered
from signals.records import record

_DAY = 86400
#: Times an account is read anew because somebody changed it meanwhile; far more than any race measured.
_TRIES = 20
#: A score that moved by less than this says nothing new by itself, in points of ``risk_score``. Ours.
_LEAST_MOVE = 1.0
#: An account whose identity is checked is looked at once in this time, in case its sender domain is no longer set up.
_IDENTITY_SECONDS = 30 * _DAY


@record
class Again:
    """What deciding an account again came to: its tier before and now, and when it is to be looked at next."""

    before: Tier
    tier: Tier
    due: float | None


@record
class _Reading:
    """An account as it was read, and what was decided of it. ``before`` is the decision that it keeps until now."""

    past: Past
    fields: Mapping[str, bytes]
    before: Mapping[str, Any]
    parsed: Parsed
    gathered: Gathered
    readings: Readings
    decision: Decision
    tier: Tier


class Rescorer:
    """Decides accounts again. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
        court: Court,
        gatherer: Gatherer,
        accounts: Accounts,
        findings: Findings,
        clusters: Clusters,
        quotas: Quotas,
        labels: Labels,
        metrics: Metrics,
    ) -> None:
        self._store, self._court, self._gatherer = store, court, gatherer
        self._accounts, self._findings, self._labels = accounts, findings, labels
        self._clusters, self._quotas, self._metrics = clusters, quotas, metrics
        self._record = store.script("account_again")

    def again(self, user_id: str, cause: str, now: float) -> Again:
        """Decide an account again at Unix time ``now``, because of ``cause``: what happened, such as ``event.login``.

        Safe to repeat: the same readings are recorded once. Raises ``not_found`` and :class:`StoreUnavailable`.
        """
        for _ in range(_TRIES):
            judge = self._court.judge
            found = self._read(judge, user_id, now)
            due = self._next(judge, found, now)
            self._want(user_id, found, cause, now)
            before = found.past.tier
            if found.tier == before and not _is_news(found, cause):
                self._metrics.again(cause, "same")
                return Again(before, before, due)
            if self._recorded(judge, user_id, found, cause, now):
                self._metrics.again(cause, "same" if found.tier == before else "moved")
                return Again(before, found.tier, due)
        raise StoreUnavailable("an account changed too often to decide it again")

    def _read(self, judge: Judge, user_id: str, now: float) -> _Reading:
        fields, history, labels = self._accounts.load(user_id)
        at = float(fields["at"])
        parsed = self._gatherer.parse(Signup.model_validate_json(fields["signup"]), at)
        events = happenings(fields)
        missing = {**parsed.facts.missing, **({} if events is None else {"events": "no_data"})}
        facts = replace(
            parsed.facts,
            at=max(at, now),
            signed_up_at=at,
            events=events,
            moved_at=float(fields["moved_at"]) if "moved_at" in fields else None,
            missing=missing,
        )
        sender = sender_of(fields)
        gathered = self._gatherer.gather(user_id, facts, judge.policy, add=False, sender=sender, now=now)
        gathered = replace(gathered, facts=replace(gathered.facts, identity=is_checked(gathered.facts, fields)))
        readings = signals.read(gathered.facts)
        decision = decide(readings, judge.scorer, judge.policy, listing=verdict(gathered.listed))
        past = Past(cast("Tier", fields["tier"].decode()), history, labels)
        tier = moved(past, decision, judge.policy, now)
        before = orjson.loads(fields["decision"])
        return _Reading(past, fields, before, parsed, gathered, readings, decision, tier)

    def _next(self, judge: Judge, found: _Reading, now: float) -> float | None:
        """When to look again, whatever happens: by the schedule, and when what decided now is over."""
        due = [next_look(judge.policy, found.gathered.facts.signup_at, now)]
        if found.gathered.facts.identity:
            due.append(now + _IDENTITY_SECONDS)
        due += [entry.expires_at for entry in found.gathered.listed]
        return min((at for at in due if at is not None and at > now), default=None)

    def _want(self, user_id: str, found: _Reading, cause: str, now: float) -> None:
        """Have looked up what is not known; by the schedule also what is no longer fresh."""
        known = found.gathered.findings
        wanted = [each for each in found.gathered.subjects if cause == "schedule" or each.kind not in known]
        if wanted:
            self._findings.want(user_id, wanted, times(known), now)

    def _recorded(self, judge: Judge, user_id: str, found: _Reading, cause: str, now: float) -> bool:
        """Write it down; False when somebody changed the account meanwhile."""
        past, decision, policy = found.past, found.decision, judge.policy
        number = shard(user_id)
        review: Opening | None = None
        named: str | None = latest(found.fields)["review_id"]  # by the latest answer; it may be decided by now
        if found.tier == "review" and past.tier == "allow" and not self._is_open(named):
            review = reviews.opening(user_id, now, decision.risk_score, reasons(decision))
        usage = self._quotas.read(user_id, now)
        body = assessment(
            judge,
            user_id,
            found.gathered.facts,
            found.parsed,
            found.readings,
            replace(decision, tier=found.tier),
            usage,
            now,
            size=self._clusters.size(usage.cluster),
            review_id=review.id if review else named,
            own=terms.of(found.fields),
        )
        rules = {rule.name: rule for rule in policy.rules}
        cause = cause_of(past, decision, cause, found.readings, _readings_before(found), rules)
        history = {
            "at": rfc3339(now),
            "from": past.tier,
            "to": found.tier,
            "source": decision.source,
            "actor": None,
            "reason": decision.rule,
            "versions": dict(judge.versions),
            "expires_at": None if decision.until is None else rfc3339(decision.until),
            "cause": cause,
        }
        if found.tier != decision.tier and past.history:
            last = past.history[-1]  # what holds the tier is what set it
            body["disposition"] = {"source": last["source"], "rule": last["reason"]}
        stored = decisions.entry(
            id=body["id"],
            user_id=user_id,
            at=found.gathered.facts.at,
            kind="again",
            readings=found.readings,
            decision=decision,
            model_mode=policy.model.mode,
            versions=dict(judge.versions),
            findings=times(found.gathered.findings),
            cause=cause,
            listed=found.gathered.listed,
        )
        fields = _kept(found)
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
        status = self._store.execute("HGET", reviews.review_key(review_id), "status") if review_id else None
        return status is not None and status != b"decided"


def _kept(found: _Reading) -> dict[str, str]:
    """What the account keeps of a decision for those who send: whether its identity is checked, and until when feedback
    does not count.
    """
    identity = found.gathered.facts.identity
    return {
        "identity": "" if identity is None else str(int(identity)),
        "silenced": silenced(found.decision.listing),
    }


def _readings_before(found: _Reading) -> Readings:
    """The readings of the decision before, where they were of today's signals."""
    before = found.before
    return dict(zip(registered(), before["readings"], strict=True)) if before["schema"] == signals.schema() else {}


def _kept_before(found: _Reading) -> dict[str, str]:
    return {name: found.fields.get(name, b"").decode() for name in ("identity", "silenced")}


def _is_news(found: _Reading, cause: str) -> bool:
    """Whether a decision that moves nothing is worth a record all the same.

    Counts of neighbours change with every hour; what an upstream, an event or a list said is why it was decided at all.
    """
    before, decision = found.before, found.decision
    told = (decision.tier, decision.source, decision.rule, list(decision.fired))
    if told != (before["tier"], before["source"], before["rule"], before["fired"]):
        return True
    if abs(decision.risk_score - before["risk_score"]) >= _LEAST_MOVE or _kept(found) != _kept_before(found):
        return True
    if before.get("findings", {}).keys() != found.gathered.findings.keys():
        return True  # what was pending is no more
    if cause in ("schedule", "linkage"):
        return False
    same = before["schema"] == signals.schema() and before["readings"] == orjson.loads(
        orjson.dumps(list(found.readings.values()))
    )
    return not same
