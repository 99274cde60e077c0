"""Holders and claimants on the real store: a claim binds the claimant, never the one claimed; two proofs are mutual."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.app import Service
from riskapi.inputs.signup import DevicePart
from riskapi.reviews.queue import Review
from riskapi.sending.grants import Message
from tests.bench.counters import counters
from tests.conftest import NOW
from tests.grants import ask, view
from tests.holders import CLUSTER, ONE, again, clusters, establish, evidence, granted, happens, joined
from tests.joining import STEPS, meanwhile
from tests.signups import body, post, together

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
NUMBER, CARD = "+34600123123", "card-1"
#: What a customer has, and how strangers give the same: typed, spelled otherwise, or used.
HERS: dict[str, Any] = {
    "email": {"address": "ana.ruiz@gmail.com"},
    "phone": {"number": NUMBER},
    "device": {"id": "hers", "ip_address": "203.0.113.9"},
    "payment": {"fingerprint": CARD},
}
THEIRS: dict[str, dict[str, Any]] = {
    "mailbox": {"email": {"address": "a.n.a.ruiz+offers@googlemail.com"}},
    "phone": {"phone": {"number": "0034 600 123 123"}},
    "device": {"device": {"id": "hers"}},
    "payment": {"payment": {"fingerprint": CARD}},
}


def holder(service: Service, **parts: Any) -> str:
    """A customer who has been here for a month, with clean mail or imported; since yesterday she is established."""
    joined(service, "her", NOW - 30 * DAY, **(parts or HERS))
    establish(service, "her", NOW - DAY)
    return "her"


class TestUse:
    """Held is what an established customer used before anybody else came."""

    @pytest.mark.parametrize("kind", THEIRS)
    def test_claimants_share_a_budget_and_not_hers(self, service: Service, kind: str) -> None:
        her = holder(service)
        for number in range(3):
            joined(service, f"c{number}", NOW + number * HOUR, **THEIRS[kind])
        assert clusters(service) == [{"c0", "c1", "c2"}]
        assert granted(service, "c0", "c1", her, at=NOW + 3 * HOUR) == [ONE, 0, ONE]
        seen = view(service, "c1", NOW + 3 * HOUR)["limits"]
        assert (seen["scope"], seen["cluster"]["hourly"]) == ("cluster", ONE), "factor 1"
        row = evidence(service, "c1", kind, NOW + 3 * HOUR)
        assert (row["holders"], her in row["user_ids"]) == ([her] if kind in ("mailbox", "phone") else [], False)

    def test_two_budgets_are_all_in_whatever_order_they_spend(self, service: Service) -> None:
        her = holder(service)
        joined(service, "c0", **THEIRS["phone"])
        joined(service, "c1", **THEIRS["mailbox"])
        assert granted(service, her, "c0", "c1") == [ONE, ONE, 0]

    def test_claimants_are_one_over_all_that_she_holds(self, service: Service) -> None:
        """Who types her number, who spells her mailbox, and who used her machine."""
        holder(service)
        for kind, parts in THEIRS.items():
            joined(service, f"c_{kind}", **parts)
        assert clusters(service) == [{f"c_{kind}" for kind in THEIRS}]
        assert sum(granted(service, *[f"c_{kind}" for kind in THEIRS])) == ONE

    @pytest.mark.parametrize("kind", THEIRS)
    def test_one_who_claims_what_many_do_reads_few_of_them(self, service: Service, kind: str) -> None:
        """One of them stands for all: else anybody could make signups slow who types a customer's number often."""
        holder(service)
        counted = []
        for number in range(24):
            before = counters(service.store)
            joined(service, f"c{number}", NOW + number * HOUR, **THEIRS[kind])
            counted.append((counters(service.store) - before).calls["hgetall"])
        assert clusters(service) == [{f"c{number}" for number in range(24)}]
        assert max(counted[3:]) <= 3, counted

    def test_a_single_claimant_is_bound_to_nobody(self, service: Service) -> None:
        holder(service)
        found = joined(service, "c0", **THEIRS["phone"])
        assert (found["linkage"]["size"], found["limits"]["scope"]) == (1, "account")
        assert clusters(service) == []

    def test_an_attackers_machine_ties_his_accounts_to_each_other_and_not_those_he_names(
        self, service: Service
    ) -> None:
        people = [f"p{number}" for number in range(5)]
        for number, user in enumerate(people):
            joined(service, user, NOW - 30 * DAY, phone={"number": f"+3460{number}123123"})
            establish(service, user, NOW - DAY)
        for number in range(5):
            phone = {"number": f"+3460{number}123123"}
            joined(service, f"a{number}", NOW + number, device={"id": "his"}, phone=phone)
        assert clusters(service) == [{f"a{number}" for number in range(5)}]
        assert granted(service, *people) == [ONE] * 5
        assert sum(granted(service, *[f"a{number}" for number in range(5)])) == CLUSTER

    @pytest.mark.parametrize(("came", "apart"), [(1.0, True), (0.0, True), (-DAY, False)])
    def test_only_if_she_was_established_before_others_came(self, service: Service, came: float, apart: bool) -> None:
        """Otherwise whoever used another's number for long enough would get it."""
        since = NOW - 5 * DAY
        joined(service, "her", NOW - 15 * DAY, phone={"number": NUMBER})
        if apart:
            establish(service, "her", since)
        joined(service, "c0", since + came, phone={"number": NUMBER})
        establish(service, "her", since)
        joined(service, "c1", NOW, phone={"number": NUMBER})
        assert clusters(service) == [{"c0", "c1"} if apart else {"c0", "c1", "her"}]

    def test_who_were_here_for_long_hold_it_together_and_stay_as_they_were(self, service: Service) -> None:
        """A couple on one number: who comes later binds neither, and their budget is what it was."""
        for user, days in (("him", 40), ("her", 30)):
            joined(service, user, NOW - days * DAY, phone={"number": NUMBER})
        for user in ("him", "her"):
            establish(service, user, NOW - DAY)
        for user in ("c0", "c1"):
            joined(service, user, phone={"number": NUMBER})
        assert clusters(service) == [{"c0", "c1"}, {"her", "him"}]
        assert granted(service, "her", "him", "c0", "c1") == [ONE, CLUSTER - ONE, ONE, 0]
        assert evidence(service, "c1", "phone")["holders"] == ["him", "her"]

    def test_who_is_imported_over_what_bound_it_is_let_go_when_it_is_looked_at(self, service: Service) -> None:
        joined(service, "her", NOW - 30 * DAY, phone={"number": NUMBER})
        for user in ("c0", "c1"):
            joined(service, user, NOW - 2 * DAY, phone={"number": NUMBER})
        assert clusters(service) == [{"c0", "c1", "her"}]
        establish(service, "her", NOW - 30 * DAY)
        assert again(service, "her") == "allow"
        assert clusters(service) == [{"c0", "c1"}]
        assert view(service, "c0")["limits"]["cluster"]["hourly"] == ONE, "claimants of hers by now"

    def test_nobody_holds_what_nobody_is_established_on(self, service: Service) -> None:
        joined(service, "a", NOW - 30 * DAY, phone={"number": NUMBER})
        joined(service, "b", NOW, phone={"number": NUMBER})
        assert clusters(service) == [{"a", "b"}]
        assert view(service, "b")["limits"]["cluster"]["hourly"] == CLUSTER

    def test_two_established_customers_at_one_thing_are_as_before(self, service: Service) -> None:
        """A couple, both long here: whoever was first holds it, the other claims it and loses nothing by it."""
        holder(service, **THEIRS["device"])
        joined(service, "him", NOW - 20 * DAY, **THEIRS["device"])
        establish(service, "him", NOW - DAY)
        assert granted(service, "her", "him") == [ONE, CLUSTER - ONE]

    def test_an_abusive_customer_holds_nothing(self, service: Service) -> None:
        her = holder(service, phone={"number": NUMBER})
        service.parts.labels.add(her, "abuse", "manual_review", None, "ana", NOW)
        assert joined(service, "c0", NOW + HOUR, phone={"number": NUMBER})["linkage"]["size"] == 2
        assert clusters(service) == [{"c0", her}]


