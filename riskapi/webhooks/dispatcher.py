"""The dispatcher: takes deliveries that are due and posts them to their endpoints, at least once.

It works in an asyncio loop of its own. An endpoint has few requests under way at a time and no more is taken for it
than that, so that one that is slow or dead keeps nobody else waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpcore
from standardwebhooks import Webhook

from riskapi import logs
from riskapi.errors import StoreUnavailable
from riskapi.metrics import Metrics
from riskapi.outgoing.destinations import DestinationGuard
from riskapi.outgoing.http import Headers, HttpClient, HttpFailure, StreamedAnswer, TooLarge, retry_after
from riskapi.webhooks.deliveries import TRIED_FOR, Deliveries, Delivery, DeliveryOutcome
from riskapi.webhooks.endpoints import MOST, Destination, Endpoint, Webhooks, destination

#: Requests under way at once, of all endpoints and of one: those that hang take nobody else's place.
CONCURRENT, CONCURRENT_EACH = 4 * MOST, 4
#: Seconds one request may take in all. Standard Webhooks 1.0.0, "Request timeouts", recommends 15 to 30.
PATIENCE = 15.0
#: Seconds a delivery is leased for: the request, and the store's time-outs before and after it.
LEASE = 30.0
#: Seconds between two looks at the queues, and after a store that did not answer.
_PAUSE, _AWAY = 0.25, 1.0
#: Seconds requests in hand are given when the dispatcher is told to stop.
_PARTING = 5.0
#: Bytes of an answer that are read, and seconds that may take: only so that the connection can be used again.
_MOST_ANSWER, _ANSWER_SECONDS = 4096, 1.0
#: Seconds an idle connection is kept.
_IDLE = 30.0


class WebhookClient:
    """Posts single deliveries; to be entered in the loop that it works in."""

    def __init__(
        self, guards: Mapping[str, DestinationGuard], tls: ssl.SSLContext | None = None, patience: float = PATIENCE
    ) -> None:
        """``guards`` say what may be connected to, by scheme; ``tls`` whose certificates are believed."""
        self._patience = patience
        self._clients = {scheme: HttpClient(guard, tls, CONCURRENT, idle=_IDLE) for scheme, guard in guards.items()}

    async def __aenter__(self) -> Self:
        """Be ready."""
        return self

    async def __aexit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()

    async def deliver(self, delivery: Delivery, endpoint: Endpoint, now: float) -> DeliveryOutcome:
        """Post a delivery at Unix time ``now``; whatever goes wrong is an outcome.

        Only 2xx is success and redirects are not followed (Standard Webhooks 1.0.0, "Delivery success and failure").
        """
        try:
            to = destination(endpoint.url)
            return await self._posted(to, headers(delivery, endpoint, to, now), delivery.body, now)
        except HttpFailure as error:
            return DeliveryOutcome(None, "timeout" if error.kind in ("late", "silent") else error.kind)
        except Exception as error:  # a defect counts as a failed try: it must not be tried for ever
            logs.note(logging.ERROR, "webhook", error, webhook=endpoint.id)
            return DeliveryOutcome(None, "defect")

    async def _posted(self, to: Destination, told: Headers, body: bytes, now: float) -> DeliveryOutcome:
        url = httpcore.URL(scheme=to.scheme.encode(), host=to.host.encode(), port=to.port, target=to.target.encode())
        async with self._clients[to.scheme].ask("POST", url, told, self._patience, body) as answer:
            # It has answered: what its body does makes no difference any more.
            answer.within(2 * _ANSWER_SECONDS)
            await _read(answer)
            status = answer.status
            if 200 <= status < 300:
                return DeliveryOutcome(status)
            asked = retry_after(answer.headers.get(b"retry-after", b""), now, float(TRIED_FOR))
            return DeliveryOutcome(status, "status", asked or 0.0, gone=status == 410)


async def _read(answer: StreamedAnswer) -> None:
    """Read a little of an answer, and throw it away. What it says changes nothing, nor that it breaks off or drips."""
    with contextlib.suppress(TimeoutError, TooLarge, httpcore.NetworkError, httpcore.ProtocolError):
        async with asyncio.timeout(_ANSWER_SECONDS):
            await answer.body(_MOST_ANSWER)


def headers(delivery: Delivery, endpoint: Endpoint, to: Destination, now: float) -> list[tuple[bytes, bytes]]:
    """The headers of a delivery, signed at Unix time ``now`` (Standard Webhooks 1.0.0, "Webhook headers")."""
    at, text = datetime.fromtimestamp(now, UTC), delivery.body.decode()
    signatures = " ".join(Webhook(secret).sign(delivery.id, at, text) for secret in endpoint.signing(now))
    told = {
        "host": to.authority,
        "content-type": "application/json",
        "user-agent": "riskapi",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": signatures,
    }
    return [(name.encode(), value.encode()) for name, value in told.items()]


class Dispatcher:
    """Delivers what is due. Several may work at once, on one host or many."""

    def __init__(
        self,
        webhooks: Webhooks,
        deliveries: Deliveries,
        poster: Callable[[], WebhookClient],
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        """``poster`` makes what posts, in the dispatcher's own loop; ``clock`` gives Unix time."""
        self._webhooks, self._deliveries, self._poster = webhooks, deliveries, poster
        self._metrics, self._clock = metrics, clock
        self._turn = 0

    def run(self, stop: threading.Event) -> None:
        """Deliver until ``stop`` is set; what is in hand then gets a few seconds, and leases bring back the rest."""
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._deliver_all(stop))
        finally:
            loop.close()  # without waiting for a resolver that hangs

    async def _deliver_all(self, stop: threading.Event) -> None:
        under_way: dict[asyncio.Task[None], str] = {}
        async with self._poster() as poster:
            while not stop.is_set():
                try:
                    taken = await asyncio.to_thread(self._taken, Counter(under_way.values()))
                except Exception as error:  # a defect must not end the dispatcher: what waits would wait for ever
                    if not isinstance(error, StoreUnavailable):
                        logs.note(logging.ERROR, "dispatcher", error)
                    await asyncio.sleep(_AWAY)
                    continue
                for endpoint, delivery in taken:
                    under_way[asyncio.create_task(self._one(poster, endpoint, delivery))] = endpoint.id
                if under_way:
                    done, _ = await asyncio.wait(under_way, timeout=_PAUSE, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        del under_way[task]
                else:
                    await asyncio.sleep(_PAUSE)
            if under_way:
                _, left = await asyncio.wait(under_way, timeout=_PARTING)
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)

    def _taken(self, busy: Counter[str]) -> list[tuple[Endpoint, Delivery]]:
        """What can be sent now: no more than there is room for, beginning with another endpoint each time."""
        endpoints = [each for each in self._webhooks.endpoints() if each.disabled is None]
        free = CONCURRENT - busy.total()
        found: list[tuple[Endpoint, Delivery]] = []
        self._turn = (self._turn + 1) % max(len(endpoints), 1)
        for endpoint in (*endpoints[self._turn :], *endpoints[: self._turn]):
            room = min(CONCURRENT_EACH - busy[endpoint.id], free - len(found))
            if room > 0:
                taken = self._deliveries.take(endpoint.id, self._clock(), LEASE, room)
                found += [(endpoint, delivery) for delivery in taken]
        return found

    async def _one(self, poster: WebhookClient, endpoint: Endpoint, delivery: Delivery) -> None:
        outcome = await poster.deliver(delivery, endpoint, self._clock())
        try:
            await asyncio.to_thread(self._finish, endpoint, delivery, outcome)
        except Exception as error:  # it comes back when its lease ends, and may arrive twice
            logs.note(logging.WARNING, "webhook_unfinished", error, webhook=endpoint.id, delivery=delivery.id)

    def _finish(self, endpoint: Endpoint, delivery: Delivery, outcome: DeliveryOutcome) -> None:
        if outcome.gone:
            self._webhooks.disable(endpoint.id, "gone")
            logs.note(logging.WARNING, "webhook_disabled", webhook=endpoint.id, cause="gone")
        status = self._deliveries.finish(delivery, outcome, self._clock())
        if status is None:
            return  # the lease was lost: whoever has it now counts it
        if status == "dead":
            logs.note(logging.WARNING, "webhook_dead", webhook=endpoint.id, delivery=delivery.id, cause=outcome.error)
        again = "refused" if outcome.error == "refused" else "retried"
        self._metrics.webhook(again if status == "pending" else status)
