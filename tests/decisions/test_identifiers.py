"""What an account has, and events that tell of it: changed, proved, seen; links, lists and standing follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from riskapi.accounts.packing import unpack
from riskapi.app import Service
from riskapi.decisions.events import Event
from riskapi.decisions.identifiers import Identifiers
from riskapi.errors import Problem
from riskapi.inputs.signup import DevicePart, EmailPart, PhonePart
from riskapi.links.keys import entities_of
from riskapi.sending.grants import Message
from riskapi.store.streams import account_key
from tests import consistency
from tests.conftest import NOW, Clock
from tests.grants import ask, view
from tests.holders import again, clusters, establish, evidence, granted, happens, joined
from tests.signups import body, post, together
from tests.working import Work

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
NUMBER, OTHER = "+34600123123", "+34711234234"
ONE, CLUSTER = 200, 300


def phone(service: Service, user: str, number: str, at: float = NOW, type: str = "phone_changed") -> Any:
    return happens(service, user, type, at, phone=PhonePart(number=number))


def mail(service: Service, user: str, address: str, at: float = NOW, type: str = "email_changed") -> Any:
    return happens(service, user, type, at, email=EmailPart(address=address))


def seen(service: Service, user: str, device: str, at: float = NOW, type: str = "device_seen") -> Any:
    return happens(service, user, type, at, device=DevicePart(id=device))


def stored(service: Service, user: str, name: str) -> Any:
    found = service.store.execute("HGET", account_key(user), name)
    if name == "entities":
        return entities_of(found)
    return None if found is None else orjson.loads(unpack(found))


class TestChanged:
    """An address or number is another one by now."""

    def test_links_follow_to_the_new_number(self, service: Service) -> None:
        joined(service, "her", phone={"number": NUMBER})
        joined(service, "other", phone={"number": OTHER})
        phone(service, "her", OTHER, NOW + 1)
        assert clusters(service) == [{"her", "other"}]
        assert stored(service, "her", "signup")["phone"] == {"number": OTHER}
        assert view(service, "her", NOW + 2)["readings"]["velocity_phone_30d"] == 2

    def test_changing_a_number_does_not_shake_off_a_past(self, service: Service) -> None:
        """What was only claimed stays linked: a ring that changes its number is a ring."""
        for user in ("r0", "r1"):
            joined(service, user, phone={"number": NUMBER})
        phone(service, "r0", OTHER, NOW + 1)
        assert clusters(service) == [{"r0", "r1"}]
        joined(service, "r2", NOW + 2, phone={"number": NUMBER})
        assert clusters(service) == [{"r0", "r1", "r2"}]
        service.parts.labels.add("r0", "abuse", "external", None, "key", NOW + 3)
        assert joined(service, "r3", NOW + 4, phone={"number": NUMBER})["decision"] == "review"
        assert joined(service, "r4", NOW + 4, phone={"number": OTHER})["decision"] == "review"

    def test_what_was_proved_is_held_no_longer(self, service: Service) -> None:
        """A number goes back to the carrier, which gives it to somebody else: after 45 days at the earliest (FCC,
        47 CFR 52.15(f)(1)(ii)), and what is older than ``retention.entities_days`` is forgotten.
        """
        later = NOW + 91 * DAY
        joined(service, "her", phone={"number": NUMBER, "verified": True})
        phone(service, "her", OTHER, later - 45 * DAY)
        joined(service, "next", later, phone={"number": NUMBER, "verified": True})
        joined(service, "c0", later, phone={"number": NUMBER})
        assert clusters(service) == []
        assert evidence(service, "c0", "phone", later)["holders"] == ["next"]
        assert stored(service, "her", "proved") is None, "the new one is not proved yet"
        happens(service, "her", "phone_verified", later + DAY)
        joined(service, "c1", later + DAY, phone={"number": OTHER})
        assert evidence(service, "c1", "phone", later + DAY)["holders"] == ["her"]

    @pytest.mark.parametrize("part", ["phone", "email"])
    def test_one_that_is_proved_and_given_up_again_and_again_is_one_budget(self, service: Service, part: str) -> None:
        """A ring with one card of a phone, or one mailbox: each account proves it, sends, and changes to another."""
        got = 0
        for at in range(5):
            user, now = f"r{at}", NOW + at * HOUR / 60
            given = {"number": NUMBER} if part == "phone" else {"address": f"ana.ruiz+{at}@gmail.com"}
            joined(service, user, now, **{part: {**given, "verified": True}})
            got += sum(granted(service, user, at=now + 1))
            if part == "phone":
                phone(service, user, f"+3471123423{at}", now + 2)
            else:
                mail(service, user, f"{user}@web{at}.example", now + 2)
        assert got <= CLUSTER
        assert clusters(service) == [{f"r{at}" for at in range(5)}]

    def test_an_established_customer_leaves_the_old_one_behind(self, service: Service) -> None:
        joined(service, "her", NOW - 30 * DAY, email={"address": "ana.ruiz@gmail.com"})
        establish(service, "her", NOW - DAY)
        mail(service, "her", "ana@ruiz-new.example", NOW)
        joined(service, "next", NOW + HOUR, email={"address": "anaruiz@gmail.com"})
        assert clusters(service) == []
        # Of the new one it is known whose it is.
        for user in ("c0", "c1"):
            joined(service, user, NOW + HOUR, email={"address": "ana@ruiz-new.example"})
        assert clusters(service) == [{"c0", "c1"}]

    def test_lists_follow(self, service: Service) -> None:
        lists = service.parts.lists
        joined(service, "her", email={"address": "ana@ruiz-old.example"})
        draft = lists.draft(
            "deny", "email_domain", "spam.example", expires_at=None, reason=None, author="kim",
            silences_feedback=False, now=NOW,
        )  # fmt: skip
        entry = lists.put(draft, NOW).entry
        assert mail(service, "her", "ana@spam.example", NOW + 1)["tier"] == "limit"
        assert lists.matching(entry, 9)[0] == ["her"]
        assert mail(service, "her", "ana@ruiz-old.example", NOW + 2)["tier"] == "allow"
        assert lists.matching(entry, 9)[0] == []

    def test_a_change_to_an_abuser_s_number_is_looked_at(self, service: Service) -> None:
        joined(service, "bad", phone={"number": NUMBER})
        service.parts.labels.add("bad", "abuse", "external", None, "key", NOW)
        joined(service, "her")
        assert phone(service, "her", NUMBER, NOW + 1)["tier"] == "review"

    def test_what_it_is_is_known_to_what_it_has_now(self, service: Service) -> None:
        joined(service, "bad", phone={"number": NUMBER})
        service.parts.labels.add("bad", "abuse", "external", None, "key", NOW)
        phone(service, "bad", OTHER, NOW + 1)
        assert joined(service, "next", NOW + 2, phone={"number": OTHER})["decision"] == "review"

    def test_the_domain_of_a_new_address_is_its_own(self, service: Service) -> None:
        for number in range(3):
            joined(service, f"w{number}", email={"address": f"w{number}@old{number}.example"})
            mail(service, f"w{number}", f"w{number}@firm.example", NOW + number * HOUR)
            ask(service, f"w{number}", 1, NOW + number * HOUR + 1, said=Message(("firm.example",)))
        assert clusters(service) == []

    def test_the_same_again_changes_nothing(self, service: Service) -> None:
        joined(service, "her", phone={"number": NUMBER, "verified": True})
        before = stored(service, "her", "entities")
        for number in (NUMBER, "0034 600 123 123", NUMBER):
            phone(service, "her", number, NOW + 1)
        assert (stored(service, "her", "entities"), stored(service, "her", "proved")) == (
            before,
            {"phone": before["phone"]},
        )

    def test_another_one_and_proved_in_one_event(self, service: Service) -> None:
        joined(service, "her", phone={"number": NUMBER})
        joined(service, "c0", phone={"number": OTHER})
        phone(service, "her", OTHER, NOW + 1, type="phone_verified")
        assert clusters(service) == []
        assert evidence(service, "c0", "phone")["holders"] == ["her"]

    def test_who_gave_none_at_the_signup_has_one_now(self, service: Service) -> None:
        joined(service, "her")
        joined(service, "other", phone={"number": NUMBER})
        phone(service, "her", NUMBER, NOW + 1)
        assert clusters(service) == [{"her", "other"}]


class TestSeen:
    """A device that an account is on."""

    @pytest.mark.parametrize("type", ["device_seen", "login"])
    def test_a_second_machine_binds_like_that_of_the_signup(self, service: Service, type: str) -> None:
        joined(service, "a", device={"id": "dev-a"})
        joined(service, "b", device={"id": "dev-b"})
        seen(service, "a", "dev-b", NOW + 1, type)
        assert clusters(service) == [{"a", "b"}]
        for _ in range(3):
            seen(service, "a", "dev-b", NOW + 2, type)
        names = [name for name in stored(service, "a", "entities") if name.startswith("device")]
        assert len(names) == 2

    def test_guilt_goes_with_every_device(self, service: Service) -> None:
        joined(service, "bad", device={"id": "dev-a"})
        seen(service, "bad", "dev-b", NOW + 1)
        service.parts.labels.add("bad", "abuse", "manual_review", None, "ana", NOW + 2)
        seen(service, "bad", "dev-c", NOW + 3)
        found = [joined(service, f"n{name}", NOW + 4, device={"id": f"dev-{name}"})["decision"] for name in "abc"]
        assert found == ["limit"] * 3
        service.parts.labels.add("bad", "unknown", "manual_review", None, "ana", NOW + 5)
        assert joined(service, "last", NOW + 6, device={"id": "dev-c"})["linkage"]["abusive"] == 0

    def test_at_most_twenty_are_remembered_and_all_are_linked(self, service: Service) -> None:
        joined(service, "a", device={"id": "dev"})
        for number in range(25):
            seen(service, "a", f"dev-{number}", NOW + number)
        names = [name for name in stored(service, "a", "entities") if name.startswith("device:")]
        assert len(names) == 20
        joined(service, "b", NOW + 30, device={"id": "dev-24"})
        assert clusters(service) == [{"a", "b"}]

    @pytest.mark.parametrize("id", ["null", "undefined", "0", " ", "00000000-0000-0000-0000-000000000000"])
    def test_what_is_no_identifier_is_no_machine(self, service: Service, id: str) -> None:
        for user in ("a", "b"):
            joined(service, user)
            assert seen(service, user, id)["warnings"] == []
        assert clusters(service) == []


class TestVouching:
    """An established customer vouches for those it refers."""

    @pytest.fixture
    def agency(self, service: Service) -> str:
        joined(service, "agency", NOW - 30 * DAY)
        establish(service, "agency", NOW - DAY)
        happens(service, "agency", "vouching_started", NOW - HOUR)
        return "agency"

    def client(self, service: Service, user: str, at: float = NOW, **parts: Any) -> dict[str, Any]:
        return post(service, body(user, account={"user_id": user, "referrer_id": "agency"}, **parts), at)

    def test_they_share_its_budget_and_no_suspicion(self, service: Service, agency: str) -> None:
        device = {"id": "the-agency-s", "ip_address": "203.0.113.9"}
        found = [self.client(service, f"k{number}", NOW + number, device=device) for number in range(8)]
        assert [answer["decision"] for answer in found] == ["allow"] * 8
        assert clusters(service) == [{agency, *[f"k{number}" for number in range(8)]}]
        assert sum(granted(service, agency, *[f"k{number}" for number in range(8)])) <= CLUSTER

    def test_one_bad_client_is_not_held_against_the_others(self, service: Service, agency: str) -> None:
        for number in range(3):
            self.client(service, f"k{number}", NOW + number)
        service.parts.labels.add("k0", "abuse", "manual_review", None, "ana", NOW + 5)
        assert [again(service, user) for user in ("agency", "k1", "k2")] == ["allow"] * 3
        assert self.client(service, "k3", NOW + HOUR)["decision"] == "allow"

    @pytest.mark.parametrize("first", ["worker", "claimants"])
    def test_what_the_agency_holds_its_clients_hold_too_once_a_worker_looked(
        self, service: Service, first: str
    ) -> None:
        """Who claims the agency's number is bound to neither, whether it comes before the worker or after."""
        joined(service, "agency", NOW - 30 * DAY, phone={"number": NUMBER})
        establish(service, "agency", NOW - DAY)
        happens(service, "agency", "vouching_started", NOW - HOUR)
        self.client(service, "k0", phone={"number": NUMBER})
        if first == "worker":
            Work(service, Clock(NOW)).do()
        for number in range(2):
            joined(service, f"c{number}", NOW + number, phone={"number": NUMBER})
        if first == "claimants":
            Work(service, Clock(NOW + 2)).do()
        assert clusters(service) == [{"agency", "k0"}, {"c0", "c1"}]
        assert evidence(service, "k0", "phone", NOW + HOUR)["standing"] == "proved"

    @pytest.mark.parametrize("why", ["never said so", "not established", "taken back", "abusive", "limited"])
    def test_nobody_else_vouches(self, service: Service, why: str) -> None:
        joined(service, "agency", NOW - 30 * DAY)
        if why != "not established":
            establish(service, "agency", NOW - DAY)
        if why != "never said so":
            happens(service, "agency", "vouching_started", NOW - HOUR)
        if why == "taken back":
            happens(service, "agency", "vouching_ended", NOW - MINUTE)
        if why in ("abusive", "limited"):
            source: Any = "external" if why == "abusive" else "manual_review"
            service.parts.labels.add("agency", "abuse", source, None, "ana", NOW - MINUTE)
        for number in range(2):
            self.client(service, f"k{number}", NOW + number * HOUR)
        assert consistency.cluster_of(service, "k0") == ""

    def test_a_referrer_who_is_not_there_is_nobody(self, service: Service) -> None:
        assert self.client(service, "k0")["decision"] == "allow"
        with pytest.raises(Problem):
            happens(service, "agency", "vouching_started")


