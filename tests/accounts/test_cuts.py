"""A person's word that accounts do not belong together: for good, seen by links, rules and decisions, and undone."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.accounts.agenda import Agenda
from riskapi.accounts.cuts import cut_key
from riskapi.app import Service
from riskapi.budgets.keys import budget_key
from riskapi.clusters.joins import ban_key
from riskapi.decisions.events import Event
from riskapi.errors import Problem
from riskapi.inputs.signup import DevicePart
from riskapi.sending.grants import Message
from riskapi.store.connections import Store
from riskapi.worker.schedule import Schedule
from tests import consistency
from tests.conftest import NOW
from tests.grants import ask, opened, view
from tests.signups import body, post, together

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def visitor(service: Service, user: str, after: float = 0.0) -> dict[str, Any]:
    """Somebody signs up on the device that everybody uses."""
    return post(service, body(user, device={"id": "library"}), NOW + after)


def looked(service: Service, after: float) -> None:
    """A worker looks at all that is due by then."""
    looks = Schedule(Agenda(service.store), service.rescorer, lambda: NOW + after)
    while looks.step():
        pass


def edge_of(service: Service, user: str, kind: str = "device") -> str:
    return next(str(row["edge"]) for row in view(service, user)["linkage"]["edges"] if row["kind"] == kind)


def cut(service: Service, user: str, *, thing: bool, after: float = HOUR) -> dict[str, Any]:
    """A reviewer cuts the account out of its cluster, or its device from everybody."""
    edge = edge_of(service, user) if thing else None
    cluster = consistency.cluster_of(service, user)
    made = service.parts.cuts.cut(cluster, None if thing else user, edge, "a library", "ana", NOW + after)
    return dict(made)


def undo(service: Service, cut_id: str, after: float = 2 * HOUR) -> dict[str, Any]:
    return dict(service.parts.cuts.undo(cut_id, "kim", NOW + after))


def tiers(service: Service, *users: str) -> list[str]:
    return [view(service, user)["tier"] for user in users]


@pytest.fixture
def library(service: Service) -> Service:
    """Four used one device. The first is found abusive, and the worker has told the others. A fifth came after that."""
    for number in range(4):
        visitor(service, f"v{number}", number * 20 * MINUTE - 2 * HOUR)
    assert tiers(service, "v0", "v1", "v2", "v3") == ["allow", "allow", "review", "review"]
    service.parts.labels.add("v0", "abuse", "manual_review", None, "ana", NOW)
    service.rescorer.again("v0", "linkage", NOW)
    Agenda(service.store).add(["v1", "v2", "v3"], NOW, "linkage")
    looked(service, MINUTE)
    assert visitor(service, "v4", 2 * MINUTE)["decision"] == "limit"
    assert tiers(service, "v1", "v2", "v3", "v4") == ["limit"] * 4
    return service


class TestThing:
    """A thing is cut from everybody."""

    def test_it_binds_nobody_and_each_takes_its_spends_along(self, service: Service) -> None:
        for number in range(3):
            opened(service, f"r{number}", "kiosk")
        ask(service, "r0", 150)
        found = cut(service, "r1", thing=True)
        assert found["accounts"] == {"r0": None, "r1": None, "r2": None}
        left = [view(service, user, NOW + 1)["limits"]["remaining"]["hourly"] for user in ("r0", "r1")]
        assert (left, consistency.check(service)) == ([50, 200], {})

    def test_the_next_visitor_is_allowed(self, library: Service) -> None:
        cut(library, "v1", thing=True)
        found = visitor(library, "v5", HOUR + 1)
        assert (found["decision"], found["linkage"]["size"], found["linkage"]["evidence"]) == ("allow", 1, [])

    def test_rules_and_signals_skip_it(self, library: Service) -> None:
        cut(library, "v1", thing=True)
        visitor(library, "v5", HOUR + 1)
        readings = view(library, "v5")["readings"]
        assert (readings["links_device_abusive"], readings["links_device_limited"]) == (0, 0)
        assert (readings["velocity_device_30d"], readings["links_accounts"]) == (1, 0)
        assert (readings["links_proved_abusive"], readings["links_cluster_abusive"]) == (0, 0)

    def test_everybody_is_decided_again_and_comes_back(self, library: Service) -> None:
        """Also who came in between, who was never anything but limited. What a person said stands."""
        cut(library, "v1", thing=True)
        looked(library, HOUR + MINUTE)
        assert tiers(library, "v0", "v1", "v2", "v3", "v4") == ["limit", "allow", "allow", "allow", "allow"]
        last = view(library, "v4")["history"][-1]
        assert (last["from"], last["to"]) == ("limit", "allow")

    def test_it_holds_for_those_who_use_it_again(self, library: Service) -> None:
        cut(library, "v1", thing=True)
        looked(library, HOUR + MINUTE)
        seen = Event(type="device_seen", device=DevicePart(id="library"))
        for user in ("v1", "v2", "v1"):
            assert library.parts.events.record(user, seen, NOW + 2 * HOUR)["tier"] == "allow"
        assert consistency.check(library) == {}

    def test_a_ban_holds_after_the_thing_was_forgotten(self, library: Service) -> None:
        found = cut(library, "v1", thing=True)
        (edge,) = library.parts.cuts.get(found["cut_id"])["edges"]
        library.store.execute("DEL", f"risk:e:{edge}")
        answers = [visitor(library, f"w{number}", 100 * DAY + number * HOUR) for number in range(5)]
        assert [answer["linkage"]["size"] for answer in answers] == [1] * 5
        # The first two found it anew; with them its mark came back, and nobody is counted by it any more.
        assert [answer["decision"] for answer in answers] == ["allow"] * 5
        assert consistency.check(library) == {}

    def test_a_thing_whose_cut_is_undone_binds_and_counts_again(self, library: Service) -> None:
        found = cut(library, "v1", thing=True)
        looked(library, HOUR + MINUTE)
        undo(library, found["cut_id"])
        looked(library, 2 * HOUR + MINUTE)
        assert tiers(library, "v0", "v1", "v2", "v3", "v4") == ["limit"] * 5
        assert view(library, "v1", NOW + 3 * HOUR)["linkage"]["size"] == 5
        assert library.store.execute("EXISTS", ban_key(found_edge(library, found["cut_id"]))) == 0
        assert visitor(library, "v5", 3 * HOUR)["decision"] == "limit"
        consistency.check(library)

    def test_what_is_bound_by_something_else_stays_so(self, service: Service) -> None:
        for number in range(3):
            phone = {"number": "+34600123123"} if number < 2 else None
            post(service, body(f"r{number}", device={"id": "kiosk"}, phone=phone), NOW)
        found = cut(service, "r0", thing=True)
        assert found["accounts"]["r0"] == found["accounts"]["r1"] is not None
        assert found["accounts"]["r2"] is None
        consistency.check(service)

    def test_a_linked_domain_may_be_cut_too(self, service: Service) -> None:
        said = Message(("forum.example",))
        for number in range(3):
            ask(service, opened(service, f"r{number}"), 1, said=said)
        cluster, edge = consistency.cluster_of(service, "r0"), edge_of(service, "r0", "link_domain")
        service.parts.cuts.cut(cluster, None, edge, "a site that all link to", "ana", NOW)
        for number in range(3):
            ask(service, f"r{number}", 1, NOW + HOUR, said=said)
        assert consistency.check(service) == {}


def found_edge(service: Service, cut_id: str) -> str:
    (edge,) = service.parts.cuts.get(cut_id)["edges"]
    return str(edge)


class TestAccount:
    """An account is cut out of its cluster."""

    def test_others_are_seen_without_it_and_it_without_them(self, library: Service) -> None:
        cut(library, "v0", thing=False)
        looked(library, HOUR + MINUTE)
        # Four are left on the device, none of them abusive: for who came after two others that is worth a look.
        assert tiers(library, "v0", "v1", "v2", "v3", "v4") == ["limit", "allow", "allow", "review", "review"]
        found = visitor(library, "v5", HOUR + 2 * MINUTE)
        assert (found["decision"], found["linkage"]["abusive"], found["linkage"]["size"]) == ("review", 0, 5)
        assert all("v0" not in row["user_ids"] for row in view(library, "v5")["linkage"]["evidence"])
        consistency.check(library)

    def test_an_innocent_who_is_cut_out_comes_back_alone(self, library: Service) -> None:
        cut(library, "v1", thing=False)
        looked(library, HOUR + MINUTE)
        assert tiers(library, "v1", "v2", "v3", "v4") == ["allow", "limit", "limit", "limit"]
        readings = view(library, "v1")["readings"]
        assert (readings["links_device_abusive"], readings["velocity_device_30d"]) == (0, 1)

    def test_it_holds_whatever_happens_to_the_cluster(self, library: Service) -> None:
        cut(library, "v1", thing=False)
        visitor(library, "v5", HOUR + 1)
        library.rescorer.again("v1", "schedule", NOW + DAY)
        assert view(library, "v1", NOW + DAY)["linkage"]["size"] == 1
        assert view(library, "v5", NOW + DAY)["linkage"]["size"] == 5
        consistency.check(library)

    def test_it_holds_after_the_thing_was_forgotten(self, library: Service) -> None:
        found = cut(library, "v1", thing=False)
        library.store.execute("DEL", f"risk:e:{found_edge(library, found['cut_id'])}")
        visitor(library, "v5", HOUR + 1)
        visitor(library, "v6", HOUR + 2)
        library.rescorer.again("v1", "schedule", NOW + DAY)
        assert view(library, "v1", NOW + DAY)["linkage"]["size"] == 1

    def test_an_account_whose_cut_is_undone_is_bound_again(self, library: Service) -> None:
        found = cut(library, "v1", thing=False)
        looked(library, HOUR + MINUTE)
        undo(library, found["cut_id"])
        looked(library, 2 * HOUR + MINUTE)
        assert tiers(library, "v1", "v2") == ["limit", "limit"]
        assert view(library, "v1", NOW + 3 * HOUR)["linkage"]["size"] == 5
        assert not [name for name in library.store.execute("HKEYS", budget_key("v1")) if name.startswith(b"x:")]
        consistency.check(library)

    def test_what_it_shares_later_binds_it(self, service: Service) -> None:
        """The cut is between it and these things, not between it and the world."""
        for number in range(2):
            opened(service, f"r{number}", "kiosk")
        cut(service, "r0", thing=False)
        said = Message(("pills.example",))
        for user in ("r0", "r1"):
            ask(service, user, 1, NOW + 2 * HOUR, said=said)
        assert view(service, "r0", NOW + 3 * HOUR)["linkage"]["size"] == 2
        consistency.check(service)


class TestRecord:
    """What is written down of a cut."""

    def test_it_can_be_read_and_says_who_undid_it(self, library: Service) -> None:
        found = cut(library, "v1", thing=True)
        told = library.parts.cuts.get(found["cut_id"])
        assert (told["user_id"], told["actor"], told["reason"]) == (None, "ana", "a library")
        assert (told["at"], told["undone_at"], told["undone_by"]) == ("2026-11-22T11:00:00.000Z", None, None)
        assert library.store.execute("TTL", cut_key(found["cut_id"])) == -1, "a person's word holds"
        undone = undo(library, found["cut_id"])
        assert (undone["undone_at"], undone["undone_by"]) == ("2026-11-22T12:00:00.000Z", "kim")
        assert library.parts.cuts.get(found["cut_id"]) == undone

    def test_a_cut_undone_twice_is_undone_once(self, library: Service) -> None:
        first = cut(library, "v1", thing=True)
        undone = undo(library, first["cut_id"])
        looked(library, 2 * HOUR + MINUTE)
        cut(library, "v1", thing=True, after=3 * HOUR)
        assert undo(library, first["cut_id"], 4 * HOUR) == undone
        assert visitor(library, "v5", 4 * HOUR)["linkage"]["size"] == 1, "it was cut anew"

    @pytest.mark.parametrize("what", ["account", "edge", "cluster", "cut"])
    def test_what_is_not_there_is_a_problem(self, library: Service, what: str) -> None:
        cluster, cuts = consistency.cluster_of(library, "v1"), library.parts.cuts
        asked: dict[str, tuple[str, str | None, str | None]] = {
            "account": (cluster, "u_nobody", None),
            "edge": (cluster, None, "d:0123456789abcdef"),
            "cluster": ("clu_0", "v1", None),
        }
        with pytest.raises(Problem) as problem:
            if what == "cut":
                cuts.undo("cut_0", "kim", NOW)
            else:
                cuts.cut(*asked[what], "a mistake", "ana", NOW)
        assert problem.value.code == "not_found"
        assert view(library, "v1")["linkage"]["size"] == 5


def test_cuts_undone_while_all_sign_up_leave_nothing_half_done(library: Service) -> None:
    made = [cut(library, user, thing=False) for user in ("v1", "v2")]

    def work(number: int) -> None:
        if number < 4:
            undo(library, made[number % 2]["cut_id"])
        else:
            visitor(library, f"n{number}", 3 * HOUR)

    assert not [each for each in together(16, work) if each is not None]
    looked(library, 4 * HOUR)
    (members,) = consistency.check(library).values()
    assert members == {"v0", "v1", "v2", "v3", "v4", *[f"n{number}" for number in range(4, 16)]}


def test_a_cut_is_made_and_undone_over_the_api(store: Store, client: Any) -> None:
    for user in ("v0", "v1"):
        signup = body(user, device={"id": "library"}).model_dump(mode="json", exclude_none=True)
        assert client.post("/v1/signups", json=signup).status_code == 200
    linkage = client.get("/v1/accounts/v0").json["linkage"]
    path = f"/v1/clusters/{linkage['cluster_id']}/cut"
    made = client.post(path, json={"edge": linkage["edges"][0]["edge"], "reason": "a library"})
    assert (made.status_code, made.json["accounts"]) == (200, {"v0": None, "v1": None})
    cut_id = made.json["cut_id"]
    assert client.get(f"/v1/cuts/{cut_id}").json["edges"] == [linkage["edges"][0]["edge"]]
    headers = {"Idempotency-Key": "k"}
    first = client.post(f"/v1/cuts/{cut_id}/undo", headers=headers)
    again = client.post(f"/v1/cuts/{cut_id}/undo", headers=headers)
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replay"]) == (200, 200, "true")
    assert first.json == again.json and first.json["undone_by"]
    for path in ("/v1/cuts/cut_0", "/v1/cuts/%F0%9F%92%A3"):
        assert client.get(path).status_code == 404
        assert client.post(f"{path}/undo").status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        {}, {"reason": "x"}, {"user_id": "v0", "edge": "d:0123456789abcdef", "reason": "x"}, {"user_id": "v0"},
        {"edge": "d:short", "reason": "x"}, {"edge": "d:0123456789abcde\u0000", "reason": "x"},
        {"edge": "dd:0123456789abcdef", "reason": "x"}, {"edge": 7, "reason": "x"}, {"user_id": "a b", "reason": "x"},
        {"user_id": "v0", "reason": ""}, {"user_id": "v0", "reason": "x", "more": 1}, {"user_id": None, "reason": "x"},
    ],
)  # fmt: skip
def test_what_is_no_cut_is_refused(client: Any, given: dict[str, Any]) -> None:
    assert client.post("/v1/clusters/clu_0/cut", json=given).status_code == 422
