"""An account decided again on the real store: what is recorded, what is not, by whom it can be changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from riskapi.app import Service
from riskapi.contract import Tier
from riskapi.decisions.events import Event
from riskapi.decisions.record import told_decision
from riskapi.errors import Problem
from riskapi.settings import Settings
from riskapi.settings.environment import Bind
from signals.facts import MailDomain, Registrant, Sender
from tests.conftest import NOW
from tests.reviewing import decide
from tests.signups import body, post, together
from tests.streams import told

HOUR, DAY = 3600.0, 86400.0


@pytest.fixture
def service_settings(service_settings: Settings) -> Settings:
    """A resolver of the operator's own is named, so that example domains are asked about."""
    return replace(service_settings, dns_resolver=Bind("127.0.0.1", 1), rdap_base="http://127.0.0.1:1")


@pytest.fixture
def says(service: Service) -> Callable[..., None]:
    """``says("ruiz.example", MailDomain(…))``: an upstream has answered about a domain or, for one, its network."""
    findings = service.findings

    def say(said: Any, user: str = "u_1", sender: str | None = None, at: float = NOW + 100) -> None:
        kinds = {MailDomain: "mail_domain", Registrant: "registrant", Sender: "sender"}
        signup = service.accounts.signup(user)
        assert signup is not None
        facts = service.gatherer.parse(body().model_validate_json(signup), NOW).facts
        subject = next(found for found in findings.subjects(facts, sender) if found.kind == kinds[type(said)])
        findings.want(user, [subject], {}, at)
        for task in findings.take(subject.shard, subject.family, at, 60.0, 10):
            if task.subject == subject:
                findings.finish(task, said, service.active.policy, at)
            else:
                findings.postpone(task, at)  # another one in the same shard, which nobody answered about

    return say


def view(service: Service, user: str = "u_1", now: float = NOW) -> Any:
    found = service.parts.profiles.view(user, now)
    return found


def again(service: Service, cause: str = "finding.mail_domain", user: str = "u_1", now: float = NOW + 105) -> Tier:
    return service.rescorer.again(user, cause, now).tier


def test_what_dns_said_changes_the_tier_with_reasons_history_review_and_events(
    service: Service, says: Callable[..., None]
) -> None:
    assert post(service, body())["decision"] == "allow"
    says(MailDomain(NOW, exists=True, null_mx=True, accepts_mail=False))
    assert again(service) == "review"
    account = view(service)
    assert account["tier"] == "review"
    assert account["assessment"]["decision"] == "allow", "the first answer stands"
    latest = account["latest"]
    assert (latest["decision"], latest["disposition"]) == (
        "review",
        {"source": "rule", "rule": "mail_domain_takes_none"},
    )
    assert "MAIL_DOMAIN_TAKES_NONE" in [reason["code"] for reason in latest["reasons"]]
    assert latest["limits"]["daily"] == service.active.policy.tiers.review.daily == account["limits"]["daily"]
    assert not any(row["signal"] == "domain_exists" for row in latest["degraded"])
    entry = account["history"][-1]
    assert (entry["from"], entry["to"], entry["source"], entry["reason"], entry["cause"]) == (
        "allow",
        "review",
        "rule",
        "mail_domain_takes_none",
        "finding.mail_domain",
    )
    review = service.parts.reviews.get(latest["review_id"])
    assert (review["status"], review["user_id"]) == ("open", "u_1")
    (change,) = told(service.store, "tier")
    assert (change["from"], change["to"], change["cause"]) == ("allow", "review", "finding.mail_domain")
    assert [event["to"] for event in told(service.store, "review")] == ["open"]
    assert [told_decision(event)["kind"] for event in told(service.store, "decision")] == ["signup", "again"]


def test_the_next_signup_of_the_domain_knows_it_at_once(service: Service, says: Callable[..., None]) -> None:
    first = post(service, body())
    assert {"signal": "domain_exists", "cause": "pending"} in first["degraded"]
    says(MailDomain(NOW, exists=True, null_mx=True))
    assert post(service, body("u_2", email={"address": "eva@ruiz.example"}))["decision"] == "review"


