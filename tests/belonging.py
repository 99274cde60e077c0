"""Who belongs together and why, in plain Python: things, claims, proofs, cuts and waves. What linkage is held to.

No store, no scripts. What happened is kept as it was told (who used what when, who proved what, who has been a customer
since when, what people cut), and what a look at an account finds is worked out from that anew.

Edges are what is remembered. A look binds an account to those who share a thing that binds, and the edge stays until
its evidence has decayed, a proof or a cut takes it away, or the account turned out to hold the thing. So some of it is
no function of what holds now, as docs/linkage.md has it:

- Who begins to hold a thing, or no longer does, changes no edge of others until they are looked at. Claimants stay
  together when nobody holds the thing any more, at the budget of one, until that has decayed.
- Customers who have used a thing for long stay bound by it to each other, apart from those who claim it. So one thing
  can bind two groups, which are two *sides* of its edge.
- A look puts off the end of an edge only by more than a day.
- Who came in a wave is told at the signup only. A cut of a wave that is undone binds nobody again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count

DAY = 86_400.0
#: What a name of a thing begins with: d device, t card, m mailbox, p number, k its block, o domain that mail comes
#: from, l domain that mail links to, c content, i address, n its network, s name without a counter, b a form that no
#: hand filled. The families of those that are evidence of a wave.
FAMILIES = {
    "i": "network", "n": "network", "s": "mail", "o": "domain", "p": "phone", "k": "phone", "b": "behavior",
}  # fmt: skip
#: What people do not share by chance, and so hold. What strangers share, which binds nobody by itself.
HELD, WEAK = frozenset("dtmplc"), frozenset("inskb")


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


def thing_of(edge: str) -> str | None:
    """The thing that an edge is, None for waves, holders and what agrees with content."""
    return None if edge[0] in "hw" or " " in edge else edge[0].lower() + edge[1:]


@dataclass(frozen=True)
class Bond:
    """What a look finds: an edge, until when, whom it binds, and whether that is somebody else's."""

    edge: str
    until: float
    others: Sequence[str]
    claims: bool = False


