"""Name servers of services that park domains nobody uses, or that are for sale.

Source, unless noted: Zirngibl et al., "Domain Parking: Largely Present, Rarely Considered!", Network Traffic
Measurement and Analysis Conference (TMA) 2022, and the services it lists (tma22-parking.github.io). Only services whose
name servers serve nothing else are here: those of registrars park a domain until its owner comes to use it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from riskapi.inputs.domains import DomainLists

#: Registrable domain of the name servers, and the service.
PARKING: Final = {
    "sedoparking.com": "Sedo",
    "parkingcrew.net": "ParkingCrew",
    "fastpark.net": "ParkingCrew, once NameDrive",
    "parkingspa.com": "ParkingCrew",
    "ibspark.com": "ParkingCrew",
    "bodis.com": "Bodis",
    "above.com": "Above",
    "parklogic.com": "ParkLogic",
    "dan.com": "Dan.com",
    "dan.hosting": "Dan.com",
    "undeveloped.com": "Dan.com, once Undeveloped",
    "park.do": "Dan.com, once Park.do",
    "afternic.com": "Afternic",
    "cashparking.com": "GoDaddy CashParking",
    "smartname.com": "GoDaddy CashParking, once SmartName",
    "namefind.com": "GoDaddy CashParking, its own portfolio",
    "uniregistrymarket.link": "Uniregistry",
    "dsredirection.com": "DomainSponsor",
    "dsredirects.com": "DomainSponsor",
    "rookdns.com": "Rook Media",
    "dnsspark.com": "Rook Media",
    "pql.net": "The Parking Place",
    "tppns.com": "The Parking Place",
    "ztomy.com": "Skenzo",
    "cnomy.com": "Skenzo",
    "parking-page.net": "Skenzo",
    "voodoo.com": "Voodoo",
    "sslparking.com": "traffic.club",
    "mytrafficmanagement.com": "TrafficMotor",
    "brandbucket.com": "BrandBucket",
    "eftydns.com": "Efty",
    "snparking.ru": "SNPARKING",
}


def is_parked(servers: Iterable[str], lists: DomainLists) -> bool:
    """Whether one of the name servers (lower case, no final dot) belongs to such a service."""
    return any((lists.standing(server).registrable or server) in PARKING for server in servers if server)
