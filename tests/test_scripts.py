import pytest

from signals.scripts import is_lookalike, is_mixed, latin_skeleton, scripts


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
    ],
    ids=ascii,
)
def test_only_mixtures_no_language_makes_are_mixed(text: str, mixed: bool) -> None:
    assert is_mixed(text) is mixed


@pytest.mark.parametrize(
    ("text", "lookalike"),
    [
        ("аррӏе", True),
        ("gmаil", True),
        ("ресурсы", False),
        ("пример", False),
        ("apple", False),
        ("bücher", False),
        ("東京", False),
    ],
    ids=ascii,
)
def test_lookalikes_read_as_latin_throughout(text: str, lookalike: bool) -> None:
    assert is_lookalike(text) is lookalike


def test_the_skeleton_is_what_a_reader_of_latin_sees() -> None:
    assert latin_skeleton("аррӏе") == "apple"
    assert latin_skeleton("gmáil") == "gmail"
    assert latin_skeleton("Apple") == "apple"


def test_scripts_are_named() -> None:
    assert scripts("aя東") == {"LATIN", "CYRILLIC", "CJK"}
    assert scripts("123") == frozenset()
