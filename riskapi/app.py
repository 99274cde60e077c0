"""The only file that knows every part: opens them, and hands them to each other."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from model.card import ArtifactError
from model.scorer import Scorer
from riskapi import logs, policy
from riskapi.access.api_keys import ApiKeys
from riskapi.access.audit_log import AuditLog
from riskapi.access.idempotency import Idempotency
from riskapi.accounts import log
from riskapi.accounts.accounts import Accounts
from riskapi.accounts.agenda import Agenda
from riskapi.accounts.cuts import Cuts
from riskapi.accounts.labels import Labels
from riskapi.accounts.pauses import Pauses
from riskapi.accounts.tiers import Tiers
from riskapi.api import readiness
from riskapi.api.parts import Parts
from riskapi.api.policy_parts import policy_parts
from riskapi.budgets.budgets import Budgets
from riskapi.clusters.claims import Claims
from riskapi.clusters.clusters import Clusters
from riskapi.clusters.proofs import Proofs
from riskapi.datasets import manifest
from riskapi.datasets.manifest import Manifest
from riskapi.decisions.consequences import Consequences
from riskapi.decisions.events import Events
from riskapi.decisions.gather import Gatherer
from riskapi.decisions.identifiers import Identifiers
from riskapi.decisions.imports import Imports
from riskapi.decisions.rescoring import Rescorer
from riskapi.decisions.restrictor import Restrictor
from riskapi.decisions.signups import Assessor
from riskapi.decisions.view import Profiles
from riskapi.enrichment.findings import Findings
from riskapi.enrichment.special_use_names import worth_asking
from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.feedback.counts import Feedback
from riskapi.feedback.feeds.providers import feeds
from riskapi.feedback.intake import open_intake
from riskapi.feedback.mail.allowed_reporters import AllowedReporters
from riskapi.feedback.platform.monitor import Monitor
from riskapi.inputs import refresh
from riskapi.inputs.readers import ActiveReaders, Readers
from riskapi.inputs.refresh import ReaderRefresh
from riskapi.links.entities import Links
from riskapi.links.secret import LinkKey
from riskapi.lists.batches import Batches
from riskapi.lists.entry_search import EntrySearch
from riskapi.lists.lists import Lists
from riskapi.lists.named_accounts import NamedAccounts
from riskapi.lists.signup_entries import SignupEntries
from riskapi.lists.values import Values
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis, Basis
from riskapi.policy.publisher import Publisher
from riskapi.policy.versions import Policies
from riskapi.privacy.erasures import Erasures
from riskapi.privacy.exports import Exports
from riskapi.reviews.decisions import ReviewDecisions
from riskapi.reviews.queue import Reviews
from riskapi.search.search import Search
from riskapi.sending.allowances import Allowances
from riskapi.sending.established import EstablishedCustomers
from riskapi.sending.grants import Grants
from riskapi.sending.holds import Holds
from riskapi.sending.outage import LocalGrants
from riskapi.sending.own_caps import AccountCaps
from riskapi.settings import Settings
from riskapi.store import damaged
from riskapi.store.clock import StoreClock
from riskapi.store.connections import Store, open_store
from riskapi.store.journal import Journal
from riskapi.store.rates import RateLimits
from riskapi.webhooks.deliveries import Deliveries
from riskapi.webhooks.endpoints import Webhooks, guards
from riskapi.webhooks.notices import Notices
from riskapi.webhooks.recovery import Recovery
from signals import columns


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read from files before anything is served: policy, model, and the databases inputs are looked up in.

    ``file`` is the policy as its file says it, ``basis`` what decides by it while no other was published.
    ``readers`` are of the data that ``manifest`` names.
    """

    file: Policy
    basis: Basis
    readers: Readers
    manifest: Manifest


def check(settings: Settings) -> Sources:
    """Open policy, model and data. Raises :class:`ConfigurationError` for what the service refuses to start with."""
    file = policy.load(settings.policy_file or policy.DEFAULT)
    live = file if settings.model_mode is None else file.with_model_mode(settings.model_mode)
    current = manifest.read(settings.data_dir)
    readers = refresh.load(settings, current)
    scorer = _scorer(settings) if live.model.mode != "off" else None
    versions = {
        "policy": live.version,
        "model": scorer.version if scorer is not None else None,
        **readers.versions,
    }
    return Sources(file, Basis(live, scorer, versions), readers, current)


