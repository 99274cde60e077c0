"""The decision: from readings, a model and a policy to a tier with its reasons. Pure.

Nothing but the readings is judged, so replaying recorded readings against the same model and policy gives
the same decision bit for bit. Readings are JSON values: finite numbers, text, booleans or ``None``.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from model.scorer import Explanation, Score, Scorer, sigmoid
from riskapi.contract import Tier
from riskapi.lists.matching import Listed, ListKind
from riskapi.policy import Policy
from riskapi.policy.rules import Rule, matching
from riskapi.policy.tables import SEVERITY
from signals.records import record
from signals.registry import Readings, read_blameless, registered

Source = Literal["model", "rule", "list", "outage", "reviewer"]

#: Reasons given for one decision, at most, besides the rules; more are not read by anybody.
MOST_REASONS = 8
#: What an entry of each kind names, in the sentence of its reason. Never the value, which may be somebody's address.
_NAMED: dict[ListKind, str] = {
    "email": "e-mail address",
    "mailbox": "mailbox",
    "email_domain": "mail domain",
    "ip": "IP address",
    "cidr": "network",
    "asn": "network operator",
    "phone": "phone number",
    "phone_prefix": "range of phone numbers",
    "device": "device",
    "payment": "means of payment",
    "link_domain": "linked domain",
    "user": "user_id",
}
#: Contributions below this many log-odds move a probability of one half by less than 1.3 points: noise, no reason.
LEAST_CONTRIBUTION = 0.05


@record
class Reason:
    """Why, in a stable ``code`` and a sentence. ``contribution`` in log-odds; ``None`` for lists, rules and outages,
    which have no ``signal`` either.
    """

    code: str
    signal: str | None
    text: str
    contribution: float | None


@record
class Shadow:
    """What a candidate on trial (``rule:<name>`` or ``model:<version>``) would have decided."""

    candidate: str
    decision: Tier
    risk_score: float


@record
class Decision:
    """One decision.

    ``risk_score`` is 100 times ``probability``, rounded to two digits for people; thresholds see it unrounded.
    ``rule`` is the live rule that set the tier, or the id of the entry of a list that did, ``fired`` every live rule
    that matched, ``listing`` the entry that had a say. ``margin`` is the
    model's raw score and ``bias`` its starting point in log-odds, where they were asked for. ``eased`` says
    that the guard took the tier down because only shared places spoke against the signup. ``before`` is the tier before
    lists were asked.
    """

    tier: Tier
    risk_score: float
    source: Source
    rule: str | None
    reasons: tuple[Reason, ...]
    shadow: tuple[Shadow, ...]
    fired: tuple[str, ...]
    margin: float | None
    probability: float
    bias: float | None
    eased: bool
    store_away: bool
    listing: Listed | None = None
    before: Tier = "allow"

    @property
    def until(self) -> float | None:
        """Unix time at which the entry of a list that decided expires; None where none decided, or it never does."""
        return self.listing.expires_at if self.listing is not None and self.source == "list" else None


@record
class _Verdict:
    """What the model alone says."""

    tier: Tier
    probability: float
    score: Score | None = None
    explanation: Explanation | None = None
    eased: bool = False


def decide(
    readings: Readings,
    scorer: Scorer | None,
    policy: Policy,
    *,
    explain: bool = False,
    bare: bool = False,
    store_away: bool = False,
    listing: Listed | None = None,
) -> Decision:
    """Decide on these readings.

    The tier is the tightest of what the score, the live rules and, while the store is away or a model that
    should be live is missing, the outage section ask for. With the model off or in shadow the score is the
    policy's prior. Reasons are given for every tier but ``allow``, and for that too with ``explain``; with ``bare`` for
    none, where only the tier is wanted.

    ``listing`` is the entry of a list that decides about this signup. Deny limits and allow allows, whatever model and
    rules say; watch asks for a review at least. What the lists say is unknown while the store is away.
    """
    listing = None if store_away else listing
    mode = policy.model.mode
    if mode == "live" and scorer is not None:
        verdict = _judge(readings, scorer, policy, explain=explain, bare=bare)
    else:
        verdict = _Verdict("allow", policy.model.prior)

    fired = matching(policy.live.values(), readings)
    tier, rule = _tightest(verdict.tier, fired)
    source: Source = "rule" if rule is not None or mode != "live" else "model"
    if store_away or (mode == "live" and scorer is None):
        source = "outage"
        if SEVERITY[policy.outage.tier] > SEVERITY[tier]:
            tier, rule = policy.outage.tier, None
    before, tier = tier, under(listing, tier)
    by_list = listing is not None and (listing.list != "watch" or tier != before)
    if by_list:
        source = "list"

    explanation = verdict.explanation
    reasons: tuple[Reason, ...] = ()
    if (tier != "allow" or explain) and not bare:
        if explanation is None and verdict.score is not None and scorer is not None:
            explanation = scorer.explain(verdict.score)
        reasons = _reasons(readings, fired, explanation, outage=source == "outage", safest=tier == "allow")
    if listing is not None:
        reasons = (_listed(listing), *reasons)
    by = listing.id if listing is not None and by_list else None if rule is None else rule.name
    return Decision(
        tier=tier,
        risk_score=_risk_score(verdict.probability),
        source=source,
        rule=by,
        reasons=reasons,
        shadow=_shadows(readings, scorer, policy, verdict, before, listing),
        fired=tuple([found.name for found in fired]),
        margin=None if verdict.score is None else verdict.score.margin,
        probability=verdict.probability,
        bias=None if explanation is None else explanation.bias,
        eased=verdict.eased,
        store_away=store_away,
        listing=listing,
        before=before,
    )


def tier_within(most: Tier, fired: Collection[str], readings: Readings, scorer: Scorer | None, policy: Policy) -> Tier:
    """The tier that is decided without what other accounts did, while the store is there and before lists, and ``most``
    where that is tighter: as :attr:`Decision.before`, at a fraction of the cost.

    ``readings`` are with what they did, ``fired`` the live rules that match them. Rules in which others are not felt
    match without them too, so only the rest is tried again. The model is asked only where the rules leave it a say.
    """
    live, felt = policy.live, policy.felt
    tier, _ = _tightest("allow", [live[name][-1] for name in fired if name not in felt])
    if tier == most:
        return tier
    readings = read_blameless(readings)
    tier, _ = _tightest(tier, matching(felt.values(), readings))
    if policy.model.mode == "live" and SEVERITY[tier] < SEVERITY[most]:
        asked = policy.outage.tier
        if scorer is not None:
            asked = _judge(readings, scorer, policy, explain=False, bare=True).tier
        tier = max(tier, asked, key=SEVERITY.__getitem__)
    return min(tier, most, key=SEVERITY.__getitem__)


def under(listing: Listed | None, tier: Tier) -> Tier:
    """The tier that an entry of a list makes of one."""
    if listing is None:
        return tier
    if listing.list == "watch":
        return max(tier, "review", key=SEVERITY.__getitem__)
    return "limit" if listing.list == "deny" else "allow"


def _listed(listing: Listed) -> Reason:
    text = f"Its {_NAMED[listing.kind]} is on the {listing.list} list"
    return Reason(f"LIST_{listing.list.upper()}", None, text, None)


def _judge(readings: Readings, scorer: Scorer, policy: Policy, *, explain: bool, bare: bool = False) -> _Verdict:
    score = scorer.score(readings)
    tier = tier_of(score.probability, policy)
    # An explanation costs twice a score; the guard needs one only where it could ease the tier.
    if (tier == "allow" and not explain) or (bare and not _is_guarded(tier, policy)):
        return _Verdict(tier, score.probability, score)
    explanation = scorer.explain(score)
    eased = _ease(tier, score.log_odds, explanation, policy)
    return _Verdict(eased, score.probability, score, explanation, eased=eased != tier)


def tier_of(probability: float, policy: Policy) -> Tier:
    """The tier that the thresholds put a probability of abuse in."""
    score, thresholds = 100.0 * probability, policy.thresholds
    if score >= thresholds.limit:
        return "limit"
    return "review" if score >= thresholds.review else "allow"


def _is_guarded(tier: Tier, policy: Policy) -> bool:
    """Whether the guard has a say in a tier: it is tighter than the guard's own."""
    return SEVERITY[tier] > SEVERITY[policy.guard.tier]


