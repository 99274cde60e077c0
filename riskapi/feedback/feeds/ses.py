"""Amazon SES, through a topic of Amazon SNS: feedback notifications and event publishing.

What SNS wraps around an event is in :mod:`riskapi.feedback.feeds.sns`, what events say in
:mod:`riskapi.feedback.feeds.ses_events`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from riskapi import logs
from riskapi.errors import Problem
from riskapi.feedback.feeds import amazon, ses_events, sns
from riskapi.feedback.feeds.feed import JSON, NotUnderstood, Posted, ProviderFeed, not_this_feed
from riskapi.feedback.feeds.naming import Naming
from riskapi.feedback.feeds.payload import mapping, parsed
from riskapi.feedback.feeds.sns_certificates import Fetch
from riskapi.feedback.feeds.sns_urls import confirms
from riskapi.feedback.reports import Received

_NOTHING: Final = Received(ignored=1)
_MISSED: Final = Received(not_understood=(0,))


class Ses(ProviderFeed):
    """Reads what SES publishes to ``topics``, the only ones believed. ``fetch`` confirms subscriptions to them."""

    name = "ses"
    media = frozenset({"text/plain", JSON})  # SNS says text/plain, whatever is in it

    def __init__(
        self, topics: Sequence[str], certificates: sns.Certificates, naming: Naming, fetch: Fetch = amazon.fetch
    ) -> None:
        self._topics, self._certificates, self._naming, self._fetch = topics, certificates, naming, fetch

    def verify(self, posted: Posted) -> None:
        """Check the topic, the address of the certificate and the signature, in this order."""
        found = sns.message(posted.body)
        sns.verify(found, self._topics, self._certificates, posted.now)
        if found["Type"] == sns.SUBSCRIBE and not confirms(found["SubscribeURL"], found["TopicArn"]):
            raise not_this_feed("SubscribeURL does not confirm a subscription to this topic at Amazon SNS.")

    def read(self, posted: Posted) -> Received:
        """The reports of one event, one a recipient; what SNS says on its own account is ignored."""
        found = sns.message(posted.body)
        said = str(found.get("Message"))
        if found["Type"] != sns.NOTIFICATION:
            return _NOTHING
        try:
            reports = ses_events.reports(mapping(parsed(said)), self._naming, posted.now)
        except NotUnderstood:
            return _MISSED
        except Problem:
            # SES says in words that it may publish: "Successfully validated SNS topic for Amazon SES event publishing."
            return _NOTHING if said.startswith("Successfully validated") else _MISSED
        return Received(tuple(reports)) if reports else _NOTHING

    def finish(self, posted: Posted) -> None:
        """Confirm a subscription, and note one that ended: from then on the feed is silent."""
        found = sns.message(posted.body)
        if found["Type"] == sns.SUBSCRIBE:
            self._fetch(found["SubscribeURL"])
            logs.note(logging.INFO, "feed_subscribed", feed=self.name)
        elif found["Type"] == sns.UNSUBSCRIBE:
            logs.note(logging.WARNING, "feed_unsubscribed", feed=self.name)
