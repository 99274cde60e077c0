"""Mail providers, as they post: payloads in the shapes of their documentation, signed as each signs them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

from riskapi.feedback.feeds.feed import Posted
from riskapi.times import rfc3339
from tests.conftest import NOW

BASIC = "riskapi:correct horse, battery"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-feedback"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0000000000000000000000"
CONFIRMATION = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"


@dataclass(frozen=True)
class Sent:
    """One request of a provider."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"
    query: Mapping[str, str] = field(default_factory=dict)

    def posted(self, now: float = NOW) -> Posted:
        return Posted(
            self.body, {name.lower(): value for name, value in self.headers.items()}, self.query, self.media, now
        )


class Sender(ABC):
    """One provider. ``name`` is its feed's, ``settings`` turn it on."""

    name: ClassVar[str]
    #: Whether the same request is refused once it was stored.
    once: ClassVar[bool] = False

    @abstractmethod
    def settings(self, folder: Path) -> dict[str, str]: ...

    @abstractmethod
    def complaint(self, id: str, user: str | None = "u_1", at: float = NOW) -> Any:
        """What is said of one complaint, about a mail of ``user``; of no account at all with None."""

    @abstractmethod
    def unknown(self) -> Any:
        """An event of a type that there is not yet."""

    def sent(self, payload: Any, now: float = NOW) -> Sent:
        """The payload, proved to be the provider's."""
        return self.proved(orjson.dumps(payload), now)

    @abstractmethod
    def proved(self, body: bytes, now: float = NOW) -> Sent:
        """Any bytes as a body, proved where the proof is not in the body itself."""

    @abstractmethod
    def spoiled(self, sent: Sent) -> Sent:
        """With a proof that is wrong."""

    @abstractmethod
    def unproved(self, sent: Sent) -> Sent:
        """Without any proof."""

    def several(self, *payloads: Any) -> list[Any]:
        """What has to be sent for several events: a body each, or one."""
        return list(payloads)


class _Basic(Sender):
    def settings(self, folder: Path) -> dict[str, str]:
        return {f"RISKAPI_FEEDBACK_{self.name.upper()}_AUTH": BASIC}

    def proved(self, body: bytes, now: float = NOW) -> Sent:
        return Sent(body, {"Authorization": f"Basic {base64.b64encode(BASIC.encode()).decode()}"})

    def spoiled(self, sent: Sent) -> Sent:
        return replace(sent, headers={"Authorization": f"Basic {base64.b64encode(b'riskapi:wrong').decode()}"})

    def unproved(self, sent: Sent) -> Sent:
        return replace(sent, headers={})


class Postmark(_Basic):
    name = "postmark"

    def complaint(self, id: str, user: str | None = "u_1", at: float = NOW) -> Any:
        return {
            "RecordType": "SpamComplaint",
            "MessageStream": "outbound",
            "ID": int(hashlib.sha256(id.encode()).hexdigest()[:12], 16),
            "Type": "SpamComplaint",
            "TypeCode": 100001,
            "Name": "Spam complaint",
            "Tag": "Invitation",
            "MessageID": "00000000-0000-0000-0000-000000000000",
            "Metadata": {"a_key": "a_value"} | ({"account_id": user} if user else {}),
            "ServerID": 23,
            "Description": "The subscriber explicitly marked this message as spam.",
            "Details": "Test spam complaint details",
            "Email": "bo@ruiz.example",
            "From": "sender@saas.example",
            "BouncedAt": rfc3339(at).replace("Z", "0000Z"),
            "DumpAvailable": True,
            "Inactive": True,
            "CanActivate": False,
            "Subject": "Test subject",
        }

    def unknown(self) -> Any:
        return {"RecordType": "Whisper", "MessageID": "m_1", "Recipient": "bo@ruiz.example"}