def _ease(tier: Tier, log_odds: float, explanation: Explanation, policy: Policy) -> Tier:
    """The tier after the guard: what is left without shared places, or the guard's tier, whichever is tighter."""
    if not _is_guarded(tier, policy):
        return tier
    alone = _without_places(log_odds, explanation, policy)
    if alone is None:
        return tier
    return max(tier_of(alone, policy), policy.guard.tier, key=SEVERITY.__getitem__)


def _without_places(log_odds: float, explanation: Explanation, policy: Policy) -> float | None:
    """The probability of abuse without what shared places bring; None where they bring nothing against it."""
    said = zip(explanation.names, explanation.added, strict=True)
    places = sum(value for name, value in said if policy.guards(name))
    return sigmoid(log_odds - places) if places > 0.0 else None


def probability_alone(readings: Readings, scorer: Scorer, policy: Policy) -> float:
    """The probability of abuse that the guard goes by: without what shared places bring against it."""
    score = scorer.score(readings)
    found = _without_places(score.log_odds, scorer.explain(score), policy)
    return score.probability if found is None else found


def _tightest(tier: Tier, fired: list[Rule]) -> tuple[Tier, Rule | None]:
    """The tightest tier asked for, and the first rule that is tighter than what the model and earlier rules asked."""
    rule = None
    for found in fired:
        if SEVERITY[found.tier] > SEVERITY[tier]:
            tier, rule = found.tier, found
    return tier, rule