#: Events that carry what cannot be read, and what is warned of.
BUSTED: dict[str, tuple[Event, list[str]]] = {
    "no address": (Event(type="email_changed", email=EmailPart(address="no address")), ["/email/address"]),
    "an address that is empty": (Event(type="email_changed", email=EmailPart(address="")), ["/email/address"]),
    "no part at all": (Event(type="email_changed"), ["/email/address"]),
    "the part of another": (Event(type="email_changed", phone=PhonePart(number=OTHER)), ["/email/address"]),
    "no number": (Event(type="phone_changed", phone=PhonePart(number="call me")), ["/phone/number"]),
    "a number too long": (Event(type="phone_changed", phone=PhonePart(number="+34" + "6" * 99)), ["/phone/number"]),
    "a number that is null": (Event(type="phone_changed", phone=PhonePart(number=None)), ["/phone/number"]),
    "nul bytes": (Event(type="email_changed", email=EmailPart(address="a\x00b@ruiz\x00.example")), ["/email/address"]),
    "verified and no address": (Event(type="email_verified", email=EmailPart(address="@@")), ["/email/address"]),
    "a device without an id": (Event(type="device_seen", device=DevicePart(ip_address="203.0.113.9")), ["/device/id"]),
    "a device of two thousand letters": (Event(type="device_seen", device=DevicePart(id="x" * 2048)), []),
    "a device of nul bytes": (Event(type="device_seen", device=DevicePart(id="\x00\x00")), ["/device/id"]),
}  # fmt: skip