class TestProof:
    """What somebody proved to be its own is held, before all else."""

    def test_proof_at_the_signup(self, service: Service) -> None:
        joined(service, "her", phone={"number": NUMBER, "verified": True})
        found = joined(service, "c0", phone={"number": NUMBER})
        assert (found["linkage"]["size"], clusters(service)) == (1, [])
        row = evidence(service, "c0", "phone")
        assert (row["standing"], row["holders"], row["binds"], row["user_ids"]) == ("claimed", ["her"], False, [])
        joined(service, "c1", phone={"number": NUMBER, "verified": False})
        assert clusters(service) == [{"c0", "c1"}]

    @pytest.mark.parametrize(
        ("event", "parts"),
        [
            ("phone_verified", {"phone": {"number": NUMBER}}),
            ("email_verified", {"email": {"address": "ana.ruiz@gmail.com"}}),
        ],
    )
    def test_proof_by_an_event_lets_go_at_once(self, service: Service, event: str, parts: dict[str, Any]) -> None:
        for user in ("a", "her", "b"):
            joined(service, user, **parts)
        assert granted(service, "a", "her") == [ONE, CLUSTER - ONE]
        happens(service, "her", event, NOW + 2 * MINUTE)
        assert clusters(service) == [{"a", "b"}]
        left = {user: view(service, user, NOW + 3 * MINUTE)["limits"]["remaining"]["hourly"] for user in ("her", "b")}
        assert left == {"her": ONE - (CLUSTER - ONE), "b": 0}, (
            "each has what it spent itself; claimants have one budget"
        )
        assert view(service, "b", NOW + 3 * MINUTE)["limits"]["cluster"]["hourly"] == ONE
        assert evidence(service, "b", next(iter(parts)).replace("email", "mailbox"))["holders"] == ["her"]
        for _ in range(2):
            happens(service, "her", event, NOW + 4 * MINUTE)
        assert clusters(service) == [{"a", "b"}]

    def test_proof_counts_before_anybody_is_looked_at_again(self, service: Service) -> None:
        for user in ("a", "her", "b"):
            joined(service, user, phone={"number": NUMBER})
        key = service.parts.assessor._links.entity_key("phone", NUMBER)
        for _ in range(2):
            service.rescorer._proofs.give("her", [key], NOW, service.active.policy, NOW, aside=False)
        assert clusters(service) == [{"a", "b"}]
        assert view(service, "a")["limits"]["cluster"]["hourly"] == ONE

    def test_it_beats_use(self, service: Service) -> None:
        """Nobody can sit on another's number beforehand."""
        squatter = holder(service, phone={"number": NUMBER})
        joined(service, "his", phone={"number": NUMBER})
        happens(service, "his", "phone_verified", NOW + 1)
        row = evidence(service, squatter, "phone")
        assert (row["holders"], row["standing"]) == (["his"], "claimed")
        assert joined(service, "c0", NOW + HOUR, phone={"number": NUMBER})["linkage"]["size"] == 2
        assert clusters(service) == [{"c0", squatter}]
        assert granted(service, "his", at=NOW + HOUR) == [ONE]

    def test_proof_by_both_is_mutual(self, service: Service) -> None:
        """A family: one budget of one and a half, apart from those who only claim the number."""
        for user in ("her", "him"):
            joined(service, user, phone={"number": NUMBER, "verified": True})
        for user in ("c0", "c1"):
            joined(service, user, phone={"number": NUMBER})
        assert clusters(service) == [{"c0", "c1"}, {"her", "him"}]
        assert granted(service, "her", "him", "c0", "c1") == [ONE, CLUSTER - ONE, ONE, 0]
        (edge,) = view(service, "her", NOW + MINUTE)["linkage"]["edges"]
        assert (edge["kind"], edge["standing"], edge["user_ids"]) == ("phone", "proved", ["her", "him"])

    def test_the_second_to_prove_it_leaves_the_claimants_for_the_first(self, service: Service) -> None:
        joined(service, "her", phone={"number": NUMBER, "verified": True})
        for user in ("him", "c0"):
            joined(service, user, phone={"number": NUMBER})
        assert clusters(service) == [{"c0", "him"}]
        happens(service, "him", "phone_verified", NOW + 1)
        assert clusters(service) == [{"her", "him"}]
        joined(service, "c1", NOW + 2, phone={"number": NUMBER})
        assert clusters(service) == [{"c0", "c1"}, {"her", "him"}]

    def test_who_proved_it_is_no_claimant_of_hers_any_more(self, service: Service) -> None:
        """The same where it was the only account, so that nothing bound it yet."""
        her = holder(service)
        joined(service, "him", **THEIRS["phone"])
        happens(service, "him", "phone_verified", NOW + 1)
        joined(service, "c0", NOW + HOUR, **THEIRS["device"])
        assert clusters(service) == []
        joined(service, "c1", NOW + 2 * HOUR, **THEIRS["device"])
        assert clusters(service) == [{"c0", "c1"}]
        assert granted(service, her, "him", at=NOW + 3 * HOUR) == [ONE, ONE]

    def test_what_else_it_claims_of_hers_it_goes_on_claiming(self, service: Service) -> None:
        holder(service)
        joined(service, "him", **{**THEIRS["phone"], **THEIRS["device"]})
        joined(service, "c0", NOW + 1, **THEIRS["mailbox"])
        assert clusters(service) == [{"c0", "him"}]
        happens(service, "him", "phone_verified", NOW + 2)
        assert clusters(service) == [{"c0", "him"}], "by her machine"

    def test_where_nobody_tells_newcomers_bind_each_other(self, service: Service) -> None:
        for number in range(3):
            joined(service, f"n{number}", phone={"number": NUMBER})
        assert clusters(service) == [{"n0", "n1", "n2"}]
        assert sum(granted(service, "n0", "n1", "n2")) == CLUSTER

    def test_of_a_number_that_could_not_be_read_nothing_is_proved(self, service: Service) -> None:
        joined(service, "her", phone={"number": "no number", "verified": True})
        assert happens(service, "her", "phone_verified")["tier"] == "allow"
        assert clusters(service) == []


