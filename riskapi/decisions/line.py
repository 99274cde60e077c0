"""The pure part of the line: read → score → decide, with what others bring to it kept apart. Pure."""

from __future__ import annotations

import signals
from riskapi.contract import Tier
from riskapi.decisions.decide import Decision, decide
from riskapi.decisions.influence import alone, blameless, fair, is_accused, is_felt
from riskapi.lists.matching import Listed
from riskapi.policy.active import Basis
from riskapi.policy.tables import SEVERITY
from signals import Readings
from signals.facts import Facts
from signals.records import record


@record
class Judged:
    """What was decided of facts. ``own`` is the tier by the account's own evidence: no list, no bad company.

    ``facts`` are those that were judged: of an established customer, and of siblings that somebody vouches for, without
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
        """Whether others' deeds alone would have tightened the tier of somebody they are not held against."""
        return self.company is not None


def judged(
    basis: Basis, facts: Facts, listing: Listed | None = None, *, established: bool = False, cleared: bool = False
) -> Judged:
    """Decide on facts. Others' deeds are not held against an ``established`` customer, nor against one who was
    ``cleared`` (labelled legitimate by a person), of whom only what was seen of bad company is left out.
    """

    def on(found: Facts) -> tuple[Readings, Decision]:
        readings = signals.read(found)
        return readings, decide(readings, basis.scorer, basis.policy, listing=listing)

    facts = fair(facts)
    readings, decision = on(facts)
    spared = facts
    if established:
        spared = alone(facts)
    elif cleared and is_felt(facts):
        spared = blameless(facts)
    if spared is facts:
        own = decision.before
        if own != "allow" and is_felt(facts):
            own = min(own, on(blameless(facts))[1].before, key=SEVERITY.__getitem__)
        return Judged(facts, readings, decision, own)
    company, (readings, decision) = decision, on(spared)
    looks = established and is_accused(facts) and SEVERITY[company.before] > SEVERITY[decision.before]
    return Judged(spared, readings, decision, decision.before, company if looks else None)
