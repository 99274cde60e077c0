"""Gathering, the only step of the line that waits.

It reads the inputs of a signup, asks the store what is known (one trip), joins the account to those it is bound to
(another trip, where there are any), and returns the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from riskapi.accounts.accounts import Accounts, KnownAccount
from riskapi.budgets.caps import Usage, unused
from riskapi.clusters.claims import Claims
from riskapi.clusters.clusters import Clusters
from riskapi.clusters.proofs import Proofs, keeps_aside
from riskapi.enrichment.findings import Finding, Findings, is_told
from riskapi.enrichment.subjects import Subject
from riskapi.inputs import device as devices
from riskapi.inputs.input_warnings import UNREADABLE, InputWarning, one_each, unreadable, usable, without_country
from riskapi.inputs.optional import not_provided
from riskapi.inputs.readers import ActiveReaders
from riskapi.inputs.signup import BehaviorPart, DevicePart, Signup
from riskapi.links import kinds, spellings
from riskapi.links.entities import Links
from riskapi.links.kinds import Touch
from riskapi.links.linkage import reputation
from riskapi.links.waves import Match, matches
from riskapi.lists.matching import Listed
from riskapi.lists.signup_entries import SignupEntries
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.times import DAY
from signals.facts import Account, Behavior, Cluster, Facts, Network
from signals.records import changed, changing, record
from signals.whereabouts import country_of_person

_AWAY = "store_unavailable"
_NO_DEVICE = DevicePart()
_NO_BEHAVIOR = BehaviorPart()


@record
class Parsed:
    """A signup with its inputs read, before the store was asked.

    ``warnings`` go into the answer, and so do the pointers of what was ``not_provided``.
    """

    facts: Facts
    warnings: tuple[InputWarning, ...]
    not_provided: tuple[str, ...]


@record
class Gathered:
    """Facts with what the store knows. ``known`` is the account, if it was assessed before.

    ``subjects`` are what upstreams can be asked about it, and ``findings`` what they said, by kind. ``listed`` are the
    entries of lists that name it. ``matches`` are those it came with; ``vouched``: an established customer vouches for
    it.
    """

    facts: Facts
    touch: Touch
    known: KnownAccount | None
    subjects: tuple[Subject, ...] = ()
    findings: Mapping[str, Finding] = field(default_factory=dict)
    listed: tuple[Listed, ...] = ()
    matches: tuple[Match, ...] = ()
    vouched: bool = False


#: Facts with what the store knows, facts with a cluster, and what was gathered with other facts.
_with_store = changing(Facts, "mail_domain", "missing", "entities", "reputation", "wave")
_in_cluster = changing(Facts, "cluster")
_about = changing(Gathered, "facts")


def _proved(signup: Signup) -> Iterable[str]:
    """The kinds of things that the person is said to have confirmed."""
    if signup.email.verified:
        yield "mailbox"
    if signup.phone is not None and signup.phone.verified:
        yield "phone"


def _whole(count: float | None) -> int | None:
    return None if count is None else int(count)


class Gatherer:
    """Turns signups into facts. ``entries`` finds those of lists, ``active_readers`` are the opened databases."""

    def __init__(
        self,
        store: Store,
        links: Links,
        accounts: Accounts,
        findings: Findings,
        proofs: Proofs,
        clusters: Clusters,
        claims: Claims,
        entries: SignupEntries,
        active_readers: ActiveReaders,
    ) -> None:
        self._store, self.entries = store, entries
        self._proofs, self._clusters, self._claims = proofs, clusters, claims
        self._links = links
        self._accounts = accounts
        self._findings = findings
        self._active_readers = active_readers

    def parse(self, signup: Signup, at: float) -> Parsed:
        """Read every input of a signup at Unix time ``at``. Asks nobody; never raises for what callers sent."""
        posted, readers = signup, self._active_readers.readers
        signup, warnings = usable(posted, at)
        unsent = not_provided(posted)
        missing = dict.fromkeys(unsent, "not_provided")
        for each in warnings:
            if each["code"] == "INPUT_INVALID":
                missing[each["input_pointer"]] = "input_invalid"
        account, part, acted = signup.account, signup.device or _NO_DEVICE, signup.behavior or _NO_BEHAVIOR
        address = signup.email.address
        email = readers.mail.read("" if UNREADABLE in address else address)
        if not email.valid:
            missing["/email/address"] = "input_invalid"
            warnings.append(unreadable("/email/address", "The e-mail address"))

        network: Network | None = None
        if part.ip_address:
            network = readers.networks.read(part.ip_address)
            missing |= _untold(network)
            if network.ip is None:
                missing["/device/ip_address"] = "input_invalid"
                warnings.append(unreadable("/device/ip_address", "The IP address"))

        phone = None
        number = signup.phone.number if signup.phone else None
        if number:
            phone = readers.phones.read(number, country_of_person(network))
            if phone.valid is None:
                missing["/phone/number"] = "no_data"
                warnings.append(without_country("/phone/number"))
            elif not phone.valid:
                missing["/phone/number"] = "input_invalid"
                warnings.append(unreadable("/phone/number", "The phone number"))

        device = devices.read(part, posted.device)
        if device.user_agent is not None and (device.agent_family is None or device.agent_system is None):
            missing["agent"] = "no_data"
        # In the order of the fields: naming each of them would treble what the call costs.
        behavior = Behavior(
            _whole(acted.form_fill_ms),
            None if acted.pasted_fields is None else tuple(acted.pasted_fields),
            acted.honeypot_filled,
            _whole(acted.keystrokes),
            acted.captcha_passed,
            _whole(acted.pages_before_signup),
        )
        return Parsed(
            Facts(
                at,
                Account(account.name, account.organization, account.website, account.plan, account.referrer_id or None),
                email,
                phone,
                network,
                device,
                behavior,
                devices.identifier(signup.payment.fingerprint) if signup.payment else None,
                missing=missing,
                proved=frozenset(_proved(signup)),
            ),
            tuple(one_each(warnings)),
            tuple(unsent),
        )

    def without_store(self, facts: Facts) -> Facts:
        """The same facts, marked as gathered while the store was away: what it knows is unknown, not absent."""
        kept = ["store", *(subject.kind for subject in self._findings.subjects(facts))]
        return changed(facts, missing={**self._findings.unasked, **facts.missing, **dict.fromkeys(kept, _AWAY)})

    def gather(
        self,
        user_id: str,
        facts: Facts,
        policy: Policy,
        *,
        add: bool = True,
        sender: str | None = None,
        now: float | None = None,
    ) -> Gathered:
        """One trip: touch (or, without ``add``, look at) every entity, read the account and what upstreams said.

        ``sender`` is the domain the account sends from, where that is known. Entries of lists count that have not
        expired at Unix time ``now``; without it, at that of the facts.
        Raises :class:`riskapi.errors.StoreUnavailable`.
        """
        touch = self._links.touched(user_id, facts)
        subjects = self._findings.subjects(facts, sender)
        referrer = facts.account.referrer_id
        pipe = self._store.pipeline()
        known = self._accounts.queue_known(pipe, user_id)
        named = self.entries.queue(pipe, user_id, facts, touch.keys)
        spellings.queue(pipe, user_id, policy.retention.accounts_days * DAY)
        vouches = self._accounts.queue_voucher(pipe, referrer) if referrer is not None else None
        if add:
            self._proofs.queue(pipe, touch, policy)
        said = self._findings.queue(pipe, subjects)
        shared = self._links.queue(pipe, touch, policy, add=add)
        self._store.run(pipe)
        vouched = vouches is not None and vouches()
        found = said()
        missing = _missing(facts, subjects, found, self._findings.unasked)
        if found:  # of most signups nothing, and a copy of all facts is dear
            facts = changed(facts, **found)
        if "registrant" in found:  # which may know of a crowd that the local databases do not
            touch = changed(touch, hubs=frozenset(kinds.hubs(facts)))
        linked = self._links.entities(touch, shared(), policy, referrer if vouched else None)
        wave, together = matches(facts, touch, linked, policy)
        linking = dict(linked)
        for kind in kinds.CLOSE:
            linking.pop(kind, None)
        own = kinds.own_domain(facts, verified=True) if "mailbox" in touch.proved else None
        return Gathered(
            # An account comes in a wave at its signup only: an account that is decided again keeps the wave it had.
            _with_store(
                facts,
                facts.mail_domain if "mail_domain" in found else self._findings.known(facts),
                missing,
                linking,
                reputation(linking, policy, self._links.entity_key("site", own) if own else None),
                wave if add else facts.wave,
            ),
            touch,
            known(),
            subjects,
            found,
            named(facts.at if now is None else now),
            tuple(together) if add and not keeps_aside(touch) else (),
            vouched,
        )

    def join(self, gathered: Gathered, policy: Policy, now: float) -> tuple[Gathered, Usage]:
        """Join a new account to those it is bound to; also what is used of its budget, and by how many, then."""
        user_id, entities = gathered.touch.user_id, list((gathered.facts.entities or {}).values())
        at = gathered.facts.at
        joined = self._clusters.join(user_id, entities, policy, now, matches=gathered.matches, at=at)
        if joined is not None:
            usage = joined.usage
        else:  # where it is bound to nobody, only a stranger can have sent anything before this
            alone = policy.sends.strangers == "none"
            usage = unused(now) if alone else self._clusters.usage(user_id, policy, now)
        return _with_cluster(gathered, usage), usage

    def rejoin(self, gathered: Gathered, policy: Policy, now: float) -> tuple[Gathered, Usage]:
        """As :meth:`join`, for an account that is there already: what it holds by now binds it no more."""
        user_id, entities = gathered.touch.user_id, list((gathered.facts.entities or {}).values())
        self._claims.release(user_id, entities, policy, now)
        if gathered.vouched:
            self._proofs.share(user_id, str(gathered.facts.account.referrer_id), entities, policy, now)
        joined = self._clusters.join(user_id, entities, policy, now)
        usage = joined.usage if joined is not None else self._clusters.usage(user_id, policy, now)
        return _with_cluster(gathered, usage), usage


def _with_cluster(gathered: Gathered, usage: Usage) -> Gathered:
    return _about(gathered, _in_cluster(gathered.facts, Cluster(usage.size, usage.abusive)))


def _untold(network: Network) -> dict[str, str]:
    """What the local databases do not tell of an IP address, with the cause. They know nothing of reserved ones."""
    if network.ip is None:
        return {}
    told = {"asn": network.asn, "country": network.country, "kind": network.kind}
    found = {name: "no_data" for name, value in told.items() if value is None}
    return {**found, "network": "no_data"} if network.reserved is not None or len(found) == len(told) else found


def _missing(
    facts: Facts, subjects: Sequence[Subject], found: Mapping[str, Finding], unasked: Mapping[str, str]
) -> dict[str, str]:
    """What is missing of facts once upstreams said what was ``found``; what they are being asked is ``pending``."""
    missing = {**unasked, **facts.missing}
    for subject in subjects:
        if subject.kind not in found:
            missing[subject.kind] = "pending"
    for kind, said in found.items():
        if not is_told(said):
            missing[kind] = "no_data"
    return missing
