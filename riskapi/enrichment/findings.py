"""Findings: what DNS and registries said of mail domains and networks, kept for whoever signs up from there next.

A finding is about a subject: a domain, or a network. Whoever needs one that is not there, or no longer fresh, waits for
it; the first who waits puts the subject into the queue, so that a thousand signups of one domain cause one look-up.
What an upstream said is written together with the events that tell who waited, in one step in the subject's shard.

Keys hold HMACs; what is to be looked up is kept in plain for as long as it waits: a domain or an address is all that an
upstream can be asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, get_args

import orjson

from riskapi.enrichment.sources import Part
from riskapi.enrichment.subjects import KINDS, QUEUES, Family, FindingKind, Subject, Task, queue_key
from riskapi.links.entities import Links
from riskapi.links.kinds import is_inside
from riskapi.policy import Policy
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.due_sets import DueSets
from riskapi.store.pipelines import Pipeline, ReplyReader, as_it_is
from riskapi.store.replies import scored
from riskapi.store.streams import SHARDS, oldest, stream
from riskapi.times import DAY, HOUR
from signals.facts import Facts, MailDomain, Registrant, Registration, Sender
from signals.records import record

Finding = MailDomain | Registration | Registrant | Sender
#: What a finding of each kind is read into.
_RECORDS: dict[str, type[Finding]] = {
    "mail_domain": MailDomain,
    "registration": Registration,
    "registrant": Registrant,
    "sender": Sender,
}
#: The cause of a look at an account that rested on what is not believed any more: it is judged afresh.
RETRACTED: Final = "finding.retracted"
#: A subject that nobody could be asked about is asked about again for the next signup after so long.
_UNKNOWN_FOR = HOUR
#: Whoever waited longer than this is not waited for: the queue has long given up by then.
_WAIT = 2 * DAY
#: Subjects that wait in a shard for one family, at most: what comes on top is asked about when an account is looked at
#: by its schedule. Some hundred bytes each.
_MOST = 20_000
#: Accounts one event names: each is decided again, and whoever handles the event is given seconds for it.
_NAMED = 100


@record
class Wish:
    """An account, what is to be known of it, and the Unix times of findings that its decision rested on, by kind."""

    user_id: str
    subjects: Sequence[Subject]
    used: Mapping[str, float]


def times(findings: Mapping[str, Finding]) -> dict[str, float]:
    """Unix times of findings, by kind, as a decision keeps them."""
    return {kind: found.checked_at for kind, found in findings.items()}


def is_told(said: Finding) -> bool:
    """Whether an upstream said all that was asked. Parts that do not apply to what it said may still be ``None``."""
    if isinstance(said, MailDomain):
        return said.whole and said.exists is not None
    if isinstance(said, Sender):
        return said.whole and said.dmarc is not None
    return said.found is not None


def finding_key(subject: Subject) -> str:
    """Key of what was said of a subject; it expires after twice the time for which it is fresh."""
    return f"risk:k:{{{subject.shard}}}:{subject.member}"


def _waiting_key(subject: Subject) -> str:
    """Key of the accounts that wait for a subject; it expires after :data:`_WAIT`."""
    return f"risk:kw:{{{subject.shard}}}:{subject.member}"


def _subjects_key(number: int) -> str:
    """Key of what the subjects of a shard's queue are. No TTL: they leave it with the queue."""
    return f"risk:ks:{{{number}}}"


def _told_key(subject: Subject) -> str:
    """Key of the accounts that were told of a finding that speaks against them; it expires with the finding."""
    return f"risk:kt:{{{subject.shard}}}:{subject.member}"


def _against_key(number: int) -> str:
    """Key of a shard's findings that speak against somebody, by when they were said; it expires with the last."""
    return f"risk:kn:{{{number}}}"


def speaks_against(said: Finding) -> Part | None:
    """How a finding of DNS speaks against somebody, if it does: by a domain that is not there or takes no mail, else by
    a TXT record that is not there, else by records that are.
    """
    if isinstance(said, Sender):
        return "texts" if False in (said.spf, said.dkim, said.aligned) or said.dmarc == "missing" else None
    if not isinstance(said, MailDomain):
        return None
    gone = False in (said.exists, said.accepts_mail) and not said.null_mx
    if gone:
        return "absence"
    if "missing" in (said.spf, said.dmarc):
        return "texts"
    return "records" if any((said.null_mx, said.mx_disposable, said.parked, said.listed)) else None


