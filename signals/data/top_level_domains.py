"""Endings of names on the internet, for telling a link from a word with a dot in it."""

from __future__ import annotations

# fmt: off
#: Endings that make a link of two words with a dot between them: the general ones that are registered most or sold
#: cheapest, as far as nobody writes them after a dot for another reason (``.life``, ``.studio`` and ``.co`` are words
#: of brands); and ``example`` (RFC 6761), with which invented links are written.
GENERIC: frozenset[str] = frozenset({
    "com", "net", "org", "info", "biz", "xyz", "top", "icu", "vip", "club", "shop", "store", "online", "site",
    "website", "click", "link", "win", "bid", "loan", "buzz", "cyou", "sbs", "cfd", "rest", "monster", "quest",
    "bond", "lol", "bet", "casino", "app", "dev", "page", "pro", "example",
})

#: Endings of countries that make a link of two words as well, when written in small letters: capitals after a dot are
#: initials (``Suresh.TK``). Without those that are a word or an abbreviation somewhere (``Maria.de Souza``,
#: ``Anil.kr``, ``welcome.to``).
PLAIN_COUNTRY: frozenset[str] = frozenset({
    "ru", "su", "cn", "tk", "ml", "ga", "cf", "gq", "pw", "cc", "ws", "ly", "io", "ai", "tv", "eu", "uk", "fr",
    "pl", "nl", "jp", "br", "cz", "hu", "ro", "bg", "gr", "pt", "рф",
})

#: Endings of countries (publicsuffix.org, 23 October 2026): a link when a path follows, as in ``bit.ly/x``.
COUNTRY: frozenset[str] = frozenset({
    "ac", "ad", "ae", "af", "ag", "ai", "al", "am", "ao", "aq", "ar", "as", "at", "au", "aw", "ax", "az", "ba",
    "bb", "bd", "be", "bf", "bg", "bh", "bi", "bj", "bm", "bn", "bo", "br", "bs", "bt", "bv", "bw", "by", "bz",
    "ca", "cc", "cd", "cf", "cg", "ch", "ci", "ck", "cl", "cm", "cn", "co", "cr", "cu", "cv", "cw", "cx", "cy",
    "cz", "de", "dj", "dk", "dm", "do", "dz", "ec", "ee", "eg", "er", "es", "et", "eu", "fi", "fj", "fk", "fm",
    "fo", "fr", "ga", "gd", "ge", "gf", "gg", "gh", "gi", "gl", "gm", "gn", "gp", "gq", "gr", "gs", "gt", "gu",
    "gw", "gy", "hk", "hm", "hn", "hr", "ht", "hu", "id", "ie", "il", "im", "in", "io", "iq", "ir", "is", "it",
    "je", "jm", "jo", "jp", "ke", "kg", "kh", "ki", "km", "kn", "kp", "kr", "kw", "ky", "kz", "la", "lb", "lc",
    "li", "lk", "lr", "ls", "lt", "lu", "lv", "ly", "ma", "mc", "md", "me", "mg", "mh", "mk", "ml", "mm", "mn",
    "mo", "mp", "mq", "mr", "ms", "mt", "mu", "mv", "mw", "mx", "my", "mz", "na", "nc", "ne", "nf", "ng", "ni",
    "nl", "no", "np", "nr", "nu", "nz", "om", "pa", "pe", "pf", "pg", "ph", "pk", "pl", "pm", "pn", "pr", "ps",
    "pt", "pw", "py", "qa", "re", "ro", "rs", "ru", "rw", "sa", "sb", "sc", "sd", "se", "sg", "sh", "si", "sj",
    "sk", "sl", "sm", "sn", "so", "sr", "ss", "st", "su", "sv", "sx", "sy", "sz", "tc", "td", "tf", "tg", "th",
    "tj", "tk", "tl", "tm", "tn", "to", "tr", "tt", "tv", "tw", "tz", "ua", "ug", "uk", "us", "uy", "uz", "va",
    "vc", "ve", "vg", "vi", "vn", "vu", "wf", "ws", "ye", "yt", "za", "zm", "zw", "рф",
})

#: Names of software that look like a domain, in small letters.
NOT_DOMAINS: frozenset[str] = frozenset({"asp.net", "vb.net", "ado.net", "ml.net", "paint.net", "draw.io", "socket.io"})
# fmt: on
