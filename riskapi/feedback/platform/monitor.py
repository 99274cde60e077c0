"""The monitor: looks at everything once a minute, turns alarms, and shows what it sees.

``GET /v1/platform``, ``doctor``, ``/readyz`` and the metrics all show what is in the store, so they agree whichever
process is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from riskapi.contract import Count, Instant
from riskapi.datasets.mail_tables import ProviderTable, parse
from riskapi.datasets.packages import own_table
from riskapi.feedback.platform import alarms
from riskapi.feedback.platform.alarms import Alarm, Alarms
from riskapi.feedback.platform.blocklist_listings import Listings
from riskapi.feedback.platform.feed_activity import FEEDS, FeedActivities, FeedActivity
from riskapi.feedback.platform.receivers import Receivers, Receiving
from riskapi.feedback.platform.verdicts import (
    WATCHED,
    Seen,
    Watched,
    is_forgotten,
    longest_pause,
    silence_limit,
    verdicts,
)
from riskapi.metrics import Metrics
from riskapi.policy.active import ActiveBasis
from riskapi.policy.rules import Mode
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.times import HOUR, rfc3339

#: Receiving domains that are shown, the largest first.
SHOWN: Final = 50
_OTHER: Final = "other"
#: Setting that turns each provider's feed on; what is not here is always on.
_SECRETS: Final[Mapping[str, str]] = {
    "ses": "feedback_ses_topic_arn",
    "sendgrid": "feedback_sendgrid_public_key",
    "mailgun": "feedback_mailgun_signing_key",
    "postmark": "feedback_postmark_auth",
    "sparkpost": "feedback_sparkpost_auth",
    "resend": "feedback_resend_secret",
    "brevo": "feedback_brevo_auth",
    "mailjet": "feedback_mailjet_auth",
}


class PlatformAlarm(TypedDict):
    """Something is wrong with the platform. ``value`` and ``level`` are shares (seconds for `feed_silence`); in mode
    `shadow` nobody was told.
    """

    rule: Watched
    subject: str
    mode: Mode
    since: Instant
    value: float
    level: float


class ReceiverView(TypedDict):
    """What a receiving domain did with mail within the window; `other` are all that got little."""

    domain: str
    attempted: Count
    blocked: Count
    share: Annotated[float | None, Field(description="Null where no deliveries are reported, or nothing was sent.")]


class ListingView(TypedDict):
    """Whether a DNS blocklist has an own sender; `unknown` where the list or the resolver cannot be believed."""

    sender: str
    blocklist: str
    state: Literal["listed", "clear", "unknown"]


class FeedView(TypedDict):
    """A feed within the window. ``alarm_after`` seconds of silence are an alarm; null while it is not known well."""

    feed: str
    state: Literal["off", "never_heard", "learning", "heard", "forgotten"]
    last_at: Instant | None
    bodies: Count
    understood: Count
    not_understood: Count
    refused: Annotated[Count, Field(description="Requests with a bad signature or password, strangers' among them.")]
    longest_pause: Annotated[float, Field(description="Seconds, of the last 28 days.")]
    alarm_after: float | None


class PlatformView(TypedDict):
    """How the platform fares. ``watched_at`` is null where no worker ever looked."""

    watched_at: Instant | None
    window_hours: Count
    alarms: list[PlatformAlarm]
    receivers: list[ReceiverView]
    listings_at: Instant | None
    listings: list[ListingView]
    feeds: list[FeedView]


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found in one look: all that is judged, the alarms, and when listings were looked up."""

    seen: Seen
    alarms: Alarms
    listings_at: float | None


