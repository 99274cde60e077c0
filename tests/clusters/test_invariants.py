"""What must hold of claims and clusters in any history, whatever the reference says; a worker reacts after every step.

A ring on one thing gets little more than one account; a holder loses nothing to those who claim what it holds; what is
taken away and put back leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from riskapi.app import Service
from riskapi.decisions.events import Event
from riskapi.inputs.json_lines import Row
from riskapi.sending.grants import Message
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.times import rfc3339
from tests.conftest import NOW, Clock
from tests.consistency import check, cluster_of
from tests.histories import CAPS, CARDS, DEVICES, FACTOR, LINES, PHONES, PILLS, SALE, SPRING, Newcomer, rules
from tests.reference import WINDOWS, Reference
from tests.signups import body, post
from tests.working import Work

DAY = 86_400.0
#: Seconds from one step to the next, in which a worker does what the step brought about.
STEP = 10.0
HERS = Newcomer(device=DEVICES[0], phone=PHONES[0], mail="spelt", card=CARDS[0])

Make = Callable[..., "World"]


class World:
    """Accounts on the real service, and a worker that does its part after every step."""

    def __init__(self, service: Service, clock: Clock) -> None:
        service.store.execute("FLUSHALL")
        clock.now = NOW
        self.service, self.clock, self.work = service, clock, Work(service, clock)
        self.users: list[str] = []
        self.granted: list[tuple[str, float, int]] = []

    def signup(self, user: str, given: Newcomer) -> None:
        parts = given.signup(user, len(self.users))
        parts["device"]["ip_address"] = given.line or f"2001:db8:{len(self.users) + 1:x}::1"
        post(self.service, body(user, **parts), self.clock.now)
        self.users.append(user)
        self.go_on()

    def customer(self, user: str, given: Newcomer, days: int = 400) -> None:
        parts = {name: part for name, part in given.signup(user, 0).items() if part is not None}
        row = Row(1, orjson.dumps({**parts, "created_at": rfc3339(self.clock.now - days * DAY)}))
        assert self.service.parts.imports.take([row], "ana", self.clock.now).imported == 1
        self.users.append(user)
        self.go_on()

    def ask(self, user: str, recipients: int, said: Sequence[str] = ()) -> dict[str, Any]:
        content = next((thing for thing in said if thing[0] == "c"), None)
        message = Message(tuple(thing[2:] for thing in said if thing[0] == "l"), content)
        at = self.clock.now
        found = dict[str, Any](
            self.service.parts.grants.send(user, recipients, message, at, partial=True, digest="").body
        )
        self.granted.append((user, at, found["granted"]))
        self.go_on()
        return found

    def event(self, user: str, type: str, **more: Any) -> None:
        self.service.parts.events.record(user, Event(type=type, **more), self.clock.now)
        self.go_on()

    def label(self, user: str, label: Any, source: Any = "manual_review") -> None:
        self.service.parts.labels.add(user, label, source, None, "ana", self.clock.now)
        self.go_on()

    def go_on(self, seconds: float = 0.0) -> None:
        """A worker does what there is to do, and time goes by."""
        self.work.do()
        self.clock.advance(STEP + seconds)

    def tier(self, user: str) -> str:
        return self.service.accounts.standing(user).tier

    def within(self, users: Sequence[str], seconds: float, at: float) -> int:
        """What accounts were granted in the seconds up to a time: the plain sum."""
        return sum(count for user, when, count in self.granted if user in users and at - seconds < when <= at)


@pytest.fixture
def make(store: Store, settings: Settings, assemble: Callable[..., Service], clock: Clock) -> Make:
    """``make()`` is a new world under small caps and no rules, ``make(shipped=True)`` under what is shipped."""
    made: dict[bool, Service] = {}

    def world(*, shipped: bool = False) -> World:
        if shipped not in made:
            ours = replace(settings, enrichment=False, model_mode=None if shipped else "off")
            made[shipped] = assemble(ours, store, clock)
            if not shipped:
                made[shipped].active.use(made[shipped].active.basis.under(rules()))
        return World(made[shipped], clock)

    return world


#: Small: each history is some twenty steps, after each of which a worker has its turn.
FEW = profile(
    max_examples=25,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
numbers = st.integers(0, 9)
asking = st.tuples(st.just("ask"), numbers, st.integers(1, 12), st.sampled_from([(), (), (SPRING,), (PILLS,), (SALE,)]))
waiting = st.tuples(st.just("wait"), st.sampled_from([50.0, 3000.0, 3600.0, 20 * 3600.0, DAY, 6 * DAY]))


def pick(users: Sequence[str], number: int) -> str:
    return users[number % len(users)]


# A ring on a thing that nobody holds

ringers = st.builds(
    Newcomer,
    device=st.just(DEVICES[0]),
    phone=st.sampled_from([None, *PHONES]),
    proves=st.booleans(),
    mail=st.sampled_from(["own", "spelt", "numbered"]),
    verified=st.sampled_from([None, True]),
    line=st.sampled_from([None, *LINES]),
    typed=st.booleans(),
)
strangers = ringers.map(lambda found: replace(found, device=DEVICES[1]))


@FEW
@given(
    first=ringers,
    history=st.lists(
        st.one_of(
            asking,
            asking,
            waiting,
            st.tuples(st.just("signup"), ringers),
            st.tuples(st.just("stranger"), strangers),
            st.tuples(st.just("event"), numbers, st.sampled_from(["phone_verified", "email_verified"])),
            st.tuples(st.just("label"), numbers, st.sampled_from(["abuse", "legitimate"])),
        ),
        min_size=15,
        max_size=25,
    ),
)
def test_those_who_share_a_thing_that_nobody_holds_get_no_more_than_a_cluster(
    make: Make, first: Newcomer, history: Sequence[tuple[Any, ...]]
) -> None:
    world, ring = make(), ["r0"]
    world.signup("r0", first)
    for name, *rest in history:
        if name == "signup":
            ring.append(f"r{len(ring)}")
            world.signup(ring[-1], rest[0])
        elif name == "stranger":
            world.signup(f"s{len(world.users)}", rest[0])
        elif name == "ask":
            world.ask(pick(world.users, rest[0]), *rest[1:])
        elif name == "wait":
            world.go_on(rest[0])
        else:
            getattr(world, name)(pick(world.users, rest[0]), rest[1])
        # Nobody's caps were ever larger than those of `allow`.
        for (seconds, _), cap in zip(WINDOWS.values(), CAPS["allow"], strict=True):
            assert world.within(ring, seconds, world.clock.now) <= int(FACTOR * cap)
    check(world.service)


# A holder, and those who claim what it holds

#: Each claims one thing of hers at least, and proves none of them.
claimants = (
    st.builds(
        Newcomer,
        device=st.sampled_from([None, *DEVICES]),
        phone=st.sampled_from([None, *PHONES]),
        mail=st.sampled_from(["own", "spelt", "numbered"]),
        line=st.sampled_from([None, *LINES]),
        typed=st.booleans(),
        card=st.sampled_from([None, *CARDS]),
        plan=st.sampled_from([None, None, "pro"]),
    )
    .map(lambda found: replace(found, mail="spelt") if not set(_shared(found)) else found)
    .map(lambda found: replace(found, verified=None if found.mail == "spelt" else True))
)


def _shared(found: Newcomer) -> list[str]:
    return [thing for thing in HERS.things("", 0) if thing[0] != "s" and thing in found.things("x", 1)]


@FEW
@given(
    proves=st.booleans(),
    history=st.lists(
        st.one_of(
            asking,
            asking,
            st.tuples(st.just("her"), st.integers(1, 12), st.sampled_from([(), (SPRING,), (SALE,)])),
            waiting,
            st.tuples(st.just("signup"), claimants),
            st.tuples(st.just("signup"), claimants),
            st.tuples(st.just("stranger"), strangers.map(lambda found: replace(found, phone=None, mail="own"))),
            st.tuples(st.just("label"), numbers, st.sampled_from(["abuse", "legitimate"])),
            st.tuples(st.just("look"), numbers),
        ),
        min_size=15,
        max_size=25,
    ),
)
def test_a_holder_has_its_own_caps_and_all_who_claim_its_things_have_one_account_s(
    make: Make, proves: bool, history: Sequence[tuple[Any, ...]]
) -> None:
    world, hers, theirs = make(), Reference(caps={"her": CAPS["allow"]}), list[str]()
    world.customer("her", replace(HERS, proves=proves, verified=proves))

    def ask(recipients: int, said: Sequence[str]) -> None:
        expected, _ = hers.send("her", recipients, world.clock.now)
        found = world.ask("her", recipients, said)
        assert {name: found[name] for name in ("granted", "denied_by", "retry_after", "remaining")} == {
            name: getattr(expected, name) for name in ("granted", "denied_by", "retry_after", "remaining")
        }

    ask(1, (SPRING, SALE))  # what she says first is hers
    for name, *rest in history:
        if name == "signup":
            theirs.append(f"c{len(theirs)}")
            world.signup(theirs[-1], rest[0])
        elif name == "stranger":
            world.signup(f"s{len(world.users)}", rest[0])
        elif name == "her":
            ask(*rest)
        elif name == "wait":
            world.go_on(rest[0])
        elif others := [user for user in world.users if user != "her"]:
            user = pick(others, rest[0])
            if name == "ask":
                world.ask(user, *rest[1:])
            elif name == "label":
                world.label(user, rest[1])
            else:
                world.service.rescorer.again(user, "schedule", world.clock.now)
        for (seconds, _), cap in zip(WINDOWS.values(), CAPS["allow"], strict=True):
            assert world.within(theirs, seconds, world.clock.now) <= cap
        assert cluster_of(world.service, "her") == ""
    assert world.tier("her") == "allow"
    check(world.service)


# Strangers, whatever they do

hers = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from([1, 7, 60, 500]), st.sampled_from([(), (SPRING,), (SALE,)])),
    st.tuples(st.just("event"), st.sampled_from(["payment_verified", "login", "email_verified", "plan_changed"])),
)
theirs = st.one_of(
    st.tuples(st.just("signup"), claimants),
    st.tuples(st.just("signup"), claimants),
    st.tuples(st.just("signup"), strangers.map(lambda found: replace(found, phone=PHONES[1], mail="own"))),
    st.tuples(
        st.just("ask"), numbers, st.sampled_from([1, 9, 300]), st.sampled_from([(), (SPRING,), (SALE,), (PILLS,)])
    ),
    st.tuples(st.just("abuse"), numbers),
    st.tuples(st.just("abuse"), numbers),
)


@FEW
@given(
    given_=st.booleans().map(lambda proves: replace(HERS, proves=proves, verified=proves)),
    history=st.lists(
        st.one_of(
            st.tuples(st.just("she"), hers),
            st.tuples(st.just("they"), theirs),
            st.tuples(st.just("they"), theirs),
            st.tuples(st.just("both"), waiting),
        ),
        min_size=15,
        max_size=25,
    ),
)
def test_strangers_change_neither_what_an_established_holder_is_granted_nor_its_tier(
    make: Make, given_: Newcomer, history: Sequence[tuple[str, tuple[Any, ...]]]
) -> None:
    assert played(make(shipped=True), given_, history, alone=False) == played(
        make(shipped=True), given_, history, alone=True
    )


def played(
    world: World, given_: Newcomer, history: Sequence[tuple[str, tuple[Any, ...]]], *, alone: bool
) -> list[tuple[Any, ...]]:
    """What she was answered, and her tier after every step; with the strangers, or without."""
    told: list[tuple[Any, ...]] = []

    def she(name: str, *rest: Any) -> None:
        if name == "event":
            world.event("her", rest[0])
        else:
            answer = world.ask("her", *rest)
            told.append(tuple(answer[name] for name in ("granted", "denied_by", "retry_after", "remaining", "tier")))

    def they(name: str, *rest: Any) -> None:
        users = world.users[1:]
        if name == "signup":
            world.signup(f"s{len(users)}", rest[0])
        elif not users:
            world.go_on()
        elif name == "abuse":
            world.label(pick(users, rest[0]), "abuse")
        else:
            world.ask(pick(users, rest[0]), *rest[1:])

    world.customer("her", given_)
    she("ask", 1, (SPRING, SALE))
    for who, (name, *rest) in history:
        if who == "both":
            world.go_on(rest[0])
        elif who == "she":
            she(name, *rest)
        elif alone:
            world.go_on()
        else:
            they(name, *rest)
        told.append((world.tier("her"), cluster_of(world.service, "her")))
    return told


# What is taken away and put back

people = st.lists(
    st.one_of(
        st.builds(
            Newcomer,
            device=st.sampled_from([None, *DEVICES]),
            phone=st.sampled_from([None, *PHONES]),
            proves=st.booleans(),
            mail=st.sampled_from(["own", "spelt", "numbered"]),
            verified=st.sampled_from([None, True]),
            card=st.sampled_from([None, None, *CARDS]),
            plan=st.sampled_from([None, None, "pro"]),
        ),
        st.just(HERS),
    ),
    min_size=3,
    max_size=7,
)
labelled = st.lists(st.tuples(numbers, st.sampled_from(["abuse", "legitimate"])), max_size=2)


def populated(world: World, given_: Sequence[Newcomer], labels: Sequence[tuple[int, str]]) -> World:
    """A world of an established customer and others; some are labelled. Nobody came in a wave."""
    world.customer("u0", given_[0])
    for number, each in enumerate(given_[1:], 1):
        world.signup(f"u{number}", each)
        world.go_on(3600.0)
    for number, label in labels:
        world.label(pick(world.users, number), label)
    settle(world)
    return world


def settle(world: World) -> None:
    """Everybody is looked at, twice: what one look brings about counts for the next."""
    for _ in range(2):
        for user in world.users:
            world.service.rescorer.again(user, "linkage", world.clock.now)
        world.go_on(60.0)


def state(world: World) -> dict[str, tuple[str, frozenset[str]]]:
    """Tier and company of everybody."""
    clusters = {user: cluster_of(world.service, user) for user in world.users}
    return {
        user: (world.tier(user), frozenset(each for each in world.users if cluster and clusters[each] == cluster))
        for user, cluster in clusters.items()
    }


class Change:
    """Something that people or an account can take away and put back."""

    def __init__(self, world: World, name: str, user: str) -> None:
        self.world, self.name, self.user, self.kept = world, name, user, ""

    def put(self) -> None:
        service, now = self.world.service, self.world.clock.now
        if self.name == "label":
            self.world.label(self.user, "abuse", "external")
        elif self.name == "word":
            self.world.label(self.user, "abuse")
        elif self.name in ("deny", "watch"):
            phone = next((key for key in self.phones()), "")
            entry = service.parts.lists.draft(
                self.name,  # type: ignore[arg-type]
                "phone" if phone else "user", phone or self.user, expires_at=None, reason=None, author="ana",
                silences_feedback=False, now=now,
            )  # fmt: skip
            self.kept = service.parts.lists.put(entry, now).entry.id
        elif self.name == "proof":
            self.world.event(self.user, "phone_verified")
        else:
            cluster = cluster_of(service, self.user)
            if cluster:
                edges = service.parts.clusters.view(cluster, now)["edges"]
                mine = [row["edge"] for row in edges if self.user in row["user_ids"]]
                edge = mine[0] if self.name == "cut thing" else None
                found = service.parts.cuts.cut(cluster, None if edge else self.user, edge, "a mistake", "ana", now)
                self.kept = found["cut_id"]
        settle(self.world)

    def phones(self) -> list[str]:
        signup = orjson.loads(self.world.service.accounts.signup(self.user) or b"{}")
        return [signup["phone"]["number"]] if "phone" in signup else []

    def take(self) -> None:
        service, now = self.world.service, self.world.clock.now
        if self.name in ("label", "word"):
            self.world.label(self.user, "unknown", "external" if self.name == "label" else "manual_review")
        elif self.name in ("deny", "watch"):
            service.parts.lists.remove(self.name, self.kept, "ana", now)  # type: ignore[arg-type]
        elif self.name == "proof":
            if phones := self.phones():
                self.world.event(self.user, "phone_changed", phone={"number": "+34600999999"})
                self.world.event(self.user, "phone_changed", phone={"number": phones[0]})
        elif self.kept:
            service.parts.cuts.undo(self.kept, "ana", now)
        settle(self.world)


@FEW
@given(
    given_=people,
    labels=labelled,
    name=st.sampled_from(["label", "word", "deny", "watch", "cut", "cut thing"]),
    number=numbers,
)
def test_what_is_taken_away_and_put_back_leaves_everybody_as_it_was(
    make: Make, given_: Sequence[Newcomer], labels: Sequence[tuple[int, str]], name: str, number: int
) -> None:
    world = populated(make(shipped=True), given_, labels)
    change = Change(world, name, pick(world.users, number))
    before = state(world)
    change.put()
    between = state(world)
    change.take()
    assert state(world) == before
    change.put()
    assert state(world) == between
    check(world.service)
