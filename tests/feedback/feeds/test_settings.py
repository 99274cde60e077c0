"""Secrets of feeds: read from the environment or a file, several while they change, nonsense refused by name."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import SecretStr

from riskapi.errors import ConfigurationError
from riskapi.settings import Settings
from tests.feedback.feeds.senders import SENDERS, TOPIC

SENDGRID: Any = SENDERS["sendgrid"]


def shown(key: Any) -> str:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


WRONG = {
    "no password": ("POSTMARK_AUTH", "user"),
    "an empty password": ("SPARKPOST_AUTH", "user:"),
    "no user": ("BREVO_AUTH", ":password"),
    "no topic": ("SES_TOPIC_ARN", "ses-feedback"),
    "a queue": ("SES_TOPIC_ARN", "arn:aws:sqs:eu-west-1:123456789012:ses-feedback"),
    "no key": ("SENDGRID_PUBLIC_KEY", "MFkw"),
    "no base64": ("SENDGRID_PUBLIC_KEY", "-----BEGIN PUBLIC KEY-----"),
    "an RSA key": ("SENDGRID_PUBLIC_KEY", shown(rsa.generate_private_key(65537, 2048))),
    "another curve": ("SENDGRID_PUBLIC_KEY", shown(ec.generate_private_key(ec.SECP384R1()))),
    "no secret": ("RESEND_SECRET", "whsec_"),
    "only commas": ("MAILGUN_SIGNING_KEY", ",,"),
    "a key with spaces": ("MAILGUN_SIGNING_KEY", "a b"),
    "no file": ("SES_CERTIFICATE_FILE", "/nowhere/sns.pem"),
    "a header with a colon": ("ACCOUNT_HEADER", "X-Account-Id:"),
    "a key with a colon": ("METADATA_KEY", "account:id"),
}


@pytest.mark.parametrize(("name", "text"), WRONG.values(), ids=WRONG)
def test_nonsense_is_refused_with_its_name(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.load({f"RISKAPI_FEEDBACK_{name}": text})
    assert f"RISKAPI_FEEDBACK_{name}: expected" in str(refused.value) or "no such file" in str(refused.value)


def test_a_certificate_that_is_none_is_refused_at_start(tmp_path: Path) -> None:
    file = tmp_path / "sns.pem"
    for content in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\x00"):
        file.write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"RISKAPI_FEEDBACK_SES_CERTIFICATE_FILE: .*sns\.pem holds no"):
            Settings.load({"RISKAPI_FEEDBACK_SES_CERTIFICATE_FILE": str(file)})


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "auth"
    file.write_text("riskapi:correct horse\n")
    found = Settings.load({"RISKAPI_FEEDBACK_MAILJET_AUTH_FILE": str(file)})
    assert found.feedback_mailjet_auth == SecretStr("riskapi:correct horse")
    assert "horse" not in repr(found)


def test_several_stand_beside_each_other_while_they_change() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    found = Settings.load(
        {
            "RISKAPI_FEEDBACK_SENDGRID_PUBLIC_KEY": f"{shown(SENDGRID.key)}, {shown(other)}",
            "RISKAPI_FEEDBACK_MAILGUN_SIGNING_KEY": "key-1,key-2",
            "RISKAPI_FEEDBACK_RESEND_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, whsec_C2FVsBQIhrscChlQIMV+b5",
            "RISKAPI_FEEDBACK_SES_TOPIC_ARN": f"{TOPIC},{TOPIC}-complaints",
        }
    )
    assert len(found.feedback_sendgrid_public_key) == 2
    assert found.feedback_mailgun_signing_key == (SecretStr("key-1"), SecretStr("key-2"))
    assert len(found.feedback_resend_secret) == 2
    assert found.feedback_ses_topic_arn == (TOPIC, f"{TOPIC}-complaints")