class SparkPost(_Basic):
    name = "sparkpost"

    def complaint(self, id: str, user: str | None = "u_1", at: float = NOW) -> Any:
        event = {
            "type": "spam_complaint",
            "event_id": id,
            "fbtype": "abuse",
            "report_by": "fbl.provider.example",
            "report_to": "abuse.saas.example",
            "raw_rcpt_to": "bo@ruiz.example",
            "rcpt_to": "bo@ruiz.example",
            "rcpt_meta": {"customKey": "customValue"} | ({"account_id": user} if user else {}),
            "rcpt_tags": ["male", "US"],
            "message_id": "000443ee14578172be22",
            "transmission_id": "65832150921904138",
            "msg_from": "sender@saas.example",
            "timestamp": str(int(at)),
        }
        return [{"msys": {"message_event": event}}]

    def unknown(self) -> Any:
        return [{"msys": {"message_event": {"type": "whisper", "event_id": "e_1"}}}]

    def several(self, *payloads: Any) -> list[Any]:
        return [[part for payload in payloads for part in payload]]


class Brevo(_Basic):
    name = "brevo"

    def complaint(self, id: str, user: str | None = "u_1", at: float = NOW) -> Any:
        return {
            "event": "spam",
            "email": "bo@ruiz.example",
            "id": 26224,
            "date": "2026-11-22 11:00:00",
            "ts": int(at),
            "message-id": f"<{id}@smtp-relay.saas.example>",
            "ts_event": int(at),
            "ts_epoch": int(at * 1000),
            "X-Mailin-custom": f"account_id:{user}|campaign:spring" if user else "campaign:spring",
            "tags": ["transac_messages"],
        }

    def unknown(self) -> Any:
        return {
            "event": "whisper",
            "email": "bo@ruiz.example",
            "message-id": "<m_1@saas.example>",
            "ts_event": int(NOW),
        }


class Mailjet(_Basic):
    name = "mailjet"

    def complaint(self, id: str, user: str | None = "u_1", at: float = NOW) -> Any:
        return {
            "event": "spam",
            "time": int(at),
            "MessageID": 19_421_777_836_302_490 + int(hashlib.sha256(id.encode()).hexdigest()[:8], 16),
            "Message_GUID": "1ab23cd4-e567-8901-2345-6789f0gh1i2j",
            "email": "bo@ruiz.example",
            "mj_campaign_id": 1898,
            "mj_contact_id": 1899,
            "customcampaign": "spring",
            "CustomID": user or "",
            "Payload": "",
            "source": "JMRPP",
        }

    def unknown(self) -> Any:
        return {"event": "whisper", "time": int(NOW), "MessageID": 1, "email": "bo@ruiz.example"}

    def several(self, *payloads: Any) -> list[Any]:
        return [list(payloads)]


