"""Material for invented names: syllables by family of languages, in the script people write and in Latin letters.

None of these is anyone's name: they are made to *look* like the names of many languages, long and short,
with and without vowels between consonants, so that the model does not learn that unfamiliar names are fake.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tongue:
    """How names of a family of languages are put together.

    ``syllables`` are ``latin`` or ``latin:native`` pairs; a given name takes ``given`` of them (lowest, highest), a
    family name ``family``, each closed by one of the endings. ``family_first`` is the order in which people write them;
    ``single`` the share of people with one name only. ``native`` is the share who write their name in their own script.
    """

    syllables: tuple[str, ...]
    given: tuple[int, int]
    family: tuple[int, int]
    given_endings: tuple[str, ...] = ("",)
    family_endings: tuple[str, ...] = ("",)
    family_first: bool = False
    single: float = 0.0
    native: float = 0.5


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_LATIN_SOUTH = _split(
    "ma ra le lo ca ri ta no be sa mi lu pe va do ga fe na co ro li te so ven mar cor sal bel tor lan fer ber gon"
)
_CHINESE = _split(
    "wei:伟 fang:芳 na:娜 min:敏 jing:静 li:丽 qiang:强 lei:磊 jun:军 yang:洋 yong:勇 yan:艳 "
    "jie:杰 juan:娟 tao:涛 ming:明 chao:超 xia:霞 ping:平 gang:刚 zhen:珍 xue:雪 qing:清 "
    "hong:红 yun:云 lin:林 zhang:张 wang:王 chen:陈 liu:刘 huang:黄 zhao:赵 xu:徐 zhu:朱 "
    "gao:高 cai:蔡 shen:沈 lu:卢"
)
_KOREAN = _split(
    "min:민 seo:서 ji:지 hyun:현 jun:준 woo:우 eun:은 young:영 hye:혜 jin:진 sung:성 kyung:경 "
    "soo:수 dong:동 tae:태 yeon:연 hee:희 seung:승 in:인 kyu:규"
)
_JAPANESE = _split(
    "ha:はる ka:か na:な mi:み yu:ゆ ko:こ ta:た ro:ろ shi:し ki:き mo:も ri:り sa:さ to:と "
    "no:の ma:ま wa:わ chi:ち tsu:つ hi:ひ ya:や ku:く shu:しゅ kyo:きょ"
)
_THAI = _split(
    "som:สม chai:ชัย pon:พร wan:วรรณ krit:กฤต siri:ศิริ nat:ณัฐ tha:ธา pong:พงษ์ rat:รัตน์ "
    "wong:วงศ์ suk:สุข kan:กาญ ya:ญา mon:มน phat:พัฒน์ cha:ชา lak:ลักษณ์ no:โน wit:วิทย์"
)
_INDIC = _split(
    "ra:र vi:वि sha:शा nka:ंका de:दे va:व su:सु bra:ब्र ma:म ni:नि ya:य la:ल kri:कृ shna:ष्ण "
    "pra:प्र bha:भा ga:ग tha:था ve:वे nu:नु ja:ज sri:श्री ti:ति ka:क"
)
_ARABIC = _split(
    "mo:مو ha:حا m:م ed:يد ah:أح sa:سا ra:را ka:كا li:لي na:نا wa:وا fa:فا ti:تي ma:ما yu:يو "
    "su:سو kha:خا di:دي ra:ر ja:جا bi:بي ba:با sha:شا zi:زي"
)
_CYRILLIC = _split(
    "ole:оле na:на ta:та lia:ля ma:ма ryn:рин vo:во lo:ло dy:ди myr:мир ser:сер hi:гі an:ан "
    "dri:дрі ka:ка te:те ry:ри bo:бо khr:хр yk:ик shch:щ ze:зе stan:стан"
)
_GREEK = _split(
    "ma:μα ri:ρι a:α the:θε o:ο do:δω ra:ρα ko:κω sta:στα nti:ντι pa:πα ni:νι ka:κα le:λε "
    "ge:γε lo:λο fo:φω ti:τι xe:ξε nik:νικ"
)
_HEBREW = _split("no:נו a:א yo:יו si:סי sha:שא ra:רא li:לי da:דא ni:ני ta:טא mi:מי ro:רו el:אל ge:גא va:בא tz:צ ke:קא")

TONGUES: dict[str, Tongue] = {
    "german": Tongue(
        _split("an kar jo hel wil ger fried mat leo the lu stef ha vin tor el sü bär schäf krü hoff wei stein berg"),
        (1, 2), (1, 2), _split("a e as rich mut ke ine o"), _split("er mann ke berg huber stein meijer dijk sma hoff"),
    ),
    "nordic": Tongue(
        _split("ing frei as tor sig hal gun mag len vid bjö lin kar å ös nor sten ström"),
        (1, 2), (1, 2), _split("a rid mar e ar if"), _split("sson gren ström qvist lund berg dal"),
    ),
    "finnish": Tongue(
        _split("ai vei kaa nii tuu mark han mat sep ja pek ki sal vir koi hei läm ran kor nie"),
        (1, 2), (1, 3), _split("no ra lla kko ja u ri"), _split("nen la inen mäki niemi vuori"),
    ),
    "french": Tongue(
        _split("jé cla mar lu an pau gé hé sé bas ma ro del gau mou ri beau che va flo char"),
        (1, 2), (1, 2), _split("tte ne ric ien lle ôme el"), _split("ier eau ault ard ot ette oux"),
    ),
    "spanish": Tongue(
        _LATIN_SOUTH, (1, 2), (1, 2), _split("a o el ía és na"), _split("ez illo ado ón era ares ía ñoz"),
    ),
    "portuguese": Tongue(
        _LATIN_SOUTH, (1, 2), (1, 2), _split("a o ão inho ana el"), _split("eira es alho inho ões osa ães"),
    ),
    "italian": Tongue(
        _LATIN_SOUTH, (1, 2), (1, 3), _split("a o ella ina uca io"), _split("ini etti one ucci ardi ello i"),
    ),
    "romanian": Tongue(
        _split("io an cri mi flo co ra du ga do si la bo mun pe ne ste"),
        (1, 2), (1, 2), _split("a u ana in el ut"), _split("escu eanu ariu oiu ache"),
    ),
    "slavic": Tongue(
        _split("krzy woj szcz przem mag zbi bar ja kat mil bro sta pav je dra jir hra wrz gra chr dzi żó mał"),
        (1, 2), (1, 2), _split("sztof ciech a na sław ek ka"), _split("wski czyk owicz cki ová ek czak"),
    ),
    "cyrillic": Tongue(_CYRILLIC, (2, 3), (2, 3), ("", ":"), _split("enko:енко uk:ук iv:ів skyi:ський chuk:чук")),
    "greek": Tongue(_GREEK, (2, 3), (2, 4), _split("s:ς a:α os:ος"), _split("poulos:πουλος idis:ίδης akis:άκης ou:ου")),
    "turkish": Tongue(
        _split("meh em se ay can ö z e ra bü kaya de mir yıl çe şa gü ha tuğ ol ir nur"),
        (1, 2), (1, 2), _split("met re gül n a t han"), _split("oğlu kan kaya maz er türk gil"),
    ),
    "hebrew": Tongue(_HEBREW, (1, 2), (2, 3), ("m:ם", "l:ל", "n:ן")),
    "arabic": Tongue(_ARABIC, (2, 3), (2, 3), _split("d:د n:ن m:م a:ة r:ر"), _split("i:ي n:ن wi:وي r:ر"), native=0.3),
    "west_african": Tongue(
        _split("chu ol u ku wa ngo zi e me ka olu fe mi ade ba yo nwa bu ife to ko ogu chi ne du iyi"),
        (2, 4), (2, 4), _split("a e i ola nna"), _split("eke wumi kwu de ola nwa mba"),
    ),
    "bantu": Tongue(
        _split("tha bo si nju wa mwa ngi ka ri za ne no ku lu mo se tshe nda mba zi ki pho"),
        (2, 3), (2, 3), _split("ni ro le we to"), _split("ngu mba u ele so ri"),
    ),
    "indic": Tongue(_INDIC, (2, 4), (2, 5), ("", "n:न", "m:म"), _split("n:न swamy:स्वामी rao:राव ppa:प्पा "), native=0.2),
    "malay": Tongue(
        _split("ba su di ri ku wi pra tri nur an se tya wa hen dra ha yu la ra mu ti gus"),
        (2, 3), (2, 3), _split("ti to a h ni"), _split("wan to di no man ari"), single=0.25,
    ),
    "filipino": Tongue(
        _LATIN_SOUTH, (1, 3), (1, 3), _split("a o lyn jun ah mae"), _split("os agan ez in uyan ona"),
    ),
    "vietnamese": Tongue(
        _split("ngu tha nh phu tra vie thu hie qua du my la mi ng kho xua tru đứ hươ ngọ"),
        (1, 1), (1, 1), _split("n ng nh c t y i"), _split("n ng nh m i"), family_first=True,
    ),
    "thai": Tongue(_THAI, (2, 3), (3, 5)),
    "japanese": Tongue(_JAPANESE, (2, 3), (2, 3), family_first=True),
    "korean": Tongue(_KOREAN, (2, 2), (1, 1), family_first=True, native=0.7),
    "chinese": Tongue(_CHINESE, (1, 2), (1, 1), family_first=True, native=0.7),
}  # fmt: skip
