"""What callers did, as the audit log has it: noted when it is done, before it is answered."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from riskapi import logs
from riskapi.api.routes import Call, Reply, Route
from riskapi.errors import StoreUnavailable

#: Names of what was made, as answers have them.
_MADE = ("id", "entry_id", "batch_id", "version", "cut_id", "proposal_id", "user_id")
#: Fields of a body that say what was done, in words; never values, names or sentences.
_SAID = ("decision", "apply_to", "label", "action", "kind")


def handled(route: Route, call: Call[Any]) -> Reply:
    """The answer of a route's handler, noted where the route says so.

    Raises ``StoreUnavailable`` where it could not be noted; the log then says what was done.
    """
    reply = route.handler(call)
    if route.audited is None or reply.status >= 400 or getattr(call.body, "dry_run", False):
        return reply
    subject, details = _told(call, reply)
    try:
        call.parts.audit.note(f"key {call.principal.name}", route.audited, subject, call.now, **details)
    except StoreUnavailable:
        logs.note(logging.ERROR, "audit_missed", key=call.principal.id, route=route.path)
        raise
    return reply


def _told(call: Call[Any], reply: Reply) -> tuple[str, dict[str, str]]:
    """What it was done to, and words about it."""
    details = {name: value for name in _SAID if isinstance(value := getattr(call.body, name, None), str)}
    answer = reply.body if isinstance(reply.body, Mapping) else {}
    made = next((str(answer[name]) for name in _MADE if answer.get(name) is not None), "")
    named = [value for name, value in call.path.items() if name != "list"]
    if "list" in call.path:
        details["list"] = call.path["list"]
    if "loosens" in answer and not named:  # a policy that was proposed, not one that was withdrawn
        details["state"] = "waits for a second person"
    if not named:
        return made or call.path.get("list", ""), details
    if made and made != named[-1]:
        details["made"] = made
    return named[-1], details