@pytest.mark.parametrize(("event", "warned"), BUSTED.values(), ids=BUSTED)
def test_what_cannot_be_read_changes_nothing_and_is_answered(service: Service, event: Event, warned: list[str]) -> None:
    joined(service, "her", phone={"number": NUMBER, "verified": True})
    before = {name: stored(service, "her", name) for name in ("signup", "proved")}
    number, address = stored(service, "her", "entities")["phone"], stored(service, "her", "entities")["mailbox"]
    found = service.parts.events.record("her", event, NOW + 1)
    assert (found["tier"], [row["input_pointer"] for row in found["warnings"]]) == ("allow", warned)
    assert {name: stored(service, "her", name) for name in ("signup", "proved")} == before
    entities = stored(service, "her", "entities")
    assert (entities["phone"], entities["mailbox"]) == (number, address)


@pytest.mark.parametrize(
    "ask_it",
    [
        lambda has: has.change("nobody", "email", "a@b.example", NOW),
        lambda has: has.prove("nobody", "phone", NOW, NOW),
        lambda has: has.authenticate("nobody", "ruiz.example", NOW),
        lambda has: has.see("nobody", "dev-1", NOW),
    ],
    ids=["changed", "proved", "authenticated", "seen"],
)
def test_an_account_nobody_knows_is_a_problem(service: Service, ask_it: Callable[[Identifiers], object]) -> None:
    with pytest.raises(Problem) as problem:
        ask_it(service.parts.events._identifiers)
    assert problem.value.code == "not_found"
    assert service.store.execute("EXISTS", account_key("nobody")) == 0


