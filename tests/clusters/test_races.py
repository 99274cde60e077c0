"""Claims, proofs, labels, cuts and imports while others join: what comes out is what one after another would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Literal

import orjson
import pytest

from riskapi.app import Service
from riskapi.decisions.events import Event
from riskapi.errors import Problem
from riskapi.inputs.json_lines import Row
from riskapi.inputs.signup import PhonePart
from riskapi.times import rfc3339
from tests import consistency
from tests.conftest import NOW, Clock
from tests.grants import ask, view
from tests.joining import STEPS, meanwhile
from tests.signups import body, post, together
from tests.working import Work

DAY = 86_400.0
NUMBER, OTHER, CARD = "+34600123123", "+34711234234", "card-1"
ON = {"device": {"id": "theirs"}}
TYPES = {"phone": {"number": NUMBER}}


def joined(service: Service, user: str, **parts: Any) -> None:
    post(service, body(user, **parts), NOW)


def event(service: Service, user: str, type: str, **more: Any) -> object:
    return service.parts.events.record(user, Event(type=type, **more), NOW)


def label(service: Service, user: str, *words: Literal["abuse", "legitimate", "unknown"]) -> None:
    for word in words:
        service.parts.labels.add(user, word, "manual_review", None, "ana", NOW)


def customer(service: Service, user: str, **parts: Any) -> None:
    account = {"user_id": user}
    row = {"account": account, "email": {"address": f"{user}@{user}.example"}, "created_at": rfc3339(NOW - 400 * DAY)}
    taken = service.parts.imports.take([Row(1, orjson.dumps({**row, **parts}))], "ana", NOW)
    assert taken.imported == 1


def cut(service: Service, user: str, kind: str | None = None) -> str:
    """Cut an account, or a thing that binds it, out of its cluster; the cut's id, or "" where nothing binds it."""
    cluster = consistency.cluster_of(service, user)
    try:
        edges = view(service, user)["linkage"]["edges"] if kind else []
        edge = next((row["edge"] for row in edges if row["kind"] == kind), None)
        if not cluster or (kind and edge is None):
            return ""
        return str(service.parts.cuts.cut(cluster, None if edge else user, edge, "a test", "ana", NOW)["cut_id"])
    except Problem:  # the cluster is another by now
        return ""


def undo(service: Service, user: str, kind: str | None = None) -> None:
    if made := cut(service, user, kind):
        service.parts.cuts.undo(made, "ana", NOW)


def settled(service: Service, users: list[str]) -> list[set[str]]:
    """Who is together when a worker has done what there is to do, and everybody was looked at."""
    Work(service, Clock(NOW)).do()
    for _ in range(2):
        for user in users:
            service.rescorer.again(user, "linkage", NOW)
    return sorted(consistency.check(service).values(), key=sorted)


#: One or two are there, with one number, on one machine perhaps. Something happens to them while another joins by all.
MEANWHILE: dict[str, Callable[[Service], object]] = {
    "a number is proved": lambda service: event(service, "a1", "phone_verified"),
    "a number is proved by all": lambda service: [event(service, user, "phone_verified") for user in there(service)],
    "a number is changed": lambda service: event(service, "a1", "phone_changed", phone=PhonePart(number=OTHER)),
    "one pays": lambda service: event(service, "a1", "payment_verified"),
    "one is labelled": lambda service: label(service, "a1", "abuse"),
    "a label is lifted": lambda service: label(service, "a1", "abuse", "unknown"),
    "one is cut out": lambda service: cut(service, "a1"),
    "the device is cut": lambda service: cut(service, "a1", "device"),
    "the number is cut": lambda service: cut(service, "a1", "phone"),
    "one is cut out and let in": lambda service: undo(service, "a1"),
    "the device is cut and let in": lambda service: undo(service, "a1", "device"),
    "a customer is imported with the number": lambda service: customer(service, "old", **TYPES),
    "a customer is imported who proved it": lambda service: customer(
        service, "old", phone={"number": NUMBER, "verified": True}
    ),
    "a customer is imported on the device": lambda service: customer(service, "old", **ON),
}
USERS = ["a1", "a2", "late", "old"]


def there(service: Service) -> list[str]:
    return [user for user in USERS if service.accounts.signup(user) is not None]


def begun(service: Service, before: Sequence[str], shared: dict[str, Any]) -> None:
    kept = "risk:schema:"  # stored once by a process
    if used := [key for key in consistency.names(service.store, "risk:") if not f"risk:{key}".startswith(kept)]:
        service.store.execute("DEL", *[f"risk:{key}" for key in used])
    for user in before:
        joined(service, user, **shared)


def abusive(service: Service) -> dict[str, int]:
    """How many others in its cluster each is told that they are abusive."""
    return {user: view(service, user)["linkage"]["abusive"] for user in there(service)}


@pytest.mark.parametrize("what", MEANWHILE)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("before", [("a1",), ("a1", "a2")], ids=["one", "two"])
@pytest.mark.parametrize("shared", [TYPES, ON | TYPES], ids=["number", "number and device"])
def test_what_happens_while_somebody_joins_is_as_if_it_had_happened_before_or_after(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    step: str,
    before: Sequence[str],
    shared: dict[str, Any],
) -> None:
    deed, expected = MEANWHILE[what], []
    for first in (True, False):
        begun(service, before, shared)
        if first:
            deed(service)
        joined(service, "late", **shared)
        if not first:
            deed(service)
        expected.append((settled(service, there(service)), abusive(service)))
    begun(service, before, shared)
    meanwhile(monkeypatch, step, lambda: deed(service))
    joined(service, "late", **shared)
    monkeypatch.undo()
    consistency.check(service)
    assert (settled(service, there(service)), abusive(service)) in expected


def test_who_is_cut_out_while_it_is_about_to_be_bound_stays_out(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another bound both meanwhile, and after the cuts they look as they did before."""
    joined(service, "a1", **TYPES)

    def between() -> None:
        joined(service, "a2", **TYPES)
        for user in ("a1", "late"):
            assert cut(service, user)

    meanwhile(monkeypatch, "before the join", between)
    joined(service, "late", **TYPES)
    monkeypatch.undo()
    assert consistency.check(service) == {}


#: Rounds of sixteen threads, in each of which everybody does one thing after another.
@pytest.mark.parametrize("turn", range(6))
def test_whatever_sixteen_do_at_once_leaves_nothing_half_done(service: Service, turn: int) -> None:
    users = [f"u{number}" for number in range(16)]
    things = [ON, TYPES, {**ON, **TYPES}, {"payment": {"fingerprint": CARD}}]

    def work(number: int) -> None:
        random, user = Random(f"{turn}:{number}"), users[number]
        if number % 5 == 4:
            customer(service, user, **random.choice(things))
        else:
            joined(service, user, **random.choice(things))
        for _ in range(4):
            other = random.choice(users)
            if service.accounts.signup(other) is not None:
                random.choice(DEEDS)(service, other)
            ask(service, user, 7)

    found = together(16, work)
    assert not [each for each in found if each is not None]
    consistency.check(service)
    settled(service, users)


DEEDS: list[Callable[[Service, str], object]] = [
    lambda service, user: event(service, user, "phone_verified"),
    lambda service, user: event(service, user, "payment_verified"),
    lambda service, user: event(service, user, "phone_changed", phone=PhonePart(number=OTHER)),
    lambda service, user: label(service, user, "abuse"),
    lambda service, user: label(service, user, "legitimate"),
    lambda service, user: cut(service, user),
    lambda service, user: undo(service, user),
    lambda service, user: undo(service, user, "device"),
]