def test_a_network_the_registry_knows_as_hosting_is_told_among_the_readings(
    service: Service, says: Callable[..., None]
) -> None:
    post(service, body())
    says(Registrant(NOW, found=True, organization="Example Hosting GmbH", kind="hosting", allocated_at=NOW - 30 * DAY))
    again(service, "finding.registrant")
    readings = view(service)["readings"]
    assert readings["network_is_hosting"] is True
    assert readings["network_registrant"] == "Example Hosting GmbH"
    assert readings["network_age_days"] == pytest.approx(30)


def test_twice_is_once(service: Service, says: Callable[..., None]) -> None:
    post(service, body())
    says(MailDomain(NOW, exists=True, null_mx=True))
    assert [again(service) for _ in range(3)] == ["review"] * 3
    assert len(view(service)["history"]) == 2
    assert len(told(service.store, "tier")) == 1
    assert len(told(service.store, "decision")) == 2
    assert len(service.parts.reviews.list("open", 50, None)["reviews"]) == 1


def test_many_at_once_are_one_change(service: Service, says: Callable[..., None]) -> None:
    post(service, body())
    says(MailDomain(NOW, exists=True, null_mx=True))
    tiers = together(16, lambda number: again(service, now=NOW + 105 + number))
    assert tiers == ["review"] * 16
    assert len(view(service)["history"]) == 2
    assert len(told(service.store, "tier")) == 1
    assert len(service.parts.reviews.list("open", 50, None)["reviews"]) == 1


def test_a_look_by_the_schedule_that_finds_nothing_writes_nothing(service: Service) -> None:
    post(service, body())
    found = service.rescorer.again("u_1", "schedule", NOW + HOUR)
    assert (found.before, found.tier, found.due) == ("allow", "allow", NOW + 24 * HOUR)
    assert len(told(service.store, "decision")) == 1
    assert view(service)["latest"]["id"] == view(service)["assessment"]["id"]


def test_a_reviewer_who_decides_meanwhile_is_not_overruled(service: Service, says: Callable[..., None]) -> None:
    post(service, body())
    says(MailDomain(NOW, exists=True, null_mx=True))
    again(service)
    review = view(service)["latest"]["review_id"]

    def work(number: int) -> Any:
        if number == 0:
            return decide(service, review, "allow", "legitimate", "account", "a customer we know", "ana", NOW + 110)
        return again(service, "event.login", now=NOW + 110)

    together(8, work)
    assert view(service)["tier"] == "allow"
    assert again(service, "schedule", now=NOW + DAY) == "allow"
    assert view(service)["history"][-1]["source"] == "reviewer"


@pytest.mark.parametrize("how", ["a label", "a review"])
def test_what_a_person_decides_outlives_deciding_again_until_it_is_taken_back(
    service: Service, says: Callable[..., None], how: str
) -> None:
    post(service, body())
    add = service.parts.labels.add
    if how == "a label":
        add("u_1", "abuse", "manual_review", None, "ana", NOW + 110)
    else:
        says(MailDomain(NOW, exists=True, null_mx=True))
        again(service)
        review = view(service)["latest"]["review_id"]
        decide(service, review, reason="a spammer", actor="ana", now=NOW + 110)
    for days in (1, 29, 60):
        assert again(service, "schedule", now=NOW + days * DAY) == "limit"
    add("u_1", "unknown", "manual_review", "a mistake", "ana", NOW + 61 * DAY)
    by_itself = "allow" if how == "a label" else "review"
    assert again(service, "schedule", now=NOW + 61 * DAY + 1) == by_itself


def test_a_limit_of_company_that_a_person_confirms_outlives_the_company(service: Service) -> None:
    device = {"ip_address": "203.0.113.9", "id": "dev-1"}
    post(service, body("u_2", device=device))
    service.parts.labels.add("u_2", "abuse", "manual_review", None, "ana", NOW)
    assert post(service, body("u_1", device=device), NOW + HOUR)["decision"] == "limit"
    service.parts.labels.add("u_1", "abuse", "manual_review", None, "ana", NOW + 2 * HOUR)
    service.parts.labels.add("u_2", "unknown", "manual_review", None, "ana", NOW + 3 * HOUR)
    assert again(service, "linkage", "u_1", NOW + 3 * HOUR) == "limit"
    assert again(service, "linkage", "u_2", NOW + 3 * HOUR) == "limit", "in the company of u_1 now"


def test_an_account_nobody_knows_is_a_problem_not_a_record(service: Service) -> None:
    with pytest.raises(Problem):
        again(service, user="u_nobody")