class Monitor:
    """Watches the platform. Safe to share between threads."""

    def __init__(self, settings: Settings, store: Store, active: ActiveBasis, metrics: Metrics) -> None:
        self._store, self._active, self._metrics = store, active, metrics
        self._receivers, self.listings = Receivers(store), Listings(settings, store)
        self.hearing = FeedActivities(store, active, metrics)
        self._feeds = frozenset(name for name in FEEDS if name not in _SECRETS or getattr(settings, _SECRETS[name]))

    def step(self, now: float) -> int:
        """Look at everything at Unix time ``now``, begin and end alarms; returns how many changed.

        Raises :class:`riskapi.errors.StoreUnavailable`.
        """
        policy = self._active.policy
        rules, look = policy.feedback.platform, self._look(now)
        found = verdicts(rules, policy.feedback.confidence, look.seen, look.alarms.alarms, now)
        shares = _shares(look.seen.receiving, rules.blocks.recipients)
        kept = policy.retention.decisions_days
        changed = alarms.turn(self._store, found, shares, look.seen.since, now, kept)
        for heard in look.seen.heard.values():
            if is_forgotten(rules, heard, now):
                self.hearing.forget(heard.feed)
        self.publish()
        return len(changed)

    def look_up(self, now: float) -> int:
        """Look own senders up where that is due; returns how many pairs. Raises
        :class:`riskapi.errors.StoreUnavailable`.
        """
        rules = self._active.policy.feedback.platform.listings
        return self.listings.look(now, rules.minutes) if rules.mode != "off" else 0

    def publish(self) -> None:
        """Set the metrics of this process to what was found last. Raises :class:`riskapi.errors.StoreUnavailable`."""
        state = alarms.read(self._store)
        rules = [each.rule for each in state.live()]
        self._metrics.platform({rule: rules.count(rule) for rule in WATCHED}, state.shares)

    def alarms(self) -> Alarms:
        """What was found last. Raises :class:`riskapi.errors.StoreUnavailable`."""
        return alarms.read(self._store)

    def view(self, now: float) -> PlatformView:
        """Everything, as people see it. Raises :class:`riskapi.errors.StoreUnavailable`."""
        rules, look = self._active.policy.feedback.platform, self._look(now)
        found = sorted(look.alarms.alarms.values(), key=lambda each: (each.since, each.rule, each.subject))
        words: Mapping[bool | None, Literal["listed", "clear", "unknown"]]
        words = {True: "listed", False: "clear", None: "unknown"}
        listings: list[ListingView] = []
        for name, there in look.seen.listings.items():
            sender, _, blocklist = name.partition(" on ")
            listings.append({"sender": sender, "blocklist": blocklist, "state": words[there]})
        return {
            "watched_at": None if look.alarms.judged is None else rfc3339(look.alarms.judged),
            "window_hours": rules.hours,
            "alarms": [_alarm(each) for each in found],
            "receivers": _receivers(look.seen.receiving),
            "listings_at": None if look.listings_at is None else rfc3339(look.listings_at),
            "listings": listings,
            "feeds": [
                self._feed(name, look.seen.heard.get(name) or FeedActivity(name), now)
                for name in dict.fromkeys([*FEEDS, *look.seen.heard])
            ],
        }

    def _look(self, now: float) -> _Look:
        rules, state = self._active.policy.feedback.platform, alarms.read(self._store)
        at, listings = self.listings.read(now, rules.listings.minutes)
        receiving, heard = self._receivers.read(now, rules.hours), self.hearing.read()
        return _Look(Seen(receiving, listings, heard, self._feeds, state.since(now)), state, at)

    def _feed(self, name: str, heard: FeedActivity, now: float) -> FeedView:
        rules = self._active.policy.feedback.platform
        hour, limit = int(now // HOUR), silence_limit(rules, heard)
        counts = {letter: heard.total(letter, hour - rules.hours + 1, hour) for letter in "gpxs"}
        state: Literal["off", "never_heard", "learning", "heard", "forgotten"] = "heard"
        if name.partition(":")[0] not in self._feeds:
            state = "off"
        elif heard.last is None:
            state = "never_heard"
        elif is_forgotten(rules, heard, now):
            state = "forgotten"
        elif limit is None:
            state = "learning"
        return {
            "feed": name,
            "state": state,
            "last_at": None if heard.last is None else rfc3339(heard.last),
            "bodies": counts["g"],
            "understood": counts["p"],
            "not_understood": counts["x"],
            "refused": counts["s"],
            "longest_pause": longest_pause(heard),
            "alarm_after": limit,
        }


def said(state: Alarms) -> str:
    """The alarms in few words for ``/readyz``, which anybody may read: rules and feeds, no domains or addresses."""
    words = []
    for each in state.live():
        about_feed = each.rule not in ("blocks", "listing")
        words.append(f"{each.rule}: {each.subject.partition(':')[0]}" if about_feed else each.rule)
    return "; ".join(dict.fromkeys(words))


def _alarm(alarm: Alarm) -> PlatformAlarm:
    return {
        "rule": alarm.rule,
        "subject": alarm.subject,
        "mode": alarm.mode,
        "since": rfc3339(alarm.since),
        "value": alarm.value,
        "level": alarm.level,
    }


def _receivers(receiving: Receiving) -> list[ReceiverView]:
    largest = sorted(receiving.domains.items(), key=lambda row: (-row[1][0], row[0]))
    rest = [counts for _, counts in largest[SHOWN:]]
    other = tuple(sum(counts[place] for counts in [*rest, receiving.other]) for place in (0, 1))
    rows = [*largest[:SHOWN], *([(_OTHER, other)] if other[0] else [])]
    return [
        {
            "domain": domain,
            "attempted": counts[0],
            "blocked": counts[1],
            "share": counts[1] / counts[0] if receiving.delivered else None,
        }
        for domain, counts in rows
    ]


@cache
def _providers() -> Mapping[str, str]:
    """The large mailbox provider of each of its domains: labels of metrics have to be few."""
    table = parse(ProviderTable, own_table("mailbox_providers.toml").installed())
    return {domain: provider.name for domain, provider in table.provider_of.items()}


def _shares(receiving: Receiving, least: int) -> dict[str, float]:
    """Share of blocks by mailbox provider, of those with ``least`` recipients."""
    if not receiving.delivered:
        return {}
    sums: dict[str, list[int]] = {_OTHER: [*receiving.other]}
    for domain, counts in receiving.domains.items():
        row = sums.setdefault(_providers().get(domain, _OTHER), [0, 0])
        row[0], row[1] = row[0] + counts[0], row[1] + counts[1]
    return {name: blocked / attempted for name, (attempted, blocked) in sums.items() if attempted >= least}