def test_changes_all_at_once_leave_one_of_them(service: Service) -> None:
    joined(service, "her", phone={"number": NUMBER})
    numbers = [f"+3460012310{number}" for number in range(10)]

    def work(number: int) -> None:
        if number < 10:
            phone(service, "her", numbers[number], NOW + number)
        else:
            seen(service, "her", f"dev-{number}", NOW + number)

    assert not [each for each in together(14, work) if each is not None]
    now = stored(service, "her", "signup")["phone"]["number"]
    entities = stored(service, "her", "entities")
    assert entities["phone"] == service.parts.assessor._links.entity_key("phone", now)
    assert sum(name.startswith("device:") for name in entities) == 4
    assert sum(name.startswith("phone:") for name in entities) == 10, "what it claimed before stays linked"
    consistency.check(service)


def test_a_proof_while_the_number_changes_is_of_the_one_or_of_none(service: Service) -> None:
    joined(service, "her", phone={"number": NUMBER})
    joined(service, "c0", phone={"number": NUMBER})
    joined(service, "c1", phone={"number": OTHER})
    works = (
        lambda: happens(service, "her", "phone_verified", NOW + 1)["tier"],
        lambda: phone(service, "her", OTHER, NOW + 1)["tier"],
    )
    assert together(2, lambda number: works[number]()) == ["allow", "allow"]
    proved = stored(service, "her", "proved")
    assert proved in (None, {"phone": stored(service, "her", "entities")["phone"]})
    again(service, "her")
    consistency.check(service)
