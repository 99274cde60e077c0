"""The threads of a process that work beside requests: what was journaled is recorded, new policies and data are taken
up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from riskapi import logs
from riskapi.app import Service
from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.inputs.refresh import ReaderRefresh
from riskapi.policy.deciding_processes import DecidingWorker
from riskapi.policy.publisher import Publisher

#: Seconds between two looks at the journal for signups that wait to be recorded.
_JOURNAL_SECONDS = 1.0
#: Seconds between two looks at which policy is in force, each one small command. It has to be live within a second of
#: its publication; the rest of that is for a machine that is busy.
_POLICY_SECONDS = 0.1
#: Seconds between two looks at which data is in use, each one question to the file system.
_DATA_SECONDS = 0.5
#: Seconds between two looks whether an earlier release wrote entries of lists, each one small command: for so long such
#: an entry may not count, where it is the first of its kind.
_ENTRIES_SECONDS = 0.5
#: Seconds between two looks at the alarms about the platform, for the metrics of this process.
_PLATFORM_SECONDS = 15.0


def watch(service: Service, stop: threading.Event) -> None:
    """Start the threads that work beside requests, until ``stop`` is set.

    - ``journal`` records what was journaled as soon as the store is there again.
    - ``policy`` takes the policy that comes into force, and says which that is.
    - ``data`` reads the data that was swapped.
    - ``entries`` sees of which kinds there are entries of lists.
    - ``platform`` shows the alarms about the platform in the metrics.
    """
    _repeat("journal", _JOURNAL_SECONDS, lambda: _recover(service), stop)
    worker = DecidingWorker(service.store, service.parts.publisher, time.time)
    _repeat("policy", _POLICY_SECONDS, lambda: _follow(service.parts.publisher, worker), stop)
    _repeat("data", _DATA_SECONDS, lambda: _follow_data(service.reader_refresh), stop)
    _repeat("entries", _ENTRIES_SECONDS, service.gatherer.entries.look, stop)
    _repeat("platform", _PLATFORM_SECONDS, service.parts.monitor.publish, stop)


def _recover(service: Service) -> None:
    try:
        service.recover(service.parts.clock())
    except ConfigurationError as error:  # names the file or setting of the link key
        logs.note(logging.ERROR, "link_key_unusable", said=str(error))


def _follow(publisher: Publisher, worker: DecidingWorker) -> None:
    try:
        publisher.follow()
    except ConfigurationError as error:  # names keys and values of a policy, nobody's data
        logs.note(logging.ERROR, "policy_unusable", policy=publisher.active.policy.version, said=str(error))
    worker.say()


def _follow_data(active_readers: ReaderRefresh) -> None:
    try:
        active_readers.follow()
    except ConfigurationError as error:  # names files and lines of lists, nobody's data
        logs.note(logging.ERROR, "data_unusable", said=str(error))


def _repeat(name: str, seconds: float, work: Callable[[], object], stop: threading.Event) -> None:
    """Start the thread that does ``work`` now and then every so many seconds."""

    def run() -> None:
        while True:
            try:
                work()
            except StoreUnavailable:
                pass  # still away: the next look finds out
            except Exception as error:  # a defect must not end the watch: what waits would wait for ever
                logs.note(logging.ERROR, name, error)
            if stop.wait(seconds):
                return

    threading.Thread(target=run, name=name, daemon=True).start()
