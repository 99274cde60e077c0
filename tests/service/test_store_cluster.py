"""The whole line on a real cluster of three nodes: the same answers as on one node."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from riskapi.accounts.restricted_accounts import FIRST, RestrictedAccounts
from riskapi.app import Service
from riskapi.decisions.events import Event
from riskapi.errors import Problem, StoreUnavailable
from riskapi.feedback.event import FeedbackEvent
from riskapi.inputs.json_lines import Row
from riskapi.inputs.signup import DevicePart
from riskapi.links.keys import entities_of
from riskapi.lists.entries import StoredEntry
from riskapi.policy.tables import Caps
from riskapi.sending.grants import Message
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS, account_key
from riskapi.webhooks.deliveries import Deliveries, DeliveryOutcome
from riskapi.webhooks.endpoints import Webhooks, guards
from tests import consistency
from tests.conftest import NOW, Clock
from tests.holders import joined
from tests.joining import bind
from tests.members import members
from tests.restrictions import CARD, DAY, FREE, cut, met, review_of, state, trigger, triggers
from tests.reviewing import decide, opened, undo
from tests.signups import body, post, together
from tests.trips import KINDS, Trips
from tests.working import Work

SILENT = Message()


@pytest.fixture
def store(three_nodes: Store) -> Store:
    """The store of a cluster, in the place of the embedded one."""
    return three_nodes


def test_signups_are_raced_linked_labelled_reviewed_and_exported(service: Service) -> None:
    signup = body(phone={"number": "+34600123123"}, device={"id": "dev-1"}, payment={"fingerprint": "card-1"})
    answers = together(20, lambda _: service.parts.assessor.signup(signup, NOW))
    assert len({answer.body for answer in answers}) == 1
    service.parts.labels.add("u_1", "abuse", "external", None, "key", NOW)
    claims = post(service, body("u_2", phone={"number": "+34600123123"}))
    assert (claims["decision"], claims["linkage"]["abusive"], claims["linkage"]["size"]) == ("review", 1, 2)
    linked = post(service, body("u_3", payment={"fingerprint": "card-1"}))
    assert (linked["decision"], linked["linkage"]["abusive"], linked["linkage"]["size"]) == ("limit", 1, 3)
    reviews = [
        post(service, body(f"r_{number}", email={"address": f"r{number}@mailinator.com"})) for number in range(9)
    ]
    page = service.parts.reviews.list("open", 50, None)["reviews"]
    assert {row["id"] for row in page} == {answer["review_id"] for answer in (claims, *reviews)}
    done = decide(service, page[0]["id"], "limit", "abuse", "account", None, "kim", NOW)
    assert done["accounts"][0]["after"] == "limit"
    assert len(list(service.decisions.export())) == 12


def test_feedback_and_events_are_counted(service: Service) -> None:
    users = [f"u_{number}" for number in range(9)]
    for user in users:
        post(service, body(user))
    events = [
        FeedbackEvent(id=f"{user}-{number}", type="complaint", user_id=user) for user in users for number in range(3)
    ]
    tallies = together(4, lambda _: service.parts.feedback.count(events, NOW))
    assert sum(tally.accepted for tally in tallies) == len(events)
    assert sorted(action["user_id"] for tally in tallies for action in tally.actions) == users
    assert all(service.parts.profiles.view(user, NOW)["feedback"]["complaints"] == 3 for user in users)
    login = Event(type="login", device=DevicePart(ip_address="198.51.100.7"))
    assert [service.parts.events.record(user, login, NOW)["tier"] for user in users] == ["allow"] * 9


def send(service: Service, user: str, recipients: int, said: Message = SILENT, **more: Any) -> dict[str, Any]:
    return dict(service.parts.grants.send(user, recipients, said, NOW, **more).body)


def test_budgets_are_joined_spent_released_merged_cut_and_settled(service: Service) -> None:
    for user, device, phone in (
        ("a1", "left", None),
        ("a2", "left", None),
        ("b1", "right", None),
        ("b2", "right", "+34600123123"),
        ("c1", "own", None),
    ):
        mail = {"address": f"{user}@{user}.example"}
        post(service, body(user, email=mail, device={"id": device}, phone={"number": phone} if phone else None))
    first = send(service, "a1", 150, repeat="k", digest="d")
    assert first == send(service, "a1", 150, repeat="k", digest="d")
    assert sum(found["granted"] for found in together(16, lambda _: send(service, "b1", 20))) == 200
    assert send(service, "a2", 200)["granted"] == 150
    assert service.parts.grants.release(first["reservation_id"], 100, NOW)["remaining"]["hourly"] == 100
    assert service.parts.grants.release(first["reservation_id"], 50, NOW, repeat="r")["remaining"]["hourly"] == 150

    bridge = body("ab", email={"address": "ab@ab.example"}, device={"id": "left"}, phone={"number": "+34600123123"})
    assert post(service, bridge)["linkage"]["size"] == 5
    assert send(service, "b2", 1)["denied_by"] == "cluster_hourly"
    assert [len(members) for members in consistency.check(service).values()] == [5]

    seen: Any = service.parts.profiles.view("b2", NOW)["linkage"]
    edge = next(row["edge"] for row in seen["edges"] if row["kind"] == "phone")
    after = service.parts.cuts.cut(seen["cluster_id"], None, edge, "a shared phone", "ana", NOW)["accounts"]
    assert after["a1"] == after["ab"] != after["b1"] == after["b2"]
    assert send(service, "b2", 200)["granted"] == 100
    service.parts.cuts.cut(consistency.cluster_of(service, "a1"), "a1", None, "a tester", "ana", NOW)
    consistency.check(service)

    said = Message(("pills.example", "offers.example"), "spring")
    send(service, "c1", 1, said)
    send(service, "b1", 1, said)
    assert sorted(len(members) for members in consistency.check(service).values()) == [2, 3]

    labelled = service.parts.labels.add("c1", "abuse", "manual_review", None, "ana", NOW)
    assert (labelled["tier"], send(service, "c1", 1)["granted"]) == ("limit", 0)


@pytest.mark.parametrize("action", ["tighten", "limit", "pause"])
def test_what_the_mail_of_others_brought_ends_and_begins_with_the_link(
    service: Service, clock: Clock, action: str
) -> None:
    """Accounts of all shards, on all nodes: written down, ended, back, decided, undone, looked at and erased."""
    triggers(service, trigger(action), trigger("pause", "hard_bounce", hours=24))
    users = ["mate", *(f"m{number}" for number in range(SHARDS))]
    for user in ("bad", *users):
        joined(service, user, NOW, payment=CARD)
    work = Work(service, clock)
    work.do()

    def states() -> list[tuple[str, bool]]:
        return [state(service, clock(), user) for user in users]

    free = states()
    clock.advance(60)
    for of in ("spam_trap", "hard_bounce"):
        met(service, "bad", clock(), of)
    work.do()
    bound = states()
    for (tier, paused), (before, _) in zip(bound, free, strict=True):
        assert paused and (tier != before) == (action != "pause")
    cut_id = cut(service, "bad", clock())
    work.do()
    assert states() == free
    service.parts.cuts.undo(cut_id, "kim", clock())
    work.do()
    assert states() == bound
    review = review_of(service)
    decide(service, review, "allow", None, now=clock())
    work.do()
    assert states() == [FREE, *bound[1:]]
    undo(service, review, now=clock())
    work.do()
    assert states() == bound
    clock.advance(FIRST)
    restricted = RestrictedAccounts(service.store, service.accounts)
    assert restricted.look(clock()) == len(users)
    for user in ("bad", "mate"):
        service.parts.erasures.erase(user, 0, clock())
    work.do()
    users.remove("mate")
    assert states() == free[1:]
    assert restricted.look(clock() + DAY) == len(users)


@pytest.mark.parametrize(
    "name",
    ["two clusters that become one", "a claimant of all", "who proves what others claim", "a thing that may be a hub",
     "the third, which makes it a switchboard", "at a pace that people have not"],
)  # fmt: skip
def test_a_signup_is_joined_as_on_one_node_in_one_trip_more(service: Service, trips: Trips, name: str) -> None:
    """Things lie on other nodes than budgets: who shares one that binds nobody yet, or no more, is asked before."""
    kind = KINDS[name]
    kind.before(service)
    found: list[dict[str, Any]] = []
    assert trips(lambda: found.append(post(service, body("late", **kind.parts), kind.at))) <= 4
    assert found[0]["linkage"]["size"] == kind.size
    consistency.check(service)


def test_who_comes_while_those_named_are_about_to_join_is_joined_with_all_who_were_there(service: Service) -> None:
    """The thing is marked, and nobody of those the first trip told is bound by it yet."""
    for user in ("a1", "a2"):
        post(service, body(user, device={"id": user}))
    links = service.parts.clusters._links
    key = links.entity_key("device", "a1")
    links.renew("a2", [key], NOW - 1, service.active.policy)
    bind(links, [key], on=True)
    assert post(service, body("late", device={"id": "a1"}))["linkage"]["size"] == 3
    consistency.check(service)


def test_what_was_granted_while_all_nodes_were_away_is_settled(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in ("u1", "u2"):
        post(service, body(user, email={"address": f"{user}@{user}.example"}, device={"id": "ring"}))
    with monkeypatch.context() as away:

        def refuse(*_: Any) -> Any:
            raise StoreUnavailable("away")

        away.setattr(service.store, "run", refuse)
        away.setattr(service.store, "execute", refuse)
        assert send(service, "u1", 5, repeat="k", digest="d")["tier"] == "review"
    assert send(service, "u2", 200)["granted"] == 200
    assert send(service, "u1", 5, repeat="k", digest="d")["tier"] == "review"
    assert send(service, "u1", 1)["remaining"]["hourly"] == 300 - 5 - 200 - 1
    consistency.check(service)


def test_everybody_signs_up_and_sends_at_once(service: Service) -> None:
    def join(number: int) -> int:
        user = f"u{number}"
        post(service, body(user, email={"address": f"{user}@{user}.example"}, device={"id": f"dev-{number % 3}"}))
        return int(send(service, user, 5, Message(("offer.example",), "offer"))["granted"])

    found = together(24, join)
    assert not [each for each in found if isinstance(each, Exception)]
    assert [len(members) for members in consistency.check(service).values()] == [24]


def test_webhooks_are_queued_taken_finished_listed_and_sent_anew(service: Service) -> None:
    store = service.store
    webhooks, deliveries = Webhooks(store, guards(("127.0.0.1",))), Deliveries(store)
    id = webhooks.create("http://127.0.0.1:9/", ["tier.changed"], "ana", NOW)["id"]
    made = together(4, lambda _: [deliveries.enqueue(f"{entry}-0", id, "tier.changed", b"{}", NOW) for entry in "123"])
    assert sum(each for row in made for each in row) == 3
    first, second, third = deliveries.take(id, NOW, 30.0, 10)
    assert deliveries.finish(first, DeliveryOutcome(200), NOW) == "delivered"
    assert deliveries.finish(second, DeliveryOutcome(410, "status", gone=True), NOW) == "dead"
    assert deliveries.finish(third, DeliveryOutcome(500, "status"), NOW) == "pending"
    assert deliveries.redeliver_dead(id, NOW) == 1
    page = deliveries.page(id, "pending", 1)
    assert len(deliveries.page(id, "pending", 1, page["next_cursor"])["deliveries"]) == 1
    webhooks.rotate(id, NOW)
    webhooks.delete(id)
    deliveries.forget(id)
    assert deliveries.take(id, NOW + 60, 30.0, 10) == []


def test_a_decision_for_a_cluster_bans_and_is_undone(service: Service) -> None:
    ring: dict[str, Any] = {"device": {"id": "ring"}, "phone": {"number": "+34600123123"}}
    reviews = [opened(service, f"r_{number}", **ring) for number in range(9)]
    found = decide(service, reviews[0], apply_to="cluster", deny=("phone", "device", "mailbox"), now=NOW + 1)
    assert len(found["accounts"]) == 9
    assert {row["after"] for row in found["accounts"]} == {"limit"}
    assert [row["skipped"] for row in found["deny"]] == [None] * 11
    assert service.parts.reviews.list("open", 50, None)["reviews"] == []
    assert post(service, body("u_1", phone=ring["phone"], device={}))["disposition"]["source"] == "list"
    back = undo(service, reviews[0], now=NOW + 2)
    assert {(row["after"], row["left"]) for row in back["accounts"]} == {("review", None)}
    assert len(back["removed_entries"]) == 11
    assert len(service.parts.reviews.list("open", 50, None)["reviews"]) == 9


def test_entries_of_lists_match_are_hit_and_expire(service: Service) -> None:
    entries = service.parts.lists
    more: dict[str, Any] = {"reason": None, "author": "ana", "silences_feedback": False, "now": NOW}

    def put(kind: Any, value: str, until: float | None = None) -> StoredEntry:
        return entries.put(entries.draft("deny", kind, value, expires_at=until, **more), NOW, replace=True).entry

    post(service, body("u_1"))
    domain, network, link = (
        put("email_domain", "spam.example"),
        put("cidr", "203.0.0.0/12"),
        put("link_domain", "bad.example"),
    )
    assert [entries.matching(each, 9) for each in (domain, network, link)] == [([], True), (["u_1"], True), ([], True)]
    assert post(service, body("u_2", email={"address": "a@x.spam.example"}, device={}))["decision"] == "limit"
    assert send(service, "u_1", 5, Message(("www.bad.example",)))["denied_by"] == "list_link_domain"
    assert together(4, lambda _: entries.count_hit(domain.id, "u_2", NOW)) == [1] * 4
    assert {each.id for each in together(4, lambda _: put("email_domain", "spam.example", NOW + 1))} == {domain.id}
    assert entries.remove("deny", network.id, "ana", NOW).id == network.id
    assert len(entries.page(None, None, 10, None, NOW)["entries"]) == 2
    assert sum(together(3, lambda _: entries.expire(NOW + 1))) == 1
    assert entries.stale(NOW + 1, 90)["entries"][0]["why"] == ["expired"]


def test_customers_are_imported_and_their_terms_change(service: Service) -> None:
    records = [
        {
            "account": {"user_id": f"c_{number}"},
            "email": {"address": f"c{number}@c{number}.example"},
            "phone": {"number": f"+3460012300{number}"},
            "created_at": "2023-04-01T09:30:00Z",
            "verified": ["phone"],
        }
        for number in range(9)
    ]
    rows = [Row(number, orjson.dumps(record)) for number, record in enumerate(records, 1)]
    found = together(3, lambda _: service.parts.imports.take(rows, "ana", NOW))
    assert sum(each.imported for each in found) == 9 and sum(each.existing for each in found) == 18
    for number in range(9):
        user = f"c_{number}"
        seen = service.parts.profiles.view(user, NOW)
        assert seen["established"] == {"since": "2023-04-01T09:30:00.000Z", "by": "import"}
        entities = entities_of(service.store.execute("HGET", account_key(user), "entities"))
        for kind, key in entities.items():
            marks = set(members(service.store, key))
            assert {user, f"&{user}"} <= marks and (f"%{user}" in marks) == (kind == "phone")
        caps = Caps(hourly=number, daily=number, monthly=number)
        assert service.parts.account_caps.put(user, caps, "why", None, "ana", NOW)["limits"]["hourly"] == number
        assert send(service, user, 200)["granted"] == number
        service.parts.account_caps.remove(user, "ana", NOW)
        service.parts.events.record(user, Event(type="plan_changed", plan="pro"), NOW)
        assert service.parts.profiles.view(user, NOW)["plan"] == "pro"


def test_an_account_is_exported_erased_and_let_go_of(service: Service) -> None:
    ring: dict[str, Any] = {"payment": {"fingerprint": "card-1"}, "device": {"id": "dev-1"}}
    review = opened(service, "u_1", **ring)
    post(service, body("u_2", **ring))
    send(service, "u_1", 3)
    exported = service.parts.exports.of("u_1", NOW)
    assert exported["account"] is not None and [each["id"] for each in exported["reviews"]] == [review]
    erased = service.parts.erasures.erase("u_1", 1, NOW)
    assert erased["erased"] == {"account": True, "reviews": 1, "reports": 0, "entries": len(exported["entries"])}
    assert service.parts.profiles.view("u_2", NOW)["linkage"]["size"] == 2
    assert [service.parts.erasures.finish(NOW + after) for after in (61.0, 86_000.0, 86_401.0, 90_000.0)] == [
        1,
        0,
        1,
        0,
    ]
    assert service.parts.profiles.view("u_2", NOW)["linkage"]["size"] == 1
    with pytest.raises(Problem, match="Nothing is held"):
        service.parts.exports.of("u_1", NOW)
