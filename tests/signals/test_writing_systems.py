import pytest

from signals.writing_systems import is_mixed, scripts


@pytest.mark.parametrize(
    ("text", "mixed"),
    [
        ("ruiz", False),
        ("bücher", False),
        ("пример", False),
        ("東京タワーです", False),
        ("toyota自動車", False),
        ("samsung삼성", False),
        ("สวัสดีhello", False),
        ("pаypal", True),
        ("αpple", True),
        ("привет東京", True),
        ("שלוםпривет", True),
        ("12-3", False),
        # One script of limited use, or of the past, beside Latin (WebKit/WebKit#2760, browser-use/desktop#23).
        ("ᗷank", True),
        ("ꓐank", True),
        ("Ꭰpple", True),
        ("ⲣaypal", True),
        ("𐐬range", True),
        ("bankⵏ", True),
        # Alone each is somebody's language.
        ("ᏣᎳᎩ", False),
        ("ⴰⵎⴰⵣⵉⵖ", False),
        ("ᐃᓄᒃᑎᑐᑦ", False),
        # Mixtures that languages make.
        ("ひらがなkana漢字", False),
        ("注音ㄅlatin", False),
        ("한국韓國korea", False),
        ("देवanagari", False),
        ("עבריתlatin", False),
        # And those that none does.
        ("ひらがな한국", True),
        ("ไทยไทयहि", True),
    ],
    ids=ascii,
)
def test_only_mixtures_no_language_makes_are_mixed(text: str, mixed: bool) -> None:
    assert is_mixed(text) is mixed


def test_scripts_are_named() -> None:
    assert scripts("aя東") == {"LATIN", "CYRILLIC", "HAN"}
    assert scripts("123") == frozenset()
