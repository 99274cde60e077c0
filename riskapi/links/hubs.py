"""Hubs: strong things that so many people share that sharing them says nothing. A crowd has to earn that name.

Accounts of the same few days never make a hub, however many they are. What grew over weeks, from many networks and mail
domains, and turned out good, does: a site that everybody links to, an identifier that many scripts send. Looked at only
for things over the ``hub_over`` of their kind, and remembered with the thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from riskapi.links.entities import Links
from riskapi.links.keys import entities_of
from riskapi.policy import Policy
from riskapi.policy.tables import Linking
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from riskapi.times import DAY
from signals.facts import Entity

#: Accounts looked at, spread evenly over all that are remembered.
_SAMPLE = 200


class Hubs:
    """Looks whether a thing is a hub."""

    def __init__(self, store: Store, links: Links) -> None:
        self._store, self._links = store, links

    def is_due(self, entity: Entity, policy: Policy, now: float) -> bool:
        """Whether a thing has to be looked at: so many share it, and nobody looked lately."""
        rules: Linking = policy.links.kinds[entity.kind]  # type: ignore[index]
        if rules.strength != "strong" or not 0 < rules.hub_over < entity.accounts_30d:
            return False
        return abs(entity.hub_found_at) + policy.hubs.hours * 3600 <= now

    def found_at(self, key: str) -> float:
        """When a thing was last looked at, as a Unix time: negative where it was not a hub, 0 where nobody looked."""
        return self._links.hub_found_at(key)

    def look(self, key: str, policy: Policy, now: float) -> bool:
        """Whether a thing is a hub at Unix time ``now``; noted with it. Raises :class:`StoreUnavailable`."""
        uses = self._links.uses(key)
        step = max(len(uses) // _SAMPLE, 1)
        sample = uses[::step]
        pipe = self._store.pipeline()
        for name, _ in sample:
            pipe.execute_command("HMGET", account_key(name), "entities", "label", "tier")
        hub = is_hub([at for _, at in uses], self._store.run(pipe), policy)
        self._links.find_hub(key, now, policy, hub=hub)
        return hub


def is_hub(times: Sequence[float], accounts: Sequence[Sequence[bytes | None]], policy: Policy) -> bool:
    """Whether a thing is a hub, by the Unix times at which its accounts first used it, and what a sample of them is:
    entities as JSON, label and tier of each.
    """
    rules = policy.hubs
    if not times or max(times) - min(times) < rules.days * DAY:
        return False
    if max(Counter(at // DAY for at in times).values()) > rules.day_share * len(times):
        return False
    known = [(entities_of(entities), label, tier) for entities, label, tier in accounts if entities]
    bad = sum(label == b"abuse" or tier == b"limit" for _, label, tier in known)
    if not known or bad >= rules.bad_share * len(known):
        return False
    networks = {found["network"] for found, _, _ in known if "network" in found}
    domains = {found["mail_domain"] for found, _, _ in known if "mail_domain" in found}
    return len(networks) >= rules.networks and len(domains) >= rules.mail_domains
