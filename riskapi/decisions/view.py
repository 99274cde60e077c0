"""An account as its owner's company sees it: ``GET /v1/accounts/{user_id}``, put together from what is recorded."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.history import HistoryEntry, LabelEntry
from riskapi.accounts.linked_restrictions import LinkedRestrictionView, SaidByPeople, restrictions_of
from riskapi.accounts.log import Decisions
from riskapi.accounts.pauses import PauseView, pause_of
from riskapi.accounts.spreads import KeptSpread, spread_of
from riskapi.accounts.stored import StoredAccount
from riskapi.budgets import terms
from riskapi.budgets.limits import Limits
from riskapi.budgets.terms import Established, OwnCapsView
from riskapi.clusters.clusters import Clusters
from riskapi.clusters.neighbours import Thing, standing_of
from riskapi.contract import Reason, Tier
from riskapi.decisions.answer import Assessment, in_form, reasons
from riskapi.decisions.gather import Gatherer
from riskapi.decisions.recorded_decisions import decided_again
from riskapi.feedback.counts import Feedback, FeedbackView
from riskapi.inputs.signup import Signup
from riskapi.links.kinds import evidence_weight
from riskapi.links.linkage import Evidence, Linkage, linkage
from riskapi.policy.active import ActiveBasis
from riskapi.sending.allowances import Allowances, limits
from riskapi.store import damaged
from riskapi.times import DAY, rfc3339


class AccountView(TypedDict):
    """Where an account stands and how it got there. ``caps`` are those that a person set for it, while they hold;
    ``spread`` is what its label ``abuse`` means for others, ``linked_restrictions`` what the mail of others brought to
    it.
    """

    object: Literal["account"]
    user_id: str
    tier: Tier
    paused: bool
    pause: PauseView | None
    limits: Limits
    plan: str | None
    caps: OwnCapsView | None
    established: Established | None
    assessment: Assessment
    latest: Assessment
    linkage: Linkage
    feedback: FeedbackView
    labels: list[LabelEntry]
    spread: KeptSpread | None
    linked_restrictions: list[LinkedRestrictionView]
    history: list[HistoryEntry]
    signup: NotRequired[
        Annotated[
            dict[str, Any],
            Field(description="As posted, longest values cut; only for keys with the scope `reviews`."),
        ]
    ]
    readings: NotRequired[
        Annotated[
            dict[str, Any],
            Field(description="What the latest decision rested on; only for keys with the scope `reviews`."),
        ]
    ]


class Profiles:
    """Reads accounts for people and callers."""

    def __init__(
        self,
        active: ActiveBasis,
        accounts: Accounts,
        decisions: Decisions,
        gatherer: Gatherer,
        feedback: Feedback,
        clusters: Clusters,
        allowances: Allowances,
    ) -> None:
        self._active = active
        self._accounts = accounts
        self._decisions = decisions
        self._gatherer = gatherer
        self._feedback = feedback
        self._clusters = clusters
        self._allowances = allowances

    def view(self, user_id: str, now: float) -> AccountView:
        """The account as it stands, its links looked up anew at Unix time ``now``. Raises ``not_found``.

        ``signup`` (as posted) and ``readings`` are for people who decide about it. Raises
        :class:`riskapi.store.damaged.Unreadable` where what is stored says less than an account.
        """
        try:
            return self._viewed(user_id, now)
        except damaged.FAULTS as error:
            damaged.note("account", user_id, error)
            raise damaged.Unreadable("not an account") from error

    def _viewed(self, user_id: str, now: float) -> AccountView:
        account = self._accounts.load(user_id)
        assessment = in_form(account.first_answer, account.signup)
        newest = in_form(account.latest_answer, account.signup)
        if newest["decision"] == "allow" or not newest["reasons"]:  # answered without, or with that of a list alone
            newest["reasons"] = self._explained(account.decision) or newest["reasons"]
        if assessment["id"] == newest["id"]:
            assessment["reasons"] = newest["reasons"]
        pause = pause_of(account.fields.get("paused"))
        brought = restrictions_of(account.fields.get("restrictions"), user_id)
        budget = self._allowances.of(user_id, self._active.policy, now)
        return {
            "object": "account",
            "user_id": user_id,
            "tier": account.tier,
            "paused": pause is not None and pause.holds(now),
            "pause": pause.view() if pause is not None and pause.holds(now) else None,
            "limits": limits(budget.usage, budget.allowed),
            **terms.view(account.fields, now),
            "assessment": assessment,
            "latest": newest,
            "linkage": self._linked(user_id, account, budget.usage.cluster, now),
            "feedback": self._feedback.view(*self._feedback.read(user_id, now)),
            "labels": account.labels,
            "spread": spread.view() if (spread := spread_of(account.fields.get("spread"), user_id)) else None,
            "linked_restrictions": [
                each.view(SaidByPeople(decided=account.decided)) for each in brought if not each.is_own
            ],
            "history": account.history,
            "signup": damaged.whole(account.signup),
            "readings": self._decisions.readings(account.decision),
        }

    def _explained(self, stored: dict[str, Any]) -> list[Reason]:
        """Reasons for a decision that was answered without any, if the model that made it is still here."""
        basis = self._active.basis
        if stored["versions"]["model"] != basis.versions["model"]:
            return []
        return reasons(decided_again(stored, self._decisions.readings(stored), basis, explain=True))

    def _linked(self, user_id: str, account: StoredAccount, cluster: str, now: float) -> Linkage:
        policy = self._active.policy
        parsed = self._gatherer.parse(Signup.stored(account.signup), max(account.signed_up_at, now))
        gathered = self._gatherer.gather(user_id, parsed.facts, policy, add=False)
        found = linkage(gathered.facts.entities, policy)
        names, things = self._clusters.things(cluster, now) if cluster else ([], [])
        mine = {thing.edge: thing for thing in things if user_id in thing.user_ids}
        evidence: list[Evidence] = [{**row, "binds": row["edge"] in mine} for row in found["evidence"]]
        # What binds by what was sent is not part of the signup.
        known = {row["edge"] for row in evidence}
        evidence += [self._evidence(user_id, thing, now) for edge, thing in mine.items() if edge not in known]
        return {
            "cluster_id": cluster if names else None,
            "size": max(len(names), 1),
            "abusive": self._accounts.abusive([name for name in names if name != user_id]),
            "evidence": evidence,
            "edges": self._clusters.rows(things),
        }

    def _evidence(self, user_id: str, thing: Thing, now: float) -> Evidence:
        """A row of evidence from what binds the account, as it would read had it been looked up."""
        rules, kind = self._active.policy.links, self._clusters.kind_of(thing.edge)
        strength = "strong" if kind == "holder" or kind == "wave" else rules.kinds[kind].strength
        # The end was set when it was last used, as the time it takes to decay to what just binds.
        lasts = rules.half_life_days * DAY * math.log2(rules.strengths[strength] / rules.bind_weight)
        last = thing.ends - (self._active.policy.waves.hours * 3600 if kind == "wave" else lasts)
        return {
            "kind": kind,
            "strength": strength,
            "standing": standing_of(thing.edge, claims=thing.claims),
            "accounts": len(thing.user_ids),
            "last_seen": rfc3339(last),
            "weight": round(evidence_weight(rules.strengths[strength], 2, now - last, rules.half_life_days), 4),
            "edge": thing.edge,
            "binds": True,
            "user_ids": [name for name in thing.user_ids if name != user_id][:8],
            "holders": [],
        }
