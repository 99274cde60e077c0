"""Where simulated people live: share, time zones, languages, access providers, mailboxes, company domains.

AS numbers are the public ones of the named organisations (whois of the five regional registries); the
addresses themselves are drawn from the AS database at run time. Shares are our own choice: broad
coverage of languages and scripts counts for more here than the true size of any market.
"""

from __future__ import annotations

from dataclasses import dataclass

Weighted = dict[str, float]


@dataclass(frozen=True, slots=True)
class Country:
    """One country as the simulator sees it.

    ``consumer``, ``mobile`` and ``education`` are AS numbers; ``languages`` maps ``Accept-Language`` primary
    choices to weights; ``mail`` maps providers to weights; ``domains`` are the endings companies there use;
    ``tongue`` names the family of invented names in :mod:`training.simulator.names`.
    """

    code: str
    share: float
    tongue: str
    zones: Weighted
    languages: Weighted
    consumer: tuple[int, ...]
    mobile: tuple[int, ...]
    education: tuple[int, ...]
    mail: Weighted
    domains: tuple[str, ...]


_GLOBAL: Weighted = {
    "gmail.com": 70,
    "outlook.com": 8,
    "hotmail.com": 8,
    "yahoo.com": 7,
    "icloud.com": 6,
    "proton.me": 1,
}


def _mail(**local: float) -> Weighted:
    """The providers used everywhere, and those of one country (underscores stand for dots)."""
    return _GLOBAL | {name.replace("_", "."): weight for name, weight in local.items()}


def _country(
    code: str,
    share: float,
    tongue: str,
    zones: Weighted | str,
    languages: Weighted | str,
    consumer: tuple[int, ...],
    mobile: tuple[int, ...],
    education: tuple[int, ...] = (),
    mail: Weighted | None = None,
    domains: tuple[str, ...] = ("com",),
) -> Country:
    return Country(
        code,
        share,
        tongue,
        {zones: 1.0} if isinstance(zones, str) else zones,
        {languages: 1.0} if isinstance(languages, str) else languages,
        consumer,
        mobile,
        education,
        mail or _mail(),
        domains,
    )


_US_ZONES: Weighted = {"America/New_York": 5, "America/Chicago": 3, "America/Denver": 1, "America/Los_Angeles": 3}
_US_MAIL = _mail(aol_com=4, comcast_net=2, att_net=1)
_DE_MAIL = _mail(gmx_de=22, web_de=18, gmx_net=4, posteo_de=1) | {"t-online.de": 5}
_FR_MAIL = _mail(orange_fr=9, free_fr=7, laposte_net=5, hotmail_fr=6, sfr_fr=3)
_CN_MAIL: Weighted = {"qq.com": 45, "163.com": 22, "126.com": 8, "gmail.com": 10, "outlook.com": 8, "foxmail.com": 5}
_US = (7922, 7018, 701, 20115, 22773, 10796)
_US_EDU = (3, 46, 32, 25, 73, 87, 88, 59, 26, 27, 111, 55, 3582)

