"""Many accounts in little time: signups of their own, with what was answered and decided to a signup of their shape.

Some signups go through the whole line first, and what it writes of each is kept. A copy then reads a signup of its own
with the service's parsers, touches what it shares by the service's script, and is written by the service's script; only
scoring and the answer are taken over, from a signup that told as much. So every key, index and event is there, and an
account can be shown, asked for again and decided again as any other. What a copy shares binds it to nobody: no cluster
is joined.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from riskapi.accounts.accounts import Accounts, KnownAccount
from riskapi.accounts.agenda import next_due
from riskapi.accounts.tiers import Arrival, Tiers
from riskapi.app import Service
from riskapi.decisions.signups import Assessor
from riskapi.inputs.signup import Signup
from riskapi.links.arrival import kept
from riskapi.links.entities import Links
from riskapi.links.keys import packed_entities
from riskapi.policy import Policy
from riskapi.reviews import queue
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, ReplyReader
from riskapi.times import rfc3339

#: Accounts in one trip to the store.
_TRIP = 100
#: Signups that are copied, and over how long what is loaded has come, in seconds.
_MODELS, _PAST = 400, 30 * 86400
#: Fields of an account that say what it shares with whom: a copy has its own.
_OWN_FIELDS = ("proved", "things", "wave")
Shape = tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class Model:
    """What the line wrote of one signup, and its JSON as it can be changed."""

    arrival: Arrival
    answer: dict[str, Any]
    decision: dict[str, Any]
    event: dict[str, Any]


class _Noting(Tiers):
    """Writes accounts and keeps what was written."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.arrivals: list[Arrival] = []

    def queue_record(
        self, pipe: Pipeline, arrival: Arrival, policy: Policy, now: float
    ) -> ReplyReader[KnownAccount | None]:
        self.arrivals.append(arrival)
        return super().queue_record(pipe, arrival, policy, now)


class Copies:
    """Writes copies into the store of a service. The first ``models`` signups of a source are what is copied from.

    Two that write into one store need sources of their own: who signs up twice is somebody to review, and so would all
    be that are copied from that.
    """

    def __init__(self, service: Service, source: Iterator[bytes], now: float, models: int = _MODELS) -> None:
        parts, self._store = service.parts, service.store
        self._gatherer, self._policy = parts.assessor.gatherer, service.active.policy
        noting, self._tiers = _Noting(self._store), Tiers(self._store)
        self._links = Links(self._store, service.link_key.secret, service.active_readers)
        assessor = Assessor(
            self._store, service.active, self._gatherer, Accounts(self._store), noting, self._links, parts.clusters,
            parts.labels, service.journal, parts.metrics,
        )  # fmt: skip
        self.models, self._source = models, source
        shapes: dict[str, Shape] = {}
        for body in itertools.islice(source, models):
            signup = Signup.model_validate_json(body)
            shapes[signup.account.user_id] = _shape(signup)
            assessor.signup(signup, now)
        self._by_shape: dict[Shape, list[Model]] = {}
        for arrival in noting.arrivals:
            # Who is limited is felt by all it shares something with, which only the whole line does.
            if arrival.fields["tier"] != "limit":
                self._by_shape.setdefault(shapes[arrival.user_id], []).append(_model(arrival))

    def write(self, count: int, now: float) -> Iterator[int]:
        """Write the next ``count`` signups of the source as accounts that came evenly over the month before Unix time
        ``now``, in order; tells after each trip how many that were.
        """
        for start in range(0, count, _TRIP):
            end = min(start + _TRIP, count)
            pipe = self._store.pipeline()
            for number in range(start, end):
                at = now - _PAST * (1 - number / count)
                signup = Signup.model_validate_json(next(self._source))
                models = self._by_shape[_shape(signup)]
                self._queue(pipe, signup, models[number % len(models)], at, now)
            self._store.run(pipe)
            yield end - start

    def _queue(self, pipe: Pipeline, signup: Signup, model: Model, at: float, now: float) -> None:
        user_id, parsed = signup.account.user_id, self._gatherer.parse(signup, at)
        touch = self._links.touched(user_id, parsed.facts)
        name, answer = secrets.token_hex(12), model.answer
        review = None
        if model.arrival.review is not None:
            review = queue.opening(user_id, at, answer["risk_score"], answer["reasons"], answered=True)
        own = {"id": f"asm_{name}", "user_id": user_id}
        fields = {name: value for name, value in model.arrival.fields.items() if name not in _OWN_FIELDS}
        arrival = Arrival(
            user_id,
            {
                **fields,
                "mail": self._links.mac("address", signup.email.address),
                "at": repr(at),
                "entities": packed_entities(touch.keys),
                **kept(self._links, parsed.facts, touch, verified=signup.email.verified),
            },
            orjson.dumps(
                {**answer, **own, "created_at": rfc3339(at), "review_id": None if review is None else review.id}
            ),
            orjson.dumps(model.decision),
            signup.json_to_store(),
            orjson.dumps({**model.event, **own, "at": at}),
            model.arrival.type,
            until=model.arrival.until,
            cause=model.arrival.cause,
            review=review,
            due=next_due(self._policy, at, now),
        )
        self._links.queue(pipe, touch, self._policy)
        self._tiers.queue_record(pipe, arrival, self._policy, now)


def _model(arrival: Arrival) -> Model:
    return Model(arrival, orjson.loads(arrival.answer), orjson.loads(arrival.decision), orjson.loads(arrival.event))


def _shape(signup: Signup) -> Shape:
    """What a signup tells: whether a number, and whether a domain of its own."""
    return signup.phone is not None, signup.email.address.endswith(".example")
