"""Messages of Amazon SNS: which topic they are of, and whether Amazon signed them.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html and
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html. SignatureVersion 1 is RSA with SHA-1,
2 with SHA-256, both PKCS #1 v1.5. With raw message delivery on, SNS signs nothing, so that must be off.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from riskapi.feedback.feeds.feed import bad_signature, not_this_feed
from riskapi.feedback.feeds.payload import mapping, parsed

NOTIFICATION, SUBSCRIBE, UNSUBSCRIBE = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
#: What is signed, by ``Type``: each name and value on a line of its own, in this order, what is missing left out.
_SIGNED: Final[Mapping[str, Sequence[str]]] = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIBE: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    UNSUBSCRIBE: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
#: ``SignatureVersion``. SHA-1 is what Amazon signs with unless the topic says otherwise.
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303


class Certificates(Protocol):
    """Knows the keys that sign."""

    def keys(self, address: object, now: float) -> Sequence[rsa.RSAPublicKey]:
        """Keys of the certificate at an address, of which one has to have signed. Raises ``bad_signature``."""


def message(body: bytes) -> Mapping[str, Any]:
    """The message in a body. Raises ``not_json``; ``not_this_feed`` for what SNS does not send; ``bad_signature`` for
    what SES says without SNS's signature.
    """
    found = mapping(parsed(body))
    kind, topic = found.get("Type"), found.get("TopicArn")
    if isinstance(kind, str) and kind in _SIGNED and isinstance(topic, str):
        return found
    if "mail" in found and ("notificationType" in found or "eventType" in found):
        raise bad_signature("Turn raw message delivery of the subscription off: it carries no signature.")
    raise not_this_feed("The body is not a message of Amazon SNS.")


def verify(found: Mapping[str, Any], topics: Sequence[str], certificates: Certificates, now: float) -> None:
    """Make sure that a message is of one of the topics and that Amazon signed it. Raises ``bad_signature``."""
    topic = str(found["TopicArn"]).encode("utf-8", "replace")
    if not any(hmac.compare_digest(topic, known.encode()) for known in topics):
        raise bad_signature("TopicArn is not RISKAPI_FEEDBACK_SES_TOPIC_ARN.")
    algorithm = _HASHES.get(str(found.get("SignatureVersion")))
    given = found.get("Signature")
    if algorithm is None or not isinstance(given, str):
        raise bad_signature("The message has no signature of version 1 or 2.")
    try:
        signature = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise bad_signature("The signature is not base64.") from None
    signed = _signed(found)
    keys = certificates.keys(found.get("SigningCertURL"), now)
    if not any(_signs(key, signature, signed, algorithm) for key in keys):
        raise bad_signature("The signature is not of Amazon's certificate.")


def _signed(found: Mapping[str, Any]) -> bytes:
    """The bytes that are signed. Raises ``bad_signature`` where what is needed is missing or no text."""
    lines = []
    for name in _SIGNED[found["Type"]]:
        value = found.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            raise bad_signature(f"{name} is missing.")
        lines.append(f"{name}\n{value}\n")
    return "".join(lines).encode("utf-8", "surrogatepass")


def _signs(key: rsa.RSAPublicKey, signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        key.verify(signature, signed, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True
