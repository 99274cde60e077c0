"""What is known about a signup before anything is judged: parsed inputs, look-ups and links.

Plain records that are never changed. ``None`` always means *cannot be known* and is never replaced by zero.
They are filled by ``riskapi`` (which parses, looks up and asks the store) and only read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

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
    the mailbox behind provider aliases (dots, tags, alias domains) as ``local@domain``; ``pattern`` its
    letter/digit skeleton at that domain. ``near_provider`` is the large provider this domain is a near miss of.
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
    disposable: bool | None = None
    relay: bool | None = None
    free: bool | None = None
    near_provider: str | None = None

    @property
    def private(self) -> bool | None:
        """Whether the domain looks like the customer's own: neither free, nor relay, nor disposable."""
        if self.domain is None or self.free is None or self.relay is None or self.disposable is None:
            return None
        return not (self.free or self.relay or self.disposable)


@record
class Phone:
    """A phone number, parsed. ``e164`` with its plus sign; ``region`` ISO 3166 alpha-2 or ``001``;
    ``kind`` libphonenumber's type in lower case (``mobile``, ``fixed_line``, ``voip``, …);
    ``block`` the E.164 number without its last two digits (a hundred consecutive numbers).
    """

    given: str
    valid: bool
    possible: bool | None = None
    e164: str | None = None
    national: str | None = None
    region: str | None = None
    kind: str | None = None
    block: str | None = None


@record
class Network:
    """An IP address and what the local databases know of it.

    ``ip`` is normalised (IPv4-mapped unwrapped, scope removed); ``prefix`` its /24 or /48. ``reserved`` names
    the special-purpose range (IANA registries, RFC 6890) or is ``None`` for a public address. ``country`` is
    ISO 3166 alpha-2 of the user of the address.
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


@record
class Device:
    """What the browser or client said of itself.

    ``agent_family``, ``agent_major`` and ``agent_system`` are parsed from ``user_agent``; ``agent_released`` is
    the Unix time at which that major version came out, where it is known. ``automation`` is the mark of a
    scripted client found in the agent, or ``""`` when none was. ``languages`` are lower-case primary subtags
    in order of preference, ``language_countries`` the ISO 3166 countries where one of them is official or
    widely spoken; ``time_zone_countries`` those that use the zone. ``fingerprint`` joins TLS fingerprint and agent.
    """

    id: str | None = None
    user_agent: str | None = None
    agent_family: str | None = None
    agent_major: int | None = None
    agent_system: str | None = None
    agent_released: float | None = None
    agent_mobile: bool | None = None
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


@record
class Entity:
    """One thing accounts may share (a phone, a device, a network …) as seen from one signup.

    Counts are *distinct accounts*, this one included, over the hour, day and 30 days before the signup;
    ``accounts`` over the whole retention. ``abusive`` and ``limited`` count other accounts only. ``hub`` is true
    when so many people share the thing, by nature or by growth, that sharing it means nothing.
    ``others`` names up to eight of the other accounts, newest first; ``last_seen`` is Unix time of the newest
    other account. ``weight`` is the strength of the kind after rarity and decay, 0 for a hub.
    ``key`` is the key of the entity in the store, an HMAC; ``bound`` is true while it binds its accounts into a
    cluster.

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


@record
class Reputation:
    """Learned abuse rate of what a signup came from, 0 to 1, shrunk towards the base rate; this account left out."""

    base: float
    asn: float | None = None
    network: float | None = None
    domain: float | None = None
    tld: float | None = None


@record
class Facts:
    """Everything a decision may rest on. ``at`` is the Unix time of the signup.

    ``entities`` is keyed by kind (see ``riskapi.links``) and ``None``, like ``reputation``, when the store was away.
    ``missing`` gives the cause for what is not there: a JSON pointer into the signup, or ``store``, to
    ``not_provided``, ``input_invalid`` or ``store_unavailable``.
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

    def linked(self, entities: Mapping[str, Entity], reputation: Reputation) -> Facts:
        """The same facts with what the store knows."""
        return Facts(
            self.at,
            self.account,
            self.email,
            self.phone,
            self.network,
            self.device,
            self.behavior,
            self.payment_fingerprint,
            entities,
            reputation,
            self.missing,
        )
