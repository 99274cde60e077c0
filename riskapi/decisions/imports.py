"""Imports: existing customers are written down with their age, proofs, plan and volume, and nothing is decided.

An account is written in two trips, many accounts at once: what it shares first, then the account itself. After a
stop in between the same import is done again: an account that is there is left as it is, and touching twice changes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from itertools import islice
from typing import Any

import orjson

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.activity import noted
from riskapi.accounts.first_record import beside
from riskapi.accounts.history import history_entry
from riskapi.accounts.labels import Labels
from riskapi.accounts.origin import origin_field
from riskapi.accounts.tiers import Arrival, Tiers
from riskapi.budgets import terms
from riskapi.budgets.caps import unused
from riskapi.clusters.proofs import Proofs
from riskapi.decisions.answer import Assessment, assessment
from riskapi.decisions.decide import Decision, Reason
from riskapi.decisions.gather import Gatherer, Parsed
from riskapi.decisions.line import Case, Decided
from riskapi.decisions.record import decision_entry
from riskapi.errors import Problem
from riskapi.inputs import customers
from riskapi.inputs.customers import Customer
from riskapi.inputs.email import address_texts
from riskapi.inputs.json_lines import Rejected, Row
from riskapi.links import spellings
from riskapi.links.arrival import kept
from riskapi.links.entities import Links
from riskapi.links.keys import packed_entities
from riskapi.links.kinds import Touch, touched_at
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis, Basis
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from riskapi.times import DAY
from signals.records import record
from signals.registry import registered

#: Accounts written in one trip: some 5 ms of the store's time, for which others wait.
_AT_ONCE = 50
#: What the customer confirmed → the event that would have told of it, and the kind of entity that is proved by it.
_PROOFS = {"email": ("email_verified", "mailbox"), "phone": ("phone_verified", "phone")}
_IMPORTED = Reason("IMPORTED", None, "It was imported as an existing customer, and not decided", None)


@record
class ImportOutcome:
    """What became of records: how many were imported, how many were there already, and those that were rejected."""

    imported: int = 0
    existing: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many records there were."""
        return self.imported + self.existing + len(self.rejected)

    def plus(self, more: ImportOutcome) -> ImportOutcome:
        """What became of these records and of more."""
        rejected = [*self.rejected, *more.rejected]
        return ImportOutcome(self.imported + more.imported, self.existing + more.existing, rejected)


@record
class _Newcomer:
    """A customer on the way in: the record, its inputs read, and what it shares, touched when it signed up."""

    customer: Customer
    parsed: Parsed
    touch: Touch


def check(rows: Iterable[Row], now: float) -> tuple[list[Customer], list[Rejected]]:
    """The customers among records at Unix time ``now``, and the records that are not customers."""
    found: list[Customer] = []
    rejected: list[Rejected] = []
    for row in rows:
        try:
            found.append(customers.read(row.text, now))
        except Problem as problem:
            first = problem.errors[0] if problem.errors else {"pointer": "", "detail": problem.detail}
            code = first.get("code", problem.code)
            rejected.append(Rejected(row.number, first["pointer"], code, first["detail"]))
    return found, rejected


