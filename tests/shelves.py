"""A shelf for tests of parts that read nothing but domains, or nothing but what they are given."""

from __future__ import annotations

from typing import Any, cast

from riskapi.domains import DomainLists
from riskapi.link_domains import LinkDomains
from riskapi.mail import MailReader
from riskapi.networks import NetworkReader
from riskapi.phones import PhoneReader
from riskapi.shelf import Readers, Shelf


def shelf_of(lists: DomainLists, networks: NetworkReader | None = None) -> Shelf:
    """A shelf with these lists; without ``networks`` no address can be read."""
    return Shelf(Readers(MailReader(lists), cast(Any, networks), PhoneReader(), LinkDomains(lists), "none"))
