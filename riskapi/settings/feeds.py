"""Settings of feeds: what proves that a mail provider sent a webhook, and under which names it tells the account."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import SecretStr

from riskapi.settings import environment
from riskapi.settings.setting import declare

#: A header's name: RFC 9110, 5.6.2.
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
#: A topic: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html and what SNS allows in names.
_TOPIC: Final = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]{1,32}:\d{1,20}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")


def header(text: str) -> str:
    """The name of a header."""
    if not _HEADER.fullmatch(text):
        raise ValueError("expected the name of a header, such as X-Account-Id")
    return text


def metadata_key(text: str) -> str:
    """A key that every provider takes in metadata or tags."""
    if not _KEY.fullmatch(text):
        raise ValueError("expected 1 to 64 letters, digits, dots, hyphens and underscores, such as account_id")
    return text


def credentials(text: str) -> SecretStr:
    """``user:password``, as RFC 7617 has it."""
    user, colon, password = text.partition(":")
    if not user or not colon or not password or not text.isprintable():
        raise ValueError("expected user:password in printable characters")
    return SecretStr(text)


def keys(text: str) -> tuple[SecretStr, ...]:
    """Keys with commas between them: the new one beside the old one while they change."""
    found = _words(text)
    if not found or not all(word.isascii() and word.isprintable() and " " not in word for word in found):
        raise ValueError("expected a key in printable ASCII characters, or several with commas between them")
    return tuple(SecretStr(word) for word in found)


def webhook_secrets(text: str) -> tuple[SecretStr, ...]:
    """``whsec_`` and base64 (Standard Webhooks 1.0.0, "Signature scheme"), several with commas between them."""
    found = _words(text)
    for word in found:
        try:
            sound = bool(base64.b64decode(f"{word.removeprefix('whsec_')}==", validate=False))
        except (binascii.Error, ValueError):
            sound = False
        if not sound or not word.isascii():
            raise ValueError("expected whsec_ and base64, or several with commas between them")
    if not found:
        raise ValueError("expected whsec_ and base64")
    return tuple(SecretStr(word) for word in found)


def public_keys(text: str) -> tuple[ec.EllipticCurvePublicKey, ...]:
    """Public keys on P-256 in DER and base64, as SendGrid shows them, several with commas between them."""
    found = []
    for word in _words(text):
        try:
            key = load_der_public_key(base64.b64decode(word, validate=True))
        except ValueError:
            raise ValueError("expected a public key in base64, as SendGrid shows it") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("expected a key on the curve P-256, as SendGrid shows it")
        found.append(key)
    if not found:
        raise ValueError("expected a public key in base64, as SendGrid shows it")
    return tuple(found)


def topics(text: str) -> tuple[str, ...]:
    """ARNs of topics of Amazon SNS, several with commas between them."""
    found = _words(text)
    if not found or not all(_TOPIC.fullmatch(word) for word in found):
        raise ValueError("expected the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:ses-feedback")
    return tuple(found)


def certificates(text: str) -> tuple[rsa.RSAPublicKey, ...]:
    """The keys of the certificates in a file."""
    file: Path = environment.existing_file(text)
    try:
        found = [each.public_key() for each in x509.load_pem_x509_certificates(file.read_bytes())]
    except (OSError, ValueError):
        raise ValueError(f"{file} holds no certificate in PEM") from None
    known = tuple(key for key in found if isinstance(key, rsa.RSAPublicKey))
    if not known:
        raise ValueError(f"{file} holds no certificate with an RSA key")
    return known


def _words(text: str) -> Sequence[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _basic(provider: str) -> SecretStr | None:
    meaning = f"`user:password` that {provider} sends (HTTP basic). Without it the feed is off."
    return declare(credentials, meaning, default=lambda: None, shown="–")


@dataclass(frozen=True, kw_only=True)
class FeedSettings:
    """Part of :class:`riskapi.settings.Settings`."""

    feedback_account_header: str = declare(
        header,
        "Header in a sent or returned message that names the account.",
        default=lambda: "X-Account-Id",
        shown="X-Account-Id",
    )
    feedback_metadata_key: str = declare(
        metadata_key,
        "Key in a provider's tags or metadata that names the account.",
        default=lambda: "account_id",
        shown="account_id",
    )
    feedback_ses_topic_arn: tuple[str, ...] = declare(
        topics,
        "ARN of the SNS topic that SES publishes to, the only one believed; several with commas between them. Without "
        "it the feed is off.",
        default=lambda: (),
        shown="–",
    )
    feedback_ses_certificate_file: tuple[rsa.RSAPublicKey, ...] = declare(
        certificates,
        "PEM file of the certificate that SNS signs with, used instead of fetching it from Amazon.",
        default=lambda: (),
        shown="fetched",
    )
    feedback_sendgrid_public_key: tuple[ec.EllipticCurvePublicKey, ...] = declare(
        public_keys,
        "Public key of SendGrid's signed event webhook, in base64 as it shows it; several with commas between them. "
        "Without it the feed is off.",
        default=lambda: (),
        shown="–",
    )
    feedback_mailgun_signing_key: tuple[SecretStr, ...] = declare(
        keys,
        "Mailgun's webhook signing key; several with commas between them. Without it the feed is off.",
        default=lambda: (),
        shown="–",
    )
    feedback_postmark_auth: SecretStr | None = _basic("Postmark")
    feedback_sparkpost_auth: SecretStr | None = _basic("SparkPost")
    feedback_resend_secret: tuple[SecretStr, ...] = declare(
        webhook_secrets,
        "Signing secret (`whsec_…`) of Resend, or of another sender of Standard Webhooks; several with commas between "
        "them. Without it the feed is off.",
        default=lambda: (),
        shown="–",
    )
    feedback_brevo_auth: SecretStr | None = _basic("Brevo")
    feedback_mailjet_auth: SecretStr | None = _basic("Mailjet")
