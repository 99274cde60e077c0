"""The responder: tells Postfix that the way is free, to try again later and why, or never."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from riskapi import logs
from riskapi.budgets.grant_records import Grant
from riskapi.policyd import protocol
from riskapi.policyd.grant_client import CannotAsk, GrantClient
from riskapi.policyd.protocol import Request
from riskapi.policyd.senders import Senders, is_user_id
from riskapi.times import DAY

#: Actions of access(5): no opinion; refuse for now (450), unless another restriction refuses for good.
DUNNO, DEFER = "DUNNO", "DEFER_IF_PERMIT"
#: Refuse for good: 554 (RFC 5321, 4.2.3) and "too many recipients" (RFC 3463, 3.6); access(5) takes it as an action.
REFUSE = "554 5.5.3"
_TOO_MANY = "this account can never send to so many recipients at once, send to fewer"
Choice = Literal["dunno", "defer"]
#: Seconds: times beyond ten years are not told.
_FAR = 10 * 365 * DAY
_WINDOWS = ("hourly", "daily", "monthly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """Answers requests. ``away``: when riskapi cannot be asked; ``strangers``: for senders who are nobody's account."""

    senders: Senders
    grants: GrantClient
    away: Choice = "defer"
    strangers: Choice = "dunno"
    clock: Callable[[], float] = time.time

    def answer(self, request: Request) -> bytes:
        """What to tell Postfix about this request."""
        if not request.recipients:
            return protocol.reply(DUNNO)
        user_id = self.senders.account(request.login, request.sender, request.client)
        if user_id is None:
            return self._said("not_ours", request)
        if not is_user_id(user_id):
            return self._said("stranger", request, self.strangers, "no account is known for this sender")
        try:
            grant = self.grants.ask(user_id, request.recipients, key_of(request))
        except CannotAsk as error:
            logs.note(logging.WARNING, "policyd_cannot_ask", cause=error.cause)
            return self._said("away", request, self.away, "the sending limit cannot be checked now, try again later")
        if grant is None:
            return self._said("stranger", request, self.strangers, "no account is known for this sender")
        if grant["granted"] >= request.recipients:
            return self._said("granted", request)
        largest = grant["largest"]
        if largest is not None and request.recipients > largest:
            return self._said("never_fits", request, "refuse", _TOO_MANY)
        return self._said("denied", request, "defer", reason(grant, self.clock()), grant["denied_by"])

    def _said(
        self,
        why: str,
        request: Request,
        choice: Choice | Literal["refuse"] = "dunno",
        text: str = "",
        denied_by: str | None = None,
    ) -> bytes:
        level = logging.DEBUG if choice == "dunno" else logging.INFO
        by = next((window for window in _WINDOWS if denied_by and denied_by.endswith(window)), None)
        logs.note(level, f"policyd_{why}", answer=choice, stage=request.stage, recipients=request.recipients, limit=by)
        if choice == "dunno":
            return protocol.reply(DUNNO)
        return protocol.reply(DEFER if choice == "defer" else REFUSE, text)


def key_of(request: Request) -> str:
    """The Idempotency-Key: the same for the same question about the same message delivery.

    At RCPT a question is about one recipient. At DATA and END-OF-MESSAGE it is about the message, so who has both
    ask counts it once. Postfix always names the delivery; without a name every question is a new one.
    """
    about = request.recipient if request.stage == protocol.RECIPIENT else str(request.recipients)
    instance = request.instance or f"{time.time_ns()}"
    parts = (instance, request.login, request.sender, str(request.stage == protocol.RECIPIENT), about)
    return "policyd-" + hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def reason(grant: Grant, now: float) -> str:
    """Why a message waits, and until when. It goes to the sender: other accounts are not mentioned."""
    denied_by, retry_after = grant["denied_by"], grant["retry_after"]
    window = next((name for name in _WINDOWS if (denied_by or "").endswith(name)), None)
    held = denied_by in ("account_hold", "paused")
    said = "sending is held for this account" if held else f"the {window or 'present'} sending limit is reached"
    if retry_after is not None and 0 <= retry_after < _FAR:
        again = datetime.fromtimestamp(math.ceil(now + retry_after), UTC)
        return f"{said}, try again after {again:%Y-%m-%dT%H:%M:%SZ}"
    return f"the {window} sending limit does not allow this many recipients, send to fewer" if window else said
