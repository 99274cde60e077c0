"""What is known about a signup before anything is decided: parsed inputs, look-ups and links.

Plain records that are never changed. ``None`` always means *cannot be known* and is never replaced by zero.
They are filled by ``riskapi`` (which parses, looks up and asks the store) and only read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, NamedTuple

from signals.records import record

NetworkKind = Literal["hosting", "consumer", "mobile", "education", "cdn"]
Anonymizer = Literal["vpn", "tor", "private_relay"]


@record
class Account:
    """What the customer said of themselves. ``referrer_id`` is the account that invited this one."""

    name: str | None = None
    organization: str | None = None
    website: str | None = None
    plan: str | None = None
    referrer_id: str | None = None


@record
class Email:
    """A mail address, parsed.

    ``local`` and ``domain`` are lower case; ``domain`` is ASCII (IDNA A-labels), ``domain_unicode`` what a
    person sees. ``registrable`` is the domain one label below its public suffix ``suffix``. ``canonical`` is
    the mailbox behind provider aliases (dots, tags, alias domains) as ``local@domain``, ``*@user.domain`` where a
    sub-domain belongs to one user of an alias service; ``pattern`` its letter/digit skeleton at that domain. ``stem``
    is what numbered mailboxes share (``name@gmail.com`` of ``name1`` to ``name100``): only where anybody can have a
    mailbox, free or disposable, and of four letters or more. ``near_provider`` is the large provider this domain is a
    near miss of. ``provider`` names the large mailbox provider whose domain it is, or ``other``.
    ``large``: the domain is one that such a provider itself gives, or one worth imitating: it is known to take mail.
    Everything but ``given`` and ``valid`` is ``None`` when the address could not be parsed.
    """

    given: str
    valid: bool
    local: str | None = None
    domain: str | None = None
    domain_unicode: str | None = None
    registrable: str | None = None
    suffix: str | None = None
    tag: str | None = None
    canonical: str | None = None
    pattern: str | None = None
    stem: str | None = None
    disposable: bool | None = None
    relay: bool | None = None
    free: bool | None = None
    near_provider: str | None = None
    provider: str | None = None
    large: bool | None = None

    @property
    def private(self) -> bool | None:
        """Whether the domain looks like the customer's own: neither free, nor relay, nor disposable."""
        if self.domain is None or self.free is None or self.relay is None or self.disposable is None:
            return None
        return not (self.free or self.relay or self.disposable)


@record
class Phone:
    """A phone number, parsed. ``valid`` is ``None`` for a national number of a country that is not known.

    ``e164`` with its plus sign; ``region`` ISO 3166 alpha-2 or ``001``; ``kind`` libphonenumber's type in lower case
    (``mobile``, ``fixed_line``, ``voip``, …). ``line`` is what one person answers, alike in every spelling of the
    number, with the extension behind a switchboard (``;ext=``, RFC 3966); ``block`` its number without the last two
    digits (a hundred consecutive numbers).
    """

    given: str
    valid: bool | None
    possible: bool | None = None
    e164: str | None = None
    national: str | None = None
    region: str | None = None
    kind: str | None = None
    block: str | None = None
    line: str | None = None


@record
class Network:
    """An IP address and what the local databases know of it.

    ``ip`` is normalised (IPv4-mapped unwrapped, scope removed); ``prefix`` its /24 or /48. ``reserved`` names
    the special-purpose range (IANA registries, RFC 6890) or is ``None`` for a public address. ``country`` is
    ISO 3166 alpha-2 of the user of the address. ``disputed``: of the local databases one says that it is hosting, the
    other that it connects people.
    """

    given: str
    ip: str | None = None
    version: Literal[4, 6] | None = None
    prefix: str | None = None
    reserved: str | None = None
    asn: int | None = None
    organization: str | None = None
    country: str | None = None
    kind: NetworkKind | None = None
    anonymizer: Anonymizer | None = None
    provider: str | None = None
    disputed: bool = False


@record
class MailDomain:
    """What DNS said of a mail domain, at Unix time ``checked_at``. A part that nobody answered is ``None``.

    ``exists`` is false where the domain's own name servers, or those above, say that there is no such name.
    ``null_mx``: it says that it takes no mail (RFC 7505). ``accepts_mail``: it has a mail server, if only the domain's
    own address (RFC 5321, 5.1). ``mx_count`` are mail servers it names; ``mx_provider`` is the registrable domain of
    the most preferred, ``mx_disposable`` whether that is a service for throw-away mail. ``spf`` is what the record
    wants done with mail from elsewhere (RFC 7208, 4.6 and 5.1), ``dmarc`` the policy (RFC 9989, 4.7); both are
    ``broken`` where the record cannot be read. ``parked``: its name servers are those of a parking service. ``listed``
    are the operator's DNS blocklists that have it. Where it is not ``whole``, a question failed and is asked again.
    """

    checked_at: float
    exists: bool | None = None
    null_mx: bool | None = None
    accepts_mail: bool | None = None
    mx_count: int | None = None
    mx_provider: str | None = None
    mx_disposable: bool | None = None
    spf: Literal["missing", "pass", "neutral", "softfail", "fail", "broken"] | None = None
    dmarc: Literal["missing", "none", "quarantine", "reject", "broken"] | None = None
    parked: bool | None = None
    listed: int | None = None
    whole: bool = True