class Findings:
    """Reads and writes findings, and the queue of those to be made."""

    def __init__(
        self,
        store: Store,
        links: Links,
        is_worth_asking: Callable[[str], bool] | None,
        *,
        anywhere: bool = False,
        blocklists: Collection[str] = (),
    ) -> None:
        """``is_worth_asking`` says of a domain whether DNS can know it; ``None`` asks nobody about anything.

        With ``anywhere`` the registry, which is the operator's own, is asked about documentation addresses as well.
        ``blocklists`` are the kinds of DNS blocklists that are asked, ``domain`` and ``ip``.
        """
        self._store, self._links = store, links
        #: What nobody is asked, which is then no shortcoming.
        self.unasked = {f"{kind}_blocklists": "not_asked" for kind in ("domain", "ip") if kind not in blocklists}
        self._is_worth_asking, self._anywhere = is_worth_asking, anywhere
        self._queues = DueSets(store, [queue_key(number, family) for family, number in QUEUES])
        self._want = store.script("finding_want")
        self._take = store.script("finding_take")
        self._finish = store.script("finding_finish")
        self._retry = store.script("finding_retry")
        self._retract = store.script("finding_retract")

    def subjects(self, facts: Facts, sender: str | None = None) -> tuple[Subject, ...]:
        """What can be asked about a signup: its mail domain, and its network where the local databases do not tell.

        The registry is asked about a domain of the customer's own only: how old a large provider is says nothing.
        ``sender`` is the domain the account sends from, where that is known.
        """
        worth, email, network = self._is_worth_asking, facts.email, facts.network
        if worth is None:
            return ()
        found = []
        if email.domain is not None and not email.large and worth(email.domain):
            found.append(self._subject("mail_domain", email.domain, email.domain))
            if email.private and email.registrable is not None:
                found.append(self._subject("registration", email.registrable, email.registrable))
        if network is not None and network.ip is not None and network.prefix is not None and not is_inside(network):
            untold = network.asn is None or network.kind is None or network.disputed
            if untold and (network.reserved is None or self._anywhere):
                found.append(self._subject("registrant", network.prefix, network.ip))
        if sender is not None and worth(sender):
            found.append(self._subject("sender", sender, sender))
        return tuple(found)

    def known(self, facts: Facts) -> MailDomain | None:
        """What is known of a mail domain without asking: a large provider's takes mail. ``None`` for others."""
        if self._is_worth_asking is None or not facts.email.large:
            return None
        return MailDomain(facts.at, exists=True, null_mx=False, accepts_mail=True, mx_disposable=False, parked=False)

    def _subject(self, kind: FindingKind, name: str, value: str) -> Subject:
        return Subject(kind, value, self._links.mac("network" if kind == "registrant" else "mail_domain", name))

    def queue(self, pipe: Pipeline, subjects: Sequence[Subject]) -> Callable[[], dict[str, Finding]]:
        """Ask, in a pipeline, what was said of subjects: what is known of them, by kind."""
        if not subjects:
            return dict
        asked = [(subject, _queue_said(pipe, subject)) for subject in subjects]
        # What cannot be read is not known, as before anybody asked.
        return lambda: {
            subject.kind: self._about(subject, said) for subject, reply in asked if (said := reply()) is not None
        }

    def _about(self, subject: Subject, said: Finding) -> Finding:
        """What was said, of a network as far as it is about this address: neighbours may belong to somebody else."""
        if not isinstance(said, Registrant):
            return said
        if said.first is not None and said.last is not None and not _lies_in(subject.value, said.first, said.last):
            return Registrant(said.checked_at)
        if said.listed is not None and said.address != self._links.mac("ip", subject.value):
            return replace(said, listed=None)
        return said

    def want(self, user_id: str, subjects: Sequence[Subject], used: Mapping[str, float], now: float) -> str | None:
        """Let an account wait for what is not known, or no longer fresh, at Unix time ``now``.

        ``used`` are the times of the findings its decision rested on, by kind. Returns why it can be decided again at
        once: ``finding`` where there is something new by now, :data:`RETRACTED` where what it rested on is gone or was
        replaced, ``None`` where it is as it was.
        """
        return self.want_all([Wish(user_id, subjects, used)], now)[0]

    def want_all(self, wishes: Sequence[Wish], now: float) -> list[str | None]:
        """As :meth:`want`, for several accounts in one trip; what it returns of each, in their order."""
        pipe, asked = self._store.pipeline(), [(wish, list[ReplyReader[bytes | None]]()) for wish in wishes]
        for wish, replies in asked:
            for subject in wish.subjects:
                keys = [finding_key(subject), _waiting_key(subject), subject.queue, _subjects_key(subject.shard)]
                keys.append(_told_key(subject))
                args = (repr(now), wish.user_id, subject.member, _told(subject, 0, now), _WAIT, _MOST)
                replies.append(self._want.ask(pipe, keys, args, read=as_it_is))
        self._store.run(pipe)
        return [_cause(wish, replies) for wish, replies in asked]

    def due(self, now: float) -> dict[Family, list[int]]:
        """Shards in which a subject of each family is due at Unix time ``now``, in one trip."""
        due = [QUEUES[place] for place in self._queues.due(now)]
        return {family: [number for of, number in due if of == family] for family in get_args(Family)}

    def take(self, number: int, family: Family, now: float, lease: float, most: int) -> list[Task]:
        """Subjects of a shard that are due at Unix time ``now``, ours for ``lease`` seconds."""
        keys = [queue_key(number, family), _subjects_key(number)]
        reply = self._take.call(keys, [repr(now), repr(now + lease), most])
        tasks = []
        for member, told in zip(reply[::2], reply[1::2], strict=True):
            letter, _, name = member.decode().partition(":")
            made = damaged.read("finding", member.decode(), partial(_task, letter, name, told, now + lease), None)
            if made is not None:
                tasks.append(made)
                continue
            pipe = self._store.pipeline()  # whoever needs it asks for it anew
            pipe.execute_command("ZREM", queue_key(number, family), member)
            pipe.execute_command("HDEL", _subjects_key(number), member)
            self._store.run(pipe)
        return tasks

    def finish(self, task: Task, said: Finding, policy: Policy, now: float, again: float | None = None) -> bool:
        """Keep what was said and tell who waited; False when the task is no longer ours and nothing was done.

        With ``again`` something is missing, and the subject is looked up once more at that Unix time.
        """
        lives = policy.enrichment
        fresh = lives.dns_hours * HOUR if task.subject.family == "dns" else lives.registry_days * DAY
        return self._finished(task, self._filled(task.subject, said), fresh, policy, now, again)

    def _filled(self, subject: Subject, said: Finding) -> Finding:
        """What was said, with the parts that are missing now from the try before, which missed others."""
        found = None if getattr(said, "whole", True) else self._store.execute("GET", finding_key(subject))
        if found is None:
            return said
        row = damaged.loads("finding", subject.member, found, dict[str, Any]())
        before = damaged.known(type(said), row.get("said") or {})
        if not before:
            return said
        missing = {name: value for name, value in before.items() if getattr(said, name) is None}
        return said if before.get("whole", True) else replace(said, **missing)

    def give_up(self, task: Task, policy: Policy, now: float, said: Finding | None = None) -> bool:
        """Let nobody wait any longer for a subject that nobody answers about, and tell them what little was ``said``.

        It is asked about again when somebody needs it after an hour.
        """
        known = said or _RECORDS[task.subject.kind](checked_at=now)
        return self._finished(task, self._filled(task.subject, known), _UNKNOWN_FOR, policy, now)

    def _finished(
        self, task: Task, said: Finding, fresh: int, policy: Policy, now: float, again: float | None = None
    ) -> bool:
        subject, number = task.subject, task.subject.shard
        if isinstance(said, Registrant):
            said = replace(said, address=self._links.mac("ip", subject.value))
        keys = [finding_key(subject), _waiting_key(subject), subject.queue, _subjects_key(number), stream(number)]
        keys += [_against_key(number), _told_key(subject)]
        kept = orjson.dumps({"fresh_until": now + fresh, "said": asdict(said)})
        event = orjson.dumps({"kind": subject.kind, "at": now}).decode()
        given = {"subject": subject.member, "token": repr(task.token), "ttl": 2 * fresh, "named": _NAMED}
        given |= {"event": event, "oldest": oldest(policy.retention.decisions_days)}
        if again is not None:
            given |= {"again": repr(again), "told": _told(subject, task.tries, task.since).decode()}
        if speaks_against(said) is not None:
            given["against"] = repr(now)
        return bool(self._finish.call(keys, [orjson.dumps(given), kept]))

    def retract(self, since: float, parts: Collection[Part], policy: Policy, now: float) -> int:
        """Take back what DNS said against anybody since a Unix time by ``parts`` of its answers that are not believed.
        Those who were told are decided again, and have it looked up. Returns how much it was. Raises
        :class:`StoreUnavailable`.
        """
        pipe = self._store.pipeline()
        for subject, at in self._doubtful(since, parts):
            number = subject.shard
            keys = [finding_key(subject), _told_key(subject), _against_key(number), stream(number)]
            event = orjson.dumps({"kind": subject.kind, "at": now, "retracted": True})
            oldest_kept = oldest(policy.retention.decisions_days)
            self._retract.queue(pipe, keys, [subject.member, repr(at), event, _NAMED, oldest_kept])
        return sum(map(int, self._store.run(pipe)))

    def _doubtful(self, since: float, parts: Collection[Part]) -> list[tuple[Subject, float]]:
        """What speaks against somebody and was said since then, and when that was."""
        pipe = self._store.pipeline()
        for number in range(SHARDS):
            pipe.execute_command("ZRANGEBYSCORE", _against_key(number), repr(since), "+inf", "WITHSCORES")
        found = []
        for member, at in [row for reply in self._store.run(pipe) for row in scored(reply)]:
            letter, _, name = member.partition(":")
            found.append((Subject(KINDS[letter], "", name), at))
        pipe = self._store.pipeline()
        asked = [(subject, at, _queue_said(pipe, subject)) for subject, at in found]
        self._store.run(pipe)
        doubtful = []
        for subject, at, reply in asked:
            said = reply()
            if said is None or speaks_against(said) in parts:
                doubtful.append((subject, at))
        return doubtful

    def renew(self, task: Task, until: float) -> Task | None:
        """Keep a task until Unix time ``until``; None when it is no longer ours."""
        return replace(task, token=until) if self.postpone(task, until) else None

    def retry(self, task: Task, due: float) -> bool:
        """Put a task off to Unix time ``due``; False when it is no longer ours."""
        told = _told(task.subject, task.tries, task.since)
        args: list[str | bytes] = [task.subject.member, repr(task.token), repr(due), told]
        return bool(self._retry.call([task.subject.queue, _subjects_key(task.subject.shard)], args))

    def postpone(self, task: Task, due: float) -> bool:
        """Put a task off that was not tried, because its upstream is left alone for now; as :meth:`retry`."""
        return self.retry(replace(task, tries=task.tries - 1), due)

    def waiting(self) -> int:
        """Subjects that wait to be looked up."""
        pipe = self._store.pipeline()
        for family, number in QUEUES:
            pipe.execute_command("ZCARD", queue_key(number, family))
        return sum(self._store.run(pipe))


