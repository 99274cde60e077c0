"""Errors in the form of RFC 9457, and what each code means to the one who gets it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import NotRequired, cast
from urllib.parse import quote

import orjson
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from riskapi.api.routes import Reply
from riskapi.errors import CODES, Problem

MEDIA = "application/problem+json"

#: What to do about each code of :data:`riskapi.errors.CODES`.
ADVICE: Mapping[str, str] = {
    "not_json": "Send one JSON text (RFC 8259), UTF-8. No trailing commas; lone surrogates in signups and events only.",
    "not_this_feed": "Have the provider post to the address with its name; mail to `arf` (complaint), `dsn` (bounce).",
    "unauthorized": "Send `Authorization: Bearer <key>`. Make a key with `python -m riskapi keys create`.",
    "bad_signature": "Set the secret, key or topic that the provider shows; `detail` says what does not fit.",
    "forbidden": "Use a key that has the scope named in `detail`.",
    "not_found": "Check the path and the id. Accounts are known once their signup was assessed.",
    "method_not_allowed": "Use a method named in the `Allow` header.",
    "request_timeout": "Send the whole body within `RISKAPI_BODY_SECONDS` (15) of its headers.",
    "signup_conflict": "One `user_id` is one account. Use another `user_id`, or the address it signed up with.",
    "idempotency_conflict": "Use a new `Idempotency-Key` for a new request.",
    "idempotency_in_progress": "Repeat the request after `Retry-After` seconds; it will get the first one's answer.",
    "review_held": "Ask the reviewer who holds it to release it, or wait until the claim runs out.",
    "review_closed": "Undo the decision and decide again, or label the account to correct it.",
    "batch_undone": "Begin another batch: send the rows without `batch_id`.",
    "entry_permanent": 'Leave `expires_at` out, or send `"replace": true` to give the entry an end.',
    "not_undoable": "Read the review: it waits for a decision, or was closed by that of another review.",
    "precondition_failed": "Read it again, see whether your change still fits, and send it with the new `ETag`.",
    "payload_too_large": "Send less: a body may have 1 MiB.",
    "unsupported_media_type": "Send the `Content-Type` that `detail` names, mostly `application/json`.",
    "over_release": "Release at most what was granted and not released yet; `errors` says how many recipients that is.",
    "invalid": "Correct the fields in `errors`; each `pointer` is a JSON pointer (RFC 6901) into the body.",
    "destination_refused": "Give an `https` URL whose host is public and in DNS, or have the operator name the host.",
    "simulation_unfit": "Simulate the policy that is to be published, over the version in force, and send that id.",
    "run_failed": "Start it again; where it fails again, the log of the service says why.",
    "same_person": "Have somebody with another key approve it, or withdraw it.",
    "webhook_disabled": "Enable the webhook once its endpoint takes events again.",
    "precondition_required": "Send `If-Match` with the `ETag` of the version that your change was made from.",
    "rate_limited": "Wait `Retry-After` seconds. `RateLimit` and `RateLimit-Policy` say what is left.",
    "unavailable": "It is not known to be recorded. Repeat the request after `Retry-After` seconds.",
    "internal": "A defect. Report it with the `request_id`; the log has the rest.",
}


class FieldError(TypedDict):
    """One bad field: a JSON pointer (RFC 6901) into the body or the name of a query parameter, and what is wrong."""

    pointer: str
    code: str
    detail: str


@with_config(ConfigDict(extra="allow"))  # RFC 9457, section 3.2: a problem may say more
class ProblemDocument(TypedDict):
    """An error in the form of RFC 9457; ``code`` is listed in ``/docs/errors``."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: NotRequired[list[FieldError]]


def reply(problem: Problem, path: str, request_id: str) -> Reply:
    """The answer for a problem; ``path`` is the raw path of the request."""
    document: ProblemDocument = {
        "type": f"/docs/errors#{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": quote(path.encode("utf-8", "replace")[:1024]),
        "code": problem.code,
        "request_id": request_id,
    }
    if problem.errors:
        document["errors"] = [cast("FieldError", each) for each in problem.errors]
    return Reply(orjson.dumps({**document, **problem.extra}), problem.status, MEDIA, dict(problem.headers))


def page() -> str:
    """The text of docs/errors.md, made from :data:`riskapi.errors.CODES` and :data:`ADVICE`."""
    rows = "\n".join(f"| `{code}` | {status} | {title} | {ADVICE[code]} |" for code, (status, title) in CODES.items())
    return f"""# Errors

Every error is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, `instance`, `code` and
`request_id`, and for bad fields `errors`: `[{{"pointer": "/email/address", "code": "missing", "detail": "…"}}]`.
Act on `code` and on `errors[].code` (pydantic's error types); `title` and `detail` are for people and may change. No
error repeats the value that was sent, one in a policy and the path in `instance` aside. `type` is
`/docs/errors#<code>`, a page the service serves itself.

<!-- Made by `riskapi.api.problems.page`; tests/api/test_problems.py holds this file to it. -->

| code | status | title | what to do |
|---|---|---|---|
{rows}
"""


_CODE, _AS_CODE = re.compile("`(.+?)`"), r"<code>\1</code>"


def html_page() -> str:
    """The page at ``/docs/errors``, with an anchor for every code."""
    rows = "".join(
        f'<tr id="{code}"><td><code>{code}</code></td><td>{status}</td><td>{html.escape(title)}</td>'
        f"<td>{_CODE.sub(_AS_CODE, html.escape(ADVICE[code]))}</td></tr>"
        for code, (status, title) in CODES.items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>riskapi: errors</title>'
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
        "td,th{padding:.4rem .8rem;text-align:left;vertical-align:top;border-bottom:1px solid #8884}"
        ":target{background:#fe83}</style><h1>Errors</h1>"
        '<p>Every error is <code>application/problem+json</code> (RFC 9457). <a href="/docs">API documentation</a></p>'
        f"<table><tr><th>code<th>status<th>title<th>what to do</tr>{rows}</table></html>"
    )
