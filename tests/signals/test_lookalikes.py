import pytest

from signals import lookalikes
from signals.lookalikes import is_lookalike, latin_skeleton

#: What reads as plain Latin and is not.
IMITATIONS = [
    # Whole words of another script: elceef/dnstwist#174, and Chromium's tests of its IDN policy.
    *["аррӏе", "уаһоо", "раураӏ", "аоӏ", "аха", "ӏсӏ", "еьау", "ӏіѵе", "ԍоԍԍӏе", "ѕсоре"],
    # Letters that pass in bad light, in company of one that gives them away, or where a known word comes of it.
    *["ѕкуре", "ԝікіреԁіа", "маіӏ", "геԁԁіт", "тԝіттєг", "ԝаӏмагт"],
    # One letter among Latin ones.
    *["gmаil", "gօօgle", "paypaӏ", "gооgle", "aмazon", "ᗷank", "ꓐank", "Ꭵnstagram", "ⲣaypal", "faceьook"],
    # Twins within the Latin script: Phishing-Database/phishing#508, WebKit/WebKit#57882 and #16179.
    *["ɡithub", "ɡooɡle", "pɑypal", "ʏahoo", "ꜱkype", "sĸype", "ẝacebook"],
    # Small capitals, all of them: ɢoogle.com was the sender of a wave of spam in 2016.
    *["ɢoogle", "ʟinkedin", "ᴘaypal", "ɴetflix", "ꜰacebook", "miᴄʀosoft"],
]

#: What is written honestly.
HONEST = [
    # Letters with accents, and those of living alphabets.
    *["bücher", "gmáil", "københavn", "łódź", "ışık", "kadın", "straße", "æble", "þing", "eʋe", "nɛŋ", "crème", "đà"],
    # One script whose letters say something else to a reader of Latin.
    *["пример", "ресурсы", "москва", "парк", "курс", "касса", "парус", "пресса", "сахарок", "мама", "нота"],
    *["кот", "горох", "агро"],
    *["ελλάδα", "հայաստան", "საქართველო", "東京", "서울", "ไทย", "भारत", "עברית", "عربي", "አማርኛ"],
    # Mixtures that languages make.
    *["toyota自動車", "samsung삼성", "ソニーsony"],
    *["apple", "123", "a-b", ""],
]


@pytest.mark.parametrize("word", IMITATIONS, ids=ascii)
def test_imitations_of_latin_words_are_seen(word: str) -> None:
    assert is_lookalike(word) and is_lookalike(word, "com")


@pytest.mark.parametrize("word", HONEST, ids=ascii)
def test_honest_words_are_no_imitations(word: str) -> None:
    assert not is_lookalike(word, "com")


@pytest.mark.parametrize(
    ("word", "ending", "lookalike"),
    [
        ("сахар", "com", True),
        ("сахар", "ru", False),
        ("сахар", "ua", False),
        ("сахар", "gr", True),
        ("νικη", "gr", False),
        ("gmаil", "ru", True),
        ("ɡithub", "ru", True),
    ],
    ids=ascii,
)
def test_whole_words_of_a_script_are_ordinary_where_it_is_at_home(word: str, ending: str, lookalike: bool) -> None:
    assert is_lookalike(word, ending) is lookalike


@pytest.mark.parametrize(
    ("text", "skeleton"),
    [
        ("аррӏе", "apple"),
        ("gmáil", "gmail"),
        ("Apple", "apple"),
        ("ԍооԍӏе", "google"),
        ("ɡithub", "github"),
        ("ᗷank", "bank"),
        ("łódź", "lodz"),
        ("їсе", "ice"),
        ("東京", "東京"),
    ],
    ids=ascii,
)
def test_the_skeleton_is_what_a_reader_of_latin_sees(text: str, skeleton: str) -> None:
    assert latin_skeleton(text) == skeleton


def test_nothing_of_ours_restates_what_the_package_has() -> None:
    """A release of the package that knows one of these fails here: then it goes from our table."""
    package = dict(lookalikes._prototypes())
    assert {letter for letter, plain in lookalikes._BESIDE.items() if package.get(letter) == plain} == set()