def test_a_limit_that_was_found_later_is_felt_by_neighbours_through_links(
    service: Service, says: Callable[..., None]
) -> None:
    device = {"ip_address": "203.0.113.9", "id": "dev-1"}
    post(service, body("u_1", device=device))
    service.parts.labels.add("u_1", "abuse", "external", None, "ana", NOW)
    post(service, body("u_2", device={**device, "id": "dev-2"}))
    service.parts.lists.put(
        service.parts.lists.draft(
            "deny", "user", "u_2", expires_at=None, reason=None, author="ana", silences_feedback=False, now=NOW
        ),
        NOW,
    )
    assert again(service, "list", "u_2") == "limit"
    seen = post(service, body("u_3", device={**device, "id": "dev-2"}))
    assert seen["decision"] in ("allow", "review")
    assert service.parts.profiles.view("u_3", NOW)["readings"]["links_device_limited"] == 1


def test_a_deny_entry_that_goes_is_taken_back(service: Service) -> None:
    lists = service.parts.lists
    post(service, body())
    draft = lists.draft(
        "deny",
        "email_domain",
        "ruiz.example",
        expires_at=NOW + HOUR,
        reason=None,
        author="ana",
        silences_feedback=False,
        now=NOW,
    )
    entry = lists.put(draft, NOW).entry
    found = service.rescorer.again("u_1", "list", NOW + 1)
    assert (found.tier, found.due) == ("limit", NOW + HOUR), "looked at when the entry ends"
    row = view(service)["history"][-1]
    assert (row["source"], row["reason"], row["cause"]) == ("list", entry.id, "list")
    assert row["expires_at"] is not None
    assert again(service, "schedule", now=NOW + HOUR + 1) == "allow"
    assert view(service)["history"][-1]["to"] == "allow"
    assert view(service)["history"][-1]["cause"] == "list", "whatever led to the look"


def event(service: Service, type: str, now: float, **more: Any) -> Any:
    found = service.parts.events.record("u_1", Event(type=type, **more), now)
    return found


def test_events_are_readings_of_the_next_decision(service: Service) -> None:
    post(service, body())
    assert view(service)["readings"]["events_logins"] is None
    event(service, "email_verified", NOW + 60)
    event(service, "contacts_imported", NOW + 1800, count=20)
    event(service, "contacts_imported", NOW + 3600, count=7000)
    event(service, "contacts_imported", NOW + 900, count=5)
    readings = view(service)["readings"]
    assert readings["events_email_verified"] is True
    assert readings["events_hours_to_email_verified"] == pytest.approx(1 / 60)
    assert (readings["events_contact_imports"], readings["events_contacts_imported"]) == (3, 7000)
    assert readings["events_hours_to_contacts"] == pytest.approx(0.25), "told late, and the first all the same"
    assert readings["events_logins"] == 0 and readings["events_phone_verified"] is None


def test_an_event_that_matters_moves_the_tier_and_its_answer_says_so(service: Service) -> None:
    rules = [
        {
            "name": "many_contacts",
            "mode": "live",
            "tier": "review",
            "text": "Many contacts were imported",
            "when": {"events_contacts_imported": {"ge": 5000}},
        }
    ]
    policy = service.active.policy
    given = policy.model_dump(mode="json")
    given["rules"] = rules
    from riskapi import policy as policies

    service.active.use(service.active.basis.under(policies.check(given, where="test").with_model_mode("off")))
    post(service, body())
    assert event(service, "contacts_imported", NOW + 60, count=4999)["tier"] == "allow"
    assert event(service, "contacts_imported", NOW + 70, count=5000)["tier"] == "review"
    assert view(service)["history"][-1]["cause"] == "event.contacts_imported"


def test_an_event_of_another_type_is_recorded_and_moves_nothing(service: Service) -> None:
    post(service, body())
    assert event(service, "template_saved", NOW + 60)["tier"] == "allow"
    assert len(told(service.store, "decision")) == 1


