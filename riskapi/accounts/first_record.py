"""The first record of an account: the first answer, the decision behind it and the signup, packed as one.

What two of them say alike is then kept once. It is the field ``assessment``: three lines of JSON. The decision says
``"="`` where the answer, or the account in its field ``at``, says the same. The field ``signup`` is there once the
signup was changed. Until 2026-11-27 the decision and the signup were always fields of their own; they are read still.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from riskapi.accounts.packing import pack, unpack
from riskapi.store import damaged
from riskapi.store.damaged import Unreadable

#: Fields that are to be asked for with :func:`first_decision` and with :func:`kept_signup`.
DECISION_FIELDS = ("decision", "assessment", "at")
SIGNUP_FIELDS = ("signup", "assessment")
#: Stands in a decision for what is said elsewhere.
_SAME = "="


def first_record(answer: bytes, decision: bytes, signup: bytes) -> bytes:
    """The field ``assessment`` of an account: the answer, what :func:`beside` leaves of the decision, and the signup.

    All of them are JSON without line breaks.
    """
    return pack(b"\n".join((answer, decision, signup)))


def beside(answer: Mapping[str, Any], at: float, decision: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a decision of Unix time ``at`` beside this answer."""
    found = dict(decision)
    for name, said in _said(answer, at).items():
        if found[name] == said:
            found[name] = _SAME
    return found


def beside_own(decision: Mapping[str, Any]) -> dict[str, Any]:
    """As :func:`beside`, for the answer and the time of this very decision: they say all that an answer says of one."""
    return {**decision, **_SAID_BY_OWN}


def first_answer(kept: bytes) -> bytes:
    """The first answer of an account as it was given. Raises :class:`~riskapi.store.damaged.Unreadable`, as all here
    do for what cannot be read.
    """
    return unpack(kept).partition(b"\n")[0]


def kept_signup(fields: Mapping[str, bytes | None]) -> bytes:
    """The signup of an account as it is by now, as JSON; ``fields`` are :data:`SIGNUP_FIELDS`."""
    kept = fields.get("signup")
    return unpack(kept) if kept else _lines(fields)[2]


def replied_signup(reply: Sequence[bytes | None]) -> bytes | None:
    """The signup in a reply to :data:`SIGNUP_FIELDS`; None where the account is not there."""
    return kept_signup(dict(zip(SIGNUP_FIELDS, reply, strict=True))) if any(reply) else None


def first_decision(fields: Mapping[str, bytes | None]) -> dict[str, Any]:
    """The decision in :data:`DECISION_FIELDS` of an account: the first, or until 2026-11 the last."""
    kept = fields.get("decision")
    if kept:
        return damaged.whole(unpack(kept), ("schema", "readings", "tier"))
    answer, decision, _ = _lines(fields)
    found = damaged.whole(decision, ("schema", "readings", "tier"))
    for name, said in _said(damaged.whole(answer), float(fields.get("at") or 0)).items():
        if found[name] == _SAME:
            found[name] = said
    return found


def with_answer(kept: bytes, at: float, answer: Mapping[str, Any]) -> bytes:
    """The field ``assessment`` of an account of Unix time ``at`` with another first answer; the rest stays as it is."""
    fields = {"assessment": kept, "at": repr(at).encode()}
    decision = beside(answer, at, first_decision(fields))
    return first_record(orjson.dumps(answer), orjson.dumps(decision), _lines(fields)[2])


def _said(answer: Mapping[str, Any], at: float) -> dict[str, Any]:
    """What an answer and the account say of the decision, by the name it has there."""
    by = answer["disposition"]
    return {
        "id": answer["id"],
        "user_id": answer["user_id"],
        "at": at,
        "tier": answer["decision"],
        "risk_score": answer["risk_score"],
        "source": by["source"],
        "rule": by["rule"],
        "versions": answer["versions"],
    }


#: What an answer and the account say of a decision, as its own answer leaves it there.
_SAID_BY_OWN = dict.fromkeys(_said(defaultdict(lambda: defaultdict(str)), 0.0), _SAME)


def _lines(fields: Mapping[str, bytes | None]) -> list[bytes]:
    lines = unpack(fields.get("assessment") or b"").split(b"\n")
    if len(lines) != 3:
        raise Unreadable("not the first record of an account")
    return lines
