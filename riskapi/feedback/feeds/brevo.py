"""Brevo's (Sendinblue's) webhooks of transactional mail: an event a request, or an array where they are batched.

Payloads: https://developers.brevo.com/docs/transactional-webhooks. Brevo signs nothing; the secret is the user and
password of its address, or ``?key=`` in it. ``id`` is the webhook's and the same in every event, so events are told
apart by what they say. ``X-Mailin-custom`` is a header of the message that is handed on as it was written: as JSON, or
as Brevo's own example has it, ``name:value|name:value``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from riskapi.feedback.feeds.basic import BasicAuthFeed
from riskapi.feedback.feeds.feed import NotUnderstood, Outcome
from riskapi.feedback.feeds.naming import json_metadata
from riskapi.feedback.feeds.payload import diagnostic, digest, domain_of, mapping, moment, sequence, text
from riskapi.feedback.reports import Report

#: ``event``. ``error`` is a failure at Brevo; what is not here says nothing that counts.
EVENTS: Final[Mapping[str, Outcome]] = {
    "delivered": ("delivered", None),
    "hard_bounce": ("hard_bounce", None),
    "soft_bounce": ("soft_bounce", None),
    "deferred": ("soft_bounce", None),
    "blocked": ("block", None),
    "spam": ("complaint", None),
    "complaint": ("complaint", None),
    "invalid_email": ("hard_bounce", "hard"),
    "unsubscribed": ("unsubscribe", None),
    "unsubscribe": ("unsubscribe", None),
    "error": None,
}
#: In the reason of ``blocked`` where Brevo did not try to send because the address is on its own list: that came of an
#: earlier event, which counted then ("blocked : due to blacklist user").
_LISTED: Final = ("due to blacklist", "due to blocklist", "blacklist user", "unsubscribed user")


class Brevo(BasicAuthFeed):
    """Reads what Brevo posts."""

    name = "brevo"

    def _is_ours(self, event: Any) -> bool:
        found = mapping(event)
        return isinstance(found.get("event"), str) and bool(found.keys() & {"message-id", "ts_event", "ts_epoch"})

    def _reports(self, event: Mapping[str, Any], now: float) -> Sequence[Report]:
        outcome, reason = EVENTS.get(event["event"]), diagnostic(event.get("reason"))
        if outcome is None or (event["event"] == "blocked" and _is_listed(reason)):
            return []
        kind, diagnosis = outcome
        recipient, message = text(event.get("email")), text(event.get("message-id"))
        if recipient is None and message is None:
            raise NotUnderstood
        # In this order: `ts_event` is in UTC, `ts_epoch` is in milliseconds and of the sending in some events.
        at = next((event[key] for key in ("ts_event", "ts_epoch", "ts") if event.get(key) is not None), None)
        custom = event.get("X-Mailin-custom")
        report = Report(
            feed=self.name,
            id=digest(event["event"], message, recipient, text(at)),
            type=kind,
            at=moment(at, now),
            recipient=recipient,
            clues=self._naming.clues(
                metadata=[json_metadata(custom)],
                tags=[*_pieces(custom), *_tags(event)],
                bare=[custom, *_tags(event)],
                message_ids=[message],
            ),
            reporter=domain_of(recipient),
            diagnostic=reason,
            diagnosis=diagnosis,
        )
        return [report]


def _is_listed(reason: str | None) -> bool:
    return reason is not None and any(words in reason.lower() for words in _LISTED)


def _pieces(custom: Any) -> Sequence[str]:
    return custom.split("|") if isinstance(custom, str) else []


def _tags(event: Mapping[str, Any]) -> Sequence[Any]:
    return sequence(event.get("tags")) or [event.get("tag")]