def test_an_identity_that_is_checked_earns_the_step_that_asks_for_it(
    service: Service, says: Callable[..., None]
) -> None:
    post(service, body())
    sent = "mail.ruiz.example"
    found = event(service, "domain_authenticated", NOW + 60, custom_inputs={"domain": f"{sent.upper()}."})
    assert found["warnings"] == []
    assert view(service)["readings"]["sender_identity_checked"] is None
    says(Sender(NOW, spf=True, dkim=None, dmarc="none", aligned=True), sender=sent)
    again(service, "finding.sender")
    readings = view(service)["readings"]
    assert (readings["sender_identity_checked"], readings["sender_has_spf"], readings["sender_dmarc"]) == (
        True,
        True,
        "none",
    )
    for day in range(26):
        service.parts.grants.send("u_1", 20, _message(), NOW + 100 + day * DAY)
    limits = view(service, now=NOW + 27 * DAY)["limits"]
    steps = service.active.policy.tiers.allow.steps
    assert limits["daily"] == steps[-1].daily and steps[-1].identity
    says(Sender(NOW + 2 * DAY, spf=False, dkim=None, dmarc="none", aligned=False), sender=sent, at=NOW + 2 * DAY)
    again(service, "schedule", now=NOW + 27 * DAY)
    assert view(service, now=NOW + 27 * DAY)["limits"]["daily"] == steps[-2].daily, "lost when DNS says no more"


NOT_PROVED: dict[str, tuple[str, dict[str, Any], bool | None]] = {
    "a provider everybody uses": ("gmail.com", {}, None),
    "no domain at all": ("not a domain", {}, None),
    "a number": ("", {"custom_inputs": {"domain": 7}}, None),
}


@pytest.mark.parametrize(("domain", "more", "expected"), NOT_PROVED.values(), ids=NOT_PROVED)
def test_what_is_nobodys_own_domain_proves_nothing(
    service: Service, domain: str, more: dict[str, Any], expected: bool | None
) -> None:
    post(service, body())
    found = event(service, "domain_authenticated", NOW + 60, **(more or {"custom_inputs": {"domain": domain}}))
    assert [row["input_pointer"] for row in found["warnings"]] == ["/custom_inputs/domain"]
    assert view(service)["readings"]["sender_identity_checked"] is expected


def test_a_confirmed_address_proves_the_domain_that_mail_names(service: Service, says: Callable[..., None]) -> None:
    post(service, body())
    service.parts.grants.send("u_1", 1, _message("news.ruiz.example"), NOW + 10)
    says(Sender(NOW, spf=True, dmarc="reject", aligned=True), sender="news.ruiz.example")
    again(service, "finding.sender")
    assert view(service)["readings"]["sender_identity_checked"] is False, "anybody can write any domain"
    event(service, "email_verified", NOW + 60)
    assert view(service)["readings"]["sender_identity_checked"] is True


def _message(from_domain: str | None = None) -> Any:
    from riskapi.sending.grants import Message

    return Message(from_domain=from_domain)


def test_what_was_pending_is_so_no_more_when_nobody_knows(service: Service, says: Callable[..., None]) -> None:
    """The last answer to come says nothing: it is told all the same, or it would read as being asked for ever."""
    post(service, body())
    pending = {row["signal"] for row in view(service)["latest"]["degraded"] if row["cause"] == "pending"}
    assert {"domain_exists", "domain_age_days", "network_registrant"} <= pending
    assert not pending & {"domain_blocklists", "network_blocklists"}, "nobody is asked about these"
    says(Registrant(NOW))
    again(service, "finding.registrant")
    causes = {row["signal"]: row["cause"] for row in view(service)["latest"]["degraded"]}
    assert causes["network_registrant"] == "no_data"
    assert causes["domain_exists"] == "pending"


def test_a_watch_entry_that_comes_and_goes_opens_one_review(service: Service) -> None:
    lists = service.parts.lists
    post(service, body())
    for turn in range(3):
        at = NOW + 200 + 10 * turn
        draft = lists.draft(
            "watch", "user", "u_1", expires_at=None, reason=None, author="ana", silences_feedback=False, now=at
        )
        entry = lists.put(draft, at).entry
        assert again(service, "list", now=at + 1) == "review"
        lists.remove("watch", entry.id, "ana", at + 2)
        assert again(service, "list", now=at + 3) == "allow"
    (review,) = service.parts.reviews.list("open", 50, None)["reviews"]
    assert view(service)["latest"]["review_id"] == review["id"]


def test_numbers_of_any_size_are_taken_in_events(service: Service) -> None:
    post(service, body())
    found = event(service, "login", NOW + 60, custom_inputs={"big": 2**64, "small": -(2**70)})
    assert found["tier"] == "allow"
