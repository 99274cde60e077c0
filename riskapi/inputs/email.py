"""Mail addresses, parsed: syntax, mailbox behind the aliases, pattern, and what the domain lists say. No network."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache, partial
from typing import NamedTuple

import idna
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from riskapi.datasets.mail_tables import DEFAULT, MailboxProvider, ProviderTable
from riskapi.inputs.domains import DomainLists
from signals.facts import Email
from signals.lookalikes import latin_skeleton

#: No address is longer than 254 octets (RFC 3696 erratum 1690); surrounding space and encodings are given some room.
LONGEST = 1024
#: The plain ASCII local part, RFC 5322 section 3.2.3 ``dot-atom-text``. Everything else goes to email-validator.
_PLAIN = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
#: The plain ASCII domain below a top level of letters, RFC 952 and RFC 1123 section 2.1, in labels that no other use
#: is kept for (RFC 5890, 2.3.1: two hyphens in third place). Everything else goes to email-validator.
_LABEL = r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}(?<=[a-z])", re.ASCII)
#: Ends of domains that nobody has mail in, as email-validator knows them; ``.test`` is let through (RFC 6761).
_SPECIAL = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES if name != "test")
#: What each ASCII character is in a skeleton; one that were missing would cost an exception inside ``translate``.
_SKELETON = "".join("0" if c.isdigit() else "a" if c.islower() else c for c in map(chr, range(128)))
#: What a counter leaves at the end of a name: ``ana7``, ``ana.37``, ``ana_100``.
_COUNTER, _ANY_COUNTER = "0123456789._-+", re.compile(r"[\d._+-]+\Z")
_DIGITS = re.compile(r"\d+")
#: Fewer letters are shared by chance.
_FOUR_LETTERS = re.compile(r"(?:[^\W\d_][\W\d_]*){4}")
#: What joins letters of Persian and Indian scripts, or keeps them apart, and is part of their names where it stands
#: between such letters (RFC 5892, appendices A.1 and A.2).
_JOINERS = dict.fromkeys((0x200C, 0x200D))
_LOCAL_MAX, _DOMAIN_MAX, _ADDRESS_MAX = 64, 255, 254  # octets, RFC 5321 section 4.5.3.1 and RFC 3696 erratum 1690


class _Domain(NamedTuple):
    ascii: str
    unicode: str
    registrable: str | None
    suffix: str
    disposable: bool
    relay: bool
    free: bool
    near_provider: str | None
    provider: MailboxProvider
    provider_name: str
    large: bool
    mailbox: str | None


class MailReader:
    """Reads addresses against one set of domain lists. Thread-safe; domains are remembered, addresses are not."""

    def __init__(self, lists: DomainLists) -> None:
        self.lists = lists
        # Not a method of this object: what would remember itself could go only when garbage is collected.
        self._domain = lru_cache(maxsize=8192)(partial(_read_domain, lists))

    def read(self, address: str) -> Email:
        """Everything that can be told from ``address`` alone. Never raises.

        Valid means RFC 5321 and 6531 syntax in a domain that could exist: no address literals, no display names, no
        special-use domains beyond the example and test ones (RFC 6761). A quoted local part loses quotes it does not
        need (RFC 5321 section 4.1.2: ``"ana"`` is ``ana``). The domain of an invalid address is still read where it
        can be; local part, mailbox, pattern and stem stay unknown.
        """
        text = address.strip() if len(address) <= LONGEST else ""
        local, _, host = text.rpartition("@")
        domain = self._domain(host.lower()) if 0 < len(host) <= _DOMAIN_MAX else None
        if domain is None:
            return Email(given=address, valid=False)
        normal = _normal_local(local, domain)
        if normal is None:
            return _email(address, domain)
        base, tag, canonical = _mailbox(normal, domain)
        pattern = f"{skeleton(base)}@{domain.ascii}"
        numbered = stem(canonical) if domain.free or domain.disposable else None
        return _email(address, domain, normal, tag, canonical, pattern, numbered)


def _read_domain(lists: DomainLists, host: str) -> _Domain | None:
    names = _names(host)
    if names is None:
        return None
    name, shown = names
    standing = lists.standing(name)
    registrable = standing.registrable or name
    provider, mailbox = _rules(lists, name)
    known = standing.relay or standing.free
    return _Domain(
        ascii=name,
        unicode=shown,
        registrable=standing.registrable,
        suffix=standing.suffix,
        disposable=standing.disposable,
        relay=standing.relay,
        free=standing.free,
        near_provider=None if known else near_provider(lists.providers, name, shown, registrable),
        provider=provider,
        mailbox=mailbox,
        provider_name=provider.name if provider.name in lists.provider_names else DEFAULT.name,
        large=name in lists.providers.large,
    )


def _names(host: str) -> tuple[str, str] | None:
    """A domain in ASCII and as a person sees it, or ``None`` when it cannot exist.

    Nearly all are plain, and those are checked here, because email-validator looks at every character five times, which
    is half of what reading an address costs; a property test holds the two to the same answer.
    """
    if _is_plain(host):
        return host, host
    try:
        # test_environment lets the reserved .test through (RFC 6761), as .example is by itself.
        found = validate_email(f"a@{host}", check_deliverability=False, test_environment=True)
    except (EmailNotValidError, ValueError):
        return _joined_names(host)
    return found.ascii_domain.lower(), found.domain


def _joined_names(host: str) -> tuple[str, str] | None:
    """The same of a domain with joiners, which email-validator refuses wherever they stand; ``None`` for any other."""
    try:
        shown = idna.decode(host, uts46=True)
        bare = shown.translate(_JOINERS)
        if bare == shown:
            return None
        validate_email(f"a@{bare}", check_deliverability=False, test_environment=True)
        return idna.encode(shown).decode("ascii"), shown
    except (EmailNotValidError, ValueError):  # an IDNAError is a ValueError
        return None


def _is_plain(host: str) -> bool:
    """Whether a domain in small letters is valid as it stands, without an A-label in it; other valid ones exist."""
    # With the shortest local part and the at sign, an address still has to fit.
    fits = len(host) <= _ADDRESS_MAX - 2 and _PLAIN_DOMAIN.fullmatch(host) is not None
    return fits and not host.endswith(_SPECIAL)


def _rules(lists: DomainLists, name: str) -> tuple[MailboxProvider, str | None]:
    """The rules that hold at a domain; and, where all of it is one customer's, the one mailbox of every address there.

    A provider's rules hold at the domains it names. Below them only a sub-domain that is one customer's by its
    rules belongs to it: one label, and none that it keeps for itself. The rest is somebody else's mail.
    """
    exact = lists.provider(name)
    below, _, above = name.partition(".")
    rules = lists.provider(above)
    if exact is not None or rules is None or below in lists.aliases.reserved:
        return exact or DEFAULT, None
    if rules.subdomain_is_mailbox:
        return rules, f"{below}@{rules.alias_of or above}"
    if rules.subdomain_is_user:
        # An asterisk, because ``me@home`` can be somebody else's address there.
        return rules, f"*@{below}.{rules.users_of or above}"
    return DEFAULT, None


def _email(
    given: str,
    domain: _Domain,
    local: str | None = None,
    tag: str | None = None,
    canonical: str | None = None,
    pattern: str | None = None,
    stem: str | None = None,
) -> Email:
    # In the order of the fields: naming each of them would treble what the call costs.
    return Email(
        given,
        local is not None,
        local,
        domain.ascii,
        domain.unicode,
        domain.registrable,
        domain.suffix,
        tag,
        canonical,
        pattern,
        stem,
        domain.disposable,
        domain.relay,
        domain.free,
        domain.near_provider,
        domain.provider_name,
        domain.large,
    )


def _normal_local(local: str, domain: _Domain) -> str | None:
    """The local part in lower case and NFC, or ``None`` when it is not valid at this domain.

    A dot-atom in ASCII is checked here, because email-validator would read the domain all over again; a property test
    holds the two to the same answer.
    """
    lower = local.lower()
    if lower.isascii() and domain.ascii == domain.unicode and not lower.startswith('"'):
        fits = len(lower) <= _LOCAL_MAX and len(lower) + 1 + len(domain.ascii) <= _ADDRESS_MAX
        return lower if fits and _PLAIN.fullmatch(lower) else None
    try:
        found = validate_email(
            f"{local}@{domain.unicode.translate(_JOINERS)}",
            check_deliverability=False,
            test_environment=True,
            strict=True,
            allow_quoted_local=True,
        )
    except (EmailNotValidError, ValueError):
        return None
    # What small letters are made of can be one character where the capitals had none (J and a caron).
    return unicodedata.normalize("NFC", found.local_part.lower())


def _mailbox(local: str, domain: _Domain) -> tuple[str, str | None, str]:
    """The local part without its tag, the tag, and the one address of the mailbox behind them.

    Compatibility forms are folded (NFKC, as UTS #39 asks of identifiers), so that full-width letters do not make a
    second mailbox. A rule that would leave nothing is not applied, and no rule to what is quoted: no provider documents
    what its aliases mean there.
    """
    rules = domain.provider
    home = rules.alias_of or domain.ascii
    if domain.mailbox is not None:
        return local, local, domain.mailbox
    if local.startswith('"'):
        return local, None, f"{local}@{home}"
    base = local if local.isascii() else unicodedata.normalize("NFKC", local).lower()
    head, separator, tag = base, "", ""
    for mark in rules.tag:
        head, found, rest = head.partition(mark)
        if found:
            separator, tag = found, f"{rest}{separator}{tag}"
    if not head:
        head, separator, tag = base, "", ""
    folded = rules.translation
    mailbox = (head.translate(folded) if folded else head) or head
    if rules.user_after:
        mailbox = mailbox.rpartition(rules.user_after)[2] or mailbox
    return head, tag or None, f"{mailbox}{separator if rules.keeps_separator else ''}@{home}"


def address_texts(address: str, email: Email) -> tuple[str, ...]:
    """What stands for an ``address``, read as ``email``, however it is spelled; then what else stood for it before.

    Capitals, encodings of a letter (NFC, NFD) and the two forms of a domain (U-label, A-label) make no other address
    (RFC 6531, RFC 5890). Until 28 November 2026 what stood for it was the text as it was given, in small letters.
    """
    given = address.strip().lower()
    if email.local is None:
        return (given,)
    return f"{email.local}@{email.domain}", given, f"{email.local}@{email.domain_unicode}"


def skeleton(local: str) -> str:
    """The shape of a local part: each letter becomes ``a``, each digit ``0``, anything else stays.

    Lengths are kept, so ``mark1984`` and ``jane2231`` share ``aaaa0000`` while ``ana.ruiz`` is ``aaa.aaaa``: addresses
    made by one template fall together, and common shapes at large providers are hubs that bind nobody.
    """
    if local.isascii():
        return local.translate(_SKELETON)
    return "".join("0" if c.isdigit() else "a" if c.isalpha() else c for c in local)


def stem(canonical: str) -> str | None:
    """What the mailboxes of one name have in common when only a counter tells them apart: ``name@domain``.

    Digits at the end go, with the separators before them; any other run of digits becomes one ``0``. So ``name``,
    ``name1``, ``name.37`` and ``name100`` share ``name@domain``, and ``1name`` and ``20name`` share ``0name@domain``.
    The mailbox without a counter is among them: whoever numbers names may begin with it. Digits of any script count.
    ``None`` below four letters, and for what is quoted. ``canonical`` is a mailbox as :class:`Email` has it.
    """
    local, _, home = canonical.rpartition("@")
    kept = local.rstrip(_COUNTER) if local.isascii() else _ANY_COUNTER.sub("", local)
    if kept.isalpha():
        return f"{kept}@{home}" if len(kept) >= 4 else None
    if kept.startswith('"') or not _FOUR_LETTERS.search(kept):
        return None
    return f"{_DIGITS.sub('0', kept)}@{home}"


def near_provider(table: ProviderTable, name: str, shown: str, registrable: str) -> str | None:
    """The large provider whose domain is one slip away, or looks the same, but is another domain.

    One slip is one insertion, deletion, substitution or swap of neighbours (Damerau 1964: over 80 % of misspellings).
    ``shown`` is the domain as a person sees it; look-alike letters of other scripts are read as Latin.
    """
    if name in table.not_imitations or registrable in table.not_imitations:
        return None
    seen = registrable if name == shown else latin_skeleton(".".join(shown.split(".")[-registrable.count(".") - 1 :]))
    for provider in table.imitated_at.get(len(seen), ()):
        if seen == provider or _is_one_slip(seen, provider):
            return provider
    return None


def _is_one_slip(left: str, right: str) -> bool:
    """Whether the optimal string alignment distance of two strings is 1, which differ, in length by 1 at most."""
    start = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        start += 1
    left, right = left[start:], right[start:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (len(left) >= 2 and left[:2] == right[1::-1] and left[2:] == right[2:])
    )
