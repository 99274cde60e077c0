"""What a route is: one declaration that gives the URL, the checks before the handler, and the documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from riskapi.access.api_keys import Principal
from riskapi.api.parts import Parts
from riskapi.contract import USER_ID
from riskapi.times import DAY, rfc3339
from signals.records import record

#: Bodies over this are refused, bytes (1 MiB, as the HTTP contract says).
MAX_BODY = 1024 * 1024

#: Those that may be larger: a mail comes whole (5 MiB, as the HTTP contract says).
LARGER: Mapping[str, int] = {"/v1/feedback/arf": 5 * MAX_BODY, "/v1/feedback/dsn": 5 * MAX_BODY}


JSON = "application/json"
#: JSON lines: one JSON text a line (https://github.com/ndjson/ndjson-spec).
LINES = "application/x-ndjson"
#: What they are called besides; none is registered (https://jsonlines.org).
LINES_TOO = frozenset(f"application/{name}" for name in ("jsonl", "x-jsonl", "jsonlines", "x-jsonlines", "ndjson"))

#: What may stand for ``{name}`` in a path. Anything else names nothing and answers 404.
PATHS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "user_id": (re.compile(USER_ID.removesuffix("$") + r"\Z"), "The caller's own identifier of the account."),
    "version": (re.compile(r"^[1-9][0-9]{0,8}\Z"), "Number of the version."),
    "simulation_id": (re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "Id of the simulation."),
    "suggestion_id": (re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "Id of the suggestion."),
    "proposal_id": (re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "Id of the proposal."),
    "reservation_id": (re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "Id of the reservation."),
    "cluster_id": (re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "Id of the cluster."),
    "cut_id": (re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "Id of the cut."),
    "webhook_id": (re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "Id of the webhook."),
    "delivery_id": (re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "Id of the delivery."),
    "list": (re.compile(r"^(?:allow|deny|watch)\Z"), "`allow`, `deny` or `watch`."),
    "batch_id": (re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "Id of the batch."),
    "entry_id": (re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "Id of the entry."),
    "review_id": (re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "Id of the review."),
    "feed": (re.compile(r"^(?:ses|sendgrid|mailgun|postmark|sparkpost|resend|brevo|mailjet)\Z"), "The mail provider."),
    "report_id": (re.compile(r"^rpt_[0-9a-f]{24}\Z"), "Id of the report."),
    "asset": (re.compile(r"^[a-z0-9-]{1,64}\.(?:js|css|png)\Z"), "File of the documentation page."),
}

Body = TypeVar("Body")
#: What an answer looks like: a ``TypedDict``.
Shape = type[Any]


class Raw(BaseModel):
    """A body of another type than JSON, as it came."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64")

    media: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Ahead:
    """Stands in an example for a time that may not lie far ahead: ``days`` after the day on which it is read."""

    days: int

    def at(self, now: float) -> str:
        """That time, as RFC 3339, for somebody who reads at Unix time ``now``."""
        return rfc3339((now // DAY + self.days) * DAY)


@record
class Call(Generic[Body]):
    """One request, checked: who calls, when it is, what was sent. ``environ`` is WSGI's."""

    parts: Parts
    principal: Principal
    now: float
    body: Body
    path: Mapping[str, str]
    environ: Mapping[str, Any]


@dataclass(slots=True)
class Reply:
    """What to answer. ``body`` is bytes as they are, or anything that orjson writes; ``tier`` goes to the log."""

    body: Any
    status: int = 200
    media: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    tier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint.

    ``scopes``: any one of them will do; empty for an endpoint that needs no key. ``keyless``: without a key the handler
    decides whether the request is believed. ``body`` and ``query`` are what is handed to the handler, validated;
    ``example`` is a body that works (:class:`Ahead` may stand in it), ``optional_body`` takes none for ``{}``.
    ``mends``: of JSON that no parser takes because of what a visitor typed, the rest is taken.
    ``raw`` are other types of bodies than JSON that the handler takes as :class:`Raw`, each with an example.
    ``verbatim`` hands JSON over as :class:`Raw` too: a signature is over the bytes.
    ``response`` is the shape of the answer, which has ``status``; ``others`` those of answers with other statuses.
    ``problems`` are the codes of the handler's own, those of the checks before it follow from the other fields.
    ``idempotent`` honours ``Idempotency-Key``; ``repeatable`` says that the handler honours it by itself. ``tagged``
    says that answers carry an ``ETag``, ``conditional`` that ``If-Match`` with one is required. ``audited`` is what the
    audit log calls it, None for what is in no audit log.
    """

    method: str
    path: str
    handler: Callable[[Call[Any]], Reply]
    summary: str
    tag: str
    description: str = ""
    scopes: tuple[str, ...] = ()
    keyless: bool = False
    body: type[BaseModel] | None = None
    example: Mapping[str, Any] = field(default_factory=dict)
    optional_body: bool = False
    mends: bool = False
    raw: Mapping[str, str] = field(default_factory=dict)
    verbatim: bool = False
    query: type[BaseModel] | None = None
    response: Shape | None = None
    status: int = 200
    media: str = JSON
    others: Mapping[int, Shape] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    idempotent: bool = False
    repeatable: bool = False
    tagged: bool = False
    conditional: bool = False
    documented: bool = True
    audited: str | None = None

    @property
    def most_bytes(self) -> int:
        """Bytes its body may have."""
        return LARGER.get(self.path, MAX_BODY)

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return self.path.replace("{", "<").replace("}", ">")

    @property
    def name(self) -> str:
        """Unique name: the method and the words of the path, as ``operationId`` and endpoint."""
        return "_".join([self.method.lower(), *re.findall(r"\w+", self.path.removeprefix("/v1"))])

    def codes(self) -> list[str]:
        """Every problem code this route may answer with."""
        found: list[str] = []
        if self.body is not None:
            found += ["not_json", "request_timeout", "payload_too_large", "unsupported_media_type"]
        if self.body is not None or self.query is not None:
            found.append("invalid")
        if self.scopes:
            found += ["unauthorized", "forbidden", "rate_limited", "unavailable"]
        if self.idempotent:
            found += ["idempotency_conflict", "idempotency_in_progress", "invalid"]
        if self.conditional:
            found += ["precondition_required", "precondition_failed"]
        return sorted({*found, *self.problems})