class TestGuilt:
    """It follows the same arrows: over what is proved it limits, over claims it asks for a look."""

    def test_what_claimants_do_moves_neither_her_tier_nor_her_budget(self, service: Service) -> None:
        her = holder(service)
        twin = post(service, body("twin", email={"address": "eva@twin.example"}), NOW - 30 * DAY)
        for number, kind in enumerate((*THEIRS, *THEIRS)):
            joined(service, f"c{number}", NOW + number, **THEIRS[kind])
            service.parts.labels.add(f"c{number}", "abuse", "manual_review", None, "ana", NOW + number)
        assert again(service, her) == twin["decision"] == "allow"
        readings = view(service, her)["readings"]
        bad = {name: value for name, value in readings.items() if name.endswith(("_abusive", "_limited")) and value}
        assert bad == {}
        assert granted(service, her, at=NOW + HOUR) == [ONE]
        assert [row["status"] for row in reviews(service, her)] == []

    @pytest.mark.parametrize(
        ("kind", "tier"), [("mailbox", "review"), ("phone", "review"), ("device", "limit"), ("payment", "limit")]
    )
    def test_of_claimants_those_who_are_seen_together_are_limited(self, service: Service, kind: str, tier: str) -> None:
        holder(service)
        for user in ("c0", "c1"):
            joined(service, user, **THEIRS[kind])
        service.parts.labels.add("c0", "abuse", "external", None, "key", NOW)
        assert again(service, "c1") == tier
        assert again(service, "her") == "allow"
        service.parts.labels.add("c0", "unknown", "external", None, "key", NOW)
        assert again(service, "c1", NOW + 2 * HOUR) == "allow"

    def test_a_holder_who_is_abusive_has_claimants_looked_at(self, service: Service) -> None:
        joined(service, "her", phone={"number": NUMBER, "verified": True})
        joined(service, "c0", phone={"number": NUMBER})
        service.parts.labels.add("her", "abuse", "manual_review", None, "ana", NOW)
        assert again(service, "c0") == "review"
        assert joined(service, "c1", NOW + HOUR, phone={"number": NUMBER})["decision"] == "review"

    def test_of_two_who_proved_it_one_limits_the_other(self, service: Service) -> None:
        for user in ("her", "him"):
            joined(service, user, phone={"number": NUMBER, "verified": True})
        service.parts.labels.add("him", "abuse", "manual_review", None, "ana", NOW)
        assert again(service, "her") == "limit"
        service.parts.labels.add("him", "unknown", "manual_review", None, "ana", NOW + HOUR)
        assert again(service, "her", NOW + 2 * HOUR) == "allow"

    def test_an_established_customer_in_bad_company_is_looked_at_and_stays(self, service: Service) -> None:
        """Bound by proof to somebody who turned out bad: a person looks, and the tier does not move."""
        for user in ("her", "him"):
            joined(service, user, NOW - 30 * DAY, phone={"number": NUMBER, "verified": True})
        establish(service, "her", NOW - DAY)
        service.parts.labels.add("him", "abuse", "manual_review", None, "ana", NOW)
        for _ in range(3):
            assert again(service, "her") == "allow"
        (review,) = reviews(service, "her")
        assert [reason["code"] for reason in review["reasons"]] == ["BAD_COMPANY"]
        assert "since 2026-10-23" in review["reasons"][0]["text"]
        assert granted(service, "her", at=NOW + HOUR) == [ONE]


