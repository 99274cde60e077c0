"""Who belongs together and why, in plain Python: things, claims, proofs, cuts and waves. What linkage is held to.

No store, no scripts. What happened is kept as it was told (who used what when, who proved what, who has been a customer
since when, what people cut), and what a look at an account finds is worked out from that anew.

Edges are what is remembered. A look binds the account to those who share a thing that binds, and the edge stays until
its evidence has decayed, a proof or a cut takes it away, or the customer turned out to hold the thing. So three things
are not a function of what holds now, as docs/linkage.md has it:

- Who starts or ceases to hold a thing changes no edge of others until they are looked at again; claimants stay together
  when nobody holds the thing any more, at the budget of one, until that has decayed.
- A look puts the end of an edge off only by more than a day.
- Who came in a wave is told at the signup only: a cut of a wave that is undone binds nobody again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

DAY = 86_400.0
#: What a name of a thing begins with, and the family that makes it evidence of a wave: d device, t card, m mailbox,
#: p number and k its block, o domain that mail comes from, l domain that mail links to, c content, i address, n its network, s name
#: without a counter, b a form that no hand filled.
FAMILIES = {"i": "network", "n": "network", "s": "mail", "o": "domain", "p": "phone", "k": "phone", "b": "behavior"}
#: What strangers share: it binds nobody by itself.
WEAK = frozenset("inskb")
#: What people do not share by chance. Of these all but content are held by somebody.
STRONG = frozenset("dtmplc")


@dataclass(frozen=True)
class Rules:
    """The numbers of the policy: seconds, and accounts with seconds of each pace on one line."""

    lasts: float = 90 * DAY
    near: float = 900.0
    wave: float = 3 * DAY
    past: float = 7 * DAY
    past_accounts: int = 3
    long: float = 14 * DAY
    paces: tuple[tuple[int, float], ...] = ((3, 5.0), (5, 30.0), (10, 120.0))


def proved(thing: str) -> str:
    """The edge between those who proved that a thing is their own."""
    return thing[0].upper() + thing[1:]


def holder(user: str) -> str:
    """The edge between those who claim what this account holds."""
    return f"h:{user}"


def wave(user: str) -> str:
    """The edge between those who came with this account first."""
    return f"w:{user}"


@dataclass
class _Bond:
    """What a look finds: an edge, until when, whom it binds, and whether that is somebody else's."""

    edge: str
    until: float
    others: Sequence[str]
    claims: bool = False


