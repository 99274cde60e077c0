"""RDAP objects shaped as real registries shape theirs (RFC 9083, vCards by RFC 7095), with what is odd in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Network, IPv6Network
from typing import Any
from zlib import crc32

Json = dict[str, Any]
Network = IPv4Network | IPv6Network


def domain(base: str, name: str, *, registered: str | None, registrar: str | None, nameservers: Sequence[str]) -> Json:
    """A domain as registries of generic endings give it: a registrar with its abuse desk, no holder, capitals."""
    link = f"{base}/domain/{name.upper()}"
    events = [_event("expiration", "2030-01-02T00:00:00Z"), _event("last changed", "2024-08-14T07:01:34Z")]
    if registered is not None:
        events.insert(0, _event("registration", registered))
    events.append(_event("last update of RDAP database", "2026-11-24T00:00:10Z"))
    return {
        "objectClassName": "domain",
        "handle": f"{crc32(name.encode())}_DOMAIN_{name.rpartition('.')[2].upper()}-VRSN",
        "ldhName": name.upper(),
        "links": [_link("self", link), _link("related", f"{base}/registrar/domain/{name.upper()}")],
        "status": ["client delete prohibited", "client transfer prohibited"],
        "entities": [] if registrar is None else [_registrar(registrar)],
        "events": events,
        "secureDNS": {"delegationSigned": False},
        "nameservers": [{"objectClassName": "nameserver", "ldhName": each.upper()} for each in nameservers],
        "rdapConformance": [
            "rdap_level_0",
            "icann_rdap_technical_implementation_guide_0",
            "icann_rdap_response_profile_0",
        ],
        "notices": [
            {
                "title": "Terms of Use",
                "description": ["Service subject to Terms of Use."],
                "links": [_link("terms-of-service", "https://registry.example/terms", "text/html")],
            }
        ],
    }


def arin(
    base: str,
    network: Network,
    *,
    name: str,
    organization: str | None,
    country: str | None,
    abuse: str | None,
    registered: str | None,
) -> Json:
    """A network as ARIN gives it: the country in the holder's address only, contacts below the holder, local times."""
    handle = f"NET-{str(network.network_address).replace('.', '-').replace(':', '-')}-1"
    entities = []
    if organization is not None:
        link = f"{base}/entity/{_handle(organization)}"
        label = "\n".join(["1 Example Street", "Springfield", "00000", *([] if country is None else [country])])
        entities.append(
            {
                "handle": _handle(organization),
                "vcardArray": _vcard(organization, "org", label=label),
                "roles": ["registrant"],
                "remarks": [{"title": "Registration Comments", "description": ["Complaints by mail only, please."]}],
                "links": [_link("self", link)],
                "events": [_event("last changed", "2024-03-28T16:26:30-04:00"), *_registration(_eastern(registered))],
                "entities": [] if abuse is None else [_contact("ABUSE1-ARIN", "Abuse", abuse, ["abuse"], base)],
                "port43": "whois.arin.net",
                "objectClassName": "entity",
            }
        )
    return {
        "rdapConformance": ["nro_rdap_profile_0", "rdap_level_0", "cidr0", "arin_originas0"],
        "notices": [_notice("Terms of Service", "By using this service you agree to its terms.")],
        "handle": handle,
        "startAddress": str(network[0]),
        "endAddress": str(network[-1]),
        "ipVersion": f"v{network.version}",
        "name": name,
        "type": "DIRECT ALLOCATION",
        "parentHandle": "NET-0-0-0-0-0",
        "events": [_event("last changed", "2024-03-28T16:26:30-04:00"), *_registration(_eastern(registered))],
        "links": [_link("self", f"{base}/ip/{network[0]}"), _link("up", f"{base}/ip/0.0.0.0/0")],
        "entities": entities,
        "port43": "whois.arin.net",
        "status": ["active"],
        "objectClassName": "ip network",
        "cidr0_cidrs": [_cidr(network)],
        "arin_originas0_originautnums": [],
    }


