"""Services that give a user any number of forwarding addresses, and which of those addresses belong to one user.

They are relays (:data:`signals.data.mailbox_providers.RELAYS`): privacy, no abuse. Yet who makes up a hundred addresses
at one name of his own has one mailbox. Only what a service documents is listed, each page beside its rule. An address
directly at a domain that the users of a service share is nobody else's, and stays a mailbox of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from signals.data.mailbox_providers import MailboxProvider

# fmt: off
SERVICES: tuple[MailboxProvider, ...] = (
    # addy.io/help/what-are-the-different-kinds-of-aliases: hello@johndoe.anonaddy.com and hello@johndoe.anonaddy.me are
    # both the user johndoe's, @anonaddy.me itself is shared by all. A username comes with every domain of the service
    # (domainOptions in app/Models/User.php of github.com/anonaddy/anonaddy).
    MailboxProvider(
        "addy",
        frozenset({"anonaddy.com", "anonaddy.me", "addy.io", "addymail.com", "4wrd.cc", "mailer.me"}),
        subdomain_is_user=True,
        users_of="anonaddy.com",
    ),
    # simplelogin.io/docs/subdomain/new and .../getting-started/restore-alias: anything@my-sub.aleeas.com,
    # @myname.simplelogin.com. A name is taken at one domain, and another user can have it at the next (subdomain_route
    # in app/dashboard/views/subdomain.py of github.com/simple-login/app). simplelogin.io/docs/directory/new and the
    # blog, "Introducing Alias Directory": dir/anything@…, dir+anything@… and dir#anything@… are one user's.
    MailboxProvider(
        "simplelogin",
        frozenset({
            "simplelogin.com", "simplelogin.co", "simplelogin.fr", "aleeas.com", "slmail.me", "slmails.com",
            "silomails.com", "8shield.net", "dralias.com", "8alias.com",
        }),
        tag="+/#",
        subdomain_is_user=True,
    ),
    # support.mozilla.org/kb/general-questions-about-relay-email-domains: anything@yourdomain.mozmail.com.
    MailboxProvider("firefox_relay", frozenset({"mozmail.com"}), subdomain_is_user=True),
    # 33mail.com: anything@username.33mail.com; the blog named above compares its directories with that.
    MailboxProvider("33mail", frozenset({"33mail.com"}), subdomain_is_user=True),
    # README of github.com/mdavranche/erine.email: brand42.joe@erine.email is the user joe's.
    MailboxProvider("erine", frozenset({"erine.email"}), user_after="."),
    # spamgourmet.com, FAQ: someword.2.spamcowboy@spamgourmet.com is the user spamcowboy's.
    MailboxProvider("spamgourmet", frozenset({"spamgourmet.com"}), user_after="."),
)

#: The service of each of its domains.
SERVICE_OF: Mapping[str, MailboxProvider] = MappingProxyType(
    {domain: service for service in SERVICES for domain in service.domains}
)

#: Sub-domains that a provider keeps for itself, and where strangers may be: from the usernames that addy.io refuses
#: (``blacklist`` in config/anonaddy.php of github.com/anonaddy/anonaddy) those that name a host or a way of mail, and
#: ``relay`` (disposable-email-domains/disposable-email-domains#862: relay.mozmail.com is everybody's).
RESERVED: frozenset[str] = frozenset({
    "mail", "mail1", "mail2", "mail3", "mailer", "email", "webmail", "mx", "mx1", "mx2", "smtp", "imap", "pop", "pop3",
    "relay", "bounce", "bounces", "noreply", "no-reply", "reply", "replies", "forward", "forwarder", "www", "app",
    "api", "ns", "ns1", "ns2", "alias", "private", "public", "news", "newsletter", "support",
})
# fmt: on