class SendGrid(Sender):
    name = "sendgrid"

    @cached_property
    def key(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    def settings(self, folder: Path) -> dict[str, str]:
        shown = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {"RISKAPI_FEEDBACK_SENDGRID_PUBLIC_KEY": base64.b64encode(shown).decode()}

    def complaint(self, id: str, user: str | None = "u_1", at: float = NOW) -> Any:
        event = {
            "email": "bo@ruiz.example",
            "timestamp": int(at),
            "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
            "event": "spamreport",
            "category": ["cat facts"],
            "sg_event_id": id,
            "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        }
        return [event | ({"account_id": user} if user else {})]

    def unknown(self) -> Any:
        return [{"email": "bo@ruiz.example", "timestamp": int(NOW), "event": "whisper", "sg_event_id": "e_1"}]

    def several(self, *payloads: Any) -> list[Any]:
        return [[part for payload in payloads for part in payload]]

    def proved(self, body: bytes, now: float = NOW) -> Sent:
        timestamp = str(int(now))
        signature = self.key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
        return Sent(body, headers)

    def spoiled(self, sent: Sent) -> Sent:
        other = ec.generate_private_key(ec.SECP256R1()).sign(sent.body, ec.ECDSA(hashes.SHA256()))
        wrong = base64.b64encode(other).decode()
        return replace(sent, headers={**sent.headers, "X-Twilio-Email-Event-Webhook-Signature": wrong})

    def unproved(self, sent: Sent) -> Sent:
        return replace(sent, headers={})


class Mailgun(Sender):
    name = "mailgun"
    once = True
    key = "0123456789abcdef0123456789abcdef-00000000"

    def settings(self, folder: Path) -> dict[str, str]:
        return {"RISKAPI_FEEDBACK_MAILGUN_SIGNING_KEY": self.key}

    def complaint(self, id: str, user: str | None = "u_1", at: float = NOW) -> Any:
        return {
            "id": id,
            "event": "complained",
            "timestamp": at + 0.521,
            "log-level": "warn",
            "recipient": "bo@ruiz.example",
            "flags": {"is-test-mode": False},
            "message": {"headers": {"message-id": "20110215055645.25246.63817@saas.example", "to": "bo@ruiz.example"}},
            "tags": ["my_tag_1"],
            "user-variables": {"my_var_1": "Mailgun"} | ({"account_id": user} if user else {}),
            "campaigns": [],
        }

    def unknown(self) -> Any:
        return {"id": "e_1", "event": "whisper", "timestamp": NOW, "recipient": "bo@ruiz.example"}

    def signature(self, now: float = NOW, token: str | None = None) -> dict[str, str]:
        token, timestamp = token or secrets.token_hex(25), str(int(now))
        found = hmac.new(self.key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
        return {"timestamp": timestamp, "token": token, "signature": found}

    def sent(self, payload: Any, now: float = NOW, token: str | None = None) -> Sent:
        return Sent(orjson.dumps({"signature": self.signature(now, token), "event-data": payload}))

    def proved(self, body: bytes, now: float = NOW) -> Sent:
        return Sent(body)

    def form(self, fields: list[tuple[str, str]], now: float = NOW) -> Sent:
        """A legacy webhook."""
        body = urlencode([*fields, *self.signature(now).items()]).encode()
        return Sent(body, media="application/x-www-form-urlencoded")

    def spoiled(self, sent: Sent) -> Sent:
        found = orjson.loads(sent.body)
        found["signature"]["signature"] = "0" * 64
        return replace(sent, body=orjson.dumps(found))

    def unproved(self, sent: Sent) -> Sent:
        found = orjson.loads(sent.body)
        return replace(sent, body=orjson.dumps({"event-data": found["event-data"]}))


class Resend(Sender):
    name = "resend"
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    prefix = "svix"

    def settings(self, folder: Path) -> dict[str, str]:
        return {"RISKAPI_FEEDBACK_RESEND_SECRET": self.secret}

    def complaint(self, id: str, user: str | None = "u_1", at: float = NOW) -> Any:
        data = {
            "broadcast_id": "8b146471-e88e-4322-86af-016cd36fd216",
            "created_at": "2026-11-22 09:59:11.894719+00",
            "email_id": id,
            "from": "Acme <sender@saas.example>",
            "to": ["bo@ruiz.example"],
            "subject": "Sending this example",
            "tags": {"category": "confirm_email"} | ({"account_id": user} if user else {}),
        }
        return {"type": "email.complained", "created_at": rfc3339(at), "data": data}

    def unknown(self) -> Any:
        return {"type": "email.whispered", "created_at": rfc3339(NOW), "data": {"email_id": "m_1"}}

    def proved(self, body: bytes, now: float = NOW, id: str | None = None) -> Sent:
        # The id of an event is that of its payload here: an event sent again has the same.
        own = id or f"msg_{hashlib.sha256(body).hexdigest()[:24]}"
        at = datetime.fromtimestamp(int(now), UTC)
        headers = {
            f"{self.prefix}-id": own,
            f"{self.prefix}-timestamp": str(int(now)),
            f"{self.prefix}-signature": Webhook(self.secret).sign(own, at, body.decode("utf-8", "replace")),
        }
        return Sent(body, headers)

    def spoiled(self, sent: Sent) -> Sent:
        return replace(sent, headers={**sent.headers, f"{self.prefix}-signature": f"v1,{'A' * 43}="})

    def unproved(self, sent: Sent) -> Sent:
        return replace(sent, headers={})


class Ses(Sender):
    name = "ses"

    def __init__(self) -> None:
        authority = rsa_key()
        self.key, self.authority = rsa_key(), authority
        self.certificate = certificate(self.key, "sns.amazonaws.com", authority)

    def settings(self, folder: Path) -> dict[str, str]:
        file = folder / "sns.pem"
        file.write_bytes(self.certificate)
        return {"RISKAPI_FEEDBACK_SES_TOPIC_ARN": TOPIC, "RISKAPI_FEEDBACK_SES_CERTIFICATE_FILE": str(file)}

    def complaint(self, id: str, user: str | None = "u_1", at: float = NOW) -> Any:
        return {
            "notificationType": "Complaint",
            "complaint": {
                "userAgent": "AnyCompany Feedback Loop (V0.01)",
                "complainedRecipients": [{"emailAddress": "bo@ruiz.example"}],
                "complaintFeedbackType": "abuse",
                "complaintSubType": None,
                "arrivalDate": rfc3339(at),
                "timestamp": rfc3339(at),
                "feedbackId": f"000001378603177f-{id}",
            },
            "mail": mail(id, user),
        }

    def unknown(self) -> Any:
        return {"eventType": "Whisper", "mail": mail("m_1")}

    def sent(self, payload: Any, now: float = NOW, version: str = "2", id: str = "sns_1") -> Sent:
        said = payload if isinstance(payload, str) else orjson.dumps(payload).decode()
        return self.message({"Type": "Notification", "Message": said, "MessageId": id}, version)

    def proved(self, body: bytes, now: float = NOW) -> Sent:
        return Sent(body, media="text/plain")

    def message(self, fields: Mapping[str, Any], version: str = "2", key: rsa.RSAPrivateKey | None = None) -> Sent:
        """A message of SNS with these fields, signed."""
        found = {
            "MessageId": "sns_1",
            "TopicArn": TOPIC,
            "Timestamp": rfc3339(NOW),
            "SignatureVersion": version,
            "SigningCertURL": f"{CERTIFICATE}.pem",
            "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
            **fields,
        }
        names = ["Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type"]
        signed = "".join(f"{name}\n{found[name]}\n" for name in names if found.get(name) is not None)
        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
        signature = (key or self.key).sign(signed.encode(), padding.PKCS1v15(), algorithm)
        found["Signature"] = base64.b64encode(signature).decode()
        headers = {"x-amz-sns-message-type": str(found["Type"]), "x-amz-sns-topic-arn": str(found["TopicArn"])}
        return Sent(orjson.dumps(found), headers, "text/plain")

    def spoiled(self, sent: Sent) -> Sent:
        found = orjson.loads(sent.body)
        found["Signature"] = base64.b64encode(bytes(256)).decode()
        return replace(sent, body=orjson.dumps(found))

    def unproved(self, sent: Sent) -> Sent:
        found = orjson.loads(sent.body)
        del found["Signature"]
        return replace(sent, body=orjson.dumps(found))


def mail(id: str, user: str | None = "u_1", **more: Any) -> dict[str, Any]:
    """SES's words about the message that an event is about."""
    headers = [{"name": "From", "value": "sender@saas.example"}, {"name": "Feedback-ID", "value": "a:b:c:saas"}]
    return {
        "timestamp": rfc3339(NOW - 60),
        "source": f"bounces+{user}@saas.example" if user else "sender@saas.example",
        "messageId": id,
        "destination": ["bo@ruiz.example"],
        "headersTruncated": False,
        "headers": headers + ([{"name": "X-Account-Id", "value": user}] if user else []),
        "commonHeaders": {"from": ["sender@saas.example"], "messageId": f"<{id}@saas.example>"},
        **more,
    }


def certificate(
    key: rsa.RSAPrivateKey,
    name: str,
    authority: rsa.RSAPrivateKey,
    begins: float = NOW - 86_400,
    days: int = 365,
) -> bytes:
    """A certificate in PEM, signed by an authority of our own."""
    at = datetime.fromtimestamp(begins, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at)
        .not_valid_after(at + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(authority, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


SENDERS: dict[str, Sender] = {
    sender.name: sender
    for sender in (Ses(), SendGrid(), Mailgun(), Postmark(), SparkPost(), Resend(), Brevo(), Mailjet())
}