@record
class Registration:
    """What a registry said of a domain by RDAP (RFC 9083, 5.3), at Unix time ``checked_at``.

    ``found`` is false where the registry knows no such domain; ``registered_at`` is Unix time of the registration.
    """

    checked_at: float
    found: bool | None = None
    registered_at: float | None = None
    registrar: str | None = None


@record
class Registrant:
    """What a registry said of an IP network by RDAP (RFC 9083, 5.4), at Unix time ``checked_at``.

    ``kind`` is read from the names of network and organisation; ``allocated_at`` is Unix time of the registration.
    ``first`` and ``last`` are its addresses. ``listed`` are the operator's DNS blocklists that have the address which
    was asked about, of which ``address`` is a keyed hash.
    """

    checked_at: float
    found: bool | None = None
    organization: str | None = None
    kind: NetworkKind | None = None
    abuse_contact: str | None = None
    allocated_at: float | None = None
    listed: int | None = None
    first: str | None = None
    last: str | None = None
    address: str | None = None


@record
class Sender:
    """What DNS said of a domain that mail is sent from, at Unix time ``checked_at``.

    ``spf``: its record names the operator's servers. ``dkim``: a key stands under one of the operator's selectors.
    ``aligned``: mail sent through the operator passes DMARC (RFC 9989, 4.4), so a policy is published and one of the
    two holds for this very domain. ``None`` where nobody answered, or the operator has not said what to look for; where
    it is not ``whole``, a question failed and is asked again.
    """

    checked_at: float
    spf: bool | None = None
    dkim: bool | None = None
    dmarc: Literal["missing", "none", "quarantine", "reject", "broken"] | None = None
    aligned: bool | None = None
    whole: bool = True


@record
class Activity:
    """Events of one type that an account had: how many, Unix times of first and last, the largest ``count`` given."""

    times: int
    first: float
    last: float
    most: int | None = None


@record
class Device:
    """What the browser or client said of itself.

    ``agent_family`` and ``agent_system`` are parsed from ``user_agent``; ``agent_released`` is the Unix time at which
    its major version came out, where it is known. ``automation`` is the mark of a
    scripted client found in the agent, or ``""`` when none was; ``agent_malformed``: no browser can have sent it;
    ``agent_invented``: it contradicts itself, or has no product with a version.
    ``languages`` are lower-case primary subtags
    in order of preference, ``language_countries`` the ISO 3166 countries where one of them is official or
    widely spoken; ``time_zone_countries`` those that use the zone, empty for ``UTC``, ``None`` where the zone does not
    tell. ``fingerprint`` joins TLS fingerprint and agent.
    """

    id: str | None = None
    user_agent: str | None = None
    agent_family: str | None = None
    agent_system: str | None = None
    agent_released: float | None = None
    agent_mobile: bool | None = None
    agent_malformed: bool | None = None
    agent_invented: bool | None = None
    automation: str | None = None
    accept_language: str | None = None
    languages: tuple[str, ...] | None = None
    language_countries: frozenset[str] | None = None
    time_zone: str | None = None
    time_zone_valid: bool | None = None
    time_zone_countries: frozenset[str] | None = None
    tls_fingerprint: str | None = None
    fingerprint: str | None = None


@record
class Behavior:
    """How the form was filled, as the signup page measured it. Times in milliseconds."""

    form_fill_ms: int | None = None
    pasted_fields: tuple[str, ...] | None = None
    honeypot_filled: bool | None = None
    keystrokes: int | None = None
    captcha_passed: bool | None = None
    pages_before_signup: int | None = None


class Recent(NamedTuple):
    """Accounts that came close in time to a thing, the newest first: their names, and the Unix time of each."""

    names: tuple[str, ...] = ()
    times: tuple[float, ...] = ()


#: Where nobody came, or nobody is told of.
NOBODY_CAME = Recent()


