"""The only file that knows every part: opens them, hands them to each other, and gives back the application."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from model.card import ArtifactError
from model.scorer import Scorer
from riskapi import data, decisions, logs, policy
from riskapi.accounts import Accounts
from riskapi.api.parts import Parts
from riskapi.api.server import build
from riskapi.assess import Assessor
from riskapi.domains import DomainLists
from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.gather import Gatherer
from riskapi.idempotency import Idempotency
from riskapi.journal import Journal
from riskapi.judge import Court, Judge
from riskapi.keys import Keys
from riskapi.labels import Labels
from riskapi.links import Links
from riskapi.mail import MailReader
from riskapi.metrics import Metrics
from riskapi.networks import NetworkReader
from riskapi.policy import Policy
from riskapi.profile import Profiles
from riskapi.ratelimits import RateLimits
from riskapi.reviews import Reviews
from riskapi.settings import Settings
from riskapi.store.connections import Store, open_store
from signals import columns

#: Seconds between two looks at the journal for signups that wait to be recorded.
_JOURNAL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read from files before anything is served: policy, model, and the databases inputs are looked up in."""

    judge: Judge
    mail: MailReader
    networks: NetworkReader


def check(settings: Settings) -> Sources:
    """Open policy, model and data. Raises :class:`ConfigurationError` for what the service refuses to start with."""
    live = policy.load(settings.policy_file or policy.DEFAULT)
    if settings.model_mode is not None:
        live = live.with_model_mode(settings.model_mode)
    paths = data.ensure(settings)
    lists = DomainLists.load(settings.data_dir)
    networks = NetworkReader(paths.asn, paths.country)
    scorer = _scorer(settings, live)
    versions = {
        "policy": live.version,
        "model": scorer.version if scorer is not None else None,
        "asn": networks.version,
        "lists": lists.version,
    }
    return Sources(Judge(live, scorer, versions), MailReader(lists), networks)


def _scorer(settings: Settings, live: Policy) -> Scorer | None:
    if live.model.mode == "off":
        return None
    try:
        return Scorer.load(settings.model_dir, columns())
    except ArtifactError as error:
        raise ConfigurationError(str(settings.model_dir), "model", str(error)) from error


def link_key(settings: Settings) -> bytes:
    """The secret of the link keys: the setting's, or the one made at the first start in the data directory."""
    if settings.link_key is not None:
        return settings.link_key.get_secret_value().encode()
    path: Path = settings.data_dir / "link.key"
    if not path.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        made = settings.data_dir / f".link.key.{secrets.token_hex(8)}"
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(32))
        try:
            path.hardlink_to(made)  # of two starters that race, one wins and both read the winner's
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_bytes()


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of one worker, put together."""

    store: Store
    sources: Sources
    court: Court
    assessor: Assessor
    decisions: decisions.Decisions
    journal: Journal
    parts: Parts

    def recover(self, now: float) -> None:
        """Do what needs the store: name the readings, know the keys, record what was journaled.

        Raises :class:`StoreUnavailable`.
        """
        self.decisions.register_schema()
        self.parts.keys.warm()
        self.assessor.replay_journal(now)
        self.parts.metrics.journal(self.journal.entries())


def assemble(settings: Settings, store: Store | None = None, clock: Callable[[], float] = time.time) -> Service:
    """Put the parts together. ``clock`` gives Unix time."""
    sources = check(settings)
    store = store or open_store(settings)
    court, metrics = Court(sources.judge), Metrics()
    accounts, links = Accounts(store), Links(store, link_key(settings))
    labels = Labels(accounts, links, court)
    gatherer = Gatherer(store, links, accounts, sources.mail, sources.networks)
    journal = Journal(settings.data_dir / "journal", court.policy.outage.journal_bytes)
    assessor = Assessor(court, gatherer, accounts, links, labels, journal, metrics)
    recorded = decisions.Decisions(store)
    profiles = Profiles(court, accounts, recorded, gatherer)

    def readiness() -> dict[str, str]:
        try:
            store.ping()
            found = "ok"
        except StoreUnavailable as error:
            found = str(error)
        return {"store": found, "model": "ok" if court.judge.scorer else "off", "data": "ok"}

    bootstrap = settings.bootstrap_key.get_secret_value() if settings.bootstrap_key else None
    parts = Parts(
        assessor=assessor,
        accounts=profiles,
        labels=labels,
        reviews=Reviews(store, accounts, labels, court, profiles.linkage),
        keys=Keys(store, bootstrap),
        idempotency=Idempotency(store),
        ratelimits=RateLimits(store),
        metrics=metrics,
        clock=clock,
        readiness=readiness,
        versions=lambda: court.judge.versions,
        replay=settings.replay,
        api_rate_limit=settings.api_rate_limit,
        metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
    )
    return Service(store, sources, court, assessor, recorded, journal, parts)


def create_app(settings: Settings, store: Store | None = None, clock: Callable[[], float] = time.time) -> Flask:
    """The application with its parts; the names of its readings are stored if the store is there."""
    service = assemble(settings, store, clock)
    with contextlib.suppress(StoreUnavailable):  # the worker's watch does it when the store is back
        service.decisions.register_schema()
    return build(service.parts)


def watch(service: Service, stop: threading.Event) -> threading.Thread:
    """Start the thread that records what was journaled as soon as the store is there again, until ``stop`` is set."""

    def run() -> None:
        while True:
            try:
                service.recover(time.time())
            except StoreUnavailable:
                pass  # still away: the next look finds out
            except Exception as error:  # a defect must not end the watch: what waits would wait for ever
                logs.note(logging.ERROR, "journal", error)
            if stop.wait(_JOURNAL_SECONDS):
                return

    thread = threading.Thread(target=run, name="journal", daemon=True)
    thread.start()
    return thread
