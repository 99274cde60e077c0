"""Links inside a text: what a reader, or a mail program, could follow.

``seen`` text (:func:`signals.writing_systems.seen`) is expected. Addresses of mailboxes are not links.
"""

from __future__ import annotations

import re

from signals.data.top_level_domains import COUNTRY, GENERIC, NOT_DOMAINS, PLAIN_COUNTRY
from signals.lookalikes import is_lookalike, latin_skeleton
from signals.records import record

#: What every link has one of; most names have none, and of the rest most only an initial or "Inc.".
_SIGNS = frozenset(".:/@=+[({信qQ")
_HINT = re.compile(r"[:/@=+\[({]|\.[^\s.,]|\s\.|[微薇vV]信|[qQ]{2}\W?[号號群\d]")
_SCHEME = re.compile(r"(?<![a-z])(?:h[tx*]{2}ps?|ftp|tg)\s?:\s?/\s?/\s?", re.IGNORECASE)
_DEFUSED = re.compile(r"(?<![a-z])h(?:xx|\*\*)ps?\s?:", re.IGNORECASE)
#: A host, with what follows it. Not after an at sign, and not before one: that is an address.
_HOST = re.compile(
    r"(?<![\w@.-])((?:[^\W_](?:[\w-]*[^\W_])?\.)+([^\W\d_]{2,24}))(?![\w@-]|\.\w)(/\S+|\?\S+|:\d{2,5}\S*|/)?"
)
_IP_HOST = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}[:/]\w")
#: A dot that is written so that filters do not see it: ``evil(.)com``, ``evil [dot] com``.
_HIDDEN_DOT = re.compile(
    r"[^\W_]{2}\s*[\[({]\s*(?:\.|dot|punkt|punto|ponto|точка)\s*[\])}]\s*([^\W\d_]{2,24})(?!\w)", re.IGNORECASE
)
#: ``evil .com``; but ``for .NET`` is not a link.
_LOOSE_DOT = re.compile(r"[^\W_]{2}\s+\.\s*(?:com|org|info|biz|xyz|top|site|online|click|ru|cn)(?!\w)")
#: The name under which somebody is found on a messenger.
_MESSENGER = re.compile(
    r"(?:telegram|whats ?app|we ?chat|weixin|viber|skype|телеграм|вотсап|ватсап|واتس ?اب|تيليجرام|تلغرام)"
    r"(?:\s*(?:id|no|number|channel|group|us|me))?\.?\s*[:@+=]\s*@?\w[\w.+ -]{2,}"
    r"|(?:[微薇]信|v信)\s?[号號]?\s?:?\s?[a-z0-9_-]{5,}|(?<!\w)qq\s?[号號群]?\s?:?\s?\d{5,}",
    re.IGNORECASE,
)


@record
class WrittenLinks:
    """What of a text can be followed.

    ``hosts`` are in small letters, without ``www.``; ``before`` is the text before the first, ``rest`` the text without
    them. ``marked``: with a scheme or ``www.``; ``path``: with something after the host. ``sure``: something is
    there that only a link can be: a messenger's handle, an address in numbers, a dot or letters in disguise.
    """

    hosts: tuple[str, ...] = ()
    before: str = ""
    rest: str = ""
    marked: bool = False
    path: bool = False
    sure: bool = False

    @property
    def found(self) -> bool:
        """Whether there is anything to follow."""
        return self.sure or self.marked or bool(self.hosts)


def links(text: str) -> WrittenLinks:
    """The links of ``text``. A third of a microsecond where it has no dot, colon, slash, sign or bracket."""
    if _SIGNS.isdisjoint(text) or not _HINT.search(text):
        return WrittenLinks(rest=text)
    plain, schemes = _SCHEME.subn("", text)
    found = [match for match in _HOST.finditer(plain) if _is_host(match, bool(schemes))]
    hosts = tuple(match[1].lower().removeprefix("www.") for match in found)
    ends = [0, *(match.end() for match in found)]
    starts = [*(match.start() for match in found), len(plain)]
    between = [plain[end:start] for end, start in zip(ends, starts, strict=True)]
    return WrittenLinks(
        hosts=hosts,
        before=between[0],
        rest=" ".join(between),
        marked=schemes > 0 or any(_is_marked(match) for match in found),
        path=any(_has_path(match) for match in found),
        sure=any(is_lookalike(match[2]) for match in found)
        or any(_is_ending(match[1]) for match in _HIDDEN_DOT.finditer(plain))
        or any(pattern.search(text) for pattern in (_DEFUSED, _IP_HOST, _LOOSE_DOT, _MESSENGER)),
    )


def _is_marked(host: re.Match[str]) -> bool:
    return host[1][:4].lower() == "www."


def _has_path(host: re.Match[str]) -> bool:
    return len(host[3] or "") > 1


def _is_ending(word: str) -> bool:
    return word.lower() in GENERIC or word in PLAIN_COUNTRY


def _is_host(found: re.Match[str], scheme: bool) -> bool:
    """Whether words with dots between them are a host; ``scheme``: somewhere in the text is one."""
    host, ending = found[1].lower(), found[2]
    name = host[: -len(ending) - 1].rpartition(".")[2]
    if is_lookalike(ending):
        ending = latin_skeleton(ending)
    if scheme or _is_marked(found) or _has_path(found):
        return (ending.lower() in GENERIC or ending.lower() in COUNTRY) and host != f"co.{ending.lower()}"
    # One letter before ``.com`` is a degree (B.Com), two before a country are a title (Dr.ai).
    least = 2 if ending.lower() in GENERIC else 3
    second = name in ("co", "com", "net", "org") and host.count(".") > 1
    return _is_ending(ending) and (len(name) >= least or second) and host not in NOT_DOMAINS
