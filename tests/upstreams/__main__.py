"""Run both servers with a few invented zones and networks until Ctrl-C, to try the worker by hand.

What it prints goes into the environment of ``python -m riskapi serve``; then sign up as ana@nullmx.example.
"""

from __future__ import annotations

import argparse
import contextlib
import threading
from datetime import UTC, datetime, timedelta

from tests.upstreams import KNOWN, DnsServer, RdapServer

ZONES = {
    **KNOWN,
    "good.example": {
        "MX": ["10 mx1.good.example", "20 mx2.good.example"],
        "A": ["192.0.2.10"],
        "NS": ["ns1.dns.example", "ns2.dns.example"],
        "TXT": ["v=spf1 mx -all"],
    },
    "mx1.good.example": {"A": ["192.0.2.11"]},
    "mx2.good.example": {"A": ["192.0.2.12"]},
    "_dmarc.good.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@good.example"]},
    "nullmx.example": {"MX": ["0 ."], "TXT": ["v=spf1 -all"]},
    "_dmarc.nullmx.example": {"TXT": ["v=DMARC1; p=reject"]},
    "fresh.example": {"MX": ["10 mx.fresh.example"], "A": ["203.0.113.20"]},
    "mx.fresh.example": {"A": ["203.0.113.20"]},
    "parked.example": {"A": ["203.0.113.30"], "NS": ["ns1.sedoparking.com", "ns2.sedoparking.com"]},
    "throwaway.example": {"MX": ["10 mail.mailinator.com"]},
    "mail.mailinator.com": {"A": ["198.51.100.40"]},
}


def fill(rdap: RdapServer, now: datetime) -> None:
    """Register the domains of the zones, and three networks."""
    rdap.domain("good.example", registered="2008-05-06T07:08:09Z")
    rdap.domain("nullmx.example", registered="2019-02-03T04:05:06Z")
    rdap.domain("fresh.example", registered=(now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    rdap.domain("parked.example", nameservers=("ns1.sedoparking.com", "ns2.sedoparking.com"))
    rdap.domain("throwaway.example", registered="2024-06-07T08:09:10Z")
    rdap.network("203.0.113.0/24", "EXAMPLE-HOSTING", "Example Hosting GmbH", "DE", "abuse@hosting.example")
    telecom = ("EXAMPLE-BROADBAND", "Example Telecom Broadband", "US", "abuse@telecom.example")
    rdap.network("198.51.100.0/24", *telecom, registry="arin")
    rdap.network("192.0.2.0/24", "EXAMPLE-UNIVERSITY", "Example University", "NL", "abuse@university.example")


def main() -> None:
    """Run both until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.upstreams", description=__doc__)
    shared = sorted(DnsServer.MODES.keys() & RdapServer.MODES.keys())
    parser.add_argument("--mode", choices=shared, default="good", help="how both behave (good)")
    mode = parser.parse_args().mode
    with DnsServer(ZONES) as dns_server, RdapServer() as rdap:
        fill(rdap, datetime.now(UTC))
        dns_server.behave(".", mode)
        rdap.behave("/", mode)
        print(f"export RISKAPI_DNS_RESOLVER={dns_server.bind}\nexport RISKAPI_RDAP_BASE={rdap.base}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
        print(f"\nasked: {dns_server.count()} × DNS, {rdap.count()} × RDAP")


if __name__ == "__main__":
    main()