def reviews(service: Service, user: str) -> list[Review]:
    found = service.parts.reviews.list("open", 50, None)["reviews"]
    return [row for row in found if row["user_id"] == user]


class TestThings:
    """What one's firm has is one's own, and what a message says is a claim like any other."""

    def test_a_site_that_an_established_customer_links_to_is_held(self, service: Service) -> None:
        said = Message(("shop.example",))
        joined(service, "her", NOW - 30 * DAY)
        ask(service, "her", 1, NOW - 29 * DAY, said=said)
        seen = service.parts.assessor._links.entity_key("link_domain", "shop.example")
        service.parts.assessor._links.mark("her", [seen], abusive=False, limited=False, established=NOW - DAY)
        for number in range(3):
            joined(service, f"c{number}")
            ask(service, f"c{number}", 1, NOW + number, said=said)
        assert clusters(service) == [{"c0", "c1", "c2"}]
        assert sum(granted(service, "c0", "c1", "c2")) == ONE - 3
        assert granted(service, "her") == [ONE]

    @pytest.mark.parametrize(("verified", "bound"), [(None, False), (True, False), (False, True)])
    def test_colleagues_who_link_to_their_firm_s_site_claim_nothing(
        self, service: Service, verified: bool | None, bound: bool
    ) -> None:
        for number in range(4):
            user = f"w{number}"
            mail = {"address": f"{user}@firm.example", "verified": verified}
            joined(service, user, NOW + number * HOUR, email=mail)
            ask(service, user, 1, NOW + number * HOUR + 1, said=Message(("https://www.firm.example/spring",)))
        assert clusters(service) == ([{"w0", "w1", "w2", "w3"}] if bound else [])

    def test_strangers_who_link_to_a_firm_s_site_are_bound_to_each_other_alone(self, service: Service) -> None:
        said = Message(("firm.example",))
        joined(service, "w0", email={"address": "kim@firm.example"})
        ask(service, "w0", 1, NOW + 1, said=said)
        for number in range(2):
            joined(service, f"c{number}")
            ask(service, f"c{number}", 1, NOW + 2 + number, said=said)
        assert clusters(service) == [{"c0", "c1"}]

    def test_a_number_given_by_three_at_one_firm_is_its_switchboard(self, service: Service) -> None:
        for number in range(12):
            mail = {"address": f"w{number}@firm.example"}
            joined(service, f"w{number}", NOW + number * 2 * HOUR, email=mail, phone={"number": NUMBER})
        assert clusters(service) == []
        assert {view(service, f"w{number}", NOW + DAY)["tier"] for number in range(12)} == {"allow"}
        assert granted(service, *[f"w{number}" for number in range(12)], at=NOW + DAY) == [ONE] * 12

    def test_a_stranger_who_types_it_ties_no_colleagues_together(self, service: Service) -> None:
        people = [f"w{number}" for number in range(6)]
        for number, user in enumerate(people):
            mail = {"address": f"{user}@firm.example"}
            joined(service, user, NOW + number * 2 * HOUR, email=mail, phone={"number": NUMBER})
        for user in people:
            again(service, user, NOW + 13 * HOUR)  # the first two could not know then
        for number in range(2):
            joined(service, f"s{number}", NOW + 14 * HOUR + number, phone={"number": NUMBER})
        assert clusters(service) == [{"s0", "s1"}]
        for user in (*people, "s0", "s1"):
            again(service, user, NOW + 15 * HOUR)
        assert clusters(service) == [{"s0", "s1"}], "nor when they are looked at"
        assert granted(service, *people, at=NOW + 16 * HOUR) == [ONE] * 6

    def test_a_ring_on_a_number_is_none(self, service: Service) -> None:
        for number in range(4):
            joined(service, f"r{number}", NOW + number * 2 * HOUR, phone={"number": NUMBER})
        assert clusters(service) == [{"r0", "r1", "r2", "r3"}]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("first", ["her", "c0"])
