"""Kinds of networks from names that registries hold, and from numbers where the name misleads."""

import re

import maxminddb
import pytest

from riskapi.datasets.installed import DataPaths
from riskapi.datasets.network_kinds import APPLE_RELAY, CLOUDFLARE, INSTALLED, NetworkKinds, installed

KINDS = installed()
kind_of = KINDS.kind_of


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
        # C07: words of hosts in the names of who sells lines.
        ("Cloud 9 Wireless LLC", "consumer"),
        ("CLOUDWIFI, SL", "consumer"),
        ("Cloudlasers Broadband", "consumer"),
        ("Cloud Net Cable and Telecom Inc.", "consumer"),
        ("IWserver Internet Banda Larga Ltda.", "consumer"),
        ("Darkcloud Internet Service Provider Private Limited", "consumer"),
        ("Server ISP", "consumer"),
        ("Host Fibre Ltd", "consumer"),
        ("Ghost Telecom", "consumer"),
        ("AMAZON TELECOM LTDA", None),
        ("AMAZON+ SERVICOS DE INTERNET LTDA", None),
        ("Cloud Telecom LTDA", None),
        ('BRM-DataCenter "Uzbektelekom" Joint Stock Company', None),
        ("VPS Broadband And Telecommunications Pvt Ltd", None),
        ("Microsoft Mobile Alliance Internet Services Co., Ltd", None),
        # Hosts with words of who sells lines; an internet data center hosts, whoever's it is.
        ("CHINANET SiChuan Telecom Internet Data Center", "hosting"),
        ("IDC, China Telecommunications Corporation", "hosting"),
        ("Servicos de Hosting en Internet S.A.", "hosting"),
        ("Beijing Kingsoft Cloud Internet Technology Co., Ltd", "hosting"),
        ("Eurofiber Cloud Infra B.V.", "hosting"),
        ("SCALEWAY S.A.S.", "hosting"),
        # Words inside other words, and places.
        ("CITY-OF-STCLOUD-FL - CITY OF ST. CLOUD", None),
        ("Ville de Saint-Cloud", None),
        ("The Daily Observer", None),
        ("Standard Chartered Bank", None),
        ("Vodafone_Iceland Syn hf", "consumer"),
        # C08: national research networks, whatever else their name says.
        ("SURF B.V.", "education"),
        ("Jisc Services Limited", "education"),
        ("Renater", "education"),
        ("Consortium GARR", "education"),
        ("Verein zur Foerderung eines Deutschen Forschungsnetzes e.V.", "education"),
        ("Uganda Research and Education Network", "education"),
        ("Internet2", "education"),
        ("Surfnet Communications, Inc.", "consumer"),
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
        (54723, "Midwest Data Center, Inc.", "consumer"),  # Umkus/ip-index#56
        (38895, "Amazon.com Tech Telecom", "hosting"),
        (1133, "SURF B.V.", "education"),
        # Their names say communications, an agency, or nothing.
        (17934, "JGNv6 - National Institute of Information and Communications Technology", "education"),
        (9270, "National Infomation Society Agency", "education"),
        (7472, "NUS Information Technology", "education"),
        (291, "ESnet", "education"),
        (376, "Reseau d'Informations Scientifiques du Quebec (RISQ Inc.)", "education"),
        (3267, "niks SCIENTIFIC RESEARCH INSTITUTE", "education"),
        (209103, "ProtonVPN Proton AG", "hosting"),
    ],
)
def test_a_number_overrules_a_name_that_misleads(number: int, name: str, kind: str | None) -> None:
    assert kind_of(number, name) == kind


def test_every_number_in_the_tables_is_a_network_that_exists(ip_data: DataPaths) -> None:
    wanted = {*KINDS.numbers, *CLOUDFLARE, APPLE_RELAY}
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
    assert all("Proton" in found[number] or "VPN" in found[number] for number in KINDS.vpn)
    assert all("Cloudflare" in found[number] for number in CLOUDFLARE)
    assert "Akamai" in found[APPLE_RELAY]


HEAD = b"# as_of: 2026-11-22\n# source: ours\nof,value,kind,note\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no line that begins with '# as_of:'"),
        (b"# as_of: 2026-11-22\n", "no line that begins with '# source:'"),
        (HEAD.replace(b"2026-11-22", b"today"), "as_of is not a day"),
        (HEAD.replace(b"value", b"asn"), "line 3: the columns are not of,value,kind,note"),
        (HEAD + b"number,1,hosting\n", "line 4: it has 3 cells"),
        (HEAD + b"number,1,datacentre,\n", "line 4: no kind is called 'datacentre'"),
        (HEAD + b"number,AS1,hosting,\n", "line 4: it is neither a number nor a name"),
        (HEAD + b"name,Hetzner,hosting,\n", "line 4: it is neither a number nor a name"),
        (HEAD + b"name,x,hosting,\n", "line 4: it is neither a number nor a name"),
        (HEAD + b"name,-&-,hosting,\n", "line 4: it is neither a number nor a name"),
        (HEAD + b"number,1,hosting,\nnumber,1,mobile,\n", "line 5: 1 is there twice"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_line(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        NetworkKinds(content)


def test_a_table_counts_before_words() -> None:
    found = NetworkKinds(HEAD + b"number,64500,consumer,\nname,example lines,consumer,\nname,a|b.,hosting,\n")
    assert (len(found), found.kind_of(64500, "Example Hosting"), found.kind_of(None, "EXAMPLE LINES")) == (
        3, "consumer", "consumer",
    )  # fmt: skip
    assert (found.kind_of(None, "A|B. Inc."), found.kind_of(None, "ab"), found.kind_of(None, "Hetzner")) == (
        "hosting", None, None,
    )  # fmt: skip
    assert b"# source: " in INSTALLED.read_bytes()
