"""Kinds of networks from names that registries hold, and from numbers where the name misleads."""

import maxminddb
import pytest

from riskapi.data import DataPaths
from riskapi.network_kinds import _BY_NUMBER, APPLE_RELAY, CLOUDFLARE, VPN_OPERATORS, kind_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Hetzner Online GmbH", "hosting"),
        ("DigitalOcean, LLC", "hosting"),
        ("Amazon.com, Inc.", "hosting"),
        ("Servers.com, Inc.", "hosting"),
        ("POWERLINE-AS-AP - POWER LINE DATACENTER", "hosting"),
        ("Atom Hosting SRL", "hosting"),
        ("Cloudflare, Inc.", "cdn"),
        ("Akamai International B.V.", "cdn"),
        ("Princeton University", "education"),
        ("Universitaet Stuttgart", "education"),
        ("Universidad de Chile", "education"),
        ("Seattle Public Schools", "education"),
        ("China Education and Research Network Center", "education"),
        ("МБОУ школа 12", "education"),
        ("T-Mobile USA, Inc.", "mobile"),
        ("Reliance Jio Infocomm Limited", "mobile"),
        ("Safaricom Limited", "mobile"),
        ("Exxon Mobil Corporation", None),
        ("Comcast Cable Communications, LLC", "consumer"),
        ("Deutsche Telekom AG", "consumer"),
        ("Vodafone GmbH", "consumer"),
        ("TELEFONICA BRASIL S.A", "consumer"),
        ("NTT DOCOMO BUSINESS,Inc.", None),
        ("Ford Motor Company", None),
        ("United States Department of Defense (DoD)", None),
        ("Universal Music Group", None),
        ("", None),
        (None, None),
    ],
)
def test_a_name_tells_the_kind(name: str | None, kind: str | None) -> None:
    assert kind_of(None, name) == kind


@pytest.mark.parametrize(
    ("number", "name", "kind"),
    [
        (4713, "NTT DOCOMO BUSINESS,Inc.", "consumer"),
        (35540, "OVH-TELECOM OVH SAS", "consumer"),
        (16591, "Google Fiber Inc.", "consumer"),
        (37611, "AFRIHOST SP (PTY) LTD", "consumer"),
        (6167, "Verizon Business", "mobile"),
        (1680, "Cellcom Fixed Line Communication L.P", "consumer"),
        (63949, "Akamai Connected Cloud", "hosting"),
        (786, "Jisc Services Limited", "education"),
        (174, "Cogent Communications, LLC", None),
    ],
)
def test_a_number_overrules_a_name_that_misleads(number: int, name: str, kind: str | None) -> None:
    assert kind_of(number, name) == kind


def test_every_number_in_the_tables_is_a_network_that_exists(ip_data: DataPaths) -> None:
    wanted = {*_BY_NUMBER, *VPN_OPERATORS, *CLOUDFLARE, APPLE_RELAY}
    found: dict[int, str] = {}
    with maxminddb.open_database(ip_data.asn) as reader:
        for _, record in reader:
            assert isinstance(record, dict)
            number = record["autonomous_system_number"]
            if isinstance(number, int) and number in wanted:
                found[number] = str(record["autonomous_system_organization"])
            if len(found) == len(wanted):
                break
    assert wanted - found.keys() == set()
    assert all("Proton" in found[number] or "VPN" in found[number] for number in VPN_OPERATORS)
    assert all("Cloudflare" in found[number] for number in CLOUDFLARE)
    assert "Akamai" in found[APPLE_RELAY]
