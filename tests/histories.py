"""A history played on the service and on the reference at once, and what both say compared after every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from itertools import count
from typing import Any, Literal

import orjson
import pytest

from riskapi import policy
from riskapi.accounts.agenda import agenda_key, causes_key
from riskapi.app import Service
from riskapi.budgets.keys import cluster_key, members_key
from riskapi.decisions.events import Event
from riskapi.errors import Problem
from riskapi.inputs.json_lines import Row
from riskapi.links.bonds import edge_of, proved_edge
from riskapi.policy import Policy
from riskapi.sending.grants import Message
from riskapi.store.replies import scored
from riskapi.store.streams import SHARDS
from riskapi.times import rfc3339
from tests.belonging import DAY, Belonging, Rules
from tests.conftest import NOW
from tests.consistency import cluster_of
from tests.reference import WINDOWS, Reference, Spend
from tests.signups import body, post

FACTOR = 1.5
CAPS = {"allow": (10, 25, 60), "review": (8, 20, 50), "limit": (0, 3, 5)}
#: Days in which the evidence of a thing halves: it binds for three times that. No sum of waits in a history is as long.
HALF_LIFE = 9.7
RULES = Rules(lasts=3 * HALF_LIFE * DAY)
#: Things that accounts of histories may share. The block of each number is shared by nobody else.
DEVICES, PHONES, CARDS = ("d:dev-0", "d:dev-1"), ("p:+34600123123", "p:+34711234234"), ("t:card-0",)
LINES, NETWORK = ("203.0.113.7", "203.0.113.8"), "203.0.113.0"
SPRING, PILLS, FIRM = "l:spring.example", "l:pills.example", "l:firm.example"
SALE, OFFER = "c:spring-sale", "c:pills-offer"
#: One mailbox behind dots and tags.
SPELT = ("ana.ruiz@gmail.com", "anaruiz+news@gmail.com", "a.n.a.ruiz@gmail.com")
#: Longer than the caps somebody asked with are remembered, by a clock that lags as far as any here.
DAYS_APART = 3 * DAY
KINDS = {
    "d": "device", "t": "payment", "p": "phone", "m": "mailbox", "o": "mail_domain", "l": "link_domain", "h": "holder",
    "w": "wave", "s": "stem", "k": "phone_block", "c": "content",
}  # fmt: skip
#: Accounts of each history have names of their own, because some of what is known of accounts is remembered.
_HISTORIES = count()


def rules(**changes: Any) -> Policy:
    """Small caps, a plan that is paid, nobody who gets established by mail, and no tier but by a person's word."""
    found = policy.load(policy.DEFAULT).model_dump(mode="json")
    for tier, caps in CAPS.items():
        found["tiers"][tier] = dict(zip(WINDOWS, caps, strict=True))
    found["plans"] = {"pro": {"paid": True, **dict(zip(WINDOWS, CAPS["allow"], strict=True))}}
    found["outage"] |= {"hourly": 1, "daily": 1, "monthly": 1}
    found["links"] |= {"half_life_days": HALF_LIFE, "ring_share": 1.0}
    found["clean"]["least_recipients"] = 10**6
    found["retention"]["entities_days"] = 3650
    found["takeover"]["mode"] = found["model"]["mode"] = "off"
    found["clusters"]["factor"] = FACTOR
    return policy.check({**found, "rules": [], **changes}, where="test")


@dataclass(frozen=True)
class Newcomer:
    """What an account comes with; of a number and a mailbox also whether it is confirmed."""

    device: str | None = None
    phone: str | None = None
    proves: bool = False
    mail: Literal["own", "spelt", "numbered", "firm"] = "own"
    verified: bool | None = None
    line: str | None = None
    typed: bool = True
    card: str | None = None
    plan: str | None = None

    def address(self, user: str, number: int) -> str:
        """The mail address of the account that is the ``number``-th of its history."""
        if self.mail == "spelt":
            return SPELT[number % 3]
        if self.mail == "numbered":
            return f"pillspusher{number}@gmail.com"
        return f"{user}@{'firm' if self.mail == 'firm' else user}.example"

    def signup(self, user: str, number: int) -> dict[str, Any]:
        """The signup of the account, without where it comes from."""
        email = {"address": self.address(user, number), "verified": self.verified}
        account = {"user_id": user, "plan": self.plan}
        return {
            "account": {name: value for name, value in account.items() if value is not None},
            "email": {name: value for name, value in email.items() if value is not None},
            "device": {"id": self.device[2:]} if self.device else {},
            "phone": {"number": self.phone[2:], "verified": self.proves} if self.phone else None,
            "payment": {"fingerprint": self.card[2:]} if self.card else None,
            "behavior": None if self.typed else {"keystrokes": 0},
        }

    def things(self, user: str, number: int) -> list[str]:
        """What the account shares with others, but for where it comes from."""
        address = self.address(user, number)
        mail = [f"m:{address}", f"o:{address.partition('@')[2]}"]
        if self.mail == "spelt":
            mail = ["m:anaruiz@gmail.com", "s:anaruiz@gmail.com"]
        elif self.mail == "numbered":
            mail = [f"m:{address}", "s:pillspusher@gmail.com"]
        phone = [self.phone, f"k:{self.phone[2:-2]}"] if self.phone else []
        found = (self.device, self.card, None if self.typed else "b:automatic")
        return [*mail, *phone, *(thing for thing in found if thing)]


