"""``/v1/privacy``: what is held of an account, given out and erased."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from riskapi.api.bodies import StrictBody
from riskapi.api.routes import Call, Reply, Route
from riskapi.contract import UserId
from riskapi.errors import not_recorded
from riskapi.privacy.erasures import Erasure
from riskapi.privacy.exports import Export


class ExportBody(StrictBody):
    """Whose data is asked for."""

    user_id: UserId


class EraseBody(StrictBody):
    """Whose data is erased, and for how many days it is kept which things the account shared, as keyed HMACs."""

    user_id: UserId
    keep_evidence_days: Annotated[int, Field(ge=0, le=3650)] = 90


def export(call: Call[ExportBody]) -> Reply:
    """Everything that is held of an account."""
    return Reply(call.parts.exports.of(_recorded(call, call.body.user_id), call.now))


def erase(call: Call[EraseBody]) -> Reply:
    """Erase an account."""
    user_id = _recorded(call, call.body.user_id)
    return Reply(call.parts.erasures.erase(user_id, call.body.keep_evidence_days, call.now))


def _recorded(call: Call[Any], user_id: str) -> str:
    """The account that is asked about. Raises ``unavailable`` where this host acknowledged it and has yet to record it:
    that it is held is not to be denied, and an erased one would come back.
    """
    if call.parts.assessor.awaits(user_id):
        raise not_recorded()
    return user_id


ROUTES = (
    Route(
        method="POST",
        path="/v1/privacy/export",
        handler=export,
        audited="account exported",
        summary="Everything that is held of an account",
        tag="Privacy",
        description=(
            "For the person it is about: what was posted, decided, read, labelled, reported and counted, the reviews "
            "with their notes, entries of lists that name the account, and what people did about it. It takes a second "
            "or two where there are a million accounts. What cannot be read is left out and named in `unreadable`. "
            "With an `Idempotency-Key` the answer is remembered for 24 hours as all answers are, so send none unless "
            "you need it. docs/privacy.md says what is not in it."
        ),
        scopes=("privacy",),
        body=ExportBody,
        example={"user_id": "u_1001"},
        response=Export,
        problems=("not_found",),
        idempotent=True,
    ),
    Route(
        method="POST",
        path="/v1/privacy/erase",
        handler=erase,
        audited="account erased",
        summary="Erase an account",
        tag="Privacy",
        description=(
            "What was posted, decided, labelled, reported and counted of the account is erased when this is answered; "
            "a worker looks once more a minute later for what was being written meanwhile. Which things "
            "the account shared, how it stood and what it spent is kept for `keep_evidence_days`, as keyed HMACs: "
            "whoever asks to be forgotten gets no new budget. After that, or at once with 0, it leaves all of them and "
            "its cluster, and those who shared something with it are decided again. Asked again for fewer days, that "
            "comes sooner. The account is unknown from now on: send nothing for it. Entries of lists that name it "
            "stay, and are told. See docs/privacy.md."
        ),
        scopes=("privacy",),
        body=EraseBody,
        example={"user_id": "u_1001", "keep_evidence_days": 90},
        response=Erasure,
        problems=("not_found",),
        idempotent=True,
    ),
)
