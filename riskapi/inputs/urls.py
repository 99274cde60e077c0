"""Which domains that a message links to are worth remembering: the sender's own, not those everybody links to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache, partial
from urllib.parse import unquote, urlsplit

import idna

from riskapi.inputs.domains import DomainLists, parents
from riskapi.inputs.network import parse
from riskapi.outgoing.special_ranges import special_purpose

#: Most domains that one message may name, and all of them are remembered: whoever could hide one behind others would.
#: Honest mail links to a handful.
MOST = 200
#: Longest text that is read as a domain: 253 characters (RFC 1035 section 2.3.4) and some room for the rest of a URL.
_LONGEST = 2048
#: A host of ASCII letters, digits, hyphens and the underscores that real hosts have, below an alphabetic top level.
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_-]{1,63}\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})")

#: What stands before the host of a link: a scheme, if there is one, and slashes.
_START = re.compile(r"\A(?:https?:|[a-z][a-z0-9+.-]*:(?=[/\\]{2}))?[/\\]*", re.IGNORECASE)

#: Sites that mail of unrelated senders links to, by registrable domain: two who link to one have nothing in common.
#: General knowledge of what newsletters and invoices contain, collected by the authors; no public list of it exists.
#: What is missing here becomes a hub by growth. Where customers have a domain of their own below the site's and the
#: Public Suffix List knows it (github.io, myshopify.com), theirs is remembered and the bare suffix is not.
EVERYBODYS = frozenset({
    # social networks, messengers and blogs
    "facebook.com", "fb.com", "fb.me", "fbcdn.net", "messenger.com", "instagram.com", "threads.net", "whatsapp.com",
    "wa.me", "twitter.com", "x.com", "t.co", "twimg.com", "linkedin.com", "lnkd.in", "licdn.com", "tiktok.com",
    "pinterest.com", "pin.it", "pinimg.com", "reddit.com", "redd.it", "redditstatic.com", "snapchat.com",
    "tumblr.com", "mastodon.social", "bsky.app", "bsky.social", "discord.com", "discord.gg", "telegram.org",
    "telegram.me", "t.me", "signal.org", "viber.com", "line.me", "weibo.com", "wechat.com", "qq.com", "vk.com",
    "ok.ru", "xing.com", "medium.com", "substack.com", "quora.com", "nextdoor.com", "meetup.com", "strava.com",
    "linktr.ee", "about.me", "gravatar.com",
    # video and music
    "youtube.com", "youtu.be", "ytimg.com", "vimeo.com", "dailymotion.com", "twitch.tv", "loom.com", "wistia.com",
    "spotify.com", "soundcloud.com", "netflix.com", "imdb.com", "giphy.com", "tenor.com",
    # search, large platforms, app and other stores
    "google.com", "goo.gl", "g.co", "gstatic.com", "googleusercontent.com", "googletagmanager.com",
    "google-analytics.com", "doubleclick.net", "forms.gle", "bing.com", "duckduckgo.com", "yahoo.com", "baidu.com",
    "yandex.ru", "yandex.com", "microsoft.com", "msn.com", "live.com", "office.com", "office365.com",
    "sharepoint.com", "outlook.com", "aka.ms", "1drv.ms", "microsoftonline.com", "skype.com", "apple.com",
    "itunes.com", "icloud.com", "mzstatic.com", "android.com", "mozilla.org", "adobe.com", "amazon.com",
    "amazon.co.uk", "amazon.de", "amzn.to", "media-amazon.com", "ebay.com", "etsy.com", "aliexpress.com",
    "airbnb.com", "booking.com", "tripadvisor.com", "yelp.com", "uber.com",
    # files, photos, documents, code
    "dropbox.com", "dropboxusercontent.com", "box.com", "wetransfer.com", "we.tl", "mega.nz", "mediafire.com",
    "scribd.com", "slideshare.net", "issuu.com", "flickr.com", "imgur.com", "unsplash.com", "pexels.com",
    "shutterstock.com", "canva.com", "figma.com", "notion.so", "notion.com", "evernote.com", "trello.com",
    "atlassian.com", "atlassian.net", "slack.com", "asana.com", "monday.com", "airtable.com", "miro.com",
    "github.com", "gitlab.com", "bitbucket.org", "stackoverflow.com",
    # meetings, calendars, events, forms, signatures, support
    "zoom.us", "zoom.com", "webex.com", "gotomeeting.com", "whereby.com", "calendly.com", "cal.com", "doodle.com",
    "eventbrite.com", "eventbrite.co.uk", "lu.ma", "typeform.com", "jotform.com", "surveymonkey.com", "tally.so",
    "docusign.net", "docusign.com", "hellosign.com", "trustpilot.com", "zendesk.com", "intercom.com", "intercom.io",
    "freshdesk.com",
    # link shorteners
    "bit.ly", "tinyurl.com", "ow.ly", "buff.ly", "is.gd", "rebrand.ly", "cutt.ly", "t.ly", "short.io", "dub.sh",
    "hubs.ly", "hubs.la", "smarturl.it", "lnk.to", "bl.ink", "onelink.me",
    # senders of mail: their tracking, unsubscribing and images
    "mailchimp.com", "list-manage.com", "mailchi.mp", "mcusercontent.com", "mandrillapp.com", "sendgrid.net",
    "sendgrid.com", "mailgun.org", "mailgun.net", "sparkpostmail.com", "postmarkapp.com", "awstrack.me", "mjt.lu",
    "mailjet.com", "sendinblue.com", "brevo.com", "sibforms.com", "constantcontact.com", "ctctcdn.com", "rs6.net",
    "campaign-archive.com", "createsend.com", "cmail19.com", "cmail20.com", "campaignmonitor.com", "hubspot.com",
    "hubspotlinks.com", "hubspotemail.net", "hs-sites.com", "activehosted.com", "activecampaign.com", "klaviyo.com",
    "klaviyomail.com", "klclick.com", "convertkit.com", "kit.com", "aweber.com", "getresponse.com",
    "mailerlite.com", "mlsend.com", "exacttarget.com", "salesforce.com", "marketo.com", "pardot.com", "customer.io",
    "braze.com", "iterable.com", "omnisend.com",
    # gateways that rewrite links
    "urldefense.com", "proofpoint.com", "mimecast.com",
    # maps and payment
    "openstreetmap.org", "waze.com", "mapbox.com", "what3words.com", "paypal.com", "paypal.me", "stripe.com",
    "squareup.com", "venmo.com", "wise.com", "klarna.com", "visa.com", "mastercard.com", "gofundme.com",
    "patreon.com", "ko-fi.com", "buymeacoffee.com", "kickstarter.com",
    # site builders, content networks, fonts and images
    "wordpress.com", "wordpress.org", "wp.com", "wix.com", "squarespace.com", "shopify.com", "godaddy.com",
    "weebly.com", "webflow.com", "fonts.googleapis.com", "ajax.googleapis.com", "storage.googleapis.com",
    "raw.githubusercontent.com", "cloudflare.com", "jsdelivr.net", "unpkg.com", "fontawesome.com", "typekit.net",
    "cloudinary.com", "imgix.net", "licdn.cn", "stripocdn.email", "bmetrack.com", "litmus.com", "emltrk.com",
    # namespaces and placeholders
    "w3.org", "schema.org", "xmlns.com", "purl.org", "ogp.me", "iana.org", "ietf.org", "example.com", "example.org",
    "example.net",
    # encyclopaedias, news, parcels
    "wikipedia.org", "wikimedia.org", "archive.org", "nytimes.com", "washingtonpost.com", "theguardian.com",
    "bbc.co.uk", "bbc.com", "cnn.com", "reuters.com", "bloomberg.com", "wsj.com", "forbes.com", "ft.com",
    "economist.com", "elpais.com", "lemonde.fr", "spiegel.de", "usps.com", "ups.com", "fedex.com", "dhl.com",
    "dhl.de",
})  # fmt: skip


class LinkDomains:
    """Reads the domains a message links to. Thread-safe; domains are remembered."""

    def __init__(self, lists: DomainLists) -> None:
        self._lists = lists
        # Not methods of this object: what would remember itself could go only when garbage is collected.
        self._own = lru_cache(maxsize=8192)(partial(_own, lists))
        self._all = lru_cache(maxsize=8192)(partial(_names, lists))

    def read(self, given: Iterable[str]) -> tuple[str, ...]:
        """The registrable domains that say something about the sender, in order, each once, :data:`MOST` at most.

        ``given`` are hosts or whole links, in any script and case. The Public Suffix List with its private part says
        what is registrable; domains are lower-case A-labels (RFC 5890), and an IP address stays itself. What cannot be
        a host of the public Internet is left out, and what everybody links to: :data:`EVERYBODYS`, free mail providers,
        bare suffixes. Never raises.
        """
        found: dict[str, None] = {}
        for text in given:
            domain = self._own(text) if len(text) <= _LONGEST else None
            if domain is not None:
                found[domain] = None
                if len(found) == MOST:
                    break
        return tuple(found)

    def private(self, domain: str) -> str | None:
        """What :meth:`read` gives for a registrable domain (lower-case A-labels) that is known not to be a free
        mail provider's: the domain, ``None`` for what cannot be a host or is everybody's. Never raises.
        """
        return domain if _HOST.fullmatch(domain) and domain not in EVERYBODYS else None

    def names(self, text: str) -> tuple[str, ...]:
        """The host of a link and the domains above it down to the registrable one, longest first. Never raises.

        Those everybody links to are among them: of these, too, a person may want to be told. A public IP address has
        one name; what cannot be a host of the public Internet, and a bare suffix, has none.
        """
        return self._all(text) if len(text) <= _LONGEST else ()

    def sender(self, text: str) -> str | None:
        """A domain that mail can come from and one customer can own, as DNS writes it; ``None`` for what is not a
        domain of the public Internet, or everybody's. Never raises.
        """
        host = _host(text) if len(text) <= _LONGEST else None
        name = _ascii(host) if host is not None and parse(host) is None else None
        if name is None:
            return None
        found = self._lists.standing(name)
        return None if found.registrable is None or found.free or found.relay or found.disposable else name


def _names(lists: DomainLists, text: str) -> tuple[str, ...]:
    host = _host(text)
    if host is None:
        return ()
    address = parse(host)
    if address is not None:
        return (str(address),) if special_purpose(address) in (None, "documentation") else ()
    name = _ascii(host)
    registrable = name and lists.standing(name).registrable
    return tuple(parents(name, registrable)) if name and registrable else ()


def _own(lists: DomainLists, text: str) -> str | None:
    host = _host(text)
    if host is None:
        return None
    address = parse(host)
    if address is not None:
        return str(address) if special_purpose(address) in (None, "documentation") else None
    name = _ascii(host)
    if name is None:
        return None
    standing = lists.standing(name)
    if standing.registrable is None or standing.free or standing.registrable in EVERYBODYS:
        return None
    return standing.registrable


def _host(text: str) -> str | None:
    """The host of a link, or of a bare host with or without port and path, as browsers find it (WHATWG URL Standard,
    4.4): a backslash is a slash, ``http:`` needs none after it, and percent signs are decoded.
    """
    text = _START.sub("", text.strip(), count=1).replace("\\", "/")
    try:
        host = urlsplit(f"//{text}").hostname
    except ValueError:  # brackets that hold no address
        return None
    return unquote(host).removesuffix(".") if host else None


def _ascii(name: str) -> str | None:
    """A host as lower-case A-labels, or ``None`` when it cannot be one of the public Internet."""
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            return None
    return name if _HOST.fullmatch(name) else None