@dataclass
class Belonging:
    """What happened to accounts, and the edges between them. ``order``: by what waves are ordered where one has two."""

    rules: Rules = Rules()
    order: Callable[[str], str] = str
    #: account → what it came with, and when.
    things: dict[str, list[str]] = field(default_factory=dict)
    arrived: dict[str, float] = field(default_factory=dict)
    #: thing → account → Unix time: when it used it last (only mail uses a thing again), and first.
    uses: dict[str, dict[str, float]] = field(default_factory=dict)
    firsts: dict[str, dict[str, float]] = field(default_factory=dict)
    #: thing → account → Unix time of its proof; account → all it ever proved.
    proofs: dict[str, dict[str, float]] = field(default_factory=dict)
    given: dict[str, set[str]] = field(default_factory=dict)
    #: Accounts that proved what no wave has; since when an account is a customer; who is labelled abusive.
    aside: set[str] = field(default_factory=set)
    established: dict[str, float] = field(default_factory=dict)
    abusive: set[str] = field(default_factory=set)
    #: account, thing that its mail says → since when it is a customer, as it was when it sent that.
    noted: dict[tuple[str, str], float] = field(default_factory=dict)
    #: account → what its mail may link to; holder → who ever claimed what it holds.
    own: dict[str, set[str]] = field(default_factory=dict)
    claimants: dict[str, set[str]] = field(default_factory=dict)
    #: account, edge → until when it was bound when it was bound; edge → until when it binds; edges of what is held.
    edges: dict[tuple[str, str], float] = field(default_factory=dict)
    ends: dict[str, float] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    #: What people cut: edges of accounts, edges, things; and what an account used when it was cut from it.
    out: set[tuple[str, str]] = field(default_factory=set)
    banned: dict[str, set[str]] = field(default_factory=dict)
    nobodys: set[str] = field(default_factory=set)
    parted: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    # Who belongs together

    def group(self, user: str) -> frozenset[str]:
        """The account and all that hang together with it."""
        found, waiting = {user}, [user]
        while waiting:
            name = waiting.pop()
            things = {thing for each, thing in self.edges if each == name}
            more = {each for each, thing in self.edges if thing in things} - found
            found |= more
            waiting += more
        return frozenset(found)

    def of(self, user: str) -> list[str]:
        """What binds an account."""
        return sorted(edge for name, edge in self.edges if name == user)

    def sharing(self, edge: str) -> set[str]:
        """Whom an edge binds."""
        return {name for name, each in self.edges if each == edge}

    def claims(self, user: str) -> bool:
        """Whether an account is bound by what somebody else holds."""
        group = self.group(user)
        return any(edge in self.claimed for name, edge in self.edges if name in group)

    # What accounts use, prove and are

    def come(self, user: str, things: Iterable[str], at: float, proofs: Collection[str] = ()) -> None:
        """An account is there since a time, with what it uses and what of that it proved."""
        self.things[user], self.arrived[user] = list(things), at
        for thing in self.things[user]:
            self.use(user, thing, at)
            if thing in proofs:
                self.prove(user, thing, at)
            if thing[0] == "t" or (thing[0] == "p" and thing in proofs):
                self.aside.add(user)

    def use(self, user: str, thing: str, at: float, *, again: bool = False) -> None:
        """The account uses a thing; the first time stands, with ``again`` the latest does, too."""
        if (user, thing) in self.parted or thing in self.own.get(user, ()):
            return
        users = self.uses.setdefault(thing, {})
        self.firsts.setdefault(thing, {}).setdefault(user, at)
        users[user] = max(users.get(user, at), at) if again else users.get(user, at)
        if again and user in self.established and user not in self.abusive:
            self.noted[user, thing] = self.established[user]
        elif again:
            self.noted.pop((user, thing), None)

    def prove(self, user: str, thing: str, at: float) -> None:
        """The account proves that a thing is its own: it is no longer bound to who only claims it."""
        self.given.setdefault(user, set()).add(thing)
        if user in self.uses.get(thing, {}):
            self.proofs.setdefault(thing, {}).setdefault(user, at)

    def holders(self, thing: str, at: float) -> list[str]:
        """Who holds a thing: who proved it; else the oldest account, if it was a customer before anybody else came, and
        customers who have used it for long.
        """
        users = self.uses.get(thing, {})
        if found := sorted((when, name) for name, when in self.proofs.get(thing, {}).items() if name in users):
            return [name for _, name in found]
        oldest = sorted((self.firsts[thing][name], name) for name in users)
        held = []
        for place, (first, name) in enumerate(oldest):
            for_long = first <= at - self.rules.long
            if place and not for_long:
                break
            since = self._since_when(name, thing)
            before = place == 0 and (len(oldest) == 1 or since <= oldest[1][0])
            if since <= at and (before or for_long):
                held.append(name)
        return held

    def _since_when(self, user: str, thing: str) -> float:
        """Since when who uses a thing is a customer; of what mail says that is noted as it is sent."""
        if thing[0] in "lc":
            return self.noted.get((user, thing), math.inf)
        return math.inf if user in self.abusive else self.established.get(user, math.inf)

    def _is_medium(self, thing: str, user: str, now: float) -> bool:
        """Whether a thing of firms binds nobody: not more than half of those who share it are labelled abusive."""
        users = self.uses[thing]
        among = max(len(users) - len(self.holders(thing, now)), 4)
        return 2 * len(self.abusive & (set(users) - {user})) <= among

    # Looks

    def arrive(self, user: str, now: float) -> set[str]:
        """A signup: bound to those it came with, and by what it shares. Returns whose group changed."""
        return self.look(user, now, came=self._came(user, now))

    def look(self, user: str, now: float, said: Sequence[str] = (), came: Sequence[_Bond] = ()) -> set[str]:
        """Bind an account by what it came with, or by what its mail says, and let go what binds no more. Returns whose
        group changed.
        """
        things = said or [thing for thing in self.things[user] if thing[0] not in WEAK]
        changed: set[str] = set()
        bonds: list[_Bond] = []
        shared = self._weights(user, things, now) if said else {thing: 1.0 for thing in things}
        for thing, weight in shared.items():
            if thing in self.nobodys or user not in self.uses.get(thing, {}):
                continue
            if thing[0] == "o" and user not in self.holders(thing, now) and self._is_medium(thing, user, now):
                changed |= self.loosen(self.sharing(thing) if self._others(user, thing, now) else (), [thing], now)
                continue
            bonds += self._bonds(user, thing, weight, now)
        held = [thing for thing in shared if user in self.holders(thing, now)]
        bound = any((user, thing) in self.edges for thing in held)
        changed |= self.loosen([user], held, now)
        if bound or not said:
            self.claimed |= {thing for thing in held if self.sharing(thing)}
        return changed | self._bind(user, [*bonds, *came])

    def _weights(self, user: str, things: Iterable[str], now: float) -> dict[str, float]:
        """What each linked domain of a message weighs: the largest part of them that one other account links to."""
        links = [thing for thing in things if thing[0] == "l"]
        others = {thing: self._others(user, thing, now) for thing in links if thing not in self.nobodys}
        shared = [set(names) for names in others.values() if names]
        found = {}
        for thing in things:
            names = others.get(thing)
            most = max((sum(name in each for each in shared) for name in names), default=0) if names else 0
            found[thing] = most / len(shared) if most else 1.0
        return found

    def _others(self, user: str, thing: str, now: float) -> list[str]:
        """Those who use a thing, this account and its holders left out, the newest first."""
        users, holders = self.uses.get(thing, {}), self.holders(thing, now)
        names = [name for name in users if name != user and name not in holders]
        return sorted(names, key=lambda name: (users[name], name), reverse=True)

    def _bonds(self, user: str, thing: str, weight: float, now: float) -> list[_Bond]:
        holders = self.holders(thing, now)
        if user in holders:
            if not self.proofs.get(thing):
                return []  # who has used it for long is bound to nobody by it
            return [_Bond(proved(thing), now + self.rules.lasts, [name for name in holders if name != user])]
        found, others = [], self._others(user, thing, now)
        # A strong thing binds until its weight has halved three times; one that weighs less to begin with, not as long.
        lasts = self.rules.lasts * (3 + math.log2(weight)) / 3
        if others and now - self.uses[thing][others[0]] <= lasts:
            if thing[0] == "c":  # content needs a second thing
                for second, names in self._agreeing(user, others).items():
                    free = [name for name in names if (name, f"{thing} {second}") not in self.out]
                    found.append(_Bond(f"{thing} {second}", now + lasts, free))
            elif thing in self.banned:
                self.nobodys.add(thing)
            else:
                free = [name for name in others if thing not in self.given.get(name, ()) and (name, thing) not in self.out]
                bound = [name for name in free if (name, thing) in self.edges]
                found.append(_Bond(thing, now + lasts, bound or free, bool(holders)))
        if thing[0] in STRONG - {"c"}:
            for name in holders:
                claimants = self.claimants.setdefault(name, set())
                claimants.add(user)
                edge = holder(name)
                others = sorted(each for each in claimants - {user} if (each, edge) not in self.out)
                found.append(_Bond(edge, now + self.rules.lasts, others, True))
        return found

    def _agreeing(self, user: str, others: Sequence[str]) -> dict[str, list[str]]:
        """The second things of an account, with those of the others that have them, too: a name, a block of numbers."""
        seconds = [thing for thing in self.things[user] if thing[0] in "sk"]
        found = {thing: [name for name in others if thing in self.things[name]] for thing in seconds}
        return {thing: names for thing, names in found.items() if names}

    def _bind(self, user: str, bonds: Sequence[_Bond]) -> set[str]:
        """Bind an account by all these at once; who was bound before the first of them is seen as it was then."""
        before, made = dict(self.edges), []
        groups = {name: self.group(name) for bond in bonds for name in (user, *bond.others)}
        for bond in bonds:
            if not bond.others or bond.edge in self.banned or (user, bond.edge) in self.out:
                continue
            loose = [name for name in bond.others if (name, bond.edge) not in before]
            ends = before.get((user, bond.edge))
            apart = bond.others[0] not in groups[user]
            if loose or apart or ends is None or ends < bond.until - DAY:
                made.append((bond, loose))
        changed: set[str] = set()
        for bond, loose in made:
            for name in (user, *loose):
                self.edges[name, bond.edge] = bond.until
            self.ends[bond.edge] = max(self.ends.get(bond.edge, 0.0), bond.until)
            self.claimed |= {bond.edge} if bond.claims else set()
            changed |= {user, *bond.others}
        return changed

    # Waves

    def _came(self, user: str, now: float) -> list[_Bond]:
        """The waves that a newcomer joins: of those with whom it agrees in two families, and of those on its line that
        came faster than people do.
        """
        if user in self.aside:
            return []
        families: dict[str, set[str]] = {}
        things = [thing for thing in self.things[user] if thing not in self.nobodys]
        for thing in things:
            if thing[0] in FAMILIES and not self._has_past(thing, user, now):
                for name in self._since(user, thing, math.nextafter(now - self.rules.near, math.inf)):
                    families.setdefault(name, set()).add(FAMILIES[thing[0]])
        came = [(self._newest_first(name for name, found in families.items() if len(found) > 1), self.rules.wave)]
        for thing in things:
            paces = self.rules.paces if thing[0] == "i" else self.rules.paces[-1:] if thing[0] == "n" else ()
            for accounts, seconds in paces:
                names = self._since(user, thing, now - seconds)
                if len(names) + 1 >= accounts:
                    is_last = (accounts, seconds) == self.rules.paces[-1]
                    came.append((self._newest_first(names), self.rules.wave if is_last else self.rules.near))
        return [bond for names, lasts in came for bond in self._waves(user, names, now + lasts)]

    def _waves(self, user: str, names: Sequence[str], until: float) -> list[_Bond]:
        """The waves that these are in; who is in none is in the first of them, or else in that of the oldest."""
        groups: dict[str, list[str]] = {}
        for name in names:
            if name not in self.aside and not any(each == name and edge[0] == "w" for each, edge in self.out):
                waves = [edge for edge in self.of(name) if edge[0] == "w"]
                groups.setdefault(min(waves, key=self.order, default=""), []).append(name)
        if loose := groups.pop("", []):
            edge = next(iter(groups), wave(loose[-1]))
            groups.setdefault(edge, []).extend(loose)
        return [_Bond(edge, until, found) for edge, found in groups.items()]

    def _since(self, user: str, thing: str, since: float) -> list[str]:
        return [name for name, at in self.uses.get(thing, {}).items() if name != user and at >= since]

    def _newest_first(self, names: Iterable[str]) -> list[str]:
        return sorted(names, key=lambda name: (self.arrived[name], name), reverse=True)

    def _has_past(self, thing: str, user: str, now: float) -> bool:
        """Whether some have used a thing for days, none bad, and no more came in the last hour than twice as many. Of
        a block of numbers those who gave the very number are counted there.
        """
        if thing[0] in "sb":
            return False
        past, bad, hour = self._counts(thing, user, now)
        if thing[0] == "k":
            _, same, of_same = self._counts(next(found for found in self.things[user] if found[0] == "p"), user, now)
            bad, hour = max(bad - same, 0), max(hour - of_same, 0) + 1
        return past >= self.rules.past_accounts and not bad and hour <= 2 * past

    def _counts(self, thing: str, user: str, now: float) -> tuple[int, int, int]:
        """How many have used a thing for days, how many others of all are bad, and how many came in the last hour."""
        users = self.uses[thing]
        if thing in self.nobodys:
            return 0, 0, 1
        past = sum(at < now - self.rules.past for at in users.values())
        hour = sum(at > now - 3600 for at in users.values())
        hour = min(hour, max(len(users) - len(self.holders(thing, now)), 1))
        return past, len(self.abusive & (set(users) - {user})), hour

    # What takes edges away

    def loosen(self, names: Collection[str], edges: Collection[str], now: float) -> set[str]:
        """Take these edges of these accounts away; returns whose group changed."""
        return self._without({(name, edge) for name in names for edge in edges} & self.edges.keys(), now)

    def lapse(self, now: float, among: Collection[str] | None = None) -> set[str]:
        """Take away what has ended, of all or of some accounts; returns whose group changed."""
        ended = {(name, edge) for name, edge in self.edges if self.ends[edge] <= now}
        return self._without({pair for pair in ended if among is None or pair[0] in among}, now)

    def _without(self, gone: set[tuple[str, str]], now: float) -> set[str]:
        """Take edges away, and with them what ended, and what only one account is left with."""
        changed = {name for user, _ in gone for name in self.group(user)}
        gone = gone | {(name, edge) for name, edge in self.edges if name in changed and self.ends[edge] <= now}
        left = Counter(edge for name, edge in self.edges if (name, edge) not in gone)
        for name, edge in list(self.edges):
            if (name, edge) in gone or (name in changed and left[edge] == 1):
                del self.edges[name, edge]
        for edge in set(self.ends) - {edge for _, edge in self.edges}:
            del self.ends[edge]
            self.claimed.discard(edge)
        return changed

    def disclaim(self, names: Collection[str], things: Collection[str], now: float) -> set[str]:
        """These accounts claim things no longer: they are bound through no holder, until a look finds what else they
        claim.
        """
        holders = {name for thing in things for name in self.proofs.get(thing, {})}
        holders |= {name for thing in things for name in self.uses.get(thing, {}) if self._since_when(name, thing) <= now}
        edges = {edge for name, edge in self.edges if name in names and edge[0] == "h"} | {*map(holder, holders)}
        for edge in edges:
            self.claimants.get(edge[2:], set()).difference_update(names)
        return self.loosen(names, edges, now)

    def confirmed(self, user: str, thing: str, now: float, *, aside: bool) -> set[str]:
        """The account proved, after its signup, that a thing is its own; returns whose group changed."""
        changed = self.disclaim([user], [thing], now)
        self.prove(user, thing, now)
        changed |= self.loosen([user], [thing], now) | (self.stand_aside(user, now) if aside else set())
        self.claimed |= {thing} if self.sharing(thing) else set()
        return changed

    def given_again(self, user: str, now: float) -> set[str]:
        """What the account proved counts again, where a cut had taken that away; returns whose group changed."""
        things = list(self.given.get(user, ()))
        if not things:
            return set()
        changed = self.disclaim([user], things, now)
        for thing in things:
            self.prove(user, thing, now)
        changed |= self.loosen([user], things, now)
        self.claimed |= {thing for thing in things if self.sharing(thing)}
        return changed

    def stand_aside(self, user: str, now: float) -> set[str]:
        """The account gave proof that no wave has."""
        self.aside.add(user)
        return self.loosen([user], [edge for edge in self.of(user) if edge[0] == "w"], now)

    def authenticated(self, user: str, thing: str, now: float) -> set[str]:
        """The account proved that a domain is its own: it does not claim it by linking there."""
        self.own.setdefault(user, set()).add(thing)
        changed = self.stand_aside(user, now) | self.disclaim([user], [thing], now)
        for found in (self.uses, self.firsts):
            found.get(thing, {}).pop(user, None)
        return changed | self.loosen([user], [thing], now)

    # Cuts

    def cut_account(self, user: str, now: float) -> set[str]:
        """What binds the account now never binds it again, and it does not use that any more; returns whose group
        changed.
        """
        edges = self.of(user)
        self.out |= {(user, edge) for edge in edges}
        changed = self.loosen([user], edges, now)
        changed |= self.disclaim([user], [thing for edge in edges if (thing := _thing(edge))], now)
        for edge in edges:
            thing = _thing(edge)
            if thing is not None:
                self.proofs.get(thing, {}).pop(user, None)
                if user in self.uses.get(thing, {}):
                    self.parted[user, thing] = self.uses[thing].pop(user), self.firsts[thing].pop(user)
        return changed

    def rejoin(self, user: str, edges: Iterable[str]) -> None:
        """Take the cut of an account back."""
        for edge in edges:
            self.out.discard((user, edge))
            if (found := self.parted.pop((user, _thing(edge) or ""), None)) is not None:
                self.uses[edge.lower()][user], self.firsts[edge.lower()][user] = found

    def cut_thing(self, edge: str, users: Collection[str], now: float) -> set[str]:
        """A thing that binds these accounts never binds anybody again; returns whose group changed. Those in a wave are
        in none any more.
        """
        thing = _thing(edge)
        self.banned[edge] = self.sharing(edge)
        self.out |= {(name, edge) for name in self.banned[edge] if edge[0] == "w"}
        sharing = {*users, *self.uses.get(thing or "", {})}
        sharing |= self.claimants.get(edge[2:], set()) if edge[0] == "h" else set()
        changed = self.loosen(sharing, [edge], now)
        changed |= self.disclaim(sharing, [thing] if thing else [], now)
        if thing is not None:
            self.nobodys.add(thing)
        return changed

    def allow(self, edge: str) -> None:
        """Take the cut of a thing back."""
        self.out -= {(name, edge) for name in self.banned.pop(edge, set()) if edge[0] == "w"}
        self.nobodys.discard(_thing(edge) or "")


def _thing(edge: str) -> str | None:
    """The thing that an edge is, None for waves, holders and what agrees with content."""
    return None if edge[0] in "hw" or " " in edge else edge[0].lower() + edge[1:]


Things = Mapping[str, Sequence[str]]
