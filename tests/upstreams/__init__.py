"""DNS and RDAP servers of loopback that answer well, late, wrongly or not at all, as the tests tell them to."""

from __future__ import annotations

from tests.upstreams.dns_server import DnsServer
from tests.upstreams.known import KNOWN
from tests.upstreams.rdap_server import RdapServer

__all__ = ["KNOWN", "DnsServer", "RdapServer"]