class History:
    """Does the same to the service and to the reference, and compares what both say after every step."""

    def __init__(self, service: Service) -> None:
        service.store.execute("FLUSHALL")
        self.service, self.now = service, NOW
        self.links = service.parts.assessor.gatherer._links
        self.reference = Reference(FACTOR, belonging=Belonging(RULES, self.edge))
        self.belonging = self.reference.belonging
        self.prefix = f"u{next(_HISTORIES)}-"
        self.reservations: list[tuple[str, Spend]] = []
        self.repeats: dict[str, tuple[str, int, bool, dict[str, Any]]] = {}
        self.cuts: list[tuple[str, str | None, list[str], set[str]]] = []
        self.refused: tuple[str, int, float] | None = None
        self.word = "legitimate"

    def pick(self, number: int, *, bound: bool = False) -> str | None:
        """One of the accounts, or of those that something binds."""
        users = [user for user in self.reference.caps if not bound or self.belonging.of(user)]
        return users[number % len(users)] if users else None

    def do(self, step: tuple[Any, ...]) -> None:
        refused, self.refused = self.refused, None
        name, *rest = step
        if name not in ("wait", "send", "again", "repeat"):  # a grant itself lets go who is bound no more
            self.sweep()
        getattr(self, name)(*rest, **({"refused": refused} if name == "again" else {}))
        if name != "wait":
            self.compare_clusters()

    def sweep(self) -> None:
        """Have those let go whose edges have ended, as their next grant does."""
        for user in self.reference.caps:
            if self.belonging.ended(user, self.now) and cluster_of(self.service, user):
                self.service.parts.clusters.splits.renew(user, self.service.active.policy, self.now)
        self.changed(self.belonging.lapse(self.now))

    def changed(self, users: set[str]) -> None:
        self.reference.changed(users, self.now)

    def compare_clusters(self) -> None:
        self.sweep()
        found: dict[str, set[str]] = {}
        for user in self.reference.caps:
            if cluster := cluster_of(self.service, user):
                found.setdefault(cluster, set()).add(user)
        assert {frozenset(users) for users in found.values()} == self.reference.clusters()
        for cluster, users in found.items():
            members = self.service.store.execute("SMEMBERS", members_key(cluster))
            assert {name.decode() for name in members} == users
            edges = {(name, edge) for name in users for edge in self.service.parts.clusters.edges(name)}
            named = {self.edge(edge): edge for _, edge in self.belonging.edges}
            expected = {pair for pair in self.belonging.edges if pair[0] in users}
            assert {(name, named.get(edge, edge)) for name, edge in edges} == expected
            claims = self.service.store.execute("HGET", cluster_key(cluster), "claims")
            assert (int(claims or 0) > 0) == any(map(self.belonging.claims, users))

    def edge(self, name: str) -> str:
        """How the service calls an edge of the reference."""
        first, _, second = name.partition(" ")
        if second:  # content with what else agrees
            agreed = f"{self._key(first)} {self._key(second)}"
            return edge_of(self.links.entity_key("content", agreed))
        if name[0] == "w":
            return f"w:{sha1((self.links.entity_key('wave', '') + name[2:]).encode()).hexdigest()[:16]}"
        found = edge_of(self._key(name[0].lower() + name[1:]))
        return proved_edge(found) if name[0].isupper() else found

    def _key(self, thing: str) -> str:
        value = thing if thing[0] == "c" else thing[2:]
        return str(self.links.entity_key(KINDS[thing[0]], value))

    def wait(self, seconds: float) -> None:
        self.now += seconds

    # Who comes

    def signup(self, given: Newcomer) -> None:
        user, number = f"{self.prefix}{len(self.reference.caps)}", len(self.reference.caps)
        ip = given.line or f"2001:db8:{number + 1:x}::1"
        parts = given.signup(user, number)
        parts["device"]["ip_address"] = ip
        answer = post(self.service, body(user, **parts), self.now)
        assert answer["decision"] == "allow"
        self.came(user, given, self.now, [f"i:{ip}", f"n:{NETWORK if given.line else ip}"])
        self.changed(self.belonging.arrive(user, self.now))
        group = self.reference.group(user)
        assert answer["linkage"]["size"] == len(group)
        assert answer["limits"]["scope"] == ("cluster" if len(group) > 1 else "account")
        assert answer["limits"]["remaining"] == self.reference.remaining(user, self.now)
        self.settled(user, self.now if given.plan else None)

    def burst(self, given: Newcomer, accounts: int, gap: float) -> None:
        """Accounts that come one after another."""
        for _ in range(accounts):
            self.signup(given)
            self.now += gap

    def customer(self, given: Newcomer, days: int) -> None:
        """An existing customer is imported who has been one for so many days."""
        user, number = f"{self.prefix}{len(self.reference.caps)}", len(self.reference.caps)
        created = self.now - days * DAY
        parts = {name: part for name, part in given.signup(user, number).items() if part is not None}
        row = Row(1, orjson.dumps({**parts, "created_at": rfc3339(created)}))
        outcome = self.service.parts.imports.take([row], "ana", self.now)
        assert (outcome.imported, outcome.rejected) == (1, [])
        self.came(user, given, created, [])
        self.settled(user, created)

    def came(self, user: str, given: Newcomer, at: float, places: list[str]) -> None:
        things = [*given.things(user, len(self.reference.caps)), *places]
        self.reference.caps[user] = CAPS["allow"]
        confirmed = "m" * bool(given.verified) + "p" * given.proves
        self.belonging.come(user, things, at, [thing for thing in things if thing[0] in confirmed])
        if given.mail == "firm" and given.verified is not False:
            self.belonging.own[user] = {FIRM}

    def settled(self, user: str, established: float | None) -> None:
        if established is not None:
            self.belonging.established[user] = established
        if self.word != "legitimate":
            self.labelled(user)

    # What they do

    def send(
        self, number: int, recipients: int, partial: bool, said: Sequence[str], key: str | None, lag: float
    ) -> None:
        user = self.pick(number)
        if user is None or key in self.repeats:
            return
        self.asked(user, recipients, self.now - lag, partial, () if lag else said, key)

    def asked(
        self, user: str, recipients: int, at: float, partial: bool, said: Sequence[str] = (), key: str | None = None
    ) -> int:
        content = next((thing for thing in said if thing[0] == "c"), None)
        message = Message(tuple(thing[2:] for thing in said if thing[0] == "l"), content)
        answer = dict[str, Any](
            self.service.parts.grants.send(
                user, recipients, message, at, partial=partial, repeat=key, digest=f"{recipients}"
            ).body
        )
        for thing in said:
            self.belonging.use(user, thing, at, again=True)
        if said:
            self.changed(self.belonging.look(user, at, said))
        expected, spend = self.reference.send(user, recipients, at, partial=partial)
        told = {name: answer[name] for name in ("granted", "denied", "denied_by", "retry_after", "remaining")}
        assert told == {name: getattr(expected, name) for name in told}
        self.reservations.append((answer["reservation_id"], spend))
        if key:
            self.repeats[key] = (user, recipients, partial, answer)
        self.refused = None
        if expected.retry_after is not None:
            most = min(limit.cap for limit in self.reference.limits(user)) if partial else expected.denied
            self.refused = user, min(expected.denied, most), at + expected.retry_after
        self.within_caps(user, spend)
        return expected.granted

    def within_caps(self, user: str, spend: Spend) -> None:
        """Over any window, summed up plainly, no grant passes a cap."""
        group, caps, factor = self.reference.group(user), self.reference.caps[user], self.reference.factor_of(user)
        for (seconds, _), cap in zip(WINDOWS.values(), caps, strict=True):
            if spend.granted:
                assert self.reference.granted_within([user], seconds, spend.at) <= cap
                assert len(group) == 1 or self.reference.granted_within(group, seconds, spend.at) <= int(cap * factor)

    def again(self, early: bool, *, refused: tuple[str, int, float] | None) -> None:
        """Ask again when it was said that it will be granted; a second before, it is not."""
        if refused is None:
            return
        user, need, at = refused
        if early and at - 1 > self.reference.clock(user):
            self.asked(user, need, at - 1, False)
        assert self.asked(user, need, at, False) == need
        self.now = max(self.now, at)

    def repeat(self, key: str) -> None:
        if key not in self.repeats:
            return
        user, recipients, partial, first = self.repeats[key]
        found = self.service.parts.grants.send(
            user, recipients, Message(), self.now, partial=partial, repeat=key, digest=f"{recipients}"
        )
        assert (dict(found.body), found.replay) == (first, True)

    def release(self, number: int, recipients: int, lag: float) -> None:
        if not self.reservations:
            return
        reservation, spend = self.reservations[number % len(self.reservations)]
        left = self.reference.release(spend, recipients, self.now - lag)
        if left is not None:
            with pytest.raises(Problem) as problem:
                self.service.parts.grants.release(reservation, recipients, self.now - lag)
            assert problem.value.errors[0]["detail"] == f"{left} can still be released"
            return
        answer = self.service.parts.grants.release(reservation, recipients, self.now - lag)
        assert answer["remaining"] == self.reference.remaining(spend.user, self.now - lag)

    def event(self, number: int, type: str) -> None:
        """The account confirms its mailbox or number, pays, or authenticates a domain that others link to."""
        user = self.pick(number)
        if user is None:
            return
        domain = {"domain": SPRING[2:]} if type == "domain_authenticated" else None
        self.service.parts.events.record(user, Event(type=type, custom_inputs=domain), self.now)  # type: ignore[arg-type]
        letter = {"email_verified": "m", "phone_verified": "p"}.get(type)
        confirmed = [thing for thing in self.belonging.things[user] if thing[0] == letter]
        self.changed(self.belonging.confirmed(user, confirmed, self.now))
        if type == "payment_verified" or (confirmed and letter == "p"):
            self.changed(self.belonging.stand_aside(user, self.now))
        if type == "payment_verified":
            since = self.belonging.established.get(user, self.now)
            self.belonging.established[user] = min(since, self.now)
        if type == "domain_authenticated":
            self.changed(self.belonging.authenticated(user, SPRING, self.now))
        self.changed(self.belonging.again(user, self.now))

    # What people do

    def label(self, label: str) -> None:
        """A person labels everybody, and days go by: in a cluster of several tiers, caps are another test's matter."""
        self.now += DAYS_APART
        self.word = label
        for user in self.reference.caps:
            self.labelled(user)

    def labelled(self, user: str) -> None:
        found = self.service.parts.labels.add(user, self.word, "manual_review", None, "ana", self.now)  # type: ignore[arg-type]
        self.reference.caps[user] = CAPS[found["tier"]]
        (self.belonging.abusive.add if self.word == "abuse" else self.belonging.abusive.discard)(user)

    def cut(self, number: int, place: int | None) -> None:
        """A reviewer cuts an account, or something that binds it, out of its cluster."""
        user = self.pick(number, bound=True)
        if user is None:
            return
        cluster, edges, sharing = cluster_of(self.service, user), self.belonging.of(user), self.reference.group(user)
        if place is None:
            told = self.service.parts.cuts.cut(cluster, user, None, "a tester", "ana", self.now)
            self.changed(self.belonging.cut_account(user, self.now))
        else:
            edges = [edges[place % len(edges)]]
            if edges[0][0] == "w":
                sharing = frozenset(self.belonging.sharing(edges[0]))
            told = self.service.parts.cuts.cut(cluster, None, self.edge(edges[0]), "shared", "ana", self.now)
            self.changed(self.belonging.cut_thing(edges[0], sharing, self.now))
        assert sharing <= told["accounts"].keys()
        alone = {name for name, found in told["accounts"].items() if found is None}
        assert alone == {name for name in told["accounts"] if len(self.reference.group(name)) == 1}
        self.cuts.append((told["cut_id"], user if place is None else None, edges, set(sharing)))
        self.looked_at()

    def undo(self, number: int) -> None:
        """A cut is taken back."""
        if not self.cuts:
            return
        cut_id, user, edges, sharing = self.cuts.pop(number % len(self.cuts))
        self.service.parts.cuts.undo(cut_id, "ana", self.now)
        if user is not None:
            self.belonging.rejoin(user, edges)
        else:
            self.belonging.allow(edges[0], sharing)
        self.looked_at()

    def looked_at(self) -> None:
        """Those whom a cut concerns are decided again, in the order they are due, as a worker does it."""
        execute, due = self.service.store.execute, []
        for number in range(SHARDS):
            causes = execute("HGETALL", causes_key(number))
            for name, at in scored(execute("ZRANGE", agenda_key(number), 0, -1, "WITHSCORES")):
                if causes.get(name.encode()) == b"cut":
                    due.append((float(causes.get(f"~{name}".encode(), b"%f" % at).split()[0]), name))
                    execute("ZREM", agenda_key(number), name)
                    execute("HDEL", causes_key(number), name, f"~{name}")
        for _, user in sorted(due):
            self.service.rescorer.again(user, "cut", self.now)
            self.changed(self.belonging.confirmed(user, self.belonging.given.get(user, ()), self.now))
            self.changed(self.belonging.again(user, self.now))

    def look(self, number: int) -> None:
        """An account is decided again by the schedule."""
        if user := self.pick(number):
            self.service.rescorer.again(user, "schedule", self.now)
            self.changed(self.belonging.again(user, self.now))
