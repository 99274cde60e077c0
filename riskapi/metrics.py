"""What is counted, for Prometheus. The only module that knows ``prometheus_client``.

With several processes ``PROMETHEUS_MULTIPROC_DIR`` names an empty directory, as ``python -m riskapi serve`` sees to:
each process then counts into files there (:func:`count_as`) and any of them answers for all.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from riskapi import logs

#: Media type of :meth:`Metrics.render`.
MEDIA = CONTENT_TYPE_PLAIN_0_0_4

#: Upper bounds of the latency histogram, seconds: a decision takes about a millisecond, a store time-out two seconds.
BUCKETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class Metric:
    """One declared metric; ``name`` as Prometheus shows it, without the suffixes of a histogram."""

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    labels: tuple[str, ...]
    help: str


#: Every metric there is. docs/metrics.md is made from this table and a test holds the two together.
METRICS = (
    Metric("counter", "riskapi_http_requests_total", ("route", "method", "status"), "Requests answered."),
    Metric("histogram", "riskapi_http_request_duration_seconds", ("route",), "Time to answer a request, in seconds."),
    Metric("counter", "riskapi_decisions_total", ("tier", "source"), "Signups decided, replays left out."),
    Metric("counter", "riskapi_rules_fired_total", ("rule", "mode"), "Policy rules that matched a signup."),
    Metric(
        "counter",
        "riskapi_reviews_total",
        ("step",),
        "Reviews opened, claimed, released, escalated, asked about, decided, undone and withdrawn.",
    ),
    Metric("counter", "riskapi_labels_total", ("label", "source"), "Labels given to accounts."),
    Metric(
        "counter",
        "riskapi_sends_total",
        ("result",),
        "Grants asked for: granted, partial, denied, local, settled or repeated.",
    ),
    Metric("counter", "riskapi_recipients_total", ("result",), "Recipients granted, denied and released."),
    Metric("counter", "riskapi_clusters_total", ("change",), "Clusters joined, merged and split."),
    Metric("counter", "riskapi_holds_total", ("mode",), "Sudden jumps in volume, by the policy's takeover.mode."),
    Metric("counter", "riskapi_feedback_total", ("type",), "Feedback events counted, duplicates left out."),
    Metric(
        "counter",
        "riskapi_feedback_unattributed_total",
        ("feed", "reason"),
        "Reports that nobody could attribute to an account, by feed and reason; each once.",
    ),
    Metric(
        "counter",
        "riskapi_triggers_fired_total",
        ("trigger", "mode"),
        "Accounts about which a trigger of the policy did something, or would have in shadow.",
    ),
    Metric(
        "counter",
        "riskapi_feed_bodies_total",
        ("feed", "result"),
        "Bodies of feeds: taken, not_understood, or refused for their signature.",
    ),
    Metric("gauge", "riskapi_platform_alarms", ("rule",), "Alarms about the platform that are told and not over."),
    Metric(
        "gauge",
        "riskapi_platform_block_share",
        ("receiver",),
        "Share of mail that a mailbox provider blocks; NaN where too little is known.",
    ),
    Metric("counter", "riskapi_events_total", ("type",), "Events of accounts, by the types of the contract and other."),
    Metric(
        "counter",
        "riskapi_webhooks_total",
        ("result",),
        "Tries at deliveries of webhooks: delivered, retried, refused (by address; retried as well) or dead.",
    ),
    Metric("counter", "riskapi_rescored_total", ("cause", "result"), "Accounts decided again: same or moved."),
    Metric("counter", "riskapi_lookups_total", ("kind", "result"), "Look-ups: found, retried, given_up or postponed."),
    Metric("counter", "riskapi_lists_total", ("list", "change"), "Entries put on lists and removed by people."),
    Metric("counter", "riskapi_imports_total", ("result",), "Accounts imported, existing already, or rejected."),
    Metric("counter", "riskapi_problems_total", ("code",), "Problem answers by code (docs/errors.md)."),
    Metric("counter", "riskapi_store_failures_total", ("operation",), "Times the store did not answer."),
    Metric("gauge", "riskapi_fault", ("fault",), "1 while the store or the disk of the data has this fault, else 0."),
    Metric("gauge", "riskapi_dead_letters", (), "Entries of the streams that no worker could handle."),
    Metric("gauge", "riskapi_lookups_waiting", (), "Domains and networks that wait to be looked up."),
    Metric(
        "gauge",
        "riskapi_source_doubted",
        ("source",),
        "1 while dns, rdap or blocklists are not believed, else 0.",
    ),
    Metric("gauge", "riskapi_journal_entries", (), "Signups kept in the local journal until the store is back."),
    Metric("gauge", "riskapi_journal_rejected", (), "Entries of the local journal that were set aside."),
    Metric("gauge", "riskapi_rows_damaged", ("kind",), "Rows of the store that cannot be read and were set aside."),
)

#: Bytes of the file of each kind of metric in a process, some three times what all routes, statuses and rules together
#: come to. Labels are bounded, so that no file outgrows them.
ROOM = {"counter": 1 << 19, "histogram": 1 << 20, "gauge_mostrecent": 1 << 16}
_SHARED = "PROMETHEUS_MULTIPROC_DIR"


def count_as(name: str) -> None:
    """Have this process count into the shared directory under a name of its own; before any :class:`Metrics` is made.

    A process that comes in the place of another has its name and goes on with its counts. The files are given all their
    room now, because a page of a mapped file that finds none later ends the process (SIGBUS). Where there is none now,
    the process counts for itself alone, and says so.
    """
    directory = os.environ.get(_SHARED)
    if directory is None:
        return
    try:
        for kind, room in ROOM.items():
            with open(os.path.join(directory, f"{kind}_{name}.db"), "ab", buffering=0) as file:
                missing = room - file.tell()
                if missing > 0 and file.write(bytes(missing)) < missing:
                    raise OSError("there is no room for the counts")
    except OSError as error:
        logs.note(logging.WARNING, "metrics_not_shared", error, process=name)
        del os.environ[_SHARED]
        values.ValueClass = values.MutexValue
    else:
        values.ValueClass = values.MultiProcessValue(lambda: name)  # type: ignore[no-untyped-call]


_KINDS: dict[str, Callable[..., Any]] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


class Metrics:
    """Counts, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._metrics = {metric.name: self._declare(metric) for metric in METRICS}
        self._children: dict[tuple[str, ...], Any] = {}
        self._requests: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        self._kinds: frozenset[str] = frozenset()
        self._receivers: frozenset[str] = frozenset()

    def _declare(self, metric: Metric) -> Any:
        more: dict[str, Any] = {}
        if metric.kind == "histogram":
            more["buckets"] = BUCKETS
        if metric.kind == "gauge":
            more["multiprocess_mode"] = "mostrecent"
        return _KINDS[metric.kind](metric.name, metric.help, metric.labels, registry=self._registry, **more)

    def _child(self, name: str, *labels: str) -> Any:
        # labels() checks and locks on every call; a few hundred children live as long as the process.
        key = (name, *labels)
        child = self._children.get(key)
        if child is None:
            metric = self._metrics[name]
            child = self._children[key] = metric.labels(*labels) if labels else metric
        return child

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request; ``route`` is the template, never the path."""
        children = self._requests.get((route, method, status))
        if children is None:
            count = self._child("riskapi_http_requests_total", route, method, str(status))
            duration = self._child("riskapi_http_request_duration_seconds", route)
            children = self._requests[route, method, status] = count, duration
        children[0].inc()
        children[1].observe(seconds)

    def problem(self, code: str) -> None:
        """Count a problem answer."""
        self._child("riskapi_problems_total", code).inc()

    def decision(self, tier: str, source: str) -> None:
        """Count a signup decided."""
        self._child("riskapi_decisions_total", tier, source).inc()

    def rule(self, name: str, mode: str) -> None:
        """Count a rule that matched; ``mode`` is ``live`` or ``shadow``."""
        self._child("riskapi_rules_fired_total", name, mode).inc()

    def review(self, step: str) -> None:
        """Count a step of a review: opened, claimed, released, escalated, asked (the customer), decided, undone or
        withdrawn.
        """
        self._child("riskapi_reviews_total", step).inc()

    def label(self, label: str, source: str) -> None:
        """Count a label given to an account."""
        self._child("riskapi_labels_total", label, source).inc()

    def send(self, result: str) -> None:
        """Count an answer to a sender."""
        self._child("riskapi_sends_total", result).inc()

    def recipients(self, result: str, count: int) -> None:
        """Count recipients granted, denied or released."""
        if count:
            self._child("riskapi_recipients_total", result).inc(count)

    def settled(self, grants: int) -> None:
        """Count grants made while the store was away that are counted against the caps now."""
        if grants:
            self._child("riskapi_sends_total", "settled").inc(grants)

    def cluster(self, change: str) -> None:
        """Count a change of a cluster: joined, merged or split."""
        self._child("riskapi_clusters_total", change).inc()

    def hold(self, mode: str) -> None:
        """Count a sudden jump in volume; ``mode`` is ``live`` where it was held, ``shadow`` where not."""
        self._child("riskapi_holds_total", mode).inc()

    def trigger(self, name: str, mode: str) -> None:
        """Count an account about which a trigger acted, or would have; ``mode`` is ``live`` or ``shadow``."""
        self._child("riskapi_triggers_fired_total", name, mode).inc()

    def feedback(self, type: str) -> None:
        """Count a feedback event that was counted for its account."""
        self._child("riskapi_feedback_total", type).inc()

    def unattributed(self, feed: str, reason: str) -> None:
        """Count a report that nobody could attribute, and why."""
        self._child("riskapi_feedback_unattributed_total", feed, reason).inc()

    def feed(self, feed: str, result: str) -> None:
        """Count a body of a feed: taken, not_understood or refused."""
        self._child("riskapi_feed_bodies_total", feed, result).inc()

    def platform(self, alarms: Mapping[str, int], shares: Mapping[str, float]) -> None:
        """Say how many alarms there are by rule, and the share of blocks by mailbox provider."""
        for rule, count in alarms.items():
            self._child("riskapi_platform_alarms", rule).set(count)
        self._receivers |= shares.keys()
        for receiver in self._receivers:
            self._child("riskapi_platform_block_share", receiver).set(shares.get(receiver, math.nan))

    def event(self, type: str) -> None:
        """Count an event of an account; ``type`` is one of the contract's, or ``other``."""
        self._child("riskapi_events_total", type).inc()

    def webhook(self, result: str) -> None:
        """Count a try at a delivery: delivered, retried, refused or dead."""
        self._child("riskapi_webhooks_total", result).inc()

    def again(self, cause: str, result: str) -> None:
        """Count an account decided again; of ``cause`` the part before the dot, ``result`` is same or moved."""
        self._child("riskapi_rescored_total", cause.partition(".")[0], result).inc()

    def look_up(self, kind: str, result: str) -> None:
        """Count a look-up of a domain or network: found, retried, given_up or postponed."""
        self._child("riskapi_lookups_total", kind, result).inc()

    def list_change(self, name: str, change: str) -> None:
        """Count an entry that was put on a list or removed."""
        self._child("riskapi_lists_total", name, change).inc()

    def imported(self, imported: int, existing: int, rejected: int) -> None:
        """Count what became of accounts that were to be imported."""
        for result, count in (("imported", imported), ("existing", existing), ("rejected", rejected)):
            if count:
                self._child("riskapi_imports_total", result).inc(count)

    def store_failure(self, operation: str) -> None:
        """Count a time the store did not answer; ``operation`` says what was asked of it."""
        self._child("riskapi_store_failures_total", operation).inc()

    def fault(self, name: str, there: bool) -> None:
        """Say whether there is a fault of this name (:data:`riskapi.store.faults.NAMES`)."""
        self._child("riskapi_fault", name).set(there)

    def backlog(self, dead: int, waiting: int) -> None:
        """Say how many entries no worker could handle, and how many look-ups wait."""
        self._child("riskapi_dead_letters").set(dead)
        self._child("riskapi_lookups_waiting").set(waiting)

    def doubted(self, source: str, doubted: bool) -> None:
        """Say whether a source that is asked after the answer is doubted: dns, rdap or blocklists."""
        self._child("riskapi_source_doubted", source).set(int(doubted))

    def journal(self, entries: int, rejected: int = 0) -> None:
        """Say how many signups wait in the local journal, and how many entries were set aside."""
        self._child("riskapi_journal_entries").set(entries)
        self._child("riskapi_journal_rejected").set(rejected)

    def damaged(self, counts: Mapping[str, int]) -> None:
        """Say how many rows cannot be read, by kind."""
        self._kinds |= counts.keys()  # a kind that was mended is told of once more, as none
        for kind in self._kinds:
            self._child("riskapi_rows_damaged", kind).set(counts.get(kind, 0))

    def render(self) -> bytes:
        """Everything counted, by all processes where they share a directory, in Prometheus' text format."""
        if _SHARED in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return generate_latest(registry)
        return generate_latest(self._registry)


def page() -> str:
    """The text of docs/metrics.md, made from :data:`METRICS`."""
    rows = "\n".join(
        f"| `{metric.name}` | {metric.kind} | {', '.join(metric.labels) or '–'} | {metric.help} |" for metric in METRICS
    )
    return f"""# Metrics

`GET /metrics` answers in Prometheus' text format, to loopback callers and to those who show `RISKAPI_METRICS_TOKEN`
as a bearer token. A proxy on the same machine is not loopback: a request with a `Forwarded` or `X-Forwarded-For` header
needs the token. `route` is the route's template, so no label ever holds an id, an address or an IP.

<!-- Made by `riskapi.metrics.page`; tests/test_metrics.py holds this file to it. -->

| name | kind | labels | what it counts |
|---|---|---|---|
{rows}

Buckets of the histogram, in seconds: {", ".join(str(bound) for bound in BUCKETS)}.
"""
