"""What DNS and the registry say of the mail domain. Asked after the answer, so a first decision knows it only where an
earlier signup of the same domain had it looked up.
"""

from __future__ import annotations

from signals.facts import Facts, MailDomain
from signals.registry import signal

NEEDS = ("/email/address", "mail_domain")
_REGISTRY = ("/email/address", "registration")
_DAY = 86_400.0


def _said(facts: Facts) -> MailDomain | None:
    return facts.mail_domain


@signal(of=_said, reason="the mail domain {value:exists|does not exist}", risk=-1)
def domain_exists(said: MailDomain) -> bool | None:
    """Whether the domain is in DNS at all. False: nothing can be delivered there (RFC 5321, 5.1)."""
    return said.exists


@signal(of=_said, reason="the mail domain says that it takes {value:no mail|mail}", risk=+1)
def domain_takes_no_mail(said: MailDomain) -> bool | None:
    """Whether the domain says by a null MX that it takes no mail at all (RFC 7505)."""
    return said.null_mx


@signal(of=_said, reason="the mail domain has {value:a|no} mail server", risk=-1)
def domain_accepts_mail(said: MailDomain) -> bool | None:
    """Whether mail to the domain has somewhere to go: a mail server, or the domain's own address (RFC 5321, 5.1)."""
    return said.accepts_mail


@signal(of=_said, reason="the mail domain names {value} mail {value:server|servers}", risk=0)
def domain_mx_count(said: MailDomain) -> int | None:
    """Mail servers the domain names, 0 and up. Typical: 1 to 5; 0 where its own address takes the mail."""
    return said.mx_count


@signal(of=_said, reason="mail of the domain is taken by {value}", risk=None)
def domain_mx_provider(said: MailDomain) -> str | None:
    """Registrable domain of the most preferred mail server, such as ``google.com``. For people and rules."""
    return said.mx_provider


@signal(of=_said, reason="mail of the domain is {value:|not }taken by a service for throw-away mailboxes", risk=+1)
def domain_mx_is_disposable(said: MailDomain) -> bool | None:
    """Whether the domain's mail goes to a service for throw-away mail, whatever the domain is called.

    Such services offer their mail servers to anybody's domain, so that lists of domains never have them all.
    """
    return said.mx_disposable


@signal(of=_said, reason="the SPF policy of the mail domain for mail from elsewhere is {value}", risk=None)
def domain_spf(said: MailDomain) -> str | None:
    """``missing``, ``pass``, ``neutral``, ``softfail``, ``fail`` or ``broken`` (RFC 7208). For people and rules."""
    return said.spf


@signal(of=_said, reason="the mail domain {value:has|has no} SPF record", risk=-1)
def domain_has_spf(said: MailDomain) -> bool | None:
    """Whether the domain has an SPF record that can be read (RFC 7208). Typical: most domains that send mail."""
    return None if said.spf is None else said.spf not in ("missing", "broken")


@signal(of=_said, reason="the DMARC policy of the mail domain is {value}", risk=None)
def domain_dmarc(said: MailDomain) -> str | None:
    """``missing``, ``none``, ``quarantine``, ``reject`` or ``broken`` (RFC 9989). For people and rules."""
    return said.dmarc


@signal(of=_said, reason="the mail domain {value:has|has no} DMARC policy", risk=-1)
def domain_has_dmarc(said: MailDomain) -> bool | None:
    """Whether the domain, or the one it belongs to, has a DMARC policy (RFC 9989). Large providers ask for one of
    whoever sends much; many small firms still have none.
    """
    return None if said.dmarc is None else said.dmarc not in ("missing", "broken")


@signal(of=_said, reason="the mail domain is {value:|not }parked", risk=+1)
def domain_is_parked(said: MailDomain) -> bool | None:
    """Whether the domain's name servers are those of a service that parks domains nobody uses."""
    return said.parked


@signal(
    of=_said,
    reason="the mail domain is on {value} {value:blocklist|blocklists}",
    risk=+1,
    needs=("/email/address", "domain_blocklists", "mail_domain"),
)
def domain_blocklists(said: MailDomain) -> int | None:
    """DNS blocklists of the operator's choice that have the domain (RFC 5782). Typical: 0."""
    return said.listed


@signal(reason="the mail domain is {value:|not }known to its registry", risk=-1, needs=_REGISTRY)
def domain_is_registered(facts: Facts) -> bool | None:
    """Whether the registry of the ending knows the domain (RDAP, RFC 9083). Many country registries have no RDAP."""
    found = facts.registration
    return found.found if found else None


@signal(
    reason="the mail domain was registered {value:.0f} {value:day|days} before the signup", risk=-1, needs=_REGISTRY
)
def domain_age_days(facts: Facts) -> float | None:
    """Days between the registration of the domain and the signup, 0 or more.

    Most domains used for spam are used within days of being registered: Hao et al., "Understanding the Domain
    Registration Behavior of Spammers", ACM IMC 2013. So are those of new firms: alone it says little.
    """
    found = facts.registration
    if found is None or found.registered_at is None:
        return None
    return max(facts.signup_at - found.registered_at, 0.0) / _DAY


@signal(reason="the mail domain is registered through {value}", risk=None, needs=_REGISTRY)
def domain_registrar(facts: Facts) -> str | None:
    """The registrar of the domain as the registry names it. For people and rules."""
    found = facts.registration
    return found.registrar if found else None