@record
class Entity:
    """One thing accounts may share (a phone, a device, a network …) as seen from one signup.

    Counts are *distinct accounts*, this one included, over the hour, day and 30 days before the signup;
    ``accounts`` over the whole retention. ``abusive`` and ``limited`` count other accounts only. ``hub`` is true
    when so many people share the thing, by nature or by growth, that sharing it means nothing.
    ``others`` names up to eight of the other accounts, newest first, and up to 32 that came close in time;
    ``last_seen`` is Unix time of the newest other account. ``weight`` is the strength of the kind after rarity and
    decay, 0 for a hub. ``key`` is the key of the entity in the store, an HMAC, and empty where nobody else ever touched
    it; ``bound`` is true while it binds its accounts into a cluster.

    ``standing`` says how this account stands to the thing: ``observed`` (a device, a card), ``proved`` or ``held`` (it
    is the holder: it proved that the thing is its own, or used it long before others came), ``claimed`` (it was typed
    or written, nothing more). ``holders`` names the holders of what is claimed; counts and ``others`` are then of
    the claimants. Counts of a holder leave the claimants out; ``sole``: it was here, established, before anybody else
    came. ``recent`` are the accounts that came close in time, on either side; of
    what is a crowd's by nature only where somebody holds it. ``past`` counts those that were there days before,
    ``earlier`` those that came before this one. ``hub_found_at`` is when it was found to be a hub (negative: not to
    be one), 0 where nobody looked.

    Of the other accounts, ``exhausted_24h`` and ``exhausted_7d`` ran out of a cap in that time, the last of them at
    Unix time ``exhausted_at``; ``near_7d`` came near a cap in that time and did not run out in the week before it or
    since.
    """

    kind: str
    accounts_1h: int
    accounts_24h: int
    accounts_30d: int
    accounts: int
    abusive: int
    limited: int
    hub: bool
    weight: float = 0.0
    strength: str = "weak"
    last_seen: float | None = None
    others: tuple[str, ...] = ()
    key: str = ""
    bound: bool = False
    exhausted_24h: int = 0
    exhausted_7d: int = 0
    exhausted_at: float | None = None
    near_7d: int = 0
    standing: Literal["observed", "proved", "held", "claimed"] = "claimed"
    holders: tuple[str, ...] = ()
    recent: Recent = NOBODY_CAME
    past: int = 0
    hub_found_at: float = 0.0
    earlier: int = 0
    sole: bool = False


@record
class Wave:
    """Arrivals close in time that agree in more than chance explains, as seen from one signup.

    ``accounts`` counts the others it belongs with; ``families`` is what they agree in. ``quick``: they came
    faster than people do. ``line_minute`` counts the accounts from the same address or /64 within a minute,
    ``domain_quarter`` those at the same private mail domain within a quarter of an hour, both with this one included.
    They are None where there is no such address or domain, or where it is everybody's.
    """

    accounts: int = 0
    families: frozenset[str] = frozenset()
    quick: bool = False
    line_minute: int | None = None
    domain_quarter: int | None = None


@record
class Cluster:
    """The accounts that share a budget with this one: how many with it, and how many others are labelled abusive."""

    size: int = 1
    abusive: int = 0


@record
class Reputation:
    """Learned abuse rate of what a signup came from, 0 to 1, shrunk towards the base rate; this account left out."""

    base: float
    asn: float | None = None
    network: float | None = None
    domain: float | None = None
    tld: float | None = None
    link_domain: float | None = None


@record
class Facts:
    """Everything a decision may rest on. ``at`` is the Unix time of the decision, ``signed_up_at`` of the signup.

    The two are the same unless an account is decided again. ``mail_domain``, ``registration``, ``registrant`` and
    ``sender`` are what upstreams said, ``None`` until they did; ``events`` what the account did since, by type, and
    ``moved_at`` the Unix time of its last login from a new network; ``identity``: whether it proved to own the domain
    it sends from. ``entities`` is keyed by kind (see ``riskapi.links.entities``) and ``None``, like ``reputation``,
    when the store was away. ``proved`` are the kinds of entities that the account proved to be its own: a mailbox or
    number it confirmed. ``wave`` and ``cluster`` say with whom it came and with whom it shares a budget, ``None`` where
    that was not looked up. ``missing`` gives the cause for what is not there and was not sent, or should be known: a
    JSON pointer into the signup, ``store``, ``network`` (anything of the IP address), ``asn``, ``country`` or ``kind``
    of it, ``agent``, ``mail_domain``, ``registration``, ``registrant``, ``sender``, ``domain_blocklists`` or
    ``ip_blocklists``, to ``not_provided``, ``not_asked``, ``input_invalid``, ``store_unavailable``, ``pending`` or
    ``no_data``.
    """

    at: float
    account: Account
    email: Email
    phone: Phone | None = None
    network: Network | None = None
    device: Device = field(default_factory=Device)
    behavior: Behavior = field(default_factory=Behavior)
    payment_fingerprint: str | None = None
    entities: Mapping[str, Entity] | None = None
    reputation: Reputation | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    signed_up_at: float | None = None
    mail_domain: MailDomain | None = None
    registration: Registration | None = None
    registrant: Registrant | None = None
    sender: Sender | None = None
    events: Mapping[str, Activity] | None = None
    moved_at: float | None = None
    identity: bool | None = None
    proved: frozenset[str] = frozenset()
    wave: Wave | None = None
    cluster: Cluster | None = None

    @property
    def signup_at(self) -> float:
        """Unix time of the signup."""
        return self.at if self.signed_up_at is None else self.signed_up_at

    @property
    def network_kind(self) -> NetworkKind | None:
        """The kind the local databases tell; the registry's where they know none, or contradict each other."""
        network, registrant = self.network, self.registrant
        if network is None:
            return None
        if registrant is not None and registrant.kind is not None and (network.kind is None or network.disputed):
            return registrant.kind
        return network.kind