def _scorer(settings: Settings) -> Scorer:
    try:
        return Scorer.load(settings.model_dir, columns())
    except ArtifactError as error:
        raise ConfigurationError(str(settings.model_dir), "RISKAPI_MODEL_DIR", str(error)) from error


def follow_policy(
    settings: Settings, store: Store, file: Policy, basis: Basis, clock: Callable[[], float] = time.time
) -> tuple[Policies, Publisher]:
    """The versions of the policy, and what keeps the one in force in use, from its first ``follow`` on.

    ``file`` is the policy of the file, ``basis`` what decides by it. ``clock`` gives Unix time.
    """
    policies = Policies(store, file)
    return policies, Publisher(policies, basis, settings.model_mode, lambda: _scorer(settings), clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process, put together: the parts that the HTTP layer calls (``parts``), and what else a worker needs."""

    parts: Parts
    store: Store
    active_readers: ActiveReaders
    reader_refresh: ReaderRefresh
    active: ActiveBasis
    accounts: Accounts
    decisions: log.Decisions
    findings: Findings
    gatherer: Gatherer
    rescorer: Rescorer
    holds: Holds
    journal: Journal
    link_key: LinkKey
    compared: StoreClock | None = None

    def recover(self, now: float) -> None:
        """Do what needs the store: compare the clocks, name the readings, know the keys, record what was journaled,
        tell which rows cannot be read.

        Raises :class:`StoreUnavailable`, and :class:`ConfigurationError` for a link key that is not this store's.
        """
        self.link_key.confirm()
        if self.compared is not None:
            self.compared.compare()
        self.decisions.register_schema()
        self.parts.keys.warm()
        self.parts.assessor.replay_journal(now)
        self.parts.grants.record()
        self.parts.metrics.journal(self.journal.entries(), self.journal.rejected() + self.parts.grants.rejected())
        damaged.publish(self.store)
        self.parts.metrics.damaged(damaged.by_kind(damaged.published(self.store)))

    def close(self) -> None:
        """Let go of the files that this process holds; what waits in them is recorded by whoever comes next."""
        self.journal.close()
        self.parts.grants.close()


def assemble(
    settings: Settings,
    store: Store | None = None,
    clock: Callable[[], float] = time.time,
    sources: Sources | None = None,
) -> Service:
    """Put the parts together. ``clock`` gives Unix time; ``sources`` are what :func:`check` read for these settings,
    and are read here where none are given.

    Raises :class:`ConfigurationError` for what the service refuses to start with, a published policy that cannot be
    used among it. With the store away the file's policy decides until it is back.
    """
    sources, store = sources or check(settings), store or open_store(settings)
    policies, publisher = follow_policy(settings, store, sources.file, sources.basis, clock)
    try:
        publisher.follow()
    except StoreUnavailable:
        logs.note(logging.WARNING, "policy_of_the_file", policy=sources.file.version, cause="the store is away")
    active, metrics, active_readers = publisher.active, Metrics(), ActiveReaders(sources.readers)
    reader_refresh = ReaderRefresh(settings, active_readers, sources.manifest, publisher.rename)
    # Where the clock is the real one, budgets go by the store's: the same for every host, whatever their clocks say.
    secret, store_clock = LinkKey(settings, store), clock is time.time and not settings.replay
    accounts, links = Accounts(store), Links(store, secret.secret, active_readers)
    kinds, own_registry = [each.kind for each in settings.dns_blocklists], settings.rdap_base is not None
    findings = Findings(store, links, worth_asking(settings), anywhere=own_registry, blocklists=kinds)
    journal = Journal(settings.data_dir / "journal", active.policy.outage.journal_bytes)
    compared = StoreClock(store) if store_clock else None
    clock = compared or clock
    budgets, entries = Budgets(store, store_clock=store_clock), SignupEntries(store)
    clusters = Clusters(store, links, budgets, metrics, store_clock=store_clock)
    claims, tiers, audit = Claims(store, links, clusters), Tiers(store), AuditLog(store)
    labels, proofs = Labels(store, accounts, tiers, links, clusters, active), Proofs(store, links, clusters, claims)
    gatherer = Gatherer(store, links, accounts, findings, proofs, clusters, claims, entries, active_readers)
    identifiers = Identifiers(store, accounts, links, clusters, claims, labels, proofs, gatherer, active)
    holds, pauses, feedback = Holds(store, accounts, metrics), Pauses(store), Feedback(store, active, budgets, metrics)
    restrictor = Restrictor(accounts, tiers, labels, budgets, clusters, holds)
    acting = (tiers, pauses, labels, clusters, budgets, feedback, holds, identifiers, restrictor, audit, metrics)
    consequences = Consequences(store, active, accounts, *acting)
    rescorer = Rescorer(store, active, gatherer, accounts, tiers, findings, labels, proofs, holds, restrictor, metrics)
    assessor = Assessor(store, active, gatherer, accounts, tiers, links, clusters, labels, journal, metrics)
    recorded, values, deliveries = log.Decisions(store), Values(active_readers), Deliveries(store)
    matches = NamedAccounts(store, links, accounts, recorded, active_readers)
    lists = Lists(store, values, links, matches, EntrySearch(store, values, links, active_readers), active)
    allowances, established = Allowances(store, budgets), EstablishedCustomers(accounts, links, labels)
    profiles = Profiles(active, accounts, recorded, gatherer, feedback, clusters, allowances)
    local = LocalGrants(Journal(settings.data_dir / "journal" / "sends", active.policy.outage.journal_bytes), budgets)
    reviews, webhooks = Reviews(store, active), Webhooks(store, guards(settings.webhook_internal))
    decided = ReviewDecisions(store, reviews, accounts, links, labels, active, clusters, budgets, active_readers)
    grants = Grants(
        store, active, accounts, links, clusters, allowances, budgets, local, holds, established, metrics, journal.holds
    )
    intake = open_intake(settings, store, secret.secret, consequences.take, metrics)

    def ready() -> dict[str, str]:
        model, data = "ok" if active.basis.scorer else "off", reader_refresh.fault or "ok"
        own = {"model": model, "data": data, "policy": publisher.fault or "ok"}
        return readiness.checks(settings, store, own, compared, journal.rejected() + grants.rejected())

    parts = Parts(
        assessor=assessor,
        audit=audit,
        profiles=profiles,
        account_caps=AccountCaps(store, active, allowances, budgets),
        imports=Imports(store, active, gatherer, accounts, tiers, links, labels, proofs),
        labels=labels,
        reviews=reviews,
        review_decisions=decided,
        search=Search(store, links, accounts, clusters, budgets, gatherer, recorded, lists, active_readers),
        holds=holds,
        grants=grants,
        clusters=clusters,
        cuts=Cuts(store, links, clusters, claims, Agenda(store), active),
        feedback=feedback,
        consequences=consequences,
        feeds=feeds(settings, store),
        intake=intake,
        monitor=Monitor(settings, store, active, metrics),
        signed=AllowedReporters(settings.feedback_reporters, settings.dns_resolver),
        account_header=settings.feedback_account_header,
        events=Events(store, active, links, active_readers, rescorer, identifiers, budgets, labels, metrics),
        policies=policies,
        lists=lists,
        list_batches=Batches(store, active, lists),
        publisher=publisher,
        policy=policy_parts(store, policies, publisher, recorded, allowances, settings.policy_file),
        webhooks=webhooks,
        deliveries=deliveries,
        exports=Exports(store, accounts, profiles, recorded, gatherer, budgets, lists, intake.kept, reviews, audit),
        erasures=Erasures(store, active, accounts, labels, links, clusters, claims, gatherer, lists, intake),
        notices=Notices(webhooks, deliveries, clock),
        recovery=Recovery(store, active, webhooks, deliveries, time.time),
        keys=ApiKeys(store, settings.bootstrap_key.get_secret_value() if settings.bootstrap_key else None),
        idempotency=Idempotency(store),
        ratelimits=RateLimits(store),
        metrics=metrics,
        clock=clock,
        readiness=ready,
        versions=lambda: active.basis.versions,
        replay=settings.replay,
        api_rate_limit=settings.api_rate_limit,
        metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
    )
    return Service(
        parts=parts,
        store=store,
        active_readers=active_readers,
        reader_refresh=reader_refresh,
        active=active,
        accounts=accounts,
        decisions=recorded,
        findings=findings,
        gatherer=gatherer,
        rescorer=rescorer,
        holds=holds,
        journal=journal,
        link_key=secret,
        compared=compared,
    )
