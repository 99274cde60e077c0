"""Where an account came from, as one short field of its hash: what its mail is counted by for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from riskapi.contract import Tier
from riskapi.store.pipelines import Pipeline, ReplyReader
from riskapi.store.streams import account_key
from signals.facts import Facts
from signals.records import record


@record
class Origin:
    """An account's tier, when it signed up (Unix time), and the number of its network (AS) and its mail domain at
    signup, both empty where they are not known.
    """

    tier: Tier
    signed_up_at: float
    asn: str
    domain: str


def origin_field(facts: Facts) -> dict[str, str]:
    """The field for a new account: some 20 bytes, read without unpacking its signup with each report."""
    asn = facts.network.asn if facts.network is not None else None
    domain = facts.email.domain if facts.email is not None else None
    return {"origin": f"{'' if asn is None else asn} {domain or ''}"}


def queue_origin(pipe: Pipeline, user_id: str) -> ReplyReader[Origin | None]:
    """Ask, in a pipeline, for the origin of an account; None where it is not known, or cannot be read."""
    return pipe.ask("HMGET", account_key(user_id), "tier", "at", "origin", read=_origin)


def _origin(reply: Sequence[bytes | None]) -> Origin | None:
    tier, at, origin = reply
    try:
        asn, _, domain = (origin or b"").decode().partition(" ")
        return None if tier is None else Origin(cast("Tier", tier.decode()), float(at or 0), asn, domain)
    except ValueError:
        return None
