"""What is installed, what the store promises, how old the data is, and which model decides: each with its grade."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes.util
import platform
import re
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, get_args

from riskapi import app
from riskapi.access.api_keys import ApiKeys
from riskapi.accounts.agenda import Agenda
from riskapi.commands import data, output
from riskapi.enrichment.doubts import doubted
from riskapi.enrichment.lookups import probed
from riskapi.enrichment.sources import DOUBTS
from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.feedback import unattributed
from riskapi.feedback.platform import alarms
from riskapi.feedback.platform.verdicts import SENTENCES
from riskapi.links import secret
from riskapi.settings import Settings
from riskapi.store import condition, damaged, disk
from riskapi.store.clock import StoreClock
from riskapi.store.connections import Store, open_store, running_store
from riskapi.store.consumer import DeadLetters, Group, backlog
from riskapi.store.faults import MINOR
from riskapi.store.heartbeats import working
from riskapi.store.journal import Journal
from riskapi.times import DAY, rfc3339
from riskapi.webhooks.endpoints import Webhooks

#: Packages whose version explains most surprises.
_PACKAGES = ("flask", "granian", "redis", "lightgbm", "pydantic")
#: Packages that are data, with the day of a release as its version tells it, and after how many days that is old.
#: tzdata counts releases within a year (https://tzdata.readthedocs.io): only the year is known.
_DATED = {
    "ua-parser-builtins": (re.compile(r"(\d{4})(\d\d)"), 365),
    "certifi": (re.compile(r"(\d{4})\.(\d\d?)\.(\d\d?)"), 365),
    "tzdata": (re.compile(r"(\d{4})\."), 2 * 365),
}
#: Days after which a model is old: abusers learn within months.
_MODEL_DAYS = 365
#: Seconds after which an account that is due was forgotten by those who should look, and entries of the streams that
#: are many for workers that keep up.
_LATE, _MANY = 60.0, 10_000
#: Bytes that an answered signup and a grant take in the journal, compressed. Measured with signups that say everything:
#: 465 and 190 on average.
_SIGNUP_BYTES, _GRANT_BYTES = 500, 250
Finding = tuple[str, str]


def run(settings: Settings, *, start: bool) -> int:
    """Print what was found; 1 when something failed. ``start``: see :func:`running_store`."""
    failed = False
    for grade, text in findings(settings, start=start):
        output.grade(grade, text)
        failed |= grade == "FAIL"
    return 1 if failed else 0


def findings(settings: Settings, *, start: bool = False) -> Iterator[Finding]:
    """What was found, each with its grade: ok, warn or FAIL. ``start``: see :func:`running_store`."""
    yield "ok", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield "ok", ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    if platform.system() == "Linux" and not ctypes.util.find_library("gomp"):
        yield "warn", "libgomp is not found by the linker; LightGBM needs it (apt-get install libgomp1)"
    if settings.replay:
        yield "warn", "RISKAPI_REPLAY is on: callers may set the clock"
    if settings.redis_url is not None and settings.link_key is None:
        yield "warn", "RISKAPI_LINK_KEY is not set: hosts that share this store would not see each other's links"
    now = time.time()
    yield from _packages(now)
    yield from data.findings(settings, now)
    yield from _upstreams(settings)
    sources = yield from _files(settings)
    if sources is not None:
        yield from journals(settings.data_dir / "journal", sources.file.outage.journal_bytes)
    yield from _store(settings, sources, start)


def _upstreams(settings: Settings) -> Iterator[Finding]:
    """Whom the worker asks, and whether the resolver knows what always exists; nobody else is asked now."""
    if not settings.enrichment:
        yield "ok", "nobody is asked about domains and networks: RISKAPI_ENRICHMENT is off"
        return
    at = settings.dns_resolver
    dns = "the system's resolvers" if at is None else f"{at.host} port {at.port}"
    lists = f", {len(settings.dns_blocklists)} blocklists" if settings.dns_blocklists else ""
    yield "ok", f"asked afterwards: DNS at {dns}{lists}, RDAP at {settings.rdap_base or 'the registries'}"
    doubt = asyncio.run(probed(settings))
    if doubt is None:
        yield "ok", "DNS from here knows what always exists, and nothing that does not"
    else:
        yield "warn", f"DNS from here is not believed: {DOUBTS['dns'][doubt]}; what it says counts for nobody"


def _store(settings: Settings, sources: app.Sources | None, start: bool) -> Iterator[Finding]:
    kind = "embedded" if settings.redis_url is None else "REDIS_URL"
    room = disk.fault(settings.data_dir) if settings.data_dir.exists() else None
    if room is not None:
        yield "FAIL", f"disk of {settings.data_dir}: {room.said}"
    try:
        with running_store(settings, start=start) as store:
            yield "ok", f"store ({kind}) answers"
            for fault in condition.faults(store):
                yield "warn" if fault.name in MINOR else "FAIL", f"store ({kind}), {fault}"
            for share, limit in condition.fills(store):
                yield "warn" if share > condition.NEARLY else "ok", f"{share:.0%} of maxmemory ({limit} bytes) is used"
            if not store.is_cluster:
                yield from persistence(store)
            wrong = secret.fault(settings, store)
            yield ("FAIL", str(wrong)) if wrong is not None else ("ok", "the link key is the store's")
            if sources is not None:
                yield from _judge(settings, sources, store)
            yield from _work(store, time.time())
            yield from platform_findings(store, time.time())
            yield from _rows(store)
            yield from _feedback(store, time.time())
    except ConfigurationError as error:
        yield "FAIL", f"store ({kind}): {error}"
    except StoreUnavailable as error:
        yield "FAIL", f"store ({kind}): {error}"
        with contextlib.closing(open_store(settings)) as store:  # one that is there may say more
            for fault in condition.faults(store):
                yield "FAIL", f"store ({kind}), {fault}"


def _work(store: Store, now: float) -> Iterator[Finding]:
    """Whether somebody keeps looking after the answer, and what waits for them."""
    names = working(store, now)
    unread = {group: backlog(store, group)[1] for group in get_args(Group)}
    behind = ", ".join(f"{lag} unread for {group}" for group, lag in unread.items())
    overdue = Agenda(store).overdue(now - _LATE)
    if not names and not any(unread.values()) and not overdue:
        yield "ok", "no worker is running, and nothing waits for one"
    elif not names:
        yield "warn", f"no worker is running: {behind}, {overdue} accounts overdue (python -m riskapi worker)"
    else:
        late = overdue or max(unread.values()) > _MANY
        yield "warn" if late else "ok", f"workers: {len(names)}; {behind}, {overdue} accounts overdue"
    for source, because in doubted(store, now).items():
        yield "warn", f"workers do not believe {source}: {because}; what they cannot know counts for nobody"
    off = [each.id for each in Webhooks(store, {}).endpoints() if each.disabled is not None]
    if off:
        yield "warn", f"webhooks that are disabled: {', '.join(off)}"
    dead = DeadLetters(store).count()
    if dead:
        yield "warn", f"{dead} entries could not be handled (python -m riskapi worker dead)"


def platform_findings(store: Store, now: float) -> Iterator[Finding]:
    """Whether the platform is watched, and each alarm about it."""
    state = alarms.read(store)
    if state.judged is None or now - state.judged > alarms.BREAK:
        yield "ok", "the platform is not watched: no worker looked lately"
    for each in state.live():
        yield "warn", f"{SENTENCES[each.rule]}: {each.subject}, since {rfc3339(each.since)} (GET /v1/platform)"
    if state.judged is not None and not state.live():
        yield "ok", "the platform has no alarm (GET /v1/platform)"


def journals(directory: Path, limit: int) -> Iterator[Finding]:
    """What waits on this machine until it is recorded, how much more there is room for, and what was set aside."""
    for name, place, each in (("signups", directory, _SIGNUP_BYTES), ("grants", directory / "sends", _GRANT_BYTES)):
        with contextlib.closing(Journal(place, limit)) as journal:
            waiting, used, aside = journal.entries(), journal.size(), journal.rejected()
        room = max(limit - used, 0) // each
        yield "ok", f"journal of {name}: {waiting} wait to be recorded, {room:,} more have room in each worker's file"
        if aside:
            yield "warn", f"journal of {name}: {aside} cannot be read or recorded; see {place / 'rejected'}"


def _rows(store: Store) -> Iterator[Finding]:
    """Rows that cannot be read, and whether this machine's clock is right."""
    Webhooks(store, {}).endpoints()
    ApiKeys(store).list()
    damaged.publish(store)
    for row in damaged.published(store):
        kind, _, name = row.partition(":")
        yield "warn", f"{kind} {name} cannot be read and was set aside"
    clock = StoreClock(store)
    clock.compare()
    yield (
        ("ok", "the clock agrees with the store's") if clock.fault is None else ("warn", f"the clock is {clock.fault}")
    )


