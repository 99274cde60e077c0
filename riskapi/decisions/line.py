"""The line: gather → read → score → decide, written once. Gathering waits (:mod:`riskapi.decisions.gather`); the rest
is here, and pure.

Signups, accounts that are decided again, imports, outages and the warm-up all go this way, and hand on one
:class:`Case`: to the answer (:mod:`.answer`), to the record (:mod:`.record`) and to how far a tier may move
(:mod:`.movement`).
"""

from __future__ import annotations

from collections.abc import Mapping

import signals
from riskapi.budgets import terms
from riskapi.budgets.caps import Usage, unused
from riskapi.budgets.terms import Terms
from riskapi.contract import Tier
from riskapi.decisions.decide import Decision, decide, tier_within
from riskapi.decisions.gather import Gathered, Parsed
from riskapi.decisions.influence import alone, blameless, fair, is_accused, is_felt
from riskapi.enrichment.findings import times
from riskapi.lists.matching import Listed, verdict
from riskapi.policy.active import Basis
from riskapi.policy.tables import SEVERITY
from signals import Readings
from signals.facts import Facts
from signals.records import record


@record
class Decided:
    """What was decided of facts. ``own`` is the tier by the account's own evidence: no list, no bad company.

    ``facts`` are those that counted: of an established customer, and of siblings that somebody vouches for, without
    what others bring. ``look``: that would have been another tier, so a person should look; ``company`` is the decision
    with it.
    """

    facts: Facts
    readings: Readings
    decision: Decision
    own: Tier
    company: Decision | None = None

    @property
    def look(self) -> bool:
        """Whether what others did alone would have tightened the tier of an account it is not held against."""
        return self.company is not None


@record
class Case:
    """One account on its way through the line, at Unix time ``now``, under the policy and model of ``basis``.

    ``facts`` are all that is known of it; ``decided`` says which of them counted, how they read, and what was decided.
    ``usage`` is of the account and its cluster, ``terms`` are its plan and the caps of its own. ``gathered`` is None
    where the store was not asked.
    """

    basis: Basis
    user_id: str
    now: float
    parsed: Parsed
    facts: Facts
    usage: Usage
    terms: Terms
    decided: Decided
    gathered: Gathered | None = None

    @property
    def readings(self) -> Readings:
        """How the facts that counted read."""
        return self.decided.readings

    @property
    def decision(self) -> Decision:
        """The score and what was decided on it."""
        return self.decided.decision

    @property
    def findings(self) -> Mapping[str, float]:
        """When upstreams said what it rests on, as Unix times, by kind."""
        return {} if self.gathered is None else times(self.gathered.findings)

    @property
    def listed(self) -> tuple[Listed, ...]:
        """The entries of lists that name it."""
        return () if self.gathered is None else self.gathered.listed


def case_of(
    basis: Basis,
    user_id: str,
    parsed: Parsed,
    gathered: Gathered,
    usage: Usage,
    now: float,
    *,
    own: Terms = terms.NONE,
    established: bool = False,
    cleared: bool = False,
) -> Case:
    """Read, score and decide what was gathered; see :func:`decided_on` for ``established`` and ``cleared``."""
    facts = gathered.facts
    found = decided_on(basis, facts, verdict(gathered.listed), established=established, cleared=cleared)
    return Case(basis, user_id, now, parsed, facts, usage, own, found, gathered)


def case_in_outage(basis: Basis, user_id: str, parsed: Parsed, facts: Facts, now: float, own: Terms) -> Case:
    """The same while the store is away: what it knows is marked as missing in ``facts``."""
    readings = signals.read(facts)
    decision = decide(readings, basis.scorer, basis.policy, store_away=True)
    found = Decided(facts, readings, decision, decision.before)
    return Case(basis, user_id, now, parsed, facts, unused(now), own, found)


def decided_on(
    basis: Basis, facts: Facts, listing: Listed | None = None, *, established: bool = False, cleared: bool = False
) -> Decided:
    """Decide on facts. What others did is not held against an ``established`` customer, nor against one who was
    ``cleared`` (labelled legitimate by a person): there only bad company that was seen is left out.
    """

    def decided(readings: Readings) -> Decision:
        return decide(readings, basis.scorer, basis.policy, listing=listing)

    facts = fair(facts)
    readings = signals.read(facts)
    decision = decided(readings)
    spared = facts
    if established:
        spared = alone(facts)
    elif cleared and is_felt(facts):
        spared = blameless(facts)
    if spared is facts:
        return Decided(facts, readings, decision, _own(basis, facts, readings, decision))
    company, readings = decision, signals.read_again(spared, readings)
    decision = decided(readings)
    looks = established and is_accused(facts) and SEVERITY[company.before] > SEVERITY[decision.before]
    return Decided(spared, readings, decision, decision.before, company if looks else None)


def _own(basis: Basis, facts: Facts, readings: Readings, decision: Decision) -> Tier:
    """The tier by the account's own evidence, where this was decided on facts: the same without what others did, and
    never tighter.
    """
    tier = decision.before
    if tier == "allow" or not is_felt(facts):
        return tier
    return tier_within(tier, decision.fired, readings, basis.scorer, basis.policy)