def _risk_score(probability: float) -> float:
    return round(100.0 * probability, 2)


def _shadows(
    readings: Readings, scorer: Scorer | None, policy: Policy, verdict: _Verdict, tier: Tier, listing: Listed | None
) -> tuple[Shadow, ...]:
    """What every candidate that has something to say would have decided: rules that matched, and the model.

    ``tier`` is what was decided before the lists, which would have had the last word there too.
    """
    found = []
    for rule in matching(policy.shadow, readings):
        would = under(listing, max(tier, rule.tier, key=SEVERITY.__getitem__))
        found.append(Shadow(f"rule:{rule.name}", would, _risk_score(verdict.probability)))
    if policy.model.mode == "shadow" and scorer is not None:
        judged = _judge(readings, scorer, policy, explain=False)
        would = under(listing, max(tier, judged.tier, key=SEVERITY.__getitem__))
        found.append(Shadow(f"model:{scorer.version}", would, _risk_score(judged.probability)))
    return tuple(found)


def _reasons(
    readings: Readings, fired: list[Rule], explanation: Explanation | None, *, outage: bool, safest: bool
) -> tuple[Reason, ...]:
    """Outage, rules, then the signals that spoke loudest against the signup; with ``safest`` for or against it."""
    found = [Reason(rule.code, None, rule.text, None) for rule in fired]
    if outage:
        found.insert(0, Reason("OUTAGE", None, "A part of the service was away, so the budget is small", None))
    if explanation is not None:
        # Of some 80 contributions a dozen are loud: they are found first, by one comparison each.
        names, added, least = explanation.names, explanation.added, LEAST_CONTRIBUTION
        spoke = [(-value, name, value) for name, value in zip(names, added, strict=True) if value > least]
        if safest:
            spoke += [(value, name, value) for name, value in zip(names, added, strict=True) if value < -least]
        # An unknown reading can move the score, but it is no reason: nothing was found.
        loud = sorted([each for each in spoke if readings.get(each[1]) is not None])
        found += [
            Reason(name.upper(), name, registered()[name].text(readings[name]), value)
            for _, name, value in loud[:MOST_REASONS]
        ]
    return tuple(found)