@dataclass
class Belonging:
    """What happened to accounts, and the edges between them. Times are Unix times.

    ``order``: by what waves are ordered where an account is in several.
    """

    rules: Rules = Rules()
    order: Callable[[str], str] = str
    #: account → what it came with, and when.
    things: dict[str, list[str]] = field(default_factory=dict)
    arrived: dict[str, float] = field(default_factory=dict)
    #: thing → account → when it used it: the last time (only mail uses a thing again), and the first.
    uses: dict[str, dict[str, float]] = field(default_factory=dict)
    firsts: dict[str, dict[str, float]] = field(default_factory=dict)
    #: thing → account → when it proved it; account → all it ever proved; who proved what no wave has.
    proofs: dict[str, dict[str, float]] = field(default_factory=dict)
    given: dict[str, set[str]] = field(default_factory=dict)
    aside: set[str] = field(default_factory=set)
    #: account → since when it is a customer; who is labelled abusive.
    established: dict[str, float] = field(default_factory=dict)
    abusive: set[str] = field(default_factory=set)
    #: account, what its mail says → since when it was a customer as it last sent that; account → what is its own.
    noted: dict[tuple[str, str], float] = field(default_factory=dict)
    own: dict[str, set[str]] = field(default_factory=dict)
    #: holder → who claims what it holds → since when.
    claimants: dict[str, dict[str, float]] = field(default_factory=dict)
    #: account, edge → until when, as it was bound, and the side of the edge; side → until when it binds; those claimed.
    edges: dict[tuple[str, str], float] = field(default_factory=dict)
    sides: dict[tuple[str, str], str] = field(default_factory=dict)
    ends: dict[str, float] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    #: What people cut: edges of accounts, edges, things; and what an account used when it was cut from it.
    out: set[tuple[str, str]] = field(default_factory=set)
    banned: set[str] = field(default_factory=set)
    nobodys: set[str] = field(default_factory=set)
    parted: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    # Who belongs together

    def group(self, user: str) -> frozenset[str]:
        """The account and all that hang together with it."""
        found, waiting = {user}, [user]
        while waiting:
            name = waiting.pop()
            sides = {side for (each, _), side in self.sides.items() if each == name}
            more = {each for (each, _), side in self.sides.items() if side in sides} - found
            found |= more
            waiting += more
        return frozenset(found)

    def of(self, user: str) -> list[str]:
        """What binds an account."""
        return sorted(edge for name, edge in self.edges if name == user)

    def sharing(self, edge: str) -> set[str]:
        """Whom an edge binds, on whatever side."""
        return {name for name, each in self.edges if each == edge}

    def ended(self, user: str, now: float) -> bool:
        """Whether something binds an account no longer."""
        return any(self.ends[side] <= now for (name, _), side in self.sides.items() if name == user)

    def claims(self, user: str) -> bool:
        """Whether an account is bound by what somebody else holds."""
        group = self.group(user)
        return any(side in self.claimed for (name, _), side in self.sides.items() if name in group)

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
        """The account uses a thing; the first time stands, with ``again`` (its mail says so) the latest does, too."""
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
        """The account proves that a thing is its own."""
        self.given.setdefault(user, set()).add(thing)
        if user in self.uses.get(thing, {}):
            self.proofs.setdefault(thing, {}).setdefault(user, at)

    def holders(self, thing: str, at: float) -> list[str]:
        """Who holds a thing: who proved it; else the oldest account, if it was a customer before anybody else came, and
        customers who have used it for long.
        """
        users = self.uses.get(thing, {})
        if thing[0] not in HELD:
            return []
        if found := sorted((when, name) for name, when in self.proofs.get(thing, {}).items() if name in users):
            return [name for _, name in found]
        oldest = sorted((self.firsts[thing][name], name) for name in users)
        held = []
        for place, (first, name) in enumerate(oldest):
            for_long = first <= at - self.rules.long
            if place and not for_long:
                break
            if self._since_when(name, thing) <= at and (for_long or self.is_first(name, thing)):
                held.append(name)
        return held

    def is_first(self, user: str, thing: str) -> bool:
        """Whether the account used a thing first, and was a customer before anybody else came."""
        oldest = sorted((first, name) for name, first in self.firsts[thing].items())
        since = self._since_when(user, thing)
        return oldest[0][1] == user and since < math.inf and (len(oldest) == 1 or since <= oldest[1][0])

    def _since_when(self, user: str, thing: str) -> float:
        """Since when who uses a thing is a customer; of what mail says that is noted as it is sent."""
        if thing[0] in "lc":
            return self.noted.get((user, thing), math.inf)
        return math.inf if user in self.abusive else self.established.get(user, math.inf)

    # Looks

    def arrive(self, user: str, now: float) -> set[str]:
        """A signup: bound to those it came with, and by what it shares. Returns whose group changed."""
        self._note_holder(self.given.get(user, ()))
        return self.look(user, now, came=self._came(user, now))

    def again(self, user: str, now: float) -> set[str]:
        """The account is decided again: it is bound to nobody by what it holds, and by what it shares as ever. Returns
        whose group changed.
        """
        held = [thing for thing in self.things[user] if user in self.holders(thing, now)]
        free = [thing for thing in held if self._is_released(user, thing, now)]
        changed = self.loosen([user], free, now)
        self._note_holder(free)
        return changed | self.look(user, now)

    def _is_released(self, user: str, thing: str, now: float) -> bool:
        """Whether who holds a thing is bound to nobody by it: who proved it, who was first, and whom those are bound to
        who only claim it.
        """
        beside = {name for (name, edge), side in self.sides.items() if side == self.sides.get((user, thing))}
        claimed = bool(beside - set(self.holders(thing, now)))
        return bool(self.proofs.get(thing)) or self.is_first(user, thing) or claimed

    def look(self, user: str, now: float, said: Sequence[str] = (), came: Sequence[Bond] = ()) -> set[str]:
        """Bind an account by what it came with, or by what its mail says, and let go what binds no more. Returns whose
        group changed.
        """
        changed: set[str] = set()
        bonds: list[Bond] = []
        things = said or [thing for thing in self.things[user] if thing[0] not in WEAK]
        for thing, weight in self._weights(user, things, now).items():
            if thing in self.nobodys or user not in self.uses.get(thing, {}):
                continue
            if thing[0] == "o" and self._is_medium(thing, user):
                changed |= self.loosen(self.sharing(thing), [thing], now)
            else:
                bonds += self._bonds(user, thing, weight, now)
        return changed | self._bind(user, [*bonds, *came])

    def _weights(self, user: str, things: Iterable[str], now: float) -> dict[str, float]:
        """What each thing weighs: a domain that mail links to the largest part of them that one other account links to,
        too.
        """
        others = {thing: set(self._others(user, thing, now)) for thing in things if thing[0] == "l"}
        shared = [names for thing, names in others.items() if names and thing not in self.nobodys]
        found = {}
        for thing in things:
            most = max((sum(name in names for names in shared) for name in others.get(thing, ())), default=0)
            found[thing] = most / len(shared) if most else 1.0
        return found

    def _others(self, user: str, thing: str, now: float) -> list[str]:
        """Those who use a thing, this account and its holders left out, the newest first."""
        users, holders = self.uses.get(thing, {}), self.holders(thing, now)
        names = [name for name in users if name != user and name not in holders]
        return sorted(names, key=lambda name: (users[name], name), reverse=True)

    def _is_medium(self, thing: str, user: str) -> bool:
        """Whether a thing of firms binds nobody: not more than half of those who share it are labelled abusive."""
        users = self.uses[thing]
        return 2 * len(self.abusive & (set(users) - {user})) <= max(len(users), 4)

    def _bonds(self, user: str, thing: str, weight: float, now: float) -> list[Bond]:
        """What one thing binds an account by. It does until its weight has halved three times since it was last used;
        one that weighs less to begin with, not as long.
        """
        holders, lasts = self.holders(thing, now), self.rules.lasts * (3 + math.log2(weight)) / 3
        if user in holders:
            if not self.proofs.get(thing):
                return []  # who has used it for long is bound to nobody by it
            return [Bond(proved(thing), now + lasts, [name for name in holders if name != user])]
        found, others = [], self._others(user, thing, now)
        if others and now - self.uses[thing][others[0]] <= lasts:
            if thing[0] == "c":
                found += [
                    Bond(f"{thing} {second}", now + lasts, names) for second, names in self._agreeing(user, others)
                ]
            elif thing in self.banned:
                self.nobodys.add(thing)
            else:
                free = [name for name in others if thing not in self.given.get(name, ())]
                found.append(Bond(thing, now + lasts, self._standing_for(free, thing), bool(holders)))
        for name in holders if thing[0] != "c" else ():  # who sends the same claims nothing of who did first
            claimants = self.claimants.setdefault(name, {})
            claimants.setdefault(user, now)
            rest = sorted((each for each in claimants if each != user), key=lambda each: (claimants[each], each))
            stand = self._standing_for(rest[::-1], holder(name))
            found.append(Bond(holder(name), now + self.rules.lasts, stand, True))
        return found

    def _standing_for(self, others: Sequence[str], edge: str) -> Sequence[str]:
        """The first of others whom an edge binds, who stands for all who are; all whom it can bind, where none is."""
        free = [name for name in others if (name, edge) not in self.out]
        return [name for name in free if (name, edge) in self.edges][:1] or free

    def _agreeing(self, user: str, others: Sequence[str]) -> list[tuple[str, list[str]]]:
        """The second things that content needs (a name, a block of numbers), with those of the others who have them."""
        seconds = [thing for thing in self.things[user] if thing[0] in "sk"]
        return [(second, [name for name in others if second in self.things[name]]) for second in seconds]

    def _bind(self, user: str, bonds: Sequence[Bond]) -> set[str]:
        """Bind an account by all these at once; who was bound before the first of them is seen as it was then."""
        before, group, made = dict(self.edges), self.group(user), []
        for bond in bonds:
            others = [name for name in bond.others if (name, bond.edge) not in self.out]
            if not others or bond.edge in self.banned or (user, bond.edge) in self.out:
                continue
            loose = [name for name in others if (name, bond.edge) not in before]
            ends = before.get((user, bond.edge))
            if loose or others[0] not in group or ends is None or ends < bond.until - DAY:
                made.append((bond, others, loose))
        changed: set[str] = set()
        for bond, others, loose in made:
            sides = {self.sides[name, bond.edge] for name in (user, *others) if (name, bond.edge) in self.sides}
            side = self._one(bond.edge, sides)
            for name in (user, *loose):
                self.edges[name, bond.edge], self.sides[name, bond.edge] = bond.until, side
            self.ends[side] = max(self.ends.get(side, 0.0), bond.until)
            self.claimed |= {side} if bond.claims else set()
            changed |= {user, *others}
        self._meet(self.group(user))
        return changed

    def _meet(self, group: Collection[str]) -> None:
        """Sides of one edge in one group are one."""
        for edge in {edge for name, edge in self.edges if name in group}:
            self._one(edge, {self.sides[name, edge] for name in group if (name, edge) in self.sides})

    def _one(self, edge: str, sides: Collection[str]) -> str:
        """One side of an edge made of these, or a new one."""
        if not sides:
            return f"{edge} #{next(self._numbers)}"
        side, *rest = sorted(sides)
        for each in rest:
            self.ends[side] = max(self.ends[side], self.ends.pop(each))
            self.claimed |= {side} if each in self.claimed else set()
            self.claimed.discard(each)
            self.sides.update({pair: side for pair, found in self.sides.items() if found == each})
        return side

    # Waves

    def _came(self, user: str, now: float) -> list[Bond]:
        """The waves that a newcomer joins: of those with whom it agrees in two families, and of those on its line that
        came faster than people do.
        """
        if user in self.aside:
            return []
        families: dict[str, set[str]] = {}
        things = [thing for thing in self.things[user] if thing not in self.nobodys]
        for thing in things:
            if thing[0] in FAMILIES and not self._has_past(thing, user, now):
                for name in self._since(user, thing, now - self.rules.near):
                    families.setdefault(name, set()).add(FAMILIES[thing[0]])
        came = [([name for name, found in families.items() if len(found) > 1], self.rules.wave)]
        for thing in things:
            paces = self.rules.paces if thing[0] == "i" else self.rules.paces[-1:] if thing[0] == "n" else ()
            for accounts, seconds in reversed(paces):
                names = self._since(user, thing, now - seconds)
                if len(names) + 1 >= accounts:
                    lasts = self.rules.wave if (accounts, seconds) == self.rules.paces[-1] else self.rules.near
                    came.append((names, lasts))
                    break  # who came at a shorter pace came at this one too
        return [bond for names, lasts in came for bond in self._waves(names, now + lasts)]

    def _waves(self, names: Sequence[str], until: float) -> list[Bond]:
        """The waves that these are in; who is in none is in the first of them, or else in that of the oldest."""
        groups: dict[str, list[str]] = {}
        for name in sorted(names, key=lambda name: (self.arrived[name], name), reverse=True):
            cut_out = any(each == name and edge[0] == "w" for each, edge in self.out)
            if name not in self.aside and not cut_out:
                waves = [edge for edge in self.of(name) if edge[0] == "w"]
                groups.setdefault(min(waves, key=self.order, default=""), []).append(name)
        if loose := groups.pop("", []):
            groups.setdefault(next(iter(groups), wave(loose[-1])), []).extend(loose)
        return [Bond(edge, until, found) for edge, found in groups.items()]

    def _since(self, user: str, thing: str, since: float) -> list[str]:
        return [name for name, at in self.uses.get(thing, {}).items() if name != user and at >= since]

    def _has_past(self, thing: str, user: str, now: float) -> bool:
        """Whether some have used a thing for days, none bad, and no more came in the last hour than twice as many. Of
        a block of numbers those who gave the very number are counted there.
        """
        if thing[0] in "sb":
            return False
        past, bad, hour = self._counts(thing, user, now)
        if thing[0] == "k":
            _, same, of_same = self._counts(next(each for each in self.things[user] if each[0] == "p"), user, now)
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
        ended = {pair for pair, side in self.sides.items() if self.ends[side] <= now}
        return self._without({pair for pair in ended if among is None or pair[0] in among}, now)

    def _without(self, gone: set[tuple[str, str]], now: float) -> set[str]:
        """Take edges away, and with them what ended, and what only one account is left with."""
        changed = {name for user, _ in gone for name in self.group(user)}
        gone = gone | {pair for pair, side in self.sides.items() if pair[0] in changed and self.ends[side] <= now}
        left = Counter(side for pair, side in self.sides.items() if pair not in gone)
        for pair, side in list(self.sides.items()):
            if pair in gone or (pair[0] in changed and left[side] == 1):
                del self.edges[pair], self.sides[pair]
        for side in self.ends.keys() - self.sides.values():
            del self.ends[side]
            self.claimed.discard(side)
        return changed

    def _note_holder(self, things: Collection[str]) -> None:
        """Somebody holds these things: who is bound by one claims it."""
        self.claimed |= {side for (_, edge), side in self.sides.items() if edge in things}

    def disclaim(self, names: Collection[str], things: Collection[str], now: float) -> set[str]:
        """These accounts claim things no longer: they are bound through no holder, until a look finds what else they
        claim. Returns whose group changed.
        """
        holders = {name for thing in things for name in self.proofs.get(thing, {})}
        holders |= {
            name for thing in things for name in self.uses.get(thing, {}) if self._since_when(name, thing) <= now
        }
        edges = {edge for name, edge in self.edges if name in names and edge[0] == "h"} | {*map(holder, holders)}
        for edge in edges:
            for name in names:
                self.claimants.get(edge[2:], {}).pop(name, None)
        return self.loosen(names, edges, now)

    def confirmed(self, user: str, things: Collection[str], now: float) -> set[str]:
        """The account proved, after its signup, that things are its own: it is no longer bound to who claims them.
        Returns whose group changed.
        """
        changed = self.disclaim([user], things, now) if things else set()
        for thing in things:
            self.prove(user, thing, now)
        changed |= self.loosen([user], things, now)
        self._note_holder(things)
        return changed

    def stand_aside(self, user: str, now: float) -> set[str]:
        """The account gave proof that no wave has; returns whose group changed."""
        self.aside.add(user)
        return self.loosen([user], [edge for edge in self.of(user) if edge[0] == "w"], now)

    def authenticated(self, user: str, thing: str, now: float) -> set[str]:
        """The account proved that a domain is its own: linking there claims nothing. Returns whose group changed."""
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
        things = [thing for edge in edges if (thing := thing_of(edge)) is not None]
        self.out |= {(user, edge) for edge in edges}
        changed = self.loosen([user], edges, now) | self.disclaim([user], things, now)
        for thing in things:
            self.proofs.get(thing, {}).pop(user, None)
            if user in self.uses.get(thing, {}):
                self.parted[user, thing] = self.uses[thing].pop(user), self.firsts[thing].pop(user)
        return changed

    def rejoin(self, user: str, edges: Iterable[str]) -> None:
        """Take the cut of an account back."""
        for edge in edges:
            self.out.discard((user, edge))
            thing = thing_of(edge) or ""
            if (found := self.parted.pop((user, thing), None)) is not None:
                self.uses[thing][user], self.firsts[thing][user] = found

    def cut_thing(self, edge: str, users: Collection[str], now: float) -> set[str]:
        """A thing that binds these accounts never binds anybody again; those in a wave are in none any more. Returns
        whose group changed.
        """
        sharing = self.sharing(edge)
        if edge[0] == "w":
            self.out |= {(name, edge) for name in sharing}
            return self.loosen(sharing, [edge], now)
        thing = thing_of(edge)
        self.banned.add(edge)
        sharing |= {*users, *self.uses.get(thing or "", {})}
        sharing |= set(self.claimants.get(edge[2:], ())) if edge[0] == "h" else set()
        changed = self.loosen(sharing, [edge], now) | self.disclaim(sharing, [thing] if thing else [], now)
        self.nobodys |= {thing} if thing else set()
        return changed

    def allow(self, edge: str, users: Collection[str]) -> None:
        """Take the cut of a thing back; of a wave, of those who were cut out of it with it."""
        self.out -= {(name, edge) for name in users if edge[0] == "w"}
        self.banned.discard(edge)
        self.nobodys.discard(thing_of(edge) or "")