class Imports:
    """Imports accounts. Safe to share between threads."""

    def __init__(
        self, store: Store, active: ActiveBasis, gatherer: Gatherer, accounts: Accounts, tiers: Tiers, links: Links,
        labels: Labels, proofs: Proofs,
    ) -> None:  # fmt: skip
        self._store, self._active, self._gatherer = store, active, gatherer
        self._accounts, self._tiers, self._links = accounts, tiers, links
        self._labels, self._proofs = labels, proofs

    def take(self, rows: Iterable[Row], actor: str, now: float) -> ImportOutcome:
        """Import records at Unix time ``now``, in the name of ``actor``; a faulty one stops none of the others.

        Safe to repeat. Raises :class:`riskapi.errors.StoreUnavailable`; what was written until then stays.
        """
        found, rejected = check(rows, now)
        first: dict[str, Customer] = {}
        for customer in found:
            first.setdefault(customer.account.user_id, customer)
        imported = 0
        left = iter(first.values())
        while some := list(islice(left, _AT_ONCE)):
            imported += self._some(some, actor, now)
        return ImportOutcome(imported, len(found) - imported, rejected)

    def _some(self, found: Sequence[Customer], actor: str, now: float) -> int:
        """Import those that are not there yet. Returns how many were imported."""
        pipe = self._store.pipeline()
        for customer in found:
            pipe.execute_command("HEXISTS", account_key(customer.account.user_id), "tier")
        basis = self._active.basis
        new = [
            self._read(customer, basis.policy, now)
            for customer, there in zip(found, self._store.run(pipe), strict=True)
            if not there
        ]
        pipe = self._store.pipeline()
        for arrival in new:
            self._queue_links(pipe, arrival, basis.policy)
        self._store.run(pipe)
        pipe = self._store.pipeline()
        for arrival in new:
            self._queue_account(pipe, arrival, basis, actor, now)
        written = self._store.run(pipe)
        for arrival, (done, *_) in zip(new, written, strict=True):
            if not done:
                self._give_way(arrival)
        return sum(done for done, *_ in written)

    def _read(self, customer: Customer, policy: Policy, now: float) -> _Newcomer:
        parsed = self._gatherer.parse(
            customer.model_copy(update={"event": None}), touched_at(customer.created, policy, now)
        )
        facts = replace(parsed.facts, proved=frozenset(kind for _, kind in _proofs(customer)))
        return _Newcomer(customer, replace(parsed, facts=facts), self._links.touched(customer.account.user_id, facts))

    def _queue_links(self, pipe: Any, arrival: _Newcomer, policy: Policy) -> None:
        """Touch what it shares, and mark what it proved and since when it is a customer.

        Nobody knows of the account yet, so nothing that happens to it can be overwritten.
        """
        customer, touch = arrival.customer, arrival.touch
        spellings.queue(pipe, touch.user_id, policy.retention.accounts_days * DAY)
        self._links.queue(pipe, touch, policy)
        self._proofs.queue(pipe, touch, policy)
        keys = list(touch.keys.values())
        self._links.queue_mark(pipe, touch.user_id, keys, abusive=False, limited=False, established=customer.created)

    def _queue_account(self, pipe: Any, arrival: _Newcomer, basis: Basis, actor: str, now: float) -> None:
        """Write the account down, if nobody did so meanwhile."""
        customer, user_id, parsed = arrival.customer, arrival.touch.user_id, arrival.parsed
        basis = replace(basis, versions={**basis.versions, "model": None})
        own = replace(terms.told(customer.plan_told), daily_volume=customer.daily_volume or 0)
        decided = Decided(parsed.facts, dict.fromkeys(registered()), _undecided(basis.policy), "allow")
        case = Case(basis, user_id, now, parsed, parsed.facts, unused(now), own, decided)
        answer: Assessment = {**assessment(case), "degraded": []}
        fields: dict[str, bytes | str | int] = {
            "mail": self._links.mac("address", address_texts(customer.email.address, parsed.facts.email)[0]),
            "tier": "allow",
            "at": repr(customer.created),
            "entities": packed_entities(arrival.touch.keys),
            "own": "allow",
            **kept(self._links, parsed.facts, arrival.touch, verified=customer.email.verified),
            **origin_field(parsed.facts),
            "established": repr(customer.created),
            "established_by": "import",
            "daily_volume": own.daily_volume,
            **({"plan": own.plan} if own.plan else {}),
        }
        for type, _ in _proofs(customer):
            fields |= noted(type, customer.created)
        entry = history_entry(now, None, "allow", "import", None, basis.versions, actor=actor)
        event = {"user_id": user_id, "at": now, "created_at": customer.created, "actor": actor}
        stored = {**decision_entry(case, answer["id"], "import", None), "at": customer.created}
        decision, signup = orjson.dumps(beside(answer, customer.created, stored)), customer.signup_json().encode()
        written = Arrival(user_id, fields, orjson.dumps(answer), decision, signup, orjson.dumps(event), "import", entry)
        self._tiers.queue_record(pipe, written, basis.policy, now)

    def _give_way(self, arrival: _Newcomer) -> None:
        """Somebody signed up under this user_id meanwhile: take back what that account does not share."""
        user_id = arrival.touch.user_id
        try:
            standing = self._accounts.standing(user_id)
        except Problem:
            return  # erased, or expired
        theirs = set(standing.entities.values())
        self._links.leave(user_id, [key for key in arrival.touch.keys.values() if key not in theirs])
        self._labels.mark_latest(user_id, standing)


def _proofs(customer: Customer) -> list[tuple[str, str]]:
    """What a customer confirmed, as it is told in either place."""
    told = [*(customer.verified or ())]
    told += [name for name, part in (("email", customer.email), ("phone", customer.phone)) if part and part.verified]
    return [_PROOFS[name] for name in dict.fromkeys(told)]


def _undecided(policy: Policy) -> Decision:
    """What stands for a decision where none was made: allowed at the word of whoever imports, at the prior's score."""
    prior = policy.model.prior
    return Decision(
        tier="allow",
        risk_score=round(100.0 * prior, 2),
        source="reviewer",
        rule=None,
        reasons=(_IMPORTED,),
        shadow=(),
        fired=(),
        margin=None,
        probability=prior,
        bias=None,
        eased=False,
        store_away=False,
    )
