import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signals.local_part import (
    alternations,
    analyse,
    entropy,
    fold,
    keyboard_walk,
    known_letters,
    letter_runs,
    likelihood,
)

#: Romanised names of many languages, invented combinations: none may read as random.
NAMES = [
    "wojciechowski", "przybylski", "szczepaniak", "grzegorz", "krzysztof", "brzeczyszczykiewicz", "nguyenvanan",
    "tranthibich", "phamquang", "oluwaseun", "chukwuemeka", "adebayoade", "ngozichukwu", "mbekizulu", "nkosazana",
    "thabompofu", "zhangwei", "xiaomingli", "wangxiuying", "zhaoxuefeng", "qiuxiaohua", "hiroshitanaka",
    "takahashiyuki", "shinichikobayashi", "muhammadabdullah", "abdulrahman", "khadijahassan", "yusufozdemir",
    "mehmetyilmaz", "gulsahcetin", "srinivasan", "venkatesh", "krishnamurthy", "lakshminarayanan", "rajeshkumar",
    "priyankasharma", "dmitriivanov", "svetlanakuznetsova", "volodymyr", "vyacheslav", "mykhailenko",
    "hrvojehorvat", "srdjanpetrovic", "strnadova", "ctvrtnicek", "zdenekprochazka", "kovacsistvan", "szilvianagy",
    "gyorgyszabo", "paivikorhonen", "virtanenjukka", "gudmundsdottir", "joaopereira", "ximenarodriguez",
    "guillermogonzalez", "iturriagagoitia", "etxeberria", "agirrezabala", "llewelyn", "angharad", "gwenllian",
    "siobhanmurphy", "caoimhe", "mcdonagh", "vandenberghe", "schwarzenegger", "hoffmannschulz", "jurgensmeyer",
    "suwannarat", "chaiyapruk", "putrawijaya", "sitirahmawati", "bambangsusilo", "kimminjun", "parkjiwoo",
    "choiseungho", "leehyunjung", "gebreselassie", "tewodros", "mwangikamau", "wanjikunjoroge", "papadopoulos",
    "konstantinos", "davitashvili", "mkrtchyan", "hovhannisyan", "aigerimnurlan",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_of_many_languages_are_not_unlikely(name: str) -> None:
    found = analyse(name).likelihood
    assert found is not None
    assert found > -6.5


@pytest.mark.parametrize("text", ["xkqzjvwp", "qgxvbzkjt", "wfqpzxhk", "zxqjkvbw"])
def test_random_letters_are_unlikely(text: str) -> None:
    assert likelihood([text]) < -6.5


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("a", 1),
        ("ana", 1),
        ("asdf", 4),
        ("qwerty", 6),
        ("1qaz", 4),
        ("12345", 5),
        ("xasdfy", 4),
        ("fred", 2),
        ("pm", 1),
    ],
)
def test_keyboard_walk_counts_straight_neighbours(text: str, length: int) -> None:
    assert keyboard_walk(text) == length


@pytest.mark.parametrize(
    ("run", "letters"),
    [
        ("anna", 4),
        ("johnsmith", 9),
        ("jsmith", 6),
        ("smithj", 6),
        ("garden", 6),
        ("xqzkj", 0),
        ("xqsmithkq", 0),
        ("smithxqz", 5),
    ],
)
def test_known_letters_are_names_words_and_initials(run: str, letters: int) -> None:
    assert known_letters(run) == letters


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Müller", "muller"),
        ("Straße", "strasse"),
        ("Łukasz", "lukasz"),
        ("SØREN", "soren"),
        ("Иван", "иван"),
        ("ana", "ana"),
    ],
)
def test_fold_takes_accents_off_and_leaves_other_scripts(text: str, plain: str) -> None:
    assert fold(text) == plain


@pytest.mark.parametrize(
    ("local", "trailing", "year"),
    [
        ("mark1984", 4, True),
        ("mark84", 2, False),
        ("mark0599", 4, False),
        ("ana01021990", 8, True),
        ("ana123456", 6, False),
    ],
)
def test_trailing_digits_and_years(local: str, trailing: int, year: bool) -> None:
    found = analyse(local)
    assert (found.trailing_digits, found.ends_with_year) == (trailing, year)


@pytest.mark.parametrize(
    ("local", "hexadecimal"),
    [
        ("deadbeef00ff", True),
        ("550e8400-e29b-41d4-a716-446655440000", True),
        ("123456789012", False),
        ("abcdefabcdef", False),
        ("dead00beef", False),
        ("deadbeef00fg", False),
    ],
)
def test_hexadecimal_needs_twelve_digits_of_both_kinds(local: str, hexadecimal: bool) -> None:
    assert analyse(local).hexadecimal is hexadecimal


def test_what_is_not_latin_or_has_no_letters_is_unknown_not_zero() -> None:
    for local in ("иван", "用户", "ana用户", "12345", ""):
        found = analyse(local)
        assert (found.known_share, found.likelihood, found.vowel_share, found.consonant_run) == (None,) * 4, local


def test_entropy_is_in_bits_a_character() -> None:
    assert entropy("aaaa") == 0
    assert entropy("abab") == pytest.approx(1)
    assert entropy("") == 0


def test_repeats_and_alternations() -> None:
    assert (analyse("aaaab").repeated_run, analyse("ana").repeated_run) == (4, 1)
    assert (analyse("a7k2m9").alternations, analyse("ana.84").alternations, analyse("ana").alternations) == (5, 1, 0)


@example("ℌugo-Üxx9²½")
@example("550e8400-e29b-41d4-a716-446655440000")
@given(st.text(st.characters(codec=None)) | st.text("ab01.-é٣", max_size=20) | st.from_regex(r"[0-9a-f-]{10,14}"))
def test_what_is_counted_is_as_its_definition_has_it(text: str) -> None:
    plain, found = fold(text), analyse(text)
    kinds = [character.isdigit() for character in plain if character.isalnum()]
    assert found.digits == sum(character in "0123456789" for character in plain)
    assert found.separators == sum(character in ".-_+" for character in plain)
    assert letter_runs(plain) == tuple(re.findall("[a-z]+", plain))
    assert alternations(plain) == sum(left is not right for left, right in pairwise(kinds))
    assert found.repeated_run == max((len(run[0]) for run in re.finditer(r"(?s)(.)\1*", plain)), default=0)
    hexadecimal = re.fullmatch(r"(?=.*\d)(?=.*[a-f])[0-9a-f]{12,}", plain.replace("-", ""))
    assert found.hexadecimal is (found.digits > 0 and hexadecimal is not None)
    if found.consonant_run is not None:
        assert found.consonant_run == max(map(len, re.findall("[bcdfghjklmnpqrstvwxz]+", plain)), default=0)
        assert found.vowel_share == sum(character in "aeiouy" for character in plain) / found.letters


@given(st.text(st.characters(codec=None), max_size=70))
def test_any_text_can_be_analysed(text: str) -> None:
    found = analyse(text)
    assert found.length == len(text)
    assert found.entropy >= -1e-9
    for share in (found.known_share, found.vowel_share):
        assert share is None or 0 <= share <= 1