def _feedback(store: Store, now: float) -> Iterator[Finding]:
    """How much of what mail providers report names no account, and why."""
    found = unattributed.counts(store, now)
    if not found:
        yield "ok", "every report of the last 30 days names an account"
        return
    said = ", ".join(f"{each['count']:,} {each['feed']} {each['reason']}" for each in found)
    yield "warn", f"reports of the last 30 days that name no account: {said} (GET /v1/feedback/unattributed)"


def persistence(store: Store) -> Iterator[Finding]:
    """What the server promises about the data it was given."""
    server: dict[str, Any] = store.execute("INFO", "everything")
    name = "Valkey" if "valkey_version" in server else "Redis"
    version = server.get("valkey_version") or server.get("redis_version")
    on = server.get("aof_enabled") == 1
    keeps = "keeps an append-only file" if on else "keeps no append-only file: a restart loses decisions"
    yield ("ok" if on else "warn"), f"{name} {version} {keeps}"
    evicts = server.get("maxmemory_policy") != "noeviction"
    yield ("warn" if evicts else "ok"), f"maxmemory-policy {server.get('maxmemory_policy')}"


def _packages(now: float) -> Iterator[Finding]:
    """Packages whose data grows old: phone ranges, user agents, time zones, certificates."""
    yield "ok", f"phonenumbers {metadata.version('phonenumbers')}, whose version does not tell its age"
    for name, (pattern, most) in _DATED.items():
        version = metadata.version(name)
        found = pattern.match(version)
        if found is None:
            yield "ok", f"{name} {version}, whose version does not tell its age"
            continue
        year, month, day = [*map(int, found.groups()), 1, 1][:3]
        made = datetime(year, month, day, tzinfo=UTC)  # the first day that the version can mean
        age = int((now - made.timestamp()) // DAY)
        yield "warn" if age > most else "ok", f"{name} {version}: {age} days old at most"


def _files(settings: Settings) -> Generator[Finding, None, app.Sources | None]:
    try:
        sources = app.check(settings)
    except ConfigurationError as error:
        yield "FAIL", str(error)
        return None
    yield "ok", f"policy file: version {sources.file.version}, {len(sources.file.rules)} rules"
    return sources


def _judge(settings: Settings, sources: app.Sources, store: Store) -> Iterator[Finding]:
    policies, publisher = app.follow_policy(settings, store, sources.file, sources.basis)
    publisher.follow()
    live, basis = policies.live(), publisher.active.basis
    if live.source == "file":
        yield "ok", f"policy {live.version} decides, the file's: none was published"
    else:
        yield "ok", f"policy {live.version} decides, published {live.at} by {live.author}: the file is ignored"
    if basis.scorer is None:
        yield "warn", "no model decides: rules only"
    else:
        scorer = basis.scorer
        age = int((time.time() - scorer.card.trained_at.timestamp()) // DAY)
        told = f"{age} {'day' if age == 1 else 'days'} old"
        said = f"model {scorer.version}, {len(scorer.columns)} columns, {basis.policy.model.mode}, {told}"
        yield "warn" if age > _MODEL_DAYS else "ok", said
