"""What an account keeps of how it came: what it proved, what is its own, and with whom it came."""

from __future__ import annotations

import orjson

from riskapi.links.entities import Links
from riskapi.links.kinds import Touch, own_domain
from riskapi.links.waves import packed
from signals.facts import Facts


def kept(links: Links, facts: Facts, touch: Touch, *, verified: bool | None) -> dict[str, bytes | str]:
    """Fields of the account: ``proved`` (keys of entities by kind), ``things`` (of its own, which mail may link to
    without claiming anything) and ``wave``; each only where there is any. ``verified``: whether its mailbox is
    confirmed.
    """
    found: dict[str, bytes | str] = {}
    proved = {kind: touch.keys[kind] for kind in sorted(touch.proved) if kind in touch.keys}
    if proved:
        found["proved"] = orjson.dumps(proved)
    domain = own_domain(facts, verified=verified)
    thing = links.own_link(domain, listed=domain == facts.email.domain) if domain is not None else None
    if thing is not None:
        found["things"] = thing
    wave = facts.wave
    if wave is not None and (wave.accounts or (wave.line_minute or 1) > 1 or (wave.domain_quarter or 1) > 1):
        found["wave"] = packed(wave)
    return found