def test_a_proof_while_a_join_is_in_flight_counts(
    service: Service, monkeypatch: pytest.MonkeyPatch, step: str, first: str
) -> None:
    """The claimant who was about to join her joins the other claimants."""
    for user in sorted(("her", "c0"), key=lambda name: name != first):
        joined(service, user, phone={"number": NUMBER})
    meanwhile(monkeypatch, step, lambda: happens(service, "her", "phone_verified", NOW + 1))
    joined(service, "late", NOW + 1, phone={"number": NUMBER})
    monkeypatch.undo()
    assert clusters(service) == [{"c0", "late"}]
    assert granted(service, "her") == [ONE]


@pytest.mark.parametrize("turn", range(4))
def test_proofs_and_claims_all_at_once(service: Service, turn: int) -> None:
    joined(service, "her", phone={"number": NUMBER})

    def work(number: int) -> None:
        if number == turn * 3:
            happens(service, "her", "phone_verified")
        else:
            joined(service, f"c{number}", phone={"number": NUMBER})
            ask(service, f"c{number}", 50)

    found = together(16, work)
    assert not [each for each in found if each is not None]
    assert clusters(service) == [{f"c{number}" for number in range(16) if number != turn * 3}]
    assert granted(service, "her") == [ONE]
    assert sum(granted(service, *[f"c{number}" for number in range(16) if number != turn * 3])) == 0


@pytest.mark.parametrize("turn", range(3))
def test_two_who_prove_it_at_once_are_bound_when_they_are_next_looked_at(service: Service, turn: int) -> None:
    for user in ("her", "him", "c0", "c1"):
        joined(service, user, phone={"number": NUMBER})
    people = ("her", "him")
    assert together(2, lambda number: happens(service, people[number], "phone_verified")["tier"]) == ["allow"] * 2
    for user in people:
        again(service, user)
    assert clusters(service) == [{"c0", "c1"}, {"her", "him"}]


def test_her_new_machine_is_a_claim_of_nobody_s(service: Service) -> None:
    """What an established customer comes with later is hers if nobody was there before."""
    her = holder(service)
    happens(service, her, "device_seen", device=DevicePart(id="her-next"))
    joined(service, "c0", NOW + HOUR, device={"id": "her-next"})
    joined(service, "c1", NOW + 2 * HOUR, device={"id": "her-next"})
    assert her not in {name for members in clusters(service) for name in members}
