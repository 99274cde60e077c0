"""Readers in use for tests of parts that read nothing but domains, or nothing but what they are given."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from riskapi.inputs.domains import DomainLists
from riskapi.inputs.email import MailReader
from riskapi.inputs.network import NetworkReader
from riskapi.inputs.phone import PhoneReader
from riskapi.inputs.readers import ActiveReaders, Readers
from riskapi.inputs.urls import LinkDomains


@cache
def shipped() -> DomainLists:
    """The lists of domains as they are shipped, read once for all tests: that takes a third of a second."""
    return DomainLists.load()


def readers_of(lists: DomainLists, networks: NetworkReader | None = None) -> ActiveReaders:
    """Readers with these lists; without ``networks`` no address can be read."""
    return ActiveReaders(Readers(MailReader(lists), cast(Any, networks), PhoneReader(), LinkDomains(lists), "none"))
