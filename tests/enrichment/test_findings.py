"""Findings on the real store: who waits, one look-up for all, leases, and events written with what was said."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.app import Service
from riskapi.enrichment.findings import RETRACTED, Findings, finding_key, speaks_against
from riskapi.enrichment.sources import doubtful
from riskapi.enrichment.subjects import Subject, Task, queue_key
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS
from signals.facts import Facts, MailDomain, Registrant, Sender
from tests.conftest import NOW
from tests.signups import body, together
from tests.streams import told

LEASE = 60.0
ABSENT, ALL = doubtful("nothing_exists"), doubtful("everything_exists")


@pytest.fixture
def findings(service: Service) -> Findings:
    return Findings(service.store, service.gatherer._links, lambda _: True, anywhere=True)


def facts(service: Service, **parts: Any) -> Facts:
    return service.gatherer.parse(body(**parts), NOW).facts


def taken(findings: Findings, now: float = NOW, most: int = 100) -> list[Task]:
    return [
        task
        for number in range(SHARDS)
        for family in ("dns", "rdap")
        for task in findings.take(number, family, now, LEASE, most)
    ]


def domain(findings: Findings, service: Service, name: str = "ruiz.example") -> Subject:
    found = findings.subjects(facts(service, email={"address": f"ana@{name}"}))
    return next(subject for subject in found if subject.kind == "mail_domain")


SUBJECTS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "a domain of their own and a network nobody knows": (
        {"email": {"address": "ana@mail.ruiz.example"}, "device": {"ip_address": "203.0.113.9"}},
        [("mail_domain", "mail.ruiz.example"), ("registration", "ruiz.example"), ("registrant", "203.0.113.9")],
    ),
    "a large provider: its domain is known, and the registry has nothing to say of its customers": (
        {"email": {"address": "ana@gmail.com"}, "device": None},
        [],
    ),
    "one with a domain of a country": ({"email": {"address": "ana@yahoo.co.jp"}, "device": None}, []),
    "a domain below a provider's is not the provider's": (
        {"email": {"address": "ana@x.gmail.com"}, "device": None},
        [("mail_domain", "x.gmail.com")],
    ),
    "a network the local databases know": (
        {"email": {"address": "ana@gmail.com"}, "device": {"ip_address": "8.8.8.8"}},
        [],
    ),
    "an address from inside": ({"email": {"address": "ana@gmail.com"}, "device": {"ip_address": "10.0.0.1"}}, []),
    "no address that could be read": ({"email": {"address": "nonsense"}, "device": {"ip_address": "nowhere"}}, []),
}


@pytest.mark.parametrize(("parts", "expected"), SUBJECTS.values(), ids=SUBJECTS)
def test_what_is_asked_about_a_signup(
    findings: Findings, service: Service, parts: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert [(found.kind, found.value) for found in findings.subjects(facts(service, **parts))] == expected


def test_nobody_is_asked_where_enrichment_is_off_nor_about_names_that_cannot_be(
    findings: Findings, service: Service
) -> None:
    links = service.gatherer._links
    assert Findings(service.store, links, None).subjects(facts(service)) == ()
    kinds = {found.kind for found in Findings(service.store, links, lambda _: False).subjects(facts(service))}
    assert kinds <= {"registrant"}
    assert Findings(service.store, links, lambda _: False).subjects(facts(service)) == ()  # a documentation address


def test_a_thousand_who_want_the_same_put_it_into_the_queue_once(findings: Findings, service: Service) -> None:
    subject = domain(findings, service)
    answers = together(
        20, lambda number: [findings.want(f"u_{number}_{each}", [subject], {}, NOW) for each in range(50)]
    )
    assert not any(answer for found in answers for answer in found)
    (task,) = taken(findings)
    assert (task.subject, task.tries) == (subject, 1)
    assert findings.finish(task, MailDomain(NOW, exists=True), service.active.policy, NOW)
    events = told(service.store, "finding")
    assert sorted(name for event in events for name in event["user_ids"]) == sorted(
        f"u_{number}_{each}" for number in range(20) for each in range(50)
    )
    assert all(len(event["user_ids"]) <= 100 and event["kind"] == "mail_domain" for event in events)
    assert taken(findings, NOW + 10 * LEASE) == []
    assert findings.waiting() == 0


def test_no_event_and_no_key_holds_the_domain(findings: Findings, service: Service) -> None:
    subject = domain(findings, service)
    findings.want("u_1", [subject], {}, NOW)
    findings.finish(taken(findings)[0], MailDomain(NOW, exists=True), service.active.policy, NOW)
    keys = b" ".join(service.store.execute("KEYS", "*"))
    assert b"ruiz" not in keys
    assert "ruiz" not in str(told(service.store, "finding"))


def test_of_two_who_take_at_once_one_gets_it(findings: Findings, service: Service) -> None:
    subject = domain(findings, service)
    findings.want("u_1", [subject], {}, NOW)
    found = together(16, lambda _: findings.take(subject.shard, "dns", NOW, LEASE, 5))
    assert sum(len(each) for each in found) == 1


def test_who_wants_what_is_being_looked_up_waits_for_it(findings: Findings, service: Service) -> None:
    subject = domain(findings, service)
    findings.want("u_1", [subject], {}, NOW)
    (task,) = taken(findings)
    findings.want("u_2", [subject], {}, NOW + 1)
    assert taken(findings, NOW + 1) == []
    findings.finish(task, MailDomain(NOW + 1, exists=True), service.active.policy, NOW + 1)
    assert sorted(told(service.store, "finding")[0]["user_ids"]) == ["u_1", "u_2"]


def test_whoever_was_killed_loses_the_task_and_can_finish_it_no_more(findings: Findings, service: Service) -> None:
    subject, policy = domain(findings, service), service.active.policy
    findings.want("u_1", [subject], {}, NOW)
    (dead,) = taken(findings)
    assert taken(findings, NOW + LEASE / 2) == []
    (heir,) = taken(findings, NOW + LEASE)
    assert not findings.finish(dead, MailDomain(NOW, exists=False), policy, NOW)
    assert not findings.retry(dead, NOW)
    assert findings.finish(heir, MailDomain(NOW, exists=True), policy, NOW)
    assert len(told(service.store, "finding")) == 1


def test_a_finding_is_read_with_the_next_signup_and_has_an_age(findings: Findings, service: Service) -> None:
    subject, policy = domain(findings, service), service.active.policy
    findings.want("u_1", [subject], {}, NOW)
    said = MailDomain(NOW, exists=True, null_mx=False, mx_count=2, mx_provider="google.com", spf="softfail")
    findings.finish(taken(findings)[0], said, policy, NOW)
    pipe = service.store.pipeline()
    known = findings.queue(pipe, [subject])
    service.store.run(pipe)
    assert known() == {"mail_domain": said}
    assert 47 * 3600 < service.store.execute("TTL", finding_key(subject)) <= 48 * 3600


def test_what_is_fresh_is_not_asked_again_and_what_is_not_is(findings: Findings, service: Service) -> None:
    subject, policy = domain(findings, service), service.active.policy
    findings.want("u_1", [subject], {}, NOW)
    findings.finish(taken(findings)[0], MailDomain(NOW, exists=True), policy, NOW)
    assert findings.want("u_2", [subject], {}, NOW + 60), "there is something newer than its decision rested on"
    assert not findings.want("u_3", [subject], {"mail_domain": NOW}, NOW + 60)
    assert taken(findings, NOW + 60) == []
    later = NOW + policy.enrichment.dns_hours * 3600 + 1
    assert not findings.want("u_4", [subject], {"mail_domain": NOW}, later)
    (task,) = taken(findings, later)
    findings.finish(task, MailDomain(later, exists=False), policy, later)
    assert told(service.store, "finding")[-1]["user_ids"] == ["u_4"]


def test_a_task_put_off_comes_back_when_it_is_due_and_counts_its_tries(findings: Findings, service: Service) -> None:
    findings.want("u_1", [domain(findings, service)], {}, NOW)
    (task,) = taken(findings)
    assert findings.retry(task, NOW + 30)
    assert taken(findings, NOW + 29) == []
    (again,) = taken(findings, NOW + 30)
    assert again.tries == 2
    assert findings.postpone(again, NOW + 40)
    assert taken(findings, NOW + 40)[0].tries == 2


def test_what_nobody_answers_is_given_up_and_asked_again_in_an_hour(findings: Findings, service: Service) -> None:
    subject, policy = domain(findings, service), service.active.policy
    findings.want("u_1", [subject], {}, NOW)
    assert findings.give_up(taken(findings)[0], policy, NOW)
    assert [event["user_ids"] for event in told(service.store, "finding")] == [["u_1"]], "it is pending no more"
    findings.want("u_2", [subject], {"mail_domain": NOW}, NOW + 3000)
    assert taken(findings, NOW + 3000) == []
    findings.want("u_3", [subject], {"mail_domain": NOW}, NOW + 3601)
    assert len(taken(findings, NOW + 3601)) == 1


def test_registries_and_dns_wait_in_queues_of_their_own(findings: Findings, service: Service) -> None:
    for subject in findings.subjects(facts(service)):
        findings.want("u_1", [subject], {}, NOW)
    kinds = {
        family: {task.subject.kind for number in range(SHARDS) for task in findings.take(number, family, NOW, LEASE, 9)}
        for family in ("dns", "rdap")
    }
    assert kinds == {"dns": {"mail_domain"}, "rdap": {"registration", "registrant"}}


def test_a_registry_that_knows_a_crowd_makes_the_network_a_hub(findings: Findings, service: Service) -> None:
    """Whoever shares the network of a university or a carrier is no neighbour."""
    gatherer = service.gatherer
    gatherer._findings = findings
    policy = service.active.policy
    for user in ("u_1", "u_2"):
        gatherer.gather(user, facts(service), policy)
    before = gatherer.gather("u_1", facts(service), policy, add=False)
    assert before.facts.missing["registrant"] == "pending"
    assert before.facts.entities is not None and not before.facts.entities["ip"].hub
    subject = next(found for found in before.subjects if found.kind == "registrant")
    findings.want("u_1", [subject], {}, NOW)
    findings.finish(taken(findings)[0], Registrant(NOW, found=True, kind="education"), policy, NOW)
    after = gatherer.gather("u_1", facts(service), policy, add=False)
    assert after.facts.entities is not None and after.facts.entities["ip"].hub
    assert "registrant" not in after.facts.missing


def test_a_queue_that_lost_what_its_subject_is_forgets_it(findings: Findings, service: Service) -> None:
    subject = domain(findings, service)
    service.store.execute("ZADD", queue_key(subject.shard, "dns"), NOW, subject.member)
    assert taken(findings) == []
    assert findings.waiting() == 0


def network(findings: Findings, service: Service, ip: str) -> Subject:
    found = findings.subjects(facts(service, device={"ip_address": ip}))
    return next(subject for subject in found if subject.kind == "registrant")


def known(findings: Findings, service: Service, subject: Subject) -> Any:
    pipe = service.store.pipeline()
    known = findings.queue(pipe, [subject])
    service.store.run(pipe)
    return known()[subject.kind]


def test_what_was_said_of_a_neighbour_is_not_said_of_everybody_in_the_24(findings: Findings, service: Service) -> None:
    """A registry's range and a blocklist's address are smaller than the network that shares the answer."""
    asked, policy = network(findings, service, "203.0.113.9"), service.active.policy
    findings.want("u_1", [asked], {}, NOW)
    said = Registrant(NOW, True, "Hosting", "hosting", listed=1, first="203.0.113.8", last="203.0.113.15")
    findings.finish(taken(findings)[0], said, policy, NOW)
    mine = known(findings, service, asked)
    assert (mine.kind, mine.listed) == ("hosting", 1)
    beside = known(findings, service, network(findings, service, "203.0.113.10"))
    assert (beside.kind, beside.listed) == ("hosting", None), "the address beside it is on no list"
    assert known(findings, service, network(findings, service, "203.0.113.77")) == Registrant(NOW)


def test_an_answer_with_a_part_missing_counts_and_is_completed(findings: Findings, service: Service) -> None:
    subject, policy = domain(findings, service), service.active.policy
    findings.want("u_1", [subject], {}, NOW)
    half = MailDomain(NOW, exists=True, null_mx=True, whole=False)
    assert findings.finish(taken(findings)[0], half, policy, NOW, NOW + 5)
    assert len(told(service.store, "finding")) == 1
    assert known(findings, service, subject) == half
    (again,) = taken(findings, NOW + 5)
    assert again.tries == 2
    other = MailDomain(NOW + 5, spf="fail", whole=False)
    findings.finish(again, other, policy, NOW + 5, NOW + 30)
    assert known(findings, service, subject) == MailDomain(
        NOW + 5, exists=True, null_mx=True, spf="fail", whole=False
    ), "the one before missed others"
    (last,) = taken(findings, NOW + 30)
    whole = MailDomain(NOW + 30, exists=True, null_mx=False, spf="fail")
    findings.finish(last, whole, policy, NOW + 30)
    assert known(findings, service, subject) == whole
    assert findings.waiting() == 0 and len(told(service.store, "finding")) == 3


def test_a_task_is_kept_for_as_long_as_it_is_renewed(findings: Findings, service: Service) -> None:
    findings.want("u_1", [domain(findings, service)], {}, NOW)
    (task,) = taken(findings)
    kept = findings.renew(task, NOW + 2 * LEASE)
    assert kept is not None
    assert taken(findings, NOW + LEASE) == []
    assert findings.renew(task, NOW + 3 * LEASE) is None, "by its old token it is not"
    assert findings.finish(kept, MailDomain(NOW), service.active.policy, NOW)


def test_a_queue_that_is_full_takes_no_more(
    findings: Findings, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riskapi.enrichment.findings._MOST", 1)
    # Shards are drawn by a key of this run: so many names reach every one of the eight.
    subjects = [domain(findings, service, f"d{number}.example") for number in range(400)]
    for subject in subjects:
        findings.want("u_1", [subject], {}, NOW)
    assert findings.waiting() == len({subject.shard for subject in subjects}) == 8


def retracted(store: Store) -> list[str]:
    return sorted(name for event in told(store, "finding") if event.get("retracted") for name in event["user_ids"])


def asked_and_said(findings: Findings, service: Service, user: str, name: str, said: MailDomain, now: float) -> Subject:
    subject = domain(findings, service, name)
    findings.want(user, [subject], {}, now)
    findings.finish(taken(findings, now)[0], said, service.active.policy, now)
    return subject


def test_what_was_said_against_somebody_is_taken_back_and_he_is_told(findings: Findings, service: Service) -> None:
    """Those who waited for it are told, those who came later and found it there, and nobody twice."""
    gone = asked_and_said(findings, service, "u_1", "gone.example", MailDomain(NOW, exists=False), NOW)
    good = asked_and_said(findings, service, "u_2", "good.example", MailDomain(NOW, exists=True), NOW)
    findings.want("u_3", [gone], {}, NOW + 60)
    findings.want("u_4", [good], {}, NOW + 60)
    policy = service.active.policy
    assert findings.retract(NOW + 1, ALL, policy, NOW + 90) == 0, "it was said before that"
    assert findings.retract(NOW - 1, ABSENT, policy, NOW + 90) == 1
    assert retracted(service.store) == ["u_1", "u_3"]
    assert findings.retract(NOW - 1, ALL, policy, NOW + 91) == 0
    pipe = service.store.pipeline()
    known = findings.queue(pipe, [gone, good])
    service.store.run(pipe)
    assert set(known()) == {"mail_domain"}
    assert service.store.execute("EXISTS", finding_key(gone)) == 0


def test_what_was_said_anew_since_is_kept(findings: Findings, service: Service) -> None:
    """Once nothing speaks against them any more, nothing is taken back."""
    gone = asked_and_said(findings, service, "u_1", "gone.example", MailDomain(NOW, exists=False), NOW)
    later = NOW + service.active.policy.enrichment.dns_hours * 3600 + 1
    asked_and_said(findings, service, "u_1", "gone.example", MailDomain(later, exists=True), later)
    assert findings.retract(NOW - 1, ALL, service.active.policy, later) == 0
    assert service.store.execute("EXISTS", finding_key(gone)) == 1


@pytest.mark.parametrize(
    ("said", "against"),
    [
        (MailDomain(NOW, exists=True, accepts_mail=True, spf="fail", dmarc="none", listed=0, parked=False), None),
        (MailDomain(NOW), None),
        (MailDomain(NOW, exists=False), "absence"),
        (MailDomain(NOW, exists=False, spf="missing", dmarc="missing"), "absence"),
        (MailDomain(NOW, exists=True, accepts_mail=False), "absence"),
        (MailDomain(NOW, null_mx=True, accepts_mail=False, spf="fail"), "records"),
        (MailDomain(NOW, spf="missing"), "texts"),
        (MailDomain(NOW, dmarc="missing"), "texts"),
        (MailDomain(NOW, parked=True), "records"),
        (MailDomain(NOW, listed=1), "records"),
        (MailDomain(NOW, mx_disposable=True), "records"),
        (Sender(NOW, spf=True, dkim=True, dmarc="none", aligned=True), None),
        (Sender(NOW, spf=False), "texts"),
        (Sender(NOW, dmarc="missing"), "texts"),
        (Registrant(NOW, found=False), None),
    ],
)
def test_what_speaks_against_somebody(said: Any, against: str | None) -> None:
    assert speaks_against(said) == against


def test_many_who_were_told_are_told_by_a_hundred(findings: Findings, service: Service) -> None:
    gone = domain(findings, service, "gone.example")
    for number in range(250):
        findings.want(f"u_{number}", [gone], {}, NOW)
    findings.finish(taken(findings)[0], MailDomain(NOW, exists=False), service.active.policy, NOW)
    findings.retract(NOW, ABSENT, service.active.policy, NOW + 5)
    assert retracted(service.store) == sorted(f"u_{number}" for number in range(250))
    assert all(len(event["user_ids"]) <= 100 for event in told(service.store, "finding"))


@pytest.mark.parametrize(("address", "known"), [("ana@gmail.com", True), ("ana@ruiz.example", False)])
def test_a_large_provider_s_domain_is_known_without_asking(
    findings: Findings, service: Service, address: str, known: bool
) -> None:
    gatherer = service.gatherer
    gatherer._findings = findings
    found = gatherer.gather("u_1", facts(service, email={"address": address}), service.active.policy).facts
    assert (found.mail_domain is not None) is known
    if found.mail_domain is not None:
        assert (found.mail_domain.exists, found.mail_domain.accepts_mail) == (True, True)
    off = Findings(service.store, service.gatherer._links, None)
    assert off.known(found) is None, "where nobody is asked, nothing is known of anybody"


def test_who_was_decided_by_what_is_taken_back_just_then_is_told(findings: Findings, service: Service) -> None:
    """It read the finding, and was not yet noted to have been told of it when that was taken back."""
    gone = asked_and_said(findings, service, "u_1", "gone.example", MailDomain(NOW, exists=False), NOW)
    findings.retract(NOW - 1, ABSENT, service.active.policy, NOW + 1)
    assert findings.want("u_2", [gone], {"mail_domain": NOW}, NOW + 2) == RETRACTED
    findings.finish(taken(findings, NOW + 2)[0], MailDomain(NOW + 2, exists=True), service.active.policy, NOW + 2)
    assert findings.want("u_3", [gone], {"mail_domain": NOW}, NOW + 3) == RETRACTED
    assert findings.want("u_4", [gone], {}, NOW + 3) == "finding"
    assert findings.want("u_5", [gone], {"mail_domain": NOW + 2}, NOW + 3) is None


def test_records_are_kept_where_only_absence_is_doubted(findings: Findings, service: Service) -> None:
    """A resolver that knows nothing does not invent a null MX."""
    said = MailDomain(NOW, exists=True, null_mx=True, accepts_mail=False)
    asked_and_said(findings, service, "u_1", "null.example", said, NOW)
    assert findings.retract(NOW - 1, ABSENT, service.active.policy, NOW + 1) == 0
    assert findings.retract(NOW - 1, ALL, service.active.policy, NOW + 1) == 1
    assert retracted(service.store) == ["u_1"]


def test_a_missing_domain_is_kept_where_only_missing_texts_are_doubted(findings: Findings, service: Service) -> None:
    """A resolver that hides TXT records is believed that a domain is not there; taking it back would change nothing."""
    gone = MailDomain(NOW, exists=False, accepts_mail=False, spf="missing", dmarc="missing")
    asked_and_said(findings, service, "u_1", "gone.example", gone, NOW)
    asked_and_said(findings, service, "u_2", "bare.example", MailDomain(NOW, exists=True, spf="missing"), NOW)
    assert findings.retract(NOW - 1, doubtful("texts_missing"), service.active.policy, NOW + 1) == 1
    assert retracted(service.store) == ["u_2"]
