"""The providers of mail that can tell of it: every feed there is, each where its secret is set."""

from __future__ import annotations

from collections.abc import Mapping

from riskapi.feedback.feeds import amazon
from riskapi.feedback.feeds.brevo import Brevo
from riskapi.feedback.feeds.feed import ProviderFeed
from riskapi.feedback.feeds.mailgun import Mailgun
from riskapi.feedback.feeds.mailjet import Mailjet
from riskapi.feedback.feeds.naming import Naming
from riskapi.feedback.feeds.postmark import Postmark
from riskapi.feedback.feeds.resend import Resend
from riskapi.feedback.feeds.sendgrid import SendGrid
from riskapi.feedback.feeds.ses import Ses
from riskapi.feedback.feeds.sns_certificates import CertificateFile, Fetch, FetchedCertificates
from riskapi.feedback.feeds.sparkpost import SparkPost
from riskapi.settings import Settings
from riskapi.store.connections import Store


def feeds(settings: Settings, store: Store, fetch: Fetch = amazon.fetch) -> Mapping[str, ProviderFeed]:
    """The feeds that are on, by their name in the address; ``fetch`` asks Amazon."""
    naming = Naming(settings.feedback_metadata_key, settings.feedback_account_header)
    found: list[ProviderFeed] = []
    if settings.feedback_ses_topic_arn:
        given = settings.feedback_ses_certificate_file
        certificates = CertificateFile(given) if given else FetchedCertificates(fetch)
        found.append(Ses(settings.feedback_ses_topic_arn, certificates, naming, fetch))
    if settings.feedback_sendgrid_public_key:
        found.append(SendGrid(settings.feedback_sendgrid_public_key, naming))
    if settings.feedback_mailgun_signing_key:
        found.append(Mailgun(settings.feedback_mailgun_signing_key, store, naming))
    if settings.feedback_postmark_auth is not None:
        found.append(Postmark(settings.feedback_postmark_auth, naming))
    if settings.feedback_sparkpost_auth is not None:
        found.append(SparkPost(settings.feedback_sparkpost_auth, naming))
    if settings.feedback_resend_secret:
        found.append(Resend(settings.feedback_resend_secret, naming))
    if settings.feedback_brevo_auth is not None:
        found.append(Brevo(settings.feedback_brevo_auth, naming))
    if settings.feedback_mailjet_auth is not None:
        found.append(Mailjet(settings.feedback_mailjet_auth, naming))
    return {feed.name: feed for feed in found}