def ripe(
    base: str,
    network: Network,
    *,
    name: str,
    organization: str | None,
    country: str | None,
    abuse: str | None,
    registered: str | None,
) -> Json:
    """A network as RIPE NCC gives it: entities sorted by handle, so that a maintainer stands as a registrant before the
    organisation does; the range as handle; the country and the abuse contact beside the holder.
    """
    entities = [_contact("AA1-RIPE", "Hostmaster", None, ["administrative", "technical"], base)]
    entities.append(_contact("EXAMPLE-MNT", "EXAMPLE-MNT", None, ["registrant"], base))
    if organization is not None:
        holder = _contact(f"ORG-{_handle(organization)}1-RIPE", organization, None, ["registrant"], base)
        entities.append({**holder, "vcardArray": _vcard(organization, "org", label="Example Street 1\n10115 Berlin")})
    if abuse is not None:
        entities.append(_contact("AR1-RIPE", "Abuse contact", abuse, ["abuse"], base))
    shown = {} if country is None else {"country": country}
    return {
        "handle": f"{network[0]} - {network[-1]}" if network.version == 4 else str(network),
        "startAddress": str(network[0]),
        "endAddress": str(network[-1]),
        "ipVersion": f"v{network.version}",
        "name": name,
        "type": "ASSIGNED PA" if network.version == 4 else "ALLOCATED-BY-RIR",
        **shown,
        "parentHandle": "0.0.0.0 - 255.255.255.255" if network.version == 4 else "::/0",
        "cidr0_cidrs": [_cidr(network)],
        "status": ["active"],
        "entities": sorted(entities, key=lambda entity: str(entity["handle"])),
        "remarks": [{"description": [organization or name]}],
        "links": [_link("self", f"{base}/ip/{network}"), _link("copyright", "https://registry.example/terms")],
        "events": [*_registration(registered), _event("last changed", "2025-05-26T13:02:44Z")],
        "rdapConformance": ["nro_rdap_profile_0", "cidr0", "rdap_level_0", "nro_rdap_profile_asn_flat_0", "redacted"],
        "notices": [
            _notice("Filtered", "This output has been filtered."),
            _notice("Source", "Objects returned came from source RIPE"),
        ],
        "port43": "whois.ripe.net",
        "objectClassName": "ip network",
    }


def failure(code: int, title: str) -> Json:
    """The body of an answer that is an error (RFC 9083, 6)."""
    shown = {"errorCode": code, "title": title, "description": [f"{title}."]}
    return {"rdapConformance": ["rdap_level_0"], "lang": "en", **shown}


def bootstrap(base: str, entries: Sequence[str], what: str) -> Json:
    """A registry of IANA's that says who answers for what (RFC 9224)."""
    return {
        "version": "1.0",
        "publication": "2026-11-24T18:00:01Z",
        "description": f"RDAP bootstrap file for {what}",
        "services": [[list(entries), [f"{base}/"]]],
    }


def _registrar(name: str) -> Json:
    desk = {
        "objectClassName": "entity",
        "roles": ["abuse"],
        "vcardArray": [
            "vcard",
            [
                ["version", {}, "text", "4.0"],
                ["fn", {}, "text", ""],
                ["tel", {"type": "voice"}, "uri", "tel:+1.2025550100"],
                ["email", {}, "text", "abuse@registrar.example"],
            ],
        ],
    }
    return {
        "objectClassName": "entity",
        "handle": "9999",
        "roles": ["registrar"],
        "publicIds": [{"type": "IANA Registrar ID", "identifier": "9999"}],
        "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", name]]],
        "entities": [desk],
    }


def _contact(handle: str, name: str, mail: str | None, roles: list[str], base: str) -> Json:
    return {
        "handle": handle,
        "vcardArray": _vcard(name, "group" if mail else "individual", mail=mail),
        "roles": roles,
        "links": [_link("self", f"{base}/entity/{handle}")],
        "objectClassName": "entity",
    }


def _vcard(name: str, kind: str, *, label: str | None = None, mail: str | None = None) -> list[Any]:
    """A jCard. An address that was never split stands in the label beside seven empty parts (RFC 7095, 3.3.1.3)."""
    fields: list[Any] = [["version", {}, "text", "4.0"], ["fn", {}, "text", name], ["kind", {}, "text", kind]]
    if label is not None:
        fields.append(["adr", {"label": label}, "text", ["", "", "", "", "", "", ""]])
    if mail is not None:
        fields.append(["email", {"type": "abuse"}, "text", mail])
    return ["vcard", fields]


def _registration(at: str | None) -> list[Json]:
    return [] if at is None else [_event("registration", at)]


def _event(action: str, at: str) -> Json:
    return {"eventAction": action, "eventDate": at}


def _notice(title: str, text: str) -> Json:
    return {"title": title, "description": [text]}


def _link(relation: str, link: str, kind: str = "application/rdap+json") -> Json:
    return {"value": link, "rel": relation, "href": link, "type": kind}


def _cidr(network: Network) -> Json:
    return {f"v{network.version}prefix": str(network.network_address), "length": network.prefixlen}


def _handle(organization: str) -> str:
    return "".join(word[0] for word in organization.split()).upper()


def _eastern(at: str | None) -> str | None:
    """An instant as a registry in Virginia writes it, with an offset; what is none stays as it is."""
    try:
        return at and datetime.fromisoformat(at).astimezone(timezone(timedelta(hours=-5))).isoformat()
    except ValueError:
        return at
