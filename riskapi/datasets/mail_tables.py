"""Our tables of mail domains, as files in ``signals/data/``: whose mail a domain is, and by which rules.

Each says of what day it is (``as_of``) and where it is from (``source``), and comes anew with ``data update``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from riskapi.datasets import domain_lines
from riskapi.errors import reworded


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_min_length=1)


def _domain(text: str) -> str:
    if not domain_lines.is_plain(text):
        raise ValueError("not a domain in small letters, as DNS has it")
    return text


Domain = Annotated[str, AfterValidator(_domain)]
Domains = Annotated[tuple[Domain, ...], Field(min_length=1)]
_Mark = Annotated[str, Field(min_length=0, max_length=8)]
_Sign = Annotated[str, Field(max_length=1)]


class MailboxProvider(_Record):
    """One provider's rules; ``source`` is the page that says so.

    ``domains`` are all its mail domains; with ``alias_of`` set they share mailboxes and fold into that one.
    ``tag``: each of its characters separates a free-form tag from the mailbox (empty: the provider has no tags).
    ``ignored`` characters mean nothing to it, ``folded`` ones are the same as another. ``subdomain_is_mailbox``:
    ``tag@mailbox.domain`` is the mailbox ``mailbox@domain``. ``keeps_separator``: the part before the tag is a
    nickname of its own, not the account, so the separator stays in the canonical form and tells the two apart.

    Of services that give out aliases: ``subdomain_is_user``: every address at ``user.domain`` is that user's; with
    ``users_of`` set a user is the same at all domains and is written at that one. ``user_after``: the user's name
    follows the last of this character, as in ``anything.user@domain``.
    """

    name: str
    source: str
    domains: Domains
    alias_of: Domain | None = None
    tag: _Mark = "+"
    ignored: _Mark = ""
    folded: Mapping[_Sign, _Sign] = {}
    subdomain_is_mailbox: bool = False
    keeps_separator: bool = False
    subdomain_is_user: bool = False
    users_of: Domain | None = None
    user_after: _Mark = ""

    @cached_property
    def translation(self) -> dict[int, str | None]:
        """What ``str.translate`` needs to fold what means the same to the provider; empty where nothing does.

        Each ASCII character stands in it, because one that is missing costs an exception inside ``translate``.
        """
        if not self.ignored and not self.folded:
            return {}
        every: dict[int, str | None] = {code: chr(code) for code in range(128)}
        ignored = {ord(character): None for character in self.ignored}
        return every | ignored | {ord(character): same for character, same in self.folded.items()}


#: Any other domain: a plus sign starts a tag (RFC 5233, "subaddressing"; the default separator of Postfix's
#: documentation, of Microsoft 365 and of Google Workspace).
DEFAULT = MailboxProvider.model_construct(name="other", source="RFC 5233", domains=())


class Registry(_Record):
    """A registry that gives names below its domains to anybody."""

    name: str
    source: str
    domains: Domains


class _Table(_Record):
    as_of: date
    source: str

    def domains(self) -> Iterator[str]:
        """Every domain of the table."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _each_once(self) -> _Table:
        seen: set[str] = set()
        for domain in self.domains():
            if domain in seen:
                raise ValueError(f"{domain} is there twice")
            seen.add(domain)
        return self


class ProviderTable(_Table):
    """Mailbox providers, or services that give out aliases.

    ``reserved`` are sub-domains that a service keeps for itself. ``imitated`` are large providers worth imitating,
    ``not_imitations`` real services one letter from one of them.
    """

    providers: Annotated[tuple[MailboxProvider, ...], Field(min_length=1)]
    reserved: tuple[str, ...] = ()
    imitated: tuple[Domain, ...] = ()
    not_imitations: tuple[Domain, ...] = ()

    def domains(self) -> Iterator[str]:
        """Every domain of a provider."""
        return (domain for provider in self.providers for domain in provider.domains)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the providers."""
        return frozenset(provider.name for provider in self.providers)

    @cached_property
    def provider_of(self) -> Mapping[str, MailboxProvider]:
        """The provider of each domain."""
        return {domain: provider for provider in self.providers for domain in provider.domains}

    @cached_property
    def imitated_at(self) -> Mapping[int, tuple[Domain, ...]]:
        """By the length of a domain, those worth imitating that are as long, or longer or shorter by one character."""
        lengths = {len(domain) + more for domain in self.imitated for more in (-1, 0, 1)}
        return {
            length: tuple(domain for domain in self.imitated if abs(len(domain) - length) <= 1) for length in lengths
        }

    @cached_property
    def large(self) -> frozenset[str]:
        """Mail domains that are known to exist and to take mail: every provider's, and those worth imitating."""
        return frozenset({*self.domains(), *self.imitated})


class AccessTable(_Table):
    """Mail that comes with a line or a phone, and free mail: by country, the provider's name, then its domains."""

    countries: Mapping[Annotated[str, Field(pattern="^[A-Z]{2}$")], Mapping[str, Domains]]

    def domains(self) -> Iterator[str]:
        """Every domain of a provider."""
        return (domain for known in self.countries.values() for found in known.values() for domain in found)


class RegistryTable(_Table):
    """Registries that share their domains out."""

    providers: Annotated[tuple[Registry, ...], Field(min_length=1)]

    def domains(self) -> Iterator[str]:
        """Every domain that is shared out."""
        return (domain for registry in self.providers for domain in registry.domains)


Table = TypeVar("Table", bound=_Table)


def parse(kind: type[Table], content: bytes) -> Table:
    """Read a table. Raises :class:`ValueError` with where in it something is wrong, and what."""
    try:
        return kind.model_validate(tomllib.loads(content.decode()))
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where + ': ' if where else ''}{reworded(first['msg'])}") from None