#: Every simulated country.
COUNTRIES: tuple[Country, ...] = (
    _country("US", 17, "english", _US_ZONES, {"en-US": 88, "es-US": 9, "zh-CN": 1}, _US, (21928, 6167, 20057), _US_EDU,
             _US_MAIL, ("com", "com", "net", "org", "io", "co")),
    _country("CA", 3, "english", {"America/Toronto": 5, "America/Vancouver": 2}, {"en-CA": 7, "en-US": 2, "fr-CA": 3},
             (577, 812, 6327, 852, 5645), (812, 852), (239, 271, 376), _mail(), ("ca", "com")),
    _country("GB", 6, "english", "Europe/London", {"en-GB": 9, "en-US": 1}, (2856, 5607, 5089, 13285),
             (12576, 206067, 25135), (786,), _mail(hotmail_co_uk=8, btinternet_com=5), ("co.uk", "com", "uk")),
    _country("AU", 2, "english", {"Australia/Sydney": 3, "Australia/Perth": 1}, {"en-AU": 8, "en-US": 1},
             (1221, 7545, 4764), (133612, 1221), (7575,), _mail(bigpond_com=4), ("com.au", "com")),
    _country("DE", 7, "german", "Europe/Berlin", {"de-DE": 9, "en-US": 1, "tr-TR": 0.4}, (3320, 3209, 31334, 8881),
             (6805, 3209), (680, 12816), _DE_MAIL, ("de", "de", "com", "net")),
    _country("NL", 3, "german", "Europe/Amsterdam", {"nl-NL": 8, "en-US": 2}, (1136, 33915), (50266, 1136), (1103,),
             _mail(ziggo_nl=5, kpnmail_nl=3), ("nl", "nl", "com")),
    _country("SE", 2, "nordic", "Europe/Stockholm", {"sv-SE": 8, "en-US": 2}, (3301, 1257, 8473), (44034, 1257),
             (1653,), _mail(hotmail_se=4, telia_com=3), ("se", "com")),
    _country("FI", 1.5, "finnish", "Europe/Helsinki", {"fi-FI": 8, "en-US": 1, "sv-FI": 1}, (1759, 719, 16086),
             (719, 16086), (1741,), _mail(luukku_com=3), ("fi", "com")),
    _country("FR", 5, "french", "Europe/Paris", {"fr-FR": 9, "en-US": 1}, (3215, 12322, 15557, 5410), (51207, 5410),
             (2200,), _FR_MAIL, ("fr", "com")),
    _country("ES", 4, "spanish", "Europe/Madrid", {"es-ES": 8, "ca-ES": 1, "en-US": 1}, (3352, 12479, 12430, 57269),
             (12479, 12430), (766,), _mail(hotmail_es=6, telefonica_net=2), ("es", "com")),
    _country("IT", 4, "italian", "Europe/Rome", {"it-IT": 9, "en-US": 1}, (3269, 30722, 12874), (1267, 24608), (137,),
             _mail(libero_it=14, alice_it=3, virgilio_it=3), ("it", "com")),
    _country("PL", 3, "slavic", "Europe/Warsaw", {"pl-PL": 9, "en-US": 1, "uk-UA": 1}, (5617, 12912), (8374, 39603),
             (8501,), _mail(wp_pl=14, o2_pl=8, interia_pl=6, onet_pl=7), ("pl", "com.pl", "com")),
    _country("CZ", 1.5, "slavic", "Europe/Prague", {"cs-CZ": 9, "en-US": 1}, (5610, 28725), (13036, 16019), (2852,),
             _mail(seznam_cz=45, centrum_cz=6, email_cz=5), ("cz", "com")),
    _country("UA", 2, "cyrillic", "Europe/Kyiv", {"uk-UA": 7, "ru-UA": 2, "en-US": 1}, (6849, 25229, 13188),
             (15895, 21497, 34058), (), _mail(ukr_net=25, i_ua=4), ("com.ua", "ua", "com")),
    _country("RO", 1.5, "romanian", "Europe/Bucharest", {"ro-RO": 8, "en-US": 2}, (8708, 9050), (9050, 12302), (),
             _mail(yahoo_ro=3), ("ro", "com")),
    _country("GR", 1.5, "greek", "Europe/Athens", {"el-GR": 8, "en-US": 2}, (6799, 1241, 3329), (3329,), (5408,),
             _mail(yahoo_gr=4), ("gr", "com")),
    _country("TR", 2.5, "turkish", "Europe/Istanbul", {"tr-TR": 9, "en-US": 1}, (9121, 47331, 34984),
             (16135, 20978, 15897), (), _mail(hotmail_com_tr=1), ("com.tr", "com")),
    _country("IL", 1, "hebrew", "Asia/Jerusalem", {"he-IL": 7, "en-US": 3}, (8551, 1680), (12400,), (),
             _mail(walla_co_il=4), ("co.il", "com")),
    _country("SA", 1.2, "arabic", "Asia/Riyadh", {"ar-SA": 8, "en-US": 2}, (25019, 39891), (35819, 43766), (), _mail(),
             ("com.sa", "com")),
    _country("EG", 1.5, "arabic", "Africa/Cairo", {"ar-EG": 7, "en-US": 3}, (8452, 24863), (24835, 36992), (), _mail(),
             ("com", "com.eg")),
    _country("MA", 1, "arabic", "Africa/Casablanca", {"fr-MA": 6, "ar-MA": 4}, (36903, 6713), (36925,), (),
             _mail(hotmail_fr=5), ("ma", "com")),
    _country("NG", 2, "west_african", "Africa/Lagos", {"en-NG": 3, "en-GB": 3, "en-US": 4}, (37282, 37148),
             (29465, 36873, 37148), (), _mail(yahoo_co_uk=3), ("com.ng", "com", "ng")),
    _country("KE", 1, "bantu", "Africa/Nairobi", {"en-US": 5, "en-GB": 4, "sw-KE": 1}, (33771, 15399), (37061, 36926),
             (36914,), _mail(), ("co.ke", "com")),
    _country("ZA", 1.5, "bantu", "Africa/Johannesburg", {"en-ZA": 5, "en-GB": 3, "af-ZA": 1}, (37457, 5713, 37611),
             (29975, 16637), (2018,), _mail(mweb_co_za=2), ("co.za", "com")),
    _country("IN", 7, "indic", "Asia/Kolkata", {"en-IN": 5, "en-US": 3, "en-GB": 2, "hi-IN": 1},
             (24560, 17488, 9829), (45609, 55836, 38266, 45271), (55824, 2697), _mail(rediffmail_com=3, yahoo_co_in=4),
             ("in", "com", "co.in")),
    _country("PK", 1.2, "arabic", "Asia/Karachi", {"en-US": 6, "en-GB": 2, "ur-PK": 2}, (17557, 23674, 9541),
             (45669, 59257), (), _mail(), ("com", "pk", "com.pk")),
    _country("BD", 1, "indic", "Asia/Dhaka", {"en-US": 6, "bn-BD": 4}, (17494, 58717), (24389, 24432, 45245), (),
             _mail(), ("com", "com.bd")),
    _country("ID", 3, "malay", {"Asia/Jakarta": 8, "Asia/Makassar": 2}, {"id-ID": 8, "en-US": 2}, (7713, 23700),
             (23693, 24203, 4761), (), _mail(yahoo_co_id=5), ("co.id", "com", "id")),
    _country("PH", 2, "filipino", "Asia/Manila", {"en-US": 6, "en-PH": 3, "fil-PH": 1}, (9299, 17639, 4775),
             (132199, 10139), (), _mail(yahoo_com_ph=5), ("com", "ph", "com.ph")),
    _country("VN", 2, "vietnamese", "Asia/Ho_Chi_Minh", {"vi-VN": 9, "en-US": 1}, (45899, 18403), (7552, 24086), (),
             _mail(), ("vn", "com.vn", "com")),
    _country("TH", 1.5, "thai", "Asia/Bangkok", {"th-TH": 9, "en-US": 1}, (17552, 23969, 45758), (131445,),
             (4621, 3836), _mail(hotmail_co_th=2), ("co.th", "com")),
    _country("JP", 4, "japanese", "Asia/Tokyo", {"ja-JP": 9, "ja": 2, "en-US": 1}, (2516, 17676, 4713, 2519),
             (9605, 2516, 17676), (7660, 2500), _mail(yahoo_co_jp=28, docomo_ne_jp=8, ezweb_ne_jp=4),
             ("co.jp", "jp", "com")),
    _country("KR", 3, "korean", "Asia/Seoul", {"ko-KR": 9, "en-US": 1}, (4766, 9318, 3786), (9644, 4766), (9270,),
             _mail(naver_com=55, hanmail_net=12, daum_net=8), ("co.kr", "kr", "com")),
    _country("CN", 3, "chinese", "Asia/Shanghai", {"zh-CN": 9, "en-US": 1}, (4134, 4837, 4808), (9808, 56046, 24400),
             (4538,), _CN_MAIL, ("cn", "com.cn", "com")),
    _country("BR", 5, "portuguese", {"America/Sao_Paulo": 9, "America/Manaus": 1}, {"pt-BR": 9, "en-US": 1},
             (28573, 27699, 18881, 8167), (26599, 26615), (1916,), _mail(hotmail_com_br=1, uol_com_br=6, bol_com_br=4),
             ("com.br", "com")),
    _country("MX", 3, "spanish", {"America/Mexico_City": 8, "America/Tijuana": 1}, {"es-MX": 8, "es-419": 2},
             (8151, 13999, 17072), (28403,), (), _mail(live_com_mx=3, prodigy_net_mx=2), ("com.mx", "mx", "com")),
    _country("AR", 2, "spanish", "America/Argentina/Buenos_Aires", {"es-AR": 7, "es-419": 3}, (7303, 22927, 11664),
             (7303, 22927), (), _mail(hotmail_com_ar=3, yahoo_com_ar=5), ("com.ar", "com")),
    _country("CO", 1.5, "spanish", "America/Bogota", {"es-CO": 6, "es-419": 4}, (10620, 3816, 13489), (26611,), (),
             _mail(), ("com.co", "co", "com")),
    _country("PE", 1, "spanish", "America/Lima", {"es-PE": 6, "es-419": 4}, (6147, 12252, 27843), (21575, 12252), (),
             _mail(), ("pe", "com.pe", "com")),
)  # fmt: skip
BY_CODE: dict[str, Country] = {country.code: country for country in COUNTRIES}
