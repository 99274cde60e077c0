"""What upstreams said and what the account did, as signals: unknown until it is said, and no more than was said."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.enrichment.findings import Finding, is_told
from signals.facts import Account, Activity, Email, Facts, MailDomain, Network, Registrant, Registration, Sender
from signals.registry import Readings, degraded, read, registered
from tests.conftest import NOW

HOUR, DAY = 3600.0, 86400.0
FAMILIES = ("domain", "events", "sender")


def facts(**parts: Any) -> Facts:
    return Facts(at=NOW + 30 * DAY, signed_up_at=NOW, account=Account(), email=Email("x", valid=False), **parts)


def said(**parts: Any) -> Readings:
    found = read(facts(**parts))
    return {name: found[name] for name, signal in registered().items() if signal.family in FAMILIES}


def test_before_anybody_was_asked_everything_is_unknown_and_pending() -> None:
    assert set(said().values()) == {None}
    missing = dict.fromkeys(("mail_domain", "registration", "registrant"), "pending")
    causes = {
        row["signal"]: row["cause"]
        for row in degraded(facts(missing=missing), read(facts()))
        if row["signal"].startswith(("domain_", "network_registrant"))
    }
    assert set(causes.values()) == {"pending"} and len(causes) > 10


def test_what_nobody_answered_stays_unknown() -> None:
    found = said(mail_domain=MailDomain(NOW), registration=Registration(NOW), sender=Sender(NOW))
    assert set(found.values()) == {None}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (MailDomain(NOW), False),
        (MailDomain(NOW, exists=True, whole=False), False),
        (MailDomain(NOW, exists=False), True),
        (Registration(NOW), False),
        (Registration(NOW, found=False), True),
        (Registrant(NOW), False),
        (Registrant(NOW, found=True), True),
        (Sender(NOW), False),
        (Sender(NOW, dmarc="missing"), True),
        (Sender(NOW, dmarc="missing", whole=False), False),
    ],
)
def test_an_upstream_that_did_not_answer_leaves_something_unknown(said: Finding, told: bool) -> None:
    assert is_told(said) is told


SAID: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a domain that takes no mail": (
        {"mail_domain": MailDomain(NOW, exists=True, null_mx=True, accepts_mail=False, mx_count=1)},
        {"domain_exists": True, "domain_takes_no_mail": True, "domain_accepts_mail": False, "domain_mx_count": 1},
    ),
    "a domain that is not there": (
        {"mail_domain": MailDomain(NOW, exists=False)},
        {"domain_exists": False, "domain_takes_no_mail": None},
    ),
    "records that are there": (
        {"mail_domain": MailDomain(NOW, spf="softfail", dmarc="none")},
        {"domain_spf": "softfail", "domain_has_spf": True, "domain_dmarc": "none", "domain_has_dmarc": True},
    ),
    "records that are missing": (
        {"mail_domain": MailDomain(NOW, spf="missing", dmarc="missing")},
        {"domain_has_spf": False, "domain_has_dmarc": False},
    ),
    "records that cannot be read are none": (
        {"mail_domain": MailDomain(NOW, spf="broken", dmarc="broken")},
        {"domain_has_spf": False, "domain_has_dmarc": False},
    ),
    "throw-away mail behind a private domain": (
        {"mail_domain": MailDomain(NOW, mx_provider="mailinator.com", mx_disposable=True)},
        {"domain_mx_provider": "mailinator.com", "domain_mx_is_disposable": True},
    ),
    "parked and listed": (
        {"mail_domain": MailDomain(NOW, parked=True, listed=2)},
        {"domain_is_parked": True, "domain_blocklists": 2},
    ),
    "a domain registered ten days before the signup, however old the account is": (
        {"registration": Registration(NOW, found=True, registered_at=NOW - 10 * DAY, registrar="Example")},
        {"domain_age_days": 10.0, "domain_is_registered": True, "domain_registrar": "Example"},
    ),
    "a domain registered after the signup": (
        {"registration": Registration(NOW, found=True, registered_at=NOW + DAY)},
        {"domain_age_days": 0.0},
    ),
    "a domain the registry does not know": (
        {"registration": Registration(NOW, found=False)},
        {"domain_is_registered": False, "domain_age_days": None},
    ),
    "a sender that is set up": (
        {"sender": Sender(NOW, spf=True, dkim=False, dmarc="reject", aligned=True), "identity": True},
        {
            "sender_has_spf": True,
            "sender_has_dkim": False,
            "sender_dmarc": "reject",
            "sender_is_aligned": True,
            "sender_identity_checked": True,
        },
    ),
    "nothing happened but one login": (
        {"events": {"login": Activity(1, NOW + HOUR, NOW + HOUR)}},
        {
            "events_logins": 1,
            "events_contact_imports": 0,
            "events_email_verified": None,
            "events_contacts_imported": None,
        },
    ),
    "contacts": (
        {"events": {"contacts_imported": Activity(3, NOW + HOUR / 2, NOW + DAY, 7000)}},
        {"events_contact_imports": 3, "events_contacts_imported": 7000, "events_hours_to_contacts": 0.5},
    ),
    "a clock that runs behind": (
        {"events": {"email_verified": Activity(1, NOW - 60, NOW - 60)}},
        {"events_email_verified": True, "events_hours_to_email_verified": 0.0},
    ),
    "a login from elsewhere, two days ago": (
        {"events": {"login": Activity(2, NOW, NOW)}, "moved_at": NOW + 28 * DAY},
        {"events_hours_since_moved": 48.0},
    ),
}


@pytest.mark.parametrize(("parts", "expected"), SAID.values(), ids=SAID)
def test_what_is_said(parts: dict[str, Any], expected: dict[str, Any]) -> None:
    found = said(**parts)
    assert {name: found[name] for name in expected} == expected


PUBLIC = {"ip": "83.50.1.1", "version": 4}
#: What the local databases know, what the registry says, and what counts.
KINDS: dict[str, tuple[dict[str, Any], Registrant | None, str | None]] = {
    "they know and nobody was asked": ({"kind": "consumer"}, None, "consumer"),
    "they know, whatever the registry says": ({"kind": "consumer"}, Registrant(NOW, True, kind="hosting"), "consumer"),
    "they do not know": ({}, Registrant(NOW, True, kind="hosting"), "hosting"),
    "they contradict each other": (
        {"kind": "consumer", "disputed": True},
        Registrant(NOW, True, kind="hosting"),
        "hosting",
    ),
    "they contradict each other and the registry does not tell": (
        {"kind": "consumer", "disputed": True},
        Registrant(NOW, True),
        "consumer",
    ),
    "an address that is reserved elsewhere and known to the operator's registry": (
        {"reserved": "documentation"},
        Registrant(NOW, True, kind="education"),
        "education",
    ),
    "an address that is reserved and known to nobody": (
        {"reserved": "documentation"},
        Registrant(NOW, False, kind="education"),
        None,
    ),
}


@pytest.mark.parametrize(("local", "registrant", "expected"), KINDS.values(), ids=KINDS)
def test_whose_word_on_a_network_counts(
    local: dict[str, Any], registrant: Registrant | None, expected: str | None
) -> None:
    network = Network("83.50.1.1", **{**PUBLIC, **local})
    found = read(facts(network=network, registrant=registrant))
    assert found["network_kind"] == expected
    assert found["network_is_hosting"] == (None if expected is None else expected == "hosting")


def test_no_reading_of_places_or_contacts_is_a_column() -> None:
    texts = {name for name, signal in registered().items() if signal.family in FAMILIES and signal.type == "str"}
    assert texts and not any(registered()[name].is_column for name in texts)
    assert not registered()["network_registrant"].is_column and not registered()["network_abuse_contact"].is_column
