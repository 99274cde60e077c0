"""Verdicts: whether something is wrong with the platform, of everything that is watched. Pure.

What cannot be known is ``unknown``: it begins no alarm and ends none. Rates count by the lower end of Wilson's
interval, as those of accounts do (:mod:`riskapi.feedback.triggers`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from typing import Final, Literal, get_args

from riskapi.feedback.platform.feed_activity import DAYS, WEIGHT, FeedActivity
from riskapi.feedback.platform.receivers import Receiving
from riskapi.feedback.triggers import wilson
from riskapi.policy.platform_table import PlatformRules
from riskapi.policy.rules import Mode
from riskapi.times import DAY, HOUR
from signals.records import record

#: What is watched. Names of rules in webhooks, metrics and answers.
Watched = Literal["blocks", "listing", "feed_silence", "feed_shape", "feed_signatures"]
WATCHED: Final[tuple[Watched, ...]] = get_args(Watched)
#: What an alarm by each rule says of its subject.
SENTENCES: Final[Mapping[Watched, str]] = {
    "blocks": "a receiving domain blocks much of the mail",
    "listing": "a DNS blocklist has an own sender",
    "feed_silence": "a feed fell silent",
    "feed_shape": "a feed changed: much of it is not understood",
    "feed_signatures": "a feed fails its signatures",
}
State = Literal["crossed", "clear", "unknown"]
#: Receiving domains that are judged, the largest first.
DOMAINS: Final = 100
#: However usual it is, this share of parts that were not understood is a fault.
_NEVER_USUAL: Final = 0.5
#: Requests that the share of bad ones is taken over, see :data:`riskapi.feedback.platform.feed_activity.WEIGHT`.
_LAST: Final = 2 / WEIGHT - 1


@record
class Verdict:
    """What is the case with a subject by a rule. ``value`` and ``level`` are in the rule's unit: a share (blocks,
    feed_shape, feed_signatures), seconds (feed_silence), 1 of 1 (listing).
    """

    rule: Watched
    subject: str
    mode: Mode
    state: State
    value: float = 0.0
    level: float = 1.0

    @property
    def name(self) -> str:
        """What an alarm is known by."""
        return f"{self.rule} {self.subject}"


@record
class Seen:
    """All that is judged. ``listings`` says of each own sender and list whether it is there (None: unknown); ``feeds``
    are those that are on, ``since`` is when a watch that has no break began (Unix time).
    """

    receiving: Receiving = field(default_factory=Receiving)
    listings: Mapping[str, bool | None] = field(default_factory=dict)
    heard: Mapping[str, FeedActivity] = field(default_factory=dict)
    feeds: Collection[str] = ()
    since: float = 0.0


def verdicts(
    rules: PlatformRules, confidence: float, seen: Seen, under_way: Collection[str], now: float
) -> list[Verdict]:
    """What is the case with everything at Unix time ``now``. ``under_way`` are names of alarms: those that are not
    watched any more are clear. Rules that are off have no verdict, and their alarms are clear.
    """
    found = [
        *_blocks(rules, confidence, seen.receiving),
        *(
            Verdict("listing", name, rules.listings.mode, _listed(there), float(bool(there)))
            for name, there in seen.listings.items()
        ),
    ]
    for heard in seen.heard.values():
        if heard.feed.partition(":")[0] in seen.feeds:
            found += (
                _silence(rules, heard, seen.since, now),
                _shape(rules, confidence, heard, now),
                _signatures(rules, confidence, heard, seen.since, now),
            )
    live = [each for each in found if each.mode != "off"]
    known = {each.name for each in live}
    return live + [_gone(name, rules, seen.receiving) for name in under_way if name not in known]


def longest_pause(heard: FeedActivity) -> float:
    """The longest pause of a feed in the 28 days before it was heard last, seconds; 0 where there was none."""
    if heard.last is None:
        return 0.0
    first = int(heard.last // DAY) - DAYS + 1
    return max((pause for day, pause in heard.counts.get("m", {}).items() if day >= first), default=0.0)


def silence_limit(rules: PlatformRules, heard: FeedActivity) -> float | None:
    """Seconds of silence after which a feed is an alarm; None while it was not heard enough."""
    if heard.first is None or heard.last is None:
        return None
    day = int(heard.last // DAY)
    enough = heard.total("G", day - DAYS + 1, day) >= rules.silence.bodies
    if not enough or heard.last - heard.first < rules.silence.days * DAY:
        return None
    return rules.silence.factor * max(longest_pause(heard), rules.silence.least_minutes * 60)


def is_forgotten(rules: PlatformRules, heard: FeedActivity, now: float) -> bool:
    """Whether a feed was silent for so long that it counts as given up."""
    return heard.last is not None and now - heard.last > rules.silence.forget_days * DAY


def _blocks(rules: PlatformRules, confidence: float, receiving: Receiving) -> list[Verdict]:
    blocks, found = rules.blocks, []
    largest = sorted(receiving.domains.items(), key=lambda row: (-row[1][0], row[0]))[:DOMAINS]
    for domain, (attempted, blocked) in largest:
        if attempted < blocks.recipients:
            continue
        share, state = blocked / attempted, "unknown"
        if receiving.delivered and wilson(blocked, attempted, confidence) > blocks.rate:
            state = "crossed"
        elif receiving.delivered and share <= blocks.rate:
            state = "clear"
        found.append(Verdict("blocks", domain, blocks.mode, state, share, blocks.rate))  # type: ignore[arg-type]
    return found


def _listed(there: bool | None) -> State:
    return "unknown" if there is None else "crossed" if there else "clear"


def _silence(rules: PlatformRules, heard: FeedActivity, since: float, now: float) -> Verdict:
    """A feed that pauses for longer than ever. While nobody watched, it may have been heard by nobody: such time alone
    begins no alarm.
    """
    limit = silence_limit(rules, heard)
    quiet = now - heard.last if heard.last is not None else 0.0
    state: State = "clear"
    if limit is not None and quiet > limit and not is_forgotten(rules, heard, now):
        state = "crossed" if now - since > limit else "unknown"
    return Verdict("feed_silence", heard.feed, rules.silence.mode, state, quiet, limit or 0.0)


def _shape(rules: PlatformRules, confidence: float, heard: FeedActivity, now: float) -> Verdict:
    """A feed of which suddenly more is not understood than before."""
    shape, last = rules.shape, int(now // HOUR)
    first = last - rules.hours + 1
    understood, missed = (heard.total(letter, first, last) for letter in "px")
    before = int(first * HOUR // DAY) - 1
    parts, odd = (heard.total(letter, before - DAYS, before) for letter in "PX")
    usual = (odd + 1) / (parts + odd + 1) if parts + odd >= shape.parts else 0.0
    level = max(shape.rate, min(shape.factor * usual, _NEVER_USUAL))
    all_parts = understood + missed
    share = missed / all_parts if all_parts else 0.0
    state: State = "unknown"
    if all_parts >= shape.parts and wilson(missed, all_parts, confidence) > level:
        state = "crossed"
    elif share <= level:
        state = "clear"
    return Verdict("feed_shape", heard.feed, shape.mode, state, share, level)


def _signatures(rules: PlatformRules, confidence: float, heard: FeedActivity, since: float, now: float) -> Verdict:
    """A feed whose good requests stop, or become few, while bad ones come. Anybody can send bad ones, and nobody but
    the provider good ones: without a change of the good ones, the bad ones are noise.
    """
    signatures = rules.signatures
    pause = now - heard.last if heard.last is not None else 0.0
    longest = max(longest_pause(heard), rules.silence.least_minutes * 60)
    stopped = heard.since_good >= signatures.requests and pause > longest
    fallen = _is_fallen(heard, now) and wilson(heard.share * _LAST, _LAST, confidence) > signatures.rate
    state: State = "clear"
    if heard.last is None or is_forgotten(rules, heard, now):
        pass  # nobody knows how it should be: its provider never got through, or not for long
    elif fallen or (stopped and now - since > longest):
        state = "crossed"
    elif stopped:
        state = "unknown"
    return Verdict("feed_signatures", heard.feed, signatures.mode, state, heard.share, signatures.rate)


def _is_fallen(heard: FeedActivity, now: float) -> bool:
    """Whether the last 24 hours had no more than half the good bodies of the smallest day before them, the first one
    of the feed left out; of two days at least. A feed that has days without any never falls.
    """
    hour, today = int(now // HOUR), int(now // DAY)
    first = int((heard.first or now) // DAY) + 1
    before = range(max(first, today - DAYS + 1), today - 1)
    usual = min((heard.counts.get("G", {}).get(day, 0) for day in before), default=0)
    return len(before) >= 2 and usual > 0 and 2 * heard.total("g", hour - 23, hour) <= usual


def _gone(name: str, rules: PlatformRules, receiving: Receiving) -> Verdict:
    """An alarm about what is not there any more. A domain of which nothing is heard is not clear of blocks while nobody
    reports deliveries; its hours run out.
    """
    rule, _, subject = name.partition(" ")
    kept = rule == "blocks" and rules.blocks.mode != "off" and not receiving.delivered and any(receiving.domains)
    return Verdict(rule, subject, "live", "unknown" if kept else "clear")  # type: ignore[arg-type]