def _cause(wish: Wish, replies: Sequence[ReplyReader[bytes | None]]) -> str | None:
    """Why an account can be decided again at once, given the times of the findings that are there."""
    cause = None
    for subject, reply in zip(wish.subjects, replies, strict=True):
        rested, known = wish.used.get(subject.kind), None if (said := reply()) is None else float(said)
        if rested is None and known is not None:
            cause = cause or "finding"
        elif rested is not None and (known is None or known > rested):
            return RETRACTED
    return cause


def _told(subject: Subject, tries: int, since: float) -> bytes:
    """What the queue keeps of a subject: what to look up, how often that was tried, and since when somebody waits."""
    return orjson.dumps({"value": subject.value, "tries": tries, "since": since})


def _lies_in(ip: str, first: str, last: str) -> bool:
    return int(ip_address(first)) <= int(ip_address(ip)) <= int(ip_address(last))


def _said(kind: FindingKind, reply: bytes) -> Finding:
    """A finding as it was kept; what a newer release keeps besides is passed over."""
    return _RECORDS[kind](**damaged.known(_RECORDS[kind], orjson.loads(reply)["said"]))


def _queue_said(pipe: Pipeline, subject: Subject) -> ReplyReader[Finding | None]:
    """Ask, in a pipeline, what was said of a subject: None where nothing is kept, or it cannot be read."""

    def read(reply: bytes | None) -> Finding | None:
        if reply is None:
            return None
        return damaged.read("finding", subject.member, partial(_said, subject.kind, reply), None)

    return pipe.ask("GET", finding_key(subject), read=read)


def _task(letter: str, name: str, told: bytes, token: float) -> Task:
    found = orjson.loads(told)
    return Task(Subject(KINDS[letter], found["value"], name), int(found["tries"]) + 1, token, float(found["since"]))
